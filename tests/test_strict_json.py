"""JSON as a person writes it: read as the standard library reads it, but for what would be dropped in silence."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.faults import Refused
from schemas.strict_json import DEPTH_MAX, DIGITS_MAX, MalformedJson, read_json, refuse_deep

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**290), 10**290)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=40)
# Objects as lists of pairs, in which a key may stand twice.
PAIRED = st.recursive(
    st.none() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(st.sampled_from("abc/~"), inner), max_size=4).map(tuple)
    ),
    max_leaves=15,
)
TEXTS = st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \\u\t\n', max_size=20)


def written(value: Any) -> str:
    """The JSON text of a value whose objects are tuples of pairs."""
    if isinstance(value, tuple):
        return "{" + ",".join(f"{json.dumps(key)}:{written(inner)}" for key, inner in value) + "}"
    return "[" + ",".join(map(written, value)) + "]" if isinstance(value, list) else json.dumps(value)


def has_repeated_keys(value: Any) -> bool:
    if isinstance(value, tuple):
        keys = [key for key, _ in value]
        return len(keys) > len(set(keys)) or any(has_repeated_keys(inner) for _, inner in value)
    return isinstance(value, list) and any(map(has_repeated_keys, value))


def faults(raw: bytes) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        read_json(raw)
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


def nested(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * levels + closing * levels


@settings(deadline=None)
@given(VALUES, st.booleans(), st.sampled_from([None, 0, 2]), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_json_is_read_as_the_standard_library_reads_it(
    value: Any, is_ascii: bool, indent: int | None, mark: bytes
) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
    # The representation tells 1 from 1.0 and from true.
    assert repr(read_json(mark + text.encode())) == repr(json.loads(text))


@settings(deadline=None)
@given(
    st.binary(max_size=12) | st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \\u\t\n', max_size=20).map(str.encode)
)
def test_what_the_standard_library_cannot_read_is_malformed_and_nothing_else_is(raw: bytes) -> None:
    try:
        text = raw.decode("utf-8-sig")
        expected = json.loads(text, parse_constant=lambda word: 1 / 0)
    except (ValueError, ZeroDivisionError):
        with pytest.raises(MalformedJson):
            read_json(raw)
        return
    try:
        assert repr(read_json(raw)) == repr(expected)
    except Refused as refused:
        assert {fault.code for fault in refused.faults} <= {"duplicate-key", "too-deep"}


@settings(deadline=None)
@given(PAIRED)
def test_what_has_a_key_twice_is_refused_and_nothing_else_is(value: Any) -> None:
    raw = written(value).encode()
    if has_repeated_keys(value):
        assert {code for _, code in faults(raw)} == {"duplicate-key"}
    else:
        assert read_json(raw) == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "pointers"),
    [
        (b'{"a":1,"a":1}', ["/a"]),
        (b'{"a":1,"b":{"c":[{"d":1,"d":2}]}}', ["/b/c/0/d"]),
        (b'[{},{"a":1,"a":2,"a":3}]', ["/1/a"]),
        (b'{"a":1,"b":1,"b":2,"a":2}', ["/a", "/b"]),
        (b'{"":1,"":2}', ["/"]),
        (b'{"a/b":1,"a/b":2}', ["/a~1b"]),
        (b'{"\\u0061":1,"a":2}', ["/a"]),
        (b'{"\\ud800":1,"\\ud800":2}', ["/\ufffd"]),
    ],
)
def test_keys_that_stand_twice_are_told_where_they_stand(raw: bytes, pointers: list[str]) -> None:
    assert faults(raw) == [(pointer, "duplicate-key") for pointer in pointers]


def test_many_keys_of_which_many_stand_twice_are_found_at_once() -> None:
    raw = b"{" + b",".join(b'"%d":0' % (n % 30_000) for n in range(60_000)) + b"}"
    begun = time.perf_counter()
    assert len(faults(raw)) == 30_000
    assert time.perf_counter() - begun < 5


def test_a_value_may_be_so_deep_and_no_deeper() -> None:
    assert DEPTH_MAX == 32
    assert read_json(nested(32)) == json.loads(nested(32))
    assert faults(nested(33)) == [("/0" * 32, "too-deep")]
    assert faults(nested(33, b'{"a":', b"}").replace(b":}", b":0}")) == [("/a" * 32, "too-deep")]
    assert faults(b'{"ok": [], "deep": ' + nested(32) + b"}") == [("/deep" + "/0" * 31, "too-deep")]


@pytest.mark.parametrize("levels", [1000, 100_000])
def test_nesting_without_end_is_refused(levels: int) -> None:
    for raw in (nested(levels), nested(levels, b'{"a":', b"}").replace(b":}", b":0}")):
        assert [code for _, code in faults(raw)] == ["too-deep"]
    # What breaks off before it ends is no JSON either way.
    with pytest.raises((Refused, MalformedJson)):
        read_json(b"[" * levels)


def test_depth_is_that_of_lists_and_objects_alone() -> None:
    refuse_deep("x")
    value: Any = "x"
    for _ in range(32):
        value = {"a": value} if isinstance(value, list) else [value]
    refuse_deep(value)
    with pytest.raises(Refused):
        refuse_deep([value])


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "[NaN]", '{"a": -Infinity}'])
def test_what_javascript_calls_a_number_is_none(word: str) -> None:
    with pytest.raises(MalformedJson):
        read_json(word.encode())


def test_a_number_of_very_many_digits_is_read_quickly_and_stays_far_out_of_every_range() -> None:
    begun = time.perf_counter()
    for sign in (b"", b"-"):
        assert abs(read_json(sign + b"9" * 1_000_000)) > 10 ** (DIGITS_MAX - 2)
    assert time.perf_counter() - begun < 2
    assert read_json(b"1" * 200) == int("1" * 200)


@pytest.mark.parametrize(
    ("raw", "told"),
    [(b"", "line 1"), (b'{\n"a": }', "line 2, column 6"), (b'"\xff"', "0xff"), (b"\xed\xa0\x80", "0xed")],
)
def test_what_is_malformed_is_told_where(raw: bytes, told: str) -> None:
    with pytest.raises(MalformedJson, match=told):
        read_json(raw)
