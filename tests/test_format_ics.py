"""The calendar: read with two parsers that know nothing of each other, and held against RFC 5545 line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from icalendar import Calendar

from service.formats.form import About
from service.formats.ics import FORMAT
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

# It ships no types.
vobject: Any = import_module("vobject")


def calendar(*events: dict[str, Any], about: About = ABOUT) -> Any:
    return Calendar.from_ical(written(FORMAT, *events, about=about))


def shown(one: dict[str, Any], about: About = ABOUT) -> Any:
    """The one event of a calendar."""
    (found,) = calendar(one, about=about).walk("VEVENT")
    assert found.errors == []
    return found


def lines(calendar: bytes) -> Iterator[str]:
    """The content lines, after each line of the file was found to be as RFC 5545 wants it."""
    assert calendar.endswith(b"\r\n")
    physical = calendar.removesuffix(b"\r\n").split(b"\r\n")
    for line in physical:
        # A line that was folded inside of a character would not be UTF-8.
        text = line.decode()
        assert len(line) <= 75
        assert not re.search("[\x00-\x08\x0a-\x1f\x7f]", text), line
    yield from "\n".join(line.decode() for line in physical).replace("\n ", "").split("\n")


def kept(text: str) -> str:
    """What a calendar can hold of a text: one kind of line break, and no control characters."""
    broken = re.sub("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    return re.sub("[\x00-\x08\x0e-\x1f\x7f]", "", broken)


def test_a_calendar_says_what_it_is_and_when_to_ask_again() -> None:
    found = calendar(event())
    assert (found["version"], found["calscale"]) == ("2.0", "GREGORIAN")
    assert found["prodid"].startswith("-//Dateline//")
    assert found["name"] == found["x-wr-calname"] == ABOUT.title
    assert found["refresh-interval"].dt == timedelta(hours=1)
    written_lines = list(lines(written(FORMAT, event())))
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H" in written_lines
    assert "X-PUBLISHED-TTL:PT1H" in written_lines
    assert f"SOURCE;VALUE=URI:{ABOUT.url}" in written_lines
    # With a method it would be a message about meetings (RFC 5546), not a calendar.
    assert "method" not in found
    assert (FORMAT.media_type, FORMAT.extension, FORMAT.newest) == ("text/calendar", "ics", None)


def test_an_event_keeps_its_identity_and_its_version() -> None:
    found = shown(event(version=4))
    assert found["uid"] == "panjshir-clash@a1b2c3"
    assert found["sequence"] == 4
    assert found["dtstamp"].dt == found["last-modified"].dt == datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
    assert found["created"].dt == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert found["url"] == "https://timeline.example.org/events/panjshir-clash"
    assert found["summary"] == "Attack at the entrance of the Panjshir valley"
    assert found["transp"] == "TRANSPARENT"


def test_a_uid_is_the_stores_own_wherever_it_is_served_from() -> None:
    for base in ("http://127.0.0.1:8000", "https://timeline.example.org"):
        assert shown(event(), About("t", base, base, ABOUT.updated, "a1b2c3"))["uid"] == "panjshir-clash@a1b2c3"
    assert shown(event(), replace(ABOUT, store="other"))["uid"] == "panjshir-clash@other"


@pytest.mark.parametrize(
    ("text", "first", "after", "words"),
    [
        ("2021-08-30", date(2021, 8, 30), date(2021, 8, 31), "30 August 2021"),
        ("2021-08-30/2021-08-31", date(2021, 8, 30), date(2021, 9, 1), "30 to 31 August 2021"),
        ("2021-12-31~", date(2021, 12, 31), date(2022, 1, 1), "about 31 December 2021"),
        ("2020-02", date(2020, 2, 1), date(2020, 3, 1), "February 2020"),
        ("2021", date(2021, 1, 1), date(2022, 1, 1), "2021"),
        ("202X", date(2020, 1, 1), date(2030, 1, 1), "the 2020s"),
        ("../2021-08-30", date(2021, 8, 30), date(2021, 8, 31), "on or before 30 August 2021"),
        ("../2021-08", date(2021, 8, 31), date(2021, 9, 1), "in or before August 2021"),
        ("2021-08-30/..", date(2021, 8, 30), date(2021, 8, 31), "from 30 August 2021 on"),
        ("2021-08/..", date(2021, 8, 1), date(2021, 8, 2), "from August 2021 on"),
        ("2021-08-31T00:30+04:30", date(2021, 8, 31), date(2021, 9, 1), "31 August 2021, 00:30 (UTC+04:30)"),
        ("2021-08-31T23:59/2021-09-01T00:01", date(2021, 8, 31), date(2021, 9, 2), "31 August 2021, 23:59 to"),
        ("1000-01-01", date(1000, 1, 1), date(1000, 1, 2), "1 January 1000"),
        ("0044-03-15", date(44, 3, 15), date(44, 3, 16), "15 March AD 44"),
        # The calendar has no day after these.
        ("9999-12-31", date(9999, 12, 31), None, "31 December 9999"),
        ("9999", date(9999, 1, 1), date(9999, 12, 31), "9999"),
    ],
)
def test_an_event_lies_on_all_the_days_it_may_have_been_on(
    text: str, first: date, after: date | None, words: str
) -> None:
    found = shown(event(date=text))
    assert type(found["dtstart"].dt) is date
    assert found["dtstart"].dt == first
    assert (found["dtend"].dt if "dtend" in found else None) == after
    assert f"When: {words}" in found["description"]
    assert f"DTSTART;VALUE=DATE:{first.isoformat().replace('-', '')}" in lines(written(FORMAT, event(date=text)))
    # The other parser reads the same days.
    other = vobject.readOne(written(FORMAT, event(date=text)).decode()).vevent
    assert other.dtstart.value == first
    assert (other.dtend.value if hasattr(other, "dtend") else None) == after


def test_the_description_tells_what_is_known() -> None:
    found = shown(
        event(
            summary="What happened.",
            status="disputed",
            type="battle/armed-clash",
            actors=[
                {"id": "taliban", "name": "Taliban", "role": "side-a"},
                {"id": "nrf", "name": "National Resistance Front", "role": "side-b"},
            ],
            claims=[claim(claimant={"name": "Fahim Dashti"}, statement="Eight died; two fled.", measure="killed",
                          low=7, high=8, date="2021-08-31")],
            sources=[source(publisher="RT", title="Clashes, again", url="https://rt.example/1")],
        )
    )  # fmt: skip
    assert str(found["description"]).split("\n") == [
        "What happened.",
        "",
        "When: 30 August 2021",
        "Who: Taliban against National Resistance Front",
        "Casualties: 7 to 8 killed",
        "Type: Battle: Armed clash",
        "Status: disputed",
        "",
        "Claims",
        "- Fahim Dashti: Eight died; two fled. (7 to 8 killed; 31 August 2021)",
        "",
        "Sources",
        "- RT: Clashes, again https://rt.example/1",
    ]


def test_a_place_is_told_and_put_on_the_map() -> None:
    place = location(
        country="AF",
        province={"code": "AF-PAN", "name": "Panjshir"},
        place="western entrance; the valley",
        latitude=35.27,
        longitude=-69.26,
    )
    found = shown(event(location=place))
    assert found["location"] == "western entrance; the valley, Panjshir, Afghanistan"
    assert (found["geo"].latitude, found["geo"].longitude) == (35.27, -69.26)
    assert vobject.readOne(written(FORMAT, event(location=place)).decode()).vevent.geo.value == "35.270000;-69.260000"


@pytest.mark.parametrize("number", [0.0, -0.0, 1e-7, 179.999999999, -90.0])
def test_coordinates_are_written_as_decimals(number: float) -> None:
    (geo,) = [
        line
        for line in lines(written(FORMAT, event(location=location(latitude=number / 2, longitude=number))))
        if line.startswith("GEO:")
    ]
    assert re.fullmatch(r"GEO:-?\d+(\.\d+)?;-?\d+(\.\d+)?", geo)


def test_an_event_without_a_place_has_none() -> None:
    found = shown(event())
    assert not {"location", "geo"} & {name.lower() for name in found}
    assert not {"location", "geo"} & {name.lower() for name in shown(event(location=location()))}


def test_categories_are_the_type_and_the_tags() -> None:
    found = shown(event(type="explosion/suicide-bomb", tags=["a;b", "c\\d", "kabul"]))
    assert found["categories"].cats == ["Explosion or remote violence", "a;b", "c\\d", "kabul"]


@given(NAMES)
def test_every_stored_text_comes_back_as_far_as_a_calendar_can_hold_it(text: str) -> None:
    one = texts_everywhere(text, id="panjshir-clash")
    found = shown(one)
    assert found["summary"] == kept(text)
    assert kept(text) in found["description"]
    assert len(calendar(one, event(id="after")).walk("VEVENT")) == 2
    names = [re.split("[:;]", line, maxsplit=1)[0] for line in lines(written(FORMAT, one))]
    assert names.count("BEGIN") == names.count("END") == 2
    assert set(names) <= {
        "BEGIN", "END", "VERSION", "PRODID", "CALSCALE", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL", "SOURCE",
        "X-PUBLISHED-TTL", "UID", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "CREATED", "DTSTART", "DTEND", "TRANSP",
        "SUMMARY", "DESCRIPTION", "LOCATION", "CATEGORIES", "URL",
    }  # fmt: skip


@given(NAMES)
def test_another_parser_reads_the_same_texts(text: str) -> None:
    found = vobject.readOne(written(FORMAT, texts_everywhere(text)).decode()).vevent
    assert found.summary.value == kept(text)
    assert kept(text) in found.description.value
    assert found.uid.value == "panjshir-clash@a1b2c3"


@pytest.mark.parametrize("text", ["C:\\New", "C:\\new", "\\", "\ufeffx", "a\\;b\\,c", "\\\\n"])
def test_backslashes_and_byte_order_marks_stay(text: str) -> None:
    assert shown(event(title=text))["summary"] == text
    assert vobject.readOne(written(FORMAT, event(title=text)).decode()).vevent.summary.value == text


@given(TEXTS)
def test_what_was_asked_for_names_the_calendar(text: str) -> None:
    about = About(text, ABOUT.base_url, ABOUT.url, ABOUT.updated, ABOUT.store)
    values = dict(line.split(":", 1) for line in lines(written(FORMAT, about=about)))
    for name in ("NAME", "X-WR-CALNAME"):
        # Neither parser knows that these are texts, and so they leave what is escaped.
        assert re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], values[name]) == kept(text)


def test_long_lines_of_any_script_are_folded_between_characters() -> None:
    text = "🎉" * 120 + "پنجشیر " * 80 + "щ" * 333
    assert [line for line in lines(written(FORMAT, event(title=text))) if line.startswith("SUMMARY")] == [
        f"SUMMARY:{text}"
    ]


def test_members_that_were_not_chosen_are_not_shown() -> None:
    one = texts_everywhere("SECRET", type="battle")
    calendar_text = written(FORMAT, one, about=asking_for("status"))
    assert b"SECRET" not in calendar_text
    assert b"Battle" not in calendar_text
    found = shown(one, asking_for("status"))
    assert {name.lower() for name in found} == {
        "uid", "dtstamp", "last-modified", "dtstart", "dtend", "transp", "summary", "description", "url"
    }  # fmt: skip
    assert found["summary"] == "panjshir-clash"
    assert found["description"] == "When: 30 August 2021\nStatus: reported"


def test_a_calendar_without_events_is_a_calendar() -> None:
    found = calendar()
    assert found.walk("VEVENT") == []
    assert found["x-wr-calname"] == ABOUT.title


def test_a_calendar_that_breaks_off_is_not_whole() -> None:
    assert_is_a_stream(FORMAT, b"END:VCALENDAR\r\n")


def test_the_seed_is_a_calendar(client: FlaskClient) -> None:
    events = client.get("/v1/events").get_json()["events"]
    found = calendar(*events).walk("VEVENT")
    assert [one["summary"] for one in found] == [one["title"] for one in events]
    assert len({one["uid"] for one in found}) == len(events)
    others = vobject.readOne(written(FORMAT, *events).decode()).vevent_list
    assert [one.summary.value for one in others] == [one["title"] for one in events]
