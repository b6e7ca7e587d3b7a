"""Marks: terms that narrow a test of numbers down to few events, so that no filter has to look at all of them.

An event carries the marks of the squares of the globe that it lies in, of how many were killed at least, of how long it
lasts, and of the year of its place on the timeline. What carries a mark need not pass the test; what passes it carries
one of its marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import floor

from service.terms import Term, term_of

# Degrees that a square has on each side. Powers of four, so that a square holds sixteen of the next size.
SIZES = (64.0, 16.0, 4.0, 1.0, 0.25)
# So many squares stand for a box at most; then the next larger ones do.
CELLS_MAX = 100
# A stretch of time of more years is not narrowed down.
YEARS_MAX = 60
# An event is marked with each of these that its high estimate of people killed reaches.
KILLED = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000, 1_000_000)


def cells_at(latitude: float | None, longitude: float | None) -> tuple[Term, ...]:
    """The squares that a point lies in, one of each size; none without a point."""
    if latitude is None or longitude is None:
        return ()
    return _cells_around(_step(longitude, 180, SIZES[-1]), _step(latitude, 90, SIZES[-1]))


@lru_cache(maxsize=16_384)
def _cells_around(column: int, row: int) -> tuple[Term, ...]:
    """One of the smallest squares, and those of each other size that it is a part of."""
    times = [round(size / SIZES[-1]) for size in SIZES]
    return tuple(_cell(size, column // many, row // many) for size, many in zip(SIZES, times, strict=True))


def cells_of(box: Sequence[float]) -> tuple[Term, ...]:
    """The smallest squares, no more than ``CELLS_MAX``, that together cover a box; west > east crosses 180°."""
    west, south, east, north = box
    sides = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    for size in reversed(SIZES):
        columns = {column for a, b in sides for column in range(_step(a, 180, size), _step(b, 180, size) + 1)}
        rows = range(_step(south, 90, size), _step(north, 90, size) + 1)
        if len(columns) * len(rows) <= CELLS_MAX:
            break
    return tuple(_cell(size, column, row) for column in sorted(columns) for row in rows)


def _step(degrees: float, origin: int, size: float) -> int:
    return floor((degrees + origin) / size)


def _cell(size: float, column: int, row: int) -> Term:
    return term_of("cell", f"{size:g} {column} {row}")


@lru_cache(maxsize=4_096)
def killed_levels(high: int | None) -> tuple[Term, ...]:
    """The marks of an event whose high estimate is this; none without a figure."""
    return () if high is None else tuple(term_of("killed", str(level)) for level in KILLED if level <= high)


def killed_level(least: int) -> Term:
    """The mark of every event with at least so many killed, and of as few others as can be."""
    return Term("killed", str(max(level for level in KILLED if level <= least)))


def year_mark(pos: str) -> Term:
    """The mark of the year of a place on the timeline."""
    return term_of("year", pos[:4])


def year_marks(low: str, high: str) -> tuple[Term, ...]:
    """The marks of every place between two bounds, where that is ``YEARS_MAX`` years at most; else none."""
    if not (low[:4].isdigit() and high[:4].isdigit()) or int(high[:4]) - int(low[:4]) >= YEARS_MAX:
        return ()
    return tuple(Term("year", f"{year:04}") for year in range(int(low[:4]), int(high[:4]) + 1))


def span_mark(span: int) -> Term:
    """The mark of a span class, see ``spans.py``."""
    return term_of("span", str(span))
