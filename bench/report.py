"""Turns the rounds' figures into medians and ratios with their spread, and prints them for people."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = ("granian", "flask", "marshmallow", "peewee", "orjson")
BASE = "usual"

# Contender → one figure for each round, in the order of the rounds.
Rounds = Mapping[str, Sequence[float]]


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _library_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def machine() -> dict[str, Any]:
    """What the figures depend on beside the code; the load is that of the minute before the run."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: _library_version(name) for name in LIBRARIES},
    }


def summarise(rounds: Rounds, faster_is_more: bool) -> dict[str, dict[str, float]]:
    """For each contender its median, and how many times as fast as the usual way it was in the same round.

    faster_is_more: true for requests a second, false for times.
    """
    summary: dict[str, dict[str, float]] = {}
    for name, figures in rounds.items():
        ratios = [
            mine / base if faster_is_more else base / mine for mine, base in zip(figures, rounds[BASE], strict=True)
        ]
        summary[name] = {
            "median": statistics.median(figures),
            "ratio": statistics.median(ratios),
            "ratio_low": min(ratios),
            "ratio_high": max(ratios),
        }
    return summary


def _ratio(figures: Mapping[str, float]) -> str:
    return f"{figures['ratio']:8.1f} x  ({figures['ratio_low']:.1f} to {figures['ratio_high']:.1f})"


def lines(result: Mapping[str, Any]) -> list[str]:
    """The report as text: the machine, then a table for each workload over HTTP and in process."""
    host, titles = result["machine"], result["contenders"]
    libraries = ", ".join(f"{name} {number}" for name, number in host["libraries"].items() if number)
    checked = result["checked"]
    shown = [
        f"{host['processor']}, {host['cores']} cores, load {host['load']}, {host['system']}",
        f"Python {host['python']}, SQLite {host['sqlite']}, {libraries}",
        f"{result['events']:,} events; {result['queries']} queries, each a page of 100 events, "
        f"{result['page_bytes']:,} bytes",
        f"the same events in the same order; of {checked['compared']:,} compared field by field, "
        f"{checked['differing']:,} differ in more than the time of writing",
        *(f"{titles[name]}: {command}" for name, command in result["commands"].items()),
        f"{result['rounds']} rounds, {result['connections']} connections; the ratio is to the usual way, "
        "the median of the rounds (lowest to highest)",
    ]
    for workload, by_contender in result["http"].items():
        shown += ["", f"HTTP, one worker, {workload}"]
        shown.append(f"  {'':24}{'requests/s':>12}{'p50 µs':>10}{'p99 µs':>10}{'client':>8}  {'ratio':>8}")
        for name, figures in by_contender.items():
            shown.append(
                f"  {titles[name]:24}{figures['median']:12,.0f}{figures['p50_us']:10,.0f}"
                f"{figures['p99_us']:10,.0f}{figures['client_share']:8.0%}  {_ratio(figures)}"
            )
    for workload, by_contender in result["in_process"].items():
        shown += ["", f"In process, WSGI call, {workload}", f"  {'':24}{'µs a page':>12}  {'ratio':>8}"]
        for name, figures in by_contender.items():
            shown.append(f"  {titles[name]:24}{figures['median']:12,.0f}  {_ratio(figures)}")
    return shown
