"""Draws how many events each period has, coloured by type, as data for an SVG picture and its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.date_words import date_words
from schemas.periods import write_interval
from schemas.vocabulary import EVENT_TYPES
from service.pages.address import Address
from service.pages.axis import Axis, Slot, in_words, make_axis, shared_out, short
from service.spans import DAY_BEGINS, DAY_ENDS

# Bars at most, so that each can be seen and pointed at.
BARS_MAX = 64
HEIGHT = 100
# A bar of one event beside one of thousands is still seen.
LEAST_HEIGHT = 2.0


def histogram(spread: Mapping[str, Any], address: Address) -> dict[str, Any]:
    """The picture of a timeline in periods; each period leads to the view of that stretch alone.

    spread: an answer of ``service.periods.periods`` by type.
    """
    periods, bucket = spread["periods"], spread["bucket"]
    if not periods:
        return {"bucket": bucket, "bars": []}
    axis = make_axis(bucket, periods, BARS_MAX)
    slots = shared_out(axis, periods, spread["query"].get("period"))
    totals = Counter[str]()
    for slot in slots:
        totals.update(slot.by)
    types = [kind for kind in EVENT_TYPES if kind in totals]
    most = max(slot.count for slot in slots)
    layers = _layers(axis, slots, types, most)
    return {
        "bucket": bucket,
        "words": f"{in_words(sum(slot.count for slot in slots))}, {_stretch(axis)}, {axis.words}",
        "bars": [_bar(axis, slot, types, address) for slot in slots],
        "layers": [{"type": kind, "d": shape} for kind, shape in zip(types, layers, strict=True)],
        "legend": [_entry(kind, totals[kind], address) for kind in types],
        "ticks": list(axis.ticks()),
        "most": most,
        "narrowed": str(address.without("period")) if address.texts("period") else None,
    }


def _stretch(axis: Axis) -> str:
    """The time from the first to the last slot in words."""
    first, last = (day.isoformat().replace("-", "") for day in axis.ends)
    return date_words(write_interval(first + DAY_BEGINS, last + DAY_ENDS))


def _bar(axis: Axis, slot: Slot, types: Sequence[str], address: Address) -> dict[str, Any]:
    left, right = (round((slot.number + end) * axis.slot_width) for end in (0, 1))
    return {
        "at": str(address.having("period", slot.period)),
        "first": slot.first,
        "last": slot.last,
        "words": slot.words,
        "count": slot.count,
        "parts": [slot.by.get(kind, 0) for kind in types],
        "title": f"{slot.words}: {in_words(slot.count)}",
        # The whole height can be pointed at.
        "d": f"M{left} 0H{right}V{HEIGHT}H{left}z",
    }


def _layers(axis: Axis, slots: Sequence[Slot], types: Sequence[str], most: int) -> Iterator[str]:
    """For each type one path of its pieces of all bars; those of one bar stand upon each other."""
    width = short(axis.bar_width)
    reached = dict.fromkeys((slot.number for slot in slots), 0.0)
    for kind in types:
        pieces = []
        for slot in slots:
            if part := slot.by.get(kind, 0):
                whole = max(slot.count / most * HEIGHT, LEAST_HEIGHT)
                bottom = reached[slot.number]
                reached[slot.number] = top = bottom + whole * part / slot.count
                left = round(axis.middle(slot.number) - axis.bar_width / 2)
                pieces.append(f"M{left} {short(HEIGHT - top)}h{width}v{short(top - bottom)}H{left}z")
        yield "".join(pieces)


def _entry(kind: str, count: int, address: Address) -> dict[str, Any]:
    """A type in the legend. Where types were asked for it leads nowhere: it would undo what was asked."""
    chosen = bool(address.texts("type"))
    return {
        "type": kind,
        "label": EVENT_TYPES[kind].label,
        "count": count,
        "at": None if chosen else str(address.having("type", kind)),
    }
