"""Tells how fast all events were imported and how large the store is, beside sqlite-utils where it is to be had."""

from __future__ import annotations

import itertools
import os
import subprocess
import tempfile
from pathlib import Path

from bench.plan import Found, Plan, Spread, say

# So many lines are given to sqlite-utils.
LINES = 50_000


def _insert(sqlite_utils: str, lines: Path) -> tuple[int, float]:
    """How many of the lines sqlite-utils was given, and the seconds of processor time that it took."""
    with tempfile.TemporaryDirectory(prefix="dateline-bench-") as name:
        beginning = Path(name) / "beginning.ndjson"
        with lines.open() as all_lines, beginning.open("w") as output:
            count = 0
            for line in itertools.islice(all_lines, LINES):
                output.write(line)
                count += 1
        command = [sqlite_utils, "insert", f"{name}/store.db", "events", str(beginning), "--nl", "--pk", "id"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        return count, used.ru_utime + used.ru_stime


def measure(plan: Plan) -> Found:
    """What the import of all events took when the store was loaded, beside the load of the usual tables."""
    load, events = plan.stores.load, plan.stores.events
    store_bytes = plan.stores.dateline.stat().st_size
    size = store_bytes / load["file_bytes"]
    rate, by_clock = events / load["processor_seconds"], events / load["seconds"]
    figures = {"size": Spread(size, size, size), "import/rate": Spread(rate, rate, rate)}
    lines = [
        f"  {events:,} events by `dateline import`: {rate:,.0f} events a second of processor time, "
        f"{by_clock:,.0f} by the clock with the usual tables being loaded beside it; {load['megabytes']:.0f} MB",
        f"  the file has {load['file_bytes'] / 1e6:,.0f} MB, the store {store_bytes / 1e6:,.0f} MB",
    ]
    data = {**load, "events": events, "loaded": plan.stores.loaded}
    notes = {"size": f"{store_bytes / 1e6:,.0f} MB of {load['file_bytes'] / 1e6:,.0f} MB"}
    if plan.stores.loaded:
        # A ratio of figures of two runs is worth less.
        notes["import/rate"] = notes["import"] = f"by the version that loaded the store, {plan.stores.loaded}"
    if plan.sqlite_utils is None:
        notes["import"] = "sqlite-utils is not here (make bench has it, or --sqlite-utils)"
    else:
        say("sqlite-utils inserts the same lines")
        count, seconds = _insert(plan.sqlite_utils, plan.stores.lines)
        theirs = count / seconds
        figures["import"] = Spread(rate / theirs, rate / theirs, rate / theirs)
        lines.append(f"  sqlite-utils, the first {count:,} lines: {theirs:,.0f} events a second of processor time")
        data["sqlite_utils_rate"] = theirs
    return Found(figures, lines, data, notes)
