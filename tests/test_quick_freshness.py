"""No write that is acknowledged is missing from a quick answer, and what else holds for those that are not quick."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from peewee import Database, SqliteDatabase
from psycopg import sql

from service.app import create_app
from service.catalog import describe_dataset
from service.database import closing_database, execute, open_database, write
from service.http import request_id_for
from service.importers import IMPORTERS
from service.importing import Import, import_file
from service.ledger import ledger
from service.quick_answers import HEADS, LONGEST_ASKED, Given, Manners, QuickAnswers
from service.quick_call import asked_over_asgi
from service.repair import repair
from service.settings import Settings
from service.upgrade import upgrade
from tests.conftest import copied, event_body, keyed
from tests.fronted import HOST, Fronted, fronted, scope_of
from tests.sending import ANY, bulk, done, lines, merge

TARGETS = (
    "/v1/events",
    "/v1/events?limit=2&sort=-date&total=true",
    "/v1/events?actor=Resistance&limit=3",
    "/v1/events?actor=taliban&province=Panjshir",
    "/v1/events?tag=fresh",
    "/v1/events?publisher=Reuters",
    "/v1/events?format=atom&limit=3",
    "/v1/actors?limit=3",
    "/v1/actors/nrf",
    "/v1/types",
    "/v1/datasets",
    "/v1/facets?by=actor",
    "/v1/changes?limit=1000",
    "/v1/timeline?bucket=year",
    "/v1/events/fresh",
    "/v1/events/fresh/revisions",
    "/embed",
)
KEPT = 2**19
FRESH = "/v1/events/fresh"
SOURCES = [{"publisher": "reuters"}]


def imported(database: Database) -> None:
    data = io.BytesIO(lines({"id": "brought", **event_body(tags=["fresh"], actors=[{"id": "nrf"}])}))
    assert import_file(database, data, Import(IMPORTERS["dateline"], "import")).created == 1


def described(database: Database) -> None:
    def describe() -> None:
        with ledger(database, "test") as log:
            describe_dataset(log, {"id": "seed", "title": "Another title"})

    write(database, describe)


def upgraded(database: Database) -> None:
    execute(database, "UPDATE store SET rules = '0'")
    upgrade(database)


def actor(client: FlaskClient, **members: Any) -> None:
    done(merge(client, "/v1/actors/nrf", members))


# Every way to write, each after those before it.
WRITES: dict[str, Callable[[FlaskClient, Database], object]] = {
    "create": lambda client, _: done(client.post("/v1/events", json=event_body(id="fresh", tags=["fresh"])), 201),
    "put": lambda client, _: done(client.put(FRESH, json=event_body(sources=SOURCES, tags=["fresh"]), headers=ANY)),
    "patch": lambda client, _: done(merge(client, FRESH, {"date": "2021-08", "actors": [{"id": "nrf"}]})),
    "delete": lambda client, _: done(client.delete(FRESH, headers=ANY), 204),
    "restore": lambda client, _: done(client.post(FRESH + "/restore", json={"version": 3}, headers=ANY)),
    "bulk": lambda client, _: done(bulk(client, {"id": "many", **event_body(tags=["fresh"])})),
    "import": lambda _, database: imported(database),
    "create an actor": lambda client, _: done(client.post("/v1/actors", json={"id": "new", "name": "New Band"}), 201),
    "an alias": lambda client, _: actor(client, aliases=["Resistance"]),
    "rename": lambda client, _: actor(client, name="The Front"),
    "no alias": lambda client, _: actor(client, aliases=[]),
    "the alias elsewhere": lambda client, _: done(merge(client, "/v1/actors/new", {"aliases": ["Resistance"]})),
    "an ambiguous alias": lambda client, _: actor(client, aliases=["resistance"]),
    "merge": lambda client, _: done(client.post("/v1/actors/new/merge", json={"into": "nrf"}, headers=ANY)),
    "another actor": lambda client, _: done(client.post("/v1/actors", json={"id": "gone", "name": "Gone"}), 201),
    "delete an actor": lambda client, _: done(client.delete("/v1/actors/gone", headers=ANY), 204),
    "describe": lambda _, database: described(database),
    "repair": lambda _, database: repair(database),
    "upgrade": lambda _, database: upgraded(database),
}


@pytest.fixture
def front(database_url: str) -> Iterator[Fronted]:
    """The application over a seed of the test's own, behind the front."""
    with fronted(database_url) as found:
        yield found


