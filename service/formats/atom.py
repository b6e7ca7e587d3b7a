"""Writes the events that were changed last as a feed (Atom, RFC 4287)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape, quoteattr

import orjson

from schemas.vocabulary import EVENT_TYPES
from service.formats import prose
from service.formats.form import About, Documents, Format
from service.formats.markup import event_html

NEWEST = 100
# What XML 1.0 cannot hold, not even as a reference (section 2.2).
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# A reader of XML makes a line feed of it unless it stands as a reference (section 2.11).
_CARRIAGE_RETURN = {"\r": "&#13;"}


def _write(documents: Documents, about: About) -> Iterator[bytes]:
    yield "".join(_head(about)).encode()
    for batch in documents:
        entries = "".join(part for document in batch for part in _entry(orjson.loads(document), about))
        if entries:
            yield entries.encode()
    yield b"</feed>\n"


def _head(about: About) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
    yield _element("id", _lasting_id(about, about.url.removeprefix(about.base_url)))
    yield _element("title", about.title)
    yield _element("updated", about.updated)
    yield _empty("link", rel="self", type=FORMAT.media_type, href=about.url)
    yield _empty("link", rel="alternate", type="text/html", href=f"{about.base_url}/")
    # Entries need an author, and who wrote an event down is nobody's business but the revisions'.
    yield f"<author>{_element('name', 'Dateline').rstrip()}</author>\n"
    yield _element("generator", "Dateline")


def _entry(event: Mapping[str, Any], about: About) -> Iterator[str]:
    address = prose.address(event, about)
    yield "<entry>\n"
    yield _element("id", _lasting_id(about, f"/events/{event['id']}"))
    yield _element("title", prose.headline(event, about))
    yield _element("updated", event["updated"])
    if about.shows("created"):
        yield _element("published", event["created"])
    yield _empty("link", rel="alternate", type="text/html", href=address)
    if about.shows("type"):
        found = EVENT_TYPES[event["type"]]
        yield _empty("category", term=found.id, scheme=f"{about.base_url}/v1/types", label=found.label)
    if about.shows("tags"):
        for tag in event["tags"]:
            yield _empty("category", term=tag)
    yield _element("content", event_html(event, about), type="html")
    yield "</entry>\n"


def _lasting_id(about: About, path: str) -> str:
    """An id that stays the same wherever the store is served from (RFC 4287, section 4.2.6)."""
    return uuid5(NAMESPACE_URL, f"//{about.store}{path}").urn


def _element(name: str, text: str, **attributes: str) -> str:
    return f"<{name}{_attributes(attributes)}>{escape(_speakable(text), _CARRIAGE_RETURN)}</{name}>\n"


def _empty(name: str, **attributes: str) -> str:
    return f"<{name}{_attributes(attributes)}/>\n"


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(_speakable(value))}" for name, value in values.items())


def _speakable(text: str) -> str:
    return _UNSPEAKABLE.sub("", text)


FORMAT = Format("atom", "application/atom+xml", "atom", _write, newest=NEWEST)
