"""Lets a client repeat a POST without harm: a request with an Idempotency-Key is carried out once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial, wraps
from typing import BinaryIO

import orjson
from flask import Response, current_app, request
from flask.typing import ResponseReturnValue

from schemas.faults import Fault, Refused
from service.bodies import spooled
from service.http import database
from service.kept_answers import Place, once
from service.keys import Key, Scope
from service.security import authorized

HEADER = "Idempotency-Key"
KEY_FORM = re.compile(r"[!-~]{1,255}")
CHUNK = 2**16
View = Callable[..., ResponseReturnValue]


class _NotKept(Exception):
    """Takes an answer that is no good one out of the transaction, which is rolled back."""

    def __init__(self, response: Response) -> None:
        self.response = response


def repeatable(scope: Scope) -> Callable[[View], View]:
    """Make a POST view for holders of ``scope`` that may be repeated under one Idempotency-Key, for a day.

    With such a key the view runs within one write transaction, which is rolled back where the view raises or answers
    with anything but 2xx. It may be called again with the same request, so it must keep nothing between calls.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(**arguments: str) -> ResponseReturnValue:
            key = authorized(scope)
            if HEADER not in request.headers:
                return view(**arguments)
            return _answer_once(key, lambda: current_app.make_response(view(**arguments)))

        return answer

    return decorate


def _answer_once(key: Key, respond: Callable[[], Response]) -> Response:
    # What is wrong with the body as a whole is told before what is wrong with a header.
    digest = _request_digest(spooled())
    place = Place(key.id, request.path, _idempotency_key())

    def work() -> str:
        response = respond()
        if not 200 <= response.status_code < 300:
            raise _NotKept(response)
        return _written(response)

    try:
        answer, is_repeated = once(database(), place, digest, work)
    except _NotKept as refusal:
        return refusal.response
    # The first answer is read from what was kept as well, so that a later one cannot differ.
    response = _read(answer)
    if is_repeated:
        response.headers["Idempotent-Replay"] = "true"
    return response


def _idempotency_key() -> str:
    text = request.headers[HEADER]
    if not KEY_FORM.fullmatch(text):
        message = "must be 1 to 255 visible ASCII characters, such as a UUID"
        raise Refused([Fault(f"/{HEADER}", "wrong-form", message)], "header")
    return text


def _request_digest(body: BinaryIO) -> str:
    """SHA-256 of all that makes it the same request. The body is read in pieces, since it may be large."""
    head = (request.method, request.path, request.query_string, request.content_type)
    # The representation keeps its parts apart, whatever they hold.
    digest = hashlib.sha256(repr(head).encode())
    for piece in iter(partial(body.read, CHUNK), b""):
        digest.update(piece)
    return digest.hexdigest()


def _written(response: Response) -> str:
    headers = [(name, value) for name, value in response.headers if name != "Content-Length"]
    kept = {"status": response.status_code, "headers": headers, "body": response.get_data(as_text=True)}
    return orjson.dumps(kept).decode()


def _read(answer: str) -> Response:
    kept = orjson.loads(answer)
    return Response(kept["body"], kept["status"], [tuple(header) for header in kept["headers"]])
