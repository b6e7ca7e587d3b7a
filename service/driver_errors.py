"""Reads out of an error of either engine's driver what went wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

# PostgreSQL's SQLSTATE for a lock that was not had in time.
LOCK_NOT_AVAILABLE = "55P03"
# SQLite's extended codes keep the plain one in their lowest byte.
PLAIN_CODE = 0xFF


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and what came before it, the first last: a failed rollback hides the reason for it."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def waited_in_vain(error: BaseException) -> bool:
    """Whether somebody else held a lock for longer than it is waited for."""
    return any(
        getattr(cause, "sqlstate", None) == LOCK_NOT_AVAILABLE
        or getattr(cause, "sqlite_errorcode", 0) & PLAIN_CODE == sqlite3.SQLITE_BUSY
        for cause in causes(error)
    )
