"""TimelineJS: what is written of each event. That TimelineJS draws it is proved in a browser, beside this."""

from __future__ import annotations

import json
from datetime import date, datetime
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from schemas.edtf import DateError, parse_date
from schemas.vocabulary import EVENT_TYPES
from service.formats.form import About
from service.formats.timelinejs import FORMAT
from tests.format_events import (
    ABOUT,
    NAMES,
    TEXTS,
    asking_for,
    assert_is_a_stream,
    claim,
    event,
    location,
    source,
    texts_everywhere,
    written,
)


def timeline(*events: dict[str, Any], about: About = ABOUT) -> Any:
    return json.loads(written(FORMAT, *events, about=about))


def slide(one: dict[str, Any], about: About = ABOUT) -> Any:
    (found,) = timeline(one, about=about)["events"]
    return found


def test_a_timeline_begins_with_what_was_asked() -> None:
    found = timeline(event())
    assert found["title"]["text"]["headline"] == ABOUT.title
    assert found["title"]["unique_id"] == "_title"
    assert "https://timeline.example.org/" in found["title"]["text"]["text"]
    assert found["scale"] == "human"
    assert (FORMAT.name, FORMAT.media_type, FORMAT.newest) == ("timelinejs", "application/vnd.timelinejs+json", None)


def test_a_slide_is_the_event() -> None:
    found = slide(event(type="battle/armed-clash"))
    assert found["unique_id"] == "panjshir-clash"
    assert found["text"]["headline"] == "Attack at the entrance of the Panjshir valley"
    assert found["group"] == "Battle"
    assert 'href="https://timeline.example.org/events/panjshir-clash" rel="noopener"' in found["text"]["text"]


@pytest.mark.parametrize(
    ("text", "start", "end", "words"),
    [
        ("2021-08-26", [2021, 8, 26], None, "26 August 2021"),
        ("2021-08", [2021, 8], None, "August 2021"),
        ("2021-08-XX", [2021, 8], None, "August 2021"),
        ("2021", [2021], None, "2021"),
        ("202X", [2020], [2029], "the 2020s"),
        ("2021-08-27~", [2021, 8, 27], None, "about 27 August 2021"),
        ("2021-08-31T00:30+04:30", [2021, 8, 31, 0, 30], None, "31 August 2021, 00:30 (UTC+04:30)"),
        ("2021-08-22/2021-08-28", [2021, 8, 22], [2021, 8, 28], "22 to 28 August 2021"),
        ("2021-08/2021-09", [2021, 8], [2021, 9], "August to September 2021"),
        ("201X/202X", [2010], [2029], "the 2010s to the 2020s"),
        ("2021-08-30/2021-08-30", [2021, 8, 30], None, "30 August 2021"),
        ("2021-08-30/2021-09", [2021, 8, 30], [2021, 9], "30 August 2021 to September 2021"),
        # An end that TimelineJS would draw before the start is its last day, or minute.
        ("2021-08/2021", [2021, 8], [2021, 12, 31], "August 2021 to some time in 2021"),
        ("2021-08-30/2021-08", [2021, 8, 30], [2021, 8, 31], "30 August 2021 to some time in August 2021"),
        ("2021-08-31T06:00/2021-08-31", [2021, 8, 31, 6, 0], [2021, 8, 31, 23, 59],
         "31 August 2021, 06:00 to some time on 31 August 2021"),
        # Of a date that is open on a side, the one that is known.
        ("../2021-08-30", [2021, 8, 30], None, "on or before 30 August 2021"),
        ("../202X", [2029], None, "in or before the 2020s"),
        ("2021-08-30/..", [2021, 8, 30], None, "from 30 August 2021 on"),
        ("202X/..", [2020], None, "from the 2020s on"),
    ],
)  # fmt: skip
def test_the_parts_of_a_date_match_its_precision(
    text: str, start: list[int], end: list[int] | None, words: str
) -> None:
    found = slide(event(date=text))
    names = ("year", "month", "day", "hour", "minute")
    assert found["start_date"] == dict(zip(names, start, strict=False))
    assert found.get("end_date") == (end and dict(zip(names, end, strict=False)))
    assert found["display_date"] == words


