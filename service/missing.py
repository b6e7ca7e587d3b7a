"""Finds the events of a dataset that a file does not have, with memory that does not grow with either."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from peewee import Database

from service.database import chunks, fetch
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

    def add(self, ids: Sequence[str]) -> list[int]:
        """Note these ids, and tell the places of those that had been noted before, in order.

        Raises OSError where there is no room for them.
        """
        numbers = [hash(event_id) for event_id in ids]
        with _told_as_of_a_file():
            noted = self._noted(numbers)
            self._ids.executemany("INSERT OR IGNORE INTO seen VALUES (?)", [(number,) for number in sorted(numbers)])
        repeated = []
        for place, number in enumerate(numbers):
            if number in noted:
                repeated.append(place)
            noted.add(number)
        return repeated

    def lacks(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that were not noted, in order."""
        by_number = {hash(event_id): event_id for event_id in ids}
        with _told_as_of_a_file():
            noted = self._noted(list(by_number))
        return [event_id for number, event_id in by_number.items() if number not in noted]

    def _noted(self, numbers: Sequence[int]) -> set[int]:
        found: set[int] = set()
        for chunk in chunks(numbers):
            marks = ", ".join("?" * len(chunk))
            found |= {number for (number,) in self._ids.execute(f"SELECT id FROM seen WHERE id IN ({marks})", chunk)}
        return found

    def close(self) -> None:
        self._ids.close()


@contextmanager
def _told_as_of_a_file() -> Iterator[None]:
    """What goes wrong with the file that holds the ids is nothing of the database's."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(f"no room for the ids of the file that is imported ({error})") from error


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
