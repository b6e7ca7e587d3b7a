"""The command ``dateline import``, and how it tells how far it is and what became of the records."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click
from peewee import DatabaseError, InterfaceError

from schemas.faults import Fault
from service.command_line import (
    REFUSED,
    count_of,
    fail,
    in_words,
    json_option,
    print_json,
    read_settings,
    refuse_output,
    store,
    tell,
    visible,
)

KEPT = "kept (where the file is the whole dataset, --delete-missing deletes them)"
OWN_TITLE = "file of Dateline's own events"
# Of the beginning of such a file, so many lines are looked at.
BEGINNING_LINES = 20
# A file of rejects says within so many bytes why the first of them was rejected.
MARKED_WITHIN = 200
# For so long a transaction goes on taking batches in, while others who write wait.
TRANSACTION_SECONDS = 3.0
# Seconds between two plain lines that say how far an import is.
TELL_SECONDS = 5.0
STOPPING = b"dateline: stopping once this batch is stored; Ctrl-C again stops at once\n"


class _Format(click.Option):
    """An option whose help names every format that can be imported, which are looked up only when it is shown."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from service.importers import IMPORTERS

        self.help = f"The file's format: {', '.join(IMPORTERS)}."
        return super().get_help_record(ctx)


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--format", "format_name", cls=_Format, required=True)
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
@click.option(
    "--warnings",
    # Half a surrogate pair comes out as JSON escapes it.
    type=click.File("w", encoding="utf-8", errors="backslashreplace", lazy=True),
    help="Write every warning here.",
)
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
    from service.database import read_through_cache
    from service.importers import UnreadableFile
    from service.importers.source import opened_file
    from service.importing import Import, Listener, import_file

    importer = _importer(format_name, mapping)
    _judge_dataset(dataset, importer.names_its_own and delete_missing)
    _judge_outputs(_name(file), mapping, rejects, warnings)
    settings = read_settings()
    progress = _Progress(file, quiet=as_json)
    listener = Listener(progress.add, rejects, _warning_writer(warnings), _stops_wait)
    how = Import(
        importer,
        "import",
        dataset=dataset,
        min_year=settings.min_year,
        find_missing=True,
        delete_missing=delete_missing,
    )
    with store(settings) as database:
        for option, output in (("--rejects", rejects), ("--warnings", warnings)):
            if output is not None:
                refuse_output(database, output.name, option)
        read_through_cache(database)
        try:
            source = opened_file(file)
            _refuse_another_kind(importer.name, source)
            how = replace(how, find_missing=not _is_of_rejects(source))
            if delete_missing and not how.find_missing:
                fail("a file of rejects never has the whole dataset, so nothing can be missing in it", status=2)
            report = import_file(database, source, how, listener, dry_run=dry_run, lasting=TRANSACTION_SECONDS)
        except UnreadableFile as error:
            fail(f"{_name(file)}: {error}")
        except KeyboardInterrupt:
            progress.end()
            fail("stopped. " + _what_is_kept(progress.stored, dry_run))
        except (DatabaseError, InterfaceError, OSError):
            progress.end()
            tell(_what_is_kept(progress.stored, dry_run))
            raise
        progress.end()
    if not report.received:
        fail(f"{_name(file)}: The file has no record.")
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
    from service.importers.sniffing import not_of_the_format, refuse_others
    from service.importers.source import HEAD, head

    if format_name != "dateline":
        return
    beginning = head(source)
    refuse_others(format_name, OWN_TITLE, beginning)
    # Lines that do not end within the beginning tell nothing.
    lines = [line for line in beginning.split(b"\n")[:BEGINNING_LINES] if line.strip()]
    if (len(lines) > 1 or len(beginning) < HEAD) and not any(map(_is_object, lines)):
        raise not_of_the_format(OWN_TITLE, beginning, "It must hold one JSON object a line.")


def _is_object(line: bytes) -> bool:
    """Whether a line may be an event: one whole JSON object, or what was meant as one."""
    return line.lstrip(b"\xef\xbb\xbf \t").startswith(b"{") and line.rstrip().endswith(b"}")


def _is_of_rejects(source: BinaryIO) -> bool:
    from service.importers.framing import REASON
    from service.importers.source import head

    return REASON.encode() in head(source)[:MARKED_WITHIN]


def _judge_outputs(file: str, mapping: Path | None, rejects: TextIO | None, warnings: TextIO | None) -> None:
    """Refuse to write over what is read, and two things into one file."""
    taken = {file: "the file that is imported"} | ({str(mapping): "the mapping"} if mapping else {})
    for option, output in (("--rejects", rejects), ("--warnings", warnings)):
        if output is None:
            continue
        for other, what in taken.items():
            if _same_file(output.name, other):
                raise click.BadParameter(f"is {what}; give another", param_hint=option)
        if not _can_be_written(Path(output.name)):
            raise click.BadParameter(f"{output.name} cannot be written", param_hint=option)
        taken[output.name] = "that of --rejects"


