"""Copies a database into one file, as one moment shows it, while others read and write."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from peewee import Database, SqliteDatabase

from service.database import HISTORY, fetch, snapshot
from service.finished_file import BadTarget, becoming, refuse_store
from service.pg_dump import DumpFailed, dump

# So many pages are copied at a time, 4 MiB of the usual size. Between them a signal is heeded and progress told.
PAGES_A_STEP = 1024
# Keys and unpublished records stand in a backup, so it is for who made it until they say otherwise.
OWNER_ALONE = 0o600
EXISTS = "{} exists: choose another name, or let --replace put the new backup in its place"


class BackupFailed(Exception):
    """There is no backup, and whatever had its name before is as it was. The message is for people."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that is whole. form: ``sqlite`` or ``pg_dump``; sequence: of the last change in it; size: in bytes."""

    file: Path
    form: str
    sequence: int
    size: int


class Progress(Protocol):
    """Is told how far a backup is, in bytes; ``total`` is None where that cannot be known."""

    def __call__(self, done: int, total: int | None) -> object: ...


def back_up(database: Database, target: Path, progress: Progress, replace: bool = False) -> Backup:
    """Copy a database, as it stands and whatever version of Dateline made it, into a file.

    SQLite gives a database that is ready for use, PostgreSQL an archive for ``pg_restore``. The file has its name once
    it is whole, checked and on the disk. replace: whether it may take the place of another.
    Raises BadTarget and BackupFailed.
    """
    own = Path(database.database).resolve() if isinstance(database, SqliteDatabase) else None
    try:
        file = target.resolve()
        refuse_store(database, file)
        _judge(file, replace, is_database=own is not None)
        if own is not None and not own.exists():
            raise BackupFailed(f"there is no database at {own}")
        if HISTORY not in database.get_tables():
            raise BackupFailed("the database holds nothing of Dateline's: there is nothing to back up")
        with becoming(file, OWNER_ALONE, replace) as part:
            if own is not None:
                form, sequence = "sqlite", _copy(database, part, progress)
            else:
                form, sequence = "pg_dump", _dumped(database, part, progress)
        return Backup(file, form, sequence, file.stat().st_size)
    except FileExistsError as error:
        raise BackupFailed(EXISTS.format(file)) from error
    except (DumpFailed, sqlite3.Error) as error:
        raise BackupFailed(f"{target} was not written: {error}") from error
    except OSError as error:
        raise BackupFailed(f"{target} cannot be written: {error.strerror or error}") from error


def _judge(file: Path, replace: bool, is_database: bool) -> None:
    """Refuse a file that a backup cannot have, before anything is read. is_database: whether SQLite is to read it."""
    if not file.parent.is_dir():
        raise BackupFailed(f"{file} cannot be written: there is no folder {file.parent}")
    if file.is_dir():
        raise BadTarget("is a folder: name a file in it")
    if file.exists() and not file.is_file():
        raise BadTarget("is a device or a pipe: a backup needs a file")
    if file.exists() and not replace:
        raise BackupFailed(EXISTS.format(file))
    for ending in ("-wal", "-journal") if is_database else ():
        # SQLite would take what stands there for the newest part of the backup.
        if (other := file.with_name(file.name + ending)).exists():
            raise BackupFailed(f"{other} is there: a program has {file.name} open as a database, or broke off with it")


def _last_change(database: Database) -> int:
    """The sequence of the last change. Every version of Dateline has this table and column."""
    [(sequence,)] = fetch(database, "SELECT coalesce(max(sequence), 0) FROM revision")
    return int(sequence)


def _copy(database: Database, part: Path, progress: Progress) -> int:
    """Copy an SQLite database by SQLite's online backup; return the sequence of its last change.

    The copy is made within one read transaction. So it is of one moment, writers go on meanwhile, and none of them
    makes it begin anew, as it would without: the write-ahead log keeps what they write until the copy is done.
    """
    with snapshot(database):
        # The first statement that reads fixes the moment.
        sequence = _last_change(database)
        [(size,)] = fetch(database, "PRAGMA page_size")
        [(pages,)] = fetch(database, "PRAGMA page_count")
        _refuse_too_large(part, size * pages)
        with closing(sqlite3.connect(part)) as target:
            # What is left of a copy that breaks off is thrown away, so nothing of it needs to be recoverable.
            target.execute("PRAGMA journal_mode = off")
            target.execute("PRAGMA synchronous = off")
            database.connection().backup(
                target,
                pages=PAGES_A_STEP,
                progress=lambda status, remaining, total: progress((total - remaining) * size, total * size),
            )
    with closing(sqlite3.connect(part, isolation_level=None)) as target:
        # A database with a write-ahead log cannot be read where no file can be made beside it.
        target.execute("PRAGMA journal_mode = delete").fetchall()
    with closing(sqlite3.connect(f"{part.as_uri()}?mode=ro", uri=True)) as copy:
        found = [row[0] for row in copy.execute("PRAGMA quick_check(1)")]
    if found != ["ok"]:
        raise BackupFailed(f"the copy is not sound, so the database may be damaged itself: {found[0]}")
    return sequence


def _refuse_too_large(part: Path, needed: int) -> None:
    """Refuse what will not fit, rather than fill a disk that the database itself may be on."""
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise BackupFailed(f"the disk is too full: {needed:,} bytes are needed in {part.parent}, {free:,} are free")


def _dumped(database: Database, part: Path, progress: Callable[[int, None], object]) -> int:
    """Let pg_dump write a PostgreSQL database; return the sequence of its last change."""
    with snapshot(database):
        # Limits on how long a transaction may stay open are meant for others. One of them is new in PostgreSQL 17.
        limits = "'idle_in_transaction_session_timeout', 'transaction_timeout'"
        fetch(database, f"SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN ({limits})")
        sequence = _last_change(database)
        [(name,)] = fetch(database, "SELECT pg_export_snapshot()")
        dump(database.connection(), str(name), part, lambda size: progress(size, None))
    return sequence
