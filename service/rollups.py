"""Keeps how many events lie in each day and month, and with what casualties, for what is asked most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from peewee import Database

from service.database import execute_many, fetch, insert_rows
from service.models import Rollup
from service.projections import Projection
from service.terms import ANY, Term

DAY, MONTH = 8, 6  # Digits of a period.
ADD_ROLLUP = "ON CONFLICT (term, place, digits, period) DO UPDATE SET " + ", ".join(
    f"{name} = rollup.{name} + excluded.{name}"
    for name in ("events", "killed_low", "killed_high", "injured_low", "injured_high")
)
DELETE_EMPTY = "DELETE FROM rollup WHERE term = ? AND place = ? AND digits = ? AND period = ? AND events = 0"

# Term, place, digits, period; and what is counted under them: events, then the figures.
Key = tuple[int, int, int, str]
Counts = tuple[int, int, int, int, int]
Row = tuple[int, int, int, str, int, int, int, int, int]


class Sums:
    """What events add to each period that they are counted in. counted_out: whether one was taken out."""

    def __init__(self) -> None:
        self.counted_out = False
        # By term, place and digits, then by period: so the keys, which are many, are texts that are ready made.
        self._found: defaultdict[tuple[int, int, int], dict[str, Counts]] = defaultdict(dict)

    def add(self, sign: int, side: Projection, numbers: Mapping[Term, int]) -> None:
        """Count an event in, or with -1 out."""
        a, b, c, d = [sign * (figure or 0) for figure in side.figures]
        step = (sign, a, b, c, d)
        self.counted_out |= sign < 0
        day, month = side.pos[:DAY], side.pos[:MONTH]
        under = [(ANY, ANY), *[(ANY, numbers[place]) for place in side.places]]
        under += [(numbers[term], ANY) for term in (*side.terms, *side.kinds)]
        for term, place in under:
            for digits, period in ((DAY, day), (MONTH, month)):
                periods = self._found[term, place, digits]
                known = periods.get(period)
                # Written out, since it is done some twenty times for each event that is imported.
                periods[period] = (
                    step if known is None else (known[0] + sign, known[1] + a, known[2] + b, known[3] + c, known[4] + d)
                )

    def rows(self) -> Iterator[Row]:
        """What is added to each row of the table, in the order of their keys."""
        for key, periods in sorted(self._found.items()):
            for period, count in sorted(periods.items()):
                if any(count):
                    yield *key, period, *count


def apply(database: Database, sums: Sums) -> None:
    """Add to the counts, and remove the rows of periods that have no event left."""
    insert_rows(database, Rollup, sums.rows(), ADD_ROLLUP)
    if sums.counted_out:
        execute_many(database, DELETE_EMPTY, [row[:4] for row in sums.rows() if row[4] < 0])


def parts(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Key, int], int]:
    """Counts with each of their numbers by itself, so that they can be added up."""
    return {(row[:4], place): number for row in rows for place, number in enumerate(row[4:])}


def stored(database: Database) -> dict[tuple[Key, int], int]:
    """All counts that are kept, each of their numbers by itself."""
    return parts(fetch(database, "SELECT * FROM rollup"))
