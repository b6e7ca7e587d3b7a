"""Measures whether a page takes longer in a store of many events than in a small one, in process."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench import dateline_way
from bench.pages import ratios
from bench.plan import Found, LeftOut, Plan, Spread, run_module, say, spread, write_paths

WARM, ASKED = 50, 300


def measure(plan: Plan) -> Found:
    """Asks each store different main queries, none of them twice in a process but for the second pass.

    Raises LeftOut where the store is too small for a smaller one.
    """
    stores = plan.stores
    if stores.small == stores.events:
        raise LeftOut(f"{stores.events:,} events are too few for a smaller store beside them")
    sizes = {stores.small: (stores.small_dateline, stores.small_paths), stores.events: (stores.dateline, stores.paths)}
    first: dict[int, list[float]] = {size: [] for size in sizes}
    again: dict[int, list[float]] = {size: [] for size in sizes}
    for number in range(plan.rounds):
        say(f"scale, round {number + 1} of {plan.rounds}")
        for size, (database, paths) in sizes.items():
            file = write_paths(plan, f"scale-{size}", _of_round(paths, number))
            contender = dateline_way.contender(database)
            passes = run_module(
                "bench.in_process", (contender.factory, file, "--each", WARM, "--passes", 2), contender.variables()
            )
            for kept, times in zip((first, again), passes, strict=True):
                kept[size].append(statistics.median(times))
    figures = {
        "scale": ratios(again[stores.events], again[stores.small]),
        "scale/first": ratios(first[stores.events], first[stores.small]),
    }
    lines = [f"  {size:>11,} events{_shown(spread(first[size]), spread(again[size]))}" for size in sizes]
    heading = f"  {'':18}{'first time, µs':>16}{'again, µs':>12}   (in process, {ASKED} different queries)"
    data = {"first_us": first, "again_us": again, "small": stores.small}
    note = f"{stores.small:,} -> {stores.events:,} events"
    return Found(figures, [heading, *lines], data, {name: note for name in figures})


def _of_round(paths: Sequence[str], number: int) -> Sequence[str]:
    """The queries of a round: others than those of the rounds before, as far as there are others."""
    begin = number * ASKED % max(1, len(paths) - WARM - ASKED)
    return [*paths[-WARM:], *paths[begin : begin + ASKED]]


def _shown(one: Spread, other: Spread) -> str:
    return f"{one.median:16,.0f}{other.median:12,.0f}"
