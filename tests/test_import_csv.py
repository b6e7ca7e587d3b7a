"""Dateline's own CSV: what is written, what is read, what is refused, and that nothing is lost in silence."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import orjson
import pytest
from peewee import Database

from service.flat_event import COLUMNS
from service.formats.csv import FORMAT
from service.formats.form import About
from service.importers import IMPORTERS, Importer, Record, UnreadableFile
from service.importers.source import opened
from service.importing import Import, Listener, import_file
from tests.writing import body, claim, counts, document, put

ABOUT = About("Dateline", "http://x", "http://x/v1/events", "2026-01-01T00:00:00.000Z", "store")
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")


def read(data: bytes | str, importer: Importer = IMPORTERS["csv"]) -> list[Record]:
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return list(importer.read(opened(stream)).records)


def one(**cells: str) -> Record:
    """The record of a row with these cells, and a title and date."""
    row = {"title": "Something happened", "date": "2021-08-26", **cells}
    text = io.StringIO(newline="")
    csv.writer(text).writerows([row.keys(), row.values()])
    (record,) = read(text.getvalue())
    return record


def event(**cells: str) -> dict[str, Any]:
    record = one(**cells)
    assert record.faults == ()
    made: dict[str, Any] = record.event
    return made


def faults(record: Record) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in record.faults]


def take(database: Database, data: bytes | str, importer: Importer = IMPORTERS["csv"], **more: Any) -> Any:
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return import_file(
        database,
        stream,
        Import(importer, "import", dataset=more.pop("dataset", None)),
        Listener(rejects=more.pop("rejects", None)),
        **more,
    )


# What is written


def exported(*texts: str, members: tuple[str, ...] | None = None) -> str:
    return b"".join(FORMAT.write([texts] if texts else [], replace(ABOUT, members=members))).decode()


def test_the_header_is_there_also_where_no_event_is() -> None:
    assert exported() == ",".join(column.name for column in COLUMNS) + "\r\n"
    assert read(exported()) == []


def test_only_the_columns_of_the_members_that_were_asked_for_are_there() -> None:
    header = exported(members=("id", "location", "tags"))
    assert header.startswith("id,country,province,province_name,district,place,latitude,longitude,place_precision,")
    assert header.endswith(",as_given,tags\r\n")


@on_sqlite
def test_cells_show_what_a_reader_expects(empty_database: Database) -> None:
    put(
        empty_database,
        body(
            id="a",
            title="=SUM(A1)",
            summary="",
            location={"province": "YE-AD", "latitude": -33.9, "longitude": 0, "place": "two\nlines"},
            actors=[{"name": "Quince; Regiment", "role": "side-a"}, "Orchard Brigade"],
            claims=[claim()],
            tags=["-x", "y;z"],
        ),
        create_actors=True,
    )
    text = exported(orjson.dumps(document(empty_database, "a")).decode())
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    shown = {name: row[name] for name in ("title", "summary", "latitude", "longitude", "place", "province")}
    assert list(shown.values()) == ["'=SUM(A1)", "'", "-33.9", "0.0", "two\nlines", "YE-AD"]
    assert row["actors"] == "quince-regiment:side-a; orchard-brigade:participant"
    assert row["actor_names"] == '"Quince; Regiment"; Orchard Brigade'
    assert [row[f"killed_{name}"] for name in ("low", "best", "high", "disputed")] == ["3", "3", "3", "false"]
    assert (row["tags"], row["related"], row["injured_low"], row["district"]) == ('\'-x; "y;z"', "", "", "")
    assert orjson.loads(row["claims"])[0]["best"] == 3


@on_sqlite
def test_a_place_of_which_nothing_is_known_is_told_from_no_place(empty_database: Database) -> None:
    put(empty_database, body(id="a", location={}), body(id="b"))
    texts = [orjson.dumps(document(empty_database, name)).decode() for name in ("a", "b")]
    assert [record.event.get("location") for record in read(exported(*texts))] == [{"precision": None}, None]


# What is read


def test_a_person_may_write_few_columns_in_any_order() -> None:
    (record,) = read("Date,Title,actors,province_name\r\n2021-08,Fighting,Taliban: side-a; NRF,Panjshir\r\n")
    assert record.event == {
        "date": "2021-08",
        "title": "Fighting",
        "actors": [{"id": "Taliban", "role": "side-a"}, {"id": "NRF"}],
        "location": {"province": {"name": "Panjshir"}},
    }
    assert record.original is None


@pytest.mark.parametrize(
    ("cell", "text"),
    [("'=1", "=1"), ("=1", "=1"), ("''x", "'x"), ("'", ""), ("  ", "  "), ("NA", "NA"), ("", None), ("x'", "x'")],
)
def test_the_leading_apostrophe_is_taken_off(cell: str, text: str | None) -> None:
    assert event(summary=cell).get("summary") == text


def test_figures_and_truths_are_taken_as_spreadsheets_write_them() -> None:
    made = event(killed_best="8.0", killed_low="8", killed_disputed="FALSE", injured_high="5.")
    assert made["claims"] == [{"measure": "killed", "low": 8, "best": 8}, {"measure": "injured", "high": 5}]


def test_figures_without_claims_are_claims() -> None:
    assert event(displaced_best="120")["claims"] == [{"measure": "displaced", "best": 120}]
    assert faults(one(killed_best="3", killed_disputed="true")) == [("/killed_disputed", "derived")]


CLAIMS = '[{"measure": "killed", "best": 3}]'


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"claims": CLAIMS, "killed_best": "4"}, "killed_best"),
        ({"claims": CLAIMS, "killed_disputed": "TRUE"}, "killed_disputed"),
        ({"claims": CLAIMS, "injured_low": "1"}, "injured_low"),
        ({"start": "2021-08-27"}, "start"),
        ({"start": "2021-08-26 10:00"}, "start"),
        ({"end": "soon"}, "end"),
        ({"precision": "month"}, "precision"),
        ({"qualifier": "uncertain"}, "qualifier"),
        ({"province": "AF-PAN", "province_name": "Kabul"}, "province_name"),
        ({"province": "Panjshir", "province_name": "Kabul", "country": "AF"}, "province_name"),
        ({"actors": "a; b", "actor_names": "A"}, "actor_names"),
        ({"actor_names": "A"}, "actor_names"),
    ],
)
def test_an_edit_of_what_follows_from_others_is_not_lost_in_silence(cells: dict[str, str], column: str) -> None:
    assert faults(one(**cells)) == [(f"/{column}", "derived")]


@pytest.mark.parametrize(
    "cells",
    [
        {"claims": CLAIMS, "killed_best": "3.0", "killed_low": "", "killed_disputed": "False"},
        {"start": "2021-08-26", "end": "", "precision": "day"},
        {"start": "2021-08-26 00:00:00", "end": "2021-08-26T00:00"},
        {"date": "2021-08-26T10:30", "start": "2021-08-26 10:30:00"},
        {"date": "nonsense", "start": "2021-08-26"},
        {"province": "AF-PAN", "province_name": "Panjsher"},
        {"version": "x", "created": "yesterday", "updated": "-"},
    ],
)
def test_what_follows_may_be_left_out_or_written_otherwise(cells: dict[str, str]) -> None:
    event(**cells)


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({"killed_best": "many"}, ("/killed_best", "not-a-number")),
        ({"killed_disputed": "maybe"}, ("/killed_disputed", "wrong-type")),
        ({"latitude": "35,2", "longitude": "1"}, ("/latitude", "not-a-number")),
        ({"latitude": "nan", "longitude": "1"}, ("/latitude", "not-a-number")),
        ({"claims": "[{"}, ("/claims", "not-json")),
        ({"claims": "[" * 40 + "]" * 40}, ("/claims", "too-deep")),
        ({"actors": "taliban:side-c"}, ("/actors", "unknown-value")),
        ({"actors": '"x"y; z'}, ("/actors", "wrong-form")),
        ({"related": "a"}, ("/related", "unknown-value")),
    ],
)
def test_a_cell_that_cannot_be_read_rejects_its_row(cells: dict[str, str], found: tuple[str, str]) -> None:
    assert faults(one(**cells)) == [found]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "empty"),
        ("\ufeff\n", "empty"),
        ("titel,date,type\n", "'titel' .did you mean title"),
        ("title,date,date\n", "date twice"),
        ("title,type\n", "lacks date"),
        ("Name,When,Where\na,b,c\n", "'Name'.*mapping file"),
        (",title,date\n0,a,2021\n", "index=False"),
        ("title;date;type\n", "semicolons.*mapping file"),
        ("title\tdate\ttype\n", "tabs"),
        ('"title,date\n', "never closed"),
        ("event_id_cnty,title,date\n", "ACLED"),
        ('{"title": "x"}\n', "format dateline"),
        (b"PK\x03\x04", "Excel"),
        (b"title,date\nCaf\xe9,2021\n", "Line 2 is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes | str, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(data)


def test_rows_of_another_length_are_rejected_alone() -> None:
    records = read("title,date,\na,2021,\nb,2021\nc,2021,,\nd,2021,x\ne,2021,,y\n")
    assert [faults(record) for record in records] == [
        [],
        [("/", "wrong-column-count")],
        [],
        [("/", "unknown-field")],
        [("/", "wrong-column-count")],
    ]


def test_an_event_of_several_megabytes_is_read() -> None:
    statement = "\\u0001" * 5000
    claims = "[" + ",".join([f'{{"statement":"{statement}"}}'] * 200) + "]"
    assert len(event(claims=claims)["claims"]) == 200


@on_sqlite
def test_a_row_without_an_id_is_the_same_event_however_it_was_written(empty_database: Database) -> None:
    assert counts(take(empty_database, "title,date\nA,2021\n")) == (1, 1, 0, 0, 0)
    assert counts(take(empty_database, '"title","date"\r\n"A","2021"\r\n')) == (1, 0, 0, 1, 0)
    assert counts(take(empty_database, "title,date\nB,2021\n")) == (1, 1, 0, 0, 0)


@on_sqlite
def test_rejected_rows_can_be_mended_and_fed_again(empty_database: Database) -> None:
    rejects = io.StringIO(newline="")
    data = 'id,title,date,killed_best\r\na,"x, ""y""\nz",2021,many\r\nb,B,2021,1\r\nc,C,sometime,2\r\n'
    assert counts(take(empty_database, data, rejects=rejects)) == (3, 1, 0, 0, 2)
    assert rejects.getvalue().startswith("rejected_because,id,title,date,killed_best\n\"/killed_best: 'many'")
    again = io.StringIO(newline="")
    assert counts(take(empty_database, rejects.getvalue(), rejects=again)) == (2, 0, 0, 0, 2)
    assert again.getvalue() == rejects.getvalue()
    mended = rejects.getvalue().replace(",many", ",4").replace(",sometime,", ",2021,")
    assert counts(take(empty_database, mended)) == (2, 2, 0, 0, 0)
    assert document(empty_database, "a")["title"] == 'x, "y"\nz'


@on_sqlite
def test_a_dataset_that_is_given_leaves_the_ids_as_they_are(empty_database: Database) -> None:
    take(empty_database, "id,title,date,dataset\na,A,2021,mine\n", dataset="other")
    assert document(empty_database, "a")["dataset"] == "other"


def test_a_table_of_some_columns_empties_nothing_that_it_says_nothing_of(empty_database: Database) -> None:
    whole = b"id,title,date,type,actors,tags\na,A,2021,protest,,t\nb,B,2021,,,\n"
    assert counts(take(empty_database, whole)) == (2, 2, 0, 0, 0)
    before = document(empty_database, "a")
    report = take(empty_database, b"id,title,date\na,New,2021\nb,New,2021\nc,C,2021\n")
    assert counts(report) == (3, 1, 1, 0, 1)
    assert [(fault.pointer, fault.code) for fault in report.rejected[0].faults] == [("/", "would-be-emptied")]
    assert "tags, type" in report.rejected[0].faults[0].message
    assert document(empty_database, "a") == before
    # A column that is there and empty says that there is nothing.
    assert counts(take(empty_database, b"id,title,date,type,tags\na,New,2021,,\n")) == (1, 0, 1, 0, 0)
    assert counts(take(empty_database, b"id,title,date\na,Newer,2021\n")) == (1, 0, 1, 0, 0)


def test_figures_alone_can_be_imported_again_without_claims(empty_database: Database) -> None:
    table = b"id,title,date,killed_best\na,A,2021,5\n"
    assert counts(take(empty_database, table)) == (1, 1, 0, 0, 0)
    assert counts(take(empty_database, table)) == (1, 0, 0, 1, 0)
    assert counts(take(empty_database, table.replace(b"5", b"6"))) == (1, 0, 1, 0, 0)
