"""The command line: exit statuses, what is printed for people and for programs, and troubles told in words."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from peewee import Database

from service import __version__, command_line
from service.commands import main
from service.database import execute
from tests.writing import body, everything, ged, put

FIXTURES = Path(__file__).parent / "fixtures"


def run(url: str, *arguments: str, stdin: bytes | None = None, environment: dict[str, str] | None = None) -> Result:
    """Run a command over the database of a URL."""
    settings = {"DATELINE_DATABASE_URL": url, **(environment or {})}
    return CliRunner().invoke(main, list(arguments), input=stdin, env=settings)


def no_trace(result: Result) -> bool:
    """Whether a command ended in an orderly way, with words for people only."""
    return isinstance(result.exception, SystemExit | None) and "Traceback" not in result.output


def commands() -> Mapping[str, click.Command]:
    return main.commands


# Every command


def test_version_and_help_name_the_settings(empty_url: str) -> None:
    assert run(empty_url, "--version").output == f"dateline, version {__version__}\n"
    shown = run(empty_url, "--help")
    assert shown.exit_code == 0
    assert "DATELINE_DATABASE_URL" in shown.output


@pytest.mark.parametrize("name", sorted(main.commands))
def test_the_help_of_each_command_says_what_it_does(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"])
    assert shown.exit_code == 0
    assert (commands()[name].help or "").strip()


@pytest.mark.parametrize("name", sorted(main.commands))
def test_the_help_of_each_command_has_an_example(name: str) -> None:
    assert re.search(r"Example:\s+(\w+=\S+ )*dateline " + name, CliRunner().invoke(main, [name, "--help"]).output)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["timeline", "--nonsense"],
        ["seed", "surplus"],
        ["import"],
        ["import", "there-is-no-such-file.csv", "--format", "ucdp-ged"],
        ["import", "-", "--format", "ucdp"],
        ["import", "-", "--format", "ucdp-ged", "--dataset", "Not An Id"],
        ["import", "-"],
    ],
)
def test_wrong_usage_ends_with_2(empty_url: str, arguments: Sequence[str]) -> None:
    result = run(empty_url, *arguments, stdin=b"")
    assert result.exit_code == 2
    assert "Error" in result.stderr


def test_a_format_that_is_misspelt_is_refused_with_the_nearest(empty_url: str) -> None:
    assert "ucdp-ged" in run(empty_url, "import", "-", "--format", "ucpd", stdin=b"").stderr


@pytest.mark.parametrize("command", [["seed"], ["migrate"], ["timeline"], ["stats"], ["check"], ["serve"]])
@pytest.mark.parametrize(
    "url", ["mysql://h/d", "dateline.db", "sqlite:///", "sqlite:////no/such/folder/x.db", "postgresql://[::1/x"]
)
def test_a_url_of_no_database_ends_with_2_and_words(url: str, command: list[str]) -> None:
    result = run(url, *command)
    assert (result.exit_code, no_trace(result)) == (2, True)
    assert result.stderr.startswith("dateline: ")


@pytest.mark.parametrize("command", [["seed"], ["migrate"], ["timeline"], ["stats"], ["check"], ["serve"]])
def test_a_server_that_is_not_there_ends_with_1_and_words(command: list[str]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        result = run(f"postgresql://nobody@127.0.0.1:{port}/none?connect_timeout=2", *command)
    assert (result.exit_code, no_trace(result)) == (1, True)
    assert result.stderr.startswith("dateline: the database cannot be used: ")


def test_a_file_that_is_no_database_ends_with_1_and_words(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is no database, but long enough to look at " * 40)
    for command in ("migrate", "seed", "timeline", "stats", "check"):
        result = run(f"sqlite:///{tmp_path}/x.db", command)
        assert (result.exit_code, no_trace(result)) == (1, True)
        assert result.stderr.startswith("dateline: ")


def test_a_store_that_another_version_has_taken_over_ends_with_1_and_words(
    empty_url: str, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it happened after this version had opened the store.
    monkeypatch.setattr(command_line, "upgrade", lambda *given: [])
    execute(empty_database, "UPDATE store SET rules = '9999 unicode 99'")
    result = run(empty_url, "seed")
    assert (result.exit_code, no_trace(result)) == (1, True)
    assert re.fullmatch(r"dateline: .*9999 unicode 99.*\n", result.stderr)


@pytest.mark.parametrize("command", ["seed", "migrate", "timeline", "stats", "check", "serve"])
def test_a_bad_setting_ends_with_2_and_its_name(empty_url: str, command: str) -> None:
    result = run(empty_url, command, environment={"DATELINE_MIN_YEAR": "MM"})
    assert (result.exit_code, no_trace(result)) == (2, True)
    assert "DATELINE_MIN_YEAR" in result.stderr


def run_into(output: int, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own, which writes to a file descriptor."""
    return subprocess.run(
        [sys.executable, "-m", "service.commands", *arguments],
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DATELINE_DATABASE_URL": url},
    )


