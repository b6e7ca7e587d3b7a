"""What every answer carries: tags, compression, origins, ids of requests, and the way HEAD and OPTIONS answer."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import Database
from werkzeug.test import TestResponse

from service.actor_store import write_actors
from service.app import create_app
from service.database import closing_database, open_database
from service.drafts import Draft
from service.event_store import write_events
from service.read_query import read_query
from service.settings import Settings
from service.versions import versions
from tests.answers import body, problem
from tests.conftest import event_body

DATA = [
    "/v1/events",
    "/v1/events?actor=taliban&limit=2&total=true",
    "/v1/events/panjshir-clash",
    "/v1/actors?limit=3",
    "/v1/actors/nrf",
    "/v1/provinces?country=AF",
    "/v1/provinces?country=AF&format=geojson",
    "/v1/provinces/Panjshir",
    "/v1/types",
    "/v1/datasets",
    "/v1/timeline?bucket=day&by=actor",
    "/v1/facets?actor=taliban",
]
PAGES = ["/openapi.json", "/docs", "/problems/validation"]
HEALTH = ["/healthz", "/readyz"]
ERRORS = ["/v1/nothing", "/v1/events?x=1", "/v1/events/no-such-event"]
EXPOSED = {"ETag", "Link", "Location", "Retry-After", "X-Request-ID", "X-Sequence", "Idempotent-Replay"}


def tag_of(answer: TestResponse) -> str:
    tag = answer.headers["ETag"]
    assert tag.startswith('"') and tag.endswith('"'), "the bytes are the same, so the tag is a strong one"
    return tag


def words(answer: TestResponse, header: str) -> set[str]:
    return {word.strip() for word in answer.headers[header].split(",")}


@pytest.mark.parametrize("path", [*DATA, *PAGES, *HEALTH, *ERRORS])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_head_answers_with_the_headers_of_get_and_no_body(client: FlaskClient, path: str, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding, "Origin": "https://news.example"}
    got, head = client.get(path, headers=headers), client.head(path, headers=headers)
    assert head.status_code == got.status_code
    assert head.get_data() == b""
    passing = {"x-request-id", "date"}
    # A problem names its request, so its compressed size may differ by the id in it.
    passing |= {"content-length"} if path in ERRORS else set()
    pairs = [sorted((k.lower(), v) for k, v in a.headers if k.lower() not in passing) for a in (got, head)]
    assert pairs[0] == pairs[1]


@pytest.mark.parametrize("path", [*DATA, *PAGES, *HEALTH])
def test_options_lists_the_methods(client: FlaskClient, path: str) -> None:
    answer = client.options(path)
    assert answer.status_code in (200, 204)
    assert {"GET", "HEAD", "OPTIONS"} <= words(answer, "Allow")
    assert answer.get_data() == b""


@pytest.mark.parametrize("path", ["/v1/events", "/v1/actors/nrf", "/v1/provinces"])
def test_options_has_no_form_to_refuse(client: FlaskClient, path: str) -> None:
    answer = client.options(path, headers={"Accept": "text/html"})
    assert answer.status_code in (200, 204)
    assert {"GET", "HEAD", "OPTIONS"} <= words(answer, "Allow")
    problem(client.get(path, headers={"Accept": "text/html"}), 406)


@pytest.mark.parametrize("path", [*DATA, *HEALTH, *ERRORS, "/openapi.json"])
def test_every_answer_carries_the_common_headers(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers.getlist("Vary") == ["Accept, Accept-Encoding, Origin"]
    assert answer.headers["X-Request-ID"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert ("X-Sequence" in answer.headers) == (path in DATA)


@pytest.mark.parametrize("path", [path for path in DATA if "geojson" not in path])
def test_x_sequence_says_what_the_body_says(client: FlaskClient, database: Database, path: str) -> None:
    answer = client.get(path)
    shown = body(answer).get("sequence", int(answer.headers["X-Sequence"]))
    assert int(answer.headers["X-Sequence"]) == shown > 0
    write_events(database, [Draft(1, event_body())], by="test")
    assert int(client.get(path).headers["X-Sequence"]) == shown + 1


@pytest.mark.parametrize("path", [*DATA, *PAGES])
def test_a_tag_that_is_held_is_answered_with_304(client: FlaskClient, path: str) -> None:
    first = client.get(path)
    tag = tag_of(first) if path in DATA else first.headers["ETag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}', f'"a","b" , W/{tag}', "*"):
        for send in (client.get, client.head):
            answer = send(path, headers={"If-None-Match": held})
            assert answer.status_code == 304, held
            assert answer.get_data() == b""
            assert answer.headers["ETag"].removeprefix("W/") == tag.removeprefix("W/")
            assert answer.headers["X-Request-ID"]
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            for name in ("Cache-Control", "Vary", "X-Sequence"):
                assert answer.headers.get(name) == first.headers.get(name)
    for held in ('"other"', '""', "", ",", f'"x{tag[1:]}', f'{tag[:-1]}x"', '"*"', '"', "W/"):
        assert client.get(path, headers={"If-None-Match": held}).status_code == 200, held


@pytest.mark.parametrize("path", HEALTH)
def test_health_has_no_tag(client: FlaskClient, path: str) -> None:
    assert "ETag" not in client.get(path).headers
    assert client.get(path, headers={"If-None-Match": "*"}).status_code == 200


def test_a_held_tag_does_not_excuse_a_fault(client: FlaskClient) -> None:
    for path in ("/v1/events?actor=talban", "/v1/actors?limit=0", "/v1/provinces?x=1", "/v1/types?x=1"):
        problem(client.get(path, headers={"If-None-Match": "*"}), 422)
    for path in ("/v1/events/no-such-event", "/v1/actors/nobody", "/v1/provinces/nowhere", "/v1/nothing"):
        problem(client.get(path, headers={"If-None-Match": "*"}), 404)
    assert "ETag" not in client.get("/v1/nothing").headers


@pytest.mark.parametrize("path", [path for path in DATA if path != "/v1/events/panjshir-clash"])
def test_a_tag_changes_with_a_write(client: FlaskClient, database: Database, path: str) -> None:
    before = client.get(path)
    event = event_body(id="new", location={"province": "AF-PAN"}, actors=[{"id": "nrf"}])
    write_events(database, [Draft(1, event)], by="test")
    after = client.get(path, headers={"If-None-Match": tag_of(before)})
    assert after.status_code == 200
    assert tag_of(after) != tag_of(before)


def test_the_tag_of_an_event_is_its_version(client: FlaskClient, database: Database) -> None:
    before = client.get("/v1/events/panjshir-clash")
    assert tag_of(before) == '"1"'
    write_events(database, [Draft(1, event_body(id="another"))], by="test")
    again = client.get("/v1/events/panjshir-clash", headers={"If-None-Match": '"1"'})
    assert again.status_code == 304, "another event's change is none of this one"
    write_events(database, [Draft(1, {**body(before), "summary": "Changed."})], by="test")
    changed = client.get("/v1/events/panjshir-clash", headers={"If-None-Match": '"1"'})
    assert (changed.status_code, tag_of(changed), body(changed)["version"]) == (200, '"2"', 2)


def test_an_actors_new_name_gives_an_events_answer_a_new_tag_but_no_new_version(
    client: FlaskClient, database: Database
) -> None:
    actor = body(client.get("/v1/actors/nrf"))
    write_actors(database, [{**actor, "name": "The Resistance"}], by="test")
    answer = client.get("/v1/events/panjshir-clash", headers={"If-None-Match": '"1"'})
    assert (answer.status_code, tag_of(answer), body(answer)["version"]) == (200, '"1.1"', 1)
    assert "The Resistance" in [actor["name"] for actor in body(answer)["actors"]]


def test_a_new_version_of_an_event_is_its_first_edition(client: FlaskClient, database: Database) -> None:
    actor = body(client.get("/v1/actors/nrf"))
    for name in ("The Resistance", "The Front"):
        write_actors(database, [{**actor, "name": name}], by="test")
    named = client.get("/v1/events/panjshir-clash")
    assert tag_of(named) == '"1.2"'
    write_events(database, [Draft(1, {**body(named), "summary": "Changed."})], by="test")
    answer = client.get("/v1/events/panjshir-clash", headers={"If-None-Match": '"1.2"'})
    assert (answer.status_code, tag_of(answer), body(answer)["version"]) == (200, '"2"', 2)


def test_the_tag_of_an_actor_by_its_id_is_its_version(client: FlaskClient, database: Database) -> None:
    write_actors(database, [{"id": "a", "name": "A Band"}], by="test")
    assert tag_of(client.get("/v1/actors/a")) == '"1"'
    write_events(database, [Draft(1, event_body(actors=["a"]))], by="test")
    assert re.fullmatch(r'"1\.\d+"', tag_of(client.get("/v1/actors/a")))


@pytest.mark.parametrize("path", ["/v1/actors/foo", "/v1/actors/FOO"])
def test_an_alias_that_moves_to_another_actor_moves_the_tag(client: FlaskClient, database: Database, path: str) -> None:
    write_actors(database, [{"id": "a", "name": "A Band", "aliases": ["foo"]}], by="test")
    by_id, by_alias = client.get("/v1/actors/a"), client.get(path)
    assert by_id.data == by_alias.data
    held = {"If-None-Match": tag_of(by_alias)}
    assert client.get(path, headers=held).status_code == 304
    # Both actors are at their first version but for the one that gives the alias away.
    write_actors(database, [{"id": "a", "name": "A Band"}], by="test")
    write_actors(database, [{"id": "b", "name": "B Band", "aliases": ["foo"]}], by="test")
    answer = client.get(path, headers={"If-None-Match": f"{tag_of(by_id)}, {tag_of(by_alias)}"})
    assert (answer.status_code, body(answer)["id"]) == (200, "b")
    write_actors(database, [{"id": "b", "name": "B Band"}, {"id": "foo", "name": "C Band"}], by="test")
    answer = client.get("/v1/actors/foo", headers={"If-None-Match": tag_of(by_alias)})
    assert (answer.status_code, body(answer)["id"]) == (200, "foo")


@pytest.mark.parametrize("path", ["/v1/provinces?country=AF", "/v1/provinces/AF-PAN"])
def test_two_forms_of_one_address_have_two_tags(client: FlaskClient, path: str) -> None:
    json, geojson = (
        client.get(path, headers={"Accept": form}) for form in ("application/json", "application/geo+json")
    )
    assert (json.mimetype, geojson.mimetype) == ("application/json", "application/geo+json")
    assert tag_of(json) != tag_of(geojson)
    mixed = client.get(path, headers={"Accept": "application/geo+json", "If-None-Match": tag_of(json)})
    assert mixed.status_code == 200
    held = client.get(path, headers={"Accept": "application/geo+json", "If-None-Match": tag_of(geojson)})
    assert held.status_code == 304


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/panjshir-clash", "/v1/types", "/openapi.json"])
def test_gzip_gives_the_same_bytes_under_a_tag_of_its_own(client: FlaskClient, path: str) -> None:
    plain = client.get(path)
    assert "Content-Encoding" not in plain.headers
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.get_data()) < len(plain.get_data())
    assert gzip.decompress(packed.get_data()) == plain.get_data()
    assert tag_of(packed) != tag_of(plain)
    for held in (tag_of(packed), f"W/{tag_of(packed)}", tag_of(plain)):
        for encoding in ("gzip", "identity"):
            answer = client.get(path, headers={"If-None-Match": held, "Accept-Encoding": encoding})
            assert answer.status_code == 304
            assert tag_of(answer) == (held.removeprefix("W/") if encoding == "gzip" else tag_of(plain))


def test_an_answer_too_small_to_compress_keeps_its_tag(client: FlaskClient, database: Database) -> None:
    write_events(database, [Draft(1, event_body(id="small"))], by="test")
    answer = client.get("/v1/events/small", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    held = client.get("/v1/events/small", headers={"Accept-Encoding": "gzip", "If-None-Match": tag_of(answer)})
    assert (held.status_code, tag_of(held)) == (304, tag_of(answer))


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br;q=1.0, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity", False),
        ("br", False),
        ("", False),
    ],
)
def test_gzip_is_for_those_who_take_it(client: FlaskClient, accepted: str, packed: bool) -> None:
    answer = client.get("/v1/events", headers={"Accept-Encoding": accepted})
    assert ("Content-Encoding" in answer.headers) == packed


@pytest.mark.parametrize("given", ["a", "trace-7", "0af7651916cd43dd8448eb211c80319c", "A.b_c-9", "x" * 128])
def test_a_sane_id_of_a_request_is_kept(client: FlaskClient, given: str) -> None:
    for path in ("/v1/events", "/v1/nothing", "/healthz"):
        assert client.get(path, headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", " ", "a b", "x" * 129, "<script>", "é", "a;b", '"', "a\tb", "\x00", "-"])
def test_any_other_id_of_a_request_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/v1/nothing", headers={"X-Request-ID": given})
    made = problem(answer, 404)["request_id"]
    assert made == answer.headers["X-Request-ID"] != given
    assert len(made) >= 16
    assert client.get("/v1/nothing").headers["X-Request-ID"] != made


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events?x=1", "/v1/nothing", "/openapi.json", "/healthz"])
def test_any_origin_may_read_and_see_the_headers(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Origin": "https://news.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert words(answer, "Access-Control-Expose-Headers") == EXPOSED


def preflight(client: FlaskClient, origin: str, method: str = "GET") -> TestResponse:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "if-none-match, x-request-id",
    }
    return client.options("/v1/events", headers=headers)


def test_a_preflight_allows_reading(client: FlaskClient) -> None:
    answer = preflight(client, "https://news.example")
    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert {"GET", "HEAD"} <= words(answer, "Access-Control-Allow-Methods")
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert allowed == "*" or {"if-none-match", "x-request-id"} <= {word.strip() for word in allowed.split(",")}
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.fixture
def chosen(database_url: str) -> Iterator[FlaskClient]:
    """A client of an application that only some origins may read from."""
    app = create_app(
        Settings(database_url=database_url, cors_origins=("https://news.example", "https://map.example:8443"))
    )
    yield app.test_client()
    _close(app)


def _close(app: Flask) -> None:
    kept: Any = app.extensions["dateline"]["database"]
    kept.close_all() if hasattr(kept, "close_all") else kept.close()


@pytest.mark.parametrize("origin", ["https://news.example", "https://map.example:8443"])
def test_a_configured_origin_may_read(chosen: FlaskClient, origin: str) -> None:
    for path in ("/v1/events", "/v1/events?x=1"):
        answer = chosen.get(path, headers={"Origin": origin})
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in words(answer, "Vary")
    assert preflight(chosen, origin).headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://else.example",
        "http://news.example",
        "https://news.example.evil.example",
        "https://newsXexample",
        "https://map.example",
        "https://evil.example/https://news.example",
        "null",
    ],
)
def test_any_other_origin_may_not(chosen: FlaskClient, origin: str) -> None:
    for answer in (chosen.get("/v1/events", headers={"Origin": origin}), preflight(chosen, origin)):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in words(answer, "Vary")
    assert chosen.get("/v1/events", headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize("path", [*DATA, *PAGES])
def test_no_answer_is_guessed_to_be_of_another_type(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"]


def test_a_write_between_name_and_page_gives_no_page_of_one_moment_under_the_tag_of_another(
    client: FlaskClient, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "/v1/events?publisher=reuters&fields=id"
    other = open_database(database_url)

    def read_then_write(read_from: Database, query_string: bytes) -> Any:
        asked = read_query(read_from, query_string)
        if not versions(other, ["late"]):
            late = event_body(id="late", sources=[{"publisher": "REUTERS"}])
            write_events(other, [Draft(1, late)], by="test")
        return asked

    monkeypatch.setattr("service.listing.read_query", read_then_write)
    with closing_database(other):
        first, second = client.get(url), client.get(url)
        again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert [event["id"] for event in body(first)["events"]] == ["panjshir-clash"]
    assert [event["id"] for event in body(second)["events"]] == ["late", "panjshir-clash"]
    assert first.headers["ETag"] != second.headers["ETag"]
    assert again.status_code == 200
