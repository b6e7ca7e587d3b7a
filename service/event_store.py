"""The only writer of events: judges them, appends their revisions and brings the read side along."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from peewee import Database

from schemas.event import EventBody
from schemas.faults import Fault, Refused
from schemas.fields import load
from service import actors, catalog, read_side
from service.canonical import canonical
from service.database import chunks, fetch, write
from service.ledger import Ledger, ledger
from service.projections import ActorView, Projection, actors_in, project
from service.references import References
from service.terms import Term, numbers_of


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that someone wants to be stored.

    line: where it stood in its file or body, from 1.
    body: the event in the form of ``POST /v1/events``.
    original: the record it was made from, as it was read; None where it was written here.
    actors: what is known of actors that it names, to find them by a dataset's id or to create them from.
    """

    line: int
    body: Any
    original: Mapping[str, Any] | None = None
    actors: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A draft that was not stored, and why."""

    line: int
    id: str | None
    faults: tuple[Fault, ...]

    def as_json(self) -> dict[str, Any]:
        """The rejection as reports show it."""
        return {"line": self.line, "id": self.id, "errors": [fault.as_json() for fault in self.faults]}


@dataclass(slots=True)
class Report:
    """What became of the drafts."""

    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Rejection] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Count another batch's report in."""
        self.received += other.received
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.rejected += other.rejected

    def reject(self, draft: Draft, faults: Iterable[Fault]) -> None:
        self.rejected.append(rejection(draft, faults))


# A draft and its members, names still as given or already resolved.
Loaded = tuple[Draft, dict[str, Any]]


