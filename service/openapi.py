"""Describes the API as OpenAPI 3.1, from the code that runs: the routes, the table of operations, their schemas."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from schemas import answers
from service import __version__
from service.filters import TEXT, Parameter
from service.http import EXPOSED_HEADERS
from service.operations import IDEMPOTENCY_KEY, OPERATIONS, Content, Operation
from service.problems import MEDIA_TYPE, PROBLEMS

DESCRIPTION = """\
Dated events, who took part, where, and what each source claims, answered as timelines that are filtered by actor and
province. Names are taken in any usual spelling; a name that nobody knows is refused with the nearest matches, never
answered with an empty list. Every error is a problem document (RFC 9457)."""

IF_NONE_MATCH = Parameter("If-None-Match", "The ETag of the copy that the client has.", "", TEXT)
NOT_MODIFIED = {"description": "The client's copy, named by If-None-Match, is good."}
KEYS = {"type": "http", "scheme": "bearer", "description": "An API key, as `dateline keys create` makes it."}
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
STATUSES = {200: "The answer.", 201: "It was created.", 204: "It is done; there is no answer."}
# What can go wrong where a store is asked, and where it is written to.
ASKED = ("unauthorized", "forbidden", "too-many-requests", "not-acceptable", "validation", "unavailable")


def init_app(app: Flask) -> None:
    """Have the description made once, when it is first asked for: it would take more than half of the start."""
    app.extensions["dateline"]["openapi"] = cache(partial(_text_and_tag, app))


def _text_and_tag(app: Flask) -> tuple[bytes, str]:
    text = orjson.dumps(describe(app)) + b"\n"
    return text, hashlib.blake2b(text, digest_size=8).hexdigest()


def describe(app: Flask) -> dict[str, Any]:
    """The whole description as a document."""
    spec = APISpec(
        title="Dateline",
        version=__version__,
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin()],
        info={"description": DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        servers=[{"url": "/"}],
        tags=[{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS.values())],
    )
    spec.components.schema("Problem", schema=answers.ProblemDocument)
    spec.components.security_scheme("key", KEYS)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = OPERATIONS.get(rule.endpoint)
        if operation is None:
            continue
        summary = (app.view_functions[rule.endpoint].__doc__ or "").strip()
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        [method] = METHODS & (rule.methods or set())
        described = _operation(method, rule.endpoint, operation, summary, sorted(rule.arguments))
        spec.path(path=path, operations={method.lower(): described})
    document: dict[str, Any] = spec.to_dict()
    return document


def _operation(
    method: str, endpoint: str, operation: Operation, summary: str, in_path: Sequence[str]
) -> dict[str, Any]:
    reads = method == "GET"
    slugs = sorted({*operation.problems, *(ASKED if operation.from_store else ()), "internal"})
    conditional = [IF_NONE_MATCH] if operation.tagged and reads else []
    body = {"requestBody": {"required": True, "content": _content(operation.body)}} if operation.body else {}
    # Reading needs a key only where it is closed.
    keys: list[dict[str, Any]] = (
        [] if not operation.from_store else [{"key": []}] if operation.scope else [{}, {"key": []}]
    )
    scope = f" The key needs the scope `{operation.scope}`." if operation.scope else ""
    return {
        "operationId": endpoint.partition(".")[2],
        "summary": summary,
        "description": summary + scope,
        "tags": [operation.tag],
        "security": keys,
        "parameters": [
            *(
                {
                    "name": name,
                    "in": "path",
                    "required": True,
                    "schema": TEXT,
                    "example": operation.examples.get(name, name),
                }
                for name in in_path
            ),
            *(_parameter(parameter) for parameter in operation.parameters),
            *(
                {"name": header.name, "in": "header", "description": header.meaning, "schema": dict(header.schema)}
                for header in (*operation.headers, *conditional)
            ),
        ],
        **body,
        "responses": {
            **{str(status): _success(operation, status) for status in operation.statuses},
            **({"304": NOT_MODIFIED} if conditional else {}),
            **_problems(slugs),
        },
    }


def _content(content: Content) -> dict[str, Any]:
    return {media: {"schema": schema} for media, schema in content.items()}


def _success(operation: Operation, status: int) -> dict[str, Any]:
    shown = {} if status == 204 else {"content": _content(operation.answers)}
    return {"description": STATUSES[status], "headers": _headers(operation, status), **shown}


def _problems(slugs: Iterable[str]) -> dict[str, Any]:
    """The errors by status; two kinds of one status are told together."""
    titles: dict[int, list[str]] = {}
    for slug in slugs:
        titles.setdefault(PROBLEMS[slug].status, []).append(PROBLEMS[slug].title)
    return {
        str(status): {"description": "; ".join(found), "content": {MEDIA_TYPE: {"schema": "Problem"}}}
        for status, found in sorted(titles.items())
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
    }
    kind = parameter.schema["type"]
    if kind == "array":
        # Given several times, a filter asks for all; that has no form of its own in OpenAPI.
        described |= {"style": "form", "explode": False}
    if parameter.example:
        # With the schema: an example of the parameter itself would stand in every field of the page at /docs,
        # which would then ask for all filters at once.
        described["schema"]["examples"] = [_typed(parameter.example, parameter.schema)]
        described["description"] += f" For example `{parameter.example}`."
    return described


def _typed(example: str, schema: Mapping[str, Any]) -> Any:
    """An example as a value of its schema."""
    kind = schema["type"]
    if kind == "array":
        return [_typed(part, schema["items"]) for part in example.split(",")]
    return example if kind == "string" else orjson.loads(example)


def _headers(operation: Operation, status: int) -> dict[str, Any]:
    names = ["X-Request-ID"]
    if operation.tagged:
        names.append("ETag")
    if operation.from_store:
        names.append("X-Sequence")
    if status == 201:
        names.append("Location")
    if IDEMPOTENCY_KEY in operation.headers:
        names.append("Idempotent-Replay")
    if any(parameter.name == "cursor" for parameter in operation.parameters):
        names.append("Link")
    assert set(names) <= set(EXPOSED_HEADERS), "browsers must be able to read what is described"
    return {name: {"schema": {"type": "string"}} for name in names}
