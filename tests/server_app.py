"""A small application behind the front, served as Dateline itself is: ``python -m tests.server_app PORT FACTORY``."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from service.quick_answers import Asked, Quick
from service.server.front import Front, Patience
from service.server.run import serve
from service.settings import BodyLimits, Settings

LIMITS = BodyLimits(single=400 * 1024, bulk=800 * 1024)
MEBIBYTE = b"x" * 2**20

Environ = dict[str, Any]
Query = dict[str, str]
Start = Callable[..., Any]


class Seen:
    """What the application has seen. One process answers, so that the tests can ask for it at /seen."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts: dict[str, int] = {}
        self.landed: list[bytes] = []

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1


SEEN = Seen()


class Changes:
    """A stream of what lands. A big one delivers a mebibyte along with each change; another cannot be read at first."""

    def __init__(self, query: Query) -> None:
        self.position = 0
        self.big = "big" in query
        self.failures = int(query.get("failures", 0))
        SEEN.count("stream opened")

    def read(self) -> bytes:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the database is away")
        found = b"".join(SEEN.landed[self.position :])
        self.position += found.count(b"\n\n")
        return b": " + MEBIBYTE + b"\n\n" + found if self.big and found else found

    def close(self) -> None:
        SEEN.count("stream closed")


class Chunks:
    """An answer in chunks, of which it is counted whether its end was told."""

    def __init__(self, query: Query) -> None:
        self.name = query.get("as", "chunks")
        self.pause = float(query.get("pause", 0))
        self.chunks = self.made(int(query["count"]), int(query["size"]), "fail" in query)

    def made(self, count: int, size: int, fail: bool) -> Iterator[bytes]:
        for number in range(count):
            threading.Event().wait(self.pause)
            yield b"%d" % (number % 10) * size
        if fail:
            raise RuntimeError("the application fails midway")

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def close(self) -> None:
        SEEN.count(f"{self.name} closed")


class Whole(list[bytes]):
    """An answer in one piece, of which the same is counted."""

    def __init__(self, body: bytes, query: Query) -> None:
        super().__init__([body] if body else [])
        self.name = query.get("as", "whole")

    def close(self) -> None:
        SEEN.count(f"{self.name} closed")


def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
    query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    if environ["PATH_INFO"] == "/chunks":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Chunks(query)
    if environ["PATH_INFO"] == "/fail":
        raise RuntimeError("the application fails")
    if environ["PATH_INFO"] == "/changes":
        environ["dateline.take_stream"].append(Changes(query))
        start_response("200 OK", [("Content-Type", "text/event-stream"), ("Content-Length", "0")])
        return []
    status, headers, body = answer(environ, query)
    start_response(status, [*headers, ("Content-Length", str(len(body)))])
    return Whole(b"" if environ["REQUEST_METHOD"] == "HEAD" or status[:3] in ("204", "304") else body, query)


def answer(environ: Environ, query: Query) -> tuple[str, list[tuple[str, str]], bytes]:
    """The status, headers and body at each of the other paths."""
    match environ["PATH_INFO"]:
        case "/seen":
            return "200 OK", [], json.dumps(SEEN.counts).encode()
        case "/wait":
            threading.Event().wait(float(query["seconds"]))
            return "200 OK", [], b"waited"
        case "/land":
            SEEN.landed.append(b"data: %d\n\n" % (len(SEEN.landed) + 1))
            return "200 OK", [], b"%d" % len(SEEN.landed)
        case "/large":
            return "200 OK", [], MEBIBYTE * int(query["mebibytes"])
        case "/cookies":
            return "200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Vary", "Accept")], b"both"
        case "/status":
            return f"{query['code']} As Asked", [("ETag", '"1"')], b"body"
        case "/refuse":
            return "413 Too Large", [], b"refused"
    body = environ["wsgi.input"].read()
    told = {name: value for name, value in environ.items() if isinstance(value, str | bool)}
    SEEN.count(f"{query.get('as', 'body')} {environ['dateline.body']}")
    return "200 OK", [], json.dumps({**told, "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}).encode()


def may_write(authorization: str) -> bool:
    """Whether the credentials are not those of a reader. Some cannot be judged."""
    SEEN.count(f"asked for {authorization}")
    if authorization == "Bearer unknown":
        raise RuntimeError("the database is away")
    return authorization != "Bearer reader"


class NothingQuick:
    """Leaves every request to the application."""

    def at_once(self, asked: Asked) -> Quick | None:
        return None

    def leave(self) -> None:
        pass


def create_front(patience: Patience | None = None) -> Front:
    return Front(application, LIMITS, lambda: len(SEEN.landed), may_write, NothingQuick(), patience or Patience())


def create_hasty_front() -> Front:
    return create_front(Patience(body=0.5, keep_alive=0.3, stuck=1.0))


def create_pressing_front() -> Front:
    """Lets a client keep a streamed answer waiting for half a second, and one more with each mebibyte that it takes."""
    return create_front(Patience(stuck=20.0, slow=0.5, rate=2**20))


if __name__ == "__main__":
    serve(
        Settings(port=int(sys.argv[1]), workers=1),
        lambda: print("listening", flush=True),
        f"tests.server_app:{sys.argv[2]}",
    )
