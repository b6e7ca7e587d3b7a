"""Lines of GDELT as the tests write them, and the records that are read from them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from peewee import Database

from service.import_report import ImportReport
from service.importers import IMPORTERS, Record
from service.importers.gdelt import COLUMNS_2
from service.importers.source import opened
from service.importing import Import, Listener, import_file

FIXTURES = Path(__file__).parent / "fixtures"


MIXED = (FIXTURES / "gdelt_mixed.tsv").read_bytes()


SAMPLE_FILES = [("gdelt2_20191024143000.tsv", 273), ("gdelt1_mixed57_58.tsv", 710)]


BASE = {
    "GLOBALEVENTID": "700001",
    "SQLDATE": "20200502",
    "MonthYear": "202005",
    "Actor1Code": "AFGINSTAL",
    "Actor1Name": "TALIBAN",
    "Actor1CountryCode": "AFG",
    "Actor1KnownGroupCode": "TAL",
    "Actor1Type1Code": "INS",
    "Actor2Code": "AFGGOV",
    "Actor2Name": "AFGHANISTAN",
    "Actor2CountryCode": "AFG",
    "Actor2Type1Code": "GOV",
    "EventCode": "190",
    "EventBaseCode": "190",
    "EventRootCode": "19",
    "ActionGeo_Type": "4",
    "ActionGeo_FullName": "Gardez, Paktia, Afghanistan",
    "ActionGeo_CountryCode": "AF",
    "ActionGeo_ADM1Code": "AF36",
    "ActionGeo_Lat": "33.597",
    "ActionGeo_Long": "69.226",
    "DATEADDED": "20210502",
    "SOURCEURL": "https://www.lapiswire.example/a/1",
}


def records_of(stream: BinaryIO) -> Iterator[Record]:
    return IMPORTERS["gdelt"].read(opened(stream)).records


def read(data: bytes) -> list[Record]:
    return list(records_of(io.BytesIO(data)))


def line(columns: tuple[str, ...] = COLUMNS_2, /, **changes: str) -> bytes:
    row = BASE | changes
    return "\t".join(row.get(column, "") for column in columns).encode("utf-8", "surrogatepass") + b"\n"


def one(**changes: str) -> Record:
    (record,) = read(line(**changes))
    return record


def event(**changes: str) -> dict[str, Any]:
    record = one(**changes)
    made: dict[str, Any] = record.event
    assert made is not None, record.faults
    return made


def codes(record: Record) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in record.faults or record.warnings]


def take(database: Database, data: bytes, **options: Any) -> ImportReport:
    return import_file(
        database,
        io.BytesIO(data),
        Import(IMPORTERS["gdelt"], "import", min_year=options.pop("min_year", 1000)),
        Listener(rejects=options.pop("rejects", None)),
        **options,
    )


def actor(name: str, code: str, country: str = "", kind: str = "", group: str = "") -> dict[str, Any] | None:
    """The first actor of a row that has no other."""
    codes = {"Actor1CountryCode": country, "Actor1Type1Code": kind, "Actor1KnownGroupCode": group}
    second = dict.fromkeys(("Actor2Code", "Actor2Name", "Actor2CountryCode", "Actor2Type1Code"), "")
    actors = one(Actor1Code=code, Actor1Name=name, **codes, **second).actors
    return actors[0] if actors else None
