"""Keeps streams of changes open (server-sent events) on the event loop: sends what lands, and notices who has gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Protocol, TypeVar

from service.change_feed import KEEP_ALIVE, OPENING, TICK
from service.server.asgi import Receive, Send, Stuck, client_gone, send_chunk

log = logging.getLogger("dateline")

# Seconds between two lines in the log while the database does not answer.
TELL_SECONDS = 60.0

Found = TypeVar("Found")


class Stream(Protocol):
    """What the application hands over to be streamed.

    position: the sequence up to which it has been read. read: the bytes of what landed since, empty when nothing did;
    it asks the database, and moves the position. close: gives back what the stream holds.
    """

    @property
    def position(self) -> int: ...

    def read(self) -> bytes: ...

    def close(self) -> None: ...


class ChangeStreams:
    """The open streams of one worker.

    last_sequence: asks the database how far the store has come. threads: in which the database is asked. keep_alive and
    stuck: seconds of silence that are filled, and of waiting for a client after which it is given up.
    """

    def __init__(self, last_sequence: Callable[[], int], threads: Executor, keep_alive: float, stuck: float) -> None:
        self._last_sequence = last_sequence
        self._threads = threads
        self._keep_alive = keep_alive
        self._stuck = stuck
        # Each open stream, and what wakes it.
        self._open: dict[Stream, asyncio.Event] = {}
        self._watching: asyncio.Task[None] | None = None
        self._told = -TELL_SECONDS

    async def serve(self, stream: Stream, receive: Receive, send: Send) -> None:
        """Send what lands in the store until the client has gone or is given up, or this is cancelled."""
        wake = self._open[stream] = asyncio.Event()
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        sending = asyncio.create_task(self._send_changes(stream, wake, send))
        gone = asyncio.create_task(client_gone(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                with suppress(Stuck):
                    sending.result()
        finally:
            sending.cancel()
            gone.cancel()
            del self._open[stream]

    async def close(self, stream: Stream) -> None:
        """Close a stream, opened here or not."""
        await asyncio.get_running_loop().run_in_executor(self._threads, stream.close)

    async def _send_changes(self, stream: Stream, wake: asyncio.Event, send: Send) -> None:
        await send_chunk(send, OPENING, self._stuck)
        while True:
            try:
                async with asyncio.timeout(self._keep_alive):
                    await wake.wait()
            except TimeoutError:
                await send_chunk(send, KEEP_ALIVE, self._stuck)
                continue
            wake.clear()
            await self._send_landed(stream, send)

    async def _send_landed(self, stream: Stream, send: Send) -> None:
        """Send what landed so far. A stream may move on over what does not concern it, and have nothing to send."""
        chunk, before = b"", -1
        while chunk or stream.position != before:
            before = stream.position
            chunk = await self._ask(stream.read, b"")
            await send_chunk(send, chunk, self._stuck)

    async def _watch(self) -> None:
        """While there are streams, wake those that the store has gone beyond."""
        last = -1
        while self._open:
            last = await self._ask(self._last_sequence, last)
            for stream, wake in self._open.items():
                if stream.position < last:
                    wake.set()
            await asyncio.sleep(TICK)
        self._watching = None

    async def _ask(self, question: Callable[[], Found], otherwise: Found) -> Found:
        """What the database answers. Where it fails the streams stay open, and it is asked again at a later tick."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, question)
        except Exception:
            if loop.time() - self._told >= TELL_SECONDS:
                self._told = loop.time()
                log.exception("streams of changes wait for the database")
            return otherwise
