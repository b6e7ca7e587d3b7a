"""Starts each contender as an HTTP server of its own on a free loopback port, and stops it again."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
START_SECONDS = 30
STOP_SECONDS = 10
GRANIAN = (
    *("--interface", "wsgi", "--factory", "--no-ws", "--log-level", "warning"),
    *("--workers", "1", "--blocking-threads", "1", "--host", "127.0.0.1"),
)


class NotServing(Exception):
    """The server did not come up; the message ends with what it printed."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of making the page.

    factory: ``module:function`` that makes the WSGI application.
    environment: variables that the application reads.
    command: what starts it as a server, where that is not granian on the factory; it reads HOST and PORT.
    """

    name: str
    title: str
    factory: str
    environment: Mapping[str, str]
    command: Sequence[str] | None = None

    def variables(self, port: int = 0) -> dict[str, str]:
        """The environment to run it in. Settings of the caller's own Dateline are kept out."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DATELINE_")}
        own = {"HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "1", "PYTHONPATH": str(ROOT)}
        return inherited | own | dict(self.environment)

    def arguments(self, port: int) -> list[str]:
        """granian with one worker and one thread, unless the contender brings its own command."""
        if self.command is not None:
            return list(self.command)
        return [sys.executable, "-m", "granian", *GRANIAN, "--port", str(port), self.factory]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(port: int, path: str) -> bytes:
    """The body of one answer. Raises NotServing unless its status is 200, OSError where nothing listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise NotServing(f"GET {path} answered {response.status}: {body[:500].decode(errors='replace')}")
    return body


def _wait_until_up(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            get(port, path)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise NotServing(f"no server on port {port}:\n{log.read_text(errors='replace')[-2000:]}")


@contextmanager
def serving(contender: Contender, path: str, folder: Path) -> Iterator[int]:
    """Runs the contender's server while the block runs and gives its port, once it has answered path.

    Raises NotServing.
    """
    port = _free_port()
    log = folder / f"{contender.name}.log"
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
        _wait_until_up(process, port, path, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
