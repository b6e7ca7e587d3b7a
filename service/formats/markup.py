"""An event as a fragment of HTML, in which stored text is text and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from service.formats import prose
from service.formats.form import About


def event_html(event: Mapping[str, Any], about: About) -> str:
    """What was asked of the event: its summary, what is known, what each source says, and a link to it.

    Each block takes the direction of its own text, so that Persian beside English stays readable and a character that
    turns the direction round turns nothing outside its block.
    """
    return "".join(_blocks(event, about))


def _blocks(event: Mapping[str, Any], about: About) -> Iterator[str]:
    if text := prose.summary(event, about):
        for paragraph in text.split("\n\n"):
            if paragraph.strip():
                yield f'<p dir="auto">{_lines(paragraph)}</p>'
    yield from _list(f"{escape(label)}: {_lines(words)}" for label, words in prose.facts(event, about))
    yield from _list((_lines(claim) for claim in prose.claims(event, about)), "Claims")
    yield from _list((_reference(*source) for source in prose.sources(event, about)), "Sources")
    yield f"<p>{link(prose.address(event, about), 'The event in Dateline')}</p>"


def link(url: str, words: str) -> str:
    """A link to a page, which learns nothing of the page that links to it but its address."""
    return f'<a href="{escape(url)}" rel="noopener">{_lines(words)}</a>'


def _reference(words: str, url: str | None) -> str:
    return _lines(words) if url is None else link(url, words)


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.split("\n"))


def _list(items: Iterable[str], heading: str | None = None) -> Iterator[str]:
    shown = "".join(f'<li dir="auto">{item}</li>' for item in items)
    if shown:
        yield (f"<p>{heading}</p>" if heading else "") + f"<ul>{shown}</ul>"
