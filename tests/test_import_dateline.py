"""``dateline import FILE --format dateline``: what a bulk body holds, from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.check import check
from service.commands import main
from service.database import closing_database, fetch, open_database
from tests.conftest import event_body
from tests.sending import follows, lines

ROWS = "SELECT count(*) FROM revision"


def take(url: str, file: Path | str, *options: str, stdin: bytes | None = None) -> Result:
    """Run the command on a file."""
    arguments = ["import", str(file), "--format", "dateline", *options]
    return CliRunner().invoke(main, arguments, input=stdin, env={"DATELINE_DATABASE_URL": url})


def report(result: Result, status: int = 0) -> tuple[int, ...]:
    """What became of the lines: received, created, updated, unchanged, rejected."""
    assert result.exit_code == status, result.output
    told = json.loads(result.stdout)
    return (*(told[name] for name in ("received", "created", "updated", "unchanged")), len(told["rejected"]))


def stored(url: str, sql: str) -> list[Any]:
    with closing_database(open_database(url)) as database:
        assert check(database) == []
        return fetch(database, sql)


def datasets(url: str) -> dict[str, str]:
    """The dataset of each event."""
    events = [json.loads(text) for (text,) in stored(url, "SELECT document FROM event_document")]
    return {event["id"]: event["dataset"] for event in events}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three events, of which the first is related to the last, between lines that are none."""
    path = tmp_path / "events.ndjson"
    first = event_body(id="a", related=follows("c"), actors=["Quince Regiment"])
    bad = [b'{"id": "bad", "title": "\xff"}\r\n', b"nonsense\n", lines(event_body(id="B"))]
    path.write_bytes(
        b"\xef\xbb\xbf" + lines(first, *bad, b"\n", event_body(id="b", dataset="mine"), event_body(id="c"))
    )
    return path


def test_a_file_is_taken_in_and_doing_it_again_changes_nothing(empty_url: str, file: Path) -> None:
    assert report(take(empty_url, file, "--json"), 1) == (6, 3, 0, 0, 3)
    assert datasets(empty_url) == {"a": "local", "b": "mine", "c": "local"}
    assert stored(empty_url, "SELECT id FROM actor") == [("quince-regiment",)], "an import creates who is unknown"
    before = stored(empty_url, ROWS)
    assert report(take(empty_url, file, "--json"), 1) == (6, 0, 0, 3, 3)
    assert stored(empty_url, ROWS) == before


def test_what_is_rejected_is_told_by_its_line(empty_url: str, file: Path) -> None:
    result = take(empty_url, file)
    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines() if line.startswith("line")] == [
        "line 2",
        "line 3",
        "line 4",
    ]
    assert result.stdout == "6 records: 3 created, 0 updated, 0 unchanged, 3 rejected\n"


def test_a_good_file_ends_well(empty_url: str, tmp_path: Path) -> None:
    path = tmp_path / "good"
    path.write_bytes(lines(event_body(id="a")))
    assert report(take(empty_url, path, "--json")) == (1, 1, 0, 0, 0)
    assert report(take(empty_url, "-", "--json", stdin=path.read_bytes())) == (1, 0, 0, 1, 0)
    assert take(empty_url, "-", stdin=b"").exit_code == 1


def reasons_taken_off(data: bytes) -> list[bytes]:
    """The lines of a file of rejects as they stood, by a reader of another make; each was told a reason."""
    taken: list[bytes] = []
    for line in data.splitlines():
        before, found, after = line.partition(b'"rejected_because": "')
        if not found:
            # What is no object is told of by the object before it.
            assert taken.pop() == b"{}"
            taken.append(line)
            continue
        assert before == b"{"
        reason, _, rest = after.partition(b']"')
        assert reason
        taken.append(b"{" + rest.removeprefix(b", "))
    return taken


def test_rejected_lines_are_written_with_the_reason_and_can_be_mended(
    empty_url: str, file: Path, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects"
    assert report(take(empty_url, file, "--json", "--rejects", str(rejects)), 1)[4] == 3
    bad = [b'{"id": "bad", "title": "\xff"}', b"nonsense", lines(event_body(id="B")).rstrip()]
    assert reasons_taken_off(rejects.read_bytes()) == [bad[0], bad[1], b'{"title"' + bad[2].partition(b'{"title"')[2]]
    assert b"[wrong-form]" in rejects.read_bytes().splitlines()[-1]
    mended = rejects.read_bytes().replace(b'"title": "\xff"', b'"title": "", "date": "2021"').replace(b'"B"', b'"d"')
    again = tmp_path / "again"
    assert report(take(empty_url, "-", "--json", "--rejects", str(again), stdin=mended), 1) == (3, 1, 0, 0, 2)
    assert reasons_taken_off(again.read_bytes()) == [b'{"id": "bad", "title": "", "date": "2021"}', b"nonsense"]


def test_the_reason_is_not_part_of_what_an_id_is_made_of(empty_url: str, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects"
    line = lines(event_body(related=follows("late")))
    assert report(take(empty_url, "-", "--json", "--rejects", str(rejects), stdin=line), 1)[4] == 1
    assert report(take(empty_url, "-", "--json", stdin=lines(event_body(id="late")))) == (1, 1, 0, 0, 0)
    assert report(take(empty_url, rejects, "--json")) == (1, 1, 0, 0, 0)
    assert report(take(empty_url, "-", "--json", stdin=line)) == (1, 0, 0, 1, 0)


def test_lines_that_had_to_wait_are_among_the_rejects_too(empty_url: str, tmp_path: Path) -> None:
    given = [lines(event_body(id=name, related=follows(other))) for name, other in (("a", "b"), ("b", "none"))]
    rejects = tmp_path / "rejects"
    result = take(empty_url, "-", "--json", "--rejects", str(rejects), stdin=b"".join(given) + lines(event_body()))
    assert report(result, 1) == (3, 1, 0, 0, 2)
    assert reasons_taken_off(rejects.read_bytes()) == [line.rstrip() for line in given]


def test_a_dry_run_tells_all_and_keeps_nothing(empty_url: str, file: Path) -> None:
    before = stored(empty_url, ROWS)
    assert report(take(empty_url, file, "--json", "--dry-run"), 1) == (6, 3, 0, 0, 3)
    assert "dry run: nothing was kept" in take(empty_url, file, "--dry-run").stdout
    assert stored(empty_url, ROWS) == before
    assert report(take(empty_url, file, "--json"), 1) == (6, 3, 0, 0, 3)


def test_a_dataset_that_is_given_stands_in_the_place_of_their_own(empty_url: str, file: Path) -> None:
    assert report(take(empty_url, file, "--json", "--dataset", "other"), 1) == (6, 3, 0, 0, 3)
    assert datasets(empty_url) == {"a": "other", "b": "other", "c": "other"}
    assert stored(empty_url, "SELECT title FROM dataset WHERE id = 'other'") == [("other",)]
