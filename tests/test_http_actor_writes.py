"""Writing actors over HTTP, and that every answer which names them follows at once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.check import check
from service.seeding import read_seed
from tests.answers import body, problem, refusal
from tests.conftest import event_body
from tests.sending import ANY, CLASH, NEW, bulk, done, entries, ids, matching, merge, operate, read, sequence

ACTORS = "/v1/actors"
QUINCE = "/v1/actors/q5"


@pytest.fixture(autouse=True)
def nothing_is_left_behind(app: Flask, writer: FlaskClient) -> Any:
    """Everything that answers queries agrees with the revisions at the end."""
    yield
    assert check(app.extensions["dateline"]["database"]) == []


@pytest.fixture
def quince(writer: FlaskClient) -> FlaskClient:
    """A client of a store where one event names the Quince Regiment, as who took part, who claims and whose loss."""
    done(
        writer.post(
            ACTORS, json={"id": "q5", "name": "Quince Regiment", "aliases": ["Fifth Band"], "kind": "rebel-group"}
        ),
        201,
    )
    claims = [{"claimant": {"id": "q5"}, "of": "q5", "measure": "killed", "best": 1}]
    done(writer.post("/v1/events", json=event_body(id="a", actors=["q5"], claims=claims)), 201)
    return writer


# Each method


def test_a_posted_actor_is_answered_as_it_is_read_from_then_on(writer: FlaskClient) -> None:
    before = sequence(writer)
    given = {"name": "Qalʿa Ñandú (5th)", "aliases": ["Q5"], "member_of": ["NRF"], "country": "Afghanistan"}
    answer = writer.post(f"{ACTORS}?reason=new", json=given)
    actor = done(answer, 201)
    assert (answer.headers["Location"], answer.headers["ETag"]) == (f"{ACTORS}/{actor['id']}", '"1"')
    assert int(answer.headers["X-Sequence"]) == sequence(writer) == before + 1
    assert writer.get(answer.headers["Location"]).data == answer.data
    assert list(actor) == [
        *("id", "name", "aliases", "kind", "member_of", "country", "description", "external_ids"),
        *("events", "first", "last", "version", "created", "updated"),
    ]
    assert (actor["name"], actor["member_of"], actor["country"]) == (given["name"], ["nrf"], "AF")
    assert (actor["kind"], actor["events"], actor["first"], actor["last"]) == (None, 0, None, None)
    [revision] = read(writer, f"{ACTORS}/{actor['id']}/revisions")["revisions"]
    assert (revision["operation"], revision["by"], revision["reason"]) == ("created", "newsdesk", "new")


def test_an_id_that_is_or_was_taken_is_a_conflict(writer: FlaskClient) -> None:
    done(writer.post(ACTORS, json={"id": "gone", "name": "Gone"}), 201)
    done(writer.delete(f"{ACTORS}/gone", headers=ANY), 204)
    before = sequence(writer)
    for given in ({"id": "nrf", "name": "Other"}, {"id": "gone", "name": "Gone"}, {"name": "Gone"}):
        problem(writer.post(ACTORS, json=given), 409)
    problem(writer.put(f"{ACTORS}/gone", json={"name": "Gone"}, headers=NEW), 409)
    assert sequence(writer) == before


def test_put_creates_and_replaces(writer: FlaskClient) -> None:
    answer = writer.put(f"{ACTORS}/q", json={"name": "Q", "aliases": ["Quebec"]}, headers=NEW)
    assert (done(answer, 201)["id"], answer.headers["Location"]) == ("q", f"{ACTORS}/q")
    problem(writer.put(f"{ACTORS}/q", json={"name": "Q"}, headers=NEW), 412)
    problem(writer.put(f"{ACTORS}/q", json={"name": "Q"}), 428)
    problem(writer.put(f"{ACTORS}/q", json={"name": "Q"}, headers=matching(2)), 412)
    problem(writer.put(f"{ACTORS}/r", json={"name": "R"}, headers=ANY), 412)
    assert entries(writer.put(f"{ACTORS}/q", json={"id": "r", "name": "Q"}, headers=ANY)) == [("/id", "other-id")]
    answer = writer.put(f"{ACTORS}/q", json={"id": "q", "name": "Q"}, headers=matching(1))
    assert (done(answer)["aliases"], answer.headers["ETag"]) == ([], '"2"')
    assert writer.get(f"{ACTORS}/q").data == answer.data


def test_both_kinds_of_patch_are_taken(writer: FlaskClient) -> None:
    before = read(writer, f"{ACTORS}/nrf")
    after = done(merge(writer, f"{ACTORS}/nrf", {"country": None, "external_ids": {"acled": "7", "ucdp": None}}))
    assert after == {
        **before,
        "country": None,
        "external_ids": {"acled": "7"},
        "version": 2,
        "updated": after["updated"],
    }
    operations = [
        {"op": "test", "path": "/events", "value": before["events"]},
        {"op": "add", "path": "/aliases/-", "value": "Panjshir front"},
        {"op": "move", "from": "/external_ids/acled", "path": "/external_ids/gtd"},
    ]
    after = done(operate(writer, f"{ACTORS}/nrf", *operations, headers=matching(2)))
    assert (after["aliases"][-1], after["external_ids"], after["version"]) == ("Panjshir front", {"gtd": "7"}, 3)
    assert entries(operate(writer, f"{ACTORS}/nrf", {"op": "remove", "path": "/name"})) == [("/name", "required")]
    assert entries(merge(writer, f"{ACTORS}/nrf", {"id": "other"})) == [("/id", "other-id")]


@pytest.mark.parametrize("as_it_is", ["put", "patch"])
def test_what_was_read_can_be_written_back_and_changes_nothing(writer: FlaskClient, as_it_is: str) -> None:
    before = sequence(writer)
    for actor in read_seed("actors"):
        path = f"{ACTORS}/{actor['id']}"
        held = writer.get(path)
        answer = writer.open(path, method=as_it_is, json=held.json, headers={"If-Match": held.headers["ETag"]})
        assert (done(answer)["version"], answer.data) == (1, held.data)
    assert sequence(writer) == before


def test_the_tag_of_an_answer_under_another_name_names_the_version_too(writer: FlaskClient) -> None:
    tag = writer.get(f"{ACTORS}/National Resistance Front").headers["ETag"]
    assert done(merge(writer, f"{ACTORS}/nrf", {"description": None}, {"If-Match": tag}))["version"] == 2
    problem(merge(writer, f"{ACTORS}/nrf", {"description": "x"}, {"If-Match": tag}), 412)


def test_an_actor_is_written_to_under_its_id_alone(writer: FlaskClient) -> None:
    problem(merge(writer, f"{ACTORS}/National Resistance Front", {"name": "x"}), 404)
    problem(writer.delete(f"{ACTORS}/NRF", headers=ANY), 404)


# What follows


def test_a_new_name_stands_everywhere_at_once(quince: FlaskClient) -> None:
    held = quince.get("/v1/events/a").headers["ETag"]
    assert "a" in ids(quince, "q=quince")
    assert done(merge(quince, QUINCE, {"name": "Walnut Regiment"}))["version"] == 2
    answer = quince.get("/v1/events/a", headers={"If-None-Match": held})
    event = body(answer)
    assert (held, answer.headers["ETag"], event["version"]) == ('"1"', '"1.1"', 1)
    assert event["actors"][0]["name"] == event["claims"][0]["claimant"]["name"] == "Walnut Regiment"
    assert read(quince, "/v1/events/a?version=1")["actors"][0]["name"] == "Walnut Regiment", "names are today's"
    assert [item["version"] for item in read(quince, "/v1/events/a/revisions")["revisions"]] == [1]
    assert ids(quince, "q=walnut") == ids(quince, "actor=Walnut+Regiment") == {"a"}
    assert ids(quince, "q=quince") == set()
    assert refusal(quince, "/v1/events?actor=Quince+Regiment")["code"] == "unknown-actor"
    names = {item["value"]: item["name"] for item in read(quince, "/v1/facets?by=actor")["facets"]["actor"]}
    assert names["q5"] == "Walnut Regiment"
    given = event_body(actors=[{"name": "Quince Regiment"}])
    assert entries(quince.post("/v1/events", json=given)) == [("/actors/0/name", "unknown-actor")]
    assert read(quince, f"{ACTORS}/walnut regiment")["id"] == "q5"
    problem(quince.get(f"{ACTORS}/Quince Regiment"), 404)


def test_a_later_alias_counts_for_what_is_there(quince: FlaskClient) -> None:
    assert refusal(quince, "/v1/events?actor=QR5")["code"] == "unknown-actor"
    done(operate(quince, QUINCE, {"op": "add", "path": "/aliases/-", "value": "QR5"}))
    assert ids(quince, "actor=qr-5") == ids(quince, "claimant=QR5") == {"a"}
    assert done(quince.post("/v1/events", json=event_body(actors=["Qr5"])), 201)["actors"][0]["id"] == "q5"
    done(merge(quince, QUINCE, {"aliases": []}))
    assert refusal(quince, "/v1/events?actor=QR5")["code"] == "unknown-actor"


def counts(client: FlaskClient, actor: str) -> tuple[int, int, bool]:
    """The events of an actor, by its own answer and by the facets, and whether its query finds that of quince."""
    facets = {item["value"]: item["count"] for item in read(client, "/v1/facets?by=actor&size=500")["facets"]["actor"]}
    return read(client, f"{ACTORS}/{actor}")["events"], facets.get(actor, 0), "a" in ids(client, f"actor={actor}")


def test_a_later_membership_counts_for_what_is_there_and_no_longer_once_it_ended(quince: FlaskClient) -> None:
    events, facet, found = counts(quince, "nrf")
    assert not found
    done(merge(quince, QUINCE, {"member_of": ["NRF"]}))
    assert counts(quince, "nrf") == (events + 1, facet + 1, True)
    done(quince.post(ACTORS, json={"id": "league", "name": "League"}), 201)
    done(merge(quince, f"{ACTORS}/nrf", {"member_of": ["league"]}))
    assert counts(quince, "league") == (events + 1, facet + 1, True), "a member of a member"
    done(merge(quince, QUINCE, {"member_of": []}))
    assert counts(quince, "nrf") == (events, facet, False)
    assert counts(quince, "league") == (events, facet, False)


def test_memberships_may_form_a_circle(quince: FlaskClient) -> None:
    circle = ["q5", "b", "c"]
    for actor, organisation in (("c", "q5"), ("b", "c")):
        done(quince.post(ACTORS, json={"id": actor, "name": actor.upper(), "member_of": [organisation]}), 201)
    done(merge(quince, QUINCE, {"member_of": ["b"]}))
    assert [counts(quince, actor) for actor in circle] == [(1, 1, True)] * 3
    done(merge(quince, QUINCE, {"member_of": [], "name": "Walnut"}))
    assert [counts(quince, actor) for actor in circle] == [(1, 1, True), (0, 0, False), (0, 0, False)]


def test_a_name_of_several_actors_is_refused_with_all_of_them(quince: FlaskClient) -> None:
    done(quince.post(ACTORS, json={"id": "other", "name": "Other", "aliases": ["fifth band"]}), 201)
    [entry] = problem(quince.post("/v1/events", json=event_body(actors=["Fifth Band"])), 422)["errors"]
    assert (entry["code"], entry["suggestions"]) == ("ambiguous-actor", ["other", "q5"])
    assert refusal(quince, "/v1/events?actor=fifth+band")["suggestions"] == ["other", "q5"]
    problem(quince.get(f"{ACTORS}/Fifth Band"), 404)


# Deleting and restoring


@pytest.mark.parametrize(
    "members",
    [
        {"actors": ["q5"]},
        {"claims": [{"claimant": {"id": "q5"}}]},
        {"claims": [{"claimant": {"name": "Quince Regiment"}}]},
        {"claims": [{"of": "q5", "measure": "killed", "best": 1}]},
    ],
    ids=str,
)
def test_an_actor_cannot_be_deleted_while_an_event_names_it(writer: FlaskClient, members: Any) -> None:
    done(writer.post(ACTORS, json={"id": "q5", "name": "Quince Regiment"}), 201)
    done(writer.post("/v1/events", json=event_body(id="a", **members)), 201)
    assert "(a)" in problem(writer.delete(QUINCE, headers=matching(1)), 409)["detail"]
    done(writer.put("/v1/events/a", json=event_body(), headers=ANY))
    done(writer.delete(QUINCE, headers=matching(1)), 204)
    shown = read(writer, "/v1/events/a?version=1")
    assert "Quince Regiment" in str(shown) or shown["claims"][0]["of"] == "q5", "the past goes on"


def test_an_actor_cannot_be_deleted_while_another_is_its_member(writer: FlaskClient) -> None:
    done(writer.post(ACTORS, json={"id": "q5", "name": "Quince Regiment"}), 201)
    done(writer.post(ACTORS, json={"id": "m", "name": "M", "member_of": ["q5"]}), 201)
    assert "(m)" in problem(writer.delete(QUINCE, headers=ANY), 409)["detail"]
    done(merge(writer, f"{ACTORS}/m", {"member_of": []}))
    done(writer.delete(QUINCE, headers=ANY), 204)


def test_a_deleted_actor_is_gone_and_can_be_restored(writer: FlaskClient) -> None:
    done(writer.post(ACTORS, json={"id": "q5", "name": "Quince Regiment", "aliases": ["Fifth Band"]}), 201)
    problem(writer.delete(QUINCE), 428)
    problem(writer.delete(QUINCE, headers=matching(2)), 412)
    answer = writer.delete(f"{QUINCE}?reason=a+mistake", headers=matching(1))
    assert (answer.status_code, answer.data, int(answer.headers["X-Sequence"])) == (204, b"", sequence(writer))
    assert problem(writer.get(QUINCE), 410)["revisions"] == f"{QUINCE}/revisions"
    problem(writer.delete(QUINCE, headers=ANY), 410)
    problem(merge(writer, QUINCE, {}), 410)
    problem(writer.post(f"{QUINCE}/merge", json={"into": "nrf"}), 410)
    assert refusal(writer, "/v1/events?actor=Fifth+Band")["code"] == "unknown-actor"
    assert entries(writer.post("/v1/events", json=event_body(actors=["q5"]))) == [("/actors/0", "unknown-actor")]
    assert entries(writer.post(f"{QUINCE}/restore", json={"version": 2})) == [("/version", "deletion")]
    restored = writer.post(f"{QUINCE}/restore", json={"version": 1})
    assert (done(restored)["version"], done(restored)["aliases"]) == (3, ["Fifth Band"])
    assert writer.get(f"{ACTORS}/fifth band").data == restored.data
    past = [(item["operation"], item["reason"]) for item in read(writer, f"{QUINCE}/revisions")["revisions"]]
    assert past == [("restored", None), ("deleted", "a mistake"), ("created", None)]


def test_a_living_actor_is_restored_where_its_version_is_named(quince: FlaskClient) -> None:
    done(merge(quince, QUINCE, {"name": "Walnut Regiment"}))
    problem(quince.post(f"{QUINCE}/restore", json={"version": 1}), 428)
    problem(quince.post(f"{QUINCE}/restore", json={"version": 1}, headers=matching(1)), 412)
    assert done(quince.post(f"{QUINCE}/restore", json={"version": 1}, headers=matching(2)))["version"] == 3
    assert read(quince, "/v1/events/a")["actors"][0]["name"] == "Quince Regiment"
    assert done(quince.post(f"{QUINCE}/restore", json={"version": 3}, headers=matching(3)))["version"] == 3


def test_an_event_whose_actor_was_deleted_since_is_not_restored(quince: FlaskClient) -> None:
    done(quince.delete("/v1/events/a", headers=ANY), 204)
    done(quince.delete(QUINCE, headers=ANY), 204)
    problem(quince.post("/v1/events/a/restore", json={"version": 1}), 409)
    problem(quince.get("/v1/events/a"), 410)
    assert read(quince, "/v1/events/a?version=1")["actors"][0]["name"] == "Quince Regiment"


def test_an_actor_created_in_bulk_is_an_actor_like_any(writer: FlaskClient) -> None:
    done(bulk(writer, event_body(id="a", actors=["Quince Regiment"]), query="?unknown_actors=create"))
    assert done(merge(writer, f"{ACTORS}/quince-regiment", {"name": "Walnut"}))["version"] == 2
    assert read(writer, "/v1/events/a")["actors"][0]["name"] == "Walnut"
    assert read(writer, CLASH)["version"] == 1
