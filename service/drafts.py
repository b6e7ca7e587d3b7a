"""Judges the events that someone wants to be stored: by their schema, by what they refer to, and by each other."""

from __future__ import annotations

import os
import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from peewee import Database

from schemas.certain import load_event
from schemas.faults import Fault, Refused
from service.canonical import canonical
from service.database import chunks, fetch
from service.ledger import Ledger
from service.projections import actors_in
from service.references import References
from service.versions import Version

DELETED = "this event was deleted; only restoring it brings it back"


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that someone wants to be stored.

    line: where it stood in its file or body, from 1.
    body: the event in the form of ``POST /v1/events``.
    original: the record it was made from, as it was read; None where it was written here.
    actors: what is known of actors that it names, to find them by a dataset's id or to create them from.
    lacks: members that it says nothing of, so that it must not empty them.
    """

    line: int
    body: Any
    original: Mapping[str, Any] | None = None
    actors: Sequence[Mapping[str, Any]] = ()
    lacks: frozenset[str] = frozenset()


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
    """What became of the drafts.

    overwritten: the lines of those updated that somebody had changed since they were imported.
    """

    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    overwritten: list[int] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Count another batch's report in."""
        self.received += other.received
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.overwritten += other.overwritten
        self.rejected += other.rejected

    def reject(self, draft: Draft, faults: Iterable[Fault]) -> None:
        self.rejected.append(rejection(draft, faults))


# A draft and its members, names still as given or already resolved.
Loaded = tuple[Draft, dict[str, Any]]


def rejection(draft: Draft, faults: Iterable[Fault]) -> Rejection:
    """What is told of a draft that is not stored."""
    given = draft.body.get("id") if isinstance(draft.body, Mapping) else None
    return Rejection(draft.line, given if isinstance(given, str) else None, tuple(faults))


def load_drafts(drafts: Sequence[Draft], min_year: int) -> tuple[list[Loaded], list[Rejection]]:
    """The drafts that the schema passes, each with its members and an id, and those that it refuses.

    It asks nothing of the store, so nobody is kept from writing meanwhile.
    """
    loaded, rejected = [], []
    for draft in drafts:
        try:
            body = load_event(draft.body, min_year)
        except Refused as refused:
            rejected.append(rejection(draft, refused.faults))
        else:
            body["id"] = body["id"] or new_event_id()
            loaded.append((draft, body))
    return loaded, rejected


def judge_drafts(
    log: Ledger, loaded: Sequence[Loaded], before: Mapping[str, Version], create_actors: bool, report: Report
) -> list[Loaded]:
    """The drafts that may be stored, each in canonical form; the others go into the report.

    before: the current version of each of their events that the store has ever had.
    """
    # Those whose ids were deleted go first: nothing may be related to them either.
    alive = _without_deleted(loaded, before, report)
    stored = existing(log.database, {relation["id"] for _, body in alive for relation in body["related"]})
    sound = _with_sound_relations(alive, stored, before, report)
    details = [actor for draft, _ in sound for actor in draft.actors]
    references = References(log, [body for _, body in sound], details, create_actors)
    judged = []
    for draft, body in sound:
        hints = {actor["name"]: actor for actor in draft.actors}
        try:
            content = canonical(body, references, hints, before.get(body["id"]))
            _refuse_emptying(draft.lacks, content, before.get(body["id"]))
            judged.append((draft, content))
        except Refused as refused:
            references.drop()
            report.reject(draft, refused.faults)
        else:
            references.keep()
    # A relation to a draft that was refused only now points at nothing after all.
    taken = _with_sound_relations(judged, stored, before, report)
    if references.has_new:
        references.store({actor for _, content in taken for actor in actors_in(content)})
    return taken


def _refuse_emptying(lacks: Collection[str], content: Mapping[str, Any], known: Version | None) -> None:
    """Refuse to take from an event what a draft says nothing of. Raises Refused."""
    if not lacks or known is None or known.content is None:
        return
    before, unsaid = known.content, _unsaid()
    emptied = sorted(name for name in lacks if content[name] == unsaid[name] and content[name] != before[name])
    if emptied:
        message = f"the event has {', '.join(emptied)}, of which the file says nothing; they would be emptied"
        raise Refused([Fault("/", "would-be-emptied", message)])


@cache
def _unsaid() -> Mapping[str, Any]:
    """What an event has of each member where nobody said anything of it."""
    unsaid: Mapping[str, Any] = load_event({"title": "-", "date": "2000"})
    return unsaid


def _without_deleted(drafts: Sequence[Loaded], before: Mapping[str, Version], report: Report) -> list[Loaded]:
    alive = []
    for draft, body in drafts:
        known = before.get(body["id"])
        if known and known.content is None:
            report.reject(draft, [Fault("/id", "deleted", DELETED)])
        else:
            alive.append((draft, body))
    return alive


def _with_sound_relations(
    drafts: Sequence[Loaded], stored: Collection[str], before: Mapping[str, Version], report: Report
) -> list[Loaded]:
    """The drafts whose relations point to events that exist (``stored``) or come with the batch.

    Rejecting one can leave others pointing at nothing, and these still others. Each relation is followed once.
    """
    naming: dict[str, list[int]] = {}
    for place, (_, body) in enumerate(drafts):
        if body["related"]:
            for target in {relation["id"] for relation in body["related"]} - related_already(before.get(body["id"])):
                if target not in stored:
                    naming.setdefault(target, []).append(place)
    if not naming:
        return list(drafts)
    coming = Counter(body["id"] for _, body in drafts)
    refused: set[int] = set()
    missing = [target for target in naming if not coming[target]]
    while missing:
        for place in set(naming.pop(missing.pop(), ())) - refused:
            refused.add(place)
            event_id = drafts[place][1]["id"]
            coming[event_id] -= 1
            if not coming[event_id] and event_id in naming:
                missing.append(event_id)
    sound = [loaded for place, loaded in enumerate(drafts) if place not in refused]
    there = {*stored, *(body["id"] for _, body in sound)}
    for place in sorted(refused):
        draft, body = drafts[place]
        report.reject(draft, relation_faults(body, there | related_already(before.get(body["id"]))))
    return sound


def relation_faults(body: Mapping[str, Any], there: Collection[str]) -> list[Fault]:
    """What is wrong with the relations of an event, where ``there`` are the events that it may be related to."""
    return [
        Fault(f"/related/{index}/id", "unknown-event", f"there is no event {relation['id']!r}")
        for index, relation in enumerate(body["related"])
        if relation["id"] not in there
    ]


def related_already(known: Version | None) -> set[str]:
    """The events that an event is related to already: what was read can be written back, though one was deleted."""
    return {relation["id"] for relation in known.content["related"]} if known and known.content else set()


def existing(database: Database, ids: Iterable[str]) -> set[str]:
    """Those of the ids that events have which are not deleted."""
    found: set[str] = set()
    for chunk in chunks(sorted(ids)):
        marks = ", ".join("?" * len(chunk))
        found |= {
            row[0] for row in fetch(database, f"SELECT id FROM event WHERE NOT deleted AND id IN ({marks})", chunk)
        }
    return found


def new_event_id() -> str:
    """A UUIDv7 (RFC 9562): the time in milliseconds, then random bits, so that later ids sort later."""
    value = (time.time_ns() // 1_000_000 & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
