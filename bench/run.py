"""Runs the first benchmark: the main query by Dateline, the usual way and ready-made bytes, as ratios."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import dateline_way, fixed_bytes, generate, queries, report, usual_tables, usual_way
from bench.servers import ROOT, Contender, NotServing, get, serving

CHECKED = 50
DIFFERENT, SAME = "different queries", "the same query again"


class Unequal(Exception):
    """The contenders do not give the same page, so their times say nothing."""


# What ends a run with one line instead of a traceback.
FAILURES = (
    Unequal,
    NotServing,
    dateline_way.NotLoaded,
    queries.TooFew,
    subprocess.CalledProcessError,
    subprocess.TimeoutExpired,
)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _write_events(file: Path, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Passes the events on while it keeps them in a file, so that a million need not be in memory at once."""
    with file.open("w") as output:
        for event in generate.generate(count, seed):
            output.write(json.dumps(event) + "\n")
            yield event


def _read_events(file: Path) -> Iterator[dict[str, Any]]:
    with file.open() as lines:
        yield from map(json.loads, lines)


def _ids(events: Sequence[Mapping[str, Any]]) -> list[str]:
    return [event["id"] for event in events]


def _unlike(event: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two answers for one event differ in more than when it was written."""
    names = (event.keys() | other.keys()) - {"created", "updated"}
    return any(event.get(name) != other.get(name) for name in names)


def _check_equal(ports: Mapping[str, int], origin: str, paths: Sequence[str]) -> dict[str, int]:
    """For a sample of the queries: how many events were compared, and how many had a field that differs.

    Raises Unequal unless all contenders give the same 100 events in the same order.
    """
    compared = differing = 0
    for path in paths[:: max(1, len(paths) // CHECKED)]:
        expected = json.loads(get(ports[origin], path))["events"]
        if len(expected) != queries.PAGE:
            raise Unequal(f"{origin} gave {len(expected)} events for {path}")
        for name in ports.keys() - {origin}:
            given = json.loads(get(ports[name], path))["events"]
            if _ids(given) != _ids(expected):
                raise Unequal(f"{name} and {origin} differ for {path}")
            compared += len(given)
            differing += sum(map(_unlike, given, expected))
    return {"compared": compared, "differing": differing}


def _run_module(module: str, arguments: Sequence[object], environment: Mapping[str, str] | None = None) -> Any:
    """The JSON that a fresh process of that module prints."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, timeout=600, text=True
    )
    return json.loads(done.stdout)


def _measure_http(
    ports: Mapping[str, int], workloads: Mapping[str, Path], options: argparse.Namespace
) -> dict[str, Any]:
    """Drives the servers in turn, round after round, so that a change in the machine's speed meets all."""
    answers: dict[str, dict[str, list[Any]]] = {work: defaultdict(list) for work in workloads}
    for number in range(options.rounds):
        _say(f"HTTP, round {number + 1} of {options.rounds}")
        for workload, file in workloads.items():
            for name, port in ports.items():
                arguments = (port, file, "--connections", options.connections, "--seconds", options.seconds)
                answers[workload][name].append(_run_module("bench.load_client", arguments))
    measured: dict[str, Any] = {}
    for workload, by_contender in answers.items():
        rates = {name: [each["requests"] / each["seconds"] for each in got] for name, got in by_contender.items()}
        measured[workload] = report.summarise(rates, faster_is_more=True)
        for name, got in by_contender.items():
            for figure in ("p50_us", "p99_us", "client_share"):
                measured[workload][name][figure] = statistics.median(each[figure] for each in got)
    return measured


def _measure_in_process(
    contenders: Sequence[Contender], workloads: Mapping[str, Path], options: argparse.Namespace
) -> dict[str, Any]:
    times: dict[str, dict[str, list[float]]] = {work: defaultdict(list) for work in workloads}
    for number in range(options.rounds):
        _say(f"in process, round {number + 1} of {options.rounds}")
        for workload, file in workloads.items():
            for contender in contenders:
                arguments = (contender.factory, file, "--seconds", options.seconds)
                taken = _run_module("bench.in_process", arguments, contender.variables())
                times[workload][contender.name].append(taken)
    return {workload: report.summarise(by_name, faster_is_more=False) for workload, by_name in times.items()}


