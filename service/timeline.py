"""Answers a timeline query with a page: one statement that joins ranges of the index with the stored documents.

Each range is read in order and no further than the page; the engine merges them and hands the documents over as one
text. Nothing is serialised on reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import orjson
from peewee import Database

from schemas.query import TimelineQuery
from service.database import Dialect, dialect, fetch
from service.ledger import StoreState
from service.plans import Pair, Plan, Test, make_plan
from service.spans import FIRST_PLACE, LAST_PLACE, Stretch

# The order by last change is made by sorting what matches where that cannot be more than this, else by reading
# along that order until the page is full.
SORTED_MAX = 5000
# Members of one compound statement; SQLite takes 500.
COMPOUND_MAX = 400


@dataclass(frozen=True, slots=True)
class Page:
    """A page of events, and the moment of the store that it shows.

    documents: JSON texts with commas between them, as UTF-8 bytes. next: the sort key of the next page's first
    event, None at the end. total: how many events match, where that was asked for.
    """

    documents: bytes
    next: str | None
    total: int | None
    identity: str
    version: int
    sequence: int

    @property
    def tag(self) -> str:
        return StoreState(self.identity, self.version, self.sequence).tag


@dataclass(slots=True)
class Sql:
    """A statement as it grows, with its parameters in the order of their marks."""

    text: str = ""
    parameters: list[object] = field(default_factory=list)

    def add(self, text: str, *parameters: object) -> None:
        self.text += text
        self.parameters += parameters


def page(database: Database, asked: TimelineQuery) -> Page:
    """One page of a query. At most two short statements find the numbers of its names; one makes the page.

    Who resolves names first, and gives the page away under its tag, does all of it within one ``snapshot``.
    """
    plan = make_plan(database, asked)
    sql = page_sql(database, plan, asked)
    [(identity, version, sequence, count, key, text, total)] = fetch(database, sql.text, sql.parameters)
    documents = bytes(text or b"")
    more = count > asked.limit
    if more:
        # One event too many was read: it tells that there is a next page, and where that begins. Each document
        # stands on a line of its own, since JSON text holds no line break.
        documents = documents[: documents.rindex(b",\n")]
    if asked.fields is not None:
        documents = _choose(documents, asked.fields)
    return Page(documents, key if more else None, total, identity, version, sequence)


def days(database: Database, asked: TimelineQuery) -> dict[str, int]:
    """How many events of a query lie on each day that has any, by ``YYYYMMDD``, whatever its cursor and limit."""
    whole = replace(asked, cursor=None, sort="date")
    sql = Sql("SELECT substr(k.sort_key, 1, 8), count(*) FROM (")
    _add_keys(sql, dialect(database), make_plan(database, whole), whole, None)
    sql.add(") k GROUP BY 1 ORDER BY 1")
    return dict(fetch(database, sql.text, sql.parameters))


def _choose(documents: bytes, members: Sequence[str]) -> bytes:
    events = orjson.loads(b"[" + documents + b"]")
    return b",\n".join(orjson.dumps({name: event[name] for name in members}) for event in events)


def page_sql(database: Database, plan: Plan, asked: TimelineQuery) -> Sql:
    """The statement of a page: identity, version, sequence, count, sort key of the last event, documents, total."""
    backwards = asked.sort.startswith("-")
    words = dialect(database)
    joined = words.documents_backwards if backwards else words.documents
    sql = Sql("SELECT s.identity, s.version, s.sequence, p.count, p.key, p.documents, ")
    if asked.total and plan.counted:
        sql.add("coalesce((SELECT y.events FROM tally y WHERE y.term = ? AND y.place = ?), 0)", *plan.pairs[0])
    elif asked.total:
        sql.add("(SELECT count(*) FROM (")
        _add_keys(sql, words, plan, replace(asked, cursor=None), None)
        sql.add(") c)")
    else:
        sql.add("NULL")
    sql.add(
        f" FROM store s CROSS JOIN (SELECT count(*) AS count, {'min' if backwards else 'max'}(sort_key) AS key, "
        f"{joined} AS documents FROM (SELECT k.sort_key, d.document FROM ("
    )
    _add_keys(sql, words, plan, asked, asked.limit + 1)
    sql.add(") k " + words.looked_up.format(table="event_document", name="d", of="k"))
    sql.add(" WHERE d.num = k.num) j) p WHERE s.id = 1")
    return sql


def _add_keys(sql: Sql, words: Dialect, plan: Plan, asked: TimelineQuery, limit: int | None) -> None:
    """Add a query of ``sort_key`` and ``num`` of the events that match, in order and no more than ``limit``."""
    low, high = _bounds(asked)
    order = " DESC" if asked.sort.startswith("-") else ""
    if not plan.pairs:
        sql.add("SELECT '' AS sort_key, 0 AS num FROM store WHERE 1 = 0")
    elif "updated" not in asked.sort:
        _add_ranges(sql, words, plan, low, high, order, limit)
    elif plan.expected is not None and plan.expected <= SORTED_MAX:
        sql.add("SELECT r.recency AS sort_key, r.num FROM (")
        _add_ranges(sql, words, plan, FIRST_PLACE, LAST_PLACE, "", None)
        sql.add(") m " + words.looked_up.format(table="event", name="r", of="m"))
        sql.add(" WHERE r.num = m.num AND r.recency >= ? AND r.recency < ?", low, high)
        _add_order(sql, "r.recency", order, limit)
    else:
        sql.add("SELECT t.recency AS sort_key, t.num FROM event t WHERE NOT t.deleted")
        sql.add(" AND t.recency >= ? AND t.recency < ?", low, high)
        _add_tests(sql, (*plan.covered, *plan.tests), row="t")
        _add_order(sql, "t.recency", order, limit)


def _bounds(asked: TimelineQuery) -> tuple[str, str]:
    """The sort keys that the page may hold: from the cursor on, which is the key of its first event."""
    if asked.cursor is None:
        return FIRST_PLACE, LAST_PLACE
    if asked.sort.startswith("-"):
        # The least text above every key that is the cursor's own: a key ends in an id, which holds no "!".
        return FIRST_PLACE, asked.cursor + "!"
    return asked.cursor, LAST_PLACE


def _add_ranges(sql: Sql, words: Dialect, plan: Plan, low: str, high: str, order: str, limit: int | None) -> None:
    """Add the ranges of the index, merged. An event under several pairs comes once."""
    ranges = [
        (pair, replace(stretch, low=max(stretch.low, low), high=min(stretch.high, high)))
        for pair in plan.pairs
        for stretch in plan.stretches
        if max(stretch.low, low) < min(stretch.high, high)
    ]
    if not ranges:
        sql.add("SELECT '' AS sort_key, 0 AS num FROM store WHERE 1 = 0")
    elif len(ranges) == 1:
        _add_range(sql, words, *ranges[0], plan.tests, order, limit)
    else:
        # The stretches of one pair have no event in common.
        union = " UNION ALL " if len(plan.pairs) == 1 else " UNION "
        sql.add("SELECT u.sort_key, u.num FROM (")
        for start in range(0, len(ranges), COMPOUND_MAX):
            sql.add(union if start else "")
            sql.add("SELECT g.sort_key, g.num FROM (")
            for index, (pair, stretch) in enumerate(ranges[start : start + COMPOUND_MAX]):
                sql.add(union if index else "")
                sql.add("SELECT r.sort_key, r.num FROM (")
                _add_range(sql, words, pair, stretch, plan.tests, order, limit)
                sql.add(") r")
            sql.add(") g")
        sql.add(") u")
        _add_order(sql, "u.sort_key", order, limit)


def _add_range(
    sql: Sql, words: Dialect, pair: Pair, stretch: Stretch, tests: Sequence[Test], order: str, limit: int | None
) -> None:
    """Add one range of the timeline index, read in its own order."""
    row = stretch.reaches is not None or any(test.needs_row for test in tests)
    sql.add("SELECT t.pos AS sort_key, t.num FROM timeline t")
    if row:
        sql.add(" " + words.looked_up.format(table="event", name="e", of="t"))
    sql.add(" WHERE e.num = t.num AND" if row else " WHERE")
    sql.add(" t.term = ? AND t.place = ? AND t.span = ?", *pair, stretch.span)
    sql.add(" AND t.pos >= ? AND t.pos < ?", stretch.low, stretch.high)
    if stretch.reaches is not None:
        sql.add(" AND (e.until IS NULL OR e.until >= ?)", stretch.reaches)
    _add_tests(sql, tests, row="e")
    _add_order(sql, "t.pos", order, limit)


def _add_tests(sql: Sql, tests: Sequence[Test], row: str) -> None:
    for test in tests:
        sql.add(" AND " + test.sql.format(row=row), *test.parameters)


def _add_order(sql: Sql, key: str, order: str, limit: int | None) -> None:
    if limit is not None:
        sql.add(f" ORDER BY {key}{order} LIMIT ?", limit)
