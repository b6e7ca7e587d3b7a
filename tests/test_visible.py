"""What is printed of files and of the store commands no terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from schemas.faults import Fault
from service.command_line import in_words, print_json, tell, visible
from service.commands import main

# Gives the window another name, colours, clears, C1's own CSI, and turns the direction of writing round.
COMMANDS = "\x1b]0;owned\x07 \x1b[31m \x9b2J \x7f \u202e \u2066 \u2028"
COMMANDING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env={"DATELINE_DATABASE_URL": url})


def test_what_commands_a_terminal_is_blank() -> None:
    assert visible("a\x1b]0;owned\x07b\r\n\t\x00\x85c") == "a ]0;owned b     c"
    assert not COMMANDING.search(visible(COMMANDS))
    assert visible("\ud800\udfff x") == "   x"


@pytest.mark.parametrize(
    "text",
    ["Panjshir 🕌", "من\u200cنیز", "👩\u200d🚀", "e\u0301", "no\u00a0break", "\u3000", "[red]", "\U000e0041"],
)
def test_writing_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_faults_and_messages_are_visible_and_messages_keep_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    fault = Fault("/date", "not-a-date", f"{COMMANDS} is no date\nline 2: forged", (COMMANDS,))
    assert not COMMANDING.search(in_words(fault)) and "\n" not in in_words(fault)
    tell(f"{COMMANDS} one\ntwo")
    shown = capsys.readouterr().err
    assert not COMMANDING.search(shown)
    assert shown.startswith("dateline:  ]0;owned ") and shown.endswith(" one\ntwo\n")


def test_json_for_programs_says_the_same_and_commands_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"title": COMMANDS + " پنجشیر \ud800"})
    shown = capsys.readouterr().out
    assert not COMMANDING.search(shown) and "پنجشیر" in shown
    assert json.loads(shown) == {"title": COMMANDS + " پنجشیر \ud800"}


ROW = {"title": "x", "date": COMMANDS, COMMANDS: 1, "type": COMMANDS}
FILES = {
    "cells": ("csv", "title,date,type\nx," + COMMANDS + ",battle\ny,2021," + COMMANDS + "\n"),
    "header": ("csv", "title,date," + COMMANDS + "\nx,2021,y\n"),
    "members": ("dateline", json.dumps(ROW, ensure_ascii=False) + "\n"),
    "no json": ("dateline", '{"title": "x"}\n' + COMMANDS + "\n"),
    "codes": ("gdelt", "\t".join([COMMANDS] * 58) + "\n"),
    "acled": ("acled", "event_id_cnty,event_date,event_type,actor1\nA1," + COMMANDS + ",Battles,X\n"),
    "slides": ("timelinejs", json.dumps({"events": [{"start_date": {"year": COMMANDS}}]}, ensure_ascii=False)),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_refused_commands_no_terminal(empty_url: str, tmp_path: Path, kind: str) -> None:
    form, text = FILES[kind]
    (tmp_path / "file").write_text(text, encoding="utf-8", newline="")
    result = run(empty_url, "import", str(tmp_path / "file"), "--format", form)
    assert result.exit_code == 1
    assert result.stderr and not COMMANDING.search(result.output)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
def test_the_name_of_a_backup_commands_no_terminal(database_url: str, tmp_path: Path) -> None:
    result = run(database_url, "backup", f"{tmp_path}/copy{COMMANDS}")
    assert (result.exit_code, bool(COMMANDING.search(result.output))) == (0, False)


def test_the_name_of_a_file_and_a_mapping_command_no_terminal(empty_url: str, tmp_path: Path) -> None:
    mapping = tmp_path / f"a{COMMANDS.replace('/', '')}.toml"
    mapping.write_text(f"dataset = '{COMMANDS}", encoding="utf-8")
    (tmp_path / "a.csv").write_text("a\n1\n")
    given = ("import", str(tmp_path / "a.csv"), "--format", "csv", "--mapping", str(mapping))
    for arguments, status in (
        (given, 2),
        (("export", "--format", COMMANDS), 2),
        (("backup", str(tmp_path / "none" / COMMANDS)), 1),
        ((COMMANDS,), 2),
        (("timeline", "--" + COMMANDS), 2),
        (("timeline", "--actor", COMMANDS), 1),
    ):
        result = run(empty_url, *arguments)
        assert (result.exit_code, bool(COMMANDING.search(result.output))) == (status, False), arguments
