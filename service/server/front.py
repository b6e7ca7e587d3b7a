"""Takes requests on an event loop and hands each, whole, to the application in a thread, if no answer is there at once.

It speaks ASGI 3, because granian's own RSGI neither waits for slow clients nor can break an answer off.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import Context
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Protocol

from service.change_feed import KEEP_ALIVE_SECONDS
from service.quick_answers import Asked, Quick
from service.quick_call import ASKED, asked_over_asgi
from service.server.asgi import (
    Paced,
    Receive,
    Scope,
    Send,
    Stuck,
    client_gone,
    send_chunk,
    send_rest,
    send_start,
)
from service.server.change_streams import ChangeStreams, Stream
from service.server.ending import live
from service.server.spool import BODY_SECONDS, IN_MEMORY, LARGE_AT_ONCE, State, length_to_take, pass_over, take_in
from service.server.wsgi_call import Answer, Application, Environ, call, environ_of, next_chunk, plain
from service.settings import BodyLimits

log = logging.getLogger("dateline")

# Methods that only read (RFC 9110, 9.2.1).
READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Threads of a worker, by what they do. None is ever held by a client that is slow to send or to take something.
# Answers to requests that only read: a page is one short statement, so more would only wait for each other.
READERS = 4
# Answers to all others: they may wait for the one writer that SQLite allows, and no reader is to wait along.
WRITERS = 4
# The chunks of streamed answers.
STREAMERS = 8
# What landed, for the streams of changes.
FOLLOWERS = 2
# Seconds in which a client must take a piece of a streamed answer.
STUCK_SECONDS = 60.0
# Seconds that it may keep the answer waiting in all, and the bytes that give it one more. An export holds one of few
# places and one moment of the store, so who takes little of it all the time must come to an end.
SLOW_SECONDS = 60.0
LEAST_RATE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that the front waits for clients, the same everywhere but in tests; rate: in bytes, see LEAST_RATE."""

    body: float = BODY_SECONDS
    keep_alive: float = KEEP_ALIVE_SECONDS
    stuck: float = STUCK_SECONDS
    slow: float = SLOW_SECONDS
    rate: int = LEAST_RATE


class QuickAnswering(Protocol):
    """What has answers that are there at once, see ``service.quick_answers``. ``leave`` is the last call."""

    def at_once(self, asked: Asked) -> Quick | None: ...

    def leave(self) -> None: ...


