"""Reads single events, as they stand now and as they stood before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from peewee import Database

from schemas.errors import Gone, NotFound
from schemas.fields import shorten
from service import actors
from service.database import snapshot
from service.ledger import StoreState, sequence_at, store_state
from service.projections import actors_in, project
from service.revisions import find_ever, rows_of
from service.versions import Version, merges, read_content

ONE_VERSION = (
    "SELECT e.num, r.version, r.sequence, f.recorded, r.recorded, r.content FROM event e "
    "JOIN revision r ON r.subject = e.id AND r.kind = 'event' "
    "JOIN revision f ON f.subject = e.id AND f.kind = 'event' AND f.version = 1 WHERE e.id = ?"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A JSON text, what its entity tag is, and the sequence of the last change it may reflect."""

    document: str
    tag: str
    sequence: int


def find_event(database: Database, event_id: str) -> Found:
    """The event's document. Raises NotFound, or Gone when it was deleted."""
    rows = rows_of(
        database,
        event_id,
        "SELECT e.deleted, e.version, e.edition, s.sequence, d.document FROM store s CROSS JOIN event e "
        "LEFT JOIN event_document d ON d.num = e.num WHERE s.id = 1 AND e.id = ?",
    )
    if not rows:
        raise NotFound(f"There is no event {shorten(event_id)!r}.")
    [(deleted, version, edition, sequence, document)] = rows
    if deleted:
        raise Gone("event", event_id)
    # A new edition of a version has an answer of its own, by an actor's new name say.
    return Found(document, f"{version}.{edition}" if edition else str(version), sequence)


def find_original(database: Database, event_id: str) -> Found:
    """The record that the event was last imported from. Raises NotFound, or Gone when it was deleted."""
    with snapshot(database):
        event = find_event(database, event_id)
        rows = rows_of(
            database,
            event_id,
            "SELECT version, original FROM revision WHERE kind = 'event' AND subject = ? AND original IS NOT NULL "
            "ORDER BY version DESC LIMIT 1",
        )
    if not rows:
        raise NotFound(f"The event {event_id} was not imported, so there is no original record.")
    [(version, original)] = rows
    return Found(original, f"{version}-original", event.sequence)


def find_version(database: Database, event_id: str, version: int) -> Found:
    """What an event was in one of its versions. Raises NotFound, or Gone for a version that is a deletion."""
    rows = rows_of(database, event_id, f"{ONE_VERSION} AND r.version = ?", version)
    if not rows:
        find_ever(database, "event", event_id)
        raise NotFound(f"The event {event_id} has no version {version}.")
    return _shown(database, event_id, rows[0], store_state(database))


def find_event_at(database: Database, event_id: str, microseconds: int) -> Found:
    """An event as it stood at a time. Raises NotFound where it was not there yet, Gone where it was deleted."""
    sequence = sequence_at(database, microseconds)
    rows = rows_of(database, event_id, f"{ONE_VERSION} AND r.sequence <= ? ORDER BY r.version DESC LIMIT 1", sequence)
    if not rows:
        raise NotFound(f"There was no event {shorten(event_id)!r} at that time.")
    return replace(_shown(database, event_id, rows[0], store_state(database)), sequence=sequence)


def last_version(database: Database, event_id: str) -> int:
    """The number of the last version of an event, its deletion included. Raises NotFound."""
    rows = rows_of(database, event_id, "SELECT version FROM event WHERE id = ?")
    if not rows:
        raise NotFound(f"There is no event {shorten(event_id)!r}.")
    return int(rows[0][0])


def _shown(database: Database, event_id: str, row: tuple[Any, ...], state: StoreState) -> Found:
    """A version of an event with the names of today. Its tag moves with the store, as the names may."""
    num, number, sequence, created, updated, text = row
    content = read_content(text, merges(database))
    if content is None:
        raise Gone("event", event_id)
    version = Version(num, number, sequence, created, updated, content)
    side = project(version, actors.views(database, actors_in(content)))
    return Found(side.document, f"{number}.{state.tag}", state.sequence)
