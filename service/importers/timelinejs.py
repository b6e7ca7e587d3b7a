"""Reads timelines made for TimelineJS 3: its JSON, and its Google sheet saved as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from schemas.faults import Fault
from service.importers import timelinejs_document as document
from service.importers import timelinejs_sheet as sheet
from service.importers.findings import Findings
from service.importers.framing import csv_framing, json_framing
from service.importers.kinds import Kind
from service.importers.record import Importer, Reading, Record, UnreadableFile
from service.importers.sniffing import refuse_others
from service.importers.source import head
from service.importers.table import begun
from service.importers.timelinejs_event import event_of, headline_of
from service.importers.timelinejs_slide import Slide

TITLE = "timeline of TimelineJS"
JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
# A document that is handed to a function or given to a variable, as pages for TimelineJS 1 and 2 loaded it.
# Possessive, so that blanks are gone through once.
LISTS = re.compile(rb'"(?:events|eras)"\s*+:\s*+\[')
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
    header, names, below = begun(stream, TITLE)
    columns = sheet.Sheet(names)
    if columns.is_of_version_1 and columns.table.lacking(sheet.REQUIRED):
        raise UnreadableFile(
            "This is a sheet of the first TimelineJS, whose dates stand in one column, Start Date: "
            "part them into Year, Month and Day."
        )
    columns.table.require(sheet.REQUIRED, sheet.COLUMNS, TITLE, beginning)
    return Reading(_records(sheet.slides_of(below, columns)), csv_framing(header.raw))


def _records(slides: Iterator[Slide | Record]) -> Iterator[Record]:
    """The records of all slides. What is said of a cover, which is none, is a warning of the record that comes next.

    A record is held back until the next one has come, since a cover may come last.
    """
    held: Record | None = None
    covers = Findings()
    try:
        for slide in slides:
            if isinstance(slide, Slide) and slide.is_cover:
                covers.append(_left_out(slide))
                continue
            if held:
                yield held
            held = _with_warnings(event_of(slide) if isinstance(slide, Slide) else slide, covers)
            covers = Findings()
    except UnreadableFile:
        if held:
            yield held
        raise
    if held is None:
        raise UnreadableFile("The timeline has no event.")
    yield _with_warnings(held, covers)


def _with_warnings(record: Record, warnings: Findings) -> Record:
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
    kinds=(
        Kind("a timeline of TimelineJS", lambda found: found.is_object and LISTS.search(found.document) is not None),
        Kind("a timeline of TimelineJS", lambda found: found.has_title(is_object=True)),
        Kind(
            "a timeline of TimelineJS as a sheet", lambda found: found.has_columns("year", "month", "day", "headline")
        ),
    ),
)
