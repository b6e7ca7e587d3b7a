"""The event as it may be written: what each member takes, and the pointer and code of what it does not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from schemas.event import EventBody
from schemas.faults import Refused
from schemas.fields import load
from schemas.vocabulary import EVENT_TYPES, MEASURES, RELATIONS, ROLES, STANCES, STATUSES
from service.seeding import read_seed
from tests.writing import body, claim, found


def read(given: Any) -> Any:
    return load(EventBody(), given)


def faults(given: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        read(given)
    return found(refused.value.faults)


def suggestions(given: Any) -> tuple[str, ...]:
    with pytest.raises(Refused) as refused:
        read(given)
    [fault] = refused.value.faults
    return fault.suggestions


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


# What is taken


def test_the_smallest_event_gets_every_default() -> None:
    loaded = read({"title": "t", "date": "2021"})
    assert loaded == {
        "id": None,
        "title": "t",
        "summary": None,
        "date": "2021",
        "type": "other",
        "status": "reported",
        "location": None,
        "actors": [],
        "claims": [],
        "sources": [],
        "related": [],
        "tags": [],
        "dataset": "local",
    }


@pytest.mark.parametrize("name", ["id", "summary", "location", "actors", "claims", "sources", "related", "tags"])
def test_null_is_as_good_as_leaving_the_member_out(name: str) -> None:
    assert read(body(**{name: None})) == read(body())


@pytest.mark.parametrize(
    "text",
    [
        "🕌💥 Kabul",
        "طالبان \u200f در پنجشیر",
        "e\u0301 and \u00e9 are not the same bytes",
        " leading and trailing  ",
        "tab\tline\nfeed\r\n\x01\x7f",
        "\ufeffbom, \u2028 and \u202e",
        "\U0001d56c" * 500,
    ],
)
def test_text_is_kept_exactly(text: str) -> None:
    loaded = read(body(title=text, summary=text, location={"place": text}, claims=[{"statement": text}]))
    kept = (loaded["title"], loaded["summary"], loaded["location"]["place"], loaded["claims"][0]["statement"])
    assert kept == (text,) * 4


@pytest.mark.parametrize(("name", "limit"), [("title", 500), ("summary", 20_000)])
def test_a_text_may_have_its_limit_and_no_character_more(name: str, limit: int) -> None:
    assert read(body(**{name: "é" * limit}))[name] == "é" * limit
    assert faults(body(**{name: "é" * (limit + 1)})) == [(f"/{name}", "too-long")]


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_type_is_taken(kind: str) -> None:
    assert read(body(type=kind))["type"] == kind


def test_every_word_of_the_vocabulary_is_taken() -> None:
    for status in STATUSES:
        read(body(status=status))
    read(body(actors=[{"id": "a", "role": role} for role in ROLES]))
    read(body(related=[{"id": "a", "relation": relation} for relation in RELATIONS]))
    read(body(claims=[claim(stance=stance) for stance in STANCES]))
    read(body(claims=[claim(measure=measure) for measure in MEASURES]))


@pytest.mark.parametrize("event_id", ["a", "0", "a" * 128, "ucdp-ged-1", "a.b_c-d"])
def test_an_id_of_the_right_form_is_taken(event_id: str) -> None:
    assert read(body(id=event_id))["id"] == event_id


@pytest.mark.parametrize(
    "event_id", ["", "A", "-a", ".a", "_a", "a" * 129, "a b", "a/b", "é", "a\n", "a?", "İ", "٣", "..", "a\x00"]
)
def test_an_id_of_another_form_is_refused(event_id: str) -> None:
    [(pointer, code)] = faults(body(id=event_id))
    assert pointer == "/id"
    assert code in ("wrong-form", "unstorable-character")


@pytest.mark.parametrize("figure", [0, 1, 10**9, 8.0])
def test_a_figure_is_a_whole_number_from_0_to_a_thousand_million(figure: Any) -> None:
    [loaded] = read(body(claims=[claim(best=figure)]))["claims"]
    assert loaded["best"] == figure
    assert isinstance(loaded["best"], int)


def test_an_actor_may_be_a_text_or_an_object_by_id_or_name() -> None:
    given = ["taliban", {"id": "nrf", "name": "NRF"}, {"name": "IS-K", "role": "target"}, {"id": "anas", "name": 7}]
    assert read(body(actors=given))["actors"] == [
        {"id": "taliban", "role": "participant", "at": "", "called": None},
        {"id": "nrf", "role": "participant", "at": "/id", "called": "NRF"},
        {"id": "IS-K", "role": "target", "at": "/name", "called": None},
        {"id": "anas", "role": "participant", "at": "/id", "called": None},
    ]


@pytest.mark.parametrize("province", ["AF-PAN", {"code": "AF-PAN"}, {"code": "AF-PAN", "name": ["ignored"]}])
def test_a_province_may_be_a_text_or_an_object(province: Any) -> None:
    assert read(body(location={"province": province}))["location"]["province"] == "AF-PAN"


def test_a_list_may_be_as_long_as_its_bound_and_no_longer() -> None:
    for name, member, limit in (
        ("claims", claim(), 200),
        ("sources", {"title": "s"}, 200),
        ("related", {"id": "x", "relation": "follows"}, 200),
    ):
        assert len(read(body(**{name: [member] * limit}))[name]) == limit
        assert faults(body(**{name: [member] * (limit + 1)})) == [(f"/{name}", "too-many")]
    assert len(read(body(actors=[f"a{n}" for n in range(200)]))["actors"]) == 200
    assert faults(body(actors=[f"a{n}" for n in range(201)])) == [("/actors", "too-many")]
    assert len(read(body(tags=[f"t{n}" for n in range(100)]))["tags"]) == 100
    assert faults(body(tags=[f"t{n}" for n in range(101)])) == [("/tags", "too-many")]


@pytest.mark.parametrize("name", ["version", "created", "updated"])
@pytest.mark.parametrize("value", [None, 7, "yesterday", {"deep": [1]}])
def test_what_the_server_alone_decides_is_ignored(name: str, value: Any) -> None:
    assert read(body(**{name: value})) == read(body())


@pytest.mark.parametrize("event", read_seed("events"), ids=lambda event: event["id"])
def test_every_event_of_the_seed_passes(event: dict[str, Any]) -> None:
    assert read(event)["id"] == event["id"]


# What is refused


@pytest.mark.parametrize("given", [None, 1, 1.5, True, "text", [], [{"title": "t"}]])
def test_a_body_that_is_no_object_is_refused_as_a_whole(given: Any) -> None:
    assert faults(given) == [("", "wrong-type")]


def test_every_fault_of_a_body_is_told_at_once() -> None:
    given = {"date": "soon", "status": "sure", "claims": [{"low": -1}, {"stance": "thinks"}], "tag": []}
    assert set(faults(given)) == {
        ("/title", "required"),
        ("/date", "not-a-date"),
        ("/status", "unknown-value"),
        ("/claims/0/low", "out-of-range"),
        ("/claims/1/stance", "unknown-value"),
        ("/tag", "unknown-field"),
    }


def short(value: object) -> str:
    """What to call a case by."""
    return repr(value)[:40]


# Each member with what it does not take: the member's pointer, the value put there, the code, and where the fault
# lies where that is elsewhere.
NO_TEXTS: tuple[Any, ...] = (1, True, [], {})
NO_NUMBERS: tuple[Any, ...] = (True, [], {})
WRONG: list[tuple[str, Any, str]] = [
    *[(name, value, "wrong-type") for name in ("title", "date") for value in NO_TEXTS],
    *[(name, None, "null") for name in ("title", "date", "type", "status", "dataset")],
    *[(name, 5, "wrong-type") for name in ("id", "summary", "type", "status", "dataset", "location")],
    *[(name, 5, "wrong-type") for name in ("actors", "claims", "sources", "related", "tags")],
    *[(name, {"0": "x"}, "wrong-type") for name in ("actors", "claims", "sources", "related", "tags")],
    *[(f"{name}/0", 5, "wrong-type") for name in ("actors", "claims", "sources", "related", "tags")],
    *[(f"{name}/0", [], "wrong-type") for name in ("actors", "claims", "sources", "related", "tags")],
    *[(f"{name}/0", "x", "wrong-type") for name in ("claims", "sources", "related")],
    *[(name, "a\x00b", "unstorable-character") for name in ("title", "summary", "tags/0", "location/place")],
    *[(name, "a\ud800b", "unstorable-character") for name in ("title", "summary", "tags/0", "location/place")],
    *[(name, "\udfff", "unstorable-character") for name in ("claims/0/statement", "sources/0/ref", "actors/0/id")],
    *[(f"location/{name}", "x" * 501, "too-long") for name in ("place", "district", "country", "as_given")],
    *[(f"sources/0/{name}", "x" * 501, "too-long") for name in ("ref", "publisher", "title", "via")],
    *[(f"{name}", "x" * 501, "too-long") for name in ("actors/0/id", "actors/0/name", "location/province")],
    *[(name, "", "blank") for name in ("title", "actors/0/id", "sources/0/ref", "sources/0/publisher", "tags/0")],
    *[(name, " \t\u00a0", "blank") for name in ("title", "actors/0/name", "tags/0", "location/province")],
    ("title", "\u200b" * 501, "too-long"),
    ("date", "", "empty"),
    ("date", "2021-02-30", "no-such-day"),
    ("date", "2021-08-31/2021-08-30", "reversed-interval"),
    ("date", "2021-08-26\x00", "strange-character"),
    ("type", "battle/", "unknown-value"),
    ("type", "Battle", "unknown-value"),
    ("status", "", "unknown-value"),
    ("dataset", "UCDP", "wrong-form"),
    ("actors/0/role", "hero", "unknown-value"),
    ("actors/0/role", None, "null"),
    ("actors/0/rank", "x", "unknown-field"),
    ("claims/0/statement", "x" * 5001, "too-long"),
    ("claims/0/stance", None, "null"),
    ("claims/0/measure", "deaths", "unknown-value"),
    ("claims/0/preferred", 1, "wrong-type"),
    ("claims/0/preferred", None, "null"),
    ("claims/0/claimant", 5, "wrong-type"),
    ("claims/0/claimant", {}, "required"),
    ("claims/0/claimant/name", "x" * 501, "too-long"),
    ("claims/0/claimant/id", 5, "wrong-type"),
    ("claims/0/of", [], "wrong-type"),
    ("claims/0/of", "", "blank"),
    ("claims/0/source", 5, "wrong-type"),
    ("claims/0/date", "2021-13", "no-such-month"),
    *[("claims/0/best", value, "wrong-type") for value in ("3", True, 2.5, float("nan"), float("inf"), [3])],
    *[("claims/0/best", value, "out-of-range") for value in (-1, 10**9 + 1, 2**63, 10**400, 1e300)],
    *[("location/latitude", value, "wrong-type") for value in ("35", *NO_NUMBERS)],
    *[("location/latitude", value, "out-of-range") for value in (90.001, -91, 10**400, float("nan"), float("inf"))],
    *[("location/longitude", value, "out-of-range") for value in (180.001, -181, -(10**400))],
    ("location/precision", "about", "unknown-value"),
    ("location/provinz", "x", "unknown-field"),
    ("location", "AF-PAN", "wrong-type"),
    ("sources/0/url", "ftp://example.org/", "wrong-form"),
    ("sources/0/url", "javascript:alert(1)", "wrong-form"),
    ("sources/0/url", "https://", "wrong-form"),
    ("sources/0/url", "https://example.org/a b", "wrong-form"),
    ("sources/0/url", 'https://example.org/"><script>', "wrong-form"),
    ("sources/0/url", "https://example.org/" + "x" * 500, "too-long"),
    ("sources/0/published", "yesterday", "not-a-date"),
    ("related/0/id", "A B", "wrong-form"),
    ("related/0/id", None, "null"),
    ("related/0/relation", "before", "unknown-value"),
    ("tags/0", "x" * 65, "too-long"),
    ("tags/0", "a,b", "wrong-form"),
]


def placed(path: str, value: Any) -> dict[str, Any]:
    """A sound body with ``value`` at the path of ``WRONG``."""
    top, *rest = path.split("/")
    sound: dict[str, Any] = {
        "location": {"latitude": 1.0, "longitude": 1.0},
        "claims": [claim()],
        "related": [{"id": "x", "relation": "follows"}],
        "sources": [{}],
    }
    if not rest:
        return body(**{top: value})
    if rest == ["0"]:
        return body(**{top: [value]})
    if top == "location":
        return body(location={**sound["location"], rest[0]: value})
    inner = value if len(rest) == 2 else {rest[2]: value}
    known = sound.get(top, [{}])[0]
    member = {"id": "x"} if top == "actors" and rest[1] not in ("id", "name") else {}
    return body(**{top: [{**known, **member, rest[1]: inner}]})


@pytest.mark.parametrize(("path", "value", "code"), WRONG, ids=short)
def test_a_wrong_value_is_refused_where_it_stands(path: str, value: Any, code: str) -> None:
    pointers = {pointer for pointer, found_code in faults(placed(path, value)) if found_code == code}
    assert "/" + path in pointers or pointers == {f"/{path}/id"}


@pytest.mark.parametrize("missing", ["title", "date"])
def test_a_required_member_may_not_be_missing(missing: str) -> None:
    given = body()
    del given[missing]
    assert faults(given) == [(f"/{missing}", "required")]


@pytest.mark.parametrize("member", [{}, {"role": "target"}, {"id": None, "name": None}])
def test_an_actor_needs_an_id_or_a_name(member: dict[str, Any]) -> None:
    assert faults(body(actors=[member])) == [("/actors/0/id", "required")]


@pytest.mark.parametrize(
    ("location", "pointer"), [({"latitude": 1}, "/location/longitude"), ({"longitude": 1}, "/location/latitude")]
)
def test_half_a_point_is_refused_at_the_half_that_is_missing(location: dict[str, Any], pointer: str) -> None:
    assert faults(body(location=location)) == [(pointer, "required")]


@pytest.mark.parametrize(
    ("name", "nearest"), [("titel", "title"), ("tag", "tags"), ("casualities", "casualties"), ("actor", "actors")]
)
def test_an_unknown_member_is_refused_with_the_nearest_that_exists(name: str, nearest: str) -> None:
    given = body(**{name: 1})
    assert faults(given) == [(f"/{name}", "unknown-field")]
    assert nearest in suggestions(given)


def test_a_misspelt_word_is_refused_with_the_nearest() -> None:
    assert suggestions(body(type="battle/armed-clas"))[0] == "battle/armed-clash"
    assert suggestions(body(status="conformed"))[0] == "confirmed"


def test_the_pointer_to_a_member_escapes_what_a_pointer_means_otherwise() -> None:
    assert faults(body(**{"a/b~c": 1})) == [("/a~1b~0c", "unknown-field")]


@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "", " ", "x" * 100_000, "_schema"])
def test_faults_of_a_member_with_a_hostile_name_can_be_told(name: str) -> None:
    with pytest.raises(Refused) as refused:
        read(body(**{name: 1}))
    [fault] = refused.value.faults
    assert fault.code == "unknown-field"
    assert fault.pointer.startswith("/")
    told = json.dumps(fault.as_json(), ensure_ascii=False).encode()
    assert len(told) < 2000


@pytest.mark.parametrize("path", ["title", "date", "type", "actors/0/id", "location/province", "tags/0", "summary"])
def test_deep_nesting_is_refused_like_any_wrong_type(path: str) -> None:
    assert {code for _, code in faults(placed(path, nested(500)))} == {"wrong-type"}


@pytest.mark.parametrize("path", ["type", "status", "date", "dataset", "claims/0/measure", "location/province"])
def test_a_huge_text_is_refused_at_once(path: str) -> None:
    begun = time.perf_counter()
    told = json.dumps([list(fault) for fault in faults(placed(path, "battle " * 150_000))])
    assert time.perf_counter() - begun < 2
    assert len(told) < 2000


# Rules that concern several members


@pytest.mark.parametrize(
    ("figures", "pointer"),
    [
        ({"low": 2, "best": 1, "high": 3}, "/claims/0/low"),
        ({"low": 1, "best": 3, "high": 2}, "/claims/0/best"),
        ({"low": 3, "best": None, "high": 2}, "/claims/0/low"),
    ],
)
def test_figures_out_of_order_are_refused(figures: dict[str, Any], pointer: str) -> None:
    assert faults(body(claims=[claim(**figures)])) == [(pointer, "out-of-range")]


def test_a_claim_may_name_only_a_source_of_its_event() -> None:
    sources = [{"ref": "rt"}, {"ref": None}]
    assert read(body(sources=sources, claims=[claim(source="rt")]))
    given = body(sources=sources, claims=[claim(source="rtt")])
    assert faults(given) == [("/claims/0/source", "unknown-source")]
    assert suggestions(given) == ("rt",)


def test_two_sources_may_not_share_a_ref_but_may_both_have_none() -> None:
    assert read(body(sources=[{"title": "a"}, {"title": "b"}]))
    assert faults(body(sources=[{"ref": "a"}, {"ref": "b"}, {"ref": "a"}])) == [("/sources/2/ref", "duplicate")]


def test_a_tag_may_stand_once_and_case_counts() -> None:
    assert read(body(tags=["a", "A"]))["tags"] == ["a", "A"]
    assert faults(body(tags=["a", "b", "a"])) == [("/tags/2", "duplicate")]


@pytest.mark.parametrize(("year", "taken"), [("0999", False), ("1000", True), ("2050", False)])
def test_the_years_of_an_event_are_bounded(year: str, taken: bool) -> None:
    given = body(date=year)
    if taken:
        assert read(given)["date"] == year
    else:
        assert {pointer for pointer, _ in faults(given)} == {"/date"}


def test_the_first_year_is_a_setting() -> None:
    assert load(EventBody(min_year=1900), body(date="1900"))["date"] == "1900"
    with pytest.raises(Refused):
        load(EventBody(min_year=1901), body(date="1900"))


def test_dates_of_claims_and_sources_may_lie_before_the_first_year() -> None:
    assert read(body(claims=[claim(date="0622")], sources=[{"published": "0850~"}]))
