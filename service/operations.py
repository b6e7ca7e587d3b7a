"""What the description of the API says of each handler beside its docstring, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marshmallow import Schema

from schemas import answers, written
from schemas.exported import EXPORTED
from schemas.fields import TEXT_LIMIT
from schemas.query import LIMIT_DEFAULT, LIMIT_MAX
from schemas.vocabulary import ACTOR_KINDS
from service.filters import (
    CHANGE_OPTIONS,
    FACET_OPTIONS,
    FILTERS,
    LIMIT,
    PARAMETERS,
    PERIOD_OPTIONS,
    TEXT,
    TRUTH,
    Parameter,
)
from service.formats import FORMATS
from service.http import EVENT_STREAM, GEOJSON, JSON, JSON_PATCH, MERGE_PATCH, NDJSON
from service.importers import IMPORTERS
from service.keys import Scope

Content = Mapping[str, type[Schema] | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """What the description says of a handler.

    answers: media type → schema of a good answer. statuses: what a good answer may have. problems: slugs of errors
    beside those that all can give. headers: of the request, beside If-None-Match.
    examples: of the parameters in the path. body: media type → schema, where there is one. scope: that of the key.
    from_store: the answer shows the store, so it has X-Sequence, and the request is judged.
    tagged: it has an ETag, and on reading there is a 304.
    """

    tag: str
    answers: Content
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[str, ...] = ()
    examples: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (200,)
    headers: tuple[Parameter, ...] = ()
    body: Content = field(default_factory=dict)
    scope: Scope | None = None
    from_store: bool = True
    tagged: bool = True


FEATURES = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "features": {"type": "array", "items": {"type": "object"}},
    },
}
VERSION = {"type": "integer", "minimum": 1}
EVENT_ID = {"event_id": "panjshir-clash"}
ONE_COUNTRY = Parameter("country", "ISO 3166-1 alpha-2 code or name.", "AF", TEXT)

IF_MATCH = Parameter("If-Match", "The ETag of the version that the change is made to; it is needed.", "", TEXT)
IF_MATCH_OR_NONE = replace(IF_MATCH, meaning="The ETag of the version that is replaced; or send If-None-Match.")
IF_NONE_MATCH = Parameter("If-None-Match", "`*`: create it, and change nothing that is there.", "", TEXT)
IF_MATCH_ALIVE = replace(IF_MATCH, meaning="The ETag of the current version, where there is one.")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "Any text that no other request has; repeated with it, the request is carried out once.",
    "",
    TEXT,
)
LAST_EVENT_ID = Parameter("Last-Event-ID", "Where a stream goes on: the id of the last change received.", "", TEXT)
REASON = Parameter("reason", "Why: it is kept in the revision.", "a typing mistake", {**TEXT, "maxLength": TEXT_LIMIT})
UNKNOWN_ACTORS = Parameter(
    "unknown_actors",
    "create: actors that nobody knows are created.",
    "create",
    {"type": "string", "enum": ["create", "refuse"], "default": "refuse"},
)
WRITING = (REASON, UNKNOWN_ACTORS)
BODY = ("bad-request", "length-required", "request-timeout", "too-large", "unsupported-media-type")
CHANGE = ("conflict", "precondition-failed", "precondition-required")

# A write of one event or actor: what each way of it has in common.
_CREATE = Operation("", {}, problems=(*BODY, "conflict"), statuses=(201,), headers=(IDEMPOTENCY_KEY,), scope="write")
_PUT = replace(_CREATE, problems=(*BODY, *CHANGE), statuses=(200, 201), headers=(IF_MATCH_OR_NONE, IF_NONE_MATCH))
_PATCH = replace(_PUT, problems=(*_PUT.problems, "not-found", "gone"), statuses=(200,), headers=(IF_MATCH,))
_DELETE = replace(
    _PATCH,
    problems=("precondition-failed", "precondition-required", "not-found", "gone"),
    statuses=(204,),
    parameters=(REASON,),
    tagged=False,
)
_RESTORE = replace(
    _CREATE,
    problems=(*BODY, *CHANGE, "not-found"),
    statuses=(200,),
    headers=(IF_MATCH_ALIVE, IDEMPOTENCY_KEY),
    body={JSON: written.RESTORE},
    parameters=(REASON,),
)
_EVENT: dict[str, Any] = {
    "tag": "Events",
    "answers": {JSON: answers.Event},
    "parameters": WRITING,
    "examples": EVENT_ID,
}
_ACTOR: dict[str, Any] = {
    "tag": "Actors",
    "answers": {JSON: answers.Actor},
    "parameters": (REASON,),
    "examples": {"actor": "nrf"},
}
_REVISIONS = Operation(
    "History",
    {JSON: answers.RevisionPage},
    (
        Parameter("limit", "Revisions on a page.", "10", LIMIT),
        Parameter("cursor", "Where the page begins: from `next` of the page before.", "1", VERSION),
    ),
    ("not-found",),
)


def _patched(schema: Content) -> Content:
    return {**schema, MERGE_PATCH: written.MERGE_PATCH, JSON_PATCH: written.JSON_PATCH}


# By the name of the handler, as Flask knows it.
OPERATIONS: dict[str, Operation] = {
    "events.list_events": Operation(
        "Events",
        {JSON: answers.EventPage, **{form.media_type: EXPORTED[form.name] for form in FORMATS.values()}},
        tuple(PARAMETERS.values()),
        ("busy",),
    ),
    "events.show_event": Operation(
        "Events",
        {JSON: answers.Event},
        (Parameter("version", "One of its versions.", "1", VERSION), FILTERS["as_of"]),
        ("not-found", "gone"),
        EVENT_ID,
    ),
    "events.show_original": Operation(
        "Events", {JSON: {"type": "object"}}, (), ("not-found", "gone"), {"event_id": "ucdp-ged-212545"}
    ),
    "event_writes.create_event": replace(_CREATE, **_EVENT, body={JSON: written.EVENT}),
    "event_writes.put_event": replace(_PUT, **_EVENT, body={JSON: written.EVENT}),
    "event_writes.patch_event": replace(_PATCH, **_EVENT, body=_patched({JSON: written.MERGE_PATCH})),
    "event_writes.delete_event": replace(_DELETE, tag="Events", examples=EVENT_ID),
    "event_writes.restore_event": replace(_RESTORE, **{**_EVENT, "parameters": (REASON,)}),
    "bulk.write_many_events": replace(
        _CREATE,
        tag="Events",
        answers={JSON: answers.BulkReport},
        statuses=(200,),
        body={NDJSON: written.LINES, "*/*": written.LINES},
        parameters=(
            *WRITING,
            Parameter(
                "format",
                "What the body holds: Dateline's own events, one a line, or a file of another format.",
                "dateline",
                {"type": "string", "enum": list(IMPORTERS), "default": "dateline"},
            ),
            Parameter("dataset", "The dataset of all its events, in the place of their own.", "local", TEXT),
            Parameter("atomic", "true: all of it is kept, or nothing.", "true", TRUTH),
        ),
        tagged=False,
    ),
    "revisions.list_event_revisions": replace(_REVISIONS, examples=EVENT_ID),
    "revisions.list_actor_revisions": replace(_REVISIONS, examples={"actor": "nrf"}),
    "revisions.show_difference": Operation(
        "History",
        {JSON_PATCH: written.JSON_PATCH},
        (
            Parameter("from", "The version to begin with; the one before `to` by default.", "1", VERSION),
            Parameter("to", "The version to end with; the last by default.", "2", VERSION),
        ),
        ("not-found", "gone"),
        EVENT_ID,
    ),
    "changes.list_changes": Operation(
        "History",
        {JSON: answers.ChangeList, EVENT_STREAM: {"type": "string"}},
        (*FILTERS.values(), *CHANGE_OPTIONS.values()),
        ("busy",),
        headers=(LAST_EVENT_ID,),
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
            Parameter("limit", "Actors on a page.", "10", {**LIMIT, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT}),
            Parameter("cursor", "Where the page begins: from `next` of the page before.", "nrf", TEXT),
        ),
    ),
    "actors.get_actor": Operation("Actors", {JSON: answers.Actor}, (), ("not-found", "gone"), {"actor": "nrf"}),
    "actor_writes.create_actor": replace(_CREATE, **_ACTOR, body={JSON: written.ACTOR}),
    "actor_writes.put_actor": replace(_PUT, **_ACTOR, body={JSON: written.ACTOR}),
    "actor_writes.patch_actor": replace(_PATCH, **_ACTOR, body=_patched({JSON: written.MERGE_PATCH})),
    "actor_writes.delete_actor": replace(
        _DELETE, tag="Actors", examples={"actor": "nrf"}, problems=(*_DELETE.problems, "conflict")
    ),
    "actor_writes.restore_actor": replace(_RESTORE, **_ACTOR),
    "actor_writes.merge_actor": replace(
        _CREATE,
        **_ACTOR,
        problems=(*BODY, "conflict", "not-found", "gone"),
        statuses=(200,),
        body={JSON: written.MERGE},
        scope="admin",
    ),
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
