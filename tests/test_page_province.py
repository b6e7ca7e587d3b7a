"""The page of one province: its names, its place among the others, its timeline, and who is active there."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.answers import body as read
from tests.page_reading import Page, page, words
from tests.test_page_event import statements
from tests.writing import body, put


def province_page(client: FlaskClient, province: str, query: str = "", status: int = 200) -> Page:
    return page(client.get(f"/provinces/{province}{query}"), status)


def titles(found: Page) -> list[str]:
    return [words(heading.text) for heading in found.all("h3")]


def test_the_page_tells_where_a_province_is_and_who_is_active_there(client: FlaskClient) -> None:
    found = province_page(client, "AF-PAN")
    assert words(found.one("h1").text) == "Panjshir"
    told = read(client.get("/v1/provinces/AF-PAN"))
    for alias in told["aliases"]:
        assert alias in found.text
    assert f"{told['bbox'][0]:.2f}° to {told['bbox'][2]:.2f}° of longitude" in found.text
    links = found.links()
    assert links["/?country=AF"] == "Afghanistan"
    assert links["/actors/nrf"] == "National Resistance Front"
    assert "/provinces/AF-PAN?actor=nrf" in links
    assert {"/v1/provinces/AF-PAN", "/v1/provinces/AF-PAN?format=geojson"} <= links.keys()


def test_its_timeline_is_that_of_the_api(client: FlaskClient) -> None:
    expected = read(client.get("/v1/events?province=AF-BGL"))["events"]
    assert titles(province_page(client, "AF-BGL")) == [event["title"] for event in expected]
    expected = read(client.get("/v1/events?province=AF-BGL&actor=taliban&type=battle"))["events"]
    found = province_page(client, "AF-BGL", "?actor=taliban&type=battle")
    assert titles(found) == [event["title"] for event in expected]
    assert "/v1/events?actor=taliban&province=AF-BGL&type=battle" in found.links()
    assert found.one("form", role="search").attributes["action"] == "/provinces/AF-BGL"


@pytest.mark.parametrize("name", ["af-pan", "Panjsher", "Panjshir%20Province", "Panjshir"])
def test_any_of_its_names_leads_to_it(client: FlaskClient, name: str) -> None:
    found = province_page(client, name)
    assert found.one("link", rel="canonical").attributes["href"] == "http://localhost/provinces/AF-PAN"


def test_units_lead_to_what_they_are_part_of_and_to_their_parts(client: FlaskClient) -> None:
    assert province_page(client, "GB-ENG").links()["/provinces/GB-KEN"] == "Kent"
    assert province_page(client, "GB-KEN").links()["/provinces/GB-ENG"] == "England"


def test_of_several_of_one_name_one_is_chosen(client: FlaskClient) -> None:
    links = province_page(client, "Punjab", status=300).links()
    assert links["/provinces/IN-PB"] == "Punjab, India"
    assert links["/provinces/PK-PB"] == "Punjab, Pakistan"


def test_an_unknown_province_is_not_found_and_the_nearest_are_named(client: FlaskClient) -> None:
    links = province_page(client, "Panjshirr", status=404).links()
    assert links["/provinces/AF-PAN"] == "Panjshir, Afghanistan"
    for name in ("%00", "x" * 5000, "%ED%A0%80", "%3Cscript%3E", "AF-ZZZ"):
        province_page(client, name, status=404)


def test_another_province_is_shown_by_the_timeline(client: FlaskClient) -> None:
    answer = client.get("/provinces/AF-PAN?province=Kabul&type=battle")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/?province=Kabul&type=battle")


def test_a_province_with_no_event_has_a_page(client: FlaskClient) -> None:
    found = province_page(client, "FR-ARA")
    assert "0 events" in found.text and titles(found) == []


def test_the_number_of_statements_does_not_grow(empty_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    store = empty_app.extensions["dateline"]["database"]
    where = {"location": {"province": "AF-PAN"}}
    put(store, body(id="first", actors=["A"], **where), create_actors=True)
    few = statements(empty_app, monkeypatch, "/provinces/AF-PAN")
    many = [body(id=f"e{n}", date=f"2021-08-{n % 28 + 1:02}", actors=[f"Actor {n}"], **where) for n in range(150)]
    put(store, *many, create_actors=True)
    assert statements(empty_app, monkeypatch, "/provinces/AF-PAN") == few


def test_a_page_that_is_held_is_not_sent_again(client: FlaskClient) -> None:
    tag = client.get("/provinces/AF-PAN").headers["ETag"]
    assert client.get("/provinces/AF-PAN", headers={"If-None-Match": tag}).status_code == 304
