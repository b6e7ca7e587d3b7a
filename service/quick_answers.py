"""Answers that need no framework: those given before that still hold, and further pages of events.

What the application answers is looked at as it leaves. An answer under the tag of the whole store follows from its
address, from the few headers that answers vary by, and from the store. So it is given again while the store stands as
it did, which is looked up each time. A page of events is made anew under the head that pages had before.
Whatever else is asked, and whatever fails, is for the application.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from cachetools import LRUCache
from peewee import Database, DatabaseError, InterfaceError
from playhouse.pool import MaxConnectionsExceeded

from schemas.faults import Refused
from service.compression import GZIP_FROM, GZIP_SUFFIX, zipped
from service.database import give_back, is_file
from service.ledger import StoreState, is_store_tag, release_tag, store_state
from service.listing import PATH, Held, Listing, Listings
from service.store_watch import StoreWatch

log = logging.getLogger("dateline")

Headers = Sequence[tuple[bytes, bytes]]
Kind = tuple[bytes | None, ...]
# What finds a page by its query.
Find = Callable[[bytes, Held | None], Listing | None]

# The headers of a request that answers vary by.
VARY = ("Accept", "Accept-Encoding", "Origin")
# Headers that belong to one answer. All others are those of its kind.
OWN = frozenset({b"content-encoding", b"content-length", b"etag", b"link", b"x-request-id", b"x-sequence"})
JSON = b"application/json"
# Bytes of the target and kind of a request. Who sends more has no usual client, and would fill the memory.
LONGEST_ASKED = 2000
DATABASE_ERRORS = (DatabaseError, InterfaceError, MaxConnectionsExceeded)
# Bytes of the answers that are kept, and of the largest of them; heads that are remembered.
KEPT_BYTES = 32 * 2**20
LARGEST = KEPT_BYTES // 8
HEADS = 256


class Asked(NamedTuple):
    """What a request that only reads asks for.

    target: path and query as they were sent. kind: the scheme, and the values of ``Host`` and of the headers of
    ``VARY``, None for one that was not sent. held: the tag of the client's own copy, as if it were not compressed;
    holds_zipped: whether it is. request_id: the client's own id of the request. client: its address.
    """

    target: bytes
    kind: Kind
    held: str | None
    holds_zipped: bool
    request_id: str
    client: str


class Given(NamedTuple):
    """An answer of the application. route: the pattern of its path. zips: whether the client takes gzip."""

    route: str
    status: int
    headers: Headers
    body: bytes
    zips: bool


class Quick(NamedTuple):
    """A whole answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class _Head(NamedTuple):
    headers: Headers
    zips: bool


class _Kept(NamedTuple):
    """An answer as it was given while the store had ``store_tag``, but for the id of its request.

    tag: that of the answer when it is not compressed.
    """

    store_tag: str
    tag: str
    sequence: bytes
    route: str
    head: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Manners:
    """What the application does with every request that reads.

    may_pass: whether one from an address might pass now; admits: the same, and it counts as one. count: told of the
    method, route, status and seconds of each. request_id: the id of a request, by the one that the client gave it.
    """

    may_pass: Callable[[str], bool]
    admits: Callable[[str], bool]
    count: Callable[[str, str, int, float], None]
    request_id: Callable[[str], str]


