"""The page of one event: what happened, who claims what, what it is related to, its history, and its past."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import Database

from schemas.casualties import MEASURES
from service.actor_store import merge_actors, write_actors
from service.catalog import describe_dataset
from service.ledger import ledger
from tests.answers import body as read
from tests.conftest import keyed
from tests.page_reading import Page, page, words
from tests.statements import ask_anew, sent_to
from tests.writing import body, claim, delete_event, put

HOSTILE = """<script>alert('1')</script>"'><img src=x onerror="alert(2)"><b style='x'>{{ 7*7 }}</b>&amp;</td></table>"""
HARMLESS = "x"
# Stands where a claim has no figure.
NONE = "\N{EN DASH}"


def event_page(client: FlaskClient, event: str, query: str = "", status: int = 200) -> Page:
    return page(client.get(f"/events/{event}{query}"), status)


def test_the_page_tells_what_happened(client: FlaskClient) -> None:
    found = event_page(client, "panjshir-clash")
    assert words(found.one("h1").text) == "Taliban attack at the entrance of the Panjshir valley is repelled"
    for told in (
        "30 to 31 August 2021",
        "2021-08-30/2021-08-31",
        "Battle: Armed clash",
        "During the night of Monday 30 to Tuesday 31 August 2021",
        "7 to 8 killed disputed",
        "10 injured not disputed",
        "35.27, 69.26",
        "somewhere near the place",
        "western entrance of the Panjshir valley",
        "Apache-2.0",
        "Facts of a report by RT",
    ):
        assert told in found.text, told
    links = found.links()
    assert links["/actors/taliban"] == "Taliban"
    assert links["/provinces/AF-PAN"] == "Panjshir"
    assert links["/?country=AF"] == "Afghanistan"
    assert links["/?type=battle/armed-clash"] == "Armed clash"
    assert links["/?tag=panjshir-conflict"] == "panjshir-conflict"
    assert links["/?dataset=seed"] == "Afghanistan at the end of August 2021"
    assert {"/v1/events/panjshir-clash", "/v1/events/panjshir-clash/revisions"} <= links.keys()
    assert "/v1/events/panjshir-clash/original" not in links, "it was not imported"
    assert "http://localhost/events/panjshir-clash?version=1" in found.text
    assert found.one("svg", class_="map").attributes["role"] == "img"
    rows = [words(row.text) for row in found.all("tr")]
    assert "Taliban side a" in rows and "National Resistance Front side b" in rows


def rows_of(found: Page, *classes: str) -> list[str]:
    return [words(row.text) for row in found.all("tr") if set(classes) <= set(row.attributes.get("class", "").split())]


def test_all_claims_stand_side_by_side_by_what_they_count(client: FlaskClient) -> None:
    found = event_page(client, "panjshir-clash")
    assert rows_of(found, "heading") == [
        "Killed: Taliban 4 claims differ: 7 to 8 killed",
        "Injured: National Resistance Front One claim: 2 injured",
        "Injured: Taliban One claim: 8 injured",
        "Statements that count nothing",
    ]
    assert len(rows_of(found, "claim")) == 9
    [dashti, *_] = rows_of(found, "claim")
    assert dashti.startswith("Fahim Dashti asserts 8 8 8 differs Eight attackers died")
    assert dashti.endswith("RT via Reuters 31 August 2021")
    assert any(
        row.startswith(f"Taliban declines to comment {NONE} {NONE} {NONE} no comment")
        for row in rows_of(found, "claim")
    )
    assert found.links()["#source-1"] == "RT via Reuters"
    assert found.one("li", id="source-1").text.strip().startswith("RT: 7 Taliban fighters killed")


