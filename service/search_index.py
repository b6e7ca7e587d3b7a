"""The search index: the words of each event and the terms it is found by, and how each engine is asked for both.

SQLite's is FTS5, which hands out what matches in the order of its row numbers, so these follow the timeline: the day or
minute of the event, then its number. PostgreSQL's is a table with a GIN index, whose planner chooses between that and
the order of the timeline. Both are given words ready made (``schemas/words.py``), so that both find the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from zlib import crc32

from peewee import Database

from schemas.text_query import Phrase, TextQuery
from schemas.words import BREAK
from service.database import SQLITE, Dialect, dialect, execute, execute_many, fetch
from service.spans import EVERY, FIRST_PLACE, LONGEST, Stretch
from service.statement import Sql
from service.terms import ANY

# A row number of FTS5: the slot of time, then so many bits for the event's number.
NUM_BITS = 30
NUM_MASK = (1 << NUM_BITS) - 1
# Slots of a day: itself, then each of its minutes.
SLOTS = 1 + 24 * 60

SQLITE_ADD = "INSERT INTO search (rowid, title, prose, terms) VALUES (?, ?, ?, ?)"
SQLITE_REMOVE = "INSERT INTO search (search, rowid, title, prose, terms) VALUES ('delete', ?, ?, ?, ?)"
POSTGRES_ADD = "INSERT INTO search (pos, num, title, prose, terms) VALUES (?, ?, ?, ?, ?)"
POSTGRES_REMOVE = "DELETE FROM search WHERE num = ?"

# All words of an event on PostgreSQL; no phrase reaches from the title into the rest.
ALL_TEXT = f"s.title || ' {BREAK} ' || s.prose"

# The row number of the event ``{row}``; the first day of the calendar is number 1, as with ``date.toordinal``.
ROW_OF_EVENT = (
    "(((CAST(julianday(substr({row}.pos, 1, 4) || '-' || substr({row}.pos, 5, 2) || '-' || substr({row}.pos, 7, 2)) "
    f"- 1721424.5 AS INTEGER) * {SLOTS} + CASE substr({{row}}.pos, 9, 1) WHEN 'T' "
    "THEN 1 + substr({row}.pos, 10, 2) * 60 + substr({row}.pos, 12, 2) ELSE 0 END) "
    f"<< {NUM_BITS}) | {{row}}.num)"
)

COLUMNS = ("title", "prose", "terms")

# A condition and its parameters.
SqlTest = tuple[str, tuple[object, ...]]


class SearchRow(NamedTuple):
    """What the index holds of one event: words with a space between them, and numbers of terms in order."""

    pos: str
    num: int
    title: str
    prose: str
    terms: tuple[int, ...]

    def fts_row(self) -> tuple[int, str, str, str]:
        """The row as FTS5 takes it."""
        return _slot(self.pos) << NUM_BITS | self.num, self.title, self.prose, " ".join(map(_token, self.terms))

    def checksum(self) -> int:
        """A number that is another where the index holds something else of the event."""
        columns = (self.title.split(), self.prose.split(), map(_token, self.terms))
        held = ((name, at, word) for name, words in zip(COLUMNS, columns, strict=True) for at, word in enumerate(words))
        return sum(_checksum(*place) for place in held) + _slot(self.pos)


def _token(number: int) -> str:
    """A term as FTS5 is given it: no word looks like that, so it need not be told in which column it is sought."""
    return f"§{number}"


def _checksum(column: str, at: int, word: str) -> int:
    return crc32(f"{column} {at} {word}".encode())


@dataclass(frozen=True, slots=True)
class Sought:
    """What is sought in the index.

    lists: numbers of terms; of each list the event has one. text: what its words must say.
    marks: for each span class (see ``spans.py``) that is read, more such lists.
    """

    lists: tuple[tuple[int, ...], ...]
    text: TextQuery | None
    marks: tuple[tuple[int, tuple[tuple[int, ...], ...]], ...]

    def within(self, stretch: Stretch) -> tuple[tuple[int, ...], ...]:
        """All lists of which an event of a stretch has one each."""
        return (*self.lists, *dict(self.marks)[stretch.span])


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
        rows = fetch(database, "SELECT pos, num, title, prose, terms FROM search")
        return {row[1]: SearchRow._make((*row[:4], tuple(row[4]))).checksum() for row in rows}
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


def _slot(place: str) -> int:
    """The slot of a place on the timeline, ``YYYYMMDD`` or ``YYYYMMDDThhmm`` and anything after it."""
    day = date(int(place[:4]), int(place[4:6]), int(place[6:8])).toordinal()
    minute = 1 + int(place[9:11]) * 60 + int(place[11:13]) if place[8:9] == "T" else 0
    return day * SLOTS + minute


def _rows(stretch: Stretch) -> tuple[int, int]:
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


def add_numbers(sql: Sql, words: Dialect, sought: Sought, stretch: Stretch) -> None:
    """Add a query of one row for each event of what is sought in a stretch that begins and ends with no event's id.

    It looks at no event, but where the stretch asks how far each reaches.
    """
    if words is not SQLITE or stretch.reaches is not None:
        add_range(sql, words, sought, stretch, (), "", None)
        return
    expression = _fts_expression(sought.within(stretch), sought.text, False)
    sql.add("SELECT '' AS sort_key, s.rowid AS num FROM search s WHERE s.search MATCH ?", expression)
    sql.add(" AND s.rowid >= ? AND s.rowid < ?", *_rows(stretch))


def says(words: Dialect, text: TextQuery) -> SqlTest:
    """The test that the words of the event ``{row}`` say what is asked."""
    if words is SQLITE:
        expression = _fts_expression((), text, False)
        if any(phrase.begins for group in (*text.wanted, text.unwanted) for phrase in group):
            # The lists of all words that begin so are merged each time it is asked, so it is asked once for all events.
            return f"{{row}}.num IN (SELECT s.rowid & {NUM_MASK} FROM search s WHERE s.search MATCH ?)", (expression,)
        return f"EXISTS (SELECT 1 FROM search s WHERE s.search MATCH ? AND s.rowid = {ROW_OF_EVENT})", (expression,)
    condition = _gin_condition((), text, False)
    return f"EXISTS (SELECT 1 FROM search s WHERE s.num = {{row}}.num AND {condition} OFFSET 0)", ()


def add_range(
    sql: Sql,
    words: Dialect,
    sought: Sought,
    stretch: Stretch,
    tests: Iterable[SqlTest],
    order: str,
    limit: int | None,
    in_title: bool = False,
) -> None:
    """Add a query of ``sort_key`` and ``num`` of what is sought in a stretch of the timeline, in its order.

    tests: conditions beside, about the event's row ``e``. in_title: what the text wants must stand in the title.
    """
    lists = sought.within(stretch)
    tests = [*tests, *_reaching(stretch)]
    if words is SQLITE:
        _add_fts_range(sql, _fts_expression(lists, sought.text, in_title), stretch, tests, order, limit)
    else:
        _add_gin_range(sql, words, _gin_condition(lists, sought.text, in_title), stretch, tests, order, limit)


def _reaching(stretch: Stretch) -> Iterable[SqlTest]:
    if stretch.reaches is not None:
        yield "(e.until IS NULL OR e.until >= ?)", (stretch.reaches,)


def _add_fts_range(
    sql: Sql, expression: str, stretch: Stretch, tests: Sequence[SqlTest], order: str, limit: int | None
) -> None:
    """FTS5 stops at the limit, which may fall among events of one day or minute: the rest of those is read as well.

    It finds its way to the beginning of every range anew, so it is asked as seldom as can be.
    """

    def add(columns: str, bounds: str, *rows: object) -> None:
        sql.add(f"SELECT {columns} FROM search s CROSS JOIN event e WHERE s.search MATCH ? AND {bounds}")
        sql.parameters += (expression, *rows)
        sql.add(f" AND e.num = s.rowid & {NUM_MASK} AND e.pos >= ? AND e.pos < ?", stretch.low, stretch.high)
        for text, parameters in tests:
            sql.add(" AND " + text, *parameters)

    window = _rows(stretch)
    if limit is None or EVERY < stretch.span < LONGEST:
        # What lasts long and began shortly before a day is little, so it need not be told where to stop.
        add("e.pos AS sort_key, e.num", "s.rowid >= ? AND s.rowid < ?", *window)
        return
    sql.add("SELECT m.sort_key, m.num FROM (WITH h(slot, sort_key, num) AS (")
    add("s.rowid, e.pos, e.num", "s.rowid >= ? AND s.rowid < ?", *window)
    sql.add(f" ORDER BY s.rowid{order} LIMIT ?) SELECT h.sort_key, h.num FROM h UNION ALL ", limit)
    if order:
        bounds = f"s.rowid < (SELECT min(slot) FROM h) AND s.rowid >= (SELECT min(slot) & ~{NUM_MASK} FROM h)"
    else:
        bounds = f"s.rowid > (SELECT max(slot) FROM h) AND s.rowid <= (SELECT max(slot) | {NUM_MASK} FROM h)"
    add("e.pos, e.num", f"(SELECT count(*) FROM h) = ? AND {bounds}", limit)
    sql.add(f") m ORDER BY m.sort_key{order} LIMIT ?", limit)


def _fts_expression(lists: Sequence[Sequence[int]], text: TextQuery | None, in_title: bool) -> str:
    """What FTS5 is asked for (https://sqlite.org/fts5.html, section 3)."""
    wanted = [[f'"{_token(number)}"' for number in numbers] for numbers in lists]
    if text:
        column = "title : " if in_title else ""
        wanted += [[column + _fts_phrase(phrase) for phrase in group] for group in text.wanted]
    wanted = wanted or [[f'"{_token(ANY)}"']]
    expression = " AND ".join(f"({' OR '.join(any_of)})" for any_of in wanted)
    if text and text.unwanted:
        expression = f"({expression}) NOT ({' OR '.join(map(_fts_phrase, text.unwanted))})"
    return expression


def _fts_phrase(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"' + (" *" if phrase.begins else "")


def _add_gin_range(
    sql: Sql, words: Dialect, condition: str, stretch: Stretch, tests: Sequence[SqlTest], order: str, limit: int | None
) -> None:
    sql.add("SELECT s.pos AS sort_key, s.num FROM search s")
    if tests:
        sql.add(" " + words.looked_up.format(table="event", name="e", of="s"))
    sql.add(f" WHERE {condition} AND s.pos >= ? AND s.pos < ?", stretch.low, stretch.high)
    for text, parameters in tests:
        sql.add(" AND " + text, *parameters)
    if limit is not None:
        sql.add(f" ORDER BY s.pos{order} LIMIT ?", limit)


def _gin_condition(lists: Sequence[Sequence[int]], text: TextQuery | None, in_title: bool) -> str:
    """What PostgreSQL is asked for. Words and numbers stand in the statement itself, so that the planner knows how
    many rows hold them; they are letters, marks and digits alone, so they need no quoting.
    """
    conditions = [
        f"s.terms {'@>' if len(numbers) == 1 else '&&'} '{{{','.join(map(str, numbers))}}}'::integer[]"
        for numbers in lists
    ]
    for group in text.wanted if text else ():
        # The index finds what holds the words; that they follow each other is seen in the texts.
        lexemes = f"'{' | '.join(map(_lexemes, group))}'::tsquery"
        conditions.append(f"s.words @@ {lexemes}")
        if in_title:
            conditions.append(f"s.title_words @@ {lexemes}")
        if any(len(phrase.words) > 1 for phrase in group):
            shown = "s.title" if in_title else ALL_TEXT
            conditions.append(f"({' OR '.join(_like(shown, phrase) for phrase in group)})")
    conditions += [f"NOT {_like(ALL_TEXT, phrase)}" for phrase in (text.unwanted if text else ())]
    return " AND ".join(conditions) or "TRUE"


def _lexemes(phrase: Phrase) -> str:
    quoted = [f"''{word}''" for word in phrase.words]
    return f"({' & '.join(quoted)}{':*' if phrase.begins else ''})"


def _like(text: str, phrase: Phrase) -> str:
    return f"' ' || {text} || ' ' LIKE '% {' '.join(phrase.words)}{'' if phrase.begins else ' '}%'"
