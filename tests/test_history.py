"""What was known when, over HTTP: answers as of a moment, and the feed of changes that leads through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch as replaced

import pytest
from flask.testing import FlaskClient
from peewee import Database

from service import changes
from service.app import create_app
from service.database import closing_database
from service.settings import Settings
from tests.answers import body, pages, problem, refusal
from tests.clock import Clock
from tests.conftest import copied, event_body, keyed
from tests.sending import ANY, bulk, done, entries, merge, read
from tests.statements import sent_to

BEFORE = "2021-09-01T09:59:59.999Z"
FIRST = "2021-09-01T10:00:00.000Z"  # The actors, and the event "a".
SECOND = "2021-09-01T10:00:00.001Z"  # The events "b" and "c".
MOVED = "2021-09-01T11:00:00.000Z"  # Everything about "a" is something else.
DELETED = "2021-09-01T12:00:00.000Z"  # "b".
RESTORED = "2021-09-01T13:00:00.000Z"  # "b" as it was.
RENAMED = "2021-09-01T14:00:00.000Z"  # The actor "x" is "Zinc band", and "y" a member of "w".

RAID = event_body(
    id="a", title="Night raid on the mill", date="2021-08-26", type="battle", status="disputed",
    location={"province": "AF-PAN", "latitude": 35.3, "longitude": 69.3}, actors=[{"id": "x", "role": "side-a"}],
    claims=[
        {"claimant": {"id": "x"}, "measure": "killed", "best": 3},
        {"claimant": {"name": "A miller"}, "measure": "killed", "best": 8, "stance": "confirms"},
    ],
    sources=[{"publisher": "Lapis Wire"}], tags=["mill"], dataset="field",
)  # fmt: skip
FIRE = event_body(title="Market fire", date="2021-09-10", location={"province": "AF-KAB"}, actors=["y"])
# What finds the event "a" as it was, and no longer as it is.
AS_IT_WAS = (
    "actor=x", "actor=x&role=side-a", "province=AF-PAN", "from=2021-08-26&to=2021-08-26", "period=2021-08-26",
    "type=battle", "status=disputed", "tag=mill", "dataset=field", "publisher=Lapis%20Wire", "claimant=x",
    "claimant=A%20miller", "q=raid", "q=%22night%20raid%22&sort=relevance", "q=miller%20-market", "bbox=69,35,70,36",
    "min_killed=8", "disputed=true", "country=AF&match=certain&to=2021-08-26",
)  # fmt: skip


# The moment SECOND as it may be written; a plus need not be percent-encoded.
SPELLINGS = (
    SECOND, "2021-09-01T14%3A30%3A00.001%2B04%3A30", "2021-09-01T14:30:00.001+04:30", "2021-09-01T14:30:00.001+0430",
    "2021-09-01T00:30:00.001-09:30", "2021-09-01t10:00:00.001z", "2021-09-01T10:00:00,001Z",
    "2021-09-01T10:00:00.001999999Z", "2021-09-01%2010:00:00.001Z",
)  # fmt: skip
NO_MOMENTS = {
    "in-the-future": ("9999-12-31T23:59:59Z",),
    "malformed-time": (
        "2021-09-01", "2021-09", "2021-09-01T10:00:00", "2021-09-01T10Z", "10:00Z", "1630490400", "yesterday",
    ),
    "impossible-time": (
        "2021-02-30T10:00:00Z", "2021-09-01T25:00:00Z", "2021-09-01T10:60:00Z", "2021-09-01T10:00:00%2B25:00",
        "2021-13-01T10:00:00Z", "0001-01-01T00:00:00%2B01:00",
    ),
}  # fmt: skip


def tell(client: FlaskClient, clock: Clock) -> None:
    """An event changes altogether, one is deleted and restored, and actors change."""
    clock.set(FIRST)
    for actor, name in (("w", "Willow band"), ("x", "Xenon band"), ("y", "Yarrow band")):
        done(client.post("/v1/actors", json={"id": actor, "name": name}), 201)
    done(client.post("/v1/events", json=RAID), 201)
    clock.set(SECOND)
    done(client.post("/v1/events", json=event_body(id="b", date="2021-08-27", actors=["x"])), 201)
    done(client.post("/v1/events", json=event_body(id="c", date="2021-08-28")), 201)
    clock.set(MOVED)
    done(client.put("/v1/events/a", json=FIRE, headers=ANY))
    clock.set(DELETED)
    done(client.delete("/v1/events/b", headers=ANY), 204)
    clock.set(RESTORED)
    done(client.post("/v1/events/b/restore", json={"version": 1}))
    clock.set(RENAMED)
    done(merge(client, "/v1/actors/x", {"name": "Zinc band"}))
    done(merge(client, "/v1/actors/y", {"member_of": ["w"]}))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the store."""
    clock = Clock.at(FIRST)
    monkeypatch.setattr("service.ledger.time", clock)
    return clock


