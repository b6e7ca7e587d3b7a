"""Finds the first events of each period of a timeline, and shows them in brief."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from peewee import Database

from schemas.periods import PeriodsQuery, days_of
from service.database import fetch, fetch_in_pieces
from service.dialects import dialect
from service.matching import add_matching
from service.period_counts import one_range
from service.plans import Pair, Plan
from service.spans import EVERY, LAST_PLACE, Stretch
from service.statement import Sql

# What the places of one period have in common, and no other place has.
PARTITIONS: Mapping[str, str] = {
    "day": "substr(m.sort_key, 1, 8)",
    "week": "{day_number} / 7",
    "month": "substr(m.sort_key, 1, 6)",
    "quarter": "substr(m.sort_key, 1, 4), (CAST(substr(m.sort_key, 5, 2) AS INTEGER) + 2) / 3",
    "year": "substr(m.sort_key, 1, 4)",
}
# Where members of a document begin. Within a text the quotes would be escaped.
SUMMARY, DATE, CASUALTIES = "',\"summary\":'", "',\"date\":'", "',\"casualties\":'"
# Of a document, all that is shown stands before its summary, and from its date to its casualties. The summary and what
# comes after may be long, so the engine keeps them. Claims, which have dates too, come after.
SHOWN = (
    f"substr(d.document, 1, {{position}}(d.document, {SUMMARY}) - 1) || substr(d.document, "
    f"{{position}}(d.document, {DATE}), {{position}}(d.document, {CASUALTIES}) - {{position}}(d.document, {DATE}))"
)
# So many documents are read at a time.
AT_A_TIME = 1000


def first_events(
    database: Database, plan: Plan, asked: PeriodsQuery, bucket: str, numbers: Sequence[int]
) -> dict[int, list[Mapping[str, Any]]]:
    """The first ``asked.events`` events of each period in brief, in timeline order, by the period's number.

    numbers: of all periods that have events, in order.
    """
    days = [days_of(bucket, number) for number in numbers]
    if stretch := one_range(plan):
        ranges = [_range(stretch, first, last) for first, last in days]
        placed = _read_ranges(database, plan.pairs[0], ranges, asked.events)
    else:
        placed = _in_periods(_ranked(database, plan, asked, bucket), [_compact(first) for first, _ in days])
    shown = _in_brief(database, [num for period in placed for num in period])
    return {number: [shown[num] for num in period] for number, period in zip(numbers, placed, strict=True)}


def _in_periods(keys: Sequence[tuple[str, int]], begins: Sequence[str]) -> list[list[int]]:
    """The numbers of events by their period, in timeline order, from their places and where periods begin."""
    placed: list[list[int]] = [[] for _ in begins]
    for place, num in sorted(keys):
        placed[bisect_right(begins, place) - 1].append(num)
    return placed


def _compact(day: str) -> str:
    return day.replace("-", "")


def _range(stretch: Stretch, first: str, last: str) -> tuple[str, str]:
    """The bounds of what lies in a stretch of the timeline index from one day to another."""
    return max(_compact(first), stretch.low), min(_compact(last) + LAST_PLACE, stretch.high)


def _read_ranges(database: Database, pair: Pair, ranges: Sequence[tuple[str, str]], limit: int) -> list[list[int]]:
    """The numbers of the first events of each range of the timeline index."""
    rows = (
        "FROM timeline t WHERE t.term = ? AND t.place = ? AND t.span = ? AND t.pos >= p.low AND t.pos < p.high "
        "ORDER BY t.pos LIMIT ?"
    )
    sql = dialect(database).first_of_each.format(rows=rows)
    rows_found = fetch(database, sql, (*pair, EVERY, limit, orjson.dumps(ranges).decode()))
    return [orjson.loads(nums) for (nums,) in rows_found]


def _ranked(database: Database, plan: Plan, asked: PeriodsQuery, bucket: str) -> list[tuple[str, int]]:
    """Places and numbers of the first events of each period, all that match being looked at."""
    engine = dialect(database)
    partition = PARTITIONS[bucket].format(day_number=engine.day_number.format(place="m.sort_key"))
    sql = Sql("SELECT k.sort_key, k.num FROM (SELECT m.sort_key, m.num, row_number() OVER (")
    sql.add(f"PARTITION BY {partition} ORDER BY m.sort_key) AS place FROM (")
    add_matching(sql, engine, plan, asked.matching)
    sql.add(") m) k WHERE k.place <= ?", asked.events)
    return [(place, num) for place, num in fetch(database, sql.text, sql.parameters)]


def _in_brief(database: Database, nums: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    engine = dialect(database)
    joined = engine.looked_up.format(table="event_document", name="d", of="k")
    shown = SHOWN.format(position=engine.position)
    sql = f"SELECT d.num, {shown} FROM {engine.listed} k {joined} WHERE d.num = k.num"
    parameters = [orjson.dumps(nums).decode()]
    if any(num < 0 for num in nums):
        # These are versions that are past, by where they ended.
        sql += f" UNION ALL SELECT k.num, {shown} FROM {engine.listed} k JOIN past_event d ON d.ended = -k.num"
        parameters *= 2
    pieces = fetch_in_pieces(database, sql, parameters, AT_A_TIME)
    return {num: _brief(part) for rows in pieces for num, part in rows}


# Parsing costs more than all else of an answer.
@lru_cache(maxsize=2048)
def _brief(part: str) -> Mapping[str, Any]:
    """An event as a period shows it, from the part of its document that is shown."""
    event = orjson.loads(part + "}")
    province = (event["location"] or {}).get("province")
    return {
        "id": event["id"],
        "title": event["title"],
        "date": event["date"],
        "type": event["type"],
        "status": event["status"],
        "province": province and province["code"],
        "actors": list(dict.fromkeys(actor["id"] for actor in event["actors"])),
    }
