"""``dateline backup``: a copy is of one moment while others write, can be served, and looks whole when it is."""

from __future__ import annotations

import json
import os
import pty
import shlex
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result
from peewee import Database

from service import backup, backup_command
from service.backup import BackupFailed, back_up
from service.commands import main
from service.database import closing_database, execute, fetch, open_database
from service.ledger import store_state
from service.read_query import read_query
from service.timeline import page
from tests.engines import programs_folder, temporary_database
from tests.exports import fill
from tests.serving import ROOT, serving, started
from tests.test_durability import WRITER, assert_a_sound_log
from tests.writing import body, everything, put

OLD = "what was there"
sqlite_alone = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
postgres_alone = pytest.mark.parametrize("engine", ["postgres"], indirect=True, scope="session")
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    """Has pg_dump and pg_restore of the server's version found first."""
    if engine == "postgres":
        monkeypatch.setenv("PATH", f"{programs_folder()}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    made = tmp_path / "backups"
    made.mkdir()
    return made


def run(url: str, *arguments: str) -> Result:
    """Run the command over the database of a URL."""
    return CliRunner().invoke(main, ["backup", *arguments], env={"DATELINE_DATABASE_URL": url})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def quiet(done: int, total: int | None) -> None:
    """Shows nothing."""


@contextmanager
def restored(file: Path, server: str | None) -> Iterator[str]:
    """The URL of what a backup holds, put back as the documentation says."""
    if server is None:
        yield f"sqlite:///{file}"
        return
    with temporary_database(server) as url:
        command = ["pg_restore", "--exit-on-error", "--no-owner", "--dbname", url, str(file)]
        subprocess.run(command, check=True, capture_output=True)
        yield url


# One moment


def test_a_backup_is_of_one_moment_however_much_is_written_meanwhile(
    empty_url: str, folder: Path, server: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAGES_A_STEP", 16)
    writer = started("-c", WRITER, empty_url, "w")
    output = writer.stdout
    assert output is not None
    before = list(chain.from_iterable(output.readline().split() for _ in range(20)))
    during: list[str] = []

    def one_more(done: int, total: int | None) -> None:
        # Each step waits for another write to be acknowledged, and a copy that begins anew for it would never end.
        during.extend(output.readline().split())
        assert len(during) < 500

    try:
        with closing_database(open_database(empty_url)) as database:
            made = back_up(database, folder / "copy", one_more)
    finally:
        writer.kill()
        writer.communicate()
    assert during
    with restored(made.file, server) as url, closing_database(open_database(url)) as copy:
        assert_a_sound_log(copy)
        assert store_state(copy).sequence == made.sequence
        batches = fetch(copy, "SELECT count(*) FROM event WHERE id LIKE 'w-%-a'")[0][0]
        stored = {row[0] for row in fetch(copy, "SELECT id FROM event")}
    assert stored == {f"w-{n}-{half}" for n in range(batches) for half in "ab"}
    assert set(before) <= stored


def test_what_is_put_back_is_the_store_and_can_be_served(
    database_url: str, database: Database, folder: Path, server: str | None
) -> None:
    file = folder / "copy.db"
    result = run(database_url, str(file))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{file}: {file.stat().st_size / 2**10:.1f} KiB, up to change 25\n"
    assert names(folder) == ["copy.db"]
    with restored(file, server) as url:
        with closing_database(open_database(url)) as copy:
            assert everything(copy) == everything(database)
        checked = CliRunner().invoke(main, ["check"], env={"DATELINE_DATABASE_URL": url})
        assert (checked.exit_code, checked.output) == (0, "everything agrees with the revisions\n")
        with serving(url) as (_, port), urlopen(f"http://127.0.0.1:{port}/v1/events?limit=100") as answer:
            assert len(json.load(answer)["events"]) == 9


def test_a_store_that_was_put_back_never_has_the_tag_of_what_it_was_before(
    database: Database, folder: Path, server: str | None
) -> None:
    """Lists of both may hold different events at the same version, and a cache knows them by their tags alone."""
    file = back_up(database, folder / "copy", quiet).file
    put(database, body(id="lost"))
    before = store_state(database)
    with restored(file, server) as url, closing_database(open_database(url)) as copy:
        assert store_state(copy).tag != before.tag
        put(copy, body(id="written-since"))
        after = store_state(copy)
        assert (after.identity, after.version) == (before.identity, before.version)
        assert after.tag != before.tag
        assert page(copy, read_query(copy, b"")).tag == after.tag


def test_a_backup_is_told_to_programs(database_url: str, folder: Path, engine: str) -> None:
    file = folder / "copy"
    result = run(database_url, str(file), "--json")
    form = "sqlite" if engine == "sqlite" else "pg_dump"
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {
        "file": str(file),
        "format": form,
        "bytes": file.stat().st_size,
        "sequence": 25,
    }


def test_a_store_of_another_version_is_copied_as_it_is(
    database_url: str, database: Database, folder: Path, server: str | None
) -> None:
    execute(database, "UPDATE store SET rules = '0 of another version'")
    assert run(database_url, str(folder / "copy")).exit_code == 0
    with restored(folder / "copy", server) as url, closing_database(open_database(url)) as copy:
        assert fetch(copy, "SELECT rules FROM store") == [("0 of another version",)]
    assert fetch(database, "SELECT rules FROM store") == [("0 of another version",)]


@sqlite_alone
def test_a_backup_of_sqlite_is_one_file_that_needs_no_other(database_url: str, folder: Path) -> None:
    assert run(database_url, str(folder / "copy.db")).exit_code == 0
    # The versions of the file format by which it is written and read: 1 is a rollback journal, 2 a write-ahead log.
    assert (folder / "copy.db").read_bytes()[18:20] == b"\x01\x01"
    connection = sqlite3.connect(f"file:{folder}/copy.db?mode=ro", uri=True)
    assert connection.execute("SELECT count(*) FROM event").fetchall() == [(9,)]
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert names(folder) == ["copy.db"]
    connection.close()


# The file


def test_an_existing_file_is_replaced_only_where_that_is_asked_for(
    database_url: str, folder: Path, server: str | None
) -> None:
    file = folder / "copy"
    file.write_text(OLD)
    file.chmod(0o640)
    refused = run(database_url, str(file))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"dateline: {file} exists: ") and "--replace" in refused.stderr
    assert file.read_text() == OLD
    (folder / "link").symlink_to("copy")
    assert run(database_url, str(folder / "link"), "--replace").exit_code == 0
    assert (folder / "link").is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    with restored(file, server) as url, closing_database(open_database(url)) as copy:
        assert store_state(copy).sequence == 25
    assert names(folder) == ["copy", "link"]


def test_a_file_that_somebody_makes_meanwhile_stays(database: Database, folder: Path) -> None:
    file = folder / "copy"
    with pytest.raises(BackupFailed, match="exists"):
        back_up(database, file, lambda done, total: file.write_text(OLD))
    assert file.read_text() == OLD
    assert names(folder) == ["copy"]


def test_a_new_backup_can_be_read_by_its_owner_alone(database_url: str, folder: Path) -> None:
    name = "ñ" * 120
    assert run(database_url, str(folder / name)).exit_code == 0
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("target", "status", "told"),
    [
        ("", 2, "is a folder: name a file in it"),
        ("pipe", 2, "is a device or a pipe: a backup needs a file"),
        ("missing/copy", 1, "cannot be written: there is no folder"),
        ("file/copy", 1, "cannot be written: there is no folder"),
        ("n" * 300, 1, "cannot be written: File name too long"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_told(
    database_url: str, folder: Path, target: str, status: int, told: str
) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "file").write_text(OLD)
    result = run(database_url, str(folder / target), "--replace")
    assert (result.exit_code, result.stdout) == (status, "")
    assert told in result.stderr
    assert names(folder) == ["file", "pipe"]


def test_standard_output_is_no_place(database_url: str) -> None:
    result = run(database_url, "-")
    assert result.exit_code == 2 and "a backup needs a file" in result.stderr


def test_no_permission_is_told(database_url: str, folder: Path) -> None:
    folder.chmod(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("whoever runs the tests may write anywhere")
        result = run(database_url, str(folder / "copy"))
    finally:
        folder.chmod(0o700)
    assert (result.exit_code, result.stderr) == (1, f"dateline: {folder}/copy cannot be written: Permission denied\n")


@sqlite_alone
@pytest.mark.parametrize("other", ["seeded.db", "seeded.db-wal", "seeded.db.lock", "link.db", "hard.db"])
def test_the_database_itself_is_never_written_to(database_url: str, tmp_path: Path, other: str) -> None:
    (tmp_path / "link.db").symlink_to("seeded.db")
    os.link(tmp_path / "seeded.db", tmp_path / "hard.db")
    before = (tmp_path / "seeded.db").read_bytes()
    result = run(database_url, str(tmp_path / other), "--replace")
    assert result.exit_code == 2 and "the database itself" in result.stderr
    assert (tmp_path / "seeded.db").read_bytes() == before


@sqlite_alone
@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_name_beside_which_sqlite_left_something_is_refused(database_url: str, folder: Path, ending: str) -> None:
    # SQLite would read it as the newest part of the backup.
    (folder / f"copy.db{ending}").write_bytes(b"left")
    result = run(database_url, str(folder / "copy.db"), "--replace")
    assert result.exit_code == 1 and f"copy.db{ending} is there" in result.stderr
    assert names(folder) == [f"copy.db{ending}"]


@sqlite_alone
def test_where_there_is_no_database_none_is_made(folder: Path) -> None:
    result = run(f"sqlite:///{folder}/none.db", str(folder / "copy"))
    assert (result.exit_code, result.stderr) == (1, f"dateline: there is no database at {folder}/none.db\n")
    assert names(folder) == []


def test_a_database_of_something_else_is_not_backed_up(engine: str, folder: Path, server: str | None) -> None:
    with restored_nothing(folder, server) as url:
        with closing_database(open_database(url)) as database:
            execute(database, "CREATE TABLE other (x INTEGER)")
        result = run(url, str(folder / "copy"))
    assert result.exit_code == 1 and "nothing of Dateline's" in result.stderr
    assert "copy" not in names(folder)


@contextmanager
def restored_nothing(folder: Path, server: str | None) -> Iterator[str]:
    """The URL of a database without any table."""
    if server is None:
        yield f"sqlite:///{folder}/other.db"
    else:
        with temporary_database(server) as url:
            yield url


# What breaks off


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(28, "No space left on device"), sqlite3.Error("broken")]
)
def test_a_backup_that_fails_leaves_what_was_there(database: Database, folder: Path, error: BaseException) -> None:
    def failing(done: int, total: int | None) -> None:
        raise error

    for old in (False, True):
        if old:
            (folder / "copy").write_text(OLD)
        with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else BackupFailed):
            back_up(database, folder / "copy", failing, replace=True)
        assert names(folder) == (["copy"] if old else [])
    assert (folder / "copy").read_text() == OLD
    assert back_up(database, folder / "another", quiet).sequence == 25


