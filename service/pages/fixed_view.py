"""The timeline of one thing, on its page: the filter by it is part of the path and cannot be taken off there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from peewee import Database

from service.pages.address import Address
from service.pages.timeline_view import read_view, timeline_view, ways_out

# Values of a facet that are listed.
LISTED = 12


def fixed_view(database: Database, path: str, name: str, value: str, query_string: bytes) -> dict[str, Any]:
    """The timeline of what has ``value`` for the filter ``name``, at a path. Raises Refused."""
    asked = read_view(database, f"{name}={quote(value, safe='')}&".encode() + query_string, path)
    return {
        **timeline_view(database, replace(asked, address=asked.address.but(name, value))),
        **ways_out(asked.address),
    }


def listed(address: Address, name: str, values: Sequence[Mapping[str, Any]], but: str = "") -> Iterator[dict[str, Any]]:
    """The most frequent values of a facet, each with the address of its page, and of this page with it for a filter."""
    for value in [value for value in values if value["value"] != but][:LISTED]:
        beside = address.also(name, value["value"]) if name == "actor" else address.having(name, value["value"])
        yield {**value, "page": f"/{name}s/{quote(value['value'], safe='')}", "at": str(beside)}
