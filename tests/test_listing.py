"""A query that is remembered gives what it would give if it had never been asked before."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from peewee import Database

from schemas.errors import Conflict, NotFound
from schemas.faults import Refused
from schemas.precondition import Precondition
from service.actor_store import delete_actor, merge_actors, write_actors
from service.catalog import describe_dataset
from service.database import execute, write
from service.drafts import Draft
from service.event_store import delete_events, write_events
from service.ledger import ledger
from service.listing import Listings
from service.repair import repair
from tests.conftest import event_body
from tests.statements import sent_to

Outcome = tuple[Any, ...]
Write = Callable[[Database], object]


def outcome(listings: Listings, query: str, is_held: Callable[[str], bool] | None = None) -> Outcome:
    """A page and all that goes with it, or what is wrong with the query."""
    try:
        found = listings.find(query.encode(), is_held)
    except Refused as refused:
        return tuple(refused.faults)
    return tuple(found)


def events(*bodies: dict[str, Any]) -> Write:
    """Store events, which are to be good."""

    def store(database: Database) -> None:
        report = write_events(database, [Draft(1, event_body(**body)) for body in bodies], by="test")
        assert not report.rejected

    return store


def actors(*bodies: dict[str, Any]) -> Write:
    return lambda database: write_actors(database, bodies, by="test")


def described(database: Database) -> None:
    def describe() -> None:
        with ledger(database, "test") as log:
            describe_dataset(log, {"id": "field", "title": "From the field"})

    write(database, describe)


A = {"id": "a", "name": "Army", "aliases": ["Guard"]}
B = {"id": "b", "name": "Band", "aliases": []}
PLACED = {"location": {"province": "AF-KAB", "latitude": 34.5, "longitude": 69.25}}
BEGUN: tuple[Write, ...] = (
    actors(A, B, {"id": "c", "name": "Corps"}),
    events(
        {"id": "1", "actors": [{"id": "a", "role": "side-a"}], "tags": ["red"], "title": "A raid", **PLACED},
        {"id": "2", "actors": [{"id": "b"}], "date": "2021-08-20", "type": "battle", "tags": ["red"]},
        {"id": "3", "actors": [{"id": "c"}], "dataset": "field", "sources": [{"publisher": "Reuters", "url": None}]},
        {"id": "4", "claims": [{"claimant": {"name": "A villager"}, "measure": "killed", "best": 3}]},
    ),
)
# What lands, and a query that it gives another answer.
CASES: dict[str, tuple[str, Write]] = {
    "an event": ("limit=2", events({"id": "0"})),
    "an event of an actor": ("actor=Army&total=true", events({"actors": [{"id": "a"}]})),
    "a first tag": ("tag=blue", events({"tags": ["blue"]})),
    "the other of two tags": ("tag=red,blue", events({"tags": ["blue"]})),
    "a first type": ("type=protest,battle", events({"type": "protest"})),
    "a first role": ("actor=b&role=victim", events({"actors": [{"id": "b", "role": "victim"}]})),
    "a first place": ("province=AF-PAN,AF-KAB", events({"location": {"province": "AF-PAN"}})),
    "a first status": ("status=disputed,reported", events({"status": "disputed"})),
    "another spelling of a publisher": ("publisher=reuters", events({"sources": [{"publisher": "REUTERS"}]})),
    "another spelling of a claimant": (
        "claimant=A+villager",
        events({"claims": [{"claimant": {"name": "a Villager"}, "measure": "killed", "best": 1}]}),
    ),
    "a claimant that is an actor": ("claimant=A+villager", actors({"id": "v", "name": "A Villager"})),
    "words in a year that had no events": ("q=raid&from=1950&to=1950", events({"title": "Raid", "date": "1950-05-01"})),
    "a new word": ("q=ambush", events({"title": "Ambush"})),
    "an event that lasts for long": ("from=2021-08-26&to=2021-08-26", events({"date": "2021-01-01/2021-12-31"})),
    "an event without an end": ("from=2022-08-26", events({"date": "2021-01-01/.."})),
    "a day with a minute": ("from=2021-08-26T10:00Z", events({"date": "2021-08-26T12:00Z"})),
    "a point in a box": (
        "bbox=69,34,70,35&tag=red",
        events({"location": {"country": "AF", "latitude": 34.6, "longitude": 69.3}, "tags": ["red"]}),
    ),
    "a first point in a box": (
        "bbox=10,10,11,11",
        events({"location": {"country": "AF", "latitude": 10.5, "longitude": 10.5}}),
    ),
    "many killed": ("min_killed=100", events({"claims": [{"claimant": None, "measure": "killed", "best": 100}]})),
    "what was changed last": ("sort=-updated&limit=2", events({"id": "z"})),
    "a deletion": ("tag=red", lambda database: delete_events(database, ["1"], by="test")),
    "another name": ("actor=Army", actors({**A, "name": "Legion"})),
    "an alias less": ("actor=Guard", actors({**A, "aliases": []})),
    "an alias that moved": ("actor=Guard", actors({**A, "aliases": []}, {**B, "aliases": ["Guard"]})),
    "a name of two": ("actor=Guard", actors({**B, "aliases": ["guard"]})),
    "a claimant's name of two": ("claimant=Guard", actors({**B, "aliases": ["guard"]})),
    "a merge": ("actor=c", lambda database: merge_actors(database, "c", "a", by="test")),
    "a name with a comma": ("actor=Army,Band", actors({"id": "ab", "name": "Army, Band"})),
    "a new member": ("actor=Army", actors({**B, "member_of": ["a"]})),
    "a description": ("dataset=field", described),
    "a first dataset": ("dataset=other", events({"dataset": "other"})),
    "a repair": ("limit=1", repair),
}


@pytest.fixture
def store(empty_database: Database) -> Database:
    for begin in BEGUN:
        begin(empty_database)
    return empty_database


@pytest.mark.parametrize("case", CASES)
def test_what_lands_is_seen_by_a_query_that_was_asked_before(store: Database, case: str) -> None:
    query, land = CASES[case]
    listings = Listings(store)
    before = outcome(listings, query)
    assert outcome(listings, query) == before
    land(store)
    # Somebody may hold what is now at another address.
    assert outcome(listings, query, lambda tag: True) == outcome(Listings(store), query, lambda tag: True)
    now = outcome(Listings(store), query)
    assert before != now
    assert outcome(listings, query) == now
    assert outcome(listings, query) == now


@pytest.mark.parametrize(
    "query",
    ["", "limit=2&total=true", "actor=Guard", "actor=Army,Band&sort=-date", "province=AF-KAB", "tag=red&fields=title"],
)
def test_a_query_that_was_asked_before_is_one_statement(
    store: Database, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings = Listings(store)
    outcome(listings, query)
    sent = sent_to(store, monkeypatch)
    outcome(listings, query)
    events({"id": "late", "tags": ["red"], "actors": [{"id": "a"}]})(store)
    sent.clear()
    outcome(listings, query)
    assert len(sent) == 1
    actors({"id": "c", "name": "Brigade"})(store)
    outcome(listings, query)
    sent.clear()
    outcome(listings, query)
    assert len(sent) == 1


LARGE = 500_000
QUERIES = (
    *("", "limit=1", "actor=a", "actor=Army", "actor=Guard", "actor=Band&total=true", "actor=Army,Band"),
    *("actor=Guard&actor=b", "actor=b&role=victim", "claimant=Guard", "claimant=Army&limit=1", "claimant=A+villager"),
    *("publisher=reuters", "tag=red", "tag=blue,red", "dataset=field", "type=protest,battle", "sort=-date&limit=1"),
    *("sort=updated&limit=2", "sort=-updated&actor=Guard", "from=2021-08-26&to=2021-08-26", "province=AF-KAB&tag=red"),
    *("q=raid", "q=raid+guard", "min_killed=2", "bbox=69,34,70,35", "as_of=2035-01-01T00:00:00Z&actor=Guard"),
)
NAMES = ("Army", "Band", "Corps", "Guard", "Raid")


def one_write(database: Database, rng: Random) -> None:
    """One of the writes there are; some are refused."""
    actor = rng.choice("abcd")
    # Aliases may be of several; names are the actor's own often enough.
    named = {
        "id": actor,
        "name": rng.choice((*NAMES, f"Band {actor}")),
        "aliases": rng.sample(NAMES, rng.randint(0, 2)),
    }
    role = rng.choice(("victim", "side-a"))
    claimant = {"name": rng.choice(("Guard", "A villager"))}
    body = {
        "id": rng.choice("123456"),
        "title": rng.choice(("A raid", "Guard", "Nothing")),
        "date": rng.choice(("2021-08-26", "2021-08-20", "2021", "1950-05", "2021-08-01/2021-12-01", "2021-01/..")),
        "type": rng.choice(("battle", "protest")),
        "tags": rng.sample(("red", "blue"), rng.randint(0, 2)),
        "actors": [{"id": each, "role": role} for each in rng.sample("abc", rng.randint(0, 2))],
        "sources": [{"publisher": rng.choice(("Reuters", "REUTERS", "reuters"))}],
        "claims": rng.choice(([], [{"claimant": claimant, "measure": "killed", "best": 5}])),
        "dataset": rng.choice(("local", "field")),
        **rng.choice(({}, PLACED)),
    }
    match rng.randrange(8):
        case 0 | 1 | 2:
            write_actors(database, [named], by="test")
        case 3:
            merge_actors(database, actor, rng.choice("abcd"), by="test")
        case 4:
            delete_actor(database, actor, Precondition(any_version=True), by="test")
        case 5:
            delete_events(database, [rng.choice("123456")], by="test")
        case _:
            write_events(database, [Draft(1, body)], by="test")


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_written_the_query_gives_what_a_new_one_gives(store: Database, seed: int) -> None:
    rng = Random(seed)
    listings = Listings(store)
    for query in QUERIES:
        outcome(listings, query)
    done = 0
    for _ in range(24):
        for _ in range(rng.randint(1, 2)):
            try:
                one_write(store, rng)
                done += 1
            except (Refused, Conflict, NotFound):
                pass
        for query in rng.sample(QUERIES, 9):
            assert outcome(listings, query) == outcome(Listings(store), query), query
    assert done > 12


def test_another_store_is_not_read_by_the_names_of_the_one_before(store: Database) -> None:
    listings = Listings(store)
    before = outcome(listings, "actor=Guard")
    # At the same version, as if it were another store in its place.
    execute(store, "UPDATE actor_name SET actor = 'b' WHERE actor = 'a' AND name = 'Guard'")
    execute(store, "UPDATE store SET identity = 'another'")
    now = outcome(listings, "actor=Guard")
    assert now == outcome(Listings(store), "actor=Guard")
    assert now != before


def test_a_repair_ends_what_was_read_of_wrong_names(store: Database) -> None:
    listings = Listings(store)
    right = outcome(listings, "actor=Guard")[0]
    execute(store, "UPDATE actor_name SET actor = 'b' WHERE actor = 'a' AND name = 'Guard'")
    listings = Listings(store)
    assert outcome(listings, "actor=Guard")[0] != right
    repair(store)
    assert outcome(listings, "actor=Guard") == outcome(Listings(store), "actor=Guard")


def test_what_is_remembered_is_bounded_whatever_is_asked(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    actors(*({"id": f"m{number}", "name": f"Member {number}"} for number in range(100)))(store)
    events({"actors": [{"id": f"m{number}"} for number in range(100)], "id": "all"})(store)
    listed = ",".join(f"m{number}" for number in range(100))
    large = [f"from=2021-08-26T10:{number:02}Z&to=2022&actor={listed}" for number in range(4)]
    small = [f"limit={number}" for number in range(1, 160)]
    monkeypatch.setattr("service.listing.REMEMBERED_BYTES", LARGE)
    # What else is remembered, by Dateline and others, is there before.
    for query in [*large, *small]:
        outcome(Listings(store), query)
    for queries in (large, small):
        tracemalloc.start()
        try:
            listings = Listings(store)
            for query in queries:
                outcome(listings, query)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 1.2 * LARGE


def test_a_page_that_was_slow_is_not_read_by_those_who_must_not_wait(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for begin in BEGUN:
        begin(empty_database)
    listings = Listings(empty_database)
    monkeypatch.setattr("service.listing.AT_ONCE", -1.0)
    query = b"actor=Army"
    slow = listings.find(query)
    assert listings.find_again(query, at_once=True) is None
    assert listings.find_again(query) == slow
    assert listings.find_again(query, at_once=True) is None
    # Whether a copy is good takes no page, and so no time.
    held = listings.find_again(query, lambda tag: True, at_once=True)
    assert held is not None and held.body is None
    monkeypatch.setattr("service.listing.AT_ONCE", 3600.0)
    assert listings.find_again(query) == slow
    assert listings.find_again(query, at_once=True) == slow
    monkeypatch.setattr("service.listing.AT_ONCE", -1.0)
    assert listings.find_again(query, at_once=True) == slow
    assert listings.find_again(query, at_once=True) is None
