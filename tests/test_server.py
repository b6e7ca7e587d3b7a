"""The server's front: whole bodies, threads that no client can hold, streams of changes, and an end in time."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from http.client import HTTPResponse, IncompleteRead
from pathlib import Path
from typing import Any

import pytest

from service.database import closing_database, open_database
from service.keys import Scope, create_key
from service.server.spool import IN_MEMORY, LARGE_AT_ONCE
from tests.server_app import LIMITS
from tests.serving import children, free_port, serving, soon, started

KEY = "Authorization: Bearer any\r\n"


@contextmanager
def running(factory: str = "create_front") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The small application of tests/server_app.py in one worker: the process of the server, and its port."""
    port = free_port()
    server = started("-m", "tests.server_app", str(port), factory)
    try:
        assert soon(lambda: server.poll() is not None or is_up(port))
        yield server, port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate(timeout=10)


def is_up(port: int) -> bool:
    try:
        return get(port, "/seen")[0] == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running() as (_, port):
        yield port


@pytest.fixture(scope="module")
def hasty_port() -> Iterator[int]:
    """The port of a server that waits half a second for bodies and one for slow readers."""
    with running("create_hasty_front") as (_, port):
        yield port


# Plain sockets, since a library would mend what is to be broken.


def opened(port: int, *sent: str | bytes, buffer: int | None = None) -> socket.socket:
    """A connection over which this was sent. ``buffer``: bytes that the client's system takes in unread."""
    connection = socket.create_connection(("127.0.0.1", port), 10)
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    for data in sent:
        connection.sendall(data.encode("latin-1") if isinstance(data, str) else data)
    return connection


def head(method: str, path: str, *headers: str, length: int | None = None) -> str:
    """The head of a request."""
    said = "" if length is None else f"Content-Length: {length}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: example.org\r\n{''.join(headers)}{said}\r\n"


def answered(connection: socket.socket, method: str = "GET") -> tuple[HTTPResponse, bytes]:
    """The answer that comes, with its whole body."""
    response = HTTPResponse(connection, method=method)
    response.begin()
    return response, response.read()


def get(port: int, path: str) -> tuple[int, bytes]:
    with opened(port, head("GET", path)) as connection:
        response, body = answered(connection)
        return response.status, body


def post(port: int, path: str, body: bytes, *headers: str) -> Any:
    """What the application says it was called with, where the body is sent before the answer is looked for."""
    with opened(port, head("POST", path, *headers, length=len(body)), body) as connection:
        return json.loads(answered(connection)[1])


def seen(port: int, what: str) -> int:
    """How often the application has seen something."""
    count: int = json.loads(get(port, "/seen")[1]).get(what, 0)
    return count


def open_streams(port: int) -> int:
    counts = json.loads(get(port, "/seen")[1])
    open_now: int = counts.get("stream opened", 0) - counts.get("stream closed", 0)
    return open_now


def line_of(connection: socket.socket, until: bytes) -> bytes:
    """What comes up to certain bytes."""
    got = b""
    while until not in got:
        received = connection.recv(65536)
        assert received, f"the connection ended after {got[-200:]!r}"
        got += received
    return got


# Bodies


@pytest.mark.parametrize("size", [0, 1, 300 * 1024, LIMITS.single])
def test_a_body_arrives_whole_with_its_length(port: int, size: int) -> None:
    body = os.urandom(size)
    told = post(port, "/echo", body, KEY)
    assert told["dateline.body"] == "whole"
    assert told["wsgi.input_terminated"] is True
    assert (told["CONTENT_LENGTH"], told["size"]) == (str(size), size)
    assert told["sha256"] == hashlib.sha256(body).hexdigest()


def test_bulk_bodies_have_a_limit_of_their_own(port: int) -> None:
    body = bytes(LIMITS.bulk)
    assert post(port, "/v1/events/bulk", body, KEY)["size"] == LIMITS.bulk
    told = post(port, "/v1/events/bulk", body + b"x", KEY)
    assert (told["dateline.body"], told["size"]) == ("unread", 0)


