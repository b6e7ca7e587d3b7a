"""What the timeline in periods costs: how many statements it sends, and how much it reads and shows of what matches."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Database

from schemas.periods import (
    EMBEDDED_DEFAULT,
    EMBEDDED_MAX,
    EMBEDDED_TOGETHER_MAX,
    PERIODS_MAX,
    SHARES,
    PeriodsQuery,
)
from service import period_counts, period_events
from service.actor_store import write_actors
from service.database import snapshot
from service.filters import PERIOD_OPTIONS
from service.periods import periods
from service.read_query import read_parts
from service.stats import extent
from tests.answers import body, refusal
from tests.statements import ask_anew, read_from, sent_to
from tests.writing import body as event
from tests.writing import claim, put


def timeline(client: FlaskClient, query: str = "") -> Any:
    return body(client.get("/v1/timeline?" + query))


# Statements


# A step of a plan that reads all of a table of events, under its own name or that of the statements.
READ_WHOLE = re.compile(r"^SCAN ([cdetx]|timeline|event\w*|rollup)\b|Seq Scan on (?!store\b)")

QUERIES = [
    # State, ends, counts; two for the shares; and for the events two more.
    ("bucket=day&events=0", 3),
    ("bucket=day", 5),
    ("bucket=day&by=type", 7),
    ("bucket=day&by=actor&events=50", 7),
    # Names and the numbers of terms are looked up before.
    ("bucket=day&actor=army", 7),
    ("bucket=day&actor=army&by=province&min_killed=1", 10),
    ("bucket=week&from=2021-08-02&to=2021-12-01&by=status", 7),
]


@pytest.mark.parametrize(("query", "most"), QUERIES)
def test_many_periods_cost_as_many_statements_as_one(
    asking: FlaskClient, store: Database, monkeypatch: pytest.MonkeyPatch, query: str, most: int
) -> None:
    write_actors(store, [{"id": "army", "name": "Army"}], by="test")
    ask_anew(asking)
    # The first request of all looks once at what the store was made by.
    timeline(asking)
    sent = sent_to(store, monkeypatch)

    def cost() -> tuple[int, int]:
        sent.clear()
        count = len(timeline(asking, query)["periods"])
        return sum(not sql.startswith(("BEGIN", "COMMIT", "SET ")) for sql in sent), count

    def some(day: int) -> dict[str, Any]:
        date = f"2021-{8 + day // 28:02}-{1 + day % 28:02}"
        return event(id=f"day-{day}", date=date, actors=["army"], claims=[claim()], location={"country": "AF"})

    put(store, some(1))
    statements, one = cost()
    put(store, *(some(day) for day in range(100)))
    assert cost()[0] == statements <= most
    assert one == 1 < cost()[1]


def test_nothing_that_grows_with_the_events_is_read_whole(
    asking: FlaskClient, store: Database, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    write_actors(store, [{"id": "army", "name": "Army"}, {"id": "guard", "name": "Guard"}], by="test")
    put(store, *(event(actors=["army", "guard"], date=f"2021-08-{day:02}", claims=[claim()]) for day in range(1, 29)))
    execute_sql: Callable[..., Any] = store.execute_sql
    asked: list[tuple[str, Any]] = []

    def noting(sql: str, parameters: Any = (), *more: Any) -> Any:
        asked.append((sql, parameters))
        return execute_sql(sql, parameters, *more)

    monkeypatch.setattr(store, "execute_sql", noting)
    for query in (
        *("", "by=actor", "actor=army&bucket=month", "actor=army&by=province", "actor=army&actor=guard&by=type"),
        *("min_killed=1&by=actor", "from=2021-08-02&bucket=week", "period=2021-08-02T10:00/.."),
    ):
        asked.clear()
        timeline(asking, query)
        if engine == "postgres":
            # It prefers to read a small table whole; this leaves it that only where there is no other way.
            execute_sql("SET enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN " if engine == "sqlite" else "EXPLAIN "
        plans = [(sql, execute_sql(explain + sql, values).fetchall()) for sql, values in asked if "SELECT" in sql]
        assert len(plans) > 3
        for sql, rows in plans:
            whole = [str(row[-1]) for row in rows if READ_WHOLE.search(str(row[-1]))]
            assert whole == [], (query, sql)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # Ends, counts, two for shares, two for events.
        ("by=actor", 6),
        ("by=actor&events=0", 4),
        # The plan looks up the names, weighs them, counts what is to be tested, and looks up the marks of the years.
        ("by=type&actor=army&type=battle&status=reported&tag=many&period=2021-08", 10),
        ("by=actor&actor=army&actor=guard&country=AF&q=something&min_killed=1&from=2021-08-02&to=2021-12", 9),
    ],
)
def test_ten_statements_are_the_most(
    store: Database, monkeypatch: pytest.MonkeyPatch, query: str, expected: int
) -> None:
    monkeypatch.setattr("service.plans.SEARCHED_FROM", -1)
    write_actors(store, [{"id": "army", "name": "Army"}, {"id": "guard", "name": "Guard"}], by="test")
    members = {"actors": ["army", "guard"], "tags": ["many"], "type": "battle", "location": {"country": "AF"}}
    put(store, *(event(date=f"2021-08-{day:02}", claims=[claim()], **members) for day in range(1, 29)))
    with snapshot(store):
        filters, options = read_parts(store, query.encode(), PERIOD_OPTIONS)
        sent = sent_to(store, monkeypatch)
        assert periods(store, PeriodsQuery(filters, **options))["periods"]
    assert len(sent) == expected <= 10


def test_the_extent_of_a_store_is_read_at_its_ends(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, *(event(date=f"2021-08-{day:02}", tags=["many"]) for day in range(1, 29)))
    filters, _ = read_parts(store, b"tag=many", {})
    sent = sent_to(store, monkeypatch)
    assert extent(store, {}) == extent(store, filters) == ("2021-08-01", "2021-08-28")
    reading = [sql for sql in sent if "FROM timeline" in sql]
    assert len(reading) == 2 and all(sql.count("LIMIT") == 2 for sql in reading)


# What is read and held


# Queries that are answered from kept counts and ranges, and by looking at each event.
WAYS = ("", "tag=many", "match=certain&from=2021", "q=something")


@pytest.mark.parametrize("way", WAYS)
def test_of_a_document_only_what_is_shown_is_read(
    asking: FlaskClient, store: Database, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    long = [claim(statement="A statement. " * 300) for _ in range(20)]
    put(store, *(event(id=f"event-{number}", summary="ü" * 20_000, claims=long, tags=["many"]) for number in range(3)))
    reads = read_from(store, monkeypatch)
    [period] = timeline(asking, way)["periods"]
    assert [shown["id"] for shown in period["events"]] == ["event-0", "event-1", "event-2"]
    assert max(len(value) for _, rows in reads for row in rows for value in row if isinstance(value, str)) < 1000


@pytest.mark.parametrize("way", WAYS[1:])
@pytest.mark.parametrize(("bucket", "count"), [("day", 35), ("week", 6), ("month", 2), ("quarter", 2), ("year", 1)])
def test_no_more_events_are_ranked_than_are_shown(
    asking: FlaskClient, store: Database, monkeypatch: pytest.MonkeyPatch, way: str, bucket: str, count: int
) -> None:
    # Of a quarter's end, and from a Friday to a Thursday.
    days = [f"2021-09-{day:02}" for day in range(10, 31)] + [f"2021-10-{day:02}" for day in range(1, 15)]
    put(store, *(event(date=f"{day}T{hour}:00", tags=["many"]) for day in days for hour in (10, 20)))
    monkeypatch.setattr(period_events, "one_range", lambda plan: None)
    reads = read_from(store, monkeypatch)
    answer = timeline(asking, f"{way}&bucket={bucket}&events=1")["periods"]
    [ranked] = [rows for sql, rows in reads if "row_number" in sql]
    assert len(ranked) == len(answer) == count
    assert all(len(period["events"]) == 1 for period in answer)
    # The first of each is the earliest that lies in it.
    assert [period["events"][0]["date"] for period in answer] == [
        f"{max(period['start'], days[0])}T10:00" for period in answer
    ]


@pytest.mark.parametrize("by", SHARES)
@pytest.mark.parametrize("way", WAYS)
def test_what_divides_a_count_is_read_in_pieces_that_add_up(
    asking: FlaskClient, store: Database, monkeypatch: pytest.MonkeyPatch, way: str, by: str
) -> None:
    write_actors(store, [{"id": actor, "name": actor} for actor in ("army", "guard")], by="test")
    put(
        store,
        *(
            event(
                date=f"2021-{8 + number % 2:02}-{1 + number % 9:02}",
                actors=["army", "guard"][number % 3 :],
                location={"province": ("AF-KAB", "FR-01")[number % 2]},
                type=("battle", "protest", "riot")[number % 3],
                tags=["many"],
            )
            for number in range(60)
        ),
    )
    whole = timeline(asking, f"{way}&by={by}&bucket=month&events=0")["periods"]
    assert all(period["by"] for period in whole)
    ask_anew(asking)
    monkeypatch.setattr(period_counts, "AT_A_TIME", 7)
    reads = read_from(store, monkeypatch)
    assert timeline(asking, f"{way}&by={by}&bucket=month&events=0")["periods"] == whole
    assert max(len(rows) for _, rows in reads) <= 7
    if way:
        assert sum(len(rows) for sql, rows in reads if "e.terms" in sql) == 60


# How much is shown


def test_more_events_than_are_shown_together_are_refused_with_a_number_that_would_do(
    asking: FlaskClient, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.periods.EMBEDDED_TOGETHER_MAX", 13)
    days = ("2021-08-01", "2021-08-02", "2021-08-09", "2021-09-01")
    put(store, *(event(date=day) for day in days for _ in range(4)))
    for query in ("bucket=day&events=4", "bucket=day&events=4&by=type", "bucket=day&events=4&match=certain&from=2021"):
        entry = refusal(asking, "/v1/timeline?" + query)
        assert (entry["pointer"], entry["code"]) == ("/events", "too-many-events")
        assert all(part in entry["message"] for part in ("4 periods", "16", "13", "take 3", "coarser"))
        assert entry["suggestions"] == ["3"]
    # Only what there is to show counts.
    for query in ("bucket=day&events=3", "bucket=month&events=4", "bucket=day&events=50&period=2021-08-01/2021-08-02"):
        assert timeline(asking, query)["periods"]
    put(store, *(event(date=f"{year}-01-01") for year in range(2000, 2014)))
    entry = refusal(asking, "/v1/timeline?bucket=year&events=1")
    assert "coarser" not in entry["message"] and "shorter period" in entry["message"]
    assert entry["suggestions"] == ["0"]
    assert len(timeline(asking, "bucket=year&events=0")["periods"]) == 15


def test_the_longest_timeline_may_show_as_many_events_as_it_does_by_default() -> None:
    assert PERIODS_MAX * EMBEDDED_DEFAULT <= EMBEDDED_TOGETHER_MAX < PERIODS_MAX * EMBEDDED_MAX
