"""Judges whether two events may be one that two datasets tell of, how likely that is, and says why; it reads nothing.

Two events are near duplicates when their times touch, they lie in one province or near each other, an actor took part
in both, and their numbers of killed do not contradict each other. Each of the four is graded from 0, which rules the
pair out, to 1. The likeness is their geometric mean, so that a pair which is weak in one is weak.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from typing import Any, NamedTuple

# A span of more days than a month has, or an open one, touches too much to say anything by that.
LONG_DAYS = 31
# Up to so many days it is as good as known when something happened.
SHORT_DAYS = 7
# Kilometres within which events are taken for near each other where a province is missing.
NEAR = 25.0
# Where nothing is known that speaks for a pair or against it.
NEUTRAL = 0.5
# Not nothing, or the span would rule out what it says little of.
FAINT = 0.01
EARTH_RADIUS = 6371.0  # Kilometres.


class Facts(NamedTuple):
    """What is compared of an event.

    num: what stands for it in the tables. pos: its place on the timeline, its id at the end; day: that place's.
    first, last: the days that it can cover, None where that side is open. Days are numbers, as of date.toordinal.
    long: whether those are too many for a touch to mean anything, see is_long.
    province: its code; units: that and the codes of all that the province is part of. point: latitude and longitude.
    actors: the ids of who took part and of their organisations. killed: the low and high estimates.
    """

    num: int
    pos: str
    day: int
    first: int | None
    last: int | None
    long: bool
    country: str | None
    province: str | None
    units: tuple[str, ...]
    point: tuple[float, float] | None
    actors: frozenset[str]
    killed: tuple[int, int] | None
    dataset: str

    @property
    def id(self) -> str:
        return self.pos.partition(" ")[2]


def is_long(first: int | None, last: int | None) -> bool:
    """Whether a span covers so many days, or is open, that it touches almost everything."""
    return first is None or last is None or last - first >= LONG_DAYS


def likeness(one: Facts, other: Facts) -> float:
    """From 0, no near duplicates, to 1, alike in all that is compared; to three places."""
    product = 1.0
    for grade in GRADES:
        product *= grade(one, other)
        if not product:
            return 0.0
    return round(sqrt(sqrt(product)), 3)


def _time(one: Facts, other: Facts) -> float:
    """The share of the days of both that are common to them, less where that is more than a week.

    A long span goes only with the very same one, and only where the numbers of killed agree as well.
    """
    if one.first == one.last == other.first == other.last is not None:
        # That is what most pairs are, so it is told first.
        return 1.0
    if one.long or other.long:
        same = (one.first, one.last) == (other.first, other.last)
        if not same or _common(one.killed, other.killed) is None:
            return 0.0
    if one.first is None or one.last is None or other.first is None or other.last is None:
        return FAINT
    shared = min(one.last, other.last) - max(one.first, other.first) + 1
    if shared <= 0:
        return 0.0
    together = max(one.last, other.last) - min(one.first, other.first) + 1
    return max(shared / together * min(1.0, SHORT_DAYS / together), FAINT)


def _place(one: Facts, other: Facts) -> float:
    """How near they are where both have coordinates; one province alone is neutral."""
    apart = _kilometres(one, other)
    if not _in_one_province(one, other):
        if one.province and other.province:
            return 0.0
        if one.country is None or one.country != other.country or apart is None or apart > NEAR:
            return 0.0
    return NEUTRAL if apart is None else 1 / (1 + apart / NEAR)


def _in_one_province(one: Facts, other: Facts) -> bool:
    """Whether they lie in one province, or in one that is part of the other's."""
    return one.province in other.units or other.province in one.units


def _kilometres(one: Facts, other: Facts) -> float | None:
    """How far apart they are, along a sphere; None without coordinates of both."""
    if one.point is None or other.point is None:
        return None
    (south, west), (north, east) = (map(radians, each.point) for each in (one, other) if each.point)
    haversine = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin((east - west) / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(haversine)))


def _actors(one: Facts, other: Facts) -> float:
    """The share of all actors of the two, organisations too, that took part in both."""
    return len(one.actors & other.actors) / max(1, len(one.actors | other.actors))


def _size(one: Facts, other: Facts) -> float:
    return NEUTRAL if one.killed is None or other.killed is None else _agreement(one.killed, other.killed)


