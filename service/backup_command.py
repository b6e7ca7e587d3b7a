"""The command that copies the database into one file while others read and write."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from service.command_line import fail, json_option, print_json, read_settings, store, visible

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from service.backup import Progress

# Elsewhere than on a terminal, a line is said each time that so many more bytes are written.
TOLD_EACH = 2**30


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=False))
@click.option("--replace", is_flag=True, help="Let the backup take the place of a file that exists.")
@json_option
def backup_command(file: Path, replace: bool, as_json: bool) -> None:
    """Copy the database into FILE, as one moment shows it, while others read and write.

    Of SQLite it is a database that can be served as it is, of PostgreSQL an archive of pg_dump's for pg_restore. It has
    its name once it is whole, so one that fails leaves what was there.

    \b
    Example:
      dateline backup "dateline-$(date +%F).db"
    """
    from service.backup import BackupFailed, back_up
    from service.finished_file import BadTarget

    if str(file) == "-":
        raise click.BadParameter(
            "a backup needs a file: what went to standard output cannot be checked", param_hint="FILE"
        )
    # Not migrated: a copy from before an upgrade is what leads back.
    with store(read_settings(), migrated=False) as database, _ended_in_order():
        try:
            with _progress(quiet=as_json) as progress:
                backup = back_up(database, file, progress, replace)
        except BadTarget as error:
            raise click.BadParameter(f"{file} {error}", param_hint="FILE") from None
        except BackupFailed as error:
            fail(str(error))
    if as_json:
        print_json({"file": str(backup.file), "format": backup.form, "bytes": backup.size, "sequence": backup.sequence})
    else:
        click.echo(f"{visible(str(file))}: {_shown(backup.size)}, up to change {backup.sequence}")


def _shown(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB" if size >= 2**20 else f"{size / 2**10:.1f} KiB"


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Within it, SIGTERM ends the command as Ctrl-C does, and what is half done is taken away."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
    """Shows how far a backup is, beside the output: nothing where a program listens.

    On a terminal a bar, or the size so far where the whole is not known, and elsewhere a line now and then.
    """
    on_terminal = sys.stderr.isatty() and not quiet
    written = 0
    bar: ProgressBar[int] | None = None

    def tell(done: int, total: int | None) -> None:
        nonlocal written, bar
        before, written = written, done
        if quiet:
            return
        if not on_terminal:
            if before // TOLD_EACH < done // TOLD_EACH:
                click.echo(f"copied {_shown(done)}", err=True)
        elif total is None:
            click.echo(f"\r\x1b[Kcopied {_shown(done)}", nl=False, err=True)
        else:
            bar = bar or shown.enter_context(click.progressbar(length=total, label="copying", file=sys.stderr))
            bar.update(done - before)

    with ExitStack() as shown:
        yield tell
    if on_terminal and bar is None:
        # The result takes the line's place.
        click.echo("\r\x1b[K", nl=False, err=True)
