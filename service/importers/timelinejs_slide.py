"""A slide of TimelineJS as both of its forms, JSON and sheet, give it, and what kind of slide it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.importers.timelinejs_dates import is_dated

EVENT, ERA, TITLE = "event", "era", "title"


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide.

    line, raw, original: as in ``Record``. value: the slide in the form of the JSON, or whatever stands in its place.
    kind: EVENT, ERA or TITLE. columns: in a sheet, the column that each pointer into the slide stands for.
    """

    line: int
    raw: str
    value: Any
    original: Mapping[str, Any] | None
    kind: str
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_cover(self) -> bool:
        """Whether it is what a timeline begins with: words on the whole, which happened at no time."""
        return self.kind == TITLE and not (isinstance(self.value, Mapping) and is_dated(self.value))


def kind_of_slide(value: Any, place: str = EVENT) -> str:
    """What kind of slide a value is by its ``type``, as sheets have it, or else by where it stands."""
    told = value.get("type") if isinstance(value, Mapping) else None
    kind = told.strip().lower() if isinstance(told, str) else ""
    return kind if kind in (ERA, TITLE) else place
