"""Actors: what a body may hold, by which names they are found, and events that follow when an actor changes."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Database

from schemas.actor import ActorBody
from schemas.faults import Refused
from schemas.fields import load
from schemas.vocabulary import ACTOR_KINDS
from service import actors, read_side
from service.actor_store import write_actors
from service.actors import views
from service.check import check
from service.database import fetch
from service.drafts import Draft
from service.event_store import write_events
from service.ledger import store_state
from service.seeding import read_seed
from tests.statements import sent_to
from tests.writing import body, claim, document, everything, found, put


def actor(**members: Any) -> dict[str, Any]:
    return {"name": "Quince Regiment", **members}


def seed_actor(actor_id: str, **members: Any) -> dict[str, Any]:
    [known] = [item for item in read_seed("actors") if item["id"] == actor_id]
    return {**known, **members}


def faults(given: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        load(ActorBody(), given)
    return found(refused.value.faults)


def refusal(database: Database, *bodies: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        write_actors(database, bodies, by="tester")
    return found(refused.value.faults)


def ids(client: FlaskClient, query: str) -> list[str]:
    return sorted(event["id"] for event in client.get("/v1/events?" + query).get_json()["events"])


# Bodies


def test_the_smallest_actor_gets_every_default() -> None:
    assert load(ActorBody(), {"name": "A"}) == {
        "id": None,
        "name": "A",
        "aliases": [],
        "kind": None,
        "member_of": [],
        "country": None,
        "description": None,
        "external_ids": {},
    }


@pytest.mark.parametrize("name", ["id", "aliases", "kind", "member_of", "country", "description", "external_ids"])
def test_null_is_as_good_as_leaving_the_member_out(name: str) -> None:
    assert load(ActorBody(), actor(**{name: None})) == load(ActorBody(), actor())


@pytest.mark.parametrize("kind", ACTOR_KINDS)
def test_every_kind_is_taken(kind: str) -> None:
    assert load(ActorBody(), actor(kind=kind))["kind"] == kind


def short(value: object) -> str:
    """What to call a case by."""
    return repr(value)[:60]


NO_TEXTS: tuple[Any, ...] = (5, [], {}, True)
WRONG: list[tuple[dict[str, Any], str, str]] = [
    *[(actor(name=value), "/name", "wrong-type") for value in NO_TEXTS],
    (actor(name=None), "/name", "null"),
    ({}, "/name", "required"),
    *[(actor(name=value), "/name", "blank") for value in ("", " \t")],
    (actor(name="x" * 501), "/name", "too-long"),
    *[(actor(name=value), "/name", "unstorable-character") for value in ("a\x00", "\ud83d")],
    *[(actor(id=value), "/id", "wrong-form") for value in ("A", "", "a b", "x" * 129, "a\n")],
    (actor(id=5), "/id", "wrong-type"),
    (actor(kind="army"), "/kind", "unknown-value"),
    *[(actor(**{name: "x"}), f"/{name}", "wrong-type") for name in ("aliases", "member_of", "external_ids")],
    *[(actor(**{name: [5]}), f"/{name}/0", "wrong-type") for name in ("aliases", "member_of")],
    *[(actor(**{name: ["a", ""]}), f"/{name}/1", "blank") for name in ("aliases", "member_of")],
    *[(actor(**{name: ["a"] * 201}), f"/{name}", "too-many") for name in ("aliases", "member_of")],
    (actor(description="x" * 20_001), "/description", "too-long"),
    (actor(country=5), "/country", "wrong-type"),
    (actor(external_ids=["ucdp"]), "/external_ids", "wrong-type"),
    (actor(external_ids={"ucdp": 303}), "/external_ids/ucdp", "wrong-type"),
    (actor(external_ids={"ucdp": ""}), "/external_ids/ucdp", "blank"),
    (actor(external_ids={"UC/DP": "1"}), "/external_ids/UC~1DP", "wrong-form"),
    (actor(external_ids={f"s{n}": "1" for n in range(51)}), "/external_ids", "too-many"),
    (actor(alias=["x"]), "/alias", "unknown-field"),
]


@pytest.mark.parametrize(("given", "pointer", "code"), WRONG, ids=short)
def test_a_wrong_value_is_refused_where_it_stands(given: Any, pointer: str, code: str) -> None:
    assert (pointer, code) in faults(given)


@pytest.mark.parametrize("name", ["events", "first", "last", "version", "created", "updated"])
def test_what_the_server_counts_is_ignored(name: str) -> None:
    assert load(ActorBody(), actor(**{name: ["anything"]})) == load(ActorBody(), actor())


# Writing


def test_actors_are_written_all_or_none_with_a_pointer_to_each_fault(database: Database) -> None:
    before = everything(database)
    bodies = [actor(id="a"), actor(id="B"), 5, actor(country="Narnia"), actor(member_of=["nobody"])]
    assert set(refusal(database, *bodies)) == {
        ("/1/id", "wrong-form"),
        ("/2", "wrong-type"),
        ("/3/country", "unknown-country"),
    }
    assert refusal(database, actor(id="a"), actor(member_of=["taliban", "nobody"])) == [
        ("/1/member_of/1", "unknown-actor")
    ]
    assert everything(database) == before


def test_null_external_ids_are_none(empty_database: Database) -> None:
    assert write_actors(empty_database, [actor(external_ids=None)], by="tester") == 1
    assert check(empty_database) == []


def test_an_actor_gets_an_id_from_its_name_and_its_country_by_any_name(empty_database: Database) -> None:
    given = [actor(name="Brigade Ñandú (South)", country="Afghanistan"), actor(name="طالبان"), actor(name="🕌")]
    assert write_actors(empty_database, given, by="tester") == 3
    rows = dict(fetch(empty_database, "SELECT id, country FROM actor"))
    assert rows["brigade-nandu-south"] == "AF"
    assert len([made for made in rows if made.startswith("actor-")]) == 2
    assert check(empty_database) == []


@pytest.mark.parametrize("name", ["unknown", "Unknown"])
def test_a_reserved_id_is_no_actors(empty_database: Database, name: str) -> None:
    [(pointer, code)] = refusal(empty_database, {"name": name})
    assert (pointer, code) == ("/0/id", "reserved")


def test_an_organisation_may_stand_later_than_its_member_and_be_given_by_name(empty_database: Database) -> None:
    given = [actor(id="m", member_of=["The Guild"]), actor(id="g", name="Guild of all", aliases=["the guild"])]
    write_actors(empty_database, given, by="tester")
    assert fetch(empty_database, "SELECT actor, organisation FROM actor_membership") == [("m", "g")]


def test_a_circle_of_memberships_ends(empty_database: Database) -> None:
    given = [actor(id=a, name=f"Band {a}", member_of=[b]) for a, b in (("a", "b"), ("b", "c"), ("c", "a"))]
    write_actors(empty_database, given, by="tester")
    assert actors.views(empty_database, ["a"])["a"].organisations == ("b", "c")
    put(empty_database, body(id="e", actors=["a"]))
    assert check(empty_database) == []


def test_doubled_aliases_do_no_harm(empty_database: Database) -> None:
    write_actors(empty_database, [actor(id="m", aliases=["x", "X", "x", "…"])], by="tester")
    assert check(empty_database) == []


@pytest.mark.parametrize(
    ("organisations", "step", "code"),
    [(["g", "Guild"], 1, "duplicate"), (["g", "m"], 1, "own-id"), (["M"], 0, "own-id")],
)
def test_an_actor_is_a_member_of_another_and_once(
    empty_database: Database, organisations: list[str], step: int, code: str
) -> None:
    given = [actor(id="g", name="Guild"), actor(id="m", name="M", member_of=organisations)]
    with pytest.raises(Refused) as refused:
        write_actors(empty_database, given, by="tester")
    assert found(refused.value.faults) == [(f"/1/member_of/{step}", code)]


def test_the_same_actor_twice_changes_nothing(database: Database) -> None:
    before = everything(database)
    assert write_actors(database, read_seed("actors"), by="tester") == 0
    assert everything(database) == before


def test_another_actors_name_does_not_take_an_actors_id_away(database: Database) -> None:
    write_actors(database, [actor(id="impostor", aliases=["taliban"])], by="tester")
    put(database, body(id="a", actors=["taliban"]))
    assert document(database, "a")["actors"][0]["id"] == "taliban"


def test_a_name_that_an_actor_no_longer_has_no_longer_finds_it(database: Database) -> None:
    write_actors(database, [seed_actor("is-k", aliases=[])], by="tester")
    [rejection] = put(database, body(actors=["ISKP"])).rejected
    assert found(rejection.faults) == [("/actors/0", "unknown-actor")]


# Events follow


def test_a_new_name_shows_in_every_answer_at_once(client: FlaskClient, database: Database) -> None:
    path = "/v1/events/panjshir-clash"
    before = client.get(path)
    other = client.get("/v1/events/kabul-airport-bombing").headers["ETag"]
    sequence = store_state(database).sequence
    write_actors(database, [seed_actor("taliban", name="The Movement")], by="tester")
    after = client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert "The Movement" in [item["name"] for item in after.get_json()["actors"]]
    assert after.headers["ETag"] == before.headers["ETag"].rstrip('"') + '.1"'
    assert (after.get_json()["version"], after.get_json()["updated"]) == (1, before.get_json()["updated"])
    named = "taliban" in str(client.get("/v1/events/kabul-airport-bombing").get_json()["actors"])
    assert (client.get("/v1/events/kabul-airport-bombing").headers["ETag"] == other) is not named
    assert store_state(database).sequence == sequence + 1
    assert check(database) == []


def test_a_claimants_new_name_shows_too(database: Database) -> None:
    write_actors(database, [seed_actor("fahim-dashti", name="F. Dashti")], by="tester")
    claimants = [item["claimant"] for item in document(database, "panjshir-clash")["claims"]]
    assert {"id": "fahim-dashti", "name": "F. Dashti"} in claimants
    assert check(database) == []


@pytest.mark.parametrize("given", [{"id": "quince"}, {}], ids=["by id", "by name"])
def test_a_membership_puts_a_members_events_under_the_organisation(
    client: FlaskClient, database: Database, given: dict[str, Any]
) -> None:
    write_actors(database, [{"name": "Quince", **given}], by="tester")
    put(database, body(id="a", actors=["quince"]))
    before = ids(client, "actor=nrf")
    write_actors(database, [{"name": "Quince", "member_of": ["nrf"], **given}], by="tester")
    assert ids(client, "actor=nrf") == sorted([*before, "a"])
    assert check(database) == []
    write_actors(database, [{"name": "Quince", **given}], by="tester")
    assert ids(client, "actor=nrf") == before
    assert check(database) == []


def test_an_organisation_that_joins_another_takes_its_members_along(client: FlaskClient, database: Database) -> None:
    bodies = [actor(id="top", name="Top"), actor(id="mid", name="Mid"), actor(id="low", name="Low", member_of=["mid"])]
    write_actors(database, bodies, by="tester")
    put(database, body(id="a", actors=["low"]), body(id="b", claims=[claim(claimant="low")]))
    assert ids(client, "actor=top") == []
    write_actors(database, [actor(id="mid", name="Mid", member_of=["top"])], by="tester")
    assert ids(client, "actor=top") == ["a"]
    assert check(database) == []


def test_what_concerns_no_answer_leaves_editions_alone(client: FlaskClient, database: Database) -> None:
    before = client.get("/v1/events/panjshir-clash").headers["ETag"]
    write_actors(database, [seed_actor("taliban", description="another", aliases=["New alias"])], by="tester")
    assert client.get("/v1/events/panjshir-clash").headers["ETag"] == before
    assert ids(client, "actor=new-alias") == ids(client, "actor=taliban")


def test_an_actor_that_fails_half_way_leaves_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(database)

    def fail(*given: Any) -> None:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(read_side, "apply", fail)
        with pytest.raises(RuntimeError):
            write_actors(database, [seed_actor("taliban", name="The Movement")], by="tester")
    assert everything(database) == before


def test_new_actors_never_take_an_id_that_another_has(empty_database: Database) -> None:
    # Their ids would all be "foo": what makes the names differ has no form in ASCII.
    names = ["Foo 中", "Foo 国", "Foo 人"]
    for number, name in enumerate(names):
        put(empty_database, body(id=f"event-{number}", actors=[{"name": name}]), create_actors=True)
    shown = [document(empty_database, f"event-{number}")["actors"][0]["name"] for number in range(3)]
    assert shown == names


def test_new_actors_of_one_batch_never_take_the_same_id(empty_database: Database) -> None:
    names = ["Foo 中", "Foo 国", "Foo 人"]
    put(empty_database, body(id="event", actors=[{"name": name} for name in names]), create_actors=True)
    assert [actor["name"] for actor in document(empty_database, "event")["actors"]] == names


def test_an_actor_that_is_made_from_an_id_keeps_that_id(empty_database: Database) -> None:
    """So a store can be moved to another one as exports have it, with dots and underscores in the ids."""
    named = {"id": "a.b_c", "name": "The A. B."}
    report = put(empty_database, body(id="event", actors=[named, "d..e"]), create_actors=True)
    assert report.rejected == []
    named_there = document(empty_database, "event")["actors"]
    assert [(actor["id"], actor["name"]) for actor in named_there] == [("a.b_c", "The A. B."), ("d..e", "d..e")]


def test_a_rejected_event_leaves_no_new_actor_behind(empty_database: Database) -> None:
    refused = body(id="event", actors=[{"name": "New Front"}], location={"province": "Nowhere"})
    report = put(empty_database, refused, create_actors=True)
    assert len(report.rejected) == 1
    assert fetch(empty_database, "SELECT id FROM actor") == []
    assert fetch(empty_database, "SELECT sequence FROM revision") == []


def test_an_organisation_that_is_written_with_its_member_is_found_by_name(empty_database: Database) -> None:
    organisation = {"id": "x1", "name": "Foo Org"}
    write_actors(empty_database, [organisation], by="test")
    write_actors(empty_database, [organisation, {"id": "m", "name": "M", "member_of": ["Foo Org"]}], by="test")
    assert views(empty_database, ["m"])["m"].organisations == ("x1",)


def test_a_reserved_word_is_one_in_any_spelling(empty_database: Database) -> None:
    counted = {"measure": "killed", "low": 1}
    put(
        empty_database,
        body(id="event", claims=[{**counted, "of": "Unknown"}, {**counted, "of": "CIVILIANS"}]),
        create_actors=True,
    )
    assert [found["of"] for found in document(empty_database, "event")["claims"]] == ["unknown", "civilians"]


def test_actors_of_one_name_to_which_a_dataset_gives_different_ids_stay_apart(empty_database: Database) -> None:
    for number in ("1", "2", "3"):
        hint = {"name": "National Front", "kind": "rebel-group", "external_ids": {"ucdp": number}}
        draft = Draft(1, body(id=f"event-{number}", actors=[{"name": "National Front"}]), None, [hint])
        assert write_events(empty_database, [draft], by="test", create_actors=True).rejected == []
    taking_part = {document(empty_database, f"event-{number}")["actors"][0]["id"] for number in ("1", "2", "3")}
    assert len(taking_part) == 3


def test_actors_that_show_as_before_cost_no_reading_of_their_events(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = sent_to(database, monkeypatch)
    actors_told_anew = [{**known, "description": "Told anew."} for known in read_seed("actors")]
    assert write_actors(database, actors_told_anew, by="test") == len(actors_told_anew)
    assert statements
    assert not [sql for sql in statements if "FROM timeline" in sql or "JOIN revision" in sql]
