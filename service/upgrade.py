"""Brings a store up to this version: its tables, and its projections where they were made by other rules."""

from __future__ import annotations

from collections.abc import Callable

from peewee import Database

from service.database import BadDatabaseUrl, execute, fetch, migrate, migration_lock
from service.dialects import dialect
from service.ledger import rules_of
from service.rules import RULES, are_newer


def upgrade(database: Database, tell: Callable[[str], None] = lambda message: None) -> list[str]:
    """Migrate the tables and return the names of the migrations applied; make the projections anew if need be.

    Of several that start at once one does the work, and the others wait for it.
    tell: is told what takes long. Raises BadDatabaseUrl as ``migrate`` does, and for a store of a later version.
    """
    applied = migrate(database)
    if rules_of(database) != RULES:
        with migration_lock(database):
            _renew(database, tell)
    return applied


def _renew(database: Database, tell: Callable[[str], None]) -> None:
    rules = rules_of(database)
    if rules == RULES:
        return
    if are_newer(rules):
        raise BadDatabaseUrl("the database was made by a later version of Dateline: take that version")
    [(revisions,)] = fetch(database, "SELECT count(*) FROM (SELECT 1 FROM revision LIMIT 1) r")
    if not revisions:
        execute(database, "UPDATE store SET rules = ?", (RULES,))
        return
    [(events,)] = fetch(database, "SELECT count(*) FROM event")
    # Nearly every command looks whether a store is up to date, and hardly any finds that it is not.
    from service.repair import repair

    tell(f"this version keeps more of each event: all are read anew from their revisions, {events} in number …")
    repair(database)
    if statistics := dialect(database).statistics:
        # The planner would know nothing of what the tables hold until the server looks at them by itself.
        execute(database, statistics)
