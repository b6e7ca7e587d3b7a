"""Rows of UCDP GED as the tests write them, and the records that are read from them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from service.importers import IMPORTERS, Record
from service.importers.source import opened
from service.importers.ucdp_ged import COLUMNS_23_1
from tests.writing import GED

FIXTURES = Path(__file__).parent / "fixtures"


SAMPLES = Path(__file__).parents[1] / ".." / "shared" / "data" / "samples"


BASE = {**GED, "id": "900001", "side_a_new_id": "130", "side_a": "Government of Afghanistan", "side_b_new_id": "77001"}


def records_of(stream: BinaryIO) -> Iterator[Record]:
    return IMPORTERS["ucdp-ged"].read(opened(stream)).records


def read(data: bytes) -> list[Record]:
    return list(records_of(io.BytesIO(data)))


def table(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS_23_1) -> bytes:
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


def figures(claims: list[dict[str, Any]]) -> dict[str | None, tuple[int | None, int | None, int | None]]:
    return {claim["of"]: (claim["low"], claim["best"], claim["high"]) for claim in claims}
