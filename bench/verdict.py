"""Judges the times of the benchmark of combinations by the goals, and prints them for people, the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

WORST = 5


@dataclass(frozen=True, slots=True)
class Goal:
    """What no query of a group may exceed. figure: the member of ``Measured`` that is meant."""

    group: str
    most: float
    figure: str


GOALS = (
    Goal("singles", 10, "ratio"),
    Goal("pairs", 10, "ratio"),
    Goal("three and more", 50, "milliseconds"),
    Goal("timeline by month", 5, "ratio"),
    Goal("text with an actor", 10, "ratio"),
)
UNITS = {"ratio": "x the main query", "milliseconds": "ms"}
VERDICTS = {True: "met", False: "NOT MET", None: "open"}


@dataclass(frozen=True, slots=True)
class Measured:
    """One query: the median, lowest and highest ratio to the main query among the rounds, and the median time.

    found: how many events, periods or facets the answer holds.
    """

    path: str
    ratio: float
    ratio_low: float
    ratio_high: float
    milliseconds: float
    found: int


def judge(goal: Goal, measured: Sequence[Measured], unanswered: int) -> dict[str, Any]:
    """The goal with ``met``: false where a query exceeds it, else null where any is not answered, else true."""
    figures = [getattr(each, goal.figure) for each in measured]
    above = sum(figure > goal.most for figure in figures)
    open_ = not figures or unanswered
    return {
        **asdict(goal),
        "met": False if above else None if open_ else True,
        "worst": max(figures, default=None),
        "above": above,
        "unanswered": unanswered,
    }


def _unanswered_lines(refused: Mapping[str, str]) -> list[str]:
    """For each reason how many were refused for it, and the first of them."""
    by_reason: dict[str, list[str]] = {}
    for path, reason in refused.items():
        by_reason.setdefault(reason, []).append(path)
    return [f"  not answered ({reason}): {len(paths)}, such as {paths[0]}" for reason, paths in by_reason.items()]


def _group_lines(name: str, group: Mapping[str, Any]) -> list[str]:
    """How many queries there are, and the worst of them."""
    measured = group["queries"]
    median = f", median ratio {group['median_ratio']:.2f} x" if measured else ""
    return [
        "",
        f"{name}: {len(measured)} queries{median}",
        *(
            f"  {each['ratio']:8.1f} x ({each['ratio_low']:.1f} to {each['ratio_high']:.1f})"
            f"{each['milliseconds']:10.2f} ms {each['found']:4} found  {each['path']}"
            for each in measured[:WORST]
        ),
        *_unanswered_lines(group["not_answered"]),
    ]


def _goal_line(goal: Mapping[str, Any]) -> str:
    worst = "nothing measured" if goal["worst"] is None else f"worst {goal['worst']:.1f}, {goal['above']} above"
    lacking = f", {goal['unanswered']} not answered" if goal["unanswered"] else ""
    limit = f"at most {goal['most']:g} {UNITS[goal['figure']]}"
    return f"  {VERDICTS[goal['met']]:8} {goal['group']}: {limit} ({worst}{lacking})"


def lines(result: Mapping[str, Any]) -> list[str]:
    """The report as text: the machine, each group with its worst queries, and the goals."""
    host, word = result["machine"], result["word"]
    shown = [
        f"{host['processor']}, {host['cores']} cores, load {host['load']}, {host['system']}",
        f"Python {host['python']}, SQLite {host['sqlite']}; {result['events']:,} events, {result['rounds']} rounds",
        f"the main query takes {result['main_milliseconds']:.2f} ms; ratios are to it in the same round, the median "
        "of the rounds (lowest to highest); of each group the worst",
        f"the common word is {word['word']!r}, in {word['share']:.0%} of all events",
    ]
    for name, group in result["groups"].items():
        shown += _group_lines(name, group)
    return [*shown, "", "goals", *map(_goal_line, result["goals"])]
