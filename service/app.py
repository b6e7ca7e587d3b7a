"""Assembles the WSGI application; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask

from service import http, metrics, openapi, problems, security
from service.change_feed import last_sequence
from service.database import SMALL_CACHE, give_back, open_database
from service.exporting import EXPORTS_MAX, EXPORTS_OF_ONE
from service.listing import Listings
from service.quick_answers import Manners, QuickAnswers
from service.quick_call import Environ, answer_quickly
from service.routes import (
    actor_writes,
    actors,
    bulk,
    catalog,
    changes,
    event_writes,
    events,
    facets,
    pages,
    revisions,
    timeline,
    web,
)
from service.settings import Settings, from_environment
from service.shared_folder import shared_folder
from service.slots import Slots

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

READING = (events, revisions, timeline, facets, changes, actors, catalog, pages, web)
WRITING = (event_writes, bulk, actor_writes)


class Application(Flask):
    """Flask, for whatever has no quick answer."""

    def wsgi_app(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        quickly = answer_quickly(self.extensions["dateline"]["quick"], environ, start_response)
        return super().wsgi_app(environ, start_response) if quickly is None else quickly


def create_app(settings: Settings | None = None) -> Flask:
    """The Dateline application, over a database that has been migrated.

    Raises BadSetting or BadDatabaseUrl.
    """
    settings = settings or from_environment()
    app = Application("service", static_folder=None)
    database = open_database(settings.database_url, SMALL_CACHE)
    listings = Listings(database)
    app.extensions["dateline"] = {
        "settings": settings,
        "database": database,
        "listings": listings,
        # For streams of changes: how many there may be, and whether they have anything to send.
        "stream_slots": Slots(settings.max_streams, shared_folder()),
        # For exports, which take a connection each.
        "export_slots": Slots(min(settings.max_streams, EXPORTS_MAX), shared_folder(), "exports", EXPORTS_OF_ONE),
        "last_sequence": partial(last_sequence, database),
    }

    # Requests and answers
    app.url_map.merge_slashes = False
    metrics.init_app(app)
    security.init_app(app, settings)
    http.init_app(app, settings)
    ours = app.extensions["dateline"]
    ours["quick"] = QuickAnswers(
        database, listings, Manners(ours["may_pass"], ours["admits"], ours["count"], http.request_id_for)
    )
    problems.init_app(app)

    # Routes
    for routes in (*READING, *WRITING):
        app.register_blueprint(routes.blueprint)
    openapi.init_app(app)

    @app.teardown_request
    def give_back_connection(error: BaseException | None) -> None:
        give_back(database)

    return app
