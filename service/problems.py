"""Every error as a problem document (RFC 9457), in one place: the table of problems, and what turns into which.

Where people look, a page says the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from flask import Flask, Response, current_app, render_template, request
from peewee import InterfaceError, OperationalError, ProgrammingError
from playhouse.pool import MaxConnectionsExceeded
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from schemas.errors import Conflict, Gone, NotFound, Stale, Unconditional
from schemas.faults import Fault, Refused
from service.database import sql_state
from service.driver_errors import waited_in_vain
from service.http import request_id
from service.kept_answers import StillRunning
from service.pages.error_view import error_view
from service.pages.policy import is_page, page_headers
from service.rules import OtherRules

log = logging.getLogger("dateline")

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
UNDEFINED_TABLE = "42P01"
LOCKED = (
    "Somebody else has been writing for long, so nothing of this request was done, but for batches of many events that "
    "were stored before; try again."
)


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
            "unauthorized",
            401,
            "A key is needed",
            "This needs an API key, and none came, or one that was never given out or has been revoked. Send a valid "
            "one in the header `Authorization: Bearer <key>`. Whoever runs the service makes keys with `dateline keys "
            "create`.",
        ),
        Problem(
            "forbidden",
            403,
            "The key does not reach so far",
            "The key is valid, but its scope does not include this: `read` is for reading, `write` for writing as "
            "well, `admin` for everything. Use a key of the scope that `detail` names, or ask whoever runs the "
            "service for one.",
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
            "request-timeout",
            408,
            "The request did not come in time",
            "The body came too slowly, so it was given up and nothing was done. Send it again, in smaller parts over "
            "a slow connection.",
        ),
        Problem(
            "conflict",
            409,
            "The request does not fit what is there",
            "What is there stands against this request, as `detail` says: the id is taken or was deleted, something "
            "still uses it, or the first request under this `Idempotency-Key` is still running. With `Retry-After`, "
            "send the same request again after so many seconds; otherwise read what is there and decide anew.",
        ),
        Problem(
            "gone",
            410,
            "It was deleted",
            "An event or actor with this id existed and was deleted. `revisions` is the address of its past, and a "
            "POST to `restore` beside it brings it back.",
        ),
        Problem(
            "length-required",
            411,
            "The length of the body is missing",
            "A body is taken only with a `Content-Length`, by which it can be told whether all of it came. Send the "
            "header; chunked bodies are not taken.",
        ),
        Problem(
            "precondition-failed",
            412,
            "Somebody else was here before",
            "The version in `If-Match` is not the current one, or with `If-None-Match: *` there is one already. "
            "Nothing was changed. Read what is there now, apply your change to that, and send it with the new `ETag`.",
        ),
        Problem(
            "too-large",
            413,
            "The request is too large",
            "The body or the address is larger than this service takes.",
        ),
        Problem(
            "unsupported-media-type",
            415,
            "The body is in a form that is not taken here",
            "The `Content-Type` names no form that this path takes. `detail` lists those that it does; send the body "
            "as one of them, and say so in `Content-Type`.",
        ),
        Problem(
            "precondition-required",
            428,
            "The request must say which version it means",
            "A change of what exists needs `If-Match` with the `ETag` of the version that you read, so that nobody's "
            "change is overwritten unseen; to create something under this address, send `If-None-Match: *`.",
        ),
        Problem(
            "too-many-requests",
            429,
            "Too many requests",
            "More requests, or more keys that are not valid, came from this address than are taken in such a time. "
            "Wait for the seconds in `Retry-After`, then go on more slowly.",
        ),
        Problem(
            "internal",
            500,
            "The service failed",
            "This is a fault of the service, not of the request. It has been logged under the `request_id` of the "
            "answer; please tell whoever runs the service.",
        ),
        Problem(
            "busy",
            503,
            "Too many streams or uploads at once",
            "As many streams of changes or exports are open as the service keeps (`DATELINE_MAX_STREAMS`), or as many "
            "exports as one address may have, or as many large bodies are on their way as it takes in at once. "
            "Everything else is answered as always. Try again after the seconds in `Retry-After`; instead of a stream, "
            "ask /v1/changes in pieces, and instead of an export, /v1/events in pages.",
        ),
        Problem(
            "unavailable",
            503,
            "The database cannot be reached",
            "The service runs, but its database does not answer, or somebody else has been writing to it for longer "
            "than a request waits, as `detail` says. Try again after the seconds in `Retry-After`.",
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
    nearest: Iterable[tuple[str, str]] = (),
    wait: int | None = None,
    **members: Any,
) -> Response:
    """A problem document as a response; at the path of a page, a page that says the same.

    nearest: ids and names of what was perhaps meant. wait: the seconds after which it is worth trying again.
    """
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
    if not _encodable(document):
        document["instance"] = None
    if is_page(request.path):
        text = render_template("error.html", **error_view(request.path, kind.slug, document, nearest))
        answer = Response(text, document["status"], page_headers(request.path), mimetype="text/html")
    else:
        answer = Response(orjson.dumps(document, default=str) + b"\n", document["status"], mimetype=MEDIA_TYPE)
    if wait is not None:
        answer.headers["Retry-After"] = str(wait)
    return answer


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
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(Gone, _gone)
    app.register_error_handler(Conflict, lambda error: problem(PROBLEMS["conflict"], str(error)))
    app.register_error_handler(Stale, lambda error: problem(PROBLEMS["precondition-failed"], str(error)))
    app.register_error_handler(Unconditional, lambda error: problem(PROBLEMS["precondition-required"], str(error)))
    for unreachable in (OperationalError, InterfaceError, MaxConnectionsExceeded):
        app.register_error_handler(unreachable, _unavailable)
    app.register_error_handler(ProgrammingError, _programming_error)
    app.register_error_handler(OtherRules, _not_ready)
    app.register_error_handler(StillRunning, _still_running)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _failed)


def _refused(error: Refused) -> Response:
    count = len(error.faults)
    first = error.faults[0]
    detail = (
        f"{first.pointer or 'The body'}: {first.message.rstrip('.')}."
        if count == 1
        else f"{count} things are wrong; see errors."
    )
    return problem(PROBLEMS["validation"], detail, error.faults, error.source)


def _not_found(error: NotFound) -> Response:
    return problem(PROBLEMS["not-found"], str(error), nearest=error.nearest)


def _gone(error: Gone) -> Response:
    revisions = f"/v1/{error.kind}s/{quote(error.subject)}/revisions"
    return problem(PROBLEMS["gone"], str(error), revisions=revisions)


def _unavailable(error: Exception) -> Response:
    log.warning("database unavailable: %s", error)
    detail = LOCKED if waited_in_vain(error) else "The database does not answer at the moment; try again."
    return problem(PROBLEMS["unavailable"], detail, wait=RETRY_SECONDS)


def _not_ready(error: OtherRules) -> Response:
    log.warning("%s", error)
    detail = "The store has not been brought up to this version; `dateline migrate` does so."
    return problem(PROBLEMS["unavailable"], detail, wait=RETRY_SECONDS)


def _still_running(error: StillRunning) -> Response:
    detail = "The first request under this Idempotency-Key is still running; ask again."
    return problem(PROBLEMS["conflict"], detail, wait=RETRY_SECONDS)


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
    if isinstance(error, ServiceUnavailable):
        kind = PROBLEMS["busy"]
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
