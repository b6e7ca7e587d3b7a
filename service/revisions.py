"""Reads the revision log: what was done to one thing, the last of everything, and what the read side should hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from peewee import Database

from schemas.errors import NotFound
from schemas.fields import ID_FORM, shorten
from service import actors
from service.database import chunks, fetch
from service.ledger import timestamp
from service.projections import Projection, actors_in, project
from service.versions import Merges, Version, read_content

VERSION_MAX = 2**31 - 1
# Revisions that are read at a time: the rows made of as many events fit the parameters of a statement.
BATCH = 200

# How the content of the last revision of a merged actor begins.
MERGED = '{"merged_into":'

# Of a revision, what tells of the actor that one was merged into; null for all others.
INTO = "CASE WHEN {row}.kind = 'actor' AND {row}.operation = 'deleted' THEN {row}.content END"

# Subject, version, sequence, created, updated, content; the times are microseconds, a deletion has no content.
Latest = tuple[str, int, int, int, int, str | None]
# A version that was superseded, and the sequence of the revision that ended it.
Past = tuple[Version, int]


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
            "SELECT r.subject, r.version, r.sequence, f.recorded, r.recorded, r.content FROM revision r "
            "JOIN revision f ON f.subject = r.subject AND f.kind = r.kind AND f.version = 1 "
            f"WHERE r.kind = ? AND r.subject IN ({marks}) AND r.version = (SELECT max(l.version) FROM revision l "
            "WHERE l.subject = r.subject AND l.kind = r.kind) ORDER BY f.sequence",
            (kind, *chunk),
        )


def projected(
    database: Database, batch: list[Latest], nums: dict[str, int], merged: Merges
) -> Iterator[tuple[str, Version, Projection | None]]:
    """Each event's last version and what the read side should hold of it."""
    last = {
        subject: Version(nums.get(subject, 0), number, sequence, created, updated, read_content(content, merged))
        for subject, number, sequence, created, updated, content in batch
    }
    contents = [version.content for version in last.values() if version.content]
    known = actors.views(database, {actor for content in contents for actor in actors_in(content)})
    for subject, version in last.items():
        yield subject, version, project(version, known) if version.content else None


PAST_VERSIONS = (
    "SELECT r.version, r.sequence, f.recorded, r.recorded, r.content, n.sequence FROM revision n "
    "JOIN revision r ON r.subject = n.subject AND r.kind = n.kind AND r.version = n.version - 1 "
    "JOIN revision f ON f.subject = n.subject AND f.kind = n.kind AND f.version = 1"
)


def past_versions(database: Database, ended: Collection[int], merged: Merges) -> list[Past]:
    """The versions of events that were superseded by these revisions."""
    marks = ", ".join("?" * len(ended))
    rows = fetch(database, f"{PAST_VERSIONS} WHERE n.sequence IN ({marks})", tuple(ended))
    return list(_past(rows, merged))


def all_past_versions(database: Database, merged: Merges) -> Iterator[list[Past]]:
    """Every version of an event that was superseded, in batches, by where it ended."""
    after = 0
    condition = "n.kind = 'event' AND n.sequence > ? AND n.version > 1 AND r.content IS NOT NULL"
    while rows := fetch(database, f"{PAST_VERSIONS} WHERE {condition} ORDER BY n.sequence LIMIT ?", (after, BATCH)):
        after = rows[-1][-1]
        yield list(_past(rows, merged))


def _past(rows: Iterable[tuple[Any, ...]], merged: Merges) -> Iterator[Past]:
    for number, sequence, created, updated, content, ended in rows:
        yield Version(0, number, sequence, created, updated, read_content(content, merged)), ended


def merges_in_log(database: Database) -> dict[str, str]:
    """The actor that each merged actor has become, by the revisions: one that is merged further leads on."""
    rows = fetch(
        database,
        "SELECT subject, content FROM revision WHERE kind = 'actor' AND operation = 'deleted' "
        "AND content IS NOT NULL ORDER BY sequence",
    )
    merged: dict[str, str] = {}
    # An actor is merged after those that were merged into it.
    for old, content in reversed(rows):
        into = orjson.loads(content)["merged_into"]
        merged[old] = merged.get(into, into)
    return merged


def into_of(told: str | None) -> dict[str, str]:
    """``{"into": …}`` for the revision by which an actor was merged, by what ``INTO`` tells of it; else nothing."""
    return {} if told is None else {"into": orjson.loads(told)["merged_into"]}


def moments_in_log(database: Database) -> list[tuple[int, int]]:
    """Each time at which something was recorded, and the last sequence of it."""
    rows = fetch(database, "SELECT recorded, max(sequence) FROM revision GROUP BY recorded ORDER BY recorded")
    return [(recorded, sequence) for recorded, sequence in rows]


def latest_actors(database: Database) -> Iterator[tuple[dict[str, Any], int, int, int]]:
    """The last version of every actor that there is."""
    for batch in latest(database, "actor"):
        for _, version, _, created, updated, content in batch:
            if content is not None and not content.startswith(MERGED):
                yield orjson.loads(content), version, created, updated


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


def list_revisions(
    database: Database, kind: str, subject: str, limit: int, below: int | None = None
) -> tuple[list[Revision], int | None]:
    """The revisions of an event or actor, newest first, and the version with which the next page begins.

    below: the version to begin with; the last one without.
    """
    rows = rows_of(
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


def find_ever(database: Database, kind: str, subject: str) -> None:
    """Raises NotFound for an event or an actor that never was."""
    if not rows_of(database, subject, "SELECT 1 FROM revision WHERE subject = ? AND kind = ? AND version = 1", kind):
        raise NotFound(f"There is no {kind} {shorten(subject)!r}.")


def rows_of(database: Database, subject: str, sql: str, *more: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement about one event or actor, whose first parameter is its id."""
    # An id that has not the form of one exists nowhere, and may hold what an engine cannot read.
    return fetch(database, sql, (subject, *more)) if ID_FORM.match(subject) else []
