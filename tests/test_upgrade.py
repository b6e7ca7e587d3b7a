"""Upgrading: a store of an earlier version answers what a new one answers, and is brought up to date by one process."""

from __future__ import annotations

import multiprocessing

import orjson
import pytest
from flask.testing import FlaskClient
from peewee import Database

from schemas.query import TimelineQuery
from service import timeline
from service.check import check
from service.database import BadDatabaseUrl, execute, open_database
from service.ledger import rules_of, store_state
from service.rules import PROJECTION, RULES, OtherRules
from service.upgrade import upgrade
from tests.writing import body, claim, delete_event, put

# What this version keeps and the one before did not.
NEW_COLUMNS = ("killed_low", "injured_low", "injured_high", "terms")


@pytest.fixture
def old_store(empty_database: Database) -> Database:
    """A store with events, as the first version left it."""
    put(empty_database, body(id="a", title="The bridge", claims=[claim(best=7), claim(measure="injured", low=1)]))
    put(empty_database, body(id="b", title="The road", location={"latitude": 34.5, "longitude": 69.2}))
    put(empty_database, body(id="gone"))
    delete_event(empty_database, "gone")
    for table in ("search", "rollup"):
        execute(empty_database, f"DROP TABLE {table}")
    execute(empty_database, "ALTER TABLE event RENAME COLUMN killed_high TO killed")
    for column in NEW_COLUMNS:
        execute(empty_database, f"ALTER TABLE event DROP COLUMN {column}")
    execute(empty_database, "ALTER TABLE store DROP COLUMN rules")
    execute(empty_database, "DELETE FROM term WHERE kind IN ('cell', 'killed', 'span', 'year')")
    execute(empty_database, "DELETE FROM schema_migration WHERE name LIKE '0002%'")
    return empty_database


def ids(database: Database, **filters: object) -> list[str]:
    page = timeline.page(database, TimelineQuery(filters))
    return [event["id"] for event in orjson.loads(b"[" + page.documents + b"]")]


def test_a_store_of_the_first_version_is_brought_up_to_this_one(old_store: Database) -> None:
    told: list[str] = []
    before = store_state(old_store)
    assert upgrade(old_store, told.append) == ["0002_search_and_counts"]
    assert len(told) == 1 and "3 in number" in told[0]
    assert check(old_store) == []
    assert ids(old_store, q="bridge") == ["a"]
    assert ids(old_store, bbox=[69, 34, 70, 35]) == ["b"]
    assert ids(old_store, min_killed=5) == ["a"]
    after = store_state(old_store)
    assert after.sequence == before.sequence, "nothing was changed"
    assert after.tag != before.tag, "what answers were made of before may not be taken for these"
    assert upgrade(old_store, told.append) == []
    assert len(told) == 1
    assert store_state(old_store) == after


def upgrade_once(url: str) -> list[str]:
    database = open_database(url)
    told: list[str] = []
    try:
        upgrade(database, told.append)
        return told
    finally:
        database.close()


def test_of_several_that_start_at_once_one_makes_the_projections_anew(old_store: Database, empty_url: str) -> None:
    old_store.close()
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        told = pool.map(upgrade_once, [empty_url] * 3, chunksize=1)
    assert sorted(map(len, told)) == [0, 0, 1]
    assert check(old_store) == []


@pytest.mark.parametrize("rules", ["1", f"{PROJECTION - 1} unicode 14.0.0", f"{PROJECTION} unicode 1.1.5"])
def test_projections_by_other_rules_are_made_anew(database: Database, rules: str) -> None:
    execute(database, "UPDATE store SET rules = ?", (rules,))
    execute(database, "UPDATE event_document SET document = '{}'")
    upgrade(database)
    assert check(database) == []
    assert rules_of(database) == RULES


def test_an_interrupted_upgrade_is_taken_up_again(old_store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("service.repair._rebuild_events", breaks)
        upgrade(old_store)
    assert rules_of(old_store) != RULES
    upgrade(old_store)
    assert check(old_store) == []


def test_a_store_of_a_later_version_is_refused_and_left_as_it_is(database: Database) -> None:
    later = f"{PROJECTION + 1} unicode 99.0.0"
    execute(database, "UPDATE store SET rules = ?", (later,))
    with pytest.raises(BadDatabaseUrl, match="later version"):
        upgrade(database)
    assert rules_of(database) == later


def test_a_store_by_other_rules_is_neither_read_nor_written_to_until_it_is_upgraded(
    client: FlaskClient, database: Database
) -> None:
    execute(database, "UPDATE store SET rules = '1'")
    for path in ("/v1/events?q=kabul", "/v1/timeline", "/v1/types", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json"), path
        assert "dateline migrate" in answer.get_json()["detail"]
    assert client.get("/healthz").status_code == 200
    with pytest.raises(OtherRules):
        put(database, body(id="a"))
    upgrade(database)
    assert client.get("/v1/events?q=kabul&total=true").get_json()["total"] == 3