def _can_be_written(path: Path) -> bool:
    """Whether a file can be made or written over there, which is asked before anything is stored."""
    if path.exists():
        return not path.is_dir() and os.access(path, os.W_OK)
    return str(path) == "-" or os.access(path.parent, os.W_OK)


def _same_file(one: str, other: str) -> bool:
    if "-" in (one, other):
        # Standard input and standard output are two.
        return False
    if Path(one).exists() and Path(other).exists():
        return Path(one).samefile(other)
    return Path(one).resolve() == Path(other).resolve()


@contextmanager
def _stops_wait() -> Iterator[None]:
    """Within it Ctrl-C waits for the end, so that it is known what is stored; a second one does not wait."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        with suppress(OSError, ValueError):
            # What it breaks into may be writing to the same stream.
            os.write(sys.stderr.fileno(), (b"\n" if sys.stderr.isatty() else b"") + STOPPING)

    usual = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if asked:
        raise KeyboardInterrupt


def _what_is_kept(stored: int, dry_run: bool) -> str:
    if dry_run or not stored:
        return "Nothing was stored."
    return f"The {count_of(stored, 'record')} of whole batches are stored; the same import again goes on from there."


def _name(file: BinaryIO) -> str:
    """What to call a file in messages; a stream of another program has no name."""
    return str(getattr(file, "name", "-"))


def _warning_writer(output: TextIO | None) -> Callable[[int, str | None, Fault], None]:
    """Writes warnings, one JSON object a line."""

    def write(line: int, event_id: str | None, warning: Fault) -> None:
        if output is not None:
            told = {"line": line, "id": event_id, **warning.as_json()}
            # Where it stood is always the record.
            del told["in"]
            output.write(json.dumps(told, ensure_ascii=False) + "\n")

    return write


class _Progress:
    """Shows how far an import is: a bar on a terminal, a line now and then elsewhere, nothing to programs."""

    def __init__(self, file: BinaryIO, quiet: bool) -> None:
        self.stored = 0
        self._done = 0
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

    def add(self, report: Any) -> None:
        """Take note of another batch, of which this is the report and of those before."""
        self._done, self.stored = report.received, report.stored
        if self._bar is not None:
            # The bytes that were read tell how much is left, packed or not.
            self._bar.update(self._file.tell() - self._bar.pos)
            # Of a short file all is read before it is stored, and the bar looks at nothing else.
            self._bar.render_progress()
        elif not self._quiet and (self._told is None or time.monotonic() - self._told > TELL_SECONDS):
            self._told = time.monotonic()
            click.echo(self._words(), err=True)

    def end(self) -> None:
        """Leave the line of the bar, so that what is told next has one of its own."""
        if self._bar is not None:
            self._bar.render_finish()

    def _words(self) -> str:
        seconds = time.monotonic() - self._began
        rate = f", {self._done / seconds:,.0f} a second" if seconds >= 1 else ""
        return count_of(self._done, "record") + rate


def _show_report(report: Any, dataset: str | None, delete_missing: bool, dry_run: bool) -> None:
    for rejection in report.rejected:
        for fault in rejection.faults:
            click.echo(f"line {rejection.line}: {visible(fault.pointer) or '/'}: {in_words(fault)}", err=True)
    if report.untold:
        click.echo(f"and {count_of(report.untold, 'record')} more were rejected", err=True)
    for code, count in sorted(report.warnings.items()):
        click.echo(f"warning: {code} in {count_of(count, 'record')}", err=True)
    if report.broken:
        click.echo(f"the file breaks off: {visible(report.broken)} What stands before was taken.", err=True)
    if report.missing:
        fate = _fate(report, delete_missing, dry_run)
        click.echo(f"{count_of(report.missing, 'event')} of {dataset} not in the file: {fate}")
    elif delete_missing and report.broken:
        click.echo("none was deleted, since the file breaks off")
    click.echo(
        f"{count_of(report.received, 'record')}: {report.created} created, {report.updated} updated, "
        f"{report.unchanged} unchanged, {report.refused} rejected" + (" (dry run: nothing was kept)" if dry_run else "")
    )


def _fate(report: Any, delete_missing: bool, dry_run: bool) -> str:
    """What became of the events that the file does not have."""
    if report.deleted:
        return "would be deleted" if dry_run else "deleted"
    return "kept, since records were rejected" if delete_missing else KEPT