@pytest.fixture
def story(empty_writer: FlaskClient, clock: Clock) -> FlaskClient:
    """A client of a store of the test's own in which all that happened."""
    tell(empty_writer, clock)
    return empty_writer


@pytest.fixture(scope="module")
def past(
    engine: str, golden: dict[str, str], tmp_path_factory: pytest.TempPathFactory, server: str | None
) -> Iterator[FlaskClient]:
    """A client of a store in which all that happened, for tests that only read."""
    with copied("empty", engine, golden, tmp_path_factory.mktemp("past"), server) as url:
        app = create_app(Settings(database_url=url))
        with closing_database(app.extensions["dateline"]["database"]):
            clock = Clock.at(FIRST)
            with replaced("service.ledger.time", clock):
                tell(keyed(app), clock)
            yield app.test_client()


def found(client: FlaskClient, moment: str, query: str = "") -> list[str]:
    """The ids that a query finds as of a moment, in order."""
    return [event["id"] for event in read(client, f"/v1/events?as_of={moment}&{query}")["events"]]


# Moments


@pytest.mark.parametrize(
    ("moment", "ids", "sequence"),
    [
        (BEFORE, [], 0), (FIRST, ["a"], 4), (SECOND, ["a", "b", "c"], 6),
        ("2021-09-01T10:00:00.0019999Z", ["a", "b", "c"], 6), ("2021-09-01T10:59:59.999Z", ["a", "b", "c"], 6),
        (MOVED, ["b", "c", "a"], 7), (DELETED, ["c", "a"], 8), (RESTORED, ["b", "c", "a"], 9),
        (RENAMED, ["b", "c", "a"], 11), ("2021-09-02T00:00Z", ["b", "c", "a"], 11),
    ],
)  # fmt: skip
def test_an_answer_shows_what_was_recorded_up_to_a_moment_and_at_it(
    past: FlaskClient, moment: str, ids: list[str], sequence: int
) -> None:
    answer = past.get(f"/v1/events?as_of={moment}&total=true")
    page = body(answer)
    assert [event["id"] for event in page["events"]] == ids
    assert (page["total"], page["next"]) == (len(ids), None)
    assert page["sequence"] == int(answer.headers["X-Sequence"]) == sequence
    for path in ("/v1/facets", "/v1/timeline"):
        answer = past.get(f"{path}?as_of={moment}")
        assert body(answer)["sequence"] == int(answer.headers["X-Sequence"]) == sequence
    assert read(past, f"/v1/facets?as_of={moment}")["total"] == len(ids)
    assert sum(period["count"] for period in read(past, f"/v1/timeline?as_of={moment}")["periods"]) == len(ids)


@pytest.mark.parametrize("moment", SPELLINGS)
def test_a_moment_may_be_written_in_any_offset_and_is_shown_in_utc(past: FlaskClient, moment: str) -> None:
    page = read(past, f"/v1/events?as_of={moment}&limit=2")
    assert page["query"] == {"as_of": SECOND, "sort": "date", "limit": 2}
    assert f"as_of={SECOND}&" in page["next"]
    assert (page["sequence"], [event["id"] for event in page["events"]]) == (6, ["a", "b"])
    assert read(past, f"/v1/timeline?as_of={moment}")["query"]["as_of"] == SECOND
    assert read(past, f"/v1/events/b?as_of={moment}")["version"] == 1


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00.000Z", "0999-12-31T23:59:59.999Z", "1000-01-01T00:00:00.000Z"])
def test_a_moment_of_long_ago_knew_nothing(past: FlaskClient, moment: str) -> None:
    page = read(past, f"/v1/events?as_of={moment}")
    assert (page["events"], page["query"]["as_of"]) == ([], moment)
    assert read(past, f"/v1/timeline?as_of={moment}")["periods"] == []
    assert read(past, f"/v1/facets?as_of={moment}")["total"] == 0
    assert read(past, f"/v1/changes?as_of={moment}")["changes"] == []


@pytest.mark.parametrize(("code", "moments"), NO_MOMENTS.items())
def test_what_is_no_moment_of_the_past_is_refused(past: FlaskClient, code: str, moments: tuple[str, ...]) -> None:
    for moment in moments:
        for path in ("/v1/events", "/v1/timeline", "/v1/facets", "/v1/changes", "/v1/events/a"):
            entry = refusal(past, f"{path}?as_of={moment}")
            assert (entry["pointer"], entry["code"]) == ("/as_of", code)


