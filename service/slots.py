"""Places for what stays open, streams and exports: how many there are, and how many of them one client may have."""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256

# Seconds after which to ask again where all places are taken.
RETRY_SECONDS = 10
# Bytes by which a holder is known.
KNOWN_BY = 16


class Slots:
    """Places for what stays open, of which the worker processes that share a folder have ``most`` together.

    name: of the kind of places, where there are several. each: how many of them one holder may have.
    A place is a byte of a file which who holds it has locked, so that it is free again when its process dies. Behind
    those bytes is one that is locked while a place is chosen, and then who took each place last.
    """

    def __init__(self, most: int, folder: str | None, name: str = "streams", each: int | None = None) -> None:
        self._most = most
        self._each = most if each is None else each
        self._held: set[int] = set()
        self._guard = threading.Lock()
        if folder is None:
            self._file, path = tempfile.mkstemp(prefix=f"dateline-{name}-")
            os.unlink(path)
        else:
            self._file = os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT, 0o600)

    def take(self, holder: str | None = None) -> Callable[[], None] | None:
        """Take a place and return what gives it back, which may be called again; None where there is none to be had.

        holder: who is to have no more than its share; None is nobody in particular, who is not counted.
        """
        known = bytes(KNOWN_BY) if holder is None else sha256(holder.encode()).digest()[:KNOWN_BY]
        with self._choosing():
            if holder is not None and sum(map(self._is_taken, self._last_taken_by(known))) >= self._each:
                return None
            for slot in range(self._most):
                if slot not in self._held and self._lock(slot):
                    self._held.add(slot)
                    os.pwrite(self._file, known, self._place_of(slot))
                    return partial(self._give_back, [slot])
        return None

    @contextmanager
    def _choosing(self) -> Iterator[None]:
        """Within it no other thread and no other process takes a place."""
        with self._guard:
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, self._most)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, self._most)

    def _place_of(self, slot: int) -> int:
        """Where the file says who took a place last."""
        return self._most + 1 + slot * KNOWN_BY

    def _last_taken_by(self, known: bytes) -> list[int]:
        told = os.pread(self._file, self._most * KNOWN_BY, self._place_of(0))
        return [slot for slot in range(self._most) if told[slot * KNOWN_BY : (slot + 1) * KNOWN_BY] == known]

    def _is_taken(self, slot: int) -> bool:
        if slot in self._held:
            return True
        if not self._lock(slot):
            return True
        self._unlock(slot)
        return False

    def _lock(self, slot: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except OSError:
            return False
        return True

    def _unlock(self, slot: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, slot)

    def _give_back(self, place: list[int]) -> None:
        with self._guard:
            # Once it was given back, it may be somebody else's.
            for slot in place:
                self._held.remove(slot)
                self._unlock(slot)
            place.clear()
