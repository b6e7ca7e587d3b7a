"""An answer that is given without the framework is, to the last header, the one that the application gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from service.server.wsgi_call import environ_of
from tests.conftest import copied
from tests.fronted import HOST, Fronted, called, fronted, scope_of

SEEDS = range(3)
REQUESTS = 200

PAGES = (
    "",
    "limit=1",
    "limit=3&total=true",
    "limit=2&fields=title,date",
    "fields=id",
    "sort=-date&limit=4",
    "sort=updated&limit=2",
    "sort=-updated&limit=2&total=true",
    "actor=taliban&limit=2",
    "actor=Taliban,NRF&limit=5&total=true",
    "actor=taliban&actor=nrf&role=side-a",
    "actor=%54aliban&limit=1",
    "province=Panjshir&limit=2",
    "province=AF-PAN,Kabul&actor=taliban",
    "country=AF&limit=1&sort=-date",
    "from=2021-08-15&to=2021-08-31&limit=3",
    "from=2021-08-26&to=2021-08-26&match=certain",
    "period=2021-08&limit=2",
    "type=battle,explosion&limit=2",
    "status=reported&type=battle",
    "tag=panjshir-conflict&limit=1",
    "tag=no-such-tag",
    "dataset=seed&limit=1",
    "publisher=Reuters&limit=1",
    "claimant=fahim-dashti",
    "q=airport&limit=2",
    "q=airport&sort=relevance&limit=2",
    "q=information",
    "bbox=69,35,70,36&limit=2",
    "min_killed=5&limit=2&total=true",
    "disputed=true&limit=2",
    "as_of=2035-01-01T00:00:00Z&limit=1",
    "as_of=2001-01-01T00:00:00Z",
    "format=json&limit=1",
    "%66ormat=json&limit=1",
    "format=csv&limit=2",
    "%66ormat=csv&limit=2",
    "fo%72mat=geojson&limit=1",
    "form%61t=atom&limit=2",
    "format=ics&limit=1",
    "format=nothing",
    "limit=1&limit=2",
    "limit=0",
    "x=1",
    "actor=talban",
    "actor=",
    "cursor=nonsense",
    "limit=%zz",
    "%6cimit=1",
    "limit=1&",
    "&limit=1",
    "limit=1#",
    "q=%FF",
    "q=a+b",
)
OTHERS = (
    "/v1/%65vents?limit=1",
    "/v1/events/",
    "//v1/events",
    "/v1/events/panjshir-clash",
    "/v1/events/panjshir-clash?version=1",
    "/v1/events/panjshir-clash/revisions",
    "/v1/events/panjshir-clash/diff",
    "/v1/events/no-such-event",
    "/v1/actors?limit=3",
    "/v1/actors/nrf",
    "/v1/actors/nrf/revisions?limit=1",
    "/v1/provinces?country=AF",
    "/v1/provinces/Panjshir",
    "/v1/provinces/Panjshir?format=geojson",
    "/v1/types",
    "/v1/types?x=1",
    "/v1/datasets",
    "/v1/changes?limit=2",
    "/v1/changes?after=5&limit=1&actor=taliban",
    "/v1/facets?actor=taliban",
    "/v1/facets?by=type",
    "/v1/timeline?bucket=day&by=actor&from=2021-08-15",
    "/v1/timeline?as_of=2035-01-01T00:00:00Z",
    "/v1/nothing",
    "/",
    "/?actor=taliban",
    "/?as_of=2001-01-01T00:00:00Z",
    "/v1/timeline?as_of=2001-01-01T00:00:00Z",
    "/v1/facets?by=type&as_of=2001-01-01T00:00:00Z",
    "/?actor=talban",
    "/?actor=",
    "/embed?actor=nrf",
    "/events/panjshir-clash",
    "/actors/nrf",
    "/provinces/AF-PAN",
    "/assets/style.css",
    "/docs",
    "/openapi.json",
    "/problems/validation",
    "/healthz",
    "/readyz",
)
TARGETS = (*(f"/v1/events?{query}" if query else "/v1/events" for query in PAGES), *OTHERS)
ACCEPTED = (
    *(None, None, None, "*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json;q=0"),
    *("application/atom+xml", "text/csv", "application/geo+json", "application/geo+json;q=0.5, application/json", ""),
    *("text/html", "text/event-stream;q=0.1, application/json", "nonsense"),
)
ENCODINGS = (None, None, "gzip", "gzip, deflate, br", "gzip;q=0", "identity", "*", "br;q=1.0, GZIP;q=0.5", "")
ORIGINS = (None, None, "https://news.example", "https://other.example", "null")
HOSTS = ("dateline.example", "dateline.example", "other.example:8000", "dateline.example:80", "")
IDS = (None, None, "trace-7", "x" * 128, "x" * 129, "a b", "<b>", "", "é", "-a")
MORE = (
    ("Access-Control-Request-Private-Network", "true"),
    ("Access-Control-Request-Method", "GET"),
    ("Authorization", "Basic bm9ib2R5"),
    ("Authorization", "Bearer dl_000000000000_" + "0" * 64),
    ("Cookie", "a=1"),
    ("If-Modified-Since", "Sat, 29 Oct 2033 19:43:31 GMT"),
    ("If-Match", '"1"'),
    ("Range", "bytes=0-1"),
    ("Content-Length", "0"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "gzip"),
    ("Origin", "https://third.example"),
    ("X-Request-ID", "second"),
    ("X_Request_ID", "under"),
    ("If-None-Match", "*"),
    ("X-HTTP-Method-Override", "HEAD"),
    ("X-Forwarded-Host", "evil.example"),
)
# What a client may say that it holds, of a tag without its quotes.
HELD = (
    *('"{}"', '"{}"', '"{}-gzip"', '"{}-gzip"', 'W/"{}"', 'W/"{}-gzip"', 'w/"{}"', '"other", "{}"', '"{}","other"'),
    *('"{}-gzip", "{}"', "*", '"*"', '"other"', '"{}-gzip-gzip"', '"x{}"', '"{}x"', "{}", '""', '"', ",", "W/", ""),
    *('\xa0"{}"', '"{}"\xa0', '"{}', '"-gzip"', '"{}-atom"', '"{}";', '"{}"\x85'),
)
# Forms of one tag that stand for the client's own copy.
GOOD = HELD[:6]
WARM = ("/v1/events?limit=3", "/v1/events?limit=1&format=json", "/v1/types", "/")


def usual_of(rng: Random) -> list[tuple[str, str]]:
    """The headers that a client sends with each of its requests."""
    chosen = [
        ("Host", rng.choice(HOSTS)),
        ("Accept", rng.choice(ACCEPTED)),
        ("Accept-Encoding", rng.choice(ENCODINGS)),
        ("Origin", rng.choice(ORIGINS)),
    ]
    return [(name, value) for name, value in chosen if value is not None]


def special_of(rng: Random, tags: list[str]) -> list[tuple[str, str]]:
    """The headers of one request; ``tags`` are those of answers before."""
    request_id = rng.choice(IDS)
    pairs = [] if request_id is None else [("X-Request-ID", request_id)]
    if tags and rng.random() < 0.5:
        pairs.append(("If-None-Match", rng.choice(HELD).replace("{}", rng.choice(tags))))
    if rng.random() < 0.1:
        pairs.append(rng.choice(MORE))
    return pairs


@pytest.fixture
def front(database_url: str) -> Iterator[Fronted]:
    """The application over a seed of the test's own, behind the front."""
    with fronted(database_url) as found:
        yield found


