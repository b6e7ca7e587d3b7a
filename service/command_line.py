"""What the commands of ``dateline`` have in common: the group, its settings and database, and how troubles are told."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import click
from peewee import Database, DatabaseError, InterfaceError

from schemas.faults import Fault
from service import __version__
from service.database import BadDatabaseUrl, closing_database, open_database, root_cause
from service.finished_file import BadTarget, refuse_store
from service.rules import OtherRules
from service.settings import BadSetting, Settings, from_environment, settings_table, without_effect
from service.upgrade import upgrade

REFUSED = 1  # Exit status where some or all of the input was refused; 2 is wrong usage.

# C0, C1, separators of lines and paragraphs, embeddings, overrides and isolates of direction, and lone surrogates.
COMMANDING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Group(click.Group):
    """Shows the settings below the commands, and tells in words what cannot be read or written."""

    def main(self, *given: Any, **named: Any) -> Any:
        """Run a command. A pipe that nobody reads any more ends it without a word."""
        try:
            return super().main(*given, **named)
        except OSError as error:
            _drop_output()
            fail(f"reading or writing failed: {error.strerror or error}")

    def invoke(self, context: click.Context) -> Any:
        """Run a command. What is wrong with what was given is told without what could command the terminal."""
        try:
            return super().invoke(context)
        except click.ClickException as error:
            words = error.format_message()
            if visible_lines(words) == words:
                raise
            if isinstance(error, click.UsageError):
                raise click.UsageError(visible_lines(words), error.ctx) from None
            raise click.ClickException(visible_lines(words)) from None

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Settings (environment)"):
            formatter.write_dl([(f"{name} [{default}]", meaning) for name, default, meaning in settings_table()])


@click.group(cls=Group)
@click.version_option(__version__, prog_name="dateline")
def main() -> None:
    """Dateline stores dated events and answers timeline queries filtered by actor and province.

    \b
    Try:
      dateline seed                                     load the first timeline
      dateline timeline --actor taliban --province Panjshir
      dateline serve                                    answer over HTTP
    """


def read_settings() -> Settings:
    """The settings of the environment; a bad one ends the command in words."""
    try:
        settings = from_environment()
    except BadSetting as error:
        fail(str(error), status=2)
    for name in without_effect():
        tell(f"{name} has no effect in this version")
    return settings


@contextmanager
def store(settings: Settings, migrated: bool = True) -> Iterator[Database]:
    """The database of the settings, brought up to date; its troubles end the command in words."""
    try:
        with closing_database(open_database(settings.database_url)) as database:
            if migrated:
                upgrade(database, tell)
            yield database
    except BadDatabaseUrl as error:
        fail(str(error), status=2)
    except OtherRules as error:
        fail(str(error))
    except (DatabaseError, InterfaceError) as error:
        fail(f"the database cannot be used: {root_cause(error)}")


def _drop_output() -> None:
    """Let nothing more be written to an output that takes nothing, or the interpreter fails on it again at its end."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def refuse_output(database: Database, file: str, option: str) -> None:
    """Refuse to write over the database what an option sends to a file; ``-`` is standard output."""
    if file == "-":
        return
    try:
        refuse_store(database, Path(file))
    except BadTarget as error:
        raise click.BadParameter(f"{file} {error}", param_hint=option) from None


def visible(text: str) -> str:
    """A text in which what could command the terminal is blank: for all that is stored or was given, when it is shown.

    That is control characters, ends of lines, changes of the direction of writing, and what is no character at all.
    """
    return COMMANDING.sub(" ", text)


def visible_lines(text: str) -> str:
    """The same of several lines."""
    return "\n".join(map(visible, text.split("\n")))


def tell(message: str) -> None:
    """Say something beside the output."""
    click.echo(f"dateline: {visible_lines(message)}", err=True)


def fail(message: str, status: int = REFUSED) -> NoReturn:
    """End the command with a message."""
    tell(message)
    raise SystemExit(status)


def print_json(value: Any) -> None:
    """Print a value for programs, and people who look over their shoulder."""
    # JSON writes control characters as escapes by itself, but not all that command a terminal.
    text = json.dumps(value, ensure_ascii=False, indent=2)
    click.echo("\n".join(COMMANDING.sub(lambda found: f"\\u{ord(found[0]):04x}", line) for line in text.split("\n")))


def in_words(fault: Fault) -> str:
    """What is wrong, what would be right, and the code, without the place."""
    nearest = f" (did you mean {', '.join(fault.suggestions)}?)" if fault.suggestions else ""
    return visible(f"{fault.message}{nearest} [{fault.code}]")


def count_of(count: int, noun: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
