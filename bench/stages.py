"""Tells where a page's microseconds go, stage by stage, in a process of its own."""

from __future__ import annotations

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import dateline_way
from bench.plan import Found, Plan, run_module, say, write_paths
from schemas.query import TimelineQuery
from service import timeline
from service.app import create_app
from service.compression import zipped
from service.database import fetch
from service.dialects import dialect
from service.matching import add_keys
from service.quick_call import ASKED, asked_over_asgi
from service.read_query import read_query
from service.server.wsgi_call import Answer, call, environ_of
from service.statement import Sql

QUERIES = 300
# The header of somebody whom the application judges itself, so that it makes the answer.
JUDGED = (b"authorization", b"Basic bm9ib2R5Om5vdGhpbmc=")


def scope(path: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """A request as the server hands it to the front."""
    target, _, query = path.partition("?")
    return {
        "method": "GET",
        "scheme": "http",
        "http_version": "1.1",
        "raw_path": target.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"bench"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }


def application(app: Any, path: str, *headers: tuple[bytes, bytes]) -> Answer:
    """The answer of the application, called as the front calls it."""
    asked = scope(path, *headers)
    environ = environ_of(asked) | {
        "wsgi.input": io.BytesIO(),
        "dateline.body": "whole",
        "dateline.take_stream": [],
        ASKED: asked_over_asgi(asked),
    }
    return call(app, environ)


def microseconds(work: Callable[[int], object], count: int) -> float:
    """The median of so many calls, each with its number."""
    times = []
    for number in range(count):
        begun = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e6


def stages(paths: Sequence[str]) -> list[tuple[str, float]]:
    """Each stage with its microseconds, the median over the queries. The store is the one of the environment."""
    app = create_app()
    ours = app.extensions["dateline"]
    database, listings, quick = ours["database"], ours["listings"], ours["quick"]
    queries = [path.partition("?")[2].encode() for path in paths]
    # Warm: every query once, which also shows the quick answers what a head looks like.
    first_time = microseconds(lambda number: listings._find_first(queries[number], None), len(paths))
    asked: list[TimelineQuery] = [read_query(database, query) for query in queries]
    plans = [timeline.plan_page(database, each) for each in asked]
    prepared = [timeline.prepare(database, each) for each in asked]
    keys = []
    for plan, each in zip(plans, asked, strict=True):
        sql = Sql("SELECT count(*) FROM (")
        add_keys(sql, dialect(database), plan, each, each.limit + 1)
        sql.add(") k")
        keys.append(sql)
    tag = dict(application(app, paths[0]).headers)[b"etag"]
    application(app, paths[0], (b"if-none-match", tag))
    same, held = asked_over_asgi(scope(paths[0])), asked_over_asgi(scope(paths[0], (b"if-none-match", tag)))
    different = [asked_over_asgi(scope(path)) for path in paths]
    body = application(app, paths[0]).body
    assert same and held and quick.at_once(same).status == 200 and quick.at_once(held).status == 304
    count = len(paths)
    ranges = microseconds(lambda number: fetch(database, keys[number].text, keys[number].parameters), count)
    statement = microseconds(lambda number: fetch(database, prepared[number].sql, prepared[number].parameters), count)
    page = microseconds(lambda number: listings.find_again(queries[number]), count)
    return [
        ("names, dates and options of a new query", microseconds(lambda n: read_query(database, queries[n]), count)),
        ("its plan", microseconds(lambda n: timeline.plan_page(database, asked[n]), count)),
        ("its statement", microseconds(lambda n: timeline.page_sql(database, plans[n], asked[n]), count)),
        ("a page of a new query, altogether", first_time),
        ("the statement: ranges of the index, merged", ranges),
        ("the statement: documents found, joined and handed over", statement - ranges),
        ("cursor, envelope and body of the answer", page - statement),
        ("a page of a query asked before, altogether", page),
        ("the same with its head, counted and kept", microseconds(lambda n: quick.in_time(different[n]), count)),
        ("a kept answer, the store looked at", microseconds(lambda n: quick.at_once(same), 2000)),
        ("a 304, the store looked at", microseconds(lambda n: quick.at_once(held), 2000)),
        ("a page by way of Flask", microseconds(lambda n: application(app, paths[n], JUDGED), count)),
        ("gzip of a page", microseconds(lambda n: zipped(body), 200)),
    ]


def measure(plan: Plan) -> Found:
    """The stages of the main query in process; there is no goal for them."""
    say("where the microseconds go")
    contender = dateline_way.contender(plan.stores.dateline)
    file = write_paths(plan, "stages", plan.stores.paths[:QUERIES])
    found = run_module("bench.stages", (file,), contender.variables())
    return Found({}, [f"  {taken:8,.0f} µs  {stage}" for stage, taken in found], found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, help="a JSON file with a list of paths to ask for")
    paths = json.loads(parser.parse_args().paths.read_text())
    print(json.dumps(stages(paths)))


if __name__ == "__main__":
    main()
