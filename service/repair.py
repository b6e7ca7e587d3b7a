"""Makes every projection anew from the revision log."""

from __future__ import annotations

from peewee import Database

from schemas.names import fold
from service import actors, catalog, read_side, search_rows
from service.database import execute, execute_many, fetch, insert_rows, write
from service.ledger import ledger
from service.models import ActorMerge, Event, Moment
from service.projections import Projection, actors_in, project
from service.revisions import (
    all_past_versions,
    end_of_log,
    latest,
    latest_actors,
    merges_in_log,
    moments_in_log,
    past_versions,
    projected,
)
from service.rules import RULES
from service.versions import Merges, Version, merges


def repair(database: Database) -> None:
    """Make every projection anew from the revisions, in one transaction."""

    def work() -> None:
        with ledger(database, "repair", by_any_rules=True) as log:
            log.touch()
            # The ledger writes them into the store when it is closed.
            sequence, recorded = end_of_log(database)
            log.sequence, log.recorded = max(log.sequence, sequence), max(log.recorded, recorded)
            _mend_terms(database)
            _rebuild_moments(database)
            _rebuild_actors(database)
            catalog.ensure_datasets(log, _rebuild_events(database) | _rebuild_past(database))
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
    merged = merges(database)
    for batch in latest(database, "event"):
        for subject, *_ in batch:
            if subject not in nums:
                last += 1
                nums[subject] = last
        documents = _documents(database, [nums[subject] for subject, *_ in batch])
        changes, editions, deleted = [], [], []
        for subject, version, projection in projected(database, batch, nums, merged):
            if projection is None:
                tombstone = _tombstone(database, subject, version, merged)
                deleted.append(read_side.event_row(version.num, tombstone, (), deletion=version.sequence))
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


def _tombstone(database: Database, subject: str, version: Version, merged: Merges) -> Projection:
    """What is left of a deleted event: the read side of the version before."""
    [(before, _)] = past_versions(database, [version.sequence], merged)
    assert before.content is not None, f"{subject} is deleted once at a time"
    return project(before, actors.views(database, actors_in(before.content)))


def _rebuild_past(database: Database) -> set[str]:
    """Make what is past anew; return the datasets of its events."""
    datasets: set[str] = set()
    execute(database, "DELETE FROM past_event")
    for batch in all_past_versions(database, merges(database)):
        named = {actor for version, _ in batch if version.content for actor in actors_in(version.content)}
        known = actors.views(database, named)
        read_side.apply(
            database, (), [read_side.Superseded(project(version, known), ended) for version, ended in batch]
        )
        datasets.update(*(version.datasets for version, _ in batch))
    return datasets


def _rebuild_moments(database: Database) -> None:
    execute(database, "DELETE FROM moment")
    insert_rows(database, Moment, moments_in_log(database))


def _rebuild_actors(database: Database) -> None:
    for table in ("actor", "actor_name", "actor_membership", "actor_external_id", "actor_merge"):
        execute(database, f"DELETE FROM {table}")
    for actor, version, created, updated in latest_actors(database):
        actors.insert_actor(database, actor, version, created, updated)
    merged = merges_in_log(database)
    insert_rows(database, ActorMerge, sorted(merged.items()))
    for content in actors.last_contents(database, merged).values():
        actors.insert_external_ids(database, content)
