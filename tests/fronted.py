"""Asks an application behind the front without a network, and a new one on the same database without the front."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from flask import Flask

from service.app import create_app
from service.database import closing_database
from service.listing import Listings
from service.server.front import Front
from service.server.wsgi_call import Environ, call, environ_of
from service.settings import Settings

Pairs = Iterable[tuple[str, str]]
# An id of a request that was made for it.
MADE = re.compile("[0-9a-f]{32}")
CLIENT = "192.0.2.7"
HOST = ("Host", "dateline.example")


class Told(NamedTuple):
    """An answer. headers: sorted, names in lower case. quick: whether the application had no part in it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    quick: bool

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    @property
    def text(self) -> bytes:
        """The body as it is before it is compressed."""
        return gzip.decompress(self.body) if self.header("content-encoding") == "gzip" else self.body


def scope_of(
    target: str, pairs: Pairs = (HOST,), method: str = "GET", client: str = CLIENT, **more: Any
) -> dict[str, Any]:
    """What the server tells of a request."""
    path, _, query = target.encode("latin-1").partition(b"?")
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "http_version": "1.1",
        "raw_path": path,
        "query_string": query,
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs],
        "client": (client, 50_000),
        "server": ("127.0.0.1", 8000),
        **more,
    }


class Fronted:
    """An application behind the front, and a reader who knows nothing of what was asked before."""

    def __init__(self, url: str, **given: Any) -> None:
        self.app = create_app(Settings(database_url=url, **given))
        self.ours: dict[str, Any] = self.app.extensions["dateline"]
        self._calls = 0
        # Flask has a part in whatever comes to this.
        self.app.before_request_funcs[None].insert(0, self._count)
        ours = self.ours
        self._front = Front(self.app, ours["settings"].max_body, lambda: 0, lambda key: False, ours["quick"])
        self._reader = create_app(Settings(database_url=url, **given))
        self._runner = asyncio.Runner()

    def _count(self) -> None:
        self._calls += 1

    def ask(self, target: str, pairs: Pairs = (HOST,), method: str = "GET", **scope: Any) -> Told:
        """What the front answers."""
        sent: list[Any] = []
        parts = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            if parts:
                return parts.pop()
            # The client waits for its answer, and never leaves.
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        before = self._calls
        self._runner.run(self._front(scope_of(target, pairs, method, **scope), receive, send))
        body = b"".join(message["body"] for message in sent[1:])
        return _told(sent[0]["status"], sent[0]["headers"], body, self._calls == before)

    def ask_wsgi(self, target: str, pairs: Pairs = (HOST,), method: str = "GET", **scope: Any) -> Told:
        """What the application answers to another server than ours."""
        before = self._calls
        told = called(self.app, environ_of(scope_of(target, pairs, method, **scope)))
        return told._replace(quick=self._calls == before)

    def plainly(self, target: str, pairs: Pairs = (HOST,), method: str = "GET", **scope: Any) -> Told:
        """What Flask answers by itself, and with nothing remembered."""
        ours = self._reader.extensions["dateline"]
        ours["listings"] = Listings(ours["database"])
        return called(partial(Flask.wsgi_app, self._reader), environ_of(scope_of(target, pairs, method, **scope)))

    def agree(
        self, target: str, pairs: Pairs = (HOST,), method: str = "GET", over_wsgi: bool = False, **scope: Any
    ) -> Told:
        """What is answered, which is what the other says."""
        pairs = [*pairs]
        ask = self.ask_wsgi if over_wsgi else self.ask
        found, plain = ask(target, pairs, method, **scope), self.plainly(target, pairs, method, **scope)
        ids = [told.header("x-request-id") for told in (found, plain)]
        kept = ids[1] in [value for name, value in pairs if name.lower() == "x-request-id"]
        assert ids[0] == ids[1] if kept else MADE.fullmatch(ids[0])
        pair = [comparable(told, not kept) for told in (found, plain)]
        assert pair[0] == pair[1], (method, target, pairs, found.quick)
        return found

    def close(self) -> None:
        self._runner.run(self._front.end())
        self._front.close()
        self._runner.close()
        for app in (self.app, self._reader):
            with closing_database(app.extensions["dateline"]["database"]):
                pass


def called(application: Any, environ: Environ) -> Told:
    """What an application answers (PEP 3333)."""
    answer = call(application, {**environ, "wsgi.input": BytesIO(), "dateline.body": "whole"})
    rest = b"".join(answer.rest or ())
    answer.close()
    return _told(answer.status, answer.headers, answer.body + rest, False)


def _told(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, quick: bool) -> Told:
    decoded = sorted((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
    return Told(status, decoded, body, quick)


def comparable(told: Told, id_is_made: bool) -> tuple[Any, ...]:
    """What of an answer is the same whenever it is given. A problem names its request, and has a length by that."""
    if not id_is_made:
        return told.status, told.headers, told.body
    name = told.header("x-request-id").encode()
    passing = {"x-request-id"} | ({"content-length"} if name in told.text else set())
    headers = [(name, value) for name, value in told.headers if name not in passing]
    return told.status, headers, told.text.replace(name, b"") if name in told.text else told.body


@contextmanager
def fronted(url: str, **given: Any) -> Iterator[Fronted]:
    """An application behind the front, ended afterwards."""
    front = Fronted(url, **given)
    try:
        yield front
    finally:
        front.close()
