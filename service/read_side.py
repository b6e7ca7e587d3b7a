"""Writes projections into their tables and takes them out again, always within a write transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

# Of a term and a place.
Pair = tuple[int, int]
# A term, a place and a span: under what a row of the timeline index stands, beside its place in time.
Standing = tuple[int, int, int]
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


class Gathered:
    """What is still to be written into the timeline index and the counts.

    An event's rows lie all over these tables: the more events' are written in their order at once, the more rows come
    to lie in a page that is read and written.
    """

    def __init__(self) -> None:
        self.removed = _Rows()
        self.added = _Rows()
        self.sums = rollups.Sums()

    def write(self, database: Database) -> None:
        """Write what has come together, and begin anew."""
        execute_many(database, DELETE_TIMELINE, self.removed.rows())
        insert_rows(database, Timeline, self.added.rows())
        tally = Counter(self.added.sizes())
        tally.subtract(self.removed.sizes())
        insert_rows(database, Tally, sorted((*pair, step) for pair, step in tally.items() if step), ADD_TALLY)
        rollups.apply(database, self.sums)
        self.removed, self.added, self.sums = _Rows(), _Rows(), rollups.Sums()


def apply(
    database: Database,
    changes: Sequence[Change],
    superseded: Sequence[Superseded] = (),
    gathered: Gathered | None = None,
) -> None:
    """Bring every table of the read side from ``before`` to ``after``; one change for each event.

    superseded: the versions that the changes leave behind, those between two changes of a transaction included.
    gathered: takes what new events add to the index and the counts, to be written before the transaction ends.
    """
    at_once = gathered is None or any(change.before for change in changes)
    if gathered is None:
        gathered = Gathered()
    elif at_once:
        # What is taken out now may be among it.
        gathered.write(database)
    sides = [side for change in changes for side in (change.before, change.after) if side]
    sides += [version.side for version in superseded]
    numbers = with_any(give_numbers(database, numbered_terms(sides)))
    unsearched: list[SearchRow] = []
    searched: list[SearchRow] = []
    terms: dict[int, Terms] = {}
    # In the order of the timeline, so that each standing gets its rows in order.
    for num, before, after, _ in sorted(changes, key=_pos):
        terms[num] = listed(after, numbers) if after else ()
        gone = search_row(num, before, listed(before, numbers)) if before else None
        new = search_row(num, after, terms[num]) if after else None
        if gone != new:
            unsearched += [gone] if gone else []
            searched += [new] if new else []
        left = standings(before, pairs(before, numbers)) if before else []
        reached = standings(after, pairs(after, numbers)) if after else []
        if before and after and before.pos == after.pos:
            left, reached = [*(set(left) - set(reached))], [*(set(reached) - set(left))]
        if before:
            gathered.removed.add(before, num, left)
            gathered.sums.add(-1, before, numbers)
        if after:
            gathered.added.add(after, num, reached)
            gathered.sums.add(1, after, numbers)
    if at_once:
        gathered.write(database)
    search_rows.apply(database, unsearched, searched)
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


def _pos(change: Change) -> str:
    side = change.after or change.before
    return side.pos if side else ""


class _Rows:
    """Rows of the timeline index, by their standing: an event's have all but that in common."""

    def __init__(self) -> None:
        self._events: defaultdict[Standing, list[tuple[str, int]]] = defaultdict(list)

    def add(self, side: Projection, num: int, under: Iterable[Standing]) -> None:
        """Give an event a row in each of these standings."""
        event = side.pos, num
        for standing in under:
            self._events[standing].append(event)

    def rows(self) -> Iterator[TimelineRow]:
        """All rows in the order of the index, so that neighbouring rows go into the same page."""
        for standing, events in sorted(self._events.items()):
            events.sort()
            for event in events:
                yield *standing, *event

    def sizes(self) -> dict[Pair, int]:
        """How many events stand under each term and place."""
        return {(term, place): len(events) for (term, place, span), events in self._events.items() if span == EVERY}


def numbered_terms(projections: Iterable[Projection]) -> set[Term]:
    """The terms that events are found by and that have a number of their own."""
    terms: set[Term] = set()
    for projection in projections:
        terms.update(projection.found_by())
    return terms - {EVERYTHING}


def with_any(numbers: dict[Term, int]) -> Numbers:
    """The numbers of terms with those of everything and everywhere."""
    return {**numbers, EVERYTHING: ANY, EVERYWHERE: ANY}


def pairs(side: Projection, numbers: Numbers) -> list[Pair]:
    """The numbers of each term and place that an event stands under in the timeline index."""
    places = [ANY, *[numbers[place] for place in side.places]]
    terms = [ANY, *[numbers[term] for term in side.terms]]
    under = [(term, place) for term in terms for place in places]
    under += [(numbers[term], ANY) for term in (*side.kinds, *side.attributes)]
    return under


def standings(side: Projection, under: Sequence[Pair]) -> list[Standing]:
    """The standings of an event in the timeline index, by the terms and places that it stands under."""
    return [(term, place, span) for span in side.spans for term, place in under]


def listed(projection: Projection, numbers: Numbers) -> Terms:
    """The numbers of all that an event is found by, in order."""
    return tuple(sorted(map(numbers.__getitem__, projection.found_by())))


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
