"""Ends a worker in time, whatever its clients do, and leaves its database closed."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Protocol

from service.server.asgi import Receive, Send

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Seconds that clients have, after the last call was answered, to take what has been sent to them.
LAST_SECONDS = 1.5
# Seconds that closing may take.
CLOSE_SECONDS = 1.0


class Ending(Protocol):
    """What is ended: ``end`` returns when nothing is under way any more, and ``close``, called last, may wait."""

    async def end(self) -> None: ...

    def close(self) -> None: ...


async def live(receive: Receive, send: Send, what: Ending) -> None:
    """Speak the server's lifespan protocol, and leave the process in time when it is told to stop.

    The server says that it shuts down only when its last connection has gone, which open streams and slow clients may
    put off for ever. So the signals themselves are listened to.
    """
    told = asyncio.Event()
    await receive()
    _at_signal(asyncio.get_running_loop(), told.set)
    ending = asyncio.create_task(_end(what, told))
    await send({"type": "lifespan.startup.complete"})
    await receive()
    ending.cancel()
    _leave(what)


def _at_signal(loop: asyncio.AbstractEventLoop, begin: Callable[[], None]) -> None:
    """Have the loop call ``begin`` at each signal to stop.

    The server's own handler, which is set on the loop, runs at the first one as well: the loop hears of signals through
    its wake-up descriptor, whatever handler is set here. At the third one it would wait for ever, hence the handler
    here lets the loop hear of no more.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        signal.set_wakeup_fd(-1)
        loop.call_soon_threadsafe(begin)

    for each in SIGNALS:
        signal.signal(each, handle)


async def _end(what: Ending, told: asyncio.Event) -> None:
    await told.wait()
    await what.end()
    await asyncio.sleep(LAST_SECONDS)
    _leave(what)


def _leave(what: Ending) -> None:
    """Leave the process at once; it does not return. Nothing is lost: a write is on the disk before its answer.

    The interpreter is not taken down in order, since threads of the server that still want it abort the process then.
    """
    closing = threading.Thread(target=what.close, daemon=True)
    closing.start()
    closing.join(CLOSE_SECONDS)
    os._exit(0)
