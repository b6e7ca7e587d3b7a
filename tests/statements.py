"""Listens to the statements that go to a database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from peewee import Database


def sent_to(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement sent to the database from now on, as it is sent."""
    sent: list[str] = []
    execute_sql: Callable[..., Any] = database.execute_sql

    def noting(sql: str, *more: Any, **named: Any) -> Any:
        sent.append(sql)
        return execute_sql(sql, *more, **named)

    monkeypatch.setattr(database, "execute_sql", noting)
    return sent
