"""Times what no page from a PostgreSQL server can do without: a round trip to it, and the sending of the page's bytes.

One turn is ``SELECT 1`` on one connection of psycopg's, its row fetched, and then a page's bytes sent through a Unix
socket to another process, which says with one byte when it has them all. The median of the turns is printed, in
microseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import time

import psycopg


def _take(end: socket.socket, size: int) -> None:
    """Takes pages of that size until the other end closes."""
    buffer = bytearray(size)
    while True:
        missing = size
        while missing:
            received = end.recv_into(buffer, missing)
            if not received:
                return
            missing -= received
        end.sendall(b"1")


def measure(url: str, size: int, turns: int) -> float:
    """The median of that many turns, after a tenth of them to warm up."""
    near, far = socket.socketpair()
    child = os.fork()
    if child == 0:
        near.close()
        _take(far, size)
        os._exit(0)
    far.close()
    page, taken = bytes(size), []
    try:
        with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
            for _ in range(turns + turns // 10):
                begun = time.perf_counter()
                cursor.execute("SELECT 1", prepare=True).fetchone()
                near.sendall(page)
                near.recv(1)
                taken.append(time.perf_counter() - begun)
    finally:
        near.close()
        os.waitpid(child, 0)
    return statistics.median(taken[turns // 10 :]) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("size", type=int, help="bytes of a page")
    parser.add_argument("--turns", type=int, default=2000)
    options = parser.parse_args()
    print(json.dumps(measure(options.url, options.size, options.turns)))


if __name__ == "__main__":
    main()
