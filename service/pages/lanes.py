"""Draws a timeline in lanes, one for each actor or province that has most events, as data for an SVG picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from peewee import Database

from schemas.periods import PeriodsQuery
from service import gazetteer
from service.pages.address import Address
from service.pages.axis import Axis, Slot, in_words, make_axis, percent, shared_out
from service.periods import REST, periods

# What lanes can be of.
LANES = ("actor", "province")
LANES_MAX = 10
# Dots of all lanes together, each with an address of its own.
DOTS_MAX = 180
LEAST_RADIUS, RADIUS = 2.5, 10.0


def lanes(
    database: Database,
    filters: Mapping[str, Any],
    counted: Mapping[str, Sequence[Mapping[str, Any]]],
    bucket: str,
    by: str | None,
    address: Address,
) -> dict[str, Any]:
    """The lanes of a query, and the ways to other lanes; ``by`` None asks for none and costs nothing.

    counted: the facets of the query; bucket: that of its histogram.
    """
    ways = [
        {"name": kind, "at": str(address.having("lanes", kind)), "chosen": kind == by}
        for kind in LANES
        if counted[kind]
    ]
    shown = {"ways": ways, "off": str(address.without("lanes")), "by": by, "lanes": [], "rest": None}
    if by is None or not counted[by]:
        return shown
    spread = periods(database, PeriodsQuery(filters, bucket=bucket, by=by, events=0))["periods"]
    named = {value["value"]: value for value in counted[by][:LANES_MAX]}
    named.pop(REST, None)
    axis = _axis(bucket, spread, named)
    slots = shared_out(axis, spread, filters.get("period"))
    most = max((slot.by.get(value, 0) for slot in slots for value in named), default=0)
    rest = [(slot, sum(slot.by.values()) - sum(slot.by.get(value, 0) for value in named)) for slot in slots]
    found = [
        _lane(axis, slots, most, value["value"], value["name"], _asking(address, filters, by, value["value"]))
        for value in named.values()
    ]
    others = _rest(axis, rest, max(most, 1)) if any(count for _, count in rest) else None
    return {
        **shown,
        "words": axis.words,
        "ticks": list(axis.ticks()),
        "lanes": found,
        "rest": others,
        "rows": list(_rows(slots, [*found, others] if others else found)),
    }


def _axis(bucket: str, spread: Sequence[Mapping[str, Any]], named: Mapping[str, Any]) -> Axis:
    """The finest axis with so few slots that there are not too many dots."""
    marks = len(spread)
    while True:
        axis = make_axis(bucket, spread, marks)
        slots = shared_out(axis, spread, None)
        dots = sum(value in slot.by for slot in slots for value in named)
        if dots <= DOTS_MAX:
            return axis
        marks = len(slots) - 1


def _asking(address: Address, filters: Mapping[str, Any], by: str, value: str) -> Address:
    """The view of just those events of a query that a lane holds."""
    if by == "actor":
        return address.also("actor", value)
    # A province that was asked for may be part of the lane's: all of its events are, and no other.
    asked = filters.get("province", ())
    within = [code for code in asked if value in gazetteer.ancestors(code)]
    codes = [value] if value in asked or not within else within
    if asked and not address.texts("province"):
        # On a province's own page, whose path has it fixed.
        return address if codes == asked else address.at("/").having("province", codes[0])
    return address.having("province", ",".join(codes))


def _lane(axis: Axis, slots: Sequence[Slot], most: int, value: str, name: str, address: Address) -> dict[str, Any]:
    dots = [
        {
            **_dot(axis, slot, count, most),
            "at": str(address.having("period", slot.period)),
            "title": f"{name}, {slot.words}: {in_words(count)}",
        }
        for slot in slots
        if (count := slot.by.get(value, 0))
    ]
    return {"name": name, "at": str(address), "count": sum(dot["count"] for dot in dots), "dots": dots}


def _rest(axis: Axis, counts: Sequence[tuple[Slot, int]], most: int) -> dict[str, Any]:
    """The last lane, of all that have none of their own. No filter can ask for them, so it leads nowhere."""
    dots = [_dot(axis, slot, count, most) for slot, count in counts if count]
    return {"count": sum(dot["count"] for dot in dots), "dots": dots}


def _rows(slots: Sequence[Slot], shown: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of the table: for each slot its time in words, and of each lane the dot that stands there, or None."""
    dots = [{dot["words"]: dot for dot in lane["dots"]} for lane in shown]
    for slot in slots:
        yield {"words": slot.words, "cells": [lane.get(slot.words) for lane in dots]}


def _dot(axis: Axis, slot: Slot, count: int, most: int) -> dict[str, Any]:
    """A dot whose area grows with its count, up to a size."""
    share = min(count / most, 1.0)
    return {
        "x": percent(axis.middle(slot.number)),
        "r": f"{LEAST_RADIUS + (RADIUS - LEAST_RADIUS) * share**0.5:.3g}",
        "count": count,
        "words": slot.words,
    }
