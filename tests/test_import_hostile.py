"""What nobody means to import, given to every importer: it is refused or rejected in words, soon, in little memory."""

from __future__ import annotations

import csv
import io
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Database

from service.importers import IMPORTERS, Record, UnreadableFile
from service.importers.delimited import MAX_RECORD
from service.importers.sniffing import recognised
from service.importers.source import HEAD, opened
from service.importing import Import, Listener, import_file
from tests.import_files import KINDS, format_of, made
from tests.writing import counts, rejections

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
every_kind = pytest.mark.parametrize("kind", KINDS)
DOCUMENTS = ("ucdp-ged as GeoJSON", "acled's API", "acled's rows", "timelinejs")
TABLES = ("csv", "ucdp-ged", "acled", "timelinejs as a sheet")
# Seconds of the processor for what takes some hundredths; what grows with the square takes many times as long.
SOON = 3.0
# Faults and warnings of one record.
TOLD_MAX = 110
LONG = 300_000


def test_the_kinds_are_those_of_all_importers() -> None:
    assert {format_of(kind) for kind in KINDS} == set(IMPORTERS)


def streamed(kind: str, data: bytes) -> Iterator[Record]:
    yield from IMPORTERS[format_of(kind)].read(opened(io.BytesIO(data))).records


def read(kind: str, data: bytes) -> tuple[list[Record], str]:
    """The records, and what is said of the file where it cannot be read to its end."""
    found: list[Record] = []
    try:
        for record in streamed(kind, data):
            found.append(record)
    except UnreadableFile as error:
        return found, str(error)
    return found, ""


def members_of(document: Any) -> list[Any]:
    """The list of records within a document."""
    lists = [document] if isinstance(document, list) else [part for part in document.values() if isinstance(part, list)]
    found: list[Any] = lists[0]
    return found


def leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each text or number within a value: the object or list that holds it, and its key there."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(part, dict | list):
            yield from leaves(part)
        else:
            yield value, key


def with_cell(kind: str, place: int, text: str) -> bytes | None:
    """A file of one record with a text in the place of one of its cells; None where it has not so many."""
    data = made(kind, 1).decode()
    if kind == "gdelt":
        cells = data.rstrip("\n").split("\t")
        if place >= len(cells):
            return None
        cells[place] = text
        return "\t".join(cells).encode() + b"\n"
    if kind in TABLES:
        rows = list(csv.reader(io.StringIO(data)))
        if place >= len(rows[0]):
            return None
        rows[1][place] = text
        written = io.StringIO(newline="")
        csv.writer(written, lineterminator="\n").writerows(rows)
        return written.getvalue().encode()
    document = json.loads(data)
    found = list(leaves(members_of(document)[0] if kind in DOCUMENTS else document))
    if place >= len(found):
        return None
    holder, key = found[place]
    holder[key] = text
    return json.dumps(document).encode() + b"\n"


def soon(work: Callable[[], Any], seconds: float = SOON) -> Any:
    began = time.process_time()
    result = work()
    assert time.process_time() - began < seconds
    return result


# The end of a document


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("between", [b"", b" " * 70_000, b"\n\n"], ids=["at once", "far", "lines"])
def test_a_second_document_breaks_the_file_and_is_never_passed_over(kind: str, between: bytes) -> None:
    first = made(kind, 2)
    records, broken = read(kind, first + between + made(kind, 2, first=2000))
    assert [len(record.faults) for record in records] == [0, 0]
    line = (first + between).count(b"\n") + 1
    assert "goes on after it" in broken and f"line {line}," in broken, broken


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("rest", [b"}", b"]", b"x", b"\0", b"null", b"\xff"])
def test_anything_after_a_document_is_told(kind: str, rest: bytes) -> None:
    records, broken = read(kind, made(kind, 2) + rest)
    assert len(records) == 2
    assert "line" in broken.lower()


@pytest.mark.parametrize("kind", [kind for kind in DOCUMENTS if kind != "acled's rows"])
def test_a_document_that_breaks_off_behind_its_list_is_broken(kind: str) -> None:
    data = made(kind, 2)
    records, broken = read(kind, data[: data.rindex(b"]") + 1])
    assert len(records) == 2
    assert "breaks off in line" in broken


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_what_stands_around_the_list_makes_no_difference(kind: str) -> None:
    data = made(kind, 3)
    if data.startswith(b"{"):
        data = b'{"more": [{"data": [1]}, {"features": []}], "count": 1e999, ' + data.strip()[1:-1] + b', "a": null} \n'
    records, broken = read(kind, data)
    assert ([len(record.faults) for record in records], broken) == ([0, 0, 0], "")


