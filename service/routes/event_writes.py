"""Writing events."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Response

from schemas.fields import load
from schemas.requests import RestoreBody
from service import event_store
from service.bodies import json_body
from service.event_store import Written
from service.http import database
from service.repeats import repeatable
from service.routes.writing import (
    answer_to_write,
    author,
    deleted,
    event_author,
    of_existing,
    precondition,
    read_patch,
    require_id,
)
from service.security import authorized

blueprint = Blueprint("event_writes", __name__)
of_existing_event = partial(of_existing, "event")


def _answer(event_id: str, outcome: Written) -> Response:
    event = outcome.event
    body = event.document.encode() + b"\n"
    return answer_to_write("/v1/events", event_id, body, event.tag, event.sequence, outcome.operation == "created")


@blueprint.post("/v1/events")
@repeatable("write")
def create_event() -> Response:
    """Record an event."""
    outcome = event_store.create_event(database(), json_body(), **event_author())
    return _answer(outcome.id, outcome)


@blueprint.put("/v1/events/<event_id>")
def put_event(event_id: str) -> Response:
    """Create an event under an id of one's own, or replace the one that has it."""
    authorized("write")
    body = json_body()
    outcome = event_store.put_event(database(), require_id(event_id), body, precondition(), **event_author())
    return _answer(event_id, outcome)


@blueprint.patch("/v1/events/<event_id>")
@of_existing_event
def patch_event(event_id: str) -> Response:
    """Change some of what an event says."""
    authorized("write")
    patch = read_patch()
    return _answer(event_id, event_store.patch_event(database(), event_id, patch, precondition(), **event_author()))


@blueprint.delete("/v1/events/<event_id>")
@of_existing_event
def delete_event(event_id: str) -> Response:
    """Delete an event; its past remains."""
    authorized("write")
    event_store.delete_event(database(), event_id, precondition(), **author())
    return deleted()


@blueprint.post("/v1/events/<event_id>/restore")
@of_existing_event
@repeatable("write")
def restore_event(event_id: str) -> Response:
    """Make an event what it was in a version, whether it was deleted since or changed."""
    version = load(RestoreBody(), json_body())["version"]
    return _answer(event_id, event_store.restore_event(database(), event_id, version, precondition(), **author()))
