"""Holds the directions in which the code may lean: who may import whom, and what may not stand where.

schemas knows neither Flask nor the database; below the routes nobody knows Flask; routes hold no SQL.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGES = ("schemas", "seed", "service")
MOST_LINES = 400
# Names that say nothing of what is inside.
VAGUE = {"common", "helper", "helpers", "misc", "util", "utils"}

FLASK = ("flask", "flask_cors", "flask_limiter", "flask_smorest", "werkzeug")
DATABASE = ("peewee", "playhouse", "psycopg", "psycopg_pool", "sqlite3")
HTTP_SIDE = (
    "service/app.py",
    "service/bodies.py",
    "service/http.py",
    "service/metrics.py",
    "service/openapi.py",
    "service/problems.py",
    "service/repeats.py",
    "service/routes/*",
    "service/security.py",
)


@dataclass(frozen=True, slots=True)
class Direction:
    """Modules whose path fits one of ``modules`` and none of ``but`` import nothing of ``forbidden``."""

    modules: tuple[str, ...]
    forbidden: tuple[str, ...]
    but: tuple[str, ...] = ()

    def governs(self, path: str) -> bool:
        """Whether the rule speaks of the module at this path, relative to the root."""
        return _fits(path, self.modules) and not _fits(path, self.but)


DIRECTIONS = {
    "schemas knows neither Flask nor the database nor the service": Direction(
        ("schemas/*",), (*FLASK, *DATABASE, "service")
    ),
    "the seed is data for the service and needs none of it": Direction(("seed/*",), (*FLASK, *DATABASE, "service")),
    "nothing below the routes knows Flask": Direction(("service/*",), FLASK, but=HTTP_SIDE),
    "routes leave the database to the modules named for a noun": Direction(("service/routes/*",), DATABASE),
    "only what assembles the application knows its routes": Direction(
        ("service/*",), ("service.routes",), but=("service/app.py", "service/openapi.py", "service/routes/*")
    ),
    "what is installed needs neither tests nor benchmarks": Direction(
        tuple(f"{package}/*" for package in PACKAGES), ("tests", "bench", "pytest", "hypothesis", "edtf")
    ),
}

SQL = re.compile(
    r"\b(select\b.*\bfrom\b|insert\s+into\b|update\s+\w+\s+set\b|delete\s+from\b|with\s+\w+\s+as\s*\(|order\s+by\b)",
    re.IGNORECASE | re.DOTALL,
)


def modules() -> list[str]:
    """The paths of all modules that are installed, relative to the root."""
    return sorted(path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def parse(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)


def imports(tree: ast.Module, path: str) -> Iterator[str]:
    """Every module that the code at path names in an import, in functions and under conditions too.

    ``from a import b`` gives ``a`` and ``a.b``, since b may be a module.
    """
    package = Path(path).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, node.module) if node.module else above)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def violations(direction: Direction, tree: ast.Module, path: str) -> list[str]:
    """The imports of the module at path that the rule forbids."""
    return [
        name
        for name in imports(tree, path)
        if any(name == barred or name.startswith(f"{barred}.") for barred in direction.forbidden)
    ]


def sql_strings(tree: ast.Module) -> list[str]:
    """The strings of a module that hold SQL, docstrings apart: those are for people."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and SQL.search(node.value)
    ]


def _fits(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


@pytest.mark.parametrize("rule", DIRECTIONS)
def test_imports_go_in_the_permitted_directions(rule: str) -> None:
    direction = DIRECTIONS[rule]
    found = {
        path: names
        for path in modules()
        if direction.governs(path) and (names := violations(direction, parse(path), path))
    }
    assert not found


def test_routes_hold_no_sql() -> None:
    found = {
        path: statements
        for path in modules()
        if path.startswith("service/routes/") and (statements := sql_strings(parse(path)))
    }
    assert not found


@pytest.mark.parametrize("path", modules())
def test_a_module_opens_with_what_it_is_in_charge_of_and_stays_readable(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= MOST_LINES
    assert not VAGUE & set(Path(path).with_suffix("").parts)


def test_every_import_is_declared_as_a_requirement() -> None:
    imported = {name.split(".")[0] for path in modules() for name in imports(parse(path), path)}
    providers = packages_distributions()
    undeclared = {
        name: found
        for name in imported - set(PACKAGES)
        if (found := {canonicalize_name(one) for one in providers.get(name, ())}) and not found & declared()
    }
    assert not undeclared, "declare it in setup.cfg, with its reason"


@cache
def declared() -> frozenset[str]:
    """The distributions that setup.cfg asks for to run, and those that Flask promises to bring."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    own = (setup["options"]["install_requires"] + setup["options.extras_require"]["postgres"]).splitlines()
    carried = [line for line in requires("flask") or () if "extra ==" not in line]
    return frozenset(canonicalize_name(Requirement(line).name) for line in own + carried if line.strip())


@pytest.mark.parametrize(
    ("path", "code", "names"),
    [
        ("schemas/new.py", "import flask", ["flask"]),
        ("schemas/new.py", "def f():\n    from peewee import Model", ["peewee", "peewee.Model"]),
        ("schemas/new.py", "from service.models import Event", ["service.models", "service.models.Event"]),
        ("schemas/sub/new.py", "from ...service import models", ["service", "service.models"]),
        ("schemas/new.py", "import flasky, services", []),
        ("schemas/new.py", "from . import service", []),
    ],
)
def test_a_forbidden_import_is_seen_wherever_it_stands(path: str, code: str, names: list[str]) -> None:
    direction = DIRECTIONS["schemas knows neither Flask nor the database nor the service"]
    assert direction.governs(path)
    assert violations(direction, ast.parse(code), path) == names


@pytest.mark.parametrize(
    ("path", "governed"),
    [
        ("service/timeline.py", True),
        ("service/formats/csv.py", True),
        ("service/server/run.py", True),
        ("service/app.py", False),
        ("service/routes/events.py", False),
        ("schemas/event.py", False),
    ],
)
def test_the_flask_rule_speaks_of_what_lies_below_the_routes(path: str, governed: bool) -> None:
    assert DIRECTIONS["nothing below the routes knows Flask"].governs(path) is governed


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ('execute("SELECT id FROM event")', 1),
        ("execute('''\n select id\n from event''')", 1),
        ('execute(f"DELETE FROM {table} WHERE id = ?")', 1),
        ('execute("INSERT INTO event VALUES (?)")', 1),
        ('def f():\n    """Select events from the store."""', 0),
        ('detail = "Update the event and set its version."', 0),
        ('path = "/v1/events"', 0),
    ],
)
def test_sql_is_told_from_prose(code: str, count: int) -> None:
    assert len(sql_strings(ast.parse(code))) == count
