"""What is not data: health, the description of the API and its interactive page, and the pages of the problems."""

from __future__ import annotations

import secrets
from importlib import resources

from flask import (
    Blueprint,
    Response,
    current_app,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as Redirect

from service.http import answer, answer_json, database, not_modified, unchanged
from service.ledger import store_state
from service.problems import PROBLEMS

blueprint = Blueprint("pages", __name__, template_folder="../templates")


@blueprint.get("/")
def front_page() -> Redirect:
    """The way to the interactive documentation."""
    return redirect(url_for("pages.docs"))


@blueprint.get("/healthz")
def healthz() -> Response:
    """Whether the process runs."""
    return answer_json({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Whether the process can answer: its database is there and has its tables."""
    return answer_json({"status": "ok", "sequence": store_state(database()).sequence})


@blueprint.get("/openapi.json")
def openapi_json() -> Response:
    """The description of this API, OpenAPI 3.1."""
    text, tag = current_app.extensions["dateline"]["openapi"]
    return not_modified(tag) if unchanged(tag) else answer(text, tag)


@blueprint.get("/docs")
def docs() -> Response:
    """The description of this API as a page on which every request can be tried. It loads nothing from elsewhere."""
    nonce = secrets.token_urlsafe(16)
    page = Response(render_template("docs.html", nonce=nonce), mimetype="text/html")
    # Swagger UI sets styles from its script and shows images of its own as data.
    page.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page


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
    page = Response(render_template("problem.html", problem=PROBLEMS[slug]), mimetype="text/html")
    page.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return page
