"""A query that breaks a rule is refused, every fault with its place, its code and what would be right."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import Database

from schemas.cursors import write_cursor
from schemas.query import TimelineQuery
from service.actor_store import write_actors
from tests.answers import refusal, refusals
from tests.statements import sent_to

EVENTS = "/v1/events?"


@pytest.mark.parametrize(
    ("query", "pointer", "code", "suggestions"),
    [
        # Parameters that do not exist.
        ("actr=taliban", "/actr", "unknown-parameter", ["actor"]),
        ("Actor=taliban", "/Actor", "unknown-parameter", ["actor"]),
        ("provinces=Kabul", "/provinces", "unknown-parameter", ["province"]),
        ("colour=red", "/colour", "unknown-parameter", []),
        ("=taliban", "/", "unknown-parameter", []),
        # Names.
        ("actor=talban", "/actor", "unknown-actor", ["taliban"]),
        ("actor=nrf,talban", "/actor", "unknown-actor", ["taliban"]),
        ("actor=nrf&actor=talban", "/actor", "unknown-actor", ["taliban"]),
        ("actor=---", "/actor", "unknown-actor", []),
        ("actor=%F0%9F%92%A3", "/actor", "unknown-actor", []),
        ("actor=%25", "/actor", "unknown-actor", []),
        ("province=Panshir", "/province", "unknown-province", ["AF-PAN", "Panjshir"]),
        ("province=AF-ZZZ", "/province", "unknown-province", []),
        ("province=AF", "/province", "unknown-province", []),
        ("province=***", "/province", "unknown-province", []),
        ("country=Afganistan", "/country", "unknown-country", ["AF"]),
        ("country=ZZ", "/country", "unknown-country", []),
        ("country=AF-PAN", "/country", "unknown-country", []),
        ("dataset=sed", "/dataset", "unknown-dataset", ["seed"]),
        ("publisher=Reuter", "/publisher", "unknown-publisher", ["Reuters"]),
        ("claimant=fahim+dashty", "/claimant", "unknown-claimant", ["fahim-dashti"]),
        ("claimant=Politician+in+Panjshir", "/claimant", "unknown-claimant", ["Politicians in Panjshir"]),
        # Words of closed lists. They are no names, so capitals are not folded away.
        ("type=batle", "/type", "unknown-type", ["battle"]),
        ("type=battle/armed-clas", "/type", "unknown-type", ["battle/armed-clash"]),
        ("status=confrimed", "/status", "unknown-status", ["confirmed"]),
        ("actor=nrf&role=side-c", "/role", "unknown-value", ["side-a", "side-b"]),
        ("match=certainly", "/match", "unknown-value", ["certain"]),
        ("sort=dat", "/sort", "unknown-value", ["date"]),
        ("sort=title", "/sort", "unknown-value", []),
        ("fields=titel", "/fields", "unknown-field", ["title"]),
        ("fields=actors.name", "/fields", "unknown-field", ["actors"]),
        ("format=xml", "/format", "unknown-format", []),
        # Dates.
        ("from=2021-02-30", "/from", None, []),
        ("to=2021-13-01", "/to", None, []),
        ("from=yesterday", "/from", None, []),
        ("from=2021-21", "/from", None, []),
        ("period=2021-08-31/2021-08-01", "/period", None, []),
        ("from=2021-08-01/2021-08-31", "/from", "interval", []),
        ("from=2021-08-31&to=2021-08-30", "/to", "reversed-range", []),
        ("from=2021-09&to=2021-08", "/to", "reversed-range", []),
        ("from=2021-08-31T10:01&to=2021-08-31T10:00", "/to", "reversed-range", []),
        # Numbers, truths and boxes.
        ("min_killed=-1", "/min_killed", "out-of-range", []),
        ("min_killed=1e3", "/min_killed", "wrong-type", []),
        ("min_killed=1000000001", "/min_killed", "out-of-range", []),
        ("disputed=yes", "/disputed", "wrong-type", ["true", "false"]),
        ("disputed=True", "/disputed", "wrong-type", ["true", "false"]),
        ("total=1", "/total", "wrong-type", ["true", "false"]),
        ("bbox=1,2,3", "/bbox", "wrong-form", []),
        ("bbox=1,2,3,4,5", "/bbox", "wrong-form", []),
        ("bbox=a,b,c,d", "/bbox", "wrong-form", []),
        ("bbox=nan,0,1,1", "/bbox", "wrong-form", []),
        ("bbox=0,0,inf,1", "/bbox", "wrong-form", []),
        ("bbox=0,0,1e999,1", "/bbox", "wrong-form", []),
        ("bbox=181,0,1,1", "/bbox", "out-of-range", []),
        ("bbox=0,-91,1,1", "/bbox", "out-of-range", []),
        ("bbox=0,10,1,5", "/bbox", None, []),
        ("bbox=6_9,35,70,36", "/bbox", "wrong-form", []),
        ("bbox=%D9%A6,35,70,36", "/bbox", "wrong-form", []),
        ("bbox=0x1,2,3,4", "/bbox", "wrong-form", []),
        ("bbox=.,2,3,4", "/bbox", "wrong-form", []),
        ("bbox=1e,2,3,4", "/bbox", "wrong-form", []),
        ("bbox=infinity,2,3,4", "/bbox", "wrong-form", []),
        # What one parameter lacks without another.
        ("role=side-a", "/role", "needs-actor", []),
        # Nothing, and holes in lists.
        ("actor=", "/actor", "blank", []),
        ("actor", "/actor", "blank", []),
        ("actor=+", "/actor", "blank", []),
        ("actor=nrf,,taliban", "/actor", "blank", []),
        ("actor=,", "/actor", "blank", []),
        ("country=,", "/country", "blank", []),
        ("type=battle,", "/type", "blank", []),
        ("tag=+,x", "/tag", "blank", []),
        ("publisher=RT,,Reuters", "/publisher", "blank", []),
        ("claimant=,", "/claimant", "blank", []),
        ("limit=", "/limit", "blank", []),
        ("cursor=", "/cursor", "blank", []),
    ],
)
def test_a_fault_is_told_where_it_is_and_with_what_would_be_right(
    client: FlaskClient, query: str, pointer: str, code: str | None, suggestions: list[str]
) -> None:
    entry = refusal(client, EVENTS + query)
    assert entry["pointer"] == pointer
    assert code in (None, entry["code"])
    assert set(suggestions) <= set(entry["suggestions"])


@pytest.mark.parametrize(
    "limit", ["0", "1001", "-1", "1.5", "1e2", "²", "\N{ARABIC-INDIC DIGIT ONE}", "+1", " 1", "0x10", "ten", "-", "1_0"]
)
def test_a_limit_that_is_no_number_from_1_to_1000_is_refused(client: FlaskClient, limit: str) -> None:
    for path in ("/v1/events", "/v1/actors"):
        entry = refusal(client, f"{path}?limit={quote(limit)}")
        assert (entry["pointer"], entry["code"] in ("wrong-type", "out-of-range")) == ("/limit", True)


@pytest.mark.parametrize("length", [8001, 10_000])
def test_a_value_of_great_length_is_refused(client: FlaskClient, length: int) -> None:
    for name in ("actor", "limit", "min_killed", "from", "bbox", "cursor", "tag", "province", "x"):
        entries = refusals(client, f"{EVENTS}{name}={'1' * length}")
        assert {entry["pointer"] for entry in entries} == {f"/{name}"}


def test_a_value_of_great_length_is_not_repeated_in_the_entries(client: FlaskClient) -> None:
    for name, value in (
        ("1" * 10_000, "1"),
        ("actor", "x" * 2000),
        ("limit", "9" * 2000),
        ("from", "9" * 2000),
    ):
        entry = refusal(client, f"{EVENTS}{name}={value}")
        assert len(entry["message"]) < 400
        assert len(entry["pointer"]) < 400


@pytest.mark.parametrize(
    "name",
    [
        "actor",
        "province",
        "country",
        "tag",
        "publisher",
        "claimant",
        "dataset",
        "type",
        "from",
        "cursor",
        "limit",
    ],
)
@pytest.mark.parametrize("value", ["%00", "a%00b", "%ED%A0%80", "%ED%B0%80x", "%FF", "%C3", "%C0%AF"])
def test_what_is_no_text_is_refused(client: FlaskClient, name: str, value: str) -> None:
    entry = refusal(client, f"{EVENTS}{name}={value}")
    assert entry["pointer"] == f"/{name}"
    assert entry["code"] in ("unstorable-character", "not-utf-8")


@pytest.mark.parametrize("query", ["%FF=1", "%00=1", "a%00", "%ED%A0%80=x", "\x00", "%", "%zz=1", "%C3%A9=1"])
def test_a_parameter_whose_name_is_no_text_is_refused(client: FlaskClient, query: str) -> None:
    assert {entry["code"] for entry in refusals(client, EVENTS + query)} == {"unknown-parameter"}


@pytest.mark.parametrize("path", ["/v1/events", "/v1/actors", "/v1/provinces", "/v1/types", "/v1/datasets"])
def test_a_great_many_parameters_are_refused_as_a_whole(client: FlaskClient, path: str) -> None:
    several = "&".join(f"p{number}=1" for number in range(300))
    entry = refusal(client, f"{path}?{several}")
    assert entry["code"] == "too-many"


@pytest.mark.parametrize("name", ["actor", "province", "country", "tag", "dataset", "publisher", "claimant"])
def test_a_list_that_is_too_long_is_refused(client: FlaskClient, name: str) -> None:
    entry = refusal(client, f"{EVENTS}{name}=" + ",".join(f"a{number}" for number in range(101)))
    assert (entry["pointer"], entry["code"]) == (f"/{name}", "too-many")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("role", "side-a"),
        ("province", "AF-PAN"),
        ("country", "AF"),
        ("from", "2021"),
        ("to", "2021"),
        ("match", "certain"),
        ("period", "2021"),
        ("type", "battle"),
        ("status", "reported"),
        ("tag", "baghlan"),
        ("dataset", "seed"),
        ("publisher", "RT"),
        ("claimant", "nrf"),
        ("bbox", "0,0,1,1"),
        ("min_killed", "1"),
        ("disputed", "true"),
        ("sort", "date"),
        ("limit", "1"),
        ("fields", "title"),
        ("total", "true"),
        ("format", "json"),
    ],
)
def test_a_parameter_that_may_stand_once_is_refused_twice_even_with_the_same_value(
    client: FlaskClient, name: str, value: str
) -> None:
    entry = refusal(client, f"{EVENTS}actor=taliban&{name}={value}&{name}={value}")
    assert (entry["pointer"], entry["code"]) == (f"/{name}", "repeated")


def test_every_fault_of_a_request_has_an_entry_of_its_own(client: FlaskClient) -> None:
    query = (
        "actor=talban,nfr&province=Panshir&country=ZZ&from=2021-02-30&to=x&type=batle,protset&status=sure"
        "&limit=0&limit=1&bbox=1&min_killed=-1&disputed=y&sort=z&fields=titel,x&total=2&zz=1&cursor="
    )
    entries = refusals(client, EVENTS + query)
    pointers = [entry["pointer"] for entry in entries]
    singles = {
        "from",
        "to",
        "status",
        "limit",
        "bbox",
        "min_killed",
        "disputed",
        "sort",
        "total",
        "zz",
        "cursor",
    }
    singles |= {"province", "country"}
    assert sorted(pointers) == sorted(
        ["/actor", "/actor", "/type", "/type", "/fields", "/fields"] + [f"/{name}" for name in singles]
    )


def test_a_reversed_range_is_told_beside_other_faults(client: FlaskClient) -> None:
    entries = refusals(client, EVENTS + "from=2021-08-31&to=2021-08-01&actor=talban")
    assert {(entry["pointer"], entry["code"]) for entry in entries} == {
        ("/to", "reversed-range"),
        ("/actor", "unknown-actor"),
    }


def test_a_province_that_several_countries_have_is_refused_with_the_candidates(client: FlaskClient) -> None:
    entry = refusal(client, EVENTS + "province=Punjab")
    assert (entry["pointer"], entry["code"]) == ("/province", "ambiguous-province")
    assert {"IN-PB", "PK-PB"} <= set(entry["suggestions"])


@pytest.mark.parametrize(
    ("country", "code"), [("PK", "PK-PB"), ("Pakistan", "PK-PB"), ("India", "IN-PB"), ("AF,IN", "IN-PB")]
)
def test_a_country_settles_which_province_is_meant(client: FlaskClient, country: str, code: str) -> None:
    answer = client.get(f"{EVENTS}province=Punjab&country={country}")
    assert answer.status_code == 200
    assert answer.json is not None and answer.json["query"]["province"] == [code]


@pytest.mark.parametrize("country", ["AF", "IN,PK"])
def test_a_country_that_does_not_settle_it_leaves_the_province_ambiguous(client: FlaskClient, country: str) -> None:
    entry = refusal(client, f"{EVENTS}province=Punjab&country={country}")
    assert entry["code"] == "ambiguous-province"


@pytest.mark.parametrize(
    ("path", "query", "code", "suggestions"),
    [
        ("/v1/actors", "kind=persn", "unknown-value", ["person"]),
        ("/v1/actors", "country=Afganistan", "unknown-country", ["AF"]),
        ("/v1/actors", "name=nrf", "unknown-parameter", []),
        ("/v1/actors", "limit=1&limit=1", "repeated", []),
        ("/v1/actors", "cursor=NOT%20ONE", "mangled-cursor", []),
        ("/v1/actors", "q=", "blank", []),
        ("/v1/actors", "q=%00", "unstorable-character", []),
        ("/v1/actors", "q=---", None, []),
        ("/v1/provinces", "country=Afganistan", "unknown-country", ["AF"]),
        ("/v1/provinces", "format=csv", "unknown-format", []),
        ("/v1/provinces", "contry=AF", "unknown-parameter", ["country"]),
        ("/v1/provinces/AF-PAN", "format=csv", "unknown-format", []),
        ("/v1/provinces/AF-PAN", "country=AF", "unknown-parameter", []),
        ("/v1/types", "x=1", "unknown-parameter", []),
        ("/v1/datasets", "limit=1", "unknown-parameter", []),
        ("/v1/events/panjshir-clash", "fields=id", "unknown-parameter", []),
        ("/v1/actors/nrf", "x=1", "unknown-parameter", []),
        ("/v1/events/panjshir-clash/original", "x=1", "unknown-parameter", []),
    ],
)
def test_the_other_paths_refuse_as_strictly(
    client: FlaskClient, path: str, query: str, code: str | None, suggestions: list[str]
) -> None:
    entry = refusal(client, f"{path}?{query}")
    assert entry["pointer"] == "/" + query.partition("=")[0]
    assert code in (None, entry["code"])
    assert set(suggestions) <= set(entry["suggestions"])


def test_the_same_name_for_several_actors_is_refused_with_both(client: FlaskClient, database: Database) -> None:
    guards = [{"id": f"guard-{place}", "name": f"Guard of {place}", "aliases": ["The Guard"]} for place in ("a", "b")]
    write_actors(database, guards, by="test")
    for name in ("actor", "claimant"):
        entry = refusal(client, f"{EVENTS}{name}=the+guard")
        assert (entry["code"], set(entry["suggestions"])) == ("ambiguous-actor", {"guard-a", "guard-b"})
    # An id means its actor alone, whoever else has the name.
    assert client.get(f"{EVENTS}actor=guard-a").status_code == 200


@pytest.mark.parametrize("text", ["69,35,70,36", "6.9e1,35.,7E+1,.36e2", "+69, 35,70 ,36", "-0,-1e-7,1,1"])
def test_a_box_is_read_from_numbers_in_any_usual_form(client: FlaskClient, text: str) -> None:
    assert client.get(f"{EVENTS}bbox={quote(text)}").status_code == 200


@pytest.fixture
def statements(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that requests to ``app`` send."""
    return sent_to(app.extensions["dateline"]["database"], monkeypatch)