@pytest.mark.parametrize(
    ("claims", "verdict", "compared"),
    [
        ([claim()], "One claim: 3 killed", ["no other figure"]),
        ([claim(), claim(low=3)], "2 claims agree: 3 killed", ["agrees", "agrees"]),
        ([claim(), claim(best=5)], "2 claims differ: 3 to 5 killed", ["differs", "differs"]),
        (
            [claim(), claim(), claim(best=5)],
            "3 claims differ: 3 to 5 killed",
            ["agrees with some", "agrees with some", "differs"],
        ),
        ([claim(), claim(best=None, stance="denies")], "Denied, against 3 killed", ["no other figure", "denies"]),
        ([claim(best=9, stance="disputes")], "Disputed", ["disputes"]),
        ([claim(best=None), claim(best=None, stance="declines-to-comment")], "No figure", ["no figure", "no comment"]),
    ],
)
def test_agreement_and_dispute_are_told_in_words_and_by_class(
    claims: list[Any], verdict: str, compared: list[str], store: Database, asking: FlaskClient
) -> None:
    put(store, body(id="a", claims=claims))
    found = event_page(asking, "a")
    assert rows_of(found, "heading") == [f"Killed: in all {verdict}"]
    marks = found.all("span", class_="verdict")
    assert [words(mark.text) for mark in marks] == [verdict, *compared]
    expected = {"agree": "agrees", "differ": "differs", "den": "contests", "disput": "contests"}
    for mark in marks[1:]:
        told = next((name for word, name in expected.items() if words(mark.text).startswith(word)), "alone")
        assert told in mark.attributes["class"].split() or "some" in mark.text


def test_groups_come_in_the_order_of_the_measures(store: Database, asking: FlaskClient) -> None:
    claims = [claim(measure=measure, of="civilians") for measure in (None, *reversed(MEASURES))]
    put(store, body(id="a", claims=[*claims[1:], {"statement": "Nothing is counted."}]))
    headings = rows_of(event_page(asking, "a"), "heading")
    assert [heading.split(":")[0].lower() for heading in headings[:-1]] == list(MEASURES)
    assert all(": civilians " in heading for heading in headings[:-1])
    assert headings[-1] == "Statements that count nothing"


def test_sources_are_linked_where_they_are_pages(store: Database, asking: FlaskClient) -> None:
    sources = [{"publisher": "RT", "url": "https://rt.example/a?b=c&d=e"}, {"publisher": "Nobody"}]
    put(store, body(id="a", sources=sources))
    found = event_page(asking, "a")
    [link] = [link for link in found.all("a") if link.attributes["href"].startswith("https://")]
    assert link.attributes["href"] == "https://rt.example/a?b=c&d=e"
    assert link.attributes["rel"] == "noopener nofollow"
    assert [words(item.text).split(" All")[0] for item in found.all("li") if "source-" in item.attributes.get("id", "")]


def related(**relations: str) -> list[dict[str, str]]:
    return [{"id": event, "relation": relation} for event, relation in relations.items()]


def test_related_events_stand_on_both_pages(store: Database, asking: FlaskClient) -> None:
    put(
        store,
        body(id="a", title="Alpha", date="2021-08-01"),
        body(id="b", title="Beta", related=related(a="follows")),
        body(id="c", title="Gamma", date="2021-08", related=related(a="part-of")),
    )
    assert "This follows Alpha, 1 August 2021" in event_page(asking, "b").text
    told = event_page(asking, "a").text
    assert "This is followed by Beta, 26 August 2021" in told
    assert "This has as a part Gamma, August 2021" in told
    put(store, body(id="b", title="Beta"))
    assert "Beta" not in event_page(asking, "a").text, "it does not follow any more"
    delete_event(store, "a")
    assert "This is part of a (deleted)" in event_page(asking, "c").text


