"""Reads answers over HTTP and holds them to what the contract says of every one of them."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PROBLEM_MEMBERS = ["type", "title", "status", "detail", "instance", "errors", "request_id"]
ENTRY_MEMBERS = ["in", "pointer", "code", "message", "suggestions"]
# What no answer may show of the inside: code, files, statements, drivers.
INTERNALS = ("Traceback", 'File "', ".py", "SELECT ", "sqlite3", "psycopg", "peewee", "werkzeug")


def body(answer: TestResponse) -> Any:
    """The JSON of a good answer, its members in the order in which they were sent."""
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    assert answer.mimetype == "application/json"
    return json.loads(answer.get_data())


def ids(client: FlaskClient, query: str = "") -> list[str]:
    """The ids of the events that a query finds, in order."""
    return [event["id"] for event in body(client.get("/v1/events?" + query))["events"]]


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """The problem document of an error, its whole shape looked at."""
    text = answer.get_data(as_text=True)
    assert answer.status_code == status, text[:2000]
    assert answer.mimetype == "application/problem+json"
    document: dict[str, Any] = json.loads(text)
    assert list(document)[: len(PROBLEM_MEMBERS)] == PROBLEM_MEMBERS
    assert document["status"] == status
    assert document["type"].startswith("/problems/")
    assert document["title"] and document["detail"]
    assert document["request_id"] == answer.headers["X-Request-ID"]
    for entry in document["errors"]:
        assert list(entry) == ENTRY_MEMBERS
        assert entry["in"] in ("query", "body", "header", "path")
        assert entry["pointer"].startswith("/") or entry["pointer"] == ""
        assert entry["code"] and entry["message"]
        assert all(isinstance(suggestion, str) for suggestion in entry["suggestions"])
    assert not [word for word in INTERNALS if word in text]
    return document


def refusals(client: FlaskClient, url: str) -> list[dict[str, Any]]:
    """The entries of a refused query: one for each fault, all of them in the query."""
    document = problem(client.get(url), 422)
    assert document["type"] == "/problems/validation"
    assert document["errors"], "a refusal says what is wrong"
    assert {entry["in"] for entry in document["errors"]} == {"query"}
    entries: list[dict[str, Any]] = document["errors"]
    return entries


def refusal(client: FlaskClient, url: str) -> dict[str, Any]:
    """The one entry of a query that is refused for one fault."""
    [entry] = refusals(client, url)
    return entry


def pages(client: FlaskClient, url: str, most: int = 500) -> list[Any]:
    """Every page from a URL on, by following ``next``, which must agree with the Link header."""
    found: list[Any] = []
    following: str | None = url
    while following:
        assert len(found) < most, "the pages do not end"
        answer = client.get(following)
        page = body(answer)
        found.append(page)
        following = page["next"]
        link = None if following is None else f'<{following}>; rel="next"'
        assert answer.headers.get("Link") == link
    return found
