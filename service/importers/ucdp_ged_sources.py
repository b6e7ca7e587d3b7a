"""Reads the sources that a row of UCDP GED names: one cell of ``"office,date,headline"``, or of free text."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from schemas.event import MEMBERS_LIMIT
from schemas.faults import Fault
from schemas.fields import TEXT_LIMIT
from service.importers.cells import Values
from service.importers.findings import Findings

# Between two sources; the quotes tell it from a semicolon inside a headline.
BETWEEN = re.compile(r'"\s*;\s*"')
# The office may hold commas, and so may the headline: the first date between commas parts them.
SOURCE = re.compile(r"(.*?),\s*([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})[^,]{0,16},(.*)", re.DOTALL)
# What stands in a headline's place where there is none.
NO_HEADLINE = frozenset(("", "-", "--", "\u2013", "n/a"))


def sources_of(values: Values, warnings: Findings) -> list[dict[str, Any]]:
    """The sources in the form of an event's ``sources``, with the refs s1, s2, ... in the row's own order.

    Where number_of_sources is -1 the cell is free text: one source whose title it is. A row whose cell does
    not hold as many sources as it says gets the warning ``sources-differ``.
    """
    article = values.get("source_article", "").strip()
    number = values.get("number_of_sources", "").strip().removesuffix(".0")
    pieces = _pieces(article) if number != "-1" else []
    if article and not pieces:
        pieces = [("", "", article)]
    if re.fullmatch(r"[0-9]+", number) and int(number) != len(pieces):
        message = f"number_of_sources is {number}, but the text of the sources holds {len(pieces)}."
        warnings.append(Fault("/number_of_sources", "sources-differ", message))
    if len(pieces) > MEMBERS_LIMIT:
        message = f"The record names {len(pieces)} sources; the first {MEMBERS_LIMIT} are kept."
        warnings.append(Fault("/source_article", "sources-cut", message))
    sources = []
    for position, (office, day, headline) in enumerate(pieces[:MEMBERS_LIMIT], start=1):
        sources.append(
            {
                "ref": f"s{position}",
                "publisher": _bounded(office, position, warnings),
                "title": _bounded("" if headline in NO_HEADLINE else headline, position, warnings),
                "url": None,
                "published": _published(day, position, warnings),
                "via": None,
            }
        )
    return sources


def _pieces(article: str) -> list[tuple[str, str, str]]:
    """Office, date and headline of each source; empty where the text does not have that form."""
    if not article.startswith('"'):
        return []
    found: list[tuple[str, str, list[str]]] = []
    for text in BETWEEN.split(article[1:].removesuffix('"')):
        match = SOURCE.fullmatch(text)
        if match:
            found.append((match[1].strip(), match[2], [match[3]]))
        elif found:
            # A headline may quote something and a semicolon may follow: what has no office and date goes on.
            found[-1][2].append(text)
        else:
            return []
    return [(office, day, '";"'.join(headline).strip()) for office, day, headline in found]


def _bounded(text: str, position: int, warnings: Findings) -> str | None:
    if len(text) > TEXT_LIMIT:
        message = f"Source {position} has a text of {len(text):,} characters; the first {TEXT_LIMIT} are kept."
        warnings.append(Fault("/source_article", "text-cut", message))
    return text[:TEXT_LIMIT] or None


def _published(day: str, position: int, warnings: Findings) -> str | None:
    if not day:
        return None
    try:
        return date(*map(int, day.split("-"))).isoformat()
    except ValueError:
        message = f"Source {position} is dated {day}, which is no day; it is kept without a date."
        warnings.append(Fault("/source_article", "not-a-date", message))
        return None
