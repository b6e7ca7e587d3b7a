"""The pictures of the timeline page: what they count, where each of their links leads, what they cost, and odd data."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import Database

from service import gazetteer, timeline
from service.actor_store import write_actors
from service.app import create_app
from service.database import closing_database
from service.pages.axis import SLOTS_MAX, Axis, make_axis
from service.pages.histogram import BARS_MAX
from service.pages.lanes import DOTS_MAX, LANES_MAX
from service.pages.timeline_view import read_view, timeline_view
from service.settings import Settings
from tests.conftest import copied
from tests.page_reading import page
from tests.statements import ask_anew, sent_to
from tests.writing import body, put

HOSTILE = "<script>alert('1')</script>\"'><b onload=x>{{ 7*7 }}</b>"
RIGHT_TO_LEFT = "جبهه مقاومت ملی"
MAP_BYTES, PAGE_BYTES = 20_000, 100_000

PICTURED = re.compile(r'<a href="([^"]*)"[^>]*tabindex="-1"><title>([^<]*): ([\d,]+) events?</title>')
TABLED = re.compile(r'<th scope="row"><a href="([^"]*)"[^>]*>([^<]*)</a>(?: \(chosen\))?<td>([\d,]+)')
CELL = re.compile(r'<td><a href="([^"]*)">([\d,]+)</a>')
LISTED = re.compile(r'<a [^>]*?href="([^"]*)"[^>]*>([^<]*)</a> <span class="count">([\d,]+)</span>')
# The address, the words and the promised count of a link.
Promise = tuple[str, str, int]


def overview(client: FlaskClient, query: str = "") -> str:
    """The pictures of a view, in a page that is held to what all pages promise; empty where it has none."""
    html = page(client.get("/?" + query)).html
    return (
        html[html.index('<section class="overview"') : html.index('<div class="columns">')]
        if "overview" in html
        else ""
    )


def part(html: str, of: str) -> str:
    """One of the pictures."""
    found = re.search(rf'<section class="chart {of}".*?</section>', html, re.DOTALL)
    return found[0] if found else ""


def promises(html: str, *patterns: re.Pattern[str]) -> list[Promise]:
    return [
        (unescape(address), unescape(words), number(count))
        for pattern in patterns or (PICTURED, TABLED, LISTED)
        for address, words, count in pattern.findall(html)
    ]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def total(client: FlaskClient, address: str) -> int:
    """How many events a view says that it finds."""
    html = client.get(address).get_data(as_text=True)
    found = re.search(r'class="total"[^>]*><strong>([\d,]+)</strong>', html)
    assert found, (address, html[:500])
    return number(found[1])


def count(database: Database, address: str) -> int:
    """How many events a view finds, without drawing it."""
    query = read_view(database, address.partition("?")[2].encode()).query
    return timeline.count(database, timeline.plan_page(database, query), query)


# The seed


VIEWS = [
    "",
    "lanes=actor",
    "lanes=province",
    "lanes=actor&actor=taliban",
    "period=2021-08-26/2021-08-31&lanes=actor",
    "period=2021-08-31T00:00/2021-08-31T12:00",
    "from=2021-08-30&to=2021-08-31&lanes=province",
    "type=battle&lanes=actor",
    "country=AF&type=battle/armed-clash,statement",
    "actor=taliban&role=side-a&lanes=actor",
    "q=panjshir&sort=relevance&lanes=actor",
]


@pytest.mark.parametrize("view", VIEWS[:6], ids=lambda view: view or "everything")
def test_every_link_of_a_picture_leads_to_as_many_events_as_it_says(client: FlaskClient, view: str) -> None:
    html = overview(client, view)
    found = promises(html)
    assert found
    assert {address: total(client, address) for address, _, _ in found} == {
        address: promised for address, _, promised in found
    }


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view or "everything")
def test_the_bars_are_the_periods_of_the_timeline(client: FlaskClient, view: str) -> None:
    own = re.sub(r"&?lanes=\w+|&?sort=\w+", "", view).lstrip("&")
    periods = client.get(f"/v1/timeline?by=type&{own}").get_json()["periods"]
    bars = promises(part(overview(client, view), "histogram"), PICTURED)
    assert [promised for _, _, promised in bars] == [period["count"] for period in periods]
    assert sum(promised for _, _, promised in bars) == total(client, "/?" + view)


def test_tables_say_what_the_pictures_say(client: FlaskClient) -> None:
    html = overview(client, "lanes=province")
    for name in ("histogram", "places"):
        chart = part(html, name)
        assert sorted(promises(chart, PICTURED)) == sorted(promises(chart, TABLED)), name
    lanes = part(html, "swimlanes")
    cells = [(unescape(at), number(told)) for at, told in CELL.findall(lanes)]
    assert sorted(cells) == sorted((address, promised) for address, _, promised in promises(lanes, PICTURED))


def test_a_bar_tells_its_time_in_words_and_in_edtf(client: FlaskClient) -> None:
    chart = part(overview(client), "histogram")
    assert "<title>26 August 2021: 1 event</title>" in chart
    assert 'href="/?period=2021-08-26" data-first="2021-08-26" data-last="2021-08-26"' in chart
    assert "9 events, August 2021, by day" in chart
    assert len(re.findall("data-first", chart)) == 6, "a day without events has no bar"
    assert 'id="histogram"' in chart and '<path class="t-battle"' in chart


def test_a_province_is_chosen_and_let_go_by_a_click(client: FlaskClient) -> None:
    [panjshir] = [at for at, words, _ in promises(part(overview(client), "places"), PICTURED) if words == "Panjshir"]
    assert panjshir == "/?province=AF-PAN"
    chart = part(overview(client, "province=AF-PAN"), "places")
    links = {words: at for at, words, _ in promises(chart, PICTURED)}
    assert links["Panjshir"] == "/" and 'class="shade-' in chart and " chosen" in chart
    assert links["Kabul"] == "/?province=AF-PAN,AF-KAB", "the others can be added, by their own counts"
    both = {words: promised for _, words, promised in promises(chart, PICTURED)}
    assert total(client, links["Kabul"]) == both["Panjshir"] + both["Kabul"]


def test_what_has_no_place_is_counted_beside_the_map(client: FlaskClient) -> None:
    events = client.get("/v1/events").get_json()["events"]
    nowhere = sum(event["location"] is None or event["location"]["country"] is None for event in events)
    chart = part(overview(client), "places")
    assert nowhere and f'No country <span class="count">{nowhere}</span>' in chart
    on_map = sum(promised for _, _, promised in promises(chart, TABLED))
    unplaced = re.search(r"no province <span class=\"count\">(\d+)<", chart)
    assert on_map + nowhere + (int(unplaced[1]) if unplaced else 0) == len(events)


def test_lanes_are_asked_for_only_where_they_are_shown(
    client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get("/readyz")
    ask_anew(client)
    sent: list[str] = []
    app: Flask = client.application
    sent = sent_to(app.extensions["dateline"]["database"], monkeypatch)
    overview(client)
    without = len(sent)
    sent.clear()
    overview(client, "lanes=actor")
    assert without < len(sent) <= without + 8


# A store of many kinds of events


COUNTRIES = ("AF", "PK", "RU", "GB", "AZ", "UG", "FJ")
TYPES = ("battle", "battle/armed-clash", "explosion/grenade", "protest", "riot", "statement", "other")


def many(count: int, seed: int = 7) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    codes = {country: [unit.code for unit in gazetteer.provinces(country)] for country in COUNTRIES}
    events = []
    for at in range(count):
        day = (date(2019, 1, 1) + timedelta(days=int(900 * draw.random() ** 2))).isoformat()
        when = draw.choice([day] * 6 + [day[:7], day[:4], f"{day}T10:30", f"../{day}", f"{day}/2022-03", f"{day}~"])
        place: dict[str, Any] | None = {"province": draw.choice(codes[draw.choice(COUNTRIES[: draw.randint(1, 7)])])}
        if at % 9 == 0:
            place = None if at % 2 else {"country": draw.choice(COUNTRIES)}
        actors = [{"id": f"unit-{int(30 * draw.random() ** 2)}", "role": draw.choice(("side-a", "side-b"))}]
        if at % 3 == 0:
            actors.append({"id": "other" if at % 2 else "captain", "role": "side-a"})
        events.append(body(id=f"e-{at}", date=when, type=draw.choice(TYPES), location=place, actors=actors))
    return events


def people(database: Database) -> None:
    units: list[dict[str, Any]] = [{"id": f"unit-{number}", "name": f"Unit {number}"} for number in range(30)]
    odd: list[dict[str, Any]] = [
        {"id": "other", "name": HOSTILE},
        {"id": "captain", "name": RIGHT_TO_LEFT, "member_of": ["unit-29"]},
    ]
    write_actors(database, [*units, *odd], by="test")


@pytest.fixture(scope="module")
def crowd(
    engine: str, golden: dict[str, str], tmp_path_factory: pytest.TempPathFactory, server: str | None
) -> Iterator[Flask]:
    """The application over many events of all kinds, which no test writes to."""
    with copied("empty", engine, golden, tmp_path_factory.mktemp("crowd"), server) as url:
        app = create_app(Settings(database_url=url))
        with closing_database(app.extensions["dateline"]["database"]) as database:
            people(database)
            assert put(database, *many(700)).rejected == []
            yield app


@pytest.fixture
def crowded(crowd: Flask) -> FlaskClient:
    return crowd.test_client()


@pytest.fixture
def crowded_store(crowd: Flask) -> Database:
    found: Database = crowd.extensions["dateline"]["database"]
    return found


@pytest.mark.parametrize(
    "view",
    [
        "lanes=actor",
        "lanes=province",
        "lanes=province&country=GB",
        "lanes=province&province=GB-LND,AZ-BAB,GB-ENG",
        "lanes=province&province=GB-ENG,PK-PB&country=GB",
        "lanes=actor&actor=captain&role=side-a",
        "lanes=actor&actor=unit-1,unit-2",
        "period=2019-03-05T10:30/2020&lanes=actor",
        "from=2019-06&match=certain&type=battle",
        "country=AZ,RU",
        "country=UG",
    ],
)
def test_every_link_keeps_its_promise_in_a_store_of_all_kinds(
    crowded: FlaskClient, crowded_store: Database, view: str
) -> None:
    html = overview(crowded, view)
    asked = read_view(crowded_store, view.encode())
    chosen = "province" in asked.query.filters
    found = promises(part(html, "histogram")) + promises(part(html, "swimlanes"))
    # With provinces chosen, the map adds to them or takes from them; the counts are those of each alone.
    found += [] if chosen else promises(part(html, "places"))
    assert len(found) > 20
    kept = {at: count(crowded_store, at) for at, _, _ in found}
    assert [promise for promise in found if kept[promise[0]] != promise[2]] == []
    bars = promises(part(html, "histogram"), PICTURED)
    assert sum(promised for _, _, promised in bars) == count(crowded_store, "/?" + view)
    assert len(bars) <= BARS_MAX


def test_the_map_and_what_stands_beside_it_are_all_events(crowded: FlaskClient) -> None:
    chart = part(overview(crowded), "places")
    beside = {
        unescape(words): number(told)
        for words, told in re.findall(r'<li>(?:<a [^>]*>)?([^<]*?)(?:</a>)? <span class="count">([\d,]+)', chart)
        if "span" not in words
    }
    top = {unit.name for unit in gazetteer.provinces("AF")}
    here = sum(promised for _, words, promised in promises(chart, TABLED) if words in top)
    assert "Where in Afghanistan" in chart and {"No country", "Afghanistan, no province", "Russia"} <= beside.keys()
    assert here + sum(beside.values()) == 700


def test_counts_of_provinces_are_those_of_facets_whatever_was_chosen(crowded: FlaskClient) -> None:
    for query in ("type=battle", "actor=unit-1", ""):
        told = crowded.get(f"/v1/facets?by=province&size=500&{query}").get_json()["facets"]["province"]
        expected = {each["name"]: each["count"] for each in told if each["value"].startswith("AF-")}
        for chosen in ("", "&province=AF-KAB", "&province=AF-KAB,AF-BAL&country=AF"):
            chart = part(overview(crowded, f"{query}{chosen}"), "places")
            assert {words: promised for _, words, promised in promises(chart, TABLED)} == expected, query + chosen


def test_lanes_are_the_ten_with_most_events_and_the_rest(crowded: FlaskClient) -> None:
    told = crowded.get("/v1/facets?by=actor&size=10").get_json()["facets"]["actor"]
    lanes = part(overview(crowded, "lanes=actor"), "swimlanes")
    named = [(words, promised) for _, words, promised in promises(lanes, LISTED)]
    # An actor may have the id that all others stand under, and has no lane of its own then.
    expected = [(each["name"], each["count"]) for each in told if each["value"] != "other"]
    assert named == expected and len(named) == LANES_MAX - 1
    assert 'Other actors</span> <span class="count">' in lanes
    assert 50 < len(promises(lanes, PICTURED)) <= DOTS_MAX


def test_a_page_of_pictures_costs_as_many_statements_for_one_event_as_for_a_thousand(
    store: Database, asking: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(store)
    ask_anew(asking)
    asking.get("/readyz")
    sent = sent_to(store, monkeypatch)
    # A name of each kind that the queries ask for.
    first = body(id="e-0", date="2019-05-05", location={"province": "AF-KAB"}, actors=[{"id": "unit-0"}])
    costs = []
    for events in ([first], many(1000, seed=8)):
        assert put(store, *events).rejected == []
        cost = []
        for view in ("", "lanes=actor", "lanes=province&province=AF-KAB", "type=battle,other&lanes=actor"):
            sent.clear()
            assert asking.get("/?" + view).status_code == 200
            cost.append(sum(not sql.startswith(("BEGIN", "COMMIT", "SET ")) for sql in sent))
        costs.append(cost)
    assert costs[0] == costs[1], costs
    assert max(costs[0]) <= 40


# Sizes


def test_pages_stay_small(crowded: FlaskClient) -> None:
    html = overview(crowded)
    assert len(part(html, "places").encode()) <= MAP_BYTES
    assert len(crowded.get("/").data) <= PAGE_BYTES
    assert len(part(overview(crowded, "lanes=actor"), "swimlanes").encode()) <= 60_000


# Time


def days(client: FlaskClient, store: Database, *dates: str) -> str:
    put(store, *(body(id=f"e-{at}", date=when) for at, when in enumerate(dates)))
    return part(overview(client), "histogram")


def test_an_empty_store_has_no_pictures(asking: FlaskClient) -> None:
    assert overview(asking) == ""


def test_one_event_is_one_bar_and_no_map_where_it_has_no_place(asking: FlaskClient, store: Database) -> None:
    chart = days(asking, store, "2021-08-26")
    assert [(words, promised) for _, words, promised in promises(chart, PICTURED)] == [("26 August 2021", 1)]
    assert "1 event, 26 August 2021, by day" in chart
    places = part(overview(asking), "places")
    assert "<svg" not in places and 'No country <span class="count">1</span>' in places


def test_four_hundred_days_are_put_together_and_nothing_is_lost(asking: FlaskClient, store: Database) -> None:
    dates = [(date(2020, 1, 1) + timedelta(days=day)).isoformat() for day in range(400)]
    chart = days(asking, store, *dates)
    bars = promises(chart, PICTURED)
    assert len(bars) == 58 and "by week" in chart
    assert sum(promised for _, _, promised in bars) == 400
    assert [count(store, at) for at, _, _ in bars] == [promised for _, _, promised in bars]


def test_a_thousand_years_are_put_together(asking: FlaskClient, store: Database) -> None:
    chart = days(asking, store, *(str(year) for year in range(1000, 2026, 3)))
    bars = promises(chart, PICTURED)
    assert len(bars) <= BARS_MAX and "in steps of 20 years" in chart
    assert bars[0][1:] == ("1000 to 1019", 7)
    assert [count(store, at) for at, _, _ in bars] == [promised for _, _, promised in bars]


@pytest.mark.parametrize(
    ("bucket", "first", "last", "labels"),
    [
        ("day", "2021-08-26", "2021-08-26", ["26 Aug"]),
        ("day", "2021-08-26", "2021-08-31", ["26 Aug", "27 Aug", "28 Aug", "29 Aug", "30 Aug", "31 Aug"]),
        ("day", "2021-12-25", "2022-01-12", ["25 Dec", "1 Jan", "8 Jan"]),
        ("day", "2021-01-01", "2021-12-31", ["Jan 2021", "Apr 2021", "Jul 2021", "Oct 2021"]),
        ("week", "2019-01-07", "2021-12-27", ["2020", "2021", "2022"]),
        ("month", "1990-01-01", "2021-12-01", ["1990", "2000", "2010", "2020"]),
        ("year", "0003-01-01", "0501-01-01", ["AD 100", "AD 200", "AD 300", "AD 400", "AD 500"]),
    ],
)
def test_ticks_are_few_and_round(bucket: str, first: str, last: str, labels: list[str]) -> None:
    axis = make_axis(bucket, [{"start": first}, {"start": last}], 400)
    ticks = list(axis.ticks())
    assert [tick["label"] for tick in ticks] == labels
    places = [float(tick["x"].removesuffix("%")) for tick in ticks]
    assert places == sorted(places) and all(0 <= place <= 100 for place in places)


@pytest.mark.parametrize("bucket", ["day", "week", "month", "quarter", "year"])
def test_slots_follow_each_other_without_a_gap(bucket: str) -> None:
    last = {"day": "2021-01-05", "week": "2027-08-02", "month": "2053-01-01", "quarter": "2110-01-01"}.get(
        bucket, "9999"
    )
    for marks in (1000, 1):
        axis = make_axis(bucket, [{"start": "2020-01-06"}, {"start": f"{last}-01-01"[:10]}], marks)
        assert axis.slots <= SLOTS_MAX
        stretches = [axis.days(slot) for slot in range(axis.slots)]
        assert {after[0] - before[1] for before, after in pairwise(stretches)} <= {timedelta(days=1)}
        assert [axis.slot(first) for first, _ in stretches if first > date.min] == list(range(axis.slots))


def test_the_ends_of_the_calendar_have_slots() -> None:
    axis = Axis("year", 1000, 0, 10)
    assert axis.ends == (date.min, date.max)
    assert [tick["label"] for tick in axis.ticks()][-1] == "9000"


def test_parts_of_a_bar_stand_upon_each_other(asking: FlaskClient, store: Database) -> None:
    put(store, *(body(id=f"e-{at}", type=kind) for at, kind in enumerate(["battle", "battle", "riot", "other"])))
    chart = part(overview(asking), "histogram")
    layers = dict(re.findall(r'<path class="t-([a-z-]+)" d="M[\d.]+ ([^"]*)"', chart))
    tops = {kind: float(shape.split("h")[0]) for kind, shape in layers.items()}
    assert tops == {"battle": 50, "riot": 25, "other": 0}
    assert [(words, told) for _, words, told in promises(chart, LISTED)] == [("Battle", 2), ("Riot", 1), ("Other", 1)]


def test_a_country_without_outlines_has_a_list(asking: FlaskClient, store: Database) -> None:
    put(store, body(location={"province": "UG-101"}), body(location={"country": "UG"}))
    chart = part(overview(asking), "places")
    found = {words: promised for _, words, promised in promises(chart, TABLED)}
    assert "<svg" not in chart and "Where in Uganda" in chart
    assert found == {"Central": 1, "Kalangala": 1} and "Uganda, no province" in chart


# Names


def test_names_are_text_in_either_direction_whatever_they_hold(asking: FlaskClient, store: Database) -> None:
    names = {"one": HOSTILE, "two": RIGHT_TO_LEFT}
    write_actors(store, [{"id": actor, "name": name} for actor, name in names.items()], by="test")
    put(store, *(body(id=f"e-{actor}", actors=[{"id": actor}]) for actor in names))
    html = overview(asking, "lanes=actor")
    assert "<script" not in html and "<b " not in html
    lanes = part(html, "swimlanes")
    assert [words for _, words, _ in promises(lanes, LISTED)] == [HOSTILE, RIGHT_TO_LEFT]
    assert lanes.count('dir="auto"') == 4


# A page of one thing


@pytest.mark.parametrize("code", ["GB-ENG", "AF-KAB"])
def test_pictures_on_the_page_of_a_province_lead_to_what_they_promise(store: Database, code: str) -> None:
    people(store)
    assert put(store, *many(300)).rejected == []
    asked = read_view(store, f"province={code}&lanes=province".encode(), f"/provinces/{code}")
    view = timeline_view(store, replace(asked, address=asked.address.but("province", code)))
    assert view["map"]["cleared"] is None
    pictured = [(lane["at"], lane["count"]) for lane in view["lanes"]["lanes"]]
    pictured += [(dot["at"], dot["count"]) for lane in view["lanes"]["lanes"] for dot in lane["dots"]]
    pictured += [(each["at"], each["count"]) for each in view["map"]["places"]]
    pictured += [(bar["at"], bar["count"]) for bar in view["histogram"]["bars"]]
    for address, promised in pictured:
        path, _, query = address.partition("?")
        fixed = f"province={code}&" if path != "/" else ""
        assert count(store, f"{path}?{fixed}{query}") == promised, address
