"""What an export is while it is read: one moment, a batch in memory, a connection and a place of its own."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import Database, OperationalError
from playhouse.pool import PooledPostgresqlDatabase

from service import exporting
from service.app import create_app
from service.database import closing_database, execute, fetch, open_database, own_database, stream
from service.exporting import BATCH, begin_export
from service.formats import FORMATS
from service.read_query import read_query
from service.settings import Settings
from tests.answers import body, problem
from tests.conftest import copied, event_body, keyed
from tests.exports import EVENTS, MANY, export, fill, lines, opened, paged, reads_of_exports
from tests.sending import bulk, done, merge, read, sequence

FIELDS = "fields=title,date,version"


@pytest.fixture(scope="module")
def model(
    engine: str, golden: dict[str, str], tmp_path_factory: pytest.TempPathFactory, server: str | None
) -> Iterator[dict[str, str]]:
    """The URL of a database of more events than a batch holds, which is copied and never written to."""
    with copied("empty", engine, golden, tmp_path_factory.mktemp("model"), server) as url:
        with closing_database(open_database(url)) as database:
            fill(database)
        yield {"filled": url}


@pytest.fixture
def filled_app(engine: str, model: dict[str, str], tmp_path: Path, server: str | None) -> Iterator[Flask]:
    """The application over a copy of it of the test's own."""
    with copied("filled", engine, model, tmp_path, server) as url:
        app = create_app(Settings(database_url=url))
        with closing_database(app.extensions["dateline"]["database"]):
            yield app


@pytest.fixture
def store(filled_app: Flask) -> Database:
    """The database of that application."""
    found: Database = filled_app.extensions["dateline"]["database"]
    return found


@pytest.fixture
def filled(filled_app: Flask) -> FlaskClient:
    """A client of that application that may do everything."""
    return keyed(filled_app)


def pieces(answer: Any) -> Iterator[bytes]:
    """The pieces of an answer, as a server takes them."""
    return iter(answer.iter_encoded())


# One moment


@pytest.mark.parametrize("form", [form.name for form in FORMATS.values() if form.newest is None])
@pytest.mark.parametrize("sort", ["date", "-updated"])
def test_what_is_written_meanwhile_is_not_in_it(filled: FlaskClient, form: str, sort: str) -> None:
    before = export(filled, f"sort={sort}", form).get_data()
    last = sequence(filled)
    with opened(filled, f"sort={sort}", form) as answer:
        assert answer.headers["X-Sequence"] == str(last)
        coming = pieces(answer)
        found = [next(coming)]
        done(bulk(filled, *(event_body(id=f"new-{number}", date=f"20{number:02}") for number in range(25))))
        for number in (1, 100, 200, 230):
            done(merge(filled, f"{EVENTS}/bench-{number:07}", {"title": "Changed since", "date": "1990"}))
        for number in (2, 150, 220):
            done(filled.delete(f"{EVENTS}/bench-{number:07}", headers={"If-Match": "*"}), 204)
        found += coming
    assert b"".join(found) == before
    changes = read(filled, f"/v1/changes?after={last}")["changes"]
    assert len(changes) == 25 + 4 + 3
    after = lines(export(filled, f"sort={sort}&{FIELDS}"))
    assert after == paged(filled, f"sort={sort}&{FIELDS}")
    assert len(after) == MANY + 25 - 3


