"""Where an event lies on the timeline, which stretch of time it covers, and how a stretch finds its events.

An event lies at its place on the timeline (its start, or its end where the start is open). One that
lasts longer must also be found by every day it may cover. Those are few, so each of them stands a second time in
the timeline index under a span class by how long it lasts. An event of a class that reaches a day began at most
the class's length before that day, so one short range of each class finds them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

EVERY = 0  # The class that holds every event.
LENGTHS = (4, 16, 64, 256, 1024, 4096, 16384)  # Days that the classes 1, 2, … reach at most.
LONGEST = len(LENGTHS) + 1  # Longer than all of those.
OPEN_END = LONGEST + 1
OPEN_START = LONGEST + 2

# Bounds of a place on the timeline. An id has no character below "-" nor above "z".
FIRST_PLACE = ""
LAST_PLACE = "~"
DAY_BEGINS = "T0000"
DAY_ENDS = "T2359"


def span_class(since: str | None, until: str | None) -> int:
    """The span class of an event that covers ``since`` to ``until`` (minutes, ``YYYYMMDDThhmm``; None is open)."""
    if since is None:
        return OPEN_START
    if until is None:
        return OPEN_END
    if since[:8] == until[:8]:
        return EVERY
    days = (_day(until) - _day(since)).days
    return next((number for number, length in enumerate(LENGTHS, 1) if days <= length), LONGEST)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A range of the timeline index: one span class, places from ``low`` up to but without ``high``.

    reaches: the minute that an event of the range must reach to count, as an open end does; None where all of them do.
    """

    span: int
    low: str
    high: str
    reaches: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The time that a query asks about, in minutes ``YYYYMMDDThhmm``; None is no bound."""

    begins: str | None = None
    ends: str | None = None

    @property
    def low(self) -> str:
        """The first place on the timeline that lies in the window's first day or minute."""
        return FIRST_PLACE if self.begins is None else _first_place(self.begins)

    @property
    def high(self) -> str:
        """The bound above every place in the window."""
        return LAST_PLACE if self.ends is None else _after(self.ends)

    def stretches(self) -> Iterator[Stretch]:
        """The ranges that together hold each event that may touch the window, and no event twice."""
        if self.begins is None:
            yield Stretch(EVERY, FIRST_PLACE, self.high)
        else:
            day = self.begins[:8]
            # Events of the window's first day lie at its beginning, though the window may begin at a later minute.
            reaches = None if self.begins.endswith(DAY_BEGINS) else self.begins
            yield Stretch(EVERY, day, self.high, reaches)
            for number, length in enumerate(LENGTHS, 1):
                yield Stretch(number, _days_before(day, length), day, self.begins)
            yield Stretch(LONGEST, FIRST_PLACE, day, self.begins)
            yield Stretch(OPEN_END, FIRST_PLACE, day)
        if self.ends is not None:
            # What has no known start may have begun at any time, so it touches whatever ends before it does. It lies at
            # its end, which is after the window's here, so that it always reaches the window.
            yield Stretch(OPEN_START, self.high, LAST_PLACE)


def _first_place(minute: str) -> str:
    return minute[:8] if minute.endswith(DAY_BEGINS) else minute


def _after(minute: str) -> str:
    """A bound above every place of the day that ends with this minute, or of the minute alone."""
    return (minute[:8] if minute.endswith(DAY_ENDS) else minute) + LAST_PLACE


def _day(minute: str) -> date:
    return date(int(minute[:4]), int(minute[4:6]), int(minute[6:8]))


@lru_cache(maxsize=16384)
def _days_before(day: str, days: int) -> str:
    try:
        return (_day(day) - timedelta(days=days)).strftime("%Y%m%d").rjust(8, "0")
    except OverflowError:
        return FIRST_PLACE
