"""Patches below HTTP: merge patches and JSON Patches against a plain reading of their RFCs, and differences."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.faults import Refused
from service import patches
from service.patches import OPERATIONS_MAX, Patch, difference

KEYS = st.sampled_from(["a", "b", "0", "-", "a/b", "~", ""])
SCALARS = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, 1.0, "", "a"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
POINTERS = st.lists(st.sampled_from(["a", "b", "0", "1", "-", "01", "~0", "a~1b", "", "~2"]), max_size=3).map(
    lambda tokens: "".join("/" + token for token in tokens)
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": POINTERS},
    optional={"from": POINTERS, "value": VALUES},
)
ANYTHING = OPERATIONS | SCALARS | st.dictionaries(st.sampled_from(["op", "path", "from", "value"]), VALUES)


# The RFCs, as plain as can be


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2, line by line."""
    if isinstance(patch, dict):
        if not isinstance(target, dict):
            target = {}
        for name, value in patch.items():
            if value is None:
                if name in target:
                    del target[name]
            else:
                target[name] = merged(target.get(name), value)
        return target
    return patch


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON: true is no number, and 1 is 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def tokens(pointer: str) -> list[str]:
    """RFC 6901: the steps of a JSON Pointer."""
    assert pointer == "" or pointer.startswith("/")
    assert not re.search(r"~(?![01])", pointer)
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def place(container: Any, token: str) -> Any:
    """The key or index that a step means in a container."""
    if isinstance(container, list):
        assert re.fullmatch("0|[1-9][0-9]*", token)
        return int(token)
    assert isinstance(container, dict)
    return token


def look_up(document: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        document = document[place(document, step)]
    return document


def removed(document: Any, steps: Sequence[str]) -> None:
    container = look_up(document, steps[:-1])
    # Nothing would be left of a document that is removed as a whole.
    del container[place(container, steps[-1])]


def added(document: Any, steps: Sequence[str], value: Any) -> Any:
    if not steps:
        return value
    container = look_up(document, steps[:-1])
    if isinstance(container, list):
        index = len(container) if steps[-1] == "-" else place(container, steps[-1])
        assert index <= len(container)
        container.insert(index, value)
    else:
        container[place(container, steps[-1])] = value
    return document


def operated(document: Any, operations: Sequence[Any]) -> Any:
    """RFC 6902, section 4. Raises what indexing and asserting raise where an operation cannot be done."""
    document = deepcopy(document)
    for operation in operations:
        steps = tokens(operation["path"])
        match operation["op"]:
            case "add":
                document = added(document, steps, deepcopy(operation["value"]))
            case "remove":
                removed(document, steps)
            case "replace":
                look_up(document, steps)
                value = deepcopy(operation["value"])
                if steps:
                    container = look_up(document, steps[:-1])
                    container[place(container, steps[-1])] = value
                else:
                    document = value
            case "move":
                origin = tokens(operation["from"])
                value = look_up(document, origin)
                if origin != steps:
                    assert steps[: len(origin)] != origin
                    removed(document, origin)
                    document = added(document, steps, value)
            case "copy":
                document = added(document, steps, deepcopy(look_up(document, tokens(operation["from"]))))
            case "test":
                assert same(look_up(document, steps), operation["value"])
            case _:
                raise AssertionError
    return document


NOT_TO_BE_DONE = (AssertionError, KeyError, IndexError, TypeError)


# Merge patches


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_rfc_7396_come_out(target: Any, patch: Any, result: Any) -> None:
    assert Patch(patch).apply(target) == merged(deepcopy(target), patch) == result


@pytest.mark.parametrize("patch", [["c", "d"], ["c"], None, "bar", 5, True])
def test_a_merge_patch_that_would_make_something_else_of_an_object_is_refused(patch: Any) -> None:
    with pytest.raises(Refused):
        Patch(patch).apply({"a": "foo"})


@settings(deadline=None)
@given(VALUES, OBJECTS)
def test_a_merge_patch_is_applied_as_rfc_7396_says(target: Any, patch: Any) -> None:
    before = repr((target, patch))
    result = Patch(patch).apply(target)
    assert repr(result) == repr(merged(deepcopy(target), patch))
    assert repr(Patch(patch).apply(result)) == repr(result), "twice is as good as once"
    assert repr((target, patch)) == before


# JSON Patches


@settings(deadline=None)
@given(OBJECTS, st.lists(OPERATIONS, max_size=4))
def test_a_json_patch_is_applied_as_rfc_6902_says(document: Any, operations: Any) -> None:
    before = repr((document, operations))
    patch = Patch(operations, by_operations=True)
    try:
        expected = operated(document, operations)
    except NOT_TO_BE_DONE:
        with pytest.raises(Refused):
            patch.apply(document)
    else:
        assert same(patch.apply(document), expected)
        assert same(patch.apply(document), expected), "a write that is tried again comes to the same"
    assert repr((document, operations)) == before


@settings(deadline=None)
@given(VALUES, st.lists(ANYTHING, max_size=4) | VALUES)
def test_whatever_a_json_patch_holds_it_is_applied_or_refused(document: Any, operations: Any) -> None:
    patch = Patch(operations, by_operations=True)
    try:
        patch.apply(document)
    except Refused as refused:
        assert all(fault.pointer == "" or re.match(r"/\d+", fault.pointer) for fault in refused.faults)
    else:
        assert patch.names("a", "b") in (True, False)


@pytest.mark.parametrize(
    ("document", "operation", "result"),
    [
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"baz": "qux", "foo": "bar"}),
        ({"foo": ["bar", "baz"]}, {"op": "add", "path": "/foo/1", "value": "qux"}, {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, {"op": "remove", "path": "/baz"}, {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, {"op": "remove", "path": "/foo/1"}, {"foo": ["bar", "baz"]}),
        ({"baz": "qux"}, {"op": "replace", "path": "/baz", "value": "boo"}, {"baz": "boo"}),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            {"op": "move", "from": "/foo/waldo", "path": "/qux/thud"},
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            {"op": "move", "from": "/foo/1", "path": "/foo/3"},
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        ({"baz": "qux", "foo": ["a", 2]}, {"op": "test", "path": "/foo/1", "value": 2}, None),
        ({"foo": "bar"}, {"op": "add", "path": "/child", "value": {"g": {}}}, {"foo": "bar", "child": {"g": {}}}),
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux", "xyz": 1}, {"foo": "bar", "baz": "qux"}),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, None),
        ({"foo": ["bar"]}, {"op": "add", "path": "/foo/-", "value": ["abc"]}, {"foo": ["bar", ["abc"]]}),
    ],
)
def test_the_examples_of_rfc_6902_come_out(document: Any, operation: Any, result: Any) -> None:
    assert Patch([operation], by_operations=True).apply(document) == (document if result is None else result)


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        ({"baz": "qux"}, {"op": "test", "path": "/baz", "value": "bar"}),
        ({"foo": "bar"}, {"op": "add", "path": "/baz/bat", "value": "qux"}),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": "10"}),
    ],
)
def test_the_errors_of_rfc_6902_are_refused(document: Any, operation: Any) -> None:
    with pytest.raises(Refused):
        Patch([operation], by_operations=True).apply(document)


