"""Checks that the documentation names everything there is, that its links lead somewhere, that shown output is true.

A block of commands under the comment ``<!-- checked -->`` is run, in the order of the page, against a database of the
page's own; what the program prints must be what the page shows, where ``…`` stands for anything. ``NAME=$(…)`` keeps
what a command prints for the commands after it.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from schemas.edtf import DateError, parse_date, parse_event_date
from schemas.vocabulary import ACTOR_KINDS, EVENT_TYPES, MEASURES, RELATIONS, ROLES, STANCES, STATUSES
from service.app import create_app
from service.commands import main
from service.database import open_database
from service.filters import FILTERS, PARAMETERS
from service.formats import FORMATS
from service.http import EVENT_STREAM, JSON
from service.importers import IMPORTERS
from service.operations import OPERATIONS
from service.problems import PROBLEMS
from service.seeding import seed
from service.settings import Settings, settings_table
from service.upgrade import upgrade
from tests.shown import agrees, shown_in

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("", "docs", "docs/formats", "bench", "seed/gazetteer")
    for path in (ROOT / folder).glob("*.md")
)
# Whether a page's commands are run on a database that holds the seed, or where there is none yet.
CHECKED_PAGES = {
    "README.md": "seeded",
    "docs/tutorial.md": "none",
    "docs/commands.md": "none",
    "docs/api.md": "seeded",
    "docs/duplicates.md": "seeded",
}


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.split(rf"(?m)^{re.escape(heading)}$", text_of(page), maxsplit=1)
    assert len(found) == 2, f"{page} has no heading {heading!r}"
    return re.split(rf"(?m)^#{{1,{level}}} ", found[1], maxsplit=1)[0]


def table_rows(text: str) -> list[list[str]]:
    """The rows of every table in a text but for the headers, cells without their code marks."""
    rows = [
        [cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    rules = [index for index, row in enumerate(rows) if all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    return [row for index, row in enumerate(rows) if index not in rules and index + 1 not in rules]


# Everything that exists is documented, and nothing else.


def test_every_command_and_option_is_documented() -> None:
    for name, command in main.commands.items():
        told = section("docs/commands.md", f"## dateline {name}")
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        if name in ("timeline", "stats", "duplicates", "export"):
            # The options that are the query's parameters are told once, in the table of filters.
            assert "api.md#the-query" in told
            options -= {"--" + parameter.replace("_", "-") for parameter in PARAMETERS}
        assert {option for option in options if f"`{option}" not in told} == set(), name
        for argument in command.params:
            if isinstance(argument, click.Argument):
                assert argument.make_metavar(click.Context(command)) in told


def test_no_command_is_documented_that_does_not_exist() -> None:
    assert set(re.findall(r"(?m)^## dateline (\w+)$", text_of("docs/commands.md"))) == set(main.commands)


def test_every_setting_is_documented_with_its_default() -> None:
    told = {row[0]: row[1] for row in table_rows(section("docs/settings.md", "## The settings"))}
    assert told == {name: default for name, default, _ in settings_table()}


def routes(tmp_path: Path, of_the_page: bool = False) -> dict[str, str]:
    """Each ``GET /v1/events`` there is, in the form of the API's description, with its handler; no files of /docs.

    of_the_page: those of the web page, which are documented elsewhere.
    """
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/unused.db"))
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith("/docs/") and rule.endpoint.startswith("web.") == of_the_page
    ]
    return {
        f"{method} {described(rule.rule)}": rule.endpoint
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def described(path: str) -> str:
    """A path of Flask's in the form of OpenAPI."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)


