"""Reads Dateline's own events, one JSON object a line (NDJSON): what exports write and what a bulk body holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import orjson

from schemas.faults import Fault, Refused
from schemas.fields import shorten
from schemas.strict_json import DEPTH_MAX, refuse_deep
from service.importers.delimited import BYTE_ORDER_MARK
from service.importers.framing import LINES, REASON, unmarked_object
from service.importers.kinds import Kind
from service.importers.record import Importer, Reading, Record, rejected

# Bytes of a line. An event with all its members at their limits takes some megabytes.
LINE_MAX = 10_000_000
MARKED = f'{{"{REASON}"'.encode()


def read(stream: BinaryIO) -> Reading:
    """Every line that holds anything, in order.

    The event is whatever JSON the line holds, for the event's schema to judge. Of a key that stands twice in an object
    the last counts, as JSON readers have it.
    """
    return Reading(_records(stream), LINES)


def _records(stream: BinaryIO) -> Iterator[Record]:
    number = 0
    while line := stream.readline(LINE_MAX + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        if line.startswith(MARKED):
            line = unmarked_object(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        if len(line) > LINE_MAX:
            yield rejected(number, "", Fault("", "too-long", f"the line has more than {LINE_MAX:,} bytes"))
            _skip_line(stream)
        elif line.strip():
            yield _record(number, line)


def _skip_line(stream: BinaryIO) -> None:
    """Read to the end of a line and forget it."""
    while (piece := stream.readline(1 << 16)) and not piece.endswith(b"\n"):
        pass


def _record(number: int, line: bytes) -> Record:
    raw = line.decode("utf-8", "surrogateescape")
    try:
        event = orjson.loads(line)
        # Few lines hold as many brackets as it takes to be too deep.
        if line.count(b"[") + line.count(b"{") > DEPTH_MAX:
            refuse_deep(event)
    except orjson.JSONDecodeError as error:
        shown = line.decode("utf-8", "replace").strip()
        wrong = "UTF-8" if "\ufffd" in shown and "\ufffd" not in raw else f"JSON: {error.msg}, at column {error.colno}"
        return rejected(number, raw, Fault("", "not-json", f"{shorten(shown, 40)!r} is not {wrong}"))
    except Refused as refused:
        return Record(number, raw, None, None, (), refused.faults, ())
    return Record(number, raw, None, event, (), (), ())


IMPORTER = Importer(
    name="dateline",
    title="Dateline's own events",
    licence=None,
    citation=None,
    read=read,
    names_its_own=True,
    kinds=(Kind("Dateline's own events, one a line", lambda found: found.has_title(is_object=False), by_form=True),),
)
