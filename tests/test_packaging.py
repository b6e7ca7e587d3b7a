"""Checks that what is installed holds everything that the service needs, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent
PACKAGES = ("schemas", "seed", "service")
BUILD = """
import sys
from setuptools.build_meta import build_sdist, build_wheel
{"sdist": build_sdist, "wheel": build_wheel}[sys.argv[1]](sys.argv[2])
"""


def build(tree: Path, kind: str, target: Path) -> Path:
    """Builds an sdist or a wheel of tree with the setuptools that is installed, so with no network."""
    target.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, str(target)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, by way of the source distribution: that one must hold all that the build needs."""
    folder = tmp_path_factory.mktemp("packaging")
    # A copy, since setuptools leaves its traces in the tree that it builds.
    tree = folder / "tree"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=ignored)
    for path in ROOT.iterdir():
        if path.is_file() and path.suffix in {".cfg", ".toml", ".md", ".in", ""}:
            shutil.copy(path, tree)
    source = build(tree, "sdist", folder / "sdist")
    with tarfile.open(source) as archive:
        # Python before 3.11.4 knows no filters, and Python 3.12 warns where none is named.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder / "unpacked")
    (unpacked,) = (folder / "unpacked").iterdir()
    return zipfile.ZipFile(build(unpacked, "wheel", folder / "wheel"))


def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == expected


def test_data_arrives_byte_for_byte(wheel: zipfile.ZipFile) -> None:
    for name in wheel.namelist():
        if name.startswith("seed/"):
            assert wheel.read(name) == (ROOT / name).read_bytes(), name


def test_the_metadata_say_what_it_is_and_what_it_runs_on(wheel: zipfile.ZipFile) -> None:
    found = metadata(wheel)
    assert found["Name"] == "dateline"
    assert found["License-Expression"] == "Apache-2.0"
    assert "3.11.0" in SpecifierSet(found["Requires-Python"])
    assert "3.10.14" not in SpecifierSet(found["Requires-Python"])
    assert any(name.endswith("/licenses/LICENSE") for name in wheel.namelist())


def test_one_command_is_installed(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/entry_points.txt"))
    entries = ConfigParser()
    entries.read_string(wheel.read(name).decode())
    assert {section: dict(entries[section]) for section in entries.sections()} == {
        "console_scripts": {"dateline": "service.commands:main"}
    }


def test_every_requirement_of_the_service_has_a_lower_bound_and_no_upper_one(wheel: zipfile.ZipFile) -> None:
    requirements = [Requirement(line) for line in metadata(wheel).get_all("Requires-Dist", [])]
    needed = [requirement for requirement in requirements if requirement.marker is None]
    assert {"flask", "marshmallow", "peewee"} <= {requirement.name for requirement in needed}
    assert not [str(found) for found in needed if [part.operator for part in found.specifier] != [">="]]


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = (line for line in makefile.splitlines() if line.startswith(".PHONY:"))
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    told = [line.split()[1] for line in said.splitlines() if line.startswith("  make ")]
    assert sorted(told) == sorted(phony.split()[1:])
