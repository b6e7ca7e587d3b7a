"""Listens to the statements that go to a database, and to what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Database


def ask_anew(client: FlaskClient) -> None:
    """Have the application make each answer to this client anew: it judges whoever sends credentials itself."""
    client.environ_base["HTTP_AUTHORIZATION"] = "Basic bm9ib2R5Om5vdGhpbmc="


def sent_to(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement sent to the database from now on, as it is sent."""
    sent: list[str] = []
    execute_sql: Callable[..., Any] = database.execute_sql

    def noting(sql: str, *more: Any, **named: Any) -> Any:
        sent.append(sql)
        return execute_sql(sql, *more, **named)

    monkeypatch.setattr(database, "execute_sql", noting)
    return sent


# Statements, each with the rows of it that were handed over at once.
Reads = list[tuple[str, list[tuple[Any, ...]]]]


class _NotingCursor:
    """A cursor that notes what it hands over at once."""

    def __init__(self, cursor: Any, sql: str, reads: Reads) -> None:
        self.cursor, self.sql, self.reads = cursor, sql, reads

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)

    def fetchall(self) -> Any:
        return self._noted(self.cursor.fetchall())

    def fetchmany(self, size: int) -> Any:
        return self._noted(self.cursor.fetchmany(size))

    def _noted(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        self.reads.append((self.sql, rows))
        return rows


def read_from(database: Database, monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Everything that is read from the database from now on."""
    reads: Reads = []
    execute_sql: Callable[..., Any] = database.execute_sql

    def noting(sql: str, *more: Any, **named: Any) -> Any:
        return _NotingCursor(execute_sql(sql, *more, **named), sql, reads)

    monkeypatch.setattr(database, "execute_sql", noting)
    return reads
