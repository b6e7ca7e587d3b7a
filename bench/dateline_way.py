"""The product as a contender: fills its store through its own writer and says how it is served."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.servers import Contender
from service.actor_store import write_actors
from service.database import open_database
from service.drafts import Draft
from service.event_store import write_events
from service.upgrade import upgrade

BATCH = 1_000


class NotLoaded(Exception):
    """The product refused some of the generated events; the message gives the first reason."""


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


def load(path: Path, actors: Iterable[dict[str, Any]], events: Iterable[dict[str, Any]]) -> None:
    """Makes a new store at that path and fills it as an import would. Raises NotLoaded."""
    database = open_database(_url(path))
    upgrade(database)
    write_actors(database, list(actors), by="bench")
    drafts = (Draft(line, event) for line, event in enumerate(events, 1))
    while batch := list(itertools.islice(drafts, BATCH)):
        report = write_events(database, batch, by="bench")
        if report.rejected:
            raise NotLoaded(str(report.rejected[0]))
    database.close()


def _serve_command() -> list[str] | None:
    """``dateline serve``, where the command is installed beside this Python and knows it."""
    command = shutil.which("dateline", path=str(Path(sys.executable).parent))
    if command is None:
        return None
    asked = subprocess.run([command, "serve", "--help"], capture_output=True, timeout=60)
    return [command, "serve"] if asked.returncode == 0 else None


def contender(path: Path) -> Contender:
    """Dateline over the store at that path, by ``dateline serve`` where that works, else by granian."""
    return Contender(
        name="dateline",
        title="Dateline",
        factory="service.app:create_app",
        environment={"DATELINE_DATABASE_URL": _url(path)},
        command=_serve_command(),
    )
