"""The only writer of events: appends their revisions and brings the read side along, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from peewee import Database

from schemas.certain import load_event
from schemas.errors import Conflict, Gone, NotFound
from schemas.faults import Fault, Refused
from schemas.fields import ID_FORM, shorten
from schemas.precondition import Precondition
from service import actors, catalog, read_side
from service.canonical import canonical
from service.database import fetch, write
from service.drafts import (
    Draft,
    Report,
    existing,
    judge_drafts,
    load_drafts,
    new_event_id,
    related_already,
    relation_faults,
)
from service.events import Found, find_event
from service.ledger import Ledger, ledger
from service.patches import Patch, misfits
from service.projections import Projection, actors_in, project
from service.references import References
from service.versions import Version, merges, read_content, versions


@dataclass(frozen=True, slots=True)
class Step:
    """What an event is to become: ``content`` in canonical form, or None where it is to be deleted.

    operation: what to call it where that does not follow. original: the record that it was imported from, as JSON.
    """

    id: str
    content: dict[str, Any] | None
    operation: str | None = None
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one event: its id, the operation, or ``unchanged``, and the event as it is read now."""

    id: str
    operation: str
    event: Found


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
    return write(database, writing(database, drafts, by, reason, create_actors, min_year))


def writing(
    database: Database,
    drafts: Sequence[Draft],
    by: str,
    reason: str | None,
    create_actors: bool,
    min_year: int,
    gathered: read_side.Gathered | None = None,
) -> Callable[[], Report]:
    """What ``write_events`` does within a transaction, for who has one open; what needs none is done by then.

    gathered: see ``read_side.apply``.
    """
    loaded, rejected = load_drafts(drafts, min_year)

    def work() -> Report:
        report = Report(received=len(drafts), rejected=list(rejected))
        with ledger(database, by, reason) as log:
            imported = any(draft.original is not None for draft in drafts)
            before = versions(database, [body["id"] for _, body in loaded], originals=imported)
            edited = {event_id for event_id, version in before.items() if version.edited}
            judged = judge_drafts(log, loaded, before, create_actors, report)
            operations = record(log, before, [_step(draft, content) for draft, content in judged], gathered)
        report.created = operations.count("created")
        report.updated = operations.count("updated")
        report.unchanged = operations.count("unchanged")
        for operation, (draft, content) in zip(operations, judged, strict=True):
            if operation == "updated" and content["id"] in edited:
                # A further draft of the same id replaces what this one made of it.
                edited.remove(content["id"])
                report.overwritten.append(draft.line)
        report.rejected.sort(key=lambda rejected: rejected.line)
        return report

    return work


def _step(draft: Draft, content: dict[str, Any]) -> Step:
    original = None if draft.original is None else orjson.dumps(draft.original).decode()
    return Step(content["id"], content, original=original)


def create_event(
    database: Database,
    body: Any,
    *,
    by: str,
    reason: str | None = None,
    create_actors: bool = False,
    min_year: int = 1000,
) -> Written:
    """Store an event that is not there yet. Raises Refused, and Conflict where its id is taken or was deleted."""
    loaded = load_event(body, min_year)
    event_id = loaded["id"] or new_event_id()

    def judge(current: Version | None) -> None:
        if current and current.content is not None:
            raise Conflict(f"There is an event {event_id!r} already, version {current.version}.")

    return _write_one(database, event_id, lambda _: loaded, judge, by, reason, create_actors)


def put_event(
    database: Database,
    event_id: str,
    body: Any,
    precondition: Precondition,
    *,
    by: str,
    reason: str | None = None,
    create_actors: bool = False,
    min_year: int = 1000,
) -> Written:
    """Create or replace the event with this id. Raises Refused, Conflict for a deleted id, Stale or Unconditional."""
    loaded = load_event(body, min_year)
    _refuse_other_id(loaded["id"], event_id)
    judge = _judge_by(precondition, event_id)
    return _write_one(database, event_id, lambda _: loaded, judge, by, reason, create_actors)


