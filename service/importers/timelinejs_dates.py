"""Turns the start and end of a slide of TimelineJS into a date in EDTF, exactly as precise as they are given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.date_words import date_words
from schemas.edtf import DateError, parse_date
from schemas.faults import Fault
from schemas.fields import kind_of, shorten
from service.importers.findings import Findings

# The parts of a date from the coarsest to the finest: the bounds of each, and the code of what lies beyond them.
PARTS: tuple[tuple[str, int, int, str], ...] = (
    ("month", 1, 12, "no-such-month"),
    ("day", 1, 31, "no-such-day"),
    ("hour", 0, 23, "no-such-hour"),
    ("minute", 0, 59, "no-such-minute"),
    ("second", 0, 59, "no-such-second"),
    ("millisecond", 0, 999, "no-such-second"),
)
_NAMES = ("year", *(part for part, *_ in PARTS))
_TIME = ("hour", "minute", "second", "millisecond")
# A part, and the one without which it means nothing.
_NEEDS = (
    ("month", "year"),
    ("day", "month"),
    ("hour", "day"),
    ("minute", "hour"),
    ("second", "minute"),
    ("millisecond", "second"),
)
_NUMBER = re.compile(r"([+-]?[0-9]{1,18})(?:\.0*)?")
_LONG_NUMBER = re.compile(r"[+-]?[0-9]{19,}")
_MAX_YEAR = 9999
# What may stand behind a date in EDTF.
_SIGNS = ("", "~", "?", "%")


class Side(NamedTuple):
    """The first and the last moment that a date can mean, in EDTF. They differ where the hour alone is known."""

    first: str
    last: str


def date_of(slide: Mapping[str, Any], is_era: bool, faults: Findings, warnings: Findings) -> str | None:
    """The date of a slide in EDTF: ``1952``, ``1952-03``, ``1952-03-02T06:45``, ``1952/1954-06``.

    None where there are faults. Their pointers are those of the slide: ``/start_date/month``.
    """
    before = len(faults)
    start = _side(slide.get("start_date"), "/start_date", faults, warnings)
    end = _side(slide.get("end_date"), "/end_date", faults, warnings)
    if len(faults) > before:
        return None
    if start is None:
        faults.append(Fault("/start_date", "missing", "There is no start date; give at least its year."))
        return None
    if end is None and is_era:
        faults.append(Fault("/end_date", "missing", "There is no end date, without which an era has no extent."))
        return None
    if end is None or end == start:
        return start.first if start.first == start.last else f"{start.first}/{start.last}"
    text = f"{start.first}/{end.last}"
    try:
        parse_date(text)
    except DateError as error:
        faults.append(Fault("/end_date", error.code, error.message))
    return text


def as_displayed(date: str, words: str) -> str:
    """The date that is shown in such words, where what TimelineJS has numbers for is no more than a part of it.

    Numbers cannot say that a date is about, uncertain, open on a side or a decade, and Dateline's export says it in
    words: ``about 27 August 2021``. Other words change nothing.
    """
    first, slash, last = date.partition("/")
    sides = [first + sign for sign in _SIGNS]
    if slash:
        meant = [f"{side}/{last}{sign}" for side in sides for sign in _SIGNS]
        if first[:3] == last[:3] and (first[3:], last[3:]) == ("0", "9"):
            meant += [f"{first[:3]}X{sign}" for sign in _SIGNS]
    else:
        meant = [*sides, *(f"../{side}" for side in sides), *(f"{side}/.." for side in sides)]
    return next((text for text in meant if date_words(text) == words), date) if words else date


def is_blank(value: Any) -> bool:
    """Whether nothing was given: null, no text, or an object or list with no more than that in it."""
    if isinstance(value, Mapping):
        return all(_is_nothing(part) for part in value.values())
    return _is_nothing(value)


def _is_nothing(value: Any) -> bool:
    return not value.strip() if isinstance(value, str) else value is None or value == [] or value == {}


def is_dated(slide: Mapping[str, Any]) -> bool:
    """Whether a slide says when it begins or ends, rightly or wrongly."""
    return not all(is_blank(_dated(slide.get(name))) for name in ("start_date", "end_date"))


def _dated(value: Any) -> Any:
    """What of a date says when it is; the rest says how to show it."""
    return {name: value.get(name) for name in _NAMES} if isinstance(value, Mapping) else value


def _side(value: Any, pointer: str, faults: Findings, warnings: Findings) -> Side | None:
    value = _dated(value)
    if is_blank(value):
        return None
    if not isinstance(value, Mapping):
        message = f"It must be an object with year, month and day, not {kind_of(value)}."
        faults.append(Fault(pointer, "wrong-type", message))
        return None
    before = len(faults)
    numbers = {part: _number(value[part], part, pointer, faults) for part in _NAMES}
    for part, low, high, code in PARTS:
        number = numbers[part]
        if number is not None and not low <= number <= high:
            message = f"{part}: {number} is none; it is {low} to {high}."
            faults.append(Fault(f"{pointer}/{part}", code, message))
    if len(faults) == before and not any(numbers[part] for part in _TIME) and numbers["day"] is None:
        # Some programs write zeroes for a time that nobody gave.
        numbers |= dict.fromkeys(_TIME)
    for part, whole in _NEEDS:
        if numbers[part] is not None and is_blank(value[whole]):
            code = "time-without-day" if part == "hour" else "missing"
            faults.append(Fault(f"{pointer}/{whole}", code, f"There is a {part}, but no {whole} that it is of."))
    year = numbers["year"]
    if year is not None:
        _judge_year(year, f"{pointer}/year", faults)
    if len(faults) > before or year is None:
        return None
    return _written(year, numbers, pointer, faults, warnings)


def _number(value: Any, part: str, pointer: str, faults: Findings) -> int | None:
    """A whole number, also as a text or as spreadsheets write it (``3.0``); None where there is none."""
    if is_blank(value):
        return None
    text = "" if isinstance(value, bool) else str(value).strip()
    if found := _NUMBER.fullmatch(text):
        return int(found[1])
    code = "out-of-range" if _LONG_NUMBER.fullmatch(text) else "not-a-number"
    wrong = "has too many digits" if code == "out-of-range" else "is not a whole number"
    shown = f"'{shorten(text, 40)}'" if text or isinstance(value, str) else kind_of(value)
    faults.append(Fault(f"{pointer}/{part}", code, f"{part}: {shown} {wrong}."))
    return None


def _judge_year(year: int, pointer: str, faults: Findings) -> None:
    if year < 0:
        message = f"{year} lies before the year 1, and such years cannot be written: they are 1 to {_MAX_YEAR}."
        faults.append(Fault(pointer, "negative-year", message))
    elif year == 0:
        faults.append(Fault(pointer, "year-zero", f"There is no year 0; years are 1 to {_MAX_YEAR}."))
    elif year > _MAX_YEAR:
        faults.append(Fault(pointer, "out-of-range", f"year: {year} is beyond {_MAX_YEAR}."))


def _written(
    year: int, numbers: Mapping[str, int | None], pointer: str, faults: Findings, warnings: Findings
) -> Side | None:
    """The date with all its parts but those below the second."""
    day = "-".join([f"{year:04}", *(f"{numbers[part]:02}" for part in ("month", "day") if numbers[part] is not None)])
    try:
        parse_date(day)
    except DateError as error:
        faults.append(Fault(f"{pointer}/day", error.code, error.message))
        return None
    hour, minute, second = numbers["hour"], numbers["minute"], numbers["second"]
    if numbers["millisecond"]:
        warnings.append(Fault(pointer, "time-cut", "The time is given to the millisecond; the second is kept."))
    if hour is None:
        return Side(day, day)
    if minute is None:
        return Side(f"{day}T{hour:02}:00", f"{day}T{hour:02}:59")
    moment = f"{day}T{hour:02}:{minute:02}" + (f":{second:02}" if second else "")
    return Side(moment, moment)