@pytest.mark.parametrize(
    ("size", "headers"), [(LIMITS.single + 1, (KEY,)), (1, ()), (LIMITS.bulk, ())], ids=["too large", "no key", "both"]
)
def test_a_body_is_left_unread_and_its_sender_is_answered_and_may_go_on(
    port: int, size: int, headers: tuple[str, ...]
) -> None:
    with opened(port, head("POST", "/echo", *headers, length=size), bytes(size)) as connection:
        told = json.loads(answered(connection)[1])
        assert (told["dateline.body"], told["size"], told["CONTENT_LENGTH"]) == ("unread", 0, str(size))
        connection.sendall(head("GET", "/seen").encode())
        assert answered(connection)[0].status == 200


@pytest.mark.parametrize(("holder", "state"), [("reader", "unread"), ("unknown", "not-now")])
def test_a_large_body_of_who_may_not_write_is_left_and_answered_before_it_comes(
    port: int, holder: str, state: str
) -> None:
    key = f"Authorization: Bearer {holder}\r\n"
    with opened(port, head("POST", "/echo", key, length=IN_MEMORY + 1)) as connection:
        told = json.loads(answered(connection)[1])
        assert (told["dateline.body"], told["size"]) == (state, 0)
        connection.sendall(bytes(IN_MEMORY + 1) + head("GET", "/seen").encode())
        assert answered(connection)[0].status == 200
    asked = seen(port, f"asked for Bearer {holder}")
    assert post(port, "/echo", bytes(IN_MEMORY), key)["size"] == IN_MEMORY, "this much is kept in memory"
    assert seen(port, f"asked for Bearer {holder}") == asked == 1


def test_so_many_large_bodies_are_taken_in_at_once_and_no_more(port: int) -> None:
    key = "Authorization: Bearer many\r\n"
    body = bytes(IN_MEMORY + 1)

    def state() -> str:
        told: str = post(port, "/echo", body, KEY)["dateline.body"]
        return told

    with ExitStack() as stack:
        for _ in range(LARGE_AT_ONCE):
            upload = stack.enter_context(opened(port, head("POST", "/echo", key, length=len(body)), "x"))
        assert soon(lambda: seen(port, "asked for Bearer many") == LARGE_AT_ONCE)
        assert soon(lambda: state() == "not-now")
        assert post(port, "/echo", b"small", KEY)["dateline.body"] == "whole"
        upload.sendall(body[1:])
        assert json.loads(answered(upload)[1])["dateline.body"] == "whole", "who came before is not disturbed"
        assert soon(lambda: state() == "whole")
    assert soon(lambda: state() == "whole")


def test_a_body_of_unknown_length_is_left_unread(port: int) -> None:
    sent = head("POST", "/echo", KEY, "Transfer-Encoding: chunked\r\n"), "3\r\nabc\r\n0\r\n\r\n"
    with opened(port, *sent) as connection:
        told = json.loads(answered(connection)[1])
    assert (told["dateline.body"], told["size"], told["HTTP_TRANSFER_ENCODING"]) == ("unread", 0, "chunked")
    assert "CONTENT_LENGTH" not in told


def test_a_client_that_asks_before_it_sends_is_told_to_go_on_or_answered(port: int) -> None:
    expecting = KEY, "Expect: 100-continue\r\n"
    with opened(port, head("POST", "/echo", *expecting, length=3)) as connection:
        assert line_of(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"abc")
        assert json.loads(answered(connection)[1])["size"] == 3
    with opened(port, head("POST", "/refuse", *expecting, length=LIMITS.bulk)) as connection:
        assert answered(connection)[0].status == 413


@pytest.mark.parametrize("tenths", range(10))
def test_a_body_that_breaks_off_is_never_taken_for_whole(port: int, tenths: int) -> None:
    body = os.urandom(10_000)
    name = f"cut{tenths}"
    request = head("POST", f"/echo?as={name}", KEY, length=len(body))
    # One client goes altogether, another still waits for an answer.
    opened(port, request, body[: tenths * 1000]).close()
    with opened(port, request, body[: tenths * 1000]) as connection:
        connection.shutdown(socket.SHUT_WR)
        told = json.loads(answered(connection)[1])
    assert (told["dateline.body"], told["size"], told["CONTENT_LENGTH"]) == ("broken", 0, "10000")
    assert soon(lambda: seen(port, f"{name} broken") == 2)
    assert seen(port, f"{name} whole") == 0


