"""Events as formats get them, and what a format makes of them: for the tests of formats that people read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from schemas.casualties import derive_casualties
from schemas.edtf import parse_date
from service.formats.form import About, Format

ABOUT = About(
    title="Events of the Taliban in Panjshir",
    base_url="https://timeline.example.org",
    url="https://timeline.example.org/v1/events?actor=taliban&province=AF-PAN&format=x",
    updated="2026-11-22T10:00:00.123Z",
    store="a1b2c3",
)
# Whatever may be stored: any Unicode but NUL and lone surrogates.
STORED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
# What formats trip over, one by one and in a row.
PIECES = (
    "<script>attacked('script')</script>", "<img src=x onerror=\"attacked('img')\">", "]]>", "<!--", "-->", "&amp;",
    "&lt;b&gt;", '"', "'", "\\", "\\n", ";", ",", ":", "END:VEVENT", "\r\nBEGIN:VALARM\r\n", "\n", "\r", "\t", "\x01",
    "\x0b", "\x0c", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u200f", "دریاچه", "پنجشیر", "🎉",
    "👨‍👩‍👧‍👦", "e\u0301", "\ufeff", "\ufffe", "\uffff", "\U0001ffff", "=1+1", "x" * 200, "щ" * 100, " ", "  ",
)  # fmt: skip
TEXTS = st.one_of(STORED, st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
NAMES = TEXTS.filter(lambda text: bool(text.strip()))


def claim(**members: Any) -> dict[str, Any]:
    """A claim of an event's, with nothing in it but what is given."""
    return {
        "claimant": None,
        "stance": "asserts",
        "statement": None,
        "measure": None,
        "of": None,
        "low": None,
        "best": None,
        "high": None,
        "source": None,
        "date": None,
        "preferred": False,
        **members,
    }


def source(**members: Any) -> dict[str, Any]:
    """A source of an event's, with nothing in it but what is given."""
    return {"ref": None, "publisher": None, "title": None, "url": None, "published": None, "via": None, **members}


def location(**members: Any) -> dict[str, Any]:
    """A place, of which nothing is known but what is given."""
    nothing = dict.fromkeys(
        ("country", "province", "district", "place", "latitude", "longitude", "precision", "as_given")
    )
    return {**nothing, **members}


def event(**members: Any) -> dict[str, Any]:
    """An event as an answer shows it, with nothing in it but what is given and what follows from that."""
    date = members.get("date", "2021-08-30")
    span = parse_date(date)
    return {
        "id": "panjshir-clash",
        "title": "Attack at the entrance of the Panjshir valley",
        "summary": None,
        "date": date,
        "start": span.start,
        "end": span.end,
        "precision": span.precision,
        "qualifier": span.qualifier,
        "type": "other",
        "status": "reported",
        "location": None,
        "actors": [],
        "casualties": derive_casualties(members.get("claims", [])),
        "claims": [],
        "sources": [],
        "related": [],
        "tags": [],
        "dataset": "local",
        "version": 1,
        "created": "2026-11-22T10:00:00.000Z",
        "updated": "2026-11-23T11:30:00.500Z",
        **members,
    }


def texts_everywhere(text: str, **members: Any) -> dict[str, Any]:
    """An event that has the text wherever an event may hold one of its writer's choice."""
    return event(
        title=text,
        summary=text,
        location=location(country="AF", district=text, place=text, as_given=text),
        actors=[{"id": "taliban", "name": text, "role": "side-a"}, {"id": "nrf", "name": text, "role": "side-b"}],
        claims=[
            claim(claimant={"name": text}, statement=text, measure="killed", of="taliban", best=8, source=text),
            claim(claimant={"id": "nrf", "name": text}, statement=text, source=text),
        ],
        sources=[source(ref=text, publisher=text, title=text, via=text, url="https://example.com/?a=1&b='2'")],
        tags=[text.replace(",", "")[:64]],
        **members,
    )


def written(form: Format, *events: Mapping[str, Any], about: About = ABOUT) -> bytes:
    """What the format writes of the events."""
    return b"".join(form.write([[json.dumps(one, ensure_ascii=False) for one in events]], about))


def asking_for(*members: str) -> About:
    """As ABOUT, where ``fields`` named the members."""
    return About(ABOUT.title, ABOUT.base_url, ABOUT.url, ABOUT.updated, ABOUT.store, ("id", *members))


def assert_is_a_stream(form: Format, proper_end: bytes) -> None:
    """A format asks for each batch when what came before has been taken, and ends as if whole only at the end."""
    asked: list[int] = []

    def batches(fails: bool) -> Iterator[list[str]]:
        for number in range(3):
            asked.append(number)
            yield [json.dumps(event(id=f"event-{number}"))]
        if fails:
            raise OSError("the database went away")

    pieces = form.write(batches(fails=False), ABOUT)
    seen = b""
    while b"event-0" not in seen:
        seen += next(pieces)
    assert asked == [0]
    assert (seen + b"".join(pieces)).endswith(proper_end)

    cut_off: list[bytes] = []
    with pytest.raises(OSError, match="went away"):
        for piece in form.write(batches(fails=True), ABOUT):
            cut_off.append(piece)
    assert b"event-2" in b"".join(cut_off)
    assert not b"".join(cut_off).endswith(proper_end)
