"""The timeline's answers are those of the reference, for random queries over random stores, page by page."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from peewee import Database

from schemas.cursors import write_cursor
from schemas.vocabulary import EVENT_TYPES, ROLES, STATUSES
from service import gazetteer, timeline
from service.actor_store import write_actors
from service.database import fetch
from service.drafts import Draft
from service.event_store import write_events
from service.read_query import read_query
from tests.conftest import event_body
from tests.reference import ORDERS, World, answer, read_date

# Ids in which the bytes of ".", "-", "_" and of digits decide the order.
IDS = ("a", "a-b", "a.b", "a_b", "ab", "a-", "a.", "a_", "a0", "10", "9", "1", "01", "z", "zz", "z-9", "0")
ACTORS = ("ana", "ana-2", "bo", "cy", "dee", "eli", "fen", "guard", "army", "league", "union", "world", "idle")
# Units on both levels: Ain and Allier belong to Auvergne-Rhône-Alpes; for the rest of the world one level is enough.
PROVINCES = ("AF-KAB", "AF-PAN", "AF-BGL", "PK-KP", "FR-01", "FR-03", "FR-ARA", "FR-02", "FJ-N")
COUNTRIES = ("AF", "PK", "FR", "FJ")
TYPES = ("battle", "battle/armed-clash", "explosion", "explosion/suicide-bomb", "explosion/grenade", "other", "riot")
TAGS = ("red", "Red", "blue sky", "ünïcode", "100%", "a&b=c", "x+y")
DATASETS = ("local", "seed", "ucdp-ged", "field.notes")
PUBLISHERS = ("Reuters", "RT", "TOLOnews", "Agence, Presse", "新华社", "P & Q + R")
STRANGERS = ("A villager", "Doctor, anonymous", "مسؤول")
# Words that share beginnings, accents and forms of letters, and that stand in titles, summaries, names and statements.
WORDS = (
    *("Kabul", "kabul-based", "Événement", "evenement", "Straße", "IS-K", "K", "阿富汗", "汗", "night", "nightfall"),
    "Nº 7",
)
SORTS = ("date", "-date", "updated", "-updated")
FIRST_DAY, LAST_DAY = 20, 40  # Days from 1 August 2021: most events lie close together.

Query = tuple[dict[str, Any], str]


def random_day(rng: random.Random) -> str:
    if rng.random() < 0.15:
        return (
            f"{rng.choice((1000, 1899, 1979, 1999, 2000, 2020, 2022))}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        )
    day = rng.randint(FIRST_DAY, LAST_DAY)
    return f"2021-08-{day:02}" if day <= 31 else f"2021-09-{day - 31:02}"


def random_date(rng: random.Random) -> str:
    """One date of any precision."""
    day = random_day(rng)
    match rng.choices(("day", "minute", "month", "year", "decade"), (8, 5, 2, 2, 1))[0]:
        case "minute":
            clock = rng.choice(("00:00", "00:01", "09:30", "09:31", "12:00", "23:58", "23:59"))
            return f"{day}T{clock}{rng.choice(('', '', 'Z', '+04:30', '-11:00'))}"
        case "month":
            return day[:7] + rng.choice(("", "-XX"))
        case "year":
            return day[:4] + rng.choice(("", "-XX"))
        case "decade":
            return day[:3] + "X"
    return day + rng.choice(("", "", "~", "?", "%"))


def random_interval(rng: random.Random) -> str:
    match rng.choice(("closed", "closed", "open start", "open end")):
        case "open start":
            return "../" + random_date(rng)
        case "open end":
            return random_date(rng) + "/.."
    # Offsets would make an interval that is reversed by its instants alone.
    pair = [random_date(rng).split("+")[0].split("Z")[0].removesuffix("-11:00") for _ in range(2)]
    pair.sort(key=lambda text: (read_date(text).first, read_date(text).last))
    return "/".join(pair)


def some(rng: random.Random, choices: tuple[Any, ...], most: int = 3) -> list[Any]:
    return rng.sample(choices, min(len(choices), rng.choices(range(most + 1), range(most + 1, 0, -1))[0]))


def random_text(rng: random.Random) -> str:
    return rng.choice((" ", ", ", "-")).join(rng.choices(WORDS, k=rng.choice((1, 2, 3, 5))))


def random_words(rng: random.Random) -> str:
    """What a person may type into ``q``."""
    known = (*WORDS, "event", "ana people", "Ana of the hills", "villager", "panjshir", "well", "absent")

    def piece() -> str:
        text = rng.choice(known) if rng.random() < 0.7 else " ".join(rng.choices(known, k=2))
        text = f'"{text}"' if " " in text or rng.random() < 0.3 else text
        return text[: rng.randint(2, 5)] + "*" if rng.random() < 0.2 and '"' not in text and "-" not in text else text

    wanted = [" OR ".join(piece() for _ in range(rng.choice((1, 1, 1, 2, 3)))) for _ in range(rng.choice((0, 1, 1, 2)))]
    unwanted = [f"-{piece()}" for _ in range(rng.choice((0, 0, 1, 2) if wanted else (1, 2)))]
    pieces = wanted + unwanted
    rng.shuffle(pieces)
    return " ".join(pieces)


def random_location(rng: random.Random) -> dict[str, Any] | None:
    match rng.choice(("none", "country", "province", "province", "point", "all")):
        case "none":
            return None
        case "country":
            return {"country": rng.choice(COUNTRIES)}
        case "province":
            return {"province": rng.choice(PROVINCES)}
        case "point":
            return random_point(rng)
    return {"province": rng.choice(PROVINCES), **random_point(rng)}


def random_point(rng: random.Random) -> dict[str, float]:
    longitude = rng.choice((-179.5, -170, -0.5, 0, 0.5, 69.25, 170, 179.5))
    return {"latitude": rng.choice((-90, -17.5, 0, 34.5, 90)), "longitude": longitude}


def random_claim(rng: random.Random) -> dict[str, Any]:
    low = rng.choice((None, 0, 1, 5, 20))
    claimant = rng.choice((None, {"id": rng.choice(ACTORS)}, {"name": rng.choice(STRANGERS)}))
    return {
        "claimant": claimant,
        "stance": rng.choice(("asserts", "asserts", "confirms", "denies", "disputes", "declines-to-comment")),
        "measure": rng.choice(("killed", "killed", "injured", None)),
        "of": rng.choice((None, None, "civilians", "unknown", rng.choice(ACTORS))),
        "statement": rng.choice((None, f"All is well, {random_text(rng)}")),
        "low": low,
        "high": rng.choice((None, (low or 0) + rng.choice((0, 1, 30)))),
    }


def random_event(rng: random.Random, event_id: str) -> dict[str, Any]:
    participants = [(actor, rng.choice(ROLES[:4])) for actor in some(rng, ACTORS[:-1], 4) for _ in "ab"]
    return event_body(
        id=event_id,
        title=f"Event {rng.randrange(10**6)} {random_text(rng)}",
        summary=rng.choice((None, random_text(rng), random_text(rng))),
        date=random_interval(rng) if rng.random() < 0.4 else random_date(rng),
        type=rng.choice(TYPES),
        status=rng.choice(STATUSES),
        location=random_location(rng),
        actors=[{"id": actor, "role": role} for actor, role in dict.fromkeys(participants)],
        claims=[random_claim(rng) for _ in range(rng.choice((0, 0, 1, 2, 3)))],
        sources=[{"publisher": publisher} for publisher in some(rng, PUBLISHERS)],
        tags=some(rng, TAGS),
        dataset=rng.choice(DATASETS),
    )


def random_actors(rng: random.Random) -> list[dict[str, Any]]:
    """Memberships drawn at random: organisations of organisations and circles come about by themselves."""
    return [
        {
            "id": actor,
            "name": f"The {actor} people",
            "aliases": rng.choice(([], [f"{actor} of the hills"])),
            "member_of": some(rng, tuple(each for each in ACTORS if each != actor), 2) if rng.random() < 0.6 else [],
        }
        for actor in ACTORS
    ]


class Store:
    """A database, and what the reference knows of it."""

    def __init__(self, database: Database, rng: random.Random) -> None:
        self.database, self.rng = database, rng
        self.ids = list(IDS) + [f"event-{number}" for number in range(rng.randint(33, 283))]
        self.actors: list[dict[str, Any]] = []
        self.write_actors()
        half = len(self.ids) // 2
        self.write(self.ids[half:])
        self.write(self.ids[:half])

    def write_actors(self) -> None:
        self.actors = random_actors(self.rng)
        write_actors(self.database, self.actors, by="test")

    def write(self, ids: list[str]) -> None:
        bodies = [random_event(self.rng, event_id) for event_id in ids]
        report = write_events(self.database, [Draft(line, body) for line, body in enumerate(bodies, 1)], by="test")
        assert report.rejected == []

    def world(self) -> World:
        documents = [orjson.loads(row[0]) for row in fetch(self.database, "SELECT document FROM event_document")]
        return World(
            events={event["id"]: event for event in documents},
            member_of={actor["id"]: actor["member_of"] for actor in self.actors},
            parents={unit.code: unit.parent for country in COUNTRIES for unit in gazetteer.provinces(country)},
            aliases={actor["id"]: actor["aliases"] for actor in self.actors},
        )


# From how many events on the search index is asked, how many are looked at first, and up to how many are sorted by last
# change. The first are those of large stores; the others send small ones the same ways.
LIMITS = {
    "as it is": (500, 1000, 10_000),
    "always searched": (-1, 0, 10_000),
    "hardly sorted": (-1, 10, 5),
    "mixed": (40, 20, 40),
}


@pytest.fixture(params=enumerate(LIMITS), ids=lambda param: param[1])
def store(empty_database: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    seed, name = request.param
    searched_from, looked_at_first, sorted_max = LIMITS[name]
    monkeypatch.setattr("service.plans.SEARCHED_FROM", searched_from)
    monkeypatch.setattr("service.matching.LOOKED_AT_FIRST", looked_at_first)
    for name in ("SORTED_MAX", "SORTED_WORDS_MAX"):
        monkeypatch.setattr(f"service.timeline.{name}", sorted_max)
    return Store(empty_database, random.Random(seed))


def random_filter(rng: random.Random, name: str, world: World) -> Any:
    """A value of a filter; names that no event carries would be refused rather than find nothing."""
    known = {
        "dataset": {event["dataset"] for event in world.events.values()},
        "publisher": {source["publisher"] for event in world.events.values() for source in event["sources"]},
    }
    match name:
        case "actor":
            return [rng.sample(ACTORS, rng.choice((1, 1, 1, 2, 3))) for _ in range(rng.choice((1, 1, 1, 2)))]
        case "role":
            return rng.choice(ROLES[:5])
        case "province":
            return rng.sample(PROVINCES, rng.choice((1, 1, 2, 4)))
        case "country":
            return rng.sample(COUNTRIES, rng.choice((1, 1, 2)))
        case "from" | "to":
            return random_date(rng)
        case "period":
            return rng.choice((random_date, random_interval))(rng)
        case "match":
            return rng.choice(("possible", "certain", "certain"))
        case "type":
            return rng.sample(sorted(EVENT_TYPES), 3) if rng.random() < 0.3 else [rng.choice(TYPES)]
        case "status":
            return rng.sample(STATUSES, rng.choice((1, 2)))
        case "tag":
            return rng.sample((*TAGS, "no such tag"), rng.choice((1, 2)))
        case "dataset" | "publisher":
            return rng.sample(sorted(known[name]), rng.choice((1, 1, 2)))
        case "claimant":
            strangers = {c["claimant"]["name"] for e in world.events.values() for c in e["claims"] if c["claimant"]}
            return rng.sample((*ACTORS, *(name for name in STRANGERS if name in strangers)), rng.choice((1, 1, 2)))
        case "bbox":
            south, north = sorted(rng.sample((-90, -17.5, 0, 34.5, 90), 2))
            west, east = rng.choice(((170, -170), (-180, 180), (0, 69.25), (179.5, -179.5), (-1, 1), (69.25, 69.25)))
            return [west, south, east, north]
        case "min_killed":
            return rng.choice((0, 1, 5, 6, 25, 60))
        case "disputed":
            return rng.random() < 0.5
        case "q":
            return random_words(rng)
    raise AssertionError(f"no values for {name}")


FILTERS = (
    "actor", "role", "province", "country", "from", "to", "match", "period", "type", "status", "tag", "dataset",
    "publisher", "claimant", "bbox", "min_killed", "disputed", "q",
)  # fmt: skip
# Those of which a query can have any; the rest follow them.
FREE = tuple(name for name in FILTERS if name not in ("role", "match"))


def random_queries(rng: random.Random, world: World, count: int) -> Iterator[Query]:
    """Each filter alone under each order, then combinations of up to five."""
    for name in ("", *FREE):
        for sort in SORTS:
            yield ({name: random_filter(rng, name, world)} if name else {}), sort
    for _ in range(count):
        # What the index is made for comes more often than the rest.
        weighty = rng.sample(("actor", "province", "from", "to"), rng.randint(0, 3))
        names = list(dict.fromkeys((*weighty, *rng.sample(FREE, 2))))
        filters = {name: random_filter(rng, name, world) for name in names}
        if "actor" in filters and rng.random() < 0.3:
            filters["role"] = random_filter(rng, "role", world)
        if rng.random() < 0.4:
            filters["match"] = random_filter(rng, "match", world)
        if "from" in filters and "to" in filters and _reversed(filters):
            filters["from"], filters["to"] = filters["to"], filters["from"]
        if not ("from" in filters and "to" in filters and _reversed(filters)):
            yield filters, rng.choice((*SORTS, "relevance", "relevance") if "q" in filters else SORTS)


def _reversed(filters: dict[str, Any]) -> bool:
    first, last = read_date(filters["from"]).first, read_date(filters["to"]).last
    assert first is not None and last is not None, "neither is an interval"
    return first > last


def query_string(filters: dict[str, Any], **options: Any) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in filters.items():
        match value:
            case [[*_], *_]:
                pairs += [(name, ",".join(group)) for group in value]
            case list():
                pairs.append((name, ",".join(map(str, value))))
            case bool():
                pairs.append((name, str(value).lower()))
            case _:
                pairs.append((name, str(value)))
    pairs += [(name, str(value)) for name, value in options.items()]
    return "&".join(f"{name}={quote(text)}" for name, text in pairs)


def pages(database: Database, first: str) -> Iterator[tuple[list[Any], int | None]]:
    """The events and the total of each page, by following the addresses that the pages give."""
    address: str | None = first
    before = None
    while address is not None:
        asked = read_query(database, address.encode())
        page = timeline.page(database, asked)
        events = orjson.loads(b"[" + page.documents + b"]")
        assert len(events) <= asked.limit
        assert events or page.next is None, "a page that has a next one is not empty"
        assert page.next is None or page.next != before, "the next page begins further on"
        before = page.next
        yield events, page.total
        address = page.next and asked.url("", write_cursor(asked, page.next, page.sequence)).removeprefix("?")


def ask(database: Database, filters: dict[str, Any], sort: str, limit: int, total: bool) -> list[str]:
    """All ids of a query in the order of its pages; each page but the last is full, each total the same."""
    options = {"sort": sort, "limit": limit} | ({"total": "true"} if total else {})
    # A comma in a name would separate it from itself: such a name is asked for alone.
    found = list(pages(database, query_string(filters, **options)))
    assert all(len(events) == limit for events, _ in found[:-1])
    ids = [event["id"] for events, _ in found for event in events]
    assert {count for _, count in found} == ({len(ids)} if total else {None})
    return ids


def sound(filters: dict[str, Any]) -> bool:
    """Whether a list says what it means: a name with a comma can only be asked for alone."""
    lists = [filters.get(name, ()) for name in ("publisher", "claimant")]
    return not any(len(values) > 1 and any("," in value for value in values) for values in lists)


def compare(store: Store, count: int) -> None:
    """Fails at the first of ``count`` random queries whose pages are not what the reference says."""
    world = store.world()
    for filters, sort in random_queries(store.rng, world, count):
        if not sound(filters):
            continue
        expected = answer(world, filters, sort)
        total, limit = store.rng.random() < 0.5, store.rng.choice((1, 2, 3, 7, 100, 1000))
        # Page by page through a long answer tells no more than through a short one.
        limit = max(limit, len(expected) // 12, 1)
        found = ask(store.database, filters, sort, limit, total)
        assert found == expected, f"{query_string(filters, sort=sort, limit=limit)} differs"
        if sort != "relevance" and store.rng.random() < 0.3:
            opposite = sort.removeprefix("-") if sort.startswith("-") else "-" + sort
            assert ask(store.database, filters, opposite, limit, total) == expected[::-1]


def test_random_queries_are_answered_as_the_reference_does(store: Store) -> None:
    compare(store, 500)


def test_queries_after_replacements_are_answered_as_the_reference_does(store: Store) -> None:
    for round_number in range(3):
        store.write(store.rng.sample(store.ids, 20) + [f"later-{round_number}-{step}" for step in range(5)])
        if round_number == 1:
            store.write_actors()
        compare(store, 40)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("filters", [{}, {"actor": [["army"]]}, {"country": ["AF", "FR"], "from": "2021-08-25"}])
def test_paging_while_others_write_shows_each_event_that_kept_its_place_once(
    empty_database: Database, sort: str, filters: dict[str, Any]
) -> None:
    store = Store(empty_database, random.Random(7))
    before, moved = store.world(), set()
    seen: list[Any] = []
    for number, (events, _) in enumerate(pages(empty_database, query_string(filters, sort=sort, limit=9))):
        assert number < 100, "the pages come to an end"
        seen += events
        current = store.world()
        changed = store.rng.sample(sorted(before.events), 4)
        if sort.removeprefix("-") == "date":
            # A new title leaves an event where it is on the timeline; it moves in the order of change.
            retitled = [{**current.events[event_id], "title": "retitled"} for event_id in changed[:2]]
            write_events(empty_database, [Draft(1, body) for body in retitled], by="test")
            changed = changed[2:]
        moved |= set(changed)
        store.write([*changed, f"while-{number}"])
    ids = [event["id"] for event in seen]
    stayed = [event_id for event_id in answer(before, filters, sort) if event_id not in moved]
    assert [event_id for event_id in ids if event_id in set(stayed)] == stayed
    keys = [ORDERS[sort.removeprefix("-")](event) for event in seen]
    assert keys == sorted(set(keys), reverse=sort.startswith("-")), "no place is shown twice and the order holds"