def test_a_body_has_its_time_however_steadily_it_drips(hasty_port: int) -> None:
    with opened(hasty_port, head("POST", "/echo", KEY, length=1000)) as connection:
        connection.settimeout(0.05)
        end = time.monotonic() + 10
        answer = b""
        while b"}" not in answer and time.monotonic() < end:
            with suppress(TimeoutError):
                answer += connection.recv(65536)
            with suppress(OSError):
                connection.sendall(b"x")
    assert b'"dateline.body": "too-slow"' in answer
    assert b'"size": 0' in answer


# Answers


def test_the_environment_is_what_was_sent(port: int) -> None:
    headers = "X-Many: 1\r\n", "Cookie: a=1\r\n", "X-Many: 2\r\n", "Cookie: b=2\r\n", "X_Many: 3\r\n"
    with opened(port, head("GET", "/a%2Fb/%C3%A9%FF/%00?q=%20&r=%C3%A9", *headers)) as connection:
        told = json.loads(answered(connection)[1])
        client = connection.getsockname()
    assert told["SCRIPT_NAME"] == ""
    assert told["PATH_INFO"] == "/a/b/\u00c3\u00a9\u00ff/\0"
    assert told["RAW_URI"] == told["REQUEST_URI"] == "/a%2Fb/%C3%A9%FF/%00?q=%20&r=%C3%A9"
    assert told["QUERY_STRING"] == "q=%20&r=%C3%A9"
    assert (told["REMOTE_ADDR"], told["REMOTE_PORT"]) == (client[0], str(client[1]))
    assert (told["HTTP_HOST"], told["SERVER_NAME"], told["SERVER_PORT"]) == ("example.org", "example.org", "80")
    assert (told["SERVER_PROTOCOL"], told["wsgi.url_scheme"]) == ("HTTP/1.1", "http")
    assert (told["HTTP_X_MANY"], told["HTTP_COOKIE"]) == ("1, 2", "a=1; b=2")
    assert "wsgi.file_wrapper" not in told


def test_bytes_of_a_path_that_are_not_encoded_arrive_as_they_are(port: int) -> None:
    with opened(port, head("GET", "/\u00c3\u00a9")) as connection:
        assert json.loads(answered(connection)[1])["PATH_INFO"] == "/\u00c3\u00a9"


def test_an_old_client_without_host_is_answered(port: int) -> None:
    with opened(port, "GET /a HTTP/1.0\r\n\r\n") as connection:
        told = json.loads(answered(connection)[1])
    assert (told["SERVER_PROTOCOL"], told["SERVER_NAME"], told["SERVER_PORT"]) == ("HTTP/1.0", "127.0.0.1", str(port))
    assert "HTTP_HOST" not in told


def test_an_answer_without_body_says_what_it_would_have(port: int) -> None:
    with opened(port, head("HEAD", "/large?mebibytes=1")) as connection:
        response, body = answered(connection, "HEAD")
        assert (response.headers["Content-Length"], body) == (str(2**20), b"")
        for status in (204, 304):
            connection.sendall(head("GET", f"/status?code={status}").encode())
            response, body = answered(connection)
            assert (response.status, response.headers["ETag"], body) == (status, '"1"', b"")


