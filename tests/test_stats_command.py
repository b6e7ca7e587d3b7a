"""``dateline stats``: what a store holds, for people and for programs."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from peewee import Database

from service.commands import main
from service.filters import FACET_OPTIONS, FILTERS
from tests.answers import body
from tests.writing import body as event
from tests.writing import put


def run(url: str, *arguments: str) -> Result:
    """Run ``dateline stats`` over the database of a URL."""
    return CliRunner().invoke(main, ["stats", *arguments], env={"DATELINE_DATABASE_URL": url})


def rows(shown: str) -> dict[str, tuple[int, int]]:
    """The count and the length of the bar of each line that has both."""
    found = re.findall(r"(?m)^(.+?) +(\d+) +(█+) *$", shown)
    return {name: (int(count), len(bar)) for name, count, bar in found}


def test_its_options_are_the_parameters_of_the_api() -> None:
    options = {name for option in main.commands["stats"].params for name in option.opts}
    expected = {"--" + name.replace("_", "-") for name in {*FILTERS, *FACET_OPTIONS} - {"format"}}
    assert options == expected | {"--json"}


def test_a_store_is_summed_up(database_url: str) -> None:
    result = run(database_url)
    assert result.exit_code == 0
    first, second, *_ = result.stdout.splitlines()
    assert first.startswith("9 events, ")
    # Each event and each actor of the seed was written once.
    assert second == "25 revisions, 16 actors, 2 datasets"
    shown = rows(result.stdout)
    assert shown["Taliban"][0] == 7 and shown["Afghanistan"][0] == 7


def test_one_of_a_thing_is_told_in_the_singular(empty_url: str, empty_database: Database) -> None:
    put(empty_database, event(dataset="local"))
    assert run(empty_url).stdout.splitlines()[1] == "1 revision, 0 actors, 1 dataset"


def test_the_first_and_the_last_day_are_those_of_places_on_the_timeline(
    empty_url: str, empty_database: Database
) -> None:
    put(empty_database, *(event(date=date) for date in ("2021-08-26", "2022-03/2022-05", "2020~", "2021-01-02T10:00")))
    assert run(empty_url).stdout.splitlines()[0] == "4 events, 2020-01-01 to 2022-03-01"


def test_bars_are_as_long_as_counts_are_large(empty_url: str, empty_database: Database) -> None:
    put(empty_database, *(event(tags=["all", *(["half"] if number % 2 else [])]) for number in range(100)))
    put(empty_database, event(tags=["one"]))
    assert rows(run(empty_url, "--by", "tag").stdout) == {"all": (100, 40), "half": (50, 20), "one": (1, 1)}


def test_a_query_tells_of_what_matches_alone(database_url: str) -> None:
    shown = run(database_url, "--province", "Baghlan", "--by", "actor,status", "--size", "1").stdout
    assert shown.splitlines()[0] == "3 events, 2021-08-22 to 2021-08-27"
    assert "revisions" not in shown
    assert {name: count for name, (count, _) in rows(shown).items()} == {"Taliban": 3, "reported": 3}


def test_where_nothing_matches_nothing_but_that_is_shown(database_url: str, empty_url: str) -> None:
    assert run(database_url, "--tag", "nothing-has-this").stdout == "0 events\n"
    empty = run(empty_url)
    assert (empty.exit_code, empty.stdout.splitlines()[0]) == (0, "0 events")


@pytest.mark.parametrize("arguments", [[], ["--actor", "NRF", "--by", "type,tag"], ["--q", "airport", "--size", "2"]])
def test_with_json_it_prints_what_the_api_answers(database_url: str, client: FlaskClient, arguments: list[str]) -> None:
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    asked = "&".join(f"{option[2:]}={text}" for option, text in pairs)
    result = run(database_url, *arguments, "--json")
    assert json.loads(result.stdout) == body(client.get(f"/v1/facets?{asked}"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--actor", "talban"], "--actor: no actor is called 'talban' (did you mean taliban?) [unknown-actor]"),
        (["--by", "tags"], "--by: "),
        (["--size", "0"], "--size: "),
        (["--by", "tag", "--by", "actor"], "--by: is given 2 times"),
    ],
)
def test_what_the_api_refuses_is_refused_by_its_option(database_url: str, arguments: list[str], words: str) -> None:
    result = run(database_url, *arguments)
    assert isinstance(result.exception, SystemExit)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


def test_stored_text_commands_neither_the_terminal_nor_its_markup(empty_url: str, empty_database: Database) -> None:
    put(empty_database, event(tags=["[red]not markup[/red]", "\u009b2J bell"]))
    shown = run(empty_url, "--by", "tag").stdout
    assert "[red]not markup[/red]" in shown
    assert "\u009b" not in shown


def test_other_options_of_timeline_are_wrong_usage(empty_url: str) -> None:
    assert run(empty_url, "--limit", "3").exit_code == 2
