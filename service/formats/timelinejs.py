"""Writes events as a timeline of TimelineJS 3: a slide for each event, behind one that says what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import orjson

from schemas.date_words import Side, date_words, sides
from schemas.edtf import parse_date, until
from service.formats import prose
from service.formats.form import About, Documents, Format
from service.formats.markup import event_html, link

# No event has an id that begins so, hence none is renamed because of the title.
TITLE_ID = "_title"
_PARTS = ("year", "month", "day", "hour", "minute", "second")


def _write(documents: Documents, about: About) -> Iterator[bytes]:
    yield b'{"scale":"human","title":' + orjson.dumps(_title(about)) + b',"events":['
    comma = b""
    for batch in documents:
        slides = [orjson.dumps(_slide(orjson.loads(document), about)) for document in batch]
        if slides:
            yield comma + b",".join(slides)
            comma = b","
    yield b"]}\n"


def _title(about: About) -> dict[str, Any]:
    return {
        "unique_id": TITLE_ID,
        "text": {"headline": escape(about.title), "text": f"<p>{link(about.base_url + '/', 'Dateline')}</p>"},
        "autolink": False,
    }


def _slide(event: Mapping[str, Any], about: About) -> dict[str, Any]:
    """One event. TimelineJS takes headline and text for HTML, so that stored text is escaped in both.

    It makes links out of addresses in texts after it has cleaned them, and so lets quotes out of a text into a tag:
    autolink turns that off. It takes group and display_date for HTML after it has undone their escapes, so that both
    hold words of Dateline's own alone.
    """
    slide: dict[str, Any] = {"unique_id": event["id"], **_dates(event["date"])}
    slide["display_date"] = date_words(event["date"])
    slide["text"] = {"headline": escape(prose.headline(event, about)), "text": event_html(event, about)}
    if about.shows("type"):
        slide["group"] = prose.top_type(event["type"]).label
    slide["autolink"] = False
    return slide


def _dates(text: str) -> dict[str, dict[str, int]]:
    """Where the event lies: each side's parts as far as they are known, its end where the start is open."""
    first, last = sides(text)
    if first is None:
        assert last is not None, "no date is open on both sides"
        return {"start_date": _parts(_last_year(last) if last.precision == "decade" else last.numbers)}
    if last is None:
        return {"start_date": _parts(first.numbers)}
    end = _last_year(last) if last.precision == "decade" else last.numbers
    if first.numbers == end:
        return {"start_date": _parts(first.numbers)}
    # TimelineJS takes the first moment of a month or year for the whole, which must not lie before the start.
    if _first_moment(end) < _first_moment(first.numbers):
        end = _last_moment(text, last)
    return {"start_date": _parts(first.numbers), "end_date": _parts(end)}


def _last_year(decade: Side) -> tuple[int, ...]:
    return (decade.numbers[0] + 9,)


def _parts(numbers: tuple[int, ...]) -> dict[str, int]:
    return dict(zip(_PARTS, numbers, strict=False))


def _first_moment(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return (*numbers, *(1, 1, 1, 0, 0)[len(numbers) :])


def _last_moment(text: str, last: Side) -> tuple[int, ...]:
    """The last minute of a day, or the last day of something longer."""
    end = until(parse_date(text))
    assert end is not None, "its end is not open"
    day = (int(end[:4]), int(end[4:6]), int(end[6:8]))
    return (*day, int(end[9:11]), int(end[11:13])) if last.precision == "day" else day


FORMAT = Format("timelinejs", "application/vnd.timelinejs+json", "json", _write)
