"""Writes files that have their names only once they are whole and on the disk, and none over the store itself."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from peewee import Database

from service.database import BESIDE, own_files


class BadTarget(ValueError):
    """The file must not be written to; the message says why, as something that is said of the file."""


def refuse_store(database: Database, file: Path) -> None:
    """Refuse to write over a file of the database, by whatever name. Raises BadTarget."""
    target = file.resolve()
    for own in own_files(database):
        if target == own.resolve() or (target.exists() and own.exists() and target.samefile(own)):
            raise BadTarget("is the database itself, or belongs to it: name another file")


@contextmanager
def becoming(file: Path, mode: int | None = None, replace: bool = True) -> Iterator[Path]:
    """A new, empty file beside the one that it becomes at the end; nothing is left of it where that does not come.

    mode: the rights of a file that is new, by default as of any other; one that takes another's place has that one's.
    replace: whether it may take another's place; else raises FileExistsError.
    """
    if file.exists():
        mode = stat.S_IMODE(file.stat().st_mode)
    part = file.with_name(f".{file.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as made:
            if mode is not None:
                os.fchmod(made.fileno(), mode)
        yield part
        _to_disk(part)
        if file.exists() and not replace:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(file))
        part.replace(file)
        # The name is on the disk when its folder is.
        _to_disk(file.parent)
    except BaseException:
        # A database that is written leaves more than one file.
        for left in (part, *(part.with_name(part.name + ending) for ending in BESIDE)):
            with suppress(OSError):
                left.unlink()
        raise


def _to_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
