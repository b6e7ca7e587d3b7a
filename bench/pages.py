"""Measures the main query by every contender: over HTTP, answered again, not modified, and in process."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from bench import fixed_bytes, queries, report
from bench.contenders import DATELINE, FIXED_ASGI, FIXED_WSGI, USUAL, contenders, ready_made
from bench.plan import Found, Plan, Spread, run_module, say, spread, write_paths
from bench.servers import ANY_PORT, Contender, ask, get, serving
from service.quick_answers import KEPT_BYTES

CHECKED = 20
DIFFERENT, SAME, UNCHANGED = "different queries", "the same query again", "not modified"
# The contenders whose rates are compared with Dateline's, by the goal that says how.
BESIDE = {"main/usual": USUAL, "main/datasette": "datasette", "main/fastapi": "fastapi", "main/django": "django"}

# Workload → contender → what the client measured in each round.
Rounds = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]


class Unequal(Exception):
    """The contenders do not give the same page, so their times say nothing."""


def _ids(events: Sequence[Mapping[str, Any]]) -> list[str]:
    return [event["id"] for event in events]


def _unlike(event: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two answers for one event differ in more than when it was written."""
    names = (event.keys() | other.keys()) - {"created", "updated"}
    return any(event.get(name) != other.get(name) for name in names)


