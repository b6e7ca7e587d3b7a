"""Reading events."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import ServiceUnavailable

from schemas import query
from schemas.faults import Fault, Refused
from schemas.moments import read_past_moment
from service.database import snapshot
from service.events import Found, find_event, find_event_at, find_original, find_version
from service.exporting import begin_export, client_of_exports, newest
from service.formats import FORMATS
from service.formats.form import Format
from service.formats.naming import file_name
from service.http import (
    accepted_form,
    answer,
    answer_stream,
    database,
    listings,
    not_modified,
    unchanged,
)
from service.ledger import release_tag, store_state
from service.parameters import read_parameters, refuse_parameters
from service.read_query import read_query, shown_sequence
from service.slots import RETRY_SECONDS

blueprint = Blueprint("events", __name__)

PARAMETERS: dict[str, Callable[[str], Any]] = {
    "version": query.whole_number(1, 2**31 - 1),
    "as_of": read_past_moment,
}


@blueprint.get("/v1/events")
def list_events() -> Response:
    """Events of the timeline that match a query, in pages; or all of them in another form."""
    accepted = None if "format" in request.args else accepted_form()
    form = FORMATS.get(request.args.get("format") or accepted or "")
    if form is None:
        return _list_page()
    return _list_newest(form) if form.newest else _list_all(form)


def _list_page() -> Response:
    held = (lambda tag: unchanged(release_tag(tag))) if request.if_none_match else None
    found = listings().find(request.query_string, held)
    tag = release_tag(found.state.tag)
    if found.body is None:
        return not_modified(tag, found.sequence)
    response = answer(found.body, tag, found.sequence)
    if found.next:
        response.headers["Link"] = f'<{found.next}>; rel="next"'
    return response


def _list_newest(form: Format) -> Response:
    """The events that were changed last, in a form that holds no more of them."""
    with snapshot(database()):
        asked = read_query(database(), request.query_string, form.name)
        state = store_state(database())
        # By the Accept header it may stand at the same address as the pages.
        tag = f"{release_tag(state.tag)}-{form.name}"
        if unchanged(tag):
            return not_modified(tag, shown_sequence(database(), asked.filters, state))
        page, written = newest(database(), asked, form, request.host_url)
    response = answer(written, tag, page.sequence, form.media_type)
    response.headers["Content-Disposition"] = f'inline; filename="{file_name(asked, form)}"'
    return response


def _list_all(form: Format) -> Response:
    """Every event of a query, as one moment shows them, while they are read."""
    with ExitStack() as held:
        if request.method != "HEAD":
            held.callback(_place())
        export = begin_export(database(), form, lambda own: read_query(own, request.query_string, form.name))
        held.callback(export.close)
        headers = {"Content-Disposition": f'attachment; filename="{file_name(export.asked, form)}"'}
        if following := export.next():
            headers["Link"] = f'<{following}>; rel="next"'
        pieces = form.write(export.documents(), export.about(request.host_url))
        response = answer_stream(pieces, held.pop_all().close, export.sequence, form.media_type, headers)
    return response


def _place() -> Callable[[], None]:
    """Take a place for an export; what gives it back."""
    holder = client_of_exports(request.remote_addr or "")
    release: Callable[[], None] | None = current_app.extensions["dateline"]["export_slots"].take(holder)
    if release is None:
        detail = "As many exports are under way as may be, in all or for your address; try again."
        raise ServiceUnavailable(detail, retry_after=RETRY_SECONDS)
    return release


@blueprint.get("/v1/events/<event_id>")
def show_event(event_id: str) -> Response:
    """One event: as it is now, in one of its versions, or as it stood at a time."""
    event = _find(event_id) if request.query_string else find_event(database(), event_id)
    if unchanged(event.tag):
        return not_modified(event.tag, event.sequence)
    return answer(event.document.encode() + b"\n", event.tag, event.sequence)


def _find(event_id: str) -> Found:
    asked = read_parameters(request.query_string, PARAMETERS)
    if len(asked) == 2:
        message = "cannot stand beside version, which says already what is asked for"
        raise Refused([Fault("/as_of", "not-together", message)], "query")
    with snapshot(database()):
        if "version" in asked:
            return find_version(database(), event_id, asked["version"])
        return find_event_at(database(), event_id, asked["as_of"])


@blueprint.get("/v1/events/<event_id>/original")
def show_original(event_id: str) -> Response:
    """The imported record that an event was made from, all its columns as they were read."""
    refuse_parameters(request.query_string)
    original = find_original(database(), event_id)
    if unchanged(original.tag):
        return not_modified(original.tag, original.sequence)
    return answer(original.document.encode() + b"\n", original.tag, original.sequence)
