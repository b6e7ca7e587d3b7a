"""The benchmark of combinations asks for every filter and every pair of them, and judges what it measures."""

from __future__ import annotations

from itertools import combinations
from urllib.parse import parse_qsl, urlsplit

import pytest

from bench import asked, census, generate
from bench.verdict import Goal, Measured, judge
from service.filters import FILTERS

EVENTS = 2_000
# All of the benchmark's store is recorded at once, so there is no past to ask about.
MEASURED = {name: item for name, item in FILTERS.items() if name != "as_of"}
SEED = 7


@pytest.fixture(scope="module")
def counted() -> census.Census:
    return census.take(generate.actors(), generate.generate(EVENTS))


def names_in(path: str) -> set[str]:
    return {name for name, _ in parse_qsl(urlsplit(path).query)}


def test_no_filter_is_forgotten(counted: census.Census) -> None:
    singles = asked.groups(counted, SEED)["singles"]
    assert MEASURED.keys() <= {name for path in singles for name in names_in(path)}


def test_no_pair_of_filters_is_forgotten(counted: census.Census) -> None:
    pairs = [names_in(path) for path in asked.groups(counted, SEED)["pairs"]]
    assert [pair for pair in combinations(MEASURED, 2) if not any(names.issuperset(pair) for names in pairs)] == []


def test_no_query_is_one_that_the_service_must_refuse(counted: census.Census) -> None:
    for path in [path for group in asked.groups(counted, SEED).values() for path in group]:
        given = dict(parse_qsl(urlsplit(path).query))
        assert "actor" in given or "role" not in given
        assert given.get("from", "")[:4] <= given.get("to", "9999")


def test_each_group_asks_every_query_once_and_the_same_on_each_run(counted: census.Census) -> None:
    groups = asked.groups(counted, SEED)
    assert groups == asked.groups(counted, SEED)
    assert all(len(paths) == len(set(paths)) > 0 for paths in groups.values())


def test_many_at_once_are_three_filters_or_more(counted: census.Census) -> None:
    for parameters in asked.many(asked.choose(counted), counted, 50, SEED):
        assert len(dict(parameters)) >= 3


def test_census_finds_the_events_that_hold_a_value(counted: census.Census) -> None:
    expected = [number for number, event in enumerate(generate.generate(EVENTS)) if "night" in event["tags"]]
    assert list(counted.found["tag"]["night"]) == expected
    assert counted.finds("tag", "night", expected[-1])
    assert not counted.finds("tag", "night", EVENTS)


def test_strangers_are_values_that_one_event_seldom_has_together(counted: census.Census) -> None:
    country, province = census.strangers(counted)["country", "province"]
    assert not province.startswith(country)


@pytest.mark.parametrize(
    ("ratios", "unanswered", "met"),
    [([9.9, 1], 0, True), ([10], 0, True), ([10.1, 1], 0, False), ([10.1], 3, False), ([1], 3, None), ([], 3, None)],
)
def test_a_goal_is_met_when_every_query_is_answered_and_keeps_within(
    ratios: list[float], unanswered: int, met: bool | None
) -> None:
    measured = [Measured("/v1/events", ratio, ratio, ratio, 1.0, 0) for ratio in ratios]
    assert judge(Goal("singles", 10, "ratio"), measured, unanswered)["met"] is met
