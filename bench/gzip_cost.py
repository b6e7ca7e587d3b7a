"""Measures what it costs to have a page compressed, beside the page itself."""

from __future__ import annotations

import statistics
from typing import Any

from bench import dateline_way
from bench.pages import ratios
from bench.plan import Found, Plan, run_module, say, write_paths
from bench.servers import ask

WARM, ASKED = 50, 200
GZIP = "Accept-Encoding:gzip"


def measure(plan: Plan) -> Found:
    """In process new pages, every second of them compressed; over HTTP the same page again, both ways."""
    contender = dateline_way.contender(plan.stores.dateline)
    paths = plan.stores.paths
    each: dict[str, list[float]] = {"plain": [], "gzip": []}
    again: dict[str, list[Any]] = {"plain": [], "gzip": []}
    same = write_paths(plan, "gzip-same", paths[:1])
    forms: dict[str, tuple[str, ...]] = {"plain": (), "gzip": ("--header", GZIP)}
    port = plan.server().port
    packed = len(ask(port, paths[0], {"Accept-Encoding": "gzip"}).body)
    for number in range(plan.rounds):
        say(f"gzip, round {number + 1} of {plan.rounds}")
        begin = number * ASKED % max(1, len(paths) - WARM - ASKED)
        file = write_paths(plan, "gzip", [*paths[-WARM:], *paths[begin : begin + ASKED]])
        alternately = ("--each", WARM, "--alternately", GZIP)
        [times] = run_module("bench.in_process", (contender.factory, file, *alternately), contender.variables())
        each["plain"].append(statistics.median(times[::2]))
        each["gzip"].append(statistics.median(times[1::2]))
        for form, header in forms.items():
            options = ("--connections", plan.connections, "--seconds", plan.seconds, *header)
            again[form].append(run_module("bench.load_client", (port, same, *options)))
    added = [gzip - plain for gzip, plain in zip(each["gzip"], each["plain"], strict=True)]
    rates = {form: [got["requests"] / got["seconds"] for got in answers] for form, answers in again.items()}
    figures = {"gzip": ratios(added, each["plain"]), "gzip/again": ratios(rates["gzip"], rates["plain"])}
    middle = {form: statistics.median(times) for form, times in each.items()}
    lines = [
        f"  asked for the first time, in process: {middle['plain']:,.0f} µs plain, {middle['gzip']:,.0f} µs with gzip",
        f"  the same page again over HTTP: {statistics.median(rates['plain']):,.0f} requests/s plain, "
        f"{statistics.median(rates['gzip']):,.0f} with gzip",
        f"  a page compressed: {packed:,} bytes",
    ]
    return Found(figures, lines, {"microseconds": each, "rates": rates, "packed_bytes": packed})
