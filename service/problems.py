"""Every error as a problem document (RFC 9457), in one place: the table of problems, and what turns into which."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask, Response, current_app, request
from peewee import InterfaceError, OperationalError, ProgrammingError
from playhouse.pool import MaxConnectionsExceeded
from werkzeug.exceptions import HTTPException

from schemas.errors import Gone, NotFound
from schemas.faults import Fault, Refused
from service.database import sql_state
from service.http import request_id
from service.rules import OtherRules

log = logging.getLogger("dateline")

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
UNDEFINED_TABLE = "42P01"


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of error. ``slug`` names its page, ``/problems/<slug>``; ``explanation`` is what that page says."""

    slug: str
    status: int
    title: str
    explanation: str


PROBLEMS: dict[str, Problem] = {
    problem.slug: problem
    for problem in (
        Problem(
            "validation",
            422,
            "The request breaks a rule",
            "Each entry of `errors` is one fault: `pointer` says where it is (a parameter's name, or a JSON Pointer "
            "into the body), `code` is a stable word for programs, `message` says what is wrong, and `suggestions` "
            "holds values that would be accepted, the likeliest first. Mend all of them and send the request again.",
        ),
        Problem(
            "bad-request",
            400,
            "The request cannot be read",
            "The request is not well-formed HTTP, or what it carries is not what it says it is.",
        ),
        Problem(
            "not-found",
            404,
            "Nothing is here",
            "There is nothing at this address: the path is misspelt, or no event, actor or province has this id. "
            "The paths that exist are listed in /openapi.json.",
        ),
        Problem(
            "method-not-allowed",
            405,
            "The method is not allowed here",
            "The address exists, but does not take this method. The `Allow` header lists the methods that it takes.",
        ),
        Problem(
            "not-acceptable",
            406,
            "No answer in an accepted form",
            "The `Accept` header names no media type in which this answer can be given. Ask for application/json, "
            "or leave the header out.",
        ),
        Problem(
            "gone",
            410,
            "The event was deleted",
            "An event with this id existed and was deleted. What it said remains in its revisions.",
        ),
        Problem(
            "too-large",
            413,
            "The request is too large",
            "The body or the address is larger than this service takes.",
        ),
        Problem(
            "internal",
            500,
            "The service failed",
            "This is a fault of the service, not of the request. It has been logged under the `request_id` of the "
            "answer; please tell whoever runs the service.",
        ),
        Problem(
            "unavailable",
            503,
            "The database cannot be reached",
            "The service runs, but its database does not answer. Try again after the seconds in `Retry-After`.",
        ),
    )
}
BY_STATUS = {problem.status: problem for problem in PROBLEMS.values()} | {
    414: PROBLEMS["too-large"],
    431: PROBLEMS["too-large"],
}


def problem(
    kind: Problem,
    detail: str,
    faults: Iterable[Fault] = (),
    source: str = "body",
    status: int | None = None,
    **members: Any,
) -> Response:
    """A problem document as a response."""
    document = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": status or kind.status,
        "detail": detail,
        "instance": request.full_path.rstrip("?"),
        "errors": [fault.as_json(source) for fault in faults],
        "request_id": request_id(),
        **members,
    }
    text = orjson.dumps(document, default=str) if _encodable(document) else orjson.dumps({**document, "instance": None})
    return Response(text + b"\n", status or kind.status, mimetype=MEDIA_TYPE)


def _encodable(document: dict[str, Any]) -> bool:
    """Whether a document holds text only. The address is the client's, and may hold bytes that are none."""
    try:
        document["instance"].encode()
    except UnicodeEncodeError:
        return False
    return True


def init_app(app: Flask) -> None:
    """Turn every error there is into a problem document."""
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(NotFound, lambda error: problem(PROBLEMS["not-found"], str(error)))
    app.register_error_handler(
        Gone,
        lambda error: problem(
            PROBLEMS["gone"], f"The event {error} was deleted.", revisions=f"/v1/events/{error}/revisions"
        ),
    )
    for unreachable in (OperationalError, InterfaceError, MaxConnectionsExceeded):
        app.register_error_handler(unreachable, _unavailable)
    app.register_error_handler(ProgrammingError, _programming_error)
    app.register_error_handler(OtherRules, _not_ready)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _failed)


def _refused(error: Refused) -> Response:
    count = len(error.faults)
    first = error.faults[0]
    detail = (
        f"{first.pointer}: {first.message.rstrip('.')}." if count == 1 else f"{count} things are wrong; see errors."
    )
    return problem(PROBLEMS["validation"], detail, error.faults, error.source)


def _unavailable(error: Exception) -> Response:
    log.warning("database unavailable: %s", error)
    answer = problem(PROBLEMS["unavailable"], "The database does not answer at the moment; try again.")
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _not_ready(error: OtherRules) -> Response:
    log.warning("%s", error)
    detail = "The store has not been brought up to this version; `dateline migrate` does so."
    answer = problem(PROBLEMS["unavailable"], detail)
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _programming_error(error: ProgrammingError) -> Response:
    """PostgreSQL's word for a statement that is wrong; one over tables that are not there is a store not set up."""
    return _unavailable(error) if sql_state(error) == UNDEFINED_TABLE else _failed(error)


def _http_error(error: HTTPException) -> Response:
    """What Flask itself refuses: unknown paths, wrong methods and the like."""
    kind = BY_STATUS.get(error.code or 500, PROBLEMS["internal" if (error.code or 500) >= 500 else "bad-request"])
    details = {
        404: f"There is nothing at {request.path}.",
        405: f"{request.path} does not take {request.method}.",
    }
    answer = problem(kind, details.get(error.code or 500, error.description or kind.title), status=error.code)
    # Headers that the error brings along, such as Allow with 405.
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    return answer


def _failed(error: Exception) -> Response:
    if current_app.testing and not current_app.config.get("SHOW_FAULTS_AS_CLIENTS_SEE_THEM"):
        raise error
    log.exception("request %s failed", request_id())
    return problem(PROBLEMS["internal"], "The service failed; the fault has been logged under the request's id.")