def test_the_sequence_is_that_of_the_events_whoever_writes_while_it_begins(
    filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = exporting._state

    def writing_first(database: Database) -> tuple[str, int, int]:
        found = state(database)
        threading.Thread(target=lambda: done(bulk(filled, event_body(id="meanwhile", date="1980")))).run()
        return found

    last = sequence(filled)
    monkeypatch.setattr(exporting, "_state", writing_first)
    answer = export(filled, FIELDS)
    assert answer.headers["X-Sequence"] == str(last)
    assert len(lines(answer)) == MANY
    assert read(filled, f"/v1/changes?after={last}")["changes"][0]["event"] == "meanwhile"


def test_a_walk_by_links_skips_and_repeats_nothing_while_others_write(filled: FlaskClient) -> None:
    kept = [event["id"] for event in paged(filled, "fields=date")]
    found: list[str] = []
    url, round_ = f"{EVENTS}?format=ndjson&fields=date&limit=60", 0
    while url:
        answer = filled.get(url)
        found += [event["id"] for event in lines(answer)]
        done(bulk(filled, *(event_body(id=f"new-{round_}-{year}", date=str(year)) for year in range(1985, 2025, 8))))
        url, round_ = answer.headers.get("Link", "").removeprefix("<").removesuffix('>; rel="next"'), round_ + 1
    assert [event for event in found if event in set(kept)] == kept
    assert len(found) == len(set(found))


# What it costs


def reads_events(sql: str) -> bool:
    """Whether a statement reads events and not what is needed to find them."""
    return "event_document" in sql or "FETCH" in sql


@pytest.mark.parametrize(
    "asked", ["", "sort=-updated&country=AF", "q=in&sort=relevance", "limit=250&type=battle,protest"]
)
def test_no_more_than_a_batch_is_held_and_the_statements_are_few(
    filled: FlaskClient, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    _, reads = reads_of_exports(monkeypatch)
    with opened(filled, asked) as answer:
        [seen] = reads
        sizes = []
        for piece in pieces(answer):
            sizes.append(piece.count(b"\n"))
            # Nothing is read ahead.
            assert sum(len(rows) for sql, rows in seen if reads_events(sql)) == sum(sizes)
    assert sizes[:-1] == [BATCH] * (len(sizes) - 1) and 0 < sizes[-1] <= BATCH
    assert max(len(rows) for _, rows in seen) <= BATCH
    assert len([sql for sql, _ in seen if not reads_events(sql)]) <= 8
    assert len({sql for sql, _ in seen if reads_events(sql)}) == 1, "they are asked for once"


def test_the_number_of_statements_is_the_same_for_one_event_and_for_many(
    filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for asked in ("limit=1", f"limit={MANY}"):
        _, reads = reads_of_exports(monkeypatch)
        export(filled, asked)
        counts.append(len({sql for sql, _ in reads[0]}))
    assert counts[0] == counts[1]


def test_head_reads_no_event(filled: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    databases, reads = reads_of_exports(monkeypatch)
    for asked in ("", "limit=10"):
        answer = filled.head(f"{EVENTS}?format=ndjson&{asked}")
        assert answer.status_code == 200
    assert [sql for seen in reads for sql, _ in seen if reads_events(sql)] == []
    assert all(database.is_closed() for database in databases)


def test_postgresql_keeps_what_was_not_fetched(empty_database: Database) -> None:
    """The driver takes in all rows of a statement at once, so they must be fetched from a cursor of the server's."""
    own = own_database(empty_database)
    with closing_database(own), own.transaction():
        rows = stream(own, "SELECT 7 WHERE 1 = ? UNION ALL SELECT 8", (1,), 1)
        assert next(rows) == [(7,)]
        if isinstance(own, PooledPostgresqlDatabase):
            assert fetch(own, "SELECT name FROM pg_cursors") == [("streamed",)]
        assert list(rows) == [[(8,)]]
        assert list(stream(own, "SELECT 9", (), 5)) == [[(9,)]]


# Its connection


def test_threads_hand_it_on_and_the_connection_is_closed_at_the_end(
    filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases, _ = reads_of_exports(monkeypatch)
    found: list[bytes] = []

    def in_a_thread(work: Any) -> None:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    answer = filled.get(f"{EVENTS}?format=ndjson", buffered=False)
    coming = pieces(answer)
    for _ in range(3):
        in_a_thread(lambda: found.append(next(coming)))
    [own] = databases
    assert not own.is_closed()
    in_a_thread(lambda: found.extend(coming))
    in_a_thread(answer.close)
    assert own.is_closed()
    assert b"".join(found) == export(filled, "").get_data()


def test_an_export_that_is_left_gives_everything_back(filled: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    databases, _ = reads_of_exports(monkeypatch)
    for taken in (0, 1, 2):
        with opened(filled, "sort=date") as answer:
            coming = pieces(answer)
            for _ in range(taken):
                next(coming)
    assert len(databases) == 3
    assert all(database.is_closed() for database in databases)


def test_a_refused_export_leaves_no_connection(filled: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    databases, _ = reads_of_exports(monkeypatch)
    problem(filled.get(f"{EVENTS}?format=ndjson&actor=nobody-at-all"), 422)
    assert [database.is_closed() for database in databases] == [True]


def test_closing_twice_does_no_harm(filled: FlaskClient, store: Database) -> None:
    begun = begin_export(store, FORMATS["ndjson"], lambda own: read_query(own, b"", "ndjson"))
    assert next(iter(begun.documents()))
    begun.close()
    begun.close()
    assert begun.database.is_closed()


# Failures


def failing(after: int) -> Any:
    """What reads so many batches and then fails as a driver does."""

    def read(*given: Any) -> Iterator[list[tuple[Any, ...]]]:
        for count, rows in enumerate(stream(*given)):
            if count == after:
                raise OperationalError("the server is gone")
            yield rows

    return read


def broken_off(client: FlaskClient, form: str, encoding: str) -> bytes:
    """What comes of an export before reading fails."""
    found = b""
    with opened(client, "sort=date", form, **{"Accept-Encoding": encoding}) as answer, pytest.raises(OperationalError):
        for piece in pieces(answer):
            found += piece
    return found


@pytest.mark.parametrize("form", [form.name for form in FORMATS.values() if form.newest is None])
def test_a_stream_that_fails_is_never_finished_as_if_whole(
    filled: FlaskClient, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    whole = export(filled, "sort=date", form).get_data()
    databases, _ = reads_of_exports(monkeypatch)
    monkeypatch.setattr(exporting, "stream", failing(after=1))
    found = broken_off(filled, form, "identity")
    assert whole.startswith(found) and len(found) < len(whole)
    with pytest.raises(EOFError):
        gzip.decompress(broken_off(filled, form, "gzip"))
    if form in ("geojson", "timelinejs"):
        with pytest.raises(json.JSONDecodeError):
            json.loads(found)
    assert [database.is_closed() for database in databases] == [True, True]


def test_a_statement_that_fails_at_once_is_an_error_with_a_status(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(database_url=empty_url, max_streams=1))
    with closing_database(app.extensions["dateline"]["database"]):
        client = app.test_client()
        with monkeypatch.context() as patched:
            patched.setattr(exporting, "own_database", lambda database: own_database(database))
            patched.setattr(exporting, "_state", failing_state)
            assert problem(client.get(f"{EVENTS}?format=ndjson"), 503)
        assert lines(export(client, "")) == []


def failing_state(database: Database) -> tuple[str, int, int]:
    raise OperationalError("the server is gone")


def test_postgresql_ending_the_connection_cuts_the_stream(
    filled: FlaskClient, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(store, PooledPostgresqlDatabase):
        pytest.skip("a file has no server that could end")
    databases, _ = reads_of_exports(monkeypatch)
    with opened(filled, "sort=date") as answer:
        coming = pieces(answer)
        next(coming)
        [[process]] = fetch(databases[0], "SELECT pg_backend_pid()")
        execute(store, "SELECT pg_terminate_backend(?)", (process,))
        with pytest.raises(OperationalError):
            list(coming)
    assert databases[0].is_closed()
    assert len(lines(export(filled, FIELDS))) == MANY


# Places


def test_as_many_exports_as_may_be_are_under_way_and_a_place_is_free_at_the_end(empty_url: str) -> None:
    app = create_app(Settings(database_url=empty_url, max_streams=2))
    with closing_database(app.extensions["dateline"]["database"]) as database:
        fill(database, 210)
        client = app.test_client()
        with opened(client, "") as first, opened(client, "") as second:
            refused = client.get(f"{EVENTS}?format=csv")
            assert problem(refused, 503)["type"] == "/problems/busy"
            assert int(refused.headers["Retry-After"]) > 0
            assert client.head(f"{EVENTS}?format=ndjson").status_code == 200
            assert len(body(client.get(EVENTS))["events"]) == 100
            assert client.get(f"{EVENTS}?format=atom").status_code == 200
            assert len(b"".join(pieces(first)).splitlines()) == 210
            # At its end the place is free, before the server says that it is closed.
            assert len(lines(export(client, ""))) == 210
            next(pieces(second))
        for _ in range(5):
            problem(client.get(f"{EVENTS}?format=ndjson&actor=nobody-at-all"), 422)
        with opened(client, ""), opened(client, ""):
            problem(client.get(f"{EVENTS}?format=ndjson"), 503)


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("9.9.9.9", exporting.EXPORTS_OF_ONE),
        ("::ffff:9.9.9.9", exporting.EXPORTS_OF_ONE),
        ("2a00::1", exporting.EXPORTS_OF_ONE),
        # Where a proxy may be that stands for everybody.
        ("127.0.0.1", 12),
        ("::1", 12),
        ("10.1.2.3", 12),
        ("::ffff:192.168.0.9", 12),
        ("fd00::1", 12),
        ("", 12),
    ],
)
def test_one_address_of_the_internet_leaves_places_to_others(database_url: str, address: str, most: int) -> None:
    assert exporting.EXPORTS_OF_ONE < 12
    app = create_app(Settings(database_url=database_url, max_streams=12))
    with closing_database(app.extensions["dateline"]["database"]), ExitStack() as held:
        client = app.test_client()

        def ask(address: str) -> Any:
            answer = client.get(f"{EVENTS}?format=csv", environ_base={"REMOTE_ADDR": address}, buffered=False)
            held.callback(answer.close)
            return answer

        answers = [ask(address) for _ in range(most)]
        assert {answer.status_code for answer in answers} == {200}
        refused = ask(address)
        assert problem(refused, 503)["type"] == "/problems/busy"
        assert int(refused.headers["Retry-After"]) > 0
        if most < 12:
            assert ask("9.9.9.10").status_code == 200
        answers[0].close()
        assert ask(address).status_code == 200


def test_a_network_of_ipv6_counts_as_one_address(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url))
    with closing_database(app.extensions["dateline"]["database"]), ExitStack() as held:
        client = app.test_client()
        found = []
        # Whoever has one such address has 2^64 of them.
        for number in (*range(1, exporting.EXPORTS_OF_ONE + 2), 2**64):
            asker = {"REMOTE_ADDR": str(IPv6Address(int(IPv6Address("2a00:1:2:3::")) + number))}
            answer = client.get(f"{EVENTS}?format=csv", environ_base=asker, buffered=False)
            held.callback(answer.close)
            found.append(answer.status_code)
        assert found == [200] * exporting.EXPORTS_OF_ONE + [503, 200]


def test_no_more_exports_than_a_server_has_connections_for(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, max_streams=100_000))
    with closing_database(app.extensions["dateline"]["database"]):
        slots = app.extensions["dateline"]["export_slots"]
        taken = [slots.take() for _ in range(exporting.EXPORTS_MAX + 1)]
        assert taken[-1] is None and None not in taken[:-1]
        # Streams of changes have their own.
        assert app.extensions["dateline"]["stream_slots"].take() is not None