def _load(folder: Path, options: argparse.Namespace) -> tuple[list[Contender], list[str]]:
    """Generates and loads the events. Returns the contenders that have a store, and the queries' paths."""
    actors = generate.actors(options.seed)
    file = folder / "events.ndjson"
    _say(f"generating {options.events:,} events")
    days = queries.days_by_pair(actors, _write_events(file, options.events, options.seed))
    paths = queries.choose(days, options.queries, options.seed)
    contenders = [
        Contender(
            name="usual",
            title="the usual way",
            factory="bench.usual_way:create_app",
            environment={usual_way.DATABASE_VARIABLE: str(folder / "usual.db")},
        )
    ]
    loaders = [(usual_tables.load, folder / "usual.db")]
    if not options.without_dateline:
        contenders.append(dateline_way.contender(folder / "dateline.db"))
        loaders.append((dateline_way.load, folder / "dateline.db"))
    for contender, (load, database) in zip(contenders, loaders, strict=True):
        begun = time.monotonic()
        load(database, actors, _read_events(file))
        _say(f"loaded {contender.title} in {time.monotonic() - begun:.0f} s")
    return contenders, paths


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Loads, checks and measures in that folder; the result is what ``--json`` prints."""
    host = report.machine()
    contenders, paths = _load(folder, options)
    origin = contenders[-1].name
    with ExitStack() as running:
        ports = {each.name: running.enter_context(serving(each, paths[0], folder)) for each in contenders}
        pages = {path: get(ports[origin], path) for path in paths}
        fixed_bytes.write_pages(folder / "pages", pages)
        ready_made = Contender(
            name="fixed",
            title="ready-made bytes",
            factory="bench.fixed_bytes:create_app",
            environment={fixed_bytes.PAGES_VARIABLE: str(folder / "pages")},
        )
        contenders.append(ready_made)
        ports[ready_made.name] = running.enter_context(serving(ready_made, paths[0], folder))
        checked = _check_equal(ports, origin, paths)
        workloads = {DIFFERENT: folder / "different.json", SAME: folder / "same.json"}
        workloads[DIFFERENT].write_text(json.dumps(paths))
        workloads[SAME].write_text(json.dumps(paths[:1]))
        http = _measure_http(ports, workloads, options)
    return {
        "machine": host,
        "events": options.events,
        "queries": len(paths),
        "page_bytes": round(statistics.mean(map(len, pages.values()))),
        "checked": checked,
        "rounds": options.rounds,
        "connections": options.connections,
        "commands": {each.name: _shown(each) for each in contenders},
        "contenders": {each.name: each.title for each in contenders},
        "http": http,
        "in_process": _measure_in_process(contenders, workloads, options),
    }


def _shown(contender: Contender) -> str:
    """How its server was started, without the folders and the port, which change from run to run."""
    program, *arguments = contender.arguments(0)
    return shlex.join([Path(program).name, *arguments])


def positive(text: str) -> int:
    """The number of an option that must be 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--events", type=positive, default=100_000, help="how many to generate (default: 100000)")
    parser.add_argument("--queries", type=positive, default=500, help="how many different queries (default: 500)")
    parser.add_argument("--rounds", type=positive, default=5, help="times each contender is measured (default: 5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one measurement (default: 1.5)")
    parser.add_argument("--connections", type=positive, default=4, help="kept open by the client (default: 4)")
    parser.add_argument("--seed", type=int, default=generate.SEED, help="of the events and the queries")
    parser.add_argument("--without-dateline", action="store_true", help="measure the other two alone")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser.parse_args()


def main() -> None:
    options = _options()
    # Being told to end is made an ordinary exit, so that the servers are stopped and the folder is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with tempfile.TemporaryDirectory(prefix="dateline-bench-") as folder:
            result = measure(options, Path(folder))
    except FAILURES as failure:
        sys.exit(f"bench: {failure}")
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print("\n".join(report.lines(result)))


if __name__ == "__main__":
    main()
