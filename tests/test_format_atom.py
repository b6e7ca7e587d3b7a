"""The feed: read with feedparser, as readers of feeds do, and held against what RFC 4287 asks for."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from importlib import import_module
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from hypothesis import given

from service.formats.atom import FORMAT
from service.formats.form import About
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
feedparser: Any = import_module("feedparser")
ATOM = "{http://www.w3.org/2005/Atom}"
UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def parsed(feed: bytes) -> Any:
    found = feedparser.parse(feed, sanitize_html=False, resolve_relative_uris=False)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    return found


def entry(*events: dict[str, Any], about: About = ABOUT) -> Any:
    found = parsed(written(FORMAT, *events, about=about))
    assert len(found.entries) == len(events)
    return found.entries[0]


class Shown(HTMLParser):
    """The text that a browser would show of a fragment, its tags, and where its links lead."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "br":
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(one: Any) -> Shown:
    (content,) = one.content
    assert content.type == "text/html"
    return Shown(content.value)


def test_a_feed_says_what_was_asked_and_where() -> None:
    feed = parsed(written(FORMAT, event())).feed
    assert (feed.title, feed.updated) == (ABOUT.title, ABOUT.updated)
    assert {link.rel: link.href for link in feed.links} == {
        "self": ABOUT.url,
        "alternate": "https://timeline.example.org/",
    }
    assert feed.author == "Dateline"
    assert (FORMAT.newest, FORMAT.media_type) == (100, "application/atom+xml")


def test_ids_last_wherever_the_store_is_served_from() -> None:
    elsewhere = "http://127.0.0.1:8000"
    moved = replace(ABOUT, base_url=elsewhere, url=ABOUT.url.replace(ABOUT.base_url, elsewhere))
    here, there = (parsed(written(FORMAT, event(), about=about)) for about in (ABOUT, moved))
    other = parsed(written(FORMAT, event(id="another"), about=replace(ABOUT, store="other")))
    for found in (here, there, other):
        assert UUID(found.feed.id).version == UUID(found.entries[0].id).version == 5
    assert (here.feed.id, here.entries[0].id) == (there.feed.id, there.entries[0].id)
    assert len({here.feed.id, here.entries[0].id, other.feed.id, other.entries[0].id}) == 4


def test_an_entry_is_the_event() -> None:
    one = entry(event(type="battle/armed-clash", tags=["panjshir-conflict", 'a "tag"']))
    assert one.link == "https://timeline.example.org/events/panjshir-clash"
    assert one.title == "Attack at the entrance of the Panjshir valley"
    assert (one.published, one.updated) == ("2026-11-22T10:00:00.000Z", "2026-11-23T11:30:00.500Z")
    assert [(tag.term, tag.scheme, tag.label) for tag in one.tags] == [
        ("battle/armed-clash", "https://timeline.example.org/v1/types", "Armed clash"),
        ("panjshir-conflict", None, None),
        ('a "tag"', None, None),
    ]


def test_the_content_tells_what_is_known() -> None:
    one = event(
        date="2021-08-22~/2021-08-28~",
        summary="First paragraph.\n\nSecond,\nin two lines.",
        location=location(country="AF", province={"code": "AF-PAN", "name": "Panjshir"}, place="the valley"),
        actors=[
            {"id": "taliban", "name": "Taliban", "role": "side-a"},
            {"id": "nrf", "name": "National Resistance Front", "role": "side-b"},
        ],
        claims=[
            claim(claimant={"id": "x", "name": "Fahim Dashti"}, statement="Eight died.", measure="killed",
                  of="taliban", best=8, source="rt", date="2021-08-31"),
            claim(measure="killed", of="taliban", best=7, source="rt"),
        ],
        sources=[
            source(ref="rt", publisher="RT", title="Clashes", url="https://rt.example/1", published="2021-08-31"),
        ],
        status="disputed",
    )  # fmt: skip
    content = shown(entry(one))
    for words in (
        "First paragraph.",
        "Second,\nin two lines.",
        "When: about 22 to about 28 August 2021",
        "Where: the valley, Panjshir, Afghanistan",
        "Who: Taliban against National Resistance Front",
        "Casualties: 7 to 8 killed, disputed",
        "Status: disputed",
        "Fahim Dashti: Eight died. (Taliban: 8 killed; RT; 31 August 2021)",
        "RT (Taliban: 7 killed)",
        "RT: Clashes (31 August 2021)",
    ):
        assert words in content.text
    assert [attributes for tag, attributes in content.tags if tag == "a"] == [
        {"href": "https://rt.example/1", "rel": "noopener"},
        {"href": "https://timeline.example.org/events/panjshir-clash", "rel": "noopener"},
    ]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//example.com", "https:", "http://[", "x"])
