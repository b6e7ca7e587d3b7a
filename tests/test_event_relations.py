"""Relations between events and the deletion of events: neither may leave something that points at nothing."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Database

from service import drafts
from service.check import check
from service.database import fetch
from service.repair import repair
from tests.writing import body, counts, delete_event, document, put, rejections

# Relations


def related(*ids: str) -> list[dict[str, str]]:
    return [{"id": event_id, "relation": "follows"} for event_id in ids]


def test_a_relation_may_point_to_an_event_that_exists_or_stands_later(database: Database) -> None:
    bodies = [body(id="a", related=related("b", "panjshir-clash")), body(id="b", related=related("a"))]
    assert counts(put(database, *bodies)) == (2, 2, 0, 0, 0)


def test_a_relation_to_nothing_or_to_itself_is_refused(database: Database) -> None:
    report = put(database, body(id="a", related=related("a")), body(id="b", related=related("panjshir-clash", "none")))
    assert set(rejections(report)) == {(1, "/related/0/id", "own-id"), (2, "/related/1/id", "unknown-event")}


@pytest.mark.parametrize("wrong", [{"title": ""}, {"actors": ["nobody"]}, {"related": related("none")}])
def test_a_relation_to_a_draft_that_is_rejected_is_refused_and_so_on(database: Database, wrong: Any) -> None:
    chain = [body(id=f"e{n}", related=related(f"e{n + 1}")) for n in range(20)]
    report = put(database, *chain, body(id="e20", **wrong), body(id="z"))
    assert counts(report) == (22, 1, 0, 0, 21)
    assert check(database) == []


def test_a_long_chain_that_leads_to_nothing_is_looked_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[Any] = []
    faults_of = drafts.relation_faults

    def noting(*given: Any) -> Any:
        looked_at.append(given)
        return faults_of(*given)

    monkeypatch.setattr(drafts, "relation_faults", noting)
    report = put(database, *(body(id=f"e{n}", related=related(f"e{n + 1}")) for n in range(500)))
    assert counts(report) == (500, 0, 0, 0, 500)
    assert len(looked_at) == 500


def test_an_event_that_is_refused_with_what_it_is_related_to_leaves_no_actor(empty_database: Database) -> None:
    bodies = [body(id="a", actors=["Newbie"], related=related("b")), body(id="b", actors=["Kept"], type="none")]
    put(empty_database, *bodies, body(id="c", actors=["Kept"]), create_actors=True)
    assert fetch(empty_database, "SELECT id FROM actor") == [("kept",)]
    assert check(empty_database) == []


# Deletion


def test_a_deleted_event_is_gone_from_every_answer_and_stays_so(client: FlaskClient, database: Database) -> None:
    delete_event(database, "panjshir-clash")
    for repairs in range(3):
        if repairs:
            repair(database)
        assert check(database) == []
        assert client.get("/v1/events/panjshir-clash").status_code == 410
        for query in ("", "actor=taliban", "province=AF-PAN", "from=2021-08-30&to=2021-08-31", "sort=-updated"):
            listed = client.get(f"/v1/events?total=true&{query}").get_json()
            assert "panjshir-clash" not in [event["id"] for event in listed["events"]]
            assert listed["total"] == len(listed["events"])


def test_a_deleted_event_cannot_be_written_over(database: Database) -> None:
    given = document(database, "panjshir-clash")
    delete_event(database, "panjshir-clash")
    assert rejections(put(database, given, body(id="a"))) == [(1, "/id", "deleted")]
    assert check(database) == []


def test_a_relation_to_a_deleted_event_is_refused_even_beside_its_draft(database: Database) -> None:
    delete_event(database, "us-withdrawal")
    for draft in ([], [body(id="us-withdrawal")]):
        report = put(database, body(id="a", related=related("us-withdrawal")), *draft)
        assert (1, "/related/0/id", "unknown-event") in rejections(report)
        assert report.created == 0


def test_numbers_of_events_are_never_given_twice(database: Database) -> None:
    [(last,)] = fetch(database, "SELECT max(num) FROM event")
    put(database, body(id="a"))
    delete_event(database, "a")
    repair(database)
    put(database, body(id="b"))
    assert fetch(database, "SELECT id, num FROM event WHERE num > ? ORDER BY num", (last,)) == [
        ("a", last + 1),
        ("b", last + 2),
    ]
