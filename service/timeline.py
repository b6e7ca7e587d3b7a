"""Answers a timeline query with a page: one statement that joins what matches with the stored documents.

The engine hands the documents over as one text. Nothing is serialised on reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import orjson
from peewee import Database

from schemas.query import TimelineQuery
from service.database import fetch
from service.dialects import dialect
from service.ledger import STATE, StoreState
from service.matching import RELEVANT_MAX, SORTED_MAX, SORTED_WORDS_MAX, add_count, add_keys, add_rows
from service.plans import Plan, make_plan
from service.statement import Sql


@dataclass(frozen=True, slots=True)
class Page:
    """A page of events, and the moment of the store that it shows.

    documents: JSON texts with commas between them, as UTF-8 bytes. next: the sort key of the next page's first
    event, None at the end. total: how many events match, where that was asked for. sequence: the last change that it
    reflects.
    """

    documents: bytes
    next: str | None
    total: int | None
    state: StoreState
    sequence: int

    @property
    def tag(self) -> str:
        return self.state.tag


class Prepared(NamedTuple):
    """How a page is read: what is asked, the plan for it, and the statement."""

    asked: TimelineQuery
    plan: Plan
    sql: str
    parameters: tuple[object, ...]


def page(database: Database, asked: TimelineQuery) -> Page:
    """One page of a query. A few short statements plan it, however many events there are; one makes the page.

    Who resolves names first, and gives the page away under its tag, does all of it within one ``snapshot``.
    """
    return read(database, prepare(database, asked))


def prepare(database: Database, asked: TimelineQuery) -> Prepared:
    """How a page of a query is read; where its plan is ``lasting``, as long as names mean what they do now."""
    asked = within_relevant(asked)
    plan = plan_page(database, asked)
    sql = page_sql(database, plan, asked)
    return Prepared(asked, plan, sql.text, tuple(sql.parameters))


def read(database: Database, prepared: Prepared) -> Page:
    """The page, in one statement."""
    asked, plan, sql, parameters = prepared
    [(*state, count, key, found, total)] = fetch(database, sql, parameters)
    stands = StoreState(*state)
    documents: bytes = found or b""
    more = count > asked.limit
    if more:
        # One event too many was read: it tells that there is a next page, and where that begins. Each document
        # stands on a line of its own, since JSON text holds no line break.
        documents = documents[: documents.rindex(b",\n")]
    if asked.fields is not None:
        documents = _choose(documents, asked.fields)
    following = _following(asked, key) if more else None
    shown = stands.sequence if plan.sequence is None else plan.sequence
    return Page(documents, following, total, stands, shown)


def within_relevant(asked: TimelineQuery) -> TimelineQuery:
    """The query, its page no longer than there are events by relevance."""
    if asked.sort != "relevance":
        return asked
    return replace(asked, limit=min(asked.limit, RELEVANT_MAX - asked.offset))


def plan_page(database: Database, asked: TimelineQuery) -> Plan:
    """The plan of a page."""
    plan = make_plan(database, asked)
    return replace(plan, few=_are_few(database, plan, asked)) if "updated" in asked.sort else plan


def _are_few(database: Database, plan: Plan, asked: TimelineQuery) -> bool:
    """Whether no more events match than are sorted for a page; it counts no further than that."""
    most = SORTED_WORDS_MAX if plan.sought and plan.sought.text else SORTED_MAX
    known = plan.expected is not None and plan.expected <= most
    # Of several pairs, what is under more than one would have to be found before anything is counted.
    if known or plan.counted or (len(plan.pairs) > 1 and not plan.sought):
        return known
    sql = Sql()
    add_count(sql, dialect(database), plan, asked, most + 1)
    return bool(fetch(database, sql.text, sql.parameters)[0][0] <= most)


def next_key(database: Database, plan: Plan, asked: TimelineQuery) -> str | None:
    """Where the next page begins, as in a Page, without reading this one."""
    sql = Sql("SELECT k.sort_key FROM (")
    add_keys(sql, dialect(database), plan, asked, asked.limit + 1)
    sql.add(f") k ORDER BY k.sort_key{' DESC' if asked.backwards else ''} LIMIT 1 OFFSET ?", asked.limit)
    rows = fetch(database, sql.text, sql.parameters)
    return _following(asked, rows[0][0]) if rows else None


def count(database: Database, plan: Plan, asked: TimelineQuery) -> int:
    """How many events match."""
    sql = Sql()
    add_count(sql, dialect(database), plan, asked)
    return int(fetch(database, sql.text, sql.parameters)[0][0])


def _following(asked: TimelineQuery, key: str) -> str | None:
    """Where the next page begins. By relevance pages are counted, since what is most relevant has no lasting place."""
    if asked.sort != "relevance":
        return key
    end = asked.offset + asked.limit
    return str(end) if end < RELEVANT_MAX else None


def _choose(documents: bytes, members: Sequence[str]) -> bytes:
    events = orjson.loads(b"[" + documents + b"]")
    return b",\n".join(orjson.dumps({name: event[name] for name in members}) for event in events)


def page_sql(database: Database, plan: Plan, asked: TimelineQuery) -> Sql:
    """The statement of a page: the store's row, then the count, sort key of the last event, documents and total."""
    engine = dialect(database)
    joined = engine.documents_backwards if asked.backwards else engine.documents
    # Each column of the store by itself: a join with its row would have SQLite copy the page once more.
    state = ", ".join(f"(SELECT s.{column} FROM store s WHERE s.id = 1)" for column in STATE)
    sql = Sql(f"SELECT {state}, count(*), {'min' if asked.backwards else 'max'}(j.sort_key), {joined}, ")
    if asked.total:
        sql.add("(")
        add_count(sql, engine, plan, asked)
        sql.add(")")
    else:
        sql.add("NULL")
    sql.add(" FROM (")
    one_page_and_one_more = partial(add_keys, sql, engine, plan, asked, asked.limit + 1)
    add_rows(sql, engine, plan, "event_document", ("document",), one_page_and_one_more)
    sql.add(") j")
    return sql


def documents_sql(database: Database, plan: Plan, asked: TimelineQuery) -> Sql:
    """The statement of a page as rows of sort key and document, in order, for a page of any length."""
    engine = dialect(database)
    sql = Sql()
    add_rows(
        sql, engine, plan, "event_document", ("document",), partial(add_keys, sql, engine, plan, asked, asked.limit)
    )
    sql.add(engine.rows_in_order.format(direction=" DESC" if asked.backwards else ""))
    return sql
