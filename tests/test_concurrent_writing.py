"""Many writers at once over HTTP, and a server that is killed while they write: nothing acknowledged is ever lost."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.message import Message
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple

import pytest
from peewee import Database

from service.check import check
from service.database import fetch
from service.keys import create_key
from service.ledger import store_state
from tests.serving import free_port, serving

WRITERS = 16
CHANGES_EACH = 6
ROUNDS = 3
EVENT = {"title": "shared", "date": "2021-08-26", "tags": []}


class Answer(NamedTuple):
    status: int
    headers: Message
    body: Any


class Client:
    """One keep-alive connection with a key. Leave it as a context, or after the one request that it was made for."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}"}

    def ask(self, method: str, path: str, body: Any = None, raw: bytes | None = None, **headers: str) -> Answer:
        """Send a request and wait for the answer; ``body`` as JSON, or ``raw`` as it stands."""
        sent = raw if raw is not None else None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {} if sent is None else {"Content-Type": "application/json"}
        self._connection.request(method, path, sent, {**self._headers, **kind, **named})
        answer = self._connection.getresponse()
        text = answer.read()
        return Answer(answer.status, answer.headers, json.loads(text) if text else None)

    def once(self, *request: Any, **headers: Any) -> Answer:
        """Ask and leave."""
        with self:
            return self.ask(*request, **headers)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()


@pytest.fixture
def key(empty_database: Database) -> str:
    return create_key(empty_database, "writers", "write").key


def together(work: Callable[[int], None], count: int) -> None:
    """Run ``work`` in as many threads at once; what any of them raises is raised."""
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []


def feed(client: Client, after: int = 0, limit: int = 7) -> Iterator[dict[str, Any]]:
    """The changes from a sequence on, as a reader follows them, up to the end."""
    while True:
        answer = client.ask("GET", f"/v1/changes?after={after}&limit={limit}")
        assert answer.status == 200
        yield from answer.body["changes"]
        if answer.body["next"] == after:
            return
        after = answer.body["next"]


def test_writers_at_once_get_no_error_but_412_and_lose_no_update(
    empty_url: str, empty_database: Database, key: str
) -> None:
    statuses: Counter[int] = Counter()
    with serving(empty_url) as (_, port):
        assert Client(port, key).once("PUT", "/v1/events/shared", EVENT, If_None_Match="*").status == 201
        over = threading.Event()
        followed: list[int] = []

        def follow() -> None:
            """Read the feed while it grows, as a mirror does."""
            after, ended = 0, False
            with Client(port, key) as client:
                while not ended:
                    ended = over.is_set()
                    found = [change["sequence"] for change in feed(client, after)]
                    followed.extend(found)
                    after = found[-1] if found else after

        def write(number: int) -> None:
            with Client(port, key) as client:
                for step in range(CHANGES_EACH):
                    own = client.ask("POST", "/v1/events", {**EVENT, "id": f"own-{number}-{step}"})
                    assert own.status == 201, own
                    while not tagged(client, f"{number}-{step}"):
                        pass

        def tagged(client: Client, tag: str) -> bool:
            """Whether the shared event was given a tag, and nobody came between."""
            found = client.ask("GET", "/v1/events/shared")
            tags = [*found.body["tags"], tag]
            changed = client.ask("PATCH", "/v1/events/shared", {"tags": tags}, If_Match=found.headers["ETag"])
            statuses[changed.status] += 1
            assert changed.status in (200, 412), changed
            return changed.status == 200

        follower = threading.Thread(target=follow)
        follower.start()
        try:
            together(write, WRITERS)
        finally:
            over.set()
            follower.join(60)
        total = WRITERS * CHANGES_EACH
        shared = Client(port, key).once("GET", "/v1/events/shared").body
        assert sorted(shared["tags"]) == sorted(f"{n}-{step}" for n in range(WRITERS) for step in range(CHANGES_EACH))
        assert statuses[200] == total and shared["version"] == total + 1
        with Client(port, key) as client:
            whole = list(feed(client))
    assert followed == [change["sequence"] for change in whole] == list(range(1, 2 * total + 2))
    assert [change["at"] for change in whole] == sorted(change["at"] for change in whole)
    assert check(empty_database) == []


