"""The description of the API is valid, complete, and true: its examples work and answers fit its schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import validate

from schemas.query import EVENT_MEMBERS
from service import openapi
from service.app import create_app
from service.database import closing_database
from service.drafts import Draft
from service.event_store import write_events
from service.filters import CHANGE_OPTIONS, FACET_OPTIONS, FILTERS, PARAMETERS, PERIOD_OPTIONS
from service.problems import PROBLEMS
from service.routes import actors, catalog, events, revisions
from service.seeding import read_seed
from service.settings import Settings
from tests.answers import body, problem
from tests.conftest import copied, event_body
from tests.sending import ANY, CLASH, done, merge

IMPORTED = "ucdp-ged-212545"
METHODS = {"get", "put", "post", "patch", "delete"}
# What answers say that it is good, beside 200.
SUCCESSES = {
    ("post", "/v1/events"): {"201"},
    ("post", "/v1/actors"): {"201"},
    ("put", "/v1/events/{event_id}"): {"200", "201"},
    ("put", "/v1/actors/{actor}"): {"200", "201"},
    ("delete", "/v1/events/{event_id}"): {"204"},
    ("delete", "/v1/actors/{actor}"): {"204"},
}


@pytest.fixture(scope="module")
def described(
    engine: str, golden: dict[str, str], tmp_path_factory: pytest.TempPathFactory, server: str | None
) -> Iterator[Flask]:
    """The application over the seed, an imported event, and a second version of one: the examples that the description
    takes. No test writes to it."""
    event = event_body(id=IMPORTED, dataset="ucdp-ged", actors=["taliban"])
    [clash] = [event for event in read_seed("events") if CLASH.endswith(event["id"])]
    drafts = [Draft(1, event, original={"id": "212545"}), Draft(2, {**clash, "tags": ["panjshir-conflict", "new"]})]
    with copied("seeded", engine, golden, tmp_path_factory.mktemp("described"), server) as url:
        app = create_app(Settings(database_url=url))
        with closing_database(app.extensions["dateline"]["database"]) as database:
            report = write_events(database, drafts, by="test")
            assert (report.created, report.updated) == (1, 1)
            yield app


@pytest.fixture
def client(described: Flask) -> FlaskClient:
    return described.test_client()


@pytest.fixture(scope="module")
def description(described: Flask) -> Any:
    return body(described.test_client().get("/openapi.json"))


def operations(description: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in description["paths"].items():
        for method in METHODS & item.keys():
            yield method, path, item[method]


def reading(description: Any) -> Iterator[tuple[str, Any]]:
    """The path and the description of each GET."""
    return ((path, operation) for method, path, operation in operations(description) if method == "get")


def errors(description: Any, schema: Any, instance: Any) -> list[str]:
    """Where an instance does not fit a schema of the description."""
    whole = {"allOf": [schema], "components": description["components"]}
    validator = OAS31Validator(whole, format_checker=oas31_format_checker)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]


def schema_of(description: Any, path: str, status: str = "200", media: str = "application/json") -> Any:
    return description["paths"][path]["get"]["responses"][status]["content"][media]["schema"]


def in_url(value: Any) -> str:
    """A value as its parameter's text: a list with commas between its members."""
    if isinstance(value, list):
        return ",".join(in_url(member) for member in value)
    return str(value).lower() if isinstance(value, bool) else quote(str(value))


def example_path(path: str, operation: Any) -> str:
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", quote(parameter["example"]))
    assert "{" not in path
    return path


def test_the_description_is_valid_openapi_3_1(description: Any) -> None:
    assert description["openapi"].startswith("3.1.")
    validate(description)


def test_every_path_and_method_that_runs_is_described_and_no_other(app: Flask, description: Any) -> None:
    running = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.rule.startswith("/v1/") and method.lower() in METHODS
    }
    described = {(method, path) for method, path, _ in operations(description)}
    assert running == {(method, path) for method, path in described if path.startswith("/v1/")}
    assert {("get", "/healthz"), ("get", "/readyz"), ("get", "/openapi.json")} <= described


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v1/events", PARAMETERS),
        ("/v1/timeline", [*FILTERS, *PERIOD_OPTIONS]),
        ("/v1/facets", [*FILTERS, *FACET_OPTIONS]),
        ("/v1/actors", actors.PARAMETERS),
        ("/v1/provinces", catalog.PARAMETERS),
        ("/v1/provinces/{name}", ["format"]),
        ("/v1/types", []),
        ("/v1/changes", [*FILTERS, *CHANGE_OPTIONS]),
        ("/v1/events/{event_id}", events.PARAMETERS),
        ("/v1/events/{event_id}/original", []),
        ("/v1/events/{event_id}/revisions", revisions.PARAMETERS),
        ("/v1/events/{event_id}/diff", ["from", "to"]),
        ("/v1/actors/{actor}", []),
        ("/v1/actors/{actor}/revisions", revisions.PARAMETERS),
    ],
)
def test_every_parameter_is_described(description: Any, path: str, names: list[str]) -> None:
    parameters = description["paths"][path]["get"]["parameters"]
    assert {parameter["name"] for parameter in parameters if parameter["in"] == "query"} == set(names)
    for parameter in parameters:
        assert parameter["schema"]["type"] in ("string", "integer", "boolean", "array")
        assert parameter["in"] == "path" or parameter["description"]


