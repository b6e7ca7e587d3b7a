"""The feed of changes as server-sent events: what one open stream holds, and how many may be open."""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import orjson
from peewee import Database

from service.changes import ChangesQuery, changes
from service.database import give_back, snapshot
from service.ledger import store_state

# Seconds between two looks at whether the store has advanced.
TICK = 0.2
# Seconds of silence after which a comment is sent, so that neither the client nor what lies between gives up.
KEEP_ALIVE_SECONDS = 15.0
# Seconds after which to ask for a stream again where all places are taken.
RETRY_SECONDS = 10
# What a stream begins with, and the comment that breaks its silence.
OPENING = b": open\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


class Slots:
    """Places for open streams, of which the worker processes that share a folder have ``most`` together.

    name: of the kind of streams, where there are several.
    Each is a byte of a file which who holds it has locked, so that a place is free again when its process dies.
    """

    def __init__(self, most: int, folder: str | None, name: str = "streams") -> None:
        self._most = most
        self._held: set[int] = set()
        self._guard = threading.Lock()
        if folder is None:
            self._file, path = tempfile.mkstemp(prefix=f"dateline-{name}-")
            os.unlink(path)
        else:
            self._file = os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> Callable[[], None] | None:
        """Take a place and return what gives it back, which may be called again; None where all are taken."""
        with self._guard:
            for slot in range(self._most):
                if slot not in self._held and self._lock(slot):
                    self._held.add(slot)
                    return partial(self._give_back, [slot])
        return None

    def _lock(self, slot: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except OSError:
            return False
        return True

    def _give_back(self, place: list[int]) -> None:
        with self._guard:
            # Once it was given back, it may be somebody else's.
            for slot in place:
                self._held.remove(slot)
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, slot)
            place.clear()


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
