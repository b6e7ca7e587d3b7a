"""Numbers for the things that the timeline can be read by. A number, once given, never means anything else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple, TypeVar

from peewee import Database

from schemas.names import fold
from service.database import execute_many, fetch

ANY = 0  # The number of "every event" among terms and of "everywhere" among places.

Member = TypeVar("Member")

# Parameters of a statement, well below what every engine takes.
CHUNK = 500


class Term(NamedTuple):
    """Something that an event can be found by.

    kind: place, actor, role, type, status, tag, dataset, publisher, claimant, claimant-name or disputed.
    value: a code, an id, or a name as it was given; for role, the actor's id, a space and the role.
    """

    kind: str
    value: str


def numbers_of(database: Database, terms: Collection[Term]) -> dict[Term, int]:
    """The numbers of those terms that have one: of those that an event was ever found by."""
    found: dict[Term, int] = {}
    for chunk in chunks(list(terms), CHUNK):
        pairs = ", ".join(["(?, ?)"] * len(chunk))
        rows = fetch(
            database,
            f"SELECT kind, value, id FROM term WHERE (kind, value) IN (VALUES {pairs})",
            [part for term in chunk for part in term],
        )
        found.update({Term(kind, value): number for kind, value, number in rows})
    return found


def give_numbers(database: Database, terms: Collection[Term]) -> dict[Term, int]:
    """The numbers of all those terms; new ones are given within the write transaction that is open."""
    numbers = numbers_of(database, terms)
    new = sorted(set(terms) - numbers.keys())
    if new:
        [(last,)] = fetch(database, "SELECT coalesce(max(id), 0) FROM term")
        rows = [(last + step, term.kind, term.value, fold(term.value)) for step, term in enumerate(new, 1)]
        execute_many(database, "INSERT INTO term (id, kind, value, folded) VALUES (?, ?, ?, ?)", rows)
        numbers.update({Term(kind, value): number for number, kind, value, _ in rows})
    return numbers


def same_name(database: Database, kind: str, folded: Collection[str]) -> dict[str, list[Term]]:
    """The terms of a kind whose values fold to one of ``folded``, by that form."""
    found: dict[str, list[Term]] = {}
    for chunk in chunks(sorted(folded), CHUNK):
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


def chunks(members: list[Member], size: int) -> Iterable[list[Member]]:
    """A list in pieces of at most ``size``."""
    return (members[start : start + size] for start in range(0, len(members), size))
