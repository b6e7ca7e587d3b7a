"""Finds the events of a dataset that a file does not have, with memory that does not grow with either."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cached_property

from peewee import Database

from service.database import fetch
from service.spans import EVERY
from service.terms import ANY, Term, numbers_of

# Events that are looked at at a time.
PIECE = 5_000
# Kibibytes of the ids that are kept in memory; the others lie in a file that goes with the connection.
IN_MEMORY = 8_000


class Seen:
    """The ids that stood in a file, each as a number of 64 bits made from it.

    Two ids with one number would take a missing event for one that is there: once in a million files of a million.
    """

    @cached_property
    def _ids(self) -> sqlite3.Connection:
        ids = sqlite3.connect("")
        ids.execute(f"PRAGMA cache_size = -{IN_MEMORY}")
        ids.execute("CREATE TABLE seen (id INTEGER PRIMARY KEY)")
        return ids

    def add(self, ids: Sequence[str]) -> int:
        """Note these ids, and tell how many of them had been noted before."""
        before = self._ids.total_changes
        numbers = sorted((hash(event_id),) for event_id in ids)
        self._ids.executemany("INSERT OR IGNORE INTO seen VALUES (?)", numbers)
        return len(ids) - (self._ids.total_changes - before)

    def lacks(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that were not noted, in order."""
        by_number = {hash(event_id): event_id for event_id in ids}
        marks = ", ".join("?" * len(by_number))
        found = self._ids.execute(f"SELECT id FROM seen WHERE id IN ({marks})", list(by_number))
        for (number,) in found:
            del by_number[number]
        return list(by_number.values())

    def close(self) -> None:
        self._ids.close()


def missing_events(database: Database, dataset: str, seen: Seen) -> Iterator[list[str]]:
    """The ids of the dataset's events that were not seen, in the order of the timeline, some at a time.

    What is found may be deleted before the next are asked for.
    """
    term = Term("dataset", dataset)
    number = numbers_of(database, [term]).get(term)
    last = ""
    while number is not None:
        rows = fetch(
            database,
            "SELECT t.pos, e.id FROM timeline t JOIN event e ON e.num = t.num "
            "WHERE t.term = ? AND t.place = ? AND t.span = ? AND t.pos > ? ORDER BY t.pos LIMIT ?",
            (number, ANY, EVERY, last, PIECE),
        )
        if not rows:
            return
        last = rows[-1][0]
        if ids := seen.lacks([event_id for _, event_id in rows]):
            yield ids
