"""What the handlers that write have in common: preconditions, parameters, and the answers to a write."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import quote

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue

from schemas import query
from schemas.faults import Fault, Refused, unreadable
from schemas.fields import ID_FORM, ID_PATTERN, TEXT_LIMIT
from schemas.precondition import Precondition
from service.bodies import json_body
from service.compression import GZIP_SUFFIX
from service.database import snapshot
from service.http import JSON_PATCH, MERGE_PATCH, answer, database
from service.ledger import store_state
from service.parameters import read_parameters
from service.patches import Patch
from service.revisions import find_ever
from service.security import presented_key, signature

View = Callable[..., ResponseReturnValue]

# The version within an entity tag: what was asked for by another name than its id begins with the id.
VERSION_IN_TAG = re.compile(r"(?:[^:]*:)?([0-9]{1,9})(?:\..*)?")
# A version that nothing ever has.
NEVER = 0


def _reason(text: str) -> str:
    if len(text) > TEXT_LIMIT:
        raise unreadable("too-long", f"has {len(text)} characters; at most {TEXT_LIMIT} are allowed")
    return text


REASON: Mapping[str, Callable[[str], Any]] = {"reason": _reason}
UNKNOWN_ACTORS: Mapping[str, Callable[[str], Any]] = {"unknown_actors": query.choice(("create", "refuse"))}


def of_existing(kind: str, view: View) -> View:
    """The view of something that must have been there, which is told before anything is said of keys.

    Where reading needs a key, only who has one is told what there is.
    """

    @wraps(view)
    def answer_of_existing(**arguments: str) -> ResponseReturnValue:
        if current_app.extensions["dateline"]["settings"].public_read or presented_key():
            find_ever(database(), kind, next(iter(arguments.values())))
        return view(**arguments)

    return answer_of_existing


def author(**readers: Callable[[str], Any]) -> dict[str, Any]:
    """Who writes and why, and the other parameters of the request. Raises Refused."""
    asked = read_parameters(request.query_string, {**REASON, **readers})
    return {"by": signature(), **asked}


def event_author(**readers: Callable[[str], Any]) -> dict[str, Any]:
    """Who writes events and why, by what rules, and the other parameters of the request. Raises Refused."""
    asked = author(**UNKNOWN_ACTORS, **readers)
    create = asked.pop("unknown_actors", "refuse") == "create"
    return {**asked, "create_actors": create, "min_year": current_app.extensions["dateline"]["settings"].min_year}


def precondition() -> Precondition:
    """What the client says that must be so, by If-Match and If-None-Match."""
    absent = request.if_none_match.star_tag
    if "If-Match" not in request.headers:
        return Precondition(absent=absent)
    held = request.if_match
    # A proxy that compresses answers makes their tags weak; the version in them is exact all the same.
    # An empty tag is read as None.
    tags = {tag.removesuffix(GZIP_SUFFIX) for tag in held.as_set(include_weak=True) if tag}
    versions = {int(found[1]) for tag in tags if (found := VERSION_IN_TAG.fullmatch(tag))}
    return Precondition(frozenset(versions or {NEVER}), any_version=held.star_tag, absent=absent)


def read_patch() -> Patch:
    """The patch in the body, of the kind that its media type says."""
    body = json_body(MERGE_PATCH, JSON_PATCH)
    return Patch(body, by_operations=request.mimetype == JSON_PATCH)


def require_id(subject: str) -> str:
    """The id in the address. Raises Refused where nothing can have it."""
    if not ID_FORM.match(subject):
        raise Refused([Fault("/id", "wrong-form", f"must match {ID_PATTERN}")], "path")
    return subject


def answer_to_write(path: str, subject: str, document: bytes, tag: str, sequence: int, created: bool) -> Response:
    """The answer to a write: what was written, as it is read now."""
    response = answer(document, tag, sequence)
    if created:
        response.status_code = 201
        response.headers["Location"] = f"{path}/{quote(subject)}"
    return response


def deleted() -> Response:
    """204: it is gone."""
    with snapshot(database()):
        sequence = store_state(database()).sequence
    response = Response(status=204, headers={"X-Sequence": str(sequence)})
    del response.headers["Content-Type"]
    return response
