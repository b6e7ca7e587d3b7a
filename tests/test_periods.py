"""The arithmetic of periods: where they begin and end, how many there are, and how a stretch of time is written."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.edtf import parse_date, since, until
from schemas.periods import BUCKETS, count_periods, days_of, finest_bucket, write_interval, write_period

DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))


def period(bucket: str, day: str) -> tuple[str, str]:
    return days_of(bucket, BUCKETS[bucket].number(date.fromisoformat(day)))


@pytest.mark.parametrize(
    ("bucket", "day", "first", "last"),
    [
        ("day", "2021-08-26", "2021-08-26", "2021-08-26"),
        ("week", "2021-08-26", "2021-08-23", "2021-08-29"),
        ("week", "2021-08-29", "2021-08-23", "2021-08-29"),
        ("week", "2021-01-01", "2020-12-28", "2021-01-03"),
        ("week", "1000-01-01", "0999-12-30", "1000-01-05"),
        ("week", "0001-01-01", "0001-01-01", "0001-01-07"),
        ("month", "2024-02-10", "2024-02-01", "2024-02-29"),
        ("month", "2021-12-31", "2021-12-01", "2021-12-31"),
        ("quarter", "2021-08-26", "2021-07-01", "2021-09-30"),
        ("quarter", "2021-03-31", "2021-01-01", "2021-03-31"),
        ("year", "0999-06-01", "0999-01-01", "0999-12-31"),
    ],
)
def test_a_day_lies_in_its_period(bucket: str, day: str, first: str, last: str) -> None:
    assert period(bucket, day) == (first, last)


@pytest.mark.parametrize("bucket", BUCKETS)
def test_the_last_period_ends_with_the_calendar(bucket: str) -> None:
    # 9999-12-31 is a Friday, so its week would end in the year 10000.
    first, last = period(bucket, "9999-12-31")
    assert last == "9999-12-31"
    assert first == {
        "day": "9999-12-31",
        "week": "9999-12-27",
        "month": "9999-12-01",
        "quarter": "9999-10-01",
        "year": "9999-01-01",
    }[bucket]  # fmt: skip


@given(DAYS)
def test_periods_follow_each_other_without_gap(day: date) -> None:
    for bucket, arithmetic in BUCKETS.items():
        number = arithmetic.number(day)
        first, last = map(date.fromisoformat, days_of(bucket, number))
        assert first <= day <= last
        assert arithmetic.number(first) == arithmetic.number(last) == number
        if first > date.min:
            assert days_of(bucket, number - 1)[1] == date.fromordinal(first.toordinal() - 1).isoformat()


@given(DAYS)
def test_weeks_are_those_of_the_iso_calendar(day: date) -> None:
    first, last = map(date.fromisoformat, period("week", day.isoformat()))
    assert first.isoweekday() == 1
    assert first.isocalendar()[:2] == day.isocalendar()[:2] == last.isocalendar()[:2]


@pytest.mark.parametrize(
    ("bucket", "first", "last", "count"),
    [
        ("day", "2021-08-26", "2021-08-26", 1),
        ("day", "2020-02-28", "2020-03-01", 3),
        ("week", "2021-08-29", "2021-08-30", 2),
        ("month", "2020-12-31", "2021-01-01", 2),
        ("quarter", "2021-01-01", "2021-12-31", 4),
        ("year", "1000-01-01", "2021-12-31", 1022),
    ],
)
def test_empty_periods_count(bucket: str, first: str, last: str, count: int) -> None:
    assert count_periods(bucket, date.fromisoformat(first), date.fromisoformat(last)) == count


@pytest.mark.parametrize(
    ("last", "bucket"),
    [
        ("2000-01-01", "day"),
        ("2001-02-03", "day"),  # The 400th day.
        ("2001-02-04", "week"),
        ("2007-08-26", "week"),  # The Sunday of the 400th week, whose first is that of 27 December 1999.
        ("2007-08-27", "month"),
        ("2033-04-30", "month"),
        ("2033-05-01", "quarter"),
        ("2099-12-31", "quarter"),
        ("2100-01-01", "year"),
        ("9999-12-31", "year"),  # Too many in any bucket, so the coarsest.
    ],
)
def test_the_finest_bucket_gives_at_most_so_many(last: str, bucket: str) -> None:
    assert finest_bucket(date(2000, 1, 1), date.fromisoformat(last), 400) == bucket


@pytest.mark.parametrize(
    ("begins", "ends", "text"),
    [
        ("20210826T0000", "20210826T2359", "2021-08-26"),
        ("20210823T0000", "20210829T2359", "2021-08-23/2021-08-29"),
        ("20210801T0000", "20210831T2359", "2021-08"),
        ("20210701T0000", "20210930T2359", "2021-07/2021-09"),
        ("20210101T0000", "20211231T2359", "2021"),
        ("20200101T0000", "20291231T2359", "2020/2029"),
        ("20210826T1000", "20210826T1200", "2021-08-26T10:00/2021-08-26T12:00"),
        ("20210826T0000", "20210826T1200", "2021-08-26T00:00/2021-08-26T12:00"),
        ("20210826T1000", "20210826T1000", "2021-08-26T10:00"),
        ("00010101T0000", "00010131T2359", "0001-01"),
    ],
)
def test_time_is_written_as_short_as_it_can_be(begins: str, ends: str, text: str) -> None:
    assert write_interval(begins, ends) == text


@given(st.lists(st.datetimes(), min_size=2, max_size=2).map(sorted), st.booleans(), st.booleans())
def test_what_is_written_means_what_was_meant(moments: list[object], from_morning: bool, till_night: bool) -> None:
    begins, ends = (f"{moment:%Y%m%dT%H%M}".rjust(13, "0") for moment in moments)
    begins = begins[:8] + "T0000" if from_morning else begins
    ends = ends[:8] + "T2359" if till_night else ends
    span = parse_date(write_interval(begins, ends))
    assert (since(span), until(span)) == (begins, ends)


@given(DAYS)
def test_a_period_is_written_as_its_days(day: date) -> None:
    for bucket in BUCKETS:
        first, last = period(bucket, day.isoformat())
        span = parse_date(write_period(bucket, first, last))
        assert (span.start, span.end) == (first, last)
