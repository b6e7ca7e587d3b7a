"""The command line: each command parses, calls and prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TextIO
from urllib.parse import urlencode

import click
from peewee import Database, DatabaseError, InterfaceError

from schemas.faults import Fault, Refused
from schemas.query import write_cursor
from service import __version__
from service.database import BadDatabaseUrl, closing_database, migrate, open_database, root_cause, snapshot
from service.settings import BadSetting, Settings, from_environment, settings_table, without_effect

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


def _settings() -> Settings:
    try:
        settings = from_environment()
    except BadSetting as error:
        _fail(str(error), status=2)
    for name in without_effect():
        click.echo(f"dateline: {name} has no effect in this version", err=True)
    return settings


@contextmanager
def _database(settings: Settings, migrated: bool = True) -> Iterator[Database]:
    """The database of the settings, brought up to date; its troubles end the command in words."""
    try:
        with closing_database(open_database(settings.database_url)) as database:
            if migrated:
                migrate(database)
            yield database
    except BadDatabaseUrl as error:
        _fail(str(error), status=2)
    except (DatabaseError, InterfaceError) as error:
        _fail(f"the database cannot be used: {root_cause(error)}")


def _fail(message: str, status: int = REFUSED) -> NoReturn:
    click.echo(f"dateline: {message}", err=True)
    raise SystemExit(status)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _show_faults(faults: tuple[Fault, ...], before: str = "", option: bool = False) -> None:
    for fault in faults:
        where = "--" + fault.pointer[1:].replace("_", "-") if option else fault.pointer or "/"
        nearest = f" (did you mean {', '.join(fault.suggestions)}?)" if fault.suggestions else ""
        click.echo(f"{before}{where}: {fault.message}{nearest} [{fault.code}]", err=True)


@main.command("serve")
@click.option("--examples", is_flag=True, help="Print a few requests to try once it listens.")
def serve_command(examples: bool) -> None:
    """Answer over HTTP until stopped. The database is migrated first.

    \b
    Example:
      PORT=9000 dateline serve
    """
    from service.server import CannotListen, serve

    settings = _settings()
    with _database(settings):
        pass
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{settings.port}"

    def say() -> None:
        click.echo(f"Dateline {__version__} answers on {address} (documentation: {address}/docs)")
        if examples:
            click.echo(_examples(address))
        sys.stdout.flush()

    try:
        serve(settings, say)
    except CannotListen as error:
        _fail(str(error))


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
    settings = _settings()
    with _database(settings, migrated=False) as database:
        applied = migrate(database)
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("up to date")


@main.command("seed")
@json_option
def seed_command(as_json: bool) -> None:
    """Load the first timeline, Afghanistan in August 2021. Doing it again changes nothing.

    \b
    Example:
      dateline seed
    """
    from service.seeding import seed

    with _database(_settings()) as database:
        actors, report = seed(database)
    if as_json:
        _print_json({"actors": actors, "created": report.created, "updated": report.updated})
    elif actors or report.created or report.updated:
        click.echo(f"seeded {report.created + report.updated} events and {actors} actors")
    else:
        click.echo("the seed is there already; nothing changed")


@main.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--format", "format_name", required=True, help="The file's format: ucdp-ged.")
@click.option("--dataset", help="The dataset's id; the format's name by default.")
@click.option("--dry-run", is_flag=True, help="Judge everything and keep nothing.")
@click.option("--rejects", type=click.File("w", encoding="utf-8", lazy=True), help="Write rejected records here.")
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
    from service.importing import import_file

    if format_name not in IMPORTERS:
        hint = near(format_name, IMPORTERS) or tuple(IMPORTERS)
        raise click.BadParameter(f"{format_name!r} is not a format; try {', '.join(hint)}", param_hint="--format")
    if dataset is not None and not ID_FORM.match(dataset):
        raise click.BadParameter("use lower-case letters, digits, '.', '_' and '-'", param_hint="--dataset")
    if rejects is not None and _same_file(rejects.name, _name(file)):
        raise click.BadParameter("is the file that is imported; give another", param_hint="--rejects")
    settings = _settings()
    with _database(settings) as database, _progress(file, quiet=as_json) as progress:
        try:
            report = import_file(
                database,
                file,
                IMPORTERS[format_name],
                by="import",
                dataset=dataset,
                dry_run=dry_run,
                rejects=rejects,
                progress=progress,
                min_year=settings.min_year,
            )
        except UnreadableFile as error:
            _fail(f"{_name(file)}: {error}")
    if as_json:
        _print_json(report.as_json())
    else:
        _show_report(report, dry_run)
    if report.rejected or report.broken:
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

        def tell(records: int) -> None:
            nonlocal done
            done += records
            click.echo(f"{done} records", err=True)

        yield tell


def _show_report(report: Any, dry_run: bool) -> None:
    for rejection in report.rejected:
        _show_faults(rejection.faults, before=f"line {rejection.line}: ")
    for code, count in sorted(report.warnings.items()):
        click.echo(f"warning: {code} in {count} record{'s' if count > 1 else ''}", err=True)
    if report.broken:
        click.echo(f"the file breaks off: {report.broken} What stands before was taken.", err=True)
    click.echo(
        f"{report.received} records: {report.created} created, {report.updated} updated, "
        f"{report.unchanged} unchanged, {len(report.rejected)} rejected"
        + (" (dry run: nothing was kept)" if dry_run else "")
    )


def _query_options(command: Any) -> Any:
    """The parameters of the API's query as options, made from the same table, but for those of an answer's form."""
    from service.filters import PARAMETERS

    for name, parameter in reversed(list(PARAMETERS.items())):
        if name in ("fields", "total", "format"):
            continue
        help_text = parameter.meaning + (f" Example: {parameter.example}" if parameter.example else "")
        command = click.option("--" + name.replace("_", "-"), name, multiple=True, help=help_text)(command)
    return command


@main.command("timeline")
@_query_options
@json_option
def timeline_command(as_json: bool, **given: Any) -> None:
    """Show the events of a query as a table, and how they are spread over time.

    \b
    Example:
      dateline timeline --actor taliban --province Panjshir
    """
    from service import timeline
    from service.read_query import read_query

    pairs = [(name, text) for name, texts in given.items() for text in texts]
    with _database(_settings()) as database:
        try:
            asked = read_query(database, urlencode(pairs, errors="surrogateescape").encode())
        except Refused as refused:
            _show_faults(refused.faults, before="dateline: ", option=True)
            raise SystemExit(REFUSED) from None
        with snapshot(database):
            page = timeline.page(database, replace(asked, total=True))
            days = timeline.days(database, asked)
    events = json.loads(b"[" + page.documents + b"]")
    following = page.next and write_cursor(asked, page.next)
    if as_json:
        _print_json({"events": events, "next": following, "query": asked.normalised(), "total": page.total})
        return
    from rich.console import Console

    from service.terminal import draw_events, draw_histogram

    console = Console(width=None if sys.stdout.isatty() else 160, emoji=False)
    if not events:
        console.print("no event matches")
        return
    draw_events(console, events)
    console.print(f"\n{len(events)} of {page.total} events", highlight=False)
    if following:
        console.print(f"more: --cursor {following}", highlight=False, soft_wrap=True)
    console.print()
    draw_histogram(console, days)


@main.command("check")
@click.option("--repair", "mend", is_flag=True, help="Make every projection anew from the revisions.")
@json_option
def check_command(mend: bool, as_json: bool) -> None:
    """Compare everything that answers queries with the revisions that it was made from.

    \b
    Example:
      dateline check --repair
    """
    from service.check import check, repair

    with _database(_settings()) as database:
        found = check(database)
        if mend:
            repair(database)
            left = check(database)
        else:
            left = found
    if as_json:
        _print_json({"found": [asdict(item) for item in found], "left": [asdict(item) for item in left]})
    else:
        for item in found:
            click.echo(f"{item.table}: {item.subject} {item.message}")
        if found and mend and not left:
            click.echo(f"repaired; {len(found)} differences are gone")
        elif not found:
            click.echo("everything agrees with the revisions")
    if left:
        raise SystemExit(REFUSED)


if __name__ == "__main__":
    main()