def patch_event(
    database: Database,
    event_id: str,
    patch: Patch,
    precondition: Precondition,
    *,
    by: str,
    reason: str | None = None,
    create_actors: bool = False,
    min_year: int = 1000,
) -> Written:
    """Change an event by a patch of its answer. Raises NotFound, Gone, Refused, Stale or Unconditional."""
    judge = _judge_by(precondition, event_id)

    def patched(current: Version | None) -> dict[str, Any]:
        _must_be_there(event_id, current)
        try:
            body = patch.apply_to_event(find_event(database, event_id).document)
        except Refused as refused:
            # A patch that was made for another version need not fit this one.
            if misfits(refused):
                judge(current)
            raise
        loaded: dict[str, Any] = load_event(body, min_year)
        _refuse_other_id(loaded["id"], event_id)
        return loaded

    return _write_one(database, event_id, patched, judge, by, reason, create_actors)


def restore_event(
    database: Database, event_id: str, version: int, precondition: Precondition, *, by: str, reason: str | None = None
) -> Written:
    """Bring back what an event was in a version, deleted or alive, as a new version.

    Raises NotFound where the event or the version never was; of an event that is alive, Stale or Unconditional.
    """

    def work() -> Written:
        with ledger(database, by, reason) as log:
            current = _current(database, event_id)
            if current is None:
                raise NotFound(f"There is no event {shorten(event_id)!r}.")
            content = _content_of(database, event_id, version)
            if current.content is not None:
                precondition.judge(f"the event {event_id}", current.version)
            _refuse_unknown_actors(database, content)
            [operation] = record(log, {event_id: current}, [Step(event_id, content, "restored")])
        return Written(event_id, operation, find_event(database, event_id))

    return write(database, work)


def delete_events(database: Database, ids: Sequence[str], *, by: str, reason: str | None = None) -> int:
    """Delete those of the events that there are, in one transaction, and return how many; their revisions remain."""

    def work() -> int:
        with ledger(database, by, reason) as log:
            before = versions(database, ids)
            alive = [event_id for event_id in ids if event_id in before and before[event_id].content is not None]
            record(log, before, [Step(event_id, None, "deleted") for event_id in alive])
        return len(alive)

    return write(database, work)


def delete_event(
    database: Database, event_id: str, precondition: Precondition, *, by: str, reason: str | None = None
) -> None:
    """Delete an event; its revisions remain. Raises NotFound, Gone, Stale or Unconditional."""

    def work() -> None:
        with ledger(database, by, reason) as log:
            current = _must_be_there(event_id, _current(database, event_id))
            precondition.judge(f"the event {event_id}", current.version)
            record(log, {event_id: current}, [Step(event_id, None, "deleted")])

    write(database, work)


def _write_one(
    database: Database,
    event_id: str,
    wanted: Callable[[Version | None], dict[str, Any]],
    judge: Callable[[Version | None], None],
    by: str,
    reason: str | None,
    create_actors: bool,
) -> Written:
    """Write one event. What is wrong with it is told before what is wrong with the moment.

    wanted: the current version → what the schema made of the body. judge: raises what speaks against a change of it.
    """

    def work() -> Written:
        with ledger(database, by, reason) as log:
            current = _current(database, event_id)
            body = {**wanted(current), "id": event_id}
            there = existing(database, {relation["id"] for relation in body["related"]})
            faults = relation_faults(body, there | {event_id} | related_already(current))
            if faults:
                raise Refused(faults)
            references = References(log, [body], create=create_actors)
            content = canonical(body, references, {}, current)
            if current and current.content is None:
                raise Conflict(f"The event {event_id} was deleted; only restoring it brings it back.")
            judge(current)
            references.keep()
            references.store(actors_in(content))
            [operation] = record(log, {event_id: current} if current else {}, [Step(event_id, content)])
        return Written(event_id, operation, find_event(database, event_id))

    return write(database, work)


def _judge_by(precondition: Precondition, event_id: str) -> Callable[[Version | None], None]:
    def judge(current: Version | None) -> None:
        alive = current is not None and current.content is not None
        precondition.judge(f"the event {event_id}", current.version if current and alive else None)

    return judge


def _refuse_other_id(given: str | None, event_id: str) -> None:
    if given not in (None, event_id):
        raise Refused([Fault("/id", "other-id", f"is not the id in the address, {event_id!r}", (event_id,))])


