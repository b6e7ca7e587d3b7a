"""The time that charts have along their width: slots of one or more periods, their words, addresses and ticks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.date_words import date_words
from schemas.periods import BUCKETS
from service.periods import clipped

# Units of width, whatever it is drawn at.
WIDTH = 1000
# So many slots from the first to the last can still be told apart.
SLOTS_MAX = 400
_YEARS = tuple(("year", step) for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000))
# Into what periods can be put together, by their bucket, the finest first. Weeks make no months.
_TOGETHER = {
    "day": (("day", 1), ("week", 1), ("month", 1), ("quarter", 1), *_YEARS),
    "week": tuple(("week", step) for step in (1, 2, 4, 8, 13, 26, 52)),
    "month": (("month", 1), ("quarter", 1), *_YEARS),
    "quarter": (("quarter", 1), *_YEARS),
    "year": _YEARS,
}
# The widest that a bar or a dot's place is, so that one single period is no wall.
SLOT_WIDEST = 60

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# From what a tick may be to the next, the finest first, as a bucket and a number of them.
_TICKS = (
    *(("day", step) for step in (1, 2, 7, 14)),
    *(("month", step) for step in (1, 2, 3, 6)),
    *(("year", step) for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)
# So many fit on a telephone.
_TICKS_MOST = {"day": 6, "month": 5, "year": 6}
# A label this near to a side would be cut off if it stood in the middle of its tick.
_NEAR_A_SIDE = WIDTH * 0.08


@dataclass(frozen=True, slots=True)
class Axis:
    """Slots that follow each other, each ``step`` periods of a bucket; ``first`` is the number of the first."""

    bucket: str
    step: int
    first: int
    slots: int

    def slot(self, day: date) -> int:
        """The slot that a day lies in, counted from 0."""
        return BUCKETS[self.bucket].number(day) // self.step - self.first

    def days(self, slot: int) -> tuple[date, date]:
        """The first and the last day of a slot."""
        following = self._begins(slot + 1)
        last = date.max if following is None else date.fromordinal(following.toordinal() - 1)
        return self._begins(slot) or date.min, last

    def _begins(self, slot: int) -> date | None:
        """The first day of a slot; None outside the calendar."""
        try:
            return BUCKETS[self.bucket].first_day((self.first + slot) * self.step)
        except (ValueError, OverflowError):
            return None

    @property
    def slot_width(self) -> float:
        return WIDTH / self.slots

    @property
    def bar_width(self) -> float:
        return min(self.slot_width * 0.88, SLOT_WIDEST)

    def middle(self, slot: int) -> float:
        return (slot + 0.5) * self.slot_width

    @property
    def ends(self) -> tuple[date, date]:
        return self.days(0)[0], self.days(self.slots - 1)[1]

    @property
    def words(self) -> str:
        """How the time is divided: ``by month``, ``in steps of 10 years``."""
        return f"by {self.bucket}" if self.step == 1 else f"in steps of {self.step} {self.bucket}s"

    def ticks(self) -> Iterator[dict[str, Any]]:
        """A few round dates along the axis: where, how their label stands to that, and the label."""
        first, last = self.ends
        bucket, step = _tick_step(first, last)
        number_of, first_day = BUCKETS[bucket].number, BUCKETS[bucket].first_day
        # Days are counted from the first one; months and years from round ones.
        begins = number_of(first) if bucket == "day" else -(-number_of(first) // step) * step
        for number in range(begins, number_of(last) + 1, step):
            if number and (day := first_day(number)) >= first:
                yield _tick(self._place(day, bucket), _label(bucket, day))

    def _place(self, day: date, bucket: str) -> float:
        """Where a day begins; where slots are just what ticks tell of, their middle."""
        slot = self.slot(day)
        if bucket == self.bucket and self.step == 1:
            return self.middle(slot)
        begins, ends = self.days(slot)
        within = (day - begins).days / ((ends - begins).days + 1)
        return (slot + within) * self.slot_width


def _tick_step(first: date, last: date) -> tuple[str, int]:
    for bucket, step in _TICKS:
        number_of = BUCKETS[bucket].number
        if (number_of(last) - number_of(first)) // step < _TICKS_MOST[bucket]:
            return bucket, step
    return _TICKS[-1]


def _label(bucket: str, day: date) -> str:
    if bucket == "year":
        return f"AD {day.year}" if day.year < 1000 else str(day.year)
    month = _MONTHS[day.month - 1]
    return f"{day.day} {month}" if bucket == "day" else f"{month} {day.year}"


def _tick(place: float, label: str) -> dict[str, Any]:
    near_the_end = "end" if place > WIDTH - _NEAR_A_SIDE else "middle"
    return {
        "x": percent(place),
        "anchor": "start" if place < _NEAR_A_SIDE else near_the_end,
        "label": label,
    }


def percent(place: float) -> str:
    """A place along the axis as a share of its width."""
    return f"{place / WIDTH * 100:.4g}%"


def short(number: float) -> str:
    """A coordinate with one decimal, or none where it is whole."""
    return f"{number:.1f}".removesuffix(".0")


@dataclass(frozen=True, slots=True)
class Slot:
    """What lies in one slot: its number, its events, how they divide, and the EDTF text of its time."""

    number: int
    count: int
    by: Mapping[str, int]
    period: str

    @property
    def first(self) -> str:
        return self.period.partition("/")[0]

    @property
    def last(self) -> str:
        return self.period.rpartition("/")[2]

    @property
    def words(self) -> str:
        return date_words(self.period)


def make_axis(bucket: str, periods: Sequence[Mapping[str, Any]], marks: int) -> Axis:
    """The finest axis over the periods of a bucket, one at least, of whose slots at most ``marks`` have events."""
    days = [date.fromisoformat(period["start"]) for period in periods]
    for slots_of, step in _TOGETHER[bucket]:
        number_of = BUCKETS[slots_of].number
        numbers = [number_of(day) // step for day in days]
        slots = numbers[-1] - numbers[0] + 1
        if slots <= SLOTS_MAX and len(set(numbers)) <= marks:
            break
    return Axis(slots_of, step, numbers[0], slots)


def shared_out(axis: Axis, periods: Sequence[Mapping[str, Any]], period: str | None) -> list[Slot]:
    """The slots that have events, in order. ``period``: the filter of that name, which their times lie within."""
    counts: Counter[int] = Counter()
    divided: dict[int, Counter[str]] = {}
    for each in periods:
        slot = axis.slot(date.fromisoformat(each["start"]))
        counts[slot] += each["count"]
        divided.setdefault(slot, Counter()).update(each["by"])
    text = clipped(period)
    found = []
    for slot in sorted(counts):
        first, last = axis.days(slot)
        found.append(Slot(slot, counts[slot], divided[slot], text(first.isoformat(), last.isoformat())))
    return found


def in_words(number: int, word: str = "event") -> str:
    """A number of things: ``1 event``, ``1,234 events``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
