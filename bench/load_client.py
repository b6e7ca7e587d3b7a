"""Drives one HTTP server over keep-alive connections from a process of its own and says how fast it was.

It only counts bytes, so that it costs less than the servers it measures; where its own share of a core comes
near 1.0 it is the client that is measured, and the report shows that share.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache
from itertools import cycle
from pathlib import Path
from typing import Any

HEAD_END = b"\r\n\r\n"
CHUNKS_END = b"\r\n0\r\n\r\n"
# In the place of how many bytes are missing: nobody knows before the end.
IN_CHUNKS = -2
HEAD_MOST = 1 << 12
BUFFER = bytearray(1 << 20)
# Each connection is to have so many answers, for which a slow server is given up to so many times as long.
LEAST, LONGER = 3, 3


class Broken(Exception):
    """The server answered something other than a whole page."""


class Connection:
    """One connection with one request under way."""

    def __init__(self, port: int, status: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.status = status
        self.begun = 0.0
        self.missing = -1
        self.first = b""

    def ask(self, request: bytes) -> None:
        self.missing = -1
        self.first = b""
        self.begun = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> int:
        """Takes what has come and returns its size in bytes; the answer is whole when nothing is missing."""
        received = self.socket.recv_into(BUFFER)
        if not received:
            raise Broken("the server closed the connection")
        if self.missing >= 0:
            self.missing -= received
        elif self.missing == IN_CHUNKS:
            self._look_for_end(received)
        else:
            head, found, _ = (self.first + BUFFER[: min(received, HEAD_MOST)]).partition(HEAD_END)
            if found:
                taken = len(self.first) + received - len(head) - len(HEAD_END)
                length = content_length(bytes(head), self.status)
                self.missing = length if length == IN_CHUNKS else length - taken
                if self.missing == IN_CHUNKS:
                    self.first = b""
                    self._look_for_end(received)
            elif len(self.first) + received > HEAD_MOST:
                raise Broken("the head of the answer does not end")
            else:
                self.first = bytes(head)
        return received

    def _look_for_end(self, received: int) -> None:
        """An answer in chunks ends with an empty one, whose mark stands in no JSON text."""
        self.first = (self.first + BUFFER[max(0, received - len(CHUNKS_END)) : received])[-len(CHUNKS_END) :]
        if self.first == CHUNKS_END:
            self.missing = 0


@lru_cache
def content_length(head: bytes, status: int) -> int:
    """The bytes that follow the head of an answer, or IN_CHUNKS. Raises Broken where it has not that status."""
    lines = head.lower().split(b"\r\n")
    if f" {status}".encode() not in lines[0]:
        raise Broken(f"the server answered {lines[0].decode()}")
    if status == 304:
        return 0
    for line in lines:
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
        if line.startswith(b"transfer-encoding:") and line.endswith(b"chunked"):
            return IN_CHUNKS
    raise Broken("the answer has no Content-Length")


def drive(
    port: int,
    paths: Sequence[str],
    connections: int,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    status: int = 200,
) -> dict[str, Any]:
    """Keeps that many requests under way for that long, taking the paths in turn; longer where the server is slow.

    Returns requests and seconds, the bytes that came, the client's share of a core, and the 50th and 99th
    percentile of the time from sending a request to its last byte, in microseconds.
    Raises Broken when an answer has another status, and TimeoutError when none comes for 30 s.
    """
    sent = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    turn = cycle([f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{sent}\r\n".encode() for path in paths])
    taken: list[float] = []
    total = 0
    with selectors.DefaultSelector() as selector, ExitStack() as closing:
        opened = [Connection(port, status) for _ in range(connections)]
        for connection in opened:
            closing.callback(connection.socket.close)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        begun, busy = time.perf_counter(), time.process_time()
        for connection in opened:
            connection.ask(next(turn))
        under_way = connections
        while under_way:
            ready = selector.select(timeout=30)
            if not ready:
                raise TimeoutError("no answer for 30 seconds")
            for key, _ in ready:
                connection = key.data
                total += connection.read()
                if connection.missing == 0:
                    now = time.perf_counter()
                    taken.append(now - connection.begun)
                    passed = now - begun
                    if passed < seconds or (len(taken) < LEAST * connections and passed < seconds * LONGER):
                        connection.ask(next(turn))
                    else:
                        # What is under way is waited for, or the server would be at it when the next client comes.
                        under_way -= 1
        elapsed, busy = time.perf_counter() - begun, time.process_time() - busy
    if len(taken) < 2:
        raise Broken(f"only {len(taken)} answers came in {elapsed:.1f} s")
    percentiles = statistics.quantiles(taken, n=100, method="inclusive")
    return {
        "requests": len(taken),
        "seconds": elapsed,
        "bytes": total,
        "client_share": busy / elapsed,
        "p50_us": percentiles[49] * 1e6,
        "p99_us": percentiles[98] * 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("paths", type=Path, help="a JSON file with a list of paths to ask for in turn")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE")
    parser.add_argument("--status", type=int, default=200, help="that every answer must have")
    options = parser.parse_args()
    paths = json.loads(options.paths.read_text())
    headers = dict(header.split(":", 1) for header in options.header)
    print(json.dumps(drive(options.port, paths, options.connections, options.seconds, headers, options.status)))


if __name__ == "__main__":
    main()