def test_every_route_that_reads_is_documented_with_its_parameters(tmp_path: Path) -> None:
    for route, endpoint in routes(tmp_path).items():
        told = section("docs/api.md", f"### `{route}`")
        operation = OPERATIONS.get(endpoint)
        if operation and operation.scope:
            continue
        wanted = {parameter.name for parameter in operation.parameters} if operation else set()
        # The timeline's query is told once, for every path that takes it.
        if set(FILTERS) <= wanted:
            assert "[query](#the-query)" in told, route
            wanted -= set(FILTERS)
        if operation and operation.parameters == tuple(PARAMETERS.values()):
            continue
        assert {row[0] for row in table_rows(told)} == wanted, route
        headers = operation.headers if operation else ()
        assert [header.name for header in headers if header.name not in told] == [], route


def test_every_address_of_the_web_page_is_documented(tmp_path: Path) -> None:
    pages = [route.removeprefix("GET ") for route in routes(tmp_path, of_the_page=True)]
    told = {re.sub(r"{\w+}", "{}", row[0]) for row in table_rows((ROOT / "docs/page.md").read_text())}
    assert told == {re.sub(r"{\w+}", "{}", path) for path in pages}


def test_every_route_that_writes_is_documented_with_all_that_it_takes_and_answers(tmp_path: Path) -> None:
    rows = {row[0]: row[1:] for row in table_rows(section("docs/api.md", "### What each takes"))}
    writes = {route: OPERATIONS[name] for route, name in routes(tmp_path).items() if name in OPERATIONS}
    writes = {route: operation for route, operation in writes.items() if operation.scope}
    assert rows.keys() == writes.keys()
    for route, (scope, parameters, headers, answers, refusals) in rows.items():
        told, operation = section("docs/api.md", f"### `{route}`"), writes[route]
        assert scope == operation.scope, route
        assert members(parameters) == {parameter.name for parameter in operation.parameters}, route
        assert members(headers) == {header.name for header in operation.headers}, route
        assert members(answers) == {str(status) for status in operation.statuses}, route
        assert members(refusals) == {str(PROBLEMS[slug].status) for slug in operation.problems}, route
        assert [media for media in operation.body if media not in (JSON, "*/*") and media not in told] == [], route


def members(cell: str) -> set[str]:
    """What a cell of a table lists."""
    return {member.strip("` ") for member in cell.split(",")}


def test_no_route_is_documented_that_does_not_exist(tmp_path: Path) -> None:
    assert set(re.findall(r"(?m)^### `([A-Z]+ /.*)`$", text_of("docs/api.md"))) == set(routes(tmp_path))


def test_every_parameter_of_the_query_is_documented_in_its_order() -> None:
    assert [row[0] for row in table_rows(section("docs/api.md", "## The query"))] == list(PARAMETERS)


@pytest.mark.parametrize(
    "words",
    [EVENT_TYPES, STATUSES, ROLES, RELATIONS, STANCES, MEASURES, ACTOR_KINDS],
    ids=lambda words: next(iter(words)),
)
def test_every_word_of_the_vocabularies_is_documented(words: dict[str, object] | tuple[str, ...]) -> None:
    told = section("docs/api.md", "## The vocabularies")
    assert [word for word in words if f"`{word}`" not in told] == []


def test_every_importer_and_every_format_has_a_page_that_is_linked() -> None:
    for name in {*IMPORTERS, *FORMATS}:
        assert (ROOT / f"docs/formats/{name}.md").is_file()
        assert f"formats/{name}.md" in text_of("docs/index.md")


def test_every_problem_is_documented_with_its_status() -> None:
    told = {row[0]: row[1] for row in table_rows(section("docs/errors.md", "## Problem types"))}
    assert told == {f"/problems/{problem.slug}": str(problem.status) for problem in PROBLEMS.values()}


def test_every_module_is_in_the_map_of_contributing() -> None:
    rows = [row[0] for row in table_rows(section("CONTRIBUTING.md", "## What goes where"))]
    told = set(rows)
    modules = {
        path.relative_to(ROOT).as_posix()
        for folder in ("schemas", "service")
        for path in (ROOT / folder).rglob("*.py")
        if path.parent.name != "migrations"
    }
    assert told - {"service/migrations/", "bench/"} == modules
    in_order = [row for row in rows if row in modules]
    assert in_order == sorted(in_order, key=lambda row: row.rpartition("/")[::2])


