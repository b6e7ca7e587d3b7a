"""Small factories and doors for the tests of writing: drafts, bodies, a deletion, and a look at all that is stored."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from peewee import Database

from schemas.faults import Fault
from schemas.precondition import Precondition
from service import event_store
from service.database import fetch
from service.drafts import Draft, Report
from service.event_store import write_events
from service.importers.ucdp_ged import COLUMNS_23_1
from service.models import TABLES

# One record of UCDP GED, made up. The side ids belong to nobody.
GED = {
    "id": "700001",
    "type_of_violence": "1",
    "conflict_name": "Afghanistan: Government",
    "side_a_new_id": "91001",
    "side_a": "Quince Regiment",
    "side_b_new_id": "91002",
    "side_b": "Orchard Brigade",
    "number_of_sources": "1",
    "source_article": '"Lapis Wire,2020-05-03,Three dead in Sangin"',
    "where_prec": "2",
    "where_coordinates": "Sangin town",
    "adm_1": "Hilmand province",
    "adm_2": "Sangin district",
    "latitude": "32.072",
    "longitude": "64.834",
    "country": "Afghanistan",
    "date_prec": "1",
    "date_start": "2020-05-02 00:00:00.000",
    "date_end": "2020-05-02 00:00:00.000",
    "deaths_a": "2",
    "deaths_b": "0",
    "deaths_civilians": "1",
    "deaths_unknown": "0",
    "low": "2",
    "best": "3",
    "high": "5",
}


def body(**members: Any) -> dict[str, Any]:
    """The smallest event that can be written, and what a test adds to it."""
    return {"title": "Something happened", "date": "2021-08-26", **members}


def claim(**members: Any) -> dict[str, Any]:
    """A claim of three killed, and what a test adds to it."""
    return {"measure": "killed", "best": 3, **members}


def put(database: Database, *bodies: Any, by: str = "tester", **options: Any) -> Report:
    """Write the bodies as one batch, their lines counted from 1."""
    return write_events(database, [Draft(line, item) for line, item in enumerate(bodies, 1)], by=by, **options)


def counts(report: Report) -> tuple[int, int, int, int, int]:
    """What became of a batch: received, created, updated, unchanged, rejected."""
    return report.received, report.created, report.updated, report.unchanged, len(report.rejected)


def found(faults: Iterable[Fault]) -> list[tuple[str, str]]:
    """The pointer and the code of each fault."""
    return [(fault.pointer, fault.code) for fault in faults]


def rejections(report: Report) -> list[tuple[int, str, str]]:
    """Line, pointer and code of each fault of the drafts that were rejected."""
    return [(item.line, fault.pointer, fault.code) for item in report.rejected for fault in item.faults]


def document(database: Database, event_id: str) -> dict[str, Any]:
    """The answer that the store holds for an event."""
    sql = "SELECT d.document FROM event_document d JOIN event e ON e.num = d.num WHERE e.id = ?"
    [(text,)] = fetch(database, sql, (event_id,))
    answer: dict[str, Any] = orjson.loads(text)
    return answer


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    tables = [model._meta.table_name for model in TABLES]
    return {table: sorted(fetch(database, f"SELECT * FROM {table}"), key=repr) for table in tables}


def delete_event(database: Database, event_id: str, by: str = "tester") -> None:
    """Delete an event, whatever its version."""
    event_store.delete_event(database, event_id, Precondition(any_version=True), by=by)


def ged(*rows: Mapping[str, str], columns: Iterable[str] = COLUMNS_23_1) -> bytes:
    """A file of UCDP GED whose records are the made-up one with these changes."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows([{**GED, **row} for row in rows])
    return text.getvalue().encode()
