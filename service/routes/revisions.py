"""Reading the past of one event or actor."""

from __future__ import annotations

from urllib.parse import quote

import orjson
from flask import Blueprint, Response, request

from schemas import query
from schemas.faults import Fault, Refused
from service.database import snapshot
from service.events import find_version, last_version
from service.http import JSON_PATCH, answer_json, database, not_modified, unchanged
from service.ledger import release_tag, store_state
from service.parameters import read_parameters
from service.patches import difference
from service.revisions import find_ever, list_revisions

blueprint = Blueprint("revisions", __name__)

VERSION = query.whole_number(1, 2**31 - 1)
PARAMETERS = {"limit": query.whole_number(1, query.LIMIT_MAX), "cursor": VERSION}


@blueprint.get("/v1/events/<event_id>/revisions")
def list_event_revisions(event_id: str) -> Response:
    """Every version that an event had, the newest first: who made it, when and why. A deletion is one too."""
    return _revisions("event", event_id)


@blueprint.get("/v1/actors/<actor>/revisions")
def list_actor_revisions(actor: str) -> Response:
    """Every version that an actor had, the newest first: who made it, when and why. A deletion is one too."""
    return _revisions("actor", actor)


def _revisions(kind: str, subject: str) -> Response:
    asked = read_parameters(request.query_string, PARAMETERS)
    limit = asked.get("limit", query.LIMIT_DEFAULT)
    with snapshot(database()):
        find_ever(database(), kind, subject)
        state = store_state(database())
        if unchanged(tag := release_tag(state.tag)):
            return not_modified(tag, state.sequence)
        revisions, following = list_revisions(database(), kind, subject, limit, asked.get("cursor"))
    next_url = following and f"/v1/{kind}s/{quote(subject)}/revisions?limit={limit}&cursor={following}"
    members = {"revisions": [revision.as_json() for revision in revisions], "next": next_url}
    response = answer_json(members, tag, state.sequence)
    if next_url:
        response.headers["Link"] = f'<{next_url}>; rel="next"'
    return response


@blueprint.get("/v1/events/<event_id>/diff")
def show_difference(event_id: str) -> Response:
    """What changed in an event from one version to another, the last two by default, as a JSON Patch (RFC 6902)."""
    asked = read_parameters(request.query_string, {"from": VERSION, "to": VERSION})
    with snapshot(database()):
        find_ever(database(), "event", event_id)
        state = store_state(database())
        to = asked.get("to") or last_version(database(), event_id)
        begin = asked.get("from", to - 1)
        if begin == 0:
            message = "is needed: before the first version there is none to begin with"
            raise Refused([Fault("/from", "required", message)], "query")
        # Names may change without a new version, so the tag moves with the store.
        if unchanged(tag := f"{begin}-{to}.{release_tag(state.tag)}"):
            return not_modified(tag, state.sequence)
        before, after = (orjson.loads(find_version(database(), event_id, number).document) for number in (begin, to))
    return answer_json(difference(before, after), tag, state.sequence, JSON_PATCH)
