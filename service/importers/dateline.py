"""Reads Dateline's own events, one JSON object a line (NDJSON): what exports write and what a bulk body holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import orjson

from schemas.faults import Fault, Refused
from schemas.fields import ID_FORM, shorten
from schemas.strict_json import DEPTH_MAX, refuse_deep
from service.importers.record import Importer, Record, rejected

# Bytes of a line. An event with all its members at their limits takes some megabytes.
LINE_MAX = 10_000_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read(stream: BinaryIO) -> Iterator[Record]:
    """Every line that holds anything, in order; memory does not grow with the file.

    The event is whatever JSON the line holds, for the event's schema to judge. Of a key that stands twice in an object
    the last counts, as JSON readers have it.
    """
    number = 0
    while line := stream.readline(LINE_MAX + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
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
        if isinstance(event, dict) and event.get("id") is None:
            event["id"] = _id_of(event, line)
    except orjson.JSONDecodeError as error:
        message = f"{shorten(raw.strip(), 40)!r} is not JSON: {error.msg}, at column {error.colno}"
        return rejected(number, raw, Fault("", "not-json", message.encode("utf-8", "replace").decode()))
    except Refused as refused:
        return Record(number, raw, None, None, (), refused.faults, ())
    return Record(number, raw, None, event, (), (), ())


def _id_of(event: Mapping[str, Any], line: bytes) -> str:
    """The id of an event that gives none: made from its line, so that the same line is the same event again."""
    dataset = event.get("dataset")
    named = dataset if isinstance(dataset, str) and ID_FORM.match(dataset) else "local"
    return f"{named[:100]}-{hashlib.sha256(line.strip()).hexdigest()[:16]}"


IMPORTER = Importer(
    name="dateline",
    title="Dateline's own events",
    licence=None,
    citation=None,
    read=read,
    names_its_own=True,
)
