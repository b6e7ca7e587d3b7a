"""The list of events answers each filter as the contract says, and one event looks exactly as it promises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from peewee import Database

from schemas.query import EVENT_MEMBERS
from service import events
from service.actor_store import write_actors
from service.app import create_app
from service.database import closing_database
from service.drafts import Draft
from service.event_store import write_events
from service.settings import Settings
from tests.answers import body, ids, pages, problem
from tests.conftest import copied, event_body

MILLISECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

ACTORS: list[dict[str, Any]] = [
    {"id": "army", "name": "The Army", "kind": "state-forces"},
    {"id": "band", "name": "The Band", "aliases": ["Brethren, and Sons"]},
    {"id": "chief", "name": "Élodie Chief", "kind": "person", "member_of": ["band"]},
    {"id": "envoy", "name": "Envoy", "kind": "person"},
]


def place(country: str, province: str | None, latitude: float | None, longitude: float | None) -> dict[str, Any]:
    return {"country": country, "province": province, "latitude": latitude, "longitude": longitude}


def dead(claimant: str | None, low: int, high: int) -> dict[str, Any]:
    return {"claimant": claimant and {"name": claimant}, "measure": "killed", "of": "band", "low": low, "high": high}


NOTES: list[dict[str, Any]] = [
    event_body(id="decade", date="201X"),
    event_body(id="year", date="2021"),
    event_body(id="siege", date="2021-07-01/2021-09-30", type="battle", location=place("AF", None, None, None)),
    event_body(id="month", date="2021-08~"),
    event_body(id="open-start", date="../2021-08-19", dataset="older"),
    event_body(
        id="talks",
        date="2021-08-20",
        type="statement/announcement",
        actors=[{"id": "envoy", "role": "speaker"}, {"id": "chief", "role": "participant"}],
        claims=[{"claimant": "envoy", "stance": "asserts", "statement": "There will be peace."}],
        sources=[{"publisher": "Notes, Daily"}],
        tags=["peace", "Peace"],
    ),
    event_body(
        id="march",
        date="2021-08-21",
        type="protest/peaceful-protest",
        status="confirmed",
        location=place("PK", "PK-PB", 31.5, 74.3),
        sources=[{"publisher": "Évening Post"}, {"publisher": "Notes, Daily"}],
    ),
    event_body(
        id="raid",
        date="2021-08-21T10:30",
        type="battle/armed-clash",
        status="disputed",
        location=place("AF", "AF-KAN", 31.6, 65.7),
        actors=[{"id": "army", "role": "side-a"}, {"id": "band", "role": "side-b"}],
        claims=[dead("The Army", 2, 5), dead("A villager", 9, 9)],
        tags=["peace"],
    ),
    event_body(id="east", date="2021-08-21T10:31", location=place("FJ", None, -16.5, 179.9)),
    event_body(id="west", date="2021-08-21T10:32", location=place("FJ", None, -16.5, -180), claims=[dead(None, 4, 4)]),
    event_body(id="open-end", date="2021-08-22/.."),
]
ORDER = [note["id"] for note in NOTES]


@contextmanager
def noted(url: str) -> Iterator[FlaskClient]:
    """A client of an application over the events above, written in an order that is not theirs."""
    app = create_app(Settings(database_url=url))
    with closing_database(app.extensions["dateline"]["database"]) as database:
        write_actors(database, ACTORS, by="test")
        drafts = [Draft(line, note) for line, note in enumerate(sorted(NOTES, key=lambda note: note["id"][::-1]), 1)]
        assert write_events(database, drafts, by="test").rejected == []
        yield app.test_client()


@pytest.fixture(scope="module")
def read_notes(
    engine: str, golden: dict[str, str], tmp_path_factory: pytest.TempPathFactory, server: str | None
) -> Iterator[FlaskClient]:
    """Such a client for the tests that only read."""
    with copied("empty", engine, golden, tmp_path_factory.mktemp("notes"), server) as url, noted(url) as client:
        yield client


@pytest.fixture
def notes(engine: str, request: pytest.FixtureRequest) -> Iterator[FlaskClient]:
    """Such a client: over a store of the test's own where the test asks for the database as well."""
    if "empty_database" not in request.fixturenames:
        yield request.getfixturevalue("read_notes")
        return
    with noted(request.getfixturevalue("empty_url")) as client:
        yield client


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ORDER),
        ("sort=date", ORDER),
        ("sort=-date", ORDER[::-1]),
        # Actors: ids, names, members, any and all.
        ("actor=army", ["raid"]),
        ("actor=THE+ARMY", ["raid"]),
        ("actor=band", ["talks", "raid"]),
        ("actor=elodie-chief", ["talks"]),
        ("actor=Brethren,+and+Sons", ["talks", "raid"]),
        ("actor=army,envoy", ["talks", "raid"]),
        ("actor=army,+Brethren+and+sons", ["talks", "raid"]),
        ("actor=band&actor=envoy", ["talks"]),
        ("actor=army&actor=envoy", []),
        ("actor=army,envoy&actor=band,chief", ["talks", "raid"]),
        ("actor=army&actor=army", ["raid"]),
        ("actor=band&role=side-b", ["raid"]),
        ("actor=band&role=participant", ["talks"]),
        ("actor=band&role=side-a", []),
        ("actor=army,band&role=side-a", ["raid"]),
        ("actor=army&actor=band&role=side-a", []),
        # Places.
        ("province=Kandahar", ["raid"]),
        ("province=AF-KAN,PK-PB", ["march", "raid"]),
        ("province=Kandahar+Province", ["raid"]),
        ("province=AF-PAN", []),
        ("country=AF", ["siege", "raid"]),
        ("country=Pakistan,fj", ["march", "east", "west"]),
        ("country=PK&province=AF-KAN", []),
        ("bbox=65,31,66,32", ["raid"]),
        ("bbox=65.7,31.6,65.7,31.6", ["raid"]),
        ("bbox=-180,-90,180,90", ["march", "raid", "east", "west"]),
        ("bbox=179,-17,-179,-16", ["east", "west"]),
        ("bbox=-179,-17,179,-16", []),
        # Time: what may touch it, what lies inside for certain, and what has its place there.
        ("from=2021-08-21&to=2021-08-21", ["year", "siege", "month", "march", "raid", "east", "west"]),
        ("from=2021-08-21&to=2021-08-21&match=possible", ["year", "siege", "month", "march", "raid", "east", "west"]),
        ("from=2021-08-21&to=2021-08-21&match=certain", ["march", "raid", "east", "west"]),
        ("from=2021-08-21T10:30&to=2021-08-21T10:31", ["year", "siege", "month", "march", "raid", "east"]),
        ("from=2021-08-21T10:30&to=2021-08-21T10:31&match=certain", ["raid", "east"]),
        ("to=2021-08-19", ["decade", "year", "siege", "month", "open-start"]),
        ("to=2021-08-18", ["decade", "year", "siege", "month", "open-start"]),
        ("to=2021-08-18&match=certain", ["decade"]),
        ("to=2021-08-19&match=certain", ["decade", "open-start"]),
        ("from=2021-09", ["year", "siege", "open-end"]),
        ("from=2021-08-22&match=certain", ["open-end"]),
        ("from=2022", ["open-end"]),
        ("from=9999", ["open-end"]),
        ("to=1000", ["open-start"]),
        ("from=2010&to=201X", ["decade", "open-start"]),
        ("from=2021&to=2021&match=certain", [i for i in ORDER if i not in ("decade", "open-start", "open-end")]),
        ("period=2021-08-21", ["march", "raid", "east", "west"]),
        ("period=2021-08-21T10:30", ["raid"]),
        ("period=2021-08", ["month", "open-start", "talks", "march", "raid", "east", "west", "open-end"]),
        ("period=2021-07-01/2021-08-19", ["siege", "month", "open-start"]),
        ("period=../2021-01-01", ["decade", "year"]),
        ("period=2021-08-21/..", ["march", "raid", "east", "west", "open-end"]),
        # Words.
        ("type=battle", ["siege", "raid"]),
        ("type=battle/armed-clash", ["raid"]),
        ("type=battle/armed-clash,protest", ["march", "raid"]),
        ("type=explosion", []),
        ("status=confirmed", ["march"]),
        ("status=confirmed,disputed", ["march", "raid"]),
        ("tag=peace", ["talks", "raid"]),
        ("tag=Peace", ["talks"]),
        ("tag=nobody-uses-this", []),
        ("tag=nobody-uses-this,Peace", ["talks"]),
        ("dataset=older", ["open-start"]),
        ("dataset=older,local", ORDER),
        ("publisher=notes+daily", ["talks", "march"]),
        ("publisher=Notes,+Daily", ["talks", "march"]),
        ("publisher=evening+post", ["march"]),
        ("publisher=Evening+Post,notesdaily", ["talks", "march"]),
        ("claimant=envoy", ["talks"]),
        ("claimant=a+villager", ["raid"]),
        # A claimant by name who is an actor is that actor.
        ("claimant=army", ["raid"]),
        ("claimant=envoy,A+Villager", ["talks", "raid"]),
        # Figures.
        ("min_killed=9", ["raid"]),
        ("min_killed=10", []),
        ("min_killed=4", ["raid", "west"]),
        ("disputed=true", ["raid"]),
        ("disputed=false", [i for i in ORDER if i != "raid"]),
        # Several filters hold together.
        ("actor=band&province=AF-KAN&type=battle&from=2021-08-21&min_killed=9&disputed=true&tag=peace", ["raid"]),
        ("actor=band&country=AF&sort=-date", ["raid"]),
        ("country=AF,FJ,PK&sort=-date", ["west", "east", "raid", "march", "siege"]),
    ],
)
def test_each_filter_finds_what_it_names_in_the_order_of_the_timeline(
    notes: FlaskClient, query: str, expected: list[str]
) -> None:
    answer = body(notes.get(f"/v1/events?{query}&total=true"))
    assert [event["id"] for event in answer["events"]] == expected
    assert answer["total"] == len(expected)
    assert answer["next"] is None


