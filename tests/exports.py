"""What the tests of exports have in common: a store with more events than a batch, and how exports are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Database
from werkzeug.test import TestResponse

from bench.generate import actors, generate
from service import exporting
from service.actor_store import write_actors
from service.database import own_database
from service.drafts import Draft
from service.event_store import write_events
from tests.answers import pages
from tests.statements import Reads, read_from

MANY = 230
EVENTS = "/v1/events"


def fill(database: Database, count: int = MANY) -> None:
    """Write the first events of the benchmark: every kind of date, place, claim and relation, in no order."""
    write_actors(database, list(actors()), by="bench")
    drafts = [Draft(line, event) for line, event in enumerate(generate(count), 1)]
    assert write_events(database, drafts, by="bench").rejected == []


def export(client: FlaskClient, query: str, form: str = "ndjson", **headers: str) -> TestResponse:
    """The answer to a query in a format."""
    answer = client.get(f"{EVENTS}?{query}&format={form}", headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    return answer


def lines(answer: TestResponse) -> list[Any]:
    """The events of an answer in NDJSON."""
    assert answer.mimetype == "application/x-ndjson"
    return [json.loads(line) for line in answer.get_data().splitlines()]


def paged(client: FlaskClient, query: str) -> list[Any]:
    """The events of a query, read in pages of JSON."""
    return [event for page in pages(client, f"{EVENTS}?{query}&limit=97") for event in page["events"]]


@contextmanager
def opened(client: FlaskClient, query: str, form: str = "ndjson", **headers: str) -> Iterator[TestResponse]:
    """An export of which nothing was read yet. It is closed at the end, as a server does."""
    answer = client.get(f"{EVENTS}?{query}&format={form}", headers=headers, buffered=False)
    try:
        yield answer
    finally:
        answer.close()


def reads_of_exports(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Database], list[Reads]]:
    """The databases of the exports that begin from now on, and all that each of them reads."""
    databases: list[Database] = []
    reads: list[Reads] = []

    def noted(database: Database) -> Database:
        own = own_database(database)
        databases.append(own)
        reads.append(read_from(own, monkeypatch))
        return own

    monkeypatch.setattr(exporting, "own_database", noted)
    return databases, reads
