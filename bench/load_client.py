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
from collections.abc import Sequence
from functools import lru_cache
from itertools import cycle
from pathlib import Path
from typing import Any

HEAD_END = b"\r\n\r\n"
BUFFER = bytearray(1 << 20)


class Broken(Exception):
    """The server answered something other than a whole page."""


class Connection:
    """One connection with one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begun = 0.0
        self.missing = -1

    def ask(self, request: bytes) -> None:
        self.missing = -1
        self.begun = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> int:
        """Takes what has come and returns its size in bytes; the answer is whole when nothing is missing."""
        received = self.socket.recv_into(BUFFER)
        if not received:
            raise Broken("the server closed the connection")
        if self.missing >= 0:
            self.missing -= received
        else:
            end = BUFFER.find(HEAD_END, 0, received)
            if end < 0:
                raise Broken("the head of the answer came in pieces")
            self.missing = _content_length(bytes(BUFFER[:end])) - (received - end - len(HEAD_END))
        return received


@lru_cache
def _content_length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    if b" 200" not in lines[0]:
        raise Broken(f"the server answered {lines[0].decode()}")
    for line in lines:
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise Broken("the answer has no Content-Length")


def drive(port: int, paths: Sequence[str], connections: int, seconds: float) -> dict[str, Any]:
    """Keeps that many requests under way for that long, taking the paths in turn.

    Returns requests and seconds, the bytes that came, the client's share of a core, and the 50th and 99th
    percentile of the time from sending a request to its last byte, in microseconds.
    Raises Broken when an answer is no page, and TimeoutError when none comes for 30 s.
    """
    turn = cycle([f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() for path in paths])
    taken: list[float] = []
    total = 0
    with selectors.DefaultSelector() as selector:
        opened = [Connection(port) for _ in range(connections)]
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        begun, busy = time.perf_counter(), time.process_time()
        for connection in opened:
            connection.ask(next(turn))
        while (now := time.perf_counter()) - begun < seconds:
            ready = selector.select(timeout=30)
            if not ready:
                raise TimeoutError("no answer for 30 seconds")
            for key, _ in ready:
                connection = key.data
                total += connection.read()
                if connection.missing == 0:
                    taken.append(time.perf_counter() - connection.begun)
                    connection.ask(next(turn))
        elapsed, busy = now - begun, time.process_time() - busy
        for connection in opened:
            connection.socket.close()
    if len(taken) < 2:
        raise Broken(f"only {len(taken)} answers came in {seconds} s")
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
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    paths = json.loads(options.paths.read_text())
    print(json.dumps(drive(options.port, paths, options.connections, options.seconds)))


if __name__ == "__main__":
    main()
