"""The two engines: how they are opened, how a write goes on after a lost connection, and what is kept of statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from peewee import Database, IntegrityError, InterfaceError, OperationalError, ProgrammingError

from service import database as module
from service.app import create_app
from service.check import check
from service.database import (
    BadDatabaseUrl,
    closing_database,
    execute,
    fetch,
    migration_lock,
    open_database,
    read_through_cache,
    root_cause,
    snapshot,
    write,
)
from service.driver_errors import waited_in_vain
from service.postgres import ALIVE
from service.server.front import READERS, WRITERS
from service.settings import Settings
from service.upgrade import upgrade
from tests.engines import temporary_database
from tests.serving import soon
from tests.writing import body, counts, put


@pytest.fixture
def postgres_database_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database on the server, whatever engine other tests run on."""
    with temporary_database(postgres_server) as url:
        with closing_database(open_database(url)) as database:
            upgrade(database)
        yield url


def terminate_backend(url: str, pid: int) -> None:
    """End a connection as an administrator does, and wait until it is gone."""
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,)).fetchone() == (True,)


def backend(database: Database) -> int:
    [(pid,)] = fetch(database, "SELECT pg_backend_pid()")
    number: int = pid
    return number


def test_a_write_whose_connection_is_ended_within_it_is_made_again(postgres_database_url: str) -> None:
    runs: list[int] = []
    with closing_database(open_database(postgres_database_url)) as database:

        def work() -> None:
            runs.append(backend(database))
            assert counts(put(database, body(id="a"))) == (1, 1, 0, 0, 0)
            if len(runs) == 1:
                terminate_backend(postgres_database_url, runs[0])
            put(database, body(id="b"))

        write(database, work)
        assert len(runs) == 2
        assert runs[0] != runs[1]
        assert fetch(database, "SELECT id, version FROM event ORDER BY id") == [("a", 1), ("b", 1)]
        assert check(database) == []


def test_a_write_over_a_connection_that_was_ended_before_it_is_made(postgres_database_url: str) -> None:
    with closing_database(open_database(postgres_database_url)) as database:
        terminate_backend(postgres_database_url, backend(database))
        assert counts(put(database, body(id="a"))) == (1, 1, 0, 0, 0)
        terminate_backend(postgres_database_url, backend(database))
        assert counts(put(database, body(id="a"))) == (1, 0, 0, 1, 0)


def test_a_write_that_is_ended_each_time_fails_in_the_end_and_leaves_nothing(postgres_database_url: str) -> None:
    runs: list[int] = []
    with closing_database(open_database(postgres_database_url)) as database:

        def work() -> None:
            runs.append(backend(database))
            put(database, body(id="a"))
            terminate_backend(postgres_database_url, runs[-1])
            put(database, body(id="b"))

        with pytest.raises((OperationalError, InterfaceError)):
            write(database, work)
    assert len(set(runs)) == module.ATTEMPTS
    with closing_database(open_database(postgres_database_url)) as database:
        assert fetch(database, "SELECT id FROM event") == []


def test_a_connection_that_the_server_ended_while_it_waited_is_not_handed_out_again(postgres_database_url: str) -> None:
    with closing_database(open_database(postgres_database_url)) as database:
        ended = backend(database)
        database.close()
        terminate_backend(postgres_database_url, ended)
        assert backend(database) != ended


def test_a_connection_from_the_pool_sends_nothing_but_what_it_is_asked(postgres_database_url: str) -> None:
    with closing_database(open_database(postgres_database_url)) as database:
        pid = backend(database)
        execute(database, "SELECT 42")
        database.close()
        database.connect()
        with psycopg.connect(postgres_database_url) as other:
            last = other.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
        assert last == ("SELECT 42",)
        assert backend(database) == pid, "it is the same connection"


