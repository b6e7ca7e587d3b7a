"""The product as a contender: fills its store through its own writer and says how it is served."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from bench.servers import ROOT, Contender
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


def import_into(url: str, actors: Iterable[dict[str, Any]], file: Path) -> dict[str, float]:
    """Makes a new store in that database, and fills it by ``dateline import`` of a file of events.

    Returns seconds by the clock and of processor time, and the megabytes that the command took at most.
    Raises NotLoaded.
    """
    database = open_database(url)
    upgrade(database)
    write_actors(database, list(actors), by="bench")
    database.close()
    command = [sys.executable, "-m", "service.commands", "import", str(file), "--format", "dateline", "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATELINE_")}
    begun = time.monotonic()
    with TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=ROOT, env={**environment, "DATELINE_DATABASE_URL": url}, stdout=output)
        try:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:
                process.kill()
        output.seek(0)
        told = output.read()
    if process.returncode or json.loads(told)["rejected"]:
        raise NotLoaded(f"the import ended with {process.returncode}: {told[:500]}")
    return {
        "seconds": time.monotonic() - begun,
        "processor_seconds": used.ru_utime + used.ru_stime,
        # Kibibytes on Linux.
        "megabytes": used.ru_maxrss / 1024,
    }


def import_file(path: Path, actors: Iterable[dict[str, Any]], file: Path) -> dict[str, float]:
    """As ``import_into``, into a SQLite file at that path; also the bytes of the file and of the store."""
    used = import_into(_url(path), actors, file)
    return {**used, "file_bytes": file.stat().st_size, "store_bytes": path.stat().st_size}


@cache
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
