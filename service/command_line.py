"""What the commands of ``dateline`` have in common: the group, its settings and database, and how troubles are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click
from peewee import Database, DatabaseError, InterfaceError

from schemas.faults import Fault
from service import __version__
from service.database import BadDatabaseUrl, closing_database, open_database, root_cause
from service.settings import BadSetting, Settings, from_environment, settings_table, without_effect
from service.upgrade import upgrade

REFUSED = 1  # Exit status where some or all of the input was refused; 2 is wrong usage.

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Group(click.Group):
    """Shows the settings below the commands."""

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
        click.echo(f"dateline: {name} has no effect in this version", err=True)
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
    except (DatabaseError, InterfaceError) as error:
        fail(f"the database cannot be used: {root_cause(error)}")


def tell(message: str) -> None:
    """Say something beside the output."""
    click.echo(f"dateline: {message}", err=True)


def fail(message: str, status: int = REFUSED) -> NoReturn:
    """End the command with a message."""
    click.echo(f"dateline: {message}", err=True)
    raise SystemExit(status)


def print_json(value: Any) -> None:
    """Print a value for programs, and people who look over their shoulder."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def show_faults(faults: tuple[Fault, ...], before: str = "", option: bool = False) -> None:
    """Print what is wrong with an input. option: its places are options of the command."""
    for fault in faults:
        where = "--" + fault.pointer[1:].replace("_", "-") if option else fault.pointer or "/"
        nearest = f" (did you mean {', '.join(fault.suggestions)}?)" if fault.suggestions else ""
        click.echo(f"{before}{where}: {fault.message}{nearest} [{fault.code}]", err=True)
