"""Several workers and many new connections: whoever asks after a write was acknowledged sees it, in every worker."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import NamedTuple

from peewee import Database

from service.database import closing_database, open_database
from service.keys import create_key
from tests.serving import serving

WORKERS, READERS, ROUNDS = 3, 6, 25
PAGES = ("/v1/events?limit=1000", "/v1/events?tag=fresh&limit=1000", "/v1/events?sort=-updated&limit=3")
OTHERS = ("/v1/types", "/v1/changes?after=25&limit=1000", "/embed", "/v1/events?actor=Front")


class Seen(NamedTuple):
    """An answer to who asked on a connection of its own."""

    target: str
    status: int
    sequence: int
    tag: str
    body: bytes


def ask(port: int, target: str, held: str = "") -> Seen:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", target, headers={"If-None-Match": held} if held else {})
        found = connection.getresponse()
        sequence, tag = found.headers["X-Sequence"], found.headers["ETag"]
        return Seen(target, found.status, int(sequence or 0), tag or "", found.read())
    finally:
        connection.close()


def send(port: int, key: str, method: str, target: str, body: object = None) -> int:
    """Write, and the sequence of the change."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {key}", "If-Match": "*", "Content-Type": kind}
        if method == "POST":
            del headers["If-Match"]
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        found = connection.getresponse()
        text = found.read()
        assert found.status < 300, text
        return int(found.headers["X-Sequence"])
    finally:
        connection.close()


def test_every_worker_answers_from_what_was_acknowledged(database_url: str) -> None:
    with closing_database(open_database(database_url)) as database:
        key = key_of(database)
    with serving(database_url, workers=WORKERS) as (_, port), ThreadPoolExecutor(READERS) as readers:
        # Every worker comes to know what is asked.
        tags: dict[str, str] = {}
        for _ in range(4):
            found = readers.map(lambda target: ask(port, target), [*PAGES, *OTHERS] * 2)
            tags |= {seen.target: seen.tag for seen in found}
        for number in range(ROUNDS):
            event = f"/v1/events/e{number // 3}"
            match number % 3:
                case 0:
                    body = {"id": f"e{number // 3}", "title": f"<{number}>", "date": "2021-08-26", "tags": ["fresh"]}
                    sequence = send(port, key, "POST", "/v1/events", body)
                case 1:
                    sequence = send(port, key, "PATCH", event, {"title": f"<{number}>"})
                case _:
                    sequence = send(port, key, "PATCH", "/v1/actors/nrf", {"name": f"<{number}>", "aliases": ["Front"]})
            asked = [*PAGES, *OTHERS, *PAGES]
            held = ["", "", ""] + [tags[target] for target in [*OTHERS, *PAGES]]
            for seen in readers.map(lambda each: ask(port, *each), zip(asked, held, strict=True)):
                assert (seen.status, seen.sequence) in ((200, sequence), (422, 0)), (number, seen.target)
                assert seen.status == 200 or (seen.target == OTHERS[-1] and number < 2)
                if seen.target in PAGES and number % 3 < 2:
                    assert b"<%d>" % number in seen.body, (number, seen.target)
                tags[seen.target] = seen.tag
            for seen in readers.map(lambda target: ask(port, target, tags[target]), PAGES):
                assert seen.status == 304


def key_of(database: Database) -> str:
    return create_key(database, "test", "admin").key
