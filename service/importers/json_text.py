"""Reads a JSON document of any length a value at a time, and sees that it is whole and that nothing comes after it."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from schemas.faults import Fault, Refused
from schemas.strict_json import DEPTH_MAX, refuse_deep
from service.importers.delimited import MAX_RECORD
from service.importers.framing import REASON, unmarked_object
from service.importers.record import UnreadableFile

CHUNK = 1 << 16
# Digits of the longest whole number that every reader of JSON takes; a longer one is kept as the text that it is.
DIGITS_MAX = 18
_BETWEEN = re.compile(r"[\s,]*")
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Item:
    """A value of a document: the line where it begins, from 1, its own text, and what it is."""

    line: int
    raw: str
    value: Any


def listed(stream: BinaryIO, whole: str, part: str, name: str) -> Iterator[Item]:
    """The members of the list that a document is, or that its member of this name is, in order.

    whole, part: what the document and a member of the list are called. The reason why a member was rejected before is
    taken off it. Raises UnreadableFile. Memory does not grow with the list.
    """
    text = JsonText(stream, whole)
    found = False
    if text.begins_with("["):
        found = True
        yield from _unmarked(text.items(part))
    else:
        for key in text.names():
            if key == name and text.begins_with("["):
                found = True
                yield from _unmarked(text.items(part))
                continue
            other = text.value("member")
            if key == name and other.value is not None:
                raise UnreadableFile(f'"{name}" in line {other.line} is no list of {part}s.')
    text.end()
    if not found:
        raise UnreadableFile(f"This is JSON, but no {whole}: it has no {part}s.")


def too_deep(item: Item) -> Fault | None:
    """The fault of a value that holds more inside each other than any record needs, and than all can handle."""
    # Few values hold as many brackets as it takes to be too deep.
    if item.raw.count("[") + item.raw.count("{") > DEPTH_MAX:
        try:
            refuse_deep(item.value)
        except Refused as refused:
            return refused.faults[0]
    return None


def _unmarked(items: Iterator[Item]) -> Iterator[Item]:
    for item in items:
        if not isinstance(item.value, dict) or REASON not in item.value:
            yield item
            continue
        del item.value[REASON]
        if item.value:
            yield Item(item.line, unmarked_object(item.raw), item.value)


class JsonText:
    """The text of a document, of which no more is kept than the value that is being read.

    whole: what the document is called. line: the line of the file that has been come to, from 1. Every method raises
    UnreadableFile, with the line, where the text is none of JSON. Numbers that not every reader of JSON takes are the
    texts that they are; ``NaN`` is null.
    """

    def __init__(self, stream: BinaryIO, whole: str) -> None:
        self._stream = stream
        self._whole = whole
        self._characters = codecs.getincrementaldecoder("utf-8")()
        self._decoder = json.JSONDecoder(parse_int=_integer, parse_float=_fraction, parse_constant=_constant)
        self._text = ""
        self._at = 0
        self._ended = False
        self._is_broken = False
        self.line = 1
        self._more()
        self._at = int(self._text.startswith("\ufeff"))

    def begins_with(self, character: str) -> bool:
        """Whether the value that comes next begins so."""
        return self._next_after(_SPACE) == character

    def names(self) -> Iterator[str]:
        """The names within the object that comes next, for each of which its value must be read before the next."""
        self._expect("{", "The document begins otherwise")
        while self._next_after(_BETWEEN) != "}":
            name = self.value("member").value
            if not isinstance(name, str):
                message = f"The {self._whole} is not valid JSON in line {self.line}: a name is a text in quotes."
                raise UnreadableFile(message)
            self._expect(":", "A name of a member is followed by something else")
            self._next_after(_SPACE)
            yield name
        self._skip()

    def items(self, what: str) -> Iterator[Item]:
        """The members of the list that comes next; ``what`` is one of them in words."""
        self._expect("[", f"A list of {what}s begins otherwise")
        while self._next_after(_BETWEEN) != "]":
            yield self.value(what)
        self._skip()

    def value(self, what: str) -> Item:
        """The value that comes next, whole; ``what`` is it in words."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError:
                message = f"The {what} that begins in line {self.line} holds too much inside each other."
                raise UnreadableFile(message) from None
            except json.JSONDecodeError as error:
                # Most likely it goes on in what was not read yet.
                if self._ended or len(self._text) - self._at > MAX_RECORD:
                    raise UnreadableFile(self._broken(what, error)) from None
            else:
                if end - self._at > MAX_RECORD:
                    message = f"The {what} that begins in line {self.line} is longer than {MAX_RECORD:,} characters."
                    raise UnreadableFile(message)
                # A number may go on as well.
                if end < len(self._text) or self._ended:
                    item = Item(self.line, self._text[self._at : end], value)
                    self._go_to(end)
                    return item
            self._more()

    def end(self) -> None:
        """Raises UnreadableFile where anything comes after the document, such as another: it would be passed over."""
        if self._next_after(_SPACE, may_end=True):
            raise UnreadableFile(f"The document ends before line {self.line}, but the file goes on after it.")

    def _next_after(self, between: re.Pattern[str], *, may_end: bool = False) -> str:
        """The next character behind what stands between values; empty at the end of the file, where it may end."""
        while True:
            found = between.match(self._text, self._at)
            assert found is not None, "it matches the empty string too"
            self._go_to(found.end())
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                if may_end:
                    return ""
                raise UnreadableFile(f"The {self._whole} breaks off in line {self.line}.")
            self._more()

    def _expect(self, character: str, otherwise: str) -> None:
        """Go past a character that must come next."""
        if (found := self._next_after(_SPACE)) != character:
            raise UnreadableFile(f"{otherwise} in line {self.line}: {found!r} stands where {character!r} must.")
        self._skip()

    def _skip(self) -> None:
        """Go past a character that is known to come next."""
        self._go_to(self._at + 1)

    def _broken(self, what: str, error: json.JSONDecodeError) -> str:
        where = f"the {what} that begins in line {self.line}"
        if not self._ended and error.pos > self._at + MAX_RECORD:
            return f"The {self._whole} is not valid JSON, or overlong, in {where}."
        if error.pos >= len(self._text.rstrip()) or error.msg.startswith("Unterminated"):
            return f"The {self._whole} breaks off, or a quote is never closed, in {where}."
        line = self.line + self._text.count("\n", self._at, error.pos)
        return f"The {self._whole} is not valid JSON in {where}: {error.msg}, in line {line}."

    def _go_to(self, place: int) -> None:
        self.line += self._text.count("\n", self._at, place)
        self._at = place

    def _more(self) -> None:
        if self._is_broken:
            line = self.line + self._text.count("\n", self._at)
            raise UnreadableFile(f"Line {line} is not UTF-8. Save the file as UTF-8.")
        left = self._text[self._at :]
        # As much again as is there, so that a long value is not begun anew for each of many short pieces.
        chunk = self._stream.read(max(CHUNK, len(left)))
        self._ended = not chunk
        try:
            more = self._characters.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            # What stands before it is sound; it is told of when that has been read.
            more = bytes(error.object[: error.start]).decode("utf-8")
            self._is_broken, self._ended = True, False
        self._text = left + more
        self._at = 0


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= DIGITS_MAX else digits


def _fraction(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _constant(word: str) -> str | None:
    # Python programs write the first for a cell that is empty.
    return None if word == "NaN" else word
