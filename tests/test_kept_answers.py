"""Requests that are repeated under an Idempotency-Key: each is carried out once, whatever happens in between."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, current_app
from flask.testing import FlaskClient
from peewee import Database, OperationalError
from werkzeug.exceptions import Conflict
from werkzeug.test import TestResponse

from schemas.faults import Fault, Refused
from service import kept_answers
from service.app import create_app
from service.bodies import spooled
from service.database import closing_database, execute, fetch, write
from service.http import answer_json, database
from service.keys import create_key
from service.repeats import repeatable
from service.settings import BodyLimits, Settings
from tests.answers import problem
from tests.statements import sent_to

HOUR = 3600 * 1_000_000
SECOND = 1_000_000
# Bytes that a body may have: more than is kept in memory.
SINGLE = 3 * 2**20
NOTE = {"id": "one", "title": "é\N{SNOWMAN}"}


def well() -> Response:
    """A good answer, with everything that one may carry."""
    answer = answer_json({"id": "é\N{SNOWMAN}", "list": [1, 2.5, None]}, tag="7", sequence=41)
    answer.status_code = 201
    answer.headers["Location"] = "/v1/notes/one"
    return answer


def writing_views() -> Blueprint:
    """Views that write a row for each body, and end as the test says."""
    blueprint = Blueprint("writing", __name__)

    @blueprint.post("/v1/notes", endpoint="notes")
    @blueprint.post("/v1/others", endpoint="others")
    @repeatable("write")
    def add() -> Response:
        note = json.load(spooled())

        def work() -> None:
            execute(database(), "INSERT INTO dataset (id, title) VALUES (?, ?)", (note["id"], note["title"]))

        write(database(), work)
        ending: Callable[[], Response] = current_app.extensions["ending"]
        return ending()

    @blueprint.post("/v1/admin")
    @repeatable("admin")
    def administer() -> Response:
        return answer_json({})

    return blueprint


@pytest.fixture
def writing(empty_url: str) -> Iterator[Flask]:
    """The application over an empty store, with the small views, of which each body is good."""
    limits = BodyLimits(single=SINGLE, bulk=SINGLE + 1000)
    app = create_app(Settings(database_url=empty_url, max_body=limits))
    app.register_blueprint(writing_views())
    app.extensions["ending"] = well
    with closing_database(app.extensions["dateline"]["database"]):
        yield app


@pytest.fixture
def store(writing: Flask) -> Database:
    """The database of the application."""
    found: Database = writing.extensions["dateline"]["database"]
    return found


@pytest.fixture
def key(store: Database) -> str:
    """A key with which to write."""
    return create_key(store, "newsdesk", "write").key


@pytest.fixture
def post(writing: Flask, key: str) -> Callable[..., TestResponse]:
    """Posts a note under the Idempotency-Key ``k``."""
    client = writing.test_client()

    def send(note: Any = NOTE, path: str = "/v1/notes", **headers: str) -> TestResponse:
        sent = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k", **headers}
        return client.post(path, json=note, headers={name.replace("_", "-"): value for name, value in sent.items()})

    return send


Post = Callable[..., TestResponse]


def notes(store: Database) -> list[str]:
    """The ids of the notes that were written, beside what every store has."""
    return [note for (note,) in fetch(store, "SELECT id FROM dataset WHERE id <> 'local' ORDER BY id")]


def kept(store: Database) -> list[tuple[Any, ...]]:
    return fetch(store, "SELECT path, idempotency_key, answer IS NULL FROM kept_answer ORDER BY path, idempotency_key")


def reserve(store: Database, key: str, age: int, request: str = "?") -> None:
    """Leave what a process leaves that was killed at work, so many microseconds ago."""
    row = (key[3:15], "/v1/notes", "k", request, "the killed one", kept_answers._now() - age)
    sql = "INSERT INTO kept_answer (api_key, path, idempotency_key, request, holder, begun) VALUES (?, ?, ?, ?, ?, ?)"
    execute(store, sql, row)


def digest_of_the_note(post: Post, store: Database) -> str:
    """What the request that ``post`` sends is known by; all traces of it are removed."""
    assert post().status_code == 201
    [(digest,)] = fetch(store, "SELECT request FROM kept_answer")
    for table in ("dataset", "kept_answer"):
        execute(store, f"DELETE FROM {table}")
    return str(digest)


def entry(answer: TestResponse) -> dict[str, Any]:
    """The one fault of a refused header."""
    [found] = problem(answer, 422)["errors"]
    assert (found["in"], found["pointer"]) == ("header", "/Idempotency-Key")
    fault: dict[str, Any] = found
    return fault


def still_running(answer: TestResponse) -> bool:
    assert problem(answer, 409)["type"] == "/problems/conflict"
    return int(answer.headers["Retry-After"]) > 0


# What is repeated.


def test_a_repeated_request_gets_the_first_answer_and_does_nothing(post: Post, store: Database) -> None:
    first, second, third = post(), post(), post()
    assert notes(store) == ["one"]
    assert "Idempotent-Replay" not in first.headers
    for answer in (second, third):
        assert answer.headers["Idempotent-Replay"] == "true"
        assert (answer.status_code, answer.data) == (first.status_code, first.data)
        for name in ("Content-Type", "Content-Length", "ETag", "Location", "X-Sequence"):
            assert answer.headers[name] == first.headers[name]
    assert (first.status_code, first.headers["ETag"], first.headers["X-Sequence"]) == (201, '"7"', "41")
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
    assert json.loads(first.data) == {"id": "é\N{SNOWMAN}", "list": [1, 2.5, None]}


def test_a_repeated_request_is_compressed_anew(post: Post, writing: Flask) -> None:
    writing.extensions["ending"] = lambda: answer_json({"x": "x" * 2000}, tag="7")
    plain = post()
    packed = post(Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert post().data == plain.data


def test_an_answer_without_a_body_is_kept_as_well(post: Post, writing: Flask) -> None:
    writing.extensions["ending"] = lambda: Response(status=204)
    assert [post().status_code, post().status_code, post().data] == [204, 204, b""]


def test_without_the_header_nothing_is_kept(writing: Flask, store: Database, key: str) -> None:
    client = writing.test_client()
    for note in ("one", "two"):
        assert client.post("/v1/notes", json={**NOTE, "id": note}, headers={"Authorization": f"Bearer {key}"}).json
    assert (notes(store), kept(store)) == (["one", "two"], [])


@pytest.mark.parametrize(
    "change",
    [
        {"note": {**NOTE, "title": "b"}},
        {"path": "/v1/notes?reason=x"},
        {"Content_Type": "application/merge-patch+json"},
    ],
)
def test_another_request_under_the_same_key_is_refused(post: Post, store: Database, change: dict[str, Any]) -> None:
    assert post().status_code == 201
    assert entry(post(**change))["code"] == "idempotency-key-reused"
    assert notes(store) == ["one"]
    assert post().headers["Idempotent-Replay"] == "true"


def test_paths_and_api_keys_and_idempotency_keys_are_apart(post: Post, store: Database) -> None:
    other = create_key(store, "other desk", "admin").key
    answers = [
        post(),
        post({**NOTE, "id": "two"}, path="/v1/others"),
        post({**NOTE, "id": "three"}, Authorization=f"Bearer {other}"),
        post({**NOTE, "id": "four"}, Idempotency_Key="K"),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert ["Idempotent-Replay" in answer.headers for answer in answers] == [False] * 4
    assert len(notes(store)) == len(kept(store)) == 4


def test_a_key_that_cannot_be_one_is_refused(post: Post, store: Database) -> None:
    for text in ("", " ", "a b", "x" * 256, "é", "a\tb", "\x7f", "x" * 10_000):
        assert entry(post(Idempotency_Key=text))["code"] == "wrong-form", text
    assert (notes(store), kept(store)) == ([], [])


def test_any_visible_ascii_is_a_key(post: Post) -> None:
    for text in ("x" * 255, "0192f3a4-0000-7000-8000-000000000000", '"quoted"', "!~%_?'"):
        assert post({**NOTE, "id": text}, Idempotency_Key=text).status_code == 201
        assert post({**NOTE, "id": text}, Idempotency_Key=text).headers["Idempotent-Replay"] == "true"


def test_keys_and_scopes_are_judged_before_all_else(post: Post, store: Database) -> None:
    assert post(Authorization="").status_code == 401
    assert post("x" * SINGLE, Authorization="Bearer x", Idempotency_Key=" ").status_code == 401
    assert post("x" * SINGLE, path="/v1/admin", Idempotency_Key=" ").status_code == 403
    assert post("x" * SINGLE, Idempotency_Key=" ").status_code == 413
    assert kept(store) == []


def test_what_is_kept_costs_the_same_few_statements(
    post: Post, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(Idempotency_Key="before")  # So that the statement by which the store is looked at is out of the way.
    execute(store, "DELETE FROM dataset")
    sent = sent_to(store, monkeypatch)
    post()
    done = [statement.split()[0] for statement in sent if statement.split()[0] not in ("BEGIN", "SAVEPOINT", "RELEASE")]
    # The API key, what is kept; what is old, the reservation; its lock, the view's own, the answer.
    assert done == ["SELECT", "SELECT", "DELETE", "INSERT", "UPDATE", "INSERT", "UPDATE"]
    sent.clear()
    post()
    assert len(sent) == 2


# What is not kept.


def refuse() -> Response:
    raise Refused([Fault("/id", "reserved", "is reserved")])


def stand_in_the_way() -> Response:
    raise Conflict("Something stands in the way.")


def answer_badly() -> Response:
    return Response('{"x": 1}', 418, {"X-Kettle": "on"}, mimetype="application/json")


@pytest.mark.parametrize(("ending", "status"), [(refuse, 422), (stand_in_the_way, 409), (answer_badly, 418)])
def test_a_failed_attempt_leaves_nothing_and_can_be_repeated(
    post: Post, writing: Flask, store: Database, ending: Callable[[], Response], status: int
) -> None:
    writing.extensions["ending"] = ending
    for _ in range(2):
        answer = post()
        assert answer.status_code == status
        assert "Idempotent-Replay" not in answer.headers
        assert (notes(store), kept(store)) == ([], [])
    writing.extensions["ending"] = well
    # Mended, it is another request, under a key that is free again.
    assert post({**NOTE, "title": "mended"}).status_code == 201
    assert notes(store) == ["one"]


def test_an_answer_that_is_no_good_one_is_given_as_it_is(post: Post, writing: Flask) -> None:
    writing.extensions["ending"] = answer_badly
    answer = post()
    assert (answer.status_code, answer.data, answer.headers["X-Kettle"]) == (418, b'{"x": 1}', "on")


def test_a_fault_of_our_own_is_not_kept_either(post: Post, writing: Flask, store: Database) -> None:
    writing.config["SHOW_FAULTS_AS_CLIENTS_SEE_THEM"] = True
    writing.extensions["ending"] = lambda: answer_json({"x": 1 // 0})
    problem(post(), 500)
    assert (notes(store), kept(store)) == ([], [])


# One transaction.


def test_the_write_goes_where_its_answer_cannot_be_kept(
    post: Post, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_to_keep(store: Database, place: Any, holder: str, answer: str) -> None:
        raise OperationalError("the disk is full")

    monkeypatch.setattr(kept_answers, "_keep", fail_to_keep)
    problem(post(), 503)
    assert (notes(store), kept(store)) == ([], [])
    monkeypatch.undo()
    assert post().status_code == 201


def test_the_write_goes_where_somebody_else_has_taken_over(post: Post, writing: Flask, store: Database) -> None:
    def lose() -> Response:
        execute(database(), "UPDATE kept_answer SET holder = 'somebody else'")
        return well()

    writing.extensions["ending"] = lose
    assert still_running(post())
    assert notes(store) == []


def test_a_write_that_the_engine_aborts_is_made_again_and_kept_once(
    post: Post, writing: Flask, store: Database, engine: str
) -> None:
    if engine != "postgres":
        pytest.skip("SQLite aborts nothing that would pass if it were tried again")
    attempts = []

    def abort_once() -> Response:
        attempts.append(1)
        if len(attempts) == 1:
            fetch(database(), "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")
        return well()

    writing.extensions["ending"] = abort_once
    assert post().status_code == 201
    assert (len(attempts), notes(store)) == (2, ["one"])
    assert post().headers["Idempotent-Replay"] == "true"


# Others at work.


def test_while_the_first_is_at_work_others_are_told_so(post: Post, writing: Flask, store: Database) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def wait() -> Response:
        reached.set()
        assert go_on.wait(30)
        return well()

    def first() -> int:
        try:
            return post().status_code
        finally:
            store.close()

    writing.extensions["ending"] = wait
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(first)
        try:
            assert reached.wait(30)
            assert still_running(post())
            assert entry(post({**NOTE, "title": "b"}))["code"] == "idempotency-key-reused"
        finally:
            go_on.set()
        assert running.result() == 201
    assert post().headers["Idempotent-Replay"] == "true"
    assert notes(store) == ["one"]


def test_of_many_at_once_one_is_carried_out(post: Post, writing: Flask, store: Database) -> None:
    together = threading.Barrier(4)

    def send() -> int:
        together.wait(30)
        try:
            return post().status_code
        finally:
            store.close()

    with ThreadPoolExecutor(4) as threads:
        statuses = [running.result() for running in [threads.submit(send) for _ in range(4)]]
    assert notes(store) == ["one"]
    assert 201 in statuses
    assert set(statuses) <= {201, 409}


def test_one_that_is_slow_but_alive_is_not_taken_over(
    post: Post, writing: Flask, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, asked, go_on = threading.Event(), threading.Event(), threading.Event()
    look = kept_answers._kept

    def wait() -> Response:
        reached.set()
        assert go_on.wait(30)
        return well()

    def ask(*arguments: Any) -> str | None:
        found = look(*arguments)
        asked.set()
        return found

    def send() -> TestResponse:
        try:
            return post()
        finally:
            store.close()

    writing.extensions["ending"] = wait
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(send)
        try:
            assert reached.wait(30)
            monkeypatch.setattr(kept_answers, "LEASE", 0)
            monkeypatch.setattr(kept_answers, "_kept", ask)
            second = threads.submit(send)
            assert asked.wait(30)
        finally:
            go_on.set()
        assert first.result().status_code == 201
        assert second.result().headers["Idempotent-Replay"] == "true"
    assert notes(store) == ["one"]


def test_a_process_that_was_killed_is_waited_for_until_its_lease_is_over(post: Post, store: Database, key: str) -> None:
    digest = digest_of_the_note(post, store)
    reserve(store, key, 119 * SECOND, digest)
    assert still_running(post())
    assert notes(store) == []
    execute(store, "DELETE FROM kept_answer")
    reserve(store, key, 121 * SECOND, digest)
    assert post().status_code == 201
    assert notes(store) == ["one"]
    assert post().headers["Idempotent-Replay"] == "true"


def test_what_a_killed_process_was_asked_is_remembered(post: Post, store: Database, key: str) -> None:
    reserve(store, key, 121 * SECOND, "another request")
    assert entry(post())["code"] == "idempotency-key-reused"


def test_one_that_was_taken_over_before_it_began_does_nothing(
    post: Post, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = kept_answers._reserve

    def reserve_slowly(*arguments: Any) -> bool:
        found = taken(*arguments)
        execute(store, "UPDATE kept_answer SET holder = 'somebody else'")
        return found

    monkeypatch.setattr(kept_answers, "_reserve", reserve_slowly)
    assert still_running(post())
    assert (notes(store), len(kept(store))) == ([], 1)


def test_one_that_comes_between_is_seen(post: Post, store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert post().status_code == 201
    look = kept_answers._kept
    looks: list[str | None] = []

    def look_too_early(*arguments: Any) -> str | None:
        looks.append(None if not looks else look(*arguments))
        return looks[-1]

    monkeypatch.setattr(kept_answers, "_kept", look_too_early)
    assert post().headers["Idempotent-Replay"] == "true"
    assert (len(looks), notes(store)) == (2, ["one"])


# How long.


def test_an_answer_is_kept_for_a_day(post: Post, store: Database) -> None:
    first = post()
    execute(store, "UPDATE kept_answer SET begun = begun - ?", (24 * HOUR - 60 * SECOND,))
    assert post().data == first.data
    execute(store, "UPDATE kept_answer SET begun = begun - ?", (61 * SECOND,))
    execute(store, "DELETE FROM dataset")
    assert "Idempotent-Replay" not in post({**NOTE, "title": "another request"}).headers
    assert notes(store) == ["one"]


def test_old_answers_are_removed_a_few_at_a_time(
    post: Post, store: Database, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_answers, "REMOVED_AT_ONCE", 2)
    for number in range(3):
        post({**NOTE, "id": str(number)}, Idempotency_Key=f"old {number}".replace(" ", "-"))
    execute(store, "UPDATE kept_answer SET begun = begun - ?", (25 * HOUR,))
    post()
    assert [name for _, name, _ in kept(store)] == ["k", "old-2"]
    post({**NOTE, "id": "two"}, Idempotency_Key="k2")
    assert [name for _, name, _ in kept(store)] == ["k", "k2"]


# Bodies.


def test_a_large_body_is_repeated_without_being_held_in_memory(post: Post, store: Database) -> None:
    note = {**NOTE, "filling": "x" * (2 * 2**20)}
    assert post(note).status_code == 201
    assert post(note).headers["Idempotent-Replay"] == "true"
    assert entry(post({**note, "filling": "x" * (2 * 2**20 - 1) + "y"}))
    assert notes(store) == ["one"]


def test_a_body_over_its_limit_is_refused(post: Post, store: Database) -> None:
    for path, size, status in (
        ("/v1/notes", SINGLE, 413),
        ("/v1/events/bulk", SINGLE, 200),
        ("/v1/events/bulk", SINGLE + 1000, 413),
    ):
        answer = post("x" * size, path=path, Content_Type="application/x-ndjson", Idempotency_Key=f"{path}{size}")
        assert answer.status_code == status, answer.data
    assert problem(answer, 413)["type"] == "/problems/too-large"
    assert [place for place, _, _ in kept(store)] == ["/v1/events/bulk"]


def raw(writing: Flask, key: str, body: bytes, **environment: Any) -> TestResponse:
    """The answer to a request whose body the server hands on as said."""
    client: FlaskClient = writing.test_client()
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k"}
    return client.post(
        "/v1/notes",
        input_stream=BytesIO(body),
        headers=headers,
        environ_overrides={"CONTENT_LENGTH": "9", **environment},
    )


def test_a_body_without_a_length_is_refused(writing: Flask, key: str) -> None:
    client = writing.test_client()
    headers = {"Authorization": f"Bearer {key}", "Transfer-Encoding": "chunked", "Idempotency-Key": "k"}
    answer = client.post("/v1/notes", input_stream=BytesIO(b"{}"), headers=headers)
    assert problem(answer, 411)["type"] == "/problems/length-required"


@pytest.mark.parametrize(
    ("environment", "status", "kind"),
    [
        ({}, 400, "bad-request"),
        ({"wsgi.input_terminated": True}, 400, "bad-request"),
        ({"dateline.body": "broken"}, 400, "bad-request"),
        ({"dateline.body": "too-slow"}, 408, "request-timeout"),
        ({"dateline.body": "not-now"}, 503, "busy"),
        ({"dateline.body": "too-slow", "CONTENT_LENGTH": str(SINGLE + 1)}, 413, "too-large"),
    ],
)
def test_a_body_that_is_not_whole_is_refused(
    writing: Flask, store: Database, key: str, environment: dict[str, Any], status: int, kind: str
) -> None:
    answer = raw(writing, key, b'{"id"', **environment)
    assert problem(answer, status)["type"] == f"/problems/{kind}"
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert (notes(store), kept(store)) == ([], [])


def test_a_body_that_the_server_took_in_is_read_where_it_lies(writing: Flask, store: Database, key: str) -> None:
    body = json.dumps(NOTE).encode()
    environment = {"dateline.body": "whole", "CONTENT_LENGTH": str(len(body))}
    for _ in range(2):
        assert raw(writing, key, body, **environment).status_code == 201
    assert notes(store) == ["one"]
