"""The feed of changes: every revision in the order in which it was recorded, or those that concern a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peewee import Database

from schemas.query import TimelineQuery
from service.database import fetch
from service.dialects import dialect
from service.filters import CHANGE_OPTIONS, CHANGES_DEFAULT, conditions_of
from service.ledger import store_state, timestamp
from service.plans import numbered_lists, text_of
from service.read_query import read_parts, shown_sequence
from service.revisions import INTO, into_of
from service.row_tests import row_tests, words_of
from service.statement import Sql

# With filters, so many revisions are looked through for one answer; the next goes on behind them.
LOOKED_THROUGH = 5000
COLUMNS = f'r.sequence, r.recorded, r."by", r.operation, r.kind, r.subject, r.version, {INTO.format(row="r")}'


@dataclass(frozen=True, slots=True)
class ChangesQuery:
    """What is asked of the feed: at most ``limit`` changes after the sequence ``after`` that concern ``filters``."""

    filters: Mapping[str, Any]
    after: int = 0
    limit: int = CHANGES_DEFAULT


@dataclass(frozen=True, slots=True)
class Changes:
    """A piece of the feed. next: the ``after`` that goes on behind it. last: the end of the feed."""

    changes: list[dict[str, Any]]
    next: int
    last: int

    def as_json(self) -> dict[str, Any]:
        """The answer of the API."""
        return {"changes": self.changes, "next": self.next, "last": self.last}


def read_changes_query(database: Database, query_string: bytes) -> ChangesQuery:
    """The feed that a URL asks for, names resolved. Raises Refused with an entry for each fault."""
    filters, chosen = read_parts(database, query_string, CHANGE_OPTIONS)
    chosen.pop("format", None)
    return ChangesQuery(filters, **chosen)


def changes(database: Database, asked: ChangesQuery) -> Changes:
    """The next piece of the feed, as of one moment if called within one ``snapshot``.

    Writers wait for each other before they take a sequence, so who has seen a change has seen all before it.
    A change concerns a query when the version of the event before it, or the one after it, matches.
    """
    last = shown_sequence(database, asked.filters, store_state(database))
    filters = {name: value for name, value in asked.filters.items() if name != "as_of"}
    until = min(last, asked.after + LOOKED_THROUGH) if filters else last
    sql = Sql(f"SELECT {COLUMNS} FROM revision r WHERE r.sequence > ? AND r.sequence <= ?", [asked.after, until])
    if filters:
        _add_concerns(database, sql, TimelineQuery(filters))
    sql.add(" ORDER BY r.sequence LIMIT ?", asked.limit)
    rows = fetch(database, sql.text, sql.parameters)
    end = rows[-1][0] if len(rows) == asked.limit else until
    return Changes([_shown(*row) for row in rows], max(end, asked.after), last)


def _add_concerns(database: Database, sql: Sql, asked: TimelineQuery) -> None:
    """Add the condition that a revision ``r`` concerns a query."""
    wanted = conditions_of(asked)
    lists = numbered_lists(database, wanted)
    if not all(lists.values()):
        # What is asked for was never carried by any event.
        sql.add(" AND 1 = 0")
        return
    engine, text = dialect(database), text_of(wanted)
    tests = row_tests(engine, wanted, lists)
    sql.add(" AND r.kind = 'event' AND (")
    for index, (rows, past) in enumerate(
        (
            ("event t WHERE t.id = r.subject AND t.version = r.version AND NOT t.deleted", False),
            ("past_event t WHERE t.id = r.subject AND t.version = r.version", True),
            ("past_event t WHERE t.ended = r.sequence", True),
        )
    ):
        sql.add(f"{' OR ' if index else ''}EXISTS (SELECT 1 FROM {rows}")
        sql.add_tests((*tests, *words_of(engine, text, past)), row="t")
        # PostgreSQL would make a list of all that match, which is more than it is asked about.
        sql.add(" LIMIT 1 OFFSET 0)")
    sql.add(")")


def _shown(
    sequence: int, recorded: int, by: str, operation: str, kind: str, subject: str, version: int, into: str | None
) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "at": timestamp(recorded),
        "by": by,
        "operation": operation,
        kind: subject,
        "version": version,
        **into_of(into),
    }
