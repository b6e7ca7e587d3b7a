"""The timeline in periods is that of the reference, for random queries over random stores, on both ways to count."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import Database

from schemas.faults import Refused
from schemas.periods import SHARES, PeriodsQuery
from service import period_counts
from service.app import create_app
from service.database import snapshot
from service.filters import PERIOD_OPTIONS
from service.periods import periods
from service.read_query import read_parts
from service.settings import Settings
from tests import reference_counts
from tests.answers import body
from tests.reference import World
from tests.reference_counts import BUCKETS
from tests.test_timeline_reference import Store, query_string, random_filter, random_interval, random_queries, sound

# The filters whose counts are kept, where one stands alone.
KEPT = ("actor", "province", "country", "type", "status")


@pytest.fixture(params=range(3), ids="store-{}".format)
def store(empty_database: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    # The others are small as well, but asked as a large one is: everywhere, and where more than a few events are.
    monkeypatch.setattr("service.plans.SEARCHED_FROM", (500, -1, 5)[request.param])
    monkeypatch.setattr("service.matching.LOOKED_AT_FIRST", (1000, 0, 10)[request.param])
    return Store(empty_database, random.Random(request.param))


@pytest.fixture
def asking(empty_url: str) -> Iterator[FlaskClient]:
    """A client of the application over the random store."""
    app: Flask = create_app(Settings(database_url=empty_url))
    yield app.test_client()
    database = app.extensions["dateline"]["database"]
    if not database.is_closed():
        database.close()
    if hasattr(database, "close_all"):
        database.close_all()


def asked_in_periods(rng: random.Random, world: World, count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Filters and options: first those whose counts are kept, with many a period, then any."""
    for _ in range(count):
        filters: dict[str, Any] = {}
        if rng.random() < 0.8:
            name = rng.choice(KEPT)
            value = random_filter(rng, name, world)
            filters[name] = [value[0][:1]] if name == "actor" else value[:1]
        if rng.random() < 0.6:
            filters["period"] = rng.choice((random_interval(rng), random_filter(rng, "period", world), "2021-08/2022"))
        yield filters, options(rng)
    for filters, _ in random_queries(rng, world, count):
        if sound(filters) and (filters or rng.random() < 0.5):
            yield filters, options(rng)


def options(rng: random.Random) -> dict[str, Any]:
    chosen: dict[str, Any] = {"bucket": rng.choice((*BUCKETS, "month", "auto"))}
    if rng.random() < 0.6:
        chosen["by"] = rng.choice(SHARES)
    if rng.random() < 0.7:
        chosen["events"] = rng.choice((0, 1, 2, 50))
    return chosen


def in_periods(database: Database, text: str) -> Any:
    """The answer as it is sent, or None where it is refused for its many periods."""
    with snapshot(database):
        filters, chosen = read_parts(database, text.encode(), PERIOD_OPTIONS)
        try:
            return orjson.loads(orjson.dumps(periods(database, PeriodsQuery(filters, **chosen))))
        except Refused as refused:
            assert [fault.code for fault in refused.faults] == ["too-many-periods"]
            return None


def compare(found: Any, world: World, filters: dict[str, Any], asked: dict[str, Any]) -> None:
    """Fails where an answer is not what the reference says."""
    answer = reference_counts.periods(world, filters, asked["bucket"], asked.get("by"))
    if found is None or answer is None:
        assert found is answer
        return
    bucket, expected = answer
    assert found["bucket"] == bucket
    embedded = asked.get("events", 3)
    for period in expected:
        shown = [world.events[event_id] for event_id in period["events"][:embedded]]
        period["events"] = [
            {
                **{name: event[name] for name in ("id", "title", "date", "type", "status")},
                "province": ((event["location"] or {}).get("province") or {}).get("code"),
                "actors": list(dict.fromkeys(actor["id"] for actor in event["actors"])),
            }
            for event in shown
        ]
        if "by" not in asked:
            del period["by"]
    assert [{key: value for key, value in period.items() if key != "more"} for period in found["periods"]] == expected
    assert [period["more"] is not None for period in found["periods"]] == [
        period["count"] > embedded for period in expected
    ]


def test_random_queries_are_answered_in_periods_as_the_reference_does(store: Store) -> None:
    world = store.world()
    for filters, asked in asked_in_periods(store.rng, world, 80):
        text = query_string(filters, **asked)
        try:
            compare(in_periods(store.database, text), world, filters, asked)
        except AssertionError as error:
            raise AssertionError(text) from error


def test_kept_counts_and_counting_give_the_same_answer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    world = store.world()
    used = 0
    kept = period_counts._kept

    def noting(*arguments: Any) -> Any:
        nonlocal used
        found = kept(*arguments)
        used += found is not None
        return found

    for filters, asked in list(asked_in_periods(store.rng, world, 80))[:80]:
        text = query_string(filters, **asked)
        monkeypatch.setattr(period_counts, "_kept", noting)
        by_keeping = in_periods(store.database, text)
        monkeypatch.setattr(period_counts, "_kept", lambda *arguments: None)
        assert in_periods(store.database, text) == by_keeping, text
    assert used > 20, "some of the queries are answered from kept counts"


def test_counts_that_are_kept_follow_replacements(store: Store) -> None:
    for round_number in range(2):
        store.write([*store.rng.sample(store.ids, 20), f"later-{round_number}"])
        store.write_actors()
        world = store.world()
        for filters, asked in list(asked_in_periods(store.rng, world, 20))[:20]:
            compare(in_periods(store.database, query_string(filters, **asked)), world, filters, asked)


def test_more_leads_to_exactly_the_events_of_the_period(store: Store, asking: FlaskClient) -> None:
    world = store.world()
    followed = 0
    for filters, asked in asked_in_periods(store.rng, world, 25):
        asked |= {"events": store.rng.choice((0, 1))}
        answer = reference_counts.periods(world, filters, asked["bucket"])
        if answer is None:
            continue
        found, (_, expected) = body(asking.get(f"/v1/timeline?{query_string(filters, **asked)}")), answer
        shown = list(zip(found["periods"], expected, strict=True))
        for period, wanted in store.rng.sample(shown, min(len(shown), 3)):
            if period["more"] is None:
                continue
            assert parse_qs(urlsplit(period["more"]).query)["period"], "a page of one period"
            page = body(asking.get(period["more"] + "&total=true&limit=1000"))
            assert page["total"] == period["count"], period["more"]
            assert [event["id"] for event in page["events"]] == wanted["events"]
            followed += 1
    assert followed > 50
