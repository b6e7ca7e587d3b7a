"""Migrations: they make the tables that the models declare, once, whoever runs them and however many at a time."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from peewee import Database

from service.database import fetch, migrate, open_database
from service.models import TABLES
from tests.engines import temporary_database
from tests.writing import everything


@pytest.fixture
def bare_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database that nothing was done to."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/bare.db"
    else:
        with temporary_database(request.getfixturevalue("postgres_server")) as url:
            yield url


@pytest.fixture
def bare_database(bare_url: str) -> Iterator[Database]:
    database = open_database(bare_url)
    yield database
    if not database.is_closed():
        database.close()
    if hasattr(database, "close_all"):
        database.close_all()


def migrate_once(url: str) -> list[str]:
    database = open_database(url)
    try:
        return migrate(database)
    finally:
        database.close()


def test_an_empty_database_gets_every_table_and_the_second_run_does_nothing(bare_database: Database) -> None:
    applied = migrate(bare_database)
    assert applied
    before = everything(bare_database)
    assert migrate(bare_database) == []
    assert everything(bare_database) == before
    [(identity, version, sequence)] = fetch(bare_database, "SELECT identity, version, sequence FROM store")
    assert (len(identity) > 8, version, sequence) == (True, 0, 0)


def test_two_stores_have_two_identities(tmp_path: Path) -> None:
    identities = set()
    for name in ("a", "b"):
        database = open_database(f"sqlite:///{tmp_path}/{name}.db")
        migrate(database)
        identities.update(fetch(database, "SELECT identity FROM store"))
        database.close()
    assert len(identities) == 2


def test_processes_that_migrate_at_once_wait_for_each_other(bare_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        applied = pool.map(migrate_once, [bare_url] * 4, chunksize=1)
    assert sorted(map(bool, applied)) == [False, False, False, True]
    database = open_database(bare_url)
    assert fetch(database, "SELECT count(*) FROM store") == [(1,)]
    database.close()
    if hasattr(database, "close_all"):
        database.close_all()


def columns_of(database: Database, table: str) -> dict[str, bool]:
    return {column.name: column.null for column in database.get_columns(table)}


def test_the_tables_are_those_that_the_models_declare(empty_database: Database) -> None:
    """Only the search index, whose tables are the engine's own, and the migrations' bookkeeping stand beside them."""
    declared = {model._meta.table_name for model in TABLES}
    found = set(empty_database.get_tables())
    assert declared <= found
    assert all("migration" in name or name.split("_")[0] == "search" for name in found - declared)


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model._meta.table_name)
def test_a_table_is_as_its_model_declares(empty_database: Database, model: type) -> None:
    meta = model._meta  # type: ignore[attr-defined]  # The stubs leave it out.
    columns = columns_of(empty_database, meta.table_name)
    keys = [field.column_name for field in meta.get_primary_keys()]
    assert list(columns) == [field.column_name for field in meta.sorted_fields]
    for field in meta.sorted_fields:
        if field.column_name not in keys:  # SQLite tells the keys of ordinary tables to be nullable.
            assert columns[field.column_name] == field.null, field.column_name
    assert list(empty_database.get_primary_keys(meta.table_name)) == keys
    declared = {
        (tuple(meta.fields[name].column_name for name in names), unique)
        for names, unique in (
            *meta.indexes,
            *(((field.name,), field.unique) for field in meta.sorted_fields if field.index or field.unique),
        )
    }
    found = {
        (tuple(index.columns), index.unique)
        for index in empty_database.get_indexes(meta.table_name)
        if list(index.columns) != keys
    }
    assert found == declared


def test_text_sorts_by_its_bytes_in_every_column_of_text(empty_database: Database, engine: str) -> None:
    if engine == "sqlite":
        statements = fetch(empty_database, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        assert not any("COLLATE" in statement for (statement,) in statements)
        return
    wrong = fetch(
        empty_database,
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' AND table_name NOT LIKE '%migration%'",
    )
    assert wrong == []


def test_every_migration_is_a_file_of_the_package_in_an_order() -> None:
    names = sorted(
        item.name for item in resources.files("service").joinpath("migrations").iterdir() if item.name[0].isdigit()
    )
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
