"""The part of ASGI 3 that the front speaks: its types, and how an answer is sent and a client watched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

# Bytes that are sent at once of a streamed answer, so that even a slow client is seen to take some.
PIECE = 64 * 1024


class Stuck(Exception):
    """The client has taken nothing for so long, or little for much longer, that it is given up; the message says so."""


class Paced:
    """Sends to a client that may keep an answer waiting for some seconds in all, and one more for each ``rate`` bytes.

    What the answer takes to be made does not count. Raises Stuck where it takes longer.
    """

    def __init__(self, send: Send, seconds: float, rate: int) -> None:
        self._send = send
        self._left = seconds
        self._rate = rate

    async def __call__(self, message: Message) -> None:
        """Send a message. The client that has no time left may still take what finds room at once."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            async with asyncio.timeout(self._left):
                await self._send(message)
        except TimeoutError:
            raise Stuck(f"took it too slowly, less than {self._rate / 1000:g} kB a second") from None
        self._left += len(message.get("body", b"")) / self._rate - (loop.time() - begun)


async def send_start(send: Send, status: int, headers: Headers) -> None:
    """Send the head of an answer. The server may keep it until the first bytes of the body."""
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def send_rest(send: Send, body: bytes = b"") -> None:
    """Send the last bytes of an answer, which is whole with them."""
    await send({"type": "http.response.body", "body": body})


async def send_chunk(send: Send, chunk: bytes, seconds: float) -> None:
    """Send a part of a streamed answer, waiting for the client to take what went before.

    Raises Stuck where the client takes no piece of it for that many seconds.
    """
    for begin in range(0, len(chunk), PIECE):
        try:
            async with asyncio.timeout(seconds):
                piece = chunk[begin : begin + PIECE]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            raise Stuck(f"took nothing of it for {seconds:g} s") from None


async def client_gone(receive: Receive) -> None:
    """Wait until the client has gone. What may still come of the request's body is passed over."""
    while (await receive())["type"] != "http.disconnect":
        pass
