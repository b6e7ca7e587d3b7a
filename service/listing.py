"""Lists events in pages, ready to be sent, and remembers how a page is read that was asked for before."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import orjson
from cachetools import LRUCache
from peewee import Database

from schemas.cursors import cursor_of, key_of
from service import timeline
from service.database import snapshot
from service.ledger import StoreState, store_state
from service.read_query import read_query, shown_sequence
from service.timeline import Page, Prepared

PATH = "/v1/events"
# Bytes of what is remembered of queries, some kilobytes for most and hundreds for some; and of the longest query.
REMEMBERED_BYTES = 16 * 2**20
REMEMBERED_LENGTH = 1000
# Seconds that a page may take for those who must not wait. One that took longer is left to others until it no longer
# does.
AT_ONCE = 0.05

# Whether the client's own copy is what the store's tag stands for.
Held = Callable[[str], bool]


class Listing(NamedTuple):
    """A page of events. body: JSON with a line break at its end; None where the client's own copy is good.

    state: where the store stands that it shows. sequence: the last change that it reflects. next: the address of the
    page that follows, None at the end.
    """

    body: bytes | None
    state: StoreState
    sequence: int
    next: str | None = None


@dataclass(slots=True)
class _Known:
    """How a page is read and written while names mean what they did.

    query: what answers repeat of it. next: the address of the next page up to its cursor. is_slow: whether reading it
    took longer than ``AT_ONCE`` the last time.
    """

    identity: str
    names_version: int
    prepared: Prepared
    query: orjson.Fragment
    next: str
    fingerprint: bytes
    is_slow: bool

    def holds_in(self, state: StoreState) -> bool:
        return (self.identity, self.names_version) == (state.identity, state.names_version)


class Listings:
    """The pages of one database's events."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: LRUCache[bytes, _Known] = LRUCache(REMEMBERED_BYTES, _size)
        self._guard = threading.Lock()

    def find(self, query_string: bytes, is_held: Held | None = None) -> Listing:
        """The page that a URL asks for. Raises Refused with an entry for each fault.

        is_held: None where the client has no copy of its own.
        """
        return self.find_again(query_string, is_held) or self._find_first(query_string, is_held)

    def find_again(self, query_string: bytes, is_held: Held | None = None, at_once: bool = False) -> Listing | None:
        """The page of a query that is remembered, read in one statement; None for all others.

        at_once: for those who must not wait: None also for a page that took too long the last time.
        """
        with self._guard:
            known = self._known.get(query_string)
        if known is None:
            return None
        if is_held and is_held((state := store_state(self._database)).tag) and known.holds_in(state):
            return Listing(None, state, state.sequence)
        if at_once and known.is_slow:
            return None
        # One statement is one moment of the store, and tells of it whether the names are still the same.
        page, seconds = _timed(self._database, known.prepared)
        known.is_slow = seconds > AT_ONCE
        if known.holds_in(page.state):
            return _written(page, known)
        with self._guard:
            self._known.pop(query_string, None)
        return None

    def _find_first(self, query_string: bytes, is_held: Held | None) -> Listing:
        # Of one moment, so that the names, the events and the tag never tell of different ones.
        with snapshot(self._database):
            asked = read_query(self._database, query_string)
            if is_held and is_held((state := store_state(self._database)).tag):
                return Listing(None, state, shown_sequence(self._database, asked.filters, state))
            prepared = timeline.prepare(self._database, asked)
            page, seconds = _timed(self._database, prepared)
        # Many queries differ in their parameters alone, and have the text of their statement together.
        prepared = prepared._replace(sql=sys.intern(prepared.sql))
        state = page.state
        known = _Known(
            identity=state.identity,
            names_version=state.names_version,
            prepared=prepared,
            query=orjson.Fragment(orjson.dumps(asked.normalised())),
            next=asked.url(PATH, ""),
            fingerprint=asked.fingerprint,
            is_slow=seconds > AT_ONCE,
        )
        if prepared.plan.lasting and len(query_string) <= REMEMBERED_LENGTH:
            with self._guard:
                self._known[query_string] = known
        return _written(page, known)


def _timed(database: Database, prepared: Prepared) -> tuple[Page, float]:
    """The page, and the seconds that reading it took."""
    begun = time.monotonic()
    return timeline.read(database, prepared), time.monotonic() - begun


def _size(known: _Known) -> int:
    # Beside the statement stands the plan that it was made from, which grows with it.
    return 4000 + len(known.prepared.sql) + 40 * len(known.prepared.parameters)


def _written(page: Page, known: _Known) -> Listing:
    asked = known.prepared.asked
    following = None
    if page.next is not None:
        following = known.next + cursor_of(known.fingerprint, key_of(asked, page.next, page.sequence))
    envelope = {"next": following, "query": known.query, "sequence": page.sequence}
    if asked.total:
        envelope["total"] = page.total
    body = b"".join((b'{"events":[', page.documents, b"],\n", orjson.dumps(envelope)[1:], b"\n"))
    return Listing(body, page.state, page.sequence, following)
