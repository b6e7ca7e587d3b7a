"""Checking and repairing: each projection broken in each way is named, and made again from the revisions."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from peewee import Database

from schemas.query import TimelineQuery
from service import timeline
from service.check import check
from service.database import execute, fetch
from service.ledger import store_state
from service.repair import repair
from tests.writing import body, claim, delete_event, everything, put

EVENT = "(SELECT num FROM event WHERE id = 'panjshir-clash')"
# What breaks, by table: the damage, and the table that a discrepancy must name.
DAMAGE = {
    "event missing": ("event", "DELETE FROM event WHERE id = 'panjshir-clash'"),
    "event surplus": (
        "event",
        "INSERT INTO event (num, id, version, edition, deleted, pos, recency) "
        "SELECT 99, 'ghost', 1, 0, deleted, pos, recency FROM event WHERE id = 'panjshir-clash'",
    ),
    **{
        f"event {column}": ("event", f"UPDATE event SET {column} = {value} WHERE id = 'panjshir-clash'")
        for column, value in {
            "version": "7",
            "pos": "'20200101 panjshir-clash'",
            "recency": "'x'",
            "since": "NULL",
            "until": "'20300101T0000'",
            "latitude": "1.5",
            "longitude": "NULL",
            "killed_high": "9",
            "killed_low": "NULL",
            "injured_low": "3",
            "injured_high": "NULL",
            "terms": "'0'",
        }.items()
    },
    "event deleted": ("event", "UPDATE event SET deleted = NOT deleted WHERE id = 'panjshir-clash'"),
    "event of another id": ("event", "UPDATE event SET id = 'ghost' WHERE id = 'panjshir-clash'"),
    "document missing": ("event_document", f"DELETE FROM event_document WHERE num = {EVENT}"),
    "document wrong": ("event_document", f"UPDATE event_document SET document = '{{}}' WHERE num = {EVENT}"),
    "document surplus": ("event_document", "INSERT INTO event_document (num, document) VALUES (99, '{}')"),
    "timeline missing": ("timeline", f"DELETE FROM timeline WHERE term = 0 AND num = {EVENT}"),
    "timeline empty": ("timeline", "DELETE FROM timeline"),
    "timeline surplus": ("timeline", "INSERT INTO timeline (term, place, span, pos, num) VALUES (1, 0, 0, 'x', 99)"),
    "timeline wrong": ("timeline", f"UPDATE timeline SET pos = '19990101 x' WHERE term = 0 AND num = {EVENT}"),
    "tally missing": ("tally", "DELETE FROM tally WHERE term = 0 AND place = 0"),
    "tally wrong": ("tally", "UPDATE tally SET events = events + 1 WHERE term = 0 AND place = 0"),
    "tally surplus": ("tally", "INSERT INTO tally (term, place, events) VALUES (999, 999, 1)"),
    "rollup missing": ("rollup", "DELETE FROM rollup WHERE term = 0 AND place = 0 AND digits = 8"),
    "rollup wrong": ("rollup", "UPDATE rollup SET killed_high = killed_high + 1 WHERE period = '202108'"),
    "rollup surplus": ("rollup", "INSERT INTO rollup VALUES (0, 0, 8, '20300101', 1, 0, 0, 0, 0)"),
    "term missing": ("term", "DELETE FROM term WHERE kind = 'actor' AND value = 'taliban'"),
    "term wrong": ("term", "UPDATE term SET value = 'talibaan' WHERE kind = 'actor' AND value = 'taliban'"),
    "term in a wrong form": ("term", "UPDATE term SET folded = 'x' WHERE kind = 'publisher'"),
    "actor missing": ("actor", "DELETE FROM actor WHERE id = 'ahmad-massoud'"),
    "actor surplus": (
        "actor",
        "INSERT INTO actor (id, version, content, created, updated) VALUES ('ghost', 1, '{}', 0, 0)",
    ),
    **{
        f"actor {column}": ("actor", f"UPDATE actor SET {column} = {value} WHERE id = 'taliban'")
        for column, value in {"version": "7", "kind": "'person'", "country": "NULL", "updated": "0"}.items()
    },
    "actor wrong": ("actor", "UPDATE actor SET content = replace(content, 'Taleban', 'Talebaan') WHERE id = 'taliban'"),
    "name missing": ("actor_name", "DELETE FROM actor_name WHERE folded = 'taleban'"),
    "name surplus": ("actor_name", "INSERT INTO actor_name (folded, actor, name) VALUES ('x', 'taliban', 'X')"),
    "name wrong": ("actor_name", "UPDATE actor_name SET name = 'X' WHERE folded = 'taleban'"),
    "membership surplus": (
        "actor_membership",
        "INSERT INTO actor_membership (actor, organisation) VALUES ('is-k', 'taliban')",
    ),
    "memberships missing": ("actor_membership", "DELETE FROM actor_membership"),
    "external id missing": ("actor_external_id", "DELETE FROM actor_external_id WHERE actor = 'taliban'"),
    "sequence behind": ("store", "UPDATE store SET sequence = sequence - 3"),
    "time behind": ("store", "UPDATE store SET recorded = 0"),
    "dataset missing": ("dataset", "DELETE FROM dataset WHERE id = 'manual'"),
    "external id wrong": ("actor_external_id", "UPDATE actor_external_id SET value = '0' WHERE actor = 'taliban'"),
}
PROJECTIONS = ("event", "event_document", "timeline", "tally", "actor", "actor_name", "actor_membership")


def projections(database: Database) -> dict[str, Any]:
    """The rows that answers are made of; numbers of terms and editions apart, which a repair may change."""
    stored = everything(database)
    events = fetch(
        database, "SELECT id, version, deleted, pos, recency, since, until, killed_high FROM event ORDER BY id"
    )
    documents = fetch(
        database, "SELECT e.id, d.document FROM event_document d JOIN event e ON e.num = d.num ORDER BY e.id"
    )
    timeline = fetch(
        database,
        "SELECT t.kind, t.value, l.place, l.span, l.pos, e.id FROM timeline l LEFT JOIN term t ON t.id = l.term "
        "LEFT JOIN event e ON e.num = l.num",
    )
    tally = fetch(database, "SELECT t.kind, t.value, y.place, y.events FROM tally y LEFT JOIN term t ON t.id = y.term")
    return {
        "event": events,
        "document": documents,
        "timeline": sorted(timeline, key=repr),
        "tally": sorted(tally, key=repr),
        **{name: stored[name] for name in PROJECTIONS if name.startswith("actor")},
        "log": stored["revision"],
    }


def test_a_store_that_was_only_written_to_agrees_with_its_revisions(database: Database) -> None:
    put(database, body(id="a", title="one", tags=["x"], date="../2021-08-30", claims=[claim()]))
    put(database, body(id="a", title="two", location={"province": "AF-KAB"}))
    assert check(database) == []


SEARCH_DAMAGE = {
    "sqlite": {
        "missing": "INSERT INTO search (search) VALUES ('delete-all')",
        "surplus": "INSERT INTO search (rowid, title, prose, terms) VALUES (99, 'ghost', '', '§0')",
        "wrong": "INSERT INTO search (rowid, title, prose, terms) SELECT max(doc), 'ghost', '', '' FROM seen",
    },
    "postgres": {
        "missing": f"DELETE FROM search WHERE num = {EVENT}",
        "surplus": "INSERT INTO search (num, pos, title, prose, terms) VALUES (99, '20210826 x', 'ghost', '', '{0}')",
        "wrong": f"UPDATE search SET prose = prose || ' ghost' WHERE num = {EVENT}",
    },
}


@pytest.mark.parametrize("damage", ["missing", "surplus", "wrong"])
def test_damage_of_the_search_index_is_named_and_mended(database: Database, engine: str, damage: str) -> None:
    put(database, body(id="a", title="a lonely word", summary="unheard"))
    if engine == "sqlite":
        execute(database, "CREATE VIRTUAL TABLE temp.seen USING fts5vocab(main, search, instance)")
    execute(database, SEARCH_DAMAGE[engine][damage])
    assert {item.table for item in check(database)} == {"search"}
    repair(database)
    assert check(database) == []
    page = timeline.page(database, TimelineQuery({"q": "lonely unheard -ghost"}))
    assert [event["id"] for event in orjson.loads(b"[" + page.documents + b"]")] == ["a"]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_named_and_mended(database: Database, damage: str) -> None:
    put(database, body(id="a", dataset="manual", sources=[{"publisher": "A Paper"}]))
    before = projections(database)
    table, statement = DAMAGE[damage]
    assert execute(database, statement) > 0
    found = check(database)
    assert table in {item.table for item in found}
    assert all(item.subject and item.message for item in found)
    repair(database)
    assert check(database) == []
    assert projections(database) == before


def test_a_repair_of_nothing_changes_no_document_and_no_tag(client: FlaskClient, database: Database) -> None:
    before = projections(database)
    tag = client.get("/v1/events/panjshir-clash").headers["ETag"]
    repair(database)
    assert projections(database) == before
    assert client.get("/v1/events/panjshir-clash").headers["ETag"] == tag


def test_an_answer_that_a_repair_changes_gets_another_tag(client: FlaskClient, database: Database) -> None:
    sound = client.get("/v1/events/panjshir-clash")
    execute(database, f'UPDATE event_document SET document = \'{{"id": "wrong"}}\' WHERE num = {EVENT}')
    page = client.get("/v1/events?limit=1").headers["ETag"]
    repair(database)
    mended = client.get("/v1/events/panjshir-clash")
    assert mended.data == sound.data
    # A reader may hold the wrong answer under the first tag.
    assert mended.headers["ETag"] != sound.headers["ETag"]
    assert client.get("/v1/events?limit=1").headers["ETag"] != page


def test_a_repair_is_no_change_of_the_log(database: Database) -> None:
    before = store_state(database)
    repair(database)
    after = store_state(database)
    assert (after.sequence, after.identity) == (before.sequence, before.identity)
    assert after.version > before.version


def test_a_deleted_event_that_came_back_is_named_and_taken_out_again(database: Database) -> None:
    put(database, body(id="a"))
    delete_event(database, "a")
    before = projections(database)
    execute(database, "UPDATE event SET deleted = NOT deleted WHERE id = 'a'")
    assert [(item.table, item.subject) for item in check(database)] == [("event", "a")]
    repair(database)
    assert check(database) == []
    assert [row[:2] for row in projections(database)["event"]] == [row[:2] for row in before["event"]]


def test_everything_can_be_made_anew_from_the_log_alone(database: Database) -> None:
    put(database, *[body(id=f"e{n}", actors=["taliban"], tags=[f"t{n}"]) for n in range(450)])
    put(database, *[body(id=f"e{n}", title="changed") for n in range(0, 450, 3)])
    for n in range(0, 450, 50):
        delete_event(database, f"e{n}")
    before = projections(database)
    for table in PROJECTIONS:
        execute(database, f"DELETE FROM {table}")
    repair(database)
    assert check(database) == []
    after = projections(database)
    assert after["document"] == before["document"]
    assert after["timeline"] == before["timeline"]
    assert after["log"] == before["log"]


def test_a_log_that_was_mended_goes_on_where_it_ended(database: Database) -> None:
    before = store_state(database)
    execute(database, "UPDATE store SET sequence = 1, recorded = 0")
    found = {(item.table, item.subject) for item in check(database)}
    assert found == {("store", "sequence"), ("store", "recorded")}
    repair(database)
    assert store_state(database).sequence == before.sequence
    put(database, body(id="a"))
    assert store_state(database).sequence == before.sequence + 1
    [(first, last)] = fetch(
        database,
        "SELECT max(CASE WHEN sequence < s.last THEN recorded END), max(recorded) FROM revision "
        "CROSS JOIN (SELECT max(sequence) AS last FROM revision) s",
    )
    assert first <= last


def test_a_time_of_the_store_that_lies_ahead_of_the_log_is_sound(database: Database) -> None:
    # A clock that was wrong for a while: times never go back.
    execute(database, "UPDATE store SET recorded = recorded + 1000")
    assert check(database) == []
    [(before,)] = fetch(database, "SELECT recorded FROM store")
    repair(database)
    assert fetch(database, "SELECT recorded FROM store")[0][0] >= before


def test_a_dataset_without_a_row_is_named_once_and_mended_by_its_id(client: FlaskClient, database: Database) -> None:
    put(database, *[body(id=f"e{n}", dataset="lost") for n in range(3)])
    execute(database, "DELETE FROM dataset WHERE id = 'lost'")
    assert [(item.table, item.subject) for item in check(database)] == [("dataset", "lost")]
    repair(database)
    assert check(database) == []
    [shown] = [item for item in client.get("/v1/datasets").get_json()["datasets"] if item["id"] == "lost"]
    assert (shown["title"], shown["events"]) == ("lost", 3)


def test_a_repair_reads_documents_in_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(database, *[body(id=f"e{n}") for n in range(30)])
    most = 0

    def counted(*given: Any) -> list[tuple[Any, ...]]:
        nonlocal most
        rows = fetch(*given)
        most = max(most, len(rows) if "d.document" in given[1] or "r.content" in given[1] else 0)
        return rows

    monkeypatch.setattr("service.repair.fetch", counted)
    monkeypatch.setattr("service.revisions.fetch", counted)
    monkeypatch.setattr("service.revisions.BATCH", 10)
    repair(database)
    assert most == 10


def test_an_empty_store_is_sound(empty_database: Database) -> None:
    assert check(empty_database) == []
    repair(empty_database)
    assert check(empty_database) == []
