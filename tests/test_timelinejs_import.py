"""Timelines of TimelineJS 3 as files: what is read, what is refused, and that anything is read or refused."""

from __future__ import annotations

import io
import json
import re
import tracemalloc
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.event import EventBody
from schemas.faults import Refused
from schemas.fields import load
from service.importers import UnreadableFile
from service.importers.delimited import MAX_RECORD
from service.importers.source import opened
from service.importers.timelinejs_event import event_of
from service.importers.timelinejs_slide import EVENT, Slide, kind_of_slide
from tests.timelinejs_slides import (
    FORMAT,
    HEADER,
    MIXED,
    codes,
    event,
    read,
    row,
    slide,
    timeline,
)

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


def test_of_several_title_slides_the_first_is_told_and_the_others_are_counted() -> None:
    records = read(HEADER + ",,,,,,,,A cover,,,title,\n,,,,,,,,Another,,,Title,\n1900,,,,,,,,Something,,,,\n")
    (warning,) = records[0].warnings
    assert "line 2, 'A cover'" in warning.message and "1 more" in warning.message


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
        (HEADER.encode(), "no record"),
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
        monkeypatch.setattr("service.importers.json_text.CHUNK", size)
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
