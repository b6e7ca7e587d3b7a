"""What requests cost: how many statements each sends, by which indexes they are answered, and that texts are stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import Database

from schemas.query import TimelineQuery
from schemas.words import searchable
from service import search_rows, timeline
from service.actor_store import write_actors
from service.database import execute, fetch, open_database
from service.drafts import Draft
from service.event_store import write_events
from service.models import Event, EventDocument, Timeline
from service.read_query import read_query
from service.search_rows import SearchRow
from tests.conftest import copied, event_body
from tests.statements import ask_anew, sent_to

ACTORS = [*(f"unit-{number}" for number in range(96)), "guard", "army", "rare", "idle"]
PROVINCES = ("AF-PAN", "AF-KAB", "AF-BGL", "PK-KP")
EVENTS = 1200
COPIES = 20


def some_event(number: int) -> dict[str, Any]:
    """Days over twenty years, lengths of all classes, and every filter's part in a regular mixture."""
    first = f"{2000 + number % 20}-{number % 12 + 1:02}-{number % 28 + 1:02}"
    ends = {0: "/..", 1: f"/{2000 + number % 20 + 1}-02", 2: f"/{first[:8]}28", 3: f"/{2021 + number % 3}"}
    date = f"../{first}" if number % 31 == 0 else first + (ends.get(number // 7 % 20, ""))
    return event_body(
        id=f"event-{number:04}",
        date=date,
        title=f"“Nº {number}” \\ \t ünïcode 🕊",
        type=("battle/armed-clash", "explosion", "protest")[number % 3],
        location={"province": PROVINCES[number % 4], "latitude": 34.5, "longitude": number % 90}
        if number % 5
        else None,
        actors=[
            {"id": f"unit-{number % 96}"},
            *([{"id": "army", "role": "side-a"}] if number % 3 else []),
            *([{"id": "guard", "role": "side-b"}] if number % 4 == 0 else []),
            *([{"id": "rare"}] if number % 100 == 0 else []),
        ],
        claims=[{"measure": "killed", "low": 0, "high": number % 30}],
        sources=[{"publisher": f"Paper {number % 7}"}],
        tags=["even" if number % 2 == 0 else "odd"],
        dataset=f"set-{number % 3}",
    )


def fill(database: Database, events: int) -> None:
    write_actors(database, [{"id": actor, "name": f"The {actor}"} for actor in ACTORS], by="test")
    drafts = [Draft(number, some_event(number)) for number in range(1, events + 1)]
    assert write_events(database, drafts, by="test").rejected == []


def multiply(database: Database) -> None:
    """Copy the rows of the read side, so that the planner has something to choose from; faster than writing them."""
    counted = f"WITH RECURSIVE s(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM s WHERE k < {COPIES - 1})"
    steps = f"({counted} SELECT k FROM s) s"
    num = f"num + {EVENTS} * k"
    told_apart = {"num": num, **{name: f"{name} || '-' || k" for name in ("id", "pos", "recency")}}
    for model in (Timeline, EventDocument, Event):
        columns = [field.column_name for field in model._meta.sorted_fields]
        values = ", ".join(told_apart.get(column, column) for column in columns)
        table = model._meta.table_name
        execute(database, f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} CROSS JOIN {steps}")
    execute(database, f"UPDATE tally SET events = events * {COPIES}")
    rows = fetch(
        database, "SELECT e.pos, e.num, d.document, e.terms FROM event e JOIN event_document d ON d.num = e.num"
    )
    searched = [
        SearchRow(pos, num, searchable([orjson.loads(document)["title"]]), "", tuple(map(int, terms.split(","))))
        for pos, num, document, terms in rows
        if num > EVENTS
    ]
    with database.atomic():
        search_rows.apply(database, [], searched)
    if engine_of(database) == "postgres":
        # The state in which the server's own upkeep leaves a store. ANALYZE looks at rows drawn at random, so the
        # plans asserted below must not hang on its estimates.
        execute(database, "VACUUM ANALYZE")


def engine_of(database: Database) -> str:
    return "sqlite" if database.param == "?" else "postgres"


def close(database: Database) -> None:
    if not database.is_closed():
        database.close()
    if hasattr(database, "close_all"):
        database.close_all()


@pytest.fixture
def statements(empty_app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that requests send, as they send it; the first request also looks whether the store is ready."""
    assert empty_app.test_client().get("/readyz").status_code == 200
    return sent_to(empty_app.extensions["dateline"]["database"], monkeypatch)


def cost(client: FlaskClient, statements: list[str], path: str) -> tuple[int, dict[str, Any]]:
    """How many statements a request sends, and its answer. Beginning and ending a transaction is none."""
    ask_anew(client)
    statements.clear()
    response = client.get(path)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.get_json()
    return sum(not sql.startswith(("BEGIN", "COMMIT", "SET ")) for sql in statements), answer


# A query, and the most statements that it may send: one makes the page, one finds the numbers of its terms, one weighs
# the ways where there are several, one counts what stands in each stretch of time where one is asked for and much would
# have to be tested, and one for each parameter that holds names.
QUERIES = [
    ("", 1),
    ("from=2005-01-01&to=2006-12-31", 1),
    ("bbox=0,30,70,40&min_killed=5", 2),
    ("q=ünïcode", 2),
    ("q=ünïcode&actor=army&from=2005&total=true", 4),
    ("q=ünïcode&sort=relevance", 2),
    ("q=ünïcode&sort=-updated", 4),
    ("province=AF-PAN", 2),
    ("type=battle", 2),
    ("actor=army", 3),
    ("actor=army&province=AF-PAN&from=2005&to=2015", 3),
    ("actor=army&province=AF-PAN&from=2005&to=2015&total=true", 4),
    ("actor=army,guard&province=AF-PAN,AF-KAB", 3),
    ("actor=army&actor=guard&total=true", 4),
    ("actor=army&role=side-a&country=AF", 4),
    ("actor=army&type=protest&tag=even&status=reported", 4),
    ("actor=army&type=protest&from=2005&to=2015", 5),
    ("actor=army&publisher=Paper+1&dataset=set-1", 6),
    ("sort=-updated", 2),
    ("sort=-updated&actor=army&total=true", 4),
]


def test_a_page_of_a_thousand_events_sends_as_many_statements_as_a_page_of_one(
    empty_app: Flask, statements: list[str]
) -> None:
    fill(empty_app.extensions["dateline"]["database"], EVENTS)
    client = empty_app.test_client()
    for query, most in QUERIES:
        one, first = cost(client, statements, f"/v1/events?{query}&limit=1")
        thousand, all_of_them = cost(client, statements, f"/v1/events?{query}&limit=1000")
        assert len(first["events"]) == 1 <= len(all_of_them["events"]), query
        assert one == thousand <= most, f"{query or 'no filter'}: {one} and {thousand} statements"
    _, answer = cost(client, statements, "/v1/events?limit=1000")
    assert len(answer["events"]) == 1000


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/v1/events/event-0001", 1),
        ("/v1/actors?limit=1", 4),
        ("/v1/actors/army", 5),
        ("/v1/provinces?country=AF", 2),
        ("/v1/provinces", 2),
        ("/v1/provinces/AF-PAN", 3),
        ("/v1/types", 2),
        ("/v1/datasets", 4),
    ],
)
def test_other_answers_send_as_many_statements_whatever_the_store_holds(
    empty_app: Flask, statements: list[str], path: str, most: int
) -> None:
    database, client = empty_app.extensions["dateline"]["database"], empty_app.test_client()
    fill(database, 8)
    few, _ = cost(client, statements, path)
    fill(database, 300)
    many, _ = cost(client, statements, path)
    assert few == many <= most


def test_a_list_of_a_hundred_actors_sends_as_many_statements_as_one_of_one(
    empty_app: Flask, statements: list[str]
) -> None:
    fill(empty_app.extensions["dateline"]["database"], 300)
    client = empty_app.test_client()
    one, first = cost(client, statements, "/v1/actors?limit=1")
    hundred, all_of_them = cost(client, statements, "/v1/actors?limit=100")
    assert (len(first["actors"]), len(all_of_them["actors"])) == (1, 100)
    assert one == hundred


def test_a_page_is_the_stored_texts_to_the_byte(empty_app: Flask) -> None:
    database, client = empty_app.extensions["dateline"]["database"], empty_app.test_client()
    fill(database, 200)
    rows = fetch(database, "SELECT e.pos, d.document FROM event e JOIN event_document d ON d.num = e.num")
    stored = [document.encode() for _, document in sorted(rows)]
    for query, expected in (("limit=1000", stored), ("limit=70", stored[:70]), ("sort=-date", stored[:-101:-1])):
        answer = client.get(f"/v1/events?{query}").data
        assert answer.startswith(b'{"events":[' + b",\n".join(expected) + b"],"), query
        assert timeline.page(database, read_query(database, query.encode())).documents == b",\n".join(expected)
    assert client.get("/v1/events/event-0007").data.strip() in stored


@pytest.mark.parametrize("limit", [1, 2, 199, 200, 201])
def test_the_event_read_beyond_the_page_does_not_show(empty_database: Database, limit: int) -> None:
    fill(empty_database, 200)
    for sort in ("date", "-date", "updated", "-updated"):
        page = timeline.page(empty_database, TimelineQuery(limit=limit, sort=sort))
        assert len(orjson.loads(b"[" + page.documents + b"]")) == min(limit, 200)
        assert (page.next is None) == (limit >= 200)


# Plans


@pytest.fixture(scope="module")
def large(
    engine: str, golden: dict[str, str], tmp_path_factory: pytest.TempPathFactory, server: str | None
) -> Iterator[Database]:
    """A store of 24,000 events, which no test writes to."""
    with copied("empty", engine, golden, tmp_path_factory.mktemp("large"), server) as url:
        database = open_database(url)
        fill(database, EVENTS)
        multiply(database)
        yield database
        close(database)


def plan_of(database: Database, query: str) -> list[str]:
    """The steps of the engine's plan for the statement that makes the page, each on a line."""
    asked = read_query(database, query.encode())
    sql = timeline.page_sql(database, timeline.plan_page(database, asked), asked)
    if engine_of(database) == "sqlite":
        return [row[3] for row in fetch(database, "EXPLAIN QUERY PLAN " + sql.text, sql.parameters)]
    explain = "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) "
    steps = [row[0].strip() for row in fetch(database, explain + sql.text, sql.parameters)]
    return [step for step in steps if "never executed" not in step]


ONE_RANGE = [
    "",
    "sort=-date",
    "actor=army",
    "actor=rare",
    "province=AF-PAN",
    "country=AF&sort=-date",
    "actor=army&province=AF-PAN",
    "actor=army&period=2005/2010",
    "actor=army&province=AF-PAN&from=2005-01-01&to=2010-12-31&match=certain",
    "period=2005-03",
]
# Those that look at more than one range, or at more than the index.
OTHERS = [
    "actor=army&province=AF-PAN&from=2005-01-01&to=2010-12-31",
    "actor=army&from=2005-01-01T10:00&to=2010-12-31",
    "from=2005-01-01",
    "to=2005-01-01",
    "actor=army,guard",
    "actor=army,guard&province=AF-PAN,AF-KAB",
    "actor=army&actor=guard",
    "actor=army&actor=guard&province=AF-PAN",
    "actor=army&type=protest&tag=even",
    "actor=army&min_killed=5",
    "bbox=0,30,70,40",
    "actor=army&country=AF&role=side-a",
    "sort=updated",
    "sort=-updated&type=battle",
    "sort=-updated&actor=rare",
    "sort=updated&actor=rare&min_killed=2",
    "q=ünïcode",
    "q=ünïcode&actor=army&province=AF-PAN&sort=-date",
    "q=ünïcode&sort=relevance",
    "q=ünïcode&from=2005-01-01&to=2010-12-31",
    "min_killed=5",
    'q="Nº 7"&sort=-updated',
]


def tables_read_whole(steps: list[str]) -> list[str]:
    """The steps that read every row of a table which grows with the events."""
    # A name that stands for rows which a part of the statement has found already may be read whole.
    found = {step.split()[-1] for step in steps if step.startswith(("CO-ROUTINE", "MATERIALIZE"))}
    # The search index is read by a match, and where time counts between two of its rows.
    found |= {step.split()[1] for step in steps if re.fullmatch(r"SCAN s VIRTUAL TABLE INDEX \d+:M\d+(><)?", step)}
    sqlite = [step for step in steps if step.startswith("SCAN ") and step.split()[1] not in found]
    return sqlite + [step for step in steps if "Seq Scan on" in step and "Seq Scan on store" not in step]


@pytest.mark.parametrize("query", ONE_RANGE + OTHERS, ids=lambda query: query or "everything")
def test_no_table_of_events_is_read_whole(large: Database, query: str) -> None:
    steps = plan_of(large, query)
    assert tables_read_whole(steps) == [], "\n".join(steps)


@pytest.mark.parametrize("query", ONE_RANGE, ids=lambda query: query or "everything")
def test_one_range_is_read_along_the_key_in_its_own_order(large: Database, query: str) -> None:
    steps = plan_of(large, query)
    whole = "\n".join(steps)
    if engine_of(large) == "sqlite":
        assert "SEARCH t USING PRIMARY KEY (term=? AND place=? AND span=? AND pos>? AND pos<?)" in steps, whole
        assert "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)" in steps, whole
        assert "TEMP B-TREE" not in whole
    else:
        scans = [step for step in steps if "using timeline_pkey on timeline" in step]
        assert len(scans) == 1 and "Index" in scans[0], whole
        [bounds] = [step for step in steps if step.startswith("Index Cond: ((term")]
        assert "pos >=" in bounds and "pos <" in bounds, whole
        assert "Sort" not in whole and "Hash" not in whole and "Bitmap" not in whole, whole


@pytest.mark.parametrize("query", OTHERS, ids=str)
def test_conditions_beside_the_range_are_looked_up_by_key(large: Database, query: str) -> None:
    steps = plan_of(large, query)
    whole = "\n".join(steps)
    if engine_of(large) == "sqlite":
        looked_up = [step for step in steps if step.startswith("SEARCH x ")]
        assert all("span=? AND pos=? AND num=?" in step for step in looked_up), whole
        assert not any("AUTOMATIC" in step for step in steps), whole
    else:
        assert not re.search(r"(Hash|Merge)( \w+)? Join", whole), whole
