"""Reads the revision log: the last revision of everything, and what the read side should hold of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from peewee import Database

from service import actors
from service.database import chunks, fetch
from service.event_store import Version
from service.projections import Projection, actors_in, project

# Revisions that are read at a time: the rows made of as many events fit the parameters of a statement.
BATCH = 200

# Subject, version, created, updated, content; the times are microseconds, a deletion has no content.
Latest = tuple[str, int, int, int, str | None]


def end_of_log(database: Database) -> tuple[int, int]:
    """The last sequence and the last time of the revisions; zeros where there are none."""
    [(sequence, recorded)] = fetch(
        database, "SELECT coalesce(max(sequence), 0), coalesce(max(recorded), 0) FROM revision"
    )
    return sequence, recorded


def latest(database: Database, kind: str) -> Iterator[list[Latest]]:
    """The last revision of everything of a kind, in batches."""
    rows = fetch(database, "SELECT subject FROM revision WHERE kind = ? AND version = 1 ORDER BY sequence", (kind,))
    for chunk in chunks([subject for (subject,) in rows], BATCH):
        marks = ", ".join("?" * len(chunk))
        yield fetch(
            database,
            "SELECT r.subject, r.version, f.recorded, r.recorded, r.content FROM revision r "
            "JOIN revision f ON f.subject = r.subject AND f.kind = r.kind AND f.version = 1 "
            f"WHERE r.kind = ? AND r.subject IN ({marks}) AND r.version = (SELECT max(l.version) FROM revision l "
            "WHERE l.subject = r.subject AND l.kind = r.kind) ORDER BY f.sequence",
            (kind, *chunk),
        )


def projected(
    database: Database, batch: list[Latest], nums: dict[str, int]
) -> Iterator[tuple[str, Version, Projection | None]]:
    """Each event's last version and what the read side should hold of it."""
    contents = {subject: orjson.loads(content) for subject, _, _, _, content in batch if content}
    known = actors.views(database, {actor for content in contents.values() for actor in actors_in(content)})
    for subject, number, created, updated, _ in batch:
        content = contents.get(subject)
        version = Version(nums.get(subject, 0), number, created, updated, content, None)
        yield subject, version, project(content, number, created, updated, known) if content else None


def latest_actors(database: Database) -> Iterator[tuple[dict[str, Any], int, int, int]]:
    for batch in latest(database, "actor"):
        for _, version, created, updated, content in batch:
            if content is not None:
                yield orjson.loads(content), version, created, updated
