"""What changed, over HTTP: the feed in pieces and as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service import change_feed, changes
from service.app import create_app
from service.database import closing_database
from service.settings import Settings
from tests.answers import body, problem, refusal, refusals
from tests.conftest import event_body, keyed
from tests.sending import ANY, bulk, done, entries, merge, read, sequence

FEED = "/v1/changes"
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def busy(empty_writer: FlaskClient) -> FlaskClient:
    """A client of a store in which ten things happened to two events and three actors."""
    for actor in "xyz":
        done(empty_writer.post("/v1/actors", json={"id": actor, "name": actor.upper()}), 201)
    done(bulk(empty_writer, event_body(id="a", actors=["x"]), event_body(id="b", tags=["t"])))
    done(merge(empty_writer, "/v1/events/a", {"actors": ["y"]}))
    done(empty_writer.delete("/v1/events/b", headers=ANY), 204)
    done(empty_writer.post("/v1/events/b/restore", json={"version": 1}))
    done(merge(empty_writer, "/v1/actors/x", {"name": "X of old"}))
    done(empty_writer.delete("/v1/actors/z", headers=ANY), 204)
    return empty_writer


HAPPENED = [
    ("created", "actor", "x", 1),
    ("created", "actor", "y", 1),
    ("created", "actor", "z", 1),
    ("created", "event", "a", 1),
    ("created", "event", "b", 1),
    ("updated", "event", "a", 2),
    ("deleted", "event", "b", 2),
    ("restored", "event", "b", 3),
    ("updated", "actor", "x", 2),
    ("deleted", "actor", "z", 2),
]


def brief(change: dict[str, Any]) -> tuple[str, str, str, int]:
    """A change as HAPPENED has it."""
    kind = "event" if "event" in change else "actor"
    return change["operation"], kind, change[kind], change["version"]


def found(client: FlaskClient, query: str) -> list[tuple[str, str, str, int]]:
    return [brief(change) for change in read(client, f"{FEED}?{query}")["changes"]]


# In pieces


def test_every_change_is_told_once_and_in_order(busy: FlaskClient) -> None:
    answer = busy.get(FEED)
    feed = body(answer)
    assert list(feed) == ["changes", "next", "last"]
    assert (feed["next"], feed["last"], answer.headers["X-Sequence"]) == (10, 10, "10")
    assert [brief(change) for change in feed["changes"]] == HAPPENED
    assert [change["sequence"] for change in feed["changes"]] == list(range(1, 11))
    assert [list(change) for change in feed["changes"]] == [
        ["sequence", "at", "by", "operation", kind, "version"] for _, kind, _, _ in HAPPENED
    ]
    assert {change["by"] for change in feed["changes"]} == {"newsdesk"}
    times = [change["at"] for change in feed["changes"]]
    assert times == sorted(times)
    revisions = read(busy, "/v1/events/b/revisions")["revisions"] + read(busy, "/v1/actors/x/revisions")["revisions"]
    for revision in revisions:
        assert feed["changes"][revision["sequence"] - 1]["at"] == revision["at"]


def test_a_store_in_which_nothing_happened_has_no_changes(empty_writer: FlaskClient) -> None:
    assert read(empty_writer, FEED) == {"changes": [], "next": 0, "last": 0}


@pytest.mark.parametrize("limit", [1, 3, 10, 1000])
def test_a_reader_who_goes_on_with_next_sees_all(busy: FlaskClient, limit: int) -> None:
    seen: list[Any] = []
    after = 0
    while True:
        piece = read(busy, f"{FEED}?after={after}&limit={limit}")
        assert (piece["last"], len(piece["changes"]) <= limit) == (10, True)
        seen += [brief(change) for change in piece["changes"]]
        if piece["next"] == after:
            break
        after = piece["next"]
    assert (seen, after) == (HAPPENED, 10)
    done(busy.post("/v1/events", json=event_body(id="c")), 201)
    assert found(busy, f"after={after}") == [("created", "event", "c", 1)]


def test_the_feed_has_a_tag_that_moves_with_the_store(busy: FlaskClient) -> None:
    first = busy.get(FEED + "?after=3")
    held = {"If-None-Match": first.headers["ETag"]}
    assert (busy.get(FEED + "?after=3", headers=held).status_code, busy.get(FEED, headers={}).status_code) == (304, 200)
    done(busy.post("/v1/events", json=event_body()), 201)
    assert len(body(busy.get(FEED + "?after=3", headers=held))["changes"]) == 8


def test_head_says_what_get_says_without_the_feed(busy: FlaskClient) -> None:
    get, head = busy.get(FEED), busy.head(FEED)
    assert (head.status_code, head.data) == (200, b"")
    for name in ("ETag", "X-Sequence", "Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name]


def test_a_filter_finds_what_matched_before_or_after_a_change(busy: FlaskClient) -> None:
    assert found(busy, "actor=x") == [("created", "event", "a", 1), ("updated", "event", "a", 2)]
    assert found(busy, "actor=y") == [("updated", "event", "a", 2)]
    assert found(busy, "tag=t") == [(operation, "event", "b", n) for operation, n in RESTORED]
    assert found(busy, "tag=t&after=5&limit=1") == [("deleted", "event", "b", 2)]
    assert found(busy, "tag=none") == found(busy, "from=2022") == found(busy, "role=target&actor=x") == []
    assert len(found(busy, "to=2021-08-26")) == 5
    assert read(busy, f"{FEED}?tag=none")["next"] == 10, "it moves past what did not match"


RESTORED = [("created", 1), ("deleted", 2), ("restored", 3)]


def test_with_filters_a_piece_may_be_empty_and_still_leads_on(
    busy: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LOOKED_THROUGH", 2)
    seen, pieces, after = [], 0, -1
    piece = read(busy, f"{FEED}?tag=t")
    while piece["next"] != after:
        after, pieces = piece["next"], pieces + 1
        seen += [brief(change) for change in piece["changes"]]
        piece = read(busy, f"{FEED}?tag=t&after={after}")
    assert (seen, after, pieces) == ([(operation, "event", "b", n) for operation, n in RESTORED], 10, 5)


def test_the_feed_of_a_past_moment_ends_there(busy: FlaskClient) -> None:
    moment = read(busy, FEED)["changes"][4]["at"]
    piece = read(busy, f"{FEED}?as_of={moment}")
    sequences = [change["sequence"] for change in read(busy, FEED)["changes"] if change["at"] <= moment]
    assert [change["sequence"] for change in piece["changes"]] == sequences
    assert piece["last"] == piece["next"] == sequences[-1]


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "after=",
        "after=1&after=2",
        "limit=0",
        "limit=1001",
        "format=xml",
        "sort=date",
        "cursor=x",
        "fields=id",
        "actor=nobody",
        "from=soon",
        "as_of=2999-01-01T00:00:00Z",
    ],
)
def test_what_cannot_be_asked_of_the_feed_is_refused(refused: FlaskClient, query: str) -> None:
    for headers in ({}, STREAM):
        assert problem(refused.get(f"{FEED}?{query}", headers=headers), 422)["errors"][0]["in"] == "query"
    assert refusals(refused, f"{FEED}?{query}")


# As a stream


def blocks(text: bytes) -> list[dict[str, str]]:
    """The server-sent events in a piece of a stream, each of whole lines ``name: value``; comments are left out."""
    assert text.endswith(b"\n\n")
    told = [[line.split(": ", 1) for line in block.split("\n")] for block in text.decode().split("\n\n")[:-1]]
    return [{name: value for name, value in block} for block in told if block[0][0]]


def opened(client: FlaskClient, query: str = "", **headers: str) -> tuple[TestResponse, Iterator[bytes]]:
    """An open stream, its first comment read."""
    answer = client.get(f"{FEED}?{query}", headers={**STREAM, **headers})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    pieces = iter(answer.iter_encoded())
    assert next(pieces).startswith(b":")
    return answer, pieces


def told(piece: bytes) -> list[tuple[str, str, str, int]]:
    return [brief(json.loads(block["data"])) for block in blocks(piece)]


def test_a_stream_tells_what_was_and_goes_on_with_what_comes(busy: FlaskClient) -> None:
    answer, pieces = opened(busy, "after=8")
    assert answer.mimetype == "text/event-stream"
    assert (answer.headers["X-Sequence"], answer.headers["Cache-Control"]) == ("10", "no-cache")
    assert "ETag" not in answer.headers and "Content-Length" not in answer.headers
    events = blocks(next(pieces))
    assert [(block["id"], json.loads(block["data"])) for block in events] == [
        (str(change["sequence"]), change) for change in read(busy, FEED + "?after=8")["changes"]
    ]
    done(bulk(busy, event_body(id="c"), event_body(id="d", title="a\nb\r\n\u2028")))
    assert told(next(pieces)) == [("created", "event", "c", 1), ("created", "event", "d", 1)]
    done(merge(busy, "/v1/events/c", {"title": "x"}))
    assert told(next(pieces)) == [("updated", "event", "c", 2)]
    answer.close()


def test_the_form_of_the_answer_is_chosen_by_parameter_or_header(busy: FlaskClient) -> None:
    for query, accept, media_type in (
        ("format=sse", "application/json", "text/event-stream"),
        ("format=sse", "*/*", "text/event-stream"),
        ("format=json", "text/event-stream", "application/json"),
        ("", "text/event-stream", "text/event-stream"),
        ("", "text/event-stream, application/json;q=0.5", "text/event-stream"),
        ("", "*/*", "application/json"),
        ("", "", "application/json"),
    ):
        answer = busy.get(f"{FEED}?{query}", headers={"Accept": accept} if accept else {})
        assert answer.mimetype == media_type, (query, accept)
        answer.close()


def test_a_stream_resumes_behind_the_last_event_that_was_received(busy: FlaskClient) -> None:
    for headers in ({"Last-Event-ID": "9"}, {"Last-Event-ID": "0009"}):
        answer, pieces = opened(busy, "after=2", **headers)
        assert told(next(pieces)) == HAPPENED[9:]
        answer.close()
    answer, pieces = opened(busy, "after=9", **{"Last-Event-ID": "0"})
    assert told(next(pieces)) == HAPPENED
    answer.close()


@pytest.mark.parametrize("header", ["", "x", "-1", "1.5", "1 2", "9" * 19, "\xb2"])
def test_a_last_event_that_is_no_sequence_is_refused(refused: FlaskClient, header: str) -> None:
    [entry] = problem(refused.get(FEED, headers={**STREAM, "Last-Event-ID": header}), 422)["errors"]
    assert (entry["in"], entry["pointer"]) == ("header", "/Last-Event-ID")
    body(refused.get(FEED, headers={"Last-Event-ID": header}))


def test_a_stream_tells_what_concerns_its_query_alone(busy: FlaskClient) -> None:
    answer, pieces = opened(busy, "tag=t")
    assert told(next(pieces)) == [(operation, "event", "b", n) for operation, n in RESTORED]
    done(bulk(busy, event_body(id="c"), event_body(id="d", tags=["t"])))
    assert told(next(pieces)) == [("created", "event", "d", 1)]
    answer.close()


def test_a_stream_of_a_past_moment_is_refused(busy: FlaskClient) -> None:
    moment = read(busy, FEED)["changes"][4]["at"]
    assert entries(busy.get(f"{FEED}?format=sse&as_of={moment}")) == [("/as_of", "not-here")]
    assert refusal(busy, f"{FEED}?format=sse&as_of={moment}")["pointer"] == "/as_of"


def test_silence_is_broken_by_comments(busy: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_feed, "KEEP_ALIVE_SECONDS", 0.0)
    monkeypatch.setattr(change_feed, "TICK", 0.0)
    answer, pieces = opened(busy, "after=10")
    assert [next(pieces), next(pieces)] == [b": keep-alive\n\n"] * 2
    done(busy.post("/v1/events", json=event_body(id="c")), 201)
    assert told(next(pieces)) == [("created", "event", "c", 1)]
    answer.close()


def test_a_stream_is_not_compressed(busy: FlaskClient) -> None:
    answer, pieces = opened(busy, **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert told(next(pieces)) == HAPPENED
    answer.close()


# Places


@pytest.fixture
def narrow(database_url: str) -> Iterator[Flask]:
    """An application that keeps two streams open at most."""
    app = create_app(Settings(database_url=database_url, max_streams=2))
    with closing_database(app.extensions["dateline"]["database"]):
        yield app


def test_beyond_the_bound_on_streams_one_is_told_when_to_come_again(narrow: Flask) -> None:
    client = keyed(narrow)
    first, _ = opened(client)
    second, _ = opened(client)
    for _ in range(2):
        answer = client.get(FEED, headers=STREAM)
        assert problem(answer, 503)["type"] == "/problems/busy"
        assert int(answer.headers["Retry-After"]) > 0
    body(client.get(FEED))
    done(client.post("/v1/events", json=event_body()), 201)
    first.close()
    first.close()
    third, pieces = opened(client)
    assert told(next(pieces))
    assert client.get(FEED, headers=STREAM).status_code == 503
    second.close()
    third.close()
    for answer in [opened(client)[0] for _ in range(2)]:
        answer.close()


def test_what_is_refused_or_only_looked_at_takes_no_place(narrow: Flask) -> None:
    client = narrow.test_client()
    before = sequence(client)
    for _ in range(3):
        head = client.head(FEED, headers=STREAM)
        assert (head.status_code, head.mimetype, head.data) == (200, "text/event-stream", b"")
        assert head.headers["X-Sequence"] == str(before)
        problem(client.get(FEED + "?as_of=2001-01-01T00:00:00Z", headers=STREAM), 422)
        problem(client.get(FEED + "?actor=nobody", headers=STREAM), 422)
        assert client.options(FEED, headers=STREAM).status_code == 200
    for answer in [opened(client)[0] for _ in range(2)]:
        answer.close()


def test_where_no_streams_are_kept_none_is_opened(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, max_streams=0))
    with closing_database(app.extensions["dateline"]["database"]):
        problem(app.test_client().get(FEED, headers=STREAM), 503)
        assert app.test_client().head(FEED, headers=STREAM).status_code == 200
