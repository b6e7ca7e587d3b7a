"""The pages among the examples, opened from a folder in a real browser, draw what a service on the seed holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import chromium, visit
from tests.frontends import modules, put
from tests.sites import Site, seeded_site

HOSTILE = "<img src=/x onerror=\"document.title = 'attacked'\"> & <b>bold</b>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The seed, which no test writes to."""
    with seeded_site(tmp_path_factory.mktemp("frontends")) as found:
        yield found


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """The seed, to write to."""
    with seeded_site(tmp_path) as found:
        yield found


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.getbasetemp() / "modules")


@contextmanager
def opened(browser: Browser, folder: Path, name: str, site: Site) -> Iterator[Page]:
    """A page of a folder, as it is opened from disk: it asks nobody but the service, and nothing goes wrong."""
    with visit(browser, folder.as_uri(), f"/{name}", site.home) as found:
        yield found.page
        assert (found.troubles, found.elsewhere) == ([], [])


@pytest.fixture
def folder(tmp_path: Path, site: Site, node_modules: Path) -> Path:
    return put(tmp_path, site.home, node_modules)


def test_fetch_shows_every_page_of_the_query(browser: Browser, site: Site, folder: Path) -> None:
    page_of_two = folder / "fetch.html"
    text = page_of_two.read_text()
    page_of_two.write_text(text.replace("Panjshir,Baghlan", "Panjshir,Baghlan&limit=2"))
    with opened(browser, folder, "fetch.html", site) as page:
        expect(page.locator("#state")).to_have_text("5 events")
        assert page.locator("#events li").count() == 5
        expect(page.locator("#events li").first).to_have_text(
            "2021-08: Military helicopters from Dushanbe are seen in the Panjshir valley"
        )


def test_fetch_keeps_up_with_what_is_written(browser: Browser, own_site: Site, tmp_path: Path) -> None:
    folder = put(tmp_path, own_site.home)
    with opened(browser, folder, "fetch.html", own_site) as page:
        expect(page.locator("#state")).to_have_text("5 events")
        bridge = {"title": "A bridge gives way", "date": "2021-08-29", "location": {"province": "AF-PAN"}}
        own_site.write({**bridge, "location": {"province": "AF-KAB"}})
        own_site.write(bridge)
        expect(page.locator("#state")).to_have_text("6 events")
        # In its place, and not at the end.
        assert page.locator("#events li").nth(4).inner_text() == "2021-08-29: A bridge gives way"


def test_fetch_tells_what_is_wrong_with_a_query(browser: Browser, site: Site, folder: Path) -> None:
    page_of_folder = folder / "fetch.html"
    page_of_folder.write_text(page_of_folder.read_text().replace("Panjshir,Baghlan", "Panjshirr"))
    with visit(browser, folder.as_uri(), "/fetch.html", site.home) as found:
        expect(found.page.locator("#state")).to_contain_text("'Panjshirr'")
        # The browser notes the status by itself; nothing else is amiss.
        assert len(found.troubles) == 1 and "422" in found.troubles[0]


def test_timelinejs_draws_every_event(browser: Browser, site: Site, folder: Path) -> None:
    with opened(browser, folder, "timelinejs.html", site) as page:
        page.wait_for_function("timeline.ready", polling=50, timeout=30_000)
        # One more slide than events: the first says what was asked.
        assert page.locator(".tl-slide").count() == 10
        assert page.locator(".tl-timemarker").count() == 9


def test_leaflet_draws_provinces_and_events_and_lists_those_without_coordinates(
    browser: Browser, site: Site, folder: Path
) -> None:
    with opened(browser, folder, "leaflet.html", site) as page:
        expect(page.locator("#elsewhere li")).to_have_count(3)
        points = page.locator(".leaflet-overlay-pane path.leaflet-interactive")
        assert points.count() == 4
        # Afghanistan's 34 provinces.
        assert page.locator(".leaflet-overlay-pane path:not(.leaflet-interactive)").count() == 34
        boxes = [points.nth(number).bounding_box() for number in range(4)]
        places = {(round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)) for box in boxes if box}
        # Two of the events happened at Kabul's airport.
        assert len(places) == 3
        points.last.click()
        expect(page.locator(".leaflet-popup li")).to_have_text(
            [
                "2021-08-26: Suicide bombing at a gate of Kabul airport during the evacuation",
                "2021-08-31: Last American aircraft leaves Kabul and the withdrawal of US troops is complete",
            ]
        )


def test_vis_timeline_draws_every_event_in_the_lane_of_its_type(browser: Browser, site: Site, folder: Path) -> None:
    with opened(browser, folder, "vis-timeline.html", site) as page:
        expect(page.locator(".vis-item.vis-range")).to_have_count(9)
        assert sorted(page.locator(".vis-labelset .vis-label").all_inner_texts()) == [
            "battle", "explosion", "statement", "strategic-development", "violence-against-civilians"
        ]  # fmt: skip
        days = page.evaluate(
            """() => Object.fromEntries(
                timeline.itemsData.get().map(({id, start, end}) => [id, (end - start) / 864e5])
            )"""
        )
        assert (days["dushanbe-helicopters"], days["panjshir-clash"], days["nrf-rejects-proposals"]) == (31, 2, 1)


def test_stored_texts_stay_texts_in_every_page(
    browser: Browser, own_site: Site, node_modules: Path, tmp_path: Path
) -> None:
    point = {"province": "AF-PAN", "latitude": 35.3, "longitude": 69.5}
    # After all others, so that it lies uppermost, and at the end.
    own_site.write({"id": "hostile", "title": HOSTILE, "date": "2021-09-01", "location": point})
    folder = put(tmp_path, own_site.home, node_modules)
    for name in ("fetch.html", "timelinejs.html", "leaflet.html", "vis-timeline.html"):
        with opened(browser, folder, name, own_site) as page:
            if name == "leaflet.html":
                page.locator(".leaflet-overlay-pane path.leaflet-interactive").last.click()
            expect(page.get_by_text(HOSTILE).first).to_be_attached()
            assert page.locator("img[src='/x']").count() == 0
            assert page.title() != "attacked"
