"""Reads pages as browsers do, strictly, and holds each to what is promised of all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

import html5lib
from werkzeug.test import TestResponse

# Elements without an end.
VOID = {"meta", "link", "input", "br", "img", "hr", "path", "circle", "rect", "line", "use"}
# Elements that are seen apart from what stands before them.
APART = {"td", "th", "li", "dt", "dd", "div", "p"}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# Fields of a form that people see.
FIELDS = ("input", "select", "textarea")


@dataclass
class Element:
    """An element with its attributes and all text within."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """What a page holds: its elements in order, and its text in one line."""

    html: str
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag in APART:
            self.handle_data(" ")
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """The elements of a tag with these attributes; ``class_`` is one of its classes."""
        return [element for element in self.elements if element.tag == tag and _fits(element, attributes)]

    def one(self, tag: str, **attributes: str) -> Element:
        """The only such element."""
        [found] = self.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        """All that is written in the page, each run of spaces as one."""
        return words(self.one("main").text)

    def links(self) -> dict[str, str]:
        """The words of each link by its address; of several to one address the first's."""
        found: dict[str, str] = {}
        for link in self.all("a"):
            found.setdefault(link.attributes.get("href", ""), words(link.text))
        return found

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """The tags of the page with the names of their attributes: what no stored text may ever change."""
        return [(element.tag, tuple(element.attributes)) for element in self.elements]


def words(text: str) -> str:
    return " ".join(text.split())


def _fits(element: Element, attributes: dict[str, str]) -> bool:
    classes = element.attributes.get("class", "").split()
    return all(
        value in classes if name == "class_" else element.attributes.get(name.replace("_", "-")) == value
        for name, value in attributes.items()
    )


def page(answer: TestResponse, status: int = 200) -> Page:
    """The page of an answer, which is held to what all pages promise."""
    text = answer.get_data(as_text=True)
    assert answer.status_code == status, text[:2000]
    assert answer.mimetype == "text/html"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ") and "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    # Raises where the HTML is not what the standard lets a page be.
    html5lib.HTMLParser(strict=True).parse(text)
    found = Page(text)
    _is_sound(found)
    return found


def _is_sound(found: Page) -> None:
    """One first heading and no level left out, nothing in line that runs or dresses, ids once, tables that say more."""
    levels = [int(element.tag[1]) for element in found.elements if element.tag in HEADINGS]
    assert levels.count(1) == 1 and levels[0] == 1, levels
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    names = {name for element in found.elements for name in element.attributes}
    assert "style" not in names and not [name for name in names if name.startswith("on")]
    assert not found.all("style") and all(script.attributes.get("src") for script in found.all("script"))
    ids = [element.attributes["id"] for element in found.elements if "id" in element.attributes]
    assert sorted(set(ids)) == sorted(ids), "an id stands twice"
    assert len(found.all("caption")) == len(found.all("table"))
    assert all(heading.attributes.get("scope") for heading in found.all("th"))
    labelled = {label.attributes.get("for") for label in found.all("label")}
    for element in found.elements:
        if element.tag in FIELDS and element.attributes.get("type") != "hidden":
            assert element.attributes.get("id") in labelled or element.attributes.get("aria-label"), element
        for reference in ("aria-labelledby", "aria-describedby"):
            assert set(element.attributes.get(reference, "").split()) <= set(ids), element
    for link in found.all("a"):
        href = link.attributes.get("href", "")
        assert re.match(r"(/(?!/)|#|\?|https?://|webcal:)", href), href
        if link.attributes.get("target"):
            assert "noopener" in link.attributes.get("rel", "")
        if href.startswith("http") and not href.startswith("http://localhost"):
            assert {"noopener", "nofollow"} <= set(link.attributes["rel"].split()), href
