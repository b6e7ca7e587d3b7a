"""Times one contender's pages without HTTP: its WSGI application is called in a fresh process."""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults


def _environ(path: str) -> dict[str, Any]:
    path_info, _, query = path.partition("?")
    environ: dict[str, Any] = {"PATH_INFO": path_info, "QUERY_STRING": query, "REMOTE_ADDR": "127.0.0.1"}
    setup_testing_defaults(environ)
    return environ


def call(app: Any, environ: dict[str, Any]) -> bytes:
    """The body of one answer. Raises AssertionError unless its status is 200."""
    statuses: list[str] = []

    def start_response(status: str, *_: Any) -> None:
        statuses.append(status)

    answer: Iterable[bytes] = app(dict(environ), start_response)
    try:
        body = b"".join(answer)
    finally:
        getattr(answer, "close", lambda: None)()
    assert statuses[0].startswith("200"), statuses[0]
    return body


def time_pages(app: Any, paths: Sequence[str], seconds: float) -> float:
    """Microseconds a page, over as many pages as fit into that time after one tenth of it to warm up."""
    turn = cycle([_environ(path) for path in paths])
    warm = time.perf_counter() + seconds / 10
    while time.perf_counter() < warm:
        call(app, next(turn))
    begun, pages = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begun) < seconds:
        call(app, next(turn))
        pages += 1
    return elapsed / pages * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("factory", help="module:function that makes the WSGI application")
    parser.add_argument("paths", type=Path, help="a JSON file with a list of paths to ask for in turn")
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    module, _, function = options.factory.partition(":")
    app = getattr(importlib.import_module(module), function)()
    print(json.dumps(time_pages(app, json.loads(options.paths.read_text()), options.seconds)))


if __name__ == "__main__":
    main()
