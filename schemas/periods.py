"""Periods of a timeline: which bucket divides a stretch of time, where its periods lie, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from schemas.query import TimelineQuery

AUTO = "auto"
AUTO_MAX = 400
PERIODS_MAX = 10_000
EMBEDDED_DEFAULT = 3
EMBEDDED_MAX = 50
# Of all periods together. The longest timeline may still show five of each.
EMBEDDED_TOGETHER_MAX = 50_000
SHARES = ("type", "actor", "province", "country", "status")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A way to divide time. Periods have whole numbers that follow each other, so that they can be counted.

    number: the day → the number of the period that it lies in. first_day: that number → its first day; raises
    ValueError or OverflowError beyond the year 9999. written: so many characters of ``YYYY-MM-DD`` say where one
    begins or ends.
    """

    number: Callable[[date], int]
    first_day: Callable[[int], date]
    written: int


# The finest first. The first day of the calendar, 0001-01-01, is a Monday, as an ISO week begins.
BUCKETS: Mapping[str, Bucket] = {
    "day": Bucket(date.toordinal, date.fromordinal, 10),
    "week": Bucket(lambda day: (day.toordinal() - 1) // 7, lambda number: date.fromordinal(number * 7 + 1), 10),
    "month": Bucket(
        lambda day: day.year * 12 + day.month - 1, lambda number: date(number // 12, number % 12 + 1, 1), 7
    ),
    "quarter": Bucket(
        lambda day: day.year * 4 + (day.month - 1) // 3, lambda number: date(number // 4, number % 4 * 3 + 1, 1), 7
    ),
    "year": Bucket(lambda day: day.year, lambda number: date(number, 1, 1), 4),
}


@dataclass(frozen=True, slots=True)
class PeriodsQuery:
    """What is asked of a timeline in periods, names resolved.

    filters: as those of a TimelineQuery. by: what each period's count is divided by. events: how many of its events
    each period shows.
    """

    filters: Mapping[str, Any] = field(default_factory=dict)
    bucket: str = AUTO
    by: str | None = None
    events: int = EMBEDDED_DEFAULT

    @property
    def matching(self) -> TimelineQuery:
        """The query of the events that are counted."""
        return TimelineQuery(filters=self.filters)

    def within(self, period: str) -> TimelineQuery:
        """The query of those events that lie in a period, which must lie within the one asked for, if any."""
        others = {name: value for name, value in self.filters.items() if name != "period"}
        return TimelineQuery(filters={**others, "period": period})

    def normalised(self) -> dict[str, Any]:
        """The query as answers repeat it."""
        by = {} if self.by is None else {"by": self.by}
        return {**self.filters, "bucket": self.bucket, **by, "events": self.events}


# As many as the longest answer has.
@lru_cache(maxsize=PERIODS_MAX)
def days_of(bucket: str, number: int) -> tuple[str, str]:
    """The first and the last day of a period, ``YYYY-MM-DD``. The last of all ends as the calendar does."""
    first_day = BUCKETS[bucket].first_day
    try:
        last = first_day(number + 1) - timedelta(days=1)
    except (ValueError, OverflowError):
        last = date.max
    return first_day(number).isoformat(), last.isoformat()


def count_periods(bucket: str, first: date, last: date) -> int:
    """How many periods there are from that of the first day to that of the last, both included."""
    number = BUCKETS[bucket].number
    return number(last) - number(first) + 1


def finest_bucket(first: date, last: date, most: int) -> str:
    """The finest bucket that divides these days into at most so many periods; by year where none does."""
    return next((bucket for bucket in BUCKETS if count_periods(bucket, first, last) <= most), "year")


def write_period(bucket: str, first: str, last: str) -> str:
    """The EDTF text of a period from its first to its last day."""
    written = BUCKETS[bucket].written
    return _joined(first[:written], last[:written])


def write_interval(begins: str, ends: str) -> str:
    """The shortest EDTF text of a time from one minute to another, both included (``YYYYMMDDThhmm``)."""
    if not (begins.endswith("T0000") and ends.endswith("T2359")):
        return _joined(_written(begins), _written(ends))
    first, last = read_day(begins), read_day(ends)
    days = first.isoformat(), last.isoformat()
    for bucket in ("year", "month"):
        number = BUCKETS[bucket].number
        if (days_of(bucket, number(first))[0], days_of(bucket, number(last))[1]) == days:
            return write_period(bucket, *days)
    return _joined(*days)


def read_day(place: str) -> date:
    """The day of a place on the timeline, ``YYYYMMDD`` and anything after it; of a month ``YYYYMM`` the first."""
    return date(int(place[:4]), int(place[4:6]), int(place[6:8] or 1))


def _written(minute: str) -> str:
    return f"{minute[:4]}-{minute[4:6]}-{minute[6:11]}:{minute[11:]}"


def _joined(start: str, end: str) -> str:
    return start if start == end else f"{start}/{end}"
