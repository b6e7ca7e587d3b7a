"""Keeps how many events lie in each day and month, and with what casualties, for what is asked most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from peewee import Database

from service.database import execute_many, fetch, insert_rows
from service.models import Rollup
from service.projections import Projection
from service.terms import Term

DAY, MONTH = 8, 6  # Digits of a period.
ADD_ROLLUP = "ON CONFLICT (term, place, digits, period) DO UPDATE SET " + ", ".join(
    f"{name} = rollup.{name} + excluded.{name}"
    for name in ("events", "killed_low", "killed_high", "injured_low", "injured_high")
)
DELETE_EMPTY = "DELETE FROM rollup WHERE term = ? AND place = ? AND digits = ? AND period = ? AND events = 0"

# Term, place, digits, period; and what is counted under them: events, then the figures.
Key = tuple[int, int, int, str]
Counts = tuple[int, int, int, int, int]


def counts(projections: Iterable[tuple[int, Projection]], numbers: Mapping[Term, int]) -> dict[Key, Counts]:
    """What events add to each period that they are counted in; each comes with 1, or -1 where it is taken out."""
    found: dict[Key, Counts] = {}
    for sign, projection in projections:
        a, b, c, d = (sign * (figure or 0) for figure in projection.figures)
        step = (sign, a, b, c, d)
        day, month = projection.pos[:DAY], projection.pos[:MONTH]
        for term, place in projection.counted_under():
            under = numbers[term], numbers[place]
            for key in ((*under, DAY, day), (*under, MONTH, month)):
                known = found.get(key)
                # Written out, since it is done some twenty times for each event that is imported.
                found[key] = (
                    step if known is None else (known[0] + sign, known[1] + a, known[2] + b, known[3] + c, known[4] + d)
                )
    return {key: count for key, count in found.items() if any(count)}


def apply(database: Database, steps: Mapping[Key, Counts]) -> None:
    """Add to the counts, and remove the rows of periods that have no event left."""
    rows = sorted((*key, *step) for key, step in steps.items())
    insert_rows(database, Rollup, rows, ADD_ROLLUP)
    execute_many(database, DELETE_EMPTY, [row[:4] for row in rows if row[4] < 0])


def parts(found: Mapping[Key, Counts]) -> dict[tuple[Key, int], int]:
    """Counts with each of their numbers by itself, so that they can be added up."""
    return {(key, place): number for key, numbers in found.items() for place, number in enumerate(numbers)}


def stored(database: Database) -> dict[tuple[Key, int], int]:
    """All counts that are kept, each of their numbers by itself."""
    return parts({row[:4]: row[4:] for row in fetch(database, "SELECT * FROM rollup")})
