"""Opens a pool of connections to a PostgreSQL server."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from functools import partial
from typing import Any

from peewee import Database
from playhouse.pool import PooledPostgresqlDatabase

from service.database import BadDatabaseUrl

# Of one process.
MAX_CONNECTIONS = 32
# In seconds, and milliseconds: a server that has gone without a word is told of by the system before its connection is
# used again, and ends a statement that waits for it.
ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 30_000}


def open_pool(url: str, lock_seconds: int, shared: bool) -> Database:
    """A pool over a server; nothing is connected yet.

    lock_seconds: for so long a statement waits for a lock, unless the URL or the environment sets options of its own.
    shared: for the threads of a process; else it is one connection, which threads may hand on to each other.
    Raises BadDatabaseUrl.
    """
    try:
        import psycopg
    except ImportError:
        raise BadDatabaseUrl("PostgreSQL needs its driver: install dateline with the extra `postgres`") from None
    # The driver judges the URL now, so that a typing mistake is not taken for a server that is down.
    try:
        given = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise BadDatabaseUrl(f"the PostgreSQL URL cannot be read: {error}") from None
    # What is given here would take the place of what the URL or the environment sets.
    settings: dict[str, Any] = {name: value for name, value in ALIVE.items() if name not in given}
    if "options" not in given and "PGOPTIONS" not in os.environ:
        settings["options"] = f"-c lock_timeout={lock_seconds}s"
    pool = PooledPostgresqlDatabase(
        url,
        prefer_psycopg3=True,
        max_connections=MAX_CONNECTIONS if shared else 1,
        thread_safe=shared,
        timeout=10,
        stale_timeout=300,
        client_encoding="UTF8",
        connect_timeout=5,
        context=_with_bytes(psycopg.adapters),
        **settings,
    )
    # The library has no types, by which a class of ours could be judged.
    pool._is_closed = partial(_is_gone, pool._is_closed)
    database: Database = pool
    return database


def _with_bytes(adapters: Any) -> Any:
    """The driver's own adapters, but for ``bpchar``, no type of ours, which comes as the bytes that the server sends.

    Text of that type need not be decoded, only to be encoded again.
    """
    from psycopg.adapt import AdaptersMap, Loader

    class Bytes(Loader):
        def load(self, data: Any) -> bytes:
            return bytes(data)

    found = AdaptersMap(adapters)
    found.register_loader("bpchar", Bytes)
    return found


def _is_gone(ask: Callable[[Any], bool], connection: Any) -> bool:
    """Whether a connection that waited in the pool stands no more: ``ask`` the server only where there is a sign of it.

    A server that ends a connection says so on it. Whatever else it may say costs no more than the question, which takes
    a round trip.
    """
    return (connection.closed or _has_something_to_read(connection.fileno())) and ask(connection)


def _has_something_to_read(file: int) -> bool:
    waiting = select.poll()
    waiting.register(file, select.POLLIN)
    return bool(waiting.poll(0))
