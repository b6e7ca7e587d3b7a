"""Reads any delimited table by a mapping file: the events that its rows make, as the mapping says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from schemas.fields import near, shorten
from service.importers.csv_mapped_event import event_of
from service.importers.csv_mapping import TableMapping, UnusableMapping, read_mapping
from service.importers.delimited import Row
from service.importers.framing import csv_framing
from service.importers.record import Importer, Reading, Record, UnreadableFile
from service.importers.sniffing import NOBODY, not_of_the_format, recognised
from service.importers.source import head
from service.importers.table import Table, begun

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
    found = recognised(compared)
    if found and found.importer == NOBODY:
        raise not_of_the_format(TITLE, compared, _delimiter_hint(mapping, beginning))
    header, names, below = begun(stream, TITLE, mapping.delimiter)
    table = Table(names)
    _judge(table, mapping)

    def made(row: Row, cells: tuple[str, ...]) -> Record:
        return event_of(row.line, row.raw, table.original(cells), mapping)

    return Reading(table.records(below, made), csv_framing(header.raw, mapping.delimiter))


def _delimiter_hint(mapping: TableMapping, beginning: bytes) -> str:
    first = beginning.split(b"\n", 1)[0]
    other = next((mark for mark in (";", "\t") if mark != mapping.delimiter and mark.encode() in first), None)
    # JSON and TOML write such a text alike.
    return f"Or say so in the mapping: delimiter = {json.dumps(other)}." if other else ""


def _judge(table: Table, mapping: TableMapping) -> None:
    """Raises UnreadableFile where the mapping names columns that the header does not have, or has twice."""
    keys = dict(mapping.named())
    if lacking := table.lacking(keys):
        told = "; ".join(f"{shorten(name, 60)!r} ({keys[name]}){_hint(name, table.columns)}" for name in lacking[:10])
        has = ", ".join(shorten(name, 40) for name in table.columns[:20])
        raise UnreadableFile(f"The mapping names columns that the header does not have: {told}. It has {has}.")
    for name in table.doubled(keys):
        raise UnreadableFile(f"The header has the column {shorten(name, 60)!r} twice, which {keys[name]} names.")


def _hint(name: str, columns: Sequence[str]) -> str:
    nearest = near(name, columns)
    return f", did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
