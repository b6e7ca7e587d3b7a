"""What becomes of the members of a slide of TimelineJS, and which of them reject it."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
import pytest

from tests.timelinejs_slides import (
    codes,
    event,
    one,
    read,
    slide,
    timeline,
)

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
