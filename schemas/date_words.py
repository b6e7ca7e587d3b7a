"""Dates in words: what an EDTF date says, in English and as precisely as it says it; and its parts as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from schemas.edtf import parse_date

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_QUALIFIERS = {"~": "about ", "?": "perhaps ", "%": "perhaps about "}
_PRECISIONS = {1: "year", 2: "month", 3: "day", 5: "minute", 6: "minute"}
# How words for a time stand after "on or before" and the like.
_PREPOSITIONS = {"decade": "in", "year": "in", "month": "in", "day": "on", "minute": "at"}


@dataclass(frozen=True, slots=True)
class Side:
    """One date as it is written: a date that stands alone, or one side of an interval.

    numbers: year, month, day, hour, minute and second, as far as they are known; of a decade its first. precision: as
    in ``schemas.edtf.DateSpan``. qualifier: ``about ``, ``perhaps ``, ``perhaps about `` or nothing. clock: the time of
    day as written, without its offset; zone: the offset in words. Both are empty where there is none.
    """

    numbers: tuple[int, ...]
    precision: str
    qualifier: str
    clock: str
    zone: str


@lru_cache(maxsize=4096)
def sides(text: str) -> tuple[Side | None, Side | None]:
    """The two sides of an interval, None for one that is open; a date that stands alone is both.

    Raises ``schemas.edtf.DateError`` for what is no date.
    """
    parse_date(text)
    first, slash, last = text.partition("/")
    return _side(first), _side(last if slash else first)


def date_words(text: str) -> str:
    """What an EDTF date says: ``about 27 August 2021``, ``22 to 28 August 2021``, ``on or before 30 August 2021``.

    ``~`` is about, ``?`` perhaps, ``%`` perhaps about, each before the date that it belongs to. A side that is open
    leaves the other one: what ended ``on or before`` a day, or went on ``from`` it. A time has the offset that it was
    given with, and is otherwise the place's own.

    Raises ``schemas.edtf.DateError`` for what is no date.
    """
    first, last = sides(text)
    if first is None or last is None:
        if first is not None:
            return f"from {_words(first)} on"
        assert last is not None, "no date is open on both sides"
        preposition = _PREPOSITIONS[last.precision]
        return f"{preposition} or before {_words(last)}"
    if first == last:
        return _words(first)
    return _interval(first, last)


def _side(text: str) -> Side | None:
    if text == "..":
        return None
    qualifier = _QUALIFIERS.get(text[-1], "")
    day, _, time = (text[:-1] if qualifier else text).partition("T")
    if len(day) == 4 and day.endswith("X"):
        return Side((int(day[:3]) * 10,), "decade", qualifier, "", "")
    numbers = tuple(int(part) for part in day.split("-") if part != "XX")
    clock, zone = _time(time)
    numbers += tuple(int(part) for part in clock.split(":") if part)
    return Side(numbers, _PRECISIONS[len(numbers)], qualifier, clock, zone)


def _time(text: str) -> tuple[str, str]:
    """A time of day without its offset, and the offset in words."""
    place = next((place for place, sign in enumerate(text) if sign in "Z+-"), len(text))
    clock, offset = text[:place], text[place:]
    if not offset:
        return clock, ""
    shift = offset.removeprefix("Z")
    if shift and len(shift) == 3:
        shift += ":00"
    return clock, f"UTC{shift}" if shift.strip("+-0:") else "UTC"


def _words(side: Side) -> str:
    return side.qualifier + _plain(side)


def _plain(side: Side) -> str:
    """A date without its qualifier."""
    year, *rest = side.numbers
    if side.precision == "decade":
        # "The 1900s" would be read as a century, and "the 820s" is not written of such years.
        if year % 100 == 0 or year < 1000:
            return f"the decade {_year(year)} to {year + 9}"
        return f"the {year}s"
    words = " ".join([*(str(day) for day in rest[1:2]), *(_MONTHS[month - 1] for month in rest[:1]), _year(year)])
    return f"{words}, {_clock(side)}" if side.clock else words


def _year(year: int) -> str:
    return f"AD {year}" if year < 1000 else str(year)


def _clock(side: Side) -> str:
    return f"{side.clock} ({side.zone})" if side.zone else side.clock


def _interval(first: Side, last: Side) -> str:
    """Two sides that differ. What they share is said once, unless a qualifier belongs to one of them alone."""
    if first.precision == last.precision and first.qualifier == last.qualifier:
        return f"{first.qualifier}{_beginning(first, last)} to {last.qualifier}{_ending(first, last)}"
    return f"{_within(first, last)} to {_within(last, first)}"


def _beginning(first: Side, last: Side) -> str:
    """The first side, without what the last one says for both."""
    year, *rest = first.numbers
    if first.precision == "month" and year == last.numbers[0]:
        return _MONTHS[rest[0] - 1]
    if first.precision == "day" and year == last.numbers[0]:
        day, month = str(rest[1]), _MONTHS[rest[0] - 1]
        return day if rest[0] == last.numbers[1] else f"{day} {month}"
    if _same_day(first, last) and first.zone == last.zone:
        return _plain(first).removesuffix(f" ({first.zone})")
    return _plain(first)


def _ending(first: Side, last: Side) -> str:
    """The last side, without the day that the first one says for both."""
    return _clock(last) if _same_day(first, last) else _plain(last)


def _same_day(first: Side, last: Side) -> bool:
    return first.precision == last.precision == "minute" and first.numbers[:3] == last.numbers[:3]


def _within(side: Side, other: Side) -> str:
    """A side in full; one that holds the other is some time in it, for "August 2021 to 2021" says nothing."""
    holds = side.numbers == other.numbers[: len(side.numbers)] and len(side.numbers) < len(other.numbers)
    if side.precision == "decade":
        holds = other.precision != "decade" and 0 <= other.numbers[0] - side.numbers[0] < 10
    if not holds:
        return _words(side)
    return f"some time {_PREPOSITIONS[side.precision]} {_words(side)}"