def test_order_by_last_change_follows_the_changes(notes: FlaskClient, empty_database: Database) -> None:
    changed = [Draft(1, {**note, "summary": "New."}) for note in NOTES if note["id"] == "month"]
    assert write_events(empty_database, changed, by="test").updated == 1
    assert ids(notes, "sort=-updated")[0] == "month"
    # All others were written at once, so their ids decide.
    assert ids(notes, "sort=updated") == [*sorted(set(ORDER) - {"month"}), "month"]
    assert ids(notes, "sort=-updated") == ids(notes, "sort=updated")[::-1]


def test_a_hundred_of_everything_is_answered(client: FlaskClient) -> None:
    units = [unit["code"] for unit in body(client.get("/v1/provinces?country=TR"))["provinces"]]
    units += [unit["code"] for unit in body(client.get("/v1/provinces?country=AF"))["provinces"]]
    provinces = ",".join(units[-100:])
    query = f"province={provinces}&from=2021-08-01&to=2021-08-31&total=true"
    for more in ("", "&actor=taliban", "&sort=-updated", "&actor=taliban,nrf,is-k&type=battle,explosion"):
        assert client.get(f"/v1/events?{query}{more}").status_code == 200
    every_tag = ",".join(f"tag {number}" for number in range(99)) + ",baghlan"
    assert len(ids(client, f"tag={every_tag}")) == 3
    all_of_them = "&".join(["actor=taliban,nrf"] * 100)
    assert len(ids(client, all_of_them)) == 7


