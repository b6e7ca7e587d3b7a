"""Sends writes over HTTP, and looks at how far the store has come by them."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.http import JSON_PATCH, MERGE_PATCH, NDJSON
from tests.answers import body, problem

CLASH = "/v1/events/panjshir-clash"


def sequence(client: FlaskClient) -> int:
    """The last change that the store has recorded."""
    return int(client.get("/v1/types").headers["X-Sequence"])


def read(client: FlaskClient, path: str) -> Any:
    """What is at a path now."""
    return body(client.get(path))


def done(answer: TestResponse, status: int = 200) -> Any:
    """What a write that was carried out answers."""
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer.get_json() if answer.data else None


def entries(answer: TestResponse, status: int = 422) -> list[tuple[str, str]]:
    """The pointer and the code of each fault of a refusal, in their order."""
    return [(entry["pointer"], entry["code"]) for entry in problem(answer, status)["errors"]]


def matching(*versions: object) -> dict[str, str]:
    """The header that says which versions a change is made to."""
    return {"If-Match": ", ".join(f'"{version}"' for version in versions)}


NEW = {"If-None-Match": "*"}
ANY = {"If-Match": "*"}


def merge(client: FlaskClient, path: str, patch: Any, headers: dict[str, str] = ANY) -> TestResponse:
    """Send a merge patch (RFC 7396)."""
    return client.patch(path, data=json.dumps(patch), content_type=MERGE_PATCH, headers=headers)


def operate(client: FlaskClient, path: str, *operations: Any, headers: dict[str, str] = ANY) -> TestResponse:
    """Send a JSON Patch (RFC 6902)."""
    return client.patch(path, data=json.dumps(operations), content_type=JSON_PATCH, headers=headers)


def lines(*events: Any) -> bytes:
    """NDJSON of these events; bytes are lines as they stand."""
    return b"".join(event if isinstance(event, bytes) else json.dumps(event).encode() + b"\n" for event in events)


def bulk(client: FlaskClient, *events: Any, query: str = "", **more: Any) -> TestResponse:
    """Send many events at once."""
    return client.post("/v1/events/bulk" + query, data=lines(*events), **{"content_type": NDJSON, **more})


def ids(client: FlaskClient, query: str = "") -> set[str]:
    """The ids of all events that a query finds."""
    return {event["id"] for event in read(client, f"/v1/events?limit=1000&{query}")["events"]}


def follows(*events: str) -> list[dict[str, str]]:
    return [{"id": event_id, "relation": "follows"} for event_id in events]


def counted(report: dict[str, Any]) -> tuple[int, ...]:
    """What became of the lines: received, created, updated, unchanged, rejected."""
    numbers = [report[name] for name in ("received", "created", "updated", "unchanged")]
    return (*numbers, len(report["rejected"]))


def told(report: dict[str, Any]) -> list[tuple[int, str | None, str, str]]:
    """Line, id, pointer and code of each fault of the lines that were rejected."""
    return [
        (line["line"], line["id"], fault["pointer"], fault["code"])
        for line in report["rejected"]
        for fault in line["errors"]
    ]
