"""The command line: each command parses, calls and prints. The larger ones stand in modules of their own."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from schemas.faults import Refused
from service import __version__
from service.backup_command import backup_command
from service.command_line import (
    REFUSED,
    count_of,
    fail,
    in_words,
    json_option,
    main,
    print_json,
    read_settings,
    store,
    tell,
    visible,
)
from service.duplicates_command import duplicates_command
from service.export_command import export_command
from service.import_command import import_command
from service.key_commands import keys_group
from service.reading_commands import stats_command, timeline_command
from service.upgrade import upgrade

__all__ = ["main"]

main.add_command(import_command)
main.add_command(export_command)
main.add_command(timeline_command)
main.add_command(stats_command)
main.add_command(duplicates_command)
main.add_command(backup_command)
main.add_command(keys_group)


@main.command("serve")
@click.option("--examples", is_flag=True, help="Print a few requests to try once it listens.")
def serve_command(examples: bool) -> None:
    """Answer over HTTP until stopped. The database is migrated first.

    \b
    Example:
      PORT=9000 dateline serve
    """
    from service.server.run import CannotListen, serve

    settings = read_settings()
    with store(settings):
        pass
    address = settings.address

    def say() -> None:
        click.echo(f"Dateline {__version__} answers on {address} (documentation: {address}/docs)")
        if examples:
            click.echo(_examples(address))
        sys.stdout.flush()

    try:
        serve(settings, say)
    except CannotListen as error:
        fail(str(error))


def _examples(address: str) -> str:
    return f"""
Try, in another terminal:

  curl '{address}/v1/events?actor=taliban&province=Panjshir'
  curl '{address}/v1/events?province=Baghlan&fields=title,date'
  curl '{address}/v1/events?from=2021-08-26&to=2021-08-26&match=certain'
  curl '{address}/v1/events?actor=talban'
  curl '{address}/v1/actors/NRF'

Ctrl-C stops it."""


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database's tables up to this version.

    \b
    Example:
      DATELINE_DATABASE_URL=postgresql://localhost/dateline dateline migrate
    """
    renewed = False

    def say(message: str) -> None:
        nonlocal renewed
        renewed = True
        tell(message)

    with store(read_settings(), migrated=False) as database:
        applied = upgrade(database, say)
    for name in applied:
        click.echo(f"applied {name}")
    if renewed:
        click.echo("made every projection anew")
    elif not applied:
        click.echo("up to date")


@main.command("seed")
@json_option
def seed_command(as_json: bool) -> None:
    """Load the first timeline, Afghanistan in August 2021. Doing it again changes nothing.

    What somebody else has changed of it, deleted or merged is left as it is.

    \b
    Example:
      dateline seed
    """
    from service.seeding import seed

    with store(read_settings()) as database:
        try:
            actors, report = seed(database)
        except Refused as refused:
            fail("the seed does not fit what is there: " + "; ".join(in_words(fault) for fault in refused.faults))
    if as_json:
        print_json({"actors": actors, "created": report.created, "updated": report.updated})
    elif actors or report.created or report.updated:
        click.echo(f"seeded {count_of(report.created + report.updated, 'event')} and {count_of(actors, 'actor')}")
    else:
        click.echo("the seed is there already; nothing changed")


@main.command("check")
@click.option("--repair", "mend", is_flag=True, help="Make every projection anew from the revisions.")
@json_option
def check_command(mend: bool, as_json: bool) -> None:
    """Compare everything that answers queries with the revisions that it was made from.

    \b
    Example:
      dateline check --repair
    """
    from service.check import check
    from service.repair import repair

    with store(read_settings()) as database:
        found = check(database)
        if mend:
            repair(database)
            left = check(database)
        else:
            left = found
    if as_json:
        print_json({"found": [asdict(item) for item in found], "left": [asdict(item) for item in left]})
    else:
        for item in found:
            click.echo(visible(f"{item.table}: {item.subject} {item.message}"))
        if found and mend and not left:
            click.echo(f"repaired {count_of(len(found), 'difference')}")
        elif not found:
            click.echo("everything agrees with the revisions")
    if left:
        raise SystemExit(REFUSED)


if __name__ == "__main__":
    main()
