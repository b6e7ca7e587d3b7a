"""Makes every projection anew from the revision log."""

from __future__ import annotations

from typing import Any

import orjson
from peewee import Database

from schemas.names import fold
from service import actors, catalog, read_side, search_rows
from service.database import execute, execute_many, fetch, insert_rows, write
from service.event_store import Version
from service.ledger import ledger
from service.models import Event
from service.projections import Projection, actors_in, project
from service.revisions import end_of_log, latest, latest_actors, projected
from service.rules import RULES


def repair(database: Database) -> None:
    """Make every projection anew from the revisions, in one transaction."""

    def work() -> None:
        with ledger(database, "repair", by_any_rules=True) as log:
            log.touch()
            # The ledger writes them into the store when it is closed.
            sequence, recorded = end_of_log(database)
            log.sequence, log.recorded = max(log.sequence, sequence), max(log.recorded, recorded)
            _mend_terms(database)
            _rebuild_actors(database)
            catalog.ensure_datasets(log, _rebuild_events(database))
            execute(database, "UPDATE store SET rules = ?", (RULES,))

    write(database, work)


def wrong_terms(database: Database) -> list[tuple[str, int]]:
    """The right form and the number of each term whose name is kept in another form than names compare in."""
    rows = fetch(database, "SELECT id, value, folded FROM term ORDER BY id")
    return [(fold(value), number) for number, value, folded in rows if folded != fold(value)]


def _mend_terms(database: Database) -> None:
    execute_many(database, "UPDATE term SET folded = ? WHERE id = ?", wrong_terms(database))


def _rebuild_events(database: Database) -> set[str]:
    """Make the read side anew; return the datasets of the events."""
    rows = fetch(database, "SELECT id, num, version, edition FROM event")
    nums = {event: num for event, num, _, _ in rows}
    before = {event: (version, edition) for event, _, version, edition in rows}
    datasets: set[str] = set()
    # The documents stay until their events come by: all at once they may be more than the memory holds.
    for table in ("timeline", "tally", "rollup", "event"):
        execute(database, f"DELETE FROM {table}")
    search_rows.clear(database)
    last = max(nums.values(), default=0)
    for batch in latest(database, "event"):
        for subject, *_ in batch:
            if subject not in nums:
                last += 1
                nums[subject] = last
        documents = _documents(database, [nums[subject] for subject, *_ in batch])
        changes, editions, deleted = [], [], []
        for subject, version, projection in projected(database, batch, nums):
            if projection is None:
                tombstone = _tombstone(database, subject, version)
                deleted.append(read_side.event_row(version.num, tombstone, {}, deleted=True))
                continue
            datasets.update(version.datasets)
            changes.append(read_side.Change(version.num, None, projection))
            number, edition = before.get(subject, (None, 0))
            if number == version.version:
                # An answer that changes within a version must not keep its entity tag.
                changed = documents.get(version.num) != projection.document
                editions.append((edition + changed, version.num))
        read_side.apply(database, changes)
        insert_rows(database, Event, deleted)
        execute_many(database, "UPDATE event SET edition = ? WHERE num = ?", editions)
    execute(database, "DELETE FROM event_document WHERE num NOT IN (SELECT num FROM event WHERE NOT deleted)")
    return datasets


def _documents(database: Database, nums: list[int]) -> dict[int, str]:
    """The documents that are stored under these numbers."""
    marks = ", ".join("?" * len(nums))
    return dict(fetch(database, f"SELECT d.num, d.document FROM event_document d WHERE d.num IN ({marks})", nums))


def _tombstone(database: Database, subject: str, version: Version) -> Projection:
    """What is left of a deleted event: the read side of the version before."""
    [(content,)] = fetch(
        database,
        "SELECT content FROM revision WHERE kind = 'event' AND subject = ? AND version = ?",
        (subject, version.version - 1),
    )
    body: dict[str, Any] = orjson.loads(content)
    known = actors.views(database, actors_in(body))
    return project(body, version.version - 1, version.created, version.updated, known)


def _rebuild_actors(database: Database) -> None:
    for table in ("actor", "actor_name", "actor_membership", "actor_external_id"):
        execute(database, f"DELETE FROM {table}")
    for actor, version, created, updated in latest_actors(database):
        actors.insert_actor(database, actor, version, created, updated)