def rejection(draft: Draft, faults: Iterable[Fault]) -> Rejection:
    """What is told of a draft that is not stored."""
    given = draft.body.get("id") if isinstance(draft.body, Mapping) else None
    return Rejection(draft.line, given if isinstance(given, str) else None, tuple(faults))


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an event. ``content`` is None where it is deleted; times are microseconds."""

    num: int
    version: int
    created: int
    updated: int
    content: dict[str, Any] | None
    original: str | None

    @property
    def datasets(self) -> set[str]:
        """The dataset of the event, none where it is deleted."""
        return {self.content["dataset"]} if self.content else set()


def write_events(
    database: Database,
    drafts: Sequence[Draft],
    *,
    by: str,
    reason: str | None = None,
    create_actors: bool = False,
    min_year: int = 1000,
) -> Report:
    """Store a batch of events in one transaction; each draft is created, updated, unchanged or rejected.

    A draft whose id exists replaces that event, and changes nothing when it is equal. A relation may point to a
    later draft of the batch. With ``create_actors``, actors that nobody knows are created.
    """
    # What asks nothing of the store is judged before anybody is kept from writing.
    loaded, rejected = _load(EventBody(min_year), drafts)

    def work() -> Report:
        report = Report(received=len(drafts), rejected=list(rejected))
        with ledger(database, by, reason) as log:
            judged = _judge(log, loaded, create_actors, report)
            before = versions(database, [content["id"] for _, content in judged])
            after = _append(log, judged, before, report)
            catalog.ensure_datasets(log, {content["dataset"] for _, content in judged})
            _project(database, before, after)
        report.rejected.sort(key=lambda rejected: rejected.line)
        return report

    return write(database, work)


def _load(schema: EventBody, drafts: Sequence[Draft]) -> tuple[list[Loaded], list[Rejection]]:
    """The drafts that the schema passes, each with its members and an id, and those that it refuses."""
    loaded, rejected = [], []
    for draft in drafts:
        try:
            body = load(schema, draft.body)
        except Refused as refused:
            rejected.append(rejection(draft, refused.faults))
        else:
            loaded.append((draft, {**body, "id": body["id"] or new_event_id()}))
    return loaded, rejected


def _judge(log: Ledger, loaded: list[Loaded], create_actors: bool, report: Report) -> list[Loaded]:
    """The drafts that may be stored, each in canonical form; the others go into the report."""
    loaded = _without_deleted(log.database, loaded, report)
    loaded = _with_sound_relations(log.database, loaded, report)
    details = [actor for draft, _ in loaded for actor in draft.actors]
    references = References(log, [body for _, body in loaded], details, create_actors)
    judged = []
    for draft, body in loaded:
        try:
            judged.append((draft, canonical(body, references, {actor["name"]: actor for actor in draft.actors})))
        except Refused as refused:
            references.drop()
            report.reject(draft, refused.faults)
        else:
            references.keep()
    # A relation to a draft that was refused only now points at nothing after all.
    return _with_sound_relations(log.database, judged, report)


def _without_deleted(database: Database, drafts: list[Loaded], report: Report) -> list[Loaded]:
    """The drafts whose ids were not deleted. The others go first: nothing may be related to them either."""
    deleted = _among(database, "deleted", {body["id"] for _, body in drafts})
    for draft, body in drafts:
        if body["id"] in deleted:
            message = "this event was deleted; only restoring it brings it back"
            report.reject(draft, [Fault("/id", "deleted", message)])
    return [(draft, body) for draft, body in drafts if body["id"] not in deleted]


def _with_sound_relations(database: Database, drafts: list[Loaded], report: Report) -> list[Loaded]:
    """The drafts whose relations point to events that exist or come with the batch.

    Rejecting one can leave another pointing at nothing, so it is repeated until all that is left is sound.
    """
    stored = _among(database, "NOT deleted", {relation["id"] for _, body in drafts for relation in body["related"]})
    while True:
        there = stored | {body["id"] for _, body in drafts}
        sound = []
        for draft, body in drafts:
            faults = [
                Fault(f"/related/{index}/id", "unknown-event", f"there is no event {relation['id']!r}")
                for index, relation in enumerate(body["related"])
                if relation["id"] not in there
            ]
            if faults:
                report.reject(draft, faults)
            else:
                sound.append((draft, body))
        if len(sound) == len(drafts):
            return sound
        drafts = sound


def _among(database: Database, state: str, ids: Iterable[str]) -> set[str]:
    """Those of the ids whose events are in a state: ``deleted`` or ``NOT deleted``."""
    found: set[str] = set()
    for chunk in chunks(sorted(ids)):
        marks = ", ".join("?" * len(chunk))
        found |= {row[0] for row in fetch(database, f"SELECT id FROM event WHERE {state} AND id IN ({marks})", chunk)}
    return found


def versions(database: Database, ids: Iterable[str]) -> dict[str, Version]:
    """The current version of each of these events that the store has ever had, deleted ones too."""
    found: dict[str, Version] = {}
    for chunk in chunks(sorted(set(ids))):
        marks = ", ".join("?" * len(chunk))
        rows = fetch(
            database,
            "SELECT e.id, e.num, e.version, first.recorded, last.recorded, last.content, "
            "(SELECT r.original FROM revision r WHERE r.subject = e.id AND r.kind = 'event' "
            " AND r.original IS NOT NULL ORDER BY r.version DESC LIMIT 1) "
            "FROM event e "
            "JOIN revision first ON first.subject = e.id AND first.kind = 'event' AND first.version = 1 "
            "JOIN revision last ON last.subject = e.id AND last.kind = 'event' AND last.version = e.version "
            f"WHERE e.id IN ({marks})",
            chunk,
        )
        for event_id, num, version, created, updated, content, original in rows:
            found[event_id] = Version(num, version, created, updated, content and orjson.loads(content), original)
    return found


def _append(
    log: Ledger,
    judged: Sequence[Loaded],
    before: Mapping[str, Version],
    report: Report,
) -> dict[str, Version]:
    """Append a revision for each draft that changes something; return the last version of each event changed."""
    after: dict[str, Version] = {}
    [(last_num,)] = fetch(log.database, "SELECT coalesce(max(num), 0) FROM event")
    for draft, content in judged:
        event_id = content["id"]
        known = after.get(event_id) or before.get(event_id)
        original = None if draft.original is None else orjson.dumps(draft.original).decode()
        if known is None:
            last_num += 1
            known = Version(last_num, 0, log.recorded, log.recorded, None, None)
            report.created += 1
        elif known.content == content and original in (None, known.original):
            report.unchanged += 1
            continue
        else:
            report.updated += 1
        after[event_id] = Version(
            known.num, known.version + 1, known.created, log.recorded, content, original or known.original
        )
        operation = "updated" if known.version else "created"
        log.append("event", event_id, known.version + 1, operation, orjson.dumps(content).decode(), original)
    return after


def _project(database: Database, before: Mapping[str, Version], after: Mapping[str, Version]) -> None:
    """Bring the read side of every event in ``after`` from its version before."""
    old = {event_id: before[event_id] for event_id in after if event_id in before}
    contents = [version.content for version in (*old.values(), *after.values()) if version.content]
    known = actors.views(database, {actor for content in contents for actor in actors_in(content)})
    changes = [
        read_side.Change(
            version.num,
            _projection(old[event_id], known) if event_id in old else None,
            _projection(version, known),
        )
        for event_id, version in after.items()
    ]
    read_side.apply(database, changes)


def _projection(version: Version, known: Mapping[str, ActorView]) -> Projection | None:
    if version.content is None:
        return None
    return project(version.content, version.version, version.created, version.updated, known)


def write_actors(database: Database, bodies: Sequence[Mapping[str, Any]], *, by: str, reason: str | None = None) -> int:
    """Create or replace actors in one transaction, all or none; return how many changed.

    The answers of events that name them follow: new names show, new organisations count. Raises Refused.
    """

    def work() -> int:
        with ledger(database, by, reason) as log:
            judged = actors.judge_actors(database, bodies)
            moved = [actor["id"] for actor in judged if actors.shows_otherwise(database, actor)]
            events = _events_naming(database, moved)
            named = {
                actor
                for chunk in chunks(events)
                for event in versions(database, chunk).values()
                if event.content
                for actor in actors_in(event.content)
            }
            old = actors.views(database, named)
            changed = [actor["id"] for actor in judged if actors.store_actor(log, actor)]
            new = actors.views(database, named)
            for chunk in chunks(events):
                changes = [
                    read_side.Change(event.num, _projection(event, old), _projection(event, new))
                    for event in versions(database, chunk).values()
                ]
                read_side.apply(database, [change for change in changes if change.before != change.after])
        return len(changed)

    return write(database, work)


def _events_naming(database: Database, ids: Sequence[str]) -> list[str]:
    """The ids of the events in which these actors, or members of them, take part or claim something."""
    terms = [Term(kind, actor) for actor in ids for kind in ("actor", "claimant")]
    found: set[str] = set()
    for number in numbers_of(database, terms).values():
        rows = fetch(
            database,
            "SELECT e.id FROM timeline t JOIN event e ON e.num = t.num WHERE t.term = ? AND t.place = 0 AND t.span = 0",
            (number,),
        )
        found |= {event_id for (event_id,) in rows}
    return sorted(found)


def new_event_id() -> str:
    """A UUIDv7 (RFC 9562): the time in milliseconds, then random bits, so that later ids sort later."""
    value = (time.time_ns() // 1_000_000 & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
