"""What Prometheus is told: every request once, under its route."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

from service.app import create_app
from service.settings import Settings


def counted(client: FlaskClient) -> dict[tuple[str, str, str], float]:
    """The requests counted so far by method, route and status."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    line = re.compile(r'^dateline_requests_total\{method="(\w+)",route="([^"]+)",status="(\d+)"\} (\S+)$', re.M)
    return {(m[1], m[2], m[3]): float(m[4]) for m in line.finditer(answer.get_data(as_text=True))}


def test_each_request_is_counted_once_under_its_route(app: Flask) -> None:
    client = app.test_client()
    for path in ("/v1/events/panjshir-clash", "/v1/events/us-withdrawal", "/v1/events/none", "/v1/events?limit=0"):
        client.get(path)
    found = counted(client)
    assert found["GET", "/v1/events/<event_id>", "200"] == 2
    assert found["GET", "/v1/events/<event_id>", "404"] == 1
    assert found["GET", "/v1/events", "422"] == 1


def test_paths_that_do_not_exist_count_together(app: Flask) -> None:
    client = app.test_client()
    for path in ("/a", "/b", "/c?x"):
        client.get(path)
    assert counted(client)["GET", "none", "404"] == 3


def test_methods_that_do_not_exist_count_together(app: Flask) -> None:
    client = app.test_client()
    for number in range(5):
        client.open("/v1/events", method=f"INVENTED{number}")
    for method in ("POST", "OPTIONS", "HEAD"):
        client.open("/v1/events", method=method)
    found = {method: count for (method, _, _), count in counted(client).items()}
    assert found == {"other": 5, "POST": 1, "OPTIONS": 1, "HEAD": 1}


def test_two_applications_in_one_process_count_apart(database_url: str) -> None:
    one, other = (create_app(Settings(database_url=database_url)).test_client() for _ in range(2))
    one.get("/healthz")
    assert counted(one)["GET", "/healthz", "200"] == 1
    assert ("GET", "/healthz", "200") not in counted(other)


def test_requests_are_timed_by_route(app: Flask) -> None:
    client = app.test_client()
    client.get("/v1/types")
    text = client.get("/metrics").get_data(as_text=True)
    assert 'dateline_request_seconds_count{route="/v1/types"} 1.0' in text
