"""Measures every filter, every pair of filters, many at once, and what sums events up, against the main query."""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import create_environ

from bench import asked, census, dateline_way, generate, queries, report
from bench.in_process import call
from bench.run import positive
from bench.verdict import GOALS, Measured, judge, lines
from service.app import create_app
from service.database import open_database
from service.settings import Settings
from service.upgrade import upgrade

MAIN_QUERIES = 10
# So many queries are timed between two timings of the main query, so that a slow moment meets both.
BLOCK = 25
CALLS, SECONDS = 3, 2.0
# Whoever sends credentials is judged by the application, which makes each answer anew.
ANEW = {"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="}


class OtherStore(Exception):
    """The store that was to be reused does not hold the events that are asked for."""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def open_store(path: Path, events: int) -> Flask:
    """The application over the store at that path, which is made and filled first where there is none.

    Raises NotLoaded, or OtherStore where the store holds another number of events.
    """
    url = f"sqlite:///{path}"
    if path.exists():
        database = open_database(url)
        upgrade(database)
        database.close()
    else:
        begun = time.monotonic()
        _say(f"loading {events:,} events")
        dateline_way.load(path, generate.actors(), generate.generate(events))
        _say(f"loaded in {time.monotonic() - begun:.0f} s")
    app = create_app(Settings(database_url=url))
    datasets = json.loads(call(app, create_environ("/v1/datasets")))["datasets"]
    held = sum(dataset["events"] for dataset in datasets)
    if held != events:
        raise OtherStore(f"{path} holds {held:,} events and not {events:,}: name or delete it accordingly")
    return app


def _refusal(status: int, body: Mapping[str, Any]) -> str:
    faults = [f"{fault['pointer']} {fault['code']}" for fault in body.get("errors", ())]
    return ", ".join((str(status), *faults))


def ask_once(app: Flask, paths: Sequence[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Asks each query once. Returns how much each answer holds, and why some are not answered."""
    client = app.test_client()
    found, refused = {}, {}
    for path in paths:
        answer = client.get(path)
        body = json.loads(answer.data)
        if answer.status_code == 200:
            held = next((body[name] for name in ("events", "periods", "facets") if name in body), ())
            found[path] = len(held)
        else:
            refused[path] = _refusal(answer.status_code, body)
    return found, refused


def time_path(app: Flask, path: str) -> float:
    """Milliseconds of an answer: the median of three calls, or of fewer where these take more than two seconds."""
    environ = create_environ(path, headers=ANEW)
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < CALLS and time.perf_counter() - begun < SECONDS:
        called = time.perf_counter()
        call(app, environ)
        times.append((time.perf_counter() - called) * 1e3)
    return statistics.median(times)


def time_rounds(
    app: Flask, main: Sequence[str], paths: Sequence[str], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """For each path its (milliseconds, ratio to the main query timed just before) in each round."""
    taken: dict[str, list[tuple[float, float]]] = {path: [] for path in paths}
    for number in range(rounds):
        _say(f"round {number + 1} of {rounds}")
        for first in range(0, len(paths), BLOCK):
            base = statistics.median(time_path(app, path) for path in main)
            for path in paths[first : first + BLOCK]:
                milliseconds = time_path(app, path)
                taken[path].append((milliseconds, milliseconds / base))
    return taken


def _measured(path: str, rounds: Sequence[tuple[float, float]], found: int) -> Measured:
    times, ratios = zip(*rounds, strict=True)
    return Measured(path, statistics.median(ratios), min(ratios), max(ratios), statistics.median(times), found)


def measure(app: Flask, events: int, rounds: int) -> dict[str, Any]:
    """Chooses, asks and times the queries; the result is what ``--json`` prints."""
    host, actors = report.machine(), generate.actors()
    _say("choosing the queries")
    days = queries.days_by_pair(actors, generate.generate(events))
    main = queries.choose(days, MAIN_QUERIES, generate.SEED)
    taken = census.take(actors, generate.generate(events))
    groups = {"main query": main, **asked.groups(taken, generate.SEED)}
    paths = list(dict.fromkeys(path for group in groups.values() for path in group))
    _say(f"asking each of {len(paths):,} queries once")
    found, refused = ask_once(app, paths)
    timed = time_rounds(app, main, list(found), rounds)
    measured = {path: _measured(path, timed[path], found[path]) for path in timed}
    by_group = {name: [measured[path] for path in group if path in found] for name, group in groups.items()}
    lacking = {name: {path: refused[path] for path in group if path in refused} for name, group in groups.items()}
    word = asked.choose(taken).common["q"]
    return {
        "machine": host,
        "events": events,
        "rounds": rounds,
        "main_milliseconds": statistics.median(each[0] / each[1] for rows in timed.values() for each in rows),
        "word": {"word": word, "share": taken.share("q", word)},
        "groups": {
            name: {
                "median_ratio": statistics.median(each.ratio for each in group) if group else None,
                "queries": [asdict(each) for each in sorted(group, key=lambda each: -each.ratio)],
                "not_answered": lacking[name],
            }
            for name, group in by_group.items()
        },
        "goals": [judge(goal, by_group[goal.group], len(lacking[goal.group])) for goal in GOALS],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.combinations", description=__doc__)
    parser.add_argument("--events", type=positive, default=100_000, help="how many to generate (default: 100000)")
    parser.add_argument("--rounds", type=positive, default=5, help="times each query is measured (default: 5)")
    parser.add_argument("--database", type=Path, help="a store to keep: loaded where it is absent, else reused")
    parser.add_argument("--json", action="store_true", help="print the result as JSON, with every query")
    return parser.parse_args()


def main() -> None:
    options = _options()
    # Being told to end is made an ordinary exit, so that the folder is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with tempfile.TemporaryDirectory(prefix="dateline-bench-") as folder:
            app = open_store(options.database or Path(folder) / "dateline.db", options.events)
            result = measure(app, options.events, options.rounds)
    except (OtherStore, dateline_way.NotLoaded, queries.TooFew) as failure:
        sys.exit(f"bench: {failure}")
    print(json.dumps(result, indent=2) if options.json else "\n".join(lines(result)))


if __name__ == "__main__":
    main()
