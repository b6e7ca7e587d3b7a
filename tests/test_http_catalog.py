"""Actors, provinces, types and datasets are found by any of their names, and counted over the events."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from peewee import Database
from werkzeug.test import TestResponse

from schemas.vocabulary import EVENT_TYPES
from service.actor_store import write_actors
from service.catalog import describe_dataset
from service.database import write
from service.drafts import Draft
from service.event_store import write_events
from service.ledger import ledger
from service.problems import PROBLEMS
from tests.answers import body, problem
from tests.conftest import event_body

ACTOR_MEMBERS = [
    "id", "name", "aliases", "kind", "member_of", "country", "description", "external_ids",
    "events", "first", "last", "version", "created", "updated",
]  # fmt: skip
PROVINCE_MEMBERS = ["code", "name", "aliases", "country", "events"]


def actors(client: FlaskClient, query: str) -> list[str]:
    return [actor["id"] for actor in body(client.get("/v1/actors?" + query))["actors"]]


def province(client: FlaskClient, name: str) -> Any:
    return body(client.get(f"/v1/provinces/{quote(name)}"))


# Actors


def test_the_list_of_actors_has_the_members_of_the_contract(client: FlaskClient) -> None:
    answer = body(client.get("/v1/actors"))
    assert list(answer) == ["actors", "next", "sequence"]
    assert answer["next"] is None
    assert [list(actor) for actor in answer["actors"]] == [ACTOR_MEMBERS] * 16
    [listed] = [actor for actor in answer["actors"] if actor["id"] == "nrf"]
    assert body(client.get("/v1/actors/nrf")) == listed


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=government", ["pakistan-government", "uk-government"]),
        ("kind=protesters", []),
        ("country=TJ", ["tajikistan-military"]),
        ("country=Tajikistan", ["tajikistan-military"]),
        ("country=FJ", []),
        ("q=massoud", ["ahmad-massoud"]),
        ("q=MASSOUD", ["ahmad-massoud"]),
        # Aliases, pieces of names, other scripts and accents.
        ("q=troops", ["us-forces"]),
        ("q=m%C3%A0ss%C3%B3ud", ["ahmad-massoud"]),
        ("q=%D9%85%D8%B3%D8%B9%D9%88%D8%AF", ["ahmad-massoud"]),
        ("q=is-k", ["is-k"]),
        ("q=baghlan&kind=identity-militia", ["baghlan-militias"]),
        ("q=nobody+at+all", []),
        # What a pattern would mean is no pattern here.
        ("q=t%25n", []),
        ("q=mass_ud", []),
        ("limit=2&country=AF&kind=rebel-group", ["is-k", "nrf"]),
    ],
)
def test_actors_are_found_by_a_piece_of_a_name_kind_and_country(
    client: FlaskClient, query: str, expected: list[str]
) -> None:
    assert actors(client, query) == expected


@pytest.mark.parametrize("name", ["nrf", "NRF", "N.R.F.", "National Resistance Front", "جبهه مقاومت ملی"])
def test_an_actor_is_shown_by_any_of_its_names(client: FlaskClient, name: str) -> None:
    assert body(client.get("/v1/actors/" + quote(name)))["id"] == "nrf"


def test_an_actor_counts_the_events_of_its_members(client: FlaskClient) -> None:
    nrf = body(client.get("/v1/actors/nrf"))
    # The clash and the rejection of the proposals; the latter has an open start, so its place is its end.
    assert (nrf["events"], nrf["first"], nrf["last"]) == (2, "2021-08-30", "2021-08-31")
    assert nrf["aliases"][0] == "NRF" and nrf["kind"] == "rebel-group"
    nazary = body(client.get("/v1/actors/ali-nazary"))
    assert (nazary["events"], nazary["first"], nazary["last"], nazary["member_of"]) == (
        1, "2021-08-31", "2021-08-31", ["nrf"],
    )  # fmt: skip


def test_an_actor_without_events_has_neither_first_nor_last(client: FlaskClient, database: Database) -> None:
    write_actors(database, [{"id": "nobody-yet", "name": "Nobody Yet"}], by="test")
    actor = body(client.get("/v1/actors/nobody-yet"))
    assert actor == {
        "id": "nobody-yet",
        "name": "Nobody Yet",
        "aliases": [],
        "kind": None,
        "member_of": [],
        "country": None,
        "description": None,
        "external_ids": {},
        "events": 0,
        "first": None,
        "last": None,
        "version": 1,
        "created": actor["created"],
        "updated": actor["created"],
    }


def test_the_tag_of_an_actor_follows_its_version_and_its_events(client: FlaskClient, database: Database) -> None:
    def tag() -> str:
        return client.get("/v1/actors/uk-government").headers["ETag"]

    first = tag()
    assert first == '"1"'
    write_events(database, [Draft(1, event_body(id="other", actors=["nrf"]))], by="test")
    assert tag() == first
    write_events(database, [Draft(1, event_body(id="speech", actors=["uk-government"]))], by="test")
    second = tag()
    assert second != first
    write_events(database, [Draft(1, event_body(id="speech", actors=["uk-government"], date="2021-08-27"))], by="test")
    third = tag()
    assert third not in (first, second)
    held = client.get("/v1/actors/uk-government", headers={"If-None-Match": third})
    assert held.status_code == 304


def test_a_name_of_several_actors_shows_none_and_tells_them(client: FlaskClient, database: Database) -> None:
    write_actors(database, [{"id": f"front-{n}", "name": "The Front"} for n in (1, 2)], by="test")
    detail = problem(client.get("/v1/actors/the%20front"), 404)["detail"]
    assert "front-1" in detail and "front-2" in detail


# Provinces


def test_the_provinces_are_those_of_the_whole_world(client: FlaskClient) -> None:
    answer = body(client.get("/v1/provinces"))
    assert list(answer) == ["provinces", "sequence"]
    units = answer["provinces"]
    assert all(list(unit) == PROVINCE_MEMBERS for unit in units)
    codes = [unit["code"] for unit in units]
    # ISO 3166-2 has about 5,000 units, in 200 countries.
    assert len(codes) == len(set(codes)) > 4500
    assert codes == sorted(codes)
    assert len({unit["country"] for unit in units}) > 190
    assert all(unit["code"].startswith(unit["country"] + "-") for unit in units)
    assert {unit["code"] for unit in units if unit["events"]} == {"AF-KAB", "AF-BGL", "AF-PAN"}


@pytest.mark.parametrize("country", ["AF", "af", "Afghanistan", "afghanistan"])
def test_the_provinces_of_a_country(client: FlaskClient, country: str) -> None:
    units = body(client.get(f"/v1/provinces?country={country}"))["provinces"]
    assert len(units) == 34
    assert {unit["country"] for unit in units} == {"AF"}
    counted = {unit["code"]: unit["events"] for unit in units if unit["events"]}
    assert counted == {"AF-KAB": 2, "AF-BGL": 3, "AF-PAN": 2}


@pytest.mark.parametrize(
    "name", ["AF-PAN", "af-pan", "Panjshir", "PANJSHIR", "Panjsher", "Panjshir Province", "Pánjshír"]
)
def test_a_province_is_shown_by_any_of_its_names(client: FlaskClient, name: str) -> None:
    shown = province(client, name)
    assert list(shown) == [*PROVINCE_MEMBERS, "bbox", "first", "last", "sequence"]
    assert (shown["code"], shown["name"], shown["country"], shown["events"]) == ("AF-PAN", "Panjshir", "AF", 2)
    # The helicopters were seen on some day of August, the clash began on the 30th.
    assert (shown["first"], shown["last"]) == ("2021-08-01", "2021-08-30")


def test_a_bounding_box_holds_the_province(client: FlaskClient) -> None:
    west, south, east, north = province(client, "AF-PAN")["bbox"]
    # Bazarak, the capital, lies within; Kabul does not.
    assert west < 69.52 < east and south < 35.31 < north
    assert not (west < 69.2 < east and south < 34.5 < north)
    assert -180 <= west < east <= 180 and -90 <= south < north <= 90


def test_a_province_with_no_events_has_neither_first_nor_last(client: FlaskClient) -> None:
    shown = province(client, "AF-NIM")
    assert (shown["events"], shown["first"], shown["last"]) == (0, None, None)


def outlines(answer: TestResponse) -> list[Any]:
    assert (answer.status_code, answer.mimetype) == (200, "application/geo+json")
    found = answer.get_json(force=True)
    assert found["type"] == "FeatureCollection"
    assert all(list(feature) == ["type", "id", "geometry", "properties"] for feature in found["features"])
    return list(found["features"])


def test_a_country_as_geojson_has_a_closed_outline_of_each_province(client: FlaskClient) -> None:
    features = outlines(client.get("/v1/provinces?country=AF&format=geojson"))
    assert len(features) == 34
    for feature in features:
        assert feature["type"] == "Feature"
        assert feature["id"] == feature["properties"]["code"]
        assert feature["geometry"]["type"] in ("Polygon", "MultiPolygon")
        parts = feature["geometry"]["coordinates"]
        for rings in parts if feature["geometry"]["type"] == "MultiPolygon" else [parts]:
            for ring in rings:
                assert len(ring) >= 4 and ring[0] == ring[-1]
                assert all(60 <= longitude <= 75 and 29 <= latitude <= 39 for longitude, latitude in ring)


def test_geojson_can_be_had_by_accept_as_well_and_format_wins(client: FlaskClient) -> None:
    geojson = {"Accept": "application/geo+json"}
    assert outlines(client.get("/v1/provinces/AF-PAN", headers=geojson)) == outlines(
        client.get("/v1/provinces/Panjshir?format=geojson")
    )
    assert body(client.get("/v1/provinces/AF-PAN?format=json", headers=geojson))["code"] == "AF-PAN"
    assert body(client.get("/v1/provinces?country=AF", headers={"Accept": "*/*"}))["provinces"]
    preferred = {"Accept": "application/json;q=0.5, application/geo+json"}
    assert len(outlines(client.get("/v1/provinces?country=AF", headers=preferred))) == 34


# Types and datasets


def test_the_types_are_the_vocabulary_with_counts_on_both_levels(client: FlaskClient) -> None:
    answer = body(client.get("/v1/types"))
    assert list(answer) == ["types", "sequence"]
    types = {kind["id"]: kind for kind in answer["types"]}
    assert all(list(kind) == ["id", "label", "parent", "events"] for kind in answer["types"])
    # Eight top-level types, ACLED's 25 sub-types and three of our own.
    assert len(types) == len(EVENT_TYPES) == 8 + 25 + 3
    assert [kind["id"] for kind in answer["types"] if kind["parent"] is None] == [
        "battle", "explosion", "violence-against-civilians", "protest", "riot",
        "strategic-development", "statement", "other",
    ]  # fmt: skip
    assert all(kind["id"].startswith(kind["parent"] + "/") for kind in types.values() if kind["parent"])
    assert types["battle"] == {"id": "battle", "label": "Battle", "parent": None, "events": 3}
    assert types["battle/armed-clash"]["events"] == 1
    assert types["battle/non-state-actor-overtakes-territory"]["events"] == 2
    assert types["riot"]["events"] == 0
    for subtype in ("explosion/air-drone-strike", "strategic-development/withdrawal", "statement/rejection"):
        assert subtype in types
    assert sum(kind["events"] for kind in types.values() if kind["parent"] is None) == 9


def test_a_count_is_what_the_filter_finds(client: FlaskClient, database: Database) -> None:
    event = event_body(id="new", type="riot/mob-violence", location={"province": "PK-PB"}, dataset="notes")
    write_events(database, [Draft(1, {**event, "actors": ["ali-nazary", "nrf", "is-k"]})], by="test")
    counted = [
        *(("type", kind["id"], kind["events"]) for kind in body(client.get("/v1/types"))["types"]),
        *(("actor", actor["id"], actor["events"]) for actor in body(client.get("/v1/actors"))["actors"]),
        *(("dataset", dataset["id"], dataset["events"]) for dataset in body(client.get("/v1/datasets"))["datasets"]),
        *(
            ("province", unit["code"], unit["events"])
            for country in ("AF", "PK")
            for unit in body(client.get(f"/v1/provinces?country={country}"))["provinces"]
        ),
    ]
    for name, value, count in counted:
        found = body(client.get(f"/v1/events?{name}={value}&limit=1&total=true"))["total"]
        assert found == count, (name, value)


def test_datasets_show_where_they_come_from_and_their_first_and_last_day(
    client: FlaskClient, database: Database
) -> None:
    answer = body(client.get("/v1/datasets"))
    assert list(answer) == ["datasets", "sequence"]
    found = {dataset["id"]: dataset for dataset in answer["datasets"]}
    seed = found["seed"]
    assert [*found] == ["local", "seed"], "what is written without a dataset belongs to local"
    assert list(seed) == ["id", "title", "licence", "citation", "events", "first", "last"]
    assert (seed["id"], seed["events"], seed["first"], seed["last"]) == ("seed", 9, "2021-08-01", "2021-08-31")
    assert seed["licence"] and seed["citation"]
    write_events(database, [Draft(1, event_body(id="new", date="1999", dataset="notes"))], by="test")
    [_, notes, _] = body(client.get("/v1/datasets"))["datasets"]
    assert notes == {
        "id": "notes",
        "title": "notes",
        "licence": None,
        "citation": None,
        "events": 1,
        "first": "1999-01-01",
        "last": "1999-01-01",
    }


# What is not data


def test_health_tells_that_it_runs_and_how_far_the_store_is(client: FlaskClient) -> None:
    assert body(client.get("/healthz")) == {"status": "ok"}
    ready = body(client.get("/readyz"))
    assert (ready["status"], ready["sequence"]) == ("ok", body(client.get("/v1/events"))["sequence"])


@pytest.mark.parametrize("slug", sorted(PROBLEMS))
def test_every_kind_of_problem_has_a_page(client: FlaskClient, slug: str) -> None:
    answer = client.get(f"/problems/{slug}")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    text = answer.get_data(as_text=True)
    assert PROBLEMS[slug].title in text and str(PROBLEMS[slug].status) in text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_documentation_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/docs")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    text = answer.get_data(as_text=True)
    sources = [piece.split('"')[0] for attribute in ('src="', 'href="') for piece in text.split(attribute)[1:]]
    assert sources and all(source.startswith("/") and not source.startswith("//") for source in sources)
    for source in sources:
        with client.get(source) as loaded:
            assert loaded.status_code == 200, source
    assert "http" not in answer.headers["Content-Security-Policy"]


def test_a_dataset_that_is_described_anew_changes_the_tag(client: FlaskClient, database: Database) -> None:
    def describe(title: str) -> None:
        def work() -> None:
            with ledger(database, "test") as log:
                describe_dataset(log, {"id": "afghanistan-2021", "title": title})

        write(database, work)

    for title, status in (("One", 200), ("One", 304), ("Two", 200)):
        held = client.get("/v1/datasets").headers["ETag"]
        describe(title)
        answer = client.get("/v1/datasets", headers={"If-None-Match": held})
        assert answer.status_code == status
        if status == 200:
            assert title in [dataset["title"] for dataset in body(answer)["datasets"]]
