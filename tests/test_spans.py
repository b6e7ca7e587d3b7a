"""The stretches of a window hold exactly the events that touch it, each once, by brute force over dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import product

import pytest

from schemas import edtf
from service import spans
from service.spans import EVERY, LENGTHS, LONGEST, OPEN_END, OPEN_START, Stretch, Window, span_class
from tests.reference import World, lies_in_period, read_date, touches

TODAY = datetime(2021, 8, 26)
NOWHERE = World({}, {}, {})
# Days before and after today at which something changes: next to each length of a span class.
STEPS = sorted({-20000, -1, 0, 1, 2, 300, *(-length + step for length in LENGTHS for step in (-1, 0, 1))})


def day(step: int) -> str:
    return (TODAY + timedelta(days=step)).strftime("%Y-%m-%d")


MOMENTS = [
    *(day(step) for step in STEPS),
    *(f"{day(step)}T{clock}" for step in (-4, -1, 0, 1) for clock in ("00:00", "12:00", "12:01", "23:59")),
]
BOUNDS = ["..", day(-1), day(0), day(1), "2021-08", *(f"{day(0)}T{c}" for c in ("00:00", "00:01", "12:00", "23:59"))]


def intervals(moments: list[str]) -> Iterator[str]:
    """Every date and interval that these moments can make."""
    yield from moments
    for moment in moments:
        yield f"../{moment}"
        yield f"{moment}/.."
    for start, end in product(moments, moments):
        first, last = read_date(start).first, read_date(end).last
        if first is not None and last is not None and first <= last:
            yield f"{start}/{end}"


@cache
def dates() -> tuple[str, ...]:
    return tuple(intervals(MOMENTS))


def minute(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y%m%dT%H%M")


def sides(begins: str, ends: str) -> tuple[datetime | None, datetime | None]:
    """The first and the last minute of a window; ``..`` is no bound."""
    return (None if begins == ".." else read_date(begins).first), (None if ends == ".." else read_date(ends).last)


def in_order(begins: str, ends: str) -> bool:
    first, last = sides(begins, ends)
    return first is None or last is None or first <= last


WINDOWS = [(begins, ends) for begins, ends in product(BOUNDS, BOUNDS) if in_order(begins, ends)]


def holds(stretch: Stretch, place: str, span: int, until: str | None) -> bool:
    """Whether the stretch holds an event of this place and span class that lasts until this minute."""
    reached = stretch.reaches is None or until is None or until >= stretch.reaches
    return stretch.span in (EVERY, span) and stretch.low <= place < stretch.high and reached


@pytest.mark.parametrize(("begins", "ends"), WINDOWS)
def test_stretches_hold_each_event_that_touches_the_window_once(begins: str, ends: str) -> None:
    asked = {name: text for name, text in (("from", begins), ("to", ends)) if text != ".."}
    first, last = sides(begins, ends)
    stretches = list(Window(minute(first), minute(last)).stretches())
    for text in dates():
        span = read_date(text)
        since, until = minute(span.first), minute(span.last)
        place = edtf.place_key(edtf.parse_date(text)) + "an-event"
        held = [stretch for stretch in stretches if holds(stretch, place, span_class(since, until), until)]
        wanted = touches(NOWHERE, asked, {"date": text})
        assert len(held) == wanted, f"{text} stands in {held}"


@pytest.mark.parametrize(("begins", "ends"), [pair for pair in WINDOWS if pair != ("..", "..")])
def test_a_window_bounds_the_places_that_lie_in_it(begins: str, ends: str) -> None:
    first, last = sides(begins, ends)
    window = Window(minute(first), minute(last))
    for text in dates():
        lies_in = lies_in_period(NOWHERE, {"period": f"{begins}/{ends}"}, {"date": text})
        for event_id in ("0", "zzz"):
            place = edtf.place_key(edtf.parse_date(text)) + event_id
            assert (window.low <= place < window.high) == lies_in, text


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("20210826T0000", "20210826T2359", EVERY),
        ("20210826T1000", "20210826T1000", EVERY),
        ("20210826T2359", "20210827T0000", 1),
        ("20210826T0000", "20210830T2359", 1),
        ("20210826T0000", "20210831T0000", 2),
        ("20210101T0000", "20211231T2359", 5),
        ("20200101T0000", "20291231T2359", 6),
        ("10000101T0000", "20291231T2359", LONGEST),
        ("20210826T0000", None, OPEN_END),
        (None, "20210826T2359", OPEN_START),
    ],
)
def test_span_class_follows_from_the_days_between_first_and_last(
    since: str | None, until: str | None, expected: int
) -> None:
    assert span_class(since, until) == expected


def test_every_length_is_the_last_day_count_of_its_class() -> None:
    start = datetime(1900, 1, 1)
    for number, length in enumerate(LENGTHS, 1):
        ends = [minute(start + timedelta(days=days)) for days in (length, length + 1)]
        assert [span_class(minute(start), end) for end in ends] == [number, number + 1]


def test_no_window_reads_more_than_a_few_stretches() -> None:
    windows = [
        Window(),
        Window("20210826T0000"),
        Window(None, "20210826T2359"),
        Window("20210826T1000", "20210827T1000"),
    ]
    assert [len(list(window.stretches())) for window in windows] == [1, 10, 2, 11]


def test_days_before_the_first_year_are_the_beginning_of_the_timeline() -> None:
    stretches = list(Window("00010102T0000", "00010103T2359").stretches())
    assert {stretch.low for stretch in stretches if stretch.span not in (EVERY, OPEN_START)} == {spans.FIRST_PLACE}


def test_years_before_1000_keep_their_four_digits() -> None:
    [nearest] = [stretch for stretch in Window("09990102T0000").stretches() if stretch.span == 1]
    assert (nearest.low, nearest.high) == ("09981229", "09990102")


def test_what_has_no_known_start_is_not_asked_whether_it_reaches_the_window() -> None:
    """It lies at its end, so that its row need not be looked up."""
    for window in (Window("20210826T1000", "20210827T1000"), Window("20210826T0000", "20210826T2359")):
        assert [stretch.reaches for stretch in window.stretches() if stretch.span == OPEN_START] == [None]