def test_every_operation_says_what_it_does_and_what_can_go_wrong(description: Any) -> None:
    names = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(names) == len(set(names))
    for method, path, operation in operations(description):
        assert operation["summary"].endswith("."), path
        assert operation["tags"], path
        good = {status for status in operation["responses"] if status < "300"}
        assert good == SUCCESSES.get((method, path), {"200"}), path
        assert "500" in operation["responses"], path
        judged = {"406", "422", "503"} & operation["responses"].keys()
        expected = {"/readyz": {"503"}, "/healthz": set(), "/metrics": set(), "/openapi.json": set()}
        assert judged == expected.get(path, {"406", "422", "503"}), path
        # What is put may be new.
        assert ("404" in operation["responses"]) or "{" not in path or method == "put"
        for status, response in operation["responses"].items():
            assert response["description"]
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"]


def test_each_example_of_a_parameter_works(client: FlaskClient, description: Any) -> None:
    tried = 0
    for path, operation in reading(description):
        url = example_path(path, operation)
        assert client.get(url).status_code == 200, url
        for parameter in operation["parameters"]:
            if parameter["in"] != "query" or "examples" not in parameter["schema"]:
                assert parameter["in"] != "query" or parameter["name"] == "cursor", "only a cursor has no example"
                continue
            assert errors(description, parameter["schema"], parameter["schema"]["examples"][0]) == []
            beside = "&actor=taliban" if parameter["name"] == "role" else ""
            answer = client.get(f"{url}?{parameter['name']}={in_url(parameter['schema']['examples'][0])}{beside}")
            # The events of this store were not there at the time of the example.
            missing = (path, parameter["name"]) == ("/v1/events/{event_id}", "as_of")
            assert answer.status_code == (404 if missing else 200), (url, parameter["name"])
            answer.close()
            tried += 1
    assert tried > len(PARAMETERS)


def test_all_examples_of_a_path_work_together(client: FlaskClient, description: Any) -> None:
    for path in ("/v1/events", "/v1/actors", "/v1/provinces"):
        pairs = [
            f"{parameter['name']}={in_url(parameter['schema']['examples'][0])}"
            for parameter in description["paths"][path]["get"]["parameters"]
            if "examples" in parameter["schema"]
        ]
        answer = client.get(f"{path}?{'&'.join(pairs)}")
        assert answer.status_code == 200, answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?total=true&limit=2",
        "?fields=title",
        "?actor=nrf&fields=date,claims",
        "?tag=nothing-has-this",
        "?sort=-updated",
    ],
)
def test_pages_of_events_fit_their_schema(client: FlaskClient, description: Any, query: str) -> None:
    page = body(client.get("/v1/events" + query))
    assert errors(description, schema_of(description, "/v1/events"), page) == []


def test_every_other_answer_fits_its_schema(client: FlaskClient, description: Any) -> None:
    for path, operation in reading(description):
        if "application/json" in operation["responses"]["200"]["content"]:
            answer = client.get(example_path(path, operation))
            assert errors(description, schema_of(description, path), body(answer)) == [], path
    for query in ("?country=AF&format=geojson", "?country=FR&format=geojson"):
        features = client.get("/v1/provinces" + query).get_json(force=True)
        schema = schema_of(description, "/v1/provinces", media="application/geo+json")
        assert errors(description, schema, features) == []


def test_every_event_of_the_seed_fits_the_schema_of_one_event(client: FlaskClient, description: Any) -> None:
    for event in body(client.get("/v1/events"))["events"]:
        assert errors(description, schema_of(description, "/v1/events/{event_id}"), event) == []


def test_the_schema_of_an_event_names_exactly_its_members(description: Any) -> None:
    schemas = description["components"]["schemas"]
    for name, required in (("Event", set(EVENT_MEMBERS)), ("ChosenEvent", {"id"})):
        assert list(schemas[name]["properties"]) == list(EVENT_MEMBERS)
        assert set(schemas[name]["required"]) == required


