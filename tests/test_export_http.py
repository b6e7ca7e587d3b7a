"""What is exported over HTTP: the same events as the pages, whole, in each format and however it is asked for."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from geojson_pydantic import Feature, FeatureCollection, Point

from schemas import query
from schemas.exported import EXPORTED
from service import timeline
from service.app import create_app
from service.database import closing_database
from service.formats import FORMATS
from service.settings import Settings
from tests.answers import body, problem, refusal, refusals
from tests.conftest import copied, event_body, keyed
from tests.exports import EVENTS, MANY, export, fill, lines, paged
from tests.sending import bulk, done, merge, sequence

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
STREAMED = [form for form in FORMATS.values() if form.newest is None]


@pytest.fixture(scope="module")
def filled(
    engine: str, golden: dict[str, str], tmp_path_factory: pytest.TempPathFactory, server: str | None
) -> Iterator[FlaskClient]:
    """A client over more events than a batch holds, which nobody writes to."""
    with copied("empty", engine, golden, tmp_path_factory.mktemp("filled"), server) as url:
        app = create_app(Settings(database_url=url))
        with closing_database(app.extensions["dateline"]["database"]) as database:
            fill(database)
            yield app.test_client()


# The same events


@pytest.mark.parametrize(
    "asked",
    [
        "sort=date",
        "sort=-date",
        "sort=updated",
        "sort=-updated",
        "country=AF",
        "country=AF,PK&sort=-date",
        "province=AF-KAB,AF-BGL,AF-PAN&sort=-updated",
        "from=2010&to=2020",
        "from=2010&to=2020&match=certain&sort=-date",
        "period=2012/2015&sort=updated",
        "type=battle,protest&status=reported,confirmed",
        "type=battle&country=AF&status=disputed&sort=-date",
        "q=attack OR protest",
        "q=in&sort=relevance",
        "q=-in",
        "bbox=60,30,75,38.5",
        "min_killed=3&disputed=true",
        "disputed=false&sort=-date",
        "tag=nobody-has-it",
        "from=1700&to=1701",
    ],
)
def test_an_export_holds_the_events_of_all_pages_in_their_order(filled: FlaskClient, asked: str) -> None:
    assert lines(export(filled, asked)) == paged(filled, asked)


def test_without_a_limit_an_export_holds_everything(filled: FlaskClient) -> None:
    assert len(lines(export(filled, "sort=date"))) == MANY
    assert lines(export(filled, "fields=title&sort=date"))[0].keys() == {"id", "title"}


@pytest.mark.parametrize("sort", ["date", "-date", "updated", "-updated"])
def test_with_a_limit_the_links_lead_through_all_of_it_in_the_same_form(filled: FlaskClient, sort: str) -> None:
    found: list[Any] = []
    url: str | None = f"{EVENTS}?country=AF&sort={sort}&format=ndjson&limit=50&fields=date,tags"
    while url:
        answer = filled.get(url)
        page = lines(answer)
        assert 0 < len(page) <= 50
        found += page
        link = answer.headers.get("Link")
        url = link and link.removeprefix("<").removesuffix('>; rel="next"')
    assert found == paged(filled, f"country=AF&sort={sort}&fields=date,tags")


def test_a_limit_of_exactly_what_is_left_has_no_link(filled: FlaskClient) -> None:
    count = len(paged(filled, "type=battle"))
    assert "Link" not in export(filled, f"type=battle&limit={count}").headers
    assert "Link" in export(filled, f"type=battle&limit={count - 1}").headers
    assert "Link" not in export(filled, "type=battle").headers


def test_the_usual_limit_of_pages_stays_in_the_link_of_an_export(filled: FlaskClient) -> None:
    link = export(filled, "limit=100").headers["Link"]
    assert "limit=100" in link and "format=ndjson" in link


def test_an_export_goes_on_from_the_cursor_of_a_page(filled: FlaskClient) -> None:
    first = body(filled.get(f"{EVENTS}?country=AF&sort=-date&limit=40"))
    rest = lines(filled.get(first["next"].replace("limit=40", "format=ndjson")))
    assert first["events"] + rest == paged(filled, "country=AF&sort=-date")


def test_by_relevance_only_the_first_are_told(filled: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = paged(filled, "q=in&sort=relevance")
    assert len(whole) > 120
    monkeypatch.setattr(timeline, "RELEVANT_MAX", 120)
    assert lines(export(filled, "q=in&sort=relevance")) == whole[:120]
    answer = export(filled, "q=in&sort=relevance&limit=100")
    assert lines(answer) == whole[:100]
    following = answer.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    answer = filled.get(following)
    assert lines(answer) == whole[100:120]
    assert "Link" not in answer.headers


def test_what_was_known_then_is_exported_as_the_pages_show_it(empty_writer: FlaskClient) -> None:
    events = [event_body(id=f"e{number:03}", date=f"20{number % 20:02}") for number in range(150)]
    done(bulk(empty_writer, *events))
    then = body(empty_writer.get(f"{EVENTS}/e007"))["updated"]
    before = sequence(empty_writer)
    for number in range(0, 150, 3):
        done(merge(empty_writer, f"{EVENTS}/e{number:03}", {"title": "Changed since", "date": "1999"}))
    for number in range(1, 150, 7):
        done(empty_writer.delete(f"{EVENTS}/e{number:03}", headers={"If-Match": "*"}), 204)
    for sort in ("date", "-date", "updated", "-updated"):
        asked = f"as_of={then}&sort={sort}"
        answer = export(empty_writer, asked)
        found = lines(answer)
        assert answer.headers["X-Sequence"] == str(before)
        assert len(found) == 150 and {event["title"] for event in found} == {"Something happened"}
        assert found == paged(empty_writer, asked)


# Formats


def test_the_table_of_formats_is_in_step_with_the_words_of_the_query(app: Flask) -> None:
    assert ("json", *FORMATS) == query.FORMATS
    assert all(form.name == name for name, form in FORMATS.items())
    document = app.test_client().get("/openapi.json").get_json()
    assert EXPORTED.keys() == FORMATS.keys()
    described = document["paths"][EVENTS]["get"]["responses"]["200"]["content"]
    assert list(described) == ["application/json", *(form.media_type for form in FORMATS.values())]


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_each_format_is_had_by_name_and_by_accept(client: FlaskClient, form: Any) -> None:
    by_name = export(client, "actor=taliban&province=AF-PAN", form.name, Accept="application/json")
    by_accept = client.get(f"{EVENTS}?actor=taliban&province=AF-PAN", headers={"Accept": form.media_type})
    for answer in (by_name, by_accept):
        assert answer.status_code == 200
        assert answer.mimetype == form.media_type
        assert answer.headers["X-Sequence"] == "25"
        kind = "inline" if form.newest else "attachment"
        name = f"dateline-taliban-AF-PAN.{form.extension}"
        assert answer.headers["Content-Disposition"] == f'{kind}; filename="{name}"'
        assert ("ETag" in answer.headers) == (form.newest is not None)
        assert answer.headers["Vary"] == "Accept, Accept-Encoding, Origin"
    assert by_name.get_data() == by_accept.get_data()


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_each_format_has_a_form_for_nothing(client: FlaskClient, form: Any) -> None:
    answer = export(client, "tag=nobody-has-it", form.name)
    assert b"panjshir" not in answer.get_data()
    assert export(client, "tag=nobody-has-it&fields=title", form.name).status_code == 200


@pytest.mark.parametrize("asked", ["sort=date", "fields=title", "fields=location", "tag=nobody-has-it", "limit=1"])
def test_geojson_is_a_collection_by_the_standard(filled: FlaskClient, asked: str) -> None:
    answer = export(filled, asked, "geojson")
    text = answer.get_data(as_text=True)
    # Raises where it is none.
    collection = FeatureCollection[Feature[Point, dict[str, Any]]](**json.loads(text))
    expected = lines(export(filled, asked))
    assert [feature["properties"] for feature in json.loads(text)["features"]] == expected
    assert [feature.id for feature in collection.features] == [event["id"] for event in expected]
    whole = {event["id"]: event for event in paged(filled, "sort=date")}
    for feature in json.loads(text)["features"]:
        location = whole[feature["id"]]["location"]
        point = location and location["latitude"] is not None and [location["longitude"], location["latitude"]]
        assert feature["geometry"] == ((point and {"type": "Point", "coordinates": point}) or None)


def test_ndjson_is_the_stored_documents_line_by_line(filled: FlaskClient) -> None:
    text = export(filled, "sort=date").get_data()
    assert text.endswith(b"}\n") and text.count(b"\n") == MANY
    assert export(filled, "tag=nobody-has-it").get_data() == b""


def test_a_feed_holds_what_was_changed_last_and_no_more(empty_writer: FlaskClient) -> None:
    done(bulk(empty_writer, *(event_body(id=f"e{number:03}") for number in range(120))))
    done(merge(empty_writer, f"{EVENTS}/e005", {"title": "Changed since"}))

    def entries(asked: str) -> list[str]:
        text = export(empty_writer, asked, "atom").get_data(as_text=True)
        return re.findall(r'href="http://localhost/events/(e\d+)"/>', text)

    newest = [event["id"] for event in paged(empty_writer, "sort=-updated")]
    assert newest[0] == "e005"
    for asked in ("", "sort=date", "sort=-date&limit=1000", "fields=title"):
        assert entries(asked) == newest[:100]
    assert entries("limit=3&sort=date") == newest[:3]


def test_a_feed_has_a_tag_of_its_own_at_the_same_address(writer: FlaskClient) -> None:
    feed = {"Accept": "application/atom+xml"}
    page, whole = writer.get(EVENTS), writer.get(EVENTS, headers=feed)
    assert page.headers["ETag"] != whole.headers["ETag"]
    for tag in (whole.headers["ETag"], f'"x", {whole.headers["ETag"]}'):
        held = writer.get(EVENTS, headers={**feed, "If-None-Match": tag})
        assert (held.status_code, held.data, held.headers["X-Sequence"]) == (304, b"", "25")
    assert writer.get(EVENTS, headers={**feed, "If-None-Match": page.headers["ETag"]}).status_code == 200
    assert writer.get(EVENTS, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 200
    done(merge(writer, f"{EVENTS}/panjshir-clash", {"title": "Changed"}))
    assert writer.get(EVENTS, headers={**feed, "If-None-Match": whole.headers["ETag"]}).status_code == 200


# How it is asked for


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (BROWSER, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/calendar, */*;q=0.1", "text/calendar"),
        ("application/geo+json", "application/geo+json"),
        ("application/json;q=0.5, application/x-ndjson", "application/x-ndjson"),
        ("application/json, application/x-ndjson;q=0.5", "application/json"),
        ("application/atom+xml, application/xml;q=0.9", "application/atom+xml"),
        ("image/png, application/x-ndjson;q=0.1", "application/x-ndjson"),
    ],
)
def test_the_most_accepted_form_is_given(client: FlaskClient, accept: str, expected: str) -> None:
    answer = client.get(EVENTS, headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, expected)


@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/x-ndjson;q=0", "application/gpx+xml"])
def test_a_form_that_there_is_not_is_not_acceptable(client: FlaskClient, accept: str) -> None:
    told = problem(client.get(EVENTS, headers={"Accept": accept}), 406)["detail"]
    assert all(form.media_type in told for form in FORMATS.values())


def test_the_name_of_a_form_wins_over_what_is_accepted(client: FlaskClient) -> None:
    answer = client.get(f"{EVENTS}?format=json", headers={"Accept": "application/x-ndjson"})
    assert answer.mimetype == "application/json"
    assert lines(client.get(f"{EVENTS}?format=ndjson", headers={"Accept": "image/png"}))


def test_the_next_page_keeps_the_form_that_was_asked_for_by_name(client: FlaskClient) -> None:
    assert "format=json" in body(client.get(f"{EVENTS}?format=json&limit=1"))["next"]
    assert "format" not in body(client.get(f"{EVENTS}?limit=1"))["next"]
    answer = client.get(f"{EVENTS}?limit=1", headers={"Accept": "application/x-ndjson"})
    assert "format=ndjson" in answer.headers["Link"]


@pytest.mark.parametrize(
    ("asked", "pointer", "code", "suggestions"),
    [
        ("format=ndjsn", "/format", "unknown-format", ["ndjson"]),
        ("format=NDJSON", "/format", "unknown-format", []),
        ("format=xml", "/format", "unknown-format", []),
        ("format=", "/format", "blank", []),
        ("format=ndjson&total=true", "/total", "not-together", []),
        ("format=atom&total=true", "/total", "not-together", []),
        ("format=atom&cursor=x", "/cursor", "not-together", []),
        ("format=ndjson&cursor=x", "/cursor", "mangled-cursor", []),
        ("format=ndjson&limit=0", "/limit", "out-of-range", []),
        ("format=geojson&actor=talban", "/actor", "unknown-actor", ["taliban"]),
    ],
)
def test_what_cannot_be_exported_is_refused(
    client: FlaskClient, asked: str, pointer: str, code: str, suggestions: list[str]
) -> None:
    entry = refusal(client, f"{EVENTS}?{asked}")
    assert (entry["pointer"], entry["code"]) == (pointer, code)
    assert entry["suggestions"][: len(suggestions)] == suggestions


def test_all_faults_of_an_export_are_told_at_once(client: FlaskClient) -> None:
    entries = refusals(client, f"{EVENTS}?format=atom&total=true&cursor=x&actor=talban&nonsense=1")
    assert {entry["pointer"] for entry in entries} == {"/total", "/cursor", "/actor", "/nonsense"}
    assert lines(client.get(f"{EVENTS}?format=ndjson&total=false"))


@pytest.mark.parametrize("path", ["/v1/timeline", "/v1/facets"])
def test_what_counts_events_has_no_other_form(client: FlaskClient, path: str) -> None:
    assert refusal(client, f"{path}?format=ndjson")["code"] == "unknown-format"
    problem(client.get(path, headers={"Accept": "application/x-ndjson"}), 406)


def test_a_closed_store_exports_to_nobody_without_a_key(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, public_read=False))
    with closing_database(app.extensions["dateline"]["database"]):
        for form in FORMATS:
            problem(app.test_client().get(f"{EVENTS}?format={form}"), 401)
            assert keyed(app, "read", form).get(f"{EVENTS}?format={form}").status_code == 200


# Names of files


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", "dateline"),
        ("actor=The+Taliban&province=Panjshir", "dateline-taliban-AF-PAN"),
        ("actor=taliban&actor=nrf&type=battle", "dateline-taliban-nrf-battle"),
        ("from=2021-08&to=2021-08-31%25", "dateline-from-2021-08-to-2021-08-31"),
        ("disputed=true&min_killed=5", "dateline-min_killed-5-disputed-true"),
        ("tag=" + quote('"; filename="/etc/passwd'), "dateline-filename-etc-passwd"),
        ("tag=" + quote("../../..\\x\r\nSet-Cookie: a=b"), "dateline-x-Set-Cookie-a-b"),
        ("tag=" + quote("شاهد"), "dateline"),
        ("tag=" + "very+" * 100 + "long", "dateline-" + "very-" * 18 + "v"),
        ("tag=" + "%2E" * 400, "dateline"),
        ("tag=%F0%9F%92%A3,a%7Fb", "dateline-a-b"),
    ],
)
def test_the_name_of_the_file_tells_what_was_asked_and_is_safe(client: FlaskClient, asked: str, expected: str) -> None:
    told = export(client, asked).headers["Content-Disposition"]
    assert told == f'attachment; filename="{expected}.ndjson"'
    assert len(told) < 160


# Bytes


@pytest.mark.parametrize("form", STREAMED, ids=lambda form: form.name)
def test_an_export_is_compressed_when_asked_for(filled: FlaskClient, form: Any) -> None:
    plain = export(filled, "sort=date", form.name)
    zipped = export(filled, "sort=date", form.name, **{"Accept-Encoding": "gzip"})
    assert zipped.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert gzip.decompress(zipped.get_data()) == plain.get_data()
    assert len(zipped.get_data()) < len(plain.get_data()) / 2
    empty = export(filled, "tag=none&fields=date", form.name, **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(empty.get_data()) == export(filled, "tag=none&fields=date", form.name).get_data()
    refusing = export(filled, "tag=none", form.name, **{"Accept-Encoding": "gzip;q=0, br"})
    assert "Content-Encoding" not in refusing.headers


def test_each_piece_of_a_compressed_export_can_be_read_when_it_comes(filled: FlaskClient) -> None:
    answer = filled.get(f"{EVENTS}?format=ndjson", headers={"Accept-Encoding": "gzip"}, buffered=False)
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    read = [reader.decompress(piece) for piece in answer.iter_encoded()]
    answer.close()
    assert [len(piece.splitlines()) for piece in read] == [100, 100, 30, 0]
    assert reader.eof


@pytest.mark.parametrize("asked", ["format=ndjson", "format=geojson&limit=2", "format=atom", "format=ndjson&tag=none"])
def test_head_answers_as_get_without_the_events(client: FlaskClient, asked: str) -> None:
    for encoding in ("identity", "gzip"):
        got = client.get(f"{EVENTS}?{asked}", headers={"Accept-Encoding": encoding})
        told = client.head(f"{EVENTS}?{asked}", headers={"Accept-Encoding": encoding})
        assert (told.status_code, told.data) == (200, b"")
        varying = {"X-Request-ID", "Content-Length"}
        assert {k: v for k, v in told.headers if k not in varying} == {k: v for k, v in got.headers if k not in varying}
        assert told.headers.get("Content-Length") in (None, got.headers.get("Content-Length"))
    problem(client.get(f"{EVENTS}?{asked}&nonsense=1"), 422)
    assert client.head(f"{EVENTS}?{asked}&nonsense=1").status_code == 422


def test_links_of_formats_lead_to_where_the_client_called(client: FlaskClient) -> None:
    text = client.get(f"{EVENTS}?format=atom", base_url="https://timeline.example.org:8443").get_data(as_text=True)
    assert 'href="https://timeline.example.org:8443/v1/events?format=atom"' in text
