"""Tells what a request over ASGI asks for, where its answer may need no framework."""

from __future__ import annotations

import re
from typing import Protocol

from service.compression import GZIP_SUFFIX
from service.quick_answers import VARY, Asked, Quick
from service.server.asgi import Scope

# Whether the client has a copy that is still good, where it names one copy alone.
_HELD = re.compile(r'(?:W/)?"([^"]*)"')
_KIND = {name.lower().encode(): place for place, name in enumerate(("Host", *VARY))}
# A request that has one of these is for the application to judge.
_JUDGED = frozenset(
    (b"authorization", b"content-length", b"expect", b"last-event-id", b"range", b"transfer-encoding", b"upgrade")
)


class QuickAnswering(Protocol):
    """What gives quick answers, see ``service.quick_answers.QuickAnswers``."""

    def at_once(self, asked: Asked) -> Quick | None: ...

    def leave(self) -> None: ...

    def may_answer(self, asked: Asked) -> bool: ...

    def in_time(self, asked: Asked) -> Quick | None: ...


def asked_of(scope: Scope) -> Asked | None:
    """What a request asks for; None for one that is for the application to judge."""
    if scope["method"] != "GET" or scope["scheme"] != "http":
        return None
    kind: list[bytes | None] = [None] * len(_KIND)
    held, request_id = None, ""
    for name, value in scope["headers"]:
        if name in _JUDGED:
            return None
        place = _KIND.get(name)
        if place is not None:
            if kind[place] is not None:
                return None
            kind[place] = value
        elif name == b"if-none-match":
            match = _HELD.fullmatch(value.decode("latin-1").strip())
            if match is None or held is not None:
                return None
            held = match[1]
        elif name == b"x-request-id":
            if request_id:
                return None
            request_id = value.decode("latin-1")
    query: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    target = path + b"?" + query if query else path
    base = held and held.removesuffix(GZIP_SUFFIX)
    return Asked(target, tuple(kind), base, base != held, request_id, scope["client"][0])