# Error codes, from the source.

# Where the code stands in a call's arguments.
CODE_PLACES = {"Fault": 1, "fault": 0, "unreadable": 0, "DateError": 0, "choice": 1}
# Codes that are put together, as the source writes them, and what comes out.
COMPOSED = {"f'unknown-{kind}'": {"unknown-publisher", "unknown-claimant"}}


@dataclass(slots=True)
class Codes:
    """The codes that a piece of source emits. ``puzzles``: what a reader of the source alone cannot make out."""

    found: set[str] = field(default_factory=set)
    puzzles: list[str] = field(default_factory=list)

    def read(self, tree: ast.AST) -> None:
        tables = {
            node.target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments) if name in CODE_PLACES:
                    self.argument(arguments, CODE_PLACES[name])
                case ast.Assign(targets=[ast.Name(id="code")], value=value):
                    self.constants(value)
                case ast.AnnAssign(target=ast.Name(id="codes"), value=ast.Dict(values=values)):
                    self.table(values)
                case (
                    ast.comprehension(target=ast.Tuple(elts=columns), iter=rows)
                    | ast.For(target=ast.Tuple(elts=columns), iter=rows)
                ):
                    self.rows(columns, tables.get(rows.id, rows) if isinstance(rows, ast.Name) else rows)

    def argument(self, arguments: list[ast.expr], place: int) -> None:
        if len(arguments) <= place or any(isinstance(part, ast.Starred) for part in arguments[: place + 1]):
            return
        match arguments[place]:
            case ast.Constant(value=str(code)):
                self.found.add(code)
            case ast.Name() | ast.Attribute():
                pass  # Handed on from where it was made, which is found there.
            case other if ast.unparse(other) in COMPOSED:
                self.found |= COMPOSED[ast.unparse(other)]
            case other:
                self.puzzles.append(ast.unparse(other))

    def constants(self, value: ast.expr) -> None:
        branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
        constants = [part.value for part in branches if isinstance(part, ast.Constant)]
        self.found |= {value for value in constants if isinstance(value, str)}

    def rows(self, columns: list[ast.expr], rows: ast.expr | None) -> None:
        """The column of a table that is called ``code`` where it is gone through."""
        places = [place for place, name in enumerate(columns) if isinstance(name, ast.Name) and name.id == "code"]
        if places and isinstance(rows, ast.Tuple):
            self.table(rows.elts, places[0])

    def table(self, rows: list[ast.expr], place: int = 0) -> None:
        for row in rows:
            if isinstance(row, ast.Tuple):
                self.constants(row.elts[place])


def emitted(*folders: str) -> Codes:
    codes = Codes()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            codes.read(ast.parse(path.read_text(encoding="utf-8"), str(path)))
    return codes


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('fault("blank", "…")', {"blank"}),
        ('Fault(f"/{name}", "out-of-range", "…")', {"out-of-range"}),
        ('query.choice(FORMATS, "unknown-format")', {"unknown-format"}),
        ("query.choice(ROLES)", set()),
        ('code = "missing" if not text else "not-a-date"', {"missing", "not-a-date"}),
        ('codes: Mapping[str, str] = {"null": ("null", "must not be null")}', {"null"}),
        ('REASONS = tuple((code, m) for code, m in (("set", "…"), ("bce", "…")))', {"set", "bce"}),
        ('for code, broken in (("blank", not name), ("too-long", len(name) > 9)): pass', {"blank", "too-long"}),
        ('WHAT: Any = ((E, "no-such-place"),)\nnext(code for kind, code in WHAT if kind is E)', {"no-such-place"}),
        ("Fault(pointer, fault.code, fault.message)", set()),
        ("Fault(pointer, *rest)", set()),
    ],
)
def test_codes_are_found_wherever_they_are_written(source: str, found: set[str]) -> None:
    codes = Codes()
    codes.read(ast.parse(source))
    assert (codes.found, codes.puzzles) == (found, [])


