"""Lets a request that needs no framework have its quick answer, over ASGI and over WSGI (PEP 3333)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

from service.compression import GZIP_SUFFIX
from service.quick_answers import LONGEST_ASKED, VARY, Asked, QuickAnswers

Environ = dict[str, Any]

# Where the environment of a request holds what is asked, None for one that is the application's to judge.
ASKED = "dateline.asked"
# The one tag that a client names of its own copy.
_HELD = re.compile(r'(?:W/)?"([^"]*)"')
_KIND = ("host", *(name.lower() for name in VARY))
# What else is read of a request. One that has anything of the rest is for the application to judge.
_READ = ("if-none-match", "x-request-id")
_JUDGED = (
    *("access-control-request-private-network", "authorization", "content-length", "expect", "last-event-id"),
    *("range", "transfer-encoding", "upgrade"),
)
_NAMED_IN_BYTES = {name.encode(): name for name in (*_KIND, *_READ, *_JUDGED)}
_NAMED_IN_ENVIRONMENT = {name: "HTTP_" + name.upper().replace("-", "_") for name in (*_KIND, *_READ, *_JUDGED)}


def answer_quickly(quick: QuickAnswers, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes] | None:
    """Give the quick answer over WSGI; None, and nothing given, where there is none."""
    if ASKED not in environ:
        environ[ASKED] = asked_over_wsgi(environ)
    found = quick.in_time(environ[ASKED]) if environ[ASKED] else None
    if found is None:
        return None
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in found.headers]
    start_response(f"{found.status} {HTTPStatus(found.status).phrase}", headers)
    return [found.body]


def asked_over_asgi(scope: MutableMapping[str, Any]) -> Asked | None:
    """What a request asks for; None for one that is for the application to judge."""
    if scope["method"] != "GET":
        return None
    headers: dict[str, bytes] = {}
    for key, value in scope["headers"]:
        if name := _NAMED_IN_BYTES.get(key):
            if name in headers:
                return None
            headers[name] = value
    path, query = scope["raw_path"], scope["query_string"]
    return _asked(scope["scheme"], path + b"?" + query if query else path, headers, scope["client"][0])


def asked_over_wsgi(environ: Environ) -> Asked | None:
    """What a request asks for; None for one that is for the application to judge."""
    if environ["REQUEST_METHOD"] != "GET":
        return None
    headers = {
        name: environ[variable].encode("latin-1")
        for name, variable in _NAMED_IN_ENVIRONMENT.items()
        if variable in environ
    }
    if environ.get("CONTENT_LENGTH") not in (None, "", "0"):
        return None
    path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING")
    if "?" in path:
        # It was sent as %3F, and must not pass for the beginning of a query.
        return None
    target = f"{path}?{query}" if query else path
    return _asked(environ["wsgi.url_scheme"], target.encode("latin-1"), headers, environ.get("REMOTE_ADDR", ""))


def _asked(scheme: str, target: bytes, headers: Mapping[str, bytes], client: str) -> Asked | None:
    if not headers.get("host"):
        # Answers name the address that the client reached, which only the server knows.
        return None
    held, holds_zipped, request_id = None, False, ""
    for name in headers:
        if name in _KIND:
            continue
        text = headers[name].decode("latin-1")
        if name == "x-request-id":
            request_id = text
        elif name == "if-none-match" and (match := _HELD.fullmatch(text)):
            held = match[1].removesuffix(GZIP_SUFFIX)
            holds_zipped = held != match[1]
        else:
            return None
    kind = (scheme.encode(), *(headers.get(name) for name in _KIND))
    if len(target) + sum(map(len, filter(None, kind))) > LONGEST_ASKED:
        return None
    return Asked(target, kind, held, holds_zipped, request_id, client)
