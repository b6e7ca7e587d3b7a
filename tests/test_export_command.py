"""``dateline export``: the file that it writes, and that it never leaves one that looks whole and is not."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from peewee import Database, OperationalError

from service import export_command, exporting
from service.commands import main
from service.database import stream
from service.filters import PARAMETERS
from service.formats import FORMATS
from tests.exports import MANY, export, fill, paged

ROOT = Path(__file__).resolve().parent.parent
BASE_URL = "http://localhost"


def run(url: str, *arguments: str, **environment: str) -> Result:
    """Run the command over the database of a URL."""
    found = {"DATELINE_DATABASE_URL": url, **environment}
    return CliRunner().invoke(main, ["export", *arguments], env=found)


def exported(url: str, *arguments: str) -> list[Any]:
    """The events that the command writes to standard output."""
    result = run(url, *arguments)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def only(folder: Path, *names: str) -> bool:
    """Whether a folder holds these files and nothing else, no part of a file least of all."""
    return sorted(path.name for path in folder.iterdir()) == sorted(names)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    made = tmp_path / "exports"
    made.mkdir()
    return made


# What is written


def test_the_options_are_the_parameters_of_the_query_and_those_of_the_file() -> None:
    options = {name for option in main.commands["export"].params for name in option.opts}
    expected = {"--" + name.replace("_", "-") for name in {*PARAMETERS} - {"total", "format"}}
    assert options == expected | {"--format", "--output", "--base-url"}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_what_the_api_gives(database_url: str, client: FlaskClient, folder: Path, name: str) -> None:
    form = FORMATS[name]
    file = folder / f"events.{form.extension}"
    result = run(database_url, "--actor", "taliban", "--format", name, "--output", str(file), "--base-url", BASE_URL)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "7 events, up to change 25\n"
    assert file.read_bytes() == export(client, "actor=taliban", name).get_data()
    assert only(folder, file.name)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("a.geojson", b'{"type":"FeatureCollection"'),
        ("a.ICS", b"BEGIN:VCALENDAR"),
        ("a.atom", b"<?xml"),
        ("a.csv", b"id,"),
        ("a.ndjson", b'{"id":'),
        ("a.jsonl", b'{"id":'),
        ("a.txt", b'{"id":'),
        ("geojson", b'{"id":'),
    ],
)
def test_the_format_is_what_the_name_ends_in(database_url: str, folder: Path, file: str, expected: bytes) -> None:
    assert run(database_url, "--output", str(folder / file)).exit_code == 0
    assert (folder / file).read_bytes().startswith(expected)


def test_a_format_that_is_named_wins_over_the_name_of_the_file(database_url: str, folder: Path) -> None:
    assert run(database_url, "--format", "ndjson", "--output", str(folder / "a.csv")).exit_code == 0
    assert json.loads((folder / "a.csv").read_bytes().splitlines()[0])["id"]


def test_filters_fields_limit_sort_and_cursor_are_those_of_the_query(database_url: str, client: FlaskClient) -> None:
    expected = paged(client, "actor=taliban&country=AF&sort=-date&fields=title,date")
    chosen = ("--actor", "Taliban", "--country", "Afghanistan", "--sort", "-date", "--fields", "date,title")
    assert exported(database_url, *chosen) == expected
    assert exported(database_url, *chosen, "--limit", "2") == expected[:2]
    following = client.get("/v1/events?actor=taliban&country=AF&sort=-date&limit=2").get_json()["next"]
    cursor = following.rpartition("cursor=")[2]
    assert exported(database_url, *chosen, "--cursor", cursor) == expected[2:]
    both = paged(client, "actor=taliban&actor=nrf&fields=id")
    assert both and exported(database_url, "--actor", "taliban", "--actor", "nrf", "--fields", "id") == both


def test_all_of_a_large_store_is_written(empty_database: Database, empty_url: str, folder: Path) -> None:
    fill(empty_database)
    result = run(empty_url, "--output", str(folder / "all.ndjson"))
    assert result.stderr.startswith(f"{MANY} events, up to change ")
    assert len((folder / "all.ndjson").read_bytes().splitlines()) == MANY


def test_links_lead_to_where_the_service_answers(database_url: str) -> None:
    for given, environment, expected in (
        ((), {}, "http://127.0.0.1:8000"),
        ((), {"HOST": "::1", "PORT": "9"}, "http://[::1]:9"),
        (("--base-url", "https://timeline.example.org/"), {}, "https://timeline.example.org"),
    ):
        result = run(database_url, "--format", "atom", *given, **environment)
        assert f'href="{expected}/v1/events?format=atom"' in result.stdout


def test_no_event_is_a_valid_file(database_url: str, folder: Path) -> None:
    result = run(database_url, "--tag", "nobody-has-it", "--output", str(folder / "none.geojson"))
    assert (result.exit_code, result.stderr) == (0, "0 events, up to change 25\n")
    assert json.loads((folder / "none.geojson").read_bytes()) == {"type": "FeatureCollection", "features": []}


# What is refused


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("--format", "geojsn"), 2, "try geojson"),
        (("--format", "json"), 2, "is not a format"),
        (("--format", ""), 2, "is not a format"),
        (("--nonsense", "x"), 2, "No such option"),
        (("--actor", "talban"), 1, "--actor: no actor is called 'talban' (did you mean taliban?) [unknown-actor]"),
        (("--limit", "0", "--min-killed", "x"), 1, "--min-killed"),
        (("--format", "atom", "--cursor", "x"), 1, "--cursor: has no place in atom"),
        (("--base-url",), 2, "requires an argument"),
    ],
)
def test_what_cannot_be_exported_is_told_and_nothing_is_written(
    database_url: str, folder: Path, arguments: tuple[str, ...], status: int, told: str
) -> None:
    (folder / "old.ndjson").write_text("what was there")
    result = run(database_url, "--output", str(folder / "old.ndjson"), *arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert told in result.stderr
    assert only(folder, "old.ndjson")
    assert (folder / "old.ndjson").read_text() == "what was there"


def test_a_place_that_cannot_be_written_to_is_told(database_url: str, folder: Path) -> None:
    result = run(database_url, "--output", str(folder))
    assert result.exit_code == 2 and "is a folder" in result.stderr
    result = run(database_url, "--output", str(folder / "missing" / "a.csv"))
    assert (result.exit_code, result.stderr) == (1, "dateline: reading or writing failed: No such file or directory\n")


# Files


def test_a_file_is_replaced_when_the_new_one_is_whole(database_url: str, folder: Path) -> None:
    file = folder / "events.ndjson"
    file.write_text("what was there")
    file.chmod(0o640)
    (folder / "link.ndjson").symlink_to("events.ndjson")
    assert run(database_url, "--output", str(folder / "link.ndjson")).exit_code == 0
    assert len(file.read_text().splitlines()) == 9
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert (folder / "link.ndjson").is_symlink()
    assert only(folder, "events.ndjson", "link.ndjson")


def test_a_new_file_has_the_rights_that_new_files_have(database_url: str, folder: Path) -> None:
    before = os.umask(0o027)
    try:
        assert run(database_url, "--output", str(folder / ("n" * 240 + ".ndjson"))).exit_code == 0
    finally:
        os.umask(before)
    [file] = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "error", [OperationalError("gone"), KeyboardInterrupt(), OSError(28, "No space left on device")]
)
def test_an_export_that_fails_leaves_what_was_there(
    empty_database: Database, empty_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    fill(empty_database)

    def failing(*given: Any) -> Iterator[list[tuple[Any, ...]]]:
        yield next(stream(*given))
        raise error

    monkeypatch.setattr(exporting, "stream", failing)
    for old in (None, "what was there"):
        if old:
            (folder / "events.csv").write_text(old)
        result = run(empty_url, "--output", str(folder / "events.csv"))
        assert result.exit_code == 1
        assert " events, up to" not in result.stderr
        assert only(folder, *(["events.csv"] if old else []))
    assert (folder / "events.csv").read_text() == "what was there"


def test_a_device_is_written_to_as_it_is(database_url: str, folder: Path) -> None:
    assert run(database_url, "--output", "/dev/null", "--format", "csv").exit_code == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    os.mkfifo(folder / "pipe")
    reader = subprocess.Popen(["cat", str(folder / "pipe")], stdout=subprocess.PIPE)
    assert run(database_url, "--output", str(folder / "pipe")).exit_code == 0
    assert len(reader.communicate(timeout=10)[0].splitlines()) == 9


# What is said meanwhile


def test_a_line_is_said_now_and_then(
    empty_database: Database, empty_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(empty_database)
    monkeypatch.setattr(export_command, "TOLD_EACH", 100)
    said = run(empty_url, "--output", str(folder / "a.ndjson")).stderr.splitlines()
    assert said[:-1] == ["100 events", "200 events"]


def test_a_terminal_shows_a_bar_and_the_output_is_none_of_it(
    empty_database: Database, empty_url: str, folder: Path
) -> None:
    fill(empty_database)
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "service.commands", "export", "--country", "AF", "--limit", "150"]
    environment = {**os.environ, "DATELINE_DATABASE_URL": empty_url, "TERM": "xterm"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=end, check=True)
    os.close(end)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert "exporting" in shown and "100%" in shown and "150 events, up to change" in shown
    assert len(done.stdout.splitlines()) == 150


def test_a_pipe_that_nobody_reads_ends_it_quietly(empty_database: Database, empty_url: str) -> None:
    fill(empty_database)
    environment = {**os.environ, "DATELINE_DATABASE_URL": empty_url}
    command = f"{sys.executable} -m service.commands export | head -n 1"
    done = subprocess.run(command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