@on_sqlite
def test_the_report_says_that_a_file_goes_on_after_its_document(empty_database: Database) -> None:
    data = made("acled's API", 2) + made("acled's API", 2, first=2000)
    report = import_file(empty_database, io.BytesIO(data), Import(IMPORTERS["acled"], "import"))
    assert report.created == 2
    assert report.broken is not None and "goes on after it" in report.broken


# Numbers and nesting


def with_value(kind: str, literal: str) -> bytes:
    """A file of three records, of which the second has something in the place of a text, as JSON."""
    data = made(kind, 3).decode()
    if kind == "dateline":
        lines = data.splitlines(keepends=True)
        lines[1] = lines[1].replace('"Something happened"', literal)
        return "".join(lines).encode()
    document = json.loads(data)
    text = document if isinstance(document, list) else next(v for v in document.values() if isinstance(v, list))
    record = text[1]
    holder = record["properties"] if kind == "ucdp-ged as GeoJSON" else record
    holder["more"] = "@@"
    return json.dumps(document, indent=1).replace('"@@"', literal).encode()


LITERALS = {
    "an integer of 5,000 digits": "9" * 5000,
    "a negative integer of 5,000 digits": "-" + "9" * 5000,
    "an integer of 900,000 digits": "9" * 900_000,
    "a fraction of 100,000 digits": "0." + "3" * 100_000,
    "a huge exponent": "1e999999999",
    "a tiny exponent": "-1e-999999999",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "minus Infinity": "-Infinity",
    "40 levels": "[" * 40 + "]" * 40,
    "900 levels": "[" * 900 + "]" * 900,
    "980 levels of objects": '{"a":' * 980 + "1" + "}" * 980,
    "5,000 levels": "[" * 5000 + "]" * 5000,
    "100,000 levels": "[" * 100_000 + "]" * 100_000,
    "half a surrogate pair": '"\\ud800"',
    "a NUL": '"\\u0000"',
}


@pytest.mark.parametrize("literal", LITERALS.values(), ids=LITERALS)
@pytest.mark.parametrize("kind", [*DOCUMENTS, "dateline"])
def test_a_value_that_no_event_has_is_a_fault_of_its_record_or_of_the_file(kind: str, literal: str) -> None:
    records, broken = soon(lambda: read(kind, with_value(kind, literal)))
    if broken:
        assert (len(records), "line" in broken.lower(), len(broken) < 500) == (1, True, True)
    else:
        assert [bool(record.faults) for record in records][::2] == [False, False]
    for record in records:
        assert len(record.faults) <= TOLD_MAX
        assert all(len(fault.message) < 500 for fault in record.faults)
        json.dumps(record.original)


@on_sqlite
@pytest.mark.parametrize("literal", LITERALS.values(), ids=LITERALS)
@pytest.mark.parametrize("kind", [*DOCUMENTS, "dateline"])
def test_over_http_such_a_value_is_told_with_its_line(empty_writer: FlaskClient, kind: str, literal: str) -> None:
    data = with_value(kind, literal)
    media_type = "application/x-ndjson" if kind == "dateline" else None
    answer = empty_writer.post(
        f"/v1/events/bulk?format={format_of(kind)}&unknown_actors=create", data=data, content_type=media_type
    )
    assert answer.status_code in (200, 422), answer.get_data(as_text=True)[:500]
    assert len(answer.data) < 20_000
    if answer.status_code == 200:
        report = answer.get_json()
        assert report["created"] + len(report["rejected"]) == report["received"]
        assert report["created"] >= 1


def test_what_the_api_of_acled_said_may_be_nested_in_any_way() -> None:
    for depth in (40, 900, 5000):
        data = b'{"error": ' + b"[" * depth + b'"No."' + b"]" * depth + b', "status": 1}'
        assert read("acled", data)[1]


# What a file looks like

