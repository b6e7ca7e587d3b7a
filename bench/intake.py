"""Measures how fast files are imported, beside sqlite-utils inserting the lines of the same file without any check."""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import generate, report
from bench.export import BASE, WHERE
from bench.run import positive
from service import gazetteer
from service.importers.ucdp_ged import COLUMNS_23_1

# A date that begins with a whole day.
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
IMPORT = [sys.executable, "-m", "service.commands", "import", "--json", "{file}", "--format"]


class Contender(NamedTuple):
    """A command that takes a file of records in; ``{file}`` and ``{store}`` stand for where these are."""

    name: str
    file: str
    command: Sequence[str]


def contenders(sqlite_utils: str) -> tuple[Contender, ...]:
    """Who is timed. The first two are given the same lines."""
    return (
        Contender(BASE, "events.ndjson", [sqlite_utils, "insert", "{store}", "events", "{file}", "--nl", "--pk", "id"]),
        Contender("dateline", "events.ndjson", [*IMPORT, "dateline"]),
        Contender("again", "events.ndjson", [*IMPORT, "dateline"]),
        Contender("ucdp-ged", "ged.csv", [*IMPORT, "ucdp-ged"]),
    )


def write_files(folder: Path, count: int) -> None:
    """The events as lines of JSON, and as many rows of UCDP GED."""
    with (folder / "events.ndjson").open("w") as lines, (folder / "ged.csv").open("w", newline="") as table:
        rows = csv.DictWriter(table, COLUMNS_23_1, restval="")
        rows.writeheader()
        for number, event in enumerate(generate.generate(count, generate.SEED), 1):
            lines.write(json.dumps(event) + "\n")
            rows.writerow(ged_row(number, event))


def ged_row(number: int, event: Mapping[str, Any]) -> dict[str, Any]:
    """A row of UCDP GED that says roughly what the event says."""
    one, other = [*(actor["id"] for actor in event["actors"]), "Civilians", "Civilians"][:2]
    location = event["location"] or {}
    point = location.get("latitude"), location.get("longitude")
    unit = gazetteer.province(location["province"]["code"]) if location.get("province") else None
    day = event["date"][:10] if DAY.match(event["date"]) else f"{event['date'][:4]}-01-01"
    killed: Mapping[str, Any] = next((claim for claim in event["claims"] if claim.get("measure") == "killed"), {})
    best = killed.get("best") or killed.get("low") or 0
    return {
        "id": number,
        "year": day[:4],
        "type_of_violence": "3" if other == "Civilians" else "1",
        "conflict_name": f"Conflict of {one}",
        "side_a_new_id": one.rpartition("-")[2],
        "side_a": one,
        "side_b_new_id": other.rpartition("-")[2] if other != "Civilians" else "9999",
        "side_b": other,
        "number_of_sources": len(event["sources"]),
        "source_article": ";".join(f'"{one["publisher"]},{day},{one["title"]}"' for one in event["sources"]),
        "where_prec": "6" if point[0] is None else "1",
        "where_coordinates": location.get("place") or "",
        "adm_1": unit.name if unit else "",
        "country": location.get("country") or "",
        "latitude": "" if point[0] is None else point[0],
        "longitude": "" if point[1] is None else point[1],
        "date_prec": "1",
        "date_start": day,
        "date_end": day,
        "deaths_a": best,
        "deaths_b": 0,
        "deaths_civilians": 0,
        "deaths_unknown": 0,
        "low": min(killed.get("low") or 0, best),
        "best": best,
        "high": max(killed.get("high") or 0, best),
    }


def run_once(command: Sequence[str], file: Path, store: Path) -> tuple[float, float]:
    """The seconds of processor time that a command takes, start and end included, and its largest memory in MB.

    Raises CalledProcessError.
    """
    environment = {**os.environ, "DATELINE_DATABASE_URL": f"sqlite:///{store}"}
    filled = [part.replace("{file}", str(file)).replace("{store}", str(store)) for part in command]
    process = subprocess.Popen(filled, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, filled)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measure(timed: Sequence[Contender], folder: Path, events: int, rounds: int) -> dict[str, Any]:
    """The figures of all rounds, in which the contenders take turns. Each begins with an empty store but ``again``."""
    seconds: dict[str, list[float]] = {contender.name: [] for contender in timed}
    memory: dict[str, list[float]] = {contender.name: [] for contender in timed}
    sizes: dict[str, int] = {}
    for _ in range(rounds):
        for name, file, command in timed:
            store = folder / f"{'dateline' if name == 'again' else name}.db"
            if name != "again":
                for old in folder.glob(f"{store.name}*"):
                    old.unlink()
            used, largest = run_once(command, folder / file, store)
            seconds[name].append(used)
            memory[name].append(largest)
            sizes[name] = store.stat().st_size
    return {
        "machine": report.machine(),
        "events": events,
        "contenders": {
            name: {
                "events_per_second": events / statistics.median(found),
                "megabytes": max(memory[name]),
                "store_per_file": sizes[name] / (folder / file).stat().st_size,
                "ratios": [base / mine for base, mine in zip(seconds[BASE], found, strict=True)],
            }
            for (name, file, _), found in zip(timed, seconds.values(), strict=True)
        },
    }


def shown(result: Mapping[str, Any]) -> Iterator[str]:
    """The result as text."""
    host = result["machine"]
    yield f"{host['processor']}, {host['cores']} cores, load {host['load']}, {host['system']}"
    yield f"Python {host['python']}, SQLite {host['sqlite']}; {result['events']:,} events, processor time"
    yield ""
    yield f"{'':14}{'events/s':>10}{'memory MB':>11}{'store/file':>12}{'as fast as ' + BASE:>28}"
    for name, found in result["contenders"].items():
        ratios = found["ratios"]
        ratio = f"{statistics.median(ratios):.2f} x  ({min(ratios):.2f} to {max(ratios):.2f})"
        yield (
            f"{name:14}{found['events_per_second']:10,.0f}{found['megabytes']:11.0f}"
            f"{found['store_per_file']:12.1f}{ratio:>28}"
        )


def main() -> None:
    """Parses the command line, and prints the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.intake", description=__doc__)
    parser.add_argument("--events", type=positive, default=50_000)
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--sqlite-utils", default=shutil.which("sqlite-utils"), help="where the command is")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    given = parser.parse_args()
    if given.sqlite_utils is None:
        parser.error(WHERE)
    with tempfile.TemporaryDirectory(prefix="dateline-intake-") as name:
        folder = Path(name)
        write_files(folder, given.events)
        result = measure(contenders(given.sqlite_utils), folder, given.events, given.rounds)
    print(json.dumps(result, indent=2) if given.json else "\n".join(shown(result)))


if __name__ == "__main__":
    main()
