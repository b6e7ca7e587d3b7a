"""The revision log, the projections that queries read, and the catalogue of actors and datasets.

The tables are written out here as they were on the day, apart from ``models.py``, which moves on.
"""

from __future__ import annotations

import secrets
from typing import Any

from peewee import Database

from service.dialects import dialect

TABLES = """
CREATE TABLE store (id INTEGER PRIMARY KEY, identity {text} NOT NULL, version {bigint} NOT NULL,
    sequence {bigint} NOT NULL, recorded {bigint} NOT NULL);
CREATE TABLE revision (sequence {bigint} PRIMARY KEY, kind {text} NOT NULL, subject {text} NOT NULL,
    version INTEGER NOT NULL, operation {text} NOT NULL, recorded {bigint} NOT NULL, "by" {text} NOT NULL,
    reason {text}, content {text}, original {text});
CREATE UNIQUE INDEX revision_subject_kind_version ON revision (subject, kind, version);
CREATE TABLE event (num {bigint} PRIMARY KEY, id {text} NOT NULL, version INTEGER NOT NULL,
    edition INTEGER NOT NULL, deleted BOOLEAN NOT NULL, pos {text} NOT NULL, recency {text} NOT NULL,
    since {text}, until {text}, latitude DOUBLE PRECISION, longitude DOUBLE PRECISION, killed {bigint});
CREATE UNIQUE INDEX event_id ON event (id);
CREATE INDEX event_recency_num ON event (recency, num);
CREATE TABLE event_document (num {bigint} PRIMARY KEY, document {text} NOT NULL);
CREATE TABLE term (id INTEGER PRIMARY KEY, kind {text} NOT NULL, value {text} NOT NULL, folded {text} NOT NULL);
CREATE UNIQUE INDEX term_kind_value ON term (kind, value);
CREATE INDEX term_kind_folded ON term (kind, folded);
CREATE TABLE timeline (term INTEGER NOT NULL, place INTEGER NOT NULL, span INTEGER NOT NULL, pos {text} NOT NULL,
    num {bigint} NOT NULL, PRIMARY KEY (term, place, span, pos, num)){clustered};
CREATE TABLE tally (term INTEGER NOT NULL, place INTEGER NOT NULL, events {bigint} NOT NULL,
    PRIMARY KEY (term, place)){clustered};
CREATE TABLE actor (id {text} PRIMARY KEY, version INTEGER NOT NULL, kind {text}, country {text},
    content {text} NOT NULL, created {bigint} NOT NULL, updated {bigint} NOT NULL);
CREATE TABLE actor_name (folded {text} NOT NULL, actor {text} NOT NULL, name {text} NOT NULL,
    PRIMARY KEY (folded, actor));
CREATE INDEX actor_name_actor ON actor_name (actor);
CREATE TABLE actor_membership (actor {text} NOT NULL, organisation {text} NOT NULL,
    PRIMARY KEY (actor, organisation));
CREATE INDEX actor_membership_organisation ON actor_membership (organisation);
CREATE TABLE actor_external_id (scheme {text} NOT NULL, value {text} NOT NULL, actor {text} NOT NULL,
    PRIMARY KEY (scheme, value, actor));
CREATE INDEX actor_external_id_actor ON actor_external_id (actor);
CREATE TABLE dataset (id {text} PRIMARY KEY, title {text} NOT NULL, licence {text}, citation {text});
"""


def up(migrator: Any, db: Database) -> None:
    for statement in TABLES.format_map(dialect(db).column_types).split(";"):
        if statement.strip():
            db.execute_sql(statement)
    db.execute_sql(
        f"INSERT INTO store (id, identity, version, sequence, recorded) VALUES (1, '{secrets.token_hex(6)}', 0, 0, 0)"
    )
    # Events that a person writes belong to this dataset when they name no other.
    db.execute_sql("INSERT INTO dataset (id, title) VALUES ('local', 'Recorded here')")
