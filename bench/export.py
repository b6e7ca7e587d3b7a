"""Measures how long an export of a whole store takes, beside sqlite-utils writing out the table of the documents."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import report
from bench.combinations import OtherStore, open_store
from bench.run import positive
from service.formats import FORMATS

# What all others are compared with: every document of the store as a line of JSON, in the order of the table.
BASE = "sqlite-utils"
WHERE = (
    "sqlite-utils is not here: install it into an environment of its own, `python -m venv su && "
    "su/bin/pip install sqlite-utils`, and say where it is with --sqlite-utils su/bin/sqlite-utils"
)


def commands(sqlite_utils: str, store: Path, formats: Sequence[str]) -> dict[str, list[str]]:
    """What is timed, by name. ``{file}`` stands for a file to write; what has none writes to standard output."""
    export = [sys.executable, "-m", "service.commands", "export", "--output"]
    ours = {name: [*export, "{file}", "--format", name] for name in formats}
    return {BASE: [sqlite_utils, "rows", str(store), "event_document", "--nl"], **ours}


def run_once(command: Sequence[str], store: Path, file: Path) -> float:
    """The seconds from the start of a command to its end, with a file written. Raises CalledProcessError."""
    environment = {**os.environ, "DATELINE_DATABASE_URL": f"sqlite:///{store}"}
    filled = [part.replace("{file}", str(file)) for part in command]
    with file.open("wb") as output:
        begun = time.perf_counter()
        subprocess.run(filled, env=environment, stdout=output, stderr=subprocess.DEVNULL, check=True)
        return time.perf_counter() - begun


def check(files: Mapping[str, Path], events: int) -> None:
    """Raises AssertionError unless the lines of both say the same of every event, and ours are in timeline order."""
    with files[BASE].open() as lines:
        theirs = {event["id"]: event for event in (json.loads(json.loads(line)["document"]) for line in lines)}
    places = []
    with files["ndjson"].open() as lines:
        for line in lines:
            event = json.loads(line)
            assert theirs.pop(event["id"]) == event, event["id"]
            places.append(event["start"] or event["end"])
    assert not theirs, f"{len(theirs)} events are missing"
    assert len(places) == events and places == sorted(places, key=lambda place: place[:10]), "not in order"


def measure(timed: Mapping[str, Sequence[str]], store: Path, folder: Path, events: int, rounds: int) -> dict[str, Any]:
    """The figures of all rounds, in which the contenders take turns."""
    files = {name: folder / name for name in timed}
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for name, command in timed.items():
        # A first time, not counted, in which the store comes into the system's memory.
        run_once(command, store, files[name])
    check(files, events)
    for _ in range(rounds):
        for name, command in timed.items():
            seconds[name].append(run_once(command, store, files[name]))
    ratios = {
        name: [base / mine for base, mine in zip(seconds[BASE], found, strict=True)] for name, found in seconds.items()
    }
    return {
        "machine": report.machine(),
        "events": events,
        "contenders": {
            name: {
                "seconds": statistics.median(found),
                "bytes": files[name].stat().st_size,
                "ratio": statistics.median(ratios[name]),
                "ratio_low": min(ratios[name]),
                "ratio_high": max(ratios[name]),
            }
            for name, found in seconds.items()
        },
    }


def shown(result: Mapping[str, Any]) -> list[str]:
    """The result as text."""
    host = result["machine"]
    lines = [
        f"{host['processor']}, {host['cores']} cores, load {host['load']}, {host['system']}",
        f"Python {host['python']}, SQLite {host['sqlite']}; {result['events']:,} events",
        "",
        f"{'':14}{'seconds':>9}{'MB':>8}{'as fast as ' + BASE:>28}",
    ]
    for name, found in result["contenders"].items():
        ratio = f"{found['ratio']:.2f} x  ({found['ratio_low']:.2f} to {found['ratio_high']:.2f})"
        lines.append(f"{name:14}{found['seconds']:9.2f}{found['bytes'] / 1e6:8.1f}{ratio:>28}")
    return lines


def _formats(text: str) -> list[str]:
    """The formats of a comma list, ndjson first: it is the one that is checked."""
    names = list(dict.fromkeys(["ndjson", *text.split(",")]))
    if unknown := set(names) - FORMATS.keys():
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: the formats are {', '.join(FORMATS)}")
    return names


def main() -> None:
    """Parses the command line, and prints the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.export", description=__doc__)
    parser.add_argument("--events", type=positive, default=100_000)
    parser.add_argument(
        "--formats",
        default="ndjson,csv,geojson",
        type=_formats,
        help="a comma list, beside ndjson: " + ", ".join(FORMATS),
    )
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--database", type=Path, help="where the store is kept for the next time")
    parser.add_argument("--sqlite-utils", default=shutil.which("sqlite-utils"), help="where the command is")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    given = parser.parse_args()
    if given.sqlite_utils is None:
        parser.error(WHERE)
    with tempfile.TemporaryDirectory(prefix="dateline-export-") as folder:
        store = given.database or Path(folder) / "store.db"
        try:
            open_store(store, given.events)
        except OtherStore as error:
            sys.exit(str(error))
        timed = commands(given.sqlite_utils, store.resolve(), given.formats)
        result = measure(timed, store.resolve(), Path(folder), given.events, given.rounds)
    print(json.dumps(result, indent=2) if given.json else "\n".join(shown(result)))


if __name__ == "__main__":
    main()