def test_a_backup_that_is_told_to_end_leaves_nothing(
    database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(backup, "_last_change", lambda database: os.kill(os.getpid(), signal.SIGTERM))
    result = run(database_url, str(folder / "copy"))
    assert result.exit_code == 128 + signal.SIGTERM
    assert names(folder) == []
    assert signal.getsignal(signal.SIGTERM) is before


# Makes a backup, says when a part of it is written, and does no more until it is killed.
KILLED = """
import sys, threading
from pathlib import Path
from service import backup
from service.database import open_database
url, target = sys.argv[1:]
backup.PAGES_A_STEP = 16
def wait(done, total):
    print(done, flush=True)
    threading.Event().wait()
backup.back_up(open_database(url), Path(target), wait, replace=True)
"""


def test_a_backup_that_is_killed_leaves_the_target_as_it_was(
    database_url: str, database: Database, folder: Path
) -> None:
    (folder / "copy").write_text(OLD)
    process = started("-c", KILLED, database_url, str(folder / "copy"))
    assert process.stdout is not None
    assert int(process.stdout.readline()) >= 0
    process.kill()
    process.communicate()
    assert (folder / "copy").read_text() == OLD
    # What is left does not look like a backup.
    assert [name for name in names(folder) if not (name.startswith(".copy.") and ".part" in name)] == ["copy"]
    assert back_up(database, folder / "copy", quiet, replace=True).sequence == 25


@sqlite_alone
def test_a_disk_without_room_is_told_before_it_is_full(
    database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 10**6 - 4096, 4096))
    result = run(database_url, str(folder / "copy"))
    assert result.exit_code == 1
    assert result.stderr.startswith("dateline: the disk is too full: ") and result.stderr.endswith("4,096 are free\n")
    assert names(folder) == []


