"""Makes the events and actors of the benchmark: invented, plausible in spread, the same for the same seed.

The spread follows what the large conflict event data sets have in common: a few actors and provinces hold
most of the events, nine events in ten lie on one day, and a store is not filled in the order of time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from bench.places import AFGHAN, ELSEWHERE, Place

SEED = 20210830
SUMMARY_SHARE = 0.5
# Actors stay where they are at home, so that some of them and some places hardly ever come together.
AT_HOME_SHARE = 0.5
FIRST_DAY = date(1989, 1, 1)
LAST_DAY = date(2024, 12, 31)

ORGANISATIONS = 240
PERSONS = 60
AFGHAN_SHARE = 0.75
LONGER_SHARE = 0.11
NO_PLACE_SHARE = 0.03

EPITHETS = (
    *(
        "Free",
        "United",
        "Northern",
        "Southern",
        "Eastern",
        "Western",
        "Highland",
        "River",
        "Popular",
        "National",
    ),
    *("Border", "Valley", "Forest", "Desert", "Mountain", "Capital", "Union", "Reform", "Unity", "Dawn"),
)
BODIES = (
    *("Front", "Brigade", "Guard", "Council", "Army", "Movement"),
    *("Militia", "League", "Force", "Corps", "Party", "Alliance"),
)
GIVEN_NAMES = ("Adel", "Basir", "Daud", "Farid", "Habib", "Jawad", "Karim", "Latif", "Nasim", "Omid")
FAMILY_NAMES = ("Darvani", "Estalfi", "Khoshab", "Mirzad", "Rahgozar", "Sangin")
KINDS = ("rebel-group", "state-forces", "political-militia", "identity-militia", "external-forces")

TYPES: Mapping[str, float] = {
    "battle/armed-clash": 46,
    "explosion/air-drone-strike": 12,
    "explosion/remote-explosive-landmine-ied": 12,
    "explosion/suicide-bomb": 4,
    "violence-against-civilians/attack": 13,
    "protest/peaceful-protest": 5,
    "strategic-development/arrests": 4,
    "strategic-development/withdrawal": 1,
    "statement/announcement": 2,
    "other": 1,
}
WORDS: Mapping[str, str] = {
    "battle/armed-clash": "Clash",
    "explosion/air-drone-strike": "Air strike",
    "explosion/remote-explosive-landmine-ied": "Roadside bomb",
    "explosion/suicide-bomb": "Suicide bombing",
    "violence-against-civilians/attack": "Attack on villagers",
    "protest/peaceful-protest": "Protest",
    "strategic-development/arrests": "Arrests",
    "strategic-development/withdrawal": "Withdrawal",
    "statement/announcement": "Announcement",
    "other": "Incident",
}
STATUSES: Mapping[str, float] = {"reported": 80, "confirmed": 12, "disputed": 5, "denied": 2, "retracted": 1}
DATASETS: Mapping[str, float] = {"local": 70, "field-notes": 29, "archive": 1}
# Half of the events have a summary: what began it, how it went on, what is known of it.
BEGINNINGS = ("Witnesses heard shots", "A patrol was stopped", "Elders met the fighters", "Trucks came from the north")
COURSES = (
    *("and the road was closed until the evening.", "before reinforcements arrived.", "near the old bridge."),
    *("while the market was open.", "after a warning by telephone.", "and houses burnt through the night."),
)
REMARKS = ("Nobody claimed it.", "The number of the dead is not certain.", "Both sides speak of a victory.")
STATEMENTS = (
    "The attackers left their dead behind.",
    "No losses on our side.",
    "Residents counted the bodies.",
    "The figure is not final.",
)
CLAIMANTS = ("district hospital", "provincial governor", "village elder", "army spokesman")
PUBLISHERS = ("Valley News", "Morning Wire", "Radio Steppe", "Border Post", "Capital Daily", "Agency North")
TAGS = ("night", "checkpoint", "road", "bazaar", "winter-campaign", "convoy", "ceasefire-breach", "school")

ONE_TO_THREE_ACTORS = (1, 1, 1, 2, 2, 2, 2, 3)
ONE_TO_THREE_SOURCES = (1, 1, 1, 1, 1, 1, 1, 1, 2, 3)
TWO_TO_FIVE_CLAIMS = (*[2] * 20, 3, 3, 4, 5)
TAG_COUNTS = (0, 0, 1, 1, 2)
ROLES = ("side-a", "side-b", "participant")


@dataclass(frozen=True, slots=True)
class Weighted:
    """Values and their cumulative weights, in the form that ``random.choices`` is quickest with."""

    values: tuple[Any, ...]
    cumulative: tuple[float, ...]

    def draw(self, random: Random) -> Any:
        return random.choices(self.values, cum_weights=self.cumulative)[0]


def _weighted(weights: Mapping[Any, float]) -> Weighted:
    return Weighted(tuple(weights), tuple(itertools.accumulate(weights.values())))


def _heavy_tailed(values: tuple[Any, ...], exponent: float) -> Weighted:
    """Weights by Zipf's law: the n-th value gets 1 / n ** exponent."""
    return _weighted({value: 1 / rank**exponent for rank, value in enumerate(values, 1)})