def test_the_answer_has_the_members_of_the_contract_in_their_order(client: FlaskClient) -> None:
    answer = body(client.get("/v1/events?actor=Taliban&province=Panjshir"))
    assert list(answer) == ["events", "next", "query", "sequence"]
    assert answer["query"] == {"actor": [["taliban"]], "province": ["AF-PAN"], "sort": "date", "limit": 100}
    assert list(body(client.get("/v1/events?total=true"))) == ["events", "next", "query", "sequence", "total"]
    assert body(client.get("/v1/events?total=false")).get("total") is None


def test_an_event_has_every_member_in_the_order_of_the_contract(client: FlaskClient) -> None:
    [listed] = body(client.get("/v1/events?actor=nrf&type=battle"))["events"]
    event = body(client.get("/v1/events/panjshir-clash"))
    assert event == listed
    text = json.dumps(event)
    assert text == json.dumps(listed), "the order is the same in a list"
    assert list(event) == list(EVENT_MEMBERS)
    assert list(event["location"]) == [
        "country", "province", "district", "place", "latitude", "longitude", "precision", "as_given",
    ]  # fmt: skip
    assert event["location"]["province"] == {"code": "AF-PAN", "name": "Panjshir"}
    assert list(event["location"]["province"]) == ["code", "name"]
    assert [list(actor) for actor in event["actors"]] == [["id", "name", "role"]] * 2
    assert list(event["casualties"]) == ["killed", "injured"]
    assert list(event["casualties"]["killed"]) == ["low", "best", "high", "disputed"]
    for claim in event["claims"]:
        assert list(claim) == [
            "claimant", "stance", "statement", "measure", "of", "low", "best", "high", "source", "date", "preferred",
        ]  # fmt: skip
        assert claim["claimant"] is None or list(claim["claimant"]) in (["id", "name"], ["name"])
    for source in event["sources"]:
        assert list(source) == ["ref", "publisher", "title", "url", "published", "via"]
    assert [list(relation) for relation in event["related"]] == [["id", "relation"]] * len(event["related"])
    assert MILLISECONDS.fullmatch(event["created"])
    assert MILLISECONDS.fullmatch(event["updated"])


