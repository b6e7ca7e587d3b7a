"""Reads the slides of a timeline of TimelineJS from its sheet, saved as CSV: one row for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.faults import Fault
from schemas.fields import pointer_step, shorten
from service.importers.delimited import Row
from service.importers.record import Record, UnreadableFile, rejected
from service.importers.timelinejs_slide import Slide, kind_of_slide

# Where each column of the sheet stands in a slide.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "year": ("start_date", "year"),
    "month": ("start_date", "month"),
    "day": ("start_date", "day"),
    "time": ("start_date", "time"),
    "end year": ("end_date", "year"),
    "end month": ("end_date", "month"),
    "end day": ("end_date", "day"),
    "end time": ("end_date", "time"),
    "display date": ("display_date",),
    "headline": ("text", "headline"),
    "text": ("text", "text"),
    "media": ("media", "url"),
    "media credit": ("media", "credit"),
    "media caption": ("media", "caption"),
    "media thumbnail": ("media", "thumbnail"),
    "alt text": ("media", "alt"),
    "type": ("type",),
    "group": ("group",),
    "background": ("background",),
    "unique id": ("unique_id",),
}
REQUIRED = ("year", "headline")
# As TimelineJS reads it: 6, 6:45, 6.45, 0645, 6:45:56.5, each with or without am or pm.
_TIME = re.compile(
    r"([0-9]{1,2})(?:[:.]([0-9]{1,2})(?:[:.]([0-9]{1,2})(?:[.,:]([0-9]{1,9}))?)?|([0-9]{2}))?"
    r"(?:\s*([ap])\.?m\.?)?",
    re.IGNORECASE,
)
_DATES = ("start_date", "end_date")


class Header:
    """The columns of a sheet: their names as they stand, each another, and where what they hold stands in a slide."""

    def __init__(self, cells: tuple[str, ...]) -> None:
        self.names = [name.strip() for name in cells]
        keys = [" ".join(name.lower().replace("_", " ").split()) for name in cells]
        self.missing = [name for name in REQUIRED if name not in keys]
        self.is_of_version_1 = "start date" in keys
        for name in COLUMNS:
            if keys.count(name) > 1:
                raise UnreadableFile(f"The header has the column {name} twice.")
        for place, name in enumerate(self.names):
            if not name or name in self.names[:place]:
                # No column may be lost from the original: a nameless or repeated one is named by its place.
                self.names[place] = f"{name} ({place + 1})".strip()
        # What TimelineJS does not know stands apart, so that it is taken for nothing else.
        self.paths = [COLUMNS.get(key, ("columns", name)) for key, name in zip(keys, self.names, strict=True)]
        self.columns = self._columns()

    def _columns(self) -> Mapping[str, str]:
        """The column that each pointer into a slide stands for."""
        found = {
            "".join(map(pointer_step, path)): pointer_step(name)
            for path, name in zip(self.paths, self.names, strict=True)
        }
        for date in _DATES:
            time = found.pop(f"/{date}/time", None)
            if time:
                found |= dict.fromkeys(
                    (f"/{date}/{part}" for part in ("hour", "minute", "second", "millisecond")), time
                )
            if year := found.get(f"/{date}/year"):
                found[f"/{date}"] = year
        return found


def slides_of(rows: Iterator[Row], header: Header) -> Iterator[Slide | Record]:
    """The slides of the rows below the header, and the records of rows that cannot be read."""
    for row in rows:
        yield _slide(row, header)


def _slide(row: Row, header: Header) -> Slide | Record:
    cells = row.cells
    if cells is None:
        assert row.fault is not None
        return rejected(row.line, row.raw, row.fault)
    width = len(header.names)
    if len(cells) > width and not any(cells[width:]):
        cells = cells[:width]
    if len(cells) != width:
        message = f"The record has {len(cells)} columns where the header has {width}."
        return rejected(row.line, row.raw, Fault("/", "wrong-column-count", message))
    original = dict(zip(header.names, cells, strict=True))
    slide: dict[str, Any] = {}
    for path, text in zip(header.paths, cells, strict=True):
        if text.strip():
            part = slide
            for step in path[:-1]:
                part = part.setdefault(step, {})
            part[path[-1]] = text.strip()
    faults = [fault for name in _DATES if name in slide and (fault := _bring_to_parts(slide[name], name))]
    if faults:
        return rejected(row.line, row.raw, faults[0].moved(header.columns[faults[0].pointer]), original)
    return Slide(row.line, row.raw, slide, original, kind_of_slide(slide), header.columns)


def _bring_to_parts(date: dict[str, str], name: str) -> Fault | None:
    """Bring a date of the sheet into the parts that the JSON has; the fault of a time that is none."""
    for part in ("year", "month", "day"):
        if part in date:
            # Sheets show large numbers with commas.
            date[part] = re.sub(r"[\s,]", "", date[part])
    if "time" not in date:
        return None
    text = date.pop("time")
    found = _TIME.fullmatch(text)
    if found is None:
        return Fault(f"/{name}/hour", "time", f"'{shorten(text, 40)}' is no time; write it as 18:45.")
    hour, minute, second, fraction, joined, half = found.groups()
    number = int(hour)
    if half and number <= 12:
        number = number % 12 + (12 if half in "pP" else 0)
    date["hour"] = str(number)
    date |= {"minute": minute or joined or "", "second": second or "", "millisecond": (fraction or "")[:3]}
    return None
