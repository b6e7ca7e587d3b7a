"""Finds events of different datasets that may be one and the same. It only reads; a person decides.

The events of a query are read once, in the order of the timeline, and each is compared with those that are still under
way, in the same province or nearby, and with an actor in common: no more are held than that, and a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from heapq import nsmallest
from typing import Any, NamedTuple

import orjson
from peewee import Database

from schemas.query import TimelineQuery
from service import gazetteer
from service.database import fetch
from service.dialects import dialect
from service.likeness import Facts, is_long, likeness, reasons
from service.matching import add_keys
from service.plans import Plan, make_plan
from service.statement import Sql
from service.under_way import UnderWay

# So many events are read at a time.
BATCH = 5000
# So many pairs wait at most for what only their documents tell.
PENDING_MAX = 10_000
# Coordinates of such a precision are the middle of a whole unit, not where something happened.
COARSE = ("province", "country")

COLUMNS = ("pos", "since", "until", "latitude", "longitude", "killed_low", "killed_high", "terms")


@dataclass(frozen=True, slots=True)
class DuplicatesQuery:
    """What to search: the events that match ``filters``, of which both of a pair must be; ``limit`` pairs are shown.

    within_datasets: pairs of one dataset too. linked: pairs too of which one is related to the other.
    """

    filters: Mapping[str, Any]
    limit: int
    within_datasets: bool = False
    linked: bool = False

    def normalised(self) -> dict[str, Any]:
        """The query as answers repeat it."""
        chosen = {"limit": self.limit, "within_datasets": self.within_datasets, "linked": self.linked}
        return {**self.filters, **chosen}


class Relation(NamedTuple):
    """That one event of a pair names the other as ``related``."""

    id: str
    to: str
    relation: str


class Pair(NamedTuple):
    """Two events that are alike, the earlier on the timeline first."""

    score: float
    one: Facts
    other: Facts
    relations: tuple[Relation, ...] = ()

    @property
    def rank(self) -> tuple[float, str, str]:
        """The likeliest first, then in the order of the timeline. A place on it ends in the event's id."""
        return -self.score, self.one.pos, self.other.pos


def duplicates(
    database: Database, asked: DuplicatesQuery, progress: Callable[[int], None] = lambda events: None
) -> dict[str, Any]:
    """``{"pairs", "total", "query"}``: the likeliest pairs, how many there are in all, and what was asked.

    A few statements plan it and show the pairs, and three are sent for each batch of events. Who wants all of it to
    be of one moment does it within one ``snapshot``. progress: is told the number of events of each batch.
    """
    best: list[Pair] = []
    total = 0
    for found in _judged(database, _pairs(database, asked, progress)):
        wanted = [pair for pair in found if asked.linked or not pair.relations]
        total += len(wanted)
        best = nsmallest(asked.limit, (*best, *wanted), key=lambda pair: pair.rank)
    return {"pairs": _shown(database, best), "total": total, "query": asked.normalised()}


def _pairs(database: Database, asked: DuplicatesQuery, progress: Callable[[int], None]) -> Iterator[Sequence[Pair]]:
    """Every pair of near duplicates, in pieces that follow from the events alone."""
    under_way = UnderWay(asked.within_datasets)
    found: list[Pair] = []
    for batch in _batches(database, asked.filters):
        for event in batch:
            for other in under_way.candidates(event):
                if score := likeness(other, event):
                    found.append(Pair(score, other, event))
            under_way.add(event)
            if len(found) >= PENDING_MAX:
                yield found
                found = []
        yield found
        found = []
        under_way.forget(batch[-1].day)
        progress(len(batch))


# Reading events.


def _batches(database: Database, filters: Mapping[str, Any]) -> Iterator[list[Facts]]:
    """The events that match, in the order of the timeline; none is empty."""
    plan = make_plan(database, TimelineQuery(filters))
    vocabulary = _Vocabulary(database)
    after: str | None = None
    while batch := [vocabulary.facts(row) for row in _rows(database, plan, TimelineQuery(filters, cursor=after))]:
        yield batch
        if len(batch) < BATCH:
            return
        # The least text above the last place: an id holds nothing below "!".
        after = batch[-1].pos + "!"


def _rows(database: Database, plan: Plan, asked: TimelineQuery) -> list[tuple[Any, ...]]:
    """The number and COLUMNS of a batch of events in the order of the timeline."""
    sql = Sql()
    add_keys(sql, dialect(database), plan, asked, BATCH)
    nums = [num for _, num in fetch(database, sql.text, sql.parameters)]
    rows = _of_events(database, nums, "event", ", ".join(f"d.{column}" for column in COLUMNS))
    return sorted(rows, key=lambda row: str(row[1]))


