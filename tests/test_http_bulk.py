"""Writing many events at once: the report, what is kept of a body that is good in parts, and importing a file of it."""

from __future__ import annotations

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from service import import_report, importing, waiting
from service.importers import dateline
from service.seeding import read_seed
from tests.answers import problem
from tests.conftest import event_body
from tests.sending import ANY, bulk, counted, done, entries, follows, ids, lines, merge, read, sequence, told

BULK = "/v1/events/bulk"
FIXTURES = Path(__file__).parent / "fixtures"


# The report


def test_the_report_tells_of_each_line(writer: FlaskClient) -> None:
    wrong = event_body(id="wrong", title="")
    answer = bulk(writer, event_body(id="a"), wrong, read(writer, "/v1/events/panjshir-clash"), event_body(id="b"))
    [entry] = problem(writer.post("/v1/events", json=wrong), 422)["errors"]
    assert done(answer) == {
        "received": 4,
        "created": 2,
        "updated": 0,
        "unchanged": 1,
        "rejected": [{"line": 2, "id": "wrong", "errors": [entry]}],
    }
    assert list(done(answer)) == ["received", "created", "updated", "unchanged", "rejected"]
    assert answer.mimetype == "application/json"
    assert int(answer.headers["X-Sequence"]) == sequence(writer)
    assert {"a", "b"} <= ids(writer)


def test_lines_are_counted_from_1_with_those_that_hold_nothing(empty_writer: FlaskClient) -> None:
    good = [json.dumps(event_body(id=name)).encode() for name in "abc"]
    data = b"\xef\xbb\xbf" + good[0] + b"\r\n\r\n  \n{\n" + good[1] + b"\n\t\r\nnull\n" + good[2]
    report = done(bulk(empty_writer, data))
    assert counted(report) == (5, 3, 0, 0, 2)
    assert [(line["line"], line["id"]) for line in report["rejected"]] == [(4, None), (7, None)]
    assert ids(empty_writer) == {"a", "b", "c"}


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf", b" \r\n\t\n"])
def test_a_body_of_nothing_is_a_report_of_nothing(refused: FlaskClient, data: bytes) -> None:
    answer = bulk(refused, data, environ_overrides={"CONTENT_LENGTH": str(len(data))})
    assert done(answer) == {"received": 0, "created": 0, "updated": 0, "unchanged": 0, "rejected": []}


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b'{"id": "x", "title": "t"',
        b'{"title": NaN}',
        b'{"id": "x"} {"id": "y"}',
        b'{"title": "\xff"}',
        b'{"title": "\\ud800"}',
        b"[" * 50_000 + b"]" * 50_000,
    ],
    ids=lambda line: repr(line[:30]),
)
def test_a_line_that_is_no_json_is_told_as_that(refused: FlaskClient, line: bytes) -> None:
    assert told(done(bulk(refused, line))) == [(1, None, "", "not-json")]


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        ([], (None, "", "wrong-type")),
        (5, (None, "", "wrong-type")),
        (event_body(id=5), (None, "/id", "wrong-type")),
        (event_body(id="A"), ("A", "/id", "wrong-form")),
        ({"id": "x", "title": "t"}, ("x", "/date", "required")),
        (event_body(id="x", titel="t"), ("x", "/titel", "unknown-field")),
        (event_body(id="x", related=follows("none")), ("x", "/related/0/id", "unknown-event")),
        (event_body(id="x", related=follows("x")), ("x", "/related/0/id", "own-id")),
        (event_body(id="x", actors=[{"id": "nobody"}]), ("x", "/actors/0/id", "unknown-actor")),
        (event_body(id="x", start="2001-01-01"), ("x", "/start", "derived")),
        (event_body(id="x", title="a\x00"), ("x", "/title", "unstorable-character")),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_an_event_that_cannot_be_taken_is_told_with_its_place(refused: FlaskClient, event: Any, fault: Any) -> None:
    report = done(bulk(refused, event))
    assert counted(report) == (1, 0, 0, 0, 1)
    assert told(report) == [(1, *fault)]


