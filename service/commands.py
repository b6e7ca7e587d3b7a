"""The command line: each command parses, calls and prints. More: ``reading_commands.py``, ``key_commands.py``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click

from schemas.faults import Refused
from service import __version__
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
)
from service.key_commands import keys_group
from service.reading_commands import stats_command, timeline_command
from service.upgrade import upgrade

__all__ = ["main"]

main.add_command(timeline_command)
main.add_command(stats_command)
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


@main.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--format", "format_name", required=True, help="The file's format: dateline, ucdp-ged.")
@click.option("--dataset", help="The dataset's id; by default the format's name, or each event's own (dateline).")
@click.option("--dry-run", is_flag=True, help="Judge everything and keep nothing.")
@click.option(
    "--rejects",
    type=click.File("w", encoding="utf-8", errors="surrogateescape", lazy=True),
    help="Write rejected records here.",
)
@json_option
def import_command(
    file: BinaryIO, format_name: str, dataset: str | None, dry_run: bool, rejects: TextIO | None, as_json: bool
) -> None:
    """Take the events of a FILE in; - is standard input. The same file twice changes nothing.

    \b
    Example:
      dateline import GEDEvent_v23_1.csv --format ucdp-ged --dry-run
    """
    from schemas.fields import ID_FORM, near
    from service.importers import IMPORTERS, UnreadableFile
    from service.importing import Import, import_file

    if format_name not in IMPORTERS:
        hint = near(format_name, IMPORTERS) or tuple(IMPORTERS)
        raise click.BadParameter(f"{format_name!r} is not a format; try {', '.join(hint)}", param_hint="--format")
    if dataset is not None and not ID_FORM.match(dataset):
        raise click.BadParameter("use lower-case letters, digits, '.', '_' and '-'", param_hint="--dataset")
    if rejects is not None and _same_file(rejects.name, _name(file)):
        raise click.BadParameter("is the file that is imported; give another", param_hint="--rejects")
    settings = read_settings()
    with store(settings) as database, _progress(file, quiet=as_json) as progress:
        try:
            report = import_file(
                database,
                file,
                Import(IMPORTERS[format_name], "import", dataset=dataset, min_year=settings.min_year),
                dry_run=dry_run,
                rejects=rejects,
                progress=progress,
            )
        except UnreadableFile as error:
            fail(f"{_name(file)}: {error}")
    if as_json:
        print_json(report.as_json())
    else:
        _show_report(report, dry_run)
    if report.refused or report.broken:
        raise SystemExit(REFUSED)


def _same_file(one: str, other: str) -> bool:
    return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)


def _name(file: BinaryIO) -> str:
    """What to call a file in messages; a stream of another program has no name."""
    return str(getattr(file, "name", "-"))


@contextmanager
def _progress(file: BinaryIO, quiet: bool) -> Iterator[Any]:
    """Shows how far an import is: a bar on a terminal, plain lines elsewhere, nothing where a program listens."""
    path = Path(_name(file))
    size = path.stat().st_size if path.is_file() else None
    if quiet:
        yield lambda records: None
    elif sys.stderr.isatty() and size:
        with click.progressbar(length=size, label="importing", file=sys.stderr) as bar:
            yield lambda records: bar.update(file.tell() - bar.pos)
    else:
        done = 0

        def count(records: int) -> None:
            nonlocal done
            done += records
            click.echo(count_of(done, "record"), err=True)

        yield count


def _show_report(report: Any, dry_run: bool) -> None:
    for rejection in report.rejected:
        for fault in rejection.faults:
            click.echo(f"line {rejection.line}: {fault.pointer or '/'}: {in_words(fault)}", err=True)
    if report.untold:
        click.echo(f"and {count_of(report.untold, 'record')} more were rejected", err=True)
    for code, count in sorted(report.warnings.items()):
        click.echo(f"warning: {code} in {count_of(count, 'record')}", err=True)
    if report.broken:
        click.echo(f"the file breaks off: {report.broken} What stands before was taken.", err=True)
    click.echo(
        f"{count_of(report.received, 'record')}: {report.created} created, {report.updated} updated, "
        f"{report.unchanged} unchanged, {report.refused} rejected" + (" (dry run: nothing was kept)" if dry_run else "")
    )


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
            click.echo(f"{item.table}: {item.subject} {item.message}")
        if found and mend and not left:
            click.echo(f"repaired {count_of(len(found), 'difference')}")
        elif not found:
            click.echo("everything agrees with the revisions")
    if left:
        raise SystemExit(REFUSED)


if __name__ == "__main__":
    main()
