"""What becomes of the cells of a row of GDELT, and which of them reject it."""

from __future__ import annotations

import pytest
from peewee import Database

from schemas.vocabulary import ACTOR_KINDS, EVENT_TYPES, ROLES
from service.importers import gdelt_codes
from service.importers.gdelt import COLUMNS, COLUMNS_2
from tests.gdelt_lines import (
    codes,
    event,
    line,
    one,
    read,
    take,
)
from tests.writing import rejections

# What rejects a record


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("GLOBALEVENTID", "", "missing"),
        ("GLOBALEVENTID", "x1", "not-a-number"),
        ("GLOBALEVENTID", "-4", "not-a-number"),
        ("GLOBALEVENTID", "\u0663", "not-a-number"),
        ("GLOBALEVENTID", "1" * 19, "not-a-number"),
        ("SQLDATE", "", "missing"),
        ("SQLDATE", "2020-05-02", "not-a-date"),
        ("SQLDATE", "20200230", "not-a-date"),
        ("SQLDATE", "00000101", "not-a-date"),
        ("ActionGeo_Lat", "x", "not-a-number"),
        ("ActionGeo_Lat", "90.1", "out-of-range"),
        ("ActionGeo_Long", "-181", "out-of-range"),
        ("Actor2Name", "a\0b", "bad-character"),
    ],
)
def test_a_bad_cell_rejects_the_record_and_is_named(column: str, text: str, code: str) -> None:
    record = one(**{column: text})
    assert codes(record) == [(f"/{column}", code)]
    assert record.event is None and record.actors == ()
    assert record.original is not None and record.original[column] == text


def test_a_year_that_no_event_may_have_is_refused_by_the_store(empty_database: Database) -> None:
    data = line(SQLDATE="09990101") + line(SQLDATE="99991231", GLOBALEVENTID="2")
    refused = rejections(take(empty_database, data))
    assert refused == [(1, "/date", "year-out-of-range"), (2, "/date", "year-out-of-range")]
    assert rejections(take(empty_database, data, min_year=900)) == refused[1:]


def test_all_of_a_records_faults_are_found() -> None:
    record = one(GLOBALEVENTID="x", SQLDATE="x", ActionGeo_Lat="x")
    assert {pointer for pointer, _ in codes(record)} == {"/GLOBALEVENTID", "/SQLDATE", "/ActionGeo_Lat"}


# What was done


def test_the_date_is_when_it_happened_and_not_when_it_was_added() -> None:
    made = event(SQLDATE="20200502", DATEADDED="20210502")
    assert (made["date"], made["status"], made["claims"], made["summary"]) == ("2020-05-02", "reported", [], None)


@pytest.mark.parametrize(
    ("code", "kind", "roles"),
    [
        ("010", "statement/announcement", ["speaker", "target"]),
        ("016", "statement/rejection", ["speaker", "target"]),
        ("057", "strategic-development/agreement", ["speaker", "target"]),
        ("0874", "strategic-development/withdrawal", ["participant", "target"]),
        ("120", "statement/rejection", ["speaker", "target"]),
        ("141", "protest", ["participant", "target"]),
        ("145", "riot/violent-demonstration", ["participant", "target"]),
        ("173", "strategic-development/arrests", ["participant", "target"]),
        ("181", "violence-against-civilians/abduction-forced-disappearance", ["perpetrator", "victim"]),
        ("1831", "explosion/suicide-bomb", ["perpetrator", "victim"]),
        ("190", "battle/armed-clash", ["side-a", "side-b"]),
        ("194", "explosion/shelling-artillery-missile-attack", ["side-a", "side-b"]),
        ("1952", "explosion/air-drone-strike", ["side-a", "side-b"]),
        ("202", "violence-against-civilians/attack", ["perpetrator", "victim"]),
        ("2041", "explosion/chemical-weapon", ["perpetrator", "victim"]),
    ],
)
def test_the_event_code_gives_type_roles_and_tag(code: str, kind: str, roles: list[str]) -> None:
    made = event(EventCode=code, EventBaseCode=code[:3], EventRootCode=code[:2])
    assert made["type"] == kind
    assert [actor["role"] for actor in made["actors"]] == roles
    assert made["tags"] == [f"cameo:{code}"]


