"""Reads a list of objects within a JSON document one at a time, however long it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from service.importers.delimited import MAX_RECORD
from service.importers.framing import REASON, unmarked_object
from service.importers.record import UnreadableFile

CHUNK = 1 << 16
BETWEEN = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the list: the line where it begins, from 1, its own text, and its value."""

    line: int
    raw: str
    value: Any


def members(stream: BinaryIO, opening: re.Pattern[str], what: str) -> Iterator[Member]:
    """The members of the first list that ``opening`` leads to, its bracket included, in order.

    what: the list and one of its members, in words: ``feature collection, feature``. The reason why a member was
    rejected before is taken off it. Raises UnreadableFile. Memory does not grow with the list.
    """
    whole, part = what.split(", ")
    decoder = json.JSONDecoder()
    text, pending = "", b""
    line = 1
    begun = ended = False
    while not ended:
        chunk = stream.read(CHUNK)
        more, pending = _decoded(pending + chunk, line)
        text += more if text else more.removeprefix("\ufeff")
        at = 0
        if not begun and (found := opening.search(text)):
            begun, at = True, found.end()
            line += text.count("\n", 0, at)
        while begun:
            begin = BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # It matches the empty string too.
            line += text.count("\n", at, begin)
            at = begin
            if ended := text.startswith("]", at):
                break
            try:
                value, end = decoder.raw_decode(text, at)
            except (json.JSONDecodeError, RecursionError):
                # Most likely the member goes on in the next chunk.
                break
            if end == len(text) and chunk:
                # A number may go on as well.
                break
            yield from _unmarked(line, text[at:end], value)
            line += text.count("\n", at, end)
            at = end
        text = text[at:]
        if not ended and (not chunk or len(text) > MAX_RECORD):
            if not begun:
                raise UnreadableFile(f"This is JSON, but no {whole}: it has no {part}s.")
            wrong = f"is not valid JSON, or has an overlong {part}," if chunk else "breaks off"
            raise UnreadableFile(f"The {whole} {wrong} in the {part} that begins in line {line}.")


def _unmarked(line: int, raw: str, value: Any) -> Iterator[Member]:
    if not isinstance(value, dict) or REASON not in value:
        yield Member(line, raw, value)
        return
    del value[REASON]
    if value:
        yield Member(line, unmarked_object(raw), value)


def _decoded(data: bytes, line: int) -> tuple[str, bytes]:
    """The text of the bytes, and those at their end that begin a character which the next chunk completes."""
    try:
        return data.decode("utf-8"), b""
    except UnicodeDecodeError as error:
        if error.end == len(data) and len(data) - error.start < 4:
            return data[: error.start].decode("utf-8"), data[error.start :]
        raise UnreadableFile(f"The file is not UTF-8 near line {line}. Save it as UTF-8.") from None
