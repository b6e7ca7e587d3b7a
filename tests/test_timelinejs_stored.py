"""Timelines of TimelineJS 3 in the store: fed again, mended, exported and taken in again, and real files of them."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Database

from service.check import check
from service.database import fetch
from tests.timelinejs_slides import (
    MIXED,
    SHEET,
    read,
    take,
    timeline,
)
from tests.writing import counts, document, everything, rejections

# Into the store and out again


def test_the_same_file_twice_changes_nothing(empty_database: Database) -> None:
    for data, created, refused in ((MIXED, 4, 5), (SHEET, 4, 5)):
        report = take(empty_database, data)
        assert (report.created, report.refused) == (created, refused)
        before = everything(empty_database)
        again = take(empty_database, data)
        assert (again.created, again.updated, again.unchanged) == (0, 0, created)
        assert everything(empty_database) == before
    assert check(empty_database) == []
    originals = fetch(empty_database, "SELECT original FROM revision WHERE kind = 'event'")
    assert {"Mills", None} <= {json.loads(text).get("group") for (text,) in originals}


def test_years_below_the_stores_first_are_refused_by_the_store_alone(empty_database: Database) -> None:
    assert (26, "/date", "year-out-of-range") in rejections(take(empty_database, MIXED))
    report = take(empty_database, MIXED, min_year=900)
    assert (report.created, report.unchanged, report.refused) == (1, 4, 4)


def test_rejected_slides_and_eras_can_be_mended_and_fed_again(empty_database: Database) -> None:
    rejects = io.StringIO()
    assert take(empty_database, MIXED, rejects=rejects).refused == 5
    text = rejects.getvalue()
    told = json.loads(text)["events"]
    assert [next(iter(entry)) for entry in told] == ["rejected_because"] * 5
    assert "[missing]" in told[0]["rejected_because"] and told[0]["type"] == "era"
    again = io.StringIO()
    assert take(empty_database, text, rejects=again).refused == 5
    assert again.getvalue() == text
    for wrong, right in (
        (
            '"start_date": {"year": "1914", "month": "07"}',
            '"start_date": {"year": "1914"}, "end_date": {"year": "1918"}',
        ),
        ('"-450"', '"1450"'),
        ('"0980"', '"1980"'),
        ('"text": {"headline": "At no time"}', '"text": {"headline": "At no time"}, "start_date": {"year": 1900}'),
        ('"month": "13", "day": "40"', '"month": "12", "day": "4"'),
        ('"1911"', '"1913"'),
    ):
        assert wrong in text
        text = text.replace(wrong, right)
    assert counts(take(empty_database, text)) == (5, 5, 0, 0, 0)
    mended_era = read(timeline(eras=[{
        "start_date": {"year": "1914"}, "end_date": {"year": "1918"}, "text": {"headline": "An era without an end"}
    }]))[0].event  # fmt: skip
    assert document(empty_database, mended_era["id"])["tags"] == ["era"]
    assert check(empty_database) == []


def test_rejected_things_that_are_no_slides_can_be_fed_again(empty_database: Database) -> None:
    rejects, again = io.StringIO(), io.StringIO()
    data = '{"events": [5, "x", {"a": 1}], "eras": [[], {}, {"type": "overview", "text": {"headline": "e"}}]}'
    assert take(empty_database, data, rejects=rejects).refused == 6
    assert [record.raw for record in read(rejects.getvalue())] == [record.raw for record in read(data)]
    assert take(empty_database, rejects.getvalue(), rejects=again).refused == 6
    assert again.getvalue() == rejects.getvalue()


def test_rejected_rows_can_be_mended_and_fed_again(empty_database: Database) -> None:
    rejects, again = io.StringIO(newline=""), io.StringIO(newline="")
    take(empty_database, SHEET, rejects=rejects)
    text = rejects.getvalue()
    assert text.startswith("rejected_because,Year, Month,")
    assert take(empty_database, text, rejects=again).refused == 5
    assert again.getvalue() == text
    for wrong, right in ((",6,31,", ",6,30,"), ("noon", "12:00"), (",,6,", ",1912,6,"), ("1915,1,1", "1913,1,1")):
        assert wrong in text
        text = text.replace(wrong, right)
    report = take(empty_database, text)
    assert (report.created, rejections(report)) == (4, [(5, "/", "wrong-column-count")])


def test_another_dataset_gives_other_ids(empty_database: Database) -> None:
    take(empty_database, MIXED, dataset="valley")
    assert document(empty_database, "valley-first-mill")["dataset"] == "valley"


def exported(client: FlaskClient, query: str = "") -> bytes:
    answer = client.get(f"/v1/events?format=timelinejs{query}")
    assert answer.status_code == 200
    return answer.get_data()


def test_what_was_imported_and_exported_comes_back_as_the_same_events(store: Database, asking: FlaskClient) -> None:
    take(store, MIXED)
    before = {event["id"]: event for event in asking.get("/v1/events").get_json()["events"]}
    report = take(store, exported(asking))
    assert (report.received, report.created, report.refused) == (4, 0, 0)
    after = {event["id"]: event for event in asking.get("/v1/events").get_json()["events"]}
    for name in ("title", "date"):
        assert {key: found[name] for key, found in after.items()} == {key: found[name] for key, found in before.items()}


def test_the_export_of_the_seed_is_taken_in_whole(app: Any, client: FlaskClient) -> None:
    before = {event["id"]: event for event in client.get("/v1/events?limit=1000").get_json()["events"]}
    report = take(app.extensions["dateline"]["database"], exported(client))
    assert counts(report) == (len(before), len(before), 0, 0, 0)
    answer = client.get("/v1/events?limit=1000&dataset=timelinejs").get_json()
    copies = {event["id"].removeprefix("timelinejs-"): event for event in answer["events"]}
    assert {key: copy["title"] for key, copy in copies.items()} == {
        key: event["title"] for key, event in before.items()
    }


# Real files: how many records each has, what rejects some of them, and what is warned of.


SAMPLE_FILES: list[tuple[str, int, int, dict[tuple[str, str], int], dict[str, int]]] = [
    ("cosmo-mixed.json", 11, 5, {("/start_date/year", "negative-year"): 6}, {"not-an-event": 1}),
    ("eras.json", 23, 0, {("/date", "year-out-of-range"): 23}, {"not-an-event": 1}),
    # Three of its slides are one and the same; one has no date.
    ("error_message_test.json", 17, 14, {("/start_date", "missing"): 1}, {"missing": 3, "repeated-id": 2}),
    ("groups_test_3.json", 25, 25, {}, {"not-an-event": 1, "address-left-out": 2}),
    ("milliseconds.json", 5, 5, {}, {"not-an-event": 1, "time-cut": 5}),
    ("seventh_century.json", 21, 0, {("/date", "year-out-of-range"): 21}, {"not-an-event": 1}),
    ("twain_marktwain.json", 17, 17, {}, {"not-an-event": 1, "missing": 4}),
    ("women_in_computing.csv", 10, 10, {}, {"not-an-event": 1}),
    ("years.json", 5, 0, {("/start_date/year", "negative-year"): 5}, {}),
]


@pytest.mark.parametrize(
    ("name", "received", "events", "refused", "warned"), SAMPLE_FILES, ids=lambda value: str(value)[:20]
)
def test_every_slide_of_a_real_file_is_an_event_or_is_refused_for_a_reason(
    empty_database: Database,
    samples: Path,
    name: str,
    received: int,
    events: int,
    refused: dict[tuple[str, str], int],
    warned: dict[str, int],
) -> None:
    data = (samples / f"timelinejs_{name}").read_bytes()
    report = take(empty_database, data)
    assert (report.received, report.created) == (received, events)
    assert Counter((pointer, code) for _, pointer, code in rejections(report)) == refused
    assert report.warnings == warned
    before = everything(empty_database)
    again = take(empty_database, data)
    assert (again.created, again.updated, again.refused) == (0, 0, report.refused)
    assert everything(empty_database) == before
    assert check(empty_database) == []


@pytest.mark.parametrize(("name", "events"), [("eras.json", 23), ("seventh_century.json", 21)])
def test_the_seventh_century_is_taken_in_where_the_store_allows_it(
    empty_database: Database, samples: Path, name: str, events: int
) -> None:
    data = (samples / f"timelinejs_{name}").read_bytes()
    report = take(empty_database, data, min_year=1)
    assert (report.created, report.refused) == (events, 0)
