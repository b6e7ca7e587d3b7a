"""Runs the application under granian: a worker for each core, each with a front that hands requests to threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels

from service.settings import Settings
from service.shared_folder import shared_by_workers

if TYPE_CHECKING:
    from service.server.front import Front

# Seconds that a worker may take to end before it is killed.
END_SECONDS = 5
# Seconds that ending may take altogether. A signal to the whole process group, as a terminal sends it, reaches the
# workers before the supervisor knows of it, which has been seen to wait for them for ever.
PATIENCE = END_SECONDS + 3
# Seconds between two looks at whether the port takes connections.
LISTENING_TICK = 0.05
# What makes that which a worker serves.
FRONT = "service.server.run:create_front"


class CannotListen(Exception):
    """The address and port cannot be had. The message says why."""


def create_front() -> Front:
    """The application as a worker serves it. Raises BadSetting or BadDatabaseUrl."""
    # Only the workers need these, and the metrics only count together where they are imported in a worker.
    from service.app import create_app
    from service.server.front import Front

    app = create_app()
    ours = app.extensions["dateline"]
    return Front(app, ours["settings"].max_body, ours["last_sequence"], ours["may_write"], ours["quick"])


def serve(settings: Settings, when_listening: Callable[[], None], front: str = FRONT) -> None:
    """Serve until SIGTERM or SIGINT; ``when_listening`` is called once the port is open. Raises CannotListen.

    ``front`` names the function that makes what a worker serves, as ``module:function``.
    """
    _refuse_taken_port(settings)
    # A forked worker would inherit locks that a thread of the supervisor may hold.
    multiprocessing.set_start_method("spawn", force=True)
    _end_in_time()
    server = Granian(
        front,
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        # Bodies are judged by what HTTP/1.1 says of their length.
        http=HTTPModes.http1,
        # Another loop, where one happens to be installed, may deal with signals in its own way.
        loop=Loops.asyncio,
        workers=settings.workers,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=END_SECONDS,
    )
    server.on_startup(lambda: _call_when_listening(settings, when_listening))
    with shared_by_workers():
        server.serve()


def _refuse_taken_port(settings: Settings) -> None:
    """Fail before any worker starts, and in words, where the port is not to be had."""
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        raise CannotListen(f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}") from None


def _call_when_listening(settings: Settings, call: Callable[[], None]) -> None:
    """Call once the port takes connections, which it does some seconds after the workers were started."""

    def wait_and_call() -> None:
        while True:
            try:
                socket.create_connection((settings.host, settings.port), timeout=1).close()
            except OSError:
                time.sleep(LISTENING_TICK)
            else:
                return call()

    threading.Thread(target=wait_and_call, daemon=True).start()


def _end_in_time() -> None:
    """End the process and its workers by force where a signal to stop has not ended them in time."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    # The interpreter writes the number of each signal here, whatever its main thread waits for.
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)

    def wait_and_end() -> None:
        while os.read(told, 1)[0] not in (signal.SIGTERM, signal.SIGINT):
            pass
        time.sleep(PATIENCE)
        for worker in multiprocessing.active_children():
            worker.kill()
        # Nothing acknowledged is lost by this: a write is on the disk before its answer.
        os._exit(1)

    threading.Thread(target=wait_and_end, daemon=True).start()
