"""The only writer of actors; the answers and the places in the index of the events that name them follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from peewee import Database

from schemas.actor import ALIASES_LIMIT, EXTERNAL_IDS_LIMIT
from schemas.errors import Conflict, Gone, NotFound
from schemas.faults import Fault, Refused, Unreadable
from schemas.fields import ID_FORM, shorten
from schemas.precondition import Precondition
from schemas.vocabulary import CIVILIANS
from service import actors
from service.actor_list import find_actor
from service.database import execute, fetch, insert_rows, write
from service.following import events_naming, naming_terms, with_their_events
from service.ledger import Ledger, ledger, store_state
from service.models import ActorMerge
from service.patches import Patch, misfits
from service.versions import merges


@dataclass(frozen=True, slots=True)
class ActorState:
    """How an actor stands: its last version, and what it is, None where it was deleted or merged.

    into: the actor that it was merged into.
    """

    version: int
    content: dict[str, Any] | None
    into: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """An actor as it is read after a write, and the sequence of the last change that this shows."""

    actor: dict[str, Any]
    sequence: int


def _written(database: Database, actor_id: str) -> Written:
    """To be called within the transaction of the write, before anybody else can come."""
    return Written(find_actor(database, actor_id), store_state(database).sequence)


def state_of(database: Database, actor_id: str) -> ActorState | None:
    """How the actor with this very id stands, None where there never was one."""
    if not ID_FORM.match(actor_id):
        return None
    rows = fetch(
        database,
        "SELECT r.version, r.operation, r.content, (SELECT m.actor FROM actor_merge m WHERE m.id = r.subject) "
        "FROM revision r WHERE r.kind = 'actor' AND r.subject = ? ORDER BY r.version DESC LIMIT 1",
        (actor_id,),
    )
    if not rows:
        return None
    [(version, operation, content, into)] = rows
    return ActorState(version, None if operation == "deleted" else orjson.loads(content), into)


def write_actors(database: Database, bodies: Sequence[Mapping[str, Any]], *, by: str, reason: str | None = None) -> int:
    """Create or replace actors in one transaction, all or none; return how many changed. Raises Refused."""

    def work() -> int:
        with ledger(database, by, reason) as log:
            judged = actors.judge_actors(database, bodies)
            return len(_store(log, judged))

    return write(database, work)


def create_actor(database: Database, body: Any, *, by: str, reason: str | None = None) -> Written:
    """Store an actor that is not there yet. Raises Refused, and Conflict where its id is or was taken."""

    def judge(actor_id: str, state: ActorState | None) -> None:
        if state is not None and state.content is not None:
            raise Conflict(f"There is an actor {actor_id!r} already, version {state.version}.")

    return _write_one(database, None, lambda _: body, judge, by, reason)


def put_actor(
    database: Database, actor_id: str, body: Any, precondition: Precondition, *, by: str, reason: str | None = None
) -> Written:
    """Create or replace the actor with this id. Raises Refused, Conflict, Stale or Unconditional."""
    return _write_one(database, actor_id, lambda _: body, _judge_by(precondition), by, reason)


def patch_actor(
    database: Database, actor_id: str, patch: Patch, precondition: Precondition, *, by: str, reason: str | None = None
) -> Written:
    """Change an actor by a patch of its answer. Raises NotFound, Gone, Refused, Stale or Unconditional."""
    judge = _judge_by(precondition)

    def patched(state: ActorState | None) -> Any:
        _must_be_there(actor_id, state)
        try:
            return patch.apply(find_actor(database, actor_id))
        except Refused as refused:
            if misfits(refused):
                judge(actor_id, state)
            raise

    return _write_one(database, actor_id, patched, judge, by, reason)


def restore_actor(
    database: Database, actor_id: str, version: int, precondition: Precondition, *, by: str, reason: str | None = None
) -> Written:
    """Bring back what an actor was in a version. Raises NotFound, Refused, Conflict, Stale or Unconditional."""

    def work() -> Written:
        with ledger(database, by, reason) as log:
            state = state_of(database, actor_id)
            if state is None:
                raise NotFound(f"There is no actor {shorten(actor_id)!r}.")
            _refuse_merged(actor_id, state)
            [actor] = _judged(database, _content_of(database, actor_id, version))
            if state.content is not None:
                precondition.judge(f"the actor {actor_id}", state.version)
            _store(log, [actor], "restored")
        return _written(database, actor_id)

    return write(database, work)


def delete_actor(
    database: Database, actor_id: str, precondition: Precondition, *, by: str, reason: str | None = None
) -> None:
    """Delete an actor that no event and no other actor names; its revisions remain.

    Raises NotFound, Gone, Stale, Unconditional, and Conflict where it is used.
    """

    def work() -> None:
        with ledger(database, by, reason) as log:
            state = _must_be_there(actor_id, state_of(database, actor_id))
            precondition.judge(f"the actor {actor_id}", state.version)
            _refuse_used(database, actor_id)
            log.append("actor", actor_id, state.version + 1, "deleted", None)
            # What is past goes on naming it.
            with_their_events(database, [actor_id], lambda: actors.remove_actor(database, actor_id))

    write(database, work)


def merge_actors(database: Database, actor_id: str, into: str, *, by: str, reason: str | None = None) -> Written:
    """Say that one actor is another: its events and names become that one's, and the old id goes on meaning it.

    into: any name of the other. No event gets a new version, as with a new name: what was recorded stays as it was
    said. Raises NotFound, Gone, Conflict, and Refused for an unknown ``into`` or too many aliases.
    """

    def work() -> Written:
        with ledger(database, by, reason) as log:
            state = _must_be_there(actor_id, state_of(database, actor_id))
            other = _other(database, into, actor_id)
            merged = _merged_content(database, state.content or {}, other)

            def change() -> None:
                log.append(
                    "actor", actor_id, state.version + 1, "deleted", orjson.dumps({"merged_into": other}).decode()
                )
                _rename_members(log, actor_id, other)
                actors.remove_actor(database, actor_id, keep_external_ids=True)
                execute(database, "UPDATE actor_merge SET actor = ? WHERE actor = ?", (other, actor_id))
                insert_rows(database, ActorMerge, [(actor_id, other)])
                actors.store_actor(log, merged)

            with_their_events(database, [actor_id, other], change)
        return _written(database, other)

    return write(database, work)


def _other(database: Database, into: str, actor_id: str) -> str:
    try:
        other = actors.ActorNames(database, [into]).find(into)
    except Unreadable as error:
        raise Refused(error.at("/into")) from None
    if other == actor_id:
        raise Refused([Fault("/into", "own-id", "an actor cannot be merged into itself")])
    if actor_id == CIVILIANS:
        raise Conflict("Civilians are nobody in particular, so they cannot be merged into anybody.")
    return other


def _merged_content(database: Database, old: Mapping[str, Any], other: str) -> dict[str, Any]:
    """What the actor is that the old one becomes part of: it takes over its names and memberships."""
    [(text,)] = fetch(database, "SELECT content FROM actor WHERE id = ?", (other,))
    content: dict[str, Any] = orjson.loads(text)
    names = dict.fromkeys([*content["aliases"], old["name"], *old["aliases"]])
    names.pop(content["name"], None)
    organisations = dict.fromkeys([*content["member_of"], *old["member_of"]])
    member_of = [actor for actor in organisations if actor not in (old["id"], other)]
    external = {**old["external_ids"], **content["external_ids"]}
    faults = [
        Fault("/into", "too-many", f"together they would have {count} {members}; at most {limit} are allowed")
        for count, members, limit in (
            (len(names), "aliases", ALIASES_LIMIT),
            (len(member_of), "organisations", ALIASES_LIMIT),
            (len(external), "ids in datasets", EXTERNAL_IDS_LIMIT),
        )
        if count > limit
    ]
    if faults:
        raise Refused(faults)
    return {**content, "aliases": list(names), "member_of": member_of, "external_ids": external}


def _rename_members(log: Ledger, old: str, other: str) -> None:
    """Make the members of one actor members of the other."""
    rows = fetch(
        log.database,
        "SELECT a.content FROM actor_membership m JOIN actor a ON a.id = m.actor "
        "WHERE m.organisation = ? AND m.actor NOT IN (?, ?) ORDER BY a.id",
        (old, old, other),
    )
    for (text,) in rows:
        member = orjson.loads(text)
        renamed = dict.fromkeys(other if actor == old else actor for actor in member["member_of"])
        actors.store_actor(log, {**member, "member_of": [actor for actor in renamed if actor != member["id"]]})


def _write_one(
    database: Database,
    actor_id: str | None,
    wanted: Callable[[ActorState | None], Any],
    judge: Callable[[str, ActorState | None], None],
    by: str,
    reason: str | None,
) -> Written:
    """Write one actor. What is wrong with it is told before what is wrong with the moment.

    wanted: how it stands → its body. judge: raises what speaks against a change of it.
    """

    def work() -> Written:
        with ledger(database, by, reason) as log:
            state = state_of(database, actor_id) if actor_id else None
            [actor] = _judged(database, _with_id(wanted(state), actor_id))
            if actor_id is None:
                state = state_of(database, actor["id"])
            if state is not None and state.content is None:
                _refuse_merged(actor["id"], state)
                raise Conflict(f"The actor {actor['id']} was deleted; only restoring it brings it back.")
            judge(actor["id"], state)
            _store(log, [actor])
        return _written(database, actor["id"])

    return write(database, work)


def _with_id(body: Any, actor_id: str | None) -> Any:
    if actor_id is None or not isinstance(body, Mapping):
        return body
    if body.get("id") not in (None, actor_id):
        raise Refused([Fault("/id", "other-id", f"is not the id in the address, {actor_id!r}", (actor_id,))])
    return {**body, "id": actor_id}


def _judged(database: Database, body: Any) -> list[dict[str, Any]]:
    """One actor in canonical form. Raises Refused with pointers into the body itself."""
    try:
        return actors.judge_actors(database, [body])
    except Refused as refused:
        raise Refused(fault.moved(fault.pointer.removeprefix("/0")) for fault in refused.faults) from None


def _judge_by(precondition: Precondition) -> Callable[[str, ActorState | None], None]:
    return lambda actor_id, state: precondition.judge(f"the actor {actor_id}", state.version if state else None)


def _must_be_there(actor_id: str, state: ActorState | None) -> ActorState:
    if state is None:
        raise NotFound(f"There is no actor {shorten(actor_id)!r}.")
    _refuse_merged(actor_id, state)
    if state.content is None:
        raise Gone("actor", actor_id)
    return state


def _refuse_merged(actor_id: str, state: ActorState) -> None:
    if state.into is not None:
        raise Conflict(f"The actor {actor_id} was merged into {state.into}; write to that.")


def _refuse_used(database: Database, actor_id: str) -> None:
    members = fetch(
        database,
        "SELECT actor FROM actor_membership WHERE organisation = ? AND actor <> ? ORDER BY actor",
        (actor_id, actor_id),
    )
    if actor_id == CIVILIANS:
        raise Conflict("Civilians are nobody in particular, and any event may name them, so they cannot be deleted.")
    if members:
        named = ", ".join(actor for (actor,) in members[:3])
        raise Conflict(f"{actor_id} has {len(members)} members ({named}); take the membership from them first.")
    events = events_naming(database, naming_terms(database, [actor_id]))
    if events:
        named = ", ".join(events[:3])
        hint = "take it out of them, or merge it into another actor"
        raise Conflict(f"The actor {actor_id} is named by {len(events)} of the events ({named}); {hint}.")


def _content_of(database: Database, actor_id: str, version: int) -> Any:
    rows = fetch(
        database,
        "SELECT operation, content FROM revision WHERE kind = 'actor' AND subject = ? AND version = ?",
        (actor_id, version),
    )
    if not rows:
        raise Refused([Fault("/version", "unknown-version", f"the actor {actor_id} has no version {version}")])
    if rows[0][0] == "deleted":
        message = f"version {version} is a deletion; take one that holds the actor"
        raise Refused([Fault("/version", "deletion", message, (str(version - 1),))])
    return _with_organisations_of_today(database, orjson.loads(rows[0][1]))


def _with_organisations_of_today(database: Database, content: Mapping[str, Any]) -> dict[str, Any]:
    """What an actor was, with merged organisations replaced; it may have become one of them, or several one."""
    merged = merges(database)
    organisations = dict.fromkeys(merged.get(actor, actor) for actor in content["member_of"])
    return {**content, "member_of": [actor for actor in organisations if actor != content["id"]]}


def _store(log: Ledger, judged: Sequence[Mapping[str, Any]], operation: str | None = None) -> list[str]:
    """Store actors in canonical form and let their events follow; return the ids of those that changed."""
    moved = actors.showing_otherwise(log.database, judged)
    return with_their_events(
        log.database, moved, lambda: [actor["id"] for actor in judged if actors.store_actor(log, actor, operation)]
    )
