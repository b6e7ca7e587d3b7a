"""Counts and times the requests, for Prometheus."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from flask import Flask, Response, g, request

from service.shared_folder import shared_folder

# Seconds. A page takes less than a millisecond; the last ones are for a database that is far away or busy.
BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)

# RFC 9110 (9.3) and RFC 5789.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})


def init_app(app: Flask) -> None:
    """Count every request by method, route and status, and time it by route."""
    # The client library looks at the folder when it is imported, so that must be after
    # `service.shared_folder.shared_by_workers`.
    import prometheus_client as prometheus

    registry = prometheus.CollectorRegistry()
    requests = prometheus.Counter(
        "dateline_requests", "Requests answered.", ("method", "route", "status"), registry=registry
    )
    seconds = prometheus.Histogram(
        "dateline_request_seconds", "Time from request to answer.", ("route",), buckets=BUCKETS, registry=registry
    )
    app.extensions["dateline"]["metrics"] = registry

    # Methods and routes that do not exist count as one each, so there are no more of these than kinds of answers.
    counter, clock = cache(requests.labels), cache(seconds.labels)

    def count(method: str, route: str, status: int, taken: float) -> None:
        counter(method, route, status).inc()
        clock(route).observe(taken)

    app.extensions["dateline"]["count"] = count

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        # Paths and methods that do not exist count together, lest a scanner fill the memory with names.
        method = request.method if request.method in METHODS else "other"
        route = request.url_rule.rule if request.url_rule else "none"
        count(method, route, response.status_code, time.perf_counter() - g.begun)
        return response


def exposition(registry: Any) -> tuple[bytes, str]:
    """All metrics as text with its media type: of every worker where there are several."""
    import prometheus_client as prometheus
    from prometheus_client import multiprocess

    if shared_folder() is not None:
        registry = prometheus.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # It has no types.
    return prometheus.generate_latest(registry), prometheus.CONTENT_TYPE_LATEST
