"""The rows of the search index: what it holds of each event, and how that is put in, taken out and listed.

SQLite's is FTS5, which hands out what matches in the order of its row numbers, so these follow the timeline: the day or
minute of the event, then its number. PostgreSQL's is a table. Both are given words ready made (``schemas/words.py``),
so that both find the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import NamedTuple
from zlib import crc32

from peewee import Database

from service.database import execute, execute_many, fetch
from service.dialects import SQLITE, dialect
from service.spans import FIRST_PLACE, Stretch

# A row number of FTS5: the slot of time, then so many bits for the event's number.
NUM_BITS = 30
NUM_MASK = (1 << NUM_BITS) - 1
# Slots of a day: itself, then each of its minutes.
SLOTS = 1 + 24 * 60

SQLITE_ADD = "INSERT INTO search (rowid, title, prose, terms) VALUES (?, ?, ?, ?)"
SQLITE_REMOVE = "INSERT INTO search (search, rowid, title, prose, terms) VALUES ('delete', ?, ?, ?, ?)"
POSTGRES_ADD = "INSERT INTO search (pos, num, title, prose, terms) VALUES (?, ?, ?, ?, ?)"
POSTGRES_REMOVE = "DELETE FROM search WHERE num = ?"

# The row number of the event ``{row}``; the first day of the calendar is number 1, as with ``date.toordinal``.
ROW_OF_EVENT = (
    "(((CAST(julianday(substr({row}.pos, 1, 4) || '-' || substr({row}.pos, 5, 2) || '-' || substr({row}.pos, 7, 2)) "
    f"- 1721424.5 AS INTEGER) * {SLOTS} + CASE substr({{row}}.pos, 9, 1) WHEN 'T' "
    "THEN 1 + substr({row}.pos, 10, 2) * 60 + substr({row}.pos, 12, 2) ELSE 0 END) "
    f"<< {NUM_BITS}) | {{row}}.num)"
)

COLUMNS = ("title", "prose", "terms")


class SearchRow(NamedTuple):
    """What the index holds of one event: words with a space between them, and numbers of terms in order."""

    pos: str
    num: int
    title: str
    prose: str
    terms: tuple[int, ...]

    def fts_row(self) -> tuple[int, str, str, str]:
        """The row as FTS5 takes it."""
        if self.num > NUM_MASK:
            raise OverflowError(f"SQLite's search index numbers {NUM_MASK} events; take PostgreSQL for more")
        return _slot(self.pos) << NUM_BITS | self.num, self.title, self.prose, tokens(self.terms)

    def checksum(self) -> int:
        """A number that is another where the index holds something else of the event."""
        columns = (self.title.split(), self.prose.split(), map(token, self.terms))
        held = ((name, at, word) for name, words in zip(COLUMNS, columns, strict=True) for at, word in enumerate(words))
        return sum(_checksum(*place) for place in held) + _slot(self.pos)


def token(number: int) -> str:
    """A term as FTS5 is given it: no word looks like that, so it need not be told in which column it is sought."""
    return f"§{number}"


def tokens(numbers: Iterable[int]) -> str:
    """Terms as FTS5 is given them, with a space between two."""
    return " ".join([f"§{number}" for number in numbers])


def _checksum(column: str, at: int, word: str) -> int:
    return crc32(f"{column} {at} {word}".encode())


def apply(database: Database, removed: Collection[SearchRow], added: Collection[SearchRow]) -> None:
    """Take rows out, then put rows in. FTS5 wants exactly what was put in, and takes it best in order."""
    if dialect(database) is SQLITE:
        execute_many(database, SQLITE_REMOVE, [row.fts_row() for row in sorted(removed)])
        execute_many(database, SQLITE_ADD, [row.fts_row() for row in sorted(added)])
    else:
        execute_many(database, POSTGRES_REMOVE, [(row.num,) for row in removed])
        execute_many(database, POSTGRES_ADD, [(*row[:4], list(row.terms)) for row in sorted(added)])


def clear(database: Database) -> None:
    """Take everything out, whatever it is."""
    if dialect(database) is SQLITE:
        execute_many(database, "INSERT INTO search (search) VALUES (?)", [("delete-all",)])
    else:
        execute_many(database, "DELETE FROM search WHERE num >= ?", [(0,)])


def stored(database: Database) -> dict[int, int]:
    """What the index holds, as the checksum of each event's row by its number."""
    if dialect(database) is not SQLITE:
        return _stored_in_postgres(database)
    found: dict[int, int] = {}
    # What FTS5 holds can be listed by word alone.
    execute(database, "CREATE VIRTUAL TABLE temp.search_words USING fts5vocab(main, search, instance)")
    try:
        for word, row, column, at in database.execute_sql('SELECT term, doc, col, "offset" FROM temp.search_words'):
            num = row & NUM_MASK
            found[num] = found.get(num, row >> NUM_BITS) + _checksum(column, at, word)
    finally:
        execute(database, "DROP TABLE temp.search_words")
    return found


def _stored_in_postgres(database: Database) -> dict[int, int]:
    found: dict[int, int] = {}
    # In pieces: all words at once may be more than the memory holds.
    columns, after, size = "pos, num, title, prose, terms", "num > ? ORDER BY num LIMIT ?", 10_000
    while rows := fetch(database, f"SELECT {columns} FROM search WHERE {after}", (max(found, default=0), size)):
        found.update((row[1], SearchRow._make((*row[:4], tuple(row[4]))).checksum()) for row in rows)
    return found


def _slot(place: str) -> int:
    """The slot of a place on the timeline, ``YYYYMMDD`` or ``YYYYMMDDThhmm`` and anything after it."""
    day = date(int(place[:4]), int(place[4:6]), int(place[6:8])).toordinal()
    minute = 1 + int(place[9:11]) * 60 + int(place[11:13]) if place[8:9] == "T" else 0
    return day * SLOTS + minute


def row_numbers(stretch: Stretch) -> tuple[int, int]:
    """The row numbers of a stretch: from the first up to but without the second.

    Where a bound holds an event's id, as a cursor does, the rest of its day or minute lies within as well.
    """
    return _row(stretch.low, within=0), _row(stretch.high, within=1)


def _row(bound: str, within: int) -> int:
    if not bound[:1].isdigit():
        return 0 if bound == FIRST_PLACE else (1 << 63) - 1
    # With a "~" a day lies above its minutes, and a minute above its events.
    slots = SLOTS if bound[8:] == "~" else 1 if bound.endswith("~") else within if " " in bound else 0
    return (_slot(bound) + slots) << NUM_BITS
