"""How many rows and bytes an event takes, so that a store does not grow unseen."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from peewee import Database, SqliteDatabase

from bench.generate import actors, generate
from service.actor_store import write_actors
from service.database import fetch
from service.drafts import Draft
from service.event_store import write_events
from tests.conftest import event_body

EVENTS = 1_500
# Times the size of the events as NDJSON: a store of so few had 6.95 times that when this was written, a large one 5.3.
LARGEST = 7.3


def rows_of(database: Database, table: str) -> int:
    return int(fetch(database, f"SELECT count(*) FROM {table}")[0][0])


def test_an_event_has_a_row_for_each_pair_of_actor_and_place_and_for_each_attribute(empty_database: Database) -> None:
    write_actors(empty_database, [{"id": name, "name": name} for name in ("army", "guard")], by="test")
    event = event_body(
        id="one",
        date="2021-08-26",
        type="battle/armed-clash",
        actors=[{"id": "army", "role": "side-a"}, {"id": "guard", "role": "side-b"}],
        location={"country": "AF", "province": "AF-KAB"},
        sources=[{"publisher": "Reuters", "url": None}],
        tags=["road"],
    )
    assert write_events(empty_database, [Draft(1, event)], by="test").rejected == []
    pairs = (1 + 2) * (1 + 2)
    attributes = len(("battle", "battle/armed-clash", "reported", "local", "undisputed", "road", "Reuters", "a", "b"))
    assert rows_of(empty_database, "timeline") == rows_of(empty_database, "tally") == pairs + attributes
    # The day and the month, of all, of each place, and of each actor, type and status.
    assert rows_of(empty_database, "rollup") == 2 * (1 + 2 + 2 + 2 + 1)


def test_a_store_is_not_much_larger_than_what_was_put_into_it(empty_database: Database) -> None:
    if not isinstance(empty_database, SqliteDatabase):
        pytest.skip("a server fills its pages as it sees fit; the rows are the same")
    given = list(itertools.islice(generate(EVENTS), EVENTS))
    write_actors(empty_database, list(actors()), by="test")
    for start in range(0, EVENTS, 500):
        drafts = [Draft(line, event) for line, event in enumerate(given[start : start + 500], 1)]
        assert write_events(empty_database, drafts, by="test").rejected == []
    fetch(empty_database, "PRAGMA wal_checkpoint(TRUNCATE)")
    held = Path(empty_database.database).stat().st_size
    size = sum(len(json.dumps(event, ensure_ascii=False, separators=(",", ":"))) + 1 for event in given)
    assert held < LARGEST * size