def test_an_event_with_nothing_but_title_and_date_shows_the_defaults_and_nulls(notes: FlaskClient) -> None:
    event = body(notes.get("/v1/events/month"))
    assert event == {
        "id": "month",
        "title": "Something happened",
        "summary": None,
        "date": "2021-08~",
        "start": "2021-08-01",
        "end": "2021-08-31",
        "precision": "month",
        "qualifier": "approximate",
        "type": "other",
        "status": "reported",
        "location": None,
        "actors": [],
        "casualties": {},
        "claims": [],
        "sources": [],
        "related": [],
        "tags": [],
        "dataset": "local",
        "version": 1,
        "created": event["created"],
        "updated": event["created"],
    }
    assert list(event) == list(EVENT_MEMBERS)


@pytest.mark.parametrize(
    ("event_id", "expected"),
    [
        ("raid", ("2021-08-21T10:30", "2021-08-21T10:30", "minute", None)),
        ("open-start", (None, "2021-08-19", "day", None)),
        ("open-end", ("2021-08-22", None, "day", None)),
        ("decade", ("2010-01-01", "2019-12-31", "decade", None)),
        ("year", ("2021-01-01", "2021-12-31", "year", None)),
    ],
)
def test_dates_show_what_they_can_mean(notes: FlaskClient, event_id: str, expected: tuple[str | None, ...]) -> None:
    event = body(notes.get(f"/v1/events/{event_id}"))
    assert (event["start"], event["end"], event["precision"], event["qualifier"]) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("title", ["id", "title"]),
        ("id", ["id"]),
        ("tags,title,id,date", ["id", "title", "date", "tags"]),
        ("title,+title", ["id", "title"]),
        (",".join(EVENT_MEMBERS), list(EVENT_MEMBERS)),
    ],
)
def test_fields_choose_the_members_in_the_order_of_the_event(
    client: FlaskClient, fields: str, expected: list[str]
) -> None:
    whole = body(client.get("/v1/events"))
    chosen = body(client.get(f"/v1/events?fields={fields}"))
    assert [list(event) for event in chosen["events"]] == [expected] * 9
    assert chosen["events"] == [{name: event[name] for name in expected} for event in whole["events"]]
    assert chosen["query"]["fields"] == expected


def test_text_comes_back_exactly_as_it_was_given(notes: FlaskClient, empty_database: Database) -> None:
    title = 'a "quote", a \\ back-slash, a line\nbreak,\u2028\u2029 \u0001 \u200f e\u0301 é 🕊 </script> ,\n{"'
    write_events(empty_database, [Draft(1, event_body(id="text", title=title, tags=["ü 🕊\n"]))], by="test")
    assert body(notes.get("/v1/events/text"))["title"] == title
    [event] = [event for event in body(notes.get("/v1/events"))["events"] if event["id"] == "text"]
    assert (event["title"], event["tags"]) == (title, ["ü 🕊\n"])
    # The documents are joined and cut as text: a page that ends at this event must cut it off whole.
    for limit in range(1, 13):
        assert len(body(notes.get(f"/v1/events?limit={limit}&sort=-updated"))["events"]) == limit


def test_an_imported_event_shows_its_record_as_it_was_read(notes: FlaskClient, empty_database: Database) -> None:
    record = {"id": "7", "Ünïcode column": " kept  as it is ", "empty": "", "none": None, "id ": "x"}
    write_events(empty_database, [Draft(1, event_body(id="imported"), original=record)], by="test")
    answer = notes.get("/v1/events/imported/original")
    assert body(answer) == record
    assert list(body(answer)) == list(record)
    problem(notes.get("/v1/events/raid/original"), 404)


def test_sequence_is_that_of_the_last_change(client: FlaskClient, database: Database) -> None:
    before = body(client.get("/v1/events"))["sequence"]
    write_events(database, [Draft(1, event_body(id="one")), Draft(2, event_body(id="two"))], by="test")
    answer = client.get("/v1/events?actor=nrf")
    assert body(answer)["sequence"] == before + 2
    assert answer.headers["X-Sequence"] == str(before + 2)