def test_a_line_may_be_as_deep_as_any_body_and_no_deeper(refused: FlaskClient) -> None:
    for levels, code in ((32, "wrong-type"), (33, "too-deep"), (200, "too-deep")):
        [(number, _, _, found)] = told(done(bulk(refused, b"[" * levels + b"]" * levels)))
        assert (number, found) == (1, code)


def test_of_a_key_that_stands_twice_in_a_line_the_last_counts(empty_writer: FlaskClient) -> None:
    assert counted(done(bulk(empty_writer, b'{"id":"a","title":"one","date":"2021","title":"two"}\n')))[1] == 1
    assert read(empty_writer, "/v1/events/a")["title"] == "two"


def test_lines_replace_what_has_their_ids_and_change_nothing_that_is_equal(writer: FlaskClient) -> None:
    given = [event_body(id="a"), event_body(id="b", summary="s")]
    assert counted(done(bulk(writer, *given))) == (2, 2, 0, 0, 0)
    before = sequence(writer)
    assert counted(done(bulk(writer, *given))) == (2, 0, 0, 2, 0)
    seed = [read(writer, f"/v1/events/{event['id']}") for event in read_seed("events")]
    assert counted(done(bulk(writer, *seed))) == (len(seed), 0, 0, len(seed), 0)
    assert sequence(writer) == before
    assert counted(done(bulk(writer, event_body(id="b"), query="?reason=a+correction"))) == (1, 0, 1, 0, 0)
    assert (read(writer, "/v1/events/b")["summary"], read(writer, "/v1/events/b")["version"]) == (None, 2)
    [newest, _] = read(writer, "/v1/events/b/revisions")["revisions"]
    assert (newest["by"], newest["reason"]) == ("newsdesk", "a correction")


def test_of_lines_with_one_id_the_last_wins_and_all_are_kept_as_versions(empty_writer: FlaskClient) -> None:
    given = [event_body(id="a", title=title) for title in ("one", "two", "two")]
    assert counted(done(bulk(empty_writer, *given))) == (3, 1, 1, 1, 0)
    assert read(empty_writer, "/v1/events/a")["title"] == "two"
    assert read(empty_writer, "/v1/events/a?version=1")["title"] == "one"


def test_a_line_without_an_id_gets_one_that_is_its_own_for_ever(empty_writer: FlaskClient) -> None:
    given = [event_body(), event_body(id=None), event_body(dataset="mine"), event_body()]
    assert counted(done(bulk(empty_writer, *given))) == (4, 3, 0, 1, 0)
    assert counted(done(bulk(empty_writer, *reversed(given)))) == (4, 0, 0, 4, 0)
    assert all(re.fullmatch("(local|mine)-[0-9a-f]{16}", event_id) for event_id in ids(empty_writer))


def test_a_line_of_a_deleted_event_is_rejected(writer: FlaskClient) -> None:
    done(writer.delete("/v1/events/panjshir-clash", headers=ANY), 204)
    report = done(bulk(writer, event_body(id="a"), event_body(id="panjshir-clash")))
    assert counted(report) == (2, 1, 0, 0, 1)
    assert told(report) == [(2, "panjshir-clash", "/id", "deleted")]
    problem(writer.get("/v1/events/panjshir-clash"), 410)


def test_actors_that_nobody_knows_are_created_only_where_that_is_asked(empty_writer: FlaskClient) -> None:
    given = [event_body(id="a", actors=["Quince Regiment"]), event_body(id="b", actors=["quince regiment"])]
    assert counted(done(bulk(empty_writer, *given))) == (2, 0, 0, 0, 2)
    assert counted(done(bulk(empty_writer, *given, query="?unknown_actors=create"))) == (2, 2, 0, 0, 0)
    assert read(empty_writer, "/v1/actors/Quince Regiment")["events"] == 2


