"""Reading what changed, in pieces or as a stream."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import ServiceUnavailable

from schemas.faults import Fault, Refused
from service.change_feed import ChangeStream
from service.changes import changes, read_changes_query
from service.database import snapshot
from service.http import EVENT_STREAM, answer_json, database, not_modified, unchanged
from service.ledger import release_tag, store_state
from service.slots import RETRY_SECONDS

blueprint = Blueprint("changes", __name__)


@blueprint.get("/v1/changes")
def list_changes() -> Response:
    """Every change in the order in which it was recorded, or those that concern a query; as a stream they go on."""
    with snapshot(database()):
        asked = read_changes_query(database(), request.query_string)
        state = store_state(database())
        if _wants_stream():
            asked = replace(asked, after=_resumed_at(asked.after))
        elif unchanged(tag := release_tag(state.tag)):
            return not_modified(tag, state.sequence)
        else:
            return answer_json(changes(database(), asked).as_json(), tag, state.sequence)
    if "as_of" in asked.filters:
        raise Refused([Fault("/as_of", "not-here", "a stream goes on from now; leave as_of out")], "query")
    response = Response(mimetype=EVENT_STREAM, headers={"X-Sequence": str(state.sequence), "X-Accel-Buffering": "no"})
    if request.method == "HEAD":
        return response
    release = current_app.extensions["dateline"]["stream_slots"].take()
    if release is None:
        raise ServiceUnavailable("As many streams are open as may be; try again.", retry_after=RETRY_SECONDS)
    stream = ChangeStream(database(), asked, release)
    if (taken := request.environ.get("dateline.take_stream")) is not None:
        # The server keeps it open by itself, so that it holds none of its threads.
        taken.append(stream)
    else:
        response.response = stream.chunks()
        response.call_on_close(release)
    return response


def _wants_stream() -> bool:
    if "format" in request.args:
        return request.args["format"] == "sse"
    return request.accept_mimetypes.best_match(["application/json", EVENT_STREAM]) == EVENT_STREAM


def _resumed_at(after: int) -> int:
    """Where the stream begins: behind the last change that the client had of it, as browsers tell."""
    text = request.headers.get("Last-Event-ID")
    if text is None:
        return after
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        message = "must be the id of the last change that was received, a whole number"
        raise Refused([Fault("/Last-Event-ID", "wrong-type", message)], "header")
    return int(text)
