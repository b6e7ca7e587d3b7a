"""Measures reading while one writer makes events at a steady rate, beside reading without."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import dateline_way
from bench.pages import ratios
from bench.plan import PATIENCE, Found, Plan, run_module, say, spread, write_paths
from bench.servers import ROOT, serving
from service.database import open_database
from service.keys import create_key

RATE = 100
# The writer begins before the clients, and goes on for so many seconds more than they do.
LEAD = 1.5


@contextmanager
def _writable(plan: Plan) -> Iterator[Path]:
    """A store that may be written to: a kept one is copied, since it is to hold the same events the next time."""
    if not plan.stores.kept:
        yield plan.stores.dateline
        return
    say("copying the store, so that the kept one stays as it is")
    copy = plan.folder / "written.db"
    database = open_database(f"sqlite:///{plan.stores.dateline}")
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    shutil.copyfile(plan.stores.dateline, copy)
    try:
        yield copy
    finally:
        for file in plan.folder.glob(f"{copy.name}*"):
            file.unlink()


def measure(plan: Plan) -> Found:
    """Different main queries over HTTP, with the writer and without in turn."""
    rounds: dict[str, list[Any]] = {"without": [], "with": [], "writer": []}
    file = write_paths(plan, "beside-writer", plan.stores.paths[: plan.queries])
    seconds = max(plan.seconds, 1.0)
    options = (file, "--connections", plan.connections, "--seconds", seconds)
    with _writable(plan) as store:
        database = open_database(f"sqlite:///{store}")
        key = create_key(database, "bench", "write", replace=True).key
        database.close()
        with serving(dateline_way.contender(store), plan.stores.paths[0], plan.folder) as server:
            for number in range(plan.rounds):
                say(f"beside a writer, round {number + 1} of {plan.rounds}")
                rounds["without"].append(run_module("bench.load_client", (server.port, *options)))
                command = [sys.executable, "-m", "bench.writer", str(server.port), key, "--rate", str(RATE)]
                command += ["--seconds", str(seconds + LEAD), "--seed", str(plan.stores.seed + number)]
                writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
                assert writer.stdout is not None
                try:
                    # Its first line says that it begins.
                    writer.stdout.readline()
                    rounds["with"].append(run_module("bench.load_client", (server.port, *options)))
                    told, _ = writer.communicate(timeout=PATIENCE)
                finally:
                    writer.kill()
                    writer.wait()
                if writer.returncode:
                    raise subprocess.CalledProcessError(writer.returncode, command)
                rounds["writer"].append(json.loads(told))
    figures = {
        f"writer/{name}": ratios([each[name] for each in rounds["with"]], [each[name] for each in rounds["without"]])
        for name in ("p99_us", "p50_us")
    }
    rates = [each["rate"] for each in rounds["writer"]]
    figures["writer/rate"] = spread(rates)
    written = statistics.median(rates)
    lines = [
        f"  {name:12}{statistics.median(each['requests'] / each['seconds'] for each in got):10,.0f} requests/s"
        f"{statistics.median(each['p50_us'] for each in got):12,.0f} µs p50"
        f"{statistics.median(each['p99_us'] for each in got):12,.0f} µs p99"
        for name, got in rounds.items()
        if name != "writer"
    ]
    lines.append(f"  {written:.0f} events/s were written of the {RATE} that were wanted")
    return Found(figures, lines, rounds, {"writer/p99_us": f"{written:.0f} events/s written"})
