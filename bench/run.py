"""Runs the first benchmark: Dateline beside what one would use instead, section by section, judged by its goals."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from bench import (
    beside_writer,
    dateline_way,
    generate,
    goals,
    gzip_cost,
    import_size,
    pages,
    picture,
    postgres,
    queries,
    report,
    scale,
    shapes,
    stages,
    starting,
    stores,
)
from bench.plan import Found, LeftOut, Plan, say
from bench.servers import NotServing, serving

# What is measured, in this order. Only the last of them writes to a store that is not kept.
SECTIONS: Mapping[str, Callable[[Plan], Found]] = {
    "pages": pages.measure,
    "scale": scale.measure,
    "depth": shapes.measure_depth,
    "shapes": shapes.measure_shapes,
    "start": starting.measure,
    "gzip": gzip_cost.measure,
    "stages": stages.measure,
    "import": import_size.measure,
    "postgres": postgres.measure,
    "writer": beside_writer.measure,
}
# What ends a run with one line instead of a traceback.
FAILURES = (
    pages.Unequal,
    NotServing,
    stores.OtherStore,
    dateline_way.NotLoaded,
    queries.TooFew,
    subprocess.CalledProcessError,
    subprocess.TimeoutExpired,
)


def measure(options: argparse.Namespace, folder: Path, running: ExitStack) -> dict[str, Any]:
    """Loads, checks and measures; the result is what ``--json`` prints.

    folder: for what is gone after the run. running: what ends with it.
    """
    host, begun = report.machine(), time.monotonic()
    where = options.store or folder / "store"
    held = stores.open_stores(where, options.events, options.seed, options.queries, options.store is not None, say)
    dateline = dateline_way.contender(held.dateline)
    server = cache(lambda: running.enter_context(serving(dateline, held.paths[0], folder)))
    plan = Plan(
        server=server,
        stores=held,
        folder=folder,
        queries=options.queries,
        rounds=options.rounds,
        seconds=options.seconds,
        connections=options.connections,
        sqlite_utils=options.sqlite_utils,
        postgres=options.postgres,
        postgres_events=options.postgres_events or max(1, min(options.events // 5, 20_000)),
    )
    found: dict[str, Found] = {}
    left_out: dict[str, str] = {}
    for name, section in SECTIONS.items():
        if not options.only or name in options.only:
            try:
                found[name] = section(plan)
            except LeftOut as reason:
                left_out[name] = str(reason)
                say(f"{name} is left out: {reason}")
    return {
        "date": time.strftime("%-d %B %Y"),
        "command": shlex.join(["python", "-m", "bench.run", *sys.argv[1:]]),
        "seconds": round(time.monotonic() - begun),
        "machine": host,
        "events": options.events,
        "rounds": options.rounds,
        "connections": options.connections,
        "sections": {
            name: {
                "figures": {goal: asdict(figure) for goal, figure in each.figures.items()},
                "lines": list(each.lines),
                "data": each.data,
            }
            for name, each in found.items()
        },
        "left_out": left_out,
        "goals": goals.judge(found, left_out),
    }


def positive(text: str) -> int:
    """The number of an option that must be 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def seconds(text: str) -> float:
    """The number of an option that must be more than 0, and no more than an hour."""
    number = float(text)
    if not 0 < number <= 3600:
        raise argparse.ArgumentTypeError("must be more than 0, and 3600 at most")
    return number


def _result(text: str) -> Mapping[str, Any]:
    """What an earlier run printed with ``--json``, from a file."""
    try:
        found = json.loads(Path(text).read_text())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be read: {error}") from None
    if not isinstance(found, dict) or not {"machine", "sections", "goals"} <= found.keys():
        raise argparse.ArgumentTypeError(f"{text} holds no result of --json")
    return found


def _folder(text: str) -> Path:
    """A folder, there or not."""
    if Path(text).exists() and not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return Path(text)


def _sqlite_utils() -> str | None:
    """Where that command is: beside this Python, or on the path."""
    return shutil.which("sqlite-utils", path=str(Path(sys.executable).parent)) or shutil.which("sqlite-utils")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    add = parser.add_argument
    add("--events", type=positive, default=100_000, help="how many to generate (default: 100000)")
    add("--queries", type=positive, default=500, help="how many different main queries (default: 500)")
    add("--rounds", type=positive, default=3, help="times everything is measured (default: 3)")
    add("--seconds", type=seconds, default=1.5, help="length of one measurement (default: 1.5)")
    add("--connections", type=positive, default=16, help="kept open by the client (default: 16)")
    add("--seed", type=int, default=generate.SEED, help="of the events and the queries")
    add("--only", action="append", choices=SECTIONS, help="measure this section alone, or these")
    add("--store", type=_folder, metavar="DIR", help="keep the loaded stores here: loaded where absent, else reused")
    add("--sqlite-utils", default=_sqlite_utils(), metavar="FILE", help="where that command is")
    add("--postgres", metavar="URL", help="a server to use, whose user may create databases; by default one is started")
    add("--postgres-events", type=positive, help="how many to load there (default: a fifth, 20000 at most)")
    add("--json", action="store_true", help="print the result as JSON")
    add("--result", type=_result, metavar="FILE", help="measure nothing, and tell what an earlier --json printed")
    add("--markdown", action="store_true", help="print the goals as a table for the documentation")
    add("--picture", type=Path, metavar="FILE", help="draw the rates of the main query into this SVG")
    given = parser.parse_args()
    if given.picture and given.only and "pages" not in given.only:
        parser.error("--picture needs the section pages")
    return given


def main() -> None:
    options = _options()
    # Being told to end is made an ordinary exit, so that the servers are stopped and the folder is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with tempfile.TemporaryDirectory(prefix="dateline-bench-") as folder, ExitStack() as running:
            result = options.result or measure(options, Path(folder), running)
    except FAILURES as failure:
        sys.exit(f"bench: {failure}")
    if options.picture:
        options.picture.parent.mkdir(parents=True, exist_ok=True)
        options.picture.write_text(picture.draw(result), encoding="utf-8")
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print("\n".join(report.markdown(result) if options.markdown else report.lines(result)))


if __name__ == "__main__":
    main()
