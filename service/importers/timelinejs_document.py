"""Reads the slides of a timeline of TimelineJS in JSON one at a time, wherever its lists stand in the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from service.importers.framing import REASON, unmarked_object
from service.importers.json_text import Item, JsonText
from service.importers.record import UnreadableFile
from service.importers.timelinejs_dates import is_blank
from service.importers.timelinejs_slide import ERA, EVENT, TITLE, Slide, kind_of_slide

LISTS = {"events": EVENT, "eras": ERA}
_VERSION_2 = 'This is a timeline of TimelineJS 2, with one "timeline" in place of "events"; bring it to TimelineJS 3.'


def slides_of(stream: BinaryIO) -> Iterator[Slide]:
    """The slides of a document ``{"title": …, "events": […], "eras": […]}``, in its order.

    A member of a list that was rejected before comes without the reason. Raises UnreadableFile. Memory does not grow
    with the document.
    """
    text = JsonText(stream, "timeline")
    found: set[str] = set()
    for name in text.names():
        if name in LISTS and text.begins_with("["):
            found.add(name)
            for slide in text.items("slide"):
                yield from _slide(slide, LISTS[name])
            continue
        member = text.value("member")
        if name == "timeline":
            raise UnreadableFile(_VERSION_2)
        if name in LISTS and not is_blank(member.value):
            raise UnreadableFile(f'"{name}" in line {member.line} is no list of slides.')
        if name == TITLE and not is_blank(member.value):
            yield from _slide(member, TITLE)
    text.end()
    if not found:
        raise UnreadableFile('This is JSON, but no timeline of TimelineJS: it has neither "events" nor "eras".')


def _slide(item: Item, place: str) -> Iterator[Slide]:
    line, raw, value = item.line, item.raw, item.value
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
