"""How the search index is asked: for words and terms together, in the order of the timeline.

What is not rare is found at the beginning of the timeline, without the index, where there is such a beginning to look
at. FTS5 stops where a page is full, in that order. PostgreSQL's GIN index knows no order, so there the beginning is
looked through in any case, and only what is rare in it is looked up in the index as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schemas.text_query import Phrase, TextQuery
from schemas.words import BREAK
from service.conditions import REACHES
from service.dialects import SQLITE, Dialect
from service.search_rows import NUM_MASK, ROW_OF_EVENT, row_numbers, token
from service.spans import Stretch
from service.statement import EVERY_MATCH, Portion, Sql, Test
from service.terms import ANY

# So many rows of a stretch are looked through on PostgreSQL before all that matches is looked up.
LOOKED_THROUGH = 2000


@dataclass(frozen=True, slots=True)
class Sought:
    """What is sought in the index.

    lists: numbers of terms; of each list the event has one. text: what its words must say.
    marks: for each span class (see ``spans.py``) that is read, more such lists.
    stretches: the ranges of time in which it is sought. tests: what the index does not say.
    """

    lists: tuple[tuple[int, ...], ...]
    text: TextQuery | None
    marks: tuple[tuple[int, tuple[tuple[int, ...], ...]], ...]
    stretches: tuple[Stretch, ...]
    tests: tuple[Test, ...]

    def within(self, stretch: Stretch) -> tuple[tuple[int, ...], ...]:
        """All lists of which an event of a stretch has one each."""
        return (*self.lists, *dict(self.marks)[stretch.span])


def all_text(row: str) -> str:
    """All words of an event; no phrase reaches from the title into the rest."""
    return f"{row}.title || ' {BREAK} ' || {row}.prose"


def add_numbers(sql: Sql, engine: Dialect, sought: Sought, stretch: Stretch) -> None:
    """Add a query of one row for each event of what is sought in a stretch that begins and ends with no event's id.

    It looks at no event, but where the stretch asks how far each reaches.
    """
    if engine is not SQLITE or stretch.reaches is not None:
        add_range(sql, engine, sought, stretch, EVERY_MATCH)
        return
    expression = _fts_expression(sought.within(stretch), sought.text, False)
    sql.add("SELECT '' AS sort_key, s.rowid AS num FROM search s WHERE s.search MATCH ?", expression)
    sql.add(" AND s.rowid >= ? AND s.rowid < ?", *row_numbers(stretch))


def add_marked(sql: Sql, engine: Dialect, number: int) -> None:
    """Add a query of the ``num`` of every event that has a term, by its number."""
    if engine is SQLITE:
        sql.add(f"SELECT s.rowid & {NUM_MASK} AS num FROM search s WHERE s.search MATCH ?", f'"{token(number)}"')
    else:
        sql.add(f"SELECT s.num FROM search s WHERE {_gin_condition(((number,),), None, False)}")


def says_in_words(row: str, text: TextQuery, in_title: bool = False) -> str:
    """The condition that a row with columns ``title`` and ``prose`` of words says what is asked.

    in_title: what is wanted must stand in the title. A phrase does not reach from the title into the rest.
    """
    shown = f"{row}.title" if in_title else all_text(row)
    conditions = [f"({' OR '.join(_like(shown, phrase) for phrase in group)})" for group in text.wanted]
    conditions += [f"NOT {_like(all_text(row), phrase)}" for phrase in text.unwanted]
    return " AND ".join(conditions)


def says(engine: Dialect, text: TextQuery) -> Test:
    """The test that the words of the event ``{row}`` say what is asked."""
    if engine is SQLITE:
        expression = _fts_expression((), text, False)
        if any(phrase.begins for group in (*text.wanted, text.unwanted) for phrase in group):
            # The lists of all words that begin so are merged each time it is asked, so it is asked once for all events.
            sql = f"{{row}}.num IN (SELECT s.rowid & {NUM_MASK} FROM search s WHERE s.search MATCH ?)"
        else:
            sql = f"EXISTS (SELECT 1 FROM search s WHERE s.search MATCH ? AND s.rowid = {ROW_OF_EVENT})"
        return Test(sql, (expression,))
    condition = _gin_condition((), text, False)
    return Test(f"EXISTS (SELECT 1 FROM search s WHERE s.num = {{row}}.num AND {condition} OFFSET 0)", ())


def add_range(
    sql: Sql,
    engine: Dialect,
    sought: Sought,
    stretch: Stretch,
    portion: Portion,
    add_beginning: Callable[[], None] | None = None,
) -> None:
    """Add a query of ``sort_key`` and ``num`` of what is sought in a stretch of the timeline, in its order.

    add_beginning: adds a query of what matches at the beginning of the stretch; where that is as many as are to be
    found, the index is not read.
    """
    lists = sought.within(stretch)
    tests = (*reaching(stretch.reaches), *sought.tests)
    if engine is SQLITE:
        expression = _fts_expression(lists, sought.text, portion.in_title)
        _add_fts_range(sql, expression, stretch, tests, portion, add_beginning)
    else:
        condition = _gin_condition(lists, sought.text, portion.in_title)
        _add_gin_range(sql, engine, condition, stretch, tests, portion, add_beginning)


def reaching(minute: str | None) -> tuple[Test, ...]:
    """The test that an event reaches that minute, where it must."""
    return () if minute is None else (Test(REACHES, (minute,)),)


def _add_fts_range(
    sql: Sql,
    expression: str,
    stretch: Stretch,
    tests: Sequence[Test],
    portion: Portion,
    add_beginning: Callable[[], None] | None,
) -> None:
    """FTS5 stops at the limit, which may fall among events of one day or minute: the rest of those is read as well.

    It finds its way to the beginning of every range anew, so it is asked as seldom as can be: of an empty phrase it
    finds nothing, and at once.
    """

    def add(columns: str, bounds: str, *rows: object, only_if: str = "") -> None:
        asked = f"CASE WHEN {only_if} THEN ? ELSE '\"\"' END" if only_if else "?"
        sql.add(f"SELECT {columns} FROM search s CROSS JOIN event e WHERE s.search MATCH {asked} AND {bounds}")
        sql.parameters += (expression, *rows)
        sql.add(f" AND e.num = s.rowid & {NUM_MASK} AND e.pos >= ? AND e.pos < ?", stretch.low, stretch.high)
        sql.add_tests(tests, row="e")

    window = row_numbers(stretch)
    order, limit = portion.order, portion.limit
    if limit is None:
        add("e.pos AS sort_key, e.num", "s.rowid >= ? AND s.rowid < ?", *window)
        return
    sql.add("SELECT m.sort_key, m.num FROM (WITH ")
    if add_beginning:
        sql.add("b AS MATERIALIZED (")
        add_beginning()
        sql.add("), ")
    sql.add("h(slot, sort_key, num) AS MATERIALIZED (")
    missing = f"(SELECT count(*) FROM b) < {limit}" if add_beginning else ""
    add("s.rowid, e.pos, e.num", "s.rowid >= ? AND s.rowid < ?", *window, only_if=missing)
    sql.add(f" ORDER BY s.rowid{order} LIMIT ?) SELECT h.sort_key, h.num FROM h UNION ALL ", limit)
    if add_beginning:
        sql.add(f"SELECT b.sort_key, b.num FROM b WHERE (SELECT count(*) FROM b) = {limit} UNION ALL ")
    if order:
        bounds = f"s.rowid < (SELECT min(slot) FROM h) AND s.rowid >= (SELECT min(slot) & ~{NUM_MASK} FROM h)"
    else:
        bounds = f"s.rowid > (SELECT max(slot) FROM h) AND s.rowid <= (SELECT max(slot) | {NUM_MASK} FROM h)"
    add("e.pos, e.num", bounds, only_if=f"(SELECT count(*) FROM h) = {limit}")
    sql.add(f") m ORDER BY m.sort_key{order} LIMIT ?", limit)


def _fts_expression(lists: Sequence[Sequence[int]], text: TextQuery | None, in_title: bool) -> str:
    """What FTS5 is asked for (https://sqlite.org/fts5.html, section 3)."""
    wanted = [[f'"{token(number)}"' for number in numbers] for numbers in lists]
    if text:
        column = "title : " if in_title else ""
        wanted += [[column + _fts_phrase(phrase) for phrase in group] for group in text.wanted]
    wanted = wanted or [[f'"{token(ANY)}"']]
    expression = " AND ".join(f"({' OR '.join(any_of)})" for any_of in wanted)
    if text and text.unwanted:
        expression = f"({expression}) NOT ({' OR '.join(map(_fts_phrase, text.unwanted))})"
    return expression


def _fts_phrase(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"' + (" *" if phrase.begins else "")


def _add_gin_range(
    sql: Sql,
    engine: Dialect,
    condition: str,
    stretch: Stretch,
    tests: Sequence[Test],
    portion: Portion,
    add_beginning: Callable[[], None] | None,
) -> None:
    """The planner takes words and terms for independent of each other, so it is not left to guess how many rows match:
    where the beginning of the stretch does not fill the page, what matches is rare enough to be looked up as a whole.
    """

    def add(source: str, *given: object, beside: str = "") -> None:
        sql.add(f"SELECT s.pos AS sort_key, s.num FROM {source} s", *given)
        if tests:
            sql.add(" " + engine.looked_up.format(table="event", name="e", of="s"))
        sql.add(f" WHERE {beside}{condition} AND s.pos >= ? AND s.pos < ?", stretch.low, stretch.high)
        sql.add_tests(tests, row="e")

    order, limit = portion.order, portion.limit
    if limit is None:
        add("search")
        return
    beginning = f"(SELECT * FROM search b WHERE b.pos >= ? AND b.pos < ? ORDER BY b.pos{order} LIMIT {LOOKED_THROUGH})"
    sql.add("SELECT m.sort_key, m.num FROM (WITH h AS MATERIALIZED (")
    if add_beginning:
        add_beginning()
    else:
        add(beginning, stretch.low, stretch.high)
        sql.add(f" ORDER BY s.pos{order} LIMIT ?", limit)
    sql.add("), w AS MATERIALIZED (")
    add("search", beside=f"(SELECT count(*) FROM h) < {limit} AND ")
    sql.add(f") SELECT * FROM h WHERE (SELECT count(*) FROM h) = {limit} UNION ALL SELECT * FROM w) m")
    sql.add(f" ORDER BY m.sort_key{order} LIMIT ?", limit)


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
            shown = "s.title" if in_title else all_text("s")
            conditions.append(f"({' OR '.join(_like(shown, phrase) for phrase in group)})")
    conditions += [f"NOT {_like(all_text('s'), phrase)}" for phrase in (text.unwanted if text else ())]
    return " AND ".join(conditions) or "TRUE"


def _lexemes(phrase: Phrase) -> str:
    quoted = [f"''{word}''" for word in phrase.words]
    return f"({' & '.join(quoted)}{':*' if phrase.begins else ''})"


def _like(text: str, phrase: Phrase) -> str:
    return f"' ' || {text} || ' ' LIKE '% {' '.join(phrase.words)}{'' if phrase.begins else ' '}%'"
