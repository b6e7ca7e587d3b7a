"""How queries are answered: which ranges a plan reads, what it tests in them, and that extremes stay within bounds."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest
from peewee import Database

from schemas.faults import Refused
from schemas.query import TimelineQuery
from service import gazetteer, matching, timeline
from service.actor_store import write_actors
from service.conditions import Carries, LiesIn
from service.database import closing_database, open_database, snapshot
from service.drafts import Draft
from service.event_store import write_events
from service.ledger import store_state
from service.plans import WHOLE, Plan, make_plan
from service.read_query import read_query
from service.spans import EVERY, OPEN_START, Stretch, span_class
from service.terms import ANY, Term, numbers_of
from tests.conftest import event_body
from tests.reference import World, answer


def fill(database: Database, *events: dict[str, Any]) -> None:
    """Store events, and the actors that they name."""
    named = {participant["id"] for event in events for participant in event.get("actors", ())}
    write_actors(database, [{"id": actor, "name": actor} for actor in sorted(named | {"nobody"})], by="test")
    drafts = [Draft(line, event_body(id=f"event-{line}") | event) for line, event in enumerate(events, 1)]
    assert write_events(database, drafts, by="test").rejected == []


def some(count: int, **members: Any) -> list[dict[str, Any]]:
    return [dict(members) for _ in range(count)]


def by(*actors: str) -> list[dict[str, str]]:
    return [{"id": actor} for actor in actors]


def plan(database: Database, **filters: Any) -> Plan:
    return make_plan(database, TimelineQuery(filters))


def number(database: Database, kind: str, value: str) -> int:
    return numbers_of(database, [Term(kind, value)])[Term(kind, value)]


def test_no_filter_reads_the_one_range_of_everything(empty_database: Database) -> None:
    assert plan(empty_database) == Plan(pairs=((ANY, ANY),), stretches=(WHOLE,), lasting=True)


def test_what_no_event_carries_reads_nothing(empty_database: Database) -> None:
    fill(empty_database, *some(2, actors=by("army")))
    assert plan(empty_database, actor=[["nobody"]]).pairs == ()
    assert plan(empty_database, actor=[["army"]], tag=["unheard of"]).pairs == ()
    for filters in ({"tag": ["unheard of"]}, {"actor": [["nobody"]], "province": ["AF-PAN"]}):
        page = timeline.page(empty_database, TimelineQuery(filters, total=True))
        assert (page.documents, page.next, page.total) == (b"", None, 0)


def test_actor_and_province_are_one_range_without_a_test(empty_database: Database) -> None:
    fill(empty_database, *some(3, actors=by("army"), location={"province": "AF-PAN"}))
    found = plan(empty_database, actor=[["army"]], province=["AF-PAN"])
    assert found.pairs == ((number(empty_database, "actor", "army"), number(empty_database, "place", "AF-PAN")),)
    assert found.tests == ()


def test_any_of_several_actors_in_any_of_several_provinces_are_the_ranges_of_each_pair(
    empty_database: Database,
) -> None:
    fill(empty_database, *some(2, actors=by("army", "guard"), location={"province": "AF-PAN"}),
         *some(2, location={"province": "AF-KAB"}))  # fmt: skip
    found = plan(empty_database, actor=[["army", "guard", "nobody"]], province=["AF-PAN", "AF-KAB"])
    assert len(found.pairs) == len(set(found.pairs)) == 4
    assert found.tests == ()


def test_a_name_with_a_great_many_spellings_is_answered_in_any_window(empty_database: Database) -> None:
    spelt = ["A" + "-" * (number // 30) + "Po" + "-" * (number % 30) + "st" for number in range(900)]
    fill(empty_database, *({"sources": [{"publisher": name}]} for name in spelt))
    for window in ({}, {"from": "2021-08-26T10:00", "to": "2021-08-31"}):
        asked = TimelineQuery({"publisher": spelt, **window}, limit=1000, total=True)
        assert timeline.page(empty_database, asked).total == 900


@pytest.mark.parametrize("rarer", ["army", "guard"])
def test_the_rarer_of_two_actors_is_read_and_the_other_probed(empty_database: Database, rarer: str) -> None:
    [common] = {"army", "guard"} - {rarer}
    fill(empty_database, *some(9, actors=by(common)), *some(2, actors=by(rarer)), {"actors": by("army", "guard")})
    found = plan(empty_database, actor=[["army"], ["guard"]])
    assert found.pairs == ((number(empty_database, "actor", rarer), ANY),)
    assert [test.parameters for test in found.tests] == [(number(empty_database, "actor", common),)]
    assert found.expected == 3
    assert not found.counted, "what is probed may not be there"


def test_only_where_much_would_be_tested_the_search_index_is_asked(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each stretch it is counted what stands there under the best pairs, so that a few long events are just read."""
    monkeypatch.setattr("service.plans.SEARCHED_FROM", 3)
    both = {"actors": by("army", "guard")}
    fill(
        empty_database,
        *some(4, date="2021-08-26", **both),
        *some(3, date="2021-08-20/2021-08-26", **both),
        *some(4, date="2021-01-01/2021-08-26", **both),
        {"date": "2021-08-24/2021-08-26", "actors": by("guard")},
    )
    found = plan(empty_database, actor=[["army"], ["guard"]], **{"from": "2021-08-26"})
    assert found.sought is not None
    assert {stretch.span for stretch in found.sought.stretches} == {EVERY, span_class("20210101T0000", "20210826T2359")}
    assert span_class("20210820T0000", "20210826T2359") in {stretch.span for stretch in found.stretches}
    assert len(found.tests) == 1 and found.sought.tests == ()
    page = timeline.page(empty_database, TimelineQuery({"actor": [["army"], ["guard"]], "from": "2021-08-26"}))
    assert len(orjson.loads(b"[" + page.documents + b"]")) == 11
    # Words are told by the search index alone.
    found = plan(empty_database, actor=[["army"]], q="something", **{"from": "2021-08-26"})
    assert found.stretches == ()