def check_equal(asked: Sequence[Contender], ports: Mapping[str, int], paths: Sequence[str]) -> dict[str, Any]:
    """For a sample of the queries: how many events were compared, and of whom how many had a field that differs.

    Raises Unequal unless all give the 100 events that Dateline gives, in the same order.
    """
    compared = 0
    differing = {each.name: 0 for each in asked if each.name != DATELINE}
    for path in paths[:: max(1, len(paths) // CHECKED)]:
        expected = json.loads(get(ports[DATELINE], path))["events"]
        if len(expected) != queries.PAGE:
            raise Unequal(f"Dateline gave {len(expected)} events for {path}")
        for each in asked:
            given = each.events(json.loads(get(ports[each.name], each.path(path))))
            if _ids(given) != _ids(expected):
                raise Unequal(f"{each.title} and Dateline differ for {path}")
            if each.name in differing:
                differing[each.name] += sum(map(_unlike, given, expected))
        compared += len(expected)
    return {"compared": compared, "differing": differing}


def _drive(plan: Plan, ports: Mapping[str, int], asked: Sequence[Contender], paths: Sequence[str], tag: str) -> Rounds:
    """Drives the servers in turn, round after round, so that a change in the machine's speed meets all."""
    files = {}
    for each in asked:
        own = [each.path(path) for path in paths]
        files[DIFFERENT, each.name] = write_paths(plan, f"different-{each.name}", own)
        files[SAME, each.name] = write_paths(plan, f"same-{each.name}", own[:1])
    for name in (DATELINE, FIXED_ASGI):
        files[UNCHANGED, name] = files[SAME, name]
    extra = {UNCHANGED: ("--header", f"If-None-Match:{tag}", "--status", 304)}
    rounds: dict[str, dict[str, list[Any]]] = {work: defaultdict(list) for work in (DIFFERENT, SAME, UNCHANGED)}
    for number in range(plan.rounds):
        say(f"HTTP, round {number + 1} of {plan.rounds}")
        for (workload, name), file in files.items():
            options = ("--connections", plan.connections, "--seconds", plan.seconds, *extra.get(workload, ()))
            rounds[workload][name].append(run_module("bench.load_client", (ports[name], file, *options)))
    return rounds


def _rates(rounds: Rounds, workload: str, name: str) -> list[float]:
    return [each["requests"] / each["seconds"] for each in rounds[workload][name]]


def ratios(mine: Sequence[float], base: Sequence[float]) -> Spread:
    """How many times one is the other, round by round."""
    return spread([one / other for one, other in zip(mine, base, strict=True)])


def _figures(rounds: Rounds) -> dict[str, Spread]:
    """What the goals are about."""
    different, again = (_rates(rounds, workload, DATELINE) for workload in (DIFFERENT, SAME))
    figures = {
        goal: ratios(different, _rates(rounds, DIFFERENT, name))
        for goal, name in BESIDE.items()
        if name in rounds[DIFFERENT]
    }
    # The faster of the two is the most that is possible.
    for goal, workload, mine in (("main/fixed", DIFFERENT, different), ("again/fixed", SAME, again)):
        wsgi, asgi = (_rates(rounds, workload, name) for name in (FIXED_WSGI, FIXED_ASGI))
        most = [max(two) for two in zip(wsgi, asgi, strict=True)]
        figures[goal] = ratios(mine, most)
        figures[f"{goal}/asgi"] = ratios(mine, asgi)
    unchanged, ready = (_rates(rounds, UNCHANGED, name) for name in (DATELINE, FIXED_ASGI))
    figures["304"] = ratios(unchanged, again)
    figures["304/asgi"] = ratios(unchanged, ready)
    figures["304/server"] = ratios(ready, _rates(rounds, SAME, FIXED_ASGI))
    return figures


def _in_process(plan: Plan, asked: Sequence[Contender], paths: Sequence[str]) -> dict[str, Any]:
    times: dict[str, dict[str, list[float]]] = {work: defaultdict(list) for work in (DIFFERENT, SAME)}
    files = {DIFFERENT: write_paths(plan, "different", paths), SAME: write_paths(plan, "same", paths[:1])}
    for number in range(plan.rounds):
        say(f"in process, round {number + 1} of {plan.rounds}")
        for each in asked:
            arguments = (each.factory, *files.values(), "--seconds", plan.seconds)
            taken = run_module("bench.in_process", arguments, each.variables())
            for workload, microseconds in zip(files, taken, strict=True):
                times[workload][each.name].append(microseconds)
    return {workload: report.summarise(by_name, faster_is_more=False) for workload, by_name in times.items()}


def _http_summary(rounds: Rounds) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for workload, by_contender in rounds.items():
        rates = {name: _rates(rounds, workload, name) for name in by_contender}
        # What the usual way does not do is compared with Dateline's own answers.
        base = {USUAL: rates.get(USUAL) or _rates(rounds, SAME, DATELINE)}
        summary[workload] = report.summarise(base | rates, faster_is_more=True)
        if USUAL not in by_contender:
            del summary[workload][USUAL]
        for name, got in by_contender.items():
            for figure in ("p50_us", "p99_us", "client_share"):
                summary[workload][name][figure] = statistics.median(each[figure] for each in got)
    return summary


def measure(plan: Plan) -> Found:
    """Starts everybody, checks that they give the same, and times them. Raises Unequal or NotServing."""
    paths = plan.stores.paths[: plan.queries]
    asked, left_out = contenders(plan.stores, plan.folder)
    with ExitStack() as running:
        ports = {DATELINE: plan.server().port}
        for each in asked:
            if each.name != DATELINE:
                ports[each.name] = running.enter_context(serving(each, paths[0], plan.folder)).port
        say("asking for every page once")
        pages = {path: get(ports[DATELINE], path) for path in paths}
        fixed_bytes.write_pages(plan.folder / "pages", pages)
        fixed = ready_made(plan.folder / "pages")
        ports |= {each.name: running.enter_context(serving(each, paths[0], plan.folder)).port for each in fixed}
        everybody = [*asked, *fixed]
        say("checking that all give the same events")
        checked = check_equal(everybody, ports, paths)
        tag = ask(ports[DATELINE], paths[0]).headers["etag"]
        rounds = _drive(plan, ports, everybody, paths, tag)
    wsgi = [each for each in everybody if each.name in (USUAL, DATELINE, FIXED_WSGI)]
    titles = {each.name: each.title for each in everybody}
    data = {
        "queries": len(paths),
        "page_bytes": round(statistics.mean(map(len, pages.values()))),
        "checked": checked,
        "contenders": titles,
        "left_out": list(left_out.values()),
        "commands": {each.name: report.shown_command(each.arguments(ANY_PORT)) for each in everybody},
        "http": _http_summary(rounds),
        "in_process": _in_process(plan, wsgi, paths),
    }
    notes = {goal: left_out[name] for goal, name in BESIDE.items() if name in left_out}
    if are_kept(map(len, pages.values())):
        notes |= dict.fromkeys((*BESIDE, "main/fixed"), "kept answers are among them: ask more queries")
    return Found(_figures(rounds), report.page_lines(data), data, notes)


def are_kept(sizes: Iterable[int]) -> bool:
    """Whether Dateline may keep some of these pages until it is asked for them again, one after the other."""
    return sum(sizes) < 1.2 * KEPT_BYTES