def test_only_addresses_of_the_web_become_links(url: str) -> None:
    content = shown(entry(event(sources=[source(publisher="RT", url=url)])))
    assert "RT" in content.text
    assert [attributes["href"] for tag, attributes in content.tags if tag == "a"] == [
        "https://timeline.example.org/events/panjshir-clash"
    ]


@given(NAMES)
def test_no_stored_text_breaks_the_feed_or_its_content(text: str) -> None:
    feed = written(FORMAT, texts_everywhere(text), event(id="after"), about=ABOUT)
    root = ElementTree.fromstring(feed)
    stored = UNSPEAKABLE.sub("", text)
    titles = [entry.findtext(f"{ATOM}title") for entry in root.iter(f"{ATOM}entry")]
    assert titles == [stored, "Attack at the entrance of the Panjshir valley"]
    content = root.findtext(f"{ATOM}entry/{ATOM}content")
    assert content is not None
    # Every tag is the writer's own.
    tags = Shown(content).tags
    assert {tag for tag, _ in tags} <= {"p", "br", "ul", "li", "a"}
    assert {name for _, attributes in tags for name in attributes} <= {"dir", "href", "rel"}
    hrefs = [attributes["href"] for tag, attributes in tags if tag == "a"]
    assert hrefs == ["https://example.com/?a=1&b='2'", "https://timeline.example.org/events/panjshir-clash"]


@given(TEXTS)
def test_feedparser_reads_every_text(text: str) -> None:
    about = About(text, ABOUT.base_url, ABOUT.url, ABOUT.updated, ABOUT.store)
    assert len(parsed(written(FORMAT, texts_everywhere(text or "x"), about=about)).entries) == 1


def test_what_xml_cannot_hold_is_left_out_and_nothing_else() -> None:
    text = "a\x01b\x0bc\x1bd\ufffee\uffff]]>\x85\u2028\t\U0001ffff🎉 پنجشیر"
    root = ElementTree.fromstring(written(FORMAT, event(title=text)))
    assert root.findtext(f"{ATOM}entry/{ATOM}title") == "abcde]]>\x85\u2028\t\U0001ffff🎉 پنجشیر"


def test_every_element_stands_as_often_as_it_may() -> None:
    root = ElementTree.fromstring(written(FORMAT, texts_everywhere("x"), event(id="b")))
    counts = Counter(child.tag.removeprefix(ATOM) for child in root)
    assert counts == {"id": 1, "title": 1, "updated": 1, "link": 2, "author": 1, "generator": 1, "entry": 2}
    for one in root.iter(f"{ATOM}entry"):
        counts = Counter(child.tag.removeprefix(ATOM) for child in one)
        assert {name: counts.pop(name) for name in ("id", "title", "updated", "published", "content", "link")} == {
            "id": 1, "title": 1, "updated": 1, "published": 1, "content": 1, "link": 1
        }  # fmt: skip
        assert set(counts) <= {"category"}


def test_members_that_were_not_chosen_are_not_shown() -> None:
    one = texts_everywhere("SECRET", type="battle")
    feed = written(FORMAT, one, about=asking_for("status"))
    assert b"SECRET" not in feed
    assert b"battle" not in feed.lower()
    assert b"published" not in feed
    found = parsed(feed).entries[0]
    assert found.title == "panjshir-clash"
    assert found.updated == "2026-11-23T11:30:00.500Z"
    assert "When: 30 August 2021" in shown(found).text
    assert "Status: reported" in shown(found).text


@pytest.mark.parametrize("member", ["title", "summary", "location", "actors", "claims", "sources", "tags"])
def test_a_member_that_was_chosen_is_shown_alone(member: str) -> None:
    one = texts_everywhere("SECRET")
    assert b"SECRET" in written(FORMAT, one, about=asking_for(member))
    others = asking_for(*(name for name in one if name not in ("id", member)))
    whole = written(FORMAT, one)
    assert written(FORMAT, one, about=others).count(b"SECRET") < whole.count(b"SECRET")


def test_a_feed_without_entries_is_a_feed() -> None:
    assert parsed(written(FORMAT)).entries == []


def test_a_feed_that_breaks_off_is_not_whole() -> None:
    assert_is_a_stream(FORMAT, b"</feed>\n")


def test_the_seed_is_a_feed(client: FlaskClient) -> None:
    events = client.get("/v1/events").get_json()["events"]
    found = parsed(written(FORMAT, *events)).entries
    assert [one.title for one in found] == [one["title"] for one in events]
    assert [one.link.rpartition("/")[2] for one in found] == [one["id"] for one in events]
