"""The search index, the counts by period, and what they need to know of each event.

What the new tables hold is made from the revisions, see ``service/upgrade.py``.
"""

from __future__ import annotations

from typing import Any

from peewee import Database

from service.dialects import SQLITE, dialect

EVENT = """
ALTER TABLE event RENAME COLUMN killed TO killed_high;
ALTER TABLE event ADD COLUMN killed_low {bigint};
ALTER TABLE event ADD COLUMN injured_low {bigint};
ALTER TABLE event ADD COLUMN injured_high {bigint};
ALTER TABLE event ADD COLUMN terms {text} NOT NULL DEFAULT '';
ALTER TABLE store ADD COLUMN rules {text} NOT NULL DEFAULT '1';
CREATE TABLE rollup (term INTEGER NOT NULL, place INTEGER NOT NULL, digits INTEGER NOT NULL, period {text} NOT NULL,
    events {bigint} NOT NULL, killed_low {bigint} NOT NULL, killed_high {bigint} NOT NULL,
    injured_low {bigint} NOT NULL, injured_high {bigint} NOT NULL,
    PRIMARY KEY (term, place, digits, period)){clustered}
"""

# Words and terms come ready made, with spaces between them, so the plainest tokenizer will do. The texts themselves are
# not kept: who takes an event out says what was put in.
SQLITE_SEARCH = """
CREATE VIRTUAL TABLE search USING fts5(title, prose, terms, content='', columnsize=0, tokenize='ascii')
"""
POSTGRES_SEARCH = """
CREATE TABLE search (num BIGINT PRIMARY KEY, pos {text} NOT NULL, title {text} NOT NULL, prose {text} NOT NULL,
    terms INTEGER[] NOT NULL, words TSVECTOR NOT NULL GENERATED ALWAYS AS
    (array_to_tsvector(array_remove(string_to_array(title || ' ' || prose, ' '), ''))) STORED,
    title_words TSVECTOR NOT NULL GENERATED ALWAYS AS
    (array_to_tsvector(array_remove(string_to_array(title, ' '), ''))) STORED);
CREATE INDEX search_pos_num ON search (pos, num);
CREATE INDEX search_words_terms ON search USING gin (words, terms)
"""


def up(migrator: Any, db: Database) -> None:
    search = SQLITE_SEARCH if dialect(db) is SQLITE else POSTGRES_SEARCH
    for statement in (EVENT + ";" + search).format_map(dialect(db).column_types).split(";"):
        if statement.strip():
            db.execute_sql(statement)