def test_every_code_has_a_known_type_and_the_code_that_it_is_part_of() -> None:
    deeds = gdelt_codes.deeds()
    assert len(deeds) > 300
    assert {deed.type for deed in deeds.values()} <= set(EVENT_TYPES)
    assert [code for code in deeds if len(code) > 2 and code[:-1] not in deeds] == []
    assert {code for code in deeds if len(code) == 2} == {f"{root:02}" for root in range(1, 21)}
    assert {role for pair in (*gdelt_codes.ROLES.values(), gdelt_codes.DONE) for role in pair} <= set(ROLES)
    assert {kind.kind for kind in gdelt_codes.ACTOR_TYPES.values()} - {None} <= set(ACTOR_KINDS)


@pytest.mark.parametrize(("given", "root", "tag"), [("42", "4", "042"), ("42", "04", "042"), ("10", "1", "010")])
def test_a_zero_that_a_spreadsheet_took_off_is_put_back(given: str, root: str, tag: str) -> None:
    record = one(EventCode=given, EventRootCode=root)
    assert record.event["tags"] == [f"cameo:{tag}"] and record.warnings == ()


@pytest.mark.parametrize(
    ("code", "root", "kind", "tags"),
    [
        ("1999", "19", "battle/armed-clash", ["cameo:19"]),
        ("---", "---", "other", []),
        ("", "", "other", []),
        ("", "14", "protest", ["cameo:14"]),
    ],
)
def test_an_unknown_event_code_falls_back_with_a_warning(code: str, root: str, kind: str, tags: list[str]) -> None:
    record = one(EventCode=code, EventRootCode=root)
    assert (record.event["type"], record.event["tags"]) == (kind, tags)
    assert codes(record) == [("/EventCode", "unknown-value")]


def test_the_title_says_who_to_whom_what_and_where() -> None:
    assert event()["title"] == "Taliban \u2192 Government of Afghanistan: military force, Gardez, Afghanistan"
    alone = dict.fromkeys(("Actor2Code", "Actor2Name", "Actor2CountryCode"), "")
    assert event(**alone)["title"] == "Taliban: military force, Gardez, Afghanistan"
    nobody = alone | dict.fromkeys(("Actor1Code", "Actor1Name", "Actor1CountryCode"), "")
    assert event(**nobody)["title"] == "Military force, Gardez, Afghanistan"
    nowhere = dict.fromkeys((column for column in COLUMNS_2 if column.startswith("ActionGeo")), "")
    made = event(**nobody, **nowhere)
    assert (made["title"], made["location"], made["actors"]) == ("Military force", None, [])


# Sources


@pytest.mark.parametrize(
    ("text", "publisher", "title", "url"),
    [
        ("https://www.lapiswire.example/a", "lapiswire.example", None, "https://www.lapiswire.example/a"),
        ("HTTP://News.Example:8080/?q=1", "news.example", None, "HTTP://News.Example:8080/?q=1"),
        ("BBC Monitoring", "BBC Monitoring", None, None),
        ("http://a b", "http://a b", None, None),
        ("http://[x/", "http://[x/", None, None),
        ("ftp://x.example/", "ftp://x.example/", None, None),
    ],
)
def test_the_source_is_an_address_or_words(text: str, publisher: str, title: str | None, url: str | None) -> None:
    (source,) = event(SOURCEURL=text)["sources"]
    assert (source["publisher"], source["title"], source["url"]) == (publisher, title, url)


def test_an_address_that_is_too_long_to_keep_is_told_in_part() -> None:
    record = one(SOURCEURL="https://x.example/" + "a" * 600)
    (source,) = record.event["sources"]
    assert (source["publisher"], source["url"], len(source["title"])) == ("x.example", None, 500)
    assert codes(record) == [("/SOURCEURL", "text-cut")]


def test_a_row_of_57_columns_has_no_source() -> None:
    (record,) = read(line(COLUMNS[57]))
    assert record.event["sources"] == []
