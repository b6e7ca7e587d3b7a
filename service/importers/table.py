"""Reads tables with a header: what its columns are called and known as, and which of its rows are records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple, TypeVar

from schemas.faults import Fault
from schemas.fields import shorten
from service.importers.delimited import MAX_RECORD, Row, rows
from service.importers.record import Record, UnreadableFile, rejected
from service.importers.sniffing import not_of_the_format
from service.importers.source import head

# A cell of the row that the Humanitarian Exchange Language puts under a header: ``#adm1 +name +en``.
HXL_TAG = re.compile(r"\s*#[a-z][a-z0-9_]*(?:\s*\+\s*[a-z][a-z0-9_]*)*\s*", re.IGNORECASE)

Made = TypeVar("Made")


class Begun(NamedTuple):
    """A table of which the first row has been read: that row, its cells, and the rows below it."""

    first: Row
    cells: tuple[str, ...]
    below: Iterator[Row]


def begun(stream: BinaryIO, title: str, delimiter: str = ",", longest: int = MAX_RECORD) -> Begun:
    """Read the first row of a table. Raises UnreadableFile where there is none that can be read.

    title: what the file should be, for the refusal. delimiter, longest: as for ``delimited.rows``.
    """
    beginning = head(stream)
    below = rows(stream, delimiter, longest)
    first = next(below, None)
    if first is None:
        raise UnreadableFile("The file is empty.")
    if first.cells is None:
        raise not_of_the_format(title, beginning, first.fault.message if first.fault else "")
    return Begun(first, first.cells, below)


def keys_of(names: Iterable[str], form: Callable[[str], str], renamed: Mapping[str, str]) -> list[str]:
    """What columns are known as: their names in one form, and of older names today's, unless that one is there too."""
    formed = [form(name) for name in names]
    there = set(formed)
    return [name if renamed.get(name, name) in there else renamed[name] for name in formed]


def doubled(keys: Iterable[str], read: Iterable[str]) -> list[str]:
    """Those columns of ``read`` that are there more than once, so that it is open which is meant."""
    times = Counter(keys)
    return [name for name in read if times[name] > 1]


def fitting(row: Row, width: int) -> tuple[str, ...] | Fault:
    """As many cells as the header has, or why the row has none. Empty cells may hang over the header."""
    cells = row.cells
    if cells is None:
        assert row.fault is not None
        return row.fault
    if len(cells) < width or any(cells[width:]):
        return Fault("/", "wrong-column-count", f"The record has {len(cells)} columns where the header has {width}.")
    return cells[:width]


class Table:
    """The columns of a table.

    columns: the names in the header, each another, by which the original of a row is kept. keys: what the importer
    knows the same columns as.
    """

    def __init__(
        self, header: Sequence[str], form: Callable[[str], str] = str, renamed: Mapping[str, str] | None = None
    ) -> None:
        columns = [name.strip() for name in header]
        keys = keys_of(columns, form, renamed or {})
        self._named = keys.copy()
        taken = {"", *columns}
        seen = {""}
        for position, name in enumerate(columns):
            if name in seen:
                # No column may be lost from the original: a nameless or repeated one is named by its place.
                name = f"{name} ({position + 1})".strip()
                while name in taken:
                    name = f"{name} ({position + 1})"
                taken.add(name)
                columns[position] = keys[position] = name
            seen.add(name)
        self.columns = tuple(columns)
        self.keys = tuple(keys)

    def lacking(self, required: Iterable[str]) -> list[str]:
        there = set(self._named)
        return [name for name in required if name not in there]

    def doubled(self, read: Iterable[str]) -> list[str]:
        return doubled(self._named, read)

    def require(self, required: Sequence[str], read: Iterable[str], title: str, beginning: bytes) -> None:
        """Raise UnreadableFile where a column is lacking without which no record can be read, or one is there twice.

        A file that lacks half of the required ones or more is taken for another than ``title``.
        """
        missing = self.lacking(required)
        if 2 * len(missing) >= len(required):
            raise not_of_the_format(title, beginning, f"Its header lacks {', '.join(missing)}.")
        if missing:
            lacks = ", ".join(missing)
            raise UnreadableFile(f"The header lacks {lacks}, without which no record can be read.")
        for name in self.doubled(read):
            raise UnreadableFile(f"The header has the column {shorten(name)} twice.")

    def records(self, below: Iterable[Row], made: Callable[[Row, tuple[str, ...]], Made]) -> Iterator[Made | Record]:
        """What is made of each row below the header and its cells, and the records of rows that do not fit the header.

        One row of HXL tags right under the header is passed over. Raises UnreadableFile where there is no record.
        """
        nothing = directly_below = True
        for row in below:
            if directly_below and _is_of_tags(row):
                directly_below = False
                continue
            nothing = directly_below = False
            cells = fitting(row, len(self.columns))
            yield rejected(row.line, row.raw, cells) if isinstance(cells, Fault) else made(row, cells)
        if nothing:
            raise UnreadableFile("The file has a header, but no record.")

    def original(self, cells: Sequence[str]) -> dict[str, str]:
        return dict(zip(self.columns, cells, strict=True))


def _is_of_tags(row: Row) -> bool:
    return row.cells is not None and all(HXL_TAG.fullmatch(cell) for cell in row.cells if cell.strip())