def actors(seed: int = SEED) -> list[dict[str, Any]]:
    """300 actors in the API's form: 240 organisations, and 60 persons of whom most belong to one of them.

    The order is the order of their weight in ``generate``; an organisation always comes before its members.
    """
    random = Random(f"actors {seed}")
    names = [" ".join(parts) for parts in itertools.product(EPITHETS, BODIES)]
    random.shuffle(names)
    organisations = [
        {"id": f"actor-{number:03}", "name": name, "kind": random.choice(KINDS), "member_of": []}
        for number, name in enumerate(names[:ORGANISATIONS], 1)
    ]
    people = [" ".join(parts) for parts in itertools.product(GIVEN_NAMES, FAMILY_NAMES)]
    persons: list[dict[str, Any]] = []
    for number, name in enumerate(people[:PERSONS], ORGANISATIONS + 1):
        # The forty most active organisations have the known members.
        member_of = [random.choice(organisations[:40])["id"]] if random.random() < 0.8 else []
        persons.append({"id": f"actor-{number:03}", "name": name, "kind": "person", "member_of": member_of})
    return organisations + persons


@lru_cache(maxsize=4)
def _actor_weights(seed: int) -> Weighted:
    return _heavy_tailed(tuple(actor["id"] for actor in actors(seed)), 1.0)


@lru_cache(maxsize=1)
def _place_weights() -> tuple[Weighted, Weighted]:
    return _heavy_tailed(AFGHAN, 0.8), _heavy_tailed(ELSEWHERE, 0.8)


@lru_cache(maxsize=4)
def _homes(seed: int) -> Mapping[str, Place]:
    random = Random(f"homes {seed}")
    return {actor["id"]: random.choice((*AFGHAN, *ELSEWHERE)) for actor in actors(seed)}


def _place(random: Random, home: Place) -> Place | None:
    if random.random() < NO_PLACE_SHARE:
        return None
    if random.random() < AT_HOME_SHARE:
        return home
    afghan, elsewhere = _place_weights()
    drawn: Place = (afghan if random.random() < AFGHAN_SHARE else elsewhere).draw(random)
    return drawn


def _location(random: Random, place: Place | None) -> dict[str, Any] | None:
    """In three of five the coordinates are known; the rest have the province alone."""
    if place is None:
        return None
    location: dict[str, Any] = {"country": place.country, "province": {"code": place.code}}
    if random.random() < 0.6:
        location["place"] = f"{random.choice(('Upper', 'Lower', 'Old', 'New'))} {place.name} road"
        location["latitude"] = round(place.latitude + random.uniform(-0.4, 0.4), 4)
        location["longitude"] = round(place.longitude + random.uniform(-0.4, 0.4), 4)
        location["precision"] = random.choice(("exact", "near", "district"))
    else:
        location["precision"] = "province"
    return location


def _edtf(random: Random, first: date) -> str:
    """An EDTF date that begins on that day; nine in ten are that day, some with a time or a qualifier."""
    if random.random() >= LONGER_SHARE:
        kind = random.random()
        if kind < 0.05:
            offset = random.choice(("", "+04:30", "Z"))
            return f"{first}T{random.randrange(24):02}:{random.randrange(0, 60, 5):02}{offset}"
        return f"{first}~" if kind < 0.08 else str(first)
    kind = random.random()
    if kind < 0.15:
        return f"{first:%Y-%m}"
    if kind < 0.18:
        return f"{first:%Y}"
    days = random.randint(1, 9) if kind < 0.85 else random.randint(10, 300)
    return f"{first}/{min(first + timedelta(days=days), LAST_DAY)}"


