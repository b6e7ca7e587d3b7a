"""The command that writes the events of a query to a file, which has its name only once it is whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from service.command_line import count_of, read_settings, refuse_output, store
from service.filters import FILTERS, OPTIONS
from service.finished_file import becoming
from service.query_options import options_of, query_string, refusals_as_options

if TYPE_CHECKING:
    from service.exporting import Export
    from service.formats.form import Documents

# The form is an option of its own, and there is no place for a count.
PARAMETERS = {name: item for name, item in {**FILTERS, **OPTIONS}.items() if name not in ("format", "total")}
STANDARD_OUTPUT = "-"
DEFAULT_FORMAT = "ndjson"
# Elsewhere than on a terminal, a line is said each time that so many more events are written.
TOLD_EACH = 10_000


@click.command("export")
@options_of(PARAMETERS, but=frozenset())
@click.option("--format", "format_name", help="The file's format; by default what its name ends in, else ndjson.")
@click.option("--output", default=STANDARD_OUTPUT, help="The file, which is replaced; standard output by default.")
@click.option("--base-url", help="Where the service answers, for links in the file; by default at HOST and PORT.")
def export_command(format_name: str | None, output: str, base_url: str | None, **given: Sequence[str]) -> None:
    """Write all events of a query to a file, as one moment shows them.

    \b
    Example:
      dateline export --actor taliban --from 2021-08 --output taliban.geojson
    """
    from service.exporting import begin_export
    from service.formats import FORMATS
    from service.read_query import read_query

    form = FORMATS[_format_of(format_name, output)]
    if Path(output).is_dir():
        raise click.BadParameter("is a folder; name a file in it", param_hint="--output")
    settings = read_settings()
    with store(settings) as database:
        refuse_output(database, output, "--output")
        with refusals_as_options():
            export = begin_export(database, form, lambda own: read_query(own, query_string(given), form.name))
        try:
            with _written(output) as file, _progress(export) as tell:
                documents = _Counted(export.documents(), tell)
                for piece in form.write(documents, export.about(base_url or settings.address)):
                    file.write(piece)
        finally:
            export.close()
    click.echo(f"{count_of(documents.count, 'event')}, up to change {export.sequence}", err=True)


def _format_of(name: str | None, output: str) -> str:
    """The format that is asked for: by its name, or by the name of the file."""
    from schemas.fields import near
    from service.formats import FORMATS

    if name is None:
        ending = Path(output).suffix.removeprefix(".").lower()
        return ending if ending in FORMATS else DEFAULT_FORMAT
    if name not in FORMATS:
        hint = near(name, FORMATS) or tuple(FORMATS)
        raise click.BadParameter(f"{name!r} is not a format; try {', '.join(hint)}", param_hint="--format")
    return name


@contextmanager
def _written(output: str) -> Iterator[BinaryIO]:
    """What is to be written to. A file gets its name at the end, and what had that name stays as it is until then."""
    if output == STANDARD_OUTPUT:
        standard = sys.stdout.buffer
        yield standard
        standard.flush()
        return
    path = Path(output).resolve()
    if path.exists() and not path.is_file():
        # A pipe or a device takes things as they come.
        with path.open("wb") as device:
            yield device
        return
    with becoming(path) as part, part.open("wb") as file:
        yield file


class _Counted:
    """Documents that are counted as they are handed on; ``tell`` hears of each batch how many it has."""

    def __init__(self, documents: Documents, tell: Callable[[int], object]) -> None:
        self._documents = documents
        self._tell = tell
        self.count = 0

    def __iter__(self) -> Iterator[Sequence[str]]:
        for batch in self._documents:
            yield batch
            self.count += len(batch)
            self._tell(len(batch))


@contextmanager
def _progress(export: Export) -> Iterator[Callable[[int], object]]:
    """Shows how far an export is: a bar on a terminal, else a line now and then. It is told of each batch."""
    if sys.stderr.isatty():
        with click.progressbar(length=export.count(), label="exporting", file=sys.stderr) as bar:
            yield bar.update
        return
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        if (done - count) // TOLD_EACH != done // TOLD_EACH:
            click.echo(count_of(done, "event"), err=True)

    yield tell
