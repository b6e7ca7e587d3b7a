"""Reads JSON as a person writes it: nothing is dropped in silence, nothing is deeper than anything needs to be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn

from schemas.faults import Fault, Refused
from schemas.fields import pointer_step

DEPTH_MAX = 32
# Digits of the longest number that is read as it stands; every member has a bound far below it.
DIGITS_MAX = 300


class MalformedJson(ValueError):
    """A text that is no JSON. The message says where."""


def read_json(raw: bytes) -> Any:
    """The value of a JSON text in UTF-8 (RFC 8259). Raises MalformedJson.

    Raises Refused for keys that an object has twice, of which a reader would keep one, and for deep nesting.
    """
    repeated: list[tuple[dict[str, Any], str]] = []

    def together(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counted = Counter(key for key, _ in pairs)
            repeated.extend((found, key) for key, count in counted.items() if count > 1)
        return found

    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"it is not UTF-8: the byte {raw[error.start]:#04x} at {error.start} belongs to no character"
        raise MalformedJson(message) from None
    try:
        value = json.loads(text, object_pairs_hook=together, parse_constant=_no_number, parse_int=_whole)
    except RecursionError:
        raise Refused([_too_deep("")]) from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"it is no JSON: {error.msg}, in line {error.lineno}, column {error.colno}") from None
    refuse_deep(value)
    if repeated:
        raise Refused(_repeated_keys(value, repeated))
    return value


def refuse_deep(value: Any) -> None:
    """Raises Refused for a value with more than DEPTH_MAX lists and objects inside each other."""
    for depth, pointer, _ in _walk(value):
        if depth > DEPTH_MAX:
            raise Refused([_too_deep(pointer)])


def _too_deep(pointer: str) -> Fault:
    return Fault(pointer, "too-deep", f"is nested more than {DEPTH_MAX} levels deep")


def _walk(value: Any) -> Iterator[tuple[int, str, Any]]:
    """Each list and object, with how deep it lies and where; it looks no deeper than is too deep."""
    waiting = [(1, "", value)]
    while waiting:
        depth, pointer, found = waiting.pop()
        if not isinstance(found, dict | list):
            continue
        yield depth, pointer, found
        inner = found.items() if isinstance(found, dict) else enumerate(found)
        waiting += [(depth + 1, pointer + pointer_step(key), part) for key, part in inner]


def _repeated_keys(value: Any, repeated: list[tuple[dict[str, Any], str]]) -> list[Fault]:
    places = {id(found): pointer for _, pointer, found in _walk(value)}
    message = "stands more than once in one object, of which only one could be kept"
    # What stands under a key that is repeated itself may be nowhere in the value.
    return [Fault(places.get(id(found), "") + pointer_step(key), "duplicate-key", message) for found, key in repeated]


def _no_number(word: str) -> NoReturn:
    raise MalformedJson(f"it is no JSON: {word} is no number there")


def _whole(digits: str) -> int:
    return int(digits[:DIGITS_MAX])
