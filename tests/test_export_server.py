"""Exports through the real server: whole to whoever reads, cut where they fail, and gone with whoever leaves."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse, IncompleteRead

import psycopg
import pytest
from peewee import Database

from service.drafts import Draft
from service.event_store import write_events
from tests.conftest import event_body
from tests.exports import EVENTS
from tests.serving import serving, soon

LARGE = 600
# All of them together are more than the buffers of both systems hold.
LONG = "Word by word. " * 1_400


def fill_long(database: Database) -> None:
    """Write so many long events."""
    drafts = [Draft(line, event_body(id=f"e{line:04}", summary=LONG)) for line in range(LARGE)]
    assert write_events(database, drafts, by="test").rejected == []


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[HTTPConnection, HTTPResponse]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers=headers)
    return connection, connection.getresponse()


def get(port: int, path: str, **headers: str) -> tuple[HTTPResponse, bytes]:
    connection, answer = ask(port, path, **headers)
    try:
        return answer, answer.read()
    finally:
        connection.close()


def stalled(port: int, held: ExitStack) -> socket.socket:
    """A client that has an export's place and takes nothing of it, until ``held`` ends."""
    client = held.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(30)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {EVENTS}?format=ndjson HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    # It has its place once its answer begins. Another who asks meanwhile could take the last one from it.
    assert client.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
    return client


def test_an_export_comes_whole_and_others_are_answered_meanwhile(
    empty_database: Database, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_long(empty_database)
    monkeypatch.setenv("DATELINE_MAX_STREAMS", "12")
    with serving(empty_url) as (_, port):
        answer, found = get(port, f"{EVENTS}?format=ndjson")
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="dateline.ndjson"'
        assert len({json.loads(line)["id"] for line in found.splitlines()}) == LARGE
        answer, zipped = get(port, f"{EVENTS}?format=ndjson", **{"Accept-Encoding": "gzip"})
        assert gzip.decompress(zipped) == found
        connection, answer = ask(port, f"{EVENTS}?format=geojson", "HEAD")
        assert (answer.status, answer.read()) == (200, b"")
        # The connection can be used again, so its end was clear.
        connection.request("GET", f"{EVENTS}?format=geojson&limit=3")
        assert len(json.loads(connection.getresponse().read())["features"]) == 3
        connection.close()

        # More clients that take nothing than there are threads for streams, and as many as there are places.
        with ExitStack() as held:
            for _ in range(12):
                stalled(port, held)
            assert get(port, f"{EVENTS}?format=ndjson&limit=1")[0].status == 503
            assert json.loads(get(port, f"{EVENTS}?limit=1")[1])["events"]
        assert soon(lambda: get(port, f"{EVENTS}?format=ndjson&limit=1")[0].status == 200)
        results: list[bytes] = []
        readers = [
            threading.Thread(target=lambda: results.append(get(port, f"{EVENTS}?format=ndjson")[1])) for _ in range(4)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert results == [found] * 4


def test_an_export_whose_connection_ends_is_cut(empty_database: Database, empty_url: str) -> None:
    if not empty_url.startswith("postgresql"):
        pytest.skip("a file has no server that could end")
    fill_long(empty_database)
    with serving(empty_url) as (_, port), ExitStack() as held:
        client = stalled(port, held)
        with psycopg.connect(empty_url, autocommit=True) as other:
            ending = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'FETCH%' AND state = 'idle in transaction'"
            )
            assert soon(lambda: other.execute(ending).fetchone() is not None)
        # Closed before its socket is, or the socket stays open until the collector comes by.
        with closing(HTTPResponse(client)) as answer:
            answer.begin()
            with pytest.raises(IncompleteRead) as cut:
                answer.read()
        assert 0 < cut.value.partial.count(b"\n") < LARGE
        assert len(get(port, f"{EVENTS}?format=ndjson")[1].splitlines()) == LARGE
