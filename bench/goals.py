"""The goals in one table, and whether what was measured meets them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bench.plan import Found, Spread


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is to be. bound: what it must be at least or at most; None: told, but not judged.

    unit: what the figure is counted in, after a number. section: by whom it is measured.
    """

    name: str
    section: str
    what: str
    direction: Literal["at least", "at most"] = "at most"
    bound: float | None = None
    unit: str = "x"


def _least(name: str, section: str, what: str, bound: float | None = None, unit: str = "x") -> Goal:
    return Goal(name, section, what, "at least", bound, unit)


MAIN = "main query, different ones"
GOALS = (
    _least("main/usual", "pages", f"{MAIN}: as fast as the usual way", 60),
    _least("main/fastapi", "pages", f"{MAIN}: as fast as FastAPI + SQLAlchemy"),
    _least("main/django", "pages", f"{MAIN}: as fast as Django REST framework"),
    _least("main/datasette", "pages", f"{MAIN}: as fast as Datasette", 25),
    _least("main/fixed", "pages", f"{MAIN}: as fast as ready-made bytes of the same size", 0.30),
    _least("main/fixed/asgi", "pages", "the same: as those over the same interface, ASGI"),
    _least("again/fixed", "pages", "the same query again: as fast as ready-made bytes", 0.65),
    _least("again/fixed/asgi", "pages", "the same: as those over the same interface, ASGI"),
    _least("304", "pages", "304 by the page's ETag: as fast as the 200 again", 3),
    _least("304/server", "pages", "the same of a ready-made 304 and 200, over ASGI"),
    _least("304/asgi", "pages", "304: as fast as a ready-made one, over ASGI"),
    Goal("scale", "scale", "many events: the time beside a small store", bound=1.2),
    Goal("scale/first", "scale", "the same, each query for the first time", bound=1.2),
    Goal("depth", "depth", "a page deep inside: the time beside the first page", bound=1.2),
    *(
        Goal(f"shape/{name}", "shapes", f"{name}: the time beside the main query", bound=5)
        for name in (
            "overlap",
            "open beginning",
            "open end",
            "any of two actors",
            "two actors together",
            "three provinces",
            "actor and type",
        )
    ),
    Goal("writer/p99_us", "writer", "reading beside 100 writes a second: p99 beside that without", bound=2),
    Goal("writer/p50_us", "writer", "the same: p50"),
    # Reading beside fewer writes would say little of reading beside so many.
    _least("writer/rate", "writer", "events that the writer could make beside the readers", 90, "events/s"),
    Goal("start", "start", "`dateline serve` to its first answer", bound=2, unit="s"),
    Goal("memory/first", "start", "a worker's memory (RSS) after its first answer", bound=150, unit="MB"),
    Goal("memory/loaded", "start", "a worker's memory (RSS) after different queries", unit="MB"),
    Goal("memory/own", "start", "the same without what is mapped of the store's file", bound=150, unit="MB"),
    _least("import/rate", "import", "full import, for a second of processor time", unit="events/s"),
    _least("import", "import", "full import: as fast as sqlite-utils, processor time"),
    Goal("size", "import", "size of the store beside the NDJSON", bound=3),
    Goal("gzip", "gzip", "gzip of a page: what it adds, beside the page", bound=1),
    _least("gzip/again", "gzip", "the same page with gzip again: as fast as without"),
    Goal("postgres/least", "postgres", "PostgreSQL: the time beside SELECT 1 and sending the bytes", bound=3),
    _least("postgres/usual", "postgres", "PostgreSQL: as fast as the usual way there", 15),
    _least("postgres/plan", "postgres", "PostgreSQL: the plan is a range of the timeline's index", 1, ""),
)
# A page compressed anew takes longer than one that is not; one that was kept does not, since there is less to send.
KEPT_FROM = 0.95


def _judged(goal: Goal, figure: Spread | None, figures: Mapping[str, Spread]) -> bool | None:
    if goal.bound is None or figure is None:
        return None
    if goal.name == "gzip" and figures["gzip/again"].median >= KEPT_FROM:
        return True
    return figure.median >= goal.bound if goal.direction == "at least" else figure.median <= goal.bound


def judge(found: Mapping[str, Found], left_out: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each goal of the sections that were asked for, with its figure, ``met`` (null: not judged) and what to note.

    left_out: why a section could not be measured, by its name.
    """
    figures: dict[str, Spread] = {}
    notes: dict[str, str] = {}
    for each in found.values():
        figures |= each.figures
        notes |= each.notes
    if (again := figures.get("gzip/again")) and again.median >= KEPT_FROM:
        notes.setdefault("gzip", "a compressed page is kept")
    judged = []
    for goal in GOALS:
        if goal.section in found or goal.section in left_out:
            figure = figures.get(goal.name)
            note = notes.get(goal.name) or (left_out.get(goal.section, "") if figure is None else "")
            met = _judged(goal, figure, figures)
            judged.append({**asdict(goal), "figure": figure and asdict(figure), "met": met, "note": note})
    return judged


def number(figure: float) -> str:
    """With three digits at least, and no more than are worth telling."""
    if figure >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


def reach(goal: Mapping[str, Any]) -> str:
    """What is to be reached, in words."""
    if goal["bound"] is None:
        return ""
    if goal["unit"] == "":
        return "yes"
    return f"{'≥' if goal['direction'] == 'at least' else '≤'} {goal['bound']:g} {goal['unit']}"


def shown(goal: Mapping[str, Any]) -> str:
    """What was measured, in words: the median of the rounds, the lowest and the highest."""
    figure = goal["figure"]
    if figure is None:
        return "not measured"
    if goal["unit"] == "":
        return "yes" if figure["median"] else "no"
    middle = f"{number(figure['median'])} {goal['unit']}"
    if figure["low"] == figure["high"]:
        return middle
    return f"{middle} ({number(figure['low'])} to {number(figure['high'])})"


def verdict(goal: Mapping[str, Any]) -> str:
    """One of: met, not met, not measured, and nothing where there is no goal."""
    if goal["bound"] is None:
        return ""
    if goal["figure"] is None:
        return "not measured"
    return "met" if goal["met"] else "not met"


def missed(goals: Iterable[Mapping[str, Any]]) -> int:
    return sum(goal["met"] is False for goal in goals)
