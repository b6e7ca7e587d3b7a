"""Writing single events over HTTP: what each method does, what it answers, and what is there afterwards."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.seeding import read_seed
from tests.answers import ids, problem
from tests.conftest import event_body
from tests.sending import ANY, CLASH, NEW, done, entries, matching, merge, read, sequence

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SEED_IDS = [event["id"] for event in read_seed("events")]
KEPT = {"claims": [{"measure": "killed", "best": 3, "preferred": True}], "tags": ["a"], "summary": "s"}


def revisions(client: FlaskClient, event_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(client, f"/v1/events/{event_id}/revisions")["revisions"]
    return found


def deleted(client: FlaskClient, event_id: str) -> None:
    done(client.delete(f"/v1/events/{event_id}", headers=ANY), 204)


# POST


def test_a_posted_event_is_answered_as_it_is_read_from_then_on(writer: FlaskClient) -> None:
    before = sequence(writer)
    answer = writer.post("/v1/events", json=event_body(id="a", actors=["Taleban"], **KEPT))
    event = done(answer, 201)
    assert (answer.headers["Location"], answer.headers["ETag"]) == ("/v1/events/a", '"1"')
    assert int(answer.headers["X-Sequence"]) == sequence(writer) == before + 1
    again = writer.get("/v1/events/a")
    assert (again.data, again.headers["ETag"]) == (answer.data, '"1"')
    assert event["actors"] == [{"id": "taliban", "name": "Taliban", "role": "participant"}]
    assert event["casualties"]["killed"] == {"low": 3, "best": 3, "high": 3, "disputed": False}
    assert (event["start"], event["end"], event["version"]) == ("2021-08-26", "2021-08-26", 1)
    assert event["created"] == event["updated"]
    assert "a" in ids(writer, "actor=taliban&tag=a")


def test_an_event_without_an_id_gets_a_uuid7_from_the_server(writer: FlaskClient) -> None:
    made = []
    for given in (event_body(), event_body(id=None), event_body()):
        answer = writer.post("/v1/events", json=given)
        made.append(done(answer, 201)["id"])
        assert answer.headers["Location"] == f"/v1/events/{made[-1]}"
    assert len(set(made)) == 3
    assert all(UUID7.fullmatch(event_id) for event_id in made)
    assert [event_id[:13] for event_id in made] == sorted(event_id[:13] for event_id in made)
    assert read(writer, f"/v1/events/{made[1]}")["title"] == "Something happened"


@pytest.mark.parametrize("event_id", ["", "A", "-a", "a b", "a/b", "é", "a" * 129, "a\n", "..", 5])
def test_an_id_of_another_form_is_refused(writer: FlaskClient, event_id: Any) -> None:
    [(pointer, _)] = entries(writer.post("/v1/events", json=event_body(id=event_id)))
    assert pointer == "/id"


@pytest.mark.parametrize("event_id", ["a" * 128, "a.b_c-d", "0"])
def test_an_id_may_be_chosen(writer: FlaskClient, event_id: str) -> None:
    assert done(writer.post("/v1/events", json=event_body(id=event_id)), 201)["id"] == event_id
    assert read(writer, f"/v1/events/{event_id}")["id"] == event_id


def test_an_id_that_is_or_was_taken_is_a_conflict(writer: FlaskClient) -> None:
    deleted(writer, "us-withdrawal")
    before = sequence(writer)
    for given in (read(writer, CLASH), event_body(id="panjshir-clash"), event_body(id="us-withdrawal")):
        assert problem(writer.post("/v1/events", json=given), 409)["type"] == "/problems/conflict"
    assert sequence(writer) == before


def test_actors_that_nobody_knows_are_created_only_where_that_is_asked(writer: FlaskClient) -> None:
    given = event_body(id="a", actors=[{"name": "Quince Regiment", "role": "side-a"}])
    before = sequence(writer)
    for query in ("", "?unknown_actors=refuse"):
        assert entries(writer.post(f"/v1/events{query}", json=given)) == [("/actors/0/name", "unknown-actor")]
    assert entries(writer.post("/v1/events?unknown_actors=perhaps", json=given)) == [
        ("/unknown_actors", "unknown-value")
    ]
    assert sequence(writer) == before
    assert done(writer.post("/v1/events?unknown_actors=create", json=given), 201)["actors"] == [
        {"id": "quince-regiment", "name": "Quince Regiment", "role": "side-a"}
    ]
    assert sequence(writer) == before + 2, "the actor and the event"
    assert read(writer, "/v1/actors/quince-regiment")["events"] == 1


@pytest.mark.parametrize("method", ["put", "patch"])
def test_put_and_patch_create_actors_as_post_does(writer: FlaskClient, method: str) -> None:
    given = event_body(actors=["Quince Regiment"])
    assert entries(writer.open(CLASH, method=method, json=given, headers=ANY)) == [("/actors/0", "unknown-actor")]
    event = done(writer.open(f"{CLASH}?unknown_actors=create", method=method, json=given, headers=ANY))
    assert [actor["id"] for actor in event["actors"]] == ["quince-regiment"]


def test_an_actor_of_an_event_that_is_refused_is_not_created(writer: FlaskClient) -> None:
    given = event_body(actors=["Quince Regiment", "Quince regiment"])
    assert entries(writer.post("/v1/events?unknown_actors=create", json=given)) == [("/actors/1", "duplicate")]
    problem(writer.get("/v1/actors/quince-regiment"), 404)


# PUT


def test_put_creates_what_is_not_there(writer: FlaskClient) -> None:
    answer = writer.put("/v1/events/a", json=event_body(), headers=NEW)
    assert done(answer, 201)["id"] == "a"
    assert (answer.headers["Location"], answer.headers["ETag"]) == ("/v1/events/a", '"1"')
    assert writer.get("/v1/events/a").data == answer.data
    assert problem(writer.put("/v1/events/a", json=event_body(title="b"), headers=NEW), 412)
    assert read(writer, "/v1/events/a")["version"] == 1


def test_put_replaces_the_whole_event(writer: FlaskClient) -> None:
    done(writer.post("/v1/events", json=event_body(id="a", **KEPT)), 201)
    answer = writer.put("/v1/events/a", json=event_body(title="Other"), headers=matching(1))
    event = done(answer)
    assert "Location" not in answer.headers
    assert answer.headers["ETag"] == '"2"'
    assert (event["title"], event["claims"], event["tags"], event["summary"]) == ("Other", [], [], None)
    assert (event["casualties"], event["version"]) == ({}, 2)
    assert writer.get("/v1/events/a").data == answer.data
    assert event["created"] == read(writer, "/v1/events/a?version=1")["created"] <= event["updated"]


def test_put_says_which_version_it_replaces(writer: FlaskClient) -> None:
    before = sequence(writer)
    assert problem(writer.put(CLASH, json=event_body()), 428)["type"] == "/problems/precondition-required"
    assert problem(writer.put(CLASH, json=event_body(), headers=matching(2)), 412)
    assert problem(writer.put("/v1/events/none", json=event_body(), headers=ANY), 412)
    assert problem(writer.put("/v1/events/none", json=event_body()), 428)
    assert sequence(writer) == before


def test_the_id_in_a_body_is_that_of_the_path(writer: FlaskClient) -> None:
    assert done(writer.put("/v1/events/a", json=event_body(id="a"), headers=NEW), 201)["id"] == "a"
    for method in ("put", "patch"):
        refused = writer.open("/v1/events/a", method=method, json=event_body(id="b"), headers=ANY)
        assert entries(refused) == [("/id", "other-id")]
    [entry] = problem(writer.put("/v1/events/Not_An_Id", json=event_body(), headers=NEW), 422)["errors"]
    assert (entry["in"], entry["pointer"]) == ("path", "/id")


def test_put_does_not_bring_back_what_was_deleted(writer: FlaskClient) -> None:
    deleted(writer, "panjshir-clash")
    for headers in (NEW, ANY, matching(1), matching(2), {}):
        problem(writer.put(CLASH, json=event_body(), headers=headers), 409)


# DELETE and restore


def test_a_deleted_event_is_gone_and_its_past_remains(writer: FlaskClient) -> None:
    before = sequence(writer)
    answer = writer.delete(CLASH + "?reason=never+happened", headers=matching(1))
    assert (answer.status_code, answer.data) == (204, b"")
    assert int(answer.headers["X-Sequence"]) == sequence(writer) == before + 1
    gone = problem(writer.get(CLASH), 410)
    assert (gone["type"], gone["revisions"]) == ("/problems/gone", f"{CLASH}/revisions")
    assert [(item["version"], item["operation"], item["reason"]) for item in revisions(writer, "panjshir-clash")] == [
        (2, "deleted", "never happened"),
        (1, "created", None),
    ]
    assert "panjshir-clash" not in ids(writer)
    assert read(writer, CLASH + "?version=1")["id"] == "panjshir-clash"
    problem(writer.delete(CLASH, headers=ANY), 410)
    problem(merge(writer, CLASH, {"title": "x"}), 410)


def test_a_deletion_says_which_version_it_means(writer: FlaskClient) -> None:
    before = sequence(writer)
    problem(writer.delete(CLASH), 428)
    problem(writer.delete(CLASH, headers=matching(2)), 412)
    problem(writer.delete(CLASH, headers=NEW), 412)
    problem(writer.delete("/v1/events/none", headers=ANY), 404)
    assert sequence(writer) == before


def test_a_deleted_event_is_restored_as_a_new_version(writer: FlaskClient) -> None:
    first = read(writer, CLASH)
    done(merge(writer, CLASH, {"title": "Changed"}))
    deleted(writer, "panjshir-clash")
    answer = writer.post(f"{CLASH}/restore?reason=it+did", json={"version": 1})
    event = done(answer)
    assert (answer.headers["ETag"], writer.get(CLASH).data) == ('"4"', answer.data)
    assert event == {**first, "version": 4, "updated": event["updated"]}
    assert "Location" not in answer.headers
    newest = revisions(writer, "panjshir-clash")[0]
    assert (newest["operation"], newest["reason"], newest["by"]) == ("restored", "it did", "newsdesk")
    assert "panjshir-clash" in ids(writer, "actor=taliban")


def test_a_living_event_is_restored_where_its_version_is_named(writer: FlaskClient) -> None:
    done(merge(writer, CLASH, {"title": "Changed"}))
    given = {"json": {"version": 1}}
    problem(writer.post(f"{CLASH}/restore", **given), 428)
    problem(writer.post(f"{CLASH}/restore", **given, headers=matching(1)), 412)
    assert done(writer.post(f"{CLASH}/restore", **given, headers=matching(2)))["version"] == 3
    before = sequence(writer)
    assert done(writer.post(f"{CLASH}/restore", **given, headers=matching(3)))["version"] == 3
    assert sequence(writer) == before, "it is what it was in that version already"


def test_only_a_version_that_was_can_be_restored(writer: FlaskClient) -> None:
    problem(writer.post("/v1/events/none/restore", json={"version": 1}), 404)
    deleted(writer, "panjshir-clash")
    before = sequence(writer)
    assert entries(writer.post(f"{CLASH}/restore", json={"version": 3})) == [("/version", "unknown-version")]
    assert entries(writer.post(f"{CLASH}/restore", json={"version": 2})) == [("/version", "deletion")]
    assert sequence(writer) == before


# What was read can be written back


@pytest.mark.parametrize("as_it_is", ["put", "patch"])
def test_what_was_read_can_be_written_back_and_changes_nothing(writer: FlaskClient, as_it_is: str) -> None:
    before = sequence(writer)
    for event_id in SEED_IDS:
        path = f"/v1/events/{event_id}"
        held = writer.get(path)
        answer = writer.open(path, method=as_it_is, json=held.json, headers={"If-Match": held.headers["ETag"]})
        assert done(answer)["version"] == 1
        assert (answer.data, answer.headers["ETag"]) == (held.data, held.headers["ETag"])
        assert [item["version"] for item in revisions(writer, event_id)] == [1]
    assert sequence(writer) == before


def test_a_relation_to_an_event_that_was_deleted_since_survives_being_written_back(writer: FlaskClient) -> None:
    relations = [{"id": "us-withdrawal", "relation": "follows"}]
    done(writer.post("/v1/events", json=event_body(id="a", related=relations)), 201)
    deleted(writer, "us-withdrawal")
    held = read(writer, "/v1/events/a")
    assert done(writer.put("/v1/events/a", json=held, headers=matching(1)))["version"] == 1
    assert done(writer.put("/v1/events/a", json={**held, "title": "b"}, headers=matching(1)))["version"] == 2
    assert done(merge(writer, "/v1/events/a", {"title": "c"}))["related"] == relations
    refused = writer.post("/v1/events", json=event_body(related=relations))
    assert entries(refused) == [("/related/0/id", "unknown-event")]


def test_a_write_that_changes_nothing_makes_no_revision(writer: FlaskClient) -> None:
    done(writer.post("/v1/events", json=event_body(id="a", actors=["taliban"])), 201)
    before = sequence(writer)
    same = event_body(actors=[{"name": "Taleban"}], tags=[], status="reported", summary=None)
    assert done(writer.put("/v1/events/a?reason=no+reason", json=same, headers=matching(1)))["version"] == 1
    assert done(merge(writer, "/v1/events/a", {"title": "Something happened"}))["version"] == 1
    assert done(merge(writer, "/v1/events/a", {}))["version"] == 1
    assert sequence(writer) == before


def test_who_wrote_and_why_is_kept_with_each_revision(writer: FlaskClient) -> None:
    done(writer.post("/v1/events?reason=heard+of+it+%F0%9F%96%8B", json=event_body(id="a")), 201)
    done(writer.put("/v1/events/a?reason=put", json=event_body(title="b"), headers=matching(1)))
    done(merge(writer, "/v1/events/a?reason=" + "x" * 500, {"title": "c"}))
    done(merge(writer, "/v1/events/a", {"title": "d"}))
    kept = [(item["operation"], item["by"], item["reason"]) for item in reversed(revisions(writer, "a"))]
    assert kept == [
        ("created", "newsdesk", "heard of it 🖋"),
        ("updated", "newsdesk", "put"),
        ("updated", "newsdesk", "x" * 500),
        ("updated", "newsdesk", None),
    ]
    assert entries(merge(writer, "/v1/events/a?reason=" + "x" * 501, {"title": "e"})) == [("/reason", "too-long")]


# Rules on claims


@pytest.mark.parametrize(
    ("claims", "entry"),
    [
        ([{"source": "rtt"}], ("/claims/0/source", "unknown-source")),
        ([{"low": 2, "best": 1}], ("/claims/0/low", "out-of-range")),
        ([{"best": 3, "high": 2}], ("/claims/0/best", "out-of-range")),
        ([{"low": 3, "high": 2}], ("/claims/0/low", "out-of-range")),
        ([{"preferred": True}, {"preferred": True}], ("/claims/1/preferred", "second-preferred")),
        (
            [{"preferred": True, "of": "taliban"}, {"preferred": True, "of": {"name": "Taleban"}}],
            ("/claims/1/preferred", "second-preferred"),
        ),
    ],
)
def test_a_rule_on_claims_is_held(writer: FlaskClient, claims: list[Any], entry: tuple[str, str]) -> None:
    given = event_body(sources=[{"ref": "rt"}], claims=[{"measure": "killed", **claim} for claim in claims])
    assert entries(writer.post("/v1/events", json=given)) == [entry]


def test_claims_within_the_rules_are_taken(writer: FlaskClient) -> None:
    claims = [
        {"measure": "killed", "low": 1, "best": 1, "high": 2, "source": "rt", "preferred": True},
        {"measure": "killed", "of": "civilians", "low": 0, "high": 0, "preferred": True},
        {"measure": "injured", "best": 10**9, "preferred": True},
        {"preferred": True},
        {"preferred": True, "statement": "A claim that counts nothing."},
    ]
    event = done(writer.post("/v1/events", json=event_body(sources=[{"ref": "rt"}], claims=claims)), 201)
    assert event["casualties"]["killed"] == {"low": 1, "best": 1, "high": 2, "disputed": False}
    assert [claim["claimant"] for claim in event["claims"]] == [None] * 5
