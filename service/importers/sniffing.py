"""Tells from its beginning what a file is, for who gave it the wrong format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from service.importers.kinds import Beginning, Kind
from service.importers.record import UnreadableFile

# What no importer reads, and what more than one might: of the latter no more is told than that.
NOBODY, ANYBODY = "", "*"
# Possessive, so that whatever stands between the parts is gone through once.
_PAGE = re.compile(rb'\{\s*+"events"\s*+:\s*+\[\s*+\{\s*+"id"\s*+:\s*+"[^"]*+"\s*+,\s*+"title"\s*+:\s*+"')


class Recognised(NamedTuple):
    """What a file is in words, and which importer reads it: its name, NOBODY or ANYBODY."""

    what: str
    importer: str


def _has_lone_returns(beginning: Beginning) -> bool:
    return b"\r" in beginning.line.rstrip(b"\r")


def _is_separated_by(mark: bytes, beginning: Beginning) -> bool:
    """Whether a mark stands in the first line twice, the first time before any comma."""
    first, _, rest = beginning.line.partition(mark)
    return not beginning.document and b"," not in first and mark in rest


UNREADABLE = (
    Kind("gzip-compressed data: unpack it first", lambda found: found.text.startswith(b"\x1f\x8b")),
    Kind(
        "a zip archive or an Excel workbook: unpack it, or save it as CSV",
        lambda found: found.text.startswith(b"PK\x03\x04"),
    ),
    Kind("UTF-16 text: save it as UTF-8", lambda found: found.text.startswith((b"\xff\xfe", b"\xfe\xff"))),
    Kind("binary data", lambda found: b"\0" in found.line),
    Kind("HTML or XML", lambda found: found.text.lstrip().startswith(b"<")),
    Kind("text whose lines end in a carriage return alone: save it with line feeds", _has_lone_returns),
    Kind(
        "a page of Dateline's own events: ask for them with format=ndjson",
        lambda found: _PAGE.match(found.document) is not None,
    ),
)
GEOJSON = Kind("GeoJSON", lambda found: found.is_object and found.has_member("FeatureCollection"))
SEPARATED = (
    Kind("text separated by tabs: save it separated by commas", lambda found: _is_separated_by(b"\t", found)),
    Kind("text separated by semicolons: save it separated by commas", lambda found: _is_separated_by(b";", found)),
)
VAGUE = (
    Kind("a JSON array", lambda found: found.document.startswith(b"[")),
    Kind("JSON", lambda found: found.is_object),
    Kind("comma-separated text", lambda found: b"," in found.line and b"\n" in found.text),
)


def recognised(head: bytes) -> Recognised | None:
    """What a file that begins so is."""
    beginning = Beginning(head)
    return next((Recognised(kind.what, importer) for kind, importer in _kinds() if kind.fits(beginning)), None)


def _kinds() -> Iterator[tuple[Kind, str]]:
    """Every kind and which importer reads it, in the order in which they are asked: the first that fits is told.

    What nobody reads whatever else it is comes first; then what has names of its own; then what has a form of its own;
    and last what is told only when nothing better can be said.
    """
    # The importers use this module, and are all there once one of them is asked to read.
    from service.importers import IMPORTERS

    of_importers = [(kind, importer.name) for importer in IMPORTERS.values() for kind in importer.kinds]
    yield from ((kind, NOBODY) for kind in UNREADABLE)
    yield from ((kind, name) for kind, name in of_importers if not kind.by_form)
    yield GEOJSON, ANYBODY
    yield from ((kind, name) for kind, name in of_importers if kind.by_form)
    yield from ((kind, NOBODY) for kind in SEPARATED)
    yield from ((kind, ANYBODY) for kind in VAGUE)


def refuse_others(importer: str, title: str, head: bytes, why: str = "") -> None:
    """Refuse a file of another format. Raises UnreadableFile.

    importer: the name of the one that is to read it. title: what that expects, a noun. why: what else there is to say.
    """
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise UnreadableFile("The file is empty.")
    found = recognised(head)
    if found and found.importer not in (importer, ANYBODY):
        raise not_of_the_format(title, head, why)


def not_of_the_format(title: str, head: bytes, why: str = "") -> UnreadableFile:
    """The refusal of a file of another format, with what it looks like and which importer would read that.

    title: what was expected, a noun. why: what is missing, as a sentence.
    """
    found = recognised(head)
    seen = f"; it looks like {found.what}" if found else ""
    named = f" (format {found.importer})" if found and found.importer not in (NOBODY, ANYBODY) else ""
    return UnreadableFile(f"This is no {title}{seen}{named}." + (f" {why}" if why else ""))
