"""Writes single events over HTTP at a steady rate from a process of its own, and says how many it could write.

Each is sent at its time, by whichever of a few connections is free, whether those before it were answered or not.
"""

from __future__ import annotations

import argparse
import http.client
import json
import queue
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

from bench import generate

CONNECTIONS = 8


def events(seed: int) -> Iterator[dict[str, Any]]:
    """Events that the store does not have: those of another seed, under other ids and without relations."""
    for event in generate.generate(1_000_000, seed + 1):
        event["id"] = f"written-{time.time_ns()}"
        event.pop("related", None)
        yield event


def _send(port: int, key: str, waiting: queue.SimpleQueue[bytes | None], taken: list[float], failed: list[str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    while (body := waiting.get()) is not None:
        begun = time.perf_counter()
        connection.request("POST", "/v1/events", body, headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 201:
            failed.append(f"POST answered {answer.status}: {told[:500].decode(errors='replace')}")
        taken.append(time.perf_counter() - begun)
    connection.close()


def write(port: int, key: str, rate: float, seconds: float, seed: int) -> dict[str, Any]:
    """Returns how many events were written in how many seconds, and the median of the milliseconds of one.

    Says with an empty line that it begins. Raises SystemExit where a write was refused.
    """
    waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    taken: list[float] = []
    failed: list[str] = []
    threads = [threading.Thread(target=_send, args=(port, key, waiting, taken, failed)) for _ in range(CONNECTIONS)]
    bodies = [json.dumps(event).encode() for event, _ in zip(events(seed), range(int(rate * seconds)), strict=False)]
    for thread in threads:
        thread.start()
    print(flush=True)
    begun = time.perf_counter()
    for number, body in enumerate(bodies):
        # Until it is this event's time: the rate is what is to be steady, however long the ones before take.
        time.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        waiting.put(body)
    for _ in threads:
        waiting.put(None)
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begun
    if failed:
        raise SystemExit(failed[0])
    middle = statistics.median(taken) * 1e3 if taken else None
    return {"written": len(taken), "seconds": elapsed, "rate": len(taken) / elapsed, "p50_ms": middle}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("key", help="an API key that may write")
    parser.add_argument("--rate", type=float, default=100.0, help="events a second")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=generate.SEED)
    options = parser.parse_args()
    print(json.dumps(write(options.port, options.key, options.rate, options.seconds, options.seed)))


if __name__ == "__main__":
    main()
