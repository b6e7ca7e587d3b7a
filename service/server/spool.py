"""Takes the bodies of requests in: whole, within a size and a time, and holding no thread meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import IO, Any, Literal

from service.server.asgi import Receive
from service.settings import BodyLimits

# Bytes of a body that are kept in memory; a larger one goes to a temporary file.
IN_MEMORY = 256 * 1024
# Bodies larger than that which a worker has at once, from the first byte to the end of the answer.
LARGE_AT_ONCE = 64
# A whole body may take so many seconds, and one more for each so many bytes of it. It is the whole body's time, since
# to any limit between two bytes a client could keep for ever.
BODY_SECONDS = 20.0
BYTES_PER_SECOND = 64 * 1024
# Seconds for which the rest of a body is read after an answer that did not wait for it. To close the connection with
# bytes unread makes the kernel reset it, and the client may lose the answer.
LINGER_SECONDS = 5.0

# What became of a body: all of it is there, the application is to refuse it, there was no taking it in for now, the
# client broke it off, or took too long.
State = Literal["whole", "unread", "not-now", "broken", "too-slow"]


def length_to_take(environ: Mapping[str, Any], limits: BodyLimits) -> int | None:
    """Bytes of the body that are to be taken in, 0 where there is none; None where it is left to be refused unread."""
    length = environ.get("CONTENT_LENGTH", "0")
    if "HTTP_TRANSFER_ENCODING" in environ or not (length.isascii() and length.isdigit()):
        return None
    taken = (
        int(length) <= limits.of(environ["REQUEST_METHOD"], environ["PATH_INFO"]) and "HTTP_AUTHORIZATION" in environ
    )
    return int(length) if taken or int(length) == 0 else None


async def take_in(receive: Receive, file: IO[bytes], length: int, seconds: float = BODY_SECONDS) -> State:
    """Write a body of that many bytes to the file and rewind it; the file is empty where the body is not whole.

    ``seconds`` is the time for a body of no bytes.
    """
    try:
        async with asyncio.timeout(seconds + length / BYTES_PER_SECOND):
            state: State = "whole" if await _write(receive, file, length) == length else "broken"
    except TimeoutError:
        state = "too-slow"
    file.seek(0)
    if state != "whole":
        file.truncate()
    return state


async def _write(receive: Receive, file: IO[bytes], length: int) -> int:
    """How many bytes came; reading ends early where there are more than the length."""
    taken, more = 0, True
    while more and taken <= length:
        message = await receive()
        taken += file.write(message.get("body", b""))
        more = message.get("more_body", False)
    return taken


async def pass_over(receive: Receive, most: int, seconds: float = LINGER_SECONDS) -> None:
    """Read on to the end of the body, up to so many bytes and seconds, and keep nothing of it."""
    try:
        async with asyncio.timeout(seconds):
            more = True
            while more and most > 0:
                message = await receive()
                most -= len(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        pass
