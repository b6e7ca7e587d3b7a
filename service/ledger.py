"""Appends to the revision log: the one place where a change gets its sequence and its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from peewee import Database

from service import __version__
from service.database import execute, fetch, insert_rows
from service.models import Moment, Revision
from service.rules import refuse_other

# The columns of ``store`` that a StoreState is made of, in their order.
STATE = ("identity", "version", "sequence", "recorded", "names_version")
REPLACE_MOMENT = "ON CONFLICT (recorded) DO UPDATE SET sequence = excluded.sequence"


@dataclass(slots=True)
class Ledger:
    """A write transaction's hold on the log. Nobody else writes until it is closed.

    recorded: the time of every change of the transaction, in microseconds, whole milliseconds.
    touched: whether answers change; renamed: whether names may mean something else than before.
    """

    database: Database
    by: str
    reason: str | None
    version: int
    sequence: int
    recorded: int
    touched: bool = False
    renamed: bool = False
    _rows: list[tuple[Any, ...]] = field(default_factory=list)

    def append(
        self,
        kind: str,
        subject: str,
        version: int,
        operation: str,
        content: str | None,
        original: str | None = None,
    ) -> int:
        """Add a revision and return its sequence."""
        self.sequence += 1
        row = (
            self.sequence,
            kind,
            subject,
            version,
            operation,
            self.recorded,
            self.by,
            self.reason,
            content,
            original,
        )
        self._rows.append(row)
        self.touched = True
        self.renamed |= kind == "actor"
        return self.sequence

    def touch(self) -> None:
        """Say that answers change though no revision is added, so that caches and ETags notice."""
        self.touched = self.renamed = True


@contextmanager
def ledger(database: Database, by: str, reason: str | None = None, by_any_rules: bool = False) -> Iterator[Ledger]:
    """Hold the log for one transaction, which must be open.

    The row of the store is locked first, so changes become visible in the order of their sequences on every
    engine, and a reader of the feed who has seen one has seen all before it.
    by_any_rules: whether the projections may have been made by other rules; else raises OtherRules.
    """
    lock = "UPDATE store SET version = version RETURNING version, sequence, recorded, rules"
    [(version, sequence, last, rules)] = fetch(database, lock)
    if not by_any_rules:
        refuse_other(rules)
    now = time.time_ns() // 1_000_000 * 1000
    log = Ledger(database, by, reason, version, sequence, max(now, last))
    yield log
    if log.touched:
        insert_rows(database, Revision, log._rows)
        if log._rows:
            insert_rows(database, Moment, [(log.recorded, log.sequence)], REPLACE_MOMENT)
        version = log.version + 1
        execute(
            database,
            "UPDATE store SET version = ?, sequence = ?, recorded = ?, "
            "names_version = CASE WHEN ? THEN ? ELSE names_version END",
            (version, log.sequence, log.recorded, log.renamed, version),
        )


@dataclass(frozen=True, slots=True)
class StoreState:
    """How far the store has come. ``tag`` changes with every answer that may change, and differs between stores.

    names_version: that at which the names that queries are read by changed last.
    """

    identity: str
    version: int
    sequence: int
    recorded: int
    names_version: int

    @property
    def tag(self) -> str:
        return store_tag(self.identity, self.version, self.recorded)


def store_tag(identity: str, version: int, recorded: int) -> str:
    """The tag of a store, by its identity, its version and when that was made.

    A store that was put back from a backup comes to versions that it had before, and at other times.
    """
    return f"{identity}.{version}.{recorded // 1000:x}"


def is_store_tag(tag: str) -> bool:
    """Whether a tag is that of a store, and not the version of a single thing."""
    return tag.count(".") == 2


def release_tag(tag: str) -> str:
    """The entity tag of an answer that follows from the whole store: a new release may answer differently."""
    return f"{tag}-{__version__}"


def store_state(database: Database) -> StoreState:
    """Where the store stands now."""
    return StoreState(*fetch(database, f"SELECT {', '.join(STATE)} FROM store WHERE id = 1")[0])


def sequence_at(database: Database, microseconds: int) -> int:
    """The sequence of the last change that was recorded up to a time, that time included; 0 before the first."""
    sql = "SELECT coalesce((SELECT sequence FROM moment WHERE recorded <= ? ORDER BY recorded DESC LIMIT 1), 0)"
    return int(fetch(database, sql, (microseconds,))[0][0])


def rules_of(database: Database) -> str:
    """The rules by which the store's projections were made."""
    return str(fetch(database, "SELECT rules FROM store WHERE id = 1")[0][0])


@lru_cache(maxsize=4096)
def timestamp(microseconds: int) -> str:
    """A time as answers show it: UTC to the millisecond, ``2026-11-22T10:00:00.000Z``."""
    moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
    # The C library writes years before 1000 with fewer digits.
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}.{microseconds % 1_000_000 // 1000:03d}Z"
