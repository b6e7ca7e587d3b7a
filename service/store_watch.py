"""Tells where a store stands now, and asks the database only when something was written since it asked before.

SQLite keeps an index of its log beside the database, in memory that all processes share, and every commit rewrites the
head of it before it returns (https://www.sqlite.org/walformat.html, 2.1). So where that head is as it was, nothing has
been committed. To look at it takes no call of the driver, each of which lets another thread have the interpreter.

The index must not be opened for that. When a process closes any descriptor of a file, the system takes from it all
locks that it has on that file (https://www.sqlite.org/howtocorrupt.html, 2.2), and by its locks SQLite keeps other
processes from emptying an index and a log that are in use. So it is mapped by way of the descriptor that SQLite itself
has.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path

from peewee import Database, SqliteDatabase

from service.ledger import StoreState, store_state

# The head stands twice, so that one that is just being rewritten is told by its halves.
HEAD = 48
# Where Linux lists what a process has opened; elsewhere the database is asked each time.
OPENED = Path("/proc/self/fd")
FAILED = ctypes.c_void_p(-1).value


class StoreWatch:
    """Where a store stands, for one thread, whose connection to a file stays open meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # The address that the index is mapped at.
        self._index: int | None = None
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
            self._index = _map_index(self._database)
        elif head is not None and head == self._read_head():
            self._head, self._state = head, state
        return state

    def close(self) -> None:
        """Let go of the index; to be called before the connection is closed."""
        if self._index is not None:
            _libc().munmap(self._index, mmap.PAGESIZE)
        self._index = self._head = self._state = None

    def _read_head(self) -> bytes | None:
        """The head of the log's index, None while it is being rewritten or where there is none."""
        if self._index is None:
            return None
        twice = ctypes.string_at(self._index, 2 * HEAD)
        head = twice[:HEAD]
        return head if head == twice[HEAD:] and any(head) else None


def _map_index(database: Database) -> int | None:
    """The address at which the index of a file's log is mapped now; None where there is none, or no way to it."""
    descriptor = _descriptor_of_index(database)
    if descriptor is None or os.fstat(descriptor).st_size < mmap.PAGESIZE:
        return None
    address: int | None = _libc().mmap(None, mmap.PAGESIZE, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    return None if address == FAILED else address


def _descriptor_of_index(database: Database) -> int | None:
    """SQLite's own descriptor of the index, None where it has none."""
    if not isinstance(database, SqliteDatabase) or not OPENED.is_dir():
        return None
    index = f"{os.path.realpath(database.database)}-shm"
    for entry in OPENED.iterdir():
        try:
            if os.readlink(entry) == index:
                return int(entry.name)
        except OSError:
            # It was closed meanwhile.
            continue
    return None


def _libc() -> ctypes.CDLL:
    """The C library: Python's own ``mmap`` would keep a descriptor of its own, and close it."""
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
    libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    return libc
