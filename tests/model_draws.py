"""What the test of writing makes up: bodies of events and actors, good and bad, patches, lines and queries.

All of it comes from short lists, so that events and queries meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.model_forms import DATES, PROVINCES, TYPES, Content

HOLDERS = ("night desk", "day-desk")
EVENTS = ("a", "a-b", "a.b", "b", "c", "d")
ACTORS = ("ana", "bo", "cy", "dee", "eli")
STRANGERS = ("A villager", "Night porter")
PUBLISHERS = ("Reuters", "RT")
DATASETS = ("local", "field")
TEXTS = ("Night raid", "Événement near the well", "A raid by night", "Army and guard")
TAGS = ("red", "blue sky")
ROLES = ("side-a", "victim")
SORTS = ("date", "-date", "updated", "-updated")


class Hand(NamedTuple):
    """Who writes and why; how many milliseconds after the writing before, as a clock may go back; what to look at."""

    by: str
    reason: str | None
    later: int
    look: int


def some(rng: Random, values: Sequence[Any], most: int = 2, least: int = 0) -> list[Any]:
    return rng.sample(values, rng.randint(least, min(most, len(values))))


def hand(rng: Random) -> Hand:
    reason = rng.choice((None, "a new source, süß"))
    return Hand(rng.choice(HOLDERS), reason, rng.choice((0, 0, 1, 1, 1000, -5)), rng.randrange(2**24))


def location(rng: Random) -> Content | None:
    match rng.randrange(4):
        case 0:
            return {"province": rng.choice((*PROVINCES, "Panjshir"))}
        case 1:
            point = {"latitude": 35.5, "longitude": rng.choice((69.25, 70))}
            return {"country": "AF", "place": rng.choice((None, "the well")), **point}
        case 2:
            return {"province": "AF-KAB", "latitude": 34.5, "longitude": 69.25}
    return None


def claim(rng: Random) -> Content:
    claimant = rng.choice((None, {"id": rng.choice(ACTORS)}, {"name": rng.choice(STRANGERS)}))
    figures: Content = rng.choice(({"best": 3}, {"best": 5}, {"low": 1, "high": 8}, {"best": 0}, {}))
    return {
        "claimant": claimant,
        "measure": rng.choice(("killed", "killed", "injured")),
        **figures,
        "stance": rng.choice(("asserts", "asserts", "confirms", "denies")),
        "of": rng.choice((None, "civilians", rng.choice(ACTORS))),
        "statement": rng.choice((None, "Said at night")),
    }


MEMBERS: dict[str, Callable[[Random], Any]] = {
    "title": lambda rng: rng.choice(TEXTS),
    "date": lambda rng: rng.choice(tuple(DATES)),
    "actors": lambda rng: [{"id": actor, "role": rng.choice(ROLES)} for actor in some(rng, ACTORS)],
    "summary": lambda rng: rng.choice((None, *TEXTS)),
    "type": lambda rng: rng.choice(TYPES),
    "status": lambda rng: rng.choice(("reported", "disputed")),
    "location": location,
    "claims": lambda rng: [claim(rng) for _ in range(rng.choice((0, 1, 1, 2)))],
    "sources": lambda rng: [{"publisher": name} for name in some(rng, PUBLISHERS)],
    "related": lambda rng: [{"id": event, "relation": "follows"} for event in some(rng, EVENTS, 1)],
    "tags": lambda rng: some(rng, TAGS),
    "dataset": lambda rng: rng.choice(DATASETS),
}
FLAWS = ({"title": " "}, {"date": "2021-02-30"}, {"type": "war"}, {"actors": [{"id": "nobody"}]}, {"colour": 1})


def body(rng: Random, flawed: float = 0.1) -> Content:
    """An event without an id; ``flawed``: how often there is something wrong with it."""
    wanted = ["title", "date", *(name for name in MEMBERS if rng.random() < (0.8 if name == "actors" else 0.4))]
    found: Content = {name: MEMBERS[name](rng) for name in wanted}
    return found | (rng.choice(FLAWS) if rng.random() < flawed else {})


def patch(rng: Random) -> Any:
    name = rng.choice(tuple(MEMBERS))
    return rng.choice(
        (
            *[{name: MEMBERS[name](rng)}] * 6,
            {},
            {"version": 77},
            {"title": None},
            {"location": {"province": "Ain"}},
            {"location": {"place": "the well"}},
            [{"op": "replace", "path": "/title", "value": rng.choice(TEXTS)}],
            [{"op": "add", "path": "/tags/-", "value": rng.choice(TAGS)}],
            [{"op": "remove", "path": "/tags/0"}],
            [{"op": "test", "path": "/title", "value": TEXTS[0]}],
        )
    )


def lines(rng: Random) -> list[Any]:
    """Lines of a bulk body: events, the ids of events that are sent as they are, and what is no JSON."""
    events = {"id": rng.choice(EVENTS)}, {"id": rng.choice(EVENTS)}
    return [
        rng.choice(({**rng.choice(events), **body(rng)},) * 3 + (rng.choice(EVENTS), "no JSON"))
        for _ in range(rng.randint(1, 5))
    ]


def actor(rng: Random, whole: bool = True) -> Content:
    """An actor without an id, or a part of one. The machine makes its names differ from all others."""
    members: Content = {
        "name": rng.choice(("Army", "Guard", "League")),
        "aliases": some(rng, ("Army", "Guard"), 1),
        "member_of": some(rng, ACTORS),
        "kind": rng.choice((None, "person")),
    }
    wanted = ["name", *some(rng, ("aliases", "member_of", "kind"), 3)] if whole else some(rng, tuple(members), 2, 1)
    return {name: members[name] for name in wanted}


FILTERS: dict[str, Callable[[Random], Any]] = {
    "actor": lambda rng: [some(rng, ACTORS, least=1) for _ in range(rng.choice((1, 1, 2)))],
    "role": lambda rng: rng.choice(ROLES),
    "province": lambda rng: some(rng, tuple(PROVINCES), least=1),
    "country": lambda rng: some(rng, ("AF", "FR"), least=1),
    "from": lambda rng: rng.choice(("2021-08-26", "2021-08", "2021-08-26T09:30")),
    "to": lambda rng: rng.choice(("2021-08-27", "2021", "2021-08-26T10:00")),
    "match": lambda rng: rng.choice(("possible", "certain")),
    "period": lambda rng: rng.choice(("2021-08-26", "2021", "2020/2021-08-25")),
    "type": lambda rng: some(rng, TYPES, least=1),
    "status": lambda rng: [rng.choice(("reported", "disputed"))],
    "tag": lambda rng: some(rng, (*TAGS, "no such tag"), least=1),
    "bbox": lambda rng: rng.choice(([69, 35, 69.5, 36], [60, 30, 80, 40])),
    "min_killed": lambda rng: rng.choice((0, 3, 6)),
    "disputed": lambda rng: rng.random() < 0.5,
    "q": lambda rng: rng.choice(
        ("night", "raid -army", '"night raid"', "gua*", "army OR league", "Panjshir", "-well", "porter")
    ),
    "dataset": lambda rng: some(rng, DATASETS, least=1),
    "publisher": lambda rng: some(rng, PUBLISHERS, least=1),
    "claimant": lambda rng: some(rng, (*ACTORS, *STRANGERS), least=1),
}
# Filters whose values are never unknown.
NAMELESS = tuple(name for name in FILTERS if name not in ("actor", "role", "dataset", "publisher", "claimant"))


def query(rng: Random, among: Sequence[str] = tuple(FILTERS)) -> Content:
    """Filters, three at most; a role needs an actor."""
    names = some(rng, among, 3)
    return {name: FILTERS[name](rng) for name in names if name != "role" or "actor" in names}


conditions = st.sampled_from((*["current"] * 7, "any", "stale", "none", "absent"))
