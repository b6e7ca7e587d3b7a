"""Dates: what each EDTF text means, what is refused and why, and where a date lies on the timeline."""

from __future__ import annotations

import calendar
import re

import pytest

from schemas.edtf import DateError, DateSpan, parse_date, parse_event_date, place_key, since, until


@pytest.mark.parametrize(
    ("text", "start", "end", "precision"),
    [
        ("2021-08-26", "2021-08-26", "2021-08-26", "day"),
        ("2024-02-29", "2024-02-29", "2024-02-29", "day"),
        ("2000-02-29", "2000-02-29", "2000-02-29", "day"),
        ("0001-01-01", "0001-01-01", "0001-01-01", "day"),
        ("9999-12-31", "9999-12-31", "9999-12-31", "day"),
        ("2021-08", "2021-08-01", "2021-08-31", "month"),
        ("2021-08-XX", "2021-08-01", "2021-08-31", "month"),
        ("2021-02", "2021-02-01", "2021-02-28", "month"),
        ("1900-02", "1900-02-01", "1900-02-28", "month"),
        ("2000-02-XX", "2000-02-01", "2000-02-29", "month"),
        ("2021", "2021-01-01", "2021-12-31", "year"),
        ("2021-XX", "2021-01-01", "2021-12-31", "year"),
        ("2021-XX-XX", "2021-01-01", "2021-12-31", "year"),
        ("0001", "0001-01-01", "0001-12-31", "year"),
        ("202X", "2020-01-01", "2029-12-31", "decade"),
        ("001X", "0010-01-01", "0019-12-31", "decade"),
        ("999X", "9990-01-01", "9999-12-31", "decade"),
        ("2021-08-31T00:30", "2021-08-31T00:30", "2021-08-31T00:30", "minute"),
        ("2021-08-31T23:59:59", "2021-08-31T23:59", "2021-08-31T23:59", "minute"),
        ("2021-08-31T00:30Z", "2021-08-31T00:30", "2021-08-31T00:30", "minute"),
        ("2021-08-31T00:30+04:30", "2021-08-31T00:30", "2021-08-31T00:30", "minute"),
        ("2021-08-31T00:30:15-03:30", "2021-08-31T00:30", "2021-08-31T00:30", "minute"),
        ("2021-08-31T00:30+14:00", "2021-08-31T00:30", "2021-08-31T00:30", "minute"),
        ("2021-08-31T00:30-14:00", "2021-08-31T00:30", "2021-08-31T00:30", "minute"),
        ("2021-08-31T00:30+04", "2021-08-31T00:30", "2021-08-31T00:30", "minute"),
        ("0001-01-01T00:00+14:00", "0001-01-01T00:00", "0001-01-01T00:00", "minute"),
        ("9999-12-31T23:59-14:00", "9999-12-31T23:59", "9999-12-31T23:59", "minute"),
    ],
)
def test_one_date_spans_what_it_can_mean(text: str, start: str, end: str, precision: str) -> None:
    assert parse_date(text) == DateSpan(start, end, precision, None)


