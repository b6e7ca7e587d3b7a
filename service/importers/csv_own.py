"""Reads Dateline's own CSV: the columns that its export writes, in any order, whatever program wrote them since."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO

from schemas.faults import Fault, Unreadable
from schemas.fields import near, shorten
from service.flat_checks import body_of_row
from service.flat_event import BY_NAME, IGNORED, Column
from service.importers.delimited import MAX_QUOTED, Row
from service.importers.framing import csv_framing
from service.importers.kinds import Kind
from service.importers.record import Importer, Reading, Record, UnreadableFile, rejected
from service.importers.sniffing import not_of_the_format, refuse_others
from service.importers.source import head
from service.importers.table import begun, fitting

TITLE = "CSV of Dateline's own columns"
REQUIRED = ("title", "date")
# What of an event the columns are about.
MEMBERS = frozenset(column.into[0] for column in BY_NAME.values() if column.into)
OTHER_TABLE = "A table with other columns needs a mapping file, which says what they are."


def read(stream: BinaryIO) -> Reading:
    """Every row that holds anything, in order, for the event's schema to judge.

    Columns that are not there have their defaults. An event with all its members at their limits takes some megabytes.
    """
    beginning = head(stream)
    refuse_others("csv", TITLE, beginning, OTHER_TABLE)
    header, names, below = begun(stream, TITLE, longest=MAX_QUOTED)
    columns = _columns(names, beginning)
    lacks = MEMBERS - {column.into[0] for column in columns if column and column.into}
    return Reading((replace(_record(row, columns), lacks=lacks) for row in below), csv_framing(header.raw))


def _columns(header: Sequence[str], beginning: bytes) -> list[Column | None]:
    """The header's columns; None for those at its end that have no name, as spreadsheets leave them."""
    names = [name.strip().lower() for name in header]
    while not names[-1]:
        names.pop()
    lacking = [name for name in REQUIRED if name not in names]
    strange = [name.strip() for name in header[: len(names)] if name.strip().lower() not in BY_NAME]
    if len(strange) > len(names) / 2 or (len(lacking) == len(REQUIRED) and not strange):
        raise not_of_the_format(TITLE, beginning, f"{_unknown(strange)} {OTHER_TABLE}".strip())
    if strange:
        raise UnreadableFile(f"{_unknown(strange)} {OTHER_TABLE}")
    for name in sorted(set(names)):
        if names.count(name) > 1:
            raise UnreadableFile(f"The header has the column {name} twice.")
    if lacking:
        raise UnreadableFile(f"The header lacks {' and '.join(lacking)}, without which no event can be read.")
    return [*(BY_NAME[name] for name in names), *[None] * (len(header) - len(names))]


def _unknown(strange: Sequence[str]) -> str:
    told = []
    for name in strange[:5]:
        nearest = near(name, BY_NAME)
        if not name or name.startswith("Unnamed: "):
            told.append("a column without a name (pandas writes one unless it is told index=False)")
        else:
            told.append(f"{shorten(name, 40)!r}" + (f" (did you mean {' or '.join(nearest)}?)" if nearest else ""))
    if not told:
        return ""
    more = f" and {len(strange) - len(told)} more" if len(strange) > len(told) else ""
    return f"Its header has columns that are not Dateline's: {', '.join(told)}{more}."


def _record(row: Row, columns: Sequence[Column | None]) -> Record:
    cells = fitting(row, len(columns))
    if isinstance(cells, Fault):
        return rejected(row.line, row.raw, cells)
    values = {}
    faults = []
    for column, cell in zip(columns, cells, strict=True):
        if not cell or (cell.isspace() and not (column and column.cell.keeps_spaces)):
            continue
        if column is None:
            faults.append(Fault("/", "unknown-field", f"{shorten(cell, 40)!r} stands in a column without a name"))
        elif column.name not in IGNORED:
            try:
                values[column.name] = column.cell.read(cell)
            except Unreadable as error:
                faults += error.at(f"/{column.name}")
    if faults:
        return Record(row.line, row.raw, None, None, (), tuple(faults), ())
    event, faults = body_of_row(values)
    if faults:
        return Record(row.line, row.raw, None, None, (), tuple(faults), ())
    raw = row.raw if "id" in event else _plain(cells)
    return Record(row.line, raw, None, event, (), (), ())


def _plain(cells: Sequence[str]) -> str:
    """A row as it is written plainly. An id is made of it, which no program's way to quote and end lines may change."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


IMPORTER = Importer(
    name="csv",
    title="Dateline's own events as CSV",
    licence=None,
    citation=None,
    read=read,
    names_its_own=True,
    kinds=(Kind("Dateline's own CSV", lambda found: found.columns[:4] == ("id", "title", "summary", "date")),),
)
