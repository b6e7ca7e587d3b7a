"""Says in a few numbers what a store holds, or what of it matches a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peewee import Database

from schemas.query import TimelineQuery
from service.database import dialect, fetch
from service.matching import add_matching
from service.plans import make_plan
from service.statement import Sql


@dataclass(frozen=True, slots=True)
class Recorded:
    """How much there is in the whole store."""

    revisions: int
    actors: int
    datasets: int


def extent(database: Database, filters: Mapping[str, Any]) -> tuple[str, str] | None:
    """The days, ``YYYY-MM-DD``, on which the first and the last event that matches lie; None without any."""
    asked = TimelineQuery(filters=filters)
    sql = Sql("SELECT min(k.sort_key), max(k.sort_key) FROM (")
    add_matching(sql, dialect(database), make_plan(database, asked), asked)
    sql.add(") k")
    [(first, last)] = fetch(database, sql.text, sql.parameters)
    return None if first is None else (_day(first), _day(last))


def _day(place: str) -> str:
    return f"{place[:4]}-{place[4:6]}-{place[6:8]}"


def recorded(database: Database) -> Recorded:
    """How many revisions, actors and datasets there are."""
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in ("revision", "actor", "dataset"))
    return Recorded(*fetch(database, f"SELECT {counts}")[0])