def test_repeated_headers_stay_apart(port: int) -> None:
    with opened(port, head("GET", "/cookies")) as connection:
        assert answered(connection)[0].headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_an_application_that_fails_is_answered_for_and_the_next_request_too(port: int) -> None:
    with opened(port, head("GET", "/fail")) as connection:
        response, body = answered(connection)
        assert (response.status, response.headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
        assert body == b"The server failed.\n"
        connection.sendall(head("GET", "/seen").encode())
        assert answered(connection)[0].status == 200


def test_an_answer_in_chunks_arrives_whole_or_is_seen_to_be_cut(port: int) -> None:
    assert get(port, "/chunks?count=3&size=100000")[1] == b"0" * 100_000 + b"1" * 100_000 + b"2" * 100_000
    with pytest.raises(IncompleteRead) as cut:
        get(port, "/chunks?count=3&size=4&fail")
    assert cut.value.partial == b"000011112222"
    assert get(port, "/seen")[0] == 200


def test_every_answer_is_closed_also_when_it_fails_or_its_client_goes(port: int) -> None:
    get(port, "/echo?as=one-piece")
    get(port, "/chunks?as=pieces&count=2&size=4")
    with suppress(IncompleteRead):
        get(port, "/chunks?as=failing&count=2&size=4&fail")
    with opened(port, head("GET", "/chunks?as=left&count=1000000&size=65536")) as connection:
        assert connection.recv(10)
    with opened(port, head("HEAD", "/chunks?as=head&count=2&size=1")) as connection:
        answered(connection, "HEAD")
    names = ("one-piece", "pieces", "failing", "left", "head")
    assert soon(lambda: [seen(port, f"{name} closed") for name in names] == [1] * len(names))


def taken(connection: socket.socket, a_second: int) -> Iterator[int]:
    """Takes so many bytes a second, twenty times in each, and tells how many came, until no more do."""
    while got := connection.recv(a_second // 20):
        yield len(got)
        threading.Event().wait(0.05)


def test_a_client_that_takes_a_streamed_answer_too_slowly_is_cut_and_others_are_not() -> None:
    with running("create_pressing_front") as (server, port):
        slow = "/chunks?as=slow&count=100000&size=65536"
        # Enough for a whole packet of loopback: with less, what is under way at the end would take two minutes to come.
        with opened(port, head("GET", slow), buffer=2**17) as connection:
            coming = taken(connection, 200_000)
            with suppress(ConnectionError):
                # It takes some all the time, and would go on for hours.
                assert soon(lambda: (next(coming, None) is None) or seen(port, "slow closed") == 1, seconds=30)
            assert soon(lambda: seen(port, "slow closed") == 1)
            # Only the end is missing, by which it would be whole.
            left = b"".join(iter(partial(receive, connection), b""))
            assert not left.endswith(b"0\r\n\r\n")
        assert server.stderr is not None
        os.set_blocking(server.stderr.fileno(), False)
        told = os.read(server.stderr.fileno(), 100_000).decode()
        assert f"GET {slow}" in told and "127.0.0.1" in told and "too slowly" in told and "Traceback" not in told
        # What an answer takes to be made is not the client's fault.
        status, found = get(port, "/chunks?count=4&size=10&pause=0.4")
        assert (status, len(found)) == (200, 40)
        assert len(get(port, "/chunks?count=200&size=65536")[1]) == 200 * 65536


def receive(connection: socket.socket) -> bytes:
    """What comes next; nothing where the connection has ended in any way."""
    try:
        return connection.recv(2**20)
    except ConnectionError:
        return b""


def test_requests_that_write_never_take_the_threads_of_those_that_read(port: int) -> None:
    with ExitStack() as stack:
        writers = [stack.enter_context(opened(port, head("POST", "/wait?seconds=1"))) for _ in range(12)]
        for _ in range(20):
            assert get(port, "/seen")[0] == 200
        writers[-1].setblocking(False)
        with pytest.raises(BlockingIOError):
            writers[-1].recv(1)
        writers[-1].settimeout(10)
        assert answered(writers[-1])[1] == b"waited"


# Streams of changes


def test_a_stream_opens_at_once_and_delivers_what_lands(port: int) -> None:
    with opened(port, head("GET", "/changes")) as connection:
        start = line_of(connection, b": open\n\n")
        assert b"content-type: text/event-stream\r\n" in start
        assert b"content-length" not in start
        landed = get(port, "/land")[1]
        assert b"data: " + landed + b"\n\n" in line_of(connection, b"data: " + landed)
        landed = get(port, "/land")[1]
        assert b"data: " + landed in line_of(connection, b"data: " + landed)


def test_a_silent_stream_is_kept_alive(hasty_port: int) -> None:
    with opened(hasty_port, head("GET", "/changes")) as connection:
        line_of(connection, b": keep-alive\n\n")
        line_of(connection, b": keep-alive\n\n")


def test_a_stream_outlives_a_database_that_is_away_for_a_while(port: int) -> None:
    landed = get(port, "/land")[1]
    with opened(port, head("GET", "/changes?failures=3")) as connection:
        line_of(connection, b"data: " + landed + b"\n\n")


def test_a_stream_whose_head_alone_is_asked_for_is_closed(port: int) -> None:
    before = seen(port, "stream opened")
    with opened(port, head("HEAD", "/changes")) as connection:
        assert answered(connection, "HEAD")[0].status == 200
        assert seen(port, "stream opened") == before + 1
        assert soon(lambda: open_streams(port) == 0)


def test_streams_whose_clients_go_are_closed_though_nothing_is_sent(port: int) -> None:
    assert soon(lambda: open_streams(port) == 0)
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(opened(port, head("GET", "/changes")))
        assert soon(lambda: open_streams(port) == 200)
    assert soon(lambda: open_streams(port) == 0, 5)


def test_a_stream_that_is_not_read_hinders_no_other_and_is_given_up(hasty_port: int) -> None:
    assert soon(lambda: open_streams(hasty_port) == 0)
    with opened(hasty_port, head("GET", "/changes?big"), buffer=4096), ExitStack() as stack:
        quick = stack.enter_context(opened(hasty_port, head("GET", "/changes")))
        for _ in range(12):
            landed = get(hasty_port, "/land")[1]
            line_of(quick, b"data: " + landed + b"\n\n")
        assert soon(lambda: open_streams(hasty_port) == 1)


# Many clients, and the end


@contextmanager
def crowd(port: int) -> Iterator[None]:
    """100 uploads that stall, 200 open streams, and 50 clients that ask for much and take nothing of it."""
    with ExitStack() as stack:
        for number in range(100):
            upload = head("POST", "/echo?as=stalled", KEY, length=100_000)
            stack.enter_context(opened(port, upload, b"x" * number * 900))
            for _ in range(2):
                stack.enter_context(opened(port, head("GET", "/changes")))
            path = "/large?mebibytes=4" if number % 4 else "/chunks?count=1000&size=65536"
            if number % 2:
                stack.enter_context(opened(port, head("GET", path), buffer=4096))
        yield


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_crowd_hinders_neither_reading_nor_the_end(end: signal.Signals) -> None:
    with running() as (server, port), crowd(port):
        for _ in range(50):
            assert get(port, "/seen")[0] == 200
        assert soon(lambda: open_streams(port) == 200)
        assert seen(port, "stalled whole") == 0
        workers = children(server.pid)
        with (
            opened(port, head("POST", "/wait?seconds=1")) as under_way,
            opened(port, head("POST", "/echo", KEY, length=2), "x") as upload,
            opened(port, head("GET", "/changes")) as stream,
        ):
            line_of(stream, b": open\n\n")
            server.send_signal(end)
            assert answered(under_way)[1] == b"waited"
            assert answered(upload)[0].status == 503
            # A stream ends in order, so that its client does not take what came for broken.
            assert stream.recv(100).endswith(b"0\r\n\r\n")
        assert server.wait(10) in (0, 128 + end)
        assert not workers & children(os.getpid())
        # Nothing had to be killed, and nothing failed.
        assert server.stderr is not None and server.stderr.read() == ""


def test_dateline_takes_large_bodies_of_holders_of_keys_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/dateline.db"
    with serving(url) as (_, port), closing_database(open_database(url)) as database:
        expected: dict[Scope, int] = {"read": 403, "write": 422}
        for scope, status in expected.items():
            key = create_key(database, scope, scope).key
            headers = f"Authorization: Bearer {key}\r\n", "Content-Type: application/json\r\n"
            asking = head("POST", "/v1/events", *headers, length=IN_MEMORY + 2)
            with opened(port, asking) as connection:
                # The one is answered before any of its body has come.
                connection.sendall(b"[" + b" " * IN_MEMORY + b"]" if scope == "write" else b"")
                assert answered(connection)[0].status == status


def test_a_server_that_ends_leaves_its_database_closed(tmp_path: Path) -> None:
    file = tmp_path / "dateline.db"
    with serving(f"sqlite:///{file}") as (server, port):
        for _ in range(20):
            assert get(port, "/v1/events?limit=1")[0] == 200
        with opened(port, head("GET", "/v1/changes?format=sse")) as connection:
            line_of(connection, b": open\n\n")
            server.terminate()
            assert server.wait(10) in (0, 128 + signal.SIGTERM)
    assert file.exists()
    assert not file.with_name("dateline.db-wal").exists()


def test_the_supervisor_loads_nothing_that_only_its_workers_need() -> None:
    """It would take as long again as all else that it does until the first worker starts."""
    code = "import service.commands, service.server.run, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"flask", "limits", "prometheus_client", "service.app", "service.server.front"}.isdisjoint(loaded.split())
