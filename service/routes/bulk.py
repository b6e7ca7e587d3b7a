"""Writing many events at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from schemas import query
from schemas.faults import Fault, Refused, unreadable
from schemas.fields import ID_FORM, ID_PATTERN
from service.bodies import refuse_compressed, require_media_type, spooled
from service.database import snapshot
from service.http import JSON, NDJSON, answer_json, database
from service.import_report import ImportReport
from service.importers import IMPORTERS, UnreadableFile
from service.importing import Import, import_file
from service.ledger import store_state
from service.problems import PROBLEMS, problem
from service.repeats import repeatable
from service.routes.writing import event_author

blueprint = Blueprint("bulk", __name__)

# What NDJSON is called, beside plain JSON, which one line of it is.
NDJSON_TYPES = (NDJSON, "application/ndjson", "application/jsonl", "application/jsonlines", JSON)
OWN_FORMAT = "dateline"


def _dataset(text: str) -> str:
    if not ID_FORM.match(text):
        raise unreadable("wrong-form", f"must match {ID_PATTERN}")
    return text


PARAMETERS: dict[str, Callable[[str], Any]] = {
    "format": query.choice(tuple(IMPORTERS), "unknown-format"),
    "dataset": _dataset,
    "atomic": query.truth,
}


@blueprint.post("/v1/events/bulk")
@repeatable("write")
def write_many_events() -> Response:
    """Record many events, one JSON object a line, or a file of an import format; a report tells of each refused."""
    body = spooled()
    refuse_compressed()
    if request.args.get("format", OWN_FORMAT) == OWN_FORMAT:
        require_media_type(*NDJSON_TYPES)
    asked = event_author(**PARAMETERS)
    importer = IMPORTERS[asked.pop("format", OWN_FORMAT)]
    atomic = asked.pop("atomic", False)
    try:
        report = import_file(database(), body, Import(importer, **asked), atomic=atomic)
    except UnreadableFile as error:
        raise Refused([Fault("", "unreadable-file", f"{error}")]) from None
    if atomic and (report.refused or report.broken):
        detail = f"{report.refused} of {report.received} lines are refused, so none was kept; see rejected."
        return problem(PROBLEMS["validation"], detail, **_told(report))
    with snapshot(database()):
        sequence = store_state(database()).sequence
    return answer_json(_told(report), sequence=sequence)


def _told(report: ImportReport) -> dict[str, Any]:
    members = report.as_json()
    if not members["warnings"]:
        del members["warnings"]
    return members