def test_the_schema_of_an_event_is_not_satisfied_by_less(client: FlaskClient, description: Any) -> None:
    schema = schema_of(description, "/v1/events/{event_id}")
    event = body(client.get("/v1/events/panjshir-clash"))
    for name in EVENT_MEMBERS:
        assert errors(description, schema, {key: value for key, value in event.items() if key != name}), name
        assert errors(description, schema, {**event, name: 0.5}), f"{name} is no fraction"


@pytest.mark.parametrize(
    ("url", "status"),
    [("/v1/events?actor=talban&x=1", 422), ("/v1/events/no-such-event", 404), ("/v1/nothing", 404)],
)
def test_problems_fit_their_schema(client: FlaskClient, description: Any, url: str, status: int) -> None:
    document = problem(client.get(url), status)
    assert errors(description, {"$ref": "#/components/schemas/Problem"}, document) == []


def test_headers_that_are_sent_are_described(client: FlaskClient, description: Any) -> None:
    for path, url in (("/v1/events", "/v1/events?limit=1"), ("/v1/actors", "/v1/actors?limit=1"), ("/v1/types",) * 2):
        described = description["paths"][path]["get"]["responses"]["200"]["headers"]
        sent = client.get(url).headers
        assert {name for name in ("ETag", "Link", "X-Sequence", "X-Request-ID") if name in sent} <= described.keys()


def test_tags_are_described_where_they_are_given(client: FlaskClient, description: Any) -> None:
    for path, operation in reading(description):
        answer = client.get(example_path(path, operation))
        tagged = "ETag" in answer.headers
        assert ("ETag" in operation["responses"]["200"]["headers"]) == tagged, path
        assert ("304" in operation["responses"]) == tagged, path
        headers = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
        assert ("If-None-Match" in headers) == tagged, path
        assert headers <= {"If-None-Match", "Last-Event-ID"}, path
        held = client.get(example_path(path, operation), headers={"If-None-Match": answer.headers.get("ETag", "*")})
        assert held.status_code == (304 if tagged else 200), path


def test_every_answer_of_the_past_and_of_changes_fits_its_schema(writer: FlaskClient, description: Any) -> None:
    for title in ("b", "c"):
        done(merge(writer, CLASH, {"title": title, "tags": [title]}))
    done(merge(writer, "/v1/actors/nrf", {"name": "Front"}))
    done(writer.delete("/v1/events/us-withdrawal", headers=ANY), 204)
    for path, url, media in (
        ("/v1/events/{event_id}", CLASH + "?version=1", "application/json"),
        ("/v1/events/{event_id}/revisions", "/v1/events/us-withdrawal/revisions?limit=1", "application/json"),
        ("/v1/actors/{actor}/revisions", "/v1/actors/nrf/revisions", "application/json"),
        ("/v1/events/{event_id}/diff", CLASH + "/diff?from=1&to=3", "application/json-patch+json"),
        ("/v1/changes", "/v1/changes", "application/json"),
        ("/v1/changes", "/v1/changes?actor=nrf&limit=1", "application/json"),
    ):
        answer = writer.get(url)
        assert (answer.status_code, answer.mimetype) == (200, media)
        assert errors(description, schema_of(description, path, media=media), answer.get_json(force=True)) == [], url


def test_what_needs_a_key_says_so(description: Any) -> None:
    for method, path, operation in operations(description):
        if not path.startswith("/v1/"):
            assert operation["security"] == [], path
        elif method == "get":
            assert operation["security"] == [{}, {"key": []}], path
        else:
            assert operation["security"] == [{"key": []}], path
            scope = "admin" if path.endswith("/merge") else "write"
            assert f"`{scope}`" in operation["description"], path
    assert description["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_the_statuses_of_problems_are_those_of_the_table(description: Any) -> None:
    known = {str(kind.status) for kind in PROBLEMS.values()}
    for _, path, operation in operations(description):
        assert {status for status in operation["responses"] if status >= "400"} <= known, path


def test_the_description_is_made_once_and_not_before_it_is_asked_for(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    describe = openapi.describe

    def noting(app: Flask) -> Any:
        made.append(app)
        return describe(app)

    monkeypatch.setattr(openapi, "describe", noting)
    app = create_app(Settings(database_url=empty_url))
    with closing_database(app.extensions["dateline"]["database"]):
        assert made == []
        first, second = (app.test_client().get("/openapi.json") for _ in range(2))
    assert first.data == second.data and made == [app]
