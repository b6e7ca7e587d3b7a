"""Reads the parameters of the paths that take no timeline query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schemas import query
from schemas.faults import Fault, Refused, Unreadable
from schemas.fields import near, shorten


def read_parameters(query_string: bytes, readers: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """The parameters that were given, each read by its reader. Raises Refused with an entry for each fault."""
    values, faults = query.read_pairs(query_string)
    found = {}
    for name, texts in values.items():
        pointer = "/" + shorten(name)
        if name not in readers:
            message = f"{shorten(name)!r} is not a parameter of this path"
            faults.append(Fault(pointer, "unknown-parameter", message, near(name, readers)))
        elif len(texts) > 1:
            faults.append(Fault(pointer, "repeated", f"is given {len(texts)} times"))
        elif texts == [""]:
            faults.append(Fault(pointer, "blank", "is empty; leave it out or give a value"))
        elif texts:
            try:
                found[name] = readers[name](texts[0])
            except Unreadable as error:
                faults += error.at(pointer)
    if faults:
        raise Refused(faults, source="query")
    return found


def refuse_parameters(query_string: bytes) -> None:
    """Raises Refused when there is any parameter."""
    if query_string:
        read_parameters(query_string, {})
