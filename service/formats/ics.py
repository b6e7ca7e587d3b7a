"""Writes events as an iCalendar (RFC 5545) that calendars can take in or subscribe to: all-day events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import orjson

from schemas.edtf import parse_date
from service.formats import prose
from service.formats.form import About, Documents, Format

if TYPE_CHECKING:
    from icalendar import Event

# How often a calendar that subscribes may ask again.
REFRESH = timedelta(hours=1)
# What some reader takes for the end of a line; RFC 5545 knows CRLF alone, and \n inside of texts.
_LINE_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")
# What no text of a calendar may hold (CONTROL in section 3.1), but for the line breaks from above.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


class _Value(str):
    """A value as it stands in the calendar.

    icalendar folds it and leaves it else as it is. By itself it would take a backslash before an N for a line break,
    drop the byte order mark at the beginning of a text, escape nothing in NAME, and write 0.00001 degrees as 1e-05.
    """

    __slots__ = ()

    def to_ical(self) -> str:
        return str(self)


def _write(documents: Documents, about: About) -> Iterator[bytes]:
    head, end = _calendar(about)
    yield head
    for batch in documents:
        events = b"".join(_event(orjson.loads(document), about).to_ical() for document in batch)
        if events:
            yield events
    yield end


def _calendar(about: About) -> tuple[bytes, bytes]:
    """What stands before the events and after them."""
    # It takes 0.2 s to load, which the commands that need none of it should not wait for.
    from icalendar import Calendar, vDuration

    calendar = Calendar()
    calendar.add("prodid", f"-//Dateline//Dateline {version('dateline')}//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    # The first of each pair is RFC 7986's name for it, the other the one that older calendars know.
    calendar.add("name", _text(about.title), encode=False)
    calendar.add("x-wr-calname", _text(about.title), encode=False)
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    calendar.add("source", about.url, parameters={"value": "URI"})
    lines: bytes = calendar.to_ical()
    end = b"END:VCALENDAR\r\n"
    return lines.removesuffix(end), end


def _event(event: Mapping[str, Any], about: About) -> Event:
    from icalendar import Event

    shown = Event()
    shown.add("uid", f"{event['id']}@{about.store}")
    updated = datetime.fromisoformat(event["updated"])
    shown.add("dtstamp", updated)
    shown.add("last-modified", updated)
    if about.shows("version"):
        shown.add("sequence", event["version"])
    if about.shows("created"):
        shown.add("created", datetime.fromisoformat(event["created"]))
    first, after = days(event["date"])
    shown.add("dtstart", first)
    if after is not None:
        shown.add("dtend", after)
    # Nobody is busy for the time that something happened somewhere.
    shown.add("transp", "TRANSPARENT")
    shown.add("summary", _text(prose.headline(event, about)), encode=False)
    shown.add("description", _text(_description(event, about)), encode=False)
    if about.shows("location") and (location := event["location"]):
        if place := prose.place_words(location):
            shown.add("location", _text(place), encode=False)
        if location["latitude"] is not None and location["longitude"] is not None:
            place_on_map = _Value(f"{location['latitude']:.6f};{location['longitude']:.6f}")
            shown.add("geo", place_on_map, encode=False)
    if categories := _Value(",".join(_categories(event, about))):
        shown.add("categories", categories, encode=False)
    shown.add("url", prose.address(event, about))
    return shown


def days(text: str) -> tuple[date, date | None]:
    """The first day of a date and the day after its last one: all on which it may have been.

    Of a date that is open on a side, the one day that is known of the other. The day after is None where the calendar
    has no more; a day without an end lasts one day.
    """
    span = parse_date(text)
    start, end = span.start or span.end, span.end or span.start
    assert start is not None and end is not None, "no date is open on both sides"
    first, last = date.fromisoformat(start[:10]), date.fromisoformat(end[:10])
    if last == date.max:
        return first, None if first == last else last
    return first, last + timedelta(days=1)


def _description(event: Mapping[str, Any], about: About) -> str:
    parts = [f"{label}: {words}" for label, words in prose.facts(event, about)]
    if summary := prose.summary(event, about):
        parts = [summary, "", *parts]
    if claims := [f"- {claim}" for claim in prose.claims(event, about)]:
        parts += ["", "Claims", *claims]
    if sources := [f"- {_reference(*source)}" for source in prose.sources(event, about)]:
        parts += ["", "Sources", *sources]
    return "\n".join(parts)


def _reference(words: str, url: str | None) -> str:
    return words if url is None or url == words else f"{words} {url}"


def _categories(event: Mapping[str, Any], about: About) -> Iterator[str]:
    if about.shows("type"):
        yield _text(prose.top_type(event["type"]).label)
    if about.shows("tags"):
        yield from filter(None, map(_text, event["tags"]))


def _text(text: str) -> _Value:
    """A text as a calendar may hold it (section 3.3.11): with one kind of line break, and no control characters."""
    return _Value(_CONTROLS.sub("", _LINE_BREAKS.sub("\n", text)).translate(_ESCAPES))


FORMAT = Format("ics", "text/calendar", "ics", _write)
