"""Bodies that cannot be taken: what is wrong is told with its place, and nothing is stored."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.http import JSON, JSON_PATCH, MERGE_PATCH
from tests.answers import problem
from tests.conftest import event_body
from tests.sending import CLASH, entries, operate

# Where a body of JSON is taken: method, path and media type.
DOORS: dict[str, tuple[str, str, str]] = {
    "post": ("POST", "/v1/events", JSON),
    "put": ("PUT", "/v1/events/none", JSON),
    "merge-patch": ("PATCH", CLASH, MERGE_PATCH),
    "json-patch": ("PATCH", CLASH, JSON_PATCH),
    "restore": ("POST", CLASH + "/restore", JSON),
    "actor-post": ("POST", "/v1/actors", JSON),
    "actor-put": ("PUT", "/v1/actors/none", JSON),
    "actor-patch": ("PATCH", "/v1/actors/nrf", MERGE_PATCH),
    "actor-restore": ("POST", "/v1/actors/nrf/restore", JSON),
    "merge": ("POST", "/v1/actors/nrf/merge", JSON),
}
Sender = Callable[..., TestResponse]


@pytest.fixture(params=DOORS)
def send(request: pytest.FixtureRequest, refused: FlaskClient) -> Sender:
    """Sends bytes to one of the doors."""
    method, path, media_type = DOORS[request.param]

    def sent(data: bytes, **more: Any) -> TestResponse:
        return refused.open(path, method=method, data=data, **{"content_type": media_type, **more})

    return sent


# What is no JSON


NO_JSON = [
    b"",
    b" \r\n\t",
    b"\xef\xbb\xbf",
    b"{",
    b'{"title": "x"',
    b'{"title": "x"} {}',
    b'{"title": "x",}',
    b"{'title': 'x'}",
    b'{"title": NaN}',
    b'{"title": [Infinity, -Infinity]}',
    b'{"title": 01}',
    b'{"title": .5}',
    b'{"title": "a\nb"}',
    b'{"title": "\\x41"}',
    b'{"title": "\\ud83"}',
    b"title=x",
    b"undefined",
    b'{"title": "caf\xe9"}',
    b'{"title": "\xed\xa0\x80"}',
    b'{"title": "\xff"}',
    '{"title": "x"}'.encode("utf-16"),
    '{"title": "x"}'.encode("utf-32-le"),
    b"\x00",
    b'{"title": "x"}\x00',
    b"\x1f\x8b\x08\x00",
]


def test_what_is_no_json_cannot_be_read(send: Sender) -> None:
    for data in NO_JSON:
        answer = send(data, environ_overrides={"CONTENT_LENGTH": str(len(data))})
        assert problem(answer, 400)["type"] == "/problems/bad-request", data


def test_another_media_type_is_not_taken(send: Sender) -> None:
    for content_type in ("", "text/plain", "text/json", "application/xml", "application/jsonx", ";"):
        document = problem(send(b"{}", content_type=content_type), 415)
        assert document["type"] == "/problems/unsupported-media-type"
        assert "application/json" in document["detail"]


def test_another_charset_than_utf_8_is_not_taken(send: Sender) -> None:
    for charset in ("latin-1", "utf-16", "us-ascii", "nonsense"):
        problem(send(b"{}", content_type=f"application/json; charset={charset}"), 415)


def test_a_compressed_body_is_not_taken(send: Sender) -> None:
    for encoding in ("gzip", "br", "deflate", "gzip, identity", "nonsense"):
        problem(send(b"{}", headers={"Content-Encoding": encoding}), 415)


def test_a_body_without_its_length_is_not_taken(send: Sender) -> None:
    without: tuple[dict[str, Any], ...] = ({"HTTP_TRANSFER_ENCODING": "chunked"}, {"CONTENT_LENGTH": None})
    for environ in without:
        assert problem(send(b"{}", environ_overrides=environ), 411)["type"] == "/problems/length-required"


def test_a_body_that_breaks_off_is_not_taken(send: Sender) -> None:
    for data in (b"", b"{}", b'{"title": "x", "date": "2021"}'):
        problem(send(data, environ_overrides={"CONTENT_LENGTH": str(len(data) + 1)}), 400)


def test_a_body_over_the_limit_is_not_taken(send: Sender) -> None:
    assert problem(send(b" " * (2**20 + 1)), 413)["type"] == "/problems/too-large"


# What is JSON and is refused all the same


def deep(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


def test_deep_nesting_is_refused(send: Sender) -> None:
    for data in (deep(33), b"[" * 33 + b"]" * 33, deep(1000), b"[" * 100_000 + b"]" * 100_000):
        assert [code for _, code in entries(send(data))] == ["too-deep"], data[:40]


def test_as_deep_as_may_be_is_judged_by_what_it_says(send: Sender) -> None:
    assert "too-deep" not in [code for _, code in entries(send(deep(32)))]


REPEATED = [
    (b'{"title": "x", "date": "2021", "title": "x"}', ["/title"]),
    (b'{"title": 1, "title": 2, "title": 3}', ["/title"]),
    (b'{"a": 1, "a": 1, "b": 1, "b": 2}', ["/a", "/b"]),
    (b'{"a": [{"b": {"c": 1, "c": 2}}]}', ["/a/0/b/c"]),
    (b'{"a/b~": 1, "a/b~": 2}', ["/a~1b~0"]),
    (b'{"\\u0061": 1, "a": 2}', ["/a"]),
    (b'[{"op": "remove", "op": "test", "path": "/title"}]', ["/0/op"]),
]


def test_keys_that_stand_twice_are_refused_where_they_stand(send: Sender) -> None:
    for data, pointers in REPEATED:
        assert entries(send(data)) == [(pointer, "duplicate-key") for pointer in pointers]


def test_many_keys_of_which_one_stands_twice_are_refused_at_once(refused: FlaskClient) -> None:
    data = b"{" + b",".join(b'"%d":0' % n for n in range(80_000)) + b',"7":0}'
    begun = time.perf_counter()
    answer = refused.post("/v1/events", data=data, content_type=JSON)
    assert entries(answer) == [("/7", "duplicate-key")]
    assert time.perf_counter() - begun < 5


def test_a_value_that_is_no_object_is_refused_as_a_whole(send: Sender) -> None:
    for data in (b"null", b"true", b"5", b'"x"', b"1e999", b"-0", b"9" * 5000):
        assert entries(send(data)) == [("", "wrong-type")], data[:40]


# What an event may not be

SOUND: dict[str, Any] = {
    "location": {"country": "AF", "province": "AF-PAN", "latitude": 35, "longitude": 69},
    "actors": [{"id": "taliban", "role": "side-a"}, {"id": "nrf"}],
    "claims": [{"claimant": {"id": "nrf"}, "measure": "killed", "of": "taliban", "best": 3, "source": "rt"}],
    "sources": [{"ref": "rt", "publisher": "RT"}, {"ref": "ap"}],
    "related": [{"id": "us-withdrawal", "relation": "follows"}],
    "tags": ["a", "b"],
}


def placed(sound: Any, path: str, value: Any) -> Any:
    """A copy of a sound body with a value at a place."""
    whole = json.loads(json.dumps(sound))
    *steps, last = path.strip("/").split("/")
    place = whole
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    place[int(last) if isinstance(place, list) else last] = value
    return whole


# The place, what is put there, the code, and the place of the fault where that is another one.
EVENT_FAULTS: list[tuple[str, Any, str, str]] = [
    *[(path, 5, "wrong-type", path) for path in ("/id", "/title", "/summary", "/date", "/type", "/status", "/dataset")],
    *[(path, 5, "wrong-type", path) for path in ("/location", "/actors", "/claims", "/sources", "/related", "/tags")],
    *[(path, 5, "wrong-type", path) for path in ("/claims/0", "/sources/0", "/related/0", "/actors/0", "/tags/0")],
    *[(path, None, "null", path) for path in ("/title", "/date", "/type", "/related/0/relation", "/claims/0/stance")],
    *[(path, "a\x00", "unstorable-character", path) for path in ("/title", "/location/place", "/tags/1")],
    *[(path, "\ud800", "unstorable-character", path) for path in ("/summary", "/claims/0/statement", "/actors/0/id")],
    *[(path + "/x", 1, "unknown-field", path + "/x") for path in ("", "/location", "/actors/0", "/claims/0")],
    *[(path + "/x", 1, "unknown-field", path + "/x") for path in ("/sources/0", "/related/0")],
    ("/title", "x" * 501, "too-long", "/title"),
    ("/title", " ", "blank", "/title"),
    ("/summary", "x" * 20_001, "too-long", "/summary"),
    ("/date", "2021-02-30", "no-such-day", "/date"),
    ("/date", "2021-09/2021-08", "reversed-interval", "/date"),
    ("/date", "0999", "year-out-of-range", "/date"),
    ("/date", "2021-21", "season", "/date"),
    ("/type", "battle/none", "unknown-value", "/type"),
    ("/dataset", "A B", "wrong-form", "/dataset"),
    ("/location/country", "Atlantis", "unknown-country", "/location/country"),
    ("/location/country", "PK", "province-elsewhere", "/location/province"),
    ("/location/province", "Nowhere at all", "unknown-province", "/location/province"),
    ("/location/latitude", 90.5, "out-of-range", "/location/latitude"),
    ("/location/latitude", -(10**400), "out-of-range", "/location/latitude"),
    ("/location/longitude", None, "required", "/location/longitude"),
    ("/location/precision", "about", "unknown-value", "/location/precision"),
    ("/actors", ["taliban"] * 201, "too-many", "/actors"),
    ("/actors/1/id", "taliban", "duplicate", "/actors/1"),
    ("/actors/1", {"id": "Taleban", "role": "side-a"}, "duplicate", "/actors/1"),
    ("/actors/1/id", "nobody at all", "unknown-actor", "/actors/1/id"),
    ("/actors/1/id", None, "required", "/actors/1/id"),
    ("/actors/1/role", "hero", "unknown-value", "/actors/1/role"),
    ("/claims/0/claimant", {"id": "nobody at all"}, "unknown-actor", "/claims/0/claimant/id"),
    ("/claims/0/claimant", {}, "required", "/claims/0/claimant"),
    ("/claims/0/of", "nobody at all", "unknown-actor", "/claims/0/of"),
    ("/claims/0/statement", "x" * 5001, "too-long", "/claims/0/statement"),
    ("/claims/0/best", -1, "out-of-range", "/claims/0/best"),
    ("/claims/0/best", 10**9 + 1, "out-of-range", "/claims/0/best"),
    ("/claims/0/best", 10**400, "out-of-range", "/claims/0/best"),
    ("/claims/0/best", 2.5, "wrong-type", "/claims/0/best"),
    ("/claims/0/best", True, "wrong-type", "/claims/0/best"),
    ("/claims/0/low", 4, "out-of-range", "/claims/0/low"),
    ("/claims/0/source", "rtt", "unknown-source", "/claims/0/source"),
    ("/claims/0/date", "soon", "not-a-date", "/claims/0/date"),
    ("/claims/0/preferred", "yes", "wrong-type", "/claims/0/preferred"),
    ("/sources/1/ref", "rt", "duplicate", "/sources/1/ref"),
    ("/sources/0/url", "ftp://example.org/", "wrong-form", "/sources/0/url"),
    ("/sources/0/url", "javascript:alert(1)", "wrong-form", "/sources/0/url"),
    ("/related/0/id", "none", "unknown-event", "/related/0/id"),
    ("/related/0/id", "A B", "wrong-form", "/related/0/id"),
    ("/related/0/relation", "before", "unknown-value", "/related/0/relation"),
    ("/tags", [str(n) for n in range(101)], "too-many", "/tags"),
    ("/tags/1", "a", "duplicate", "/tags/1"),
    ("/tags/1", "a,b", "wrong-form", "/tags/1"),
    ("/tags/1", "x" * 65, "too-long", "/tags/1"),
    ("/start", "2021-08-25", "derived", "/start"),
    ("/casualties", {}, "derived", "/casualties"),
]


def short(value: object) -> str:
    """What to call a case by."""
    return repr(value)[:30]


@pytest.mark.parametrize(("path", "value", "code", "pointer"), EVENT_FAULTS, ids=short)
def test_what_an_event_may_not_be_is_refused_where_it_stands(
    refused: FlaskClient, path: str, value: Any, code: str, pointer: str
) -> None:
    given = placed(event_body(**SOUND), path, value)
    # A duplicate of an actor is one with the same role.
    if path == "/actors/1/id" and code == "duplicate":
        given["actors"][1]["role"] = "side-a"
    assert (pointer, code) in entries(refused.post("/v1/events", json=given))
    headers = {"If-None-Match": "*"}
    assert (pointer, code) in entries(refused.put("/v1/events/other", json=given, headers=headers))


def test_every_fault_of_a_body_is_told_at_once_with_what_would_be_right(refused: FlaskClient) -> None:
    given = {"date": "soon", "status": "conformed", "actors": ["taliban", 5], "tag": [], "claims": [{"low": -1}]}
    document = problem(refused.post("/v1/events", json=given), 422)
    told = {entry["pointer"]: entry for entry in document["errors"]}
    assert told.keys() == {"/title", "/date", "/status", "/actors/1", "/tag", "/claims/0/low"}
    assert {entry["in"] for entry in document["errors"]} == {"body"}
    assert (told["/status"]["suggestions"][0], told["/tag"]["suggestions"][0]) == ("confirmed", "tags")


def test_names_that_nobody_has_come_with_the_nearest(refused: FlaskClient) -> None:
    given = event_body(actors=["talban"], location={"province": "Panjshire"}, claims=[{"of": "IS-KP2"}])
    told = {entry["pointer"]: entry for entry in problem(refused.post("/v1/events", json=given), 422)["errors"]}
    assert "taliban" in told["/actors/0"]["suggestions"]
    assert "AF-PAN" in told["/location/province"]["suggestions"]
    assert "is-k" in told["/claims/0/of"]["suggestions"]


def test_the_operations_of_a_patch_are_judged_by_what_they_make(refused: FlaskClient) -> None:
    for path, value, code, pointer in EVENT_FAULTS:
        if path in ("/title", "/date", "/type", "/summary", "/dataset") and value is not None:
            assert entries(operate(refused, CLASH, {"op": "add", "path": path, "value": value})) == [(pointer, code)]


# What an actor may not be

ACTOR = {"name": "Quince Regiment", "aliases": ["QR"], "member_of": ["nrf"], "external_ids": {"ucdp": "7"}}
ACTOR_FAULTS: list[tuple[str, Any, str, str]] = [
    *[(path, 5, "wrong-type", path) for path in ("/id", "/name", "/aliases", "/kind", "/member_of", "/country")],
    *[(path, 5, "wrong-type", path) for path in ("/description", "/external_ids", "/aliases/0", "/member_of/0")],
    *[(path, "a\x00", "unstorable-character", path) for path in ("/name", "/aliases/0", "/description")],
    *[(path, "\udfff", "unstorable-character", path) for path in ("/name", "/external_ids/ucdp")],
    *[(path, " ", "blank", path) for path in ("/name", "/aliases/0", "/member_of/0", "/external_ids/ucdp")],
    *[(path, "x" * 501, "too-long", path) for path in ("/name", "/aliases/0", "/external_ids/ucdp", "/country")],
    ("/id", "A B", "wrong-form", "/id"),
    ("/id", "unknown", "reserved", "/id"),
    ("/name", None, "null", "/name"),
    ("/aliases", ["x"] * 201, "too-many", "/aliases"),
    ("/kind", "army", "unknown-value", "/kind"),
    ("/member_of/0", "nobody at all", "unknown-actor", "/member_of/0"),
    ("/country", "Atlantis", "unknown-country", "/country"),
    ("/description", "x" * 20_001, "too-long", "/description"),
    ("/external_ids/UCDP", "7", "wrong-form", "/external_ids/UCDP"),
    ("/external_ids", {f"d{n}": "7" for n in range(51)}, "too-many", "/external_ids"),
    ("/nam", "x", "unknown-field", "/nam"),
]


@pytest.mark.parametrize(("path", "value", "code", "pointer"), ACTOR_FAULTS, ids=short)
def test_what_an_actor_may_not_be_is_refused_where_it_stands(
    refused: FlaskClient, path: str, value: Any, code: str, pointer: str
) -> None:
    given = placed(ACTOR, path, value)
    assert (pointer, code) in entries(refused.post("/v1/actors", json=given))
    if path != "/id":
        headers = {"If-None-Match": "*"}
        assert (pointer, code) in entries(refused.put("/v1/actors/none", json=given, headers=headers))


def test_an_actor_needs_a_name(refused: FlaskClient) -> None:
    assert entries(refused.post("/v1/actors", json={"kind": "person"})) == [("/name", "required")]


# What is to be restored or merged


@pytest.mark.parametrize(
    ("body", "entry"),
    [
        ({}, ("/version", "required")),
        *[({"version": value}, ("/version", "wrong-type")) for value in ("1", True, 1.5, [1], {"a": 1})],
        *[({"version": value}, ("/version", "out-of-range")) for value in (0, -1, 2**31, 10**400)],
        ({"version": None}, ("/version", "null")),
        ({"version": 1, "versoin": 1}, ("/versoin", "unknown-field")),
        ([1], ("", "wrong-type")),
    ],
    ids=short,
)
@pytest.mark.parametrize("path", [CLASH, "/v1/actors/nrf"])
def test_what_cannot_be_restored_is_refused(refused: FlaskClient, path: str, body: Any, entry: tuple[str, str]) -> None:
    assert entries(refused.post(f"{path}/restore", json=body)) == [entry]


@pytest.mark.parametrize(
    ("body", "entry"),
    [
        ({}, ("/into", "required")),
        *[({"into": value}, ("/into", "wrong-type")) for value in (5, True, ["taliban"], {"id": "taliban"})],
        ({"into": None}, ("/into", "null")),
        ({"into": ""}, ("/into", "blank")),
        ({"into": "x" * 501}, ("/into", "too-long")),
        ({"into": "\x00"}, ("/into", "unstorable-character")),
        ({"into": "nobody at all"}, ("/into", "unknown-actor")),
        ({"into": "National Resistance Front"}, ("/into", "own-id")),
        ({"into": "taliban", "form": 1}, ("/form", "unknown-field")),
    ],
    ids=short,
)
def test_what_cannot_be_merged_is_refused(refused: FlaskClient, body: Any, entry: tuple[str, str]) -> None:
    assert entries(refused.post("/v1/actors/nrf/merge", json=body)) == [entry]


# What looks odd and is taken


def test_odd_but_sound_bodies_are_taken(writer: FlaskClient) -> None:
    text = json.dumps(event_body(title="🕌 \u2028"), ensure_ascii=False)
    for data, content_type in (
        (b"\xef\xbb\xbf" + text.encode(), JSON),
        (b"\r\n\t " + text.encode() + b"\n", "application/json; charset=UTF-8"),
        (text.encode(), "APPLICATION/JSON;charset=utf8"),
        (text.encode(), 'application/json; charset="utf-8"; profile=x'),
    ):
        answer = writer.post("/v1/events", data=data, content_type=content_type)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        assert answer.get_json()["title"] == "🕌 \u2028"
    headers = {"Content-Encoding": "identity"}
    assert writer.post("/v1/events", data=text.encode(), content_type=JSON, headers=headers).status_code == 201