@contextmanager
def writer_on(url: str) -> Iterator[FlaskClient]:
    """A client of another application on the same database, as another process has it."""
    app = create_app(Settings(database_url=url))
    with closing_database(app.extensions["dateline"]["database"]):
        yield keyed(app, name="elsewhere")


def look(front: Fronted, tags: dict[str, str]) -> int:
    """Ask for everything, as one who holds what was there before, and again; how many answers were quick."""
    quick = 0
    for target in TARGETS:
        if tag := tags.get(target):
            front.agree(target, [HOST, ("If-None-Match", tag)])
        front.agree(target)
        found = front.agree(target)
        quick += found.quick
        tags[target] = found.header("etag")
    return quick


@pytest.mark.parametrize("elsewhere", [True, False])
def test_every_write_is_seen_at_once(front: Fronted, database_url: str, elsewhere: bool) -> None:
    tags: dict[str, str] = {}
    look(front, tags)
    with writer_on(database_url) as other:
        client = other if elsewhere else keyed(front.app)
        database = client.application.extensions["dateline"]["database"]
        for name, change in WRITES.items():
            before = front.ask("/v1/types").header("etag")
            change(client, database)
            assert front.ask("/v1/types").header("etag") != before, name
            assert look(front, tags) >= 11, name


def test_a_store_that_was_put_back_gives_none_of_the_answers_of_before(
    front: Fronted, database_url: str, golden: dict[str, str], engine: str, server: str | None, tmp_path: Path
) -> None:
    """The store comes to the version that it had, at another time and with another event."""
    tags: dict[str, str] = {}
    with writer_on(database_url) as client:
        done(client.post("/v1/events", json=event_body(id="fresh", title="One", tags=["fresh"])), 201)
    look(front, tags)
    (tmp_path / "back").mkdir()
    with copied("seeded", engine, golden, tmp_path / "back", server) as url, fronted(url) as again:
        with writer_on(url) as client:
            done(client.post("/v1/events", json=event_body(id="fresh", title="Two", tags=["fresh"])), 201)
        look(again, {})
        for target, tag in tags.items():
            found = again.agree(target, [HOST, ("If-None-Match", tag)])
            # Single things have their versions for tags, which are no part of this.
            assert found.status != 304 or '"1' in tag, target
    # The same under the running server, where all that differs is whose store it is.
    with closing_database(open_database(database_url)) as database:
        execute(database, "UPDATE store SET identity = 'another'")
        execute(database, "UPDATE event_document SET document = replace(document, 'One', 'Six')")
    look(front, tags)


def test_what_goes_wrong_is_told_in_the_words_of_the_application(front: Fronted, database_url: str) -> None:
    look(front, {})
    with closing_database(open_database(database_url)) as database:
        execute(database, "ALTER TABLE store RENAME TO elsewhere")
        for target in TARGETS[:6]:
            found = front.agree(target, [HOST, ("X-Request-ID", "trace-7")])
            assert found.status >= 500 or "Resistance" in target
        execute(database, "ALTER TABLE elsewhere RENAME TO store")
    for target in TARGETS[:6]:
        assert front.agree(target).status in (200, 422)
        assert front.agree(target).quick == (front.agree(target).status == 200)


