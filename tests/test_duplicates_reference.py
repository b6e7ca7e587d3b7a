"""The near duplicates that are found are those that comparing each event with each finds, in random small stores.

The reference is written from the documentation alone, over events as answers show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import acos, cos, radians, sin
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peewee import Database

from service import duplicates as search
from service import gazetteer
from service.actor_store import write_actors
from service.database import fetch
from service.duplicates import DuplicatesQuery, duplicates
from tests.reference import Event, World, by_date, organisations, read_date, units
from tests.writing import put

MEMBER_OF = {"army": [], "unit": ["army"], "commander": ["unit"], "rebels": []}
DATES = (
    *("2021-08-25", "2021-08-26", "2021-08-26T10:00", "2021-08-26T23:59Z", "2021-08-27", "2021-08-26~"),
    *("2021-08-24/2021-08-26", "2021-08-26/2021-08-27", "2021-08", "2021", "../2021-08-26", "2021-08-26/.."),
    *("2021-07-26/2021-08-25", "2021-07-26/2021-08-26", "202X"),
)
PROVINCES = ("AF-KAB", "AF-PAN", "FR-IDF", "FR-75C", "FR-92", None)
PRECISIONS = ("exact", "near", "district", "province", "country", None)
POINTS = ((34.5, 69.2), (34.6, 69.3), (34.74, 69.2), (35.9, 69.2), None)


def location(
    province: str | None, country: str | None, point: tuple[float, float] | None, precision: str | None = None
) -> dict[str, Any]:
    found: dict[str, Any] = {"province": province} if province else {"country": country}
    found["precision"] = precision
    return {**found, "latitude": point[0], "longitude": point[1]} if point else found


def figure(low: int | None, more: int) -> list[dict[str, Any]]:
    return [] if low is None else [{"measure": "killed", "low": low, "high": low + more}]


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "date": st.sampled_from(DATES),
            "location": st.none()
            | st.builds(
                location,
                st.sampled_from(PROVINCES),
                st.sampled_from(("AF", "FR", None)),
                st.sampled_from(POINTS),
                st.sampled_from(PRECISIONS),
            ),
            "actors": st.lists(st.sampled_from(tuple(MEMBER_OF)), max_size=2, unique=True),
            "claims": st.builds(figure, st.sampled_from((None, 0, 1, 3, 8)), st.sampled_from((0, 2))),
            "dataset": st.sampled_from(("one", "two", "three")),
        }
    ),
    min_size=2,
    max_size=12,
)
RELATIONS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=3)


# The reference


def time_grade(one: Event, other: Event) -> float:
    here, there = (read_date(each["date"]) for each in (one, other))
    bounds = (here.first, here.last, there.first, there.last)
    days = [moment.date() for moment in bounds if moment]
    known = len(days) == len(bounds)
    long = not known or (days[1] - days[0]).days >= 31 or (days[3] - days[2]).days >= 31
    same = [moment and moment.date() for moment in bounds[:2]] == [moment and moment.date() for moment in bounds[2:]]
    if long and (not same or size_grade(one, other) <= 0.5):
        return 0
    if not known:
        return 0.01
    shared = (min(days[1], days[3]) - max(days[0], days[2])).days + 1
    together = (max(days[1], days[3]) - min(days[0], days[2])).days + 1
    return max(0.01, shared / together * min(1, 7 / together)) if shared > 0 else 0


def place_grade(world: World, one: Event, other: Event) -> float:
    here, there = (each["location"] or {} for each in (one, other))
    provinces = [place.get("province") and place["province"]["code"] for place in (here, there)]
    km = None
    points = [place.get(name) for place in (here, there) for name in ("latitude", "longitude")]
    # Coordinates of a whole province or country are not where something happened.
    if None not in points and {here["precision"], there["precision"]}.isdisjoint(("province", "country")):
        a, b, c, d = (radians(float(degrees or 0)) for degrees in points)
        km = 6371 * acos(min(1, sin(a) * sin(c) + cos(a) * cos(c) * cos(d - b)))
    if all(provinces):
        if provinces[0] not in units(world, other) and provinces[1] not in units(world, one):
            return 0
    elif km is None or km > 25 or not here.get("country") or here["country"] != there.get("country"):
        return 0
    return 0.5 if km is None else 25 / (25 + km)


def actors_grade(world: World, one: Event, other: Event) -> float:
    theirs = [{up for actor in each["actors"] for up in organisations(world, actor["id"])} for each in (one, other)]
    return len(theirs[0] & theirs[1]) / len(theirs[0] | theirs[1]) if all(theirs) else 0


def size_grade(one: Event, other: Event) -> float:
    figures = [each["casualties"].get("killed") for each in (one, other)]
    if None in figures:
        return 0.5
    numbers = [set(range(told["low"], told["high"] + 1)) for told in figures]
    if numbers[0] & numbers[1]:
        whole = max(numbers[0] | numbers[1]) - min(numbers[0] | numbers[1]) + 1
        return 0.5 + 0.5 * len(numbers[0] & numbers[1]) / whole
    smaller, larger = sorted(numbers, key=max)
    ratio = (max(smaller) + 1) / (min(larger) + 1)
    return 0.5 * ratio if ratio >= 0.5 else 0


def pairs_of(world: World, within: bool, linked: bool) -> dict[tuple[str, str], float]:
    """The likeness of every pair, the earlier event first."""
    found = {}
    for one, other in combinations(sorted(world.events.values(), key=by_date), 2):
        if one["dataset"] == other["dataset"] and not within:
            continue
        if not linked and (names(one, other) or names(other, one)):
            continue
        product = (
            time_grade(one, other)
            * place_grade(world, one, other)
            * actors_grade(world, one, other)
            * size_grade(one, other)
        )
        if product:
            found[one["id"], other["id"]] = product**0.25
    return found


def names(one: Event, other: Event) -> bool:
    return any(each["id"] == other["id"] for each in one["related"])


# The comparison


@pytest.fixture
def store(empty_database: Database) -> Database:
    bodies = [{"id": actor, "name": actor.title(), "member_of": above} for actor, above in MEMBER_OF.items()]
    write_actors(empty_database, bodies, by="test")
    return empty_database


def write(database: Database, run: str, events: list[dict[str, Any]], relations: list[tuple[int, int]]) -> None:
    """Write the events of a run, which a tag tells from those of others."""
    bodies = [
        {
            **event,
            "id": f"{run}-{number:02}",
            "title": "Something happened",
            "actors": [{"id": actor} for actor in event["actors"]],
            "tags": [run],
            "related": [
                {"id": f"{run}-{to % len(events):02}", "relation": "follows"}
                for start, to in dict.fromkeys(relations)
                if start == number and to % len(events) != number
            ],
        }
        for number, event in enumerate(events)
    ]
    report = put(database, *bodies)
    assert report.rejected == []


def world_of(database: Database, run: str | None) -> World:
    documents = [orjson.loads(text) for (text,) in fetch(database, "SELECT document FROM event_document")]
    events: Mapping[str, Event] = {event["id"]: event for event in documents if run is None or run in event["tags"]}
    codes = {code for code in PROVINCES if code}
    return World(events, MEMBER_OF, {code: next(iter(gazetteer.ancestors(code)), None) for code in codes})


def compare(database: Database, run: str | None, within: bool, linked: bool) -> int:
    filters = {} if run is None else {"tag": [run]}
    found = duplicates(database, DuplicatesQuery(filters, 100_000, within, linked))
    expected = pairs_of(world_of(database, run), within, linked)
    scores = {tuple(told["id"] for told in pair["events"]): pair["score"] for pair in found["pairs"]}
    assert scores.keys() == expected.keys()
    assert all(abs(score - expected[pair]) < 0.0006 for pair, score in scores.items())
    ranked = [(-pair["score"], *(by_date(told) for told in pair["events"])) for pair in found["pairs"]]
    assert ranked == sorted(ranked)
    assert found["total"] == len(scores)
    return len(scores)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(EVENTS, RELATIONS, st.booleans(), st.booleans(), st.sampled_from((1, 3, 5000)))
def test_pairs_are_those_of_comparing_each_with_each(
    store: Database,
    events: list[dict[str, Any]],
    relations: list[tuple[int, int]],
    within: bool,
    linked: bool,
    batch: int,
) -> None:
    [(sequence,)] = fetch(store, "SELECT sequence FROM store")
    run = f"run-{sequence}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "BATCH", batch)
        write(store, run, events, relations)
        compare(store, run, within, linked)


def test_a_store_of_every_kind_of_date_and_place_has_the_pairs_of_the_reference(store: Database) -> None:
    kinds: list[tuple[str, str | None, tuple[float, float] | None]] = [
        (when, where, None) for when in DATES for where in PROVINCES
    ]
    kinds += [(when, None, where) for when in DATES for where in POINTS]
    kinds += [(when, "AF-KAB", where) for when in DATES for where in POINTS]
    events = [
        {
            "date": when,
            "location": location(province, "AF", point, PRECISIONS[number % 7 % 6]),
            "actors": [tuple(MEMBER_OF)[number % 4]],
            "claims": figure((None, 0, 1, 3, 8)[number % 5], number % 3),
            "dataset": ("one", "two", "three")[number % 3],
        }
        for number, (when, province, point) in enumerate(kinds)
    ]
    write(store, "all", events, [])
    assert compare(store, None, within=False, linked=False) > 100