@pytest.fixture(scope="module")
def shared_front(
    engine: str, golden: dict[str, str], tmp_path_factory: pytest.TempPathFactory, server: str | None
) -> Iterator[Fronted]:
    """The same over a seed that nobody writes to."""
    folder = tmp_path_factory.mktemp("fronted")
    with copied("seeded", engine, golden, folder, server) as url, fronted(url) as found:
        yield found


@pytest.mark.parametrize("seed", SEEDS)
def test_any_request_is_answered_as_by_the_application_alone(shared_front: Fronted, seed: int) -> None:
    rng = Random(seed)
    quick: Counter[int] = Counter()
    clients = [[HOST], [HOST, ("Accept-Encoding", "gzip")], *(usual_of(rng) for _ in range(3))]
    targets = [rng.choice(TARGETS) for _ in range(10)]
    tags: dict[str, list[str]] = {}
    for _ in range(REQUESTS):
        target = rng.choice(targets)
        method = "HEAD" if rng.random() < 0.05 else "GET"
        pairs = [*rng.choice(clients), *special_of(rng, tags.get(target, []))]
        found = shared_front.agree(target, pairs, method, rng.random() < 0.3)
        quick[found.status] += found.quick
        if tag := found.header("etag").strip('W/"').removesuffix("-gzip"):
            tags[target] = [tag, *tags.get(target, [])[:2]]
        if (link := found.header("link")) and len(targets) < 13:
            targets.append(link[1:].partition(">")[0])
    assert quick[200] and quick[304] and sum(quick.values()) == quick[200] + quick[304], quick


