"""Who may do what over HTTP: keys in requests, closed reading, limits by address, and writing from other origins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from flask import Blueprint, Flask, Response
from flask.testing import FlaskClient
from peewee import SqliteDatabase
from werkzeug.test import TestResponse

from service import security
from service.app import create_app
from service.database import closing_database
from service.http import answer_json
from service.keys import create_key, list_keys, revoke_key
from service.security import authorized, signature
from service.settings import Settings
from tests.answers import problem
from tests.statements import sent_to

NOBODYS = f"dl_{'0' * 12}_{'0' * 64}"
OPEN = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/start.js", "/problems/unauthorized"]
DATA = ["/v1/events", "/v1/events/x", "/v1/actors", "/v1/provinces", "/v1/types", "/v1/datasets", "/v1/facets?by=type"]
Starter = Callable[..., AbstractContextManager[FlaskClient]]


def small_views() -> Blueprint:
    """Views that ask for a scope, as those that write do."""
    blueprint = Blueprint("small", __name__)

    @blueprint.post("/v1/small/<scope>")
    def write(scope: Any) -> Response:
        key = authorized(scope)
        return answer_json({"key": key.name, "signature": signature() if scope != "read" else None})

    return blueprint


@pytest.fixture
def started(empty_url: str) -> Starter:
    """Starts the application over an empty store of the test's own."""

    @contextmanager
    def start(**settings: Any) -> Iterator[FlaskClient]:
        app = create_app(Settings(database_url=empty_url, **settings))
        app.register_blueprint(small_views())
        with closing_database(app.extensions["dateline"]["database"]):
            yield app.test_client()

    return start


@pytest.fixture
def asking(started: Starter) -> Iterator[FlaskClient]:
    """A client of the application as it comes."""
    with started() as client:
        yield client


@pytest.fixture
def closed(started: Starter) -> Iterator[FlaskClient]:
    """A client of an application that only holders of keys may read from."""
    with started(public_read=False) as client:
        yield client


def key_for(client: FlaskClient, scope: Any = "write", name: str = "newsdesk") -> str:
    """A new key of the client's application."""
    return create_key(client.application.extensions["dateline"]["database"], name, scope).key


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def challenge(answer: TestResponse, status: int) -> str:
    """What a refusal says that is lacking."""
    slug = {401: "unauthorized", 403: "forbidden"}[status]
    assert problem(answer, status)["type"] == f"/problems/{slug}"
    return answer.headers["WWW-Authenticate"]


# Writing.


def test_a_key_lets_its_holder_write_and_sign(asking: FlaskClient) -> None:
    answer = asking.post("/v1/small/write", headers=bearer(key_for(asking)))
    assert answer.json == {"key": "newsdesk", "signature": "newsdesk"}


def test_writing_without_a_key_is_refused(asking: FlaskClient) -> None:
    assert challenge(asking.post("/v1/small/write"), 401) == 'Bearer realm="dateline"'


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer    ", " Bearer "])
def test_the_scheme_is_read_in_any_case_and_with_any_spaces(asking: FlaskClient, scheme: str) -> None:
    answer = asking.post("/v1/small/write", headers={"Authorization": f"{scheme}{key_for(asking)} "})
    assert answer.status_code == 200


def changed(key: str) -> list[str]:
    """The header with what is no valid key, in many ways."""
    return [
        "Bearer",
        "Bearer ",
        "Bearer dl",
        f"Bearer {NOBODYS}",
        f"Bearer {key[:-64]}{'0' * 64}",
        f"Bearer {key} {key}",
        f"Bearer {key}, Basic dTpw",
        f'Bearer "{key}"',
        f"Bearer {key}\xe9",
        f"Bearer {key.upper()}",
        f"Bearer {'x' * 10_000}",
        f"Bearer {key * 100}",
        "Bearer ' OR 1=1 --",
    ]


def test_a_key_that_is_not_valid_is_never_taken_for_nobodys(asking: FlaskClient) -> None:
    for header in changed(key_for(asking)):
        for send, path in ((asking.post, "/v1/small/read"), (asking.get, "/v1/types"), (asking.head, "/v1/types")):
            answer = send(path, headers={"Authorization": header})
            assert answer.status_code == 401, header
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="dateline", error="invalid_token"'


def test_a_revoked_key_is_not_valid(asking: FlaskClient) -> None:
    key = key_for(asking)
    revoke_key(asking.application.extensions["dateline"]["database"], "newsdesk")
    for answer in (asking.post("/v1/small/write", headers=bearer(key)), asking.get("/v1/types", headers=bearer(key))):
        assert challenge(answer, 401) == 'Bearer realm="dateline", error="invalid_token"'


@pytest.mark.parametrize(
    "header", ["", " ", "Basic dTpw", "Digest x", "Token y", "Bearertoken", "Basic dTpw, Bearer x"]
)
def test_credentials_of_another_kind_are_somebody_elses(asking: FlaskClient, header: str) -> None:
    assert asking.get("/v1/types", headers={"Authorization": header}).status_code == 200
    answer = asking.post("/v1/small/write", headers={"Authorization": header})
    assert challenge(answer, 401) == 'Bearer realm="dateline"'