def _summary(random: Random) -> str | None:
    if random.random() >= SUMMARY_SHARE:
        return None
    return " ".join(random.choice(parts) for parts in (BEGINNINGS, COURSES, REMARKS))


def _claim(random: Random, taking_part: list[str], refs: list[str], day: str) -> dict[str, Any]:
    low = min(int(random.paretovariate(1.2)) - 1, 500)
    measure = "killed" if random.random() < 0.75 else "injured"
    claim: dict[str, Any] = {"measure": measure, "source": random.choice(refs)}
    if random.random() < 0.7:
        claim |= {"low": low, "best": low, "high": low}
    else:
        claim |= {"low": low, "high": low + random.randint(1, 10)}
    if random.random() < 0.2:
        claim["of"] = random.choice((*taking_part, "civilians"))
    if random.random() < 0.2:
        known = random.random() < 0.5
        claim["claimant"] = {"id": random.choice(taking_part)} if known else {"name": random.choice(CLAIMANTS)}
    if random.random() < 0.2:
        claim["statement"] = random.choice(STATEMENTS)
        claim["date"] = day
    if random.random() < 0.05:
        claim["stance"] = random.choice(("confirms", "denies", "disputes"))
    return claim


def _claims(random: Random, taking_part: list[str], refs: list[str], day: str) -> list[dict[str, Any]]:
    """Two to five claims; in one event of ten the first, and so only one of its kind, is preferred."""
    claims = [_claim(random, taking_part, refs, day) for _ in range(random.choice(TWO_TO_FIVE_CLAIMS))]
    if random.random() < 0.1:
        claims[0]["preferred"] = True
    return claims


def _sources(random: Random, day: str) -> list[dict[str, Any]]:
    return [
        {
            "ref": f"s{number}",
            "publisher": random.choice(PUBLISHERS),
            "title": f"Report {random.randrange(10**6):06}",
            "published": day,
        }
        for number in range(1, random.choice(ONE_TO_THREE_SOURCES) + 1)
    ]


def generate(count: int, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """That many events in the form of ``POST /v1/events``, shuffled in time, with ids from ``bench-0000001``.

    A smaller count gives the beginning of a larger one. Actors are those of ``actors(seed)``.
    """
    random = Random(f"events {seed}")
    types, weights, homes = _weighted(TYPES), _actor_weights(seed), _homes(seed)
    statuses, datasets = _weighted(STATUSES), _weighted(DATASETS)
    days = (LAST_DAY - FIRST_DAY).days
    for number in range(1, count + 1):
        # The triangle puts more events into later years, as better coverage does in real data sets.
        first = FIRST_DAY + timedelta(days=int(random.triangular(0, days, days * 0.8)))
        kind = types.draw(random)
        drawn = [weights.draw(random) for _ in range(random.choice(ONE_TO_THREE_ACTORS))]
        taking_part = list(dict.fromkeys(drawn))
        place = _place(random, homes[taking_part[0]])
        sources = _sources(random, first.isoformat())
        refs = [source["ref"] for source in sources]
        event: dict[str, Any] = {
            "id": f"bench-{number:07}",
            "title": f"{WORDS[kind]} in {place.name}" if place else WORDS[kind],
            "summary": _summary(random),
            "date": _edtf(random, first),
            "type": kind,
            "status": statuses.draw(random),
            "location": _location(random, place),
            "actors": [{"id": actor, "role": role} for actor, role in zip(taking_part, ROLES, strict=False)],
            "claims": _claims(random, taking_part, refs, first.isoformat()),
            "sources": sources,
            "tags": random.sample(TAGS, random.choice(TAG_COUNTS)),
            "dataset": datasets.draw(random),
        }
        if number > 10 and random.random() < 0.05:
            event["related"] = [{"id": f"bench-{random.randrange(1, number):07}", "relation": "follows"}]
        yield event
