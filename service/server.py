"""Runs the application under granian: a worker for each core, each with a few threads."""

from __future__ import annotations

import socket
from collections.abc import Callable

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from service.metrics import shared_by_workers
from service.settings import Settings

# Threads of one worker that answer requests. A page is one short statement, so more would only wait for each other.
THREADS = 4
# Seconds that a worker may take to end before it is killed.
END_SECONDS = 5


class CannotListen(Exception):
    """The address and port cannot be had. The message says why."""


def serve(settings: Settings, when_listening: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``when_listening`` is called once the port is open. Raises CannotListen."""
    _refuse_taken_port(settings)
    server = Granian(
        "service.app:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=END_SECONDS,
    )
    server.on_startup(when_listening)
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
