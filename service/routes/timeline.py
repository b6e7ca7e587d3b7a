"""Reading the timeline in periods."""

from __future__ import annotations

from flask import Blueprint, Response, request

from schemas.periods import PeriodsQuery
from service.database import snapshot
from service.filters import PERIOD_OPTIONS
from service.http import answer_json, database, not_modified, unchanged
from service.ledger import release_tag, store_state
from service.periods import periods
from service.read_query import read_parts, shown_sequence

blueprint = Blueprint("timeline", __name__)


@blueprint.get("/v1/timeline")
def show_timeline() -> Response:
    """The timeline of a query in days, weeks, months, quarters or years: counts, casualties and the first events."""
    # Of one moment, so that the names, the counts, the events and the tag never tell of different ones.
    with snapshot(database()):
        filters, options = read_parts(database(), request.query_string, PERIOD_OPTIONS)
        options.pop("format", None)
        state = store_state(database())
        sequence = shown_sequence(database(), filters, state)
        if unchanged(tag := release_tag(state.tag)):
            return not_modified(tag, sequence)
        members = periods(database(), PeriodsQuery(filters, **options))
    return answer_json({**members, "sequence": sequence}, tag, sequence)
