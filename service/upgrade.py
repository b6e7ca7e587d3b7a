"""Brings a store up to this version: its tables, and its projections where they were made by older rules."""

from __future__ import annotations

from collections.abc import Callable

from peewee import Database

from service.database import fetch, migrate, write
from service.projections import PROJECTION
from service.repair import repair


def upgrade(database: Database, tell: Callable[[str], None] = lambda message: None) -> list[str]:
    """Migrate the tables and return the names of the migrations applied; make the projections anew if they are old.

    tell: is told what takes long. Raises BadDatabaseUrl as ``migrate`` does.
    """
    applied = migrate(database)
    if _made_by(database) < PROJECTION:
        # Looked at again with nobody else writing: of several that start at once, one does the work.
        write(database, lambda: _renew(database, tell))
    return applied


def _made_by(database: Database) -> int:
    """The rules by which the projections were made."""
    [(projection,)] = fetch(database, "SELECT projection FROM store WHERE id = 1")
    return int(projection)


def _renew(database: Database, tell: Callable[[str], None]) -> None:
    fetch(database, "UPDATE store SET projection = projection WHERE id = 1 RETURNING id")
    if _made_by(database) < PROJECTION:
        [(events,)] = fetch(database, "SELECT count(*) FROM event")
        tell(f"this version keeps more of each event: {events} events are read anew from their revisions …")
        repair(database)
