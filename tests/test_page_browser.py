"""The web page in a real browser: filtered, shared, chosen on, read without a mouse, and without JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import Visit, chromium, npm_package, served, visit
from tests.sites import Site, seeded_site

# The release of axe-core whose rules the pages keep to. A newer one is tried by changing this line.
AXE = "4.14.1"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

PAGES = {
    "timeline": "/",
    "filtered": "/?actor=taliban&province=Panjshir&as_of={now}&status=disputed",
    "lanes": "/?lanes=actor",
    "nothing": "/?actor=is-k&province=Panjshir",
    "event": "/events/panjshir-clash",
    "event of the past": "/events/kabul-airport-bombing?as_of={now}",
    "actor": "/actors/taliban",
    "province": "/provinces/AF-PAN",
    "embed": "/embed?actor=taliban",
    "refused": "/?actor=talban",
    "unknown": "/events/no-such-event",
}
# In which scheme of colours, and how wide.
SHOWN: tuple[tuple[Literal["light", "dark"], int], ...] = (
    ("light", 1200),
    ("dark", 1200),
    ("dark", 360),
    ("light", 360),
)
STATUSES = {"refused": 422, "unknown": 404}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The seed, which no test writes to."""
    with seeded_site(tmp_path_factory.mktemp("page")) as found:
        yield found


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """The seed, to write to."""
    with seeded_site(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program that looks for what keeps people out."""
    return (npm_package("axe-core", AXE, tmp_path_factory.mktemp("axe")) / "axe.min.js").read_text()


@contextmanager
def seen(browser: Browser, site: Site, address: str) -> Iterator[Page]:
    """A page at which nothing goes wrong, that asks for nothing elsewhere, and breaks no rule of its own policy."""
    with visit(browser, site.home, address) as found:
        yield found.page
        assert_quiet(found)


def assert_quiet(found: Visit) -> None:
    # What a page still waits for when it is left is broken off, as the stream of changes is.
    left = re.compile(r"failed: .*\(net::ERR_ABORTED\)")
    troubles = [trouble for trouble in found.troubles if not left.fullmatch(trouble)]
    assert (troubles, found.elsewhere) == ([], [])


def titles(page: Page) -> list[str]:
    return page.locator(".days .event h3").all_inner_texts()


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def faults(page: Page) -> dict[str, list[tuple[str, str]]]:
    """The rules that a page breaks which holds axe, each with the first places."""
    judged = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return {
        rule["id"]: [(node["html"][:200], node["failureSummary"][:300]) for node in rule["nodes"][:3]]
        for rule in judged["violations"]
    }


def show(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name="Show", exact=True).click()


PANJSHIR = "Taliban attack at the entrance of the Panjshir valley is repelled"


def test_the_form_filters_the_link_can_be_shared_and_back_leads_back(browser: Browser, site: Site) -> None:
    with seen(browser, site, "/") as page:
        everything = titles(page)
        assert len(everything) == 9
        page.get_by_label("Words", exact=True).fill("valley")
        page.get_by_label("Actor", exact=True).fill("Taliban")
        page.get_by_label("Province", exact=True).fill("Panjsher")
        page.get_by_label("From", exact=True).fill("2021-08")
        page.get_by_label("Type", exact=True).select_option("battle")
        show(page)
        # Only what was filled in is in the address.
        assert asked(page) == {
            "q": ["valley"], "actor": ["Taliban"], "province": ["Panjsher"], "from": ["2021-08"], "type": ["battle"]
        }  # fmt: skip
        assert titles(page) == [PANJSHIR]
        link = page.locator("#link").inner_text()
        page.go_back()
        assert titles(page) == everything
    with seen(browser, site, link.removeprefix(site.home)) as page:
        assert titles(page) == [PANJSHIR]
        # A second actor goes beside the first: both must take part.
        page.get_by_label("Actor, as well").fill("National Resistance Front")
        show(page)
        assert asked(page)["actor"] == ["taliban", "National Resistance Front"]
        assert titles(page) == [PANJSHIR]


def test_chips_take_filters_off(browser: Browser, site: Site) -> None:
    with seen(browser, site, "/?actor=taliban&province=Panjshir") as page:
        chips = page.get_by_role("list", name="Filters that are set")
        assert chips.get_by_role("listitem").count() == 3
        chips.get_by_role("link", name="province Panjshir").click()
        expect(chips.get_by_role("listitem")).to_have_count(1)
        assert asked(page) == {"actor": ["taliban"]}
        assert len(titles(page)) == 7
        chips.get_by_role("link", name="actor Taliban").click()
        expect(chips).to_have_count(0)
        assert len(titles(page)) == 9


def test_actors_are_suggested_and_taken_by_the_keyboard(browser: Browser, site: Site) -> None:
    with seen(browser, site, "/") as page:
        field = page.get_by_role("combobox", name="Actor")
        field.press_sequentially("resis")
        options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
        expect(options).to_have_count(1)
        assert options.first.inner_text().startswith("National Resistance Front")
        expect(field).to_have_attribute("aria-expanded", "true")
        field.press("ArrowDown")
        expect(options.first).to_have_attribute("aria-selected", "true")
        assert field.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
        field.press("Enter")
        expect(field).to_have_value("National Resistance Front")
        expect(field).to_have_attribute("aria-expanded", "false")
        with page.expect_navigation():
            field.press("Enter")
        assert asked(page) == {"actor": ["National Resistance Front"]}
        assert len(titles(page)) == 2


def test_suggestions_close_and_move_both_ways(browser: Browser, site: Site) -> None:
    with seen(browser, site, "/") as page:
        field = page.get_by_role("combobox", name="Actor")
        field.press_sequentially("ta")
        options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
        expect(options.first).to_be_visible()
        last = options.count() - 1
        assert last > 1
        field.press("ArrowUp")
        expect(options.nth(last)).to_have_attribute("aria-selected", "true")
        field.press("ArrowDown")
        expect(options.first).to_have_attribute("aria-selected", "true")
        field.press("Escape")
        expect(options.first).to_be_hidden()
        expect(field).to_have_value("ta")


def test_provinces_are_suggested_by_any_of_their_names_also_at_the_end_of_a_list(browser: Browser, site: Site) -> None:
    with seen(browser, site, "/") as page:
        field = page.get_by_role("combobox", name="Province")
        field.press_sequentially("Kabul,Panjsher")
        option = page.get_by_role("listbox").get_by_role("option", name="Panjshir")
        option.click()
        expect(field).to_have_value("Kabul,Panjshir")
        show(page)
        assert asked(page) == {"province": ["Kabul,Panjshir"]}
        assert len(titles(page)) == 4
        assert page.get_by_role("combobox", name="Province").input_value() == "Kabul,Panjshir"


def test_a_stretch_is_chosen_by_dragging_over_the_bars(browser: Browser, site: Site) -> None:
    with seen(browser, site, "/?actor=taliban") as page:
        bars = page.locator("svg#histogram [data-first]")
        days = [bars.nth(number).get_attribute("data-first") for number in range(bars.count())]
        first, last = days.index("2021-08-27"), days.index("2021-08-30")
        boxes = [bars.nth(number).bounding_box() for number in (first, last)]
        assert boxes[0] and boxes[1]
        page.mouse.move(boxes[0]["x"] + 2, boxes[0]["y"] + 20)
        page.mouse.down()
        page.mouse.move(boxes[1]["x"] + boxes[1]["width"] - 2, boxes[1]["y"] + 20, steps=5)
        expect(page.locator("svg#histogram .chosen")).to_have_count(2)
        with page.expect_navigation():
            page.mouse.up()
        assert asked(page) == {"actor": ["taliban"], "period": ["2021-08-27/2021-08-30"]}
        assert titles(page) == ["Folk singer Fawad Andarabi is reported killed by the Taliban", PANJSHIR]


def test_dragging_is_given_up_with_escape_and_a_click_chooses_one_bar(browser: Browser, site: Site) -> None:
    with seen(browser, site, "/") as page:
        bar = page.locator("svg#histogram [data-first='2021-08-26']")
        box = bar.bounding_box()
        assert box
        page.mouse.move(box["x"] + 4, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + 200, box["y"] + 20, steps=5)
        page.keyboard.press("Escape")
        expect(page.locator("svg#histogram .chosen")).to_have_count(0)
        page.mouse.up()
        assert asked(page) == {}
        page.mouse.move(box["x"] + 4, box["y"] + 20)
        with page.expect_navigation():
            page.mouse.down()
            page.mouse.up()
        assert asked(page) == {"period": ["2021-08-26"]}
        assert titles(page) == ["Suicide bombing at a gate of Kabul airport during the evacuation"]


def test_a_province_is_chosen_on_the_map(browser: Browser, site: Site) -> None:
    with seen(browser, site, "/") as page:
        with page.expect_navigation():
            page.locator(".places a[href*='AF-BGL']").first.click()
        assert asked(page) == {"province": ["AF-BGL"]}
        assert len(titles(page)) == 3


def test_a_view_of_the_past_is_chosen_by_ones_own_clock_and_left_again(browser: Browser, site: Site) -> None:
    context = browser.new_context(timezone_id="Asia/Kabul", locale="en-GB")
    found = Visit(context.new_page(), site.home)
    page = found.page
    page.goto(f"{site.home}/?actor=taliban")
    page.get_by_text("What was known at a time").click()
    page.get_by_label("What was known on, by your clock").fill("2021-09-01T12:00")
    assert page.get_by_label("What was known on", exact=True).input_value() == "2021-09-01T12:00+04:30"
    show(page)
    banner = page.get_by_role("complementary", name="A view of the past")
    expect(banner).to_contain_text("1 September 2021, 07:30 (UTC) (1 Sept 2021, 12:00 by your clock)")
    assert page.get_by_text("Nothing matches all of these filters").is_visible()
    banner.get_by_role("link", name="Back to today").click()
    expect(banner).to_have_count(0)
    assert asked(page) == {"actor": ["taliban"]}
    assert_quiet(found)
    context.close()


def test_what_is_written_meanwhile_is_told_and_shown_when_asked_for(browser: Browser, own_site: Site) -> None:
    with seen(browser, own_site, "/?province=Panjshir") as page:
        with page.expect_request(re.compile("/v1/changes")) as stream:
            page.reload()
        assert parse_qs(urlsplit(stream.value.url).query)["province"] == ["AF-PAN"]
        event = {"title": "A bridge gives way", "date": "2021-08-29", "location": {"province": "AF-PAN"}}
        own_site.write({**event, "id": "elsewhere", "location": {"province": "AF-KAB"}})
        own_site.write({**event, "id": "bridge"})
        news = page.get_by_role("status").filter(has_text="change")
        expect(news).to_have_text("1 change: show it")
        own_site.write({**event, "id": "bridge-too"})
        expect(news).to_have_text("2 changes: show them")
        # Nothing moved by itself.
        assert page.get_by_text("A bridge gives way").count() == 0
        news.get_by_role("link").click()
        expect(page.get_by_role("link", name="A bridge gives way")).to_have_count(2)
        expect(news).to_have_count(0)


def test_all_formats_can_be_downloaded(browser: Browser, site: Site) -> None:
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.goto(f"{site.home}/?actor=nrf")
    ways = page.get_by_role("heading", name="Download").locator("..").get_by_role("link")
    names = ways.all_inner_texts()
    assert len(names) == 7
    for name in names[1:]:
        with page.expect_download() as download:
            ways.filter(has_text=re.compile(f"^{name}$")).click()
        assert b"panjshir-clash" in Path(download.value.path()).read_bytes(), name
    ways.first.click()
    page.wait_for_url("**/v1/events**")
    assert json.loads(page.locator("body").inner_text())["events"]
    context.close()


def test_what_can_be_copied_is_copied(browser: Browser, site: Site, tmp_path: Path) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    found = Visit(context.new_page(), site.home)
    page = found.page
    page.goto(f"{site.home}/?actor=nrf&q=valley")
    copied = {}
    for name in ("the link", "the snippet", "the command"):
        page.get_by_role("button", name=f"Copy {name}").click()
        expect(page.get_by_role("button", name=f"Copied {name}")).to_be_visible()
        copied[name] = page.evaluate("navigator.clipboard.readText()")
    assert copied["the link"] == f"{site.home}/?actor=nrf&q=valley"
    assert copied["the command"] == f"curl -s '{site.home}/v1/events?actor=nrf&q=valley'"
    assert_quiet(found)
    # The snippet, put into a page of somebody else's, shows the timeline there.
    with served(tmp_path, {"/": f"<!doctype html>{copied['the snippet']}".encode()}) as elsewhere:
        page = context.new_page()
        page.goto(elsewhere)
        expect(page.frame_locator("iframe").get_by_text(PANJSHIR)).to_be_visible()
    context.close()


def test_without_javascript_everything_that_matters_is_there(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    found = Visit(context.new_page(), site.home)
    page = found.page
    page.goto(f"{site.home}/")
    assert page.locator("#o-actor option").count() > 5
    page.get_by_label("Actor", exact=True).fill("National Resistance Front")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/?actor=*")
    # The empty fields of the form are not in the address.
    assert asked(page) == {"actor": ["National Resistance Front"]}
    assert len(titles(page)) == 2
    page.get_by_role("link", name="actor National Resistance Front").click()
    page.get_by_role("complementary", name="Narrow it down").get_by_role("link", name="Battle").click()
    page.wait_for_url("**/?type=battle")
    assert len(titles(page)) == 3
    assert page.get_by_role("button", name="Copy").count() == 0
    page.get_by_role("link", name=PANJSHIR).first.click()
    page.wait_for_url("**/events/panjshir-clash")
    assert_quiet(found)
    context.close()


HOSTILE = "<script>attacked()</script><img src=x onerror=attacked()>\"'><svg onload=attacked()>&lt;b&gt; ‮\u0627"


def test_stored_markup_is_shown_as_text_wherever_it_stands(browser: Browser, own_site: Site) -> None:
    location = {"province": "AF-PAN", "district": HOSTILE, "place": HOSTILE}
    own_site.write(
        {
            "id": "hostile",
            "title": HOSTILE,
            "summary": HOSTILE,
            "date": "2021-08-29",
            "location": location,
            "actors": [{"id": "nrf", "role": "side-a"}],
            "claims": [
                {
                    "claimant": {"name": HOSTILE},
                    "statement": HOSTILE,
                    "measure": "killed",
                    "best": number,
                    "source": HOSTILE,
                    "of": "unknown",
                }
                for number in (1, 2)
            ],
            "sources": [{"ref": HOSTILE, "publisher": HOSTILE, "title": HOSTILE, "via": HOSTILE}],
            "tags": [HOSTILE.replace(",", "")[:64]],
            "dataset": "hostile",
        }
    )
    words = "/?q=script"
    for address in (
        words,
        "/events/hostile",
        "/actors/nrf",
        "/provinces/AF-PAN",
        "/embed?q=script",
        "/?q=%3Cscript%3E",
    ):
        with seen(browser, own_site, address) as page:
            assert page.evaluate("document.querySelectorAll('main script, main img, svg[onload], main b').length") == 0
            if "events" in address or address == words:
                assert page.get_by_text("<script>attacked()</script>").count() > 0
    # What is refused is told as text as well.
    with visit(browser, own_site.home, "/?actor=%3Cscript%3Eattacked()%3C/script%3E") as found:
        expect(found.page.get_by_text("<script>attacked()</script>").first).to_be_visible()
        assert found.page.evaluate("document.querySelectorAll('main script').length") == 0


def test_a_title_from_right_to_left_reads_so(browser: Browser, own_site: Site) -> None:
    title = "حملهٔ طالبان به پنجشیر"
    own_site.write({"id": "rtl", "title": title, "summary": title, "date": "2021-08-29"})
    with seen(browser, own_site, "/?from=2021-08-29&to=2021-08-29&match=certain") as page:
        found = page.get_by_role("link", name=title)
        assert found.evaluate("element => getComputedStyle(element).direction") == "rtl"


@pytest.mark.parametrize("kind", PAGES)
def test_nobody_is_kept_out(browser: Browser, site: Site, axe: str, kind: str) -> None:
    with browser.new_context(viewport={"width": 1200, "height": 800}) as context:
        found = Visit(context.new_page(), site.home)
        page = found.page
        answer = page.goto(site.home + PAGES[kind].format(now=site.now))
        assert answer
        assert answer.status == STATUSES.get(kind, 200)
        for details in page.locator("details").all():
            details.evaluate("element => element.open = true")
        page.evaluate(axe)
        for scheme, width in SHOWN:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            assert faults(page) == {}, (scheme, width)
            assert page.evaluate("document.documentElement.scrollWidth") == width, "nothing is wider than the page"
        if kind not in STATUSES:
            assert_quiet(found)


def test_the_suggestions_and_the_notice_keep_nobody_out(browser: Browser, own_site: Site, axe: str) -> None:
    with seen(browser, own_site, "/") as page:
        with page.expect_request(re.compile("/v1/changes")):
            page.reload()
        own_site.write({"id": "new", "title": "Something new", "date": "2021-08-29"})
        expect(page.get_by_text("1 change: show it")).to_be_visible()
        page.get_by_role("combobox", name="Actor").press_sequentially("ta")
        expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.evaluate(axe)
        assert faults(page) == {}


@pytest.mark.parametrize("width", [1200, 360])
def test_nothing_jumps_while_the_page_comes(browser: Browser, site: Site, width: int) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.add_init_script(
            """window.shifts = 0;
            new PerformanceObserver(list => list.getEntries().forEach(entry => { window.shifts += entry.value }))
                .observe({type: "layout-shift", buffered: true});"""
        )
        page.goto(site.home)
        expect(page.locator("button.copy").first).to_be_visible()
        assert page.evaluate("window.shifts") < 0.02