def test_a_code_that_is_put_together_is_noticed() -> None:
    codes = Codes()
    codes.read(ast.parse("fault(f'no-{thing}', '…')"))
    assert codes.puzzles == ["f'no-{thing}'"]


def test_every_error_code_is_documented_and_no_other() -> None:
    codes = emitted("schemas", "service")
    assert codes.puzzles == [], "say in COMPOSED what comes of these"
    # One of each kind of place, so that a collector that finds nothing cannot pass.
    assert {"required", "century", "unknown-type", "unknown-claimant", "unknown-actor", "not-a-number"} <= codes.found
    told = {row[0] for row in table_rows(section("docs/errors.md", "## Codes"))}
    assert {"undocumented": codes.found - told, "gone": told - codes.found} == {"undocumented": set(), "gone": set()}


@pytest.mark.parametrize("name", sorted(IMPORTERS))
def test_the_codes_of_an_importer_are_on_its_page(name: str) -> None:
    stem = name.replace("-", "_")
    codes = Codes()
    for path in (ROOT / "service" / "importers").glob(f"{stem}*.py"):
        codes.read(ast.parse(path.read_text(encoding="utf-8"), str(path)))
    assert codes.found
    assert {code for code in codes.found if f"`{code}`" not in text_of(f"docs/formats/{name}.md")} == set()


# Dates.


def test_dates_mean_what_their_page_says() -> None:
    rows = table_rows(section("docs/dates.md", "## What may be written"))
    assert len(rows) > 10
    for text, start, end, precision, qualifier, *_ in rows:
        span = parse_date(text)
        shown = [part or "null" for part in (span.start, span.end, span.precision, span.qualifier)]
        assert shown == [start, end, precision, qualifier], text


def test_dates_are_refused_as_their_page_says() -> None:
    rows = table_rows(section("docs/dates.md", "## What is refused"))
    assert len(rows) > 10
    for text, code, _ in rows:
        with pytest.raises(DateError) as refused:
            parse_event_date(text, 1000, 2100)
        assert refused.value.code == code, text


# Links.


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, by GitHub's rule: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    prose = re.sub(r"(?ms)^```.*?^```$", "", text_of(page))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_index() -> None:
    for path in (ROOT / "docs").rglob("*.md"):
        name = path.relative_to(ROOT / "docs").as_posix()
        assert name == "index.md" or f"({name})" in text_of("docs/index.md"), name


# Shown output.


# What stands before a block of commands that is run.
CHECKED = "<!-- checked -->"

CURL = argparse.ArgumentParser("curl", add_help=False, allow_abbrev=False)
CURL.add_argument("url")
CURL.add_argument("-s", action="store_true", required=True)
CURL.add_argument("-N", action="store_true")
CURL.add_argument("-X", dest="method")
CURL.add_argument("-H", dest="headers", action="append", default=[])
CURL.add_argument("-d", "--data-binary", dest="body")
CURL.add_argument("-w", dest="status", choices=["%{http_code}\\n"])
CURL.add_argument("--max-time")


