"""Counts the events of a query by each value that they have: who took part, where, what type and the like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nsmallest
from typing import Any, NamedTuple

import orjson
from peewee import Database

from schemas.names import form
from schemas.query import TimelineQuery
from schemas.vocabulary import EVENT_TYPES
from service import gazetteer
from service.database import chunks, dialect, fetch, fetch_by_key
from service.filters import FACET_OPTIONS, FACET_SIZE_DEFAULT, FACETS
from service.matching import add_matching
from service.plans import Pair, Plan, make_plan
from service.read_query import read_parts
from service.statement import Sql
from service.terms import ANY

# So many events' terms are counted at a time: enough that Python is quick, and few enough to need little memory.
AT_A_TIME = 1000


@dataclass(frozen=True, slots=True)
class FacetsQuery:
    """What to count: the events that match ``filters``, by each of ``by``; the ``size`` largest counts are told."""

    filters: Mapping[str, Any]
    by: tuple[str, ...] = FACETS
    size: int = FACET_SIZE_DEFAULT

    def normalised(self) -> dict[str, Any]:
        """The query as answers repeat it."""
        return {**self.filters, "by": list(self.by), "size": self.size}

    def kind(self, facet: str) -> str:
        """The kind of term that a facet counts. With a role, another actor would be asked for in that role too."""
        if facet == "actor" and "role" in self.filters:
            return "role"
        return "place" if facet in ("province", "country") else facet

    def value(self, facet: str, term: str) -> str | None:
        """What a term of the facet's kind is called there; None for one that belongs to another facet."""
        if facet in ("province", "country"):
            return term if ("-" in term) == (facet == "province") else None
        if facet == "actor" and "role" in self.filters:
            actor, _, role = term.partition(" ")
            return actor if role == self.filters["role"] else None
        return term


class Found(NamedTuple):
    """A term, by number, kind and value, and how many of the events stand under it."""

    number: int
    kind: str
    term: str
    events: int


# Publishers that compare as one, the one of most events first.
Spellings = Sequence[Found]


def read_facets(database: Database, query_string: bytes) -> FacetsQuery:
    """The facets that a URL asks for, names resolved. Raises Refused with an entry for each fault."""
    filters, chosen = read_parts(database, query_string, FACET_OPTIONS)
    by, size = chosen.get("by", FACETS), chosen.get("size", FACET_SIZE_DEFAULT)
    return FacetsQuery(filters, tuple(by), size)


def facets(database: Database, asked: FacetsQuery) -> dict[str, Any]:
    """``{"facets", "total", "query"}``: by facet the values of most events, with name and count; and all events.

    A count is what adding the value to the filters would give. The number of statements is the same however many events
    there are; who gives the answer away under the store's tag does all of it within one ``snapshot``.
    """
    whole = TimelineQuery(filters=asked.filters)
    plan = make_plan(database, whole)
    kinds = sorted({asked.kind(facet) for facet in asked.by})
    once: Callable[[Sequence[Spellings]], Mapping[int, int]]
    if plan.counted and all(_kept(asked.filters, plan.pairs[0], kind) for kind in kinds):
        total, found = _look_up(database, plan.pairs[0], kinds)
        once = partial(_once_by_index, database)
    else:
        texts = _terms_of_each(database, plan, whole)
        total, found = len(texts), _count(database, texts, kinds)
        once = partial(_once_by_event, texts)
    shown = {}
    for facet in asked.by:
        terms = [each for each in found if each.kind == asked.kind(facet)]
        if facet == "publisher":
            counted = _by_form(terms, once)
        else:
            counted = {value: each.events for each in terms if (value := asked.value(facet, each.term)) is not None}
        largest = nsmallest(asked.size, counted.items(), key=lambda item: (-item[1], item[0]))
        names = NAMES[facet](database, [value for value, _ in largest]) if facet in NAMES else {}
        shown[facet] = [{"value": value, "name": names.get(value, value), "count": count} for value, count in largest]
    return {"facets": shown, "total": total, "query": asked.normalised()}


def _kept(filters: Mapping[str, Any], pair: Pair, kind: str) -> bool:
    """Whether the tally has the counts of a kind for all events under a pair: only actors and places are paired."""
    term, place = pair
    match kind:
        case "place":
            return place == ANY and (term == ANY or filters.keys() == {"actor"})
        case "actor":
            return term == ANY
    return pair == (ANY, ANY)