@pytest.mark.parametrize("name", ["actor", "publisher", "claimant", "province", "country"])
def test_many_unknown_names_cost_no_more_statements_than_one(app: Flask, statements: list[str], name: str) -> None:
    client = app.test_client()
    refusal(client, f"{EVENTS}{name}=nobody-0")
    one = len(statements)
    statements.clear()
    unknown = [f"nobody-{number}" for number in range(100)]
    entries = refusals(client, f"{EVENTS}{name}={','.join(unknown)}")
    assert len(entries) == 100
    assert len(statements) <= one + 2, "the forms that are looked up may need a statement or two more"


def test_only_the_first_unknown_names_of_a_request_are_told_with_the_nearest(client: FlaskClient) -> None:
    groups = "&".join(
        "actor=" + ",".join(f"taliban{chr(97 + row)}{chr(97 + step)}" for step in range(6)) for row in range(4)
    )
    entries = refusals(client, f"{EVENTS}{groups}&country=Afganistan&claimant=talibann")
    assert [bool(entry["suggestions"]) for entry in entries] == [True] * 10 + [False] * 16


def test_names_that_are_too_many_together_are_refused_before_any_is_looked_up(
    app: Flask, statements: list[str]
) -> None:
    groups = "&".join("actor=" + ",".join(f"n{row}-{step}" for step in range(100)) for row in range(10))
    # The first request also looks whether the store is ready.
    assert app.test_client().get("/readyz").status_code == 200
    statements.clear()
    entry = refusal(app.test_client(), f"{EVENTS}{groups}&tag=one-more")
    assert (entry["pointer"], entry["code"]) == ("/", "too-many")
    assert statements == []


