"""Measures how soon `dateline serve` answers over the whole store, and the memory of its worker."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from bench import dateline_way
from bench.plan import Found, LeftOut, Plan, run_module, say, spread, write_paths
from bench.servers import serving

PROC = Path("/proc")
KIB_IN_MB = 1024 / 1e6


def _children(pid: int) -> list[int]:
    """The processes that this one started."""
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found.append(int(entry.name))
    return found


def memory(pid: int, store: Path) -> dict[str, float]:
    """Megabytes of a process: resident, its share of what several have, and what it maps of that file.

    Raises OSError where the process is gone or the system does not tell.
    """
    resident = shared = mapped = 0
    of_store = False
    for line in (PROC / str(pid) / "smaps").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):
            of_store = line.rstrip().endswith(str(store))
        elif name == "Rss:":
            kib = int(rest.split()[0])
            resident += kib
            mapped += kib if of_store else 0
        elif name == "Pss:":
            shared += int(rest.split()[0])
    megabytes = {"rss": resident, "pss": shared, "mapped": mapped}
    return {name: kib * KIB_IN_MB for name, kib in megabytes.items()}


def _worker_memory(pid: int, store: Path) -> dict[str, float]:
    """That of the largest process that the server started: its one worker, beside which there may be small helpers."""
    children = [memory(child, store) for child in _children(pid)]
    return max(children or [memory(pid, store)], key=lambda each: each["rss"])


def measure(plan: Plan) -> Found:
    """Starts the server anew in each round. Raises LeftOut where the system does not tell of its processes."""
    if not (PROC / "self" / "smaps").exists():
        raise LeftOut("this system does not tell the memory of a process in /proc")
    stores = plan.stores
    contender = dateline_way.contender(stores.dateline)
    file = write_paths(plan, "starting", stores.paths[: plan.queries])
    rounds: list[dict[str, Any]] = []
    for number in range(plan.rounds):
        say(f"starting, round {number + 1} of {plan.rounds}")
        with serving(contender, stores.paths[0], plan.folder) as server:
            first = _worker_memory(server.pid, stores.dateline.resolve())
            options = ("--connections", plan.connections, "--seconds", plan.seconds)
            run_module("bench.load_client", (server.port, file, *options))
            loaded = _worker_memory(server.pid, stores.dateline.resolve())
            rounds.append({"seconds": server.seconds, "first": first, "loaded": loaded})
    figures = {
        "start": spread([each["seconds"] for each in rounds]),
        "memory/first": spread([each["first"]["rss"] for each in rounds]),
        "memory/loaded": spread([each["loaded"]["rss"] for each in rounds]),
        "memory/own": spread([each["loaded"]["rss"] - each["loaded"]["mapped"] for each in rounds]),
    }
    lines = [f"  first answer after {figures['start'].median:.2f} s; started as: {' '.join(contender.command or ())}"]
    for moment, when in (("first", "after the first answer"), ("loaded", "after different queries")):
        middle = {name: statistics.median(each[moment][name] for each in rounds) for name in rounds[0][moment]}
        lines.append(
            f"  {when:26}{middle['rss']:6.0f} MB resident, {middle['pss']:.0f} MB as its share (PSS), "
            f"{middle['mapped']:.0f} MB of it the store's file, which the system takes back when it needs it"
        )
    return Found(figures, lines, rounds)
