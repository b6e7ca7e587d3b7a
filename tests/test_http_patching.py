"""Patching over HTTP: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902) of what an answer shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.http import JSON_PATCH
from tests.answers import problem
from tests.conftest import event_body
from tests.sending import ANY, CLASH, done, entries, ids, matching, merge, operate, read, sequence


def patched(client: FlaskClient, **members: Any) -> Any:
    """The clash once a merge patch has been applied to it."""
    return done(merge(client, CLASH, members))


def made(client: FlaskClient, **members: Any) -> str:
    """The path of a new event."""
    return "/v1/events/" + str(done(client.post("/v1/events", json=event_body(**members)), 201)["id"])


# Merge patch


def test_a_patch_changes_what_it_names_and_nothing_else(writer: FlaskClient) -> None:
    before = read(writer, CLASH)
    answer = merge(writer, CLASH, {"title": "Other", "tags": ["a"]}, matching(1))
    after = done(answer)
    assert answer.headers["ETag"] == '"2"'
    assert int(answer.headers["X-Sequence"]) == sequence(writer)
    assert writer.get(CLASH).data == answer.data
    assert after == {**before, "title": "Other", "tags": ["a"], "version": 2, "updated": after["updated"]}


def test_plain_json_is_a_merge_patch_as_well(writer: FlaskClient) -> None:
    assert done(writer.patch(CLASH, json={"title": "Other"}, headers=ANY))["title"] == "Other"


def test_null_takes_a_member_out_so_that_it_gets_its_default(writer: FlaskClient) -> None:
    after = patched(writer, summary=None, tags=None, type=None, status=None, location=None, claims=None)
    assert (after["summary"], after["tags"], after["location"], after["claims"]) == (None, [], None, [])
    assert (after["type"], after["status"], after["casualties"]) == ("other", "reported", {})
    assert entries(merge(writer, CLASH, {"title": None})) == [("/title", "required")]


def test_a_list_is_replaced_as_a_whole(writer: FlaskClient) -> None:
    after = patched(writer, actors=[{"id": "is-k", "role": "target"}], related=[])
    assert after["actors"] == [{"id": "is-k", "name": "IS-K", "role": "target"}]
    assert after["related"] == []
    assert "panjshir-clash" not in ids(writer, "actor=taliban")
    assert "panjshir-clash" in ids(writer, "actor=is-k")


def test_a_location_is_patched_part_by_part(writer: FlaskClient) -> None:
    before = read(writer, CLASH)["location"]
    assert patched(writer, location={"place": "the bridge"})["location"] == {**before, "place": "the bridge"}
    moved = patched(writer, location={"latitude": 35.5, "place": None})["location"]
    assert moved == {**before, "latitude": 35.5, "place": None}
    assert entries(merge(writer, CLASH, {"location": {"latitude": None}})) == [("/location/latitude", "required")]


def test_a_location_can_be_given_to_an_event_that_had_none(writer: FlaskClient) -> None:
    path = made(writer, id="a")
    after = done(merge(writer, path, {"location": {"province": "Panjsher"}}))["location"]
    assert (after["country"], after["province"]) == ("AF", {"code": "AF-PAN", "name": "Panjshir"})


@pytest.mark.parametrize(
    "province",
    [
        "Khatlon",
        "TJ-KT",
        {"name": "Khatlon"},
        {"code": "TJ-KT"},
        {"code": "TJ-KT", "name": "Khatlon"},
        {"code": "TJ-KT", "name": "Panjshir"},
    ],
)
def test_a_province_without_its_country_brings_it(writer: FlaskClient, province: Any) -> None:
    after = patched(writer, location={"province": province})["location"]
    assert (after["country"], after["province"]) == ("TJ", {"code": "TJ-KT", "name": "Khatlon"})
    assert "panjshir-clash" in ids(writer, "country=TJ")


def test_a_province_and_a_country_that_do_not_fit_are_refused(writer: FlaskClient) -> None:
    refused = merge(writer, CLASH, {"location": {"province": "Khatlon", "country": "AF"}})
    assert entries(refused) == [("/location/province", "province-elsewhere")]
    assert entries(merge(writer, CLASH, {"location": {"country": "TJ"}})) == [
        ("/location/province", "province-elsewhere")
    ]


def test_a_province_of_several_countries_is_the_one_of_the_events_country(writer: FlaskClient) -> None:
    path = made(writer, id="a", location={"country": "PK"})
    after = done(merge(writer, path, {"location": {"province": "Punjab"}}))["location"]
    assert (after["country"], after["province"]["code"]) == ("PK", "PK-PB")
    assert entries(merge(writer, CLASH, {"location": {"province": "Punjab"}})) == [
        ("/location/province", "ambiguous-province")
    ]


def test_a_province_can_be_taken_out_and_its_country_stays(writer: FlaskClient) -> None:
    after = patched(writer, location={"province": None})["location"]
    assert (after["country"], after["province"]) == ("AF", None)


def test_what_follows_from_the_date_follows_a_new_one(writer: FlaskClient) -> None:
    after = patched(writer, date="2021-08~")
    assert (after["start"], after["end"], after["precision"]) == ("2021-08-01", "2021-08-31", "month")
    assert after["qualifier"] == "approximate"
    sent_back = {**after, "date": "../2021-08-30", "title": "Other"}
    after = done(merge(writer, CLASH, sent_back))
    assert (after["start"], after["end"], after["title"]) == (None, "2021-08-30", "Other")


def test_casualties_follow_new_claims_though_the_old_ones_are_sent_back(writer: FlaskClient) -> None:
    sent_back = {**read(writer, CLASH), "claims": [{"measure": "killed", "best": 5}]}
    after = done(merge(writer, CLASH, sent_back))
    assert after["casualties"] == {"killed": {"low": 5, "best": 5, "high": 5, "disputed": False}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start", "2021-08-29"),
        ("end", "2021-08-30"),
        ("precision", "month"),
        ("qualifier", "both"),
        ("casualties", {"killed": {"low": 6}}),
        ("casualties", {"missing": {"low": 1, "best": 1, "high": 1, "disputed": False}}),
    ],
)
def test_a_derived_member_cannot_be_set(refused: FlaskClient, name: str, value: Any) -> None:
    assert entries(merge(refused, CLASH, {name: value})) == [(f"/{name}", "derived")]
    operation = {"op": "replace", "path": f"/{name}", "value": value}
    assert entries(operate(refused, CLASH, operation)) == [(f"/{name}", "derived")]


@pytest.mark.parametrize("name", ["version", "created", "updated"])
def test_what_the_server_decides_is_ignored(writer: FlaskClient, name: str) -> None:
    before = sequence(writer)
    values: tuple[Any, ...] = (7, None, "2001-01-01T00:00:00.000Z", {"a": []})
    for value in values:
        assert patched(writer, **{name: value})["version"] == 1
    done(operate(writer, CLASH, {"op": "remove", "path": f"/{name}"}))
    assert sequence(writer) == before


@pytest.mark.parametrize("patch", [None, 5, "x", [], [{"op": "remove", "path": "/tags"}]])
def test_a_merge_patch_is_an_object(refused: FlaskClient, patch: Any) -> None:
    assert entries(merge(refused, CLASH, patch)) == [("", "wrong-type")]


# JSON Patch


def test_each_operation_does_what_the_rfc_says(writer: FlaskClient) -> None:
    before = read(writer, CLASH)
    answer = operate(
        writer,
        CLASH,
        {"op": "test", "path": "/actors/0/id", "value": "taliban"},
        {"op": "test", "path": "/location/latitude", "value": before["location"]["latitude"]},
        {"op": "add", "path": "/tags/-", "value": "last"},
        {"op": "add", "path": "/tags/0", "value": "first"},
        {"op": "replace", "path": "/title", "value": "Other"},
        {"op": "copy", "from": "/title", "path": "/summary"},
        {"op": "remove", "path": "/sources/0/url"},
        {"op": "move", "from": "/claims/0", "path": "/claims/1"},
        {"op": "remove", "path": "/related"},
        headers=matching(1),
    )
    after = done(answer)
    assert (after["title"], after["summary"]) == ("Other", "Other")
    assert after["tags"] == ["first", *before["tags"], "last"]
    assert after["claims"] == [before["claims"][1], before["claims"][0], *before["claims"][2:]]
    assert (after["related"], after["sources"][0]["url"]) == ([], None)
    assert (after["version"], writer.get(CLASH).data) == (2, answer.data)


def test_no_operation_is_done_where_one_cannot_be(writer: FlaskClient) -> None:
    before = writer.get(CLASH).data
    for last in (
        {"op": "test", "path": "/title", "value": "?"},
        {"op": "remove", "path": "/none"},
        {"op": "fly", "path": "/title"},
    ):
        problem(operate(writer, CLASH, {"op": "replace", "path": "/title", "value": "x"}, last), 422)
    assert writer.get(CLASH).data == before


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "test", "path": "/title", "value": "Other"}, "test-failed"),
        ({"op": "test", "path": "/version", "value": True}, "test-failed"),
        ({"op": "test", "path": "/version", "value": "1"}, "test-failed"),
        ({"op": "test", "path": "/none", "value": None}, "test-failed"),
        ({"op": "remove", "path": "/none"}, "no-such-place"),
        ({"op": "remove", "path": "/tags/99"}, "no-such-place"),
        ({"op": "remove", "path": "/tags/-"}, "no-such-place"),
        ({"op": "remove", "path": "/title/0"}, "no-such-place"),
        ({"op": "replace", "path": "/none", "value": 1}, "no-such-place"),
        ({"op": "add", "path": "/none/x", "value": 1}, "no-such-place"),
        ({"op": "add", "path": "/tags/99", "value": "x"}, "no-such-place"),
        ({"op": "add", "path": "/tags/01", "value": "x"}, "no-such-place"),
        ({"op": "add", "path": "/tags/-1", "value": "x"}, "no-such-place"),
        ({"op": "add", "path": "/title/0", "value": "x"}, "no-such-place"),
        ({"op": "add", "path": "tags", "value": "x"}, "no-such-place"),
        ({"op": "copy", "from": "/none", "path": "/title"}, "no-such-place"),
        ({"op": "move", "from": "/none", "path": "/title"}, "no-such-place"),
        ({"op": "move", "from": "/location", "path": "/location/place"}, "no-such-place"),
        ({"op": "move", "from": "/actors/0", "path": "/actors/0/name"}, "no-such-place"),
        ({"op": "move", "from": "", "path": "/title"}, "no-such-place"),
        ({"op": "fly", "path": "/title"}, "not-an-operation"),
        ({"op": None, "path": "/title"}, "not-an-operation"),
        ({"path": "/title"}, "not-an-operation"),
        ({"op": "remove"}, "not-an-operation"),
        ({"op": "remove", "path": None}, "not-an-operation"),
        ({"op": "remove", "path": ["title"]}, "not-an-operation"),
        ({"op": "add", "path": "/title"}, "not-an-operation"),
        ({"op": "replace", "path": "/title"}, "not-an-operation"),
        ({"op": "test", "path": "/title"}, "not-an-operation"),
        ({"op": "copy", "path": "/title"}, "not-an-operation"),
        ({"op": "move", "from": 5, "path": "/title"}, "not-an-operation"),
        (5, "not-an-operation"),
        (None, "not-an-operation"),
        ([], "not-an-operation"),
        ("remove", "not-an-operation"),
    ],
    ids=json.dumps,
)
def test_an_operation_that_cannot_be_done_is_told_by_its_place(refused: FlaskClient, operation: Any, code: str) -> None:
    sound = {"op": "replace", "path": "/title", "value": "x"}
    assert entries(operate(refused, CLASH, sound, operation)) == [("/1", code)]


@pytest.mark.parametrize("patch", [None, 5, "x", {}, {"op": "remove", "path": "/tags"}])
def test_a_json_patch_is_a_list(refused: FlaskClient, patch: Any) -> None:
    answer = refused.patch(CLASH, data=json.dumps(patch), content_type=JSON_PATCH, headers=ANY)
    assert entries(answer) == [("", "wrong-type")]


def test_the_whole_document_can_be_replaced_and_not_taken_away(writer: FlaskClient) -> None:
    whole = {"op": "replace", "path": "", "value": event_body(title="Other")}
    after = done(operate(writer, CLASH, whole))
    assert (after["id"], after["title"], after["actors"]) == ("panjshir-clash", "Other", [])
    problem(operate(writer, CLASH, {"op": "remove", "path": ""}), 422)
    values: tuple[Any, ...] = (None, 5, "x", [])
    for value in values:
        refused = operate(writer, CLASH, {"op": "add", "path": "", "value": value})
        assert entries(refused) == [("", "wrong-type")]
    assert entries(operate(writer, CLASH, {"op": "add", "path": "", "value": event_body(id="b")})) == [
        ("/id", "other-id")
    ]


def test_what_a_patch_makes_is_judged_like_any_event(writer: FlaskClient) -> None:
    operations = [
        {"op": "remove", "path": "/date"},
        {"op": "add", "path": "/actors/-", "value": "nobody at all"},
        {"op": "add", "path": "/titel", "value": "x"},
    ]
    assert set(entries(operate(writer, CLASH, *operations))) == {("/date", "required"), ("/titel", "unknown-field")}
    assert entries(operate(writer, CLASH, operations[1]))[0][1] == "unknown-actor"


def test_a_province_is_named_by_the_operations_as_by_a_merge_patch(writer: FlaskClient) -> None:
    replace = {"op": "replace", "path": "/location/province", "value": "Khatlon"}
    assert done(operate(writer, CLASH, replace))["location"]["country"] == "TJ"
    both = [{**replace, "value": "AF-PAN"}, {"op": "replace", "path": "/location/country", "value": "TJ"}]
    assert entries(operate(writer, CLASH, *both)) == [("/location/province", "province-elsewhere")]
    renamed = {"op": "replace", "path": "/location/province/name", "value": "Sughd"}
    assert done(operate(writer, CLASH, renamed))["location"]["province"]["code"] == "TJ-SU"


def test_a_patch_may_have_a_thousand_operations_and_no_more(writer: FlaskClient) -> None:
    sound = {"op": "test", "path": "/version", "value": 1}
    done(operate(writer, CLASH, *[sound] * 1000))
    assert entries(operate(writer, CLASH, *[sound] * 1001)) == [("", "too-many")]
    assert done(operate(writer, CLASH))["version"] == 1


def test_copies_of_copies_do_not_grow_without_end(writer: FlaskClient) -> None:
    grow = {"op": "copy", "from": "/version", "path": "/version/-"}
    bomb = [{"op": "replace", "path": "/version", "value": ["x" * 1000]}, *[grow] * 60]
    [(pointer, code)] = entries(operate(writer, CLASH, *bomb))
    assert (code, int(pointer[1:]) < 30) == ("too-large", True)


def nested_by_copies(times: int) -> list[Any]:
    """Operations that make a document twice as deep with each step."""
    operations: list[Any] = [{"op": "replace", "path": "/version", "value": {"a": {}}}]
    deepest = "/a"
    for _ in range(times):
        operations.append({"op": "copy", "from": "/version", "path": f"/version{deepest}/a"})
        deepest += "/a" + deepest
    return operations


def nested_by_moves(times: int) -> list[Any]:
    """Operations that make a document deeper by one level with each step."""
    step = [
        {"op": "add", "path": "/x", "value": {}},
        {"op": "move", "from": "/version", "path": "/x/a"},
        {"op": "move", "from": "/x", "path": "/version"},
    ]
    return [*step * times, {"op": "copy", "from": "/version", "path": "/created"}]


@pytest.mark.parametrize("operations", [nested_by_copies(5), nested_by_copies(12), nested_by_moves(330)])
def test_operations_cannot_nest_deeper_than_any_body_may(refused: FlaskClient, operations: list[Any]) -> None:
    assert {code for _, code in entries(operate(refused, CLASH, *operations))} == {"too-deep"}
