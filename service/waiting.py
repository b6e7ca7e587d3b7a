"""Keeps the records of a file that are related to events which come later in it, until those are there."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.faults import Fault
from service.importers import Record

# Records that may wait, and characters of them: they are kept in memory.
WAITING_MAX = 10_000
WAITING_SIZE = 32_000_000


class Waiting:
    """The records that are related to events which come later in the file, and those of the same ids behind them."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._ids: set[str | None] = set()
        self._size = 0

    def wants(self, record: Record) -> bool:
        """Whether a record must wait, since one of the same id does."""
        return bool(self._ids) and own_id(record) in self._ids

    def add(self, record: Record) -> Fault | None:
        """Let a record wait; the fault of one that would be too many."""
        if len(self.records) >= WAITING_MAX or self._size + len(record.raw) > WAITING_SIZE:
            many = f"{len(self.records):,} lines, or their {self._size:,} characters,"
            message = f"{many} before it wait already for events that come later; feed it again then"
            return Fault("/related", "too-many-waiting", message)
        self.records.append(record)
        self._size += len(record.raw)
        self._ids |= {own_id(record)} - {None}
        return None


def own_id(record: Record) -> str | None:
    """The id that a record gives its event; None where it has none, so that the server makes one."""
    given = record.event.get("id") if isinstance(record.event, Mapping) else None
    return given if isinstance(given, str) else None
