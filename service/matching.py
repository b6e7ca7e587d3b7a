"""Finds what matches a query: its events' places on the timeline and their numbers, in order and no more than asked.

Ranges of the timeline index, or of the search index, are read in their order; the engine merges them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import orjson

from schemas.query import TimelineQuery
from service import search_index
from service.database import chunks
from service.dialects import Dialect
from service.plans import EVERYTHING, Pair, Past, Plan
from service.search_index import reaching, says_in_words
from service.spans import FIRST_PLACE, LAST_PLACE, Stretch
from service.statement import Sql

# The order by last change is made by sorting what matches where that is no more than this, else by reading along that
# order until the page is full.
SORTED_MAX = 10_000
# To test an event for words takes longer, so that sorting pays for longer.
SORTED_WORDS_MAX = 50_000
# Members of one compound statement; SQLite takes 500.
COMPOUND_MAX = 400
# So many events under the pairs, of no more pairs than this, are looked at before the search index is asked: what is
# not rare among them fills the page.
LOOKED_AT_FIRST = 1000
LOOKED_AT_FIRST_PAIRS = 50
# Of the order by relevance, only so many are told.
RELEVANT_MAX = 1000

# A range that is read: of a pair in the timeline index, or without one in the search index.
Source = tuple[Pair | None, Stretch]

NOTHING = "SELECT '' AS sort_key, 0 AS num FROM store WHERE 1 = 0"


def add_matching(sql: Sql, engine: Dialect, plan: Plan, asked: TimelineQuery) -> None:
    """Add a query of ``sort_key``, the place on the timeline, and ``num`` of every event that matches, in no order."""
    add_keys(sql, engine, plan, replace(asked, sort="date", cursor=None), None)


def add_count(sql: Sql, engine: Dialect, plan: Plan, asked: TimelineQuery, most: int | None = None) -> None:
    """Add a query of how many events match; it counts no further than ``most``."""
    if plan.counted:
        sql.add("SELECT coalesce((SELECT y.events FROM tally y WHERE y.term = ? AND y.place = ?), 0)", *plan.pairs[0])
        return
    sql.add("SELECT count(*) FROM (SELECT m.num FROM (")
    if plan.sought and not plan.sought.tests:
        for stretch in plan.sought.stretches:
            sql.add("SELECT n.num FROM (")
            search_index.add_numbers(sql, engine, plan.sought, stretch)
            sql.add(") n UNION ALL ")
        sql.add("SELECT n.num FROM (")
        add_matching(sql, engine, replace(plan, sought=None), asked)
        sql.add(") n")
    else:
        add_matching(sql, engine, plan, asked)
    sql.add(") m")
    if most is not None:
        sql.add(" LIMIT ?", most)
    sql.add(") c")


def add_rows(
    sql: Sql, engine: Dialect, plan: Plan, table: str, columns: Sequence[str], add_keys: Callable[[], None]
) -> None:
    """Add a query of ``sort_key`` and of columns of ``table``, for each of the events whose keys ``add_keys`` adds.

    table: ``event`` or ``event_document``; what is past has the columns of both.
    """
    if plan.past is None:
        sql.add(f"SELECT k.sort_key, {', '.join(f'd.{column}' for column in columns)} FROM (")
        add_keys()
        sql.add(") k " + engine.looked_up.format(table=table, name="d", of="k") + " WHERE d.num = k.num")
        return
    either = ", ".join(
        f"coalesce((SELECT d.{column} FROM {table} d WHERE d.num = k.num), "
        f"(SELECT x.{column} FROM past_event x WHERE x.ended = -k.num)) AS {column}"
        for column in columns
    )
    sql.add(f"SELECT k.sort_key, {either} FROM (")
    add_keys()
    sql.add(") k")


def add_keys(sql: Sql, engine: Dialect, plan: Plan, asked: TimelineQuery, limit: int | None) -> None:
    """Add a query of ``sort_key`` and ``num`` of the events that match, in order and no more than ``limit``.

    A version that is past has the number that is the negative of where it ended.
    """
    # By relevance pages are counted from the beginning.
    offset = asked.offset if asked.sort == "relevance" else 0
    most = None if limit is None else limit + offset
    if plan.past is None and not offset:
        _add_current(sql, engine, plan, asked, limit)
        return
    sql.add("SELECT y.sort_key, y.num FROM (SELECT c.sort_key, c.num FROM (")
    _add_current(sql, engine, plan, asked, most)
    sql.add(") c")
    if plan.past is not None:
        sql.add(" UNION ALL SELECT p.sort_key, p.num FROM (")
        _add_past(sql, plan.past, asked, most)
        sql.add(") p")
    sql.add(") y")
    _add_order(sql, "y.sort_key", " DESC" if asked.backwards else "", limit)
    if offset and limit is not None:
        sql.add(" OFFSET ?", offset)


def _add_past(sql: Sql, past: Past, asked: TimelineQuery, limit: int | None) -> None:
    """Add the versions that were current then and are superseded now. Those are few, so each is looked at."""
    low, high = _bounds(asked)
    key = "t.recency" if "updated" in asked.sort else "t.pos"
    shown = key
    if asked.sort == "relevance" and past.text:
        shown = f"CASE WHEN {says_in_words('t', past.text, in_title=True)} THEN '1' ELSE '0' END || {key}"
    sql.add(f"SELECT {shown} AS sort_key, -t.ended AS num FROM past_event t WHERE t.ended > ? AND t.began <= ?")
    sql.parameters += (past.sequence, past.sequence)
    sql.add(f" AND {key} >= ? AND {key} < ?", low, high)
    sql.add_tests(past.tests, row="t")
    _add_order(sql, "sort_key", " DESC" if asked.backwards else "", limit)


def _add_current(sql: Sql, engine: Dialect, plan: Plan, asked: TimelineQuery, limit: int | None) -> None:
    low, high = _bounds(asked)
    order = " DESC" if asked.backwards else ""
    if not plan.pairs:
        sql.add(NOTHING)
    elif asked.sort == "relevance":
        _add_relevant(sql, engine, plan, limit)
    elif "updated" not in asked.sort:
        _add_ranges(sql, engine, plan, low, high, order, limit)
    elif plan.few:
        sql.add("SELECT r.recency AS sort_key, r.num FROM (")
        _add_ranges(sql, engine, plan, FIRST_PLACE, LAST_PLACE, "", None)
        sql.add(") m " + engine.looked_up.format(table="event", name="r", of="m"))
        sql.add(" WHERE r.num = m.num AND r.recency >= ? AND r.recency < ?", low, high)
        _add_order(sql, "r.recency", order, limit)
    else:
        sql.add("SELECT t.recency AS sort_key, t.num FROM event t WHERE NOT t.deleted")
        sql.add(" AND t.recency >= ? AND t.recency < ?", low, high)
        sql.add_tests((*plan.covered, *plan.tests), row="t")
        _add_order(sql, "t.recency", order, limit)


def _bounds(asked: TimelineQuery) -> tuple[str, str]:
    """The sort keys that the page may hold: from the cursor on, which is the key of its first event."""
    if asked.cursor is None or asked.sort == "relevance":
        return FIRST_PLACE, LAST_PLACE
    if asked.backwards:
        # The least text above every key that is the cursor's own: a key ends in an id, which holds no "!".
        return FIRST_PLACE, asked.cursor + "!"
    return asked.cursor, LAST_PLACE


def _add_relevant(sql: Sql, engine: Dialect, plan: Plan, limit: int | None) -> None:
    """The events whose title says all that is wanted come first, then the others; of both the latest first."""
    sql.add("SELECT x.sort_key, x.num FROM (SELECT max(u.sort_key) AS sort_key, u.num FROM (")
    for index, (rank, in_title) in enumerate((("1", True), ("0", False))):
        sql.add(f"{' UNION ALL ' if index else ''}SELECT '{rank}' || g.sort_key AS sort_key, g.num FROM (")
        _add_ranges(sql, engine, plan, FIRST_PLACE, LAST_PLACE, " DESC", limit, in_title)
        sql.add(") g")
    sql.add(") u GROUP BY u.num) x")
    _add_order(sql, "x.sort_key", " DESC", limit)


def _add_ranges(
    sql: Sql, engine: Dialect, plan: Plan, low: str, high: str, order: str, limit: int | None, in_title: bool = False
) -> None:
    """Add the ranges that the plan reads, merged. An event under several pairs comes once."""
    sources: list[Source] = [(pair, stretch) for pair in plan.pairs for stretch in _between(plan.stretches, low, high)]
    if plan.sought:
        sources += [(None, stretch) for stretch in _between(plan.sought.stretches, low, high)]
    if not sources:
        sql.add(NOTHING)
    elif len(sources) == 1:
        _add_range(sql, engine, plan, *sources[0], order, limit, in_title)
    elif len(sources) <= COMPOUND_MAX:
        _add_merged(sql, engine, plan, sources, order, limit, in_title)
    else:
        sql.add("SELECT u.sort_key, u.num FROM (")
        for index, some in enumerate(chunks(sources, COMPOUND_MAX)):
            sql.add(f"{_union(plan) if index else ''}SELECT g.sort_key, g.num FROM (")
            _add_merged(sql, engine, plan, some, order, limit, in_title)
            sql.add(") g")
        sql.add(") u")
        _add_order(sql, "u.sort_key", order, limit)


def _union(plan: Plan) -> str:
    """What joins ranges: the stretches of one pair have no event in common, those of several may have."""
    return " UNION ALL " if len(plan.pairs) == 1 else " UNION "


def _between(stretches: Sequence[Stretch], low: str, high: str) -> list[Stretch]:
    """What of some stretches lies between two places."""
    if (low, high) == (FIRST_PLACE, LAST_PLACE):
        return [stretch for stretch in stretches if stretch.low < stretch.high]
    cut = [replace(stretch, low=max(stretch.low, low), high=min(stretch.high, high)) for stretch in stretches]
    return [stretch for stretch in cut if stretch.low < stretch.high]


def _add_merged(
    sql: Sql,
    engine: Dialect,
    plan: Plan,
    sources: Sequence[Source],
    order: str,
    limit: int | None,
    in_title: bool,
) -> None:
    """Add several ranges, merged, no more of them than a compound statement takes."""
    if not engine.ranges:
        for index, (pair, stretch) in enumerate(sources):
            sql.add(_union(plan) if index else "")
            if pair is None:
                _add_as_member(sql, partial(_add_range, sql, engine, plan, pair, stretch, order, limit, in_title))
            else:
                # It is read in that order and no further than it needs to be. As a subquery it would be sorted again.
                _add_range(sql, engine, plan, pair, stretch, order, None, in_title)
        _add_order(sql, "sort_key", order, limit)
        return
    ranges = [(pair, stretch) for pair, stretch in sources if pair is not None]
    members = [
        partial(_add_range, sql, engine, plan, pair, stretch, order, limit, in_title)
        for pair, stretch in sources
        if pair is None or limit is None
    ]
    if ranges and limit is not None:
        members.append(partial(_add_listed, sql, engine, plan, ranges, order, limit))
    sql.add("SELECT m.sort_key, m.num FROM (")
    for index, add_member in enumerate(members):
        sql.add(_union(plan) if index else "")
        _add_as_member(sql, add_member)
    sql.add(") m")
    _add_order(sql, "m.sort_key", order, limit)


def _add_as_member(sql: Sql, add_member: Callable[[], None]) -> None:
    """Add a query as a member of a union; it may have an order and a limit of its own."""
    sql.add("SELECT r.sort_key, r.num FROM (")
    add_member()
    sql.add(") r")


def _add_listed(
    sql: Sql, engine: Dialect, plan: Plan, ranges: Sequence[tuple[Pair, Stretch]], order: str, limit: int
) -> None:
    """Add several ranges as a list, each looked up in turn: the plan of one is made for all, and the tests stand once.

    For an engine to which each branch of a union is a plan of its own, which takes as long to make as to run.
    """
    # An event under several pairs comes once.
    distinct = "DISTINCT " if len({pair for pair, _ in ranges}) > 1 else ""
    sql.add(f"SELECT {distinct}m.sort_key, m.num FROM (")
    for index, reaches in enumerate(dict.fromkeys(stretch.reaches for _, stretch in ranges)):
        alike = [(pair, stretch) for pair, stretch in ranges if stretch.reaches == reaches]
        tests = (*reaching(reaches), *plan.tests)
        row = any(test.needs_row for test in tests)
        sql.add(" UNION ALL " if index else "")
        listed = [
            {"term": term, "place": place, "span": stretch.span, "low": stretch.low, "high": stretch.high}
            for (term, place), stretch in alike
        ]
        sql.add(f"SELECT r.sort_key, r.num FROM {engine.ranges} CROSS JOIN LATERAL (", orjson.dumps(listed).decode())
        sql.add("SELECT t.pos AS sort_key, t.num FROM timeline t")
        if row:
            sql.add(" " + engine.looked_up.format(table="event", name="e", of="t"))
        sql.add(" WHERE e.num = t.num AND" if row else " WHERE")
        sql.add(" t.term = v.term AND t.place = v.place AND t.span = v.span")
        sql.add(" AND t.pos >= v.low AND t.pos < v.high")
        sql.add_tests(tests, row="e")
        _add_order(sql, "t.pos", order, limit)
        sql.add(") r")
    sql.add(") m")
    _add_order(sql, "m.sort_key", order, limit)


def _add_range(
    sql: Sql,
    engine: Dialect,
    plan: Plan,
    pair: Pair | None,
    stretch: Stretch,
    order: str,
    limit: int | None,
    in_title: bool,
) -> None:
    """Add one range of an index, read in its own order."""
    if pair is None:
        assert plan.sought is not None
        add_beginning = None
        are_few = plan.pairs != EVERYTHING and len(plan.pairs) <= LOOKED_AT_FIRST_PAIRS
        if limit is not None and are_few and not plan.sought.text:
            add_beginning = partial(_add_beginning, sql, engine, plan, stretch, order, limit)
        search_index.add_range(sql, engine, plan.sought, stretch, order, limit, in_title, add_beginning)
        return
    tests = (*reaching(stretch.reaches), *plan.tests)
    row = any(test.needs_row for test in tests)
    sql.add("SELECT t.pos AS sort_key, t.num FROM timeline t")
    if row:
        sql.add(" " + engine.looked_up.format(table="event", name="e", of="t"))
    sql.add(" WHERE e.num = t.num AND" if row else " WHERE")
    sql.add(" t.term = ? AND t.place = ? AND t.span = ?", *pair, stretch.span)
    sql.add(" AND t.pos >= ? AND t.pos < ?", stretch.low, stretch.high)
    sql.add_tests(tests, row="e")
    _add_order(sql, "t.pos", order, limit)


def _add_beginning(sql: Sql, engine: Dialect, plan: Plan, stretch: Stretch, order: str, limit: int) -> None:
    """Add what matches of the first events that stand under the pairs in a stretch."""
    tests = (*reaching(stretch.reaches), *plan.tests)
    sql.add(
        "SELECT k.sort_key, k.num FROM (SELECT t.pos AS sort_key, t.num FROM (SELECT r.sort_key AS pos, r.num FROM ("
    )
    only_ranges = replace(plan, sought=None, stretches=(replace(stretch, reaches=None),), tests=())
    _add_ranges(sql, engine, only_ranges, FIRST_PLACE, LAST_PLACE, order, LOOKED_AT_FIRST)
    sql.add(") r) t")
    row = any(test.needs_row for test in tests)
    if row:
        sql.add(" " + engine.looked_up.format(table="event", name="e", of="t"))
    sql.add(" WHERE e.num = t.num" if row else " WHERE 1 = 1")
    sql.add_tests(tests, row="e")
    sql.add(f") k{engine.rows_in_order.format(direction=order)} LIMIT ?", limit)


def _add_order(sql: Sql, key: str, order: str, limit: int | None) -> None:
    if limit is not None:
        sql.add(f" ORDER BY {key}{order} LIMIT ?", limit)
