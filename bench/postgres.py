"""Measures the main query on PostgreSQL, in process: beside the least that it can take, and the usual way there."""

from __future__ import annotations

import itertools
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench import dateline_way, generate, queries, usual_way
from bench.pages import are_kept, ratios
from bench.plan import Found, LeftOut, Plan, Spread, run_module, say, write_paths
from bench.servers import ROOT, Contender
from bench.stores import read_events
from service.app import create_app
from service.settings import Settings

# More pages are asked for in turn than a worker keeps answers (32 MB), so that each is made anew.
WARM, ASKED, ASKED_OF_USUAL = 20, 400, 30
TURNS = 1_000
# The step of a plan that reads the timeline, and what it must be: a range of its index.
READS_TIMELINE = re.compile(r"(Seq Scan|Index Scan|Index Only Scan|Bitmap \w+ Scan)[^\n]* on timeline\b")
READS = re.compile(r"(Seq|Index|Index Only|Bitmap \w+) Scan [^()]*on \w+")
RANGE = re.compile(r"Index Cond: .*pos >=? .*pos <=? ")


@contextmanager
def _databases(plan: Plan) -> Iterator[tuple[str, str]]:
    """The URLs of two empty databases of one server. Raises LeftOut where none is to be had."""
    if find_spec("psycopg") is None:
        raise LeftOut("PostgreSQL's driver is not installed (the extra postgres)")
    # The tests know how to start a server of their own.
    from tests.engines import EngineUnavailable, postgres_url, temporary_database

    with ExitStack() as running:
        try:
            server = plan.postgres or running.enter_context(postgres_url())
        except EngineUnavailable as error:
            raise LeftOut(f"no PostgreSQL server: {error}") from None
        yield running.enter_context(temporary_database(server)), running.enter_context(temporary_database(server))


def _vacuum(url: str) -> None:
    """What the server does by itself after some time: it learns what the tables hold and what is visible to all."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _load(plan: Plan, ours: str, usual: str, lines: Path) -> dict[str, float]:
    """Fills both databases at the same time. Raises NotLoaded or CalledProcessError."""
    command = [sys.executable, "-m", "bench.usual_tables", usual, str(lines), str(plan.stores.seed)]
    loading = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        load = dateline_way.import_into(ours, generate.actors(plan.stores.seed), lines)
        if loading.wait():
            raise subprocess.CalledProcessError(loading.returncode, command)
    finally:
        loading.kill()
        loading.wait()
    _vacuum(ours)
    _vacuum(usual)
    return load


def explained(url: str, path: str) -> list[str]:
    """The plan of the statement that makes the page, as PostgreSQL tells it."""
    app = create_app(Settings(database_url=url))
    database = app.extensions["dateline"]["database"]
    sent: list[tuple[str, Any]] = []
    execute_sql = database.execute_sql

    def noting(sql: str, parameters: Any = None, *more: Any, **named: Any) -> Any:
        sent.append((sql, parameters))
        return execute_sql(sql, parameters, *more, **named)

    database.execute_sql = noting
    try:
        app.test_client().get(path)
        statement, parameters = next(each for each in reversed(sent) if "event_document" in each[0])
        return [row[0] for row in execute_sql("EXPLAIN " + statement, parameters).fetchall()]
    finally:
        database.close_all()


def is_range_scan(plan: Sequence[str]) -> bool:
    """Whether the timeline is read by nothing but ranges of its index."""
    reads = [
        (read[1], plan[number + 1 : number + 3])
        for number, line in enumerate(plan)
        if (read := READS_TIMELINE.search(line))
    ]
    return bool(reads) and all(
        kind in ("Index Scan", "Index Only Scan") and any(RANGE.search(line) for line in following)
        for kind, following in reads
    )


def measure(plan: Plan) -> Found:
    """Loads a part of the events, and times the page there. Raises LeftOut where there is no server."""
    count = min(plan.postgres_events, plan.stores.events)
    lines = plan.folder / "postgres.ndjson"
    with plan.stores.lines.open() as every, lines.open("w") as output:
        output.writelines(itertools.islice(every, count))
    days = queries.days_by_pair(generate.actors(plan.stores.seed), read_events(lines))
    paths = queries.choose(days, 1, plan.stores.seed, WARM + ASKED * plan.rounds)
    with _databases(plan) as (ours, usual):
        say(f"loading {count:,} events into PostgreSQL, for Dateline and the usual way")
        load = _load(plan, ours, usual, lines)
        dateline = Contender("dateline", "Dateline", "service.app:create_app", {"DATELINE_DATABASE_URL": ours})
        usually = Contender(
            "usual", "the usual way", "bench.usual_way:create_app", {usual_way.DATABASE_VARIABLE: usual}
        )
        app = create_app(Settings(database_url=ours))
        size = round(statistics.mean(len(app.test_client().get(path).data) for path in paths[:WARM]))
        app.extensions["dateline"]["database"].close_all()
        times: dict[str, list[float]] = {"dateline": [], "first": [], "usual": [], "least": []}
        for number in range(plan.rounds):
            say(f"PostgreSQL, round {number + 1} of {plan.rounds}")
            own = paths[WARM:][number * ASKED : (number + 1) * ASKED] or paths
            # As over HTTP, different queries in turn, again and again; and Dateline's when they are asked first.
            again, again_of_usual = [*own, *own], [*own[:ASKED_OF_USUAL], *own[:ASKED_OF_USUAL]]
            for name, each, asked, warm in (
                ("dateline", dateline, again, len(own)),
                ("first", dateline, [*paths[:WARM], *own], WARM),
                ("usual", usually, again_of_usual, len(again_of_usual) // 2),
            ):
                file = write_paths(plan, "postgres", asked)
                [taken] = run_module("bench.in_process", (each.factory, file, "--each", warm), each.variables())
                times[name].append(statistics.median(taken))
            times["least"].append(run_module("bench.round_trip", (ours, size, "--turns", TURNS)))
        told = explained(ours, paths[0])
    ranges = float(is_range_scan(told))
    figures = {
        "postgres/least": ratios(times["dateline"], times["least"]),
        "postgres/usual": ratios(times["usual"], times["dateline"]),
        "postgres/plan": Spread(ranges, ranges, ranges),
    }
    middle = {name: statistics.median(taken) for name, taken in times.items()}
    shown = [
        f"  {count:,} events; in process, different queries in turn: Dateline {middle['dateline']:,.0f} µs, "
        f"when they are asked first {middle['first']:,.0f} µs; the usual way {middle['usual']:,.0f} µs",
        f"  SELECT 1 and {size:,} bytes sent to another process: {middle['least']:,.0f} µs",
        f"  imported with {count / load['seconds']:,.0f} events/s",
    ]
    kept = are_kept([size] * len(own))
    reads = Counter(read[0] for line in told if (read := READS.search(line)))
    steps = ", ".join(f"{step} ({times})" for step, times in reads.items())
    note = f"{count:,} events" + (", kept answers among them" if kept else "")
    notes = {"postgres/least": note, "postgres/usual": note, "postgres/plan": steps}
    return Found(figures, [*shown, f"  {steps}"], {"us": times, "plan": told, "load": load}, notes)