@pytest.mark.parametrize(
    ("patch", "names"),
    [
        (Patch({"location": {"country": "TJ"}}), True),
        (Patch({"location": {"country": None}}), True),
        (Patch({"location": {}}), False),
        (Patch({"location": None}), False),
        (Patch({"country": "TJ"}), False),
        (Patch([{"op": "add", "path": "/location/country", "value": "TJ"}], by_operations=True), True),
        (Patch([{"op": "add", "path": "/location", "value": {}}], by_operations=True), True),
        (Patch([{"op": "replace", "path": "", "value": {}}], by_operations=True), True),
        (Patch([{"op": "add", "path": "/location/countr", "value": "TJ"}], by_operations=True), False),
        (Patch([{"op": "add", "path": "/location/country/x", "value": "TJ"}], by_operations=True), False),
    ],
)
def test_a_patch_tells_what_it_says_itself(patch: Patch, names: bool) -> None:
    assert patch.names("location", "country") is names


def test_operations_beyond_the_bound_are_refused_before_any_is_done() -> None:
    operation = {"op": "test", "path": "", "value": {}}
    assert Patch([operation] * OPERATIONS_MAX, by_operations=True).apply({}) == {}
    with pytest.raises(Refused) as refused:
        Patch([operation] * (OPERATIONS_MAX + 1), by_operations=True).apply({})
    assert [fault.code for fault in refused.value.faults] == ["too-many"]


# Differences


@settings(deadline=None, max_examples=300)
@given(VALUES, VALUES)
def test_a_difference_makes_of_one_value_the_other(before: Any, after: Any) -> None:
    held = repr((before, after))
    operations = json.loads(json.dumps(difference(before, after)))
    assert same(operated(before, operations), after)
    assert same(Patch(operations, by_operations=True).apply(before), after)
    assert repr((before, after)) == held


@settings(deadline=None)
@given(VALUES)
def test_what_is_the_same_has_no_difference(value: Any) -> None:
    assert difference(value, deepcopy(value)) == []


def test_copies_are_bounded_by_all_that_they_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "COPIED_MAX", 10_000)
    copy = {"op": "copy", "from": "/x", "path": "/y"}
    small, large = {"x": "1"}, {"x": "1" * 2000}
    assert Patch([copy] * 100, by_operations=True).apply(small) == {"x": "1", "y": "1"}
    with pytest.raises(Refused) as refused:
        Patch([copy] * 100, by_operations=True).apply(large)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/2", "too-large")]
