"""The page on frontends shows the examples as they are, and what its commands print."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import give_up
from tests.frontends import PAGE, SERVER, examples, modules, put
from tests.shown import Shown, agrees, shown_in
from tests.sites import Site, seeded_site

RUN = "<!-- run -->"
# The sections with commands, and the programs of the system that these need.
NEEDS: dict[str, tuple[str, ...]] = {
    "pandas": (),
    "R": ("Rscript",),
    "curl and jq": ("curl", "jq"),
    "TypeScript": ("node", "npx"),
}
# A piece of the client, what a mistaken reader might write in its place, and what the compiler says of it.
MISREADINGS = {
    ("{ actor: [", "{ actr: ["): "'actr' does not exist in type 'Query'",
    ("{ date, title,", "{ date, titel,"): "Property 'titel' does not exist",
    ("killed ? ", "true ? "): "'killed' is possibly 'undefined'",
}
# Where python3 is the one that runs the tests.
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with seeded_site(tmp_path_factory.mktemp("frontends")) as found:
        yield found


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.getbasetemp() / "modules")


def run(command: str, folder: Path, *, fails: bool = False) -> str:
    """What a command prints in a folder. It must end well and complain of nothing, or fail where that is expected."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    assert done.stderr == "", command
    return done.stdout


def commands(heading: str) -> list[Shown]:
    """The commands under a heading of the page, in order."""
    sections = re.split(r"(?m)^## ", PAGE.read_text(encoding="utf-8"))
    (text,) = (section for section in sections if section.startswith(f"{heading}\n"))
    return list(shown_in(text, RUN))


def test_the_page_shows_every_example_as_it_is() -> None:
    blocks = re.findall(r"(?ms)^<!-- examples/(\S+) -->\n```\w+\n(.*?)^```$", PAGE.read_text(encoding="utf-8"))
    assert dict(blocks) == examples()
    assert len(blocks) == len(examples())


def test_every_example_asks_the_server_that_the_page_names() -> None:
    for name, text in examples().items():
        servers = set(re.findall(r"http://[\w.:]+", text))
        assert servers == (set() if name.endswith(".json") else {SERVER}), name


def test_pages_name_the_releases_that_they_are_tried_with() -> None:
    package = json.loads(examples()["package.json"])
    named: dict[str, str] = {}
    for text in examples().values():
        for mirrored, release, local in re.findall(r"put \S+/npm/(\S+)@(\S+) for node_modules/(\S+) in", text):
            assert mirrored == local
            assert text.count(f'"node_modules/{local}/') == 2
            named[local] = release
    assert named == package["dependencies"]


def test_every_command_of_the_page_is_run() -> None:
    blocks = PAGE.read_text(encoding="utf-8")
    assert blocks.count("```console") == blocks.count(f"{RUN}\n```console\n")
    assert len(list(shown_in(blocks, RUN))) == sum(len(commands(heading)) for heading in NEEDS)


@pytest.mark.parametrize("heading", NEEDS)
def test_commands_print_what_the_page_shows(
    heading: str, site: Site, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for program in NEEDS[heading]:
        if shutil.which(program) is None:
            give_up(f"{program} is not installed")
    put(tmp_path, site.home, request.getfixturevalue("node_modules") if heading == "TypeScript" else None)
    assert commands(heading)
    for shown in commands(heading):
        printed = run(shown.command.replace(SERVER, site.home), tmp_path)
        assert agrees(shown.output, printed), f"{shown.command}\nprints\n{printed}"


def test_a_client_that_misreads_the_service_does_not_compile(site: Site, node_modules: Path, tmp_path: Path) -> None:
    put(tmp_path, site.home, node_modules)
    run(f"npx openapi-typescript {site.home}/openapi.json --output dateline.d.ts", tmp_path)
    client = tmp_path / "client.ts"
    text = client.read_text()
    for right, wrong in MISREADINGS:
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    client.write_text(text)
    complaints = run("npx tsc --noEmit", tmp_path, fails=True)
    assert {told for told in MISREADINGS.values() if told not in complaints} == set()
