"""What an answer in some format is called: its title in words, its address, and the name of its file."""

from __future__ import annotations

import re

from schemas.cursors import write_cursor
from schemas.query import TimelineQuery
from service.formats.form import About, Format
from service.ledger import timestamp

PATH = "/v1/events"
# Of a file's name without its extension; some systems take no more than 143 bytes.
NAME_MAX = 100
# All that neither a header nor a shell nor a file system could take for anything but a name.
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# Filters whose values do not tell by themselves what is meant.
_UNTOLD = frozenset({"role", "match", "bbox", "min_killed", "as_of", "disputed", "from", "to"})


def about(asked: TimelineQuery, store: str, sequence: int, updated: int, base_url: str) -> About:
    """What formats are told of the answer to a query, by a store that was last changed at ``updated``, in microseconds.

    store: its identity. base_url: where the service answers; a slash at its end does not count.
    """
    base = base_url.rstrip("/")
    cursor = None if asked.cursor is None else write_cursor(asked, asked.cursor, sequence)
    # An answer as of a time has not changed since then.
    last = updated if asked.as_of is None else min(updated, asked.as_of)
    return About(title(asked), base, base + asked.url(PATH, cursor), timestamp(last), store, asked.fields)


def title(asked: TimelineQuery) -> str:
    """A query in words: ``Dateline: actor taliban, province AF-PAN``."""
    told = ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in asked.chosen())
    return f"Dateline: {told}" if told else "Dateline"


def file_name(asked: TimelineQuery, form: Format) -> str:
    """A name for the file that holds the answer: ``dateline-taliban-AF-PAN.ndjson``. ASCII, and safe everywhere."""
    parts = [f"{name}-{text}" if name in _UNTOLD else text for name, text in asked.chosen()]
    words = [_UNSAFE.sub("-", part).strip("-._") for part in ("dateline", *parts)]
    return "-".join(filter(None, words))[:NAME_MAX].rstrip("-._") + "." + form.extension