DATES = st.builds(
    lambda day, form, sign: day.strftime(form) + sign,
    st.datetimes(datetime(1000, 1, 1)),
    st.sampled_from(["%Y-%m-%d", "%Y-%m", "%Y", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M+04:30"]),
    st.sampled_from(["", "~", "?", "%"]),
)
SIDES = st.one_of(DATES, st.just(".."), st.from_regex(r"[12][0-9]{2}X", fullmatch=True))


@given(st.one_of(DATES, st.tuples(SIDES, SIDES).map("/".join)))
def test_no_date_ends_before_it_starts_or_outside_of_what_it_can_mean(text: str) -> None:
    try:
        span = parse_date(text)
    except DateError:
        return
    found = slide(event(date=text))

    def moment(parts: dict[str, int]) -> str:
        return datetime(
            parts["year"], parts.get("month", 1), parts.get("day", 1), parts.get("hour", 0), parts.get("minute", 0)
        ).isoformat()[:16]

    start, end = moment(found["start_date"]), moment(found.get("end_date", found["start_date"]))
    assert start <= end
    assert span.start is None or start[: len(span.start)] == span.start[:16]
    assert span.end is None or end[: len(span.end)] <= span.end


def test_the_text_tells_what_is_known() -> None:
    text = slide(
        event(
            summary="What <happened>.",
            location=location(country="AF", province={"code": "AF-PAN", "name": "Panjshir"}, as_given="Panjsher v."),
            actors=[
                {"id": "a", "name": "A", "role": "side-a"},
                {"id": "b", "name": "B", "role": "associate-a"},
                {"id": "c", "name": "C", "role": "side-b"},
                {"id": "d", "name": "D", "role": "side-b"},
                {"id": "e", "name": "E", "role": "victim"},
            ],
            claims=[
                claim(claimant={"id": "e", "name": "E & Co"}, measure="killed", of="c", low=7, high=8, source="s"),
                claim(stance="denies", claimant={"name": "F"}, measure="killed", of="c"),
                claim(stance="confirms", claimant={"name": "RT"}, statement="So it was.", source="s"),
                claim(stance="declines-to-comment", claimant={"name": "G"}, date="2021-08~"),
                claim(statement="Seen.", source="s"),
                claim(measure="displaced", low=1000, best=1200, high=12000),
            ],
            sources=[source(ref="s", publisher="RT", title="A > B", url="https://rt.example/?a=1&b=2", via="Reuters")],
        )
    )["text"]["text"]
    for markup in (
        "What &lt;happened&gt;.",
        "Where: Panjshir, Afghanistan (given as &quot;Panjsher v.&quot;)",
        "Who: A with B against C and D; victim: E",
        "Casualties: 7 to 8 killed, disputed; 1,000 to 12,000 displaced, best estimate 1,200",
        "E &amp; Co (C: 7 to 8 killed; RT)",
        "F, denying (C: killed)",
        "RT, confirming: So it was.<",
        "G, declining to comment (about August 2021)",
        "RT: Seen.<",
        '<a href="https://rt.example/?a=1&amp;b=2" rel="noopener">RT: A &gt; B (via Reuters)</a>',
    ):
        assert markup in text


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"low": 8, "best": 8, "high": 8}, "8 killed"),
        ({"low": 7, "high": 8}, "7 to 8 killed"),
        ({"low": 0, "high": 30}, "up to 30 killed"),
        ({"high": 30}, "up to 30 killed"),
        ({"low": 7}, "at least 7 killed"),
        ({"best": 7}, "7 killed"),
        ({"low": 0, "high": 0}, "0 killed"),
        ({"low": 7, "best": 9, "high": 12}, "7 to 12 killed, best estimate 9"),
        ({"low": 7, "best": 9}, "at least 7 killed, best estimate 9"),
        ({"best": 9, "high": 12}, "up to 12 killed, best estimate 9"),
        ({"low": 10**9, "high": 10**9}, "1,000,000,000 killed"),
        ({}, "killed"),
    ],
)
def test_figures_are_told_with_their_spread(figures: dict[str, int], words: str) -> None:
    text = slide(event(claims=[claim(measure="killed", **figures)]), asking_for("claims"))["text"]["text"]
    assert f">The source ({words})<" in text


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_slides_are_grouped_by_the_top_of_their_type(name: str) -> None:
    group = slide(event(type=name))["group"]
    assert group == EVENT_TYPES[name.split("/")[0]].label
    # It is drawn as HTML after its escapes were undone, so it must hold nothing that could be any.
    assert not set(group) & set("<>&\"'")


@given(NAMES)
def test_stored_texts_are_escaped_and_kept(text: str) -> None:
    found = slide(texts_everywhere(text))
    assert unescape(found["text"]["headline"]) == text
    assert not set(found["text"]["headline"]) & set("<>\"'")
    assert not set(found["display_date"] + found["group"]) & set("<>&\"'")
    assert found["autolink"] is False


@given(TEXTS)
def test_the_title_is_escaped(text: str) -> None:
    found = timeline(about=About(text, ABOUT.base_url, ABOUT.url, ABOUT.updated, ABOUT.store))["title"]
    assert not set(found["text"]["headline"]) & set("<>\"'")
    assert found["autolink"] is False


def test_members_that_were_not_chosen_are_not_shown() -> None:
    found = slide(texts_everywhere("SECRET"), asking_for("status"))
    assert "SECRET" not in json.dumps(found)
    assert found["text"]["headline"] == "panjshir-clash"
    assert found["start_date"] == {"year": 2021, "month": 8, "day": 30}
    assert "group" not in found
    assert "When: 30 August 2021" in found["text"]["text"]
    assert "Status: reported" in found["text"]["text"]


def test_nothing_found_is_a_timeline_without_events() -> None:
    assert timeline()["events"] == []


def test_batches_are_joined_whatever_their_size() -> None:
    documents = [json.dumps(event(id=f"event-{number}")) for number in range(4)]
    pieces = FORMAT.write([[], documents[:1], [], documents[1:3], documents[3:], []], ABOUT)
    found = json.loads(b"".join(pieces))["events"]
    assert [one["unique_id"] for one in found] == [f"event-{number}" for number in range(4)]


def test_a_timeline_that_breaks_off_is_not_whole() -> None:
    assert_is_a_stream(FORMAT, b"]}\n")


def test_the_seed_is_a_timeline(client: FlaskClient) -> None:
    events = client.get("/v1/events").get_json()["events"]
    found = timeline(*events)["events"]
    assert [one["unique_id"] for one in found] == [one["id"] for one in events]
    assert [unescape(one["text"]["headline"]) for one in found] == [one["title"] for one in events]
    clash = next(one for one in found if one["unique_id"] == "panjshir-clash")
    assert "7 to 8 killed, disputed; 10 injured" in clash["text"]["text"]
    assert date(*clash["start_date"].values()) == date(2021, 8, 30)
