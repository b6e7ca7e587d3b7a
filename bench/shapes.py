"""Measures other shapes of the query beside the main one, and a page deep in a timeline beside its first."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from urllib.parse import parse_qsl, urlencode, urlsplit

from bench import dateline_way
from bench.pages import ratios
from bench.places import AFGHAN
from bench.plan import Found, LeftOut, Plan, Spread, run_module, say, write_paths
from bench.servers import get

WARM, ASKED = 50, 60
COMMON_TYPE = "battle/armed-clash"
# The depth of the goal, or as deep as so many pages can follow.
DEPTH = 100_000
WALKS, PAGES_OF_WALK = 8, 8
FIRST_DAYS = [f"1989-01-{day:02}" for day in range(1, WALKS + 1)]

Asked = Mapping[str, str]
# Names and values of a URL's parameters; a name may stand twice.
Parameters = Mapping[str, str] | Sequence[tuple[str, str]]


def _long_events(one: Asked, other: Asked) -> Parameters:
    """All that touches a single day: first the long events that began before it, which fill the page where many are."""
    return {"from": one["from"], "to": one["from"]}


def _open_beginning(one: Asked, other: Asked) -> Parameters:
    return {name: value for name, value in one.items() if name != "from"}


def _open_end(one: Asked, other: Asked) -> Parameters:
    return {name: value for name, value in one.items() if name != "to"}


def _any_of_two(one: Asked, other: Asked) -> Parameters:
    return {**one, "actor": f"{one['actor']},{other['actor']}"}


def _both_of_two(one: Asked, other: Asked) -> Parameters:
    """Two actors who took part together; without the province, since few events have all three."""
    return [("actor", one["actor"]), ("actor", other["actor"]), ("from", one["from"])]


def _three_provinces(one: Asked, other: Asked) -> Parameters:
    codes = dict.fromkeys((one["province"], other["province"], *(place.code for place in AFGHAN[:3])))
    return {**one, "province": ",".join(list(codes)[:3])}


def _with_type(one: Asked, other: Asked) -> Parameters:
    return {name: value for name, value in one.items() if name != "province"} | {"type": COMMON_TYPE}


# Shapes by their goals: each is made of one main query and another.
SHAPES: Mapping[str, Callable[[Asked, Asked], Parameters]] = {
    "shape/overlap": _long_events,
    "shape/open beginning": _open_beginning,
    "shape/open end": _open_end,
    "shape/any of two actors": _any_of_two,
    "shape/two actors together": _both_of_two,
    "shape/three provinces": _three_provinces,
    "shape/actor and type": _with_type,
}


def shaped(name: str, paths: Sequence[str]) -> list[str]:
    """A query of that shape for each main query but the last."""
    asked = [dict(parse_qsl(urlsplit(path).query)) for path in paths]
    return [f"/v1/events?{urlencode(SHAPES[name](one, other))}" for one, other in pairwise(asked)]


def measure_shapes(plan: Plan) -> Found:
    """Every shape in turn, in one process for each round, no query twice."""
    contender = dateline_way.contender(plan.stores.dateline)
    times: dict[str, list[float]] = {name: [] for name in ("main", *SHAPES)}
    paths = plan.stores.paths
    port = plan.server().port
    found = {
        name: statistics.mean(len(json.loads(get(port, path))["events"]) for path in shaped(name, paths[:9]))
        for name in SHAPES
    }
    for number in range(plan.rounds):
        say(f"shapes, round {number + 1} of {plan.rounds}")
        begin = number * (ASKED + 1) % max(1, len(paths) - ASKED - 1 - WARM)
        own = paths[begin : begin + ASKED + 1]
        blocks = {"main": list(own[:ASKED])} | {name: shaped(name, own) for name in SHAPES}
        # In turn, so that a slow moment meets all shapes.
        in_turn = [path for one_of_each in zip(*blocks.values(), strict=True) for path in one_of_each]
        file = write_paths(plan, "shapes", [*paths[-WARM:], *in_turn])
        [taken] = run_module("bench.in_process", (contender.factory, file, "--each", WARM), contender.variables())
        for place, name in enumerate(blocks):
            times[name].append(statistics.median(taken[place :: len(blocks)]))
    figures: dict[str, Spread] = {name: ratios(times[name], times["main"]) for name in SHAPES}
    lines = [
        f"  {name.removeprefix('shape/'):24}{statistics.median(figure):10,.0f} µs"
        + (f"{found[name]:8.0f} events a page" if name in found else "")
        for name, figure in times.items()
    ]
    notes = {name: f"{found[name]:.0f} events a page" for name in SHAPES}
    return Found(figures, lines, {"microseconds": times, "events_found": found}, notes)


def _walked(port: int, path: str, events: int) -> str:
    """The address of the page that begins after so many events."""
    left = events
    address = path
    while left > 0:
        step = min(1000, left)
        answer = json.loads(get(port, f"{address}&limit={step}&fields=id"))
        if answer["next"] is None:
            raise LeftOut(f"there are fewer than {events:,} events after the first of {path}")
        cursor = dict(parse_qsl(urlsplit(answer["next"]).query))["cursor"]
        address = f"{path}&{urlencode({'cursor': cursor})}"
        left -= step
    return address


def _following(port: int, address: str, count: int) -> list[str]:
    """That many pages, from that address on."""
    pages = [address]
    while len(pages) < count:
        following = json.loads(get(port, pages[-1]))["next"]
        if following is None:
            raise LeftOut(f"there are fewer than {count} pages after {address}")
        pages.append(following)
    return pages


def measure_depth(plan: Plan) -> Found:
    """The first pages of eight timelines of everything, beside as many at the depth. Raises LeftOut."""
    contender = dateline_way.contender(plan.stores.dateline)
    depth = min(DEPTH, (plan.stores.events // 100 - PAGES_OF_WALK - 2) * 100)
    if depth < PAGES_OF_WALK * 100:
        raise LeftOut(f"{plan.stores.events:,} events are too few for a depth")
    say(f"walking to {depth:,} events' depth")
    timelines = [f"/v1/events?{urlencode({'from': day})}" for day in FIRST_DAYS]
    port = plan.server().port
    first = [page for path in timelines for page in _following(port, path, PAGES_OF_WALK)]
    deep = [page for path in timelines for page in _following(port, _walked(port, path, depth), PAGES_OF_WALK)]
    times: dict[str, list[float]] = {"first": [], "deep": []}
    in_turn = [page for two in zip(first, deep, strict=True) for page in two]
    file = write_paths(plan, "depth", [*plan.stores.paths[:WARM], *in_turn])
    for number in range(plan.rounds):
        say(f"depth, round {number + 1} of {plan.rounds}")
        [taken] = run_module("bench.in_process", (contender.factory, file, "--each", WARM), contender.variables())
        times["first"].append(statistics.median(taken[::2]))
        times["deep"].append(statistics.median(taken[1::2]))
    lines = [f"  {name:24}{statistics.median(figures):10,.0f} µs" for name, figures in times.items()]
    return Found(
        {"depth": ratios(times["deep"], times["first"])},
        lines,
        {"depth": depth, "us": times},
        {"depth": f"at {depth:,} events' depth"},
    )
