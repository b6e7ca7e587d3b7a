"""Rows of ACLED as the tests write them, and the records that are read from them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from peewee import Database

from service.import_report import ImportReport
from service.importers import IMPORTERS, Record
from service.importers.source import opened
from service.importing import Import, Listener, import_file

FORMAT = IMPORTERS["acled"]


FIXTURES = Path(__file__).parent / "fixtures"


SAMPLES = Path(__file__).parents[1] / ".." / "shared" / "data" / "samples"


WHOLE_FILES = (
    "acled_export_bom_crlf.csv",
    "acled_hxl_reordered.csv",
    "acled_upper_case.csv",
    "acled_api.json",
    "acled_rows.json",
)


ROWS: list[dict[str, str]] = json.loads((FIXTURES / "acled_rows.json").read_text(encoding="utf-8"))


BASE = {name: text or "" for name, text in ROWS[0].items()}


def records_of(stream: BinaryIO) -> Iterator[Record]:
    return FORMAT.read(opened(stream)).records


def read(data: bytes) -> list[Record]:
    return list(records_of(io.BytesIO(data)))


def table(*rows: dict[str, str], columns: tuple[str, ...] = tuple(BASE)) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def one(**changes: str) -> Record:
    (record,) = read(table(BASE | changes))
    return record


def event(**changes: str) -> dict[str, Any]:
    record = one(**changes)
    made: dict[str, Any] = record.event
    assert made is not None, record.faults
    return made


def codes(record: Record) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in record.faults or record.warnings]


def roles(made: dict[str, Any]) -> list[tuple[str, str]]:
    return [(actor["name"], actor["role"]) for actor in made["actors"]]


def take(database: Database, data: bytes, rejects: io.StringIO | None = None) -> ImportReport:
    return import_file(database, io.BytesIO(data), Import(FORMAT, "import"), Listener(rejects=rejects))


ACLED_TYPES = {
    "Battles": "battle",
    "Explosions/Remote violence": "explosion",
    "Violence against civilians": "violence-against-civilians",
    "Protests": "protest",
    "Riots": "riot",
    "Strategic developments": "strategic-development",
}
