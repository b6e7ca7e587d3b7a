"""What the description says of writes is true: bodies that it shows are taken, and answers are as it shows them."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from schemas import event as bodies
from schemas.actor import ActorBody
from schemas.fields import Body
from schemas.requests import MergeBody, RestoreBody
from service.check import check
from service.seeding import read_seed
from tests.answers import body, problem
from tests.conftest import event_body
from tests.sending import ANY, CLASH, NEW, bulk, done, merge, operate

JSON = "application/json"
PATCHES = {JSON, "application/merge-patch+json", "application/json-patch+json"}
# What each write takes: media types of its body, and the headers that mean something to it.
WRITES: dict[tuple[str, str], tuple[set[str], set[str]]] = {
    ("post", "/v1/events"): ({JSON}, {"Idempotency-Key"}),
    ("put", "/v1/events/{event_id}"): ({JSON}, {"If-Match", "If-None-Match"}),
    ("patch", "/v1/events/{event_id}"): (PATCHES, {"If-Match"}),
    ("delete", "/v1/events/{event_id}"): (set(), {"If-Match"}),
    ("post", "/v1/events/{event_id}/restore"): ({JSON}, {"If-Match", "Idempotency-Key"}),
    ("post", "/v1/events/bulk"): ({"application/x-ndjson", "*/*"}, {"Idempotency-Key"}),
    ("post", "/v1/actors"): ({JSON}, {"Idempotency-Key"}),
    ("put", "/v1/actors/{actor}"): ({JSON}, {"If-Match", "If-None-Match"}),
    ("patch", "/v1/actors/{actor}"): (PATCHES, {"If-Match"}),
    ("delete", "/v1/actors/{actor}"): (set(), {"If-Match"}),
    ("post", "/v1/actors/{actor}/restore"): ({JSON}, {"If-Match", "Idempotency-Key"}),
    ("post", "/v1/actors/{actor}/merge"): ({JSON}, {"Idempotency-Key"}),
}
EVENT, ACTOR = ("post", "/v1/events"), ("post", "/v1/actors")


@pytest.fixture(scope="module")
def description(refused_app: Flask) -> Any:
    """The description of the API."""
    return body(refused_app.test_client().get("/openapi.json"))


def errors(description: Any, schema: Any, instance: Any) -> list[str]:
    """Where an instance does not fit a schema of the description."""
    validator = OAS31Validator({"allOf": [schema], "components": description["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]


def taken(description: Any, method: str, path: str, media: str = JSON) -> Any:
    """The schema of the body of a write."""
    return description["paths"][path][method]["requestBody"]["content"][media]["schema"]


def answered(description: Any, method: str, path: str, status: int) -> Any:
    """The schema of an answer to a write."""
    return description["paths"][path][method]["responses"][str(status)]["content"][JSON]["schema"]


# Operations


def test_every_write_is_described_with_its_body_and_headers(description: Any) -> None:
    described = {(method, path) for path, item in description["paths"].items() for method in item if method != "get"}
    assert described == WRITES.keys()
    for (method, path), (media_types, headers) in WRITES.items():
        operation = description["paths"][path][method]
        found = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
        assert found == headers, path
        assert set(operation.get("requestBody", {}).get("content", {})) == media_types, path
        if media_types:
            assert operation["requestBody"]["required"] is True


def test_every_write_is_described_with_what_can_go_wrong(description: Any) -> None:
    for (method, path), (media_types, headers) in WRITES.items():
        statuses = description["paths"][path][method]["responses"].keys()
        assert {"401", "403", "422", "429", "500", "503"} <= statuses, path
        assert ({"400", "408", "411", "413", "415"} <= statuses) == bool(media_types), path
        assert ({"412", "428"} <= statuses) == ("If-Match" in headers), path
        # What is put may be new, and what is put may have been deleted, which is a conflict.
        assert ("404" in statuses) == ("{" in path and method != "put"), path
        assert ("410" in statuses) == (method in ("patch", "delete") or path.endswith("/merge")), path
        # A body of many events tells of each line in its report.
        assert ("409" in statuses) == ((method, path) != ("delete", "/v1/events/{event_id}")), path
        parameters = {parameter["name"] for parameter in description["paths"][path][method]["parameters"]}
        assert "reason" in parameters, path
        names_actors = path.startswith("/v1/events") and method != "delete" and not path.endswith("/restore")
        assert ("unknown_actors" in parameters) == names_actors, path


@pytest.mark.parametrize(("method", "path"), [("patch", CLASH), ("put", CLASH), ("post", CLASH + "/restore")])
def test_parameters_that_are_not_described_are_refused(refused: FlaskClient, method: str, path: str) -> None:
    given_body = {"version": 1} if method == "post" else event_body()
    refusal = problem(refused.open(path + "?nonsense=1", method=method, json=given_body, headers=ANY), 422)
    assert refusal["errors"][0]["code"] == "unknown-parameter"


# Members


@pytest.mark.parametrize(
    ("door", "steps", "schema"),
    [
        (EVENT, (), bodies.EventBody()),
        (EVENT, ("location",), bodies.LocationBody()),
        (EVENT, ("actors",), bodies.ParticipantBody()),
        (EVENT, ("claims",), bodies.ClaimBody()),
        (EVENT, ("sources",), bodies.SourceBody()),
        (EVENT, ("related",), bodies.RelationBody()),
        (ACTOR, (), ActorBody()),
        (("post", "/v1/events/{event_id}/restore"), (), RestoreBody()),
        (("post", "/v1/actors/{actor}/merge"), (), MergeBody()),
    ],
    ids=str,
)
def test_the_members_that_are_described_are_those_that_are_taken(
    description: Any, door: tuple[str, str], steps: tuple[str, ...], schema: Body
) -> None:
    shown = taken(description, *door)
    for step in steps:
        shown = shown["properties"][step]
        shown = shown.get("items", shown)
        [shown] = [one for one in shown.get("anyOf", [shown]) if "properties" in one]
    fields = {field.data_key or name: field for name, field in schema.fields.items()}
    assert shown["properties"].keys() == fields.keys() | schema.ignored
    assert set(shown.get("required", ())) == {name for name, field in fields.items() if field.required}
    assert shown["additionalProperties"] is False


@pytest.mark.parametrize("event", read_seed("events"), ids=lambda event: event["id"])
def test_events_fit_what_is_described_as_they_were_written_and_as_they_are_read(
    refused: FlaskClient, description: Any, event: dict[str, Any]
) -> None:
    for door in (EVENT, ("put", "/v1/events/{event_id}")):
        assert errors(description, taken(description, *door), event) == []
        answer = body(refused.get(f"/v1/events/{event['id']}"))
        assert errors(description, taken(description, *door), answer) == []


def test_actors_fit_what_is_described_as_they_were_written_and_as_they_are_read(
    refused: FlaskClient, description: Any
) -> None:
    for actor in read_seed("actors"):
        for door in (ACTOR, ("put", "/v1/actors/{actor}")):
            assert errors(description, taken(description, *door), actor) == []
            answer = body(refused.get(f"/v1/actors/{actor['id']}"))
            assert errors(description, taken(description, *door), answer) == []


# Answers


def test_answers_to_writes_fit_what_is_described(writer: FlaskClient, description: Any) -> None:
    event, actor = "/v1/events/{event_id}", "/v1/actors/{actor}"
    for method, path, status, answer in (
        ("post", "/v1/events", 201, writer.post("/v1/events", json=event_body(id="a"))),
        ("put", event, 201, writer.put("/v1/events/b", json=event_body(), headers=NEW)),
        ("put", event, 200, writer.put("/v1/events/b", json=event_body(title="c"), headers=ANY)),
        ("patch", event, 200, merge(writer, CLASH, {"date": "2021-08"})),
        ("patch", event, 200, operate(writer, CLASH, {"op": "remove", "path": "/tags"})),
        ("post", event + "/restore", 200, writer.post(CLASH + "/restore", json={"version": 1}, headers=ANY)),
        ("post", "/v1/events/bulk", 200, bulk(writer, event_body(id="a"), event_body(id="c"), b"nonsense\n", 5)),
        ("post", "/v1/actors", 201, writer.post("/v1/actors", json={"name": "A"})),
        ("put", actor, 201, writer.put("/v1/actors/b", json={"name": "B"}, headers=NEW)),
        ("patch", actor, 200, merge(writer, "/v1/actors/b", {"kind": "person"})),
        ("post", actor + "/restore", 200, writer.post("/v1/actors/b/restore", json={"version": 1}, headers=ANY)),
        ("post", actor + "/merge", 200, writer.post("/v1/actors/b/merge", json={"into": "a"})),
    ):
        assert errors(description, answered(description, method, path, status), done(answer, status)) == [], path
        headers = description["paths"][path][method]["responses"][str(status)]["headers"].keys()
        sent = {name for name in ("ETag", "Location", "X-Sequence", "X-Request-ID") if name in answer.headers}
        assert sent == headers - {"Idempotent-Replay"}, path


def test_the_report_of_an_atomic_refusal_is_a_problem_as_described(refused: FlaskClient, description: Any) -> None:
    document = problem(bulk(refused, b"nonsense\n", query="?atomic=true"), 422)
    assert errors(description, {"$ref": "#/components/schemas/Problem"}, document) == []


# Bodies made from the description

# Texts that mean something somewhere, so that some bodies are taken.
WORDS = ["taliban", "NRF", "AF", "AF-PAN", "Panjshir", "2021", "2021-08-26", "2021-08/..", "rt", "x", "us-withdrawal"]
URLS = ["https://example.org/a", "http://x"]
TEXTS = st.sampled_from([*WORDS, *URLS, "2021-08-26"]) | st.text(max_size=8)
NUMBERS = st.integers(-2, 2**63) | st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.sampled_from(["id", "name", "x"])
NOISE = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)


def fitting(schema: Any) -> st.SearchStrategy[Any]:
    """Values of a schema as the description uses them."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([fitting(one) for one in schema["anyOf"]])
    kinds = schema.get("type", "null")
    return st.one_of([of_kind(schema, kind) for kind in (kinds if isinstance(kinds, list) else [kinds])])


