"""The dates of slides of TimelineJS, exactly as precise as they are given."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.date_words import date_words, sides
from tests.timelinejs_slides import (
    codes,
    event,
    one,
    read,
    slide,
    timeline,
)


@pytest.mark.parametrize(
    ("start", "end", "edtf"),
    [
        ({"year": "1900"}, None, "1900"),
        ({"year": 1900.0}, None, "1900"),
        ({"year": " 1900.0 "}, "", "1900"),
        ({"year": "98"}, {}, "0098"),
        ({"year": "1900", "month": "2"}, {"year": ""}, "1900-02"),
        ({"year": "1900", "month": "02", "day": 3}, None, "1900-02-03"),
        ({"year": 1900, "month": 2, "day": 3, "hour": "6", "minute": "5"}, None, "1900-02-03T06:05"),
        ({"year": 1900, "month": 2, "day": 3, "hour": 0, "minute": 0}, None, "1900-02-03T00:00"),
        ({"year": 1900, "month": 2, "day": 3, "hour": 6}, None, "1900-02-03T06:00/1900-02-03T06:59"),
        ({"year": 1900, "month": 2, "day": 3, "hour": 6}, {"year": 1900, "month": 2, "day": 3, "hour": 8},
         "1900-02-03T06:00/1900-02-03T08:59"),
        ({"year": 1900, "hour": 0, "minute": "0", "second": "00"}, None, "1900"),
        ({"year": 1900}, {"year": "1900", "month": ""}, "1900"),
        ({"year": 1900}, {"year": 1905}, "1900/1905"),
        ({"year": 1950, "month": 2, "day": 7}, {"year": 1955}, "1950-02-07/1955"),
        ({"year": 1950, "month": 2}, {"year": 1950}, "1950-02/1950"),
        ({"year": 1900, "format": "yyyy", "display_date": "x", "thumbnail": [1]}, None, "1900"),
    ],
)  # fmt: skip
def test_a_date_is_exactly_as_precise_as_it_is_given(start: Any, end: Any, edtf: str) -> None:
    record = one(start_date=start, end_date=end)
    assert (record.event and record.event["date"], record.warnings) == (edtf, ())


def test_a_second_is_kept() -> None:
    record = one(start_date={"year": 1900, "month": 2, "day": 3, "hour": 6, "minute": 5, "second": "7"})
    assert (record.event and record.event["date"], record.warnings) == ("1900-02-03T06:05:07", ())


def test_what_is_below_the_second_is_cut_with_a_warning() -> None:
    moment = {"year": 1900, "month": 2, "day": 3, "hour": 6, "minute": 5, "second": 0, "millisecond": "07"}
    record = one(start_date=moment)
    assert record.event is not None and record.event["date"] == "1900-02-03T06:05"
    assert codes(record) == [("/start_date", "time-cut")]
    assert record.original is not None and record.original["start_date"] == moment


@pytest.mark.parametrize(
    ("start", "end", "faults"),
    [
        (None, None, [("/start_date", "missing")]),
        ("", None, [("/start_date", "missing")]),
        ({}, None, [("/start_date", "missing")]),
        ({"year": "", "format": "x"}, None, [("/start_date", "missing")]),
        (None, {"year": 1900}, [("/start_date", "missing")]),
        ("1900-02-03", None, [("/start_date", "wrong-type")]),
        ([1900], None, [("/start_date", "wrong-type")]),
        (1900, None, [("/start_date", "wrong-type")]),
        ({"year": "-300"}, None, [("/start_date/year", "negative-year")]),
        ({"year": "-13800000000"}, None, [("/start_date/year", "negative-year")]),
        ({"year": 1900}, {"year": -1}, [("/end_date/year", "negative-year")]),
        ({"year": 0}, None, [("/start_date/year", "year-zero")]),
        ({"year": 10000}, None, [("/start_date/year", "out-of-range")]),
        ({"year": "9" * 30}, None, [("/start_date/year", "out-of-range")]),
        ({"year": 10**30}, None, [("/start_date/year", "out-of-range")]),
        ({"year": "about 1900"}, None, [("/start_date/year", "not-a-number")]),
        ({"year": "1900.5"}, None, [("/start_date/year", "not-a-number")]),
        ({"year": "١٩٠٠"}, None, [("/start_date/year", "not-a-number")]),
        ({"year": True}, None, [("/start_date/year", "not-a-number")]),
        ({"year": {"a": 1}}, None, [("/start_date/year", "not-a-number")]),
        ({"month": 2}, None, [("/start_date/year", "missing")]),
        ({"year": 1900}, {"month": 2}, [("/end_date/year", "missing")]),
        ({"year": 1900, "month": 13}, None, [("/start_date/month", "no-such-month")]),
        ({"year": 1900, "month": "21"}, None, [("/start_date/month", "no-such-month")]),
        ({"year": 1900, "month": "0"}, None, [("/start_date/month", "no-such-month")]),
        ({"year": 1900, "month": "May"}, None, [("/start_date/month", "not-a-number")]),
        ({"year": 1900, "day": 3}, None, [("/start_date/month", "missing")]),
        ({"year": 2021, "month": 2, "day": 31}, None, [("/start_date/day", "no-such-day")]),
        ({"year": 2021, "month": 2, "day": 29}, None, [("/start_date/day", "no-such-day")]),
        ({"year": 2021, "month": 2, "day": 123}, None, [("/start_date/day", "no-such-day")]),
        ({"year": 2021, "month": 2, "hour": 3}, None, [("/start_date/day", "time-without-day")]),
        ({"year": 2021, "month": 2, "day": 3, "minute": 5}, None, [("/start_date/hour", "missing")]),
        ({"year": 2021, "month": 2, "day": 3, "hour": 24}, None, [("/start_date/hour", "no-such-hour")]),
        ({"year": 2021, "month": 2, "day": 3, "hour": 2, "minute": 60}, None,
         [("/start_date/minute", "no-such-minute")]),
        ({"year": 2021, "month": 2, "day": 3, "hour": 2, "minute": 6, "second": 60}, None,
         [("/start_date/second", "no-such-second")]),
        ({"year": 1900}, {"year": 1899}, [("/end_date", "reversed-interval")]),
        ({"year": 1900, "month": 3}, {"year": 1900, "month": 2, "day": 9}, [("/end_date", "reversed-interval")]),
        ({"year": "x", "month": 13}, {"year": "y"},
         [("/start_date/year", "not-a-number"), ("/start_date/month", "no-such-month"),
          ("/end_date/year", "not-a-number")]),
    ],
)  # fmt: skip
def test_a_date_that_is_none_rejects_the_slide_and_is_pointed_at(
    start: Any, end: Any, faults: list[tuple[str, str]]
) -> None:
    record = one(start_date=start, end_date=end)
    assert codes(record) == faults
    assert record.event is None and record.original is not None
    assert all(fault.message.endswith(".") for fault in record.faults)


@pytest.mark.parametrize(
    "date",
    ["1900~", "1900-02?", "1900-02-03%", "../1900-02-03", "1900-02-03/..", "1900-02-03~/..", "1900-02-03~/1901",
     "1900-02-03~/1901-01-01?", "190X", "190X~", "1900-02-03T06:45~"],
)  # fmt: skip
def test_a_date_that_is_shown_in_datelines_words_is_what_they_say(date: str) -> None:
    first, last = sides(date)
    one_side = first or last
    assert one_side is not None
    parts = dict(zip(("year", "month", "day", "hour", "minute"), one_side.numbers, strict=False))
    ends = dict(zip(("year", "month", "day"), last.numbers, strict=False)) if first and last and "/" in date else None
    if "X" in date:
        ends = {"year": 1909}
    assert event(start_date=parts, end_date=ends, display_date=date_words(date))["date"] == date
    assert event(start_date=parts, end_date=ends, display_date="Long ago")["date"] != date


def test_an_era_needs_its_end() -> None:
    (record,) = read(timeline(eras=[slide()]))
    assert codes(record) == [("/end_date", "missing")]
