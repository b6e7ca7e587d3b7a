"""Dates: the part of EDTF (ISO 8601-2) that an event may have, and where it lies in time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

LONGEST = 100  # characters; the longest text with a meaning has 55, so more is never a date


class DateError(ValueError):
    """A text that is no date by the rules of this module.

    code: a short stable word for programs, such as ``reversed-interval``.
    message: one sentence on what is wrong and what would be right.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class DateSpan:
    """What a date can mean, in the event's local time.

    start: the earliest day ``YYYY-MM-DD`` or minute ``YYYY-MM-DDThh:mm``; None where that side is open.
    end: the latest one, in the same form. Never both None. A qualifier widens neither.
    precision: ``minute``, ``day``, ``month``, ``year`` or ``decade``; of an interval the coarser side's.
    qualifier: ``approximate``, ``uncertain``, ``both`` or None.

    Days and minutes do not compare as text when they are mixed: use ``since`` and ``until`` for that.
    """

    start: str | None
    end: str | None
    precision: str
    qualifier: str | None


class _Side(NamedTuple):
    """One date of an interval, or a date that stands alone."""

    start: str
    end: str
    precision: str
    qualifier: str | None
    year: int  # as written; a decade's first
    clock: int | None = None  # of date-times: local seconds on the proleptic Gregorian calendar
    instant: int | None = None  # the same in UTC, where an offset is given


class _Reading(NamedTuple):
    span: DateSpan
    years: tuple[int, ...]  # each year written, in order


_QUALIFIERS = {"~": "approximate", "?": "uncertain", "%": "both", None: None}
_PRECISIONS = ("minute", "day", "month", "year", "decade")  # finest first
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FARTHEST_SHIFT = 14 * 3600  # UTC+14 of the Line Islands is the largest offset in use

_DATE = re.compile(
    r"""(?: ([0-9]{3})X                                     # 1: decade
        |   ([0-9]{4})                                      # 2: year
            (?: -XX (?:-XX)?
            |   -([0-9]{2})                                 # 3: month
                (?: -XX
                |   -([0-9]{2})                             # 4: day
                    (?: T([0-9]{2}):([0-9]{2})              # 5, 6: hour, minute
                        (?: :([0-9]{2}) )?                  # 7: second
                        ( Z | [+-][0-9]{2}(?::[0-9]{2})? )? # 8: offset
                    )?
                )?
            )?
        )
        ([~?%])?                                            # 9: qualifier
    """,
    re.VERBOSE,
)

# Why a text that the pattern above does not know is refused: the first pattern found in it gives the reason.
_REASONS = tuple(
    (code, re.compile(pattern), message)
    for code, pattern, message in (
        ("set", r"[\[\]{}]", "sets of dates are not accepted; write an interval, 2021-08/2021-09"),
        ("bce", r"(?i)[0-9] ?b\.? ?c\.?(?: ?e\.?)?$", "years before the common era are not accepted"),
        ("exponent", r"^Y?-?[0-9]+E[0-9]", "years with an exponent are not accepted; write four digits"),
        ("significant-digits", r"^Y?-?[0-9]+S[0-9]", "significant digits are not accepted; write 2021~"),
        ("long-year", r"^Y", "years written with Y are not accepted; write four digits"),
        ("negative-year", r"^-[0-9]", "negative years are not accepted; years are 0001 to 9999"),
        ("qualified-open-side", r"^\.\.[~?%]", "an open side has no qualifier; write .. alone"),
        ("open-date", r"^\.\.$", "an open side needs a date on the other; write ../2021-08-30"),
        ("several-qualifiers", r"^[^~?%]+[~?%]{2,}$", "one qualifier may end a date; % means ~ and ? both"),
        ("qualifier-position", r"[~?%].", "a qualifier may stand only at the end, as in 2021-08~"),
        ("unknown-year", r"^XXXX", "a date needs a year; leave out what is fully unknown"),
        ("century", r"^[0-9]{2}XX", "centuries are not accepted; write an interval of years, 2000/2099"),
        ("lower-case", r"^[0-9Xx][0-9XT:+-]*[xtz]", "X, T and Z are written in capitals"),
        ("space", r"\s", "a date holds no spaces; a time follows T, as in 2021-08-31T00:30"),
        ("fraction", r":[0-9]{2}[.,]", "fractions of a second are not accepted; write 2021-08-31T00:30:15"),
        ("time-without-day", r"^(?![0-9]{4}-[0-9]{2}-[0-9]{2}T)[^T]*T[0-9]",
         "a time needs a full date before it, as in 2021-08-31T00:30"),
        ("offset", r"T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?[^:]", "an offset is Z, or as in +04:30"),
        ("time", r"[0-9]T", "a time is written hh:mm, as in 2021-08-31T00:30"),
        ("unspecified-digit", r"^[0-9X]{4}(?:-[0-9X]{2}){0,2}[~?%]?$",
         "X may stand only for the last digit of a year (202X), a whole day (2021-08-XX), or month and day"),
        ("week-date", r"^[0-9]{4}-?W[0-9]", "weeks are not accepted; write an interval of days"),
        ("ordinal-date", r"^[0-9]{4}-[0-9]{3}[~?%]?$", "days of a year are not accepted; write 2021-08-30"),
        ("no-hyphens", r"^[0-9]{6}(?:[0-9]{2})?[~?%]?$", "hyphens are needed, as in 2021-08-26"),
        ("too-few-digits", r"^[0-9]{4}-[0-9]{1,2}(?:-[0-9]{1,2})?[~?%]?$",
         "month and day have two digits each, as in 2021-08-06"),
    )
)  # fmt: skip


