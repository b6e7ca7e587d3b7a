"""Starts each contender as an HTTP server of its own on a free loopback port, and stops it again."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
START_SECONDS = 60
STOP_SECONDS = 10
# What stands for a port where nothing listens.
ANY_PORT = 8000
# Seconds between two looks at whether a server answers.
START_TICK = 0.01
GRANIAN = ("--factory", "--no-ws", "--log-level", "warning", "--workers", "1", "--host", "127.0.0.1")
# One thread for WSGI; for ASGI what `dateline serve` chooses, so that only the applications differ.
INTERFACES = {
    "wsgi": ("--interface", "wsgi", "--blocking-threads", "1"),
    "asgi": ("--interface", "asgi", "--http", "1", "--loop", "asyncio"),
}


class NotServing(Exception):
    """The server did not come up; the message ends with what it printed."""


def as_it_is(path: str) -> str:
    return path


def events_member(answer: Any) -> Any:
    return answer["events"]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of making the page.

    factory: ``module:function`` that makes the application, by the interface of that name; empty: only a command.
    environment: variables that the application reads.
    command: what starts it as a server, where that is not granian on the factory. It reads HOST and PORT, or is given
    the port in the place of ``{port}``.
    path: where it answers what Dateline answers at a path. events: the list of events in its answer.
    """

    name: str
    title: str
    factory: str
    environment: Mapping[str, str]
    command: Sequence[str] | None = None
    interface: str = "wsgi"
    path: Callable[[str], str] = as_it_is
    events: Callable[[Any], Any] = events_member

    def variables(self, port: int = ANY_PORT) -> dict[str, str]:
        """The environment to run it in. Settings of the caller's own Dateline are kept out."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DATELINE_")}
        own = {"HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "1", "PYTHONPATH": str(ROOT)}
        return inherited | own | dict(self.environment)

    def arguments(self, port: int) -> list[str]:
        """granian with one worker, unless the contender brings its own command."""
        if self.command is not None:
            return [part.replace("{port}", str(port)) for part in self.command]
        granian = [sys.executable, "-m", "granian", *GRANIAN, *INTERFACES[self.interface]]
        return [*granian, "--port", str(port), self.factory]


class Server(NamedTuple):
    """A running server: its port, the process that was started, and the seconds until its first answer."""

    port: int
    pid: int
    seconds: float


class Answer(NamedTuple):
    """One answer; the names of its headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(port: int, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    """One answer, whatever its status. Raises OSError where nothing listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def get(port: int, path: str) -> bytes:
    """The body of one answer. Raises NotServing unless its status is 200, OSError where nothing listens."""
    answer = ask(port, path)
    if answer.status != 200:
        raise NotServing(f"GET {path} answered {answer.status}: {answer.body[:500].decode(errors='replace')}")
    return answer.body


def _wait_until_up(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            get(port, path)
        except OSError:
            time.sleep(START_TICK)
        else:
            return
    told = log.read_text(errors="replace")[-2000:]
    raise NotServing(f"no answer from {process.args!r} in {START_SECONDS} s; it said:\n{told}")


@contextmanager
def serving(contender: Contender, path: str, folder: Path) -> Iterator[Server]:
    """Runs the contender's server while the block runs, once it has answered what Dateline answers at that path.

    Raises NotServing.
    """
    port = _free_port()
    log = folder / f"{contender.name}.log"
    begun = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            contender.arguments(port),
            env=contender.variables(port),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A session of its own lets its workers be stopped with it.
            start_new_session=True,
        )
    try:
        _wait_until_up(process, port, contender.path(path), log)
        yield Server(port, process.pid, time.monotonic() - begun)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
