"""Who may do what over HTTP: the keys that requests present, and how often an address may ask."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any

from flask import Flask, Response, after_this_request, current_app, g, request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from peewee import Database
from werkzeug.exceptions import HTTPException, TooManyRequests

from service.database import give_back
from service.http import database
from service.keys import Key, Scope, find_key, note_use
from service.settings import Settings

REQUESTS = "requests"
FAILED_KEYS = parse("120/minute")
# The blueprint of what is no data: health, metrics, descriptions. It stays open and is not limited.
OPEN = "pages"
# The files that pages are drawn with are no data either, and a page that tells of an error needs them too.
ASSETS = "web.show_asset"


class NotAdmitted(HTTPException):
    """401 or 403, with the challenge by which RFC 6750 (3) lets a client know what it lacks."""

    def __init__(self, status: int, description: str, **attributes: str) -> None:
        super().__init__(description)
        self.code = status
        self.attributes = {"realm": "dateline", **attributes}

    def get_headers(self, *given: Any, **named: Any) -> list[tuple[str, str]]:
        """The headers of the answer, the challenge among them."""
        challenge = ", ".join(f'{name}="{value}"' for name, value in self.attributes.items())
        return [*super().get_headers(*given, **named), ("WWW-Authenticate", f"Bearer {challenge}")]


def init_app(app: Flask, settings: Settings) -> None:
    """Judge the keys and the number of requests that read data. Those that write ask ``authorized`` themselves."""
    # The library's moving window would do as well, but for its memory: there it never forgets an address.
    ours = app.extensions["dateline"]
    ours |= {"limiter": FixedWindowRateLimiter(MemoryStorage()), "uses": {}}
    # For the server, which asks before it takes a large body in.
    ours["may_write"] = partial(may_write, ours["database"])
    limit = None if settings.rate_limit == "none" else parse(settings.rate_limit)
    ours["may_pass"] = lambda address: limit is None or bool(ours["limiter"].test(limit, REQUESTS, address))
    ours["admits"] = lambda address: limit is None or bool(ours["limiter"].hit(limit, REQUESTS, address))

    @app.before_request
    def admit_reader() -> None:
        is_open = request.blueprint == OPEN or request.endpoint == ASSETS
        reads_data = request.method in ("GET", "HEAD") and not is_open
        # What is not there, or not for this method, is told as that.
        if not reads_data or request.routing_exception is not None:
            return
        if limit is not None:
            _count(limit, REQUESTS)
        if settings.public_read:
            # Whoever sends a key means it, so one that is not valid is told of, though nothing asks for it.
            presented_key()
        else:
            authorized("read")


def authorized(scope: Scope) -> Key:
    """The key of the request, which must have the scope. Raises NotAdmitted (401, 403) and TooManyRequests."""
    key = presented_key()
    if key is None:
        raise NotAdmitted(401, f"This needs a key with the scope {scope}, in the header Authorization: Bearer <key>.")
    if not key.may(scope):
        description = f"This needs the scope {scope}; the key of {key.name} has the scope {key.scope}."
        raise NotAdmitted(403, description, error="insufficient_scope", scope=scope)
    return key


def signature() -> str:
    """What a revision that the request makes is signed with: the name of who holds its key."""
    return authorized("write").name


def presented_key() -> Key | None:
    """The key of the request; None without one, also where its credentials are of another kind, as a proxy's are.

    Raises NotAdmitted (401) for a key that is not valid, and TooManyRequests after many of those.
    """
    if "key" not in g:
        presented = _bearer(request.headers.get("Authorization", ""))
        g.key = None if presented is None else _valid_key(presented)
    found: Key | None = g.key
    return found


def may_write(store: Database, authorization: str) -> bool:
    """Whether such an ``Authorization`` holds a key with which to write; asked outside of any request.

    Nothing is counted or noted: the request itself is still to be judged.
    """
    presented = _bearer(authorization)
    if presented is None:
        return False
    try:
        key = find_key(store, presented)
    finally:
        give_back(store)
    return key is not None and key.may("write")


def _bearer(authorization: str) -> str | None:
    """The key in such a header; None for credentials of another kind."""
    scheme, _, presented = authorization.strip().partition(" ")
    return presented.strip() if scheme.lower() == "bearer" else None


def _valid_key(presented: str) -> Key:
    if not presented:
        raise NotAdmitted(401, "The header Authorization says Bearer and holds no key.", error="invalid_token")
    key = find_key(database(), presented)
    if key is None:
        # A right key is let in however many wrong ones came from its address: a secret is not found by trying, and
        # whoever shares an address with its holder, behind a proxy say, must not be able to lock it out.
        _count(FAILED_KEYS, "failed keys")
        raise NotAdmitted(401, "The key is not valid: it was never given out, or was revoked.", error="invalid_token")
    note = partial(note_use, database(), key, current_app.extensions["dateline"]["uses"])

    @after_this_request
    def note_at_the_end(response: Response) -> Response:
        # Once the answer has been made, so that none of its work waits for this write. The server closes a whole answer
        # before it sends it: once in ten minutes one may come later by LITTLE_PATIENCE, where somebody else writes.
        response.call_on_close(note)
        return response

    return key


def _count(limit: RateLimitItem, what: str) -> None:
    """Count one more for the client's address. Raises TooManyRequests beyond the limit."""
    limiter = current_app.extensions["dateline"]["limiter"]
    counted = (what, request.remote_addr or "")
    if not limiter.hit(limit, *counted):
        wait = max(1, math.ceil(limiter.get_window_stats(limit, *counted).reset_time - time.time()))
        taken = f"{limit.amount} in {limit.get_expiry()} s"
        description = f"More {what} came from this address than are taken, {taken}; try again in {wait} s."
        raise TooManyRequests(description, retry_after=wait)
