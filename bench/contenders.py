"""The table of contenders: who makes the page beside Dateline, from which tables, and what each needs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench import datasette_way, dateline_way, fixed_bytes, usual_way
from bench.servers import Contender
from bench.stores import Stores

USUAL, DATELINE = "usual", "dateline"
FIXED_WSGI, FIXED_ASGI = "fixed-wsgi", "fixed-asgi"
# What a contender imports that Dateline does not need, by the contender's name. The extra `bench` has all of it.
NEEDS = {
    "fastapi": ("fastapi", "sqlalchemy", "pydantic"),
    "django": ("django", "rest_framework"),
    "datasette": ("datasette",),
}


def _results(answer: Any) -> Any:
    return answer["results"]


def _itself(answer: Any) -> Any:
    return answer


def contenders(stores: Stores, folder: Path) -> tuple[list[Contender], dict[str, str]]:
    """Those that read a store and can be started here, and a line for each that is left out, by name, with the reason.

    folder: for what has to be written to start one.
    """
    database = {usual_way.DATABASE_VARIABLE: str(stores.usual)}
    metadata = folder / "metadata.json"
    datasette_way.write_metadata(metadata, stores.usual)
    everybody = (
        Contender(USUAL, "the usual way", "bench.usual_way:create_app", database),
        Contender("fastapi", "FastAPI + SQLAlchemy", "bench.sqlalchemy_way:create_app", database, interface="asgi"),
        Contender("django", "Django REST framework", "bench.django_way:create_app", database, events=_results),
        Contender(
            "datasette",
            "Datasette",
            "",
            {},
            command=datasette_way.command(stores.usual, metadata),
            path=partial(datasette_way.path, stores.usual),
            events=_itself,
        ),
        dateline_way.contender(stores.dateline),
    )
    lacking = {each.name: _lacking(NEEDS.get(each.name, ())) for each in everybody}
    left_out = {
        each.name: f"{each.title} is left out: {' and '.join(lacking[each.name])} is not installed "
        "(pip install -e '.[bench]', or make bench)"
        for each in everybody
        if lacking[each.name]
    }
    return [each for each in everybody if not lacking[each.name]], left_out


def _lacking(modules: Sequence[str]) -> list[str]:
    return [module for module in modules if find_spec(module) is None]


def ready_made(pages: Path) -> tuple[Contender, Contender]:
    """Pages that were made beforehand, by either interface of the server."""
    environment = {fixed_bytes.PAGES_VARIABLE: str(pages)}
    return (
        Contender(FIXED_WSGI, "ready-made bytes, WSGI", "bench.fixed_bytes:create_app", environment),
        Contender(
            FIXED_ASGI, "ready-made bytes, ASGI", "bench.fixed_bytes:create_asgi_app", environment, interface="asgi"
        ),
    )
