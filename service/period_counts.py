"""Counts what matches a query by day or month of its place on the timeline, from kept counts where there are some."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import nsmallest
from typing import NamedTuple

from peewee import Database

from schemas.periods import BUCKETS, PeriodsQuery, days_of, read_day
from schemas.query import TimelineQuery
from service.database import fetch, fetch_in_pieces
from service.dialects import Dialect, dialect
from service.matching import add_keys, add_matching, add_rows
from service.plans import Plan
from service.projections import COUNTED_BY_PERIOD
from service.rollups import DAY, MONTH
from service.spans import EVERY, FIRST_PLACE, LAST_PLACE, Stretch
from service.statement import Sql
from service.terms import ANY

# Of one of these alone, and a period, counts are kept: of all places, and of some kinds of term.
KEPT_FILTERS = COUNTED_BY_PERIOD | {"province", "country", "period"}
# Counts are added up from days or months.
DIGITS: Mapping[str, int] = {"day": DAY, "week": DAY, "month": MONTH, "quarter": MONTH, "year": MONTH}
# So many rows are read at a time: enough that Python counts them quickly, and few enough to need little memory.
AT_A_TIME = 5000
# The values that the counts are divided by and shown under their own names.
NAMED_MAX = 20

# The digits, the first and the last of the periods whose counts are kept.
Kept = tuple[int, str, str]


class Counted(NamedTuple):
    """What lies in a day or month (``YYYYMMDD``, ``YYYYMM``): events, and sums of their figures, 0 without one."""

    period: str
    events: int
    killed_low: int
    killed_high: int
    injured_low: int
    injured_high: int


class Share(NamedTuple):
    """How many events of a day or month have a value; None stands for all values that are not named, added up."""

    period: str
    value: str | None
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
    sql, engine = Sql(), dialect(database)
    for start, sort in (("SELECT (SELECT a.sort_key FROM (", "date"), (") a), (SELECT z.sort_key FROM (", "-date")):
        sql.add(start)
        add_keys(sql, engine, plan, TimelineQuery(sort=sort), 1)
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
        sql.add(f"SELECT substr(e.sort_key, 1, {digits}), count(*), {sums}")
        _add_events(sql, dialect(database), plan, asked, FIGURES)
        sql.add(" GROUP BY 1 ORDER BY 1")
    return [Counted._make(row) for row in fetch(database, sql.text, sql.parameters)]


def shares(database: Database, plan: Plan, asked: PeriodsQuery, digits: int) -> Iterator[Share]:
    """How the count of each day or month divides by the values of ``asked.by``, of which NAMED_MAX are named.

    Those have the most events of all that match, the smaller value where two have as many. A day or month may come in
    several shares of one value, in any order. Two statements.
    """
    kept = _kept(plan, asked, digits) if plan.pairs == ((ANY, ANY),) else None
    return _kept_shares(database, asked, kept) if kept else _counted_shares(database, plan, asked, digits)


def _kept_shares(database: Database, asked: PeriodsQuery, kept: Kept) -> Iterator[Share]:
    """The shares of all events, from kept counts."""
    kind, shown, test = _dividing(asked)
    term, place = ("c.place", "c.term") if kind == "place" else ("c.term", "c.place")
    rows_of_kind = (
        f"FROM term t CROSS JOIN rollup c WHERE t.kind = ? AND {test} AND {term} = t.id AND {place} = {ANY} "
        "AND c.digits = ? AND c.period >= ? AND c.period <= ?"
    )
    summed = "CAST(sum(c.events) AS BIGINT)"
    sums = fetch(database, f"SELECT t.id, {shown}, {summed} {rows_of_kind} GROUP BY t.id, t.value", (kind, *kept))
    values = {number: value for number, value, _ in sums}
    named = _largest({number: events for number, _, events in sums}, values)
    if not named:
        return
    listed = ", ".join(map(str, named))
    sql = (
        f"SELECT c.period, {shown}, c.events {rows_of_kind} AND t.id IN ({listed}) UNION ALL "
        f"SELECT c.period, NULL, {summed} {rows_of_kind} AND t.id NOT IN ({listed}) GROUP BY c.period"
    )
    for rows in fetch_in_pieces(database, sql, (kind, *kept) * 2, AT_A_TIME):
        yield from map(Share._make, rows)


def _counted_shares(database: Database, plan: Plan, asked: PeriodsQuery, digits: int) -> Iterator[Share]:
    """The shares by the terms of each event. Python counts them several times as fast as SQL does.

    Which values are named is known when all are counted. Until then a count is two plain numbers in the array of its
    day or month, the term's and the events', since there may be millions.
    """
    kind, shown, test = _dividing(asked)
    terms_of_kind = fetch(database, f"SELECT t.id, {shown} FROM term t WHERE t.kind = ? AND {test}", (kind,))
    numbers = {str(number): number for number, _ in terms_of_kind}
    sql = Sql(f"SELECT substr(e.sort_key, 1, {digits}), e.terms")
    _add_events(sql, dialect(database), plan, asked, ("terms",))
    totals = Counter[int]()
    arrays: dict[str, array[int]] = {}
    for rows in fetch_in_pieces(database, sql.text, sql.parameters, AT_A_TIME):
        for period, texts in _by_period(rows).items():
            counted = Counter(filter(numbers.__contains__, ",".join(texts).split(",")))
            found = arrays.setdefault(period, array("q"))
            for text, events in counted.items():
                number = numbers[text]
                totals[number] += events
                found.extend((number, events))
    values = dict(terms_of_kind)
    named = {number: values[number] for number in _largest(totals, values)}
    for period, found in arrays.items():
        for number, events in zip(found[::2], found[1::2], strict=True):
            yield Share(period, named.get(number), events)


def _by_period(rows: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for period, text in rows:
        found.setdefault(period, []).append(text)
    return found


def _largest(totals: Mapping[int, int], values: Mapping[int, str]) -> list[int]:
    """The terms that are named, the one of most events first."""
    return nsmallest(NAMED_MAX, totals, key=lambda number: (-totals[number], values[number]))


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


def _add_events(sql: Sql, engine: Dialect, plan: Plan, asked: PeriodsQuery, columns: Sequence[str]) -> None:
    """Add what matches as ``e``: places on the timeline, and these columns of the events' rows."""
    sql.add(" FROM (")
    add_rows(sql, engine, plan, "event", columns, partial(add_matching, sql, engine, plan, asked.matching))
    sql.add(") e")


def _kept(plan: Plan, asked: PeriodsQuery, digits: int) -> Kept | None:
    """The periods whose counts are kept of just what is asked, if they are.

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
