"""Writes projections into their tables and takes them out again, always within a write transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from peewee import Database

from service.database import execute_many, insert_rows
from service.models import Event, EventDocument, Tally, Timeline
from service.projections import EVERYTHING, EVERYWHERE, Projection
from service.terms import ANY, Term, give_numbers

REPLACE_EVENT = (
    "ON CONFLICT (num) DO UPDATE SET version = excluded.version, "
    "edition = CASE WHEN event.version = excluded.version THEN event.edition + 1 ELSE 0 END, "
    "deleted = excluded.deleted, pos = excluded.pos, recency = excluded.recency, since = excluded.since, "
    "until = excluded.until, latitude = excluded.latitude, longitude = excluded.longitude, killed = excluded.killed"
)
REPLACE_DOCUMENT = "ON CONFLICT (num) DO UPDATE SET document = excluded.document"
ADD_TALLY = "ON CONFLICT (term, place) DO UPDATE SET events = tally.events + excluded.events"
DELETE_TIMELINE = "DELETE FROM timeline WHERE term = ? AND place = ? AND span = ? AND pos = ? AND num = ?"

TimelineRow = tuple[int, int, int, str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one event's rows. ``before`` is None for a new event, ``after`` for a deleted one."""

    num: int
    before: Projection | None
    after: Projection | None


def apply(database: Database, changes: Sequence[Change]) -> None:
    """Bring every table of the read side from ``before`` to ``after``; one change for each event."""
    numbers = _numbers(database, changes)
    removed: list[TimelineRow] = []
    added: list[TimelineRow] = []
    tally: Counter[tuple[int, int]] = Counter()
    for change in changes:
        before = set(timeline_rows(change.before, change.num, numbers)) if change.before else set()
        after = set(timeline_rows(change.after, change.num, numbers)) if change.after else set()
        removed += before - after
        added += after - before
        tally.subtract(_tallied(before))
        tally.update(_tallied(after))
    # In the order of the index, so that neighbouring rows go into the same page.
    execute_many(database, DELETE_TIMELINE, sorted(removed))
    insert_rows(database, Timeline, sorted(added))
    insert_rows(database, Tally, sorted((*key, step) for key, step in tally.items() if step), ADD_TALLY)
    rows = [
        event_row(change.num, side, deleted=change.after is None)
        for change in changes
        if (side := change.after or change.before)
    ]
    insert_rows(database, Event, rows, REPLACE_EVENT)
    documents = [(change.num, change.after.document) for change in changes if change.after]
    insert_rows(database, EventDocument, documents, REPLACE_DOCUMENT)
    execute_many(
        database,
        "DELETE FROM event_document WHERE num = ?",
        [(change.num,) for change in changes if change.after is None],
    )


def timeline_rows(projection: Projection, num: int, numbers: dict[Term, int]) -> Iterable[TimelineRow]:
    """The rows of one event in the timeline index."""
    for term, place in projection.under():
        for span in projection.spans:
            yield numbers[term], numbers[place], span, projection.pos, num


def _tallied(rows: Iterable[TimelineRow]) -> Iterable[tuple[int, int]]:
    return ((term, place) for term, place, span, _, _ in rows if span == 0)


def _numbers(database: Database, changes: Sequence[Change]) -> dict[Term, int]:
    terms = {
        term
        for change in changes
        for side in (change.before, change.after)
        if side
        for term in (*side.terms, *side.attributes, *side.places)
    }
    return {EVERYTHING: ANY, EVERYWHERE: ANY, **give_numbers(database, terms)}


def event_row(num: int, side: Projection, deleted: bool = False) -> tuple[object, ...]:
    """An event's own row; of a deleted one, ``side`` is what was taken out, the version before."""
    return (
        num,
        side.id,
        side.version + deleted,
        0,
        deleted,
        side.pos,
        side.recency,
        side.since,
        side.until,
        side.latitude,
        side.longitude,
        side.killed,
    )
