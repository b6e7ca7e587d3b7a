"""When the names that queries are read by changed last."""

from __future__ import annotations

from typing import Any

from peewee import Database

from service.dialects import dialect

STORE = "ALTER TABLE store ADD COLUMN names_version {bigint} NOT NULL DEFAULT 0"


def up(migrator: Any, db: Database) -> None:
    db.execute_sql(STORE.format_map(dialect(db).column_types))
