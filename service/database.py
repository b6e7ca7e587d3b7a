"""Opens an engine from its URL, runs statements on it, and holds everything in which connections to engines differ."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from peewee import Database, DatabaseError, InterfaceError, Model, OperationalError, SqliteDatabase
from peewee import __exception_wrapper__ as driver_errors_as_ours  # type: ignore[attr-defined]  # Not in the stubs.
from playhouse.migrations import Runner
from playhouse.pool import PooledPostgresqlDatabase

from service.driver_errors import causes

MIGRATIONS = Path(__file__).parent / "migrations"
HISTORY = "schema_migration"  # The table in which the migrations that were applied are noted.
Result = TypeVar("Result")
Member = TypeVar("Member")

# What SQLite keeps beside a database, and Dateline's own lock.
BESIDE = ("-wal", "-shm", "-journal", ".lock")
# KiB of pages of a file that a connection keeps: a command's, and one of those that a server has for each thread.
CACHE, SMALL_CACHE = 64_000, 8_000
# Values that one statement looks for; engines take some 30,000 parameters.
CHUNK = 500
# For so long a write waits for another one, so that none holds a thread for ever.
LOCK_SECONDS = 30

# The oldest SQLite with UPDATE … RETURNING.
SQLITE_NEEDED = (3, 35, 0)

# A write that PostgreSQL refuses with one of these may be tried again as a whole: serialisation failure,
# deadlock, the server going down or starting up, and too many connections for the moment.
RETRIED_STATES = frozenset({"40001", "40P01", "57P01", "57P02", "57P03", "53300"})
# With these, the connection is gone as well.
CONNECTION_ENDED = frozenset({"57P01", "57P02"})
ATTEMPTS = 4


class BadDatabaseUrl(ValueError):
    """The URL names no engine or no database that Dateline can use."""


def open_database(url: str, cache: int = CACHE) -> Database:
    """Open the database of a URL; nothing is created or migrated yet.

    url: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://user:password@host/name``
    (several hosts and libpq options as in ``postgresql://a,b/name?target_session_attrs=read-write``).
    cache: KiB of pages that each connection to a file keeps. Raises BadDatabaseUrl.
    """
    if url.startswith("sqlite:///"):
        return _open_sqlite(unquote(url.removeprefix("sqlite:///")), cache)
    if url.startswith(("postgresql://", "postgres://")):
        return _open_postgres("postgresql://" + url.split("://", 1)[1])
    raise BadDatabaseUrl(f"{url!r} names no database: write sqlite:///FILE or postgresql://USER@HOST/NAME")


def own_database(database: Database) -> Database:
    """The same database over one connection of its own, beside every pool.

    Threads may hand it on to each other, as long as no two use it at once.
    """
    if isinstance(database, PooledPostgresqlDatabase):
        return _open_postgres(database.database, shared=False)
    return _open_sqlite(database.database, SMALL_CACHE, shared=False)


@contextmanager
def closing_database(database: Database) -> Iterator[Database]:
    """Close every connection of a database at the end, those that wait in its pool too."""
    try:
        yield database
    finally:
        if not database.is_closed():
            database.close()
        if isinstance(database, PooledPostgresqlDatabase):
            database.close_all()


def is_file(database: Database) -> bool:
    """Whether the database is a file of this machine, and not a server's."""
    return isinstance(database, SqliteDatabase)


def own_files(database: Database) -> list[Path]:
    """The files that a database is made of, whether they are there yet or not; none of a server's."""
    if not isinstance(database, SqliteDatabase):
        return []
    given = Path(database.database).absolute()
    # SQLite keeps its own beside the file that a link leads to.
    return [path.with_name(path.name + end) for path in {given, given.resolve()} for end in ("", *BESIDE)]


def give_back(database: Database) -> None:
    """Give a connection to a server back to its pool. A thread keeps its own to a file."""
    if isinstance(database, PooledPostgresqlDatabase) and not database.is_closed():
        database.close()


def read_through_cache(database: Database) -> None:
    """Map nothing of SQLite's file into memory from now on: what is mapped counts as the process's own, and an import
    goes through all of it. Reading through the bounded cache takes no longer there."""
    if isinstance(database, SqliteDatabase):
        database.execute_sql("PRAGMA mmap_size = 0")


# Milliseconds.
LITTLE_PATIENCE = 100


@contextmanager
def little_patience(database: Database) -> Iterator[None]:
    """Within it, SQLite's write lock is waited for but shortly. PostgreSQL locks no more than the rows concerned."""
    if not isinstance(database, SqliteDatabase):
        yield
        return
    database.execute_sql(f"PRAGMA busy_timeout = {LITTLE_PATIENCE}")
    try:
        yield
    finally:
        database.execute_sql(f"PRAGMA busy_timeout = {database.timeout * 1000}")


def _open_postgres(url: str, shared: bool = True) -> Database:
    # Who has a file needs nothing of it.
    from service.postgres import open_pool

    return open_pool(url, LOCK_SECONDS, shared)


def _open_sqlite(path: str, cache: int, shared: bool = True) -> Database:
    if sqlite3.sqlite_version_info < SQLITE_NEEDED:
        needed = ".".join(map(str, SQLITE_NEEDED))
        raise BadDatabaseUrl(f"SQLite {sqlite3.sqlite_version} is too old: {needed} is needed")
    if not path or path == ":memory:":
        raise BadDatabaseUrl("sqlite:///FILE needs a file: each worker would see a memory of its own")
    if not Path(path).absolute().parent.is_dir():
        raise BadDatabaseUrl(f"the folder of {path} does not exist")
    return SqliteDatabase(
        path,
        pragmas={
            "journal_mode": "wal",
            "synchronous": "full",
            "foreign_keys": 1,
            "cache_size": -cache,
            # As much of the file as the build allows is read through the page cache without copying.
            "mmap_size": 2**40,
        },
        timeout=LOCK_SECONDS,
        # A deferred transaction that reads first fails at its first write when another has written since.
        lock_type="IMMEDIATE",
        thread_safe=shared,
        check_same_thread=shared,
    )


def _with_markers(sql: str, marker: str) -> str:
    return sql if marker == "?" else _escaped(sql, marker)


# Statements over many names are long, so not many of them are kept.
@lru_cache(maxsize=256)
def _escaped(sql: str, marker: str) -> str:
    return sql.replace("%", "%%").replace("?", marker)


def fetch(database: Database, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement written with ``?`` for its parameters."""
    cursor = database.execute_sql(_with_markers(sql, database.param), tuple(parameters))
    # What the driver raises here, outside of peewee's own calls, is to be told like the rest.
    with driver_errors_as_ours:
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def fetch_in_pieces(
    database: Database, sql: str, parameters: Sequence[Any], size: int
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a statement as of ``fetch``, at most ``size`` at a time, so that no more are held than that.

    PostgreSQL's driver holds all of them as the bytes that the server sent.
    """
    cursor = database.execute_sql(_with_markers(sql, database.param), tuple(parameters))
    while True:
        with driver_errors_as_ours:
            rows: list[tuple[Any, ...]] = cursor.fetchmany(size)
        if not rows:
            return
        yield rows


def stream(database: Database, sql: str, parameters: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a statement as of ``fetch_in_pieces``, of which no engine and no driver holds more than a piece.

    Only within a transaction, and one at a time.
    """
    if not isinstance(database, PooledPostgresqlDatabase):
        yield from fetch_in_pieces(database, sql, parameters, size)
        return
    execute(database, f"DECLARE streamed NO SCROLL CURSOR FOR {sql}", parameters)
    while rows := fetch(database, f"FETCH {size} FROM streamed"):
        yield rows
    execute(database, "CLOSE streamed")


def fetch_by_key(
    database: Database, columns: str, table: str, key: Sequence[str], values: Iterable[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """The rows of ``table t`` whose ``key`` columns equal one of ``values``, which must differ from each other.

    columns: what to select, of ``t``. The values are the outer side of a join, so that each is a look-up by index:
    SQLite reads a whole table for ``(a, b) IN (VALUES …)``.
    """
    equal = " AND ".join(f"t.{column} = k.column{place}" for place, column in enumerate(key, 1))
    row = f"({', '.join('?' * len(key))})"
    found = []
    for chunk in chunks(list(values), CHUNK):
        listed = ", ".join([row] * len(chunk))
        sql = f"SELECT {columns} FROM (VALUES {listed}) k CROSS JOIN {table} t WHERE {equal}"
        found += fetch(database, sql, [part for value in chunk for part in value])
    return found


def chunks(members: Sequence[Member], size: int = CHUNK) -> Iterator[Sequence[Member]]:
    """A list in pieces of at most ``size``."""
    return (members[start : start + size] for start in range(0, len(members), size))


def execute(database: Database, sql: str, parameters: Sequence[Any] = ()) -> int:
    """Run a statement and return how many rows it changed."""
    changed: int = database.execute_sql(_with_markers(sql, database.param), tuple(parameters)).rowcount
    return changed


def execute_many(database: Database, sql: str, rows: Iterable[Sequence[Any]]) -> None:
    """Run a statement once for each row of parameters, in one call of the driver."""
    if not isinstance(rows, Sized) or rows:
        with driver_errors_as_ours:
            database.cursor().executemany(_with_markers(sql, database.param), rows)


def insert_rows(database: Database, model: type[Model], rows: Iterable[Sequence[Any]], on_conflict: str = "") -> None:
    """Insert rows whose values come in the order of the model's fields, in one call of the driver."""
    columns = [field.column_name for field in model._meta.sorted_fields]
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    table = model._meta.table_name
    execute_many(database, f"INSERT INTO {table} ({names}) VALUES ({marks}) {on_conflict}", rows)


def write(database: Database, work: Callable[[], Result]) -> Result:
    """Run ``work`` in one write transaction and return its result.

    Where the engine aborts it for a reason that passes (see RETRIED_STATES), the whole of it is run again, so
    ``work`` must keep nothing from a run that failed. Raises what ``work`` raises.
    """
    if database.in_transaction():
        # Only the outermost transaction can be tried again.
        with database.atomic():
            return work()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with database.atomic():
                return work()
        except (OperationalError, InterfaceError) as error:
            state = sql_state(error)
            if state in CONNECTION_ENDED and isinstance(database, PooledPostgresqlDatabase):
                # The thread would keep the dead connection, and the pool would hand it out again.
                database.manual_close()
            if attempt == ATTEMPTS or state not in RETRIED_STATES:
                raise
            time.sleep(0.02 * 2**attempt)
    raise AssertionError("the loop returns or raises")


def sql_state(error: DatabaseError | InterfaceError) -> str | None:
    """The SQLSTATE of a PostgreSQL error, None where there is none."""
    states = (getattr(cause, "sqlstate", None) for cause in causes(error))
    return next((state for state in states if state is not None), None)


def root_cause(error: BaseException) -> str:
    """What went wrong first: a failed rollback hides a full disk."""
    *_, first = causes(error)
    return str(first).strip()


@contextmanager
def snapshot(database: Database) -> Iterator[None]:
    """Within it, every read sees the same moment."""
    if database.in_transaction():
        yield
    elif isinstance(database, PooledPostgresqlDatabase):
        with database.transaction("REPEATABLE READ"):
            yield
    else:
        with database.transaction("DEFERRED"):
            yield


def migrate(database: Database) -> list[str]:
    """Bring the tables up to this version and return the names of the migrations applied.

    Concurrent callers wait for each other: by an advisory lock on PostgreSQL, by a lock file on SQLite.
    Raises BadDatabaseUrl for a PostgreSQL database that is older than 15 or not UTF-8, for a database that holds
    tables of something else, and for a folder that cannot be written to.
    """
    if isinstance(database, PooledPostgresqlDatabase):
        encoding, version = fetch(
            database, "SELECT current_setting('server_encoding'), current_setting('server_version_num')"
        )[0]
        if encoding != "UTF8":
            raise BadDatabaseUrl(f"the database is encoded in {encoding}: Dateline needs UTF8")
        if int(version) < 150000:
            raise BadDatabaseUrl("PostgreSQL 15 or newer is needed")
    runner = Runner(database, str(MIGRATIONS))
    if all(migration.applied for migration in runner.status()):
        return []
    with migration_lock(database):
        _refuse_foreign_tables(database)
        applied: list[str] = runner.up()
    return applied


def _refuse_foreign_tables(database: Database) -> None:
    tables = database.get_tables()
    if tables and HISTORY not in tables:
        found = ", ".join(sorted(tables)[:3])
        raise BadDatabaseUrl(f"the database holds tables of something else ({found}): give Dateline one of its own")


@contextmanager
def migration_lock(database: Database) -> Iterator[None]:
    """Keep every other process from changing tables or projections as a whole, and wait for one that does."""
    if isinstance(database, PooledPostgresqlDatabase):
        with database.connection_context():
            # Who is ahead may be at work for long, and there is nothing else to do meanwhile.
            execute(database, "SET lock_timeout = 0")
            # Any number will do, as long as nothing else in the database locks by it.
            execute(database, "SELECT pg_advisory_lock(?)", (7_246_173,))
            try:
                yield
            finally:
                execute(database, "SELECT pg_advisory_unlock(?)", (7_246_173,))
                execute(database, "RESET lock_timeout")
        return
    import fcntl

    try:
        lock = os.open(f"{database.database}.lock", os.O_CREAT | os.O_WRONLY, 0o644)
    except OSError as error:
        raise BadDatabaseUrl(f"{error.filename} cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
