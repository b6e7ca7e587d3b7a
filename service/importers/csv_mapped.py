"""Reads any delimited table by a mapping file: the events that its rows make, as the mapping says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from schemas.faults import Fault
from schemas.fields import near, shorten
from service.importers.csv_mapped_event import event_of
from service.importers.csv_mapping import TableMapping, UnusableMapping, read_mapping
from service.importers.delimited import Row, rows
from service.importers.framing import csv_framing
from service.importers.record import Importer, Reading, Record, UnreadableFile, rejected
from service.importers.sniffing import NOBODY, likeness, not_of_the_format
from service.importers.source import head

__all__ = ["UnusableMapping", "mapped_importer"]

TITLE = "table that the mapping describes"


def mapped_importer(path: Path) -> Importer:
    """What reads the tables that a mapping file describes. Raises UnusableMapping.

    It goes by the name of the mapping's dataset, with which the events' ids begin.
    """
    mapping = read_mapping(path)
    return Importer(mapping.dataset, mapping.title, mapping.licence, mapping.citation, partial(read, mapping))


def read(mapping: TableMapping, stream: BinaryIO) -> Reading:
    """The rows of the table, each with either its event or its faults.

    A row of HXL tags under the header is passed over. Columns that the mapping does not name stay in the original.
    """
    beginning = head(stream)
    # Once the delimiter is a comma, the table looks like one that nobody has to convert.
    compared = beginning.replace(mapping.delimiter.encode(), b",")
    found = likeness(compared)
    if found and found.importer == NOBODY:
        raise not_of_the_format(TITLE, compared, _delimiter_hint(mapping, beginning))
    table = rows(stream, mapping.delimiter)
    header = next(table, None)
    if header is None:
        raise UnreadableFile("The file is empty.")
    if header.cells is None:
        raise not_of_the_format(TITLE, beginning, header.fault.message if header.fault else "")
    columns = _columns(header.cells, mapping)
    return Reading(_records(table, columns, mapping), csv_framing(header.raw, mapping.delimiter))


def _delimiter_hint(mapping: TableMapping, beginning: bytes) -> str:
    first = beginning.split(b"\n", 1)[0]
    other = next((mark for mark in (";", "\t") if mark != mapping.delimiter and mark.encode() in first), None)
    # JSON and TOML write such a text alike.
    return f"Or say so in the mapping: delimiter = {json.dumps(other)}." if other else ""


def _columns(header: Sequence[str], mapping: TableMapping) -> tuple[str, ...]:
    """The header's names made distinct. Raises UnreadableFile where the mapping names others, or one that is twice."""
    columns = [name.strip() for name in header]
    lacking = [(name, key) for name, key in mapping.named() if name not in columns]
    if lacking:
        told = "; ".join(f"{shorten(name, 60)!r} ({key}){_hint(name, columns)}" for name, key in lacking[:10])
        has = ", ".join(shorten(name, 40) for name in columns[:20])
        raise UnreadableFile(f"The mapping names columns that the header does not have: {told}. It has {has}.")
    for name, key in mapping.named():
        if columns.count(name) > 1:
            raise UnreadableFile(f"The header has the column {shorten(name, 60)!r} twice, which {key} names.")
    for position, name in enumerate(columns):
        if not name or name in columns[:position]:
            # No column may be lost from the original: a nameless or repeated one is named by its place.
            columns[position] = f"{name} ({position + 1})".strip()
    return tuple(columns)


def _hint(name: str, columns: Sequence[str]) -> str:
    nearest = near(name, filter(None, columns))
    return f", did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""


def _records(table: Iterator[Row], columns: Sequence[str], mapping: TableMapping) -> Iterator[Record]:
    nothing = True
    for row in table:
        if nothing and row.cells and all(cell.lstrip().startswith("#") for cell in row.cells if cell.strip()):
            continue
        nothing = False
        yield _record(row, columns, mapping)
    if nothing:
        raise UnreadableFile("The file has a header, but no record.")


def _record(row: Row, columns: Sequence[str], mapping: TableMapping) -> Record:
    cells = row.cells
    if cells is None:
        assert row.fault is not None
        return rejected(row.line, row.raw, row.fault)
    if len(cells) < len(columns) or any(cells[len(columns) :]):
        message = f"The record has {len(cells)} columns where the header has {len(columns)}."
        return rejected(row.line, row.raw, Fault("/", "wrong-column-count", message))
    return event_of(row.line, row.raw, dict(zip(columns, cells, strict=False)), mapping)
