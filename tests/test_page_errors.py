"""Errors where people look are pages of the same status; everywhere else they stay problem documents."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.database import closing_database
from service.keys import create_key
from service.settings import Settings
from tests.answers import INTERNALS, problem
from tests.page_reading import Page, page

PAGES = ["/", "/embed", "/events/panjshir-clash", "/actors/taliban", "/provinces/AF-PAN"]


def told(found: Page) -> Page:
    """A page of an error, which shows nothing of the inside and leads back."""
    assert not [word for word in INTERNALS if word in found.html]
    assert "/" in found.links()
    return found


@contextmanager
def started(url: str, **settings: Any) -> Iterator[FlaskClient]:
    app = create_app(Settings(database_url=url, **settings))
    with closing_database(app.extensions["dateline"]["database"]):
        yield app.test_client()


@pytest.mark.parametrize(
    "path", ["/events/", "/events/nothing", "/events/a/b", "/actors/nobody", "/actors/a/b", "/provinces/Nowhere-at-all"]
)
def test_what_is_not_there_is_told_on_a_page(client: FlaskClient, path: str) -> None:
    told(page(client.get(path), 404))


@pytest.mark.parametrize("path", ["/events", "/actors", "/nothing", "/embed/x", "/assets/x.css", "/v1/events/nothing"])
def test_elsewhere_it_stays_a_problem(client: FlaskClient, path: str) -> None:
    problem(client.get(path), 404)


def test_the_api_never_answers_with_a_page(client: FlaskClient) -> None:
    headers = {"Accept": "text/html, application/json;q=0.1"}
    problem(client.get("/v1/events/nothing", headers=headers), 404)
    problem(client.get("/v1/actors/nobody", headers=headers), 404)
    problem(client.get("/v1/events?actor=nobody", headers=headers), 422)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_told_with_those_that_work(client: FlaskClient, path: str, method: str) -> None:
    answer = client.open(path, method=method)
    told(page(answer, 405))
    assert {word.strip() for word in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("path", ["/", "/embed", "/actors/taliban", "/provinces/AF-PAN", "/events/panjshir-clash"])
def test_a_query_that_cannot_be_answered_is_told(client: FlaskClient, path: str) -> None:
    found = told_query(client, f"{path}?nothing=%3Cscript%3E&q=x")
    assert f"{path}?q=x" in found.links()
    assert "<script>" in found.text


def told_query(client: FlaskClient, path: str) -> Page:
    found = page(client.get(path), 422)
    assert not [word for word in INTERNALS if word in found.html]
    return found


def test_what_was_perhaps_meant_is_one_step_away(client: FlaskClient) -> None:
    found = told_query(client, "/?actor=talban&from=2021-08&tipe=battle")
    links = found.links()
    assert links["/?actor=taliban&from=2021-08&tipe=battle"] == "taliban"
    assert links["/?actor=talban&from=2021-08&type=battle"] == "type"
    assert "/?from=2021-08&tipe=battle" in links
    form = found.one("form")
    assert (form.attributes["action"], form.attributes["method"]) == ("/", "get")
    fields = {field.attributes["name"]: field.attributes for field in found.all("input")}
    assert {name: field["value"] for name, field in fields.items()} == {
        "actor": "talban",
        "from": "2021-08",
        "tipe": "battle",
    }
    assert [name for name, field in fields.items() if field.get("aria-invalid")] == ["actor", "tipe"]


@pytest.mark.parametrize("query", ["q=%FF", "q=%ED%A0%80", "q=%00", "%FF=1", "cursor=x", "a&" * 300, "q=" + "x" * 9000])
def test_an_address_that_is_hardly_one_is_told_too(client: FlaskClient, query: str) -> None:
    for path in PAGES:
        told_query(client, f"{path}?{query}")


def test_a_fault_of_our_own_shows_nothing_of_the_inside(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail(**_: Any) -> Any:
        raise RuntimeError("SELECT secret FROM vault at /srv/service/vault.py")

    app.config["SHOW_FAULTS_AS_CLIENTS_SEE_THEM"] = True
    client = app.test_client()
    for view in ("show_timeline", "show_embedded", "show_event_page", "show_actor_page", "show_province_page"):
        app.view_functions[f"web.{view}"] = fail
    for path in PAGES:
        found = told(page(client.get(path, headers={"X-Request-ID": "trace-me"}), 500))
        assert "vault" not in found.html and "trace-me" in found.text
    assert "vault.py" in caplog.text


def test_a_template_that_fails_is_such_a_fault(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.routes.web.event_view", lambda *_: {})
    problem_page = app.test_client().get("/events/panjshir-clash")
    told(page(problem_page, 500))


@pytest.mark.parametrize("path", PAGES)
def test_a_database_out_of_reach_is_told(path: str, tmp_path: Path) -> None:
    # Nothing listens on port 1.
    with started("postgresql://someone:hunter2@127.0.0.1:1/nowhere") as client:
        answer = client.get(path)
        assert "hunter2" not in told(page(answer, 503)).html
        assert int(answer.headers["Retry-After"]) > 0
    (tmp_path / "there").mkdir()
    with started(f"sqlite:///{tmp_path}/there/timeline.db") as client:
        shutil.rmtree(tmp_path / "there")
        told(page(client.get(path), 503))


@pytest.mark.parametrize("path", PAGES)
def test_a_store_that_was_not_set_up_is_told(path: str, tmp_path: Path) -> None:
    with started(f"sqlite:///{tmp_path}/timeline.db") as client:
        told(page(client.get(path), 503))


@pytest.mark.parametrize("path", PAGES)
def test_where_reading_is_closed_pages_are_too(database_url: str, path: str) -> None:
    with started(database_url, public_read=False) as client:
        answer = client.get(path)
        found = told(page(answer, 401))
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "lets only holders of a key read it" in found.text
        assert "Panjshir" not in found.html and "Taliban" not in found.html
        assert page(client.get(path, headers={"Authorization": "Bearer nonsense"}), 401)
        key = create_key(client.application.extensions["dateline"]["database"], "reader", "read").key
        assert page(client.get(path, headers={"Authorization": f"Bearer {key}"}))
        assert client.get(path, headers={"If-None-Match": "*"}).status_code == 401
        assert client.get("/assets/style.css").status_code == 200, "the page that says so needs it"


def test_too_many_requests_are_told_and_files_of_pages_do_not_count(database_url: str) -> None:
    with started(database_url, rate_limit="3/minute") as client:
        for _ in range(3):
            page(client.get("/embed"))
            assert client.get("/assets/style.css").status_code == 200
        answer = client.get("/embed")
        assert int(answer.headers["Retry-After"]) > 0
        page(answer, 429)
        told(page(client.get("/"), 429))


def test_only_what_is_meant_for_frames_may_stand_in_one(client: FlaskClient) -> None:
    for path in ("/embed", "/embed?nothing=1"):
        answer = client.get(path)
        assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
        found = page(answer, answer.status_code)
        assert not found.all("header") and not found.all("script")
    for path in ("/", "/?nothing=1", "/events/nothing", "/actors/taliban"):
        assert "frame-ancestors 'none'" in client.get(path).headers["Content-Security-Policy"]


def test_the_light_page_leads_to_the_whole_view(client: FlaskClient) -> None:
    answer = client.get("/embed?actor=taliban&limit=2")
    found = page(answer)
    full = [link.attributes for link in found.all("a") if link.attributes["href"] == "/?actor=taliban"]
    assert full and all((link["target"], link["rel"]) == ("_blank", "noopener") for link in full)
    [following] = [link.attributes["href"] for link in found.all("a", rel="next")]
    assert following.startswith("/embed?actor=taliban&limit=2&cursor=")
    assert len(found.all("h3")) == 2 and page(client.get(following)).all("h3")
    assert len(answer.data) < 10_000
    assert "No event matches" in page(client.get("/embed?tag=nothing")).text


@pytest.mark.parametrize("path", [*PAGES, "/events/nothing", "/?nothing=1"])
def test_head_options_and_compression_are_as_everywhere(client: FlaskClient, path: str) -> None:
    got = client.get(path, headers={"Accept-Encoding": "gzip", "X-Request-ID": "one"})
    head = client.head(path, headers={"Accept-Encoding": "gzip", "X-Request-ID": "one"})
    assert head.data == b"" and head.status_code == got.status_code
    for name in ("Content-Length", "ETag", "Content-Security-Policy", "Vary", "Cache-Control", "X-Sequence"):
        assert head.headers.get(name) == got.headers.get(name), name
    assert got.headers["Content-Encoding"] == "gzip" and gzip.decompress(got.data).startswith(b"<!doctype html>")
    if got.status_code == 200:
        options = client.options(path)
        assert options.status_code == 200 and "GET" in options.headers["Allow"]
        held = client.get(path, headers={"If-None-Match": got.headers["ETag"], "Accept-Encoding": "gzip"})
        assert (held.status_code, held.data) == (304, b"")
        assert held.headers["ETag"] == got.headers["ETag"]