def test_the_history_says_what_changed_in_words(store: Database, asking: FlaskClient) -> None:
    first = body(
        id="a",
        title="Old title",
        tags=["one"],
        location={"province": "AF-PAN"},
        sources=[{"ref": "rt", "publisher": "RT"}],
        claims=[claim(claimant={"name": "Somebody"}, source="rt"), claim(measure="injured", best=1)],
    )
    second = body(
        id="a",
        title="New title",
        date="2021-08-27~",
        type="battle",
        tags=["two"],
        location={"province": "AF-KAB", "latitude": 34.5, "longitude": 69.2},
        sources=[{"ref": "rt", "publisher": "RT", "title": "Later"}],
        claims=[claim(claimant={"name": "Somebody"}, source="rt", best=5), claim(measure="missing", best=2)],
    )
    put(store, first, by="newsdesk")
    put(store, second, by="editor", reason="A better look")
    found = event_page(asking, "a")
    changes = [words(item.text) for item in found.all("li") if "changed" in item.text or ": " in item.text]
    for told in (
        "title changed from Old title to New title",
        "date changed from 26 August 2021 (2021-08-26) to about 27 August 2021 (2021-08-27~)",
        "type changed from Other to Battle",
        "place changed from Panjshir, Afghanistan to Kabul, Afghanistan",
        "coordinates added: 34.5, 69.2",
        "figures changed from 3 killed; 1 injured to 5 killed; 2 missing",
        "claim's figure of Somebody changed from 3 killed to 5 killed",
        "claim of the source removed: asserts 1 injured",
        "claim of the source added: asserts 2 missing",
        "source's title of RT added: Later",
        "tag removed: one",
        "tag added: two",
    ):
        assert told in changes, told
    assert "Version 2: updated" in found.text and "by editor" in found.text and "Reason: A better look" in found.text
    assert "Version 1: created" in found.text and "by newsdesk" in found.text
    assert found.links()["/events/a?version=1"] == "Show version 1"


def test_a_long_text_is_shown_where_it_begins_to_differ(store: Database, asking: FlaskClient) -> None:
    begins = "The same words over and over. " * 50
    put(store, body(id="a", summary=begins + "It was Monday."))
    put(store, body(id="a", summary=begins + "It was Tuesday."))
    found = event_page(asking, "a")
    [change] = [words(item.text) for item in found.all("li") if words(item.text).startswith("summary")]
    assert "It was Monday." in change and "It was Tuesday." in change and len(change) < 400


def test_a_past_version_is_shown_under_a_banner(store: Database, asking: FlaskClient) -> None:
    put(store, body(id="a", title="Old"))
    put(store, body(id="a", title="New"))
    found = event_page(asking, "a", "?version=1")
    assert words(found.one("h1").text) == "Old"
    banner = words(found.one("div", class_="banner").text)
    assert "This is version 1 of 2." in banner and "It has changed since." in banner
    assert found.links()["/events/a"] == "Show the event as it is known today"
    assert "/v1/events/a?version=1" in found.links()
    assert "current" in words(event_page(asking, "a", "?version=2").one("div", class_="banner").text)
    assert not event_page(asking, "a").all("div", class_="banner")
    event_page(asking, "a", "?version=3", 404)
    event_page(asking, "a", "?as_of=2001-01-01T00:00Z", 404)


def test_what_was_known_at_a_time_is_shown_under_a_banner(client: FlaskClient) -> None:
    found = event_page(client, "panjshir-clash", f"?as_of={read(client.get('/v1/events/panjshir-clash'))['updated']}")
    assert "This is what had been recorded by" in words(found.one("div", class_="banner").text)


@pytest.mark.parametrize("query", ["?version=0", "?version=x", "?nothing=1", "?as_of=9999-01-01T00:00Z"])
def test_what_the_address_cannot_ask_is_told(client: FlaskClient, query: str) -> None:
    found = event_page(client, "panjshir-clash", query, 422)
    assert "cannot be shown" in found.text
    assert found.one("form").attributes["action"] == "/events/panjshir-clash"


def test_a_version_and_a_time_together_are_refused(client: FlaskClient) -> None:
    event_page(client, "panjshir-clash", "?version=1&as_of=2026-01-01T00:00Z", 422)


