"""Reading events."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, request

from schemas.query import write_cursor
from service import timeline
from service.database import snapshot
from service.events import find_event, find_original
from service.http import answer, database, not_modified, release_tag, unchanged
from service.ledger import store_state
from service.parameters import refuse_parameters
from service.read_query import read_query

blueprint = Blueprint("events", __name__)


@blueprint.get("/v1/events")
def list_events() -> Response:
    """Events of the timeline that match a query, in pages."""
    # Of one moment, so that the names, the events and the tag never tell of different ones.
    with snapshot(database()):
        asked = read_query(database(), request.query_string)
        if request.if_none_match:
            state = store_state(database())
            if unchanged(tag := release_tag(state.tag)):
                return not_modified(tag, state.sequence)
        page = timeline.page(database(), asked)
    next_url = page.next and asked.url(request.path, write_cursor(asked, page.next))
    envelope = {"next": next_url, "query": asked.normalised(), "sequence": page.sequence}
    if asked.total:
        envelope["total"] = page.total
    body = b'{"events":[' + page.documents + b"],\n" + orjson.dumps(envelope)[1:] + b"\n"
    response = answer(body, release_tag(page.tag), page.sequence)
    if next_url:
        response.headers["Link"] = f'<{next_url}>; rel="next"'
    return response


@blueprint.get("/v1/events/<event_id>")
def show_event(event_id: str) -> Response:
    """One event."""
    refuse_parameters(request.query_string)
    event = find_event(database(), event_id)
    if unchanged(event.tag):
        return not_modified(event.tag, event.sequence)
    return answer(event.document.encode() + b"\n", event.tag, event.sequence)


@blueprint.get("/v1/events/<event_id>/original")
def show_original(event_id: str) -> Response:
    """The imported record that an event was made from, all its columns as they were read."""
    refuse_parameters(request.query_string)
    original = find_original(database(), event_id)
    if unchanged(original.tag):
        return not_modified(original.tag, original.sequence)
    return answer(original.document.encode() + b"\n", original.tag, original.sequence)
