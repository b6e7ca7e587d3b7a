"""Applies a patch to what an event's or an actor's answer shows, and makes of it a body that can be written."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import jsonpatch
import orjson

from schemas.event import DERIVED_MEMBERS
from schemas.faults import Fault, Refused, Unreadable
from schemas.fields import kind_of
from schemas.strict_json import DEPTH_MAX, refuse_deep
from service.places import resolve_province

OPERATIONS_MAX = 1000
# Bytes of JSON that the documents after each copy may have together: copies of copies grow without end, and each takes
# its time while nobody else can write.
COPIED_MAX = 16 * 2**20

# What is said of an operation that cannot be done, the first that fits.
OBSTACLES: tuple[tuple[type[Exception], str, str], ...] = (
    (jsonpatch.JsonPatchTestFailed, "test-failed", "the test fails: that is not the value there"),
    (jsonpatch.JsonPatchConflict, "no-such-place", "points at something that is not there"),
    (jsonpatch.InvalidJsonPatch, "not-an-operation", "is no operation of RFC 6902"),
    (jsonpatch.JsonPointerException, "no-such-place", "points at a place that cannot be there"),
    (RecursionError, "too-deep", f"makes the document deeper than {DEPTH_MAX} levels"),
)


# Of these, what another version of the document might have allowed.
MISFITS = frozenset({"test-failed", "no-such-place"})


def misfits(refused: Refused) -> bool:
    """Whether a patch that was refused may be sound, and made for another version of what it is applied to."""
    return all(fault.code in MISFITS for fault in refused.faults)


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of a document.

    body: a merge patch (RFC 7396), or with ``by_operations`` the operations of a JSON Patch (RFC 6902).
    """

    body: Any
    by_operations: bool = False

    def apply(self, document: Any) -> Any:
        """The document patched; the one given stays as it is. Raises Refused."""
        if self.by_operations:
            return _operate(deepcopy(document), self.body)
        if not isinstance(self.body, Mapping):
            raise Refused([Fault("", "wrong-type", f"a merge patch must be an object, not {kind_of(self.body)}")])
        return _merge(document, self.body)

    def names(self, *path: str) -> bool:
        """Whether it says itself what is to stand at a path."""
        if not self.by_operations:
            place: Any = self.body
            for step in path[:-1]:
                place = place.get(step) if isinstance(place, Mapping) else None
            return isinstance(place, Mapping) and path[-1] in place
        pointer = "/" + "/".join(path)
        return any(pointer == found or pointer.startswith(f"{found}/") for found in (op["path"] for op in self.body))

    def apply_to_event(self, answer: str) -> Any:
        """The body that makes of an event what the patch makes of its answer. Raises Refused.

        What the server derives is left out where the patch leaves it alone, so that it follows what is changed.
        """
        before = orjson.loads(answer)
        after = self.apply(before)
        if not isinstance(after, dict):
            return after
        # What a merge patch sends back as it was read is left alone, though a null within it takes something out.
        sent_back = {} if self.by_operations else self.body
        kept = {
            name: value
            for name, value in after.items()
            if name not in DERIVED_MEMBERS or before[name] not in (value, sent_back.get(name, value))
        }
        if isinstance(kept.get("location"), dict) and before["location"]:
            kept["location"] = self._location(before["location"], kept["location"])
        return kept

    def _location(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
        """The patched location: a new province is known by the name alone, and brings its country along."""
        found = dict(after)
        province, former = found.get("province"), before["province"]
        if former and isinstance(province, Mapping):
            same_code, other_name = province.get("code") == former["code"], province.get("name", former["name"])
            if same_code and other_name != former["name"]:
                found["province"] = other_name
        changed = found.get("province") is not None and found.get("province") != former
        if changed and not self.names("location", "country") and not _lies_in(found["province"], found.get("country")):
            found["country"] = None
        return found


def difference(before: Any, after: Any) -> list[dict[str, Any]]:
    """The JSON Patch (RFC 6902) that makes one document of another."""
    operations: list[dict[str, Any]] = jsonpatch.make_patch(before, after).patch
    if jsonpatch.JsonPatch(operations).apply(before) == after:
        return operations
    # The library's search for what was moved is not proven, so its outcome is tried out.
    return [{"op": "replace", "path": "", "value": after}]


def _lies_in(province: Any, country: Any) -> bool:
    """Whether what is called so is a province of the country."""
    name = (province.get("code") or province.get("name")) if isinstance(province, Mapping) else province
    if not isinstance(name, str) or not isinstance(country, str):
        return False
    try:
        return resolve_province(name, [country], lambda: False).country == country
    except Unreadable:
        return False


def _merge(target: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value) if isinstance(value, Mapping) else value
    return merged


def _operate(document: Any, operations: Any) -> Any:
    if not isinstance(operations, list):
        raise Refused([Fault("", "wrong-type", f"a JSON Patch must be a list, not {kind_of(operations)}")])
    if len(operations) > OPERATIONS_MAX:
        message = f"has {len(operations)} operations; at most {OPERATIONS_MAX} are allowed"
        raise Refused([Fault("", "too-many", message)])
    copied = 0
    for place, operation in enumerate(operations):
        try:
            document = jsonpatch.JsonPatch([operation]).apply(document, in_place=True)
        except tuple(kind for kind, *_ in OBSTACLES) as error:
            code, message = next((code, words) for kind, code, words in OBSTACLES if isinstance(error, kind))
            raise Refused([Fault(f"/{place}", code, message)]) from None
        if operation["op"] == "copy":
            copied += _size(document)
            if copied > COPIED_MAX:
                message = f"copies too much: the documents that copies made have more than {COPIED_MAX:,} bytes"
                raise Refused([Fault(f"/{place}", "too-large", message)])
    refuse_deep(document)
    return document


def _size(document: Any) -> int:
    """Bytes of a document in JSON. Raises Refused for one that is far too deep to be written."""
    try:
        return len(orjson.dumps(document))
    except TypeError:
        refuse_deep(document)
        raise