# The same query then and now


@pytest.mark.parametrize("query", AS_IT_WAS)
def test_every_filter_finds_what_was_so_then(past: FlaskClient, query: str) -> None:
    with_total = read(past, f"/v1/events?as_of={SECOND}&{query}&total=true")
    assert "a" in [event["id"] for event in with_total["events"]]
    assert with_total["total"] == len(with_total["events"])
    assert "a" not in found(past, RENAMED, query)
    assert "a" not in [event["id"] for event in read(past, f"/v1/events?{query}")["events"]]


def test_an_event_is_shown_as_it_stood_at_its_old_place(past: FlaskClient) -> None:
    now = read(past, "/v1/events/a")
    [then, *_] = read(past, f"/v1/events?as_of={SECOND}")["events"]
    assert then == read(past, f"/v1/events/a?as_of={SECOND}") == read(past, "/v1/events/a?version=1")
    assert (then["title"], then["start"], then["version"]) == (RAID["title"], "2021-08-26", 1)
    assert (then["created"], then["updated"]) == (FIRST, FIRST)
    assert then["casualties"] == {"killed": {"low": 3, "best": None, "high": 8, "disputed": True}}
    assert [claim["claimant"] for claim in then["claims"]] == [{"id": "x", "name": "Zinc band"}, {"name": "A miller"}]
    assert (now["title"], now["version"], now["created"], now["updated"]) == ("Market fire", 2, FIRST, MOVED)
    assert (found(past, SECOND), found(past, MOVED)) == (["a", "b", "c"], ["b", "c", "a"])
    assert found(past, SECOND, "sort=-date") == ["c", "b", "a"]


def test_what_was_deleted_is_there_before_and_what_came_back_is_there_after(story: FlaskClient) -> None:
    done(story.delete("/v1/events/b", headers=ANY), 204)
    [shown] = [event for event in read(story, f"/v1/events?as_of={MOVED}")["events"] if event["id"] == "b"]
    assert (shown["version"], shown["updated"]) == (1, SECOND)
    [back] = [event for event in read(story, f"/v1/events?as_of={RESTORED}")["events"] if event["id"] == "b"]
    assert (back["version"], back["created"], back["updated"]) == (3, SECOND, RESTORED)


@pytest.mark.parametrize(
    ("moment", "order"),
    [(FIRST, ["a"]), (SECOND, ["a", "b", "c"]), (MOVED, ["b", "c", "a"]), (DELETED, ["c", "a"])],
)
def test_the_order_by_last_change_is_that_of_then(past: FlaskClient, moment: str, order: list[str]) -> None:
    assert found(past, moment, "sort=updated") == order
    assert found(past, moment, "sort=-updated") == order[::-1]


def test_of_what_was_said_then_titles_come_first(story: FlaskClient, clock: Clock) -> None:
    clock.set("2021-09-01T15:00:00Z")
    said = [event_body(id="d", summary="A raid", date="2021-08-30"), event_body(id="e", title="Raid, again")]
    done(bulk(story, *said, event_body(id="f", title="Raid", date="2021-08-25")))
    clock.set("2021-09-01T16:00:00Z")
    done(bulk(story, event_body(id="d", title="Raid"), event_body(id="e"), event_body(id="f")))
    asked = "q=raid&sort=relevance"
    assert found(story, SECOND, asked) == ["a"]
    assert found(story, "2021-09-01T16:00:00Z", asked) == ["d"]
    paged = pages(story, f"/v1/events?as_of=2021-09-01T15:00:00Z&{asked}&limit=1")
    assert [event["id"] for page in paged for event in page["events"]] == ["e", "f", "d"]


def test_chosen_members_are_those_of_then(past: FlaskClient) -> None:
    page = read(past, f"/v1/events?as_of={SECOND}&fields=title,version&limit=1&total=true")
    assert page["events"] == [{"id": "a", "title": RAID["title"], "version": 1}]
    assert page["total"] == 3


def test_the_periods_of_then_lead_to_their_events_of_then(past: FlaskClient) -> None:
    then = read(past, f"/v1/timeline?as_of={SECOND}&bucket=month&by=province&events=1")
    [august] = then["periods"]
    assert (august["start"], august["count"], august["by"]) == ("2021-08-01", 3, {"AF-PAN": 1})
    assert august["killed"] == {"low": 3, "high": 8}
    [first] = august["events"]
    assert (first["id"], first["title"], first["province"]) == ("a", RAID["title"], "AF-PAN")
    more = read(past, august["more"])
    assert [event["id"] for event in more["events"]] == ["a", "b", "c"]
    assert (more["events"][0]["title"], more["sequence"]) == (RAID["title"], 6)
    now = read(past, f"/v1/timeline?as_of={RENAMED}&bucket=month")["periods"]
    assert [(period["start"], period["count"]) for period in now] == [("2021-08-01", 2), ("2021-09-01", 1)]