def parse_date(text: str) -> DateSpan:
    """What the EDTF text can mean.

    A date is a day, month, year or decade (``2021-08-26``, ``2021-08``, ``2021-08-XX``, ``2021``,
    ``2021-XX``, ``2021-XX-XX``, ``202X``) or a date-time, with or without seconds (dropped) and an offset
    (checked, not applied: what is derived is local time). One of ``~ ? %`` may end it. An interval joins two
    with ``/``; one side, not both, may be ``..``.

    An interval is refused as reversed when the latest moment its end can mean lies before the earliest its
    start can mean. So ``2021-08/2021`` stands: from August to some day of that year is vague, but possible.
    Where both sides are date-times, neither their local times nor (if both have offsets) their instants may
    be reversed.

    Years are 0001 to 9999. Raises DateError for everything else.
    """
    return _read(text).span


def parse_event_date(text: str, min_year: int, max_year: int) -> DateSpan:
    """As ``parse_date``, but each year written must lie in min_year..max_year; a decade counts as its first.

    Raises DateError, with the code ``year-out-of-range`` where only the years are wrong.
    """
    reading = _read(text)
    for year in reading.years:
        if not min_year <= year <= max_year:
            accepted = f"years are {min_year:04} to {max_year:04}"
            raise DateError("year-out-of-range", f"The year {year:04} is not accepted; {accepted}.")
    return reading.span


def place_key(span: DateSpan) -> str:
    """Where the date lies on the timeline: its start, or its end where the start is open.

    ``YYYYMMDD`` or ``YYYYMMDDThhmm`` and one space, which sorts before ``T``: in the order of bytes a day
    comes before its minutes, also when an id follows the space.
    """
    return _compact(_either(span.start, span.end)) + " "


def derived_dates(span: DateSpan) -> dict[str, str | None]:
    """The members that follow from a date, as an event shows them."""
    return {"start": span.start, "end": span.end, "precision": span.precision, "qualifier": span.qualifier}


def since(span: DateSpan) -> str | None:
    """The first minute that the date can cover, ``YYYYMMDDThhmm``; None where its start is open."""
    return None if span.start is None else _first_minute(span.start)


def until(span: DateSpan) -> str | None:
    """The last minute that the date can cover, ``YYYYMMDDThhmm``; None where its end is open."""
    return None if span.end is None else _last_minute(span.end)


@lru_cache(maxsize=32768)
def _read(text: str) -> _Reading:
    """The meaning of a text. Refused texts raise, and so take no room in the cache."""
    match = _DATE.fullmatch(text)
    if match is not None:  # a date alone, which nearly all are
        side = _side(text, match)
        return _Reading(DateSpan(side.start, side.end, side.precision, side.qualifier), (side.year,))
    _check_text(text)
    written = text.split("/")
    if len(written) == 1:
        raise _why(text)
    if len(written) > 2:
        raise DateError("too-many-sides", "A date has at most one /, between the two sides of an interval.")
    if "" in written:
        raise DateError("empty-side", f"{text!r} has an empty side; write .. for a side that is open.")
    if written == ["..", ".."]:
        raise DateError("open-both-sides", "An interval may be open on one side only; write the other.")
    first, last = (None if side == ".." else _side(side, _DATE.fullmatch(side)) for side in written)
    return _interval(text, first, last)


def _check_text(text: str) -> None:
    """Refuse what no reason about dates would explain."""
    if not text:
        raise DateError("empty", "The date is empty; write a date such as 2021-08-26.")
    if len(text) > LONGEST:
        raise DateError("too-long", f"The date has {len(text)} characters; at most {LONGEST} are accepted.")
    if text != text.strip():
        raise DateError("surrounding-space", "The date has spaces or line breaks around it; leave them out.")
    strange = next((char for char in text if not " " <= char <= "~"), None)
    if strange is not None:
        raise DateError("strange-character", f"{strange!a} cannot be in a date; use ASCII digits and signs.")


def _why(text: str) -> DateError:
    """The reason why one date is not understood."""
    for code, pattern, message in _REASONS:
        if pattern.search(text):
            return DateError(code, f"{text!r} is refused: {message}.")
    return DateError("not-a-date", f"{text!r} is not a date; write 2021-08-26, 2021-08 or 2021-08/2021-09.")


