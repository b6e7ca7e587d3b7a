"""Counts what matches a query by day or month of its place on the timeline, from kept counts where there are some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from peewee import Database

from schemas.periods import BUCKETS, PeriodsQuery, days_of, read_day
from schemas.query import TimelineQuery
from service.database import Dialect, dialect, fetch
from service.matching import add_keys, add_matching
from service.plans import Plan
from service.rollups import DAY, MONTH
from service.spans import EVERY, FIRST_PLACE, LAST_PLACE, Stretch
from service.statement import Sql
from service.terms import ANY

# Of one of these alone, and a period, counts are kept (see ``Projection.counted_under``).
KEPT_FILTERS = frozenset({"actor", "province", "country", "type", "status", "period"})
# Counts are added up from days or months.
DIGITS: Mapping[str, int] = {"day": DAY, "week": DAY, "month": MONTH, "quarter": MONTH, "year": MONTH}


class Counted(NamedTuple):
    """What lies in a day or month (``YYYYMMDD``, ``YYYYMM``): events, and sums of their figures, 0 without one."""

    period: str
    events: int
    killed_low: int
    killed_high: int
    injured_low: int
    injured_high: int


class Share(NamedTuple):
    """How many of a day's or month's events have a value."""

    period: str
    value: str
    events: int


FIGURES = Counted._fields[2:]


def one_range(plan: Plan) -> Stretch | None:
    """The stretch of the timeline index that is all a plan reads and asks; None where it asks more."""
    if len(plan.pairs) != 1 or plan.tests or plan.sought or len(plan.stretches) != 1:
        return None
    [stretch] = plan.stretches
    return stretch if stretch.span == EVERY and stretch.reaches is None else None


def ends(database: Database, plan: Plan) -> tuple[str, str] | None:
    """The places on the timeline of the first and the last event that matches, None where nothing does."""
    sql, words = Sql(), dialect(database)
    for start, sort in (("SELECT (SELECT a.sort_key FROM (", "date"), (") a), (SELECT z.sort_key FROM (", "-date")):
        sql.add(start)
        add_keys(sql, words, plan, TimelineQuery(sort=sort), 1)
    sql.add(") z)")
    [(first, last)] = fetch(database, sql.text, sql.parameters)
    return None if first is None else (first, last)


def counts(database: Database, plan: Plan, asked: PeriodsQuery, digits: int) -> list[Counted]:
    """The events and figures of each day or month that has any, in order; of days too where months are kept by day."""
    sql = Sql()
    if kept := _kept(plan, asked, digits):
        columns = ", ".join(f"c.{name}" for name in Counted._fields)
        sql.add(f"SELECT {columns} FROM rollup c WHERE c.term = ? AND c.place = ?", *plan.pairs[0])
        sql.add(" AND c.digits = ? AND c.period >= ? AND c.period <= ? ORDER BY c.period", *kept)
    else:
        sums = ", ".join(f"CAST(coalesce(sum(e.{name}), 0) AS BIGINT)" for name in FIGURES)
        sql.add(f"SELECT substr(k.sort_key, 1, {digits}), count(*), {sums}")
        _add_events(sql, dialect(database), plan, asked)
        sql.add(" WHERE e.num = k.num GROUP BY 1 ORDER BY 1")
    return [Counted._make(row) for row in fetch(database, sql.text, sql.parameters)]


def shares(database: Database, plan: Plan, asked: PeriodsQuery, digits: int) -> list[Share]:
    """How the count of each day or month divides by the values of ``asked.by``, in no order."""
    kind, shown, test = _dividing(asked)
    kept = _kept(plan, asked, digits) if plan.pairs == ((ANY, ANY),) else None
    if kept is None:
        return _counted_shares(database, plan, asked, digits)
    term, place = ("c.place", "c.term") if kind == "place" else ("c.term", "c.place")
    rows = fetch(
        database,
        f"SELECT c.period, {shown}, c.events FROM term t CROSS JOIN rollup c WHERE t.kind = ? AND {test} "
        f"AND {term} = t.id AND {place} = {ANY} AND c.digits = ? AND c.period >= ? AND c.period <= ?",
        (kind, *kept),
    )
    return [Share._make(row) for row in rows]


def _counted_shares(database: Database, plan: Plan, asked: PeriodsQuery, digits: int) -> list[Share]:
    """As ``shares``, by looking at the terms of each event. Python counts them several times as fast as SQL does."""
    kind, shown, test = _dividing(asked)
    words = dialect(database)
    sql = Sql(f"SELECT substr(k.sort_key, 1, {digits}), e.terms")
    _add_events(sql, words, plan, asked)
    sql.add(" WHERE e.num = k.num")
    texts: dict[str, list[str]] = {}
    for period, terms in fetch(database, sql.text, sql.parameters):
        texts.setdefault(period, []).append(terms)
    counted = {period: Counter(",".join(terms).split(",")) for period, terms in texts.items()}
    numbers = f"[{','.join(set().union(*counted.values()))}]"
    rows = fetch(
        database,
        f"SELECT t.id, {shown} FROM {words.listed} n CROSS JOIN term t WHERE t.id = n.num AND t.kind = ? AND {test}",
        (numbers, kind),
    )
    values = {str(number): value for number, value in rows}
    return [
        Share(period, values[number], events)
        for period, found in counted.items()
        for number, events in found.items()
        if number in values
    ]


def _dividing(asked: PeriodsQuery) -> tuple[str, str, str]:
    """The kind of term ``t`` that a count is divided by, what is shown of one, and which of the kind count."""
    match asked.by:
        case "actor" if "role" in asked.filters:
            # The role that is asked for is that of every actor which a query names.
            role = " " + asked.filters["role"]
            return "role", f"substr(t.value, 1, length(t.value) - {len(role)})", f"t.value LIKE '%{role}'"
        case "type":
            return "type", "t.value", "t.value NOT LIKE '%/%'"
        case "province":
            return "place", "t.value", "t.value LIKE '%-%'"
        case "country":
            return "place", "t.value", "t.value NOT LIKE '%-%'"
        case kind:
            return str(kind), "t.value", "1 = 1"


def _add_events(sql: Sql, words: Dialect, plan: Plan, asked: PeriodsQuery) -> None:
    """Add what matches as ``k``, with the rows of its events as ``e``."""
    sql.add(" FROM (")
    add_matching(sql, words, plan, asked.matching)
    sql.add(") k " + words.looked_up.format(table="event", name="e", of="k"))


def _kept(plan: Plan, asked: PeriodsQuery, digits: int) -> tuple[int, str, str] | None:
    """The digits, the first and the last of the periods whose counts are kept of just what is asked, if they are.

    Months that the time asked for cuts are made of days, of which it must hold the whole.
    """
    stretch = one_range(plan)
    if stretch is None or not asked.filters.keys() <= KEPT_FILTERS or ANY not in plan.pairs[0]:
        return None
    if not (_whole_days(stretch.low, FIRST_PLACE) and _whole_days(stretch.high.removesuffix(LAST_PLACE), "")):
        return None
    if digits == MONTH and not (_begins_month(stretch.low) and _ends_month(stretch.high)):
        digits = DAY
    return digits, stretch.low[:digits], stretch.high[:digits]


def _whole_days(bound: str, none: str) -> bool:
    return bound == none or len(bound) == DAY


def _begins_month(low: str) -> bool:
    return low == FIRST_PLACE or low.endswith("01")


def _ends_month(high: str) -> bool:
    if high == LAST_PLACE:
        return True
    day = read_day(high)
    return days_of("month", BUCKETS["month"].number(day))[1] == day.isoformat()
