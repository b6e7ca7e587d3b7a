"""Draws what is read in a terminal: a table of events, a small histogram, and counts with bars."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from service.command_line import visible

# So many rows of a histogram can be taken in at a glance.
ROWS_MAX = 20
# All widths are columns of the terminal, of which some characters take two.
PIPE_WIDTH = 160
BAR_WIDTH, BAR_WIDTH_MIN = 40, 8
NAME_WIDTH = 50
# A column of text that is narrower than this is hard to read.
TEXT_WIDTH_MIN = 24
LABEL_WIDTH = 10


def open_console() -> Console:
    """The standard output: as wide as its terminal, or of one width wherever it is read by something else."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, emoji=False)


def draw_events(console: Console, events: Sequence[Mapping[str, Any]]) -> None:
    """A table of the events: when, where, what, who, and the killed with their spread.

    Where the terminal is too narrow for all of it to be read, who is left out, then where.
    """
    columns = {name: [visible(cell(event)) for event in events] for name, cell in CELLS.items()}
    for dispensable in ("who", "where"):
        if _least_width(columns) > console.width:
            del columns[dispensable]
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=name not in WRAPPED, overflow="fold")
    if _least_width(columns) > console.width:
        # Its words below each other leave more room for what happened.
        table.columns[-1].no_wrap = False
        table.columns[-1].width = _widest(word for cell in ("killed", *columns["killed"]) for word in cell.split())
    for cells in zip(*columns.values(), strict=True):
        # Stored text is shown as it is: it is not markup.
        table.add_row(*map(escape, cells))
    console.print(table)


def _least_width(columns: Mapping[str, Sequence[str]]) -> int:
    """How wide a table must be for each of its columns to be read. Lines between columns take three."""
    widths = {name: _widest((name, *cells)) for name, cells in columns.items()}
    least = (min(width, TEXT_WIDTH_MIN) if name in WRAPPED else width for name, width in widths.items())
    return sum(least) + 3 * (len(columns) - 1)


def _widest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts))


def _where(event: Mapping[str, Any]) -> str:
    location = event["location"]
    if location is None:
        return "-"
    province = location["province"] and location["province"]["name"]
    return province or location["country"] or location["as_given"] or "-"


def _who(event: Mapping[str, Any]) -> str:
    return ", ".join(dict.fromkeys(actor["name"] for actor in event["actors"])) or "-"


def _killed(event: Mapping[str, Any]) -> str:
    figure = event["casualties"].get("killed")
    if figure is None:
        return ""
    low, high = figure["low"], figure["high"]
    spread = str(low) if low == high else f"{low} to {high}"
    return spread + (" disputed" if figure["disputed"] else "")


# What each column shows of an event. Those of free text are wrapped where there is no room.
CELLS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "date": lambda event: event["date"],
    "where": _where,
    "what": lambda event: event["title"],
    "who": _who,
    "killed": _killed,
}
WRAPPED = frozenset({"where", "what", "who"})


def draw_periods(console: Console, bucket: str, periods: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> None:
    """How many events lie in each period that has any, and how that count divides where it was asked.

    names: what the values are called that it divides by; one that is missing is its own name. On a terminal a line
    goes on below itself, elsewhere it is one line whatever its length.
    """
    width = console.width if console.file.isatty() else sys.maxsize
    largest = max((period["count"] for period in periods), default=0)
    bar_width = _bar_width(width - LABEL_WIDTH - len(f"  {largest}"))
    for period in periods:
        bar = _bar(period["count"], largest, bar_width)
        line = f"{_label(bucket, period['start']):>{LABEL_WIDTH}} {bar} {period['count']}"
        divided = [(visible(names.get(value, value)), count) for value, count in period.get("by", {}).items()]
        for text in _wrapped(line, divided, width):
            console.print(escape(text), highlight=False, soft_wrap=True)


def _wrapped(line: str, divided: Sequence[tuple[str, int]], width: int) -> list[str]:
    """A line and after it the counts by name, in lines of this width. A name and its count stay together."""
    indent = " " * LABEL_WIDTH
    lines = [line + " "]
    for place, (name, count) in enumerate(divided, start=1):
        number = f" {count}" + ("," if place < len(divided) else "")
        piece = " " + _cut(name, width - LABEL_WIDTH - 1 - len(number)) + number
        if cell_len(lines[-1] + piece) > width:
            lines.append(indent)
        lines[-1] += piece
    return [text.rstrip() for text in lines]


def _cut(text: str, width: int) -> str:
    """A text that takes so much room at most."""
    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


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
    """A small table for each facet that has any value: what it is, how many events it has, and a bar of that length.

    Where there is little room, the bars give way first.
    """
    for facet, values in facets.items():
        if not values:
            continue
        names = [visible(each["name"]) for each in values]
        largest = values[0]["count"]
        bar_width = _bar_width(
            console.width
            - min(_widest((facet, *names)), NAME_WIDTH)
            - max(len("events"), len(str(largest)))
            - 2 * len("  ")
        )
        table = Table(show_edge=False, pad_edge=False, box=None, header_style="bold")
        table.add_column(facet, overflow="fold", max_width=NAME_WIDTH)
        table.add_column("events", justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        for name, each in zip(names, values, strict=True):
            table.add_row(escape(name), str(each["count"]), _bar(each["count"], largest, bar_width))
        console.print()
        console.print(table)


def _bar_width(room: int) -> int:
    """How wide the largest bar is where there is so much room beside the names and numbers."""
    return max(BAR_WIDTH_MIN, min(BAR_WIDTH, room))


def _bar(count: int, largest: int, width: int) -> str:
    return "█" * max(1, round(width * count / largest))
