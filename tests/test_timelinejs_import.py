"""Timelines of TimelineJS 3, as JSON and as a sheet: what is read, what is mended with a warning, what is rejected."""

from __future__ import annotations

import html
import io
import json
import re
import time
import tracemalloc
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from peewee import Database

from schemas.date_words import date_words, sides
from schemas.event import EventBody
from schemas.faults import Refused
from schemas.fields import load
from service.check import check
from service.database import fetch
from service.import_report import ImportReport
from service.importers import IMPORTERS, Record, UnreadableFile
from service.importers.delimited import MAX_RECORD
from service.importers.source import opened
from service.importers.timelinejs_event import event_of
from service.importers.timelinejs_slide import EVENT, Slide, kind_of_slide
from service.importers.timelinejs_text import one_line, plain
from service.importing import Import, Listener, import_file
from tests.writing import counts, document, everything, rejections

FIXTURES = Path(__file__).parent / "fixtures"
FORMAT = IMPORTERS["timelinejs"]
MIXED = (FIXTURES / "timelinejs_mixed.json").read_bytes()
SHEET = (FIXTURES / "timelinejs_sheet.csv").read_bytes()
HEADER = "Year,Month,Day,Time,End Year,End Month,End Day,End Time,Headline,Text,Media,Type,Group\n"


def read(data: bytes | str) -> list[Record]:
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return list(FORMAT.read(opened(io.BytesIO(raw))).records)


def timeline(*slides: Any, **parts: Any) -> bytes:
    return json.dumps({"events": slides, **parts}).encode()


def slide(**members: Any) -> dict[str, Any]:
    """The smallest slide that is an event, and what a test adds to it."""
    return {"start_date": {"year": "1900"}, "text": {"headline": "Something"}, **members}


def one(**members: Any) -> Record:
    (record,) = read(timeline(slide(**members)))
    return record


def event(**members: Any) -> dict[str, Any]:
    record = one(**members)
    made: dict[str, Any] = record.event
    assert made is not None, record.faults
    return made


def row(**cells: str) -> Record:
    """The record of a row of a sheet; End_Year stands for End Year."""
    named = {"Year": "1900", "Headline": "Something"} | {name.replace("_", " "): text for name, text in cells.items()}
    quoted = ('"' + named.get(name, "").replace('"', '""') + '"' for name in HEADER.strip().split(","))
    (record,) = read(HEADER + ",".join(quoted) + "\n")
    return record


def codes(record: Record) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in record.faults or record.warnings]


def take(database: Database, data: bytes | str, **options: Any) -> ImportReport:
    raw = data.encode() if isinstance(data, str) else data
    how = Import(FORMAT, "import", dataset=options.pop("dataset", None), min_year=options.pop("min_year", 1000))
    return import_file(database, io.BytesIO(raw), how, Listener(rejects=options.pop("rejects", None)), **options)


# Whole files


def test_a_document_gives_its_eras_and_slides_in_its_order_with_their_lines() -> None:
    records = read(MIXED)
    assert [(record.line, codes(record)) for record in records] == [
        (5, [("/title", "not-an-event")]),
        (6, [("/end_date", "missing")]),
        (9, []),
        (18, [("/text/headline", "missing")]),
        (25, [("/start_date/year", "negative-year")]),
        (26, []),
        (27, [("/start_date", "missing")]),
        (28, [("/start_date/month", "no-such-month"), ("/start_date/day", "no-such-day")]),
        (33, [("/start_date", "time-cut")]),
    ]
    era, mill = records[0].event, records[2].event
    assert (era["title"], era["date"], era["tags"]) == ("The orchard years", "1890/1914", ["era"])
    assert mill == {
        "id": "timelinejs-first-mill",
        "title": "The first mill & its wheel",
        "summary": "It stood by the river (https://example.org/river).\n\nStill does.",
        "date": "1891-04-09",
        "type": "other",
        "status": "reported",
        "location": None,
        "actors": [],
        "claims": [],
        "sources": [
            {"ref": "media", "publisher": "Valley Archive", "title": "The mill, 1901",
             "url": "https://example.org/mill.jpg", "published": None, "via": None}
        ],
        "related": [],
        "tags": ["Mills"],
        "dataset": "timelinejs",
    }  # fmt: skip
    winter = records[3].event
    assert (winter["title"], winter["date"], winter["summary"]) == ("Winter of 1903", "1903-02/1904", None)
    assert records[5].event["date"] == "0980"
    assert records[8].event["date"] == "1913-06-01T06:45:56"


def test_the_original_is_the_slide_as_it_was_read() -> None:
    given = json.loads(MIXED)
    records = read(MIXED)
    assert [record.original for record in records[2:]] == given["events"]
    assert [record.original for record in records[:2]] == [{**era, "type": "era"} for era in given["eras"]]
    assert [json.loads(record.raw) for record in records] == [record.original for record in records]