def test_a_deleted_event_is_gone_and_keeps_its_revisions(store: Database, asking: FlaskClient) -> None:
    put(store, body(id="a", title="Once there"))
    put(store, body(id="a", title="Still there"))
    delete_event(store, "a")
    found = event_page(asking, "a", status=410)
    assert "This event was deleted" in found.text and "Still there" in found.text
    assert "Version 3: deleted" in found.text and "title changed from Once there to Still there" in found.text
    assert {"/v1/events/a/revisions", "/events/a?version=2"} <= found.links().keys()
    past = event_page(asking, "a", "?version=2")
    assert "The event has been deleted since" in past.text
    event_page(asking, "a", "?version=3", 410)


def test_a_long_history_of_a_deleted_event_comes_in_pages_too(store: Database, asking: FlaskClient) -> None:
    for number in range(25):
        put(store, body(id="a", title=f"Title {number}"))
    delete_event(store, "a")
    first = event_page(asking, "a", status=410)
    [older] = [link for link in first.links() if "before=" in link]
    second = event_page(asking, "a", older.removeprefix("/events/a").removesuffix("#history"), 410)
    assert "Version 26: deleted" in first.text and "Version 26: deleted" not in second.text
    assert "Version 1: created" in second.text and "Its title was Title 24" in second.text


def test_older_history_is_read_beside_the_version_that_is_shown(store: Database, asking: FlaskClient) -> None:
    for number in range(25):
        put(store, body(id="a", title=f"Title {number}"))
    [older] = [link for link in event_page(asking, "a", "?version=24").links() if "before=" in link]
    assert (
        "Title 23" in event_page(asking, "a", older.removeprefix("/events/a").removesuffix("#history")).one("h1").text
    )


def test_an_event_that_never_was_is_not_found(client: FlaskClient) -> None:
    for event in ("no-such-event", "Panjshir-Clash", "%00", "x" * 5000, "a/b", "%3Cscript%3E"):
        assert "/" in event_page(client, event, status=404).links()


def test_a_long_history_comes_in_pages(store: Database, asking: FlaskClient) -> None:
    for number in range(25):
        put(store, body(id="a", title=f"Title {number}"))
    found = event_page(asking, "a")
    assert "title changed from Title 23 to Title 24" in found.text
    assert "Version 6:" in found.text and "Version 5:" not in found.text
    [older] = [at for at, told in found.links().items() if told == "Older versions"]
    assert "Version 5:" in page(asking.get(older.partition("#")[0])).text


def hostile(text: str) -> dict[str, Any]:
    """An event that has a text wherever an event can have one."""
    tag = text[:60].replace(",", "")
    return body(
        id="a",
        title=text,
        summary=f"{text}\n{text}",
        location={"country": "AF", "place": text, "district": text, "as_given": text},
        actors=[{"id": "one", "role": "side-a"}],
        claims=[
            claim(claimant={"name": text}, statement=text, source=text),
            claim(claimant={"id": "one"}, of="one", statement=text),
            {"claimant": {"id": "one"}, "of": "one", "statement": text},
        ],
        sources=[
            {"ref": text, "publisher": text, "title": text, "via": text, "url": "https://a.example/?a='&b"},
            {"ref": "b", "publisher": text},
        ],
        tags=[tag],
        dataset="local",
    )


def hostile_page(store: Database, client: FlaskClient, text: str, by: str) -> Page:
    """The page of an event, changed once in all of its texts, whose actor and dataset have the text too."""
    write_actors(store, [{"id": "one", "name": text, "aliases": [text + "2"], "description": text}], by="test")
    with store.atomic(), ledger(store, "test") as log:
        describe_dataset(log, {"id": "local", "title": text, "licence": text, "citation": text})
    other = body(id="b", title=text, related=related(a="follows"))
    for event in (hostile(f"?{text}"), hostile(text), other):
        assert not put(store, event, by=by, reason=text).rejected
    return event_page(client, "a")


