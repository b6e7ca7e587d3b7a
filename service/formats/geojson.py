"""Writes events as a FeatureCollection (RFC 7946): each is a Feature, at its coordinates where it has any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from service.formats.form import About, Documents, Format


def write(documents: Documents, about: About) -> Iterator[bytes]:
    """The collection: a feature on each line."""
    separator = b'{"type":"FeatureCollection","features":[\n'
    for batch in documents:
        yield separator + b",\n".join(_feature(document, about) for document in batch)
        separator = b",\n"
    # Where no event came before, the collection begins here.
    yield b"\n]}\n" if separator == b",\n" else separator + b"]}\n"


def _feature(document: str, about: About) -> bytes:
    event = orjson.loads(document)
    # Parsed and written again only where there is something to leave out.
    properties = document.encode() if about.members is None else orjson.dumps(about.chosen(event))
    return b'{"type":"Feature","id":%b,"geometry":%b,"properties":%b}' % (
        orjson.dumps(event["id"]),
        orjson.dumps(_point(event["location"])),
        properties,
    )


def _point(location: dict[str, Any] | None) -> dict[str, Any] | None:
    """Where an event happened, longitude first; None where only words say it."""
    if location is None or location["latitude"] is None:
        return None
    return {"type": "Point", "coordinates": [location["longitude"], location["latitude"]]}


FORMAT = Format("geojson", "application/geo+json", "geojson", write)