def test_a_sheet_gives_its_rows_with_their_lines() -> None:
    records = read(SHEET)
    assert [(record.line, codes(record)) for record in records] == [
        (3, [("/Type", "not-an-event")]),
        (5, [("/Headline", "missing")]),
        (6, []),
        (7, []),
        (8, [("/Day", "no-such-day")]),
        (9, [("/Time", "time")]),
        (10, [("/Year", "missing")]),
        (11, [("/", "wrong-column-count")]),
        (12, [("/End Year", "reversed-interval")]),
    ]
    mill, winter, era, bell = (record.event for record in records[:4])
    assert (mill["title"], mill["summary"]) == ("The first mill", "It stood by the river.\nStill does.")
    assert (mill["tags"], mill["sources"][0]["publisher"]) == (["Mills"], "Valley Archive")
    assert (winter["title"], winter["date"]) == ("Winter of 1903", "1903-02/1904")
    assert (era["date"], era["tags"]) == ("1890/1914", ["era"])
    assert bell["date"] == "1913-06-01T18:45"
    assert records[0].original is not None
    assert (records[0].original["Month"], records[0].original["Checked by"]) == ("4", "Rosa")
    assert len(records[0].original) == 19


def test_a_sheet_and_a_document_with_the_same_slides_give_the_same_events() -> None:
    of_sheet = row(Year="1900", Month="5", Text="words", Group="g", Media="https://example.org/").event
    of_document = event(
        start_date={"year": "1900", "month": "5", "day": ""},
        text={"headline": "Something", "text": "words"},
        group="g",
        media={"url": "https://example.org/", "credit": "", "caption": None},
    )
    assert of_sheet == of_document


@pytest.mark.parametrize(
    "order", [("title", "events", "eras"), ("eras", "title", "events"), ("events", "eras", "title")]
)
def test_the_parts_of_a_document_may_stand_in_any_order(order: tuple[str, ...]) -> None:
    parts = {
        "title": {"text": {"headline": "A cover"}},
        "events": [slide()],
        "eras": [slide(end_date={"year": 1910})],
    }
    records = read(json.dumps({"scale": "human", **{name: parts[name] for name in order}, "options": [{"a": []}]}))
    assert sorted(record.event["date"] for record in records) == ["1900", "1900/1910"]
    assert [warning.code for record in records for warning in record.warnings] == ["not-an-event"]


def test_a_title_slide_with_a_date_is_an_event() -> None:
    records = read(timeline(slide(), title=slide(text={"headline": "The war", "text": "All of it"})))
    assert sorted(record.event["title"] for record in records) == ["Something", "The war"]
    assert not any(record.warnings for record in records)


@pytest.mark.parametrize("title", ["", None, {}, []])
def test_no_title_is_nothing_to_tell(title: Any) -> None:
    (record,) = read(timeline(slide(), title=title))
    assert record.warnings == ()


def test_two_title_slides_are_both_told() -> None:
    records = read(HEADER + ",,,,,,,,A cover,,,title,\n,,,,,,,,Another,,,Title,\n1900,,,,,,,,Something,,,,\n")
    assert [re.findall(r"'(.*)'", warning.message) for warning in records[0].warnings] == [["A cover"], ["Another"]]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"\x1f\x8b\x08abc", "gzip"),
        (MIXED.decode().encode("utf-16"), "UTF-16"),
        (b"<html>", "HTML"),
        (b"{}", 'neither "events" nor "eras"'),
        (b'{"scale": "human"}', 'neither "events" nor "eras"'),
        (b'{"events": []}', "no event"),
        (b'{"events": [], "title": {"text": {"headline": "A cover"}}}', "no event"),
        (b'{"events": {"year": 1}, "eras": []}', '"events" in line 1 is no list'),
        (b'[{"start_date": {"year": 1900}}]', "no timeline of TimelineJS; it looks like a JSON array"),
        (b'{"title": {"text": {}}', "breaks off in line 1"),
        (b'{"events": [{"start_date": {"year": 1900}', "breaks off.*line 1"),
        (b'{\n"events": [\n{"a": 1,\n"b" 2}\n]}', "slide that begins in line 3: Expecting ':' delimiter, in line 4"),
        (b'{"events" [', "followed by something else in line 1"),
        (b'{5: [], "events": [', "a name is a text in quotes"),
        (b'{[]: [], "events": [', "a name is a text in quotes"),
        (b'{"timeline": {"headline": "x", "date": [{"startDate": "2011"}]}}', "TimelineJS 2"),
        (b'storyjs_jsonp_data = {"timeline": {}}', "JSONP"),
        (b'var data = {"events": []};', "JSONP"),
        (b'callback({"events": []})', "JSONP"),
        (b'{"id": "a", "title": "b", "date": "2020"}\n', "one a line .format dateline"),
        (b'{"type": "FeatureCollection", "features": []}', 'neither "events" nor "eras"'),
        (b"Start Date,End Date,Headline,Text\n1/1/2001,,a,b\n", "part them into Year, Month and Day"),
        (b"Year,Month,Day\n1900,1,1\n", "lacks headline"),
        (b"Year,Headline,year\n1900,a,1901\n", "column year twice"),
        (HEADER.encode(), "no event"),
        (b"a,b\n1,2\n", "no timeline of TimelineJS.*lacks year, headline"),
        (b'Year,Headline,"Te"xt"\n1900,a,b\n', "quotes"),
    ],
)
def test_a_file_of_another_kind_is_named_for_what_it_looks_like(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(data)
    assert re.search(words, str(caught.value)), caught.value


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (b"", "breaks off"),
        (b'{"start_date": "', "breaks off"),
        (b"\xff", "Line 4 is not UTF-8"),
        (b'{"text":\n"\xff', "Line 5 is not UTF-8"),
        (b"{'a': 1}]}", "not valid JSON in the slide that begins in line 4: .*in line 4"),
        (b'{"a": ' + b"[" * 5000, "holds too much inside each other"),
        (b'{"text": "' + b"x" * (MAX_RECORD + 10) + b'"}]}', "line 4 is longer than|overlong|breaks off"),
        (b"]} and more", "goes on after it"),
        (b'], "timeline": {}}', "TimelineJS 2"),
    ],
)
def test_what_stood_before_a_break_is_sound(rest: bytes, words: str) -> None:
    data = b'{"events": [\n' + json.dumps(slide()).encode() + b",\n" + json.dumps(slide(group="b")).encode() + b",\n"
    records = FORMAT.read(opened(io.BytesIO(data + rest))).records
    assert [next(records).event["tags"], next(records).event["tags"]] == [[], ["b"]]
    with pytest.raises(UnreadableFile, match=words):
        list(records)


