"""Tells where a store stands now, and asks the database only when something was written since it asked before.

SQLite keeps an index of its log beside the database, in memory that all processes share, and every commit rewrites the
head of it before it returns (https://www.sqlite.org/walformat.html, 2.1). So where that head is as it was, nothing has
been committed. To look at it takes no call of the driver, each of which lets another thread have the interpreter.
"""

from __future__ import annotations

import mmap

from peewee import Database, SqliteDatabase

from service.database import is_file
from service.ledger import StoreState, store_state

# The head stands twice, so that one that is just being rewritten is told by its halves.
HEAD = 48


class StoreWatch:
    """Where a store stands, for one thread, whose connection to a file stays open meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._index: mmap.mmap | None = None
        self._head: bytes | None = None
        self._state: StoreState | None = None

    def state(self) -> StoreState:
        """Where the store stands now."""
        head = self._read_head()
        if head is not None and head == self._head and self._state is not None:
            return self._state
        state = store_state(self._database)
        if self._index is None:
            # The connection that was just used keeps the index where it is.
            self._index = _index_of(self._database)
        elif head is not None and head == self._read_head():
            self._head, self._state = head, state
        return state

    def close(self) -> None:
        """Let go of the index; to be called before the connection is closed."""
        if self._index is not None:
            self._index.close()
        self._index = self._head = self._state = None

    def _read_head(self) -> bytes | None:
        """The head of the log's index, None while it is being rewritten or where there is none."""
        if self._index is None:
            return None
        head = self._index[:HEAD]
        return head if head == self._index[HEAD : 2 * HEAD] and any(head) else None


def _index_of(database: Database) -> mmap.mmap | None:
    """The index of a file's log, for reading; None where the database keeps none."""
    if not is_file(database):
        return None
    assert isinstance(database, SqliteDatabase)
    try:
        with open(f"{database.database}-shm", "rb") as file:
            return mmap.mmap(file.fileno(), 2 * HEAD, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