def of_kind(schema: Any, kind: str) -> st.SearchStrategy[Any]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if kind == "string":
        if "pattern" in schema:
            return st.from_regex(schema["pattern"].replace("$", r"\Z"), alphabet=st.characters(codec="ascii"))
        return TEXTS.filter(lambda text: len(text) >= schema.get("minLength", 0))
    if kind == "integer":
        return st.integers(low, min(high or 20, 20))
    if kind == "number":
        return st.floats(low, high) | st.integers(low, high)
    if kind == "boolean":
        return st.booleans()
    if kind == "array":
        return st.lists(fitting(schema["items"]), max_size=2)
    if kind == "object":
        members = {name: fitting(inner) for name, inner in schema.get("properties", {}).items()}
        required = {name: members.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(required, optional=members)
    assert kind == "null", kind
    return st.none()


def disturbed(value: Any, data: st.DataObject) -> Any:
    """A body in which something, at a place somewhere, stands instead of what stood there."""
    container = value = deepcopy(value)
    while isinstance(container, dict | list) and container:
        key = data.draw(st.sampled_from(sorted(container) if isinstance(container, dict) else range(len(container))))
        if isinstance(container, dict) and key == "name" and container.keys() & {"id", "code"}:
            # Beside those a name is ignored, whatever it is.
            break
        if not isinstance(container[key], dict | list) or data.draw(st.booleans()):
            container[key] = data.draw(NOISE)
            break
        container = container[key]
    return value


@pytest.mark.parametrize("door", [EVENT, ACTOR], ids=str)
def test_bodies_of_the_described_form_are_taken_or_refused_and_others_are_refused(
    app: Flask, writer: FlaskClient, description: Any, door: tuple[str, str]
) -> None:
    schema = taken(description, *door)
    # What is written by others: texts of a form, and what must not be told wrong.
    form = {**schema, "properties": {**schema["properties"], "date": {"enum": ["2021-08-26", "2021~", "soon"]}}}
    path, statuses = door[1], {201: 0, 409: 0, 422: 0}
    query = "?unknown_actors=create" if door == EVENT else ""

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(fitting(form if door == EVENT else schema), st.data())
    def send(made: Any, data: st.DataObject) -> None:
        for given_body in (made, disturbed(made, data)):
            text = json.dumps(given_body)
            answer = writer.post(path + query, data=text, content_type=JSON)
            assert answer.status_code in statuses, (text, answer.get_data(as_text=True))
            statuses[answer.status_code] += 1
            if answer.status_code != 201:
                problem(answer, answer.status_code)
                continue
            assert errors(description, schema, given_body) == [], text
            written = answer.get_json()
            assert errors(description, answered(description, *door, 201), written) == [], text
            back = writer.put(f"{path}/{written['id']}", json=written, headers=ANY)
            assert (done(back)["version"], back.data) == (1, answer.data)

    send()
    assert statuses[201] > 20, statuses
    assert statuses[422] > 20, statuses
    assert check(app.extensions["dateline"]["database"]) == []
