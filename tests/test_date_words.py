"""Dates in words: each kind of date, and that no two dates of different meaning read alike."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.date_words import date_words, sides
from schemas.edtf import DateError, parse_date

WORDS = {
    # A date alone.
    "2021-08-26": "26 August 2021",
    "2021-08-06": "6 August 2021",
    "2021-08": "August 2021",
    "2021-08-XX": "August 2021",
    "2021": "2021",
    "2021-XX": "2021",
    "2021-XX-XX": "2021",
    "0987-03-01": "1 March AD 987",
    "0044": "AD 44",
    "1000": "1000",
    # Decades; of hundreds so that none is taken for a century.
    "202X": "the 2020s",
    "199X": "the 1990s",
    "200X": "the decade 2000 to 2009",
    "190X": "the decade 1900 to 1909",
    "098X": "the decade AD 980 to 989",
    # Date-times.
    "2021-08-31T00:30": "31 August 2021, 00:30",
    "2021-08-31T00:30:15": "31 August 2021, 00:30:15",
    "2021-08-31T00:30+04:30": "31 August 2021, 00:30 (UTC+04:30)",
    "2021-08-31T00:30+04": "31 August 2021, 00:30 (UTC+04:00)",
    "2021-08-31T00:30-03:30": "31 August 2021, 00:30 (UTC-03:30)",
    "2021-08-31T00:30Z": "31 August 2021, 00:30 (UTC)",
    "2021-08-31T00:30+00:00": "31 August 2021, 00:30 (UTC)",
    "2021-08-31T00:30-10:00": "31 August 2021, 00:30 (UTC-10:00)",
    # Qualifiers.
    "2021-08-27~": "about 27 August 2021",
    "2021-08-27?": "perhaps 27 August 2021",
    "2021-08-27%": "perhaps about 27 August 2021",
    "2021-08~": "about August 2021",
    "2021?": "perhaps 2021",
    "202X%": "perhaps about the 2020s",
    "2021-08-31T00:30+04:30~": "about 31 August 2021, 00:30 (UTC+04:30)",
    # Open sides.
    "../2021-08-30": "on or before 30 August 2021",
    "../2021-08": "in or before August 2021",
    "../2021": "in or before 2021",
    "../202X": "in or before the 2020s",
    "../2021-08-31T06:00": "at or before 31 August 2021, 06:00",
    "../2021-08-30~": "on or before about 30 August 2021",
    "2021-08-30/..": "from 30 August 2021 on",
    "2021/..": "from 2021 on",
    "2021-08?/..": "from perhaps August 2021 on",
    # Intervals say once what both sides share.
    "2021-08-22/2021-08-28": "22 to 28 August 2021",
    "2021-08-30/2021-09-02": "30 August to 2 September 2021",
    "2021-12-30/2022-01-02": "30 December 2021 to 2 January 2022",
    "2021-08/2021-09": "August to September 2021",
    "2021-12/2022-01": "December 2021 to January 2022",
    "2020/2021": "2020 to 2021",
    "201X/202X": "the 2010s to the 2020s",
    "2021-08-31T00:30/2021-08-31T06:00": "31 August 2021, 00:30 to 06:00",
    "2021-08-31T00:30+04:30/2021-08-31T06:00+04:30": "31 August 2021, 00:30 to 06:00 (UTC+04:30)",
    "2021-08-31T00:30+04:30/2021-08-31T06:00+05:00":
        "31 August 2021, 00:30 (UTC+04:30) to 06:00 (UTC+05:00)",
    "2021-08-31T22:00/2021-09-01T06:00": "31 August 2021, 22:00 to 1 September 2021, 06:00",
    "2021-08-30/2021-08-30": "30 August 2021",
    "2021-08/2021-08-XX": "August 2021",
    # Each qualifier stands before its own side, and what it does not belong to is written out.
    "2021-08-22~/2021-08-28~": "about 22 to about 28 August 2021",
    "2021-08~/2021-09~": "about August to about September 2021",
    "2021-08-22~/2021-08-31": "about 22 August 2021 to 31 August 2021",
    "2021-08-22/2021-08-31?": "22 August 2021 to perhaps 31 August 2021",
    "2021-08-22~/2021-08-31%": "about 22 August 2021 to perhaps about 31 August 2021",
    "2021-08-30~/2021-08-30": "about 30 August 2021 to 30 August 2021",
    # Sides of different precision.
    "2021-08-30/2021-09": "30 August 2021 to September 2021",
    "2021-08-30/2021-08-31T06:00": "30 August 2021 to 31 August 2021, 06:00",
    "2021-08/2021": "August 2021 to some time in 2021",
    "2021/2021-08-30": "some time in 2021 to 30 August 2021",
    "2021-08-31T06:00/2021-08-31": "31 August 2021, 06:00 to some time on 31 August 2021",
    "2015/201X": "2015 to some time in the 2010s",
    "2019/202X": "2019 to the 2020s",
    "2021-08/2021?": "August 2021 to some time in perhaps 2021",
}  # fmt: skip


@pytest.mark.parametrize("text", WORDS)
def test_a_date_is_said_as_precisely_as_it_is_known(text: str) -> None:
    assert date_words(text) == WORDS[text]


@pytest.mark.parametrize("text", ["", "..", "../..", "2021-13", "2021-08-31/2021-08-30", "2021-8-6", "soon"])
def test_what_is_no_date_has_no_words(text: str) -> None:
    with pytest.raises(DateError):
        date_words(text)


DAYS = st.dates(min_value=date(1000, 1, 1))
ALONE = st.builds(
    lambda day, form, sign: day.strftime(form) + sign,
    DAYS,
    st.sampled_from(["%Y-%m-%d", "%Y-%m", "%Y", "%Y-%m-%dT07:05", "%Y-%m-%dT07:05+04:30"]),
    st.sampled_from(["", "~", "?", "%"]),
)
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December"]  # fmt: skip


@given(ALONE)
def test_words_hold_every_part_of_a_date_and_no_other(text: str) -> None:
    words = date_words(text)
    side = sides(text)[0]
    assert side is not None
    year, *rest = side.numbers
    without_year = re.sub(rf"\b{year}\b", "", words, count=1)
    assert without_year != words
    assert [name for name in MONTHS if name in words] == [MONTHS[month - 1] for month in rest[:1]]
    assert re.findall(r"^\D*(\d+) [A-Z]", without_year) == [str(day) for day in rest[1:2]]
    assert ("07:05" in words) == ("T" in text)
    assert ("about" in words, "perhaps" in words) == (text[-1] in "~%", text[-1] in "?%")


@given(st.lists(st.one_of(ALONE, st.just("..")), min_size=2, max_size=2).map("/".join))
def test_intervals_of_different_meaning_never_read_alike(text: str) -> None:
    try:
        span = parse_date(text)
    except DateError:
        return
    words = date_words(text)
    assert words == words.strip()
    assert "  " not in words
    if span.start is None:
        assert " or before " in words
    elif span.end is None:
        assert words.startswith("from ")
        assert words.endswith(" on")
    else:
        first, last = text.split("/")
        assert (" to " in words) == (sides(first) != sides(last))
        assert span.end[:4].lstrip("0") in words


def test_the_sides_of_a_date_alone_are_the_same() -> None:
    first, last = sides("2021-08-31T00:30:15+04:30~")
    assert first == last
    assert first is not None
    assert first.numbers == (2021, 8, 31, 0, 30, 15)
    assert (first.precision, first.qualifier, first.clock, first.zone) == ("minute", "about ", "00:30:15", "UTC+04:30")


def test_an_open_side_has_no_parts() -> None:
    assert sides("../2021-08")[0] is None
    assert sides("2021-08/..")[1] is None
