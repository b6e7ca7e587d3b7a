"""Merging actors over HTTP: one becomes another, for what was written before and for all that comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.check import check
from service.repair import repair
from tests.answers import problem, refusal
from tests.conftest import event_body, keyed
from tests.sending import ANY, NEW, bulk, counted, done, entries, ids, merge, read, sequence
from tests.writing import everything, ged

ACTORS = "/v1/actors"


@pytest.fixture(autouse=True)
def nothing_is_left_behind(app: Flask, writer: FlaskClient) -> Iterator[None]:
    """Everything that answers queries agrees with the revisions at the end, and can be made of them again."""
    yield
    database = app.extensions["dateline"]["database"]
    assert check(database) == []
    before = read(writer, "/v1/events?limit=1000")["events"], read(writer, ACTORS + "?limit=1000")["actors"]
    repair(database)
    assert check(database) == []
    assert (read(writer, "/v1/events?limit=1000")["events"], read(writer, ACTORS + "?limit=1000")["actors"]) == before


def actor(client: FlaskClient, actor_id: str, name: str, **members: Any) -> None:
    done(client.post(ACTORS, json={"id": actor_id, "name": name, **members}), 201)


def event(client: FlaskClient, event_id: str, query: str = "", **members: Any) -> None:
    done(client.post("/v1/events" + query, json=event_body(id=event_id, **members)), 201)


def merged(client: FlaskClient, actor_id: str, into: str) -> Any:
    return done(client.post(f"{ACTORS}/{actor_id}/merge", json={"into": into}))


@pytest.fixture
def pair(writer: FlaskClient) -> FlaskClient:
    """A client of a store where the Quince Band and the Walnut Regiment are two, and two events name them."""
    actor(writer, "q5", "Quince Band", aliases=["Fifth Band"], external_ids={"ucdp": "91001", "acled": "7"})
    actor(writer, "w", "Walnut Regiment", aliases=["WR"], external_ids={"ucdp": "91002"})
    actor(writer, "member", "A Member", member_of=["q5"])
    event(writer, "a", actors=["q5"], claims=[{"claimant": {"id": "q5"}, "of": "q5", "measure": "killed", "best": 1}])
    event(writer, "b", actors=[{"id": "q5", "role": "side-a"}, {"id": "w", "role": "side-a"}, "member"])
    return writer


def test_only_an_admin_may_merge(app: Flask, pair: FlaskClient) -> None:
    before = sequence(pair)
    answer = keyed(app, "write", "writer").post(f"{ACTORS}/q5/merge", json={"into": "w"})
    assert problem(answer, 403)["type"] == "/problems/forbidden"
    assert 'scope="admin"' in answer.headers["WWW-Authenticate"]
    assert sequence(pair) == before


def test_the_answer_is_what_both_have_become(pair: FlaskClient) -> None:
    answer = pair.post(f"{ACTORS}/q5/merge?reason=the+same+men", json={"into": "Walnut Regiment"})
    whole = done(answer)
    assert (whole["id"], whole["name"], whole["version"]) == ("w", "Walnut Regiment", 2)
    assert whole["aliases"] == ["WR", "Quince Band", "Fifth Band"]
    assert whole["external_ids"] == {"ucdp": "91002", "acled": "7"}
    assert whole["events"] == 2
    assert int(answer.headers["X-Sequence"]) == sequence(pair)
    again = pair.get(f"{ACTORS}/w")
    assert (again.data, again.headers["ETag"]) == (answer.data, answer.headers["ETag"])
    past = [(item["operation"], item["reason"]) for item in read(pair, f"{ACTORS}/q5/revisions")["revisions"]]
    assert past == [("deleted", "the same men"), ("created", None)]


def test_the_old_id_and_names_go_on_meaning_it(pair: FlaskClient) -> None:
    merged(pair, "q5", "w")
    for name in ("q5", "Quince Band", "fifth-band", "w", "WR"):
        assert read(pair, f"{ACTORS}/{name}")["id"] == "w"
        assert ids(pair, f"actor={name}") == {"a", "b"}
        given = event_body(actors=[name], claims=[{"claimant": {"id": name}, "of": name}])
        written = done(pair.post("/v1/events", json=given), 201)
        assert (written["actors"][0]["id"], written["claims"][0]["of"]) == ("w", "w")
        done(pair.delete(f"/v1/events/{written['id']}", headers=ANY), 204)
    assert ids(pair, "claimant=q5") == ids(pair, "claimant=w") == {"a"}


def test_the_events_of_the_old_one_name_the_new_one_and_get_no_version(pair: FlaskClient) -> None:
    held = pair.get("/v1/events/a").headers["ETag"]
    merged(pair, "q5", "w")
    answer = pair.get("/v1/events/a", headers={"If-None-Match": held})
    assert (answer.status_code, answer.headers["ETag"], answer.json and answer.json["version"]) == (200, '"1.1"', 1)
    shown = read(pair, "/v1/events/a")
    assert shown["actors"] == [{"id": "w", "name": "Walnut Regiment", "role": "participant"}]
    assert (shown["claims"][0]["claimant"]["id"], shown["claims"][0]["of"]) == ("w", "w")
    assert read(pair, "/v1/events/a?version=1")["actors"][0]["id"] == "w"
    both = read(pair, "/v1/events/b")["actors"]
    assert [item["id"] for item in both] == ["w", "member"], "who took part twice in a role took part once"
    values = [item["value"] for item in read(pair, "/v1/facets?by=actor&size=500")["facets"]["actor"]]
    assert ("w" in values, "q5" in values) == (True, False)
    assert ids(pair, "q=quince") == {"a", "b"}, "it is a name of theirs"
    before = sequence(pair)
    assert done(pair.put("/v1/events/a", json=shown, headers={"If-Match": '"1.1"'}))["version"] == 1
    assert sequence(pair) == before


def test_of_two_preferred_claims_of_what_is_one_now_the_first_remains(pair: FlaskClient) -> None:
    claims = [{"measure": "killed", "of": of, "best": best, "preferred": True} for of, best in (("w", 2), ("q5", 3))]
    event(pair, "c", claims=claims)
    assert read(pair, "/v1/events/c")["casualties"]["killed"]["best"] == 5
    merged(pair, "q5", "w")
    shown = read(pair, "/v1/events/c")
    assert [claim["preferred"] for claim in shown["claims"]] == [True, False]
    assert shown["casualties"]["killed"] == {"low": 2, "best": 2, "high": 3, "disputed": True}
    assert done(pair.put("/v1/events/c", json=shown, headers=ANY))["version"] == 1


def test_members_are_members_of_the_new_one(pair: FlaskClient) -> None:
    event(pair, "c", actors=["member"])
    merged(pair, "q5", "w")
    assert read(pair, f"{ACTORS}/member")["member_of"] == ["w"]
    assert ids(pair, "actor=w") == ids(pair, "actor=q5") == {"a", "b", "c"}


def test_one_may_be_merged_into_its_own_member_or_organisation(pair: FlaskClient) -> None:
    assert merged(pair, "q5", "member")["member_of"] == []
    actor(pair, "inner", "Inner", member_of=["w"])
    assert merged(pair, "inner", "w")["member_of"] == []
    assert read(pair, f"{ACTORS}/q5")["id"] == "member"


def test_a_chain_of_merges_ends_at_the_last(pair: FlaskClient) -> None:
    actor(pair, "last", "Last")
    merged(pair, "q5", "w")
    whole = merged(pair, "w", "last")
    assert {"Quince Band", "Fifth Band", "Walnut Regiment", "WR"} == set(whole["aliases"])
    for name in ("q5", "w", "last", "Quince Band"):
        assert read(pair, f"{ACTORS}/{name}")["id"] == "last"
        assert ids(pair, f"actor={name}") == {"a", "b"}
    assert read(pair, "/v1/events/a")["actors"][0]["id"] == "last"


def test_what_was_merged_is_written_to_no_more(pair: FlaskClient) -> None:
    merged(pair, "q5", "w")
    before = sequence(pair)
    for answer in (
        pair.post(ACTORS, json={"id": "q5", "name": "Quince"}),
        pair.put(f"{ACTORS}/q5", json={"name": "Quince"}, headers=NEW),
        pair.put(f"{ACTORS}/q5", json={"name": "Quince"}, headers=ANY),
        merge(pair, f"{ACTORS}/q5", {"name": "Quince"}),
        pair.delete(f"{ACTORS}/q5", headers=ANY),
        pair.post(f"{ACTORS}/q5/restore", json={"version": 1}),
        pair.post(f"{ACTORS}/q5/merge", json={"into": "nrf"}),
    ):
        assert "w" in problem(answer, 409)["detail"]
    assert sequence(pair) == before


@pytest.mark.parametrize(
    ("into", "code", "nearest"),
    [("q5", "own-id", None), ("Fifth band", "own-id", None), ("talban", "unknown-actor", "taliban")],
)
def test_what_it_cannot_be_merged_into_is_refused(pair: FlaskClient, into: str, code: str, nearest: str | None) -> None:
    [entry] = problem(pair.post(f"{ACTORS}/q5/merge", json={"into": into}), 422)["errors"]
    assert (entry["pointer"], entry["code"]) == ("/into", code)
    assert nearest is None or nearest in entry["suggestions"]


def test_what_was_merged_into_it_cannot_take_it_in(pair: FlaskClient) -> None:
    merged(pair, "q5", "w")
    assert entries(pair.post(f"{ACTORS}/w/merge", json={"into": "q5"})) == [("/into", "own-id")]


def test_civilians_are_merged_into_nobody(pair: FlaskClient) -> None:
    event(pair, "c", actors=["civilians"])
    problem(pair.post(f"{ACTORS}/civilians/merge", json={"into": "w"}), 409)
    assert merged(pair, "q5", "civilians")["id"] == "civilians"
    assert ids(pair, "actor=civilians") == {"a", "b", "c"}


@pytest.mark.parametrize("member", ["aliases", "external_ids", "member_of"])
def test_together_they_may_not_have_more_than_one_may_have(pair: FlaskClient, member: str) -> None:
    for side in "xy":
        many: dict[str, Any] = {
            "aliases": [f"Alias {side} {n}" for n in range(150)],
            "external_ids": {f"{side}{n}": "1" for n in range(30)},
            "member_of": [f"Band {side} {n}" for n in range(150)],
        }
        if member == "member_of":
            event(pair, f"of-{side}", "?unknown_actors=create", actors=many[member])
        actor(pair, side, side.upper(), **{member: many[member]})
    before = sequence(pair)
    assert entries(pair.post(f"{ACTORS}/x/merge", json={"into": "y"})) == [("/into", "too-many")]
    assert sequence(pair) == before


def test_an_import_finds_both_by_the_ids_of_its_dataset(pair: FlaskClient) -> None:
    merged(pair, "q5", "w")
    report = bulk(pair, ged({}), query="?format=ucdp-ged&unknown_actors=create", content_type="text/csv")
    assert counted(done(report)) == (1, 1, 0, 0, 0)
    sides = [(item["id"], item["role"]) for item in read(pair, "/v1/events/ucdp-ged-700001")["actors"]]
    assert sides == [("w", "side-a"), ("w", "side-b")]


def test_an_id_that_meant_what_was_deleted_since_means_nothing_until_it_is_back(pair: FlaskClient) -> None:
    for event_id in ("a", "b"):
        done(pair.delete(f"/v1/events/{event_id}", headers=ANY), 204)
    done(merge(pair, f"{ACTORS}/member", {"member_of": []}))
    merged(pair, "q5", "w")
    done(pair.delete(f"{ACTORS}/w", headers=ANY), 204)
    for name in ("q5", "w"):
        problem(pair.get(f"{ACTORS}/{name}"), 410)
        assert refusal(pair, f"/v1/events?actor={name}")["code"] == "unknown-actor"
        assert entries(pair.post("/v1/events", json=event_body(actors=[name]))) == [("/actors/0", "unknown-actor")]
    data = ged({"id": "1", "side_b_new_id": "91009"})
    report = bulk(pair, data, query="?format=ucdp-ged&unknown_actors=create", content_type="text/csv")
    assert counted(done(report)) == (1, 1, 0, 0, 0)
    shown = read(pair, "/v1/events/ucdp-ged-1")["actors"]
    assert not {item["id"] for item in shown} & {"q5", "w"}, "an event names nobody who is not there"
    done(pair.delete("/v1/events/ucdp-ged-1", headers=ANY), 204)
    assert done(pair.post(f"{ACTORS}/w/restore", json={"version": 2}))["id"] == "w"
    assert read(pair, f"{ACTORS}/q5")["id"] == "w"


def test_a_merge_that_fails_leaves_everything_as_it_was(
    app: Flask, pair: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = app.extensions["dateline"]["database"]
    before = everything(database)

    def fail(*given: Any) -> None:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr("service.actor_store._rename_members", fail)
        problem(pair.post(f"{ACTORS}/q5/merge", json={"into": "w"}), 500)
    assert everything(database) == before


def test_a_deleted_id_is_nobodys_name_for_whom_it_would_be_created(writer: FlaskClient) -> None:
    actor(writer, "gone-1", "Gone One")
    done(writer.delete(f"{ACTORS}/gone-1", headers=ANY), 204)
    given = event_body(actors=["taliban", "gone-1"])
    assert entries(writer.post("/v1/events?unknown_actors=create", json=given)) == [("/actors/1", "deleted")]
    actor(writer, "other", "Other", aliases=["gone-1"])
    problem(writer.get(f"{ACTORS}/gone-1"), 410)
    event(writer, "e", actors=["gone-1"])
    assert read(writer, "/v1/events/e")["actors"][0]["id"] == "other"


def test_civilians_are_neither_deleted_nor_merged(writer: FlaskClient) -> None:
    event(writer, "e", actors=["civilians"])
    done(writer.delete("/v1/events/e", headers=ANY), 204)
    problem(writer.delete(f"{ACTORS}/civilians", headers=ANY), 409)
    event(writer, "f", actors=["civilians"])


def test_a_claimant_who_was_no_actor_stays_so_when_the_event_is_written_back(writer: FlaskClient) -> None:
    event(writer, "e", claims=[{"claimant": {"name": "Somebody X"}, "statement": "It was so."}])
    actor(writer, "sx", "Somebody X")
    before, last = read(writer, "/v1/events/e"), sequence(writer)
    assert done(writer.put("/v1/events/e", json=before, headers=ANY)) == before
    assert done(merge(writer, "/v1/events/e", {"title": "New"}))["claims"] == before["claims"]
    assert sequence(writer) == last + 1
