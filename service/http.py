"""What every answer has in common: entity tags, headers, compression, and who the request is."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from flask import Flask, Response, current_app, g, request
from flask_cors import CORS
from isal import isal_zlib
from peewee import Database, InterfaceError, OperationalError, ProgrammingError
from playhouse.pool import MaxConnectionsExceeded
from werkzeug.exceptions import NotAcceptable

from service.compression import GZIP_FROM, GZIP_SUFFIX, zipped
from service.formats import FORMATS
from service.ledger import rules_of
from service.listing import Listings
from service.pages.policy import is_page
from service.quick_answers import VARY, Given, QuickAnswers
from service.quick_call import ASKED
from service.rules import OtherRules, refuse_other
from service.settings import Settings

EXPOSED_HEADERS = (
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "X-Request-ID",
    "X-Sequence",
    "Idempotent-Replay",
)
READING = ["GET", "HEAD", "OPTIONS"]
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
GEOJSON = FORMATS["geojson"].media_type
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
NDJSON = FORMATS["ndjson"].media_type
EVENT_STREAM = "text/event-stream"
# The forms that the events of a query can be had in, by media type; JSON comes first, for those who take anything.
FORMS = {JSON: "json", **{form.media_type: form.name for form in FORMATS.values()}}


def database() -> Database:
    """The database of the application that answers."""
    found: Database = current_app.extensions["dateline"]["database"]
    return found


def listings() -> Listings:
    """The pages of events of the application that answers."""
    found: Listings = current_app.extensions["dateline"]["listings"]
    return found


def request_id() -> str:
    """The id of the request."""
    if "request_id" not in g:
        g.request_id = request_id_for(request.headers.get("X-Request-ID", ""))
    found: str = g.request_id
    return found


def request_id_for(given: str) -> str:
    """The client's own id of a request where it is sane, else one made here."""
    return given if SANE_REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"


def unchanged(tag: str) -> bool:
    """Whether the client holds the answer that ``tag`` stands for already."""
    held = request.if_none_match
    return held.star_tag or any(held.contains_weak(form) for form in (tag, tag + GZIP_SUFFIX))


def not_modified(tag: str, sequence: int | None = None) -> Response:
    """304: the client's own copy is good."""
    return _stamped(Response(status=304), tag, sequence)


def answer(
    body: bytes, tag: str | None = None, sequence: int | None = None, mimetype: str = "application/json"
) -> Response:
    """200 with ready bytes."""
    return _stamped(Response(body, mimetype=mimetype), tag, sequence)


def answer_json(
    members: Mapping[str, Any] | Sequence[Any],
    tag: str | None = None,
    sequence: int | None = None,
    mimetype: str = "application/json",
) -> Response:
    """200 with an object or a list as JSON."""
    return answer(orjson.dumps(members) + b"\n", tag, sequence, mimetype)


def answer_stream(
    pieces: Iterator[bytes], close: Callable[[], None], sequence: int, mimetype: str, headers: Mapping[str, str]
) -> Response:
    """200 with bytes that come piece by piece; to HEAD without them.

    close: is called at their end, or when nobody wants them any more, or twice.
    """
    response = _stamped(Response(mimetype=mimetype, headers=dict(headers)), None, sequence)
    zipped = request.accept_encodings["gzip"] > 0
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    if request.method == "HEAD":
        close()
        # An answer whose body is nothing would be said to have no length.
        response.response = iter(())
        return response
    response.response = _ended(_zipped(pieces) if zipped else pieces, close)
    # What was never begun has no end of its own.
    response.call_on_close(close)
    return response


def _ended(pieces: Iterator[bytes], close: Callable[[], None]) -> Iterator[bytes]:
    try:
        yield from pieces
    finally:
        close()


def _zipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces as one gzip file, each of them as soon as it is there. Where they break off, so does the file."""
    packer = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 16 + isal_zlib.MAX_WBITS)
    for piece in pieces:
        yield packer.compress(piece) + packer.flush(isal_zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def _stamped(response: Response, tag: str | None, sequence: int | None) -> Response:
    if tag is not None:
        response.set_etag(tag)
    if sequence is not None:
        response.headers["X-Sequence"] = str(sequence)
    return response


def accepted_form() -> str | None:
    """The form in which the events of a query are accepted the most, None for those who do not say."""
    best = request.accept_mimetypes.best_match(FORMS)
    return None if best is None else FORMS[best]


def accept_or_refuse() -> None:
    """Refuse a request that accepts none of the forms of its answer; a parameter ``format`` is judged elsewhere."""
    if request.method == "OPTIONS":
        # Its answer has no body, so no form.
        return
    if request.path.startswith("/v1/") and request.routing_exception is None and "format" not in request.args:
        offered = ["application/json"]
        if request.path == "/v1/events" and request.method in READING:
            offered = list(FORMS)
        if request.path.startswith("/v1/provinces"):
            offered.append(GEOJSON)
        if request.path == "/v1/changes":
            offered.append(EVENT_STREAM)
        if request.path.endswith("/diff"):
            offered.append(JSON_PATCH)
        if request.accept_mimetypes and request.accept_mimetypes.best_match(offered) is None:
            raise NotAcceptable(f"This answer can be had as {' or '.join(offered)}.")


def _reads_store(path: str) -> bool:
    return path.startswith(("/v1/", "/readyz")) or is_page(path)


def require_readable_store() -> None:
    """Refuse to answer from a store whose projections are not by this version's rules; looked at until they are."""
    ours = current_app.extensions["dateline"]
    if ours.get("store_is_readable") or not _reads_store(request.path):
        return
    try:
        refuse_other(rules_of(database()))
    except ProgrammingError as error:
        # PostgreSQL's word for a column or table that is not there yet.
        raise OtherRules(str(error)) from error
    except (OperationalError, InterfaceError, MaxConnectionsExceeded):
        # What is asked may be refused without the database.
        return
    ours["store_is_readable"] = True


def init_app(app: Flask, settings: Settings) -> None:
    """Give every answer the headers that the contract promises."""
    app.before_request(require_readable_store)
    app.before_request(accept_or_refuse)
    app.after_request(_finish)
    CORS(
        app,
        origins=list(settings.cors_origins),
        send_wildcard=True,
        # Whoever names origins may mean to let them write; any page there is may only read. All headers may be sent.
        methods=READING if "*" in settings.cors_origins else [*READING, "POST", "PUT", "PATCH", "DELETE"],
        expose_headers=list(EXPOSED_HEADERS),
        max_age=86400,
        vary_header=False,
    )


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_id()
    response.headers.setdefault("Cache-Control", "no-cache")
    response.headers["Vary"] = ", ".join(VARY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.accept_encodings["gzip"] > 0 and "Content-Encoding" not in response.headers:
        _compress(response)
    _show_quick(response)
    return response


def _show_quick(response: Response) -> None:
    """Let a whole answer be looked at, so that others like it need no framework."""
    asked = request.environ.get(ASKED)
    if asked is None or request.url_rule is None or response.direct_passthrough or response.is_streamed:
        return
    if response.status_code not in (200, 304) or not {"ETag", "X-Sequence"} <= {*response.headers.keys()}:
        return
    headers = response.get_wsgi_headers(request.environ).to_wsgi_list()
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    zips = request.accept_encodings["gzip"] > 0
    quick: QuickAnswers = current_app.extensions["dateline"]["quick"]
    quick.note(asked, Given(request.url_rule.rule, response.status_code, encoded, response.get_data(), zips))


def _compress(response: Response) -> None:
    """gzip the answer, under a tag of its own as RFC 9110 (8.8.3) asks."""
    tag, weak = response.get_etag()
    if response.status_code == 304 and tag is not None and request.if_none_match.contains_weak(tag + GZIP_SUFFIX):
        # The client's copy is good, so the answer names the form which that copy has.
        response.set_etag(tag + GZIP_SUFFIX, weak or False)
    if response.direct_passthrough or response.is_streamed or (response.content_length or 0) < GZIP_FROM:
        return
    response.set_data(zipped(response.get_data()))
    response.headers["Content-Encoding"] = "gzip"
    if tag is not None:
        response.set_etag(tag + GZIP_SUFFIX, weak or False)
