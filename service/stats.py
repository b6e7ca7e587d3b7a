"""Says in a few numbers what a store holds, or what of it matches a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peewee import Database

from schemas.periods import read_day
from schemas.query import TimelineQuery
from service.database import fetch
from service.period_counts import ends
from service.plans import make_plan


@dataclass(frozen=True, slots=True)
class Recorded:
    """How much there is in the whole store."""

    revisions: int
    actors: int
    datasets: int


def extent(database: Database, filters: Mapping[str, Any]) -> tuple[str, str] | None:
    """The days, ``YYYY-MM-DD``, on which the first and the last event that matches lie; None without any."""
    outermost = ends(database, make_plan(database, TimelineQuery(filters=filters)))
    if outermost is None:
        return None
    first, last = map(read_day, outermost)
    return first.isoformat(), last.isoformat()


def recorded(database: Database) -> Recorded:
    """How many revisions, actors and datasets there are."""
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in ("revision", "actor", "dataset"))
    return Recorded(*fetch(database, f"SELECT {counts}")[0])
