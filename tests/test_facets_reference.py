"""The counts of facets are those of the reference, and what their values find as one more filter."""

from __future__ import annotations

import random
from typing import Any

import pytest
from peewee import Database

from service import timeline
from service.facets import facets, read_facets
from service.filters import FACET_SIZE_MAX, FACETS
from service.read_query import read_query
from tests import reference_counts
from tests.reference import World, answer
from tests.reference_counts import letters
from tests.test_timeline_reference import Store, query_string, random_queries, sound

# Several spellings of one name, also within one event; names that have no letters; a name that begins as another does.
PUBLISHERS = ("Reuters", "REUTERS", "Réuters", "RT", "R.T.", "RT News", "—", "…", "新华社", "P & Q + R")
# From how many events on the search index is asked: as it is, always, and in some stretches.
SEARCHED_FROM = (500, -1, 5)


@pytest.fixture(params=enumerate(SEARCHED_FROM), ids=("as it is", "always searched", "mixed"))
def store(empty_database: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    seed, searched_from = request.param
    monkeypatch.setattr("service.plans.SEARCHED_FROM", searched_from)
    monkeypatch.setattr("tests.test_timeline_reference.PUBLISHERS", PUBLISHERS)
    return Store(empty_database, random.Random(seed))


def spelt(world: World, filters: dict[str, Any]) -> dict[str, Any]:
    """The filters as the reference takes them: every spelling of the publishers that are asked for."""
    if "publisher" not in filters:
        return filters
    asked = {letters(name) for name in filters["publisher"]}
    known = {source["publisher"] for event in world.events.values() for source in event["sources"]}
    return {**filters, "publisher": [name for name in known if letters(name) in asked]}


def counted(
    database: Database, filters: dict[str, Any], **options: Any
) -> tuple[dict[str, list[tuple[str, int]]], int]:
    """The values and counts of each facet, and the total."""
    found = facets(database, read_facets(database, query_string(filters, **options).encode()))
    shown = {facet: [(each["value"], each["count"]) for each in values] for facet, values in found["facets"].items()}
    return shown, found["total"]


def compare(store: Store, count: int) -> None:
    """Fails at the first of ``count`` random queries whose facets are not what the reference says."""
    world, rng = store.world(), store.rng
    for filters, _ in random_queries(rng, world, count):
        if not sound(filters):
            continue
        by = rng.sample(FACETS, rng.choice((1, 1, 2, len(FACETS))))
        size = rng.choice((1, 3, 20, FACET_SIZE_MAX))
        expected = reference_counts.facets(world, spelt(world, filters), by)
        total = len(answer(world, spelt(world, filters)))
        shown = {facet: values[:size] for facet, values in expected.items()}
        found = counted(store.database, filters, by=",".join(by), size=size)
        assert found == (shown, total), query_string(filters, by=",".join(by), size=size)
        assert list(found[0]) == by


def test_random_queries_are_counted_as_the_reference_does(store: Store) -> None:
    compare(store, 150)


def test_queries_after_replacements_are_counted_as_the_reference_does(store: Store) -> None:
    store.write([*store.rng.sample(store.ids, 30), "later-1", "later-2"])
    store.write_actors()
    compare(store, 30)


def test_what_the_tally_has_is_what_the_events_have(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for filters in ({}, {"actor": [["army"]]}, {"province": ["AF-KAB"]}, {"country": ["FR"]}, {"type": ["battle"]}):
        for facet in FACETS:
            found = counted(store.database, filters, by=facet, size=FACET_SIZE_MAX)
            with monkeypatch.context() as patched:
                patched.setattr("service.facets._kept", lambda *asked: False)
                assert found == counted(store.database, filters, by=facet, size=FACET_SIZE_MAX)
            assert found[0][facet], "it says something"


def test_a_count_is_what_the_value_finds_as_one_more_filter(store: Store) -> None:
    asked = 0
    for filters, _ in random_queries(store.rng, store.world(), 10):
        if not sound(filters):
            continue
        # A list that is given already would need an "and" that only the parameter actor has.
        by = [facet for facet in FACETS if facet not in filters or facet == "actor"]
        found, _ = counted(store.database, filters, by=",".join(by), size=8)
        for facet, values in found.items():
            for value, count in values:
                address = "&".join(
                    part
                    for part in (query_string(filters), query_string({facet: reference_counts.one_more(facet, value)}))
                    if part
                )
                page = timeline.page(
                    store.database, read_query(store.database, f"{address}&total=true&limit=1".encode())
                )
                assert page.total == count, address
                asked += 1
    assert asked > 100
