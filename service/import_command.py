"""The command ``dateline import``, and how it tells how far it is and what became of the records."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click
from peewee import DatabaseError, InterfaceError

from service.command_line import REFUSED, count_of, fail, in_words, json_option, print_json, read_settings, store, tell

# Seconds between two plain lines that say how far an import is.
TELL_SECONDS = 5.0


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--format",
    "format_name",
    required=True,
    help="The file's format: dateline, csv, ucdp-ged, acled, gdelt, timelinejs.",
)
@click.option("--dataset", help="The dataset's id; by default the format's name, or each event's own (dateline, csv).")
@click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What the columns of a CSV file are, where it is not Dateline's own: a TOML file.",
)
@click.option("--dry-run", is_flag=True, help="Judge everything and keep nothing.")
@click.option("--delete-missing", is_flag=True, help="Delete the dataset's events that the file does not have.")
@click.option(
    "--rejects",
    type=click.File("w", encoding="utf-8", errors="surrogateescape", lazy=True),
    help="Write rejected records here.",
)
@click.option("--warnings", type=click.File("w", encoding="utf-8", lazy=True), help="Write every warning here.")
@json_option
def import_command(
    file: BinaryIO,
    format_name: str,
    dataset: str | None,
    mapping: Path | None,
    dry_run: bool,
    delete_missing: bool,
    rejects: TextIO | None,
    warnings: TextIO | None,
    as_json: bool,
) -> None:
    """Take the events of a FILE in, packed by gzip or not; - is standard input. The same file twice changes nothing.

    \b
    Example:
      dateline import GEDEvent_v23_1.csv --format ucdp-ged --dry-run
    """
    from service.importers import UnreadableFile
    from service.importers.source import opened_file
    from service.importing import Import, Listener, import_file

    importer = _importer(format_name, mapping)
    _judge_dataset(dataset, importer.names_its_own and delete_missing)
    for option, output in (("--rejects", rejects), ("--warnings", warnings)):
        if output is not None and _same_file(output.name, _name(file)):
            raise click.BadParameter("is the file that is imported; give another", param_hint=option)
    settings = read_settings()
    progress = _Progress(file, quiet=as_json)
    listener = Listener(progress.add, rejects, _warning_writer(warnings))
    how = Import(
        importer,
        "import",
        dataset=dataset,
        min_year=settings.min_year,
        find_missing=True,
        delete_missing=delete_missing,
    )
    with store(settings) as database:
        try:
            source = opened_file(file)
            _refuse_another_kind(importer.name, source)
            report = import_file(database, source, how, listener, dry_run=dry_run)
        except UnreadableFile as error:
            fail(f"{_name(file)}: {error}")
        except KeyboardInterrupt:
            fail("stopped. " + _what_is_kept(progress.done, dry_run))
        except (DatabaseError, InterfaceError):
            tell(_what_is_kept(progress.done, dry_run))
            raise
        finally:
            progress.end()
    if as_json:
        print_json(report.as_json())
    else:
        _show_report(report, how.whole_dataset, delete_missing, dry_run)
    if report.refused or report.broken:
        raise SystemExit(REFUSED)


def _importer(format_name: str, mapping: Path | None) -> Any:
    from schemas.fields import near
    from service.importers import IMPORTERS
    from service.importers.csv_mapped import mapped_importer
    from service.importers.csv_mapping import UnusableMapping

    if format_name not in IMPORTERS:
        hint = near(format_name, IMPORTERS) or tuple(IMPORTERS)
        raise click.BadParameter(f"{format_name!r} is not a format; try {', '.join(hint)}", param_hint="--format")
    if mapping is None:
        return IMPORTERS[format_name]
    if format_name != "csv":
        raise click.BadParameter(f"is for --format csv; {format_name} knows its columns", param_hint="--mapping")
    try:
        return mapped_importer(mapping)
    except UnusableMapping as error:
        raise click.BadParameter(f"{mapping}: {error}", param_hint="--mapping") from None


def _judge_dataset(dataset: str | None, is_needed: bool) -> None:
    from schemas.fields import ID_FORM

    if dataset is not None and not ID_FORM.match(dataset):
        raise click.BadParameter("use lower-case letters, digits, '.', '_' and '-'", param_hint="--dataset")
    if dataset is None and is_needed:
        hint = "needs --dataset: each event says its own, so nobody knows of which one all would be there"
        raise click.BadParameter(hint, param_hint="--delete-missing")


def _refuse_another_kind(format_name: str, source: BinaryIO) -> None:
    """Refuse an empty file, and lines that are none of events. Raises UnreadableFile."""
    from service.importers.sniffing import refuse_others
    from service.importers.source import head

    if format_name == "dateline":
        refuse_others(format_name, "file of Dateline's own events", head(source))


def _what_is_kept(done: int, dry_run: bool) -> str:
    if dry_run:
        return "Nothing was kept."
    return f"The {count_of(done, 'record')} of whole batches are stored; the same import again goes on from there."


def _same_file(one: str, other: str) -> bool:
    return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)


def _name(file: BinaryIO) -> str:
    """What to call a file in messages; a stream of another program has no name."""
    return str(getattr(file, "name", "-"))


def _warning_writer(output: TextIO | None) -> Callable[[Any], None]:
    """Writes the warnings of a record, one JSON object a line."""

    def write(record: Any) -> None:
        if output is None:
            return
        event_id = record.event and record.event.get("id")
        for warning in record.warnings:
            told = {"line": record.line, "id": event_id, **warning.as_json()}
            output.write(json.dumps(told, ensure_ascii=False) + "\n")

    return write


class _Progress:
    """Shows how far an import is: a bar on a terminal, a line now and then elsewhere, nothing to programs."""

    def __init__(self, file: BinaryIO, quiet: bool) -> None:
        self.done = 0
        self._file = file
        self._quiet = quiet
        self._began = time.monotonic()
        self._told: float | None = None
        path = Path(_name(file))
        self._bar: Any = None
        if not quiet and sys.stderr.isatty() and path.is_file() and path.stat().st_size:
            self._bar = click.progressbar(
                length=path.stat().st_size,
                label="importing",
                file=sys.stderr,
                item_show_func=lambda item: self._words(),
            )

    def add(self, records: int) -> None:
        """Take note of another batch."""
        self.done += records
        if self._bar is not None:
            # The bytes that were read tell how much is left, packed or not.
            self._bar.update(self._file.tell() - self._bar.pos)
        elif not self._quiet and (self._told is None or time.monotonic() - self._told > TELL_SECONDS):
            self._told = time.monotonic()
            click.echo(self._words(), err=True)

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._bar is not None:
            self._bar.render_finish()
            click.echo(err=True)

    def _words(self) -> str:
        seconds = time.monotonic() - self._began
        rate = f", {self.done / seconds:,.0f} a second" if seconds >= 1 else ""
        return count_of(self.done, "record") + rate


def _show_report(report: Any, dataset: str | None, delete_missing: bool, dry_run: bool) -> None:
    for rejection in report.rejected:
        for fault in rejection.faults:
            click.echo(f"line {rejection.line}: {fault.pointer or '/'}: {in_words(fault)}", err=True)
    if report.untold:
        click.echo(f"and {count_of(report.untold, 'record')} more were rejected", err=True)
    for code, count in sorted(report.warnings.items()):
        click.echo(f"warning: {code} in {count_of(count, 'record')}", err=True)
    if report.broken:
        click.echo(f"the file breaks off: {report.broken} What stands before was taken.", err=True)
    if report.missing:
        click.echo(f"{count_of(report.missing, 'event')} of {dataset} not in the file: {_fate(report, delete_missing)}")
    click.echo(
        f"{count_of(report.received, 'record')}: {report.created} created, {report.updated} updated, "
        f"{report.unchanged} unchanged, {report.refused} rejected" + (" (dry run: nothing was kept)" if dry_run else "")
    )


def _fate(report: Any, delete_missing: bool) -> str:
    """What became of the events that the file does not have."""
    if report.deleted:
        return "deleted"
    return "none was deleted, since records were rejected" if delete_missing else "--delete-missing deletes them"