def test_facets_count_what_was_there_then(past: FlaskClient) -> None:
    then = read(past, f"/v1/facets?as_of={SECOND}")["facets"]
    assert then["actor"] == [{"value": "x", "name": "Zinc band", "count": 2}]
    assert [(each["value"], each["count"]) for each in then["province"]] == [("AF-PAN", 1)]
    assert [(each["value"], each["count"]) for each in then["dataset"]] == [("local", 2), ("field", 1)]
    assert [(each["value"], each["count"]) for each in then["status"]] == [("reported", 2), ("disputed", 1)]
    assert [each["value"] for each in read(past, "/v1/facets")["facets"]["province"]] == ["AF-KAB"]


# Actors are those of today


def test_names_and_memberships_are_those_of_today(past: FlaskClient) -> None:
    [raid, *_] = read(past, f"/v1/events?as_of={FIRST}")["events"]
    assert raid["actors"] == [{"id": "x", "name": "Zinc band", "role": "side-a"}]
    assert (found(past, FIRST, "q=zinc"), found(past, FIRST, "q=xenon")) == (["a"], [])
    assert (found(past, MOVED, "actor=w"), found(past, SECOND, "actor=w")) == (["a"], [])


def test_what_was_said_of_a_merged_actor_was_said_of_what_it_became(story: FlaskClient) -> None:
    done(story.post("/v1/actors/x/merge", json={"into": "w"}))
    for moment, ids in ((FIRST, ["a"]), (MOVED, ["b", "a"])):
        assert found(story, moment, "actor=w") == found(story, moment, "actor=x") == ids
    [raid] = read(story, f"/v1/events?as_of={FIRST}&claimant=x")["events"]
    assert raid["actors"] == [{"id": "w", "name": "Willow band", "role": "side-a"}]
    assert raid["claims"][0]["claimant"] == {"id": "w", "name": "Willow band"}
    assert raid["version"] == read(story, "/v1/events/a?version=1")["version"] == 1
    assert found(story, FIRST, "q=zinc") == ["a"], "its name is an alias now"


def test_a_deleted_actor_keeps_its_last_name_in_the_past(story: FlaskClient) -> None:
    done(merge(story, "/v1/events/b", {"actors": []}))
    done(story.delete("/v1/actors/x", headers=ANY), 204)
    [raid] = read(story, f"/v1/events?as_of={FIRST}")["events"]
    assert raid["actors"] == [{"id": "x", "name": "Zinc band", "role": "side-a"}]
    assert found(story, FIRST, "q=zinc") == ["a"]
    assert read(story, f"/v1/facets?as_of={FIRST}")["facets"]["actor"] == [
        {"value": "x", "name": "Zinc band", "count": 1}
    ]
    assert refusal(story, f"/v1/events?as_of={FIRST}&actor=x")["code"] == "unknown-actor"


