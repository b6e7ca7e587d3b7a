"""Of a write with several faults the first is told, in the order of the contract; and how versions may be named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.database import closing_database
from service.keys import SCOPES
from service.settings import BodyLimits, Settings
from tests.answers import problem
from tests.conftest import event_body, keyed
from tests.sending import ANY, CLASH, NEW, done, entries, matching, merge, operate, read, sequence

EVENTS, BULK, NONE, ACTOR = "/v1/events", "/v1/events/bulk", "/v1/events/none", "/v1/actors/nrf"
NO_LENGTH = {"environ_overrides": {"HTTP_TRANSFER_ENCODING": "chunked"}}
HUGE = b'{"title": "' + b"x" * 2**20 + b'"}'
BAD = {"title": "", "date": "2021"}
FAULTY: dict[str, dict[str, Any]] = {
    "413": {"data": HUGE, "content_type": "application/json"},
    "411": {"data": b"{}", "content_type": "application/json", **NO_LENGTH},
    "415": {"data": b"{}", "content_type": "text/plain"},
    "400": {"data": b"{", "content_type": "application/json"},
    "422": {"json": BAD},
}


def send(client: FlaskClient, method: str, path: str, **more: Any) -> int:
    """The status of the answer to a request, whose error is looked at."""
    answer = client.open(path, method=method, **more)
    problem(answer, answer.status_code)
    return answer.status_code


@pytest.fixture(scope="module")
def clients(refused_app: Flask) -> dict[str, FlaskClient]:
    """Clients of one application without a key, with a wrong one, and with one of each scope."""
    wrong = refused_app.test_client()
    wrong.environ_base["HTTP_AUTHORIZATION"] = f"Bearer dl_{'0' * 12}_{'0' * 64}"
    return {"none": refused_app.test_client(), "wrong": wrong} | {
        scope: keyed(refused_app, scope, scope) for scope in SCOPES
    }


# Order


@pytest.mark.parametrize("kind", FAULTY)
@pytest.mark.parametrize("who", ["none", "wrong", "read"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/nothing", 404),
        ("PATCH", NONE, 404),
        ("DELETE", NONE, 404),
        ("POST", NONE + "/restore", 404),
        ("PATCH", "/v1/actors/none", 404),
        ("DELETE", "/v1/actors/none", 404),
        ("POST", "/v1/actors/none/restore", 404),
        ("POST", "/v1/actors/none/merge", 404),
        ("PUT", EVENTS, 405),
        ("DELETE", EVENTS, 405),
        ("POST", CLASH, 405),
        ("PUT", CLASH + "/restore", 405),
        ("POST", "/v1/changes", 405),
        ("PATCH", "/v1/actors", 405),
        ("DELETE", BULK + "/restore", 405),
    ],
)
def test_what_is_not_there_is_told_before_anything_of_keys(
    clients: dict[str, FlaskClient], method: str, path: str, status: int, who: str, kind: str
) -> None:
    assert send(clients[who], method, path, **FAULTY[kind]) == status


@pytest.mark.parametrize("kind", FAULTY)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", EVENTS),
        ("POST", BULK),
        ("PUT", NONE),
        ("PUT", CLASH),
        ("PATCH", CLASH),
        ("DELETE", CLASH),
        ("POST", CLASH + "/restore"),
        ("POST", "/v1/actors"),
        ("PUT", "/v1/actors/none"),
        ("PATCH", ACTOR),
        ("DELETE", ACTOR),
        ("POST", ACTOR + "/restore"),
        ("POST", ACTOR + "/merge"),
    ],
)
def test_keys_are_told_of_before_bodies_and_parameters(
    clients: dict[str, FlaskClient], method: str, path: str, kind: str
) -> None:
    # Wrong keys are counted, so that many of them are told otherwise.
    for who, query, status in (("none", "", 401), ("wrong", "?nonsense=1", 401), ("read", "?nonsense=1", 403)):
        answer = clients[who].open(path + query, method=method, **FAULTY[kind])
        problem(answer, status)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    if path.endswith("/merge"):
        assert send(clients["write"], method, path, **FAULTY[kind]) == 403


@pytest.mark.parametrize("status", [413, 411, 415, 400])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", EVENTS),
        ("PUT", CLASH),
        ("PUT", "/v1/events/Not_An_Id"),
        ("PATCH", CLASH),
        ("POST", CLASH + "/restore"),
        ("POST", "/v1/actors"),
        ("PUT", ACTOR),
        ("PATCH", ACTOR),
        ("POST", ACTOR + "/restore"),
        ("POST", ACTOR + "/merge"),
    ],
)
def test_bodies_are_told_of_before_parameters_and_versions(
    refused: FlaskClient, method: str, path: str, status: int
) -> None:
    for query in ("", "?nonsense=1", "?reason=" + "x" * 501):
        for headers in ({}, matching(7), NEW):
            assert send(refused, method, path + query, headers=headers, **FAULTY[str(status)]) == status


@pytest.mark.parametrize("query", ["", "?nonsense=1", "?atomic=perhaps", "?dataset=A+B", "?format=dateline&atomic=x"])
def test_the_body_of_many_events_is_told_of_before_parameters(refused: FlaskClient, query: str) -> None:
    assert send(refused, "POST", BULK + query, **FAULTY["411"]) == 411
    assert send(refused, "POST", BULK + query, **FAULTY["415"]) == 415


TAKEN = {**event_body(), "id": "panjshir-clash"}
STALE = [{}, matching(7), {"If-Match": "garbage"}]


@pytest.mark.parametrize("headers", STALE, ids=str)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", CLASH, BAD),
        ("PUT", CLASH, {**event_body(), "id": "other"}),
        ("PUT", CLASH, {**event_body(), "actors": ["nobody at all"]}),
        ("PUT", CLASH, {**event_body(), "related": [{"id": "none", "relation": "follows"}]}),
        ("PUT", CLASH + "?nonsense=1", event_body()),
        ("PUT", NONE, BAD),
        ("PATCH", CLASH, {"date": "soon"}),
        ("PATCH", CLASH, {"start": "2001-01-01"}),
        ("PATCH", CLASH, {"actors": ["nobody at all"]}),
        ("PATCH", CLASH + "?nonsense=1", {}),
        ("DELETE", CLASH + "?nonsense=1", None),
        ("POST", CLASH + "/restore", {"version": 0}),
        ("POST", CLASH + "/restore", {"version": 9}),
        ("POST", CLASH + "/restore?nonsense=1", {"version": 1}),
        ("PUT", ACTOR, {"name": ""}),
        ("PUT", ACTOR, {"name": "x", "member_of": ["nobody at all"]}),
        ("PATCH", ACTOR, {"kind": "army"}),
        ("DELETE", ACTOR + "?nonsense=1", None),
        ("POST", ACTOR + "/restore", {"version": 9}),
    ],
)
def test_what_breaks_a_rule_is_told_before_versions(
    refused: FlaskClient, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    assert send(refused, method, path, json=body, headers=headers) == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (EVENTS, {**TAKEN, "title": ""}),
        (EVENTS, {**TAKEN, "actors": ["nobody at all"]}),
        (EVENTS + "?nonsense=1", TAKEN),
        ("/v1/actors", {"id": "nrf", "name": ""}),
        ("/v1/actors", {"id": "nrf", "name": "NRF", "member_of": ["nobody at all"]}),
        (ACTOR + "/merge", {"into": "nobody at all"}),
        (ACTOR + "/merge", {"into": "nrf"}),
    ],
)
def test_what_breaks_a_rule_is_told_before_conflicts(refused: FlaskClient, path: str, body: Any) -> None:
    assert send(refused, "POST", path, json=body) == 422


def test_what_breaks_a_rule_is_told_before_a_deletion_stands_against_it(writer: FlaskClient) -> None:
    done(writer.delete(CLASH, headers=ANY), 204)
    assert send(writer, "POST", EVENTS, json={**TAKEN, "title": ""}) == 422
    assert send(writer, "PUT", CLASH, json=BAD, headers=NEW) == 422
    assert send(writer, "POST", EVENTS, json=TAKEN) == 409


def test_where_reading_needs_a_key_nobody_learns_without_one_what_is_there(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, public_read=False))
    with closing_database(app.extensions["dateline"]["database"]):
        client, holder = app.test_client(), keyed(app, "write")
        for path in (CLASH, NONE):
            assert send(client, "DELETE", path, headers=ANY) == 401
            assert send(client, "PATCH", path, json={}) == 401
        assert send(holder, "DELETE", NONE, headers=ANY) == 404


# Versions


@pytest.mark.parametrize(
    "header",
    [
        '"2"',
        'W/"2"',
        '"2-gzip"',
        'W/"2-gzip"',
        '"2.3"',
        '"2.3-gzip"',
        '"1", "2"',
        '"7","2-gzip" , "x"',
        '"x", W/"2"',
        "*",
    ],
)
def test_a_version_may_be_named_in_every_form_in_which_it_was_told(writer: FlaskClient, header: str) -> None:
    done(merge(writer, CLASH, {"title": "b"}))
    assert done(merge(writer, CLASH, {"title": "c"}, {"If-Match": header}))["version"] == 3
    done(writer.delete(CLASH, headers={"If-Match": header.replace("2", "3")}), 204)


@pytest.mark.parametrize(
    "header",
    [
        '"2"',
        '"0"',
        '"11"',
        '"-1"',
        '"1x"',
        '"x"',
        '""',
        '"1 "',
        '" 1"',
        '"\N{ARABIC-INDIC DIGIT ONE}"',
        "garbage",
        '"1',
        '"10", "2"',
        '"1;2"',
        '"99999999999999999999"',
        "W/",
        '"*"',
        '"2.1"',
        '"1-gzip-gzip"',
    ],
)
def test_what_names_no_version_that_is_the_current_one_changes_nothing(refused: FlaskClient, header: str) -> None:
    headers = {"If-Match": header.encode().decode("latin-1")}
    for method, path in (("PUT", CLASH), ("PATCH", CLASH), ("DELETE", CLASH), ("DELETE", "/v1/actors/nrf")):
        sent = {"json": event_body()} if method != "DELETE" else {}
        assert send(refused, method, path, headers=headers, **sent) == 412


def test_an_empty_header_names_no_version(refused: FlaskClient) -> None:
    for headers in ({"If-Match": ""}, {"If-None-Match": ""}, {"If-None-Match": '"7"'}):
        assert send(refused, "PUT", CLASH, json=event_body(), headers=headers) in (412, 428)
        assert send(refused, "DELETE", CLASH, headers=headers) in (412, 428)


@pytest.mark.parametrize("path", [CLASH, NONE])
@pytest.mark.parametrize("header", ['"1"', "*"])
def test_what_must_be_there_and_must_not_is_never_so(refused: FlaskClient, path: str, header: str) -> None:
    headers = {"If-Match": header, **NEW}
    assert send(refused, "PUT", path, json=event_body(), headers=headers) == 412


def test_the_tag_of_a_compressed_answer_can_be_sent_back(writer: FlaskClient) -> None:
    held = writer.get(CLASH, headers={"Accept-Encoding": "gzip"})
    assert held.headers["Content-Encoding"] == "gzip"
    assert held.headers["ETag"] != writer.get(CLASH).headers["ETag"]
    done(merge(writer, CLASH, {"title": "b"}, {"If-Match": held.headers["ETag"]}))
    problem(merge(writer, CLASH, {"title": "c"}, {"If-Match": held.headers["ETag"]}), 412)


def test_the_tag_of_a_past_version_names_that_version(writer: FlaskClient) -> None:
    tag = writer.get(CLASH + "?version=1").headers["ETag"]
    assert done(merge(writer, CLASH, {"title": "b"}, {"If-Match": tag}))["version"] == 2
    problem(merge(writer, CLASH, {"title": "c"}, {"If-Match": tag}), 412)


def test_a_new_name_of_an_actor_leaves_the_version_as_it_is(writer: FlaskClient) -> None:
    done(merge(writer, "/v1/actors/taliban", {"name": "The Taliban"}))
    tag = writer.get(CLASH).headers["ETag"]
    assert tag == '"1.1"'
    assert done(merge(writer, CLASH, {"title": "b"}, matching(1)))["version"] == 2
    problem(merge(writer, CLASH, {"title": "c"}, {"If-Match": tag}), 412)


def test_a_stale_patch_is_told_as_that_and_nothing_is_done(writer: FlaskClient) -> None:
    done(merge(writer, CLASH, {"title": "b"}))
    before = sequence(writer)
    problem(merge(writer, CLASH, {"title": "c"}, matching(1)), 412)
    problem(operate(writer, CLASH, {"op": "replace", "path": "/title", "value": "c"}, headers=matching(1)), 412)
    problem(operate(writer, CLASH, {"op": "replace", "path": "/title", "value": "c"}, headers={}), 428)
    assert (sequence(writer), read(writer, CLASH)["title"]) == (before, "b")


# Limits


def test_a_body_may_have_its_limit_and_no_byte_more(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, max_body=BodyLimits(single=1000, bulk=3000)))
    with closing_database(app.extensions["dateline"]["database"]):
        client = keyed(app)

        def padded(size: int) -> bytes:
            return json.dumps(event_body(id="bulk")).encode().ljust(size)

        json_type = {"content_type": "application/json"}
        for size, statuses in ((1000, (201, 200)), (1001, (413, 413))):
            sent = {"data": padded(size), **json_type}
            # The limit of many events is not that of an event which is called so.
            assert client.put(BULK, headers=NEW if size == 1000 else ANY, **sent).status_code == statuses[0]
            assert client.patch(BULK, headers=ANY, **sent).status_code == statuses[1]
        assert "1,000" in problem(client.post(EVENTS, data=padded(1001), **json_type), 413)["detail"]
        assert client.post(BULK, data=padded(3000), **json_type).status_code == 200
        assert client.post(BULK, data=padded(3001), **json_type).status_code == 413
        assert entries(client.post(EVENTS, data=padded(999) + b" ", **json_type), 409) == []


@pytest.mark.parametrize("path", ["/v1/events/none/revisions", "/v1/events/none/diff", "/v1/actors/none/revisions"])
def test_what_does_not_exist_is_not_unchanged(refused: FlaskClient, path: str) -> None:
    tag = refused.get("/v1/types").headers["ETag"]
    for held in ("*", tag):
        problem(refused.get(path, headers={"If-None-Match": held}), 404)