def test_very_many_rejections_are_counted_and_only_the_first_are_told(
    refused: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_report, "TOLD_MAX", 5)
    monkeypatch.setattr(importing, "BATCH", 4)
    report = done(bulk(refused, b"x\n" * 18))
    assert (report["received"], report["untold"]) == (18, 13)
    assert [line["line"] for line in report["rejected"]] == [1, 2, 3, 4, 5]
    assert "untold" not in done(bulk(refused, b"x\n" * 5))


def test_a_line_may_have_its_limit_and_no_byte_more(empty_writer: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    fits, longer, last = (lines(event_body(id=name)).rstrip() for name in ("fits", "longer", "last"))
    monkeypatch.setattr(dateline, "LINE_MAX", len(fits) + 10)
    data = fits.ljust(len(fits) + 9) + b"\n" + longer.ljust(200_000) + b"\n" + last + b"\n" + b"x" * 100
    report = done(bulk(empty_writer, data))
    assert counted(report) == (4, 2, 0, 0, 2)
    assert told(report) == [(2, None, "", "too-long"), (4, None, "", "too-long")]
    assert ids(empty_writer) == {"fits", "last"}


# Bodies as a whole


def test_a_body_that_breaks_off_or_has_no_length_is_not_taken(refused: FlaskClient) -> None:
    given = [event_body(id="a"), event_body(id="b")]
    for query in ("", "?atomic=true"):
        length = {"CONTENT_LENGTH": str(len(lines(*given)) + 5)}
        problem(bulk(refused, *given, query=query, environ_overrides=length), 400)
        chunked = {"HTTP_TRANSFER_ENCODING": "chunked"}
        problem(bulk(refused, *given, query=query, environ_overrides=chunked), 411)
    problem(refused.get("/v1/events/a"), 404)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-ndjson", "application/ndjson; charset=utf-8", "application/jsonl", "application/json"],
)
def test_every_name_of_ndjson_is_taken(empty_writer: FlaskClient, content_type: str) -> None:
    assert counted(done(bulk(empty_writer, event_body(), content_type=content_type)))[1] == 1


@pytest.mark.parametrize("content_type", ["", "text/plain", "text/csv", "application/x-ndjson; charset=latin-1"])
def test_another_media_type_is_not_taken(refused: FlaskClient, content_type: str) -> None:
    problem(bulk(refused, event_body(), content_type=content_type), 415)