def test_an_original_and_its_sequence_are_of_one_moment(
    client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def imported(cell: str) -> list[Draft]:
        return [Draft(1, event_body(id="imported"), original={"cell": cell})]

    def find_and_write(reader: Database, event_id: str) -> events.Found:
        found = find(reader, event_id)
        write_events(database, imported("two"), by="test")
        return found

    write_events(database, imported("one"), by="test")
    before = client.get("/v1/events/imported").headers["X-Sequence"]
    find = events.find_event
    monkeypatch.setattr(events, "find_event", find_and_write)
    answer = client.get("/v1/events/imported/original")
    assert (answer.headers["X-Sequence"], answer.headers["ETag"], body(answer)) == (
        before,
        '"1-original"',
        {"cell": "one"},
    )


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        # Lists whose members together fold to another name.
        ("country", "PE,RU", ["PE", "RU"]),
        ("country", "CH,AD", ["CH", "AD"]),
        ("country", "MA,LI", ["MA", "LI"]),
        ("country", "CU,BA", ["CU", "BA"]),
        ("country", "IR,AQ", ["IR", "AQ"]),
        ("country", "GU,AM", ["GU", "AM"]),
        ("province", "Charente,Maritime", ["FR-16", "TG-M"]),
        # Names that hold commas, alone and among others.
        ("country", "Congo, Democratic Republic of the", ["CD"]),
        ("country", "Congo, Democratic Republic of the,AF", ["CD", "AF"]),
        ("country", "AF, Korea, South ,Congo", ["AF", "KR", "CG"]),
        ("country", "Congo,Korea, South", ["CG", "KR"]),
        ("province", "London, City of", ["GB-LND"]),
        ("province", "AF-PAN,London, City of,Kabul", ["AF-PAN", "GB-LND", "AF-KAB"]),
        ("province", "AF-PAN,Southern Nations, Nationalities, and Peoples,Kabul", ["AF-PAN", "ET-SN", "AF-KAB"]),
    ],
)
def test_a_list_is_one_name_only_where_the_name_holds_the_commas(
    client: FlaskClient, name: str, text: str, expected: list[str]
) -> None:
    assert body(client.get("/v1/events", query_string={name: text}))["query"][name] == expected


def test_a_name_with_a_comma_is_found_among_others(notes: FlaskClient) -> None:
    assert ids(notes, "publisher=Evening+Post,Notes,+Daily") == ["talks", "march"]
    assert ids(notes, "actor=army,Brethren,+and+Sons,chief") == ["talks", "raid"]


@pytest.mark.parametrize("tag", [" spaced ", " before", "after ", "in  side", "\u00a0hard"])
def test_a_tag_is_found_letter_by_letter_its_spaces_too(notes: FlaskClient, empty_database: Database, tag: str) -> None:
    write_events(empty_database, [Draft(1, event_body(id="spaced", tags=[tag]))], by="test")
    for text in (tag, f"peace,{tag}", f"{tag},peace"):
        found = body(notes.get("/v1/events", query_string={"tag": text}))["events"]
        assert "spaced" in [event["id"] for event in found], text
    other = notes.get("/v1/events", query_string={"tag": f" {tag}"})
    assert body(other)["events"] == []


@pytest.mark.parametrize("name", ["???", "?", "🕊", "?,!", "— —"])
def test_a_name_without_a_letter_is_found_as_it_stands(notes: FlaskClient, empty_database: Database, name: str) -> None:
    said = {"claimant": {"name": name}, "statement": "So."}
    bodies = [event_body(id=f"odd-{number}", sources=[{"publisher": name}], claims=[said]) for number in range(2)]
    drafts = [Draft(line, found) for line, found in enumerate(bodies, 1)]
    assert write_events(empty_database, drafts, by="test").rejected == []
    for parameter, other in (("publisher", "Évening Post"), ("claimant", "envoy")):
        assert ids(notes, f"{parameter}={quote(name)}") == ["odd-0", "odd-1"]
        for text in (f"{other},{name}", f"{name},{other}"):
            found = pages(notes, f"/v1/events?limit=1&{parameter}={quote(text)}")
            assert {event["id"] for page in found for event in page["events"]} > {"odd-0", "odd-1"}
        assert notes.get(f"/v1/events?{parameter}={quote(name)}%3F").status_code == 422
