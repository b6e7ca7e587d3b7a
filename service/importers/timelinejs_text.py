"""Makes plain text of the HTML that a slide of TimelineJS holds, in time that grows with its length alone."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

# Of the standard library only the entities are taken: its parser looks through all that follows again for each tag
# that is never closed, so that 40 kB of them take half a minute. Here what was passed over is never looked at again.
# Tags and comments end where the HTML standard has it, and what is never closed goes to the end.
_NAME = r"[^\s/>][^\s/>=]*+"
_VALUE = r"""(?:"[^"]*+"?+|'[^']*+'?+|[^\s>"'][^\s>]*+)"""
_TOKEN = re.compile(
    r"<!--(?:-?+>|(?:[^-]++|-(?!-!?>))*+(?:--!?>)?+)"
    # Declarations, and what browsers take for comments as well.
    r"|<(?:[!?]|/(?=[^a-zA-Z]))[^>]*+>?+"
    r"|<(?P<end>/?+)(?P<name>[a-zA-Z][^\s/>]*+)"
    rf"(?P<attributes>(?:[\s/]*+{_NAME}(?:\s*+=\s*+{_VALUE}?+)?+)*+)[\s/]*+>?+"
)
_ATTRIBUTE = re.compile(rf"[\s/]*+({_NAME})(?:\s*+=\s*+({_VALUE})?+)?+")
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_LONG_NUMBER = re.compile(r"&#[0-9]{8,}+;?+")
_WEB = re.compile(r"https?://[^\s/]", re.IGNORECASE)

# What these hold is not shown.
_HIDDEN = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "template", "iframe", "noembed", "noframes")
}
_LINES = frozenset(("br", "tr", "dt", "dd"))
_PARAGRAPHS = frozenset(
    ("p", "div", "blockquote", "ul", "ol", "dl", "table", "pre", "hr", "figure", "figcaption", "section", "article",
     "header", "footer", "address", "h1", "h2", "h3", "h4", "h5", "h6")
)  # fmt: skip
_CELLS = frozenset(("td", "th"))
_EMBEDS = frozenset(("iframe", "img", "video", "audio", "source", "embed"))


class Plain(NamedTuple):
    """What a piece of HTML says.

    text: its words, paragraphs with an empty line between them. marked: whether there was any HTML in it. address: of
    the first thing that is embedded from the web.
    """

    text: str
    marked: bool
    address: str | None


def plain(source: str, *, links: bool = True) -> Plain:
    """The words of a piece of HTML, entities decoded, without what browsers do not show.

    links: whether the address of a link stands after its words: ``Ada Lovelace (https://…)``. Line breaks of a text
    without HTML are kept; within HTML they are spaces.
    """
    pieces: list[str] = []
    link: tuple[int, str] | None = None
    embedded: str | None = None
    marked = False
    at = 0
    while found := _TOKEN.search(source, at):
        marked = True
        pieces.append(_words(source[at : found.start()]))
        at = found.end()
        name = (found["name"] or "").lower()
        begins = not found["end"]
        if name == "a":
            _end_link(pieces, link)
            address = _address(found["attributes"], "href") if links and begins else None
            link = (len(pieces), address) if address else None
        elif name in _LINES and begins:
            pieces.append("\n")
        elif name in _PARAGRAPHS:
            pieces.append("\n\n")
        elif name == "li" and begins:
            pieces.append("\n- ")
        elif name in _CELLS:
            pieces.append(" ")
        if begins and name in _EMBEDS and embedded is None:
            embedded = _address(found["attributes"], "src")
        if begins and name in _HIDDEN:
            closing = _HIDDEN[name].search(source, at)
            at = closing.start() if closing else len(source)
    if not marked:
        return Plain(_lines(_decoded(source)), False, None)
    pieces.append(_words(source[at:]))
    _end_link(pieces, link)
    return Plain(_lines("".join(pieces)), True, embedded)


def one_line(source: str) -> str:
    """The words of a piece of HTML in one line, without the addresses of its links."""
    return " ".join(plain(source, links=False).text.split())


def web_address(text: str) -> str | None:
    """The text as an address of the web, where it is one; ``//example.org/x`` has a page's own protocol."""
    text = text.strip()
    if text.startswith("//"):
        text = "https:" + text
    return text if _WEB.match(text) else None


def _end_link(pieces: list[str], link: tuple[int, str] | None) -> None:
    if link is None:
        return
    begin, address = link
    label = "".join(pieces[begin:]).strip()
    if not label:
        pieces.append(address)
    elif address.rstrip("/") not in label:
        pieces.append(f" ({address})")


def _address(attributes: str, wanted: str) -> str | None:
    for name, value in _ATTRIBUTE.findall(attributes):
        if name.lower() == wanted:
            return web_address(_decoded(value.strip("\"'")))
    return None


def _words(source: str) -> str:
    return _SPACE.sub(" ", _decoded(source))


def _decoded(source: str) -> str:
    """Entities decoded. A number too long for any character is taken out first, since reading it fails."""
    if "&" not in source:
        return source
    return html.unescape(_LONG_NUMBER.sub("\ufffd", re.sub(r"&#0+(?=[0-9])", "&#", source)))


def _lines(text: str) -> str:
    """No spaces at the ends of lines, and no more than one empty line."""
    text = re.sub(r"[ \t\f\xa0]+", " ", text.replace("\r\n", "\n").replace("\r", "\n"))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text)).strip()
