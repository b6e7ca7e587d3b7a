"""Finds by which values of each filter the generated events can be asked for, and which events each value finds."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from bench.places import AFGHAN, ELSEWHERE, Place
from bench.usual_tables import casualties

# So many of the commonest values of a filter count as common, as long as each finds this share of the events.
COMMON_MOST = 12
COMMON_SHARE = 0.01

FIRST_DATES = ("1989-06", "1998", "2008", "2016", "2024-06")
LAST_DATES = ("1989-09", "1996", "2006", "2014", "2024-09")
LOSSES = (1, 50, 400)


def _box_round(place: Place, degrees: float) -> tuple[float, float, float, float]:
    west, east = place.longitude - degrees, place.longitude + degrees
    return round(west, 2), round(place.latitude - degrees, 2), round(east, 2), round(place.latitude + degrees, 2)


KABUL = next(place for place in AFGHAN if place.name == "Kabul")
# West, south, east and north: a country, a town, thin strips along and across, and the size of some provinces.
BOXES = (
    (60.5, 29.3, 74.9, 38.5),
    _box_round(KABUL, 0.1),
    (60.0, 34.5, 75.0, 34.51),
    (69.0, 29.0, 69.01, 39.0),
    *(_box_round(place, 0.4) for place in (*AFGHAN[:5], *ELSEWHERE[:4])),
)


@dataclass(frozen=True, slots=True)
class Census:
    """events: how many there are. found: filter → value → numbers of the events that it finds, rising from 0."""

    events: int
    found: Mapping[str, Mapping[str, array[int]]]

    def share(self, name: str, value: str) -> float:
        return len(self.found[name][value]) / self.events

    def finds(self, name: str, value: str, number: int) -> bool:
        """Whether the value finds the event of that number."""
        numbers = self.found[name][value]
        at = bisect_left(numbers, number)
        return at < len(numbers) and numbers[at] == number


def _words(event: Mapping[str, Any], names: Mapping[str, str]) -> set[str]:
    """The words of what a text search reads: title, summary, place, names of actors and what claims state."""
    texts = [event["title"], event["summary"] or "", (event["location"] or {}).get("place", "")]
    texts += [names[actor["id"]] for actor in event["actors"]]
    texts += [claim.get("statement", "") for claim in event["claims"]]
    return set(re.findall(r"\w+", " ".join(texts).lower()))


def _values(
    event: Mapping[str, Any], names: Mapping[str, str], above: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    """Filters and the values by which they find the event. Ranges of time are taken by the date as it is written."""
    for actor in event["actors"]:
        yield "role", actor["role"]
        for one in (actor["id"], *above[actor["id"]]):
            yield "actor", one
    if location := event["location"]:
        yield "province", location["province"]["code"]
        yield "country", location["country"]
        if "latitude" in location:
            north, east = location["latitude"], location["longitude"]
            for box in BOXES:
                if box[0] <= east <= box[2] and box[1] <= north <= box[3]:
                    yield "bbox", ",".join(map(str, box))
    date = event["date"]
    yield from (("from", first) for first in FIRST_DATES if date[: len(first)] >= first)
    yield from (("to", last) for last in LAST_DATES if date[: len(last)] <= last)
    yield "match", "certain"
    yield "period", date[:4]
    yield "type", event["type"]
    yield "type", event["type"].partition("/")[0]
    yield "status", event.get("status", "reported")
    yield from (("tag", tag) for tag in event["tags"])
    yield "dataset", event.get("dataset", "local")
    yield from (("publisher", source["publisher"]) for source in event["sources"])
    claimants = (claim["claimant"] for claim in event["claims"] if "claimant" in claim)
    yield from (("claimant", claimant.get("id") or claimant["name"]) for claimant in claimants)
    figures = casualties(event["claims"])
    killed = figures.get("killed", {}).get("high", -1)
    yield from (("min_killed", str(losses)) for losses in LOSSES if killed >= losses)
    yield "disputed", "true" if any(figure["disputed"] for figure in figures.values()) else "false"
    yield from (("q", word) for word in _words(event, names))


def take(actors: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]]) -> Census:
    """The census of events in the form of ``POST /v1/events``, by actors in the API's form."""
    known = list(actors)
    names = {actor["id"]: actor["name"] for actor in known}
    above = {actor["id"]: actor["member_of"] for actor in known}
    found: dict[str, dict[str, array[int]]] = defaultdict(lambda: defaultdict(lambda: array("I")))
    count = 0
    for number, event in enumerate(events):
        # An event is counted once under a value, whichever of its actors or sources has it.
        for name, value in set(_values(event, names, above)):
            found[name][value].append(number)
        count += 1
    return Census(count, {name: dict(values) for name, values in found.items()})


def commonest(census: Census, name: str) -> list[str]:
    """The values of a filter that find most events, the commonest first."""
    values = census.found[name]
    ordered = sorted(values, key=lambda value: (-len(values[value]), value))
    common = [value for value in ordered if census.share(name, value) >= COMMON_SHARE]
    return (common or ordered)[:COMMON_MOST]


def rarest(census: Census, name: str) -> str:
    """The value of a filter that finds fewest events, but one at least."""
    values = census.found[name]
    return min(values, key=lambda value: (len(values[value]), value))


def word_in(census: Census, share: float) -> str:
    """The word that occurs in a share of the events as near as can be to that one.

    Words of one to three letters are passed over, since a text search may well leave such as "the" aside.
    """
    words = [word for word in census.found["q"] if len(word) > 3]
    return min(words, key=lambda word: (abs(census.share("q", word) - share), word))


def _bits(numbers: Iterable[int], count: int) -> int:
    marks = bytearray(count // 8 + 1)
    for number in numbers:
        marks[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(marks, "little")


def strangers(census: Census) -> dict[tuple[str, str], tuple[str, str]]:
    """For each pair of filters one common value of each, which find many events but hardly ever the same one."""
    bits = {
        name: {value: _bits(census.found[name][value], census.events) for value in commonest(census, name)}
        for name in census.found
    }

    def apart(one: str, value: str, other: str, with_value: str) -> float:
        """How many events the rarer of the two finds for each event that both find."""
        rarer = min(len(census.found[one][value]), len(census.found[other][with_value]))
        return rarer / (1 + (bits[one][value] & bits[other][with_value]).bit_count())

    return {
        (one, other): max(product(bits[one], bits[other]), key=lambda pair: apart(one, pair[0], other, pair[1]))
        for one, other in combinations(sorted(census.found), 2)
    }
