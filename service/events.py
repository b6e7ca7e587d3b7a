"""Reads single events: as they stand now, as they stood before, and the revisions in between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from peewee import Database

from schemas.errors import Gone, NotFound
from schemas.fields import ID_FORM, shorten
from service import actors
from service.database import fetch, snapshot
from service.ledger import StoreState, sequence_at, store_state, timestamp
from service.projections import actors_in, project
from service.revisions import INTO, into_of
from service.versions import Version, merges, read_content

VERSION_MAX = 2**31 - 1
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


@dataclass(frozen=True, slots=True)
class Revision:
    """An entry of the log: what was done to an event or an actor, when (microseconds), by whom and why.

    told: of the actor that one was merged into, see ``revisions.INTO``.
    """

    version: int
    sequence: int
    at: int
    by: str
    operation: str
    reason: str | None
    told: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The revision as answers show it."""
        return {
            "version": self.version,
            "sequence": self.sequence,
            "at": timestamp(self.at),
            "by": self.by,
            "operation": self.operation,
            "reason": self.reason,
            **into_of(self.told),
        }


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
        raise Gone("event", event_id)
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


def find_version(database: Database, event_id: str, version: int) -> Found:
    """What an event was in one of its versions. Raises NotFound, or Gone for a version that is a deletion."""
    rows = _rows(database, event_id, f"{ONE_VERSION} AND r.version = ?", version)
    if not rows:
        find_ever(database, "event", event_id)
        raise NotFound(f"The event {event_id} has no version {version}.")
    return _shown(database, event_id, rows[0], store_state(database))


def find_event_at(database: Database, event_id: str, microseconds: int) -> Found:
    """An event as it stood at a time. Raises NotFound where it was not there yet, Gone where it was deleted."""
    sequence = sequence_at(database, microseconds)
    rows = _rows(database, event_id, f"{ONE_VERSION} AND r.sequence <= ? ORDER BY r.version DESC LIMIT 1", sequence)
    if not rows:
        raise NotFound(f"There was no event {shorten(event_id)!r} at that time.")
    return replace(_shown(database, event_id, rows[0], store_state(database)), sequence=sequence)


def last_version(database: Database, event_id: str) -> int:
    """The number of the last version of an event, its deletion included. Raises NotFound."""
    rows = _rows(database, event_id, "SELECT version FROM event WHERE id = ?")
    if not rows:
        raise NotFound(f"There is no event {shorten(event_id)!r}.")
    return int(rows[0][0])


def find_ever(database: Database, kind: str, subject: str) -> None:
    """Raises NotFound for an event or an actor that never was."""
    if not _rows(database, subject, "SELECT 1 FROM revision WHERE subject = ? AND kind = ? AND version = 1", kind):
        raise NotFound(f"There is no {kind} {shorten(subject)!r}.")


def _shown(database: Database, event_id: str, row: tuple[Any, ...], state: StoreState) -> Found:
    """A version of an event with the names of today. Its tag moves with the store, as the names may."""
    num, number, sequence, created, updated, text = row
    content = read_content(text, merges(database))
    if content is None:
        raise Gone("event", event_id)
    version = Version(num, number, sequence, created, updated, content)
    side = project(version, actors.views(database, actors_in(content)))
    return Found(side.document, f"{number}.{state.tag}", state.sequence)


def list_revisions(
    database: Database, kind: str, subject: str, limit: int, below: int | None = None
) -> tuple[list[Revision], int | None]:
    """The revisions of an event or actor, newest first, and the version with which the next page begins.

    below: the version to begin with; the last one without.
    """
    rows = _rows(
        database,
        subject,
        f'SELECT r.version, r.sequence, r.recorded, r."by", r.operation, r.reason, {INTO.format(row="r")} '
        "FROM revision r WHERE r.subject = ? AND r.kind = ? AND r.version <= ? ORDER BY r.version DESC LIMIT ?",
        kind,
        below or VERSION_MAX,
        limit + 1,
    )
    if not rows:
        raise NotFound(f"There is no {kind} {shorten(subject)!r}.")
    return [Revision(*row) for row in rows[:limit]], rows[limit][0] if len(rows) > limit else None


def _rows(database: Database, subject: str, sql: str, *more: Any) -> list[tuple[Any, ...]]:
    # An id that has not the form of one exists nowhere, and may hold what an engine cannot read.
    return fetch(database, sql, (subject, *more)) if ID_FORM.match(subject) else []
