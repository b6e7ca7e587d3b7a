"""Following ``next`` shows every event once, in order, and a cursor is taken only where it was given."""

from __future__ import annotations

import base64
import hashlib
import string
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from peewee import Database

from schemas.query import TimelineQuery
from service.actor_store import write_actors
from service.drafts import Draft
from service.event_store import write_events
from tests.answers import body, ids, pages, refusal
from tests.conftest import event_body

SORTS = ("date", "-date", "updated", "-updated")


def shown(found: list[Any], listed: str = "events") -> list[str]:
    return [item["id"] for page in found for item in page[listed]]


def cursor_of(page: dict[str, Any]) -> str:
    [text] = parse_qs(urlsplit(str(page["next"])).query)["cursor"]
    return text


def cursor(client: FlaskClient, query: str) -> str:
    return cursor_of(body(client.get("/v1/events?" + query)))


@pytest.mark.parametrize(
    "query",
    ["total=false", "actor=taliban", "province=Kabul,Baghlan,Panjshir", "from=2021-08-26&to=2021-08-31&disputed=false"],
)
def test_the_pages_together_are_the_whole_list(client: FlaskClient, query: str) -> None:
    for sort in SORTS:
        whole = ids(client, f"{query}&sort={sort}")
        for limit in (1, 2, 4, 8, 9, 10):
            found = pages(client, f"/v1/events?{query}&sort={sort}&limit={limit}")
            assert shown(found) == whole, (sort, limit)
            assert [len(page["events"]) for page in found[:-1]] == [limit] * (len(found) - 1)
            assert found[-1]["events"], "there is no empty page at the end"
            assert all(page["query"] == found[0]["query"] for page in found)


def test_backwards_is_exactly_the_reverse(client: FlaskClient) -> None:
    for sort in ("date", "updated"):
        forwards = shown(pages(client, f"/v1/events?sort={sort}&limit=2"))
        assert shown(pages(client, f"/v1/events?sort=-{sort}&limit=2")) == forwards[::-1]


def test_many_events_of_one_day_are_paged_by_their_ids(client: FlaskClient, database: Database) -> None:
    names = [f"e{number}" for number in range(30)] + ["e", "e-1", "e.1", "e_1", "e1-", "0", "z" * 128]
    drafts = [Draft(line, event_body(id=name, date="1999-09-09", dataset="day")) for line, name in enumerate(names, 1)]
    write_events(database, drafts, by="test")
    for sort in SORTS:
        found = shown(pages(client, f"/v1/events?dataset=day&sort={sort}&limit=3"))
        assert found == sorted(names, reverse=sort.startswith("-"))


def test_the_next_page_keeps_what_was_asked(client: FlaskClient) -> None:
    found = pages(client, "/v1/events?limit=2&fields=title,date&total=true&sort=-date&actor=The+Taliban")
    assert len(found) == 4
    for page in found:
        assert page["total"] == 7
        assert all(list(event) == ["id", "title", "date"] for event in page["events"])
        assert page["query"] == {
            "actor": [["taliban"]],
            "sort": "-date",
            "limit": 2,
            "fields": ["id", "title", "date"],
            "total": True,
        }


def test_every_filter_comes_through_to_the_next_page(client: FlaskClient, database: Database) -> None:
    names = ["Doe, Jane & Sons", "50% + more = #1?", "شاهد", "Doe; Jane / and sons"]
    common = {
        "date": "2021-08-21~",
        "location": {"province": "AF-PAN", "latitude": -0.0000001, "longitude": 70.123456789},
        "actors": [{"id": "nrf", "role": "side-a"}, {"id": "taliban", "role": "side-b"}],
        "claims": [
            {"claimant": {"name": name}, "measure": "killed", "low": number, "high": number}
            for number, name in enumerate(names, 5)
        ],
        "sources": [{"publisher": name} for name in names],
        "tags": ["a&b=c", "50% +", "#?;/", "تگ"],
    }
    drafts = [Draft(number, event_body(id=f"e{number}", **common)) for number in range(1, 6)]
    assert write_events(database, drafts, by="test").rejected == []
    filters: dict[str, Any] = {
        "actor": ["nrf,taliban", "nrf"],
        "role": "side-a",
        "province": "Panjshir,Kabul",
        "country": "Afghanistan,PK",
        "from": "2021-08~",
        "to": "2021-08-31T23:59+04:30",
        "match": "certain",
        "period": "2021-08-01/2021-08-31",
        "type": "other,battle",
        "status": "reported,denied",
        "tag": "50% +,#?;/,تگ,a&b=c",
        "dataset": "local,seed",
        # One form that two names share, and a name with a comma among others.
        "publisher": "doejaneandsons,RT,doejanesons,50 more 1,شاهد",
        "claimant": "doejaneandsons,nrf,doejanesons,50 more 1,شاهد",
        "bbox": "70.123456789,-1e-7,1e2,9.5e0",
        "min_killed": "5",
        "disputed": "true",
        "sort": "-updated",
    }
    answer = client.get("/v1/events", query_string={**filters, "limit": 2, "total": "true"})
    assert body(answer)["total"] == 5
    found = pages(client, body(answer)["next"])
    assert shown([body(answer), *found]) == ["e5", "e4", "e3", "e2", "e1"]
    assert all(page["query"] == body(answer)["query"] for page in found)


