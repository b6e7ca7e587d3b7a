"""What becomes of the cells of a row of ACLED, and which of them reject it."""

from __future__ import annotations

import json
import re

import pytest

from tests.acled_rows import (
    BASE,
    codes,
    event,
    one,
    read,
    table,
)

# What rejects a row


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("event_date", "", "missing"),
        ("event_date", "06/05/2020", "not-a-date"),
        ("event_date", "06-05-2020", "not-a-date"),
        ("event_date", "2020-02-30", "not-a-date"),
        ("event_date", "30 February 2020", "not-a-date"),
        ("event_date", "3 Mayo 2020", "not-a-date"),
        ("event_date", "3 May 20", "not-a-date"),
        ("event_date", "0000-01-01", "not-a-date"),
        ("fatalities", "some", "not-a-number"),
        ("fatalities", "-1", "not-a-number"),
        ("fatalities", "1000000001", "out-of-range"),
        ("latitude", "91", "out-of-range"),
        ("longitude", "64,8", "not-a-number"),
        ("notes", "a\0b", "bad-character"),
    ],
)
def test_a_bad_cell_rejects_the_row_and_is_named(column: str, text: str, code: str) -> None:
    record = one(**{column: text})
    assert codes(record) == [(f"/{column}", code)]
    assert (record.event, record.actors) == (None, ())


def test_all_of_a_rows_faults_are_found_and_point_to_the_columns_of_the_file() -> None:
    lines = table(BASE | {"event_date": "x", "latitude": "x", "fatalities": "x"}).decode()
    head, rest = lines.split("\n", 1)
    (record,) = read(f"{head.upper()}\n{rest}".encode())
    assert {pointer for pointer, _ in codes(record)} == {"/EVENT_DATE", "/LATITUDE", "/FATALITIES"}
    assert "write 2021-08-26 or 26 August 2021" in record.faults[0].message


def test_half_a_surrogate_pair_is_rejected() -> None:
    (record,) = read(json.dumps([{**BASE, "notes": "@"}]).replace('"@"', '"\\ud800"').encode())
    assert codes(record) == [("/notes", "bad-character")]


# Ids


@pytest.mark.parametrize(
    ("given", "data_id", "expected"),
    [
        ("AFG 12/x", "7", "acled-afg-12-x"),
        ("", "7", "acled-7"),
        ("", "7.0", "acled-7"),
    ],
)
def test_the_id_is_acleds_own_or_the_older_number(given: str, data_id: str, expected: str) -> None:
    row = BASE | {"event_id_cnty": given, "data_id": data_id}
    (record,) = read(table(row, columns=tuple(row)))
    assert record.event is not None and record.event["id"] == expected


def test_a_row_without_an_id_is_told_by_all_that_it_says() -> None:
    made = event(event_id_cnty="")["id"]
    assert re.fullmatch(r"acled-[0-9a-f]{16}", made)
    row = BASE | {"event_id_cnty": ""}
    assert read(table(row, columns=tuple(sorted(row))))[0].event["id"] == made
    assert read(json.dumps([row]).encode())[0].event["id"] == made
    assert event(event_id_cnty="", notes="other")["id"] != made


# Dates


@pytest.mark.parametrize(
    ("text", "precision", "edtf"),
    [
        ("2021-08-26", "1", "2021-08-26"),
        ("2021-08-26 00:00:00.000", "1.0", "2021-08-26"),
        ("26 August 2021", "1", "2021-08-26"),
        ("26-August-2021", "", "2021-08-26"),
        ("6 Aug 2021", "1", "2021-08-06"),
        ("06-SEPT-2021", "1", "2021-09-06"),
        ("2021-09-06", "2", "2021-09-06~"),
        ("15 August 2021", "3", "2021-08"),
    ],
)
def test_the_date_says_what_the_row_says(text: str, precision: str, edtf: str) -> None:
    record = one(event_date=text, time_precision=precision)
    assert record.event is not None and record.event["date"] == edtf
    assert record.warnings == ()


def test_a_precision_that_nobody_knows_is_told() -> None:
    record = one(time_precision="4", geo_precision="0")
    assert record.event is not None
    assert (record.event["date"], record.event["location"]["precision"]) == ("2020-05-02", None)
    assert sorted(codes(record)) == [("/geo_precision", "unknown-value"), ("/time_precision", "unknown-value")]


# Words, figures, sources and tags


def test_the_title_is_one_line_and_notes_are_the_summary() -> None:
    made = event(location="Sangin\nbazaar")
    assert made["title"] == "Armed clash: Quince Regiment \u2013 Orchard Brigade, Sangin bazaar, Hilmand"
    assert made["summary"] == BASE["notes"]


def test_a_title_needs_no_more_than_a_type() -> None:
    empty = dict.fromkeys(("actor1", "actor2", "assoc_actor_1", "location", "admin1", "country", "event_type"), "")
    assert event(**empty, sub_event_type="")["title"] == "Event"


def test_long_texts_are_cut_with_a_warning() -> None:
    record = one(notes="n" * 20_001, location="l" * 501)
    assert record.event is not None
    assert (len(record.event["summary"]), len(record.event["location"]["place"])) == (20_000, 500)
    assert sorted(codes(record)) == [("/location", "text-cut"), ("/notes", "text-cut"), ("/title", "text-cut")]


@pytest.mark.parametrize(("text", "best"), [("3", 3), ("0", 0), ("10.0", 10), ("", None)])
def test_the_fatalities_are_a_claim_of_acleds(text: str, best: int | None) -> None:
    claims = event(fatalities=text, source="Lapis Wire")["claims"]
    assert [(claim["claimant"], claim["measure"], claim["of"], claim["best"], claim["source"]) for claim in claims] == (
        [] if best is None else [({"name": "ACLED"}, "killed", None, best, "s1")]
    )


def test_sources_are_taken_apart_and_a_claim_names_one_only_where_there_is_one() -> None:
    made = event(source="Lapis Wire; The Sangin Bell ;Lapis Wire; ")
    assert [(source["ref"], source["publisher"]) for source in made["sources"]] == [
        ("s1", "Lapis Wire"),
        ("s2", "The Sangin Bell"),
    ]
    assert made["claims"][0]["source"] is None


def test_tags_are_brought_into_their_form() -> None:
    record = one(tags=f"crowd size=about 100; crowd size=1,000;crowd size=about 100;{'x' * 65}; women led")
    assert record.event is not None
    assert record.event["tags"] == ["crowd size=about 100", "crowd size=1;000", "x" * 64, "women led"]
    assert codes(record) == [("/tags", "comma-in-tag"), ("/tags", "text-cut")]
