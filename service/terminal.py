"""Draws what is read in a terminal: a table of events, a small histogram, and counts with bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

# So many rows of a histogram can be taken in at a glance.
ROWS_MAX = 20
BAR_WIDTH = 40
NAME_WIDTH = 50


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


def draw_periods(console: Console, bucket: str, periods: Sequence[Mapping[str, Any]]) -> None:
    """How many events lie in each period that has any, and how that count divides where it was asked."""
    largest = max((period["count"] for period in periods), default=0)
    for period in periods:
        divided = ", ".join(f"{value} {count}" for value, count in period.get("by", {}).items())
        line = f"{_label(bucket, period['start']):>10} {_bar(period['count'], largest)} {period['count']}"
        console.print(escape(_visible(line + (f"  {divided}" if divided else ""))), highlight=False)


def _label(bucket: str, start: str) -> str:
    """A period as a person writes it; a week by its Monday."""
    match bucket:
        case "year":
            return start[:4]
        case "quarter":
            return f"{start[:4]} Q{(int(start[5:7]) + 2) // 3}"
        case "month":
            return start[:7]
    return start


def draw_facets(console: Console, facets: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """A small table for each facet that has any value: what it is, how many events it has, and a bar of that length."""
    for facet, values in facets.items():
        if not values:
            continue
        table = Table(show_edge=False, pad_edge=False, box=None, header_style="bold")
        table.add_column(facet, overflow="fold", max_width=NAME_WIDTH)
        table.add_column("events", justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        for each in values:
            bar = _bar(each["count"], values[0]["count"])
            table.add_row(escape(_visible(each["name"])), str(each["count"]), bar)
        console.print()
        console.print(table)


def _bar(count: int, largest: int) -> str:
    return "█" * max(1, round(BAR_WIDTH * count / largest))
