"""Takes the body of a request in: within its limit, whole, and in a file where it is large."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from flask import Response, after_this_request, current_app, g, request
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    LengthRequired,
    RequestEntityTooLarge,
    RequestTimeout,
    ServiceUnavailable,
    UnsupportedMediaType,
)

from schemas.fields import shorten
from schemas.strict_json import MalformedJson, read_json
from service.http import JSON
from service.settings import Settings

# Bytes: a body that is larger than this goes to a file.
IN_MEMORY = 2**20
# Where a server that takes bodies in by itself says how that went, in the environment of WSGI.
STATE = "dateline.body"
# Seconds after which to send a body again that was not taken in for now.
RETRY_SECONDS = 10
BROKE_OFF = "The body broke off before its end, so nothing was done."


def spooled() -> BinaryIO:
    """The whole body of the request, from its beginning; the same file each time, closed with the request.

    Raises LengthRequired, RequestEntityTooLarge, BadRequest for one that broke off, RequestTimeout, and
    ServiceUnavailable.
    """
    if "body" not in g:
        g.body = _take_in()
    body: BinaryIO = g.body
    body.seek(0)
    return body


def _take_in() -> BinaryIO:
    length = request.content_length
    if length is None:
        raise LengthRequired("The body comes without a Content-Length, so nobody could tell whether it is whole.")
    limit = _settings().max_body.of(request.method, request.path)
    if length > limit:
        raise RequestEntityTooLarge(f"The body has {length:,} bytes; {limit:,} are taken here.")
    match request.environ.get(STATE):
        case "broken":
            raise BadRequest(BROKE_OFF)
        case "too-slow":
            raise RequestTimeout("The body did not come in time, so nothing was done.")
        case "not-now":
            detail = "The body could not be taken in at the moment, so nothing was done; try again."
            raise ServiceUnavailable(detail, retry_after=RETRY_SECONDS)
        case "whole":
            return cast(BinaryIO, request.environ["wsgi.input"])
    return _copy(length)


def _copy(length: int) -> BinaryIO:
    with ExitStack() as files:
        body = files.enter_context(SpooledTemporaryFile(IN_MEMORY))
        try:
            shutil.copyfileobj(request.stream, body)
        except ClientDisconnected:
            raise BadRequest(BROKE_OFF) from None
        if body.tell() != length:
            raise BadRequest(BROKE_OFF)
        kept = files.pop_all()

    @after_this_request
    def close(response: Response) -> Response:
        kept.close()
        return response

    return cast(BinaryIO, body)


def _settings() -> Settings:
    found: Settings = current_app.extensions["dateline"]["settings"]
    return found


def json_body(*also: str) -> Any:
    """The value of a body in JSON; ``also``: other media types that it may come as.

    Raises what ``spooled`` raises, UnsupportedMediaType, BadRequest for what is no JSON, and Refused.
    """
    body = spooled()
    require_media_type(JSON, *also)
    raw = body.read()
    if not raw.strip():
        raise BadRequest("The body is empty; JSON is expected.")
    try:
        return read_json(raw)
    except MalformedJson as error:
        raise BadRequest(f"The body cannot be read: {error}.") from None


def require_media_type(*taken: str) -> None:
    """Raises UnsupportedMediaType where the body is said to be something else, or in another encoding than UTF-8."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype not in taken or charset not in ("utf-8", "utf8"):
        said = request.content_type or "nothing"
        raise UnsupportedMediaType(
            f"The body must be {' or '.join(taken)}, in UTF-8; Content-Type says {shorten(said)}."
        )
    refuse_compressed()


def refuse_compressed() -> None:
    """Raises UnsupportedMediaType where the body is said to be compressed."""
    if request.content_encoding not in (None, "identity"):
        raise UnsupportedMediaType("The body must not be compressed; Content-Encoding says that it is.")