def test_a_connection_that_was_cut_is_not_seen(front: Fronted, database_url: str, engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no connections to a server")
    look(front, {})
    name = database_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(database_url.replace(name, "postgres"), autocommit=True) as admin:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        for target in ("/v1/types", "/v1/events", "/v1/events?actor=taliban&province=Panjshir"):
            admin.execute(cut, (name,))
            # The first that finds a dead connection may say so; then all is as before.
            assert front.ask(target).status in (200, 503)
            front.plainly(target)
            assert front.agree(target).status == 200
        closed = "ALTER DATABASE {} ALLOW_CONNECTIONS {}"
        admin.execute(sql.SQL(closed).format(sql.Identifier(name), sql.SQL("false")))
        admin.execute(cut, (name,))
        for target in ("/v1/types", "/v1/events", "/v1/nothing"):
            assert front.agree(target, [HOST, ("X-Request-ID", "trace-7")]).status in (503, 404)
        admin.execute(sql.SQL(closed).format(sql.Identifier(name), sql.SQL("true")))
    assert front.agree("/v1/types").quick


def counted(front: Fronted) -> dict[str, str]:
    """The numbers of requests that the metrics tell, by their labels."""
    told = front.ask("/metrics").text.decode()
    rows = (
        line.rpartition(" ")
        for line in told.splitlines()
        if line.startswith(("dateline_requests_total", "dateline_request_seconds_count"))
    )
    return {labels: number for labels, _, number in rows if "/metrics" not in labels}


def test_quick_answers_are_counted_with_the_others(database_url: str) -> None:
    asked = [
        (target, [HOST, *([("If-None-Match", "*")] if number % 3 == 2 else [])])
        for number in range(6)
        for target in TARGETS
    ]
    with fronted(database_url) as front, fronted(database_url) as plain:
        tag = front.ask("/v1/types").header("etag")
        for target, pairs in [*asked, *([("/v1/types", [HOST, ("If-None-Match", tag)])] * 3)]:
            front.ask(target, pairs)
            # Whoever presents a key is answered by the framework.
            plain.ask(target, [*pairs, ("Authorization", "Basic bm9ib2R5")])
        plain.ask("/v1/types")
        assert counted(front) == counted(plain)


@pytest.mark.parametrize("over_wsgi", [True, False])
def test_quick_answers_count_for_the_limit_of_an_address(database_url: str, over_wsgi: bool) -> None:
    with fronted(database_url, rate_limit="7/hour") as front:
        ask = front.ask_wsgi if over_wsgi else front.ask
        for client in ("192.0.2.1", "192.0.2.2"):
            found = [ask(TARGETS[number % 2], client=client) for number in range(10)]
            assert [answer.status for answer in found] == [200] * 7 + [429] * 3
            assert found[5].quick
            assert ask("/healthz", client=client).status == 200


def test_who_may_not_read_gets_no_quick_answer(database_url: str) -> None:
    with fronted(database_url, public_read=False) as front:
        key = keyed(front.app, "read").environ_base["HTTP_AUTHORIZATION"]
        for pairs, status in (([], 401), ([("Authorization", key)], 200)) * 3:
            for target in TARGETS[:6]:
                found = front.agree(target, [HOST, ("X-Request-ID", "trace-7"), *pairs])
                assert (found.status, found.quick) in ((status, False), (422, False))


def test_what_is_kept_is_bounded_whatever_is_asked(front: Fronted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.quick_answers.KEPT_BYTES", KEPT)
    ours = front.ours
    manners = Manners(ours["may_pass"], ours["admits"], ours["count"], request_id_for)
    head = [(b"etag", b'"a.1.b-0.1.0"'), (b"x-sequence", b"1"), (b"content-type", b"application/json")]
    for length in (0, 1500, 30_000):
        tracemalloc.start()
        try:
            quick = QuickAnswers(ours["database"], ours["listings"], manners)
            for number in range(1000):
                text = f"{number:x<{length}}"
                for target, pairs in ((f"/v1/events?q={text}", [HOST]), ("/v1/events", [HOST, ("Accept", text)])):
                    if asked := asked_over_asgi(scope_of(target, pairs)):
                        for status in (200, 304):
                            quick.note(asked, Given("/v1/events", status, head, b"{}", False))
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # The heads that are known stand beside the answers.
        assert held < KEPT + HEADS * (LONGEST_ASKED + 1500)


def test_the_loop_holds_no_connection_to_a_server(front: Fronted, engine: str) -> None:
    database = front.ours["database"]
    look(front, {})
    # Only a file is read on the loop, which is this thread.
    assert database.is_closed() == (not isinstance(database, SqliteDatabase))
