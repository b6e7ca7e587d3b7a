"""Dates: what holds for any date, by a calendar of the test's own and by another library."""

from __future__ import annotations

import calendar
import random
import re
from datetime import date, datetime, time
from typing import Any, NamedTuple

import edtf as reference  # the PyPI library of that name, which covers more of EDTF and takes its time
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.edtf import DateError, parse_date, place_key, since, until

PRECISIONS = ["minute", "day", "month", "year", "decade"]


class Written(NamedTuple):
    """A date's text with what it means; the moments of a day or longer run from 00:00 to 23:59."""

    text: str
    first: datetime
    last: datetime
    precision: str
    qualifier: str | None


def spell(moment: date, form: str, sign: str) -> Written:
    year, month, day = moment.year, moment.month, moment.day
    last_day = calendar.monthrange(year, month)[1]
    decade = year - year % 10
    text, first, last, precision = {
        "day": (moment.isoformat(), date(year, month, day), date(year, month, day), "day"),
        "month": (f"{year:04}-{month:02}", date(year, month, 1), date(year, month, last_day), "month"),
        "month-xx": (f"{year:04}-{month:02}-XX", date(year, month, 1), date(year, month, last_day), "month"),
        "year": (f"{year:04}", date(year, 1, 1), date(year, 12, 31), "year"),
        "year-xx": (f"{year:04}-XX", date(year, 1, 1), date(year, 12, 31), "year"),
        "year-xx-xx": (f"{year:04}-XX-XX", date(year, 1, 1), date(year, 12, 31), "year"),
        "decade": (f"{year // 10:03}X", date(decade, 1, 1), date(decade + 9, 12, 31), "decade"),
    }[form]
    qualifier = {"~": "approximate", "?": "uncertain", "%": "both", "": None}[sign]
    first_minute, last_minute = datetime.combine(first, time(0, 0)), datetime.combine(last, time(23, 59))
    return Written(text + sign, first_minute, last_minute, precision, qualifier)


def at_minute(moment: datetime, tail: str) -> Written:
    cut = moment.replace(second=0, microsecond=0)
    return Written(cut.isoformat()[:16] + tail, cut, cut, "minute", None)


PLAIN_FORMS = ["day", "month", "year"]
FORMS = [*PLAIN_FORMS, "month-xx", "year-xx", "year-xx-xx", "decade"]
DAYS = st.dates(min_value=date(10, 1, 1))
# Near days make intervals that touch, overlap and reverse by little.
NEAR_DAYS = st.dates(min_value=date(2019, 12, 1), max_value=date(2022, 2, 1))


def written_days(days: st.SearchStrategy[date], forms: list[str]) -> st.SearchStrategy[Written]:
    return st.builds(spell, days, st.sampled_from(forms), st.sampled_from(["", "", "~", "?", "%"]))


def written(days: st.SearchStrategy[date], times: st.SearchStrategy[datetime]) -> st.SearchStrategy[Written]:
    return written_days(days, FORMS) | st.builds(at_minute, times, st.sampled_from(["", ":00"]))


ANY = written(DAYS, st.datetimes(min_value=datetime(10, 1, 1)))
NEAR = written(NEAR_DAYS, st.datetimes(min_value=datetime(2020, 12, 31), max_value=datetime(2021, 1, 2)))


def minutes(moment: datetime) -> str:
    return moment.isoformat()[:16].replace("-", "").replace(":", "")


@settings(max_examples=300, deadline=None)
@given(ANY | NEAR)
def test_a_date_means_what_the_calendar_says(side: Written) -> None:
    span = parse_date(side.text)
    assert (since(span), until(span)) == (minutes(side.first), minutes(side.last))
    assert (span.precision, span.qualifier) == (side.precision, side.qualifier)
    assert span.start is not None and ("T" in span.start) == (side.precision == "minute")


