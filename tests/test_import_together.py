"""Batches that share a transaction: the store is as if each had its own, and what is told of is what is stored."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from peewee import Database

from service import importing
from service.check import check
from service.database import fetch, open_database
from service.import_report import ImportReport
from service.importers import IMPORTERS
from service.importers.source import opened_file
from service.importing import Import, Listener, import_file
from service.upgrade import upgrade
from tests.writing import body, counts

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
# Longer than any test takes.
LONG = 3600.0


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)


def take(database: Database, data: Any, lasting: float = LONG, **options: Any) -> ImportReport:
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    listener = Listener(**options)
    return import_file(database, stream, Import(IMPORTERS["dateline"], "import"), listener, lasting=lasting)


def lines(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def stored(database: Database) -> list[str]:
    return [event for (event,) in fetch(database, "SELECT id FROM event ORDER BY id")]


def index(database: Database) -> list[list[tuple[Any, ...]]]:
    """The tables that are written for all of the batches at once; terms by name, since their numbers may differ."""
    named = "coalesce((SELECT kind || ' ' || value FROM term WHERE id = t.{0}), '')"
    keys = f"{named.format('term')}, {named.format('place')}"
    tables = {"timeline": "span, pos", "tally": "events", "rollup": "period, events, killed_high"}
    return [sorted(fetch(database, f"SELECT {keys}, {rest} FROM {table} t")) for table, rest in tables.items()]


def test_the_store_is_as_if_each_batch_had_its_own_transaction(empty_database: Database, tmp_path: Path) -> None:
    days = [f"2021-08-{day:02}" for day in (9, 8, 8, 30, 1, 2, 3, 4)]
    data = lines(
        *(body(id=f"e{number}", date=day) for number, day in enumerate(days)),
        # Of earlier batches: one that moves, one that stays as it is, and one that lasts from now on.
        body(id="e0", date="2021-09-01", type="protest"),
        body(id="e1", date=days[1]),
        body(id="e2", date="2021-08-08/2021-09-20"),
        body(id="f", date="2021-08-10", related=[{"id": "e0", "relation": "follows"}]),
    )
    assert counts(take(empty_database, data)) == (12, 9, 2, 1, 0)
    assert check(empty_database) == []
    other = open_database(f"sqlite:///{tmp_path}/other.db")
    upgrade(other)
    assert counts(take(other, data, lasting=0)) == (12, 9, 2, 1, 0)
    assert index(empty_database) == index(other)
    other.close()


@on_sqlite
def test_it_is_told_of_once_all_that_share_a_transaction_are_on_the_disk(
    empty_database: Database, empty_url: str
) -> None:
    told: list[tuple[int, int]] = []

    def progress(report: ImportReport) -> None:
        other = open_database(empty_url)
        told.append((report.stored, len(stored(other))))
        other.close()

    take(empty_database, lines(*(body(id=f"e{number}") for number in range(7))), progress=progress)
    assert told == [(7, 7)]


@on_sqlite
def test_of_a_transaction_that_fails_nothing_is_left_nor_told(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    calls: list[int] = []
    store = importing._store

    def failing(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("the disk is on fire")
        return store(*given)

    monkeypatch.setattr(importing, "_store", failing)
    data = lines(*(body(id=f"e{number}") for number in range(7)))
    with pytest.raises(RuntimeError):
        take(empty_database, data, progress=lambda report: told.append(report.stored))
    assert (stored(empty_database), told, check(empty_database)) == ([], [], [])
    assert counts(take(empty_database, data)) == (7, 7, 0, 0, 0)
    assert check(empty_database) == []


@on_sqlite
@pytest.mark.parametrize("packed", [False, True])
def test_a_pipe_which_may_let_its_reader_wait_has_a_transaction_for_each_batch(
    empty_database: Database, packed: bool
) -> None:
    told: list[int] = []
    data = lines(*(body(id=f"e{number}") for number in range(5)))
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(gzip.compress(data) if packed else data)
    with os.fdopen(reading, "rb") as pipe:
        take(empty_database, opened_file(pipe), progress=lambda report: told.append(report.stored))
    assert told == [2, 4, 5]