@pytest.mark.parametrize(
    ("text", "start", "end", "precision"),
    [
        ("2021-08-30/2021-08-31", "2021-08-30", "2021-08-31", "day"),
        ("2021-08-30/2021-08-30", "2021-08-30", "2021-08-30", "day"),
        ("2021-08-30/2021-09", "2021-08-30", "2021-09-30", "month"),
        ("2021-08-30/2022", "2021-08-30", "2022-12-31", "year"),
        ("199X/2001-09-11", "1990-01-01", "2001-09-11", "decade"),
        ("199X/202X", "1990-01-01", "2029-12-31", "decade"),
        ("../2021-08-30", None, "2021-08-30", "day"),
        ("../2021-08", None, "2021-08-31", "month"),
        ("2021-08-30/..", "2021-08-30", None, "day"),
        ("2021-XX/..", "2021-01-01", None, "year"),
        ("2021-08-31T00:30/..", "2021-08-31T00:30", None, "minute"),
        ("2021-08-31T00:30/2021-08-31T02:00", "2021-08-31T00:30", "2021-08-31T02:00", "minute"),
        ("2021-08-31T00:30/2021-08-31T00:30", "2021-08-31T00:30", "2021-08-31T00:30", "minute"),
        ("2021-08-31T00:30:14/2021-08-31T00:30:15", "2021-08-31T00:30", "2021-08-31T00:30", "minute"),
        ("2021-08-30/2021-08-31T02:00", "2021-08-30", "2021-08-31T02:00", "day"),
        # The same instant, written with two offsets: local time moves on, so nothing is reversed.
        ("2021-08-31T00:00Z/2021-08-31T04:30+04:30", "2021-08-31T00:00", "2021-08-31T04:30", "minute"),
        # With an offset on one side alone the instants cannot be compared.
        ("2021-08-31T00:00-05:00/2021-08-31T00:30", "2021-08-31T00:00", "2021-08-31T00:30", "minute"),
        # The end is vague, yet some of what it can mean is not before the start.
        ("2021-08/2021", "2021-08-01", "2021-12-31", "year"),
        ("2021-08-15/2021-08", "2021-08-15", "2021-08-31", "month"),
        ("2021-12-31/202X", "2021-12-31", "2029-12-31", "decade"),
        ("2021-08-31T10:00/2021-08-31", "2021-08-31T10:00", "2021-08-31", "day"),
        ("2021-08-31/2021-08-31T00:00", "2021-08-31", "2021-08-31T00:00", "day"),
        ("2021/2021-03", "2021-01-01", "2021-03-31", "year"),
    ],
)
def test_interval_spans_both_sides_at_the_coarser_precision(
    text: str, start: str | None, end: str | None, precision: str
) -> None:
    assert parse_date(text) == DateSpan(start, end, precision, None)


