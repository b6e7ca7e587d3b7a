"""Numbers for the things that the timeline can be read by. A number, once given, never means anything else."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from peewee import Database

from schemas.names import fold
from service import models
from service.database import chunks, fetch, fetch_by_key, insert_rows

ANY = 0  # The number of "every event" among terms and of "everywhere" among places.


class Term(NamedTuple):
    """Something that an event can be found by.

    kind: place, actor, role, type, status, tag, dataset, publisher, claimant, claimant-name or disputed; in the search
    index alone also of (whose loss is claimed), related (an event that it names as such), cell, killed, span or year.
    value: a code, an id, or a name as it was given; for role, the actor's id, a space and the role; for the
    last four see ``marks.py``.
    """

    kind: str
    value: str


@lru_cache(maxsize=65_536)
def term_of(kind: str, value: str) -> Term:
    """The term, the same object each time: it is made for every event that is found by it."""
    return Term(kind, value)


def numbers_of(database: Database, terms: Collection[Term]) -> dict[Term, int]:
    """The numbers of those terms that have one: of those that an event was ever found by."""
    rows = fetch_by_key(database, "t.kind, t.value, t.id", "term", ("kind", "value"), terms) if terms else ()
    return {Term(kind, value): number for kind, value, number in rows}


def give_numbers(database: Database, terms: Collection[Term]) -> dict[Term, int]:
    """The numbers of all those terms; new ones are given within the write transaction that is open."""
    numbers = numbers_of(database, terms)
    new = sorted(set(terms) - numbers.keys())
    if new:
        [(last,)] = fetch(database, "SELECT coalesce(max(id), 0) FROM term")
        rows = [(last + step, term.kind, term.value, fold(term.value)) for step, term in enumerate(new, 1)]
        insert_rows(database, models.Term, rows)
        numbers.update({Term(kind, value): number for number, kind, value, _ in rows})
    return numbers


def same_name(database: Database, kind: str, folded: Collection[str]) -> dict[str, list[Term]]:
    """The terms of a kind whose values fold to one of ``folded``, by that form."""
    found: dict[str, list[Term]] = {}
    for chunk in chunks(sorted(folded)):
        marks = ", ".join("?" * len(chunk))
        for value, form in fetch(
            database,
            f"SELECT value, folded FROM term WHERE kind = ? AND folded IN ({marks}) ORDER BY value",
            [kind, *chunk],
        ):
            found.setdefault(form, []).append(Term(kind, value))
    return found


def values_of(database: Database, kind: str) -> list[str]:
    """Every value of a kind, in order."""
    return [value for (value,) in fetch(database, "SELECT value FROM term WHERE kind = ? ORDER BY value", (kind,))]
