"""Slides of TimelineJS as the tests write them, and the records that are read from them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from peewee import Database

from service.import_report import ImportReport
from service.importers import IMPORTERS, Record
from service.importers.source import opened
from service.importing import Import, Listener, import_file

FIXTURES = Path(__file__).parent / "fixtures"


FORMAT = IMPORTERS["timelinejs"]


MIXED = (FIXTURES / "timelinejs_mixed.json").read_bytes()


SHEET = (FIXTURES / "timelinejs_sheet.csv").read_bytes()


HEADER = "Year,Month,Day,Time,End Year,End Month,End Day,End Time,Headline,Text,Media,Type,Group\n"


def read(data: bytes | str) -> list[Record]:
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return list(FORMAT.read(opened(io.BytesIO(raw))).records)


def timeline(*slides: Any, **parts: Any) -> bytes:
    return json.dumps({"events": slides, **parts}).encode()


def slide(**members: Any) -> dict[str, Any]:
    """The smallest slide that is an event, and what a test adds to it."""
    return {"start_date": {"year": "1900"}, "text": {"headline": "Something"}, **members}


def one(**members: Any) -> Record:
    (record,) = read(timeline(slide(**members)))
    return record


def event(**members: Any) -> dict[str, Any]:
    record = one(**members)
    made: dict[str, Any] = record.event
    assert made is not None, record.faults
    return made


def row(**cells: str) -> Record:
    """The record of a row of a sheet; End_Year stands for End Year."""
    named = {"Year": "1900", "Headline": "Something"} | {name.replace("_", " "): text for name, text in cells.items()}
    quoted = ('"' + named.get(name, "").replace('"', '""') + '"' for name in HEADER.strip().split(","))
    (record,) = read(HEADER + ",".join(quoted) + "\n")
    return record


def codes(record: Record) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in record.faults or record.warnings]


def take(database: Database, data: bytes | str, **options: Any) -> ImportReport:
    raw = data.encode() if isinstance(data, str) else data
    how = Import(FORMAT, "import", dataset=options.pop("dataset", None), min_year=options.pop("min_year", 1000))
    return import_file(database, io.BytesIO(raw), how, Listener(rejects=options.pop("rejects", None)), **options)
