"""A slow and obvious answer to every timeline query, in plain Python over whole events: what the fast way must equal.

Written from the contract alone. It shares no code with what it judges: dates, order and memberships are read anew.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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


def facets(world: World, filters: Filters, by: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    """By facet, every value that a matching event has, with how many match once it is one more filter.

    The largest count comes first, and of equal ones the smallest value.
    """
    matching = [event for event in world.events.values() if matches(world, filters, event)]
    found: dict[str, list[tuple[str, int]]] = {}
    for facet in by:
        if facet == "publisher":
            counts = publishers(matching)
        else:
            values = {value for event in matching for value in FACETS[facet](world, event)}
            counts = {
                value: sum(TESTS[facet](world, {**filters, facet: one_more(facet, value)}, event) for event in matching)
                for value in values
            }
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0].encode()))
        found[facet] = [(value, count) for value, count in ranked if count]
    return found


def one_more(facet: str, value: str) -> list[Any]:
    """The value of a filter that asks for one thing."""
    return [[value]] if facet == "actor" else [value]


def publishers(events: Iterable[Event]) -> dict[str, int]:
    """How many events each publisher has. Names that share their letters are one, told as most events spell it."""
    named = [{source["publisher"] for source in event["sources"] if source["publisher"]} for event in events]
    spelt = Counter(name for names in named for name in names)
    counts = Counter(same for names in named for same in {letters(name) for name in names})
    shown: dict[str, str] = {}
    for name in sorted(spelt, key=lambda name: (-spelt[name], name.encode())):
        shown.setdefault(letters(name), name)
    return {shown[same]: count for same, count in counts.items()}


def letters(name: str) -> str:
    """What names share that are one: letters and digits without accents, or where there are none all there is."""
    return "".join(words_of(name)) or name.strip()


FACETS: dict[str, Callable[[World, Event], Iterable[str]]] = {
    "actor": lambda world, event: {
        organisation for actor in event["actors"] for organisation in organisations(world, actor["id"])
    },
    "province": units,
    "country": lambda world, event: [code for code in [(event["location"] or {}).get("country")] if code],
    "type": lambda world, event: types(event),
    "status": lambda world, event: [event["status"]],
    "tag": lambda world, event: event["tags"],
    "dataset": lambda world, event: [event["dataset"]],
}


BUCKETS = ("day", "week", "month", "quarter", "year")
# By what the count of a period can be divided, and the values that an event has.
DIVISIONS: dict[str, Callable[[World, Filters, Event], set[str]]] = {
    "type": lambda world, filters, event: {event["type"].split("/")[0]},
    "actor": lambda world, filters, event: {
        organisation
        for participant in event["actors"]
        if filters.get("role") in (None, participant["role"])
        for organisation in organisations(world, participant["id"])
    },
    "province": lambda world, filters, event: units(world, event),
    "country": lambda world, filters, event: {
        country for country in [(event["location"] or {}).get("country")] if country is not None
    },
    "status": lambda world, filters, event: {event["status"]},
}


def periods(
    world: World, filters: Filters, bucket: str = "auto", by: str | None = None
) -> tuple[str, list[dict[str, Any]]] | None:
    """The bucket and the periods of a timeline, as its answer has them, but that ``events`` are all ids.

    None where the periods are too many.
    """
    found = [world.events[event_id] for event_id in answer(world, filters)]
    days = [read_date(event["date"]).place[0].date() for event in found]
    if bucket == "auto":
        bucket = next((each for each in BUCKETS if not days or walk(each, days[0], days[-1]) <= 400), "year")
    if days and walk(bucket, days[0], days[-1]) > 10_000:
        return None
    totals: dict[str, int] = {}
    shown: dict[date, dict[str, Any]] = {}
    for event, day in zip(found, days, strict=True):
        first, last = period_of(bucket, day)
        period = shown.setdefault(first, new_period(first, last))
        period["count"] += 1
        period["events"].append(event["id"])
        for measure in ("killed", "injured"):
            for bound in ("low", "high"):
                period[measure][bound] += event["casualties"].get(measure, {bound: 0})[bound]
        for value in DIVISIONS[by](world, filters, event) if by else ():
            period["by"][value] = period["by"].get(value, 0) + 1
            totals[value] = totals.get(value, 0) + 1
    largest = sorted(totals, key=lambda value: (-totals[value], value))[:20]
    for period in shown.values():
        rest = sum(count for value, count in period["by"].items() if value not in largest)
        named = {value: count for value, count in period["by"].items() if value in largest}
        period["by"] = {**named, **({"other": rest} if rest else {})}
    return bucket, list(shown.values())


def new_period(first: date, last: date) -> dict[str, Any]:
    return {
        "start": first.isoformat(),
        "end": last.isoformat(),
        "count": 0,
        "killed": {"low": 0, "high": 0},
        "injured": {"low": 0, "high": 0},
        "by": {},
        "events": [],
    }


def walk(bucket: str, first: date, last: date) -> int:
    """How many periods there are from one day to another, counted no further than matters."""
    steps, end = 1, period_of(bucket, first)[1]
    while end < last and steps <= 10_000:
        end = period_of(bucket, end + timedelta(days=1))[1]
        steps += 1
    return steps


def period_of(bucket: str, day: date) -> tuple[date, date]:
    """The first and the last day of the period in which a day lies."""
    match bucket:
        case "day":
            return day, day
        case "week":
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=6)
        case "month":
            return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])
        case "quarter":
            month = {1: 1, 2: 1, 3: 1, 4: 4, 5: 4, 6: 4, 7: 7, 8: 7, 9: 7, 10: 10, 11: 10, 12: 10}[day.month]
            return day.replace(month=month, day=1), date(day.year, month + 2, 31 if month in (1, 10) else 30)
    return date(day.year, 1, 1), date(day.year, 12, 31)
