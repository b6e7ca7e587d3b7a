"""The timeline in periods over HTTP: its members, its buckets, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Database

from service.actor_store import write_actors
from tests.answers import body, ids, refusal, refusals
from tests.writing import body as event
from tests.writing import claim, delete_event, put


def timeline(client: FlaskClient, query: str = "") -> Any:
    return body(client.get("/v1/timeline?" + query))


def spans(answer: Any) -> list[tuple[str, str, int]]:
    """First day, last day and count of each period."""
    return [(period["start"], period["end"], period["count"]) for period in answer["periods"]]


def on(*dates: str) -> list[dict[str, Any]]:
    return [event(id=f"event-{number}", date=date) for number, date in enumerate(dates)]


# The shape of the answer


def test_the_answer_has_the_members_of_the_contract(client: FlaskClient) -> None:
    answer = timeline(client, "period=2021-08-26&by=type")
    assert answer == {
        "bucket": "day",
        "periods": [
            {
                "start": "2021-08-26",
                "end": "2021-08-26",
                "count": 1,
                "killed": {"low": 0, "high": 30},
                "injured": {"low": 0, "high": 0},
                "by": {"explosion": 1},
                "events": [
                    {
                        "id": "kabul-airport-bombing",
                        "title": body(client.get("/v1/events/kabul-airport-bombing"))["title"],
                        "date": "2021-08-26",
                        "type": "explosion/suicide-bomb",
                        "status": "confirmed",
                        "province": "AF-KAB",
                        "actors": ["is-k"],
                    }
                ],
                "more": None,
            }
        ],
        "query": {"period": "2021-08-26", "bucket": "auto", "by": "type", "events": 3},
        "sequence": 25,
    }
    assert list(answer) == ["bucket", "periods", "query", "sequence"]
    [period] = answer["periods"]
    assert list(period) == ["start", "end", "count", "killed", "injured", "by", "events", "more"]
    assert list(period["events"][0]) == ["id", "title", "date", "type", "status", "province", "actors"]


def test_each_event_counts_once_where_it_lies_on_the_timeline(client: FlaskClient) -> None:
    answer = timeline(client)
    assert answer["bucket"] == "day"
    assert [(period["start"], [event["id"] for event in period["events"]]) for period in answer["periods"]] == [
        ("2021-08-01", ["dushanbe-helicopters"]),
        ("2021-08-22", ["baghlan-districts-retaken", "baghlan-districts-taken"]),
        ("2021-08-26", ["kabul-airport-bombing"]),
        ("2021-08-27", ["andarabi-killing"]),
        ("2021-08-30", ["panjshir-clash"]),
        # One of these begins at an unknown time, so it lies at its end.
        ("2021-08-31", ["nrf-rejects-proposals", "taliban-government-announced", "us-withdrawal"]),
    ]
    assert all("by" not in period for period in answer["periods"])


@pytest.mark.parametrize(
    ("bucket", "expected"),
    [
        ("week", [("2021-07-26", "2021-08-01", 1), ("2021-08-16", "2021-08-22", 2), ("2021-08-23", "2021-08-29", 2),
                  ("2021-08-30", "2021-09-05", 4)]),
        ("month", [("2021-08-01", "2021-08-31", 9)]),
        ("quarter", [("2021-07-01", "2021-09-30", 9)]),
        ("year", [("2021-01-01", "2021-12-31", 9)]),
    ],
)  # fmt: skip
def test_periods_are_those_of_the_calendar(client: FlaskClient, bucket: str, expected: list[Any]) -> None:
    answer = timeline(client, f"bucket={bucket}")
    assert (answer["bucket"], spans(answer)) == (bucket, expected)
    assert answer["query"] == {"bucket": bucket, "events": 3}


def test_figures_are_the_sums_over_the_events(asking: FlaskClient, store: Database) -> None:
    put(
        store,
        event(id="a", claims=[claim(low=2, best=None, high=5), claim(measure="injured", best=7)]),
        event(id="b", claims=[claim(best=1)]),
        event(id="c"),
        event(id="d", date="2021-09-01", claims=[claim(measure="captured", best=9)]),
    )
    august, september = timeline(asking, "bucket=month")["periods"]
    assert (august["killed"], august["injured"]) == ({"low": 3, "high": 6}, {"low": 7, "high": 7})
    assert (september["killed"], september["injured"]) == ({"low": 0, "high": 0}, {"low": 0, "high": 0})
    # One that is counted event by event gives the same.
    assert timeline(asking, "bucket=month&match=certain&from=2021-08")["periods"] == [august, september]


def test_an_actor_with_several_roles_is_shown_once(asking: FlaskClient, store: Database) -> None:
    write_actors(store, [{"id": "army", "name": "Army"}, {"id": "guard", "name": "Guard"}], by="test")
    roles = [("guard", "side-b"), ("army", "side-a"), ("army", "victim")]
    put(store, event(actors=[{"id": actor, "role": role} for actor, role in roles]))
    [period] = timeline(asking)["periods"]
    assert period["events"][0]["actors"] == ["guard", "army"]


@pytest.mark.parametrize(
    "title",
    ['"casualties": none', ',"casualties":{', '\\","casualties":', '"},{"casualties":1', "\\", "}", "🕊 ünïcode"],
)
def test_titles_that_look_like_json_come_out_as_they_are(asking: FlaskClient, store: Database, title: str) -> None:
    put(store, event(id="a", title=title, summary=title, location={"place": title}))
    [period] = timeline(asking)["periods"]
    assert period["events"] == [
        {"id": "a", "title": title, "date": "2021-08-26", "type": "other", "status": "reported", "province": None,
         "actors": []}
    ]  # fmt: skip


def test_a_store_without_events_has_no_periods(asking: FlaskClient) -> None:
    assert timeline(asking) == {
        "bucket": "day",
        "periods": [],
        "query": {"bucket": "auto", "events": 3},
        "sequence": 0,
    }
    assert timeline(asking, "bucket=week&by=actor")["bucket"] == "week"


def test_what_is_deleted_is_not_counted(asking: FlaskClient, store: Database) -> None:
    put(store, *on("2021-08-26", "2021-08-26", "2021-09-01"))
    delete_event(store, "event-0")
    delete_event(store, "event-2")
    assert spans(timeline(asking, "bucket=month")) == [("2021-08-01", "2021-08-31", 1)]


# Buckets


@pytest.mark.parametrize(
    ("last", "bucket"),
    [("2001-02-03", "day"), ("2001-02-04", "week"), ("2021-08-26", "month")],
)
def test_auto_takes_the_finest_bucket_of_at_most_400_periods(
    asking: FlaskClient, store: Database, last: str, bucket: str
) -> None:
    put(store, *on("2000-01-01", last))
    answer = timeline(asking)
    assert answer["bucket"] == bucket
    assert len(answer["periods"]) == 2
    assert timeline(asking, "period=2000")["bucket"] == "day"


def test_a_week_may_lie_in_two_years(asking: FlaskClient, store: Database) -> None:
    put(store, *on("2020-12-31", "2021-01-01T10:00", "2021-01-03", "2021-01-04"))
    answer = timeline(asking, "bucket=week&events=1")
    assert spans(answer) == [("2020-12-28", "2021-01-03", 3), ("2021-01-04", "2021-01-10", 1)]
    assert [period["events"][0]["id"] for period in answer["periods"]] == ["event-0", "event-3"]


def test_the_first_years_have_four_digits(asking: FlaskClient, store: Database) -> None:
    put(store, *on("1000-01-01", "1000-01-06"))
    assert spans(timeline(asking, "bucket=week")) == [("0999-12-30", "1000-01-05", 1), ("1000-01-06", "1000-01-12", 1)]
    [period] = timeline(asking, "bucket=week&events=0&period=1000-01-01/1000-01-03")["periods"]
    assert period["more"] == "/v1/events?period=1000-01-01/1000-01-03"
    for nothing in ("9999", "9999-12-31", "0001", "0001/.."):
        assert isinstance(timeline(asking, f"period={nothing}")["periods"], list)


def test_more_than_ten_thousand_periods_are_refused_with_a_bucket_that_would_do(
    asking: FlaskClient, store: Database
) -> None:
    # 10,001 days, the two at the ends counted.
    put(store, *on("1994-04-10", "2021-08-26"))
    entry = refusal(asking, "/v1/timeline?bucket=day")
    assert (entry["pointer"], entry["code"]) == ("/bucket", "too-many-periods")
    assert entry["suggestions"] == ["week", "month", "quarter", "year"]
    assert "10,001" in entry["message"] and "10,000" in entry["message"] and "week" in entry["message"]
    assert len(timeline(asking, "bucket=week")["periods"]) == 2
    assert len(timeline(asking, "bucket=day&period=1994-04-11/..")["periods"]) == 1
    put(store, event(id="event-0", date="1994-04-11"))
    assert len(timeline(asking, "bucket=day")["periods"]) == 2


# What a count is divided by


def test_a_value_counts_what_it_would_find_as_a_filter(client: FlaskClient) -> None:
    for by, parameter in (("actor", "actor"), ("type", "type"), ("province", "province"), ("status", "status")):
        [period] = timeline(client, f"bucket=year&events=0&by={by}")["periods"]
        for value, count in period["by"].items():
            assert len(ids(client, f"{parameter}={value}")) == count, value
    [period] = timeline(client, "bucket=year&by=type")["periods"]
    assert period["by"] == {"battle": 3, "statement": 2, "strategic-development": 2, "explosion": 1,
                            "violence-against-civilians": 1}  # fmt: skip
    assert list(period["by"].values()) == [3, 2, 2, 1, 1]


def test_provinces_count_the_units_above_and_countries_only_countries(asking: FlaskClient, store: Database) -> None:
    put(store, event(location={"province": "FR-01"}), event(location={"province": "AF-KAB"}), event())
    [period] = timeline(asking, "by=province")["periods"]
    assert period["by"] == {"AF-KAB": 1, "FR-01": 1, "FR-ARA": 1}
    [period] = timeline(asking, "by=country")["periods"]
    assert period["by"] == {"AF": 1, "FR": 1}


def test_a_role_holds_for_the_actors_that_a_count_is_divided_by(client: FlaskClient) -> None:
    [period] = timeline(client, "bucket=year&actor=taliban&role=side-a&by=actor")["periods"]
    for actor, count in period["by"].items():
        assert len(ids(client, f"actor=taliban&role=side-a&actor={actor}")) == count
    assert "nrf" not in period["by"], "they are never on side A beside the Taliban"


@pytest.mark.parametrize("query", ["", "&tag=many", "&type=other"])
def test_all_but_the_twenty_largest_are_one_sum(asking: FlaskClient, store: Database, query: str) -> None:
    actors = [f"actor-{number:02}" for number in range(22)]
    write_actors(store, [{"id": actor, "name": actor} for actor in actors], by="test")
    put(
        store,
        *(event(actors=[actor], tags=["many"], date="2021-08-01") for actor in actors),
        event(actors=["actor-21", "actor-20"], tags=["many"], date="2021-08-02"),
        event(actors=["actor-19"], tags=["many"], date="2021-08-03"),
    )
    first, second, third = timeline(asking, "bucket=day&by=actor&events=0" + query)["periods"]
    # The two with two events, the one more with two, and the first seventeen of those with one.
    named = {"actor-19", "actor-20", "actor-21", *actors[:17]}
    assert first["by"] == {**dict.fromkeys(named, 1), "other": 2}
    assert list(first["by"])[:4] == ["actor-19", "actor-20", "actor-21", "actor-00"]
    assert list(first["by"])[-1] == "other"
    assert second["by"] == {"actor-20": 1, "actor-21": 1}
    assert third["by"] == {"actor-19": 1}


def test_an_actor_called_other_is_not_lost(asking: FlaskClient, store: Database) -> None:
    write_actors(store, [{"id": "other", "name": "The others"}], by="test")
    put(store, event(actors=["other"]))
    assert timeline(asking, "by=actor")["periods"][0]["by"] == {"other": 1}


@pytest.mark.parametrize("query", ["", "&tag=many"])
def test_the_rest_adds_up_values_so_it_may_exceed_the_count(asking: FlaskClient, store: Database, query: str) -> None:
    actors = [f"actor-{number:02}" for number in range(23)]
    write_actors(store, [{"id": actor, "name": actor} for actor in actors], by="test")
    put(
        store, *(event(actors=[actor], date="2021-08-01") for actor in actors[:20]), event(actors=actors, tags=["many"])
    )
    last = timeline(asking, "bucket=day&by=actor&events=0" + query)["periods"][-1]
    assert (last["count"], last["by"]["other"]) == (1, 3)


# The events of a period


@pytest.mark.parametrize(("embedded", "shown"), [(0, 0), (1, 1), (3, 3), (4, 4), (50, 4)])
def test_more_leads_on_where_not_all_are_shown(asking: FlaskClient, store: Database, embedded: int, shown: int) -> None:
    put(store, *on(*["2021-08-26"] * 4))
    [period] = timeline(asking, f"events={embedded}")["periods"]
    assert [each["id"] for each in period["events"]] == [f"event-{number}" for number in range(shown)]
    assert period["more"] == (None if shown == 4 else "/v1/events?period=2021-08-26")


@pytest.mark.parametrize(
    ("query", "period"),
    [
        ("bucket=month", "2021-08"),
        ("bucket=quarter", "2021-07/2021-09"),
        ("bucket=year", "2021"),
        ("bucket=week", "2021-08-23/2021-08-29"),
        ("bucket=day&period=2021-08-26T10:00/2021-08-26T12:00", "2021-08-26T10:00/2021-08-26T12:00"),
        ("bucket=month&period=2021-08-26T10:00/..", "2021-08-26T10:00/2021-08-31T23:59"),
        ("bucket=week&period=../2021-08-26", "2021-08-23/2021-08-26"),
        ("bucket=year&period=202X", "2021"),
        ("bucket=year&period=2021-08~", "2021-08"),
        ("bucket=month&period=2021-08-25/2022", "2021-08-25/2021-08-31"),
        ("bucket=day&period=2021-08-26T11:00", "2021-08-26T11:00"),
    ],
)
def test_more_names_the_part_of_the_period_that_is_asked_for(
    asking: FlaskClient, store: Database, query: str, period: str
) -> None:
    put(store, *on("2021-08-26", "2021-08-26T11:00", "2021-08-26T23:59"))
    [shown] = timeline(asking, f"events=0&{query}")["periods"]
    assert shown["more"] == f"/v1/events?period={period}"
    assert len(body(asking.get(shown["more"]))["events"]) == shown["count"]


def test_more_keeps_the_filters(client: FlaskClient) -> None:
    query = "actor=Taliban,us-forces&actor=NRF&province=Panjshir&type=battle&disputed=true&bbox=60,29,75,39"
    [period] = timeline(client, f"{query}&from=2021-08-30&bucket=day&events=0&by=status")["periods"]
    assert period["more"].startswith("/v1/events?actor=taliban,us-forces&actor=nrf&province=AF-PAN&")
    assert ids(client, period["more"].partition("?")[2]) == ["panjshir-clash"]


# What is refused


@pytest.mark.parametrize("parameter", ["sort=date", "limit=5", "cursor=x", "fields=id", "total=true"])
def test_options_of_pages_are_no_parameters_of_periods(client: FlaskClient, parameter: str) -> None:
    entry = refusal(client, "/v1/timeline?" + parameter)
    assert (entry["code"], entry["pointer"]) == ("unknown-parameter", "/" + parameter.partition("=")[0])


@pytest.mark.parametrize(
    ("parameter", "code"),
    [
        ("bucket=fortnight", "unknown-value"),
        ("bucket=Month", "unknown-value"),
        ("bucket=", "blank"),
        ("bucket=day&bucket=day", "repeated"),
        ("by=tag", "unknown-value"),
        ("by=type,actor", "unknown-value"),
        ("events=51", "out-of-range"),
        ("events=-1", "out-of-range"),
        ("events=all", "wrong-type"),
        ("format=xml", "unknown-format"),
        ("actor=talban", "unknown-actor"),
    ],
)
def test_what_cannot_be_read_is_refused(client: FlaskClient, parameter: str, code: str) -> None:
    entry = refusal(client, "/v1/timeline?" + parameter)
    assert (entry["code"], entry["pointer"]) == (code, "/" + parameter.partition("=")[0])


def test_all_faults_are_told_at_once(client: FlaskClient) -> None:
    entries = refusals(client, "/v1/timeline?bucket=x&by=x&events=x&actor=talban&bukcet=day")
    assert sorted(entry["pointer"] for entry in entries) == ["/actor", "/bucket", "/bukcet", "/by", "/events"]
    assert [entry["suggestions"] for entry in entries if entry["pointer"] == "/bukcet"] == [["bucket"]]


# Headers


def test_the_answer_is_of_one_moment_and_known_by_its_tag(client: FlaskClient, database: Database) -> None:
    path = "/v1/timeline?actor=taliban&by=type"
    first = client.get(path)
    assert first.headers["X-Sequence"] == str(body(first)["sequence"])
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["X-Sequence"]) == (304, b"", first.headers["X-Sequence"])
    assert client.head(path).headers["ETag"] == first.headers["ETag"]
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    held = {"If-None-Match": packed.headers["ETag"], "Accept-Encoding": "gzip"}
    assert client.get(path, headers=held).status_code == 304
    put(database, event(actors=["taliban"]))
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
