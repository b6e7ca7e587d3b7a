"""Reads single events as they stand now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import Database

from schemas.errors import Gone, NotFound
from schemas.fields import ID_FORM, shorten
from service.database import fetch, snapshot


@dataclass(frozen=True, slots=True)
class Found:
    """A JSON text, what its entity tag is, and the sequence of the last change it may reflect."""

    document: str
    tag: str
    sequence: int


def find_event(database: Database, event_id: str) -> Found:
    """The event's document. Raises NotFound, or Gone when it was deleted."""
    rows = _rows(
        database,
        event_id,
        "SELECT e.deleted, e.version, e.edition, s.sequence, d.document FROM store s CROSS JOIN event e "
        "LEFT JOIN event_document d ON d.num = e.num WHERE s.id = 1 AND e.id = ?",
    )
    if not rows:
        raise NotFound(f"There is no event {shorten(event_id)!r}.")
    [(deleted, version, edition, sequence, document)] = rows
    if deleted:
        raise Gone(event_id)
    # A new edition of a version has an answer of its own, by an actor's new name say.
    return Found(document, f"{version}.{edition}" if edition else str(version), sequence)


def find_original(database: Database, event_id: str) -> Found:
    """The record that the event was last imported from. Raises NotFound, or Gone when it was deleted."""
    with snapshot(database):
        event = find_event(database, event_id)
        rows = _rows(
            database,
            event_id,
            "SELECT version, original FROM revision WHERE kind = 'event' AND subject = ? AND original IS NOT NULL "
            "ORDER BY version DESC LIMIT 1",
        )
    if not rows:
        raise NotFound(f"The event {event_id} was not imported, so there is no original record.")
    [(version, original)] = rows
    return Found(original, f"{version}-original", event.sequence)


def _rows(database: Database, event_id: str, sql: str) -> list[tuple[Any, ...]]:
    # An id that has not the form of one exists nowhere, and may hold what an engine cannot read.
    return fetch(database, sql, (event_id,)) if ID_FORM.match(event_id) else []