class Shell:
    """Runs the commands of a page: curl by the test client, ``dateline`` in this process."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._variables: dict[str, str] = {}

    def run(self, command: str) -> str:
        """What a command prints on a terminal."""
        kept = re.fullmatch(r"([A-Z]+)=\$\((.*)\)", command, re.DOTALL)
        if kept is None:
            return "".join(self._run(command))
        output, errors = self._run(kept[2], alone=True)
        self._variables[kept[1]] = output.rstrip("\n")
        return errors

    def _run(self, command: str, alone: bool = False) -> tuple[str, str]:
        """What a command prints: results, and apart from them what else there is to say, where they go on ``alone``."""
        asked, _, pipe = command.partition(" | ")
        program, *arguments = shlex.split(self._filled(asked.replace("\\\n", "")))
        if program == "dateline":
            result = CliRunner().invoke(main, arguments, prog_name="dateline")
            assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
            output, errors = (result.stdout, result.stderr) if pipe or alone else (result.output, "")
        else:
            assert program == "curl", command
            output, errors = self._curl(arguments), ""
        if pipe == "python3 -m json.tool":
            output = json.dumps(json.loads(output), indent=4)
        elif pipe:
            python, *options = shlex.split(pipe)
            assert python == "python3", command
            output = subprocess.run(
                [sys.executable, *options], input=output, capture_output=True, text=True, check=True
            ).stdout
        return output, errors

    def _filled(self, command: str) -> str:
        """The command with the values of its variables, which a shell puts everywhere but in single quotes."""
        parts = re.split(r"('[^']*')", command)
        return "".join(
            part if part.startswith("'") else re.sub(r"\$([A-Z]+)", lambda name: self._variables[name[1]], part)
            for part in parts
        )

    def _curl(self, arguments: list[str]) -> str:
        asked = CURL.parse_args(arguments)
        local = "http://127.0.0.1:8000"
        assert asked.url.startswith(f"{local}/"), asked.url
        headers = dict(header.split(": ", 1) for header in asked.headers)
        if asked.body is not None:
            # What curl says of a body by itself.
            headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        answer = self._client.open(
            asked.url.removeprefix(local),
            method=asked.method or ("GET" if asked.body is None else "POST"),
            headers=headers,
            data=asked.body,
        )
        assert answer.status_code < 500, asked
        if answer.mimetype == EVENT_STREAM:
            # A stream does not end by itself: this is its opening, and what there is to tell at once.
            assert asked.N and asked.max_time, "it would not be seen, and the command would never end"
            pieces = list(islice(answer.iter_encoded(), 2))
            answer.close()
            return b"".join(pieces).decode()
        return answer.get_data(as_text=True) + (f"{answer.status_code}\n" if asked.status else "")


@pytest.mark.parametrize(
    ("shown", "printed", "true"),
    [
        ("a  \nb", "a\nb\n", True),
        ("a … d", "a b c d", True),
        ('{\n  …\n  "x": 1\n}', '{\n  "w": 0,\n  "v": 0,\n  "x": 1\n}', True),
        ("a", "a b", False),
        ("1 of 1 events", "1 of 10 events", False),
    ],
)
def test_three_dots_stand_for_anything_and_nothing_else_does(shown: str, printed: str, true: bool) -> None:
    assert agrees(shown, printed) is true


@pytest.mark.parametrize("page", CHECKED_PAGES)
def test_shown_output_is_what_the_program_prints(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/dateline.db"
    monkeypatch.setenv("DATELINE_DATABASE_URL", url)
    # What a command reads is where the repository has it, and what it writes is gone with the test.
    here = tmp_path / "here"
    here.mkdir()
    for path in ROOT.iterdir():
        (here / path.name).symlink_to(path)
    monkeypatch.chdir(here)
    if CHECKED_PAGES[page] == "seeded":
        database = open_database(url)
        upgrade(database)
        seed(database)
        database.close()
    shell = Shell(create_app(Settings(database_url=url)).test_client())
    blocks = list(shown_in(text_of(page), CHECKED))
    assert blocks, f"{page} has no block to check"
    for block in blocks:
        printed = shell.run(block.command)
        assert agrees(block.output, printed), f"{block.command}\nprints\n{printed}"


@pytest.mark.parametrize("page", [page for page in PAGES if page not in CHECKED_PAGES])
def test_no_page_believes_to_be_checked_that_is_not(page: str) -> None:
    assert list(shown_in(text_of(page), CHECKED)) == []