class Front:
    """An ASGI application that answers with what a WSGI application says.

    The environment has three keys more than PEP 3333 knows: ``dateline.body`` tells what became of the body (see
    ``spool.State``), ``dateline.asked`` what was asked, where other answers may follow from this one (see
    ``quick_call.py``), and ``dateline.take_stream`` is a list to which a view may append a Stream: what lands is then
    sent after the head of its answer.

    quick: gives the answers that need no application.
    may_write: asks the database whether who sends such an ``Authorization`` may write. Only those fill the disk.
    """

    def __init__(
        self,
        application: Application,
        limits: BodyLimits,
        last_sequence: Callable[[], int],
        may_write: Callable[[str], bool],
        quick: QuickAnswering,
        patience: Patience = Patience(),
    ) -> None:
        self._application = application
        self._limits = limits
        self._may_write = may_write
        self._quick = quick
        self._patience = patience
        self._readers = ThreadPoolExecutor(READERS, "reads")
        self._writers = ThreadPoolExecutor(WRITERS, "writes")
        self._streamers = ThreadPoolExecutor(STREAMERS, "streamed")
        self._followers = ThreadPoolExecutor(FOLLOWERS, "changes")
        self._streams = ChangeStreams(last_sequence, self._followers, patience.keep_alive, patience.stuck)
        # How many large bodies there are.
        self._large = 0
        # The calls under way, and the tasks that wait for nothing but a client.
        self._calls: set[asyncio.Future[Answer]] = set()
        self._waiting: set[asyncio.Task[object]] = set()
        self._ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send, self)
            return
        asked = asked_over_asgi(scope)
        if asked is not None and not self._ending and (answer := self._quick.at_once(asked)):
            await _send_whole(answer, send)
            return
        environ = environ_of(scope)
        environ[ASKED] = asked
        with ExitStack() as held:
            body = held.enter_context(SpooledTemporaryFile(IN_MEMORY))
            state = await self._take_body(environ, receive, body, held)
            if state is None:
                await _send_whole(plain(503, "The server is shutting down.\n"), send)
                return
            environ |= {"wsgi.input": body, "dateline.body": state}
            await self._answer(environ, receive, send)
        if state in ("unread", "not-now", "too-slow") and "HTTP_EXPECT" not in environ:
            # A client that waits to be told to continue sends nothing after another answer.
            with self._ends_at_once():
                await pass_over(receive, self._limits.bulk)

    async def end(self) -> None:
        """End at once what waits for nothing but a client; return when the calls under way have their answers."""
        self._ending = True
        for task in self._waiting:
            task.cancel()
        while self._calls:
            await asyncio.wait(self._calls)
        self._quick.leave()

    def close(self) -> None:
        """End the threads, and with them what each holds, such as its connection to the database."""
        for threads in (self._readers, self._writers, self._streamers, self._followers):
            threads.shutdown(cancel_futures=True)
        # A connection may hang in a ring of references, out of which only the collector takes it.
        gc.collect()

    @contextmanager
    def _ends_at_once(self) -> Iterator[None]:
        """What stands within may be cut short by the end of the server, and by nothing else."""
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        if self._ending:
            task.cancel()
        try:
            yield
        except asyncio.CancelledError:
            if not self._ending:
                raise
            task.uncancel()
        finally:
            self._waiting.discard(task)

    async def _take_body(self, environ: Environ, receive: Receive, file: IO[bytes], held: ExitStack) -> State | None:
        """What became of the body; None where the server ended first. ``held`` keeps the place of a large one."""
        length = length_to_take(environ, self._limits)
        if length is None:
            return "unread"
        if length == 0:
            return "whole"
        state = None
        with self._ends_at_once():
            if length > IN_MEMORY:
                state = await self._admit(environ["HTTP_AUTHORIZATION"], held)
            if state is None:
                state = await take_in(receive, file, length, self._patience.body)
        return state

    async def _admit(self, authorization: str, held: ExitStack) -> State | None:
        """Count a large body in, until ``held`` ends; or else why it is left."""
        loop = asyncio.get_running_loop()
        try:
            if not await loop.run_in_executor(self._readers, self._may_write, authorization):
                return "unread"
        except Exception as error:
            log.warning("a body was not taken in, since nobody could tell whose it is: %s", error)
            return "not-now"
        if self._large == LARGE_AT_ONCE:
            return "not-now"
        self._large += 1
        held.callback(self._end_large)
        return None

    def _end_large(self) -> None:
        self._large -= 1

    async def _answer(self, environ: Environ, receive: Receive, send: Send) -> None:
        handed: list[Stream] = []
        environ["dateline.take_stream"] = handed
        # Several threads work at one answer in turn. They share a context, as if they were one.
        context = Context()
        try:
            answer = await self._call(environ, context)
            if answer.rest is not None:
                try:
                    await self._send_streamed(answer, answer.rest, context, receive, send)
                except Stuck as why:
                    asked, client = f"{environ['REQUEST_METHOD']} {environ['RAW_URI']}", environ["REMOTE_ADDR"]
                    log.warning("the answer to %s was cut: %s %s", asked, client, why)
            elif handed and answer.status == 200 and environ["REQUEST_METHOD"] == "GET":
                await self._send_changes(answer, handed[0], receive, send)
            else:
                await _send_whole(answer, send)
        finally:
            for stream in handed:
                await self._streams.close(stream)

    async def _call(self, environ: Environ, context: Context) -> Answer:
        pool = self._readers if environ["REQUEST_METHOD"] in READING else self._writers
        calling = asyncio.get_running_loop().run_in_executor(pool, context.run, call, self._application, environ)
        self._calls.add(calling)
        calling.add_done_callback(self._calls.discard)
        try:
            return await calling
        except Exception:
            log.exception(
                "%s %s failed outside the application's own care", environ["REQUEST_METHOD"], environ["RAW_URI"]
            )
            return plain(500, "The server failed.\n")

    async def _send_streamed(
        self, answer: Answer, rest: Iterator[bytes], context: Context, receive: Receive, send: Send
    ) -> None:
        """Send chunk after chunk as the client takes them. The server cuts an answer that is left without its end.

        Raises Stuck, at the very end.
        """
        loop = asyncio.get_running_loop()
        gone = asyncio.create_task(client_gone(receive))
        paced = Paced(send, self._patience.slow, self._patience.rate)
        chunk: bytes | None = answer.body
        try:
            await send_start(send, answer.status, answer.headers)
            while chunk is not None and not gone.done():
                await send_chunk(paced, chunk, self._patience.stuck)
                chunk = await loop.run_in_executor(self._streamers, context.run, next_chunk, rest)
            if chunk is None:
                await send_rest(send)
        except Stuck:
            raise
        except Exception:
            log.exception("a streamed answer broke off")
        finally:
            gone.cancel()
            await loop.run_in_executor(self._streamers, context.run, answer.close)

    async def _send_changes(self, answer: Answer, stream: Stream, receive: Receive, send: Send) -> None:
        """Send the head of an answer, and then what lands, until the client has gone or the server ends."""
        headers = [(name, value) for name, value in answer.headers if name != b"content-length"]
        await send_start(send, answer.status, headers)
        with self._ends_at_once():
            await self._streams.serve(stream, receive, send)
        await send_rest(send)


async def _send_whole(answer: Answer | Quick, send: Send) -> None:
    await send_start(send, answer.status, answer.headers)
    await send_rest(send, answer.body)
