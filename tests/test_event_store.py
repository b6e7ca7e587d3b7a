"""The store of events: what becomes of a batch, versions and times, and names that are resolved or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from peewee import Database

from service import event_store, read_side
from service.actor_store import write_actors
from service.check import check
from service.database import fetch
from service.drafts import Draft, new_event_id
from service.event_store import write_events
from service.ledger import store_state
from service.seeding import read_seed
from tests.writing import body, claim, counts, document, everything, put, rejections

SEED_IDS = [event["id"] for event in read_seed("events")]


# What becomes of a batch


def test_a_batch_is_counted_as_created_updated_unchanged_and_rejected(empty_database: Database) -> None:
    first = put(empty_database, body(id="a"), body(id="b"), body(id="c", title=""))
    assert counts(first) == (3, 2, 0, 0, 1)
    second = put(empty_database, body(id="a"), body(id="b", title="new"), body(id="c"), 5)
    assert counts(second) == (4, 1, 1, 1, 1)
    assert rejections(second) == [(4, "", "wrong-type")]
    assert check(empty_database) == []


def test_the_line_of_a_rejected_draft_is_its_own(empty_database: Database) -> None:
    drafts = [Draft(70, body(id="a")), Draft(7, body(id="B")), Draft(9, body(id="c", actors=["nobody"]))]
    report = write_events(empty_database, drafts, by="tester")
    assert {(item.line, item.id) for item in report.rejected} == {(7, "B"), (9, "c")}


def test_the_same_id_twice_in_a_batch_makes_two_versions(empty_database: Database) -> None:
    report = put(empty_database, body(id="a", title="one"), body(id="a", title="two"), body(id="a", title="two"))
    assert counts(report) == (3, 1, 1, 1, 0)
    assert (document(empty_database, "a")["title"], document(empty_database, "a")["version"]) == ("two", 2)
    assert fetch(empty_database, "SELECT version, operation FROM revision ORDER BY sequence") == [
        (1, "created"),
        (2, "updated"),
    ]
    assert check(empty_database) == []


def test_a_batch_that_changes_nothing_moves_neither_version_nor_sequence(database: Database) -> None:
    before = everything(database)
    report = put(database, *read_seed("events"))
    assert counts(report) == (len(SEED_IDS), 0, 0, len(SEED_IDS), 0)
    assert everything(database) == before


def test_a_batch_of_rejects_keeps_nothing(database: Database) -> None:
    before = everything(database)
    bodies = [body(id="a", actors=["nobody"]), body(id="b", related=[{"id": "none", "relation": "follows"}]), None]
    assert counts(put(database, *bodies)) == (3, 0, 0, 0, 3)
    assert everything(database) == before


def test_an_empty_batch_is_no_write(database: Database) -> None:
    before = store_state(database)
    assert counts(put(database)) == (0, 0, 0, 0, 0)
    assert store_state(database) == before


def test_versions_count_up_and_created_stays(empty_database: Database) -> None:
    stamps = []
    for version in range(1, 5):
        put(empty_database, body(id="a", title=f"title {version}"))
        answer = document(empty_database, "a")
        assert answer["version"] == version
        stamps.append((answer["created"], answer["updated"]))
    assert {created for created, _ in stamps} == {stamps[0][0]}
    assert [updated for _, updated in stamps] == sorted(updated for _, updated in stamps)


def test_times_never_decrease_when_the_clock_goes_back(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, clock in (("a", 2_000_000_000), ("b", 1_000_000_000), ("c", 3_000_000_000)):
        monkeypatch.setattr("service.ledger.time.time_ns", lambda now=clock: now * 10**9)
        put(empty_database, body(id=name))
    times = [row[0] for row in fetch(empty_database, "SELECT recorded FROM revision ORDER BY sequence")]
    assert times == [2_000_000_000_000_000, 2_000_000_000_000_000, 3_000_000_000_000_000]
    assert document(empty_database, "b")["updated"] == "2033-05-18T03:33:20.000Z"


def test_who_wrote_and_why_is_kept(empty_database: Database) -> None:
    put(empty_database, body(id="a"), by="newsdesk", reason="a correction 🖋")
    assert fetch(empty_database, 'SELECT "by", reason FROM revision') == [("newsdesk", "a correction 🖋")]


@pytest.mark.parametrize(
    ("module", "name"),
    [(read_side, "apply"), (event_store, "record"), (event_store, "_project"), (read_side, "event_row")],
)
def test_a_batch_that_fails_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    before = everything(database)
    work: Callable[..., Any] = getattr(module, name)

    def fail(*given: Any, **more: Any) -> None:
        work(*given, **more)
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(module, name, fail)
        with pytest.raises(RuntimeError):
            put(database, body(id="a", actors=["Somebody New"], dataset="new"), create_actors=True)
    assert everything(database) == before
    assert put(database, body(id="a")).created == 1


def test_ids_made_here_are_uuid7_and_sort_by_time(empty_database: Database) -> None:
    ids = [new_event_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(made[14] == "7" and made[19] in "89ab" for made in ids)
    assert [made[:8] for made in ids] == sorted(made[:8] for made in ids)
    put(empty_database, body(), body())
    assert len(fetch(empty_database, "SELECT id FROM event")) == 2


# What was read can be written back


def test_every_answer_of_the_seed_can_be_written_back_and_changes_nothing(
    client: FlaskClient, database: Database
) -> None:
    before = everything(database)
    answers = [client.get(f"/v1/events/{event_id}").get_json() for event_id in SEED_IDS]
    assert counts(put(database, *answers)) == (len(SEED_IDS), 0, 0, len(SEED_IDS), 0)
    assert everything(database) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start", "2021-08-29"),
        ("end", None),
        ("precision", "month"),
        ("qualifier", "both"),
        ("casualties", {}),
        ("casualties", None),
        ("casualties", {"killed": {"low": 7, "best": 7, "high": 8, "disputed": True}}),
        ("start", ["2021-08-30"]),
    ],
)
def test_a_derived_member_that_differs_is_refused(database: Database, name: str, value: Any) -> None:
    report = put(database, {**document(database, "panjshir-clash"), name: value})
    assert rejections(report) == [(1, f"/{name}", "derived")]


def test_a_new_figure_with_the_old_casualties_beside_it_is_refused(database: Database) -> None:
    answer = document(database, "panjshir-clash")
    answer["claims"].append({"measure": "killed", "best": 900})
    assert rejections(put(database, answer)) == [(1, "/casualties", "derived")]
    del answer["casualties"]
    assert put(database, answer).updated == 1


@pytest.mark.parametrize(
    "text",
    [
        "🕌💥",
        "متن \u200f",
        "e\u0301 é",
        "  spaces  ",
        "a\r\nb\tc\x01",
        "\u2028\ufeff",
        'quote " \\ </script> %s ? %',
        "\U0001d56c" * 400,
    ],
)
def test_text_is_stored_and_answered_exactly(database: Database, text: str) -> None:
    given = body(
        id="a",
        title=text,
        location={"country": "AF", "place": text},
        claims=[claim(statement=text, claimant={"name": text})],
        sources=[{"ref": text, "publisher": text}],
        tags=["t", text[:64]],
    )
    assert put(database, given).created == 1
    answer = document(database, "a")
    assert (answer["title"], answer["location"]["place"], answer["sources"][0]["ref"]) == (text,) * 3
    assert (answer["claims"][0]["statement"], answer["claims"][0]["claimant"]) == (text, {"name": text})
    assert answer["tags"] == ["t", text[:64]]
    assert put(database, answer).unchanged == 1
    assert check(database) == []


def test_the_largest_event_is_stored_and_can_be_written_back(database: Database) -> None:
    sources = [{"ref": f"s{n}", "publisher": f"Paper {n}", "title": "t" * 500} for n in range(200)]
    claims = [claim(claimant={"name": f"Witness {n}"}, source=f"s{n}", low=0, high=10**9) for n in range(200)]
    names = [f"Band {n}" for n in range(200)]
    given = body(
        id="a", summary="s" * 20_000, actors=names, claims=claims, sources=sources, tags=[f"t{n}" for n in range(100)]
    )
    assert put(database, given, create_actors=True).created == 1
    answer = document(database, "a")
    assert (len(answer["claims"]), len(answer["actors"]), len(answer["tags"])) == (200, 200, 100)
    assert answer["casualties"]["killed"] == {"low": 0, "best": 3, "high": 10**9, "disputed": False}
    assert put(database, answer).unchanged == 1
    assert check(database) == []


# Names


@pytest.mark.parametrize(
    "name", ["is-k", "IS-K", "isk", " i s k ", "ISKP", "Islamic State Khorasan", "داعش خراسان", "İSK"]
)
def test_an_actor_is_found_by_id_name_or_alias(database: Database, name: str) -> None:
    given = body(id="a", actors=[name], claims=[claim(claimant=name, of=name)])
    assert put(database, given).created == 1
    answer = document(database, "a")
    assert [actor["id"] for actor in answer["actors"]] == ["is-k"]
    assert (answer["claims"][0]["claimant"]["id"], answer["claims"][0]["of"]) == ("is-k", "is-k")


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"actors": ["talban"]}, "/actors/0"),
        ({"actors": ["taliban", {"name": "talban"}]}, "/actors/1/name"),
        ({"actors": ["taliban", {"id": "talban", "name": "Taliban"}]}, "/actors/1/id"),
        ({"claims": [claim(of="talban")]}, "/claims/0/of"),
        ({"claims": [claim(claimant={"id": "talban"})]}, "/claims/0/claimant/id"),
    ],
)
def test_an_unknown_actor_is_refused_with_the_nearest(database: Database, members: Any, pointer: str) -> None:
    report = put(database, body(**members))
    assert rejections(report) == [(1, pointer, "unknown-actor")]
    assert "taliban" in report.rejected[0].faults[0].suggestions


def test_a_claimant_by_name_need_not_be_an_actor(database: Database) -> None:
    names = [{"name": "A shopkeeper"}, {"name": "Fahim Dashti"}, None]
    put(database, body(id="a", claims=[claim(claimant=claimant) for claimant in names]))
    claimants = [item["claimant"] for item in document(database, "a")["claims"]]
    assert claimants == [{"name": "A shopkeeper"}, {"id": "fahim-dashti", "name": "Fahim Dashti"}, None]


def test_a_name_of_two_actors_is_refused_with_both(database: Database) -> None:
    write_actors(
        database, [{"id": f"guard-{n}", "name": f"Guard {n}", "aliases": ["The Guard"]} for n in (1, 2)], by="t"
    )
    report = put(database, body(actors=["the guard"]))
    assert rejections(report) == [(1, "/actors/0", "ambiguous-actor")]
    assert report.rejected[0].faults[0].suggestions == ("guard-1", "guard-2")
    assert rejections(put(database, body(actors=["the guard"]), create_actors=True)) == rejections(report)
    assert put(database, body(actors=["guard-2"])).created == 1


def test_civilians_and_unknown_may_be_the_ones_lost_without_being_actors(empty_database: Database) -> None:
    given = body(id="a", claims=[claim(of="civilians"), claim(of="unknown")])
    assert put(empty_database, given).created == 1
    assert [item["of"] for item in document(empty_database, "a")["claims"]] == ["civilians", "unknown"]


def test_an_unknown_actor_is_created_where_that_is_asked_and_once(empty_database: Database) -> None:
    bodies = [
        body(id="a", actors=["Brigade Ñandú"]),
        body(id="b", actors=[{"name": "brigade nandu", "role": "target"}]),
    ]
    assert counts(put(empty_database, *bodies, create_actors=True)) == (2, 2, 0, 0, 0)
    assert fetch(empty_database, "SELECT id FROM actor") == [("brigade-nandu",)]
    assert document(empty_database, "b")["actors"][0]["name"] == "Brigade Ñandú"


@pytest.mark.parametrize("name", ["!!!", "…", "🕌"])
def test_a_name_without_letters_is_told_apart_from_others(empty_database: Database, name: str) -> None:
    report = put(empty_database, body(id="a", actors=[name]))
    assert rejections(report) == [(1, "/actors/0", "unknown-actor")]
    assert put(empty_database, body(id="a", actors=[name]), create_actors=True).created == 1
    assert document(empty_database, "a")["actors"][0]["name"] == name
    assert put(empty_database, document(empty_database, "a")).unchanged == 1
    assert check(empty_database) == []


@pytest.mark.parametrize(
    "name",
    [
        "AF-PAN",
        "af-pan",
        "Panjshir",
        "Panjshēr",
        "panjsher",
        "Panjshir Province",
        {"code": "AF-PAN"},
        {"name": "Panjshir"},
    ],
)
def test_a_province_is_found_by_code_or_any_name_and_brings_its_country(database: Database, name: Any) -> None:
    put(database, body(id="a", location={"province": name}))
    location = document(database, "a")["location"]
    assert (location["country"], location["province"]) == ("AF", {"code": "AF-PAN", "name": "Panjshir"})


@pytest.mark.parametrize(
    ("location", "pointer", "code"),
    [
        ({"province": "Panjshire Valey"}, "/location/province", "unknown-province"),
        ({"province": "AF-XXX"}, "/location/province", "unknown-province"),
        ({"province": "!!!"}, "/location/province", "unknown-province"),
        ({"province": "Panjshir", "country": "PK"}, "/location/province", "province-elsewhere"),
        ({"province": "AF-PAN", "country": "PK"}, "/location/province", "province-elsewhere"),
        ({"country": "Afganistann"}, "/location/country", "unknown-country"),
        ({"country": "XX"}, "/location/country", "unknown-country"),
    ],
)
def test_a_place_that_is_not_there_is_refused(database: Database, location: Any, pointer: str, code: str) -> None:
    assert rejections(put(database, body(location=location))) == [(1, pointer, code)]


def test_a_province_of_several_countries_needs_its_country(database: Database) -> None:
    report = put(database, body(id="a", location={"province": "Punjab"}))
    assert rejections(report) == [(1, "/location/province", "ambiguous-province")]
    assert set(report.rejected[0].faults[0].suggestions) == {"IN-PB", "PK-PB"}
    assert put(database, body(id="a", location={"province": "Punjab", "country": "Pakistan"})).created == 1
    assert document(database, "a")["location"]["province"]["code"] == "PK-PB"


def test_an_actor_may_stand_twice_only_in_different_roles(database: Database) -> None:
    roles = [{"id": "taliban", "role": "side-a"}, {"id": "Taleban", "role": "speaker"}]
    assert put(database, body(actors=roles)).created == 1
    assert rejections(put(database, body(actors=["taliban", "Taleban"]))) == [(1, "/actors/1", "duplicate")]


def test_a_measure_and_its_of_have_one_preferred_claim_whatever_names_they_use(database: Database) -> None:
    claims = [claim(of="taliban", preferred=True), claim(of="Taleban", preferred=True)]
    assert rejections(put(database, body(claims=claims))) == [(1, "/claims/1/preferred", "second-preferred")]
    claims = [claim(of="taliban", preferred=True), claim(preferred=True), claim(measure="injured", preferred=True)]
    assert put(database, body(claims=claims)).created == 1


def test_the_log_holds_the_canonical_form_with_ids_for_names(database: Database) -> None:
    put(database, body(id="a", actors=["Taleban"], location={"province": "Panjsher"}))
    [(content,)] = fetch(database, "SELECT content FROM revision WHERE subject = 'a'")
    kept = orjson.loads(content)
    assert (kept["actors"], kept["location"]["province"]) == ([{"id": "taliban", "role": "participant"}], "AF-PAN")
    assert not {"start", "casualties", "version", "updated"} & kept.keys()
