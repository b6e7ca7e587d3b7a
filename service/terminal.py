"""Draws a timeline for reading in a terminal: a table of events and a small histogram."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

# Periods by the length of their beginning in YYYYMMDD, the finest first.
PERIODS = (8, 6, 4, 3)
ROWS_MAX = 20
BAR_WIDTH = 40


def draw_events(console: Console, events: Sequence[Mapping[str, Any]]) -> None:
    """A table of the events: when, where, what, who, and the killed with their spread."""
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for name in ("date", "where", "what", "who", "killed"):
        table.add_column(name, no_wrap=name in ("date", "killed"), overflow="fold")
    for event in events:
        cells = (event["date"], _where(event["location"]), event["title"], _who(event["actors"]), _killed(event))
        # Stored text is shown as it is: it is not markup.
        table.add_row(*(escape(_visible(cell)) for cell in cells))
    console.print(table)


def _visible(text: str) -> str:
    """A text without the control characters by which it could command the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def _where(location: Mapping[str, Any] | None) -> str:
    if location is None:
        return "-"
    province = location["province"] and location["province"]["name"]
    return province or location["country"] or location["as_given"] or "-"


def _who(actors: Iterable[Mapping[str, str]]) -> str:
    return ", ".join(dict.fromkeys(actor["name"] for actor in actors)) or "-"


def _killed(event: Mapping[str, Any]) -> str:
    figure = event["casualties"].get("killed")
    if figure is None:
        return ""
    low, high = figure["low"], figure["high"]
    spread = str(low) if low == high else f"{low} to {high}"
    return spread + (" disputed" if figure["disputed"] else "")


def draw_histogram(console: Console, days: Mapping[str, int]) -> None:
    """How many events lie in each period, by the finest period that fits.

    days: number of events by day, ``YYYYMMDD``.
    """
    for length in PERIODS:
        counts = Counter[str]()
        for day, count in days.items():
            counts[day[:length]] += count
        if len(counts) <= ROWS_MAX:
            break
    largest = max(counts.values(), default=0)
    for period, count in sorted(counts.items()):
        bar = "█" * max(1, round(BAR_WIDTH * count / largest))
        console.print(f"{_label(period):>10} {bar} {count}", highlight=False)


def _label(period: str) -> str:
    if len(period) == 3:
        return period + "0s"
    return "-".join(part for part in (period[:4], period[4:6], period[6:]) if part)
