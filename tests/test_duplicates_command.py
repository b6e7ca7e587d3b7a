"""``dateline duplicates``: what it shows to people and to programs, and how a person acts on it."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from peewee import Database
from rich.cells import cell_len
from rich.console import Console

from service import duplicates_command
from service.commands import main
from service.duplicates_command import draw_pairs
from service.filters import FILTERS
from tests.conftest import keyed
from tests.test_reading_commands import Terminal
from tests.writing import body, document, put


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["duplicates", *arguments], env={"DATELINE_DATABASE_URL": url})


def event(event_id: str, dataset: str, **members: Any) -> dict[str, Any]:
    members = {"location": {"province": "AF-KAB"}, "actors": [{"id": "army"}], **members}
    return body(id=event_id, dataset=dataset, **members)


def write(database: Database, *bodies: dict[str, Any]) -> None:
    report = put(database, *bodies, create_actors=True)
    assert report.rejected == []


def test_its_options_are_the_filters_and_its_own() -> None:
    options = {name for option in main.commands["duplicates"].params for name in option.opts}
    expected = {"--" + name.replace("_", "-") for name in FILTERS}
    assert options == expected | {"--limit", "--within-datasets", "--linked", "--json"}


def test_pairs_are_shown_with_why_and_with_how_many_there_are(empty_url: str, empty_database: Database) -> None:
    write(empty_database, event("a", "one", title="A bomb"), event("b", "two", title="An explosion"), event("c", "two"))
    result = run(empty_url, "--limit", "1")
    assert result.exit_code == 0
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert re.fullmatch(
        r"0\.\d{3}  both on 2021-08-26; both in AF-KAB; share army; killed told by neither", lines.pop(0)
    )
    assert lines[:4] == [
        "       2021-08-26  A bomb  (one: a)",
        "       2021-08-26  An explosion  (two: b)",
        "",
        "1 of 2 pairs",
    ]


def test_the_request_that_is_shown_links_the_pair(app: Flask, database_url: str, database: Database) -> None:
    write(database, event("a", "one", related=[{"id": "panjshir-clash", "relation": "follows"}]), event("b", "two"))
    shown = run(database_url, "--dataset", "one,two").stdout
    request = shlex.split(shown[shown.index("curl") :].replace("\\\n", ""))
    given = list(pairwise(request))
    headers = dict(value.split(": ") for option, value in given if option == "-H")
    url = next(part for part in request if part.startswith("http://"))
    change = dict(given)["-d"]
    assert headers.pop("Authorization") == "Bearer $KEY"
    answer = keyed(app).patch(url.removeprefix("http://127.0.0.1:8000"), headers=headers, data=change)
    assert answer.status_code == 200
    assert document(database, "a")["related"] == [
        {"id": "panjshir-clash", "relation": "follows"},
        {"id": "b", "relation": "same-as"},
    ]
    assert run(database_url, "--dataset", "one,two").stdout == "no near duplicates\n"
    linked = run(database_url, "--dataset", "one,two", "--linked").stdout
    assert "; a is same-as b" in linked and "curl" not in linked


def test_what_is_of_the_past_is_not_offered_for_linking(empty_url: str, empty_database: Database) -> None:
    write(empty_database, event("a", "one"), event("b", "two"))
    updated = document(empty_database, "b")["updated"]
    shown = run(empty_url, "--as-of", updated).stdout
    assert "1 of 1 pair\n" in shown
    assert "curl" not in shown


def test_json_holds_ids_titles_dates_datasets_reasons_and_likeness(empty_url: str, empty_database: Database) -> None:
    write(empty_database, event("a", "one"), event("b", "two"), event("c", "one"))
    result = run(empty_url, "--json", "--within-datasets", "--province", "Kabul", "--limit", "1")
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert list(shown) == ["pairs", "total", "query", "sequence"]
    assert shown["total"] == 3
    assert shown["query"] == {"province": ["AF-KAB"], "limit": 1, "within_datasets": True, "linked": False}
    [pair] = shown["pairs"]
    assert list(pair) == ["score", "words", "events", "reasons", "related"]
    assert [list(told) for told in pair["events"]] == [["id", "version", "title", "date", "dataset"]] * 2
    assert [reason["reason"] for reason in pair["reasons"]] == ["time", "place", "actors", "size"]
    assert pair["words"] == "; ".join(reason["words"] for reason in pair["reasons"])
    assert 0 < pair["score"] < 1


def test_without_pairs_it_says_so(database_url: str) -> None:
    result = run(database_url)
    assert (result.exit_code, result.stdout) == (0, "no near duplicates\n")
    shown = json.loads(run(database_url, "--json").stdout)
    assert (shown["pairs"], shown["total"]) == ([], 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--actor", "talban"], "--actor: no actor is called 'talban' (did you mean taliban?) [unknown-actor]"),
        (["--limit", "0"], "--limit: "),
        (["--limit", "1001"], "--limit: "),
        (["--limit", ""], "--limit: is empty; leave it out or give a value [blank]"),
        (["--limit", "1", "--limit", "2"], "--limit: is given 2 times [repeated]"),
        (["--from", "yesterday"], "--from: "),
    ],
)
def test_what_the_api_would_refuse_is_refused_by_its_option(
    database_url: str, arguments: list[str], words: str
) -> None:
    result = run(database_url, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


@pytest.mark.parametrize(("option", "nearest"), [("--limt", "--limit"), ("--within-dataset", "--within-datasets")])
def test_an_option_that_does_not_exist_is_wrong_usage_and_the_nearest_is_told(option: str, nearest: str) -> None:
    result = CliRunner().invoke(main, ["duplicates", option, "3"])
    assert result.exit_code == 2
    assert nearest in result.stderr


def test_stored_text_commands_neither_the_terminal_nor_its_markup(empty_url: str, empty_database: Database) -> None:
    title = "[red]A[/red] \x1b[31mB\x1b]0;owned\x07 \u202eC [/] 🕌\r\n"
    write(empty_database, event("a", "one", title=title), event("b", "two"))
    shown = run(empty_url).stdout
    assert "[red]A[/red]" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", shown)


@pytest.mark.parametrize("width", [30, 60, 120])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(width: int) -> None:
    told = {"id": "i" * 128, "date": "2021-08-26", "title": "long words " * 20, "dataset": "field-notes"}
    pair = {"score": 0.5, "words": "both on 2021-08-26; share army", "events": [told, told], "related": []}
    terminal = Terminal()
    draw_pairs(Console(file=terminal, width=width, color_system=None), [pair])
    lines = terminal.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    text = "".join(line.strip() for line in lines).replace(" ", "")
    assert text.count("longwords") == 40 and text.count("i" * 128) == 2


def test_a_long_search_says_how_far_it_is_beside_its_output(
    empty_url: str, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates_command, "EVENTS_A_LINE", 2)
    write(empty_database, event("a", "one"), event("b", "two"))
    assert run(empty_url).stderr == "compared 2 events\n"
    assert run(empty_url, "--json").stderr == ""
