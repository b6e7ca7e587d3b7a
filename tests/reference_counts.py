"""The slow and obvious counts of a timeline query, by period and by facet, from the answers of ``reference.py``."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from tests.reference import (
    TESTS,
    Event,
    Filters,
    World,
    answer,
    matches,
    organisations,
    read_date,
    types,
    units,
    words_of,
)


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
