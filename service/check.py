"""Compares every projection with the revision log, and makes them anew from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from peewee import Database

from schemas.names import fold
from service import actors, catalog, read_side
from service.database import chunks, execute, execute_many, fetch, fetch_by_key, insert_rows, snapshot, write
from service.event_store import Version
from service.ledger import ledger
from service.models import Event
from service.projections import EVERYTHING, EVERYWHERE, Projection, actors_in, project
from service.terms import ANY, Term, numbers_of

# Events that are compared at a time: the rows of as many fit the parameters of a statement.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A projection that is not what the revisions say. subject: the event, the actor or the table it is about."""

    table: str
    subject: str
    message: str


def check(database: Database) -> list[Discrepancy]:
    """Everything in which a projection differs from what the revisions make of it, as of one moment."""
    with snapshot(database):
        return [
            *_check_store(database),
            *_check_terms(database),
            *_check_events(database),
            *_check_actors(database),
        ]


def repair(database: Database) -> None:
    """Make every projection anew from the revisions, in one transaction."""

    def work() -> None:
        with ledger(database, "repair") as log:
            log.touch()
            # The ledger writes them into the store when it is closed.
            sequence, recorded = _end_of_log(database)
            log.sequence, log.recorded = max(log.sequence, sequence), max(log.recorded, recorded)
            _mend_terms(database)
            _rebuild_actors(database)
            catalog.ensure_datasets(log, _rebuild_events(database))

    write(database, work)


def _latest(database: Database, kind: str) -> Iterator[list[tuple[str, int, int, int, str | None]]]:
    """The last revision of everything of a kind, in batches: subject, version, created, updated, content."""
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


# The store.


def _end_of_log(database: Database) -> tuple[int, int]:
    """The last sequence and the last time of the revisions; zeros where there are none."""
    [(sequence, recorded)] = fetch(
        database, "SELECT coalesce(max(sequence), 0), coalesce(max(recorded), 0) FROM revision"
    )
    return sequence, recorded


def _check_store(database: Database) -> Iterator[Discrepancy]:
    [found] = fetch(database, "SELECT sequence, recorded FROM store WHERE id = 1")
    for name, at, end in zip(("sequence", "recorded"), found, _end_of_log(database), strict=True):
        if at < end:
            yield Discrepancy("store", name, f"is {at}, before the last revision's {end}")


# Terms.


def _wrong_terms(database: Database) -> list[tuple[str, int]]:
    """The right form and the number of each term whose name is kept in another form than names compare in."""
    rows = fetch(database, "SELECT id, value, folded FROM term ORDER BY id")
    return [(fold(value), number) for number, value, folded in rows if folded != fold(value)]


def _check_terms(database: Database) -> Iterator[Discrepancy]:
    if wrong := _wrong_terms(database):
        yield Discrepancy("term", "term", f"{len(wrong)} names are kept in a form in which they are not found")


def _mend_terms(database: Database) -> None:
    execute_many(database, "UPDATE term SET folded = ? WHERE id = ?", _wrong_terms(database))


# Events.


def _expected(
    database: Database, batch: list[tuple[str, int, int, int, str | None]], nums: dict[str, int]
) -> Iterator[tuple[str, Version, Projection | None]]:
    """Each event's last version and what the read side should hold of it."""
    contents = {subject: orjson.loads(content) for subject, _, _, _, content in batch if content}
    known = actors.views(database, {actor for content in contents.values() for actor in actors_in(content)})
    for subject, number, created, updated, _ in batch:
        content = contents.get(subject)
        version = Version(nums.get(subject, 0), number, created, updated, content, None)
        yield subject, version, project(content, number, created, updated, known) if content else None


def _check_events(database: Database) -> Iterator[Discrepancy]:
    timeline = events = documents = 0
    tally: Counter[tuple[int, int]] = Counter()
    datasets: set[str] = set()
    for batch in _latest(database, "event"):
        marks = ", ".join("?" * len(batch))
        rows = {
            row[0]: row
            for row in fetch(
                database,
                "SELECT e.id, e.num, e.version, e.deleted, e.pos, e.recency, e.since, e.until, e.latitude, "
                "e.longitude, e.killed, d.document FROM event e LEFT JOIN event_document d ON d.num = e.num "
                f"WHERE e.id IN ({marks})",
                [subject for subject, *_ in batch],
            )
        }
        expected: set[read_side.TimelineRow] = set()
        projections = list(_expected(database, batch, {subject: row[1] for subject, row in rows.items()}))
        numbers = _numbers(database, [projection for _, _, projection in projections if projection])
        for subject, version, projection in projections:
            datasets |= _datasets(version)
            events += subject in rows
            if subject not in rows:
                yield Discrepancy("event", subject, "has no row")
                continue
            found = rows[subject]
            if projection is None:
                if not found[3] or found[2] != version.version or found[11] is not None:
                    yield Discrepancy("event", subject, "was deleted and is still there")
                continue
            documents += 1
            row = read_side.event_row(version.num, projection)
            wanted = (row[1], row[0], row[2], *row[4:])
            if (*found[:3], bool(found[3]), *found[4:11]) != wanted:
                yield Discrepancy("event", subject, "its row differs from its last revision")
            if found[11] != projection.document:
                yield Discrepancy("event_document", subject, "its document differs from its last revision")
            unknown = {term for pair in projection.under() for term in pair} - numbers.keys()
            if unknown:
                yield Discrepancy("term", subject, f"{len(unknown)} of its terms have no number")
                continue
            rows_wanted = set(read_side.timeline_rows(projection, version.num, numbers))
            expected |= rows_wanted
            tally.update((term, place) for term, place, span, _, _ in rows_wanted if span == 0)
        timeline += len(expected)
        yield from _missing_from_timeline(database, expected)
    for dataset in sorted(datasets - {dataset for (dataset,) in fetch(database, "SELECT id FROM dataset")}):
        yield Discrepancy("dataset", dataset, "has events and no row")
    yield from _check_totals(database, {"event": events, "event_document": documents, "timeline": timeline})
    counted = {(term, place): count for term, place, count in fetch(database, "SELECT term, place, events FROM tally")}
    wrong = {key for key in counted.keys() | tally.keys() if counted.get(key, 0) != tally.get(key, 0)}
    if wrong:
        yield Discrepancy("tally", "tally", f"{len(wrong)} counts differ from the timeline")