def test_a_file_that_can_grow_no_further_is_told(engine: str, database_url: str, folder: Path) -> None:
    # In blocks of 512 bytes.
    limit = 200 if engine == "sqlite" else 8
    command = shlex.join([sys.executable, "-m", "service.commands", "backup", str(folder / "copy")])
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f {limit}; exec {command}"],
        cwd=ROOT,
        env={**os.environ, "DATELINE_DATABASE_URL": database_url, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"dateline: {folder}/copy was not written: ")
    assert len(done.stderr.splitlines()) == 1
    assert names(folder) == []


@sqlite_alone
def test_a_database_that_is_damaged_makes_no_backup(empty_url: str, empty_database: Database, folder: Path) -> None:
    fill(empty_database)
    execute(empty_database, "PRAGMA wal_checkpoint(TRUNCATE)")
    empty_database.close()
    path = Path(empty_url.removeprefix("sqlite:///"))
    connection = sqlite3.connect(path)
    [(root,)] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'event_document'").fetchall()
    [(size,)] = connection.execute("PRAGMA page_size").fetchall()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    result = run(empty_url, str(folder / "copy"))
    assert result.exit_code == 1
    assert "the copy is not sound" in result.stderr
    assert names(folder) == []


# What is said meanwhile


def test_a_line_is_said_now_and_then(database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_command, "TOLD_EACH", 1)
    said = run(database_url, str(folder / "copy")).stderr
    assert said.startswith("copied ") and said.endswith(" KiB\n")
    assert run(database_url, str(folder / "another"), "--json").stderr == ""


