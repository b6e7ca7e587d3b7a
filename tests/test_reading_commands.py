"""``dateline timeline``: its options and answers; and what is drawn on terminals of any width and in pipes."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from peewee import Database
from rich.cells import cell_len
from rich.console import Console

from service import timeline
from service.commands import main
from service.filters import FILTERS, PARAMETERS, PERIOD_OPTIONS
from service.terminal import PIPE_WIDTH, draw_events, draw_facets, draw_periods
from tests.writing import body, put

WIDTHS = (30, 40, 60, 79, 80, 99, 100, 120, 200)


class Terminal(io.StringIO):
    """A text that passes for a terminal."""

    def isatty(self) -> bool:
        return True


def run(url: str, *arguments: str, **environment: str) -> Result:
    """Run a command over the database of a URL."""
    return CliRunner().invoke(main, list(arguments), env={"DATELINE_DATABASE_URL": url, **environment})


def drawn(draw: Any, width: int, *given: Any) -> list[str]:
    """The lines that are drawn on a terminal of so many columns."""
    terminal = Terminal()
    draw(Console(file=terminal, width=width, color_system=None), *given)
    return terminal.getvalue().splitlines()


def an_event(**members: Any) -> dict[str, Any]:
    """An event as answers show it, as far as it is drawn, each of whose columns is long."""
    return {
        "date": "2021-08-30/2021-08-31",
        "title": "Taliban attack at the entrance of the Panjshir valley is repelled",
        "location": {"province": {"name": "Badakhshan and its surroundings"}, "country": "AF", "as_given": None},
        "actors": [{"name": "Taliban"}, {"name": "National Resistance Front"}, {"name": "Panjshir local militias"}],
        "casualties": {"killed": {"low": 7, "high": 8, "disputed": True}},
        **members,
    }


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split("[┃│]", line)]


# Options


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bucket", "day", "--bucket", "year"], "--bucket: is given 2 times [repeated]"),
        (["--by", "type", "--by", "actor"], "--by: is given 2 times [repeated]"),
        (["--bucket", ""], "--bucket: is empty; leave it out or give a value [blank]"),
        (["--bucket", "decade"], "--bucket: 'decade' is not one of the allowed values"),
        (["--by", "tag"], "--by: 'tag' is not one of the allowed values"),
    ],
)
def test_bucket_and_by_are_refused_as_other_options_are(empty_url: str, arguments: list[str], words: str) -> None:
    result = run(empty_url, "timeline", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"dateline: {words}")


def test_all_that_is_wrong_with_a_query_is_told_at_once(database_url: str) -> None:
    result = run(database_url, "timeline", "--actor", "talban", "--bucket", "decade", "--limit", "0", "--by", "all")
    assert result.exit_code == 1
    told = re.findall(r"(?m)^dateline: --(\w+): ", result.stderr)
    assert sorted(told) == ["actor", "bucket", "by", "limit"]


def test_the_help_of_bucket_and_by_is_what_the_api_says_of_them() -> None:
    helps = {option.name: getattr(option, "help", "") for option in main.commands["timeline"].params}
    for name in ("bucket", "by"):
        assert PERIOD_OPTIONS[name].meaning in (helps[name] or "")


def test_auto_takes_as_fine_a_bucket_as_the_api_does(empty_url: str, empty_database: Database) -> None:
    put(empty_database, *(body(date=f"2021-0{month}-{day}") for month in (1, 2, 3) for day in range(10, 20)))
    buckets = {
        chosen: json.loads(run(empty_url, "timeline", "--json", *chosen).stdout)["bucket"]
        for chosen in ((), ("--bucket", "auto"), ("--bucket", "year"))
    }
    # Thirty days are too many to look at; they lie in seven weeks or so.
    assert list(buckets.values()) == ["week", "day", "year"]


@pytest.mark.parametrize("command", ["timeline", "stats"])
def test_bytes_that_are_no_text_are_refused_without_a_word_about_addresses(empty_url: str, command: str) -> None:
    result = run(empty_url, command, "--q", "\udcff")
    assert (result.exit_code, result.stderr) == (1, "dateline: --q: is not text in UTF-8 [not-utf-8]\n")


def test_what_is_wrong_with_the_query_as_a_whole_is_told_of_no_option(empty_url: str) -> None:
    names = ",".join(f"name-{number}" for number in range(3000))
    arguments = [part for _ in range(4) for part in ("--actor", names[:3000].rpartition(",")[0])]
    result = run(empty_url, "timeline", *arguments)
    assert result.exit_code == 1
    assert re.fullmatch(r"dateline: the query lists .*\[too-many\]\n", result.stderr)


# What is asked and answered


def test_the_options_of_timeline_are_the_parameters_of_the_api() -> None:
    options = {name for option in main.commands["timeline"].params for name in option.opts}
    # What a terminal shows has a form of its own.
    of_the_form = {"fields", "total", "format"}
    expected = {"--" + name.replace("_", "-") for name in {*PARAMETERS} - of_the_form}
    assert options == expected | {"--json", "--bucket", "--by"}
    assert set(FILTERS) <= set(PARAMETERS)


def test_an_empty_value_is_refused_as_the_api_does(database_url: str, client: FlaskClient) -> None:
    assert client.get("/v1/events?actor=").status_code == 422
    result = run(database_url, "timeline", "--actor", "")
    assert (result.exit_code, "--actor" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    "query",
    [
        [],
        [("actor", "taliban"), ("province", "Panjshir")],
        [("actor", "NRF"), ("actor", "taliban")],
        [("from", "2021-08-26"), ("to", "2021-08-26"), ("match", "certain")],
        [("sort", "-date"), ("limit", "2")],
        [("type", "battle"), ("status", "disputed")],
    ],
)
def test_timeline_gives_the_events_of_the_api(database_url: str, client: FlaskClient, query: Any) -> None:
    options = [part for name, value in query for part in ("--" + name, value)]
    result = run(database_url, "timeline", "--json", *options)
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    answer = client.get("/v1/events", query_string=query).get_json()
    assert shown["events"] == answer["events"]
    assert shown["query"] == answer["query"]
    assert (shown["next"] is None) == (answer["next"] is None)


def test_timeline_shows_a_table_and_how_to_go_on(database_url: str) -> None:
    result = run(database_url, "timeline", "--limit", "2", "--sort", "date")
    assert result.exit_code == 0
    assert "2 of 9 events" in result.stdout
    [cursor] = re.findall(r"more: --cursor (\S+)", result.stdout)
    following = run(database_url, "timeline", "--limit", "2", "--sort", "date", "--cursor", cursor, "--json")
    assert len(json.loads(following.stdout)["events"]) == 2


def test_timeline_refuses_a_misspelt_actor_with_the_nearest(database_url: str) -> None:
    result = run(database_url, "timeline", "--actor", "talban", "--min-killed", "many")
    assert result.exit_code == 1
    assert re.search(r"--actor: .*taliban.*\[unknown-actor\]", result.stderr)
    assert "--min-killed" in result.stderr


def test_the_page_and_the_histogram_of_timeline_show_the_same_moment(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = timeline.page

    def read_and_write(*given: Any) -> timeline.Page:
        page = read(*given)
        put(database, body(id="late", date="2021-08-19", tags=["late"]))
        return page

    put(database, body(id="early", date="2021-08-18", tags=["late"]))
    monkeypatch.setattr(timeline, "page", read_and_write)
    result = run(database_url, "timeline", "--tag", "late")
    assert (result.exit_code, "1 of 1 event\n" in result.stdout) == (0, True)
    assert "2021-08-19" not in result.stdout


def test_timeline_says_that_nothing_matches(empty_url: str) -> None:
    result = run(empty_url, "timeline")
    assert (result.exit_code, result.stdout) == (0, "no event matches\n")


def test_control_characters_and_markup_of_a_title_are_shown_as_text(empty_url: str, empty_database: Database) -> None:
    put(empty_database, body(title="[red]A[/red] \x1b[31mB\x1b]0;owned\x07 \u202eC [/] :smile: 🕌\r\n"))
    shown = run(empty_url, "timeline").stdout
    assert "[red]A[/red]" in shown
    assert "[/] :smile: 🕌" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", shown)


@pytest.mark.parametrize("option", ["--province", "--from", "--claimant", "--limit"])
def test_an_option_of_timeline_given_twice_is_refused_as_in_the_api(database_url: str, option: str) -> None:
    example = PARAMETERS[option[2:]].example.split(",")[0]
    result = run(database_url, "timeline", option, example, option, example)
    assert result.exit_code == 1
    assert f"{option}: is given 2 times" in result.stderr


# The table of events


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    periods = [{"start": "2021-08-30", "count": 7, "by": {f"name {number}": number for number in range(20)}}]
    facets = {"actor": [{"name": "National Resistance Front of Afghanistan", "count": 1234567}]}
    lines = [
        *drawn(draw_events, width, [an_event()]),
        *drawn(draw_periods, width, "day", periods, {}),
        *drawn(draw_facets, width, facets),
    ]
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [width for width in WIDTHS if width >= 60])
def test_what_happened_has_room_to_be_read_on_any_terminal(width: int) -> None:
    header, rule, *_ = drawn(draw_events, width, [an_event()])
    columns = dict(zip(cells(header), (len(part) - 2 for part in rule.split("╇")), strict=True))
    assert columns["what"] >= 24


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (160, ["date", "where", "what", "who", "killed"]),
        # The date needs 21 columns, the killed 15, three texts 24 each, and each line between them 3.
        (120, ["date", "where", "what", "who", "killed"]),
        (119, ["date", "where", "what", "killed"]),
        (93, ["date", "where", "what", "killed"]),
        (92, ["date", "what", "killed"]),
        (60, ["date", "what", "killed"]),
    ],
)
def test_a_narrow_terminal_is_not_shown_who_and_then_not_where(width: int, shown: list[str]) -> None:
    assert cells(drawn(draw_events, width, [an_event()])[0]) == shown


def test_short_columns_stay_on_a_narrow_terminal() -> None:
    short = an_event(date="2021", title="Protest", location=None, actors=[], casualties={})
    assert cells(drawn(draw_events, 50, [short])[0]) == ["date", "where", "what", "who", "killed"]


# The histogram


DIVIDED = {"nrf": 12, "local-militias": 3, "is-k": 1}
NAMES = {"nrf": "National Resistance Front", "local-militias": "Local militias", "is-k": "IS-K"}


@pytest.mark.parametrize("width", WIDTHS)
def test_a_line_of_the_histogram_never_parts_a_name_from_its_number(width: int) -> None:
    first, *more = drawn(draw_periods, width, "day", [{"start": "2021-08-30", "count": 15, "by": DIVIDED}], NAMES)
    assert re.match(r"2021-08-30 █+ 15", first)
    assert all(line.startswith(" " * 11) and re.search(r" \d+,?$", line) for line in more)
    pieces = [piece for line in more for piece in re.split(", ?", line.strip()) if piece]
    for name, count in zip(NAMES.values(), DIVIDED.values(), strict=True):
        whole = f"{name} {count}"
        assert whole in pieces or whole in first or width < 40


def test_bars_of_a_narrow_histogram_leave_room_for_the_numbers() -> None:
    periods = [{"start": "2021-08-30", "count": 100}, {"start": "2021-08-31", "count": 50}]
    wide, narrow = (drawn(draw_periods, width, "day", periods, {}) for width in (80, 45))
    assert [line.count("█") for line in wide] == [40, 20]
    assert [line.count("█") for line in narrow] == [30, 15]


def test_in_a_pipe_a_line_of_the_histogram_is_one_line(empty_url: str, empty_database: Database) -> None:
    actors = [{"name": f"The Organisation Number {number}", "role": "side-a"} for number in range(15)]
    put(empty_database, body(actors=actors), create_actors=True)
    shown = run(empty_url, "timeline", "--by", "actor").stdout
    last = shown.splitlines()[-1]
    assert len(last) > PIPE_WIDTH
    assert all(f"The Organisation Number {number} 1" in last for number in range(15))


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("actor", "National Resistance Front 1"),
        ("province", "Panjshir 1"),
        ("country", "Afghanistan"),
        ("type", "Battle 1"),
        ("status", "disputed 1"),
    ],
)
def test_the_histogram_is_divided_by_names_and_json_by_ids(database_url: str, by: str, words: str) -> None:
    shown = run(database_url, "timeline", "--by", by).stdout
    assert words in shown.partition(" of 9 events\n")[2]
    periods = json.loads(run(database_url, "timeline", "--by", by, "--json").stdout)["periods"]
    values = {value for period in periods for value in period["by"]}
    expected = {"actor": "nrf", "province": "AF-PAN", "country": "AF", "type": "battle", "status": "disputed"}
    assert expected[by] in values


def test_the_width_of_a_pipe_does_not_depend_on_the_environment(database_url: str) -> None:
    assert run(database_url, "timeline", COLUMNS="40").stdout == run(database_url, "timeline").stdout


# The counts


@pytest.mark.parametrize(
    ("name", "width", "bar"),
    [
        # Beside the name stand "events" and two gaps of two columns.
        ("n" * 20, 80, 40),
        ("n" * 20, 60, 30),
        ("n" * 42, 60, 8),
        ("n" * 50, 100, 40),
        ("n" * 90, 100, 40),
        ("n" * 50, 60, 8),
    ],
)
def test_bars_give_way_before_names_do(name: str, width: int, bar: int) -> None:
    header, first, *more = drawn(draw_facets, width, {"actor": [{"name": name, "count": 3}]})[1:]
    assert header.split() == ["actor", "events"]
    assert first.count("█") == bar
    assert (first.count("n") == len(name)) == (not more) == (len(name) <= min(50, width - 10 - bar))