def test_a_connection_to_which_something_was_said_while_it_waited_is_kept(postgres_database_url: str) -> None:
    with closing_database(open_database(postgres_database_url)) as database:
        pid = backend(database)
        execute(database, "LISTEN something")
        database.close()
        with psycopg.connect(postgres_database_url, autocommit=True) as other:
            other.execute("NOTIFY something")
        assert backend(database) == pid


def test_a_server_that_has_gone_is_noticed_in_time_unless_the_url_says_when(postgres_database_url: str) -> None:
    """Of what libpq was told; the system itself may bound it further."""
    with closing_database(open_database(postgres_database_url)) as database:
        told = database.connection().info.get_parameters()
    assert {name: int(told[name]) for name in ALIVE} == ALIVE
    url = f"{postgres_database_url}{'&' if '?' in postgres_database_url else '?'}keepalives_idle=7"
    with closing_database(open_database(url)) as database:
        told = database.connection().info.get_parameters()
    assert {name: int(told[name]) for name in ALIVE} == ALIVE | {"keepalives_idle": 7}


def with_options(url: str, options: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}options={quote(options)}"


def test_a_lock_is_waited_for_as_long_as_on_sqlite_unless_the_url_says_otherwise(
    postgres_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waited(url: str) -> str:
        with closing_database(open_database(url)) as database:
            [(told,)] = fetch(database, "SHOW lock_timeout")
        return str(told)

    monkeypatch.delenv("PGOPTIONS", raising=False)
    assert waited(postgres_database_url) == "30s"
    assert waited(with_options(postgres_database_url, "-c lock_timeout=7s")) == "7s"
    monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=8s")
    assert waited(postgres_database_url) == "8s"


def test_who_brings_the_tables_up_waits_for_as_long_as_somebody_else_does(postgres_database_url: str) -> None:
    hasty_url = with_options(postgres_database_url, "-c lock_timeout=1ms")
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with (
        closing_database(open_database(postgres_database_url)) as first,
        closing_database(open_database(hasty_url)) as second,
        ThreadPoolExecutor(1) as threads,
    ):

        def follow() -> list[tuple[str]]:
            with second.connection_context():
                with migration_lock(second):
                    pass
                return fetch(second, "SHOW lock_timeout")

        with migration_lock(first):
            following = threads.submit(follow)
            assert soon(lambda: following.done() or fetch(first, waiting) == [(1,)])
            assert fetch(first, "SELECT pg_sleep(0.05)") and not following.done()
        assert following.result(10) == [("1ms",)]


def test_a_lock_that_was_not_had_in_time_is_told_from_other_failures(empty_url: str, engine: str) -> None:
    hasty_url = with_options(empty_url, "-c lock_timeout=1ms") if engine == "postgres" else empty_url
    with closing_database(open_database(empty_url)) as first, closing_database(open_database(hasty_url)) as second:
        if engine == "sqlite":
            execute(second, "PRAGMA busy_timeout = 1")
        with first.atomic():
            execute(first, "UPDATE store SET version = version")
            with pytest.raises(OperationalError) as late:
                write(second, lambda: execute(second, "UPDATE store SET version = version"))
        with pytest.raises((OperationalError, ProgrammingError)) as wrong:
            fetch(second, "SELECT * FROM nothing")
    assert waited_in_vain(late.value)
    assert not waited_in_vain(wrong.value)


# SQLite


@pytest.fixture
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A file with the tables, whatever engine other tests run on."""
    with closing_database(open_database(f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/store.db")) as database:
        upgrade(database)
        yield database


@pytest.mark.parametrize(
    ("pragma", "value"),
    # 2 is FULL: with the write-ahead log, anything less may lose what was acknowledged when the power fails.
    [("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1)],
)
def test_a_file_is_opened_to_last(sqlite: Database, pragma: str, value: object) -> None:
    assert fetch(sqlite, f"PRAGMA {pragma}") == [(value,)]


def test_a_file_that_is_read_through_the_cache_is_not_mapped(sqlite: Database) -> None:
    [(mapped,)] = fetch(sqlite, "PRAGMA mmap_size")
    read_through_cache(sqlite)
    assert mapped > 0 and fetch(sqlite, "PRAGMA mmap_size") == [(0,)]


def test_the_connections_of_a_worker_keep_few_pages(sqlite: Database) -> None:
    """A worker has one for each of its threads: the loop, those that read and those that write."""
    with closing_database(
        create_app(Settings(database_url=f"sqlite:///{sqlite.database}")).extensions["dateline"]["database"]
    ) as own:
        [(pages,)] = fetch(own, "PRAGMA cache_size")
    assert -pages * (1 + READERS + WRITERS) <= 75_000 and -pages < module.CACHE
    assert fetch(sqlite, "PRAGMA cache_size") == [(-module.CACHE,)]


def test_a_write_holds_the_file_from_its_beginning(sqlite: Database) -> None:
    def work() -> None:
        # Nothing is written yet, and nobody else can begin to.
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")

    other = sqlite3.connect(sqlite.database, timeout=0, isolation_level=None)
    try:
        write(sqlite, work)
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    finally:
        other.close()


def test_a_reader_holds_nobody_up(sqlite: Database) -> None:
    other = sqlite3.connect(sqlite.database, timeout=0, isolation_level=None)
    try:
        with snapshot(sqlite):
            [(before,)] = fetch(sqlite, "SELECT version FROM store")
            other.execute("UPDATE store SET version = version + 1")
            assert fetch(sqlite, "SELECT version FROM store") == [(before,)]
        assert fetch(sqlite, "SELECT version FROM store") == [(before + 1,)]
    finally:
        other.close()


def test_a_foreign_key_is_kept(sqlite: Database) -> None:
    execute(sqlite, "CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    execute(sqlite, "CREATE TABLE child (parent INTEGER REFERENCES parent)")
    with pytest.raises(IntegrityError):
        execute(sqlite, "INSERT INTO child VALUES (7)")


# Statements


def test_statements_that_need_no_change_are_not_kept(sqlite: Database) -> None:
    before = module._escaped.cache_info().currsize
    for number in range(20):
        assert fetch(sqlite, f"SELECT {number}, '%', ?", (1,)) == [(number, "%", 1)]
    assert module._escaped.cache_info().currsize == before
    assert module._escaped.cache_info().maxsize == 256


def test_a_percent_sign_of_a_statement_is_one_on_every_engine(empty_database: Database) -> None:
    assert fetch(empty_database, "SELECT 'a%sb', ?", (1,)) == [("a%sb", 1)]


def test_a_database_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE users (name TEXT)")
    other.close()
    with (
        closing_database(open_database(f"sqlite:///{path}")) as database,
        pytest.raises(BadDatabaseUrl, match="something else"),
    ):
        upgrade(database)
    assert database.get_tables() == ["users"]
    database.close()


def test_a_folder_that_cannot_be_written_to_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.db.lock").mkdir()  # A folder stands where the lock belongs, whoever runs the test.
    with (
        closing_database(open_database(f"sqlite:///{tmp_path}/a.db")) as database,
        pytest.raises(BadDatabaseUrl, match="cannot be written"),
    ):
        upgrade(database)


def test_an_error_while_rows_are_read_is_the_same_as_one_before(tmp_path: Path) -> None:
    # The second row of this is the one that cannot be made.
    sql = "SELECT abs(n) FROM (SELECT 1 AS n UNION ALL SELECT -9223372036854775807 - 1)"
    with (
        closing_database(open_database(f"sqlite:///{tmp_path}/a.db")) as database,
        pytest.raises(OperationalError),
    ):
        fetch(database, sql)


def test_the_cause_is_what_went_wrong_first() -> None:
    try:
        try:
            raise OSError("database or disk is full")
        except OSError:
            raise RuntimeError("cannot rollback") from None
    except RuntimeError as error:
        assert root_cause(error) == "database or disk is full"
