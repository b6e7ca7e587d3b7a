"""Writing actors."""

from __future__ import annotations

from functools import partial

import orjson
from flask import Blueprint, Response

from schemas.fields import load
from schemas.requests import MergeBody, RestoreBody
from service import actor_store
from service.actor_list import actor_tag
from service.actor_store import Written
from service.bodies import json_body
from service.http import database
from service.repeats import repeatable
from service.routes.writing import answer_to_write, author, deleted, of_existing, precondition, read_patch, require_id
from service.security import authorized

blueprint = Blueprint("actor_writes", __name__)
of_existing_actor = partial(of_existing, "actor")


def _answer(outcome: Written, created: bool = False) -> Response:
    actor = outcome.actor
    body, tag = orjson.dumps(actor) + b"\n", actor_tag(actor, actor["id"])
    return answer_to_write("/v1/actors", actor["id"], body, tag, outcome.sequence, created)


@blueprint.post("/v1/actors")
@repeatable("write")
def create_actor() -> Response:
    """Record an actor."""
    return _answer(actor_store.create_actor(database(), json_body(), **author()), created=True)


@blueprint.put("/v1/actors/<actor>")
def put_actor(actor: str) -> Response:
    """Create an actor under an id of one's own, or replace the one that has it."""
    authorized("write")
    body, expected = json_body(), precondition()
    outcome = actor_store.put_actor(database(), require_id(actor), body, expected, **author())
    return _answer(outcome, created=expected.absent)


@blueprint.patch("/v1/actors/<actor>")
@of_existing_actor
def patch_actor(actor: str) -> Response:
    """Change some of what is recorded of an actor."""
    authorized("write")
    patch = read_patch()
    return _answer(actor_store.patch_actor(database(), actor, patch, precondition(), **author()))


@blueprint.delete("/v1/actors/<actor>")
@of_existing_actor
def delete_actor(actor: str) -> Response:
    """Delete an actor that no event and no other actor names."""
    authorized("write")
    actor_store.delete_actor(database(), actor, precondition(), **author())
    return deleted()


@blueprint.post("/v1/actors/<actor>/restore")
@of_existing_actor
@repeatable("write")
def restore_actor(actor: str) -> Response:
    """Make an actor what it was in a version, whether it was deleted since or changed."""
    version = load(RestoreBody(), json_body())["version"]
    return _answer(actor_store.restore_actor(database(), actor, version, precondition(), **author()))


@blueprint.post("/v1/actors/<actor>/merge")
@of_existing_actor
@repeatable("admin")
def merge_actor(actor: str) -> Response:
    """Say that an actor is another one: its events and names become that one's, and its id goes on meaning it."""
    into = load(MergeBody(), json_body())["into"]
    return _answer(actor_store.merge_actors(database(), actor, into, **author()))
