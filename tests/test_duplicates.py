"""Near duplicates across datasets: what makes a pair, what does not, in which order, at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from peewee import Database

from service import duplicates as search
from service.actor_store import write_actors
from service.duplicates import DuplicatesQuery, duplicates
from service.under_way import UnderWay
from tests.clock import Clock
from tests.statements import sent_to
from tests.writing import claim, delete_event, put

KABUL, PANJSHIR = {"province": "AF-KAB"}, {"province": "AF-PAN"}


@pytest.fixture
def store(empty_database: Database) -> Iterator[Database]:
    """A store of no events and a few actors; a commander of a unit of the army is two steps from the army."""
    write_actors(
        empty_database,
        [
            {"id": "army", "name": "Army"},
            {"id": "unit", "name": "Unit", "member_of": ["army"]},
            {"id": "commander", "name": "Commander", "kind": "person", "member_of": ["unit"]},
            {"id": "rebels", "name": "Rebels"},
        ],
        by="test",
    )
    yield empty_database


def killed(low: int, high: int | None = None) -> list[dict[str, Any]]:
    return [claim(best=None, low=low, high=low if high is None else high)]


def event(event_id: str, dataset: str, actors: tuple[str, ...] = ("army",), **members: Any) -> dict[str, Any]:
    """An event in Kabul on a day of August, and what a test changes of it."""
    return {
        "id": event_id,
        "title": f"Event {event_id}",
        "date": "2021-08-26",
        "location": KABUL,
        "actors": [{"id": actor} for actor in actors],
        "dataset": dataset,
        **members,
    }


def write(database: Database, *bodies: dict[str, Any]) -> None:
    report = put(database, *bodies)
    assert report.rejected == []


def pair_of(database: Database, one: dict[str, Any], other: dict[str, Any]) -> Any:
    """What is found of two events, in datasets of their own; None where they are no pair."""
    write(database, event("a", "left", **one), event("b", "right", **other))
    found = ask(database)
    assert found["total"] == len(found["pairs"]) <= 1
    return next(iter(found["pairs"]), None)


def ask(database: Database, limit: int = 100, **options: Any) -> dict[str, Any]:
    return duplicates(database, DuplicatesQuery(**{"filters": {}, "limit": limit, **options}))


def ids(found: dict[str, Any]) -> list[str]:
    return [" ".join(told["id"] for told in pair["events"]) for pair in found["pairs"]]


def kinds(pair: Any) -> dict[str, str]:
    return {reason["reason"]: reason["kind"] for reason in pair["reasons"]}


# What makes a pair


def test_a_pair_is_told_with_all_four_reasons(store: Database) -> None:
    pair = pair_of(
        store, {"claims": killed(13, 183), "actors": ("army", "rebels")}, {"claims": killed(170), "actors": ("rebels",)}
    )
    assert pair["words"] == "both on 2021-08-26; both in AF-KAB; share rebels; 13 to 183 and 170 killed"
    assert kinds(pair) == {"time": "same-day", "place": "same-province", "actors": "shared-actors", "size": "overlap"}
    assert pair["events"] == [
        {"id": "a", "version": 1, "title": "Event a", "date": "2021-08-26", "dataset": "left"},
        {"id": "b", "version": 1, "title": "Event b", "date": "2021-08-26", "dataset": "right"},
    ]
    by_reason = {reason["reason"]: reason for reason in pair["reasons"]}
    assert by_reason["actors"]["actors"] == ["rebels"]
    assert by_reason["size"]["killed"] == [{"low": 13, "high": 183}, {"low": 170, "high": 170}]
    assert by_reason["time"]["from"] == by_reason["time"]["to"] == "2021-08-26"
    assert by_reason["place"]["provinces"] == ["AF-KAB", "AF-KAB"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"date": "2021-08-27"}),
        ({}, {"location": PANJSHIR}),
        ({}, {"actors": ("rebels",)}),
        ({"claims": killed(4)}, {"claims": killed(40)}),
        ({"claims": killed(0)}, {"claims": killed(2)}),
        ({}, {"location": None}),
        ({}, {"location": {"country": "AF"}}),
        ({"location": {"country": "AF"}}, {"location": {"country": "AF"}}),
        ({"location": None}, {"location": None}),
        ({"actors": ()}, {"actors": ()}),
        ({}, {"actors": ()}),
    ],
    ids=str,
)
def test_what_misses_one_reason_is_no_pair(store: Database, one: Any, other: Any) -> None:
    assert pair_of(store, one, other) is None


@pytest.mark.parametrize(
    ("one", "other", "kind", "words"),
    [
        ("2021-08-26", "2021-08-26", "same-day", "both on 2021-08-26"),
        ("2021-08-26", "2021-08-26T23:59", "same-day", "both on 2021-08-26"),
        ("2021-08-26T00:30", "2021-08-26T23:59", "same-day", "both on 2021-08-26"),
        # Days are those of the place where it happened, whatever the offset.
        ("2021-08-26T00:30+04:30", "2021-08-26T23:59Z", "same-day", "both on 2021-08-26"),
        ("2021-08-26~", "2021-08-26?", "same-day", "both on 2021-08-26"),
        ("2021-08-24/2021-08-26", "2021-08-26", "overlap", "both cover 2021-08-26"),
        ("2021-08-26", "2021-08-26/2021-08-28", "overlap", "both cover 2021-08-26"),
        ("2021-08-20/2021-08-25", "2021-08-24/2021-08-28", "overlap", "both cover 2021-08-24 to 2021-08-25"),
        ("2021-08-20/2021-08-25", "2021-08-20/2021-08-25", "same-days", "both from 2021-08-20 to 2021-08-25"),
        ("2021-08", "2021-08-26", "overlap", "both cover 2021-08-26"),
    ],
)
def test_times_that_touch_are_a_reason(store: Database, one: str, other: str, kind: str, words: str) -> None:
    pair = pair_of(store, {"date": one}, {"date": other})
    assert (kinds(pair)["time"], pair["reasons"][0]["words"]) == (kind, words)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2021-08-26T23:59", "2021-08-27T00:00"),
        # One moment, but of two days by the clocks where it is said to have happened.
        ("2021-08-26T20:30Z", "2021-08-27T01:00+04:30"),
        ("2021-08-20/2021-08-25", "2021-08-26"),
        ("2021", "2021-08-26"),
        ("2021-07-01/2021-08-26", "2021-08-26"),
        ("../2021-08-26", "2021-08-26"),
        ("2021-08-26/..", "2021-08-26"),
        ("2021-08-26/..", "2021-08-27/.."),
        ("2021", "2021-01/2021-11"),
        ("../2021-08-26", "2021-08-26/.."),
    ],
)
def test_times_that_do_not_touch_or_say_too_little_are_none(store: Database, one: str, other: str) -> None:
    assert pair_of(store, {"date": one, "claims": killed(3)}, {"date": other, "claims": killed(3)}) is None


@pytest.mark.parametrize("date", ["2021", "202X", "../2021-08-26", "2021-08-26/..", "2020-01-15/2021-08-26"])
@pytest.mark.parametrize(
    ("one", "other", "paired"),
    [
        (killed(3, 5), killed(4), True),
        (killed(3), killed(4), False),
        (killed(3), [], False),
        ([], [], False),
    ],
)
def test_long_and_open_times_go_with_the_very_same_and_agreeing_numbers_alone(
    store: Database, date: str, one: Any, other: Any, paired: bool
) -> None:
    pair = pair_of(store, {"date": date, "claims": one}, {"date": date, "claims": other})
    assert (pair is not None) == paired


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("2021", "both from 2021-01-01 to 2021-12-31"),
        ("../2021-08-26", "both until 2021-08-26"),
        ("2021-08-26/..", "both from 2021-08-26 on"),
    ],
)
def test_long_and_open_times_have_words_and_are_unlikely(store: Database, date: str, words: str) -> None:
    pair = pair_of(store, {"date": date, "claims": killed(3)}, {"date": date, "claims": killed(3)})
    assert pair["reasons"][0]["words"] == words
    assert pair["score"] < 0.4


def test_a_long_time_that_began_on_a_day_keeps_nothing_of_that_day_apart(store: Database) -> None:
    write(
        store,
        event("a", "left", date="2021-08-01/.."),
        event("b", "left", date="2021-08-26"),
        event("c", "right", date="2021-08-26"),
    )
    assert ids(ask(store)) == ["b c"]


def point(latitude: float, longitude: float, **members: Any) -> dict[str, Any]:
    return {"country": "AF", "latitude": latitude, "longitude": longitude, **members}


@pytest.mark.parametrize(
    ("one", "other", "kind", "words"),
    [
        ({"province": "FR-75C"}, {"province": "FR-IDF"}, "province-within", "FR-75C is part of FR-IDF"),
        ({"province": "FR-IDF"}, {"province": "FR-75C"}, "province-within", "FR-75C is part of FR-IDF"),
        ({"province": "FR-75C"}, {"province": "FR-75C"}, "same-province", "both in FR-75C"),
        # A degree of latitude is 111 km.
        (point(34.5, 69.0), point(34.7, 69.0), "near", "both in AF, 22 km apart"),
        (point(34.49, 69.0, **KABUL), point(34.51, 69.0), "near", "both in AF, 2 km apart"),
        (point(34.51, 69.0), point(34.49, 69.0, **KABUL), "near", "both in AF, 2 km apart"),
        (point(34.5, 69.0, **KABUL), point(35.5, 69.0, **KABUL), "same-province", "both in AF-KAB, 111 km apart"),
        (point(-17.5, 179.99, country="FJ"), point(-17.5, -179.99, country="FJ"), "near", "both in FJ, 2 km apart"),
    ],
)
def test_places_that_are_one_or_near_are_a_reason(store: Database, one: Any, other: Any, kind: str, words: str) -> None:
    pair = pair_of(store, {"location": one}, {"location": other})
    assert (kinds(pair)["place"], pair["reasons"][1]["words"]) == (kind, words)


def test_the_middle_of_a_province_says_no_more_than_the_province(store: Database) -> None:
    middle = point(34.5, 69.0, precision="province", **KABUL)
    pair = pair_of(store, {"location": middle}, {"location": middle})
    assert pair["reasons"][1]["words"] == "both in AF-KAB"
    assert pair["reasons"][1]["kilometres"] is None
    assert pair == {**pair_of(store, {"location": KABUL}, {"location": KABUL}), "events": pair["events"]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"province": "FR-75C"}, {"province": "FR-92"}),
        (point(34.5, 69.0), point(34.8, 69.0)),
        (point(34.5, 69.0), point(34.5, 69.0, country="PK")),
        (point(34.5, 69.0), point(34.5, 69.0, country=None)),
        (point(34.5, 69.0), KABUL),
        # The middle of a country is not where something happened.
        (point(34.5, 69.0, precision="country"), point(34.5, 69.0, precision="near")),
        (point(34.5, 69.0), point(34.5, 69.0, precision="province", **KABUL)),
        # Each has a province, so that coordinates on both sides of a border are not two words for one place.
        (point(34.5, 69.0, **KABUL), point(34.5, 69.0, **PANJSHIR)),
    ],
    ids=str,
)
def test_places_that_are_neither_one_nor_near_are_none(store: Database, one: Any, other: Any) -> None:
    assert pair_of(store, {"location": one}, {"location": other}) is None


def test_a_member_of_an_organisation_is_shared_with_it_over_any_steps(store: Database) -> None:
    pair = pair_of(store, {"actors": ("commander",)}, {"actors": ("army", "rebels")})
    assert pair["reasons"][2] == {
        "reason": "actors",
        "kind": "shared-actors",
        "actors": ["army"],
        "words": "share army",
    }


def test_a_membership_that_ends_ends_the_pair(store: Database) -> None:
    assert pair_of(store, {"actors": ("commander",)}, {})
    write_actors(store, [{"id": "unit", "name": "Unit", "member_of": []}], by="test")
    assert ids(ask(store)) == []


@pytest.mark.parametrize(
    ("one", "other", "kind", "words"),
    [
        (killed(7), killed(7), "same-killed", "both 7 killed"),
        (killed(7, 9), killed(9, 12), "overlap", "7 to 9 and 9 to 12 killed"),
        (killed(0), killed(1), "close", "0 and 1 killed"),
        (killed(1), killed(3), "close", "1 and 3 killed"),
        (killed(10), killed(21), "close", "10 and 21 killed"),
        (killed(7), [], "unknown", "killed told by one alone"),
        ([], killed(0), "unknown", "killed told by one alone"),
        ([], [], "unknown", "killed told by neither"),
    ],
)
def test_numbers_that_do_not_contradict_each_other_are_a_reason(
    store: Database, one: Any, other: Any, kind: str, words: str
) -> None:
    pair = pair_of(store, {"claims": one}, {"claims": other})
    assert (kinds(pair)["size"], pair["reasons"][3]["words"]) == (kind, words)


@pytest.mark.parametrize(("one", "other"), [(10, 22), (10, 100), (0, 2), (1, 4), (1000, 2003)])
def test_numbers_more_than_twice_as_large_are_none(store: Database, one: int, other: int) -> None:
    assert pair_of(store, {"claims": killed(one)}, {"claims": killed(other)}) is None


# Which comes first


@pytest.mark.parametrize(
    ("likelier", "less_likely"),
    [
        ({"date": "2021-08-26"}, {"date": "2021-08-26/2021-08-28"}),
        ({"date": "2021-08-26/2021-08-28"}, {"date": "2021-08"}),
        ({"actors": ("army",)}, {"actors": ("army", "rebels")}),
        ({"claims": killed(7)}, {"claims": killed(7, 9)}),
        ({"claims": killed(7, 9)}, {"claims": []}),
        ({"claims": []}, {"claims": killed(8)}),
        ({"location": point(34.5, 69.0, **KABUL)}, {"location": point(34.6, 69.0, **KABUL)}),
        ({"location": point(34.6, 69.0, **KABUL)}, {"location": KABUL}),
    ],
    ids=str,
)
def test_what_is_more_alike_is_likelier(store: Database, likelier: Any, less_likely: Any) -> None:
    base: dict[str, Any] = {"location": point(34.5, 69.0, **KABUL), "claims": killed(7)}
    scores = []
    for members in (likelier, less_likely):
        write(store, event("a", "left", **base), event("b", "right", **{**base, **members}))
        scores += [pair["score"] for pair in ask(store)["pairs"]]
    assert scores[0] > scores[1] > 0


def test_alike_in_everything_is_one(store: Database) -> None:
    same = {"location": point(34.5, 69.0, **KABUL), "claims": killed(7)}
    assert pair_of(store, same, same)["score"] == 1


def test_the_likeliest_come_first_then_the_earliest_and_no_more_than_asked_for(store: Database) -> None:
    for day, one, other in (("2021-08-28", "a", "b"), ("2021-08-27", "c", "d"), ("2021-08-29", "e", "f")):
        figures = killed(3) if one == "e" else []
        write(
            store,
            event(one, "left", date=day, claims=figures),
            event(other, "right", date=day, claims=figures),
        )
    assert ids(ask(store)) == ["e f", "c d", "a b"]
    found = ask(store, limit=2)
    assert (ids(found), found["total"]) == (["e f", "c d"], 3)


def test_the_event_that_is_earlier_on_the_timeline_comes_first_in_its_pair(store: Database) -> None:
    write(store, event("z", "left", date="2021-08-25/2021-08-26"), event("a", "right"), event("b", "third"))
    assert sorted(ids(ask(store))) == ["a b", "z a", "z b"]


# Datasets, relations, deletions, filters


def test_three_datasets_make_three_pairs(store: Database) -> None:
    write(store, event("a", "one"), event("b", "two"), event("c", "three"), event("d", "three"))
    assert ids(ask(store)) == ["a b", "a c", "a d", "b c", "b d"]
    assert ids(ask(store, within_datasets=True)) == ["a b", "a c", "a d", "b c", "b d", "c d"]


@pytest.mark.parametrize("relation", ["same-as", "contradicts", "follows", "causes", "part-of"])
@pytest.mark.parametrize(("start", "end"), [("a", "b"), ("b", "a")])
def test_a_pair_that_is_related_in_any_way_is_left_out_unless_wanted(
    store: Database, relation: str, start: str, end: str
) -> None:
    write(store, event("a", "left"), event("b", "right"), event("c", "left", location=PANJSHIR))
    related = [{"id": "c", "relation": "same-as"}, {"id": end, "relation": relation}]
    write(store, event(start, "left" if start == "a" else "right", related=related))
    found = ask(store)
    assert (found["pairs"], found["total"]) == ([], 0)
    [pair] = ask(store, linked=True)["pairs"]
    assert pair["related"] == [{"id": start, "to": end, "relation": relation}]


def test_a_relation_to_another_event_leaves_the_pair(store: Database) -> None:
    title = 'It says "related":[{"id":"b","relation":"same-as"}]'
    write(store, event("c", "left", location=PANJSHIR), event("b", "right"))
    write(store, event("a", "left", title=title, related=[{"id": "c", "relation": "same-as"}]))
    assert [pair["related"] for pair in ask(store)["pairs"]] == [[]]


def test_related_pairs_take_no_place_from_others(store: Database) -> None:
    write(store, *(event(name, "left", claims=killed(3)) for name in ("a", "b", "c")))
    related = [{"id": name, "relation": "same-as"} for name in ("a", "b", "c")]
    write(store, event("z", "right", claims=killed(3), related=related), event("d", "left"))
    found = ask(store, limit=1)
    assert (ids(found), found["total"]) == (["d z"], 1)


def test_a_deleted_event_is_in_no_pair(store: Database) -> None:
    assert pair_of(store, {}, {})
    delete_event(store, "b")
    assert ids(ask(store)) == []


def test_both_events_of_a_pair_match_the_filters(store: Database) -> None:
    write(store, event("a", "one"), event("b", "two", tags=["x"]), event("c", "three", tags=["x"]))
    assert ids(ask(store, filters={"tag": ["x"]})) == ["b c"]
    assert ids(ask(store, filters={"dataset": ["one", "three"]})) == ["a c"]
    assert ids(ask(store, filters={"from": "2021-08-27"})) == []
    assert len(ids(ask(store, filters={"province": ["AF-KAB"], "actor": [["army"]], "from": "2021-08"}))) == 3
    assert ids(ask(store, filters={"q": "b OR a", "min_killed": 0})) == []


@pytest.mark.parametrize("batch", [1, 5000])
def test_what_was_known_at_a_time_has_its_own_pairs(
    store: Database, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(search, "BATCH", batch)
    # Later than the actors were written: times never go back.
    clock = Clock.at("2100-01-01T00:00:00.000Z")
    monkeypatch.setattr("service.ledger.time", clock)
    write(store, event("a", "left", title="As it was"), event("b", "right"))
    clock.move(minutes=5)
    write(store, event("a", "left", related=[{"id": "b", "relation": "same-as"}]))
    delete_event(store, "b")
    found = ask(store, filters={"as_of": "2100-01-01T00:01:00.000Z"})
    assert [told["title"] for pair in found["pairs"] for told in pair["events"]] == ["As it was", "Event b"]
    assert ask(store)["total"] == 0


# Costs


def many(store: Database, number: int) -> None:
    days = count()
    for name in ("left", "right"):
        write(
            store,
            *(event(f"{name}-{next(days)}", name, date=f"2021-{1 + n % 12:02}-{1 + n % 28:02}") for n in range(number)),
        )


def test_many_events_cost_as_many_statements_as_few(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = []
    for number in (1, 200):
        many(store, number)
        sent = sent_to(store, monkeypatch)
        assert ask(store, limit=10)["total"] >= number
        costs.append(len(sent))
    assert costs[0] == costs[1] <= 8


def test_each_batch_costs_three_statements(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    many(store, 50)
    costs = []
    for batch in (100, 50, 20):
        monkeypatch.setattr(search, "BATCH", batch)
        sent = sent_to(store, monkeypatch)
        ask(store, limit=10)
        costs.append(len(sent))
        monkeypatch.undo()
    # A batch that is full is followed by a look at whether there is another.
    assert costs[1] - costs[0] == 3
    assert costs[2] - costs[0] == 12


@pytest.mark.parametrize(("batch", "pending"), [(1, 1), (7, 3), (100, 1)])
def test_what_is_found_does_not_depend_on_the_batches(
    store: Database, monkeypatch: pytest.MonkeyPatch, batch: int, pending: int
) -> None:
    many(store, 20)
    write(store, event("long", "third", date="2021-01"), event("longer", "fourth", date="2021-01"))
    whole = ask(store)
    monkeypatch.setattr(search, "BATCH", batch)
    monkeypatch.setattr(search, "PENDING_MAX", pending)
    assert whole["total"] > 20
    assert ask(store) == whole


def test_no_more_events_are_held_than_are_under_way(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    held = []
    forget = UnderWay.forget

    def noting(window: UnderWay, day: int) -> None:
        forget(window, day)
        held.append(sum(len(events) for by_dataset in window._held.values() for events in by_dataset.values()))

    monkeypatch.setattr(search, "BATCH", 10)
    monkeypatch.setattr(UnderWay, "forget", noting)
    write(store, *(event(f"e-{n}", "left", date=f"2021-{1 + n // 28:02}-{1 + n % 28:02}") for n in range(300)))
    write(store, event("year", "left", date="2021"), event("open", "left", date="2021-01-05/.."))
    ask(store)
    assert len(held) == 31 and max(held) == 1
