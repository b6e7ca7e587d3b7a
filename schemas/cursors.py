"""Cursors: opaque texts that say where the next page of a query begins, and that belong to this query alone."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date

from schemas.faults import unreadable
from schemas.fields import unstorable
from schemas.query import TimelineQuery

# Where a page can begin: a place on the timeline, a time in microseconds and an id, or so many events on.
_KEYS = {
    "date": re.compile(r"[0-9]{8}(T([01][0-9]|2[0-3])[0-5][0-9])? [a-z0-9._-]+"),
    "updated": re.compile(r"[0-9]{16} [a-z0-9._-]+"),
    "relevance": re.compile(r"[1-9][0-9]{0,2}"),
}
_SEQUENCE = re.compile(r"[0-9]{1,18}")


def write_cursor(query: TimelineQuery, key: str, sequence: int) -> str:
    """An opaque text that says where the next page of a query begins; ``sequence``: the last change that this shows."""
    return cursor_of(query.fingerprint, key_of(query, key, sequence))


def key_of(query: TimelineQuery, key: str, sequence: int) -> str:
    """What a cursor holds of a place: of the past, the change that the pages before have shown as well."""
    return key if query.as_of is None else f"{sequence}@{key}"


def cursor_of(fingerprint: bytes, key: str) -> str:
    """The cursor of the query that has this fingerprint."""
    body = fingerprint + key.encode()
    return base64.urlsafe_b64encode(_check(body) + body).decode().rstrip("=")


def continued(query: TimelineQuery, cursor: str) -> TimelineQuery:
    """The query of the page that a cursor leads to. Raises Unreadable where it is mangled or of another query."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, body, key = raw[:4], raw[4:], raw[12:].decode()
    except ValueError:  # Of base64 or of UTF-8.
        raw, check, body, key = b"", b"", b"", ""
    if not key or unstorable(key) or check != _check(body) or write_again(raw) != cursor:
        raise unreadable("mangled-cursor", "is not a cursor; take it from `next` as it stands")
    if body[:8] != query.fingerprint:
        raise unreadable(
            "cursor-of-another-query",
            "belongs to a query with other filters or another order; begin without a cursor",
        )
    sequence = None
    if query.as_of is not None:
        shown, _, key = key.partition("@")
        sequence = int(shown) if _SEQUENCE.fullmatch(shown) else -1
    if sequence == -1 or not _is_key(query.sort, key):
        raise unreadable("mangled-cursor", "is not a cursor; take it from `next` as it stands")
    return replace(query, cursor=key, sequence=sequence)


def _is_key(sort: str, key: str) -> bool:
    """Whether a page in that order can begin there: anybody can write a cursor that passes for ours."""
    shape = _KEYS[sort.removeprefix("-")].fullmatch(key)
    return shape is not None and (sort.removeprefix("-") != "date" or _is_day(key[:8]))


def _is_day(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def write_again(raw: bytes) -> str:
    """The one spelling of a cursor's bytes; base64 would also read others."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _check(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=4).digest()
