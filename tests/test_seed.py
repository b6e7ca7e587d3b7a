"""The seed is loaded through the store like anything else, and gives the answers that its facts call for."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Database
from werkzeug.test import TestResponse

from schemas.precondition import Precondition
from service.actor_store import delete_actor, merge_actors
from service.check import check
from service.event_store import delete_event, patch_event
from service.ledger import store_state
from service.patches import Patch
from service.seeding import seed


def body(answer: TestResponse) -> Any:
    assert answer.is_json
    return answer.get_json()


def ids(client: FlaskClient, query: str) -> list[str]:
    answer = client.get("/v1/events?" + query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [event["id"] for event in body(answer)["events"]]


def test_seeding_twice_changes_nothing(database: Database) -> None:
    before = store_state(database)
    actors, report = seed(database)
    assert (actors, report.created, report.updated, report.unchanged, report.rejected) == (0, 0, 0, 9, [])
    assert store_state(database) == before


def test_seeding_again_leaves_alone_what_others_have_changed(database: Database) -> None:
    anything = Precondition(any_version=True)
    patch_event(database, "panjshir-clash", Patch({"title": "Their own"}), anything, by="desk")
    delete_event(database, "dushanbe-helicopters", anything, by="desk")
    merge_actors(database, "shah-mehmood-qureshi", "ali-nazary", by="desk")
    delete_actor(database, "ashraf-ghani", anything, by="desk")
    before = store_state(database)
    actors, report = seed(database)
    assert (actors, report.created, report.updated, report.rejected) == (0, 0, 0, [])
    assert store_state(database) == before
    assert check(database) == []


def test_taliban_in_panjshir_gives_the_clash_with_its_disputed_figures(client: FlaskClient) -> None:
    [event] = body(client.get("/v1/events?actor=taliban&province=Panjshir"))["events"]
    assert event["id"] == "panjshir-clash"
    killed: dict[str, Any] = event["casualties"]["killed"]
    assert (killed["low"], killed["high"], killed["disputed"]) == (7, 8, True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("actor=NRF&province=AF-PAN", ["panjshir-clash"]),
        # The two district events begin on the same day, so their ids decide.
        ("province=Baghlan", ["baghlan-districts-retaken", "baghlan-districts-taken", "andarabi-killing"]),
        ("from=2021-08-26&to=2021-08-26&match=certain", ["kabul-airport-bombing"]),
        ("actor=isk", ["kabul-airport-bombing"]),
        ("actor=Islamic+State+Khorasan", ["kabul-airport-bombing"]),
    ],
)
def test_the_seed_answers_as_its_facts_ask(client: FlaskClient, query: str, expected: list[str]) -> None:
    assert ids(client, query) == expected


def test_a_day_gives_nothing_that_is_certain_to_lie_outside(client: FlaskClient) -> None:
    found = ids(client, "from=2021-08-26&to=2021-08-26")
    assert "kabul-airport-bombing" in found
    assert not {"andarabi-killing", "panjshir-clash", "us-withdrawal", "taliban-government-announced"} & set(found)


def test_a_misspelt_actor_is_refused_with_the_nearest(client: FlaskClient) -> None:
    answer = client.get("/v1/events?actor=talban")
    assert answer.status_code == 422
    [entry] = body(answer)["errors"]
    assert entry["pointer"] == "/actor"
    assert "taliban" in entry["suggestions"]
