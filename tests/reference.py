"""A slow and obvious answer to every timeline query, in plain Python over whole events: what the fast way must equal.

Written from the contract alone. It shares no code with what it judges: dates, order and memberships are read anew.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

Event = Mapping[str, Any]
Filters = Mapping[str, Any]


class Span(NamedTuple):
    """First and last minute that a date can mean, None where that side is open, and where it lies on the timeline.

    place: the moment, and whether it is a minute rather than a day, since a day comes before its minutes.
    """

    first: datetime | None
    last: datetime | None
    place: tuple[datetime, bool]


class Side(NamedTuple):
    """One date: its first and last minute, and whether it is written to the minute."""

    first: datetime
    last: datetime
    timed: bool


@dataclass(frozen=True)
class World:
    """Everything there is to ask about.

    events: by id, as ``GET /v1/events/{id}`` shows them. member_of: the organisations of each actor, direct ones.
    parents: the unit that a province is part of, where there is one. aliases: of each actor that has any.
    """

    events: Mapping[str, Event]
    member_of: Mapping[str, Sequence[str]]
    parents: Mapping[str, str | None]
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)


def answer(world: World, filters: Filters, sort: str = "date") -> list[str]:
    """The ids of all events that match, in order.

    filters: by parameter. ``actor`` is a list of lists; other lists are any of their members; ``bbox`` is four
    numbers, ``min_killed`` a number, ``disputed`` a truth value; dates are texts.
    """
    found = [event for event in world.events.values() if matches(world, filters, event)]
    if sort == "relevance":
        # First those whose title says all that is wanted; of both kinds the latest first.
        return [
            event["id"]
            for event in sorted(
                found,
                key=lambda event: (wanted_in([words_of(event["title"])], filters["q"]), by_date(event)),
                reverse=True,
            )
        ]
    ids = [event["id"] for event in sorted(found, key=ORDERS[sort.removeprefix("-")])]
    return ids[::-1] if sort.startswith("-") else ids


def matches(world: World, filters: Filters, event: Event) -> bool:
    """Whether an event answers every filter."""
    return all(TESTS[name](world, filters, event) for name in filters)


def by_date(event: Event) -> tuple[tuple[datetime, bool], str]:
    return read_date(event["date"]).place, event["id"]


def by_update(event: Event) -> tuple[str, str]:
    return event["updated"], event["id"]


ORDERS: dict[str, Callable[[Event], tuple[Any, str]]] = {"date": by_date, "updated": by_update}


def read_date(text: str) -> Span:
    """What a date of an event or a query means."""
    if "/" not in text:
        side = read_side(text)
        return Span(side.first, side.last, (side.first, side.timed))
    start, end = (None if part == ".." else read_side(part) for part in text.split("/"))
    if start is not None:
        return Span(start.first, end and end.last, (start.first, start.timed))
    assert end is not None, "one side at least is a date"
    # The place is the last minute where one is written, else the last day, which lies at its beginning.
    last_day = end.last.replace(hour=0, minute=0)
    return Span(None, end.last, (end.last, True) if end.timed else (last_day, False))


def read_side(text: str) -> Side:
    text = text.rstrip("~?%")
    if "T" in text:
        moment = datetime.fromisoformat(text[:16])
        return Side(moment, moment, True)
    if len(text) == 4 and text.endswith("X"):
        first, last = datetime(int(text[:3]) * 10, 1, 1), datetime(int(text[:3]) * 10 + 9, 12, 31)
    else:
        year, *rest = (int(part) for part in text.split("-") if part != "XX")
        month, last_month = (rest[0], rest[0]) if rest else (1, 12)
        day, last_day = (rest[1], rest[1]) if len(rest) > 1 else (1, calendar.monthrange(year, last_month)[1])
        first, last = datetime(year, month, day), datetime(year, last_month, last_day)
    return Side(first, last + timedelta(hours=23, minutes=59), False)


def organisations(world: World, actor: str) -> set[str]:
    """An actor itself and everything that it belongs to, however many steps away."""
    found = {actor}
    while more := {above for each in found for above in world.member_of.get(each, ())} - found:
        found |= more
    return found


def units(world: World, event: Event) -> set[str]:
    """The province where an event happened and every unit that it is part of."""
    location = event["location"] or {}
    unit = (location.get("province") or {}).get("code")
    found = set()
    while unit is not None:
        found.add(unit)
        unit = world.parents.get(unit)
    return found


def touches(world: World, filters: Filters, event: Event) -> bool:
    """``from``, ``to`` and ``match``; an open side reaches for ever."""
    span = read_date(event["date"])
    begins = read_date(filters["from"]).first if "from" in filters else None
    ends = read_date(filters["to"]).last if "to" in filters else None
    if filters.get("match") == "certain":
        return (begins is None or (span.first is not None and span.first >= begins)) and (
            ends is None or (span.last is not None and span.last <= ends)
        )
    return (begins is None or span.last is None or span.last >= begins) and (
        ends is None or span.first is None or span.first <= ends
    )


def lies_in_period(world: World, filters: Filters, event: Event) -> bool:
    period, (moment, _) = read_date(filters["period"]), read_date(event["date"]).place
    return (period.first is None or period.first <= moment) and (period.last is None or moment <= period.last)


def has_actors(world: World, filters: Filters, event: Event) -> bool:
    """Of each list one takes part, itself or by a member, in the role asked for."""
    present = {
        organisation
        for participant in event["actors"]
        if filters.get("role") in (None, participant["role"])
        for organisation in organisations(world, participant["id"])
    }
    return all(present & set(group) for group in filters["actor"])


def in_box(world: World, filters: Filters, event: Event) -> bool:
    west, south, east, north = filters["bbox"]
    location = event["location"] or {}
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if latitude is None or longitude is None or not south <= latitude <= north:
        return False
    return bool(west <= longitude <= east if west <= east else longitude >= west or longitude <= east)


def killed_at_least(world: World, filters: Filters, event: Event) -> bool:
    return "killed" in event["casualties"] and event["casualties"]["killed"]["high"] >= filters["min_killed"]


def in_dispute(world: World, filters: Filters, event: Event) -> bool:
    contested = any(figure["disputed"] for figure in event["casualties"].values())
    return contested is filters["disputed"]


def words_of(text: str | None) -> list[str]:
    """The words of a text in letters without accents; Chinese has a word for each character."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text or "") if not unicodedata.combining(char))
    return re.findall(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+", bare.casefold())


def searched_texts(world: World, event: Event) -> list[list[str]]:
    """The words of each text of an event that is searched."""
    location = event["location"] or {}
    texts = [event["title"], event["summary"], *(location.get(name) for name in ("place", "district", "as_given"))]
    texts.append((location.get("province") or {}).get("name"))
    for actor in event["actors"]:
        texts += [actor["name"], *world.aliases.get(actor["id"], ())]
    for claim in event["claims"]:
        texts += [claim["statement"], (claim["claimant"] or {}).get("name")]
    return [words_of(text) for text in texts]


def pieces_of(q: str) -> list[str]:
    return re.findall(r'-?"[^"]*"\*?|\S+', q)


def stands(piece: str, texts: list[list[str]]) -> bool:
    """Whether the words of a piece follow each other in a text; a star leaves the end of the last one open."""
    sought = " " + " ".join(words_of(piece)) + ("" if piece.endswith("*") else " ")
    return any(sought in " " + " ".join(text) + " " for text in texts)


def wanted_in(texts: list[list[str]], q: str) -> bool:
    """Whether every wanted piece of ``q``, or one of those that OR joins, stands within one of the texts."""
    groups: list[list[str]] = []
    joined = False
    for piece in pieces_of(q):
        if piece == "OR":
            joined = True
        elif not piece.startswith("-"):
            groups = [*groups[:-1], [*groups[-1], piece]] if joined else [*groups, [piece]]
            joined = False
    return all(any(stands(piece, texts) for piece in group) for group in groups)


def says(world: World, filters: Filters, event: Event) -> bool:
    """``q``: all that is wanted, and nothing that is not."""
    texts = searched_texts(world, event)
    unwanted = [piece[1:] for piece in pieces_of(filters["q"]) if piece.startswith("-")]
    return wanted_in(texts, filters["q"]) and not any(stands(piece, texts) for piece in unwanted)


def any_of(name: str, values: Callable[[Event], Iterable[Any]]) -> Callable[[World, Filters, Event], bool]:
    """A test that an event has one of the values asked for."""
    return lambda world, filters, event: bool(set(filters[name]) & set(values(event)))


def types(event: Event) -> set[str]:
    return {event["type"], event["type"].split("/")[0]}


def claimants(event: Event) -> list[str]:
    return [claim["claimant"].get("id", claim["claimant"]["name"]) for claim in event["claims"] if claim["claimant"]]


TESTS: dict[str, Callable[[World, Filters, Event], bool]] = {
    "actor": has_actors,
    "role": has_actors,
    "province": lambda world, filters, event: bool(set(filters["province"]) & units(world, event)),
    "country": any_of("country", lambda event: [(event["location"] or {}).get("country")]),
    "from": touches,
    "to": touches,
    "match": touches,
    "period": lies_in_period,
    "type": any_of("type", types),
    "status": any_of("status", lambda event: [event["status"]]),
    "tag": any_of("tag", lambda event: event["tags"]),
    "dataset": any_of("dataset", lambda event: [event["dataset"]]),
    "publisher": any_of("publisher", lambda event: [source["publisher"] for source in event["sources"]]),
    "claimant": any_of("claimant", claimants),
    "bbox": in_box,
    "min_killed": killed_at_least,
    "disputed": in_dispute,
    "q": says,
}