def test_a_terminal_shows_how_far_it_is(engine: str, database_url: str, folder: Path) -> None:
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "service.commands", "backup", str(folder / "copy")]
    environment = {**os.environ, "DATELINE_DATABASE_URL": database_url, "TERM": "xterm"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=end, check=True)
    os.close(end)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert ("copying" in shown and "100%" in shown) if engine == "sqlite" else "copied" in shown
    assert done.stdout.decode().endswith("up to change 25\n")


# pg_dump


def stand_in(folder: Path, program: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a shell script found in the place of one of PostgreSQL's programs, which it can call as ``$REAL``."""
    path = folder / program
    path.write_text(f"#!/bin/sh\nREAL={shlex.quote(str(programs_folder() / program))}\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


ITS_VERSION = '[ "$1" = --version ] && exec "$REAL" --version\n'


@postgres_alone
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'pg_dump (PostgreSQL) 9.6.24'", "pg_dump is of PostgreSQL 9, older than the server"),
        ("echo 'nothing installed' >&2; exit 1", "does not say its version: nothing installed"),
        (ITS_VERSION + "echo 'pg_dump: error: no way' >&2; exit 1", "pg_dump failed: no way"),
        (ITS_VERSION + "exit 3", "pg_dump failed: exit status 3"),
        # It ends well and what it wrote does not.
        (ITS_VERSION + '"$REAL" "$@"\nfor last; do :; done\ntruncate -s -100 "${last#--file=}"', "pg_restore failed: "),
    ],
)
def test_a_dump_that_cannot_be_had_is_told(
    engine: str,
    database_url: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    told: str,
) -> None:
    stand_in(tmp_path, "pg_dump", script, monkeypatch)
    result = run(database_url, str(folder / "copy"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"dateline: {folder}/copy was not written: ")
    assert told in result.stderr
    assert names(folder) == []


@postgres_alone
def test_a_missing_pg_dump_is_told(database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    result = run(database_url, str(folder / "copy"))
    assert result.exit_code == 1 and "pg_dump is not installed, or not in PATH" in result.stderr


@postgres_alone
def test_no_password_is_in_the_list_of_processes(
    database_url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = f'printf "%s\\n" "$@" > {tmp_path}/arguments; env > {tmp_path}/environment; exec "$REAL" "$@"'
    stand_in(tmp_path, "pg_dump", ITS_VERSION + record, monkeypatch)
    # What of the environment leads elsewhere gives way to what the URL says, for pg_dump as for the driver.
    (tmp_path / "services").write_text("[other]\napplication_name=backups\ndbname=elsewhere\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    monkeypatch.setenv("PGSERVICE", "other")
    monkeypatch.setenv("PGUSER", "elsewhere")
    host = database_url.partition("?host=")[2]
    name = database_url.partition("?")[0].rpartition("/")[2]
    url = f"postgresql://postgres:quince%20orchard@/{name}?host={host}"
    result = run(url, str(folder / "copy"))
    assert result.exit_code == 0, result.stderr
    assert "quince" not in (tmp_path / "arguments").read_text()
    environment = (tmp_path / "environment").read_text().splitlines()
    assert {"PGPASSWORD=quince orchard", "PGAPPNAME=backups", f"PGDATABASE={name}", f"PGHOST={host}"} <= set(
        environment
    )
    assert not any(line.startswith("PGSERVICE=") for line in environment)