class QuickAnswers:
    """The quick answers of one process."""

    def __init__(self, database: Database, listings: Listings, manners: Manners) -> None:
        self._database = database
        self._listings = listings
        self._manners = manners
        self._kept: LRUCache[tuple[bytes, Kind], _Kept] = LRUCache(KEPT_BYTES, _size)
        self._heads: LRUCache[tuple[str, Kind, int], _Head] = LRUCache(HEADS)
        self._guard = threading.Lock()
        # What a file has in memory is there at once; a server may be far away, or gone.
        self._is_file = is_file(database)
        self._watch = StoreWatch(database)

    def note(self, asked: Asked, given: Given) -> None:
        """Look at what the application answered."""
        own = dict(given.headers)
        tag, sequence = own.get(b"etag", b"").decode("latin-1").strip('"'), own.get(b"x-sequence")
        if given.status not in (200, 304) or not tag or sequence is None:
            return
        with self._guard:
            is_page = given.route == PATH and _is_page(asked.target) and own.get(b"content-type") == JSON
            if given.status == 304 or is_page:
                head = [(name, value) for name, value in given.headers if name not in OWN]
                self._heads[given.route, asked.kind, given.status] = _Head(head, given.zips)
        if given.status == 200:
            head = [(name, value) for name, value in given.headers if name != b"x-request-id"]
            store_tag, base = tag.partition("-")[0], tag.removesuffix(GZIP_SUFFIX)
            # The tag of an actor may begin with an id of any form, and then has a colon.
            if is_store_tag(store_tag) and ":" not in tag:
                self._keep(asked, _Kept(store_tag, base, sequence, given.route, head, given.body))

    def at_once(self, asked: Asked) -> Quick | None:
        """The answer that is there at once, as far as can be told."""
        if not self._is_file:
            return None
        return self._find(asked, self._watch.state, partial(self._listings.find_again, at_once=True))

    def leave(self) -> None:
        """Close what the thread holds that called ``at_once``."""
        self._watch.close()
        if self._is_file and not self._database.is_closed():
            self._database.close()

    def in_time(self, asked: Asked) -> Quick | None:
        """The answer that takes a few statements."""
        try:
            return self._find(asked, partial(store_state, self._database), self._listings.find)
        finally:
            give_back(self._database)

    def _find(self, asked: Asked, state: Callable[[], StoreState], find: Find) -> Quick | None:
        try:
            if self._manners.may_pass(asked.client):
                return self._given_before(asked, state) or self._page(asked, find)
        except (Refused, *DATABASE_ERRORS):
            # The application will come to the same, and has the words for it.
            pass
        except Exception:
            log.exception("a quick answer failed, and the application is asked for %s", asked.target.decode("latin-1"))
        return None

    def _head(self, route: str, asked: Asked, status: int) -> _Head | None:
        with self._guard:
            return self._heads.get((route, asked.kind, status))

    def _keep(self, asked: Asked, kept: _Kept) -> None:
        if len(kept.body) <= LARGEST:
            with self._guard:
                self._kept[asked.target, asked.kind] = kept

    def _drop(self, asked: Asked, kept: _Kept) -> None:
        """Forget an answer that holds no more, unless there is another one by now."""
        with self._guard:
            if self._kept.get((asked.target, asked.kind)) is kept:
                del self._kept[asked.target, asked.kind]

    def _given_before(self, asked: Asked, look_up: Callable[[], StoreState]) -> Quick | None:
        begun = time.perf_counter()
        with self._guard:
            kept = self._kept.get((asked.target, asked.kind))
        if kept is None:
            return None
        if (state := look_up()).tag != kept.store_tag:
            self._drop(asked, kept)
            return None
        if asked.held == kept.tag:
            if kept.sequence != str(state.sequence).encode():
                # Of a past moment, where a page for people that is unchanged tells of today's.
                return None
            return self._unchanged(asked, kept.route, kept.tag, kept.sequence, begun)
        return self._answered(asked, kept.route, Quick(200, [*kept.head], kept.body), begun)

    def _page(self, asked: Asked, find: Find) -> Quick | None:
        begun = time.perf_counter()
        learnt = self._head(PATH, asked, 200) if _is_page(asked.target) else None
        if learnt is None:
            return None
        found = find(_query(asked), (lambda tag: release_tag(tag) == asked.held) if asked.held else None)
        if found is None:
            return None
        tag, sequence = release_tag(found.state.tag), str(found.sequence).encode()
        if found.body is None:
            return self._unchanged(asked, PATH, tag, sequence, begun)
        page = _written(found, found.body, learnt, tag, sequence)
        self._keep(asked, _Kept(found.state.tag, tag, sequence, PATH, page.headers, page.body))
        return self._answered(asked, PATH, page._replace(headers=[*page.headers]), begun)

    def _unchanged(self, asked: Asked, route: str, tag: str, sequence: bytes, begun: float) -> Quick | None:
        learnt = self._head(route, asked, 304)
        if learnt is None:
            return None
        # The client's copy is good, so the answer names the form which that copy has.
        own = tag + GZIP_SUFFIX if asked.holds_zipped and learnt.zips else tag
        head = [*learnt.headers, (b"etag", f'"{own}"'.encode()), (b"x-sequence", sequence)]
        return self._answered(asked, route, Quick(304, head, b""), begun)

    def _answered(self, asked: Asked, route: str, answer: Quick, begun: float) -> Quick | None:
        manners = self._manners
        if not manners.admits(asked.client):
            return None
        answer.headers.append((b"x-request-id", manners.request_id(asked.request_id).encode()))
        manners.count("GET", route, answer.status, time.perf_counter() - begun)
        return answer


def _size(kept: _Kept) -> int:
    return len(kept.body) + sum(len(value) for _, value in kept.head) + LONGEST_ASKED + 2000


def _query(asked: Asked) -> bytes:
    return asked.target.partition(b"?")[2]


def _is_page(target: bytes) -> bool:
    """Whether the answer is a page of events, if there is one; the ``Accept`` header may still ask for another form."""
    path, _, query = target.partition(b"?")
    return path == PATH.encode() and b"format" not in (unquote_to_bytes(query) if b"%" in query else query)


def _written(found: Listing, body: bytes, learnt: _Head, tag: str, sequence: bytes) -> Quick:
    """The answer that holds a page."""
    head = [*learnt.headers, (b"x-sequence", sequence)]
    if found.next:
        head.append((b"link", f'<{found.next}>; rel="next"'.encode()))
    if learnt.zips and len(body) >= GZIP_FROM:
        body, tag = zipped(body), tag + GZIP_SUFFIX
        head.append((b"content-encoding", b"gzip"))
    head += [(b"etag", f'"{tag}"'.encode()), (b"content-length", str(len(body)).encode())]
    return Quick(200, head, body)
