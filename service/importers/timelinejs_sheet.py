"""Reads the slides of a timeline of TimelineJS from its sheet, saved as CSV: one row for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemas.faults import Fault
from schemas.fields import pointer_step, shorten
from service.importers.delimited import Row
from service.importers.record import Record, rejected
from service.importers.table import Table
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


class Sheet:
    """The columns of a sheet, and where what they hold stands in a slide."""

    def __init__(self, header: Sequence[str]) -> None:
        self.table = Table(header, _form)
        self.is_of_version_1 = "start date" in self.table.keys
        # What TimelineJS does not know stands apart, so that it is taken for nothing else.
        names = zip(self.table.keys, self.table.columns, strict=True)
        self.paths = [COLUMNS.get(key, ("columns", name)) for key, name in names]
        self.columns = self._columns()

    def _columns(self) -> Mapping[str, str]:
        """The column that each pointer into a slide stands for."""
        found = {
            "".join(map(pointer_step, path)): pointer_step(name)
            for path, name in zip(self.paths, self.table.columns, strict=True)
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


def _form(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())


def slides_of(below: Iterable[Row], sheet: Sheet) -> Iterator[Slide | Record]:
    """The slides of the rows below the header, and the records of rows that cannot be read."""

    def made(row: Row, cells: tuple[str, ...]) -> Slide | Record:
        return _slide(row, cells, sheet)

    return sheet.table.records(below, made)


def _slide(row: Row, cells: tuple[str, ...], sheet: Sheet) -> Slide | Record:
    original = sheet.table.original(cells)
    slide: dict[str, Any] = {}
    for path, text in zip(sheet.paths, cells, strict=True):
        if text.strip():
            part = slide
            for step in path[:-1]:
                part = part.setdefault(step, {})
            part[path[-1]] = text.strip()
    faults = [fault for name in _DATES if name in slide and (fault := _bring_to_parts(slide[name], name))]
    if faults:
        return rejected(row.line, row.raw, faults[0].moved(sheet.columns[faults[0].pointer]), original)
    return Slide(row.line, row.raw, slide, original, kind_of_slide(slide), sheet.columns)


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
