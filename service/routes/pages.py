"""What is not data: health, the description of the API and its interactive page, and the pages of the problems."""

from __future__ import annotations

import hashlib
from importlib import resources

from flask import (
    Blueprint,
    Response,
    current_app,
    render_template,
    request,
    send_from_directory,
)
from werkzeug.exceptions import NotFound

from service import metrics
from service.http import answer, answer_json, database, not_modified, unchanged
from service.ledger import store_state
from service.problems import PROBLEMS

blueprint = Blueprint("pages", __name__, template_folder="../templates")


@blueprint.get("/healthz")
def healthz() -> Response:
    """Whether the process runs."""
    return answer_json({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Whether the process can answer: its database is there and has its tables."""
    return answer_json({"status": "ok", "sequence": store_state(database()).sequence})


@blueprint.get("/metrics")
def get_metrics() -> Response:
    """Requests counted and timed, for Prometheus."""
    text, content_type = metrics.exposition(current_app.extensions["dateline"]["metrics"])
    return Response(text, content_type=content_type)


@blueprint.get("/openapi.json")
def openapi_json() -> Response:
    """The description of this API, OpenAPI 3.1."""
    text, tag = current_app.extensions["dateline"]["openapi"]()
    return not_modified(tag) if unchanged(tag) else answer(text, tag)


@blueprint.get("/docs")
def docs() -> Response:
    """The description of this API as a page on which every request can be tried. It loads nothing from elsewhere."""
    # Swagger UI sets styles from its script and shows images of its own as data.
    return _page(
        render_template("docs.html"),
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )


def _page(text: str, policy: str) -> Response:
    """A page that changes only with the release, under a Content-Security-Policy."""
    tag = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    page = not_modified(tag) if unchanged(tag) else answer(text.encode(), tag, mimetype="text/html")
    page.headers["Content-Security-Policy"] = policy
    return page


@blueprint.get("/docs/start.js")
def docs_script() -> Response:
    """What starts Swagger UI, in a file of its own so that the page needs no script within it."""
    script = _page(render_template("docs.js"), "default-src 'none'")
    script.mimetype = "text/javascript"
    return script


@blueprint.get("/docs/<path:name>")
def docs_file(name: str) -> Response:
    """A file of Swagger UI, from the package that brings it."""
    if request.path.endswith((".css", ".js", ".png")):
        folder = resources.files("flask_swagger_ui").joinpath("dist")
        return send_from_directory(str(folder), name)
    raise NotFound


@blueprint.get("/problems/<slug>")
def problem_page(slug: str) -> Response:
    """What a kind of error means and what to do about it."""
    if slug not in PROBLEMS:
        raise NotFound
    return _page(
        render_template("problem.html", problem=PROBLEMS[slug]),
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
