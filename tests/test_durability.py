"""What was acknowledged stays: writers that are killed, writers at the same time, and the server's processes."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path

import pytest
from peewee import Database

from service.check import check
from service.database import closing_database, fetch, open_database
from service.ledger import store_state
from tests.serving import answers, children, serving, soon, started
from tests.writing import body, put

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 10
# Writes batches of two events until it is killed, and prints the ids of each batch once it is acknowledged.
WRITER = """
import itertools, sys
from service.database import open_database
from service.drafts import Draft
from service.event_store import write_events
url, name = sys.argv[1:]
database = open_database(url)
for n in itertools.count():
    ids = [f"{name}-{n}-a", f"{name}-{n}-b"]
    bodies = [{"id": i, "title": i, "date": "2021-08-26", "actors": [f"Band {n % 7}"], "tags": ["x"]} for i in ids]
    report = write_events(database, [Draft(1, item) for item in bodies], by=name, create_actors=True)
    assert report.created == 2, report
    print(*ids, flush=True)
"""
# Writes a given number of versions of an event that all share, and of events of its own.
SHARER = """
import sys
from service.database import open_database
from service.drafts import Draft
from service.event_store import write_events
url, name, count = sys.argv[1:]
database = open_database(url)
for n in range(int(count)):
    titles = {"shared": f"{name} {n}", f"{name}-{n}": "its own"}
    bodies = [{"id": event, "title": title, "date": "2021"} for event, title in titles.items()]
    report = write_events(database, [Draft(1, item) for item in bodies], by=name)
    assert not report.rejected and report.unchanged == 0, report
"""


def sequences(database: Database) -> list[int]:
    return [row[0] for row in fetch(database, "SELECT sequence FROM revision ORDER BY sequence")]


def assert_a_sound_log(database: Database) -> None:
    """No sequence is missing or double, no version of anything is, and times never decrease."""
    assert sequences(database) == list(range(1, store_state(database).sequence + 1))
    times = [row[0] for row in fetch(database, "SELECT recorded FROM revision ORDER BY sequence")]
    assert times == sorted(times)
    rows = fetch(database, "SELECT kind, subject, count(*), max(version) FROM revision GROUP BY kind, subject")
    assert [row for row in rows if row[2] != row[3]] == []
    assert check(database) == []


def test_every_acknowledged_event_outlives_its_killed_writer_and_none_is_half(
    empty_url: str, empty_database: Database
) -> None:
    chance = random.Random(7)
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        writer = started("-c", WRITER, empty_url, f"w{number}")
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(chance.randint(1, 4))]
        threading.Event().wait(chance.random() / 30)
        writer.kill()
        rest, errors = writer.communicate()
        assert writer.returncode == -signal.SIGKILL, errors
        whole = "".join(lines) + rest[: rest.rfind("\n") + 1]
        acknowledged += whole.split()
    stored = {row[0] for row in fetch(empty_database, "SELECT id FROM event")}
    assert len(acknowledged) >= 2 * ROUNDS
    assert set(acknowledged) <= stored
    # Both events of a batch are there, or neither.
    assert {name[:-1] + "b" for name in stored if name.endswith("a")} == {name for name in stored if name.endswith("b")}
    assert_a_sound_log(empty_database)
    assert put(empty_database, body(id="after")).created == 1


def test_processes_that_write_at_once_lose_nothing(empty_url: str, empty_database: Database) -> None:
    writers = [started("-c", SHARER, empty_url, f"p{n}", "15") for n in range(4)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    assert fetch(empty_database, "SELECT version FROM event WHERE id = 'shared'") == [(60,)]
    assert fetch(empty_database, "SELECT count(*) FROM event") == [(61,)]
    assert_a_sound_log(empty_database)


def test_threads_that_write_at_once_lose_nothing(empty_url: str, empty_database: Database) -> None:
    failures: list[BaseException] = []
    with closing_database(open_database(empty_url)) as shared:

        def work(name: str) -> None:
            try:
                for n in range(10):
                    put(
                        shared,
                        body(id="shared", title=f"{name} {n}"),
                        body(id=f"{name}-{n}", actors=[f"Band {n}"]),
                        create_actors=True,
                    )
            except BaseException as error:
                failures.append(error)
            finally:
                shared.close()

        threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert failures == []
    assert fetch(empty_database, "SELECT version FROM event WHERE id = 'shared'") == [(80,)]
    assert fetch(empty_database, "SELECT count(*) FROM event") == [(81,)]
    assert fetch(empty_database, "SELECT count(*) FROM actor") == [(10,)]
    assert_a_sound_log(empty_database)


# The server


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


@needs_proc
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_server_says_where_it_listens_and_ends_whole_when_told(database_url: str, end: signal.Signals) -> None:
    with serving(database_url) as (server, port):
        assert server.stdout is not None
        assert f"http://127.0.0.1:{port}" in server.stdout.readline()
        assert answers(port)
        workers = children(server.pid)
        server.send_signal(end)
        assert server.wait(10) in (0, 128 + end)
        assert soon(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), 5)


@needs_proc
def test_a_worker_that_is_killed_is_started_again(database_url: str) -> None:
    with serving(database_url) as (server, port):
        before = children(server.pid)
        assert before
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        assert soon(lambda: bool(children(server.pid) - before) and answers(port))
        assert server.poll() is None
