"""Tells from its beginning what a file looks like, for who gave it the wrong format."""

from __future__ import annotations

import re
from typing import NamedTuple

from service.importers.record import UnreadableFile

# What no importer reads, and what more than one might: of the latter no more is told than that.
NOBODY, ANYBODY = "", "*"


class Likeness(NamedTuple):
    """What files that begin so are, and which importer reads them: its name, NOBODY or ANYBODY."""

    beginning: re.Pattern[bytes]
    what: str
    importer: str


# The first that fits is told. The beginning is that after a byte order mark.
LIKENESSES = tuple(
    Likeness(re.compile(pattern, re.DOTALL), what, importer)
    for pattern, what, importer in (
        (rb"\x1f\x8b", "gzip-compressed data: unpack it first", NOBODY),
        (rb"PK\x03\x04", "a zip archive or an Excel workbook: unpack it, or save it as CSV", NOBODY),
        (rb"\xff\xfe|\xfe\xff", "UTF-16 text: save it as UTF-8", NOBODY),
        (rb"[^\n]*\x00", "binary data", NOBODY),
        (rb"\s*<", "HTML or XML", NOBODY),
        (rb"[^\n]*\r(?!\r*\n|\Z)", "text whose lines end in a carriage return alone: save it with line feeds", NOBODY),
        (rb"(?:[^\t\n]*\t){56}[^\n]*\n?", "a GDELT event export", "gdelt"),
        (rb"(?!\s*[\[{])[^\t\n,]*\t[^\n]*\t", "text separated by tabs: save it separated by commas", NOBODY),
        (rb"(?!\s*[\[{])[^;\n,]*;[^\n]*;", "text separated by semicolons: save it separated by commas", NOBODY),
        (rb"(?i)[^\n]*\bevent_id_cnty\b", "an ACLED export", "acled"),
        (rb'\s*[\[{].*"event_id_cnty"', "an answer of ACLED's API", "acled"),
        (rb"(?i)[^\n]*\btype_of_violence\b", "a UCDP GED release", "ucdp-ged"),
        (rb'\s*\{.*"type_of_violence"', "UCDP GED as GeoJSON", "ucdp-ged"),
        (rb'\s*\{.*"FeatureCollection"', "GeoJSON", ANYBODY),
        (rb'\s*\{.*"(?:events|eras)"\s*:\s*\[', "a timeline of TimelineJS", "timelinejs"),
        (rb'\s*\{\s*[^\n]*"title"\s*:\s*\{', "a timeline of TimelineJS", "timelinejs"),
        (rb"(?i)[^\n]*\byear\W+month\W+day\b[^\n]*\bheadline\b", "a timeline of TimelineJS as a sheet", "timelinejs"),
        (rb"(?:rejected_because,)?id,title,summary,date,", "Dateline's own CSV", "csv"),
        (rb'\s*\{[^\n]*"title"\s*:', "Dateline's own events, one a line", "dateline"),
        (rb"\s*\[", "a JSON array", ANYBODY),
        (rb"\s*\{", "JSON", ANYBODY),
        (rb"[^,\n]*,[^\n]*\n", "comma-separated text", ANYBODY),
    )
)


def likeness(head: bytes) -> Likeness | None:
    """What a file that begins so looks like."""
    beginning = head.removeprefix(b"\xef\xbb\xbf")
    return next((found for found in LIKENESSES if found.beginning.match(beginning)), None)


def refuse_others(importer: str, title: str, head: bytes, why: str = "") -> None:
    """Refuse a file that looks like one of another format. Raises UnreadableFile.

    importer: the name of the one that is to read it. title: what that expects, a noun. why: what else there is to say.
    """
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise UnreadableFile("The file is empty.")
    found = likeness(head)
    if found and found.importer not in (importer, ANYBODY):
        raise not_of_the_format(title, head, why)


def not_of_the_format(title: str, head: bytes, why: str = "") -> UnreadableFile:
    """The refusal of a file of another format, with what it looks like and which importer would read that.

    title: what was expected, a noun. why: what is missing, as a sentence.
    """
    found = likeness(head)
    seen = f"; it looks like {found.what}" if found else ""
    named = f" (format {found.importer})" if found and found.importer not in (NOBODY, ANYBODY) else ""
    return UnreadableFile(f"This is no {title}{seen}{named}." + (f" {why}" if why else ""))
