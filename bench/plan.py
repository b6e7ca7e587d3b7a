"""What one run of the benchmark is told, and how it runs what it measures in processes of their own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.servers import ROOT, Server
from bench.stores import Stores

# Seconds that one measurement may take at the very most.
PATIENCE = 600


@dataclass(frozen=True, slots=True)
class Plan:
    """What a section measures with.

    folder: for logs and lists of paths, gone after the run. queries: how many different main queries.
    seconds: the length of one measurement.
    server: Dateline over the whole store, started when it is first asked for; one that nothing is written to.
    sqlite_utils: where that command is. postgres: the URL of a server to use; postgres_events: how many to load there.
    """

    stores: Stores
    folder: Path
    queries: int
    rounds: int
    seconds: float
    connections: int
    server: Callable[[], Server]
    sqlite_utils: str | None
    postgres: str | None
    postgres_events: int


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds' figures, the lowest and the highest."""

    median: float
    low: float
    high: float


def spread(figures: Sequence[float]) -> Spread:
    return Spread(statistics.median(figures), min(figures), max(figures))


@dataclass(frozen=True, slots=True)
class Found:
    """What a section found: figures by the names of their goals, and what else there is to tell, line by line.

    notes: what is told of a figure, by the same names. data: all of it for ``--json``.
    """

    figures: Mapping[str, Spread]
    lines: Sequence[str]
    data: Any
    notes: Mapping[str, str] = field(default_factory=dict)


class LeftOut(Exception):
    """A section cannot be measured here; the message says why."""


def say(text: str) -> None:
    """What goes on, for who waits."""
    print(text, file=sys.stderr, flush=True)


def run_module(module: str, arguments: Sequence[object], environment: Mapping[str, str] | None = None) -> Any:
    """The JSON that a fresh process of that module prints. Raises CalledProcessError or TimeoutExpired."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, timeout=PATIENCE, text=True
    )
    return json.loads(done.stdout)


def write_paths(plan: Plan, name: str, paths: Sequence[str]) -> Path:
    """A file with a list of paths, as the clients read it."""
    file = plan.folder / f"{name}.json"
    file.write_text(json.dumps(paths))
    return file