def _current(database: Database, event_id: str) -> Version | None:
    return versions(database, [event_id]).get(event_id) if ID_FORM.match(event_id) else None


def _must_be_there(event_id: str, current: Version | None) -> Version:
    if current is None:
        raise NotFound(f"There is no event {shorten(event_id)!r}.")
    if current.content is None:
        raise Gone("event", event_id)
    return current


def _content_of(database: Database, event_id: str, version: int) -> dict[str, Any]:
    """What an event was in a version. Raises NotFound, and Refused for a version that is a deletion."""
    sql = "SELECT content FROM revision WHERE kind = 'event' AND subject = ? AND version = ?"
    rows = fetch(database, sql, (event_id, version))
    if not rows:
        raise Refused([Fault("/version", "unknown-version", f"the event {event_id} has no version {version}")])
    content = read_content(rows[0][0], merges(database))
    if content is None:
        message = f"version {version} is a deletion; take one that holds the event"
        raise Refused([Fault("/version", "deletion", message, (str(version - 1),))])
    return content


def _refuse_unknown_actors(database: Database, content: Mapping[str, Any]) -> None:
    missing = actors_in(content) - actors.existing(database, actors_in(content))
    if missing:
        raise Conflict(f"That version names actors that were deleted since: {', '.join(sorted(missing))}.")


def record(
    log: Ledger, before: Mapping[str, Version], steps: Sequence[Step], gathered: read_side.Gathered | None = None
) -> list[str]:
    """Append a revision for each step that changes something, and bring the read side along.

    before: the current version of each event that the store has ever had. gathered: see ``read_side.apply``.
    Returns for each step ``created``, ``updated``, ``deleted``, ``restored`` or ``unchanged``.
    """
    after: dict[str, Version] = {}
    ended: list[tuple[str, Version, int]] = []
    operations = []
    [(last_num,)] = fetch(log.database, "SELECT coalesce(max(num), 0) FROM event")
    for step in steps:
        known = after.get(step.id) or before.get(step.id)
        if known is None:
            last_num += 1
            known = Version(last_num, 0, 0, log.recorded, log.recorded, None)
        elif _says_nothing_new(known, step):
            operations.append("unchanged")
            continue
        operation = step.operation or ("updated" if known.version else "created")
        number = known.version + 1
        content = None if step.content is None else orjson.dumps(step.content).decode()
        sequence = log.append("event", step.id, number, operation, content, step.original)
        if known.content is not None:
            ended.append((step.id, known, sequence))
        after[step.id] = Version(
            known.num, number, sequence, known.created, log.recorded, step.content, step.original or known.original
        )
        operations.append(operation)
    catalog.ensure_datasets(log, {step.content["dataset"] for step in steps if step.content})
    _project(log.database, before, after, ended, gathered)
    return operations


def _says_nothing_new(known: Version, step: Step) -> bool:
    """Whether an event is that already; or was, when somebody changed it, and its record has stayed the same since."""
    same_record = step.original in (None, known.original)
    return same_record and (known.content == step.content or (known.edited and step.original is not None))


def _project(
    database: Database,
    before: Mapping[str, Version],
    after: Mapping[str, Version],
    ended: Sequence[tuple[str, Version, int]],
    gathered: read_side.Gathered | None,
) -> None:
    """Bring the read side of every event in ``after`` from its version before."""
    past = [version for _, version, _ in ended]
    contents = [version.content for version in (*past, *after.values()) if version.content]
    known = actors.views(database, {actor for content in contents for actor in actors_in(content)})
    sides = {(event_id, version.version): project(version, known) for event_id, version, _ in ended}

    def side(event_id: str, version: Version | None) -> Projection | None:
        if version is None or version.content is None:
            return None
        return sides.get((event_id, version.version)) or project(version, known)

    changes = [
        read_side.Change(
            version.num,
            side(event_id, before.get(event_id)),
            side(event_id, version),
            version.sequence if version.content is None else None,
        )
        for event_id, version in after.items()
    ]
    superseded = [
        read_side.Superseded(sides[event_id, version.version], sequence) for event_id, version, sequence in ended
    ]
    read_side.apply(database, changes, superseded, gathered)
