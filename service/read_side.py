"""Writes projections into their tables and takes them out again, always within a write transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from peewee import Database

from service import rollups, search_rows
from service.database import execute_many, insert_rows
from service.models import Event, EventDocument, PastEvent, Tally, Timeline
from service.projections import EVERYTHING, EVERYWHERE, Projection
from service.search_rows import SearchRow
from service.spans import EVERY
from service.terms import ANY, Term, give_numbers

REPLACE_EVENT = (
    "ON CONFLICT (num) DO UPDATE SET version = excluded.version, "
    "edition = CASE WHEN event.version = excluded.version THEN event.edition + excluded.edition ELSE 0 END, "
    "deleted = excluded.deleted, pos = excluded.pos, recency = excluded.recency, since = excluded.since, "
    "until = excluded.until, latitude = excluded.latitude, longitude = excluded.longitude, "
    "killed_high = excluded.killed_high, killed_low = excluded.killed_low, injured_low = excluded.injured_low, "
    "injured_high = excluded.injured_high, terms = excluded.terms, sequence = excluded.sequence"
)
REPLACE_DOCUMENT = "ON CONFLICT (num) DO UPDATE SET document = excluded.document"
# Only the answers and the words of what is past may change, when an actor does.
REPLACE_PAST = (
    "ON CONFLICT (ended) DO UPDATE SET terms = excluded.terms, title = excluded.title, prose = excluded.prose, "
    "document = excluded.document, killed_high = excluded.killed_high, killed_low = excluded.killed_low, "
    "injured_low = excluded.injured_low, injured_high = excluded.injured_high"
)
ADD_TALLY = "ON CONFLICT (term, place) DO UPDATE SET events = tally.events + excluded.events"
DELETE_TIMELINE = "DELETE FROM timeline WHERE term = ? AND place = ? AND span = ? AND pos = ? AND num = ?"

TimelineRow = tuple[int, int, int, str, int]
Numbers = Mapping[Term, int]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one event's rows. ``before`` is None for a new event, ``after`` for a deleted one.

    deletion: the sequence of the revision that deleted it.
    """

    num: int
    before: Projection | None
    after: Projection | None
    deletion: int | None = None


class Superseded(NamedTuple):
    """A version of an event that is no longer the current one, and the sequence of the revision that ended it."""

    side: Projection
    ended: int


def apply(database: Database, changes: Sequence[Change], superseded: Sequence[Superseded] = ()) -> None:
    """Bring every table of the read side from ``before`` to ``after``; one change for each event.

    superseded: the versions that the changes leave behind, those between two changes of a transaction included.
    """
    sides = [side for change in changes for side in (change.before, change.after) if side]
    sides += [version.side for version in superseded]
    numbers = with_any(give_numbers(database, {term for side in sides for term in numbered_terms(side)}))
    removed: set[TimelineRow] = set()
    added: set[TimelineRow] = set()
    unsearched: set[SearchRow] = set()
    searched: set[SearchRow] = set()
    for change in changes:
        if change.before:
            removed.update(timeline_rows(change.before, change.num, numbers))
            unsearched.add(search_row(change.before, change.num, numbers))
        if change.after:
            added.update(timeline_rows(change.after, change.num, numbers))
            searched.add(search_row(change.after, change.num, numbers))
    _apply_timeline(database, removed - added, added - removed)
    search_rows.apply(database, unsearched - searched, searched - unsearched)
    steps = [(-1, change.before) for change in changes if change.before]
    steps += [(1, change.after) for change in changes if change.after]
    rollups.apply(database, rollups.counts(steps, numbers))
    _apply_events(database, changes, numbers)
    insert_rows(database, PastEvent, [past_row(version, numbers) for version in superseded], REPLACE_PAST)


def _apply_timeline(database: Database, removed: set[TimelineRow], added: set[TimelineRow]) -> None:
    # In the order of the index, so that neighbouring rows go into the same page.
    execute_many(database, DELETE_TIMELINE, sorted(removed))
    insert_rows(database, Timeline, sorted(added))
    tally = Counter((term, place) for term, place, span, _, _ in added if span == EVERY)
    tally.subtract((term, place) for term, place, span, _, _ in removed if span == EVERY)
    insert_rows(database, Tally, sorted((*key, step) for key, step in tally.items() if step), ADD_TALLY)


def _apply_events(database: Database, changes: Sequence[Change], numbers: Numbers) -> None:
    rows = [
        event_row(change.num, side, numbers, edition=_reads_otherwise(change), deletion=change.deletion)
        for change in changes
        if (side := change.after or change.before)
    ]
    insert_rows(database, Event, rows, REPLACE_EVENT)
    documents = [(change.num, change.after.document) for change in changes if change.after]
    insert_rows(database, EventDocument, documents, REPLACE_DOCUMENT)
    gone = [(change.num,) for change in changes if change.after is None]
    execute_many(database, "DELETE FROM event_document WHERE num = ?", gone)


def _reads_otherwise(change: Change) -> bool:
    """Whether the answer for an event changes, which within a version asks for another entity tag."""
    return change.before is not None and change.after is not None and change.before.document != change.after.document


def numbered_terms(projection: Projection) -> Iterable[Term]:
    """The terms that an event is found by and that have a number of their own."""
    return (term for term in projection.found_by() if term != EVERYTHING)


def with_any(numbers: dict[Term, int]) -> Numbers:
    """The numbers of terms with those of everything and everywhere."""
    return {**numbers, EVERYTHING: ANY, EVERYWHERE: ANY}


def timeline_rows(projection: Projection, num: int, numbers: Numbers) -> Iterable[TimelineRow]:
    """The rows of one event in the timeline index."""
    for term, place in projection.under():
        for span in projection.spans:
            yield numbers[term], numbers[place], span, projection.pos, num


def search_row(projection: Projection, num: int, numbers: Numbers) -> SearchRow:
    """The row of one event in the search index."""
    return SearchRow(projection.pos, num, projection.title, projection.prose, _found_by(projection, numbers))


def _found_by(projection: Projection, numbers: Numbers) -> tuple[int, ...]:
    return tuple(sorted(numbers[term] for term in projection.found_by()))


def event_row(
    num: int, side: Projection, numbers: Numbers, edition: bool = False, deletion: int | None = None
) -> tuple[object, ...]:
    """An event's own row; of one that ``deletion`` ended, ``side`` is what was taken out, the version before."""
    deleted = deletion is not None
    return (
        num,
        side.id,
        side.version + deleted,
        int(edition),
        deleted,
        *_described(side),
        "" if deleted else _listed(side, numbers),
        deletion or side.sequence,
    )


def past_row(version: Superseded, numbers: Numbers) -> tuple[object, ...]:
    """The row of a version that was superseded."""
    side, ended = version
    return (
        ended,
        side.sequence,
        side.id,
        side.version,
        *_described(side),
        _listed(side, numbers),
        side.title,
        side.prose,
        side.document,
    )


def _described(side: Projection) -> tuple[object, ...]:
    """The columns, from ``pos`` to ``injured_high``, that current and past events have in common."""
    killed_low, killed_high, injured_low, injured_high = side.figures
    return (
        side.pos,
        side.recency,
        side.since,
        side.until,
        side.latitude,
        side.longitude,
        killed_high,
        killed_low,
        injured_low,
        injured_high,
    )


def _listed(side: Projection, numbers: Numbers) -> str:
    return ",".join(map(str, _found_by(side, numbers)))
