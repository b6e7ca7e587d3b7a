"""Reads the history of one event: each revision with what the event held then, today's actors for merged ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import Database

from schemas.errors import NotFound
from schemas.fields import shorten
from service.database import fetch
from service.revisions import VERSION_MAX, Revision, rows_of
from service.versions import merges, read_content


@dataclass(frozen=True, slots=True)
class Step:
    """A revision of an event. content: what it held then, None once it is deleted; before: what it held until then."""

    revision: Revision
    content: dict[str, Any] | None
    before: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class History:
    """Some steps of an event's history, the newest first. following: the version of the next older one, or None.

    last: the event's last version. deleted: whether that is a deletion. imported: whether it was ever imported.
    """

    steps: list[Step]
    following: int | None
    last: int
    deleted: bool
    imported: bool


def read_history(database: Database, event_id: str, limit: int, below: int | None = None) -> History:
    """The last steps of an event, or those from the version ``below`` on. Raises NotFound."""
    rows = rows_of(
        database,
        event_id,
        'SELECT r.version, r.sequence, r.recorded, r."by", r.operation, r.reason, r.content FROM revision r '
        "WHERE r.subject = ? AND r.kind = 'event' AND r.version <= ? ORDER BY r.version DESC LIMIT ?",
        below or VERSION_MAX,
        # A deletion holds nothing, so what came before it is needed to tell what came back after it.
        limit + 2,
    )
    if not rows:
        raise NotFound(f"There is no event {shorten(event_id)!r}.")
    merged = merges(database)
    contents = [read_content(text, merged) for *_, text in rows]
    steps = [
        Step(Revision(*row[:6]), contents[place], next(filter(None, contents[place + 1 :]), None))
        for place, row in enumerate(rows[:limit])
    ]
    [(last, deleted, imported)] = fetch(
        database,
        "SELECT e.version, e.deleted, EXISTS (SELECT 1 FROM revision r WHERE r.subject = e.id AND r.kind = 'event' "
        "AND r.original IS NOT NULL) FROM event e WHERE e.id = ?",
        (event_id,),
    )
    return History(steps, rows[limit][0] if len(rows) > limit else None, last, bool(deleted), bool(imported))