# Most numbers are small, so that few pairs of them differ.
@lru_cache(maxsize=65536)
def _agreement(one: tuple[int, int], other: tuple[int, int]) -> float:
    """How much the estimates of killed have in common.

    Estimates that do not touch may differ by a factor of two, each counted one higher: 0 goes with 1, and 1 with 3.
    """
    common = _common(one, other)
    lows, highs = zip(one, other, strict=True)
    if common is None:
        ratio = (min(highs) + 1) / (max(lows) + 1)
        return NEUTRAL * ratio if ratio >= 0.5 else 0.0
    return NEUTRAL + (1 - NEUTRAL) * common / (max(highs) - min(lows) + 1)


def _common(one: tuple[int, int] | None, other: tuple[int, int] | None) -> int | None:
    """How many numbers lie in both estimates; None where there is none, or no estimate."""
    if one is None or other is None:
        return None
    common = min(one[1], other[1]) - max(one[0], other[0]) + 1
    return common if common > 0 else None


# Those that rule out most for least work come first.
GRADES: tuple[Callable[[Facts, Facts], float], ...] = (_time, _size, _place, _actors)


def reasons(one: Facts, other: Facts) -> list[dict[str, Any]]:
    """What makes near duplicates of a pair: of time, place, actors and size each the ``kind`` and the ``words``.

    Beside them stand days ``from`` and ``to``, ``provinces`` and ``kilometres``, ``actors`` by id, ``killed`` of each.
    """
    return [
        {"reason": "time", **_why_time(one, other)},
        {"reason": "place", **_why_place(one, other)},
        {"reason": "actors", **_why_actors(one, other)},
        {"reason": "size", **_why_size(one, other)},
    ]


def _why_time(one: Facts, other: Facts) -> dict[str, Any]:
    first = max((each.first for each in (one, other) if each.first is not None), default=None)
    last = min((each.last for each in (one, other) if each.last is not None), default=None)
    days = {
        "from": None if first is None else date.fromordinal(first).isoformat(),
        "to": None if last is None else date.fromordinal(last).isoformat(),
    }
    same = (one.first, one.last) == (other.first, other.last)
    kind = "overlap" if not same else "same-day" if first == last else "same-days"
    if first is None:
        words = f"both until {days['to']}"
    elif last is None:
        words = f"both from {days['from']} on"
    else:
        span = str(days["from"]) if first == last else f"{days['from']} to {days['to']}"
        words = f"both {'cover' if kind == 'overlap' else 'on' if first == last else 'from'} {span}"
    return {"kind": kind, **days, "words": words}


def _why_place(one: Facts, other: Facts) -> dict[str, Any]:
    apart = _kilometres(one, other)
    far = None if apart is None else f"{apart:.0f} km apart"
    if one.province and one.province == other.province:
        kind, words = "same-province", f"both in {one.province}"
    elif _in_one_province(one, other):
        inner, outer = (one, other) if other.province in one.units else (other, one)
        kind, words = "province-within", f"{inner.province} is part of {outer.province}"
    else:
        kind, words = "near", f"both in {one.country}"
    return {
        "kind": kind,
        "country": one.country,
        "provinces": [one.province, other.province],
        "kilometres": None if apart is None else round(apart, 1),
        "words": f"{words}, {far}" if far else words,
    }


def _why_actors(one: Facts, other: Facts) -> dict[str, Any]:
    shared = sorted(one.actors & other.actors)
    kind = "same-actors" if one.actors == other.actors else "shared-actors"
    return {"kind": kind, "actors": shared, "words": f"share {', '.join(shared)}"}


def _why_size(one: Facts, other: Facts) -> dict[str, Any]:
    told = [each and {"low": each[0], "high": each[1]} for each in (one.killed, other.killed)]
    if one.killed is None or other.killed is None:
        kind, words = "unknown", f"killed told by {'one alone' if one.killed or other.killed else 'neither'}"
    elif one.killed == other.killed:
        kind, words = "same-killed", f"both {_spread(one.killed)} killed"
    else:
        kind = "close" if _common(one.killed, other.killed) is None else "overlap"
        words = f"{_spread(one.killed)} and {_spread(other.killed)} killed"
    return {"kind": kind, "killed": told, "words": words}


def _spread(killed: tuple[int, int]) -> str:
    low, high = killed
    return str(low) if low == high else f"{low} to {high}"
