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
from service.statement import EVERY_MATCH, Portion, Sql, Test

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

Range = tuple[Pair, Stretch]

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
        _add_ranges(sql, engine, plan, low, high, Portion(order, limit))
    elif plan.few:
        sql.add("SELECT r.recency AS sort_key, r.num FROM (")
        _add_ranges(sql, engine, plan, FIRST_PLACE, LAST_PLACE, EVERY_MATCH)
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
        _add_ranges(sql, engine, plan, FIRST_PLACE, LAST_PLACE, Portion(" DESC", limit, in_title))
        sql.add(") g")
    sql.add(") u GROUP BY u.num) x")
    _add_order(sql, "x.sort_key", " DESC", limit)


def _add_ranges(sql: Sql, engine: Dialect, plan: Plan, low: str, high: str, portion: Portion) -> None:
    """Add the ranges that the plan reads, merged. An event under several pairs comes once."""
    ranges = [(pair, stretch) for pair in plan.pairs for stretch in _between(plan.stretches, low, high)]
    searched = _between(plan.sought.stretches, low, high) if plan.sought else []
    if not ranges and not searched:
        sql.add(NOTHING)
    elif not ranges and len(searched) == 1:
        _add_searched(sql, engine, plan, searched[0], portion)
    elif not searched and len(ranges) == 1:
        _add_range(sql, engine, plan, *ranges[0], portion)
    elif len(ranges) + len(searched) <= COMPOUND_MAX:
        _add_merged(sql, engine, plan, ranges, searched, portion)
    else:
        sql.add("SELECT u.sort_key, u.num FROM (")
        for index, some in enumerate(chunks(ranges, COMPOUND_MAX - len(searched))):
            sql.add(f"{_union(plan) if index else ''}SELECT g.sort_key, g.num FROM (")
            _add_merged(sql, engine, plan, some, [] if index else searched, portion)
            sql.add(") g")
        sql.add(") u")
        _add_order(sql, "u.sort_key", portion.order, portion.limit)


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
    sql: Sql, engine: Dialect, plan: Plan, ranges: Sequence[Range], searched: Sequence[Stretch], portion: Portion
) -> None:
    """Add several ranges, and stretches of the search index, merged; no more than a compound statement takes."""
    members = [partial(_add_searched, sql, engine, plan, stretch, portion) for stretch in searched]
    if engine.merges:
        for index, (pair, stretch) in enumerate(ranges):
            sql.add(_union(plan) if index else "")
            # It is read in that order and no further than need be. As a subquery it would be sorted again.
            _add_range(sql, engine, plan, pair, stretch, replace(portion, limit=None))
        for index, add_member in enumerate(members):
            sql.add(_union(plan) if ranges or index else "")
            _add_as_member(sql, add_member)
        _add_order(sql, "sort_key", portion.order, portion.limit)
        return
    if ranges and portion.limit is not None:
        members.append(partial(_add_listed, sql, engine, plan, ranges, portion))
    else:
        members += [partial(_add_range, sql, engine, plan, pair, stretch, portion) for pair, stretch in ranges]
    sql.add("SELECT m.sort_key, m.num FROM (")
    for index, add_member in enumerate(members):
        sql.add(_union(plan) if index else "")
        _add_as_member(sql, add_member)
    sql.add(") m")
    _add_order(sql, "m.sort_key", portion.order, portion.limit)


def _add_as_member(sql: Sql, add_member: Callable[[], None]) -> None:
    """Add a query as a member of a union; it may have an order and a limit of its own."""
    sql.add("SELECT r.sort_key, r.num FROM (")
    add_member()
    sql.add(") r")