@pytest.mark.parametrize(
    "change", ["limit=1", "limit=1000", "fields=title", "total=true", "fields=date&total=true&limit=3", "format=json"]
)
def test_limit_fields_and_total_may_change_under_a_cursor(client: FlaskClient, change: str) -> None:
    whole = ids(client, "actor=taliban")
    found = pages(client, f"/v1/events?actor=taliban&{change}&cursor={cursor(client, 'actor=taliban&limit=2')}")
    assert shown(found) == whole[2:]


def test_a_name_spelt_otherwise_is_the_same_query(client: FlaskClient) -> None:
    given = cursor(client, "actor=taliban&province=Baghlan&limit=1")
    assert (
        ids(client, f"province=AF-BGL&actor=THE+TALIBAN&cursor={given}")
        == ids(client, "actor=taliban&province=Baghlan")[1:]
    )


@pytest.mark.parametrize(
    "query",
    [
        "limit=2",
        "actor=nrf&limit=2",
        "actor=taliban,nrf&limit=2",
        "actor=taliban&actor=taliban&limit=2",
        "actor=taliban&sort=-date",
        "actor=taliban&sort=updated",
        "actor=taliban&country=AF",
        "actor=taliban&from=2021",
        "actor=taliban&disputed=false",
    ],
)
def test_a_cursor_of_another_query_is_refused(client: FlaskClient, query: str) -> None:
    entry = refusal(client, f"/v1/events?{query}&cursor={cursor(client, 'actor=taliban&limit=2')}")
    assert (entry["pointer"], entry["code"]) == ("/cursor", "cursor-of-another-query")


def test_a_mangled_cursor_is_refused_whatever_is_changed(client: FlaskClient) -> None:
    given = cursor(client, "limit=2")
    raw = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
    mangled = [given[:length] for length in range(1, len(given))]
    mangled += [given[:at] + ("A" if letter != "A" else "B") + given[at + 1 :] for at, letter in enumerate(given)]
    # Other spellings of the same bytes: padded, in other letters, in the bits that base64 does not use.
    mangled += [given + "=", given + "==", given + "%3D", given + "A", given + "%20", "%20" + given, given + "%0A"]
    mangled += [given[:-1] + letter for letter in string.ascii_letters + string.digits if letter != given[-1]]
    mangled += [base64.b16encode(raw).decode(), given.swapcase(), given * 2, "2", "-", "_", "null", "%F0%9F%92%A3", "é"]
    for text in mangled:
        entry = refusal(client, f"/v1/events?limit=2&cursor={text}")
        assert (entry["pointer"], entry["code"]) == ("/cursor", "mangled-cursor"), text


def test_a_cursor_of_a_list_of_actors_is_no_cursor_of_events(client: FlaskClient) -> None:
    actors = body(client.get("/v1/actors?limit=2"))
    assert refusal(client, f"/v1/events?cursor={cursor_of(actors)}")["code"] == "mangled-cursor"


@pytest.mark.parametrize("sort", ["date", "-date"])
def test_what_is_written_between_two_pages_neither_skips_nor_repeats(
    client: FlaskClient, database: Database, sort: str
) -> None:
    before = ids(client, f"sort={sort}")
    first = body(client.get(f"/v1/events?sort={sort}&limit=4"))
    write_events(
        database,
        [Draft(1, event_body(id="very-early", date="1990-01-01")), Draft(2, event_body(id="late", date="2021-12-31"))],
        by="test",
    )
    # The event that the next page begins with is changed, but keeps its place.
    kept = body(client.get(f"/v1/events/{before[4]}"))
    write_events(database, [Draft(1, {**kept, "summary": "Changed."})], by="test")
    found = shown([first, *pages(client, first["next"])])
    assert found == [*before, "late" if sort == "date" else "very-early"]


def test_a_cursor_holds_when_its_event_has_moved_away(client: FlaskClient, database: Database) -> None:
    before = ids(client)
    first = body(client.get("/v1/events?limit=4"))
    moved = body(client.get(f"/v1/events/{before[4]}"))
    keep = {name: value for name, value in moved.items() if name not in ("start", "end", "precision", "qualifier")}
    write_events(database, [Draft(1, {**keep, "date": "1990-01-01"})], by="test")
    assert shown(pages(client, first["next"])) == before[5:]


