"""The fixtures of the suite: every test that asks for a database runs on each engine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import Database

from service.app import create_app
from service.database import open_database
from service.keys import Scope, create_key
from service.seeding import seed
from service.settings import Settings
from service.upgrade import upgrade
from tests.engines import EngineUnavailable, memory_folder, postgres_required, postgres_url, temporary_database

ENGINES = ("sqlite", "postgres")
SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "samples"


def pytest_configure() -> None:
    """Keep the folders that tests write to in memory, where that can be had and nobody has named another place."""
    folder = memory_folder()
    if folder is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server; without one, the tests on it are skipped, or fail where they are required."""
    try:
        with postgres_url(memory_folder()) as url:
            yield url
    except EngineUnavailable as unavailable:
        if postgres_required():
            pytest.fail(f"PostgreSQL is required and cannot be had: {unavailable}", pytrace=False)
        pytest.skip(f"no PostgreSQL: {unavailable}")


@pytest.fixture(params=ENGINES, scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine that the test runs on."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def server(engine: str, request: pytest.FixtureRequest) -> str | None:
    """The server that the engine needs, None for the embedded one."""
    url: str | None = request.getfixturevalue("postgres_server") if engine == "postgres" else None
    return url


def _prepare(url: str, seeded: bool) -> None:
    database = open_database(url)
    upgrade(database)
    if seeded:
        seed(database)
    _disconnect(database)


def _disconnect(database: Database) -> None:
    """Close every connection, pooled ones too, so that the database can be copied or dropped."""
    if not database.is_closed():
        database.close()
    if hasattr(database, "close_all"):
        database.close_all()


@pytest.fixture(scope="session")
def golden(engine: str, tmp_path_factory: pytest.TempPathFactory, server: str | None) -> Iterator[dict[str, str]]:
    """The URLs of an empty and of a seeded database, which no test may write to."""
    if server is None:
        folder = tmp_path_factory.mktemp("golden")
        urls = {kind: f"sqlite:///{folder}/{kind}.db" for kind in ("empty", "seeded")}
        for kind, url in urls.items():
            _prepare(url, kind == "seeded")
        yield urls
        return
    with temporary_database(server) as empty, temporary_database(server) as seeded:
        _prepare(empty, False)
        _prepare(seeded, True)
        yield {"empty": empty, "seeded": seeded}


@contextmanager
def copied(kind: str, engine: str, golden: dict[str, str], folder: Path, server: str | None) -> Iterator[str]:
    """The URL of a copy of a golden database, which is gone afterwards."""
    if server is None:
        path = folder / f"{kind}.db"
        shutil.copy(golden[kind].removeprefix("sqlite:///"), path)
        yield f"sqlite:///{path}"
    else:
        with temporary_database(server, golden[kind]) as url:
            yield url


@pytest.fixture
def database_url(engine: str, golden: dict[str, str], tmp_path: Path, server: str | None) -> Iterator[str]:
    """The URL of a database of the test's own that holds the seed."""
    with copied("seeded", engine, golden, tmp_path, server) as url:
        yield url


@pytest.fixture
def empty_url(engine: str, golden: dict[str, str], tmp_path: Path, server: str | None) -> Iterator[str]:
    """The URL of a database of the test's own that has the tables and nothing in them."""
    with copied("empty", engine, golden, tmp_path, server) as url:
        yield url


def _opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    yield database
    _disconnect(database)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of the test's own that holds the seed."""
    yield from _opened(database_url)


@pytest.fixture
def empty_database(empty_url: str) -> Iterator[Database]:
    """A database of the test's own that has the tables and nothing in them."""
    yield from _opened(empty_url)


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    """The application over the seed."""
    app = create_app(Settings(database_url=database_url))
    yield app
    _disconnect(app.extensions["dateline"]["database"])


@pytest.fixture
def empty_app(empty_url: str) -> Iterator[Flask]:
    """The application over an empty store."""
    app = create_app(Settings(database_url=empty_url))
    yield app
    _disconnect(app.extensions["dateline"]["database"])


@pytest.fixture
def store(empty_app: Flask) -> Database:
    """The database of the empty store."""
    found: Database = empty_app.extensions["dateline"]["database"]
    return found


@pytest.fixture
def asking(empty_app: Flask) -> FlaskClient:
    """A client over the empty store."""
    return empty_app.test_client()


@pytest.fixture(scope="session")
def shared_app(
    engine: str, golden: dict[str, str], tmp_path_factory: pytest.TempPathFactory, server: str | None
) -> Iterator[Flask]:
    """The application over a seed that all tests share which only read."""
    with copied("seeded", engine, golden, tmp_path_factory.mktemp("shared"), server) as url:
        app = create_app(Settings(database_url=url))
        yield app
        _disconnect(app.extensions["dateline"]["database"])


@pytest.fixture
def client(engine: str, request: pytest.FixtureRequest) -> FlaskClient:
    """A client of the application over the seed: the test's own seed where the test asks for the database as well."""
    own = {"app", "database", "database_url"} & set(request.fixturenames)
    app: Flask = request.getfixturevalue("app" if own else "shared_app")
    return app.test_client()


def keyed(app: Flask, scope: Scope = "admin", name: str = "newsdesk") -> FlaskClient:
    """A client of an application that presents a new key of its own with every request."""
    key = create_key(app.extensions["dateline"]["database"], name, scope).key
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


@pytest.fixture
def writer(app: Flask) -> FlaskClient:
    """A client that may do everything, over a seed of the test's own."""
    return keyed(app)


@pytest.fixture(scope="session")
def refused_app(
    engine: str, golden: dict[str, str], tmp_path_factory: pytest.TempPathFactory, server: str | None
) -> Iterator[Flask]:
    """The application over a seed that all tests share which write nothing but what is refused."""
    with copied("seeded", engine, golden, tmp_path_factory.mktemp("refused"), server) as url:
        app = create_app(Settings(database_url=url))
        yield app
        _disconnect(app.extensions["dateline"]["database"])


@pytest.fixture(scope="session")
def refused_client(refused_app: Flask) -> FlaskClient:
    """A client that may do everything, over that seed."""
    return keyed(refused_app, name="refused")


@pytest.fixture
def refused(refused_client: FlaskClient) -> Iterator[FlaskClient]:
    """A client for writes of which none may be carried out: what the store has recorded is compared at the end."""
    before = refused_client.get("/v1/types").headers["X-Sequence"]
    yield refused_client
    assert refused_client.get("/v1/types").headers["X-Sequence"] == before


@pytest.fixture
def empty_writer(empty_app: Flask) -> FlaskClient:
    """A client that may do everything, over an empty store of the test's own."""
    return keyed(empty_app)


@pytest.fixture
def samples() -> Path:
    """The folder of real sample files, which are not part of the project."""
    if not SAMPLES.is_dir():
        pytest.skip("the sample files in ../shared/data/samples are not here")
    return SAMPLES


def event_body(**members: Any) -> dict[str, Any]:
    """The smallest event that can be written, and what a test adds to it."""
    return {"title": "Something happened", "date": "2021-08-26", **members}