def _add_listed(sql: Sql, engine: Dialect, plan: Plan, ranges: Sequence[Range], portion: Portion) -> None:
    """Add several ranges as a list, each looked up in turn: the plan of one is made for all, and the tests stand once.

    For an engine to which each branch of a union is a plan of its own, which takes as long to make as to run.
    """
    # An event under several pairs comes once.
    distinct = "DISTINCT " if len({pair for pair, _ in ranges}) > 1 else ""
    sql.add(f"SELECT {distinct}m.sort_key, m.num FROM (")
    for index, reaches in enumerate(dict.fromkeys(stretch.reaches for _, stretch in ranges)):
        listed = [
            {"term": term, "place": place, "span": stretch.span, "low": stretch.low, "high": stretch.high}
            for (term, place), stretch in ranges
            if stretch.reaches == reaches
        ]
        sql.add(" UNION ALL " if index else "")
        sql.add(f"SELECT r.sort_key, r.num FROM {engine.ranges} CROSS JOIN LATERAL (", orjson.dumps(listed).decode())
        sql.add("SELECT t.pos AS sort_key, t.num FROM timeline t")
        within = "t.term = v.term AND t.place = v.place AND t.span = v.span AND t.pos >= v.low AND t.pos < v.high"
        _add_tested(sql, engine, (*reaching(reaches), *plan.tests), within)
        _add_order(sql, "t.pos", portion.order, portion.limit)
        sql.add(") r")
    sql.add(") m")
    _add_order(sql, "m.sort_key", portion.order, portion.limit)


def _add_range(sql: Sql, engine: Dialect, plan: Plan, pair: Pair, stretch: Stretch, portion: Portion) -> None:
    """Add one range of the timeline index, read in its own order."""
    sql.add("SELECT t.pos AS sort_key, t.num FROM timeline t")
    within = "t.term = ? AND t.place = ? AND t.span = ? AND t.pos >= ? AND t.pos < ?"
    bounds = (*pair, stretch.span, stretch.low, stretch.high)
    _add_tested(sql, engine, (*reaching(stretch.reaches), *plan.tests), within, *bounds)
    _add_order(sql, "t.pos", portion.order, portion.limit)


def _add_searched(sql: Sql, engine: Dialect, plan: Plan, stretch: Stretch, portion: Portion) -> None:
    """Add what the search index finds in a stretch, or the first events under the pairs where those fill the page."""
    assert plan.sought is not None
    few_pairs = plan.pairs != EVERYTHING and len(plan.pairs) <= LOOKED_AT_FIRST_PAIRS
    can_fill = portion.limit is not None and portion.limit <= LOOKED_AT_FIRST
    add_beginning = None
    if few_pairs and can_fill and not plan.sought.text:
        add_beginning = partial(_add_beginning, sql, engine, plan, stretch, portion)
    search_index.add_range(sql, engine, plan.sought, stretch, portion, add_beginning)


def _add_beginning(sql: Sql, engine: Dialect, plan: Plan, stretch: Stretch, portion: Portion) -> None:
    """Add what matches of the first events that stand under the pairs in a stretch."""
    sql.add("SELECT k.sort_key, k.num FROM (SELECT t.pos AS sort_key, t.num FROM ")
    sql.add("(SELECT r.sort_key AS pos, r.num FROM (")
    only_ranges = replace(plan, sought=None, stretches=(replace(stretch, reaches=None),), tests=())
    _add_ranges(sql, engine, only_ranges, FIRST_PLACE, LAST_PLACE, Portion(portion.order, LOOKED_AT_FIRST))
    sql.add(") r) t")
    _add_tested(sql, engine, (*reaching(stretch.reaches), *plan.tests), "TRUE")
    sql.add(f") k{engine.rows_in_order.format(direction=portion.order)} LIMIT ?", portion.limit)


def _add_tested(sql: Sql, engine: Dialect, tests: Sequence[Test], condition: str, *parameters: object) -> None:
    """Add what rows ``t`` must pass, a condition and tests, and before it their events where a test needs those."""
    row = any(test.needs_row for test in tests)
    if row:
        sql.add(" " + engine.looked_up.format(table="event", name="e", of="t"))
    sql.add(f" WHERE {'e.num = t.num AND ' if row else ''}{condition}", *parameters)
    sql.add_tests(tests, row="e")


def _add_order(sql: Sql, key: str, order: str, limit: int | None) -> None:
    if limit is not None:
        sql.add(f" ORDER BY {key}{order} LIMIT ?", limit)
