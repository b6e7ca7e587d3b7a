"""Cuts a stream of comma-separated text (RFC 4180) into records that keep their line number and own text."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from schemas.faults import Fault
from service.importers.framing import REASON, unmarked_row
from service.importers.record import UnreadableFile

# The longest record that is read. UCDP's longest are about 10 kB, so that a megabyte is a broken file's.
MAX_RECORD = 1 << 20
# A quote still open after this many characters was never meant to be closed; reading on would fill the
# memory.
MAX_QUOTED = 16 << 20
# Characters that are kept of the beginning of a longer one.
SHOWN_MAX = 1000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its first line (from 1), its text, and its cells, or the fault for which it has none.

    Of one that is too long the text is a single cell that holds its beginning.
    """

    line: int
    raw: str
    cells: tuple[str, ...] | None
    fault: Fault | None


class _TooLong(Exception):
    """A physical line longer than a record may be, of which only the beginning was kept."""


def rows(stream: BinaryIO, delimiter: str = ",", longest: int = MAX_RECORD) -> Iterator[Row]:
    """Every record that has a character in it, in order, the header first.

    delimiter: what stands between cells. longest: of characters that a record may have, at most MAX_QUOTED.
    The reason why a record was rejected before is taken off it. Raises UnreadableFile at a byte that is not UTF-8 and
    for a quote that is never closed. Memory is bounded by MAX_QUOTED, whatever the file.
    """
    marked = None
    for row in _rows(stream, delimiter, longest):
        if marked is None:
            marked = row.cells is not None and row.cells[0].strip() == REASON
        yield _unmarked(row, delimiter) if marked else row


def _unmarked(row: Row, delimiter: str) -> Row:
    return replace(row, raw=unmarked_row(row.raw, delimiter), cells=row.cells and row.cells[1:])


def _rows(stream: BinaryIO, delimiter: str, longest: int) -> Iterator[Row]:
    lines = lines_of(stream, longest)
    taken: list[str] = []
    suspect: int | None = None
    line = 1
    ended = False

    def feed() -> Iterator[str]:
        nonlocal ended
        size = 0
        for text, whole in lines:
            size = size + len(text) if taken else len(text)
            taken.append(text)
            if not whole:
                raise _TooLong
            if size > MAX_QUOTED:
                raise UnreadableFile(_unclosed(line, suspect))
            yield text
        ended = True

    if csv.field_size_limit() < MAX_QUOTED:
        # The limit belongs to the whole process, so it is only ever raised.
        csv.field_size_limit(MAX_QUOTED)
    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        cells: list[str] | None = None
        fault: Fault | None = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _TooLong:
            fault = _too_long(longest)
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        except csv.Error as error:
            if ended:
                raise UnreadableFile(_unclosed(line, suspect)) from None
            fault = Fault("/", "malformed-record", f"The record's quotes do not pair up ({error}).")
            suspect = suspect or line
        raw = "".join(taken)
        if fault is None and len(raw) > longest:
            cells, fault = None, _too_long(longest)
        if fault is not None:
            is_whole = fault.code != "record-too-long"
            yield Row(line, raw if is_whole else _beginning(raw), None, fault)
        elif cells is not None and any(cell.strip() for cell in cells):
            yield Row(line, raw, tuple(cells), None)
        line += len(taken)
        taken.clear()


def lines_of(stream: BinaryIO, longest: int = MAX_RECORD) -> Iterator[tuple[str, bool]]:
    """Physical lines (up to a line feed) with their endings, decoded, and whether each is whole.

    Of one longer than ``longest`` bytes only the beginning is kept. Raises UnreadableFile at a byte that is not UTF-8.
    """
    number = 1
    chunk = stream.readline(longest).removeprefix(BYTE_ORDER_MARK)
    while chunk:
        if len(chunk) >= longest - 3 and not chunk.endswith(b"\n"):
            yield chunk.decode("utf-8", "replace"), False
            while chunk and not chunk.endswith(b"\n"):
                chunk = stream.readline(longest)
        else:
            try:
                text = chunk.decode("utf-8")
            except UnicodeDecodeError as error:
                raise UnreadableFile(
                    f"Line {number} is not UTF-8: 0x{chunk[error.start]:02x} is its byte {error.start + 1}. "
                    "Save the file as UTF-8."
                ) from None
            yield text, True
        number += 1
        chunk = stream.readline(longest)


def _beginning(raw: str) -> str:
    """The beginning of a record as one cell: cut off within its quotes it would swallow what is written behind it."""
    quoted = " ".join(raw[:SHOWN_MAX].split()).replace('"', '""')
    return f'"{quoted}"\n'


def _too_long(longest: int) -> Fault:
    return Fault("/", "record-too-long", f"The record is longer than {longest:,} characters.")


def _unclosed(line: int, suspect: int | None) -> str:
    hint = f" The first record whose quotes do not pair up begins in line {suspect}." if suspect else ""
    return f"A quote opened in the record that begins in line {line} is never closed.{hint}"
