"""Reading actors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from schemas import query
from schemas.faults import unreadable
from schemas.names import fold
from schemas.vocabulary import ACTOR_KINDS
from service.actor_list import ActorsQuery, actor_tag, find_actor, list_actors
from service.database import snapshot
from service.http import answer_json, database, not_modified, unchanged
from service.ledger import release_tag, store_state
from service.parameters import read_parameters, refuse_parameters
from service.places import resolve_country

blueprint = Blueprint("actors", __name__)


def _piece_of_name(text: str) -> str:
    """A text to look for in names; without a letter or digit it would be found in all of them."""
    if not fold(text):
        raise unreadable("blank", "holds no letter or digit to look for")
    return text


PARAMETERS: dict[str, Callable[[str], Any]] = {
    "q": _piece_of_name,
    "kind": query.choice(ACTOR_KINDS),
    "country": resolve_country,
    "limit": query.whole_number(1, query.LIMIT_MAX),
    "cursor": query.identifier,
}


@blueprint.get("/v1/actors")
def get_actors() -> Response:
    """Actors by id, in pages, each with the number of its events."""
    asked = read_parameters(request.query_string, PARAMETERS)
    with snapshot(database()):
        state = store_state(database())
        if unchanged(tag := release_tag(state.tag)):
            return not_modified(tag, state.sequence)
        actors, following = list_actors(database(), ActorsQuery(**asked))
    next_url = following and f"{request.path}?{urlencode({**asked, 'cursor': following})}"
    response = answer_json({"actors": actors, "next": next_url, "sequence": state.sequence}, tag, state.sequence)
    if next_url:
        response.headers["Link"] = f'<{next_url}>; rel="next"'
    return response


@blueprint.get("/v1/actors/<actor>")
def get_actor(actor: str) -> Response:
    """One actor, by id, name or alias."""
    refuse_parameters(request.query_string)
    with snapshot(database()):
        sequence = store_state(database()).sequence
        found = find_actor(database(), actor)
    if unchanged(tag := actor_tag(found, actor)):
        return not_modified(tag, sequence)
    return answer_json(found, tag, sequence)
