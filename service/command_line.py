"""What the commands of ``dateline`` have in common: the group, its settings and database, and how troubles are told."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import click
from peewee import Database, DatabaseError, InterfaceError

from schemas.faults import Fault
from service import __version__
from service.database import BadDatabaseUrl, closing_database, open_database, root_cause
from service.rules import OtherRules
from service.settings import BadSetting, Settings, from_environment, settings_table, without_effect
from service.upgrade import upgrade

REFUSED = 1  # Exit status where some or all of the input was refused; 2 is wrong usage.

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


def tell(message: str) -> None:
    """Say something beside the output."""
    click.echo(f"dateline: {message}", err=True)


def fail(message: str, status: int = REFUSED) -> NoReturn:
    """End the command with a message."""
    tell(message)
    raise SystemExit(status)


def print_json(value: Any) -> None:
    """Print a value for programs, and people who look over their shoulder."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def in_words(fault: Fault) -> str:
    """What is wrong, what would be right, and the code, without the place."""
    nearest = f" (did you mean {', '.join(fault.suggestions)}?)" if fault.suggestions else ""
    return f"{fault.message}{nearest} [{fault.code}]"


def count_of(count: int, noun: str) -> str:
    """``1 event``, ``2 events``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
