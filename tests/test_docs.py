"""Checks that the documentation names everything there is, that its links lead somewhere, that shown output is true.

A block of commands under the comment ``<!-- checked -->`` is run, in the order of the page, against a database of the
page's own; what the program prints must be what the page shows, where ``…`` stands for anything.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
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
from service.importers import IMPORTERS
from service.openapi import OPERATIONS
from service.problems import PROBLEMS
from service.seeding import seed
from service.settings import Settings, settings_table
from service.upgrade import upgrade

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("", "docs", "docs/formats", "bench", "seed/gazetteer")
    for path in (ROOT / folder).glob("*.md")
)
# Whether a page's commands are run on a database that holds the seed, or where there is none yet.
CHECKED_PAGES = {"README.md": "seeded", "docs/tutorial.md": "none", "docs/commands.md": "none", "docs/api.md": "seeded"}


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
        if name in ("timeline", "stats"):
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


def routes(tmp_path: Path) -> dict[str, str]:
    """Every path but the files of the page at /docs, in the form of the API's description, with its handler."""
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/unused.db"))
    rules = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/docs/")]
    return {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule): rule.endpoint for rule in rules}


def test_every_route_is_documented_with_its_parameters(tmp_path: Path) -> None:
    for path, endpoint in routes(tmp_path).items():
        told = section("docs/api.md", f"### `GET {path}`")
        operation = OPERATIONS.get(endpoint)
        # The timeline's query is told once, for every path that takes it.
        takes_query = operation is not None and operation.parameters == tuple(PARAMETERS.values())
        if takes_query:
            assert "[query](#the-query)" in told, path
            continue
        wanted = {parameter.name for parameter in operation.parameters} if operation else set()
        if set(FILTERS) <= wanted:
            assert "[query](#the-query)" in told, path
            wanted -= set(FILTERS)
        assert {row[0] for row in table_rows(told)} == wanted, path


def test_no_route_is_documented_that_does_not_exist(tmp_path: Path) -> None:
    assert set(re.findall(r"(?m)^### `GET (.*)`$", text_of("docs/api.md"))) == set(routes(tmp_path))


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


def test_every_importer_has_a_page_that_is_linked() -> None:
    for name in IMPORTERS:
        assert (ROOT / f"docs/formats/{name}.md").is_file()
        assert f"formats/{name}.md" in text_of("docs/index.md")


def test_every_problem_is_documented_with_its_status() -> None:
    told = {row[0]: row[1] for row in table_rows(section("docs/errors.md", "## Problem types"))}
    assert told == {f"/problems/{problem.slug}": str(problem.status) for problem in PROBLEMS.values()}


def test_every_module_is_in_the_map_of_contributing() -> None:
    told = {row[0] for row in table_rows(section("CONTRIBUTING.md", "## What goes where"))}
    modules = {
        path.relative_to(ROOT).as_posix()
        for folder in ("schemas", "service", "service/routes", "service/importers")
        for path in (ROOT / folder).glob("*.py")
    }
    assert told - {"service/migrations/", "bench/"} == modules


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
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments) if name in CODE_PLACES:
                    self.argument(arguments, CODE_PLACES[name])
                case ast.Assign(targets=[ast.Name(id="code")], value=value):
                    self.constants(value)
                case ast.AnnAssign(target=ast.Name(id="codes"), value=ast.Dict(values=values)):
                    self.table(values)
                case ast.comprehension(target=ast.Tuple(elts=[ast.Name(id="code"), *_]), iter=ast.Tuple(elts=rows)):
                    self.table(rows)

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

    def table(self, rows: list[ast.expr]) -> None:
        for row in rows:
            if isinstance(row, ast.Tuple):
                self.constants(row.elts[0])


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


@dataclass(frozen=True, slots=True)
class Shown:
    """A command as a page shows it, and what it is said to print."""

    command: str
    output: str


def shown_in(page: str) -> Iterator[Shown]:
    for block in re.findall(r"(?ms)^<!-- checked -->\n```console\n(.*?)^```$", text_of(page)):
        for part in re.split(r"(?m)^\$ ", block)[1:]:
            command, _, output = part.partition("\n")
            yield Shown(command, output)


def run(command: str, client: FlaskClient) -> str:
    """What a command prints: curl by the test client, ``dateline`` in this process."""
    asked, _, pipe = command.partition(" | ")
    program, *arguments = shlex.split(asked)
    if program == "dateline":
        result = CliRunner().invoke(main, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        output = result.output
    else:
        assert program == "curl", command
        [url] = [argument for argument in arguments if argument.startswith("http://127.0.0.1:8000/")]
        assert set(arguments) <= {url, "-s"}, f"the test does not know these options: {command}"
        answer = client.get(url.removeprefix("http://127.0.0.1:8000"))
        assert answer.status_code < 500, command
        output = answer.get_data(as_text=True)
    if pipe:
        assert pipe == "python3 -m json.tool", command
        output = json.dumps(json.loads(output), indent=4)
    return output


def comparable(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def agrees(shown: str, printed: str) -> bool:
    pattern = ".*?".join(re.escape(part) for part in comparable(shown).split("…"))
    return re.fullmatch(pattern, comparable(printed), re.DOTALL) is not None


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
    monkeypatch.chdir(ROOT)
    if CHECKED_PAGES[page] == "seeded":
        database = open_database(url)
        upgrade(database)
        seed(database)
        database.close()
    client = create_app(Settings(database_url=url)).test_client()
    blocks = list(shown_in(page))
    assert blocks, f"{page} has no block to check"
    for block in blocks:
        printed = run(block.command, client)
        assert agrees(block.output, printed), f"{block.command}\nprints\n{printed}"


@pytest.mark.parametrize("page", [page for page in PAGES if page not in CHECKED_PAGES])
def test_no_page_believes_to_be_checked_that_is_not(page: str) -> None:
    assert list(shown_in(page)) == []
