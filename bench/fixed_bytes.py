"""Sends pages that were made beforehand: the most that any service behind the same server can do."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

PAGES_VARIABLE = "BENCH_PAGES"
INDEX = "index.json"
BODIES = "bodies.bin"


def write_pages(folder: Path, pages: Mapping[str, bytes]) -> None:
    """Keeps the answer to each path: the bodies one after the other, and their lengths in order."""
    folder.mkdir()
    (folder / INDEX).write_text(json.dumps({path: len(body) for path, body in pages.items()}))
    (folder / BODIES).write_bytes(b"".join(pages.values()))


def _read_pages(folder: Path) -> dict[str, bytes]:
    """Bodies by query string."""
    bodies = (folder / BODIES).read_bytes()
    pages, begin = {}, 0
    for path, length in json.loads((folder / INDEX).read_text()).items():
        pages[path.partition("?")[2]] = bodies[begin : begin + length]
        begin += length
    return pages


def create_app() -> WSGIApplication:
    """A bare WSGI application over the folder that the environment names."""
    answers = {
        query: ([("Content-Type", "application/json"), ("Content-Length", str(len(body)))], [body])
        for query, body in _read_pages(Path(os.environ[PAGES_VARIABLE])).items()
    }

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        headers, body = answers[environ["QUERY_STRING"]]
        start_response("200 OK", headers)
        return body

    return application


def create_asgi_app() -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """The same as a bare ASGI application, which is how `dateline serve` stands behind the server.

    To whoever sends an ``If-None-Match`` it answers 304.
    """
    answers = {
        query.encode(): (
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
            },
            {"type": "http.response.body", "body": body},
        )
        for query, body in _read_pages(Path(os.environ[PAGES_VARIABLE])).items()
    }

    unchanged = ({"type": "http.response.start", "status": 304, "headers": []}, {"type": "http.response.body"})

    async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        held = any(name == b"if-none-match" for name, _ in scope["headers"])
        head, body = unchanged if held else answers[scope["query_string"]]
        await send(head)
        await send(body)

    return application
