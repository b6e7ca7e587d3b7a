"""The commands of keys: what is printed for people and for programs, exit statuses, and how they are documented."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from peewee import Database

from service.commands import main
from service.key_commands import keys_group
from service.keys import create_key, find_key, list_keys, note_use, revoke_key

ROOT = Path(__file__).parent.parent
KEY = re.compile(r"dl_[0-9a-f]{12}_[0-9a-f]{64}")


def run(url: str, *arguments: str, **environment: str) -> Result:
    """Run a command of keys over the database of a URL."""
    return CliRunner().invoke(main, ["keys", *arguments], env={"DATELINE_DATABASE_URL": url, **environment})


def done(result: Result) -> Result:
    assert (result.exit_code, result.exception) == (0, None), result.output
    return result


def test_a_key_is_printed_alone_and_the_words_about_it_apart(empty_url: str, empty_database: Database) -> None:
    result = done(run(empty_url, "create", "newsdesk", "--scope", "write"))
    assert KEY.fullmatch(result.stdout.rstrip("\n"))
    assert result.stdout.count("\n") == 1
    assert "newsdesk" in result.stderr and "this once" in result.stderr
    assert '-H "Authorization: Bearer $KEY"' in result.stderr
    assert "http://127.0.0.1:8000/v1/events" in result.stderr
    assert not KEY.search(result.stderr), "what goes into a log does not give the key away"
    key = find_key(empty_database, result.stdout.strip())
    assert key is not None and (key.name, key.scope) == ("newsdesk", "write")


@pytest.mark.parametrize(("scope", "writes"), [("read", False), ("write", True), ("admin", True)])
def test_the_example_is_one_that_the_key_may_do(empty_url: str, scope: str, writes: bool) -> None:
    words = done(run(empty_url, "create", "x", "--scope", scope, HOST="::1", PORT="9000")).stderr
    assert ("-d '{" in words) == writes
    assert "http://[::1]:9000/v1/events" in words


def test_a_program_gets_name_scope_and_key(empty_url: str, empty_database: Database) -> None:
    result = done(run(empty_url, "create", "Ré daction", "--scope", "admin", "--json"))
    made = json.loads(result.stdout)
    assert list(made) == ["name", "scope", "key"]
    assert (made["name"], made["scope"]) == ("Ré daction", "admin")
    assert find_key(empty_database, made["key"]) is not None


def test_a_name_that_was_given_out_is_refused_unless_it_is_the_same_holder(
    empty_url: str, empty_database: Database
) -> None:
    first = create_key(empty_database, "newsdesk", "write")
    refused = run(empty_url, "create", "newsdesk", "--scope", "write", "--json")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "--replace" in refused.stderr and "[name-taken]" in refused.stderr
    done(run(empty_url, "create", "newsdesk", "--scope", "write", "--replace"))
    assert find_key(empty_database, first.key) is None


@pytest.mark.parametrize("name", ["", "a\nb", "seed", "x" * 101])
def test_a_name_that_nobody_may_have_is_refused(empty_url: str, empty_database: Database, name: str) -> None:
    result = run(empty_url, "create", name, "--scope", "read")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("dateline: ")
    assert list_keys(empty_database) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "x"],
        ["create", "x", "--scope", "wite"],
        ["create", "--scope", "write"],
        ["create", "x", "y", "--scope", "write"],
        ["revoke"],
        ["list", "x"],
        ["nonsense"],
    ],
)
def test_wrong_usage_ends_with_2(empty_url: str, arguments: list[str]) -> None:
    result = run(empty_url, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def filled(database: Database) -> None:
    """Three keys: one in use, one unused, one revoked."""
    create_key(database, "[bold]reader", "read")
    key = find_key(database, create_key(database, "desk", "write").key)
    create_key(database, "former", "admin")
    assert key is not None
    note_use(database, key, {})
    revoke_key(database, "former")


def test_keys_are_listed_in_a_table(empty_url: str, empty_database: Database) -> None:
    filled(empty_database)
    shown = done(run(empty_url, "list")).stdout
    rows = [[cell.strip() for cell in line.split("│")] for line in shown.splitlines() if "│" in line]
    assert [row[:2] for row in rows] == [["[bold]reader", "read"], ["desk", "write"], ["former", "admin"]]
    moment = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    shapes = [["-" if cell == "-" else moment.fullmatch(cell) is not None for cell in row[2:]] for row in rows]
    assert shapes == [[True, "-", "-"], [True, True, "-"], [True, "-", True]]
    assert shown.endswith("\n3 keys\n")


def test_keys_are_listed_for_programs(empty_url: str, empty_database: Database) -> None:
    assert json.loads(done(run(empty_url, "list", "--json")).stdout) == []
    filled(empty_database)
    assert json.loads(done(run(empty_url, "list", "--json")).stdout) == list_keys(empty_database)


def test_where_there_are_no_keys_it_is_said_how_to_make_one(empty_url: str) -> None:
    assert "dateline keys create" in done(run(empty_url, "list")).stdout


def test_a_key_is_revoked_by_its_name(empty_url: str, empty_database: Database) -> None:
    made = create_key(empty_database, "newsdesk", "write")
    first = done(run(empty_url, "revoke", "newsdesk", "--json"))
    assert find_key(empty_database, made.key) is None
    assert json.loads(first.stdout) == list_keys(empty_database)[0]
    again = done(run(empty_url, "revoke", "newsdesk"))
    assert json.loads(first.stdout)["revoked"] in again.stdout


def test_revoking_an_unknown_name_suggests_the_nearest(empty_url: str, empty_database: Database) -> None:
    create_key(empty_database, "newsdesk", "write")
    result = run(empty_url, "revoke", "newdesk")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "did you mean newsdesk?" in result.stderr


@pytest.mark.parametrize("name", sorted(keys_group.commands))
def test_each_command_has_an_example_and_is_documented(name: str) -> None:
    assert f"Example:\n    dateline keys {name}" in CliRunner().invoke(main, ["keys", name, "--help"]).output
    told = (ROOT / "docs/commands.md").read_text(encoding="utf-8").split("## dateline keys", 1)[1].split("\n## ")[0]
    assert f"$ dateline keys {name}" in told
    options: list[Any] = [one for one in keys_group.commands[name].params if isinstance(one, click.Option)]
    assert [text for one in options for text in one.opts if f"`{text}" not in told] == []


def test_the_demo_gets_its_key_before_the_service_starts() -> None:
    commands = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nrun:", 1)[1].split("\n\n")[0]
    seeding, making, serving = (
        commands.index(word) for word in ('dateline" seed', "keys create demo", "serve --examples")
    )
    assert seeding < making < serving
