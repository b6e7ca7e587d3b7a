"""The quick check of events: what it passes, the schema passes too and makes the same of; the rest it leaves alone."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.certain import certain, load_event
from schemas.event import EventBody, last_year
from schemas.faults import Refused
from schemas.fields import load
from service.seeding import read_seed

MIN_YEAR = 1000
SCHEMA = EventBody(MIN_YEAR)
EVERYTHING: dict[str, Any] = {
    "id": "full",
    "title": "Everything at once",
    "summary": "All members, each with a value.\nÜber zwei Zeilen.",
    "date": "2021-08-26~/2021-09",
    "type": "explosion/suicide-bomb",
    "status": "disputed",
    "location": {
        "country": "AF",
        "province": {"code": "AF-KAB", "name": "Kabul"},
        "district": "Kabul",
        "place": "Abbey Gate",
        "latitude": 34.5,
        "longitude": 69,
        "precision": "exact",
        "as_given": None,
    },
    "actors": [{"id": "is-k", "name": "IS-K", "role": "perpetrator"}, {"name": "Quince Regiment"}, "taliban"],
    "claims": [
        {
            "claimant": {"id": "nrf", "name": "National Resistance Front"},
            "stance": "confirms",
            "statement": "Many.",
            "measure": "killed",
            "of": "civilians",
            "low": 1,
            "best": 2,
            "high": 3,
            "source": "a",
            "date": "2021-08-27",
            "preferred": True,
        },
        {"claimant": "taliban", "of": {"id": "is-k"}, "measure": "injured", "high": 4},
        {"claimant": {"name": "A witness"}, "statement": "Nobody counted."},
    ],
    "sources": [
        {"ref": "a", "publisher": "P", "title": "T", "url": "https://example.org/a", "published": "2021", "via": "V"},
        {"ref": None},
    ],
    "related": [{"id": "us-withdrawal", "relation": "follows"}],
    "tags": ["evacuation", "two words"],
    "dataset": "seed",
    "version": 3,
    "created": "whenever",
    "start": "2021-08-26",
    "casualties": {},
}
BARE = {"title": "Bare", "date": "2021"}


def outcome(loading: Callable[[], Any]) -> Any:
    """What is loaded, as JSON, or the faults for which it is refused."""
    try:
        return json.dumps(loading())
    except Refused as refused:
        return refused.faults


def same(body: Any) -> bool:
    """Whether the quick check passes a body; where it does, the schema must say the same of it."""
    before = repr(body)
    quick = certain(body, MIN_YEAR, last_year())
    assert repr(body) == before
    if quick is None:
        # Then it is the schema that says what is wrong.
        assert outcome(lambda: load_event(body, MIN_YEAR)) == outcome(lambda: load(SCHEMA, body))
        return False
    slow = load(SCHEMA, body)
    assert quick == slow
    # Equality does not tell 1 from 1.0 or True, nor one order of members from another.
    assert json.dumps(quick) == json.dumps(slow)
    return True


@pytest.mark.parametrize("body", [EVERYTHING, BARE, *read_seed("events")], ids=lambda body: body["title"][:20])
def test_plain_events_are_certain(body: Any) -> None:
    assert same(body)


ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.0, 8.5, -0.0, float("nan"), float("inf"), 10**9, 10**9 + 1, 2**70),
    *("", " ", "\u3000", "x", "\0", "a\0b", "\ud800", "é", "ﷺ", "a,b", "x" * 64, "x" * 65, "x" * 500, "x" * 501),
    *("x" * 5000, "x" * 5001, "x" * 20_000, "x" * 20_001, "AF", "AF-KAB", "civilians", "UPPER", "a" * 128, "a" * 129),
    *("2021", "2021-02-30", "0999", "1000", "2021-08/2020", "../2021", "2999", str(last_year()), str(last_year() + 1)),
    *("http://a", "HTTPS://b/ c", "https://", 'https://a"b', "https://a\u2028b", "ftp://a", "https://a<b"),
    *([], {}, [None], [[]], [{}], {"id": "x"}, {"id": None}, {"id": None, "name": "x"}, {"id": "x", "name": 7}),
    *({"id": "x", "name": " "}, {"code": None, "name": "Kabul"}, {"name": "x", "more": 1}, {"code": 1}, {"": 1}),
    *(["a", "a"], ["a", "b"], ["a", 1], [1], "other", "killed", "asserts", "side-a", "exact", "reported", "follows"),
]


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value within a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(spot for key, part in inner for spot in spots(part, (*path, key)))]


def put_at(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.copy(body)
    changed[path[0]] = put_at(body[path[0]], path[1:], value)
    return changed


def without(body: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.copy(body)
    if len(path) == 1:
        del changed[path[0]]
    else:
        changed[path[0]] = without(body[path[0]], path[1:])
    return changed


@pytest.mark.parametrize("spot", spots(EVERYTHING), ids=lambda path: "/".join(map(str, path)))
def test_any_odd_value_in_any_place_is_judged_as_the_schema_judges_it(spot: tuple[Any, ...]) -> None:
    for value in ODD:
        same(put_at(EVERYTHING, spot, value))
    if spot:
        same(without(EVERYTHING, spot))


@pytest.mark.parametrize(
    "spot", [path for path in spots(EVERYTHING) if path], ids=lambda path: "/".join(map(str, path))
)
def test_an_unknown_member_is_never_passed(spot: tuple[Any, ...]) -> None:
    value: Any = EVERYTHING
    for step in spot:
        value = value[step]
    # Beside a name the rest of an object is not looked at in these places.
    if isinstance(value, dict) and spot[-1] not in ("province", "claimant", "of", "casualties"):
        assert not same(put_at(EVERYTHING, spot, {**value, "titel": 1}))
    assert not same({**EVERYTHING, "titel": 1})


def test_lists_are_bounded() -> None:
    for name, limit in (("actors", 200), ("claims", 200), ("sources", 200), ("related", 200), ("tags", 100)):
        member = {"actors": "a", "claims": {}, "sources": {}, "related": {"id": "a", "relation": "causes"}}.get(name)
        full = [f"t{n}" if name == "tags" else member for n in range(limit + 1)]
        assert same({**BARE, name: full[:-1]})
        assert not same({**BARE, name: full})


NUMBERS = st.one_of(st.integers(-2, 10), st.integers(), st.floats(), st.booleans(), st.none())
TEXTS = st.one_of(st.text(max_size=8), st.sampled_from([value for value in ODD if isinstance(value, str)]))
VALUES = st.recursive(
    st.one_of(NUMBERS, TEXTS, st.sampled_from(ODD)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)


@st.composite
def bodies(draw: st.DrawFn) -> Any:
    body = draw(st.sampled_from([EVERYTHING, BARE, *read_seed("events")]))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(spots(body)[1:] or [("title",)]))
        body = without(body, path) if draw(st.booleans()) else put_at(body, path, draw(VALUES))
        if not isinstance(body, dict) or len(spots(body)) < 2:
            return body
    return body


@given(bodies())
@settings(max_examples=int(os.environ.get("DATELINE_TEST_EXAMPLES", "1500")), deadline=None)
def test_what_is_certain_the_schema_passes_and_makes_the_same_of(body: Any) -> None:
    try:
        same(body)
    except Refused as refused:
        pytest.fail(f"passed, though {refused.faults}")


def test_every_member_of_the_schema_is_passed_in_some_form() -> None:
    """What the schema learns to take, the quick check must learn too, or all such events become slow."""
    parts = ("location", "actors", "claims", "sources", "related")
    for name, field in SCHEMA.fields.items():
        assert name in EVERYTHING or name in ("end", "precision", "qualifier"), name
        if name in parts:
            inner = attrgetter("schema.fields")(getattr(field, "inner", field))
            value = EVERYTHING[name]
            assert set(inner) == set(value[0] if isinstance(value, list) else value), name
