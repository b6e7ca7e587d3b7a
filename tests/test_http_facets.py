"""GET /v1/facets: what is counted, how values are named and ordered, and what the answer costs."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import Database

from service.actor_store import write_actors
from service.filters import FACETS
from tests.answers import body, refusal, refusals
from tests.statements import ask_anew, read_from, sent_to
from tests.writing import body as event
from tests.writing import delete_event, put

Counts = dict[str, int]


def facets(client: FlaskClient, query: str = "") -> dict[str, Counts]:
    """The count of each value by facet, in the order of the answer."""
    answer = body(client.get("/v1/facets?" + query))
    return {facet: {each["value"]: each["count"] for each in values} for facet, values in answer["facets"].items()}


def named(client: FlaskClient, query: str) -> list[tuple[str, str]]:
    """Value and name of everything that the first facet of an answer shows."""
    values = next(iter(body(client.get("/v1/facets?" + query))["facets"].values()))
    return [(each["value"], each["name"]) for each in values]


def spoken(*publishers: str, **members: Any) -> dict[str, Any]:
    return event(sources=[{"publisher": publisher} for publisher in publishers], **members)


# The answer


def test_everything_is_counted_unless_something_is_chosen(client: FlaskClient) -> None:
    answer = body(client.get("/v1/facets"))
    assert list(answer) == ["facets", "total", "query", "sequence"]
    assert list(answer["facets"]) == list(FACETS)
    assert answer["query"] == {"by": list(FACETS), "size": 20}
    assert answer["total"] == body(client.get("/v1/events?total=true"))["total"] == 9
    assert answer["sequence"] == body(client.get("/v1/events"))["sequence"]
    for values in answer["facets"].values():
        assert values and all(list(each) == ["value", "name", "count"] for each in values)


def test_the_answer_has_the_order_that_is_asked(client: FlaskClient) -> None:
    answer = body(client.get("/v1/facets?by=tag,actor,tag&actor=Taliban&format=json"))
    assert list(answer["facets"]) == ["tag", "actor"]
    assert answer["query"] == {"actor": [["taliban"]], "by": ["tag", "actor"], "size": 20}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("by=actor&size=1", [("taliban", "Taliban")]),
        ("by=province&province=Panjshir", [("AF-PAN", "Panjshir")]),
        ("by=country", [("AF", "Afghanistan")]),
        ("by=type&size=1", [("battle", "Battle")]),
        ("by=status&status=disputed", [("disputed", "disputed")]),
        ("by=dataset", [("seed", "Afghanistan at the end of August 2021")]),
        ("by=publisher&size=1", [("RT", "RT")]),
    ],
)
def test_values_come_with_their_names(client: FlaskClient, query: str, expected: list[tuple[str, str]]) -> None:
    assert named(client, query) == expected


def test_a_dataset_that_nobody_described_is_called_by_its_id(client: FlaskClient, database: Database) -> None:
    put(database, event(dataset="field.notes"))
    assert ("field.notes", "field.notes") in named(client, "by=dataset")


def test_the_largest_count_comes_first_and_of_equal_ones_the_smallest_value(
    client: FlaskClient, database: Database
) -> None:
    put(database, *(event(tags=["zoo", tag], dataset="x") for tag in ("ä", "a", "Z", "z", "ä")))
    assert list(facets(client, "dataset=x&by=tag")["tag"].items()) == [
        ("zoo", 5),
        ("ä", 2),
        ("Z", 1),
        ("a", 1),
        ("z", 1),
    ]
    assert list(facets(client, "dataset=x&by=tag&size=3")["tag"]) == ["zoo", "ä", "Z"]


@pytest.mark.parametrize("query", ["tag=nothing-has-this", "q=nothingsaysthis", "actor=ali-nazary&actor=is-k"])
def test_where_nothing_matches_every_facet_is_empty(client: FlaskClient, query: str) -> None:
    answer = body(client.get("/v1/facets?" + query))
    assert answer["facets"] == {facet: [] for facet in FACETS}
    assert answer["total"] == 0


def test_a_store_without_events_has_empty_facets(client: FlaskClient, database: Database) -> None:
    for found in body(client.get("/v1/events"))["events"]:
        delete_event(database, found["id"])
    answer = body(client.get("/v1/facets"))
    assert (answer["total"], answer["facets"]) == (0, {facet: [] for facet in FACETS})


# What is counted


def test_members_count_for_their_organisations_once(client: FlaskClient, database: Database) -> None:
    write_actors(
        database,
        [
            {"id": "army", "name": "The army"},
            {"id": "guard", "name": "The guard", "member_of": ["army"]},
            {"id": "scout", "name": "A scout", "member_of": ["guard", "army"]},
        ],
        by="test",
    )
    put(database, event(actors=["scout", "guard"], dataset="x"), event(actors=["army"], dataset="x"))
    assert facets(client, "dataset=x&by=actor")["actor"] == {"army": 2, "guard": 1, "scout": 1}
    assert facets(client, "actor=army&by=actor")["actor"] == {"army": 2, "guard": 1, "scout": 1}
    assert facets(client, "actor=scout&by=actor")["actor"] == {"army": 1, "guard": 1, "scout": 1}


def test_with_a_role_other_actors_are_counted_in_that_role(client: FlaskClient, database: Database) -> None:
    write_actors(database, [{"id": actor, "name": actor} for actor in ("ana", "bo", "cy")], by="test")
    put(
        database,
        event(actors=[{"id": "ana", "role": "side-a"}, {"id": "bo", "role": "side-b"}], dataset="x"),
        event(actors=[{"id": actor, "role": "side-a"} for actor in ("ana", "cy")], dataset="x"),
    )
    assert facets(client, "actor=ana&by=actor")["actor"] == {"ana": 2, "bo": 1, "cy": 1}
    assert facets(client, "actor=ana&role=side-a&by=actor")["actor"] == {"ana": 2, "cy": 1}


def test_provinces_count_for_the_units_above_and_countries_are_apart(client: FlaskClient, database: Database) -> None:
    places = ({"province": "FR-01"}, {"province": "FR-ARA"}, {"province": "FR-03"}, {"country": "FR"})
    put(database, *(event(location=place, dataset="x") for place in places))
    found = facets(client, "dataset=x&by=province,country")
    assert found == {"province": {"FR-ARA": 3, "FR-01": 1, "FR-03": 1}, "country": {"FR": 4}}
    assert facets(client, "province=FR-01&by=province,country") == {
        "province": {"FR-01": 1, "FR-ARA": 1},
        "country": {"FR": 1},
    }


def test_types_are_counted_on_both_levels(client: FlaskClient, database: Database) -> None:
    put(database, *(event(type=kind, dataset="x") for kind in ("explosion/grenade", "explosion", "battle")))
    expected = {"explosion": 2, "battle": 1, "explosion/grenade": 1}
    assert facets(client, "dataset=x&by=type")["type"] == expected
    assert facets(client, "type=explosion&dataset=x&by=type")["type"] == {"explosion": 2, "explosion/grenade": 1}


@pytest.mark.parametrize("filters", ["", "dataset=local,seed&"])
def test_spellings_of_a_publisher_are_one_value_told_as_most_events_have_it(
    client: FlaskClient, database: Database, filters: str
) -> None:
    put(
        database,
        spoken("Réseau Nord", "RESEAU NORD", "Reseau-Nord"),
        spoken("RESEAU NORD", "Reseau-Nord"),
        spoken("Reseau-Nord"),
        spoken("réseau nord"),
    )
    found = facets(client, filters + "by=publisher")["publisher"]
    assert found["Reseau-Nord"] == 4
    assert not {"Réseau Nord", "RESEAU NORD", "réseau nord"} & found.keys()
    assert body(client.get(f"/v1/events?{filters}publisher=reseau+nord&total=true"))["total"] == 4


def test_of_spellings_that_are_equally_frequent_the_smallest_is_told(client: FlaskClient, database: Database) -> None:
    put(database, spoken("b-c", dataset="x"), spoken("B C", dataset="x"), spoken("Bc", dataset="x"))
    assert facets(client, "dataset=x&by=publisher")["publisher"] == {"B C": 3}


def test_tags_are_counted_letter_by_letter(client: FlaskClient, database: Database) -> None:
    put(database, event(tags=["Red", "red", "red "], dataset="x"), event(tags=["red"], dataset="x"))
    assert facets(client, "dataset=x&by=tag")["tag"] == {"red": 2, "Red": 1, "red ": 1}


def test_words_choose_what_is_counted(client: FlaskClient, database: Database) -> None:
    put(database, event(title="A quokka is seen", tags=["zoo"]), event(title="None is seen", tags=["none"]))
    assert facets(client, "q=quokka&by=tag") == {"tag": {"zoo": 1}}


def test_what_is_deleted_counts_no_more(client: FlaskClient, database: Database) -> None:
    put(database, event(id="gone", tags=["gone"]))
    for query in ("by=tag", "by=tag&dataset=local"):
        assert facets(client, query)["tag"]["gone"] == 1
    delete_event(database, "gone")
    for query in ("by=tag", "by=tag&dataset=local"):
        assert "gone" not in facets(client, query)["tag"]


# What is refused


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("by=actors", "/by", "unknown-value"),
        ("by=", "/by", "blank"),
        ("by=actor,", "/by", "blank"),
        ("by=actor&by=tag", "/by", "repeated"),
        ("size=0", "/size", "out-of-range"),
        ("size=501", "/size", "out-of-range"),
        ("size=many", "/size", "wrong-type"),
        ("format=csv", "/format", "unknown-format"),
        ("sort=date", "/sort", "unknown-parameter"),
        ("limit=1", "/limit", "unknown-parameter"),
        ("cursor=x", "/cursor", "unknown-parameter"),
        ("fields=id", "/fields", "unknown-parameter"),
        ("total=true", "/total", "unknown-parameter"),
        ("actor=talban", "/actor", "unknown-actor"),
        ("role=side-a", "/role", "needs-actor"),
    ],
)
def test_what_cannot_be_meant_is_refused(client: FlaskClient, query: str, pointer: str, code: str) -> None:
    entry = refusal(client, "/v1/facets?" + query)
    assert (entry["pointer"], entry["code"]) == (pointer, code)


def test_a_facet_that_is_misspelt_is_refused_with_the_nearest(client: FlaskClient) -> None:
    assert "province" in refusal(client, "/v1/facets?by=provinces")["suggestions"]


def test_all_faults_are_told_at_once(client: FlaskClient) -> None:
    entries = refusals(client, "/v1/facets?by=x&size=0&actor=talban&y=1")
    assert {entry["pointer"] for entry in entries} == {"/by", "/size", "/actor", "/y"}


# Headers and cost


def test_an_answer_that_the_client_has_is_not_sent_again_until_something_changes(
    client: FlaskClient, database: Database
) -> None:
    first = client.get("/v1/facets?by=tag")
    held = {"If-None-Match": first.headers["ETag"]}
    again = client.get("/v1/facets?by=tag", headers=held)
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["X-Sequence"] == first.headers["X-Sequence"] == str(body(first)["sequence"])
    put(database, event(tags=["new"]))
    assert client.get("/v1/facets?by=tag", headers=held).status_code == 200
    assert client.get("/v1/facets?by=tga", headers=held).status_code == 422


def test_head_and_gzip_work_as_everywhere(client: FlaskClient) -> None:
    plain = client.get("/v1/facets")
    head = client.head("/v1/facets")
    assert (head.status_code, head.get_data(), head.headers["ETag"]) == (200, b"", plain.headers["ETag"])
    packed = client.get("/v1/facets", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.get_data())) == body(plain)
    assert packed.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize("query", ["", "actor=taliban", "actor=taliban&by=province", "q=seen", "publisher=RT"])
def test_the_number_of_statements_does_not_follow_the_number_of_events(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    client = app.test_client()
    ask_anew(client)
    put(database, spoken("Paper", "PAPER", title="One is seen", actors=["taliban"]))
    # The first request of all looks once at what the store was made by.
    body(client.get("/v1/facets"))
    sent = sent_to(app.extensions["dateline"]["database"], monkeypatch)
    body(client.get(f"/v1/facets?{query}"))
    few = len(sent)
    many = [
        spoken("Paper", f"Paper {number}", title="More are seen", tags=[f"tag {number}"], actors=["taliban"])
        for number in range(700)
    ]
    put(database, *many)
    sent.clear()
    assert body(client.get(f"/v1/facets?{query}"))["total"] >= 700 * (query != "publisher=RT")
    assert len(sent) == few <= 10


@pytest.mark.parametrize("query", ["tag=many", "match=certain&from=2021", "q=something", "tag=many&by=publisher"])
def test_terms_are_read_in_pieces_that_add_up(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    client = app.test_client()
    ask_anew(client)
    # Of every three events one has two spellings; "PAPER" is the most frequent.
    names = (("Paper", "PAPER"), ("PAPER",), ("paper", "Other"))
    put(database, *(spoken(*names[number % 3], tags=["many"], actors=["taliban"]) for number in range(60)))
    whole = body(client.get(f"/v1/facets?{query}"))
    assert [(each["value"], each["count"]) for each in whole["facets"]["publisher"][:2]] == [
        ("PAPER", 60),
        ("Other", 20),
    ]
    monkeypatch.setattr("service.facets.AT_A_TIME", 7)
    reads = read_from(app.extensions["dateline"]["database"], monkeypatch)
    assert body(client.get(f"/v1/facets?{query}")) == whole
    pieces = [len(rows) for sql, rows in reads if "e.terms" in sql]
    assert max(pieces) == 7 and sum(pieces) == whole["total"] >= 60