def test_stored_text_is_text_and_nothing_else(empty_app: Flask) -> None:
    store, client = empty_app.extensions["dateline"]["database"], empty_app.test_client()
    found = hostile_page(store, client, HOSTILE, HOSTILE)
    assert found.text.count("<script>alert('1')</script>") > 25
    assert "<b style='x'>{{ 7*7 }}</b>&amp;" in found.text
    assert not found.all("img", src="x") and not found.all("b")
    assert all(script.attributes["src"].startswith("/assets/") for script in found.all("script"))


def test_stored_text_changes_nothing_of_the_page_but_its_text(empty_app: Flask) -> None:
    store, client = empty_app.extensions["dateline"]["database"], empty_app.test_client()
    harmless = hostile_page(store, client, HARMLESS, HARMLESS)
    delete_event(store, "a")
    gone = event_page(client, "a", status=410)
    restored = keyed(empty_app).post("/v1/events/a/restore", json={"version": 2})
    assert restored.status_code == 200
    found = hostile_page(store, client, HOSTILE, HOSTILE)
    sections = ("section", "table", "tr", "h2", "dt", "figure", "form", "input", "script", "img", "link", "svg")
    assert [part for part in found.shape() if part[0] in sections] == [
        part for part in harmless.shape() if part[0] in sections
    ]
    delete_event(store, "a")
    assert {part for part in event_page(client, "a", status=410).shape()} == set(gone.shape())


def test_a_merged_actor_is_named_as_what_it_has_become(store: Database, asking: FlaskClient) -> None:
    write_actors(store, [{"id": "old", "name": "Old"}, {"id": "new", "name": "New"}], by="test")
    put(store, body(id="a", actors=[{"id": "old"}]))
    merge_actors(store, "old", "new", by="test")
    found = event_page(asking, "a")
    assert found.links()["/actors/new"] == "New" and "/actors/old" not in found.links()


def statements(app: Flask, monkeypatch: pytest.MonkeyPatch, path: str) -> int:
    """How many statements a page sends, once the store is known to be readable."""
    client = app.test_client()
    ask_anew(client)
    client.get("/")
    with monkeypatch.context() as patched:
        sent = sent_to(app.extensions["dateline"]["database"], patched)
        assert client.get(path).status_code == 200
    return sum(not sql.startswith(("BEGIN", "COMMIT", "SET ")) for sql in sent)


def test_the_number_of_statements_does_not_grow(empty_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    store = empty_app.extensions["dateline"]["database"]
    names = [f"actor-{number}" for number in range(60)]
    write_actors(store, [{"id": name, "name": name} for name in names], by="test")
    put(store, body(id="z"), body(id="small", actors=["actor-0"], related=related(z="follows")))
    put(store, body(id="y", related=related(small="follows")))
    others = [body(id=f"other-{number}", related=related(small="follows")) for number in range(70)]
    few = statements(empty_app, monkeypatch, "/events/small")
    put(store, *others)
    large = body(
        id="small",
        actors=names,
        claims=[claim(of=name, claimant={"id": name}) for name in names],
        related=[{"id": f"other-{number}", "relation": "causes"} for number in range(70)],
    )
    put(store, large)
    for number in range(30):
        put(store, {**large, "title": f"Title {number}"})
    assert statements(empty_app, monkeypatch, "/events/small") == few <= 12


def test_a_page_that_is_held_is_not_sent_again(store: Database, asking: FlaskClient) -> None:
    put(store, body(id="a"))
    answer = asking.get("/events/a")
    again = asking.get("/events/a", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert asking.get("/events/a", headers={"If-None-Match": "*"}).status_code == 304
    assert asking.get("/events/nothing", headers={"If-None-Match": "*"}).status_code == 404
    put(store, body(id="a", title="Other"))
    assert asking.get("/events/a", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200
