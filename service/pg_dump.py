"""Runs PostgreSQL's own pg_dump for a backup, with the settings of an open connection, and checks what it wrote."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from service.database import LOCK_SECONDS

# How often it is looked how far pg_dump is.
SECONDS_A_LOOK = 0.2
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
# Which settings of libpq lead elsewhere than to the server that the connection is with.
LEADING_AWAY = ("PGSERVICE", "PGSERVICEFILE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD")


class DumpFailed(Exception):
    """pg_dump or pg_restore is missing, too old, or has failed. The message is for people."""


def dump(connection: Any, snapshot: str, file: Path, progress: Callable[[int], object]) -> None:
    """Write the database of a connection into an archive of pg_dump's custom format, and read all of it to check it.

    connection: of psycopg; snapshot: the name of one that it has exported, and holds until this returns.
    progress: is told the bytes written so far. Raises DumpFailed.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in LEADING_AWAY}
    environment = inherited | _settings(connection)
    dumping, restoring = (_program(name) for name in ("pg_dump", "pg_restore"))
    _refuse_older(dumping, environment, connection.info.server_version // 10_000)
    options = [
        "--format=custom",
        f"--snapshot={snapshot}",
        "--no-password",
        f"--lock-wait-timeout={LOCK_SECONDS * 1000}",
    ]
    _run([dumping, *options, f"--file={file}"], environment, lambda: progress(file.stat().st_size))
    # It reads the archive to its end and writes the statements nowhere.
    _run([restoring, f"--file={os.devnull}", str(file)], environment, lambda: None)


def _settings(connection: Any) -> dict[str, str]:
    """The settings of a connection as variables of libpq, where no list of processes shows a password.

    They name the one server that it is with, though its URL may name several: nowhere else is its snapshot known.
    """
    given = {
        option.envvar.decode(): option.val.decode()
        for option in connection.pgconn.info
        if option.envvar and option.val and option.val != option.compiled
    }
    info = connection.info
    there = {
        "PGHOST": info.host,
        "PGHOSTADDR": info.hostaddr,
        "PGPORT": str(info.port),
        "PGUSER": info.user,
        "PGDATABASE": info.dbname,
        "PGPASSWORD": info.password,
    }
    others = {name: value for name, value in given.items() if name not in LEADING_AWAY}
    return others | {name: value for name, value in there.items() if value}


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise DumpFailed(f"{name} is not installed, or not in PATH: it comes with PostgreSQL's client programs")
    return found


def _refuse_older(program: str, environment: Mapping[str, str], server: int) -> None:
    """A pg_dump can read older servers and none that is newer than itself."""
    told = subprocess.run([program, "--version"], env=environment, capture_output=True, text=True, errors="replace")
    version = VERSION.search(told.stdout)
    if version is None:
        raise DumpFailed(f"{program} does not say its version: {_reason(told.stderr)}")
    if int(version[1]) < server:
        raise DumpFailed(
            f"{program} is of PostgreSQL {version[1]}, older than the server ({server}): "
            f"install the client programs of {server} or later, and put them first in PATH"
        )


def _run(command: Sequence[str], environment: Mapping[str, str], look: Callable[[], object]) -> None:
    """Run a program to its end; one that is left early, by a signal say, is ended too."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        try:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(SECONDS_A_LOOK)
                look()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode:
            errors.seek(0)
            reason = _reason(errors.read().decode(errors="replace"))
            raise DumpFailed(f"{Path(command[0]).name} failed: {reason or f'exit status {process.returncode}'}")


def _reason(output: str) -> str:
    """What a program gives as its reason: its first line with an error, without its own name."""
    lines = [line for line in output.splitlines() if line.strip()]
    error = next((line for line in lines if "error:" in line), lines[-1] if lines else "")
    return re.sub(r"^pg_\w+: (error: )?", "", error)
