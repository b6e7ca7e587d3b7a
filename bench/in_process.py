"""Times one contender's pages without HTTP: its WSGI application is called in a fresh process.

Either it prints the microseconds of a page for each list of paths, taken in turn for some time; or with ``--each`` a
list for each pass: those of each path, asked once and in order, after the first ones that only warm it up.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
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


def time_each(app: Any, paths: Sequence[str], alternately: Mapping[str, str]) -> list[float]:
    """The microseconds of the answer to each path, each asked once, in order.

    alternately: headers that are sent with every second one.
    """
    sent = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in alternately.items()}
    times: list[float] = []
    for number, path in enumerate(paths):
        environ = _environ(path) | (sent if number % 2 else {})
        begun = time.perf_counter()
        call(app, environ)
        times.append((time.perf_counter() - begun) * 1e6)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("factory", help="module:function that makes the WSGI application")
    parser.add_argument("paths", type=Path, nargs="+", help="JSON files, each with a list of paths to ask for in turn")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--each", type=int, metavar="WARM", help="time each path once, all but the first so many")
    parser.add_argument("--passes", type=int, default=1, help="how often --each goes through all of them")
    parser.add_argument("--alternately", action="append", default=[], metavar="NAME:VALUE", help="with every second")
    options = parser.parse_args()
    module, _, function = options.factory.partition(":")
    app = getattr(importlib.import_module(module), function)()
    lists = [json.loads(file.read_text()) for file in options.paths]
    if options.each is None:
        print(json.dumps([time_pages(app, paths, options.seconds) for paths in lists]))
        return
    [paths] = lists
    headers = dict(header.split(":", 1) for header in options.alternately)
    time_each(app, paths[: options.each], headers)
    print(json.dumps([time_each(app, paths[options.each :], headers) for _ in range(options.passes)]))


if __name__ == "__main__":
    main()
