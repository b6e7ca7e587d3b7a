"""Where a store stands is told without asking it, and never other than it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from peewee import Database, SqliteDatabase

from service.database import closing_database, execute, open_database
from service.drafts import Draft
from service.event_store import write_events
from service.ledger import store_state
from service.store_watch import StoreWatch
from service.upgrade import upgrade
from tests.conftest import event_body
from tests.statements import sent_to


def store(database: Database, number: int) -> None:
    assert write_events(database, [Draft(1, event_body(id=f"e{number}"))], by="test").rejected == []


def test_every_commit_of_another_connection_is_seen_at_once(empty_database: Database, empty_url: str) -> None:
    other = open_database(empty_url)
    watch = StoreWatch(empty_database)
    with closing_database(other):
        for number in range(60):
            # Also while the log is emptied, and begun from its beginning again.
            if number % 7 == 6 and empty_url.startswith("sqlite"):
                execute(other, "PRAGMA wal_checkpoint(TRUNCATE)")
            if number % 3:
                store(other, number)
            assert watch.state() == watch.state() == store_state(other)
    assert watch.state().sequence == 40
    watch.close()
    assert watch.state().sequence == 40


def test_a_file_is_asked_only_when_something_was_written(
    empty_database: Database, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not empty_url.startswith("sqlite"):
        pytest.skip("a server keeps no index that others could look at")
    watch = StoreWatch(empty_database)
    for _ in range(2):
        watch.state()
    other = open_database(empty_url)
    with closing_database(other):
        sent = sent_to(empty_database, monkeypatch)
        assert watch.state() == watch.state()
        assert sent == []
        store(other, 1)
        assert watch.state() == watch.state() == store_state(other)
        assert len(sent) == 1


def test_a_file_without_a_log_is_asked_each_time(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(empty_database, SqliteDatabase):
        pytest.skip("only a file can be without one")
    empty_database.pragma("journal_mode", "delete", permanent=True)
    empty_database.close()
    watch = StoreWatch(empty_database)
    for number in range(3):
        store(empty_database, number)
        assert watch.state().sequence == number + 1
    sent = sent_to(empty_database, monkeypatch)
    watch.state()
    assert len(sent) == 1


# Opens and closes a file's database again and again, as commands do beside a server.
COMMAND = """
import sqlite3, sys
for _ in range(20):
    connection = sqlite3.connect(sys.argv[1])
    connection.execute("SELECT version FROM store").fetchall()
    connection.close()
"""
# Says of the file's byte by which SQLite tells that an index is in use (https://www.sqlite.org/walformat.html, 2.3.1)
# which process, other than this one, holds a lock on it.
HOLDER = """
import fcntl, struct, sys
with open(sys.argv[1], "rb") as file:
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 128, 1, 0)
    print(struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))[4])
"""


def told(script: str, path: str) -> str:
    return subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True).stdout


def test_to_watch_a_file_takes_no_lock_from_it(tmp_path: Path) -> None:
    """Without its locks, another process empties the index under the eyes of this one, which ends it, or the log."""
    file = str(tmp_path / "store.db")
    with closing_database(open_database(f"sqlite:///{file}")) as database:
        upgrade(database)
        store(database, 1)
        for watch in [StoreWatch(database) for _ in range(3)]:
            for _ in range(3):
                watch.state()
            assert watch._index is not None, "it looks at the index"
            assert told(HOLDER, f"{file}-shm").split() == [str(os.getpid())]
            told(COMMAND, file)
            assert watch.state().sequence == 1
            watch.close()
            assert told(HOLDER, f"{file}-shm").split() == [str(os.getpid())]