def test_a_first_line_with_semicolons_or_tabs_is_no_other_format() -> None:
    for headline in ("a; b; c; d", "a &amp; b &lt; c &gt; d"):
        assert len(read(timeline(slide(text={"headline": headline})))) == 1
    assert len(read(b'{\t"events":\t[\t' + json.dumps(slide()).encode() + b"]}")) == 1


def test_a_document_with_a_byte_order_mark_is_read() -> None:
    assert len(read(b"\xef\xbb\xbf" + MIXED)) == 9


def test_a_document_is_read_whatever_the_pieces_it_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    data = timeline(slide(text={"headline": "Köy یک 🙂"}), slide(), title={"text": {"headline": "é"}}, scale=12345)
    data = json.dumps(json.loads(data), ensure_ascii=False, indent=1).encode()
    whole = read(data)
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr("service.importers.timelinejs_document.CHUNK", size)
        assert read(data) == whole


def test_memory_does_not_grow_with_the_document() -> None:
    one_slide = json.dumps(slide(text={"headline": "x", "text": "y" * 1000})).encode() + b",\n"

    class Endless(io.BytesIO):
        left = 20_000

        def read(self, size: int | None = -1, /) -> bytes:
            if self.left and self.tell() == len(self.getbuffer()):
                self.left -= 1
                self.seek(0)
                self.truncate()
                self.write(one_slide)
                self.seek(0)
            return super().read(size)

    records = FORMAT.read(opened(Endless(b'{"events": [\n'))).records
    for _ in range(100):
        next(records)
    tracemalloc.start()
    taken = 0
    with pytest.raises(UnreadableFile, match="breaks off in line"):
        for _ in records:
            taken += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken == 19_900
    assert peak < 2_000_000


# Dates


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


@pytest.mark.parametrize(
    ("text", "edtf"),
    [
        ("6:45", "T06:45"), ("06.45", "T06:45"), ("0645", "T06:45"), ("6:45 PM", "T18:45"), ("6:45p.m.", "T18:45"),
        ("12:05 am", "T00:05"), ("12:05 pm", "T12:05"), ("23:59", "T23:59"),
    ],
)  # fmt: skip
def test_a_time_of_a_sheet_is_read_as_timelinejs_reads_it(text: str, edtf: str) -> None:
    record = row(Month="2", Day="3", Time=text)
    assert record.event is not None and record.event["date"] == "1900-02-03" + edtf
    assert record.warnings == ()