class _Vocabulary:
    """What the numbers of terms mean, as far as events are compared by them."""

    def __init__(self, database: Database) -> None:
        rows = fetch(database, "SELECT kind, id, value FROM term WHERE kind IN ('actor', 'place', 'dataset')")
        self._values = {str(number): value for _, number, value in rows}
        self._numbers = {
            wanted: frozenset(str(number) for kind, number, _ in rows if kind == wanted)
            for wanted in ("actor", "place", "dataset")
        }

    def facts(self, row: tuple[Any, ...]) -> Facts:
        num, pos, since, until, latitude, longitude, low, high, terms = row
        numbers = frozenset(terms.split(","))
        first = None if since is None else _day(since[:8])
        last = None if until is None else _day(until[:8])
        country, units = _place(frozenset(self._of("place", numbers)))
        return Facts(
            num,
            pos,
            _day(pos[:8]),
            first,
            last,
            is_long(first, last),
            country,
            units[0] if units else None,
            units,
            None if latitude is None or longitude is None else (latitude, longitude),
            frozenset(self._of("actor", numbers)),
            None if low is None or high is None else (low, high),
            next(self._of("dataset", numbers)),
        )

    def _of(self, kind: str, numbers: frozenset[str]) -> Iterator[str]:
        return map(self._values.__getitem__, numbers & self._numbers[kind])


@lru_cache(maxsize=16384)
def _place(codes: frozenset[str]) -> tuple[str | None, tuple[str, ...]]:
    """The country, and the province with all that it is part of, itself first, among the codes of an event's places."""
    country = next((code for code in codes if "-" not in code), None)
    units = (code for code in codes if "-" in code)
    return country, tuple(sorted(units, key=lambda code: (-len(gazetteer.ancestors(code)), code)))


@lru_cache(maxsize=65536)
def _day(text: str) -> int:
    return date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal()


# What only the documents of a pair tell, and how pairs are shown.


class Told(NamedTuple):
    """coarse: whether the coordinates stand for a whole province or country. related: ids and relations."""

    coarse: bool
    related: tuple[tuple[str, str], ...]


NOTHING_TOLD = Told(coarse=False, related=())


def _judged(database: Database, pieces: Iterable[Sequence[Pair]]) -> Iterator[list[Pair]]:
    """The pairs that are alike still when coarse coordinates are left out, with what relates one event to the other."""
    for pairs in pieces:
        told = _told(database, _nums(pairs))
        judged = (_anew(pair, told) if pair.one.num in told or pair.other.num in told else pair for pair in pairs)
        yield [pair for pair in judged if pair.score]


def _anew(pair: Pair, told_of: Mapping[int, Told]) -> Pair:
    one, other = pair.one, pair.other
    told, other_told = (told_of.get(event.num, NOTHING_TOLD) for event in (one, other))
    if told.coarse or other_told.coarse:
        one = one._replace(point=None) if told.coarse else one
        other = other._replace(point=None) if other_told.coarse else other
        pair = Pair(likeness(one, other), one, other)
    here = (Relation(one.id, to, relation) for to, relation in told.related if to == other.id)
    there = (Relation(other.id, to, relation) for to, relation in other_told.related if to == one.id)
    return pair._replace(relations=(*here, *there))


def _told(database: Database, nums: Sequence[int]) -> dict[int, Told]:
    """What the documents of those events tell, where that is anything.

    Within the texts of a document every quotation mark has a backslash before it, so that its members can be found by
    their names without reading the rest.
    """
    position = dialect(database).position
    related = f"{position}(d.document, '\"related\":[{{')"
    coarse = " OR ".join(f'{position}(d.document, \'"precision":"{word}","as_given":\') > 0' for word in COARSE)
    columns = f"CASE WHEN {coarse} THEN 1 ELSE 0 END, CASE WHEN {related} > 0 THEN substr(d.document, {related}) END"
    rows = _of_events(database, nums, "event_document", columns, f"AND ({related} > 0 OR {coarse})") if nums else ()
    return {
        num: Told(
            bool(is_coarse),
            tuple((each["id"], each["relation"]) for each in orjson.loads("{" + end)["related"]) if end else (),
        )
        for num, is_coarse, end in rows
    }


def _nums(pairs: Iterable[Pair]) -> list[int]:
    return sorted({event.num for pair in pairs for event in (pair.one, pair.other)})


def _of_events(
    database: Database, nums: Sequence[int], table: str, columns: str, test: str = ""
) -> list[tuple[Any, ...]]:
    """For each of those numbers that passes the test, itself and what ``columns`` selects of ``table d``.

    A past version has the negative of where it ended for a number; its row has the columns of all tables.
    """
    listed = dialect(database).listed
    given = orjson.dumps(nums).decode()
    return fetch(
        database,
        f"SELECT n.num, {columns} FROM {listed} n CROSS JOIN {table} d WHERE d.num = n.num {test} UNION ALL "
        f"SELECT n.num, {columns} FROM {listed} n CROSS JOIN past_event d WHERE d.ended = -n.num {test}",
        (given, given),
    )


def _shown(database: Database, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """The pairs as answers show them."""
    rows = _of_events(database, _nums(pairs), "event_document", "d.document")
    documents = {num: orjson.loads(text) for num, text in rows}
    return [
        {
            "score": pair.score,
            "words": "; ".join(reason["words"] for reason in told),
            "events": [_event(documents[event.num]) for event in (pair.one, pair.other)],
            "reasons": told,
            "related": [relation._asdict() for relation in pair.relations],
        }
        for pair in pairs
        for told in [reasons(pair.one, pair.other)]
    ]


def _event(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("id", "version", "title", "date", "dataset")}