def _look_up(database: Database, pair: Pair, kinds: Sequence[str]) -> tuple[int, list[Found]]:
    """How many events stand under a pair, and under each term of these kinds besides, from the tally."""
    term, place = pair
    sql = Sql("SELECT 0, '', '', y.events FROM tally y WHERE y.term = ? AND y.place = ?", [term, place])
    for kind in kinds:
        sql.add(
            " UNION ALL SELECT t.id, t.kind, t.value, y.events FROM term t CROSS JOIN tally y WHERE t.kind = ?", kind
        )
        if kind == "place":
            sql.add(" AND y.term = ? AND y.place = t.id AND y.events > 0", term)
        else:
            sql.add(" AND y.term = t.id AND y.place = ? AND y.events > 0", place)
    rows = [Found._make(row) for row in fetch(database, sql.text, sql.parameters)]
    return sum(row.events for row in rows if not row.kind), [row for row in rows if row.kind]


def _terms_of_each(database: Database, plan: Plan, whole: TimelineQuery) -> list[str]:
    """The numbers of the terms of each event that matches, with commas between them."""
    words = dialect(database)
    sql = Sql("SELECT e.terms FROM (")
    add_matching(sql, words, plan, whole)
    sql.add(") k " + words.looked_up.format(table="event", name="e", of="k") + " WHERE e.num = k.num")
    return [text for (text,) in fetch(database, sql.text, sql.parameters)]


def _count(database: Database, texts: Sequence[str], kinds: Sequence[str]) -> list[Found]:
    """How many of some events stand under each term of these kinds.

    Python counts the numbers several times as fast as SQLite takes the texts apart and groups them, and no slower than
    PostgreSQL.
    """
    counted = Counter[str]()
    for chunk in chunks(texts, AT_A_TIME):
        counted.update(",".join(chunk).split(","))
    marks = ", ".join("?" * len(kinds))
    rows = fetch(
        database,
        f"SELECT t.id, t.kind, t.value FROM {dialect(database).listed} n CROSS JOIN term t "
        f"WHERE t.id = n.num AND t.kind IN ({marks})",
        (f"[{','.join(counted)}]", *kinds),
    )
    return [Found(number, kind, value, counted[str(number)]) for number, kind, value in rows]


def _by_form(publishers: Iterable[Found], once: Callable[[Sequence[Spellings]], Mapping[int, int]]) -> dict[str, int]:
    """How many events each publisher has, under the spelling that most of them have.

    The filter takes all spellings of a name for one, so an event that has several of them counts once.
    once: how many events have any of some spellings, by the number of the first.
    """
    forms: dict[str, list[Found]] = {}
    for each in sorted(publishers, key=lambda each: (-each.events, each.term)):
        forms.setdefault(form(each.term), []).append(each)
    several = [spellings for spellings in forms.values() if len(spellings) > 1]
    counted = once(several) if several else {}
    return {first.term: counted.get(first.number, first.events) for first, *_ in forms.values()}


def _once_by_event(texts: Iterable[str], several: Sequence[Spellings]) -> Mapping[int, int]:
    """How many events have any of some spellings, by looking at each event."""
    first_of = {str(each.number): spellings[0].number for spellings in several for each in spellings}
    counted = Counter[int]()
    for text in texts:
        counted.update({first_of[number] for number in first_of.keys() & text.split(",")})
    return counted


def _once_by_index(database: Database, several: Sequence[Spellings]) -> Mapping[int, int]:
    """How many events have any of some spellings: those of the first, and those of the others that it does not have."""
    # Numbers of terms stand in the statement itself: there may be more than an engine takes as parameters.
    pairs = ", ".join(f"({first.number}, {other.number})" for first, *others in several for other in others)
    rows = fetch(
        database,
        f"SELECT v.column1, count(DISTINCT x.num) FROM (VALUES {pairs}) v CROSS JOIN timeline x "
        "WHERE x.term = v.column2 AND x.place = 0 AND x.span = 0 AND NOT EXISTS (SELECT 1 FROM timeline y "
        "WHERE y.term = v.column1 AND y.place = 0 AND y.span = 0 AND y.pos = x.pos AND y.num = x.num) "
        "GROUP BY v.column1",
    )
    beside = dict(rows)
    return {first.number: first.events + beside.get(first.number, 0) for first, *_ in several}


def _actor_names(database: Database, ids: Sequence[str]) -> dict[str, str]:
    rows = fetch_by_key(database, "t.id, t.content", "actor", ("id",), [(actor,) for actor in ids])
    return {actor: orjson.loads(content)["name"] for actor, content in rows}


def _dataset_titles(database: Database, ids: Sequence[str]) -> dict[str, str]:
    return dict(fetch_by_key(database, "t.id, t.title", "dataset", ("id",), [(dataset,) for dataset in ids]))


# What the values of a facet are called; those of the others are their own names.
NAMES: Mapping[str, Callable[[Database, Sequence[str]], Mapping[str, str]]] = {
    "actor": _actor_names,
    "dataset": _dataset_titles,
    "province": lambda _, codes: {code: unit.name for code in codes if (unit := gazetteer.province(code))},
    "country": lambda _, codes: {country.code: country.name for country in gazetteer.countries()},
    "type": lambda _, ids: {kind: EVENT_TYPES[kind].label for kind in ids},
}
