"""Finds the events that an event is related to, and those that are related to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson
from peewee import Database

from service import search_index
from service.database import fetch, fetch_by_key
from service.dialects import dialect
from service.statement import Sql
from service.terms import Term, numbers_of

DOCUMENT = "(SELECT d.document FROM event_document d WHERE d.num = t.num)"


@dataclass(frozen=True, slots=True)
class Incoming:
    """Events that name one event as related, in the order of the timeline; more: whether there are others."""

    events: list[dict[str, Any]]
    more: bool


def events_of(database: Database, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Those of the events that there are today, by id, as answers show them."""
    rows = fetch_by_key(database, f"t.id, {DOCUMENT}", "event", ("id",), [(event,) for event in sorted(ids)])
    return {event: orjson.loads(document) for event, document in rows if document is not None}


def events_related_to(database: Database, event_id: str, limit: int) -> Incoming:
    """The first events that name this one as related."""
    term = Term("related", event_id)
    number = numbers_of(database, [term]).get(term)
    if number is None:
        return Incoming([], more=False)
    sql = Sql(f"SELECT {DOCUMENT} FROM (")
    search_index.add_marked(sql, dialect(database), number)
    sql.add(") k JOIN event t ON t.num = k.num ORDER BY t.pos LIMIT ?", limit + 1)
    found = [orjson.loads(document) for (document,) in fetch(database, sql.text, sql.parameters)]
    return Incoming(found[:limit], more=len(found) > limit)
