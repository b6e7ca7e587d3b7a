"""What cannot be answered gives a problem document that shows nothing of the inside: paths, methods, forms, faults."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from service.app import create_app
from service.database import closing_database, execute, fetch, open_database
from service.settings import Settings
from service.upgrade import upgrade
from tests.answers import problem
from tests.conftest import event_body, keyed


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nothing",
        "/v1",
        "/v1/",
        "/v1/events/",
        "/v1//events",
        "/V1/events",
        "/v1/events/panjshir-clash/",
        "/v1/events/panjshir-clash/nothing",
        "/v1/events/no-such-event",
        "/v1/events/Panjshir-Clash",
        "/v1/events/no-such-event/original",
        "/v1/events/panjshir-clash/original",
        "/v1/events/%00",
        "/v1/events/%ED%A0%80",
        "/v1/events/" + "x" * 10_000,
        "/v1/events/..%2f..%2fetc%2fpasswd",
        "/v1/actors/nobody-at-all",
        "/v1/actors/%00",
        "/v1/actors/%25",
        "/v1/actors/" + "x" * 10_000,
        "/v1/provinces/AF-ZZZ",
        "/v1/provinces/%ED%A0%80",
        "/v1/provinces/%00",
        "/v1/provinces/" + "x" * 10_000,
        "/v1/provinces/Punjab",
        "/problems/no-such-problem",
        "/docs/no-such-file.js",
        "/docs/../setup.cfg",
        "/docs/%2e%2e/%2e%2e/setup.cfg",
        "/nothing%FF?x=%FF",
    ],
)
def test_where_nothing_is_a_problem_says_so(client: FlaskClient, path: str) -> None:
    assert problem(client.get(path), 404)["type"] == "/problems/not-found"


def test_a_problem_repeats_the_address_that_was_asked_for(client: FlaskClient) -> None:
    assert problem(client.get("/v1/nothing?a=b"), 404)["instance"] == "/v1/nothing?a=b"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/types"),
        ("POST", "/v1/provinces"),
        ("PUT", "/v1/datasets"),
        ("PATCH", "/v1/events"),
        ("POST", "/healthz"),
        ("POST", "/openapi.json"),
        ("DELETE", "/docs"),
        ("POST", "/problems/validation"),
        ("TRACE", "/v1/events"),
        ("NONSENSE", "/v1/events"),
        ("POST", "/v1/events/panjshir-clash/original"),
    ],
)
def test_a_wrong_method_is_refused_with_those_that_work(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    assert problem(answer, 405)["type"] == "/problems/method-not-allowed"
    allowed = {word.strip() for word in answer.headers["Allow"].split(",")}
    assert {"GET", "HEAD", "OPTIONS"} <= allowed
    assert method not in allowed


def test_a_method_is_judged_before_parameters_and_accepted_forms(client: FlaskClient) -> None:
    problem(client.delete("/v1/types?x=1", headers={"Accept": "text/csv"}), 405)
    problem(client.get("/v1/nothing?x=1", headers={"Accept": "text/csv"}), 404)


@pytest.mark.parametrize("accept", ["image/png", "text/html, image/*", "application/json;q=0", "foo/bar"])
def test_a_form_that_cannot_be_had_is_not_acceptable(client: FlaskClient, accept: str) -> None:
    for path in ("events", "events/panjshir-clash", "actors", "actors/nrf", "provinces", "types", "datasets"):
        answer = client.get(f"/v1/{path}", headers={"Accept": accept})
        assert problem(answer, 406)["type"] == "/problems/not-acceptable"


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/*",
        "application/json",
        "APPLICATION/JSON",
        "text/html, */*;q=0.1",
        "a/b, application/json",
    ],
)
def test_json_is_given_to_whoever_takes_it(client: FlaskClient, accept: str) -> None:
    for path in ("/v1/events", "/v1/events/panjshir-clash", "/v1/provinces?country=AF", "/v1/types"):
        answer = client.get(path, headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (200, "application/json")


def test_format_wins_over_the_accepted_form(client: FlaskClient) -> None:
    answer = client.get("/v1/events?format=json", headers={"Accept": "image/png"})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")


def test_a_fault_of_our_own_shows_nothing_of_the_inside(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> Response:
        raise RuntimeError("SELECT secret FROM vault at /srv/service/vault.py")

    app.view_functions["events.list_events"] = fail
    headers = {"X-Request-ID": "trace-me", "Origin": "https://news.example"}
    answer = app.test_client().get("/v1/events", headers=headers)
    document = problem(answer, 500)
    assert document["type"] == "/problems/internal"
    assert (document["errors"], document["request_id"]) == ([], "trace-me")
    assert "vault" not in answer.get_data(as_text=True)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "trace-me" in caplog.text, "whoever runs the service finds the fault under the request's id"
    assert "vault.py" in caplog.text


DATA_PATHS = [
    "/v1/events",
    "/v1/events?actor=taliban",
    "/v1/events?province=Kabul",
    "/v1/events/panjshir-clash",
    "/v1/events/panjshir-clash/original",
    "/v1/actors",
    "/v1/actors/taliban",
    "/v1/provinces",
    "/v1/provinces/AF-PAN",
    "/v1/types",
    "/v1/datasets",
    "/readyz",
]


@pytest.mark.parametrize("path", DATA_PATHS)
@pytest.mark.parametrize("held", [{}, {"If-None-Match": '"x"'}], ids=["plain", "conditional"])
def test_a_server_that_is_out_of_reach_is_unavailable(path: str, held: dict[str, str]) -> None:
    # Nothing listens on port 1.
    app = create_app(Settings(database_url="postgresql://someone:hunter2@127.0.0.1:1/nowhere"))
    answer = app.test_client().get(path, headers=held)
    assert problem(answer, 503)["type"] == "/problems/unavailable"
    assert int(answer.headers["Retry-After"]) > 0
    assert "hunter2" not in answer.get_data(as_text=True)
    assert "127.0.0.1" not in answer.get_data(as_text=True)


def test_the_process_is_healthy_while_its_database_is_out_of_reach() -> None:
    client = create_app(Settings(database_url="postgresql://someone@127.0.0.1:1/nowhere")).test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/openapi.json").status_code == 200
    assert client.get("/v1/types?limit=0").status_code == 422


def test_a_write_that_waited_in_vain_is_told_so_and_may_come_again(empty_url: str, engine: str) -> None:
    separator = "&" if "?" in empty_url else "?"
    hasty = f"{separator}options=-c%20lock_timeout%3D1ms" if engine == "postgres" else ""
    app = create_app(Settings(database_url=empty_url + hasty))
    store, client = app.extensions["dateline"]["database"], keyed(app)
    with closing_database(store), closing_database(open_database(empty_url)) as other:
        if engine == "sqlite":
            execute(store, "PRAGMA busy_timeout = 1")
        with other.atomic():
            execute(other, "UPDATE store SET version = version")
            answer = client.post("/v1/events", json=event_body())
        document = problem(answer, 503)
        assert document["type"] == "/problems/unavailable"
        assert int(answer.headers["Retry-After"]) > 0
        assert "writing" in document["detail"] and "nothing of this request was done" in document["detail"]
        assert fetch(store, "SELECT count(*) FROM event") == [(0,)]
        assert client.post("/v1/events", json=event_body()).status_code == 201


@pytest.mark.parametrize("path", DATA_PATHS)
def test_a_file_that_is_gone_is_unavailable(path: str, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    app = create_app(Settings(database_url=f"sqlite:///{folder}/timeline.db"))
    shutil.rmtree(folder)
    answer = app.test_client().get(path)
    assert problem(answer, 503)["type"] == "/problems/unavailable"
    assert str(folder) not in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", DATA_PATHS)
def test_a_file_that_is_no_database_shows_nothing_of_the_inside(path: str, tmp_path: Path) -> None:
    (tmp_path / "timeline.db").write_bytes(b"this is no database, whatever its name says\n" * 1000)
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/timeline.db"))
    answer = app.test_client().get(path)
    assert answer.status_code in (500, 503)
    problem(answer, answer.status_code)


def test_an_answer_comes_again_once_the_tables_are_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/timeline.db"
    app = create_app(Settings(database_url=url))
    client = app.test_client()
    problem(client.get("/v1/events"), 503)
    database = open_database(url)
    upgrade(database)
    database.close()
    assert client.get("/v1/events").status_code == 200
    app.extensions["dateline"]["database"].close()