HEADS = {
    "an object of blanks": b"{" + b" " * 65_000,
    "an array of blanks": b"[" + b" " * 65_000,
    "blanks": b" " * 65_000 + b"x",
    "lines": b"\n" * 65_000 + b"x",
    "the columns of a day": b"year,month,day," * 4300,
    "the columns of a day and no words": b"year" + b"," * 30_000 + b"month" + b"," * 30_000,
    "returns": b"\r" * 65_000 + b"\n",
    "returns and letters": b"\ra" * 32_000 + b"\n",
    "tabs": b"\t" * 65_000,
    "semicolons": b";" * 65_000,
    "commas": b"," * 65_000,
    "quotes": b'"' * 65_000,
    "braces": b"{" * 65_000,
    "names of lists": b"{" + b'"events" ' * 7000,
    "names of titles": b'{"title":' * 7000,
    "titles and blanks": b'{ "title" :' + b' "title" ' + b" " * 64_000,
    "an id without end": b'{"events": [{"id": "' + b"x" * 65_000,
    "columns of ACLED's": b"event_id_cnty_" * 4600,
    "a script": b"a." * 32_000 + b"\n",
    "blanks of a script": b"var " + b" " * 65_000,
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_what_a_file_looks_like_is_told_in_time_that_grows_with_its_length(head: bytes) -> None:
    soon(lambda: [recognised(head[:HEAD]) for _ in range(5)], 0.5)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("format_name", IMPORTERS)
def test_any_beginning_is_read_or_refused_soon(format_name: str, head: bytes) -> None:
    def work() -> None:
        try:
            for record in IMPORTERS[format_name].read(opened(io.BytesIO(head))).records:
                assert len(record.faults) + len(record.warnings) <= TOLD_MAX
        except UnreadableFile as error:
            assert 0 < len(str(error)) < 2500

    soon(work, 1.0)


# Long cells and many separators


@every_kind
def test_long_cells_of_any_column_leave_little_behind(kind: str) -> None:
    list(streamed(kind, made(kind, 1)))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    place = 0
    while data := with_cell(kind, place, f"{place} " + "word " * (LONG // 5)):
        records, _ = soon(partial(read, kind, data))
        assert sum(len(record.faults) + len(record.warnings) for record in records) <= TOLD_MAX
        assert all(len(told.message) < 700 for record in records for told in (*record.faults, *record.warnings))
        del records, data
        place += 1
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert place > 2
    assert held < 2_000_000


@every_kind
@pytest.mark.parametrize("separator", [";", ",", "; ", "/", "|", ":", '"', "'", "-", " ", "<", "&", "(", "a;", '"",'])
def test_a_cell_of_nothing_but_separators_is_read_soon_and_told_of_briefly(kind: str, separator: str) -> None:
    def work() -> int:
        place = 0
        while data := with_cell(kind, place, separator * (20_000 // len(separator))):
            for record in read(kind, data)[0]:
                assert len(record.faults) + len(record.warnings) <= TOLD_MAX, place
            place += 1
        return place

    assert soon(work, 6.0) > 2


@every_kind
@pytest.mark.parametrize(
    "separator", [b",", b"\t", b"\n", b"\r\n", b" "], ids=["comma", "tab", "line", "CRLF", "blank"]
)
def test_a_million_separators_between_records_are_read_soon(kind: str, separator: bytes) -> None:
    data = made(kind, 2)
    if kind in DOCUMENTS:
        at = data.index(b"},\n") + 1
        data = data[:at] + b"," + separator * 1_000_000 + data[at + 1 :]
    else:
        data = data.rstrip(b"\n") + b"\n" + separator * 1_000_000 + b"\n"
    records, broken = soon(lambda: read(kind, data), 10.0)
    assert (len([record for record in records if record.event]), broken) == (2, "")
    assert sum(len(record.faults) + len(record.warnings) for record in records) <= TOLD_MAX


# Records that are longer than one may be


@on_sqlite
@pytest.mark.parametrize("kind", ["csv", "ucdp-ged", "acled", "timelinejs as a sheet", "gdelt"])
@pytest.mark.parametrize(
    "filler", ["x", "x\n", '""', 'x"",""', "\\"], ids=["letters", "lines", "quotes", "cells", "slash"]
)
def test_what_follows_an_overlong_record_can_be_fed_again(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch, kind: str, filler: str
) -> None:
    """Cut off within its quotes, it would swallow the record behind it in the file of rejects."""
    if kind == "csv":
        monkeypatch.setattr("service.importers.csv_own.MAX_QUOTED", MAX_RECORD)
    data = made(kind, 2).decode()
    first = data.rstrip("\n").rsplit("\n", 1)[0] + "\n" if kind == "csv" else made(kind, 1).decode()
    bad = {"csv": "e7,No date,,,other", "gdelt": "7\t8"}.get(kind, "1,2")
    if kind == "gdelt":
        overlong = "7\t" + filler.replace("\n", " ") * (MAX_RECORD + 10)
    else:
        overlong = '1,"' + filler * (MAX_RECORD // len(filler) + 10) + '"'
    rejects = io.StringIO(newline="")
    how = Import(IMPORTERS[format_of(kind)], "import")
    listener = Listener(rejects=rejects)
    told = import_file(empty_database, io.BytesIO(f"{first}{overlong}\n{bad}\n".encode()), how, listener)
    assert counts(told) == (3, 1, 0, 0, 2)
    assert rejections(told)[0][1:] == ("/", "record-too-long")
    again = io.StringIO(newline="")
    told = import_file(empty_database, io.BytesIO(rejects.getvalue().encode()), how, replace(listener, rejects=again))
    assert counts(told) == (2, 0, 0, 0, 2)
    assert again.getvalue().splitlines()[-1].endswith(bad)
    assert len(rejects.getvalue()) < 20_000
