"""Finds what matches a query: its events' places on the timeline and their numbers, in order and no more than asked.

Ranges of the timeline index, or of the search index, are read in their order; the engine merges them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from schemas.query import TimelineQuery
from service import search_index
from service.dialects import Dialect
from service.plans import Pair, Past, Plan
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
# Of the order by relevance, only so many are told.
RELEVANT_MAX = 1000

# A range as a member of a list: its term, place and span, and its bounds.
LISTED_RANGE = "(CAST(? AS INTEGER), CAST(? AS INTEGER), CAST(? AS INTEGER), CAST(? AS TEXT), CAST(? AS TEXT))"

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
    if plan.sought and not plan.tests and plan.stretches:
        for index, stretch in enumerate(plan.stretches):
            sql.add(" UNION ALL SELECT n.num FROM (" if index else "SELECT n.num FROM (")
            search_index.add_numbers(sql, engine, plan.sought, stretch)
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
    # The search index is read once for each stretch, whatever the pairs.
    pairs = plan.pairs[:1] if plan.sought else plan.pairs
    stretches = _between(plan.stretches, low, high)
    ranges = [(pair, stretch) for pair in pairs for stretch in stretches]
    if not ranges:
        sql.add(NOTHING)
    elif len(ranges) == 1:
        _add_range(sql, engine, plan, *ranges[0], order, limit, in_title)
    else:
        # The stretches of one pair have no event in common.
        union = " UNION ALL " if len(pairs) == 1 else " UNION "
        if len(ranges) <= COMPOUND_MAX:
            _add_merged(sql, engine, plan, ranges, union, order, limit, in_title)
            return
        sql.add("SELECT u.sort_key, u.num FROM (")
        for start in range(0, len(ranges), COMPOUND_MAX):
            sql.add(f"{union if start else ''}SELECT g.sort_key, g.num FROM (")
            _add_merged(sql, engine, plan, ranges[start : start + COMPOUND_MAX], union, order, limit, in_title)
            sql.add(") g")
        sql.add(") u")
        _add_order(sql, "u.sort_key", order, limit)


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
    ranges: Sequence[tuple[Pair, Stretch]],
    union: str,
    order: str,
    limit: int | None,
    in_title: bool,
) -> None:
    """Add several ranges, merged, no more of them than a compound statement takes."""
    if engine.merges and not plan.sought:
        # It reads each of them in that order and no further than it needs, and would sort a subquery again.
        for index, (pair, stretch) in enumerate(ranges):
            sql.add(union if index else "")
            _add_range(sql, engine, plan, pair, stretch, order, None, in_title)
        _add_order(sql, "sort_key", order, limit)
        return
    if limit is not None and not plan.sought:
        _add_listed(sql, engine, plan, ranges, order, limit)
        return
    sql.add("SELECT m.sort_key, m.num FROM (")
    for index, (pair, stretch) in enumerate(ranges):
        sql.add(f"{union if index else ''}SELECT r.sort_key, r.num FROM (")
        _add_range(sql, engine, plan, pair, stretch, order, limit, in_title)
        sql.add(") r")
    sql.add(") m")
    _add_order(sql, "m.sort_key", order, limit)


def _add_listed(
    sql: Sql, engine: Dialect, plan: Plan, ranges: Sequence[tuple[Pair, Stretch]], order: str, limit: int
) -> None:
    """Add several ranges as a list, each looked up in turn: the plan of one is made for all, and the tests stand once.

    For PostgreSQL, to which each branch of a union is a plan of its own that takes as long to make as to run.
    """
    # An event under several pairs comes once.
    distinct = "DISTINCT " if len({pair for pair, _ in ranges}) > 1 else ""
    sql.add(f"SELECT {distinct}m.sort_key, m.num FROM (")
    for index, reaches in enumerate(dict.fromkeys(stretch.reaches for _, stretch in ranges)):
        alike = [(pair, stretch) for pair, stretch in ranges if stretch.reaches == reaches]
        tests = (*reaching(reaches), *plan.tests)
        row = any(test.needs_row for test in tests)
        sql.add(" UNION ALL " if index else "")
        sql.add("SELECT r.sort_key, r.num FROM (VALUES ")
        for place, (pair, stretch) in enumerate(alike):
            sql.add(f"{', ' if place else ''}{LISTED_RANGE}", *pair, stretch.span, stretch.low, stretch.high)
        sql.add(") v(term, place, span, low, high) CROSS JOIN LATERAL (SELECT t.pos AS sort_key, t.num FROM timeline t")
        if row:
            sql.add(" " + engine.looked_up.format(table="event", name="e", of="t"))
        sql.add(" WHERE e.num = t.num AND" if row else " WHERE")
        sql.add(" t.term = v.term AND t.place = v.place AND t.span = v.span")
        sql.add(' AND t.pos >= v.low COLLATE "C" AND t.pos < v.high COLLATE "C"')
        sql.add_tests(tests, row="e")
        _add_order(sql, "t.pos", order, limit)
        sql.add(") r")
    sql.add(") m")
    _add_order(sql, "m.sort_key", order, limit)


def _add_range(
    sql: Sql, engine: Dialect, plan: Plan, pair: Pair, stretch: Stretch, order: str, limit: int | None, in_title: bool
) -> None:
    """Add one range of an index, read in its own order."""
    if plan.sought:
        search_index.add_range(sql, engine, plan.sought, stretch, plan.tests, order, limit, in_title)
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


def _add_order(sql: Sql, key: str, order: str, limit: int | None) -> None:
    if limit is not None:
        sql.add(f" ORDER BY {key}{order} LIMIT ?", limit)
