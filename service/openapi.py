"""Describes the API as OpenAPI 3.1, from the code that runs: the routes, the table of filters, the answers' schemas."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema

from schemas import answers
from schemas.vocabulary import ACTOR_KINDS
from service import __version__
from service.filters import FACET_OPTIONS, FILTERS, LIMIT, PARAMETERS, PERIOD_OPTIONS, TEXT, Parameter
from service.http import EXPOSED_HEADERS, GEOJSON
from service.problems import MEDIA_TYPE, PROBLEMS

DESCRIPTION = """\
Dated events, who took part, where, and what each source claims, answered as timelines that are filtered by actor and
province. Names are taken in any usual spelling; a name that nobody knows is refused with the nearest matches, never
answered with an empty list. Every error is a problem document (RFC 9457)."""

JSON = "application/json"
FEATURES = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "features": {"type": "array", "items": {"type": "object"}},
    },
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the copy that the client has.",
    "schema": TEXT,
}
NOT_MODIFIED = {"description": "The client's copy, named by If-None-Match, is good."}
ONE_COUNTRY = Parameter("country", "ISO 3166-1 alpha-2 code or name.", "AF", TEXT)


@dataclass(frozen=True, slots=True)
class Operation:
    """What the description says of a handler beside its docstring.

    answers: media type → schema of the 200 answer. problems: slugs of errors beside those that all can give.
    examples: of the parameters in the path. from_store: the answer shows the store, so it has X-Sequence, and the
    request is judged: 406, 422 and 503. tagged: it has an ETag, and there is a 304.
    """

    tag: str
    answers: Mapping[str, type[Schema] | Mapping[str, Any]]
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[str, ...] = ()
    examples: Mapping[str, str] = field(default_factory=dict)
    from_store: bool = True
    tagged: bool = True


# By the name of the handler, as Flask knows it.
OPERATIONS: dict[str, Operation] = {
    "events.list_events": Operation("Events", {JSON: answers.EventPage}, tuple(PARAMETERS.values())),
    "events.show_event": Operation(
        "Events", {JSON: answers.Event}, (), ("not-found", "gone"), {"event_id": "panjshir-clash"}
    ),
    "events.show_original": Operation(
        "Events", {JSON: {"type": "object"}}, (), ("not-found", "gone"), {"event_id": "ucdp-ged-212545"}
    ),
    "timeline.show_timeline": Operation(
        "Timeline", {JSON: answers.Timeline}, (*FILTERS.values(), *PERIOD_OPTIONS.values())
    ),
    "facets.count_facets": Operation("Timeline", {JSON: answers.Facets}, (*FILTERS.values(), *FACET_OPTIONS.values())),
    "actors.get_actors": Operation(
        "Actors",
        {JSON: answers.ActorPage},
        (
            Parameter("q", "A piece of a name or alias.", "mass", TEXT),
            Parameter("kind", "What the actor is.", "person", {"type": "string", "enum": list(ACTOR_KINDS)}),
            ONE_COUNTRY,
            Parameter("limit", "Actors on a page.", "10", LIMIT),
            Parameter("cursor", "Where the page begins: from `next` of the page before.", "nrf", TEXT),
        ),
    ),
    "actors.get_actor": Operation("Actors", {JSON: answers.Actor}, (), ("not-found",), {"name": "nrf"}),
    "catalog.get_provinces": Operation(
        "Provinces",
        {JSON: answers.ProvinceList, GEOJSON: FEATURES},
        (
            ONE_COUNTRY,
            Parameter("format", "geojson: the outlines.", "json", {"type": "string", "enum": ["json", "geojson"]}),
        ),
    ),
    "catalog.get_province": Operation(
        "Provinces",
        {JSON: answers.ProvinceDetail, GEOJSON: FEATURES},
        (Parameter("format", "geojson: the outline.", "json", {"type": "string", "enum": ["json", "geojson"]}),),
        ("not-found",),
        {"name": "AF-PAN"},
    ),
    "catalog.get_types": Operation("Vocabularies", {JSON: answers.EventTypeList}),
    "catalog.get_datasets": Operation("Vocabularies", {JSON: answers.DatasetList}),
    "pages.healthz": Operation("Service", {JSON: answers.Health}, from_store=False, tagged=False),
    "pages.readyz": Operation(
        "Service", {JSON: answers.Health}, problems=("unavailable",), from_store=False, tagged=False
    ),
    "pages.get_metrics": Operation("Service", {"text/plain": {"type": "string"}}, from_store=False, tagged=False),
    "pages.openapi_json": Operation("Service", {JSON: {"type": "object"}}, from_store=False),
}


def init_app(app: Flask) -> None:
    """Make the description once all routes are known."""
    text = orjson.dumps(describe(app)) + b"\n"
    app.extensions["dateline"]["openapi"] = text, hashlib.blake2b(text, digest_size=8).hexdigest()


def describe(app: Flask) -> dict[str, Any]:
    """The whole description as a document."""
    spec = APISpec(
        title="Dateline",
        version=__version__,
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin()],
        info={"description": DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        servers=[{"url": "/"}],
        tags=[{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS.values())],
    )
    spec.components.schema("Problem", schema=answers.ProblemDocument)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = OPERATIONS.get(rule.endpoint)
        if operation is None:
            continue
        summary = (app.view_functions[rule.endpoint].__doc__ or "").strip()
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        spec.path(
            path=path,
            operations={"get": _operation(rule.endpoint, operation, summary, sorted(rule.arguments))},
        )
    described: dict[str, Any] = spec.to_dict()
    return described


def _operation(endpoint: str, operation: Operation, summary: str, in_path: list[str]) -> dict[str, Any]:
    judged = ("not-acceptable", "validation", "unavailable") if operation.from_store else ()
    slugs = sorted({*operation.problems, *judged, "internal"})
    return {
        "operationId": endpoint.partition(".")[2],
        "summary": summary,
        "tags": [operation.tag],
        "parameters": [
            *(
                {
                    "name": name,
                    "in": "path",
                    "required": True,
                    "schema": TEXT,
                    "example": operation.examples.get(name, name),
                }
                for name in in_path
            ),
            *(_parameter(parameter) for parameter in operation.parameters),
            *([IF_NONE_MATCH] if operation.tagged else []),
        ],
        "responses": {
            "200": {
                "description": "The answer.",
                "headers": _headers(operation),
                "content": {media: {"schema": schema} for media, schema in operation.answers.items()},
            },
            **({"304": NOT_MODIFIED} if operation.tagged else {}),
            **{
                str(PROBLEMS[slug].status): {
                    "description": PROBLEMS[slug].title,
                    "content": {MEDIA_TYPE: {"schema": "Problem"}},
                }
                for slug in slugs
            },
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
    }
    kind = parameter.schema["type"]
    if kind == "array":
        # Given several times, a filter asks for all; that has no form of its own in OpenAPI.
        described |= {"style": "form", "explode": False}
    if parameter.example:
        # With the schema: an example of the parameter itself would stand in every field of the page at /docs,
        # which would then ask for all filters at once.
        described["schema"]["examples"] = [_typed(parameter.example, parameter.schema)]
        described["description"] += f" For example `{parameter.example}`."
    return described


def _typed(example: str, schema: Mapping[str, Any]) -> Any:
    """An example as a value of its schema."""
    kind = schema["type"]
    if kind == "array":
        return [_typed(part, schema["items"]) for part in example.split(",")]
    return example if kind == "string" else orjson.loads(example)


def _headers(operation: Operation) -> dict[str, Any]:
    names = ["X-Request-ID"]
    if operation.tagged:
        names.append("ETag")
    if operation.from_store:
        names.append("X-Sequence")
    if any(parameter.name == "cursor" for parameter in operation.parameters):
        names.append("Link")
    assert set(names) <= set(EXPOSED_HEADERS), "browsers must be able to read what is described"
    return {name: {"schema": {"type": "string"}} for name in names}