def _side(text: str, match: re.Match[str] | None) -> _Side:
    """The meaning of one date, after its parts have been checked against calendar and clock."""
    if match is None:
        raise _why(text)
    decade, year, month, day, hour, minute, second, offset, sign = match.groups()
    qualifier = _QUALIFIERS[sign]
    if year is None:
        if decade == "000":
            raise DateError("year-zero", "000X begins with the year 0000, which is not accepted.")
        return _Side(f"{decade}0-01-01", f"{decade}9-12-31", "decade", qualifier, int(decade) * 10)
    number = int(year)
    if number == 0:
        raise DateError("year-zero", "The year 0000 is not accepted; years are 0001 to 9999.")
    if month is None:
        return _Side(f"{year}-01-01", f"{year}-12-31", "year", qualifier, number)
    if not 1 <= int(month) <= 12:
        raise _why_month(text, int(month), day)
    days = 29 if month == "02" and _is_leap(number) else _DAYS[int(month) - 1]
    if day is None:
        return _Side(f"{year}-{month}-01", f"{year}-{month}-{days}", "month", qualifier, number)
    if not 1 <= int(day) <= days:
        name = _MONTHS[int(month) - 1]
        raise DateError("no-such-day", f"{text!r} is refused: {name} {year} has {days} days.")
    whole = f"{year}-{month}-{day}"
    if hour is None:
        return _Side(whole, whole, "day", qualifier, number)
    clock = date(number, int(month), int(day)).toordinal() * 86400 + _seconds(hour, minute, second or "00")
    moment = f"{whole}T{hour}:{minute}"
    instant = None if offset is None else clock - _shift(offset)
    return _Side(moment, moment, "minute", qualifier, number, clock, instant)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _why_month(text: str, month: int, day: str | None) -> DateError:
    if day is None and 21 <= month <= 41:  # ISO 8601-2 gives these numbers to seasons, quarters and halves
        return DateError("season", f"{text!r} is refused: seasons are not accepted; write 2021-06/2021-08.")
    return DateError("no-such-month", f"{text!r} is refused: months are 01 to 12.")


def _seconds(hour: str, minute: str, second: str) -> int:
    """The time of day in seconds."""
    if hour > "23":
        raise DateError("no-such-hour", f"{hour}:{minute} is refused: hours are 00 to 23; midnight is 00:00.")
    if minute > "59":
        raise DateError("no-such-minute", f"{hour}:{minute} is refused: minutes are 00 to 59.")
    if second > "59":
        raise DateError("no-such-second", f"{hour}:{minute}:{second} is refused: seconds are 00 to 59.")
    return int(hour) * 3600 + int(minute) * 60 + int(second)


def _shift(offset: str) -> int:
    """The seconds that ``Z``, ``+04:30`` or ``+04`` (all in EDTF level 0) put local time ahead of UTC."""
    hours, minutes = int(offset[1:3] or "0"), int(offset[4:] or "0")
    size = hours * 3600 + minutes * 60
    if minutes > 59 or size > _FARTHEST_SHIFT:
        raise DateError("no-such-offset", f"The offset {offset} is refused: offsets are -14:00 to +14:00.")
    return -size if offset[0] == "-" else size


def _interval(text: str, first: _Side | None, last: _Side | None) -> _Reading:
    sides = [side for side in (first, last) if side is not None]
    if first is not None and last is not None:
        _check_order(text, first, last)
    qualifiers = {side.qualifier for side in sides} - {None}
    span = DateSpan(
        start=first.start if first else None,
        end=last.end if last else None,
        precision=max((side.precision for side in sides), key=_PRECISIONS.index),
        qualifier="both" if len(qualifiers) > 1 else next(iter(qualifiers), None),
    )
    return _Reading(span, tuple(side.year for side in sides))


def _check_order(text: str, first: _Side, last: _Side) -> None:
    """Refuse a reversed interval, by the local times derived and by the instants where they are known."""
    instants_precede = _precedes(last.instant, first.instant)
    # The clocks matter within one minute, for they know the seconds that are dropped from what is derived.
    if _last_minute(last.end) < _first_minute(first.start) or _precedes(last.clock, first.clock):
        hint = "; swap the sides"
        if first.instant is not None and last.instant is not None and not instants_precede:
            hint = " in local time; write both with one offset"
    elif instants_precede:
        hint = " by its offsets; correct them or swap the sides"
    else:
        return
    raise DateError("reversed-interval", f"{text!r} is refused: its end lies before its start{hint}.")


def _precedes(left: int | None, right: int | None) -> bool:
    return left is not None and right is not None and left < right


def _either(start: str | None, end: str | None) -> str:
    moment = end if start is None else start
    if moment is None:
        raise ValueError("a span needs a start or an end")
    return moment


def _compact(moment: str) -> str:
    return moment.replace("-", "").replace(":", "")


def _first_minute(moment: str) -> str:
    return _compact(moment) if "T" in moment else _compact(moment) + "T0000"


def _last_minute(moment: str) -> str:
    return _compact(moment) if "T" in moment else _compact(moment) + "T2359"
