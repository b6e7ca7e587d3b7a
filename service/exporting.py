"""Reads all events of a query in batches, as one snapshot of the store, for whoever writes them in some format.

An export lasts as long as its reader takes, so it has a connection of its own. It may pass from thread to thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv6Address, ip_address, ip_network

from peewee import Database, DatabaseError, InterfaceError

from schemas.cursors import write_cursor
from schemas.query import NO_LIMIT, TimelineQuery
from service import timeline
from service.database import closing_database, fetch, own_database, snapshot, stream
from service.formats.form import About, Format
from service.formats.naming import PATH, about
from service.plans import Plan

# Events that are held at once.
BATCH = 100
# Over HTTP and at once, of all worker processes: a server takes only so many connections.
EXPORTS_MAX = 32
# Of those, for one address: nobody alone keeps the others from exporting.
EXPORTS_OF_ONE = 8
# Whoever has an address of IPv6 has as many as this leaves.
IPV6_NETWORK = 64


@dataclass(frozen=True, slots=True)
class Export:
    """An export that is under way. It is to be closed at the end, whatever happens; twice does no harm.

    held: the query of those events that the format holds. store: the identity of the store. sequence: the last change
    that it reflects. updated: when the store was last changed, in microseconds.
    """

    database: Database
    asked: TimelineQuery
    held: TimelineQuery
    plan: Plan
    store: str
    sequence: int
    updated: int
    close: Callable[[], None]

    def documents(self) -> Iterator[Sequence[str]]:
        """The JSON texts of the events, in order, batch by batch."""
        sql = timeline.documents_sql(self.database, self.plan, self.held)
        for rows in stream(self.database, sql.text, sql.parameters, BATCH):
            yield [document for _, document in rows]

    def next(self) -> str | None:
        """The address of what comes behind an export that has a limit; None where nothing does."""
        if self.asked.limit == NO_LIMIT:
            return None
        key = timeline.next_key(self.database, self.plan, self.held)
        return key and self.asked.url(PATH, write_cursor(self.asked, key, self.sequence))

    def count(self) -> int:
        """How many events there are to come, were there no cursor."""
        return min(timeline.count(self.database, self.plan, self.held), self.held.limit)

    def about(self, base_url: str) -> About:
        """What formats are told of it."""
        return about(self.asked, self.store, self.sequence, self.updated, base_url)


def begin_export(database: Database, form: Format, read: Callable[[Database], TimelineQuery]) -> Export:
    """Begin to export the query that ``read`` makes: names and events are those of one moment, whatever is written."""
    opened = ExitStack()
    try:
        own = opened.enter_context(closing_database(own_database(database)))
        opened.enter_context(snapshot(own))
        asked = read(own)
        identity, sequence, updated = _state(own)
        held = _held_by(form, asked)
        plan = timeline.plan_page(own, held)
    except BaseException:
        _end(opened)
        raise
    shown = sequence if plan.sequence is None else plan.sequence
    return Export(own, asked, held, plan, identity, shown, updated, partial(_end, opened))


def client_of_exports(address: str) -> str | None:
    """Who has a share of the exports, by the address of a connection; None for those who are not counted.

    On this machine and in a private network that may be a proxy, behind which is everybody.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    if not found.is_global:
        return None
    return str(found if found.version == 4 else ip_network((int(found), IPV6_NETWORK), strict=False))


def newest(database: Database, asked: TimelineQuery, form: Format, base_url: str) -> tuple[timeline.Page, bytes]:
    """The events that were changed last, whole, in a format that holds no more of them; and the page that they are.

    Who resolves names first does all of it within one ``snapshot``.
    """
    page = timeline.page(database, replace(_held_by(form, asked), fields=None))
    identity, _, updated = _state(database)
    # Each document stands on a line of its own.
    documents = page.documents.decode().split(",\n") if page.documents else []
    written = form.write([documents] if documents else [], about(asked, identity, page.sequence, updated, base_url))
    return page, b"".join(written)


def _held_by(form: Format, asked: TimelineQuery) -> TimelineQuery:
    """The query of those events that a format holds of a query."""
    if form.newest is None:
        return timeline.within_relevant(asked)
    return replace(asked, sort="-updated", limit=min(asked.limit, form.newest))


def _state(database: Database) -> tuple[str, int, int]:
    """The identity of a store, its last change, and when that was."""
    [(identity, sequence, recorded)] = fetch(database, "SELECT identity, sequence, recorded FROM store WHERE id = 1")
    return identity, sequence, recorded


def _end(opened: ExitStack) -> None:
    # Everything was only read, so nothing is lost with a connection that breaks at last.
    with suppress(DatabaseError, InterfaceError):
        opened.close()