@pytest.mark.parametrize(
    ("moment", "status", "version"),
    [(FIRST, 404, None), (SECOND, 200, 1), (DELETED, 410, None), (RESTORED, 200, 3), (RENAMED, 200, 3)],
)
def test_an_event_at_a_moment_is_there_not_yet_or_no_longer(
    past: FlaskClient, moment: str, status: int, version: int | None
) -> None:
    answer = past.get(f"/v1/events/b?as_of={moment}")
    if version is None:
        problem(answer, status)
        return
    assert body(answer)["version"] == version
    assert answer.headers["ETag"].strip('"').partition(".")[0] == str(version)
    assert answer.headers["X-Sequence"] == {SECOND: "6", RESTORED: "9", RENAMED: "11"}[moment]
    again = past.get(f"/v1/events/b?as_of={moment}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.headers["X-Sequence"]) == (304, answer.headers["X-Sequence"])


def test_a_version_and_a_moment_are_not_asked_for_together(past: FlaskClient) -> None:
    assert refusal(past, f"/v1/events/a?version=1&as_of={SECOND}")["code"] == "not-together"


# In pages


@pytest.mark.parametrize("sort", ["date", "-date", "updated", "-updated"])
def test_pages_of_the_past_stay_put_while_others_write(story: FlaskClient, clock: Clock, sort: str) -> None:
    clock.set("2021-09-01T15:00:00Z")
    done(bulk(story, *(event_body(id=f"e{number}", date=f"2021-08-{number + 10}") for number in range(9))))
    asked = f"/v1/events?as_of=2021-09-01T15:00:00Z&sort={sort}&limit=2"
    whole = [page["events"] for page in pages(story, asked)]
    shown, url = list[Any](), asked
    while url:
        page = read(story, url)
        assert page["sequence"] == 20
        shown, url = [*shown, page["events"]], page["next"]
        # In the same millisecond still, so that a reader who came now would be shown these changes.
        number = len(shown)
        done(story.delete(f"/v1/events/e{number}", headers=ANY), 204)
        done(bulk(story, event_body(id=f"e{number + 3}", date="2021-08-01"), event_body(id=f"new{number}")))
    assert shown == whole
    assert len(found(story, "2021-09-01T15:00:00Z")) != sum(map(len, whole))


def test_a_cursor_of_another_moment_is_refused(past: FlaskClient) -> None:
    following = read(past, f"/v1/events?as_of={SECOND}&limit=1")["next"]
    assert refusal(past, following.replace(SECOND, MOVED))["code"] == "cursor-of-another-query"
    assert refusal(past, following.replace(f"as_of={SECOND}&", ""))["code"] == "cursor-of-another-query"


def test_a_page_of_the_past_takes_as_many_statements_however_much_has_changed(
    store: Database, empty_writer: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [event_body(id=f"e{number:03}", tags=["t"]) for number in range(301)]
    done(bulk(empty_writer, *events))
    clock.move(hours=1)
    done(bulk(empty_writer, {**events[0], "tags": []}))
    sent = sent_to(store, monkeypatch)

    def statements(query: str) -> int:
        before = len(sent)
        assert len(read(empty_writer, f"/v1/events?as_of={FIRST}&limit=1000&total=true&{query}")["events"]) == 301
        return len(sent) - before

    queries = ("", "tag=t", "q=happened", "sort=updated", "q=happened&sort=relevance")
    few = [statements(query) for query in queries]
    done(bulk(empty_writer, *({**event, "tags": []} for event in events[1:])))
    assert [statements(query) for query in queries] == few


# The feed


def told(client: FlaskClient, query: str) -> list[tuple[str, int]]:
    """Event or actor, and the version, of each change that the feed tells."""
    return [
        (change.get("event") or change["actor"], change["version"])
        for change in read(client, f"/v1/changes?{query}")["changes"]
    ]


def test_the_feed_as_of_a_moment_ends_with_it(past: FlaskClient) -> None:
    for moment, last in ((BEFORE, 0), (FIRST, 4), (SECOND, 6), (RENAMED, 11)):
        feed = read(past, f"/v1/changes?as_of={moment}")
        assert [change["sequence"] for change in feed["changes"]] == list(range(1, last + 1))
        assert (feed["last"], feed["next"]) == (last, last)
    assert told(past, f"as_of={DELETED}&type=other") == [("b", 1), ("c", 1), ("a", 2), ("b", 2)]


def test_what_leaves_a_filter_is_told_once_more(story: FlaskClient) -> None:
    assert told(story, "tag=mill") == [("a", 1), ("a", 2)]
    assert told(story, "province=AF-KAB") == [("a", 2)]
    assert told(story, "period=2021-08-27") == [("b", 1), ("b", 2), ("b", 3)]
    done(merge(story, "/v1/events/a", {"title": "Another fire"}))
    assert told(story, "q=raid") == [("a", 1), ("a", 2)]
    assert told(story, "q=fire") == [("a", 2), ("a", 3)]
    assert told(story, "tag=no-such-tag") == []


@pytest.mark.parametrize("limit", [1, 2, 500])
def test_next_moves_past_what_did_not_match(past: FlaskClient, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    whole = told(past, "actor=x")
    assert whole == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("b", 3)]
    monkeypatch.setattr(changes, "LOOKED_THROUGH", 3)
    seen, after = list[Any](), 0
    while after < 11:
        piece = read(past, f"/v1/changes?actor=x&after={after}&limit={limit}")
        assert after < piece["next"] <= min(after + 3, 11) and piece["last"] == 11
        seen, after = seen + piece["changes"], piece["next"]
    assert [(change["event"], change["version"]) for change in seen] == whole
    assert told(past, "actor=x&limit=1") == [], "nothing of it is among the first three"


def test_behind_the_end_there_is_nothing_yet(past: FlaskClient) -> None:
    for after in (11, 12, 10**17):
        assert read(past, f"/v1/changes?after={after}") == {"changes": [], "next": after, "last": 11}
    assert entries(past.get("/v1/changes?after=-1")) == [("/after", "out-of-range")]
