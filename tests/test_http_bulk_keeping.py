"""What is kept of many events sent at once: those related to later lines, all or nothing, batch by batch, repeats."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service import event_store, importing
from service.check import check
from tests.answers import ids as in_order
from tests.answers import problem
from tests.conftest import event_body
from tests.sending import bulk, counted, done, entries, follows, ids, lines, read, sequence, told

# Relations to lines that come later


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_a_relation_may_point_to_a_later_line_in_whatever_batch_it_comes(
    empty_app: Flask, empty_writer: FlaskClient, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(importing, "BATCH", batch)
    circle = [event_body(id=f"c{n}", related=follows(f"c{(n + 1) % 5}")) for n in range(5)]
    chain = [event_body(id=f"e{n}", related=follows(f"e{n + 1}", f"e{n - 1}")[: 1 + (n > 0)]) for n in range(5)]
    report = done(bulk(empty_writer, *circle, *chain, event_body(id="e5"), event_body(related=follows("c0", "e0"))))
    assert counted(report) == (12, 12, 0, 0, 0)
    assert read(empty_writer, "/v1/events/e1")["related"] == follows("e2", "e0")
    assert check(empty_app.extensions["dateline"]["database"]) == []


@pytest.mark.parametrize("batch", [1, 2, 1000])
@pytest.mark.parametrize("atomic", [False, True])
def test_a_relation_to_a_later_line_that_is_rejected_points_at_nothing(
    empty_writer: FlaskClient, monkeypatch: pytest.MonkeyPatch, batch: int, atomic: bool
) -> None:
    monkeypatch.setattr(importing, "BATCH", batch)
    given = [event_body(id="good"), *(event_body(id=f"e{n}", related=follows(f"e{n + 1}")) for n in range(4))]
    answer = bulk(empty_writer, *given, event_body(id="e4", title=""), query="?atomic=true" if atomic else "")
    report = problem(answer, 422) if atomic else done(answer)
    assert report["received"] == 6
    assert told(report) == [
        *((n + 2, f"e{n}", "/related/0/id", "unknown-event") for n in range(4)),
        (6, "e4", "/title", "blank"),
    ]
    assert ids(empty_writer) == (set() if atomic else {"good"})


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 1000])
def test_the_last_of_lines_with_one_id_wins_though_an_earlier_one_had_to_wait(
    empty_writer: FlaskClient, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(importing, "BATCH", batch)
    report = done(
        bulk(
            empty_writer,
            event_body(id="a", title="first", related=follows("z")),
            event_body(id="a", title="second"),
            event_body(id="b"),
            event_body(id="a", title="third"),
            event_body(id="c"),
            event_body(id="z"),
        )
    )
    assert counted(report) == (6, 4, 2, 0, 0)
    titles = [read(empty_writer, f"/v1/events/a?version={version}")["title"] for version in (1, 2, 3)]
    assert titles == ["first", "second", "third"]
    assert read(empty_writer, "/v1/events/a")["version"] == 3


# All or nothing, and what is durable


@pytest.mark.parametrize("bad", [b"nonsense\n", lines(event_body(title="")), lines(event_body(actors=["nobody"]))])
def test_atomic_keeps_nothing_where_a_line_is_refused(refused: FlaskClient, bad: bytes) -> None:
    good = [event_body(id=name, dataset="new") for name in "ab"]
    document = problem(bulk(refused, *good, bad, query="?atomic=true&unknown_actors=refuse"), 422)
    assert document["type"] == "/problems/validation"
    assert [document[name] for name in ("received", "created", "updated", "unchanged")] == [3, 0, 0, 0]
    assert [line["line"] for line in document["rejected"]] == [3]
    problem(refused.get("/v1/events/a"), 404)
    assert "new" not in [dataset["id"] for dataset in read(refused, "/v1/datasets")["datasets"]]


def test_atomic_keeps_all_of_a_body_that_is_good(empty_writer: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    given = [event_body(id=name) for name in "abcde"]
    assert counted(done(bulk(empty_writer, *given, query="?atomic=true"))) == (5, 5, 0, 0, 0)
    assert in_order(empty_writer) == list("abcde")


def failing_once(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let the writing of one batch fail, the first being 1."""
    calls: list[int] = []
    writing = event_store.writing

    def fail(*given: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == at:
            raise RuntimeError("the disk is on fire")
        return writing(*given, **more)

    monkeypatch.setattr(importing, "writing", fail)
    monkeypatch.setattr(importing, "BATCH", 2)


def test_batches_that_were_written_stay_when_a_later_one_fails(
    empty_writer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_once(monkeypatch, at=2)
    given = [event_body(id=name) for name in "abcde"]
    problem(bulk(empty_writer, *given), 500)
    assert in_order(empty_writer) == ["a", "b"]
    assert counted(done(bulk(empty_writer, *given))) == (5, 3, 0, 2, 0), "it goes on when it is sent again"


@pytest.mark.parametrize("how", [{"query": "?atomic=true"}, {"headers": {"Idempotency-Key": "1"}}], ids=str)
def test_what_is_one_transaction_leaves_nothing_when_it_fails(
    empty_writer: FlaskClient, monkeypatch: pytest.MonkeyPatch, how: Any
) -> None:
    failing_once(monkeypatch, at=2)
    given = [event_body(id=name) for name in "abcde"]
    problem(bulk(empty_writer, *given, **how), 500)
    assert in_order(empty_writer) == []
    assert counted(done(bulk(empty_writer, *given, **how))) == (5, 5, 0, 0, 0)


def test_a_repeated_body_is_answered_as_the_first_and_not_carried_out_again(empty_writer: FlaskClient) -> None:
    how: Any = {"headers": {"Idempotency-Key": "7"}}
    given = [event_body(id="a"), event_body(title=""), event_body(id="b")]
    first = bulk(empty_writer, *given, **how)
    assert counted(done(first)) == (3, 2, 0, 0, 1)
    before = sequence(empty_writer)
    again = bulk(empty_writer, *given, **how)
    assert (again.status_code, again.data) == (200, first.data)
    assert (again.headers["Idempotent-Replay"], "Idempotent-Replay" in first.headers) == ("true", False)
    assert entries(bulk(empty_writer, *given[:2], **how)) == [("/Idempotency-Key", "idempotency-key-reused")]
    assert sequence(empty_writer) == before


def test_a_refused_body_is_not_kept_for_repeats(empty_writer: FlaskClient) -> None:
    how: Any = {"headers": {"Idempotency-Key": "7"}, "query": "?atomic=true"}
    given = event_body(actors=["Quince Regiment"])
    problem(bulk(empty_writer, given, **how), 422)
    done(empty_writer.post("/v1/actors", json={"name": "Quince Regiment"}), 201)
    answer = bulk(empty_writer, given, **how)
    assert (counted(done(answer)), "Idempotent-Replay" in answer.headers) == ((1, 1, 0, 0, 0), False)