@pytest.mark.parametrize(("name", "listed"), [("tag", True), ("type", True), ("fields", True), ("from", False)])
def test_a_repeated_parameter_is_told_of_commas_where_it_takes_a_list(
    client: FlaskClient, name: str, listed: bool
) -> None:
    value = {"tag": "a", "type": "battle", "fields": "title", "from": "2021"}[name]
    entry = refusal(client, f"{EVENTS}{name}={value}&{name}={value}")
    assert ("commas" in entry["message"]) == listed


# Anybody can write a cursor whose check is right: what it says must be a place all the same.
FORGED = {
    "date": ("9", "20219999 x", "20210826", "20210826T2500 x", "00000101 x", "1795371739109000 x", "20210826 X", "~"),
    "updated": ("20210826 x", "x", "179537173910900 x"),
    "relevance": ("0", "1000", "9999", "-1", "20210826 x", "\uff11"),
}


@pytest.mark.parametrize(("sort", "key"), [(sort, key) for sort, keys in FORGED.items() for key in keys])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_cursor_that_names_no_place_is_refused(client: FlaskClient, sort: str, key: str, backwards: bool) -> None:
    order = f"-{sort}" if backwards and sort != "relevance" else sort
    asked = TimelineQuery({"q": "kabul"}, sort=order)
    entry = refusal(client, f"{EVENTS}q=kabul&sort={order}&cursor={write_cursor(asked, key, 0)}")
    assert (entry["pointer"], entry["code"]) == ("/cursor", "mangled-cursor")
