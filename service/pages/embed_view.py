"""What the light timeline shows that stands in a frame of another page: events, and the way to the whole view."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from peewee import Database

from schemas.cursors import write_cursor
from service import timeline
from service.pages.policy import EMBEDDED
from service.pages.timeline_view import days_of, read_view


def embed_view(database: Database, query_string: bytes) -> dict[str, Any]:
    """All that the template of a frame needs. Raises Refused."""
    asked = read_view(database, query_string, EMBEDDED)
    query, address = asked.query, asked.address
    page = timeline.page(database, replace(query, fields=None, total=True))
    return {
        "days": list(days_of(orjson.loads(b"[" + page.documents + b"]"))),
        "total": page.total,
        "as_of": query.filters.get("as_of"),
        "full": str(address.without("limit", "lanes").at("/")),
        "next": page.next and str(address.having("cursor", write_cursor(query, page.next, page.sequence))),
        "sequence": page.sequence,
    }
