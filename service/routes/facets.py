"""Counting events by the values that they have."""

from __future__ import annotations

from flask import Blueprint, Response, request

from service import facets
from service.database import snapshot
from service.http import answer_json, database, not_modified, unchanged
from service.ledger import release_tag, store_state
from service.read_query import shown_sequence

blueprint = Blueprint("facets", __name__)


@blueprint.get("/v1/facets")
def count_facets() -> Response:
    """How many of the events that match a query have each actor, province, type and the like."""
    # Of one moment, so that the names, the counts and the tag never tell of different ones.
    with snapshot(database()):
        asked = facets.read_facets(database(), request.query_string)
        state = store_state(database())
        sequence = shown_sequence(database(), asked.filters, state)
        if unchanged(tag := release_tag(state.tag)):
            return not_modified(tag, sequence)
        counted = facets.facets(database(), asked)
    return answer_json({**counted, "sequence": sequence}, tag, sequence)
