"""Reading provinces, types and datasets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from schemas import query
from schemas.errors import NotFound
from schemas.fields import shorten
from service import catalog, gazetteer
from service.database import snapshot
from service.http import GEOJSON, answer_json, database, not_modified, unchanged
from service.ledger import release_tag, store_state
from service.parameters import read_parameters, refuse_parameters
from service.places import resolve_country

blueprint = Blueprint("catalog", __name__)

FORMATS = ("json", "geojson")
PARAMETERS = {"country": resolve_country, "format": query.choice(FORMATS, "unknown-format")}


def _answer(read: Callable[[], dict[str, Any]], mimetype: str = "application/json") -> Response:
    """An answer that follows from the whole store, unless the client has it already."""
    with snapshot(database()):
        state = store_state(database())
        # Two forms of one address are told apart by their tags.
        tag = release_tag(state.tag) + ("" if mimetype == "application/json" else "-geojson")
        if unchanged(tag):
            return not_modified(tag, state.sequence)
        members = read()
    if mimetype == "application/json":
        members["sequence"] = state.sequence
    return answer_json(members, tag, state.sequence, mimetype)


def _wants_geojson(asked: dict[str, Any]) -> bool:
    if "format" in asked:
        return bool(asked["format"] == "geojson")
    return request.accept_mimetypes.best_match(["application/json", GEOJSON]) == GEOJSON


@blueprint.get("/v1/provinces")
def get_provinces() -> Response:
    """The provinces of a country or of the whole world (ISO 3166-2), each with the number of its events."""
    asked = read_parameters(request.query_string, PARAMETERS)
    country = asked.get("country")
    if _wants_geojson(asked):
        return _answer(lambda: catalog.outlines(catalog.provinces(database(), country)), GEOJSON)
    return _answer(lambda: {"provinces": catalog.provinces(database(), country)})


@blueprint.get("/v1/provinces/<name>")
def get_province(name: str) -> Response:
    """One province, by code, name or alias, with its bounding box and its first and last event."""
    asked = read_parameters(request.query_string, {"format": PARAMETERS["format"]})
    units = gazetteer.find_provinces(name)
    if len(units) != 1:
        hint = f" Several have this name: {', '.join(unit.code for unit in units)}." if units else ""
        raise NotFound(f"There is no province {shorten(name)!r}.{hint}")
    if _wants_geojson(asked):
        return _answer(lambda: catalog.outlines([catalog.province(database(), units[0])]), GEOJSON)
    return _answer(lambda: catalog.province(database(), units[0]))


@blueprint.get("/v1/types")
def get_types() -> Response:
    """The types that an event can have, each with the number of its events."""
    refuse_parameters(request.query_string)
    return _answer(lambda: {"types": catalog.types(database())})


@blueprint.get("/v1/datasets")
def get_datasets() -> Response:
    """The datasets that events belong to, with licence, citation and the number of events."""
    refuse_parameters(request.query_string)
    return _answer(lambda: {"datasets": catalog.datasets(database())})
