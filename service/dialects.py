"""What the engines write differently, in one table for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from peewee import Database
from playhouse.pool import PooledPostgresqlDatabase


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the engines write differently.

    column_types: for the migrations. ``text`` sorts and ranges by its UTF-8 bytes, ``bigint`` has 64 bits, and a
    ``clustered`` table is kept in the order of its key where the engine can.
    documents: the aggregate that joins the column ``document`` in the order of ``sort_key``, each text on a line of its
    own; documents_backwards: against that order. It gives bytes.
    merges: whether the ranges of a union in order are each read in that order and no further than need be.
    ranges: where it does not, ranges of the timeline index as rows ``v`` of term, place, span, low and high; its
    parameter is a JSON list of objects.
    looked_up: joins ``table`` under ``name``, row by row as those of ``of`` come, by its key ``num``.
    rows_in_order: what keeps rows in the order of the subquery ``k`` that their keys come from.
    first_of_each: for each range, in order, a JSON list of the numbers that ``rows`` take of ``timeline t`` between
    ``p.low`` and ``p.high``; its last parameter is the ranges, a JSON list of pairs.
    statistics: the statement by which the planner learns what the tables hold; empty where it needs none.
    listed: the column ``num`` of a JSON list of numbers, its one parameter.
    position: the function that tells where in a text a part of it begins, in characters from 1.
    day_number: the number of the day that ``{place}`` begins with (``YYYYMMDD``); one that 7 divides is a Monday's.
    """

    column_types: Mapping[str, str]
    documents: str
    documents_backwards: str
    merges: bool
    ranges: str
    looked_up: str
    rows_in_order: str
    first_of_each: str
    listed: str
    position: str
    day_number: str
    statistics: str


# In SQLite, a 64-bit key must be called INTEGER to be the row's own number. Its aggregates take the rows as they
# come, ordered by the subquery: before 3.44 it knows no order within an aggregate.
SQLITE = Dialect(
    column_types={"text": "TEXT", "bigint": "INTEGER", "clustered": " WITHOUT ROWID"},
    documents="CAST(group_concat(document, ',' || char(10)) AS BLOB)",
    documents_backwards="CAST(group_concat(document, ',' || char(10)) AS BLOB)",
    merges=True,
    ranges="",
    looked_up="CROSS JOIN {table} {name}",
    # They come in that order, and SQLite would sort them by it all the same, documents and all.
    rows_in_order="",
    first_of_each="SELECT (SELECT json_group_array(k.num) FROM (SELECT t.num {rows}) k) FROM (SELECT key, "
    "json_extract(value, '$[0]') AS low, json_extract(value, '$[1]') AS high FROM json_each(?)) p ORDER BY p.key",
    listed="(SELECT value AS num FROM json_each(?))",
    position="instr",
    # The day that the Julian day numbers begin with was a Monday; they change at noon.
    day_number="CAST(julianday(substr({place}, 1, 4) || '-' || substr({place}, 5, 2) || '-' || substr({place}, 7, 2)) "
    "+ 0.5 AS INTEGER)",
    statistics="",
)
# PostgreSQL joins in the order that it deems best, and reads a whole table rather than many single rows of it though
# the page needs few; OFFSET keeps it from taking the looked-up row apart.
POSTGRES = Dialect(
    column_types={"text": 'TEXT COLLATE "C"', "bigint": "BIGINT", "clustered": ""},
    # bpchar comes as bytes, see database.py.
    documents="CAST(string_agg(document, E',\\n' ORDER BY sort_key) AS bpchar)",
    documents_backwards="CAST(string_agg(document, E',\\n' ORDER BY sort_key DESC) AS bpchar)",
    merges=False,
    ranges="jsonb_to_recordset(CAST(? AS jsonb)) "
    'AS v(term INTEGER, place INTEGER, span INTEGER, low TEXT COLLATE "C", high TEXT COLLATE "C")',
    looked_up="CROSS JOIN LATERAL (SELECT * FROM {table} y WHERE y.num = {of}.num OFFSET 0) {name}",
    rows_in_order=" ORDER BY k.sort_key{direction}",
    first_of_each="SELECT (SELECT CAST(coalesce(json_agg(k.num), '[]') AS TEXT) FROM (SELECT t.num {rows}) k) "
    "FROM (SELECT key, value->>0 AS low, value->>1 AS high "
    "FROM jsonb_array_elements(CAST(? AS jsonb)) WITH ORDINALITY AS r(value, key)) p ORDER BY p.key",
    listed="(SELECT CAST(value AS BIGINT) AS num FROM jsonb_array_elements_text(CAST(? AS jsonb)))",
    position="strpos",
    day_number="(to_date(substr({place}, 1, 8), 'YYYYMMDD') - DATE '0001-01-01')",
    statistics="ANALYZE",
)


def dialect(database: Database) -> Dialect:
    """What to write for the engine of a database."""
    return POSTGRES if isinstance(database, PooledPostgresqlDatabase) else SQLITE