@pytest.mark.parametrize("query", ["", "?format=ucdp-ged", "?format=dateline"])
def test_a_compressed_body_is_not_taken(refused: FlaskClient, query: str) -> None:
    problem(bulk(refused, event_body(), query=query, headers={"Content-Encoding": "gzip"}), 415)


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("?format=ucdp", "/format", "unknown-format"),
        ("?atomic=perhaps", "/atomic", "wrong-type"),
        ("?dataset=A+B", "/dataset", "wrong-form"),
        ("?atomic=true&atomic=true", "/atomic", "repeated"),
        ("?dry_run=true", "/dry_run", "unknown-parameter"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_refused(refused: FlaskClient, query: str, pointer: str, code: str) -> None:
    assert entries(bulk(refused, event_body(), query=query)) == [(pointer, code)]


def test_memory_does_not_grow_with_the_body(
    refused: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_report, "TOLD_MAX", 100)
    size = 20_000_000
    with (tmp_path / "body").open("wb+") as body:
        for _ in range(size // 2000):
            body.write(b"x" * 1999 + b"\n")
        body.seek(0)
        tracemalloc.start()
        answer = refused.post(BULK, input_stream=body, content_type="application/x-ndjson")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert done(answer)["received"] == size // 2000
    assert peak < size / 2


# Other formats, and datasets


def test_a_file_of_another_format_is_taken_in_and_reported_alike(empty_writer: FlaskClient) -> None:
    data = (FIXTURES / "ged_with_rejects.csv").read_bytes()
    how = {"query": "?format=ucdp-ged&unknown_actors=create", "content_type": "text/csv"}
    report = done(bulk(empty_writer, data, **how))
    assert counted(report) == (7, 2, 0, 0, 5)
    assert [line["line"] for line in report["rejected"]] == [4, 5, 6, 7, 9]
    assert {event_id[:9] for event_id in ids(empty_writer)} == {"ucdp-ged-"}
    assert counted(done(bulk(empty_writer, data, **how))) == (7, 0, 0, 2, 5)
    event_id = min(ids(empty_writer))
    assert read(empty_writer, f"/v1/events/{event_id}/original")["id"] == event_id.removeprefix("ucdp-ged-")
    problem(bulk(empty_writer, data, query=how["query"] + "&atomic=true", content_type="text/csv"), 422)


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", lines(event_body()), b"\x1f\x8b\x08"])
def test_a_body_of_another_format_than_it_says_is_refused(refused: FlaskClient, data: bytes) -> None:
    answer = bulk(refused, data, query="?format=ucdp-ged", environ_overrides={"CONTENT_LENGTH": str(len(data))})
    assert entries(answer) == [("", "unreadable-file")]


def test_a_dataset_that_is_given_stands_in_the_place_of_their_own(empty_writer: FlaskClient) -> None:
    given = [event_body(id="a", dataset="one"), event_body(id="b"), 5]
    assert counted(done(bulk(empty_writer, *given))) == (3, 2, 0, 0, 1)
    assert (ids(empty_writer, "dataset=one"), ids(empty_writer, "dataset=local")) == ({"a"}, {"b"})
    assert counted(done(bulk(empty_writer, *given, query="?dataset=mine"))) == (3, 0, 2, 0, 1)
    assert ids(empty_writer, "dataset=mine") == {"a", "b"}


def test_a_dataset_of_which_nothing_was_stored_is_not_made(refused: FlaskClient) -> None:
    report = done(bulk(refused, {"title": "no date"}, query="?dataset=ghost"))
    assert (report["created"], len(report["rejected"])) == (0, 1)
    assert "ghost" not in [dataset["id"] for dataset in read(refused, "/v1/datasets")["datasets"]]


def test_no_more_lines_wait_for_what_comes_later_than_memory_is_meant_for(
    empty_writer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAITING_MAX", 3)
    monkeypatch.setattr(importing, "BATCH", 2)
    early = [event_body(id=f"e{n}", related=[{"id": "last", "relation": "follows"}]) for n in range(6)]
    report = done(bulk(empty_writer, *early, event_body(id="last")))
    assert (report["received"], report["created"]) == (7, 4)
    assert [(each["id"], each["errors"][0]["code"]) for each in report["rejected"]] == [
        ("e3", "too-many-waiting"),
        ("e4", "too-many-waiting"),
        ("e5", "too-many-waiting"),
    ]
    assert done(bulk(empty_writer, *early))["created"] == 3


def test_lines_of_the_same_id_wait_no_further_than_that_either(
    empty_writer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAITING_MAX", 3)
    monkeypatch.setattr(importing, "BATCH", 1)
    first = event_body(id="same", title="0", related=[{"id": "last", "relation": "follows"}])
    more = [event_body(id="same", title=str(number)) for number in range(1, 6)]
    report = done(bulk(empty_writer, first, *more, event_body(id="last")))
    assert (report["created"], report["updated"]) == (2, 2)
    assert [(each["line"], each["id"], each["errors"][0]["code"]) for each in report["rejected"]] == [
        (line, "same", "too-many-waiting") for line in (4, 5, 6)
    ]
    assert read(empty_writer, "/v1/events/same")["title"] == "2"


def test_what_was_written_in_bulk_can_be_patched_like_any_event(empty_writer: FlaskClient) -> None:
    done(bulk(empty_writer, event_body(id="a")))
    assert done(merge(empty_writer, "/v1/events/a", {"title": "b"}))["version"] == 2
