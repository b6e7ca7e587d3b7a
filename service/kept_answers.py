"""Keeps the answers to requests that may come again, so that each is carried out once."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any

from peewee import Database, DatabaseError, InterfaceError

from schemas.faults import Fault, Refused
from service.database import execute, fetch, write

log = logging.getLogger("dateline")

# Microseconds. For so long an answer is kept.
KEPT = 24 * 3600 * 1_000_000
# For so long an attempt may be at work before it is taken for one whose process was killed.
LEASE = 120 * 1_000_000
# Answers that were kept long enough go with the next reservations, so many with each.
REMOVED_AT_ONCE = 100

WHERE = "WHERE api_key = ? AND path = ? AND idempotency_key = ?"
# One statement takes a place that is free, whose answer was kept long enough, or whose attempt was killed.
RESERVE = """
INSERT INTO kept_answer (api_key, path, idempotency_key, request, holder, begun) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (api_key, path, idempotency_key) DO UPDATE
SET request = excluded.request, holder = excluded.holder, begun = excluded.begun, answer = NULL
WHERE kept_answer.begun <= ?
OR kept_answer.answer IS NULL AND kept_answer.begun <= ? AND kept_answer.request = excluded.request
"""
# Nothing is changed by it, but the row is locked, on either engine.
HOLD = f"UPDATE kept_answer SET holder = holder {WHERE} AND holder = ? AND answer IS NULL"
KEEP = f"UPDATE kept_answer SET answer = ? {WHERE} AND holder = ? AND answer IS NULL"
REMOVE_OLD = (
    "DELETE FROM kept_answer WHERE begun IN (SELECT begun FROM kept_answer WHERE begun <= ? ORDER BY begun LIMIT ?)"
)


class StillRunning(Exception):
    """The first request under this key is at work, so there is no answer yet."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer is kept: the id of the API key that asked, the path, and the client's own key."""

    api_key: str
    path: str
    idempotency_key: str


def once(database: Database, place: Place, request: str, work: Callable[[], str]) -> tuple[str, bool]:
    """The answer that is kept at a place and True, or else what ``work`` returns, which is then kept, and False.

    request: a digest of all that was asked. ``work`` runs in one write transaction with the keeping of its answer, so
    there is never one without the other; it may be run again, as ``write`` says. Where it raises, nothing is kept.
    Raises Refused for another request at the same place, StillRunning, and what ``work`` raises.
    """
    # Read before anything is written: SQLite's write lock is not to be had while the first attempt is at work.
    if (answer := _kept(database, place, request)) is not None:
        return answer, True
    holder = secrets.token_hex(16)
    if not write(database, lambda: _reserve(database, place, request, holder)):
        # Somebody came between.
        if (answer := _kept(database, place, request)) is not None:
            return answer, True
        raise StillRunning

    def attempt() -> str:
        _hold(database, place, holder)
        answer = work()
        _keep(database, place, holder, answer)
        return answer

    try:
        return write(database, attempt), False
    except BaseException:
        _release(database, place, holder)
        raise


def _kept(database: Database, place: Place, request: str) -> str | None:
    """The answer that is kept; None where the place may be taken."""
    now = _now()
    sql = f"SELECT request, begun, answer FROM kept_answer {WHERE} AND begun > ?"
    rows = fetch(database, sql, (*astuple(place), now - KEPT))
    if not rows:
        return None
    [(first_request, begun, answer)] = rows
    if first_request != request:
        message = "this key came with another request before; take a new one for each request"
        raise Refused([Fault("/Idempotency-Key", "idempotency-key-reused", message)], "header")
    if answer is None and begun > now - LEASE:
        raise StillRunning
    kept: str | None = answer
    return kept


def _reserve(database: Database, place: Place, request: str, holder: str) -> bool:
    now = _now()
    execute(database, REMOVE_OLD, (now - KEPT, REMOVED_AT_ONCE))
    row: tuple[Any, ...] = (*astuple(place), request, holder, now)
    return execute(database, RESERVE, (*row, now - KEPT, now - LEASE)) == 1


def _hold(database: Database, place: Place, holder: str) -> None:
    """Lock one's own place until the transaction ends, so that nobody takes it over from who is slow but alive.

    Raises StillRunning where somebody has.
    """
    if not execute(database, HOLD, (*astuple(place), holder)):
        raise StillRunning


def _keep(database: Database, place: Place, holder: str, answer: str) -> None:
    """Keep an answer at one's own place. Raises StillRunning where somebody else has taken it over."""
    if not execute(database, KEEP, (answer, *astuple(place), holder)):
        raise StillRunning


def _release(database: Database, place: Place, holder: str) -> None:
    """Give the place up, so that the request may be tried again at once."""
    sql = f"DELETE FROM kept_answer {WHERE} AND holder = ? AND answer IS NULL"
    try:
        write(database, lambda: execute(database, sql, (*astuple(place), holder)))
    except (DatabaseError, InterfaceError):
        # What went wrong before is to be told, and the lease ends by itself.
        log.debug("a reservation was not given up", exc_info=True)


def _now() -> int:
    return time.time_ns() // 1000
