"""Reads the slides of a timeline of TimelineJS in JSON one at a time, wherever its lists stand in the document."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from service.importers.delimited import MAX_RECORD
from service.importers.framing import REASON, unmarked_object
from service.importers.record import UnreadableFile
from service.importers.timelinejs_dates import is_blank
from service.importers.timelinejs_slide import ERA, EVENT, TITLE, Slide, kind_of_slide

CHUNK = 1 << 16
LISTS = {"events": EVENT, "eras": ERA}
# Digits of the longest whole number that every reader of JSON takes; a longer one is kept as the text that it is.
DIGITS_MAX = 18
_BETWEEN = re.compile(r"[\s,]*")
_SPACE = re.compile(r"\s*")
_VERSION_2 = 'This is a timeline of TimelineJS 2, with one "timeline" in place of "events"; bring it to TimelineJS 3.'


def slides_of(stream: BinaryIO) -> Iterator[Slide]:
    """The slides of a document ``{"title": …, "events": […], "eras": […]}``, in its order.

    A member of a list that was rejected before comes without the reason. Raises UnreadableFile. Memory does not grow
    with the document.
    """
    text = _Text(stream)
    found: set[str] = set()
    text.expect("{", "The document begins otherwise")
    while text.next_after(_BETWEEN) != "}":
        key = text.value("member")[2]
        if not isinstance(key, str):
            raise UnreadableFile(f"The timeline is not valid JSON in line {text.line}: a name is a text in quotes.")
        text.expect(":", "A name of a member is followed by something else")
        beginning = text.next_after(_SPACE)
        if key in LISTS and beginning == "[":
            found.add(key)
            text.skip("[")
            while text.next_after(_BETWEEN) != "]":
                yield from _slide(*text.value("slide"), LISTS[key])
            text.skip("]")
            continue
        line, raw, value = text.value("member")
        if key == "timeline":
            raise UnreadableFile(_VERSION_2)
        if key in LISTS and not is_blank(value):
            raise UnreadableFile(f'"{key}" in line {line} is no list of slides.')
        if key == TITLE and not is_blank(value):
            yield from _slide(line, raw, value, TITLE)
    text.skip("}")
    if text.next_after(_SPACE, may_end=True):
        raise UnreadableFile(f"The document ends in line {text.line}, but the file goes on after it.")
    if not found:
        raise UnreadableFile('This is JSON, but no timeline of TimelineJS: it has neither "events" nor "eras".')


def _slide(line: int, raw: str, value: Any, place: str) -> Iterator[Slide]:
    if not isinstance(value, dict):
        yield Slide(line, raw, value, None, place)
        return
    if REASON in value:
        del value[REASON]
        if not value:
            return
        raw = unmarked_object(raw)
    kind = kind_of_slide(value, place)
    if kind == ERA and value.get("type") != ERA:
        # Among the events of a file of rejects it is an era by this alone, and so it is the same event again.
        raw = raw.rstrip()[:-1].rstrip() + (', "type": "era"}' if value else '"type": "era"}')
        value["type"] = ERA
    yield Slide(line, raw, value, value, kind)


class _Text:
    """The text of a stream, of which no more is kept than the value that is being read.

    line: the line of the file that has been come to, from 1.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._characters = codecs.getincrementaldecoder("utf-8")()
        self._decoder = json.JSONDecoder(parse_int=_whole, parse_float=_fraction, parse_constant=lambda word: None)
        self._text = ""
        self._at = 0
        self._ended = False
        self._is_broken = False
        self.line = 1
        self._more()
        self._at = int(self._text.startswith("\ufeff"))

    def next_after(self, between: re.Pattern[str], *, may_end: bool = False) -> str:
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
                raise UnreadableFile(f"The timeline breaks off in line {self.line}.")
            self._more()

    def expect(self, character: str, otherwise: str) -> None:
        """Go past a character that must come next."""
        if (found := self.next_after(_SPACE)) != character:
            raise UnreadableFile(f"{otherwise} in line {self.line}: {found!r} stands where {character!r} must.")
        self.skip(character)

    def skip(self, character: str) -> None:
        """Go past a character that is known to come next."""
        self._go_to(self._at + len(character))

    def value(self, what: str) -> tuple[int, str, Any]:
        """The line where the value that comes next begins, its own text, and the value."""
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
                    raise UnreadableFile(f"The {what} that begins in line {self.line} is longer than {MAX_RECORD:,}.")
                if end < len(self._text) or self._ended:
                    found = (self.line, self._text[self._at : end], value)
                    self._go_to(end)
                    return found
            self._more()

    def _broken(self, what: str, error: json.JSONDecodeError) -> str:
        where = f"the {what} that begins in line {self.line}"
        if not self._ended and error.pos > self._at + MAX_RECORD:
            return f"The timeline is not valid JSON, or overlong, in {where}."
        if error.pos >= len(self._text.rstrip()) or error.msg.startswith("Unterminated"):
            return f"The timeline breaks off, or a quote is never closed, in {where}."
        line = self.line + self._text.count("\n", self._at, error.pos)
        return f"The timeline is not valid JSON in {where}: {error.msg}, in line {line}."

    def _go_to(self, place: int) -> None:
        self.line += self._text.count("\n", self._at, place)
        self._at = place

    def _more(self) -> None:
        if self._is_broken:
            line = self.line + self._text.count("\n", self._at)
            raise UnreadableFile(f"Line {line} is not UTF-8. Save the file as UTF-8.")
        chunk = self._stream.read(CHUNK)
        self._ended = not chunk
        try:
            more = self._characters.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            # What stands before it is sound; it is told of when that has been read.
            more = bytes(error.object[: error.start]).decode("utf-8")
            self._is_broken, self._ended = True, False
        self._text = self._text[self._at :] + more
        self._at = 0


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= DIGITS_MAX else digits


def _fraction(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits
