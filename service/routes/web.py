"""The web page: a timeline to look at, for readers who will never send a request by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as Redirect

from schemas.errors import Ambiguous, Gone
from schemas.faults import Refused
from service.database import snapshot
from service.http import answer, database, not_modified, unchanged
from service.ledger import release_tag, store_state
from service.pages.actor_view import actor_view
from service.pages.address import is_empty, without_empty
from service.pages.choice_view import Moved, choice_view
from service.pages.embed_view import embed_view
from service.pages.event_view import event_view, gone_view
from service.pages.policy import is_page, page_headers
from service.pages.province_view import province_view
from service.pages.refusal_view import refusal_view
from service.pages.timeline_view import read_view, timeline_view

blueprint = Blueprint("web", __name__, template_folder="../pages/templates")

ASSETS = {"style.css": "text/css", "details.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}


@blueprint.before_request
def leave_out_empty_fields() -> Redirect | None:
    """A form sends all of its fields; what is shared is the address without those that hold nothing."""
    if request.method not in ("GET", "HEAD") or not any(map(is_empty, request.query_string.split(b"&"))):
        return None
    return _elsewhere(request.path, without_empty(request.query_string))


@blueprint.get("/")
def show_timeline() -> Response | Redirect:
    """The timeline: what happened, by day, with a histogram, a map and filters."""
    return _page("timeline.html", _timeline)


@blueprint.get("/embed")
def show_embedded() -> Response | Redirect:
    """A light timeline to stand in a frame of another page."""
    return _page("embed.html", lambda: embed_view(database(), request.query_string))


def _timeline() -> dict[str, Any]:
    return timeline_view(database(), read_view(database(), request.query_string, request.path))


@blueprint.get("/events/<event_id>")
def show_event_page(event_id: str) -> Response | Redirect:
    """One event: what happened, who claims what, the sources, and how it came to be known."""
    return _page("event.html", lambda: event_view(database(), event_id, request.query_string))


@blueprint.get("/actors/<actor>")
def show_actor_page(actor: str) -> Response | Redirect:
    """One actor: its names, what it belongs to, its timeline, where and with whom."""
    return _page("actor.html", lambda: actor_view(database(), actor, request.query_string))


@blueprint.get("/provinces/<name>")
def show_province_page(name: str) -> Response | Redirect:
    """One province: its timeline, and who is active there."""
    if "province" in request.args:
        # Whoever chooses another province in the form leaves the page of this one.
        return _elsewhere("/", request.query_string)
    return _page("province.html", lambda: province_view(database(), name, request.query_string))


@blueprint.get("/assets/<name>")
def show_asset(name: str) -> Response:
    """A file that the pages need."""
    if name not in ASSETS:
        raise NotFound
    content, tag = _asset(name)
    found = not_modified(tag) if unchanged(tag) else answer(content, tag, mimetype=ASSETS[name])
    # The address of a file changes with what is in it.
    found.headers["Cache-Control"] = "public, max-age=31536000, immutable" if request.args.get("v") else "no-cache"
    return found


@cache
def _asset(name: str) -> tuple[bytes, str]:
    content = resources.files("service.pages").joinpath("assets", name).read_bytes()
    return content, hashlib.blake2b(content, digest_size=8).hexdigest()


@blueprint.app_template_global()
def asset(name: str) -> str:
    """The address of a file that the pages need; it may be kept for ever."""
    return f"/assets/{name}?v={_asset(name)[1]}"


def _page(template: str, view: Callable[[], dict[str, Any]]) -> Response | Redirect:
    """A page of one moment of the store, unless the client has it already; or what is shown in its place."""
    with snapshot(database()):
        state = store_state(database())
        # The page names the address that it was asked at.
        tag = f"{release_tag(state.tag)}-page-{hashlib.blake2b(request.host_url.encode(), digest_size=4).hexdigest()}"
        # Whoever says * holds something, and nobody has looked yet whether there is anything here.
        if request.if_none_match and not request.if_none_match.star_tag and unchanged(tag):
            return not_modified(tag, state.sequence)
        try:
            shown = view()
        except Moved as moved:
            return _elsewhere(moved.path, request.query_string)
        except Refused as refused:
            told = refusal_view(quote(request.path), request.query_string, refused)
            return _rendered("refused.html", told, state.sequence, HTTPStatus.UNPROCESSABLE_ENTITY)
        except Gone as gone:
            told = gone_view(database(), gone.kind, gone.subject, request.query_string)
            return _rendered("gone.html", told, state.sequence, HTTPStatus.GONE)
        except Ambiguous as several:
            told = choice_view(request.path, several)
            return _rendered("choice.html", told, state.sequence, HTTPStatus.MULTIPLE_CHOICES)
        sequence = shown.get("sequence", state.sequence)
        return not_modified(tag, sequence) if unchanged(tag) else _rendered(template, shown, sequence, tag=tag)


def _rendered(
    template: str, shown: Mapping[str, Any], sequence: int, status: int = HTTPStatus.OK, tag: str | None = None
) -> Response:
    text = render_template(template, base_url=request.host_url.rstrip("/"), **shown)
    page = answer(text.encode(), tag, sequence, mimetype="text/html")
    page.status_code = status
    return page


def _elsewhere(path: str, query_string: bytes) -> Redirect:
    """To another address of ours."""
    # What is not encoded as it should be, in UTF-8, is encoded byte by byte.
    return redirect(quote(path) + ("?" + quote(query_string, safe="%&=+,/:;@!$'()*?~") if query_string else ""))


@blueprint.after_request
def dress(response: Response) -> Response:
    """Every page has the same headers, whatever became of it."""
    if is_page(request.path):
        response.headers.update(page_headers(request.path))
    return response