@pytest.mark.parametrize("command", ["stats", "timeline", "timeline --json", "seed", "check", "migrate", "--help"])
def test_an_output_that_takes_nothing_ends_with_1_and_one_line(database_url: str, command: str) -> None:
    with open("/dev/full", "wb") as full:
        ended = run_into(full.fileno(), database_url, *command.split())
    assert ended.returncode == 1
    assert re.fullmatch(r"dateline: .*No space left on device\n", ended.stderr)


@pytest.mark.parametrize("command", ["stats", "timeline", "timeline --json", "check", "--help"])
def test_a_pipe_that_nobody_reads_ends_a_command_quietly(database_url: str, command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert run_into(writing, database_url, *command.split()).stderr == ""
    finally:
        os.close(writing)


# seed, migrate, serve


def test_migrate_and_seed_say_what_they_did_and_do_it_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    assert run(url, "migrate").output.startswith("applied ")
    assert run(url, "migrate").output == "up to date\n"
    first = run(url, "seed")
    assert (first.exit_code, "9 events" in first.output) == (0, True)
    assert "nothing changed" in run(url, "seed").output
    assert json.loads(run(url, "seed", "--json").stdout) == {"actors": 0, "created": 0, "updated": 0}


def test_migrate_says_that_it_made_the_projections_anew(
    empty_url: str, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(empty_database, body())
    monkeypatch.setattr("service.upgrade.RULES", "of another version")
    monkeypatch.setattr("service.repair.repair", lambda database: None)
    result = run(empty_url, "migrate")
    assert (result.exit_code, result.stdout) == (0, "made every projection anew\n")


def test_serve_says_that_its_port_is_taken(empty_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run(empty_url, "serve", environment={"PORT": port})
    assert (result.exit_code, no_trace(result)) == (1, True)
    assert port in result.stderr


@pytest.mark.parametrize("host", ["256.1.1.1", "no.such.host.invalid", "203.0.113.1"])
def test_serve_says_that_its_address_is_not_to_be_had(empty_url: str, host: str) -> None:
    result = run(empty_url, "serve", environment={"HOST": host, "PORT": "8000"})
    assert (result.exit_code, no_trace(result)) == (1, True)
    assert host in result.stderr


# import


def test_an_import_ends_with_0_and_its_counts(empty_url: str, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_bytes(ged({"id": "1"}, {"id": "2"}))
    result = run(empty_url, "import", str(tmp_path / "good.csv"), "--format", "ucdp-ged")
    assert result.exit_code == 0
    assert "2 records: 2 created, 0 updated, 0 unchanged, 0 rejected" in result.stdout


def test_one_of_a_thing_is_told_in_the_singular(empty_url: str, empty_database: Database) -> None:
    result = run(empty_url, "import", "-", "--format", "ucdp-ged", stdin=ged({}))
    assert result.stdout == "1 record: 1 created, 0 updated, 0 unchanged, 0 rejected\n"
    assert "1 record\n" in result.stderr
    assert "1 of 1 event\n" in run(empty_url, "timeline").stdout
    assert run(empty_url, "stats").stdout.startswith("1 event, ")
    execute(empty_database, "DELETE FROM event_document")
    assert "repaired 1 difference\n" in run(empty_url, "check", "--repair").stdout


def test_an_import_from_standard_input_for_programs(empty_url: str) -> None:
    result = run(empty_url, "import", "-", "--format", "ucdp-ged", "--json", stdin=ged({"low": "9"}))
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["received"], report["created"], report["rejected"]) == (1, 1, [])
    assert sum(report["warnings"].values()) == 1


def test_an_import_with_rejects_ends_with_1_and_tells_line_reason_and_code(empty_url: str, tmp_path: Path) -> None:
    file = str(FIXTURES / "ged_with_rejects.csv")
    rejects = tmp_path / "rejects.csv"
    result = run(empty_url, "import", file, "--format", "ucdp-ged", "--rejects", str(rejects))
    assert result.exit_code == 1
    assert re.search(r"^line 4: /date_start: .*\[not-a-date\]$", result.stderr, re.MULTILINE)
    assert "2 created, 0 updated, 0 unchanged, 5 rejected" in result.stdout
    again = run(empty_url, "import", str(rejects), "--format", "ucdp-ged", "--json")
    assert (again.exit_code, json.loads(again.stdout)["received"]) == (1, 5)


def test_a_dry_run_says_so_and_keeps_nothing(empty_url: str, empty_database: Database) -> None:
    before = everything(empty_database)
    result = run(empty_url, "import", "-", "--format", "ucdp-ged", "--dry-run", stdin=ged({}))
    assert (result.exit_code, "nothing was kept" in result.stdout) == (0, True)
    assert everything(empty_database) == before


def test_a_file_that_breaks_off_ends_with_1_and_keeps_what_stood_before(empty_url: str) -> None:
    data = ged({"id": "1"}) + b"\xff\xff\n"
    result = run(empty_url, "import", "-", "--format", "ucdp-ged", stdin=data)
    assert (result.exit_code, no_trace(result)) == (1, True)
    assert "breaks off" in result.stderr
    assert "1 created" in result.stdout
    again = run(empty_url, "import", "-", "--format", "ucdp-ged", "--json", stdin=data)
    assert json.loads(again.stdout)["broken"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (ged(), "no record"),
        (b"a,b\n1,2\n", "no UCDP GED file"),
        (gzip.compress(ged({}), mtime=0)[:-20], "gzip data is cut short"),
        (ged({}).decode().encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_of_another_kind_ends_with_1_and_what_it_looks_like(empty_url: str, data: bytes, words: str) -> None:
    result = run(empty_url, "import", "-", "--format", "ucdp-ged", stdin=data)
    assert (result.exit_code, no_trace(result)) == (1, True)
    assert words in result.stderr


# check


def test_check_ends_with_0_where_all_agrees_and_with_1_where_not(database_url: str, database: Database) -> None:
    assert run(database_url, "check").exit_code == 0
    assert json.loads(run(database_url, "check", "--json").stdout) == {"found": [], "left": []}
    execute(database, "DELETE FROM tally")
    broken = run(database_url, "check")
    assert (broken.exit_code, "tally" in broken.stdout) == (1, True)
    shown = json.loads(run(database_url, "check", "--json").stdout)
    assert shown["found"] == shown["left"]
    assert {"table", "subject", "message"} == shown["found"][0].keys()
    mended = run(database_url, "check", "--repair")
    assert (mended.exit_code, "repaired" in mended.stdout) == (0, True)
    assert run(database_url, "check").exit_code == 0


def test_rejects_never_go_into_the_file_that_is_imported(empty_url: str, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_bytes(data := ged({}, {"id": "x"}))
    result = run(empty_url, "import", str(file), "--format", "ucdp-ged", "--rejects", f"{tmp_path}/./events.csv")
    assert (result.exit_code, no_trace(result)) == (2, True)
    assert file.read_bytes() == data


def test_a_file_for_rejects_is_that_of_the_last_import(empty_url: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("last week's")
    # What is refused as a whole has rejected no record.
    for stdin, status, left in ((b"", 1, "last week's"), (ged({}), 0, "")):
        result = run(empty_url, "import", "-", "--format", "ucdp-ged", "--rejects", str(kept), stdin=stdin)
        assert result.exit_code == status
        assert kept.read_text() == left


def test_rejects_that_cannot_be_written_are_told_in_words(empty_url: str, tmp_path: Path) -> None:
    result = run(
        empty_url, "import", "-", "--format", "ucdp-ged", "--rejects", f"{tmp_path}/none/r.csv", stdin=ged({"id": "x"})
    )
    assert (result.exit_code, no_trace(result)) == (2, True)
    assert "none/r.csv cannot be written" in result.stderr