def test_a_key_in_the_address_or_the_body_counts_for_nothing(asking: FlaskClient) -> None:
    key = key_for(asking)
    for name in ("access_token", "key", "api_key"):
        challenge(asking.post(f"/v1/small/write?{name}={key}"), 401)
        challenge(asking.post("/v1/small/write", data={name: key}), 401)
    problem(asking.get(f"/v1/types?access_token={key}"), 422)


@pytest.mark.parametrize(("held", "wanted"), [("read", "write"), ("read", "admin"), ("write", "admin")])
def test_a_scope_that_does_not_reach_is_refused(asking: FlaskClient, held: str, wanted: str) -> None:
    answer = asking.post(f"/v1/small/{wanted}", headers=bearer(key_for(asking, held)))
    assert challenge(answer, 403) == f'Bearer realm="dateline", error="insufficient_scope", scope="{wanted}"'
    assert wanted in problem(answer, 403)["detail"]


def test_a_wider_scope_includes_the_narrower(asking: FlaskClient) -> None:
    key = key_for(asking, "admin")
    for wanted in ("read", "write", "admin"):
        assert asking.post(f"/v1/small/{wanted}", headers=bearer(key)).status_code == 200


def test_the_key_costs_one_statement_however_often_a_request_asks(
    asking: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_for(asking)
    asking.get("/v1/types")
    sent = sent_to(asking.application.extensions["dateline"]["database"], monkeypatch)
    asking.post("/v1/small/write", headers=bearer(key))
    assert len(sent) == 1


def test_the_use_of_a_key_is_noted_after_the_answer(asking: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    key, store = key_for(asking), asking.application.extensions["dateline"]["database"]
    for path in ("/v1/small/write", "/v1/small/admin"):
        answer = asking.post(path, headers=bearer(key))
        [listed] = list_keys(store)
        assert listed["used"] is None, "the answer is not sent yet"
    answer.close()
    [listed] = list_keys(store)
    assert listed["used"] is not None
    sent = sent_to(store, monkeypatch)
    asking.post("/v1/small/write", headers=bearer(key)).close()
    assert len(sent) == 1, "the next one is noted in ten minutes"


def test_the_server_learns_who_may_write_outside_of_any_request(
    asking: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = asking.application.extensions["dateline"]
    store, may_write = ours["database"], ours["may_write"]
    keys = {scope: key_for(asking, scope, scope) for scope in ("read", "write", "admin")}
    store.close()
    assert {scope: may_write(f"Bearer {key}") for scope, key in keys.items()} == {
        "read": False,
        "write": True,
        "admin": True,
    }
    assert may_write(f" bearer   {keys['write']} ")
    assert store.is_closed() == (store.__class__ is not SqliteDatabase), "the connection was given back"
    for header in ("", "Basic dTpw", f"Basic {keys['write']}", *changed(keys["write"])):
        assert not may_write(header), header
    revoke_key(store, "write")
    assert not may_write(f"Bearer {keys['write']}")
    assert {key["used"] for key in list_keys(store)} == {None}


# Reading.


@pytest.mark.parametrize("path", DATA)
def test_closed_reading_needs_a_key(closed: FlaskClient, path: str) -> None:
    for send in (closed.get, closed.head):
        assert send(path).headers["WWW-Authenticate"] == 'Bearer realm="dateline"'
    challenge(closed.get(path), 401)
    challenge(closed.get(path, headers={"Authorization": "Basic dTpw"}), 401)
    for scope in ("read", "write", "admin"):
        answer = closed.get(path, headers=bearer(key_for(closed, scope, scope)))
        assert answer.status_code == (404 if path == "/v1/events/x" else 200)


@pytest.mark.parametrize("path", OPEN)
def test_what_is_no_data_stays_open(closed: FlaskClient, path: str) -> None:
    assert closed.get(path).status_code == 200
    assert closed.get(path, headers=bearer("wrong")).status_code == 200


def test_the_store_is_not_asked_about_requests_without_a_key(
    closed: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = sent_to(closed.application.extensions["dateline"]["database"], monkeypatch)
    for path in DATA:
        challenge(closed.get(path, headers={"If-None-Match": "*"}), 401)
        challenge(closed.get(path, headers={"If-None-Match": "*", **bearer("x")}), 401)
    assert sent == []


def test_paths_and_methods_are_judged_before_keys_and_keys_before_the_rest(closed: FlaskClient) -> None:
    for headers in ({}, bearer("wrong")):
        problem(closed.get("/v1/nothing", headers=headers), 404)
        problem(closed.delete("/v1/types", headers=headers), 405)
        challenge(closed.get("/v1/types?x=1", headers={"Accept": "image/png", **headers}), 401)
    problem(closed.get("/v1/types?x=1", headers={"Accept": "image/png", **bearer(key_for(closed))}), 406)


def test_preflights_need_no_key(closed: FlaskClient) -> None:
    headers = {"Origin": "https://news.example", "Access-Control-Request-Method": "GET"}
    answer = closed.options("/v1/events", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_refusal_can_be_read_from_other_origins(closed: FlaskClient) -> None:
    answer = closed.get("/v1/types", headers={"Origin": "https://news.example"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, "*")


# Limits. A time is moved, never waited for.


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the time of the limits on by so many seconds."""
    now = [1_800_000_000.0]

    class Clock:
        @staticmethod
        def time() -> float:
            return now[0]

    def move(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("limits.storage.memory.time", Clock)
    monkeypatch.setattr(security, "time", Clock)
    return move


def limited(answer: TestResponse) -> int:
    """The seconds after which to come again, of an answer that says so."""
    assert problem(answer, 429)["type"] == "/problems/too-many-requests"
    assert answer.headers["Retry-After"].isdigit()
    return int(answer.headers["Retry-After"])


def test_failed_keys_are_limited_by_address(asking: FlaskClient, clock: Callable[[float], None]) -> None:
    right, wrong = bearer(key_for(asking)), bearer(NOBODYS)
    for number in range(120):
        clock(0.25)
        assert asking.get("/v1/types", headers=wrong).status_code == 401, number
    for answer in (asking.get("/v1/types", headers=wrong), asking.post("/v1/small/write", headers=bearer("x"))):
        assert limited(answer) == 31, "a minute after the first of them"
    assert asking.get("/v1/types", headers=wrong, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 401
    assert asking.get("/v1/types").status_code == 200
    assert asking.post("/v1/small/write", headers=right).status_code == 200, "nobody can lock a holder out"
    clock(30.5)
    assert asking.get("/v1/types", headers=wrong).status_code == 401


def test_right_keys_and_missing_ones_are_no_failed_ones(asking: FlaskClient, clock: Callable[[float], None]) -> None:
    right = bearer(key_for(asking, "read"))
    for _ in range(130):
        asking.post("/v1/small/write", headers=right)
        asking.post("/v1/small/write")
    challenge(asking.get("/v1/types", headers=bearer("x")), 401)


def test_reading_is_limited_by_address_where_it_is_asked_for(started: Starter, clock: Callable[[float], None]) -> None:
    with started(rate_limit="3/minute") as client:
        for send in (client.get, client.head, client.get):
            assert send("/v1/types").status_code == 200
        clock(20)
        assert limited(client.get("/v1/types")) == 40
        assert client.head("/v1/events?x=1").status_code == 429
        for path in OPEN:
            assert client.get(path).status_code == 200, path
        problem(client.get("/v1/nothing"), 404)
        assert client.post("/v1/small/write", headers=bearer(key_for(client))).status_code == 200
        assert client.get("/v1/types", environ_base={"REMOTE_ADDR": "2001:db8::1"}).status_code == 200
        clock(40)
        assert client.get("/v1/types").status_code == 200


def test_reading_has_no_limit_unless_it_is_asked_for(asking: FlaskClient) -> None:
    assert {asking.get("/v1/types?x=1").status_code for _ in range(300)} == {422}


def test_addresses_are_forgotten_once_their_time_is_over(app: Flask, clock: Callable[[float], None]) -> None:
    client, storage = app.test_client(), app.extensions["dateline"]["limiter"].storage
    for number in range(20):
        client.get("/v1/types", headers=bearer("x"), environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
    assert len(storage.storage) == 20
    clock(61)
    storage._MemoryStorage__expire_events()
    assert (len(storage.storage), len(storage.expirations), len(storage.events)) == (0, 0, 0)


# Writing from other origins.

WRITE_HEADERS = {"authorization", "if-match", "idempotency-key", "content-type", "last-event-id"}


def preflight(client: FlaskClient, method: str) -> TestResponse:
    headers = {
        "Origin": "https://news.example",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ", ".join(sorted(WRITE_HEADERS)),
    }
    return client.options("/v1/small/write", headers=headers)


def words(answer: TestResponse, header: str) -> set[str]:
    return {word.strip() for word in answer.headers.get(header, "").split(",") if word.strip()}


def test_any_origin_may_send_the_headers_of_a_request_but_only_read(asking: FlaskClient) -> None:
    assert words(preflight(asking, "GET"), "Access-Control-Allow-Methods") == {"GET", "HEAD", "OPTIONS"}
    assert words(preflight(asking, "GET"), "Access-Control-Allow-Headers") == WRITE_HEADERS
    assert "POST" not in words(preflight(asking, "POST"), "Access-Control-Allow-Methods")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_origins_that_are_named_may_write(started: Starter, method: str) -> None:
    with started(cors_origins=("https://news.example",)) as client:
        answer = preflight(client, method)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://news.example"
        assert {method, "GET"} <= words(answer, "Access-Control-Allow-Methods")
        assert words(answer, "Access-Control-Allow-Headers") == WRITE_HEADERS


def test_an_origin_that_is_not_named_may_not(started: Starter) -> None:
    with started(cors_origins=("https://other.example",)) as client:
        assert "Access-Control-Allow-Origin" not in preflight(client, "POST").headers
