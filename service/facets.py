"""Counts the events of a query by each value that they have: who took part, where, what type and the like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nsmallest
from typing import Any, NamedTuple

from peewee import Database

from schemas.names import form
from schemas.query import TimelineQuery
from schemas.vocabulary import EVENT_TYPES
from service import gazetteer
from service.actors import names_of
from service.database import fetch, fetch_by_key, fetch_in_pieces
from service.dialects import dialect
from service.filters import FACET_OPTIONS, FACET_SIZE_DEFAULT, FACETS
from service.matching import add_matching, add_rows
from service.plans import Pair, Plan, make_plan
from service.read_query import read_parts
from service.statement import Sql
from service.terms import ANY

# The terms of so many events are read and counted at a time: enough that Python is quick, and few enough to need little
# memory.
AT_A_TIME = 5000


@dataclass(frozen=True, slots=True)
class FacetsQuery:
    """What to count: the events that match ``filters``, by each of ``by``; the ``size`` largest counts are told.

    whole: of these all counts are told.
    """

    filters: Mapping[str, Any]
    by: tuple[str, ...] = FACETS
    size: int = FACET_SIZE_DEFAULT
    whole: tuple[str, ...] = ()

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


# Publishers that compare as one, the one of most events first, by the form that they share.
Spellings = Mapping[str, Sequence[Found]]


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
    if plan.counted and all(_kept(asked.filters, plan.pairs[0], kind) for kind in kinds):
        total, found = _look_up(database, plan.pairs[0], kinds)
        publishers = _by_form(found)
        once = _once_by_index(database, publishers)
    else:
        total, found, once = _count(database, plan, whole, kinds)
        publishers = _by_form(found)
    shown = {}
    for facet in asked.by:
        terms = [each for each in found if each.kind == asked.kind(facet)]
        if facet == "publisher":
            counted = {first.term: once.get(name, first.events) for name, (first, *_) in publishers.items()}
        else:
            counted = {value: each.events for each in terms if (value := asked.value(facet, each.term)) is not None}
        told = len(counted) if facet in asked.whole else asked.size
        largest = nsmallest(told, counted.items(), key=lambda item: (-item[1], item[0]))
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


def _count(
    database: Database, plan: Plan, whole: TimelineQuery, kinds: Sequence[str]
) -> tuple[int, list[Found], Mapping[str, int]]:
    """How many events match; how many of them stand under each term of these kinds, and have any spelling of a form.

    Python counts the numbers several times as fast as SQLite takes the texts apart and groups them, and no slower than
    PostgreSQL.
    """
    engine = dialect(database)
    several = _several_spellings(database) if "publisher" in kinds else {}
    sql = Sql("SELECT e.terms FROM (")
    add_rows(sql, engine, plan, "event", ("terms",), partial(add_matching, sql, engine, plan, whole))
    sql.add(") e")
    total, counted, once = 0, Counter[str](), Counter[str]()
    for rows in fetch_in_pieces(database, sql.text, sql.parameters, AT_A_TIME):
        texts = [text for (text,) in rows]
        total += len(texts)
        counted.update(",".join(texts).split(","))
        if several:
            once.update(
                name for text in texts for name in {several[number] for number in several.keys() & text.split(",")}
            )
    marks = ", ".join("?" * len(kinds))
    terms = fetch(
        database,
        f"SELECT t.id, t.kind, t.value FROM {engine.listed} n CROSS JOIN term t "
        f"WHERE t.id = n.num AND t.kind IN ({marks})",
        (f"[{','.join(counted)}]", *kinds),
    )
    return total, [Found(number, kind, value, counted[str(number)]) for number, kind, value in terms], once


def _several_spellings(database: Database) -> dict[str, str]:
    """The form of each publisher that may have other spellings, by the number of its term as text."""
    rows = fetch(
        database,
        "SELECT t.id, t.value FROM term t WHERE t.kind = ? AND t.folded IN "
        "(SELECT s.folded FROM term s WHERE s.kind = ? GROUP BY s.folded HAVING count(*) > 1)",
        ("publisher", "publisher"),
    )
    return {str(number): form(value) for number, value in rows}


def _by_form(found: Iterable[Found]) -> Spellings:
    """The publishers among some terms.

    The filter takes all spellings of a name for one, so an event that has several of them counts once, and they are
    told under the spelling that most events have.
    """
    forms: dict[str, list[Found]] = {}
    for each in sorted(found, key=lambda each: (-each.events, each.term)):
        if each.kind == "publisher":
            forms.setdefault(form(each.term), []).append(each)
    return forms


def _once_by_index(database: Database, publishers: Spellings) -> Mapping[str, int]:
    """How many events have any of several spellings, by their form.

    Those are the events of the first, and those of the others that it does not have.
    """
    several = {name: spellings for name, spellings in publishers.items() if len(spellings) > 1}
    if not several:
        return {}
    # Numbers of terms stand in the statement itself: there may be more than an engine takes as parameters.
    pairs = ", ".join(f"({first.number}, {other.number})" for first, *others in several.values() for other in others)
    rows = fetch(
        database,
        f"SELECT v.column1, count(DISTINCT x.num) FROM (VALUES {pairs}) v CROSS JOIN timeline x "
        "WHERE x.term = v.column2 AND x.place = 0 AND x.span = 0 AND NOT EXISTS (SELECT 1 FROM timeline y "
        "WHERE y.term = v.column1 AND y.place = 0 AND y.span = 0 AND y.pos = x.pos AND y.num = x.num) "
        "GROUP BY v.column1",
    )
    beside = dict(rows)
    return {name: first.events + beside.get(first.number, 0) for name, (first, *_) in several.items()}


def _dataset_titles(database: Database, ids: Sequence[str]) -> dict[str, str]:
    return dict(fetch_by_key(database, "t.id, t.title", "dataset", ("id",), [(dataset,) for dataset in ids]))


# What the values of a facet are called; those of the others are their own names.
NAMES: Mapping[str, Callable[[Database, Sequence[str]], Mapping[str, str]]] = {
    "actor": names_of,
    "dataset": _dataset_titles,
    "province": lambda _, codes: {code: unit.name for code in codes if (unit := gazetteer.province(code))},
    "country": lambda _, codes: {country.code: country.name for country in gazetteer.countries()},
    "type": lambda _, ids: {kind: EVENT_TYPES[kind].label for kind in ids},
}