@pytest.mark.parametrize("target", TARGETS)
def test_each_answer_is_the_same_the_second_time(shared_front: Fronted, target: str) -> None:
    for usual in ([HOST], [HOST, ("Accept-Encoding", "gzip"), ("Origin", "null")]):
        for over_wsgi in (False, False, True):
            found = shared_front.agree(target, usual, over_wsgi=over_wsgi)
        if not (tag := found.header("etag").strip('"').removesuffix("-gzip")):
            continue
        for over_wsgi in (False, False, True):
            assert shared_front.agree(target, [*usual, ("If-None-Match", f'"{tag}"')], "GET", over_wsgi).status == 304


@pytest.mark.parametrize("target", WARM)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_only_the_copy_that_is_still_good_is_said_to_be(shared_front: Fronted, target: str, encoding: str) -> None:
    usual = [HOST, ("Accept-Encoding", encoding)]
    for _ in range(2):
        found = shared_front.agree(target, usual)
    assert found.quick
    tag = found.header("etag").strip('"').removesuffix("-gzip")
    for held in HELD:
        pairs = [*usual, ("If-None-Match", held.replace("{}", tag))]
        shared_front.agree(target, pairs)
        found = shared_front.agree(target, pairs)
        assert found.quick or held not in GOOD
        shared_front.agree(target, pairs, over_wsgi=True)


@pytest.mark.parametrize("more", MORE, ids=lambda more: more[0])
@pytest.mark.parametrize("target", WARM)
def test_what_else_a_request_may_say_is_heard(shared_front: Fronted, target: str, more: tuple[str, str]) -> None:
    usual = [HOST, ("Accept", "*/*"), ("X-Request-ID", "trace-7")]
    for _ in range(2):
        shared_front.agree(target, usual)
    assert shared_front.agree(target, usual).quick
    for pairs in ([*usual, more], [more, *usual], [*usual[:2], (more[0], ""), more], [*usual[:2], more, more]):
        shared_front.agree(target, pairs)
        shared_front.agree(target, pairs, over_wsgi=True)


@pytest.mark.parametrize("target", ["/", "/v1/events?format=atom&limit=2"])
def test_an_answer_that_names_its_address_is_for_that_address_alone(shared_front: Fronted, target: str) -> None:
    for over_wsgi in (False, True):
        for scheme in ("http", "https", "http", "https"):
            shared_front.agree(target, [HOST], "GET", over_wsgi, scheme=scheme)
        # Who names no host is told the address that was reached.
        for pairs in ([], [("Host", "")]):
            for server in ("127.0.0.1", "192.0.2.1", "127.0.0.1"):
                shared_front.agree(target, pairs, "GET", over_wsgi, server=(server, 8000))


def test_a_path_that_holds_a_question_mark_is_no_query(shared_front: Fronted) -> None:
    for raw in (True, False):
        for target, status in (("/v1/events?limit=3", 200), ("/v1/events%3Flimit=3", 404), ("/v1/events?limit=3", 200)):
            for _ in range(2):
                environ = environ_of(scope_of(target))
                if not raw:
                    # Not every server tells how the address was written.
                    del environ["RAW_URI"], environ["REQUEST_URI"]
                assert called(shared_front.app, environ).status == status


def test_each_form_of_an_answer_is_for_those_who_ask_for_it(database_url: str) -> None:
    with fronted(database_url, cors_origins=("https://news.example", "https://other.example")) as front:
        for target in ("/v1/events?limit=3", "/v1/provinces?country=AF", "/"):
            for name, values in (
                ("Accept", ("application/json", "application/geo+json", "application/atom+xml", "*/*", "text/csv")),
                ("Accept-Encoding", ("gzip", "identity", "gzip;q=0")),
                ("Origin", ("https://news.example", "https://other.example", "https://evil.example")),
                ("Host", ("one.example", "two.example")),
            ):
                base = [] if name == "Host" else [HOST]
                for value in values * 2:
                    front.agree(target, [*base, (name, value)])
                    front.agree(target, [*base, (name, value)], over_wsgi=True)
                front.agree(target)