@pytest.mark.parametrize(
    ("cells", "faults"),
    [
        ({"Time": "6:45"}, [("/Day", "time-without-day")]),
        ({"Month": "2", "Day": "3", "Time": "25:00"}, [("/Time", "no-such-hour")]),
        ({"Month": "2", "Day": "3", "Time": "6:75"}, [("/Time", "no-such-minute")]),
        ({"Month": "2", "Day": "3", "Time": "at dawn"}, [("/Time", "time")]),
        ({"End_Time": "at dawn", "End_Year": "1901"}, [("/End Time", "time")]),
        ({"End_Year": "1899"}, [("/End Year", "reversed-interval")]),
        ({"Month": "14"}, [("/Month", "no-such-month")]),
        ({"Year": ""}, [("/Year", "missing")]),
        ({"Year": "", "End_Year": "1900"}, [("/Year", "missing")]),
        ({"Type": "era"}, [("/End Year", "missing")]),
        ({"Headline": "a\0b"}, [("/Headline", "bad-character")]),
    ],
)
def test_a_fault_of_a_sheet_points_at_its_column(cells: dict[str, str], faults: list[tuple[str, str]]) -> None:
    assert codes(row(**cells)) == faults


def test_columns_that_timelinejs_does_not_have_are_kept_and_tell_slides_apart() -> None:
    records = read("Year,Headline,,start_date_,columns,Note,Note\n1900,a,1,2,3,4,5\n1900,a,1,2,3,4,6\n")
    assert [record.faults for record in records] == [(), ()]
    assert records[0].original == {
        "Year": "1900", "Headline": "a", "(3)": "1", "start_date_": "2", "columns": "3", "Note": "4", "Note (7)": "5"
    }  # fmt: skip
    assert records[0].event["id"] != records[1].event["id"]


# Ids


@pytest.mark.parametrize(
    ("own", "made"),
    [
        ("First Mill", "timelinejs-first-mill"),
        (" 7 ", "timelinejs-7"),
        (7, "timelinejs-7"),
        ("timelinejs-0123456789abcdef", "timelinejs-0123456789abcdef"),
    ],
)
def test_the_id_comes_from_the_slides_own(own: Any, made: str) -> None:
    assert event(unique_id=own)["id"] == made


def test_ids_of_other_scripts_stay_apart() -> None:
    assert event(unique_id="باغ")["id"] != event(unique_id="کوه")["id"]
    assert event(unique_id="باغ" * 90)["id"] != event(unique_id="باغ" * 91)["id"]


def test_a_slide_without_an_id_is_told_by_all_that_it_holds_and_by_nothing_else() -> None:
    plain_id = event()["id"]
    assert re.fullmatch(r"timelinejs-[0-9a-f]{16}", plain_id)
    assert event(unique_id="", group=None, media={"url": "", "caption": None}, end_date={"year": ""})["id"] == plain_id
    turned = {"text": {"headline": "Something"}, "start_date": {"year": "1900"}}
    assert read(timeline(turned))[0].event["id"] == plain_id
    assert len({plain_id, event(group="g")["id"], event(background={"color": "#fff"})["id"]}) == 3


def test_an_era_is_the_same_event_among_the_eras_and_among_the_events() -> None:
    era = slide(end_date={"year": 1910})
    (of_eras,) = read(timeline(eras=[era]))
    (of_events,) = read(timeline({**era, "type": "era"}))
    assert (of_eras.event, of_eras.original) == (of_events.event, of_events.original)
    assert list(of_eras.original or ()) == list(of_events.original or ())
    assert of_eras.event["id"] != event(end_date={"year": 1910})["id"]


# Words


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("two\r\n\r\n\r\n\r\nparagraphs \n here", "two\n\nparagraphs\nhere"),
        ("a &lt;b&gt; &amp;amp; &eacute;&#233;&#xe9;&nbsp;c", "a <b> &amp; ééé c"),
        ("1 < 2 > 0 <3 <", "1 < 2 > 0 <3 <"),
        ("<p>one</p>\n<p>two</p>", "one\n\ntwo"),
        ("one<br>two<br/>three<BR />four", "one\ntwo\nthree\nfour"),
        ("one<br><br><br><br>two", "one\n\ntwo"),
        ("<b>a</b>\n  <i>b</i>", "a b"),
        ("<ul><li>one</li><li>two</li></ul>after", "- one\n- two\n\nafter"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ('see <a href="https://example.org/a?b=1&amp;c=2" target=_blank>this</a>.',
         "see this (https://example.org/a?b=1&c=2)."),
        ("<a href=https://example.org>https://example.org/</a>", "https://example.org/"),
        ("<a href='https://example.org/'><img src='x'></a>", "https://example.org/"),
        ("<a href='//example.org/x'>x</a>", "x (https://example.org/x)"),
        ("<a href='javascript:alert(1)'>x</a> <a href='#top'>y</a> <a name=z>z</a>", "x y z"),
        ("<a href='https://a.example'>one<a href='https://b.example'>two",
         "one (https://a.example)two (https://b.example)"),
        ("a<script>alert('</p>')</script>b<style>p{}</STYLE >c<!-- d -- > --> e", "abc e"),
        ("a<script>never closed <p>b</p>", "a"),
        ("a<!-->b<!--->c<!--d", "abc"),
        ("a<!DOCTYPE html>b<?php echo 1 ?>c</>d</ >e<![CDATA[f]]>g", "abcdeg"),
        ("<p title='a > b'>c</p><p title=it's>d</p>", "c\n\nd"),
        ("<p unclosed='", ""),
        ("a <b unclosed", "a"),
        ("<div><div><div>deep</div>er", "deep\n\ner"),
        ("<iframe src='https://example.org/v'>no frames</iframe>seen", "seen"),
        ("&#99999999999; &#0000000065; &#xD800; &#0;", "\ufffd A \ufffd \ufffd"),
        ("&#" + "9" * 6000 + ";", "\ufffd"),
    ],
)  # fmt: skip
def test_html_becomes_plain_text(source: str, text: str) -> None:
    assert plain(source).text == text


