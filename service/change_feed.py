"""The feed of changes as server-sent events: what one open stream holds, and what it sends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import orjson
from peewee import Database

from service.changes import ChangesQuery, changes
from service.database import give_back, snapshot
from service.ledger import store_state

# Seconds between two looks at whether the store has advanced.
TICK = 0.2
# Seconds of silence after which a comment is sent, so that neither the client nor what lies between gives up.
KEEP_ALIVE_SECONDS = 15.0
# What a stream begins with, and the comment that breaks its silence.
OPENING = b": open\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


class ChangeStream:
    """One open stream: where it stands in the feed, and what comes next."""

    def __init__(self, database: Database, asked: ChangesQuery, release: Callable[[], None]) -> None:
        self._database = database
        self._asked = asked
        self.close = release

    @property
    def position(self) -> int:
        """The sequence up to which the feed was read."""
        return self._asked.after

    def read(self) -> bytes:
        """The changes that come next as server-sent events, none where there are no more or not yet."""
        try:
            with snapshot(self._database):
                found = changes(self._database, self._asked)
        finally:
            give_back(self._database)
        self._asked = replace(self._asked, after=found.next)
        return b"".join(
            b"id: %d\ndata: %s\n\n" % (change["sequence"], orjson.dumps(change)) for change in found.changes
        )

    def chunks(self) -> Iterator[bytes]:
        """Everything that is sent, for a server that can only wait; it holds a thread as long as the stream is open."""
        yield OPENING
        silent_since = time.monotonic()
        while True:
            before = self.position
            if found := self.read():
                yield found
                silent_since = time.monotonic()
            elif self.position == before:
                if time.monotonic() - silent_since >= KEEP_ALIVE_SECONDS:
                    yield KEEP_ALIVE
                    silent_since = time.monotonic()
                time.sleep(TICK)


def last_sequence(database: Database) -> int:
    """The last change that was recorded, for whoever waits for the next."""
    try:
        return store_state(database).sequence
    finally:
        give_back(database)