@pytest.mark.parametrize(
    ("text", "qualifier"),
    [
        ("2021-08-26~", "approximate"),
        ("2021-08-26?", "uncertain"),
        ("2021-08-26%", "both"),
        ("2021-08-XX~", "approximate"),
        ("202X?", "uncertain"),
        ("2021-08-31T00:30~", "approximate"),
        ("2021-08-31T00:30+04:30%", "both"),
        ("2021-08-26~/2021-08-27", "approximate"),
        ("2021-08-26/2021-08-27?", "uncertain"),
        ("2021-08-26~/2021-08-27~", "approximate"),
        ("2021-08-26?/2021-08-27~", "both"),
        ("2021-08-26%/2021-08-27~", "both"),
        ("2021-08-26/2021-08-27%", "both"),
        ("../2021-08-27?", "uncertain"),
        ("2021-08-27~/..", "approximate"),
    ],
)
def test_qualifier_is_read_and_widens_nothing(text: str, qualifier: str) -> None:
    bare = parse_date(re.sub("[~?%]", "", text))
    assert parse_date(text) == DateSpan(bare.start, bare.end, bare.precision, qualifier)


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("season", ["2021-21", "2021-22", "2021-23", "2021-24", "2021-24~", "2021-41", "2021-21/2021-22"]),
        ("century", ["20XX", "20XX~", "20XX-XX", "19XX/2021"]),
        ("unknown-year", ["XXXX", "XXXX-XX", "XXXX-12-25", "XXXX/2021"]),
        ("unspecified-digit", ["2XXX", "20X1", "X021", "2021-1X", "2021-08-2X", "2021-XX-15", "202X-08"]),
        ("long-year", ["Y12021", "Y-12021", "Y2021"]),
        ("exponent", ["Y17E7", "Y-17E7", "-17E7", "2E3", "Y171010000E6S3"]),
        ("significant-digits", ["1950S2", "Y171010000S3"]),
        ("negative-year", ["-0001", "-2021-08-26", "-0100/2021"]),
        ("bce", ["44 BC", "44BCE", "0044 bce", "100 B.C.", "2021-08 BC"]),
        ("year-zero", ["0000", "0000-01", "0000-01-01", "000X", "0000/2021"]),
        ("no-such-month", ["2021-13", "2021-00", "2021-20", "2021-42", "2021-21-01", "2021-00-XX"]),
        ("no-such-day", ["2021-04-31", "2021-02-30", "2021-02-29", "1900-02-29", "2021-01-00"]),
        ("no-such-hour", ["2021-08-31T24:00", "2021-08-31T99:00", "2021-08-31T24:00Z"]),
        ("no-such-minute", ["2021-08-31T00:60", "2021-08-31T00:99Z"]),
        ("no-such-second", ["2021-08-31T00:00:60", "2021-08-31T00:00:99"]),
        ("no-such-offset", ["2021-08-31T00:30+14:01", "2021-08-31T00:30-15:00", "2021-08-31T00:30+04:60"]),
        ("offset", ["2021-08-31T00:30+0430", "2021-08-31T00:30+4:30", "2021-08-31T00:30Z+01:00"]),
        ("fraction", ["2021-08-31T00:30:15.5", "2021-08-31T00:30:15,25Z", "2021-08-31T00:30:15.000Z"]),
        ("time", ["2021-08-31T00", "2021-08-31T0030", "2021-08-31T1:30", "2021-08-31T00:30:1"]),
        ("time-without-day", ["2021-08T10:00", "2021T10:00", "2021-08-XXT10:00", "202XT10:00"]),
        ("qualifier-position", ["~2021", "?2021-08", "2021~-08", "2021-~08", "2021-08-%26"]),
        ("qualifier-position", ["2021-08-31T00:30~Z", "2021-08-31T00~:30", "2021-08-31~T00:30"]),
        ("several-qualifiers", ["2021~?", "2021-08-26?~", "2021%%"]),
        ("qualified-open-side", ["..~/2021", "2021/..?"]),
        ("set", ["[2021,2022]", "{2021,2022}", "[..2021]", "{2021..2022}", "[2021/2022]", "{}"]),
        ("open-date", [".."]),
        ("open-both-sides", ["../.."]),
        ("empty-side", ["/2021", "2021/", "/", "../", "/.."]),
        ("too-many-sides", ["2021/2022/2023", "26/08/2021", "2021//2022", "///"]),
        ("reversed-interval", ["2021-08-31/2021-08-30", "2021-09/2021-08", "2021/2020", "203X/202X"]),
        ("reversed-interval", ["2021-08-31T10:00/2021-08-31T09:59", "2021-08-31T10:00/2021-08-30"]),
        ("reversed-interval", ["2021-08-31T10:00:01/2021-08-31T10:00:00", "2021-09/2020"]),
        ("lower-case", ["2021-xx", "202x", "2021-08-xx", "2021-08-31t00:30", "2021-08-31T00:30z", "xxxx"]),
        ("space", ["2021-08-31 00:30", "2021 - 08", "2021 /2022", "Aug 26, 2021"]),
        ("surrounding-space", [" 2021", "2021 ", "2021\n", "\t2021", "2021\u00a0", "2021\r\n", " "]),
        ("strange-character", ["\uff12\uff10\uff12\uff11", "202\uff11", "\u0662\u0660\u0662\u0661"]),
        ("strange-character", ["2021\u201108", "2021\x00", "2021-08\ud800", "2021\n-08"]),
        ("week-date", ["2021-W35", "2021-W35-4", "2021W354"]),
        ("ordinal-date", ["2021-238"]),
        ("no-hyphens", ["20210826", "202108"]),
        ("too-few-digits", ["2021-8", "2021-8-26", "2021-08-6"]),
        ("empty", [""]),
        ("too-long", ["2" * 101, " " * 101, "2021-08-26/" * 1000]),
        ("not-a-date", ["yesterday", "26.08.2021", "21", "02021", "2021-", "2021/08", "2021..2022", "-"]),
    ],
)
def test_what_is_no_date_is_refused_with_its_own_reason(code: str, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(DateError) as caught:
            parse_date(text)
        assert (text, caught.value.code) == (text, code)
        check_wording(caught.value)


def check_wording(error: DateError) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code)
    assert error.message == str(error)
    assert error.message.endswith(".") and len(error.message) < 300


def test_reason_names_the_side_that_is_wrong() -> None:
    with pytest.raises(DateError, match=r"2021-04-31.*April 2021 has 30 days"):
        parse_date("2021-04-01/2021-04-31")


