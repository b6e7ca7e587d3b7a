"""Reads timelines made for TimelineJS 3: its JSON, and its Google sheet saved as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from schemas.faults import Fault
from service.importers import timelinejs_document as document
from service.importers import timelinejs_sheet as sheet
from service.importers.delimited import rows
from service.importers.framing import csv_framing, json_framing
from service.importers.record import Importer, Reading, Record, UnreadableFile
from service.importers.sniffing import not_of_the_format, refuse_others
from service.importers.source import head
from service.importers.timelinejs_event import event_of, headline_of
from service.importers.timelinejs_slide import Slide

TITLE = "timeline of TimelineJS"
JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
# A document that is handed to a function or given to a variable, as pages for TimelineJS 1 and 2 loaded it.
SCRIPT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:(?:var|let|const)\s+)?[\w.$]+\s*[=(]\s*\{")


def read(stream: BinaryIO) -> Reading:
    """The slides and eras of a timeline as records, each with either its event or its faults."""
    beginning = head(stream)
    if SCRIPT.match(beginning):
        raise UnreadableFile(
            "This is JavaScript with JSON in it (JSONP): take away what stands before the first { and after the last }."
        )
    refuse_others("timelinejs", TITLE, beginning)
    if JSON.match(beginning):
        return Reading(_records(document.slides_of(stream)), json_framing('{"events": [\n', "\n]}\n"))
    found = rows(stream)
    first = next(found, None)
    if first is None:
        raise UnreadableFile("The file is empty.")
    if first.cells is None:
        raise not_of_the_format(TITLE, beginning, first.fault.message if first.fault else "")
    header = sheet.Header(first.cells)
    if header.missing:
        if header.is_of_version_1:
            raise UnreadableFile(
                "This is a sheet of the first TimelineJS, whose dates stand in one column, Start Date: "
                "part them into Year, Month and Day."
            )
        raise not_of_the_format(TITLE, beginning, f"Its header lacks {', '.join(header.missing)}.")
    return Reading(_records(sheet.slides_of(found, header)), csv_framing(first.raw))


def _records(slides: Iterator[Slide | Record]) -> Iterator[Record]:
    """The records of all slides. What is said of a cover, which is none, is a warning of the record that comes next.

    A record is held back until the next one has come, since a cover may come last.
    """
    held: Record | None = None
    told: list[Fault] = []
    try:
        for slide in slides:
            if isinstance(slide, Slide) and slide.is_cover:
                told.append(_left_out(slide))
                continue
            if held:
                yield held
            held = _with_warnings(event_of(slide) if isinstance(slide, Slide) else slide, told)
            told = []
    except UnreadableFile:
        if held:
            yield held
        raise
    if held is None:
        raise UnreadableFile("The timeline has no event.")
    yield _with_warnings(held, told)


def _with_warnings(record: Record, warnings: list[Fault]) -> Record:
    return replace(record, warnings=(*warnings, *record.warnings)) if warnings else record


def _left_out(cover: Slide) -> Fault:
    message = f"The title slide of line {cover.line}, '{headline_of(cover.value)}', has no date; it is no event."
    return Fault(cover.columns.get("/type", "/title"), "not-an-event", message)


IMPORTER = Importer(
    name="timelinejs",
    title="Timelines made for TimelineJS",
    licence=None,
    citation=None,
    read=read,
)
