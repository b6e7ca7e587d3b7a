"""What a query asks of an event, as data: the link between the filters and the SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas import edtf
from schemas.text_query import TextQuery, read_text_query
from service.marks import cells_of, killed_level
from service.spans import Window
from service.terms import Term


@dataclass(frozen=True, slots=True)
class Carries:
    """The event stands under one of these terms. ``placed``: the index also has them together with each place."""

    terms: tuple[Term, ...]
    placed: bool = False


@dataclass(frozen=True, slots=True)
class LiesIn:
    """The event happened in one of these places."""

    places: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class During:
    """The event touches the window, or with ``certain`` lies inside it."""

    window: Window
    certain: bool


@dataclass(frozen=True, slots=True)
class PlacedIn:
    """The event's place on the timeline lies in the window."""

    window: Window


@dataclass(frozen=True, slots=True)
class Satisfies:
    """A test of the event's row, which the SQL calls ``{row}``, with its parameters.

    marks: what satisfies it has one of these terms in the search index, so that few events need to be tested.
    """

    sql: str
    parameters: tuple[Any, ...]
    marks: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Says:
    """The event's words say what the text query asks."""

    text: TextQuery


# The test that an event reaches a minute.
REACHES = "({row}.until IS NULL OR {row}.until >= ?)"

Condition = Carries | LiesIn | During | PlacedIn | Satisfies | Says


# From the values of the filters, in canonical form, to conditions.

Filters = Mapping[str, Any]


def terms(kind: str) -> Callable[[Mapping[str, Any]], Iterator[Condition]]:
    def carries(filters: Mapping[str, Any]) -> Iterator[Condition]:
        yield Carries(tuple(Term(kind, value) for value in filters[kind]))

    return carries


def actors(filters: Mapping[str, Any]) -> Iterator[Condition]:
    for group in filters["actor"]:
        if "role" in filters:
            yield Carries(tuple(Term("role", f"{actor} {filters['role']}") for actor in group))
        else:
            yield Carries(tuple(Term("actor", actor) for actor in group), placed=True)


def nothing_more(filters: Mapping[str, Any]) -> Iterator[Condition]:
    """The condition of another parameter says it all."""
    return iter(())


def places(name: str) -> Callable[[Mapping[str, Any]], Iterator[Condition]]:
    def lies_in(filters: Mapping[str, Any]) -> Iterator[Condition]:
        yield LiesIn(tuple(Term("place", code) for code in filters[name]))

    return lies_in


def during(filters: Mapping[str, Any]) -> Iterator[Condition]:
    """What ``from``, ``to`` and ``match`` ask together."""
    begins = first_minute(filters["from"]) if "from" in filters else None
    ends = last_minute(filters["to"]) if "to" in filters else None
    yield During(Window(begins, ends), filters.get("match") == "certain")


def during_unless_from(filters: Mapping[str, Any]) -> Iterator[Condition]:
    return iter(()) if "from" in filters else during(filters)


def placed_in(filters: Mapping[str, Any]) -> Iterator[Condition]:
    yield PlacedIn(Window(first_minute(filters["period"]), last_minute(filters["period"])))


def first_minute(date: str) -> str | None:
    return edtf.since(edtf.parse_date(date))


def last_minute(date: str) -> str | None:
    return edtf.until(edtf.parse_date(date))


def claimants(filters: Mapping[str, Any]) -> Iterator[Condition]:
    yield Carries(tuple(Term(kind, name) for name in filters["claimant"] for kind in ("claimant", "claimant-name")))


def disputed(filters: Mapping[str, Any]) -> Iterator[Condition]:
    yield Carries((Term("disputed", "true" if filters["disputed"] else "false"),))


def inside_box(filters: Mapping[str, Any]) -> Iterator[Condition]:
    west, south, east, north = filters["bbox"]
    joined = "AND" if west <= east else "OR"
    sql = (
        f"{{row}}.latitude >= ? AND {{row}}.latitude <= ? AND ({{row}}.longitude >= ? {joined} {{row}}.longitude <= ?)"
    )
    yield Satisfies(sql, (south, north, west, east), cells_of(filters["bbox"]))


def killed_at_least(filters: Mapping[str, Any]) -> Iterator[Condition]:
    least = filters["min_killed"]
    yield Satisfies("{row}.killed_high >= ?", (least,), (killed_level(least),))


def says(filters: Mapping[str, Any]) -> Iterator[Condition]:
    yield Says(read_text_query(filters["q"]))