def _datasets(version: Version) -> set[str]:
    """The dataset of an event, none where it was deleted."""
    return {version.content["dataset"]} if version.content else set()


def _numbers(database: Database, projections: list[Projection]) -> dict[Term, int]:
    terms = {term for projection in projections for pair in projection.under() for term in pair}
    return {**numbers_of(database, terms), EVERYTHING: ANY, EVERYWHERE: ANY}


def _missing_from_timeline(database: Database, expected: set[read_side.TimelineRow]) -> Iterator[Discrepancy]:
    key = ("term", "place", "span", "pos", "num")
    found = fetch_by_key(database, ", ".join(f"t.{column}" for column in key), "timeline", key, expected)
    for row in sorted(expected - set(found)):
        yield Discrepancy("timeline", row[3].partition(" ")[2], f"lacks the row {row}")


def _check_totals(database: Database, expected: dict[str, int]) -> Iterator[Discrepancy]:
    for table, count in expected.items():
        [(found,)] = fetch(database, f"SELECT count(*) FROM {table}")
        if found > count:
            yield Discrepancy(table, table, f"holds {found - count} rows that no revision accounts for")


def _rebuild_events(database: Database) -> set[str]:
    """Make the read side anew; return the datasets of the events."""
    rows = fetch(database, "SELECT id, num, version, edition FROM event")
    nums = {event: num for event, num, _, _ in rows}
    before = {event: (version, edition) for event, _, version, edition in rows}
    datasets: set[str] = set()
    # The documents stay until their events come by: all at once they may be more than the memory holds.
    for table in ("timeline", "tally", "event"):
        execute(database, f"DELETE FROM {table}")
    last = max(nums.values(), default=0)
    for batch in _latest(database, "event"):
        for subject, *_ in batch:
            if subject not in nums:
                last += 1
                nums[subject] = last
        documents = _documents(database, [nums[subject] for subject, *_ in batch])
        changes, editions, deleted = [], [], []
        for subject, version, projection in _expected(database, batch, nums):
            datasets |= _datasets(version)
            if projection is None:
                tombstone = _tombstone(database, subject, version)
                deleted.append(read_side.event_row(version.num, tombstone, deleted=True))
                continue
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


# Actors.


def _actor_rows(database: Database) -> Iterator[tuple[dict[str, Any], int, int, int]]:
    for batch in _latest(database, "actor"):
        for _, version, created, updated, content in batch:
            if content is not None:
                yield orjson.loads(content), version, created, updated


def _check_actors(database: Database) -> Iterator[Discrepancy]:
    found = {
        row[0]: row
        for row in fetch(database, "SELECT id, version, content, created, updated, kind, country FROM actor")
    }
    names = Counter(fetch(database, "SELECT actor, folded, name FROM actor_name"))
    memberships = Counter(fetch(database, "SELECT actor, organisation FROM actor_membership"))
    external = Counter(fetch(database, "SELECT actor, scheme, value FROM actor_external_id"))
    for actor, version, created, updated in _actor_rows(database):
        actor_id = actor["id"]
        row = (actor_id, version, orjson.dumps(actor).decode(), created, updated, actor["kind"], actor["country"])
        if found.pop(actor_id, None) != row:
            yield Discrepancy("actor", actor_id, "differs from its last revision")
        forms = actors.forms(actor_id, [actor["name"], *actor["aliases"]])
        names.subtract((actor_id, form, name) for form, name in forms.items())
        memberships.subtract((actor_id, organisation) for organisation in dict.fromkeys(actor["member_of"]))
        external.subtract((actor_id, scheme, value) for scheme, value in actor["external_ids"].items())
    for actor_id in found:
        yield Discrepancy("actor", actor_id, "is in no revision")
    tables = {"actor_name": names, "actor_membership": memberships, "actor_external_id": external}
    for table, rows in tables.items():
        for row in sorted({row[0] for row, count in rows.items() if count}):
            yield Discrepancy(table, row, "differs from the actor's last revision")


def _rebuild_actors(database: Database) -> None:
    for table in ("actor", "actor_name", "actor_membership", "actor_external_id"):
        execute(database, f"DELETE FROM {table}")
    for actor, version, created, updated in _actor_rows(database):
        actors.insert_actor(database, actor, version, created, updated)