def test_of_two_writers_with_the_same_tag_exactly_one_wins(empty_url: str, empty_database: Database, key: str) -> None:
    with serving(empty_url) as (_, port):
        tag = Client(port, key).once("POST", "/v1/events", {**EVENT, "id": "shared"}).headers["ETag"]
        for title in ("one", "two", "three", "four", "five"):
            answers = at_the_same_time(port, key, title, tag)
            assert sorted(answer.status for answer in answers) == [200, 412]
            [tag] = [answer.headers["ETag"] for answer in answers if answer.status == 200]
    assert fetch(empty_database, "SELECT version FROM event") == [(6,)]


def at_the_same_time(port: int, key: str, title: str, tag: str) -> list[Answer]:
    """Two replacements of one version."""
    answers: list[Answer] = []
    start = threading.Barrier(2)

    def write(number: int) -> None:
        start.wait(30)
        body = {**EVENT, "title": f"{title} by {number}"}
        answers.append(Client(port, key).once("PUT", "/v1/events/shared", body, If_Match=tag))

    together(write, 2)
    return answers


def test_a_repeated_post_is_carried_out_once_whoever_sends_it(
    empty_url: str, empty_database: Database, key: str
) -> None:
    with serving(empty_url) as (_, port):
        answers: list[Answer] = []

        def write(number: int) -> None:
            with Client(port, key) as client:
                while (answer := client.ask("POST", "/v1/events", EVENT, Idempotency_Key="once")).status == 409:
                    assert answer.headers["Retry-After"]
            answers.append(answer)

        together(write, 8)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replay" in answer.headers for answer in answers) == len(answers) - 1
    assert fetch(empty_database, "SELECT count(*) FROM event") == [(1,)]


def lines_of(name: str, count: int) -> bytes:
    return b"".join(json.dumps({**EVENT, "id": f"{name}-{n}"}).encode() + b"\n" for n in range(count))


def test_what_was_acknowledged_outlives_the_servers_sudden_end(
    empty_url: str, empty_database: Database, key: str
) -> None:
    chance = random.Random(11)
    port = free_port()
    singles: set[str] = set()
    bulks: set[str] = set()
    atomics: dict[str, int] = {}
    for round_ in range(ROUNDS):
        with serving(empty_url, port) as (server, _):

            def write(number: int, round_: int = round_) -> None:
                with Client(port, key) as client, suppress(OSError, HTTPException, ValueError):
                    for step in range(10_000):
                        name = f"r{round_}-{number}-{step}"
                        if number < 3:
                            answer = client.ask("POST", "/v1/events", {**EVENT, "id": name})
                            assert answer.status == 201, answer
                            singles.add(name)
                            continue
                        query = "?atomic=true" if number == 4 else ""
                        atomics[name] = 150 if number == 4 else 0
                        answer = client.ask("POST", "/v1/events/bulk" + query, raw=lines_of(name, 150))
                        assert answer.status == 200 and answer.body["created"] == 150, answer
                        bulks.add(name)

            def kill(number: int) -> None:
                threading.Event().wait(0.3 + chance.random())
                os.killpg(server.pid, signal.SIGKILL)

            together(lambda number: kill(number) if number == 5 else write(number), 6)
        stored = {row[0] for row in fetch(empty_database, "SELECT id FROM event")}
        assert singles <= stored
        assert {f"{name}-{n}" for name in bulks for n in range(150)} <= stored
        for name, whole in atomics.items():
            assert sum(f"{name}-{n}" in stored for n in range(150)) in ({0, 150} if whole else range(151))
    assert len(singles) > ROUNDS and bulks
    assert fetch(empty_database, "SELECT sequence FROM revision ORDER BY sequence") == [
        (n,) for n in range(1, store_state(empty_database).sequence + 1)
    ]
    assert check(empty_database) == []
    with serving(empty_url, port):
        assert Client(port, key).once("POST", "/v1/events", {**EVENT, "id": "after"}).status == 201
