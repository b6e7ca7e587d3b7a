"""Versions that were superseded, when the store changed, actors that were merged, keys, and answers kept for repeats.

What the first three tables hold is made from the revisions, see ``service/upgrade.py``.
"""

from __future__ import annotations

from typing import Any

from peewee import Database

from service.dialects import dialect

TABLES = """
ALTER TABLE event ADD COLUMN sequence {bigint} NOT NULL DEFAULT 0;
CREATE TABLE past_event (ended {bigint} PRIMARY KEY, began {bigint} NOT NULL, id {text} NOT NULL,
    version INTEGER NOT NULL, pos {text} NOT NULL, recency {text} NOT NULL, since {text}, until {text},
    latitude DOUBLE PRECISION, longitude DOUBLE PRECISION, killed_high {bigint}, killed_low {bigint},
    injured_low {bigint}, injured_high {bigint}, terms {text} NOT NULL, title {text} NOT NULL, prose {text} NOT NULL,
    document {text} NOT NULL);
CREATE UNIQUE INDEX past_event_id_version ON past_event (id, version);
CREATE TABLE moment (recorded {bigint} PRIMARY KEY, sequence {bigint} NOT NULL);
CREATE TABLE actor_merge (id {text} PRIMARY KEY, actor {text} NOT NULL);
CREATE INDEX actor_merge_actor ON actor_merge (actor);
CREATE TABLE api_key (id {text} PRIMARY KEY, name {text} NOT NULL, scope {text} NOT NULL, digest {text} NOT NULL,
    created {bigint} NOT NULL, used {bigint}, revoked {bigint});
CREATE UNIQUE INDEX api_key_name ON api_key (name);
CREATE TABLE kept_answer (api_key {text} NOT NULL, path {text} NOT NULL, idempotency_key {text} NOT NULL,
    request {text} NOT NULL, holder {text} NOT NULL, begun {bigint} NOT NULL, answer {text},
    PRIMARY KEY (api_key, path, idempotency_key));
CREATE INDEX kept_answer_begun ON kept_answer (begun)
"""


def up(migrator: Any, db: Database) -> None:
    for statement in TABLES.format_map(dialect(db).column_types).split(";"):
        db.execute_sql(statement)
