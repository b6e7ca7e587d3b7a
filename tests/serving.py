"""Starts the service as ``dateline serve`` does, in processes of its own, and looks at how they do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent


def started(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether the service answers from its store."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/v1/events?limit=1", timeout=2) as answer:
            return "events" in json.load(answer)
    except (URLError, ConnectionError, TimeoutError):
        return False


def soon(condition: Callable[[], bool], seconds: float = 15) -> bool:
    """Whether a condition comes true before the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        threading.Event().wait(0.05)
    return False


def children(process: int) -> set[int]:
    """The processes that a process started and that live, theirs included."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    waiting = [process]
    while waiting:
        new = {child for child, parent in parents.items() if parent == waiting[-1]} - found
        waiting.pop()
        found |= new
        waiting += new
    return found


@contextmanager
def serving(url: str, port: int | None = None, workers: int = 2) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """``dateline serve`` with two workers or more: the process and the port; it is killed at the end."""
    port = port or free_port()
    environment = {"DATELINE_DATABASE_URL": url, "PORT": str(port), "HOST": "127.0.0.1"}
    environment["WEB_CONCURRENCY"] = str(workers)
    server = started("-m", "service.commands", "serve", environment=environment)
    try:
        assert soon(lambda: server.poll() is not None or answers(port)), "the server does not answer"
        yield server, port
    finally:
        # The whole group at once: a worker killed alone is started again, and would outlive the test.
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate(timeout=10)
