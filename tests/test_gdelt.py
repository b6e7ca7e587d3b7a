"""Event exports of GDELT, of both versions and mixed: what is read, what is refused, and that it is stored."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections import Counter
from datetime import date
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError
from peewee import Database

from schemas.event import EventBody
from service.check import check
from service.database import fetch
from service.importers import UnreadableFile, gdelt_codes
from service.importers.delimited import MAX_RECORD
from service.importers.gdelt import COLUMNS, COLUMNS_1, COLUMNS_2
from tests.gdelt_lines import (
    MIXED,
    SAMPLE_FILES,
    codes,
    line,
    one,
    read,
    records_of,
    take,
)
from tests.writing import counts, document, everything, rejections

# Whole files


def test_lines_of_all_three_widths_may_be_mixed() -> None:
    records = read(MIXED)
    assert [record.line for record in records] == [1, 2, 3, 4, 6]
    assert [len(record.original or ()) for record in records] == [57, 58, 61, 57, 61]
    assert [record.event["id"] for record in records] == [f"gdelt-90000{n}" for n in (1, 2, 3, 4, 5)]
    assert [fault for record in records for fault in record.faults] == []


def test_raw_texts_are_those_of_the_file_and_the_original_is_every_cell() -> None:
    lines = MIXED.decode().splitlines(keepends=True)
    for record in read(MIXED):
        assert record.raw == lines[record.line - 1]
        assert record.original is not None
        assert "\t".join(record.original.values()) == record.raw.rstrip("\r\n")


def test_columns_have_the_names_that_gdelt_documents() -> None:
    assert {len(columns): columns for columns in COLUMNS.values()} == COLUMNS
    assert set(COLUMNS) == {57, 58, 61}
    assert COLUMNS[57] == COLUMNS[58][:57]
    assert COLUMNS[57][-1] == "DATEADDED" and COLUMNS[61][-2:] == ("DATEADDED", "SOURCEURL")
    assert set(COLUMNS_2) - set(COLUMNS_1) == {f"{of}Geo_ADM2Code" for of in ("Actor1", "Actor2", "Action")}
    assert (COLUMNS_1.index("EventCode"), COLUMNS_1.index("ActionGeo_FullName")) == (26, 50)
    assert COLUMNS_2.index("ActionGeo_Lat") == 56


@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
def test_a_header_is_skipped_wherever_it_stands(columns: tuple[str, ...]) -> None:
    header = "\t".join(columns).replace("GLOBALEVENTID", "GlobalEventID").encode() + b"\r\n"
    row = line(columns)
    assert [record.line for record in read(b"\xef\xbb\xbf" + header + row + header + row)] == [2, 4]


def test_a_header_of_another_order_is_refused_since_all_would_be_misread() -> None:
    names = list(COLUMNS_2)
    names[1], names[2] = names[2], names[1]
    with pytest.raises(UnreadableFile, match="Line 1 is a header with MonthYear where SQLDATE"):
        read("\t".join(names).encode() + b"\n" + line())
    with pytest.raises(UnreadableFile, match="Line 2 is a header of 2 columns"):
        read(line() + b"GLOBALEVENTID\tSQLDATE\n")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        ("\t".join(COLUMNS_2).encode(), "no record"),
        (b"\x1f\x8b\x08abc", "gzip"),
        (b"PK\x03\x04abc", "zip"),
        ("\t".join(COLUMNS_2).encode("utf-16"), "UTF-16"),
        (b"\0" * 200, "binary"),
        (b"id,type_of_violence,best\n1,2,3\n", "UCDP GED release .format ucdp-ged"),
        (b'{"title": "x"}\n', "Dateline"),
        (b"a,b,c\n1,2,3\n", "57, 58 or 61 columns"),
        (b"x\t" * 15 + b"y\n", "57, 58 or 61 columns, and the first here has 16"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(data)


def test_a_byte_that_is_not_utf_8_names_its_line_and_spares_what_came_before() -> None:
    records = records_of(io.BytesIO(line() + line().replace(b"Gardez", b"Gard\xe9z")))
    assert next(records).event is not None
    with pytest.raises(UnreadableFile, match="Line 2 is not UTF-8: 0xe9"):
        next(records)


@pytest.mark.parametrize("width", [1, 16, 56, 59, 60, 62])
def test_a_line_of_another_width_is_rejected_with_its_text(width: int) -> None:
    other = b"\t".join([b"x"] * width) + b"\n"
    records = read(line() + other + line(GLOBALEVENTID="700002"))
    assert [codes(record) for record in records] == [[], [("/", "wrong-column-count")], []]
    assert (records[1].line, records[1].raw.encode(), records[1].original) == (2, other, None)
    assert f"{width} columns" in records[1].faults[0].message


def test_a_line_of_ten_megabytes_is_rejected_and_the_next_is_read() -> None:
    long = b"x" * 10_000_000
    tracemalloc.start()
    records = list(records_of(io.BytesIO(line() + long + b"\n" + line())))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [codes(record) for record in records] == [[], [("/", "record-too-long")], []]
    assert len(records[1].raw) <= MAX_RECORD and peak < 25_000_000


def test_quotes_mean_nothing() -> None:
    record = one(Actor1Name='"TALIBAN', SOURCEURL='"')
    assert record.event is not None and record.original is not None
    assert record.original["Actor1Name"] == '"TALIBAN'


# The store


def test_the_same_file_twice_changes_nothing(empty_database: Database) -> None:
    assert counts(take(empty_database, MIXED)) == (5, 5, 0, 0, 0)
    before = everything(empty_database)
    assert counts(take(empty_database, MIXED)) == (5, 0, 0, 5, 0)
    assert everything(empty_database) == before
    assert check(empty_database) == []
    answer = document(empty_database, "gdelt-900003")
    assert (answer["dataset"], answer["location"]["country"]) == ("gdelt", "DE")
    [(original,)] = fetch(empty_database, "SELECT original FROM revision WHERE subject = 'gdelt-900003'")
    assert list(orjson.loads(original)) and set(orjson.loads(original)) == set(COLUMNS_2)


def test_rejects_can_be_mended_and_fed_again(empty_database: Database) -> None:
    data = b"x\ty\n" + line(SQLDATE="20200230") + line(GLOBALEVENTID="700002") + line(COLUMNS_1, GLOBALEVENTID="")
    rejects = io.StringIO(newline="")
    report = take(empty_database, line() + data, rejects=rejects)
    assert counts(report) == (5, 2, 0, 0, 3)
    assert rejections(report) == [
        (2, "/", "wrong-column-count"), (3, "/SQLDATE", "not-a-date"), (5, "/GLOBALEVENTID", "missing"),
    ]  # fmt: skip
    mended = rejects.getvalue().replace("20200230", "20200229").replace("\t\t20200502", "\t700003\t20200502")
    assert mended.count("rejected_because") == 3
    again = take(empty_database, mended.encode())
    assert counts(again) == (3, 1, 1, 0, 1)
    assert document(empty_database, "gdelt-700001")["date"] == "2020-02-29"


# Anything at all


CELLS = st.one_of(
    st.sampled_from(["", "0", "1", "2", "3", "4", "5", "US", "USTX", "AF", "AFG", "USA", "GOV", "190", "04", "THE US"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r"), max_size=30),
    st.sampled_from(["Gardez, Paktia, Afghanistan", "Texas, United States", ", ,", "http://[", "33.5", "-200"]),
    st.integers(0, 10**9).map(str),
    st.text("AB ,", min_size=480, max_size=620),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(COLUMNS_2), CELLS, max_size=20), st.sampled_from(sorted(COLUMNS)))
def test_whatever_the_cells_hold_is_a_fault_or_an_event_that_can_be_written(cells: dict[str, str], width: int) -> None:
    [record] = read(line(COLUMNS[width], **cells))
    for fault in (*record.faults, *record.warnings):
        assert fault.pointer[1:] in {*COLUMNS_2, "title"} and fault.message
    assert (record.event is None) == bool(record.faults)
    if record.event is not None:
        try:
            EventBody().load(record.event)
        except ValidationError as error:
            pytest.fail(str(error.messages))
        assert {known["name"] for known in record.actors} == {actor["name"] for actor in record.event["actors"]}


# Real files


@pytest.mark.parametrize(("name", "count"), SAMPLE_FILES)
def test_every_row_of_a_sample_is_an_event_in_its_country(
    samples: Path, empty_database: Database, name: str, count: int
) -> None:
    data = (samples / name).read_bytes()
    assert counts(take(empty_database, data)) == (count, count, 0, 0, 0)
    again = take(empty_database, data)
    assert counts(again) == (count, 0, 0, count, 0)
    assert check(empty_database) == []
    with (samples / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    # The code of the action's country is the third of its columns, counted from the end of the row here.
    places = {57: -6, 58: -7, 61: -8}
    expected = Counter(gdelt_codes.fips_countries().get(row[places[len(row)]]) for row in rows)
    stored = [document(empty_database, f"gdelt-{row[0]}") for row in rows]
    assert Counter(item["location"] and item["location"]["country"] for item in stored) == expected
    assert all(item["date"] == date.fromisoformat(row[1]).isoformat() for item, row in zip(stored, rows, strict=True))


@pytest.mark.parametrize(("name", "count"), SAMPLE_FILES)
def test_nine_in_ten_provinces_of_a_sample_are_found(samples: Path, name: str, count: int) -> None:
    records = read((samples / name).read_bytes())
    assert len(records) == count
    places = [record.event["location"] for record in records if record.event["location"]]
    finer = [place for place in places if place["precision"] in ("province", "near")]
    found = [place for place in finer if place["province"]]
    assert len(found) > 0.9 * len(finer)
    assert all(place["latitude"] is None for place in places if place["precision"] in ("country", "province"))