@pytest.mark.parametrize(
    "text",
    [
        # 10:00 at +04:30 is 05:30 UTC and 10:30 at +05:30 is 05:00 UTC: later by the clock alone.
        "2021-08-31T10:00+04:30/2021-08-31T10:30+05:30",
        # 10:00 at +04:30 is 05:30 UTC, 09:00Z is later: but the derived local times are reversed.
        "2021-08-31T10:00+04:30/2021-08-31T09:00Z",
        # By the seconds alone: 00:00:30Z, and 04:30:15 at +04:30, which is 00:00:15 UTC.
        "2021-08-31T00:00:30Z/2021-08-31T04:30:15+04:30",
        # Across the first and the last midnight there is, where no datetime can follow.
        "0001-01-01T00:00Z/0001-01-01T00:00+14:00",
        "9999-12-31T23:59-14:00/9999-12-31T23:59Z",
    ],
)
def test_interval_reversed_by_instants_or_by_local_times_is_refused(text: str) -> None:
    with pytest.raises(DateError, match="before its start") as caught:
        parse_date(text)
    assert caught.value.code == "reversed-interval"


def test_every_day_of_the_calendar_and_no_other_is_accepted() -> None:
    for year in (4, 1900, 2000, 2021, 2024):
        for month in range(100):
            for day in range(100):
                text = f"{year:04}-{month:02}-{day:02}"
                real = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
                if real:
                    assert parse_date(text).start == text
                else:
                    with pytest.raises(DateError):
                        parse_date(text)


@pytest.mark.parametrize(
    "text",
    ["1000", "1000-01-01", "100X", "2027-12-31", "2027", "202X", "../2027", "1000/..", "2021/202X"],
)
def test_years_within_the_bounds_are_accepted(text: str) -> None:
    assert parse_event_date(text, 1000, 2027) == parse_date(text)


@pytest.mark.parametrize(
    "text",
    ["0999", "0999-12-31", "099X", "2028", "2028-01-01T00:00", "203X", "../2028", "0999/2021", "2021/2028"],
)
def test_years_outside_the_bounds_are_refused_on_either_side(text: str) -> None:
    with pytest.raises(DateError, match="1000 to 2027") as caught:
        parse_event_date(text, 1000, 2027)
    assert caught.value.code == "year-out-of-range"
    assert parse_date(text)  # the bounds are the events', not the date's


def test_a_decade_is_judged_by_its_first_year() -> None:
    assert parse_event_date("202X", 2020, 2020).end == "2029-12-31"
    with pytest.raises(DateError):
        parse_event_date("202X", 2021, 2100)


def test_a_malformed_date_is_refused_before_its_year_is_judged() -> None:
    with pytest.raises(DateError) as caught:
        parse_event_date("0999-02-30", 1000, 2027)
    assert caught.value.code == "no-such-day"


@pytest.mark.parametrize(
    ("text", "key", "first", "last"),
    [
        ("2021-08-26", "20210826 ", "20210826T0000", "20210826T2359"),
        ("2021-08", "20210801 ", "20210801T0000", "20210831T2359"),
        ("202X", "20200101 ", "20200101T0000", "20291231T2359"),
        ("2021-08-31T00:30+04:30", "20210831T0030 ", "20210831T0030", "20210831T0030"),
        ("2021-08-30/2021-08-31", "20210830 ", "20210830T0000", "20210831T2359"),
        ("2021-08-31T10:00/2021-08-31", "20210831T1000 ", "20210831T1000", "20210831T2359"),
        ("../2021-08-30", "20210830 ", None, "20210830T2359"),
        ("../2021-08", "20210831 ", None, "20210831T2359"),
        ("../2021-08-30T12:00", "20210830T1200 ", None, "20210830T1200"),
        ("2021/..", "20210101 ", "20210101T0000", None),
    ],
)
def test_place_and_extent_on_the_timeline(text: str, key: str, first: str | None, last: str | None) -> None:
    span = parse_date(text)
    assert (place_key(span), since(span), until(span)) == (key, first, last)


def test_a_day_comes_before_its_minutes_whatever_the_ids() -> None:
    in_order = [
        ("2021-08-30T23:59", "a"),
        ("2021-08-31", "a"),
        ("2021-08-31", "zz"),
        ("2021-08-31T00:00", "0"),
        ("2021-08-31T00:00", "a-b"),
        ("2021-08-31T00:01", "0"),
        ("2021-09", "0"),
        ("2021-09-01T00:00", "0"),
    ]
    keys = [(place_key(parse_date(text)) + uid).encode() for text, uid in in_order]
    assert keys == sorted(keys)


def test_a_span_open_on_both_sides_has_no_place() -> None:
    with pytest.raises(ValueError, match="start or an end"):
        place_key(DateSpan(None, None, "day", None))
