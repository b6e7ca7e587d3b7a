"""Reads actors as answers show them, with how many events they take part in, from when to when."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from peewee import Database

from schemas.errors import Ambiguous, Gone, NotFound
from schemas.fields import ID_FORM, shorten
from schemas.names import fold
from service.actors import ActorNames, ever, is_merged, names_of
from service.catalog import extents
from service.database import fetch
from service.ledger import timestamp
from service.terms import Term

COLUMNS = "a.id, a.version, a.content, a.created, a.updated"


@dataclass(frozen=True, slots=True)
class ActorsQuery:
    """What is asked of the list of actors.

    q: a piece of a name or alias. cursor: the id of the page's first actor.
    """

    q: str | None = None
    kind: str | None = None
    country: str | None = None
    limit: int = 100
    cursor: str | None = None


def list_actors(database: Database, asked: ActorsQuery) -> tuple[list[dict[str, Any]], str | None]:
    """One page of actors by id, and the id of the next page's first actor or None."""
    tests, parameters = ["a.id >= ?"], [asked.cursor or ""]
    for column in ("kind", "country"):
        if (value := getattr(asked, column)) is not None:
            tests.append(f"a.{column} = ?")
            parameters.append(value)
    if asked.q is not None:
        # A folded name holds letters and digits only, so nothing in it means anything to LIKE.
        tests.append("EXISTS (SELECT 1 FROM actor_name n WHERE n.actor = a.id AND n.folded LIKE ?)")
        parameters.append(f"%{fold(asked.q)}%")
    rows = fetch(
        database,
        f"SELECT {COLUMNS} FROM actor a WHERE {' AND '.join(tests)} ORDER BY a.id LIMIT ?",
        [*parameters, asked.limit + 1],
    )
    following = rows[asked.limit][0] if len(rows) > asked.limit else None
    return _shown(database, rows[: asked.limit]), following


def find_actor(database: Database, name: str) -> dict[str, Any]:
    """The actor with this id, or else the only one with this name. Raises NotFound, or Gone once it is deleted."""
    candidates = ActorNames(database, [name]).candidates(name) if len(name) <= 500 else []
    if name not in candidates and ever(database, _as_id(name)) and not is_merged(database, name):
        # Another may have been given its id as a name since.
        raise Gone("actor", name)
    if len(candidates) != 1:
        message = f"There is no actor {shorten(name)!r}."
        if candidates:
            several = names_of(database, candidates)
            hint = f" Several actors have this name: {', '.join(candidates)}."
            raise Ambiguous(message + hint, [(actor, several[actor]) for actor in candidates])
        raise NotFound(message)
    rows = fetch(database, f"SELECT {COLUMNS} FROM actor a WHERE a.id = ?", (candidates[0],))
    return _shown(database, rows)[0]


def members_of(database: Database, organisation: str, limit: int) -> list[dict[str, Any]]:
    """The first direct members of an organisation by id: ``{"id", "name"}``."""
    rows = fetch(
        database,
        "SELECT a.id, a.content FROM actor_membership m JOIN actor a ON a.id = m.actor WHERE m.organisation = ? "
        "ORDER BY a.id LIMIT ?",
        (organisation, limit),
    )
    return [{"id": actor, "name": orjson.loads(content)["name"]} for actor, content in rows]


def _as_id(name: str) -> list[str]:
    """A name as the one id that it may be."""
    return [name] if ID_FORM.match(name) else []


def actor_tag(actor: Mapping[str, Any], asked: str) -> str:
    """The entity tag of an actor's answer: its version, and a checksum of what its events have added to it.

    asked: the name it was asked for by. A name can pass to another actor of the same version, so under any name
    but the id the tag begins with the id; no id has a colon.
    """
    tag = str(actor["version"])
    if actor["events"]:
        counted = [actor["events"], actor["first"], actor["last"]]
        tag += f".{zlib.crc32(orjson.dumps(counted))}"
    return tag if asked == actor["id"] else f"{actor['id']}:{tag}"


def _shown(database: Database, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    counted = extents(database, [Term("actor", row[0]) for row in rows])
    return [
        {
            **orjson.loads(content),
            **counted[Term("actor", actor)],
            "version": version,
            "created": timestamp(created),
            "updated": timestamp(updated),
        }
        for actor, version, content, created, updated in rows
    ]
