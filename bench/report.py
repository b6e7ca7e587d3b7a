"""Turns the rounds' figures into medians and ratios with their spread, and prints them for people."""

from __future__ import annotations

import os
import platform
import shlex
import sqlite3
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.goals import missed, reach, verdict
from bench.goals import shown as shown_figure

LIBRARIES = (
    *("granian", "flask", "marshmallow", "peewee", "orjson", "fastapi", "sqlalchemy", "pydantic"),
    *("django", "djangorestframework", "datasette", "sqlite-utils", "psycopg"),
)
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


def shown_command(arguments: Sequence[str]) -> str:
    """How a server was started, without folders of programs, of which the reader has others."""
    program, *rest = arguments
    return shlex.join([Path(program).name, *rest])


def _ratio(figures: Mapping[str, float]) -> str:
    return f"{figures['ratio']:8.1f} x  ({figures['ratio_low']:.1f} to {figures['ratio_high']:.1f})"


def page_lines(pages: Mapping[str, Any]) -> list[str]:
    """What was found of the main query by every contender, as a table for each workload."""
    titles, checked = pages["contenders"], pages["checked"]
    differing = ", ".join(f"{titles[name]} {count:,}" for name, count in checked["differing"].items())
    shown = [
        f"  {pages['queries']} queries, each a page of 100 events, {pages['page_bytes']:,} bytes",
        f"  the same events in the same order; of {checked['compared']:,} compared field by field with Dateline's "
        f"these differ in more than the time of writing: {differing}",
        *(f"  {line}" for line in pages["left_out"]),
        *(f"  {titles[name]}: {command}" for name, command in pages["commands"].items()),
    ]
    for workload, by_contender in pages["http"].items():
        shown += ["", f"  HTTP, one worker, {workload}"]
        shown.append(f"    {'':24}{'requests/s':>12}{'p50 µs':>10}{'p99 µs':>10}{'client':>8}  {'ratio':>8}")
        for name, figures in by_contender.items():
            shown.append(
                f"    {titles[name]:24}{figures['median']:12,.0f}{figures['p50_us']:10,.0f}"
                f"{figures['p99_us']:10,.0f}{figures['client_share']:8.0%}  {_ratio(figures)}"
            )
    for workload, by_contender in pages["in_process"].items():
        shown += ["", f"  In process, WSGI call, {workload}", f"    {'':24}{'µs a page':>12}  {'ratio':>8}"]
        for name, figures in by_contender.items():
            shown.append(f"    {titles[name]:24}{figures['median']:12,.0f}  {_ratio(figures)}")
    return shown


def _versions(host: Mapping[str, Any]) -> str:
    libraries = ", ".join(f"{name} {number}" for name, number in host["libraries"].items() if number)
    return f"Python {host['python']}, SQLite {host['sqlite']}, {libraries}"


def lines(result: Mapping[str, Any]) -> list[str]:
    """The report as text: the machine, what each section found, and the goals."""
    host, goals = result["machine"], result["goals"]
    shown = [
        f"{host['processor']}, {host['cores']} cores, load {host['load']}, {host['system']}",
        _versions(host),
        f"{result['events']:,} events, {result['connections']} connections, {result['rounds']} rounds; a ratio is of "
        "figures of the same round, its median (lowest to highest)",
    ]
    for name, section in result["sections"].items():
        shown += ["", name, *section["lines"]]
    for name, reason in result["left_out"].items():
        shown += ["", f"{name} is left out: {reason}"]
    # The goals come last, since that is what a terminal then shows.
    shown += ["", f"goals, at {result['events']:,} events"]
    for goal in goals:
        told = f"{shown_figure(goal)}{'; goal ' + reach(goal) if goal['bound'] is not None else ''}"
        note = f" [{goal['note']}]" if goal["note"] else ""
        shown.append(f"  {verdict(goal):13}{goal['what']}: {told}{note}")
    return [*shown, "", f"{missed(goals)} not met"]


def markdown(result: Mapping[str, Any]) -> list[str]:
    """The goals as a table for the documentation, with what the figures depend on and how to have them again."""
    host = result["machine"]
    rows = [
        f"| {goal['what']} | {reach(goal)} | {shown_figure(goal)} | {verdict(goal).replace('not met', '**not met**')} |"
        for goal in result["goals"]
    ]
    rates = _rate_rows(result)
    return [
        f"One run of {result['date']}: {result['events']:,} events, one worker process each, {result['connections']} "
        f"connections, {result['rounds']} rounds; {host['processor']}, {host['cores']} cores, load {host['load']} "
        f"before it; {_versions(host)}. A ratio is of figures of the same round: its median (lowest to highest).",
        "",
        "```sh",
        result["command"],
        "```",
        "",
        *rates,
        "| what | goal | measured | |",
        "| --- | --- | --- | --- |",
        *rows,
    ]


def _rate_rows(result: Mapping[str, Any]) -> list[str]:
    """The rates of all contenders as a table, where the pages were measured."""
    pages = result["sections"].get("pages")
    if pages is None:
        return []
    data = pages["data"]
    workloads = [workload for workload, by_name in data["http"].items() if by_name.keys() == data["contenders"].keys()]
    rows = [
        f"| {title} | "
        + " | ".join(
            f"{found['median']:,.0f} | {found['ratio']:,.1f} x"
            for found in (data["http"][workload][name] for workload in workloads)
        )
        + " |"
        for name, title in data["contenders"].items()
    ]
    heads = " | ".join(f"{workload}, requests/s | beside the usual way" for workload in workloads)
    return [f"| | {heads} |", f"| --- |{' --- | --- |' * len(workloads)}", *rows, ""]