@settings(max_examples=400, deadline=None)
@given(st.tuples(NEAR, NEAR) | st.tuples(ANY, ANY))
def test_an_interval_is_refused_exactly_when_its_end_cannot_follow_its_start(
    sides: tuple[Written, Written],
) -> None:
    first, last = sides
    text = f"{first.text}/{last.text}"
    if last.last < first.first:
        with pytest.raises(DateError) as caught:
            parse_date(text)
        assert caught.value.code == "reversed-interval"
        return
    span = parse_date(text)
    assert (since(span), until(span)) == (minutes(first.first), minutes(last.last))
    assert span.precision == PRECISIONS[max(PRECISIONS.index(side.precision) for side in sides)]
    given_qualifiers = [side.qualifier for side in sides if side.qualifier]
    agreed = given_qualifiers[0] if given_qualifiers else None
    assert span.qualifier == ("both" if len(set(given_qualifiers)) == 2 else agreed)


@settings(max_examples=200, deadline=None)
@given(st.lists(NEAR, min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_byte_order_of_place_keys_is_timeline_order(sides: list[Written], shuffler: random.Random) -> None:
    shuffled = list(sides)
    shuffler.shuffle(shuffled)
    by_key = sorted(shuffled, key=lambda side: place_key(parse_date(side.text)).encode())
    assert by_key == sorted(shuffled, key=lambda side: (side.first.date(), side.precision == "minute", side.first))


def as_day(bound: Any) -> str | None:
    """A bound of the reference library as a day; it answers an open side with an infinity."""
    return None if isinstance(bound, float) else f"{bound.tm_year:04}-{bound.tm_mon:02}-{bound.tm_mday:02}"


# The reference library reads neither X nor times in intervals, and times alone only with seconds.
SIDES = written_days(DAYS, PLAIN_FORMS)
KNOWN_TO_REFERENCE = st.one_of(
    written_days(DAYS, FORMS).map(lambda side: side.text),
    SIDES.map(lambda side: f"../{side.text}"),
    SIDES.map(lambda side: f"{side.text}/.."),
    st.tuples(SIDES, SIDES)
    .map(lambda sides: sorted(sides, key=lambda side: side.last))
    .map(lambda sides: f"{sides[0].text}/{sides[1].text}"),
    st.datetimes(min_value=datetime(10, 1, 1)).map(lambda moment: f"{moment.isoformat()[:19]}Z"),
)


@settings(max_examples=300, deadline=None)
@given(KNOWN_TO_REFERENCE)
def test_days_are_those_of_the_reference_library(text: str) -> None:
    expected = reference.parse_edtf(text)
    span = parse_date(text)
    days = [bound and bound[:10] for bound in (span.start, span.end)]
    assert days == [as_day(expected.lower_strict()), as_day(expected.upper_strict())]


def misspell(text: str, place: int, char: str) -> str:
    return text[:place] + char + text[place + 1 :]


INTERVALS = st.builds(lambda first, last: f"{first.text}/{last.text}", ANY, NEAR)
NOISE = st.one_of(
    st.text(max_size=120),
    st.text(alphabet="0123456789-XTZxtzYESWB:/.~?%+,[]{} \n", max_size=60),
    st.builds(misspell, INTERVALS, st.integers(0, 40), st.characters() | st.sampled_from("09-XTZ:/.~?%+ ")),
)


@settings(max_examples=1000, deadline=None)
@given(NOISE)
def test_any_text_is_either_a_date_or_refused_with_a_reason(text: str) -> None:
    try:
        span = parse_date(text)
    except DateError as error:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code)
        assert error.message.endswith(".") and len(error.message) < 300
        return
    assert text.isascii()
    for bound in (span.start, span.end):
        assert bound is None or datetime.fromisoformat(bound).isoformat().startswith(bound)
    first, last = since(span), until(span)
    assert (first or last) and (first is None or last is None or first <= last)
    assert span.precision in PRECISIONS
