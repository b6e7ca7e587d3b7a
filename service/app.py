"""Assembles the WSGI application; decides nothing."""

from __future__ import annotations

from flask import Flask
from playhouse.pool import PooledDatabase

from service import http, metrics, openapi, problems
from service.database import open_database
from service.routes import actors, catalog, events, facets, pages, timeline
from service.settings import Settings, from_environment


def create_app(settings: Settings | None = None) -> Flask:
    """The Dateline application, over a database that has been migrated.

    Raises BadSetting or BadDatabaseUrl.
    """
    settings = settings or from_environment()
    app = Flask("service", static_folder=None)
    app.extensions["dateline"] = {"settings": settings, "database": open_database(settings.database_url)}

    # Requests and answers
    app.url_map.merge_slashes = False
    metrics.init_app(app)
    http.init_app(app, settings)
    problems.init_app(app)

    # Routes
    for routes in (events, timeline, facets, actors, catalog, pages):
        app.register_blueprint(routes.blueprint)
    openapi.init_app(app)

    # Connections: a thread keeps its own to a file; those to a server go back to the pool.
    database = app.extensions["dateline"]["database"]
    if isinstance(database, PooledDatabase):

        @app.teardown_request
        def give_back_connection(error: BaseException | None) -> None:
            if not database.is_closed():
                database.close()

    return app
