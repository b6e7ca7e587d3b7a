"""Writes projections into their tables and takes them out again, always within a write transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from peewee import Database

from service import rollups, search_rows
from service.database import execute_many, insert_rows
from service.models import Event, EventDocument, PastEvent, Tally, Timeline
from service.projections import EVERYTHING, EVERYWHERE, Projection
from service.search_rows import SearchRow
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

# Of a term and a place.
Pair = tuple[int, int]
TimelineRow = tuple[int, int, int, str, int]
Numbers = Mapping[Term, int]
# Of one event: what ``listed`` gives.
Terms = tuple[int, ...]


class Change(NamedTuple):
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
    removed: list[TimelineRow] = []
    added: list[TimelineRow] = []
    unsearched: list[SearchRow] = []
    searched: list[SearchRow] = []
    terms: dict[int, Terms] = {}
    tally: Counter[Pair] = Counter()
    for num, before, after, _ in changes:
        terms[num] = listed(after, numbers) if after else ()
        gone = search_row(num, before, listed(before, numbers)) if before else None
        new = search_row(num, after, terms[num]) if after else None
        if gone != new:
            unsearched += [gone] if gone else []
            searched += [new] if new else []
        under_before = pairs(before, numbers) if before else []
        under_after = pairs(after, numbers) if after else []
        tally.subtract(under_before)
        tally.update(under_after)
        out = timeline_rows(before, num, under_before) if before else []
        come = timeline_rows(after, num, under_after) if after else []
        if out and come:
            # Rows hold the event's number, so those of one change have none in common with those of another.
            out, come = [*(set(out) - set(come))], [*(set(come) - set(out))]
        removed += out
        added += come
    # In the order of the index, so that neighbouring rows go into the same page.
    execute_many(database, DELETE_TIMELINE, sorted(removed))
    insert_rows(database, Timeline, sorted(added))
    insert_rows(database, Tally, sorted((*pair, step) for pair, step in tally.items() if step), ADD_TALLY)
    search_rows.apply(database, unsearched, searched)
    steps = [(-1, change.before) for change in changes if change.before]
    steps += [(1, change.after) for change in changes if change.after]
    rollups.apply(database, rollups.counts(steps, numbers))
    _apply_events(database, changes, terms)
    past = [past_row(version, listed(version.side, numbers)) for version in superseded]
    insert_rows(database, PastEvent, past, REPLACE_PAST)


def _apply_events(database: Database, changes: Sequence[Change], terms: Mapping[int, Terms]) -> None:
    rows = [
        event_row(change.num, side, terms[change.num], edition=_reads_otherwise(change), deletion=change.deletion)
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


def pairs(side: Projection, numbers: Numbers) -> list[Pair]:
    """The numbers of each term and place that an event stands under in the timeline index."""
    places = [ANY, *[numbers[place] for place in side.places]]
    terms = [ANY, *[numbers[term] for term in side.terms]]
    under = [(term, place) for term in terms for place in places]
    under += [(numbers[term], ANY) for term in side.attributes]
    return under


def timeline_rows(side: Projection, num: int, under: Sequence[Pair]) -> list[TimelineRow]:
    """The rows of one event in the timeline index."""
    pos = side.pos
    return [(term, place, span, pos, num) for span in side.spans for term, place in under]


def listed(projection: Projection, numbers: Numbers) -> Terms:
    """The numbers of all that an event is found by, in order."""
    return tuple(sorted([numbers[term] for term in projection.found_by()]))


def search_row(num: int, side: Projection, terms: Terms) -> SearchRow:
    """The row of one event in the search index."""
    return SearchRow(side.pos, num, side.title, side.prose, terms)


def event_row(
    num: int, side: Projection, terms: Terms, edition: bool = False, deletion: int | None = None
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
        "" if deleted else _joined(terms),
        deletion or side.sequence,
    )


def past_row(version: Superseded, terms: Terms) -> tuple[object, ...]:
    """The row of a version that was superseded."""
    side, ended = version
    return (
        ended,
        side.sequence,
        side.id,
        side.version,
        *_described(side),
        _joined(terms),
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


def _joined(terms: Terms) -> str:
    return ",".join(map(str, terms))