def test_few_in_the_stretches_that_are_read_are_sorted_for_a_page_by_last_change(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both actors have more events than are sorted, and few in the window, which says so without counting again."""
    monkeypatch.setattr("service.plans.SEARCHED_FROM", 3)
    monkeypatch.setattr("service.timeline.SORTED_MAX", 5)
    of = {"type": "battle/armed-clash"}
    fill(
        empty_database,
        *some(6, actors=by("army"), date="2020-01-01", **of),
        *some(6, actors=by("guard"), date="2020-01-01", **of),
        *some(9, date="2020-01-01", **of),
        *some(2, actors=by("army"), date="2021-08-26", **of),
        {"actors": by("guard"), "date": "2021-08-26"},
    )
    filters = {"actor": [["army", "guard"]], "type": ["battle/armed-clash"], "from": "2021-08-01", "to": "2021-08-31"}
    found = timeline.plan_page(empty_database, TimelineQuery(filters, sort="-updated"))
    assert (found.sought, found.expected, found.few) == (None, 3, True)


@pytest.mark.parametrize(("most_pairs", "limit", "is_looked_at"), [(2, 10, True), (1, 10, False), (2, 1000, False)])
def test_the_first_events_are_looked_at_where_they_can_fill_the_page(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch, most_pairs: int, limit: int, is_looked_at: bool
) -> None:
    monkeypatch.setattr("service.plans.SEARCHED_FROM", -1)
    monkeypatch.setattr("service.matching.LOOKED_AT_FIRST_PAIRS", most_pairs)
    fill(empty_database, *some(3, actors=by("army", "guard"), tags=["tag"]), *some(4, actors=by("other"), tags=["tag"]))
    looked = []
    add_beginning = matching._add_beginning

    def noting(*given: Any) -> None:
        looked.append(given)
        add_beginning(*given)

    monkeypatch.setattr(matching, "_add_beginning", noting)
    page = timeline.page(empty_database, TimelineQuery({"actor": [["army", "guard"]], "tag": ["tag"]}, limit=limit))
    assert len(orjson.loads(b"[" + page.documents + b"]")) == 3
    assert bool(looked) is is_looked_at


def test_a_rare_tag_is_read_rather_than_a_common_actor_in_a_province(empty_database: Database) -> None:
    common = {"actors": by("army"), "location": {"province": "AF-PAN"}}
    fill(empty_database, *some(20, **common), common | {"tags": ["rare"]})
    found = plan(empty_database, actor=[["army"]], province=["AF-PAN"], tag=["rare"])
    assert found.pairs == ((number(empty_database, "tag", "rare"), ANY),)
    assert len(found.tests) == 2


def test_a_plan_counts_only_what_it_reads_whole(empty_database: Database) -> None:
    fill(empty_database, *some(3, actors=by("army")), {"actors": by("guard"), "date": "2020"})
    assert make_plan(empty_database, TimelineQuery({"actor": [["army"]]}, total=True)).counted
    for filters in ({"from": "2021"}, {"min_killed": 0}, {"actor": [["army", "guard"]]}, {"period": "2021"}):
        assert not make_plan(empty_database, TimelineQuery(filters, total=True)).counted
    assert timeline.page(empty_database, TimelineQuery({"actor": [["army", "guard"]]}, total=True)).total == 4


def test_a_period_cuts_the_stretches_and_drops_the_empty(empty_database: Database) -> None:
    found = plan(empty_database, **{"from": "2021-08-26", "to": "2021-08-31", "period": "2021-09"})
    assert found.stretches == (Stretch(OPEN_START, "20210901", "20210930~"),)
    assert plan(empty_database, period="2021-09").stretches == (Stretch(EVERY, "20210901", "20210930~"),)


def test_certain_reads_one_stretch_and_tests_both_ends(empty_database: Database) -> None:
    found = plan(empty_database, **{"from": "2021-08-26", "to": "2021-08-31", "match": "certain"})
    assert found.stretches == (Stretch(EVERY, "20210826", "20210831~"),)
    assert [test.parameters for test in found.tests] == [("20210826T0000",), ("20210831T2359",)]


def test_more_ranges_than_can_be_merged_are_looked_up_instead(empty_database: Database) -> None:
    units = [unit.code for unit in gazetteer.provinces() if unit.parent is None][:100]
    actors = [f"actor-{step}" for step in range(20)]
    fill(empty_database, *({"actors": by(*actors), "location": {"province": unit}} for unit in units))
    found = plan(empty_database, actor=[actors], province=units)
    # The pairs of both would be 2,000; there are fewer events under the provinces than under the actors.
    assert len(found.pairs) == 100
    assert [len(test.parameters) for test in found.tests] == [20]


def test_tests_too_many_to_repeat_in_each_range_are_made_along_the_whole_timeline(empty_database: Database) -> None:
    actors = [f"actor-{step}" for step in range(100)]
    tags = [f"tag {step}" for step in range(100)]
    fill(empty_database, *({"actors": by(*actors), "tags": tags} for _ in range(2)))
    found = plan(empty_database, actor=[actors], tag=tags)
    assert found.pairs == ((ANY, ANY),)
    assert [len(test.parameters) for test in found.tests] == [100, 100]
    assert len(plan(empty_database, actor=[actors], tag=tags[:20]).pairs) == 20


def everything(database: Database) -> World:
    page = timeline.page(database, TimelineQuery(limit=1000))
    events = orjson.loads(b"[" + page.documents + b"]")
    assert page.next is None
    return World({event["id"]: event for event in events}, {}, {})


def test_the_longest_lists_are_answered(empty_database: Database) -> None:
    """As many names as an address can hold, in the combinations that make the largest statements."""
    rng = random.Random(3)
    units = [unit.code for unit in gazetteer.provinces() if unit.parent is None][:100]
    actors = [f"actor-{step}" for step in range(400)]
    lengths = ("2021-08-26", "2021-08", "2021", "202X", "2021-08-30/..", "../2021-08-20", "2000/2021")
    events = [
        {
            "actors": by(*rng.sample(actors, 40)),
            "location": {"province": rng.choice(units)},
            "date": rng.choice(lengths),
        }
        for _ in range(300)
    ]
    fill(empty_database, *events)
    world = everything(empty_database)
    during = {"from": "2021-08-26T10:00", "to": "2021-08-31"}
    groups = [actors[start : start + 4] for start in range(0, 400, 4)]
    queries: list[dict[str, Any]] = [
        {"actor": [actors[:100]]},
        {"actor": [actors[:100]], **during},
        {"actor": [actors[:100]], "province": units, **during},
        {"actor": [actors[:4]], "province": units},
        {"actor": groups[:3], "province": units},
        {"actor": groups, "province": units},
        {"actor": [actors[start : start + 100] for start in range(0, 400, 100)], "province": units, **during},
    ]
    for filters in queries:
        expected = answer(world, filters)
        for sort in ("date", "-updated"):
            page = timeline.page(empty_database, TimelineQuery(filters, sort=sort, limit=1000, total=True))
            ids = [event["id"] for event in orjson.loads(b"[" + page.documents + b"]")]
            assert sorted(ids) == sorted(expected)
            assert page.total == len(expected)
    assert answer(world, queries[2]), "the queries are not all empty"


def test_more_names_than_a_statement_can_hold_are_refused(empty_database: Database) -> None:
    hundreds = [[f"actor-{step}" for step in range(start, start + 100)] for start in range(0, 1000, 100)]
    fill(empty_database, *({"actors": by(*hundred)} for hundred in hundreds))
    groups = [f"actor={','.join(hundred)}" for hundred in hundreds]
    assert len(read_query(empty_database, "&".join(groups).encode()).filters["actor"]) == 10
    with pytest.raises(Refused) as refused:
        read_query(empty_database, "&".join([*groups, "tag=one-more"]).encode())
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/", "too-many")]


@pytest.mark.parametrize(
    "filters",
    [{"actor": [["army"]]}, {"actor": [["army"], ["guard"]]}, {"tag": ["new"]}, {"tag": ["old", "new"]}, {}],
    ids=str,
)
def test_a_page_within_a_snapshot_shows_one_moment_whatever_is_written_since_its_plan(
    empty_database: Database, empty_url: str, filters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {"actors": by("army", "guard"), "tags": ["old"]}
    fill(empty_database, first)
    other = open_database(empty_url)

    def overtaken(database: Database, asked: TimelineQuery) -> Plan:
        plan = make_plan(database, asked)
        body = event_body(**first | {"id": "since", "tags": ["new"]})
        assert write_events(other, [Draft(1, body)], by="test").created == 1
        return plan

    monkeypatch.setattr(timeline, "make_plan", overtaken)
    before = store_state(empty_database).sequence
    with closing_database(other), snapshot(empty_database):
        store_state(empty_database)  # The first reading is the snapshot's moment.
        page = timeline.page(empty_database, TimelineQuery(filters, total=True))
    ids = [event["id"] for event in orjson.loads(b"[" + page.documents + b"]")]
    assert page.sequence == before
    assert "since" not in ids
    assert page.total == len(ids)


def test_equal_conditions_are_one_key() -> None:
    """A plan keeps what it knows of a condition by the condition itself."""
    assert Carries((Term("tag", "a"),)) == Carries((Term("tag", "a"),))
    assert len({Carries((Term("tag", "a"),)), LiesIn((Term("tag", "a"),))}) == 2