@pytest.mark.parametrize("query", ["", "kind=person", "country=AF", "q=Mohammad+Ashraf", "q=a&kind=person&country=AF"])
def test_the_pages_of_actors_together_are_all_of_them(client: FlaskClient, query: str) -> None:
    whole = shown([body(client.get(f"/v1/actors?{query}"))], "actors")
    assert whole == sorted(whole) != []
    for limit in (1, 3, 15, 16, 17):
        found = pages(client, f"/v1/actors?{query}&limit={limit}")
        assert shown(found, "actors") == whole, limit
        assert [len(page["actors"]) for page in found[:-1]] == [limit] * (len(found) - 1)


def test_a_search_for_actors_comes_through_to_the_next_page(client: FlaskClient, database: Database) -> None:
    several = [{"id": f"a{number}", "name": f"Müller & Söhne, {number}% #1"} for number in range(5)]
    write_actors(database, several, by="test")
    found = pages(client, "/v1/actors?q=M%C3%BCller+%26+S%C3%B6hne,&limit=2")
    assert shown(found, "actors") == ["a0", "a1", "a2", "a3", "a4"]


def test_a_list_of_actors_is_not_taken_for_an_actor_of_their_joined_names(
    client: FlaskClient, database: Database
) -> None:
    write_actors(database, [{"id": name, "name": name.upper()} for name in ("a", "b", "ab")], by="test")
    bodies = [event_body(id=f"of-{name}", actors=[name]) for name in ("a", "b", "ab")]
    write_events(database, [Draft(line, found) for line, found in enumerate(bodies, 1)], by="test")
    assert shown(pages(client, "/v1/events?actor=A,B&limit=1")) == ["of-a", "of-b"]


def test_an_actor_whose_alias_holds_a_comma_is_found_by_it(client: FlaskClient, database: Database) -> None:
    write_actors(database, [{"id": "smith", "name": "J. Smith", "aliases": ["Smith John", "Smith, John"]}], by="test")
    write_events(database, [Draft(1, event_body(id="of-smith", actors=["smith"]))], by="test")
    assert ids(client, "actor=Smith,+John") == ["of-smith"]


@pytest.mark.parametrize(
    ("query", "spelt"),
    [
        ("publisher=The+Courier", [{"sources": [{"publisher": name}]} for name in ("The Courier", "THE COURIER")]),
        ("publisher=The+Courier,RT", [{"sources": [{"publisher": name}]} for name in ("The Courier", "The-Courier")]),
        (
            "claimant=A+Villager",
            [{"claims": [{"claimant": {"name": name}, "statement": "So."}]} for name in ("A villager", "A VILLAGER")],
        ),
        (
            "claimant=nrf,A+Villager",
            [{"claims": [{"claimant": {"name": name}, "statement": "So."}]} for name in ("A villager", "Á villager")],
        ),
    ],
)
@pytest.mark.parametrize("sort", ["date", "-date"])
def test_a_new_spelling_of_a_name_does_not_end_the_reading_in_pages(
    client: FlaskClient, database: Database, query: str, spelt: list[dict[str, Any]], sort: str
) -> None:
    before, since = spelt
    dates = ("1991-01-01", "1992-01-01", "1993-01-01")
    bodies = [event_body(id=f"e{number}", date=day, **before) for number, day in enumerate(dates)]
    write_events(database, [Draft(line, found) for line, found in enumerate(bodies, 1)], by="test")
    query = f"{query}&sort={sort}&to=1999&match=certain"
    expected = ids(client, query)
    first = body(client.get(f"/v1/events?{query}&limit=1"))
    moment = "1990-01-01" if sort == "date" else "1999-01-01"
    write_events(database, [Draft(1, event_body(id="since", date=moment, **since))], by="test")
    assert shown([first, *pages(client, first["next"])]) == expected
    assert len(ids(client, query)) == len(expected) + 1


def test_the_next_page_of_a_name_with_more_spellings_than_a_list_may_hold_is_found(
    client: FlaskClient, database: Database
) -> None:
    spelt = ["Q" + "-" * number + "Post" for number in range(1, 151)]
    bodies = [event_body(id=f"e{line}", sources=[{"publisher": name}]) for line, name in enumerate(spelt)]
    assert (
        write_events(database, [Draft(line, found) for line, found in enumerate(bodies, 1)], by="test").rejected == []
    )
    assert len(shown(pages(client, "/v1/events?publisher=qpost&limit=60"))) == 150


@pytest.mark.parametrize("key", [b"\xff", b"20210826\xc3", b"a\x00b", b"\x00", b"\xed\xa0\x80", b""])
def test_a_cursor_made_by_hand_whose_key_is_no_text_is_mangled(client: FlaskClient, key: bytes) -> None:
    body = TimelineQuery().fingerprint + key
    made = base64.urlsafe_b64encode(hashlib.blake2b(body, digest_size=4).digest() + body).decode().rstrip("=")
    entry = refusal(client, f"/v1/events?cursor={made}")
    assert (entry["pointer"], entry["code"]) == ("/cursor", "mangled-cursor")
