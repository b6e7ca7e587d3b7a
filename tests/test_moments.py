"""Moments: date-times with an offset, read to the millisecond as the standard library reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.faults import Unreadable
from schemas.moments import now, read_moment, read_past_moment

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFSETS = st.integers(-(24 * 60 - 1), 24 * 60 - 1)


def milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def code(text: str) -> str:
    with pytest.raises(Unreadable) as refused:
        read_moment(text)
    [fault] = refused.value.faults
    return fault.code


@settings(deadline=None)
@given(st.datetimes(), OFFSETS, st.sampled_from("Tt "), st.sampled_from(".,"), st.integers(1, 9), st.booleans())
def test_a_moment_is_read_as_the_standard_library_reads_it(
    naive: datetime, offset: int, between: str, point: str, digits: int, colon: bool
) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    text = moment.isoformat(between, "microseconds")
    assert datetime.fromisoformat(text) == moment
    date_time, zone = text[:-6], text[-6:]
    fraction = (date_time[20:] + "999")[:digits]
    cut = moment.replace(microsecond=int(fraction.ljust(6, "0")[:6]))
    given_text = f"{date_time[:19]}{point}{fraction}{zone if colon else zone.replace(':', '')}"
    assert read_moment(given_text) == milliseconds(cut) * 1000
    # A plus in a URL is a space where it was not percent-encoded.
    assert read_moment(given_text.replace("+", " ")) == milliseconds(cut) * 1000


@settings(deadline=None)
@given(st.datetimes())
def test_seconds_may_be_left_out_and_utc_be_written_with_a_z(naive: datetime) -> None:
    minute = naive.replace(second=0, microsecond=0, tzinfo=UTC)
    for zone in ("Z", "z", "+00:00", "-00:00", "+0000"):
        assert read_moment(minute.strftime("%4Y-%m-%dT%H:%M").rjust(16, "0") + zone) == milliseconds(minute) * 1000


@settings(deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}[Z+\-]?[0-9:]{0,5}"))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    try:
        read_moment(text)
    except Unreadable as refused:
        [fault] = refused.faults
        assert fault.code in ("malformed-time", "impossible-time")
        assert len(fault.message) < 300


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2021-08-31T00:30+04:30", "2021-08-30T20:00:00Z"),
        ("2021-08-31T00:30:00.0019Z", "2021-08-31T00:30:00.001Z"),
        ("2021-08-31T00:30:00.001999999Z", "2021-08-31T00:30:00.001Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("2020-02-29T00:00-12:00", "2020-02-29T12:00Z"),
    ],
)
def test_moments_that_are_the_same(text: str, same: str) -> None:
    assert read_moment(text) == read_moment(same)


def test_a_moment_counts_from_1970() -> None:
    assert read_moment("1970-01-01T00:00:00Z") == 0
    assert read_moment("2001-09-09T01:46:40.123Z") == 1_000_000_000_123_000
    assert read_moment("0001-01-01T00:00+23:59") < 0 < read_moment("9999-12-31T23:59:59.999-23:59")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2021-08-31",
        "2021-08-31T00:30",
        "2021-08-31T00:30:00",
        "2021-08-31T00:30:00.Z",
        "2021-08-31T00:30:00.1234567890Z",
        "2021-08-31T0:30Z",
        "2021-8-31T00:30Z",
        "20210831T003000Z",
        "2021-08-31T00:30+04",
        "2021-08-31T00:30+4:30",
        "2021-08-31T00:30 UTC",
        "2021-08-31T00:30Z ",
        "2021-08-31T00:30Z\n",
        " 2021-08-31T00:30Z",
        "+2021-08-31T00:30Z",
        "2021-08-31T00:30\N{MINUS SIGN}04:30",
        "\N{ARABIC-INDIC DIGIT TWO}021-08-31T00:30Z",
        "2021-W35-2T00:30Z",
        "2021-08-31T00:30Z/2021-09-01T00:30Z",
        "x" * 100_000,
    ],
)
def test_what_is_no_date_time_with_an_offset_is_refused(text: str) -> None:
    assert code(text) == "malformed-time"


@pytest.mark.parametrize(
    "text",
    [
        "2021-02-29T00:30Z",
        "2021-13-01T00:30Z",
        "2021-00-01T00:30Z",
        "0000-01-01T00:30Z",
        "2021-08-31T25:00Z",
        "2021-08-31T00:60Z",
        "2021-08-31T00:00:61Z",
        "2021-08-31T00:30+24:00",
        "2021-08-31T00:30-99:99",
    ],
)
def test_a_time_that_no_calendar_and_clock_have_is_refused(text: str) -> None:
    assert code(text) == "impossible-time"


def test_the_time_that_it_is_lies_between_before_and_after() -> None:
    before = datetime.now(UTC)
    told = EPOCH + timedelta(microseconds=now())
    assert before <= told <= datetime.now(UTC)


def test_a_time_to_come_is_no_past_one() -> None:
    assert read_past_moment("2001-01-01T00:00Z") == read_moment("2001-01-01T00:00Z")
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert read_past_moment((later - timedelta(minutes=2)).isoformat()) < now()
    for text in (later.isoformat(), "9999-12-31T23:59Z"):
        with pytest.raises(Unreadable) as refused:
            read_past_moment(text)
        assert [fault.code for fault in refused.value.faults] == ["in-the-future"]