@pytest.mark.parametrize(
    "unit",
    ["<", "<!--", "<a ", '<a href="', "&#", "</", "<![CDATA[", "<script>", "<b>", "<a  ", "<a =", "<a='", "<a b=c ",
     "<a href=http://x>", " \n", "<br> ", "<!-- --", "<style></style "],
)  # fmt: skip
def test_hostile_html_takes_no_longer_than_its_length(unit: str) -> None:
    short, long = (unit * (size // len(unit)) for size in (20_000, 320_000))
    plain(short)
    began = time.process_time()
    plain(long)
    # The parser of the standard library takes half an hour for some of these.
    assert time.process_time() - began < 5


class _Reference(HTMLParser):
    """The words of well-formed HTML as the standard library reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""

    def handle_data(self, data: str) -> None:
        self.words += data


@given(
    st.recursive(
        st.text(st.characters(codec="utf-8", exclude_characters="\0")).map(html.escape),
        lambda inner: st.tuples(st.sampled_from(("b", "i", "span", "em")), st.text(), st.lists(inner, max_size=4)).map(
            lambda drawn: f'<{drawn[0]} title="{html.escape(drawn[1])}">{"".join(drawn[2])}</{drawn[0]}>'
        ),
        max_leaves=12,
    )
)
def test_well_formed_html_has_the_words_that_another_parser_finds(source: str) -> None:
    reference = _Reference()
    reference.feed(source)
    reference.close()
    assert plain(source, links=False).text.split() == reference.words.split()


@given(st.text(st.sampled_from("<>/!-&#;='\" aApbscripthref:\n09x\u00a0")))
@settings(max_examples=500)
def test_any_text_becomes_plain_text(source: str) -> None:
    found = plain(source).text
    assert found == found.strip()
    assert len(found) <= 4 * len(source) + 1
    assert "\n" not in one_line(source)


@pytest.mark.parametrize(
    ("members", "title"),
    [
        ({"text": {"headline": "a <b>b</b>\n c"}}, "a b c"),
        ({"text": {"headline": "<a href='https://example.org'>a</a>"}}, "a"),
        ({"text": {"headline": 1984}}, "1984"),
    ],
)
def test_the_title_is_the_headline_in_one_line(members: dict[str, Any], title: str) -> None:
    record = one(**members)
    assert record.event is not None and (record.event["title"], record.warnings) == (title, ())


@pytest.mark.parametrize("headline", ["", None, " ", "<p></p>", "&nbsp;", "<script>alert(1)</script>"])
@pytest.mark.parametrize(
    ("more", "title"),
    [
        ({"display_date": "<b>Spring</b>"}, "Spring"),
        ({"display_date": "", "start_date": {"year": 1900, "display_date": "Then"}}, "Then"),
        ({"start_date": {"year": 1900, "month": 2}}, "February 1900"),
        ({"display_date": 5}, "1900"),
    ],
)
def test_without_a_headline_the_title_is_the_date_in_words(headline: Any, more: dict[str, Any], title: str) -> None:
    record = one(**{"text": {"headline": headline}, **more})
    assert record.event is not None and record.event["title"] == title
    assert codes(record) == [("/text/headline", "missing")]


@pytest.mark.parametrize("text", [None, "", [], {}])
def test_a_slide_may_have_no_text_at_all(text: Any) -> None:
    assert event(text=text)["title"] == "1900"


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"text": "words"}, "/text"),
        ({"text": {"headline": ["a"]}}, "/text/headline"),
        ({"text": {"text": True}}, "/text/text"),
        ({"media": "https://example.org"}, "/media"),
        ({"media": {"credit": {"a": "b"}}}, "/media/credit"),
        ({"group": ["a"]}, "/group"),
        ({"unique_id": False}, "/unique_id"),
    ],
)
def test_a_member_of_the_wrong_kind_is_pointed_at(members: dict[str, Any], pointer: str) -> None:
    assert codes(one(**members)) == [(pointer, "wrong-type")]


@pytest.mark.parametrize("value", [5, "a slide", None, [], True])
def test_what_is_no_object_is_no_slide(value: Any) -> None:
    (record,) = read(json.dumps({"events": [value]}))
    assert codes(record) == [("", "wrong-type")]
    assert json.loads(record.raw) == value


def test_what_cannot_be_stored_is_rejected() -> None:
    assert codes(one(group="a\0b")) == [("/group", "bad-character")]
    assert codes(one(background={"\ud800": 1})) == [("/background/\ufffd", "bad-character")]
    deep: Any = "x"
    for _ in range(40):
        deep = [deep]
    assert [code for _, code in codes(one(background=deep))] == ["too-deep"]
    assert one(background=deep).original is None


def test_numbers_that_no_json_reader_shares_are_kept_as_their_digits() -> None:
    (record,) = read('{"events": [{"start_date": {"year": 1900}, "x": [123456789012345678901234567890, 1e999, NaN]}]}')
    assert record.original is not None
    assert record.original["x"] == ["123456789012345678901234567890", "1e999", None]
    assert orjson.loads(orjson.dumps(record.original)) == record.original


@pytest.mark.parametrize(
    ("media", "source"),
    [
        ({}, None),
        ({"url": "", "credit": "", "caption": "", "thumb": "https://example.org/t"}, None),
        ({"url": "https://example.org/a b"}, (None, None, "https://example.org/a%20b")),
        ({"url": "//example.org/a"}, (None, None, "https://example.org/a")),
        ({"url": "HTTP://example.org/", "credit": "<b>A</b>", "caption": "B\nC"}, ("A", "B C", "HTTP://example.org/")),
        ({"credit": "A"}, ("A", None, None)),
        ({"url": "<iframe src='https://example.org/v' width=5></iframe>"}, (None, None, "https://example.org/v")),
        ({"url": "<blockquote>Words</blockquote>", "credit": "A"}, ("A", None, None)),
    ],
)
def test_the_media_are_a_source(media: dict[str, Any], source: tuple[str | None, ...] | None) -> None:
    record = one(media=media)
    assert record.event is not None and record.warnings == ()
    found = [(part["publisher"], part["title"], part["url"]) for part in record.event["sources"]]
    assert found == ([source] if source else [])


@pytest.mark.parametrize(
    "url", ["spotify:track:1", "images/a.jpg", "data:image/png;base64,AAAA", "https://a/" + "x" * 500]
)
def test_an_address_that_is_none_of_the_web_is_left_out_with_a_warning(url: str) -> None:
    record = one(media={"url": url, "credit": "A"})
    assert record.event is not None and record.event["sources"][0]["url"] is None
    assert codes(record) == [("/media/url", "address-left-out")]


def test_media_that_are_a_quotation_stand_in_the_summary() -> None:
    quoted = event(
        text={"headline": "x", "text": "Before."}, media={"url": "<blockquote><p>Words &amp; more</p></blockquote>"}
    )
    assert quoted["summary"] == "Before.\n\nWords & more"


@pytest.mark.parametrize(
    ("group", "tags", "warned"),
    [("", [], []), ("<b>Mills</b> ", ["Mills"], []), (7, ["7"], []), ("a, b", ["a; b"], ["comma-in-tag"]),
     ("x" * 70, ["x" * 64], ["text-cut"])],
)  # fmt: skip
def test_the_group_is_a_tag(group: Any, tags: list[str], warned: list[str]) -> None:
    record = one(group=group)
    assert record.event is not None and record.event["tags"] == tags
    assert [warning.code for warning in record.warnings] == warned


def test_an_era_of_a_group_called_era_has_one_tag() -> None:
    (record,) = read(timeline(eras=[slide(end_date={"year": 1901}, group="era")]))
    assert record.event is not None and record.event["tags"] == ["era"]


def test_texts_beyond_the_bounds_are_cut_with_a_warning() -> None:
    record = one(text={"headline": "x" * 600, "text": "y" * 30_000}, media={"credit": "z" * 600, "caption": "c" * 600})
    assert record.event is not None
    assert (len(record.event["title"]), len(record.event["summary"])) == (500, 20_000)
    assert codes(record) == [
        (pointer, "text-cut") for pointer in ("/text/headline", "/text/text", "/media/credit", "/media/caption")
    ]


# Anything at all

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(("", "0", "1900", "<b>x", "-5")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PART = st.integers(-2, 70).flatmap(lambda number: st.sampled_from((number, str(number), f"{number:02}"))) | ANYTHING
MOMENT = st.fixed_dictionaries(
    {"year": st.integers(-100, 2030) | st.integers(1000, 2026).map(str) | ANYTHING},
    optional=dict.fromkeys(("month", "day", "hour", "minute", "second", "millisecond", "display_date"), PART),
)
SLIDES = st.fixed_dictionaries(
    {"start_date": MOMENT | ANYTHING},
    optional={
        "end_date": MOMENT | ANYTHING,
        "text": ANYTHING | st.fixed_dictionaries({}, optional={"headline": ANYTHING, "text": ANYTHING}),
        "media": ANYTHING
        | st.fixed_dictionaries({}, optional={"url": ANYTHING | st.text().map("https://".__add__), "credit": ANYTHING}),
        "group": ANYTHING,
        "type": st.sampled_from(("era", "title", "", "overview")) | ANYTHING,
        "unique_id": ANYTHING,
        "display_date": ANYTHING,
    },
)


@given(SLIDES | ANYTHING)
@example({"start_date": {"year": 1}, "media": {"url": 'https://"'}})
@settings(max_examples=400, deadline=None)
def test_any_slide_is_an_event_that_can_be_written_or_has_faults(value: Any) -> None:
    record = event_of(Slide(1, "", value, value if isinstance(value, dict) else None, kind_of_slide(value, EVENT)))
    assert (record.event is None) == bool(record.faults)
    if record.event is not None:
        try:
            load(EventBody(min_year=1), record.event)
        except Refused as refused:
            assert {fault.code for fault in refused.faults} == {"year-out-of-range"}
        orjson.dumps({**record.event, "original": None})


@given(st.binary(max_size=60).map(b'{"events": ['.__add__) | st.text(max_size=80).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_any_file_is_read_or_refused(data: bytes) -> None:
    try:
        records = read(data)
    except UnreadableFile as error:
        assert str(error)
    else:
        assert all((record.event is None) == bool(record.faults) for record in records)


# Into the store and out again


def test_the_same_file_twice_changes_nothing(empty_database: Database) -> None:
    for data, created, refused in ((MIXED, 4, 5), (SHEET, 4, 5)):
        report = take(empty_database, data)
        assert (report.created, report.refused) == (created, refused)
        before = everything(empty_database)
        again = take(empty_database, data)
        assert (again.created, again.updated, again.unchanged) == (0, 0, created)
        assert everything(empty_database) == before
    assert check(empty_database) == []
    originals = fetch(empty_database, "SELECT original FROM revision WHERE kind = 'event'")
    assert {"Mills", None} <= {json.loads(text).get("group") for (text,) in originals}


def test_years_below_the_stores_first_are_refused_by_the_store_alone(empty_database: Database) -> None:
    assert (26, "/date", "year-out-of-range") in rejections(take(empty_database, MIXED))
    report = take(empty_database, MIXED, min_year=900)
    assert (report.created, report.unchanged, report.refused) == (1, 4, 4)


def test_rejected_slides_and_eras_can_be_mended_and_fed_again(empty_database: Database) -> None:
    rejects = io.StringIO()
    assert take(empty_database, MIXED, rejects=rejects).refused == 5
    text = rejects.getvalue()
    told = json.loads(text)["events"]
    assert [next(iter(entry)) for entry in told] == ["rejected_because"] * 5
    assert "[missing]" in told[0]["rejected_because"] and told[0]["type"] == "era"
    again = io.StringIO()
    assert take(empty_database, text, rejects=again).refused == 5
    assert again.getvalue() == text
    for wrong, right in (
        (
            '"start_date": {"year": "1914", "month": "07"}',
            '"start_date": {"year": "1914"}, "end_date": {"year": "1918"}',
        ),
        ('"-450"', '"1450"'),
        ('"0980"', '"1980"'),
        ('"text": {"headline": "At no time"}', '"text": {"headline": "At no time"}, "start_date": {"year": 1900}'),
        ('"month": "13", "day": "40"', '"month": "12", "day": "4"'),
        ('"1911"', '"1913"'),
    ):
        assert wrong in text
        text = text.replace(wrong, right)
    assert counts(take(empty_database, text)) == (5, 5, 0, 0, 0)
    mended_era = read(timeline(eras=[{
        "start_date": {"year": "1914"}, "end_date": {"year": "1918"}, "text": {"headline": "An era without an end"}
    }]))[0].event  # fmt: skip
    assert document(empty_database, mended_era["id"])["tags"] == ["era"]
    assert check(empty_database) == []


def test_rejected_things_that_are_no_slides_can_be_fed_again(empty_database: Database) -> None:
    rejects, again = io.StringIO(), io.StringIO()
    data = '{"events": [5, "x", {"a": 1}], "eras": [[], {}, {"type": "overview", "text": {"headline": "e"}}]}'
    assert take(empty_database, data, rejects=rejects).refused == 6
    assert [record.raw for record in read(rejects.getvalue())] == [record.raw for record in read(data)]
    assert take(empty_database, rejects.getvalue(), rejects=again).refused == 6
    assert again.getvalue() == rejects.getvalue()


def test_rejected_rows_can_be_mended_and_fed_again(empty_database: Database) -> None:
    rejects, again = io.StringIO(newline=""), io.StringIO(newline="")
    take(empty_database, SHEET, rejects=rejects)
    text = rejects.getvalue()
    assert text.startswith("rejected_because,Year, Month,")
    assert take(empty_database, text, rejects=again).refused == 5
    assert again.getvalue() == text
    for wrong, right in ((",6,31,", ",6,30,"), ("noon", "12:00"), (",,6,", ",1912,6,"), ("1915,1,1", "1913,1,1")):
        assert wrong in text
        text = text.replace(wrong, right)
    report = take(empty_database, text)
    assert (report.created, rejections(report)) == (4, [(5, "/", "wrong-column-count")])


def test_another_dataset_gives_other_ids(empty_database: Database) -> None:
    take(empty_database, MIXED, dataset="valley")
    assert document(empty_database, "valley-first-mill")["dataset"] == "valley"


def exported(client: FlaskClient, query: str = "") -> bytes:
    answer = client.get(f"/v1/events?format=timelinejs{query}")
    if answer.status_code == 422:
        pytest.skip("there is no export of TimelineJS in this version")
    assert answer.status_code == 200
    return answer.get_data()


def test_what_was_imported_and_exported_comes_back_as_the_same_events(store: Database, asking: FlaskClient) -> None:
    take(store, MIXED)
    before = {event["id"]: event for event in asking.get("/v1/events").get_json()["events"]}
    report = take(store, exported(asking))
    assert (report.received, report.created, report.refused) == (4, 0, 0)
    after = {event["id"]: event for event in asking.get("/v1/events").get_json()["events"]}
    for name in ("title", "date"):
        assert {key: found[name] for key, found in after.items()} == {key: found[name] for key, found in before.items()}


def test_the_export_of_the_seed_is_taken_in_whole(app: Any, client: FlaskClient) -> None:
    before = {event["id"]: event for event in client.get("/v1/events?limit=1000").get_json()["events"]}
    report = take(app.extensions["dateline"]["database"], exported(client))
    assert counts(report) == (len(before), len(before), 0, 0, 0)
    answer = client.get("/v1/events?limit=1000&dataset=timelinejs").get_json()
    copies = {event["id"].removeprefix("timelinejs-"): event for event in answer["events"]}
    assert {key: copy["title"] for key, copy in copies.items()} == {
        key: event["title"] for key, event in before.items()
    }


# Real files: how many records each has, what rejects some of them, and what is warned of.

SAMPLE_FILES: list[tuple[str, int, int, dict[tuple[str, str], int], dict[str, int]]] = [
    ("cosmo-mixed.json", 11, 5, {("/start_date/year", "negative-year"): 6}, {"not-an-event": 1}),
    ("eras.json", 23, 0, {("/date", "year-out-of-range"): 23}, {"not-an-event": 1}),
    # Three of its slides are one and the same; one has no date.
    ("error_message_test.json", 17, 14, {("/start_date", "missing"): 1}, {"missing": 3, "repeated-id": 2}),
    ("groups_test_3.json", 25, 25, {}, {"not-an-event": 1, "address-left-out": 2}),
    ("milliseconds.json", 5, 5, {}, {"not-an-event": 1, "time-cut": 5}),
    ("seventh_century.json", 21, 0, {("/date", "year-out-of-range"): 21}, {"not-an-event": 1}),
    ("twain_marktwain.json", 17, 17, {}, {"not-an-event": 1, "missing": 4}),
    ("women_in_computing.csv", 10, 10, {}, {"not-an-event": 1}),
    ("years.json", 5, 0, {("/start_date/year", "negative-year"): 5}, {}),
]


@pytest.mark.parametrize(
    ("name", "received", "events", "refused", "warned"), SAMPLE_FILES, ids=lambda value: str(value)[:20]
)
def test_every_slide_of_a_real_file_is_an_event_or_is_refused_for_a_reason(
    empty_database: Database,
    samples: Path,
    name: str,
    received: int,
    events: int,
    refused: dict[tuple[str, str], int],
    warned: dict[str, int],
) -> None:
    data = (samples / f"timelinejs_{name}").read_bytes()
    report = take(empty_database, data)
    assert (report.received, report.created) == (received, events)
    assert Counter((pointer, code) for _, pointer, code in rejections(report)) == refused
    assert report.warnings == warned
    before = everything(empty_database)
    again = take(empty_database, data)
    assert (again.created, again.updated, again.refused) == (0, 0, report.refused)
    assert everything(empty_database) == before
    assert check(empty_database) == []


@pytest.mark.parametrize(("name", "events"), [("eras.json", 23), ("seventh_century.json", 21)])
def test_the_seventh_century_is_taken_in_where_the_store_allows_it(
    empty_database: Database, samples: Path, name: str, events: int
) -> None:
    data = (samples / f"timelinejs_{name}").read_bytes()
    report = take(empty_database, data, min_year=1)
    assert (report.created, report.refused) == (events, 0)
