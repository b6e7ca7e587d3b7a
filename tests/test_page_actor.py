"""The page of one actor: its names, what it belongs to, its timeline, where it is active and with whom."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import Database

from schemas.precondition import Precondition
from service.actor_store import delete_actor, merge_actors, write_actors
from tests.answers import body as read
from tests.page_reading import Page, page, words
from tests.test_page_event import HARMLESS, HOSTILE, statements
from tests.writing import body, put


def actor_page(client: FlaskClient, actor: str, query: str = "", status: int = 200) -> Page:
    return page(client.get(f"/actors/{actor}{query}"), status)


def titles(found: Page) -> list[str]:
    return [words(heading.text) for heading in found.all("h3")]


def test_the_page_tells_who_an_actor_is(client: FlaskClient) -> None:
    found = actor_page(client, "nrf")
    assert words(found.one("h1").text) == "National Resistance Front"
    for told in ("rebel group", "Northern resistance", "جبهه مقاومت ملی", "ucdp: 8114", "Armed opposition"):
        assert told in found.text, told
    links = found.links()
    assert links["/?country=AF"] == "Afghanistan"
    assert links["/actors/fahim-dashti"] == "Fahim Dashti", "one of its members"
    assert {"/v1/actors/nrf", "/v1/actors/nrf/revisions"} <= links.keys()
    assert links["/provinces/AF-PAN"] == "Panjshir" and links["/actors/nrf?province=AF-PAN"]
    assert links["/actors/taliban"] == "Taliban" and links["/actors/nrf?actor=taliban"]


def test_a_member_leads_to_what_it_belongs_to(client: FlaskClient) -> None:
    assert actor_page(client, "fahim-dashti").links()["/actors/nrf"] == "National Resistance Front"


def test_its_timeline_is_that_of_the_api(client: FlaskClient) -> None:
    for actor in ("taliban", "nrf", "fahim-dashti"):
        expected = read(client.get(f"/v1/events?actor={actor}"))["events"]
        assert titles(actor_page(client, actor)) == [event["title"] for event in expected]


def test_the_filters_of_the_timeline_narrow_it_and_the_actor_stays(client: FlaskClient) -> None:
    found = actor_page(client, "taliban", "?province=AF-PAN&from=2021-08-30")
    expected = read(client.get("/v1/events?actor=taliban&province=AF-PAN&from=2021-08-30"))["events"]
    assert titles(found) == [event["title"] for event in expected]
    assert found.one("form", role="search").attributes["action"] == "/actors/taliban"
    links = found.links()
    assert "/actors/taliban?from=2021-08-30" in links, "the province can be taken off"
    assert "/v1/events?actor=taliban&province=AF-PAN&from=2021-08-30" in links
    assert "/v1/events?actor=taliban&province=AF-PAN&from=2021-08-30&format=csv" in links


def test_pages_of_its_timeline_lead_on(client: FlaskClient) -> None:
    found = actor_page(client, "taliban", "?limit=2")
    shown = titles(found)
    while following := [link.attributes["href"] for link in found.all("a", rel="next")]:
        assert following[0].startswith("/actors/taliban?")
        found = page(client.get(following[0]))
        shown += titles(found)
    assert len(shown) == len(set(shown)) == len(titles(actor_page(client, "taliban")))


@pytest.mark.parametrize("name", ["NRF", "National%20Resistance%20Front", "n.r.f"])
def test_any_of_its_names_leads_to_it(client: FlaskClient, name: str) -> None:
    found = actor_page(client, name)
    assert words(found.one("h1").text) == "National Resistance Front"
    assert found.one("link", rel="canonical").attributes["href"] == "http://localhost/actors/nrf"


def test_the_id_of_a_merged_actor_leads_to_what_it_has_become(store: Database, asking: FlaskClient) -> None:
    write_actors(store, [{"id": "old", "name": "Old"}, {"id": "new", "name": "New"}], by="test")
    put(store, body(id="a", actors=["old"]))
    merge_actors(store, "old", "new", by="test")
    answer = asking.get("/actors/old?type=battle")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/actors/new?type=battle")
    assert titles(page(asking.get("/actors/new"))) == ["Something happened"]
    assert asking.get("/actors/Old").status_code == 200, "its name is one of the other's now"


def test_a_deleted_actor_is_gone(store: Database, asking: FlaskClient) -> None:
    write_actors(store, [{"id": "one", "name": "One"}], by="test")
    delete_actor(store, "one", Precondition(any_version=True), by="test")
    found = actor_page(asking, "one", status=410)
    assert "This actor was deleted" in found.text and "/v1/actors/one/revisions" in found.links()


def test_an_unknown_actor_is_not_found_and_the_nearest_are_named(client: FlaskClient) -> None:
    found = actor_page(client, "talban", status=404)
    assert found.links()["/actors/taliban"] == "Taliban"
    for name in ("%00", "x" * 5000, "%ED%A0%80", "..%2f", "%3Cscript%3E"):
        actor_page(client, name, status=404)


def test_of_several_of_one_name_one_is_chosen(store: Database, asking: FlaskClient) -> None:
    write_actors(store, [{"id": "a", "name": "Guard of A", "aliases": ["The Guard"]}], by="test")
    write_actors(store, [{"id": "b", "name": "Guard of B", "aliases": ["The Guard"]}], by="test")
    links = page(asking.get("/actors/The%20Guard"), 300).links()
    assert (links["/actors/a"], links["/actors/b"]) == ("Guard of A", "Guard of B")


def test_what_the_address_cannot_ask_is_told_with_what_was_meant(client: FlaskClient) -> None:
    found = actor_page(client, "taliban", "?province=Panjshirr&from=2021-08", 422)
    assert found.links()["/actors/taliban?province=Panjshir&from=2021-08"] == "Panjshir"
    assert "/actors/taliban?from=2021-08" in found.links()
    assert [field.attributes["value"] for field in found.all("input")] == ["Panjshirr", "2021-08"]


def test_empty_fields_of_the_form_leave_the_address(client: FlaskClient) -> None:
    answer = client.get("/actors/taliban?q=&actor=&type=battle&from=")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/actors/taliban?type=battle")
    answer = client.get("/actors/National%20Resistance%20Front?q=")
    assert answer.headers["Location"] == "/actors/National%20Resistance%20Front"


def test_stored_text_changes_nothing_of_the_page_but_its_text(store: Database, asking: FlaskClient) -> None:
    def shape(text: str) -> Page:
        actors: list[dict[str, Any]] = [
            {
                "id": "one",
                "name": text,
                "aliases": [f"{text} too"],
                "description": text,
                "member_of": ["two"],
                "external_ids": {"ucdp": text},
            },
            {"id": "two", "name": f"{text} two"},
            {"id": "three", "name": f"{text} three", "member_of": ["one"]},
        ]
        write_actors(store, actors, by="test")
        event = body(id="a", title=text, summary=text, location={"country": "AF", "place": text}, actors=["one", "two"])
        assert not put(store, event, by="test").rejected
        return actor_page(asking, "one")

    harmless, hostile = shape(HARMLESS), shape(HOSTILE)
    assert hostile.shape() == harmless.shape()
    assert hostile.text.count("<script>alert('1')</script>") >= 8


def test_the_number_of_statements_does_not_grow(empty_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    store = empty_app.extensions["dateline"]["database"]
    write_actors(store, [{"id": "one", "name": "One"}, {"id": "two", "name": "Two", "member_of": ["one"]}], by="test")
    put(store, body(id="first", actors=["one", "two"]))
    few = statements(empty_app, monkeypatch, "/actors/one")
    many = [{"id": f"m{number}", "name": f"M {number}", "member_of": ["one"]} for number in range(150)]
    write_actors(store, many, by="test")
    put(store, *(body(id=f"e{n}", date=f"2021-08-{n % 28 + 1:02}", actors=["one", f"m{n}"]) for n in range(150)))
    assert statements(empty_app, monkeypatch, "/actors/one") == few
    assert "and others" in page(empty_app.test_client().get("/actors/one")).text


def test_a_page_that_is_held_is_not_sent_again(client: FlaskClient) -> None:
    tag = client.get("/actors/taliban").headers["ETag"]
    assert client.get("/actors/taliban", headers={"If-None-Match": tag}).status_code == 304
