"""TimelineJS itself, as npm has it, draws what the format writes, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page

from service.formats.form import About
from service.formats.timelinejs import FORMAT
from tests.browsing import Visit, chromium, npm_package, served, visit
from tests.format_events import ABOUT, event, texts_everywhere, written

# The release that the format was written for. A newer one is tried by changing this line.
VERSION = "3.9.11"

PAGE = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>A timeline</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/dist/css/timeline.css">
<style>html, body, #timeline { height: 100%; margin: 0 }</style>
<script>
window.attacks = [];
function attacked(how) { window.attacks.push(how); }
</script>
<script src="/dist/js/timeline.js"></script>
</head>
<body>
<div id="timeline"></div>
<script>
const options = {font: null, script_path: location.origin + "/dist/js/"};
window.timeline = new TL.Timeline("timeline", "/timeline.json", options);
</script>
</body>
</html>
"""

# Each runs attacked() where a text is taken for HTML: as it stands, with escapes undone, inside of an attribute, or as
# what TimelineJS makes a link of by itself.
ATTACKS = (
    "<script>attacked('script')</script>",
    "<img src=/x onerror=\"attacked('img')\">",
    "&lt;img src=/x onerror=&quot;attacked('escaped')&quot;&gt;",
    "&amp;lt;img src=/x onerror=attacked('twice')&amp;gt;",
    '"><svg onload="attacked(\'svg\')">',
    "' onmouseover='attacked(\"quote\")' style='position:fixed;inset:0",
    "www.x'onmouseover='attacked(1)'style='position:fixed;inset:0'x='",
    "http://example.com/'onclick='attacked(2)",
    "someone@example.com'onmouseover='attacked(3)",
    "<a href=\"javascript:attacked('link')\" autofocus onfocus=attacked('focus')>here</a>",
    "<iframe srcdoc=\"<script>parent.attacked('frame')</script>\"></iframe>",
    "<style>*{display:none}</style><!-- ]]> </h2></div>",
    "\u202e<b>bold</b> & 'quotes' \"double\" \\ \x01",
    "دریاچه پنجشیر 🎉",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def timelinejs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published files of TimelineJS."""
    return npm_package("@knight-lab/timelinejs", VERSION, tmp_path_factory.mktemp("timelinejs"))


@contextmanager
def drawn(browser: Browser, timelinejs: Path, timeline: bytes) -> Iterator[Visit]:
    """A page on which TimelineJS has drawn a timeline, or has said why it does not."""
    pages = {"/": PAGE, "/timeline.json": timeline}
    with served(timelinejs, pages) as home, visit(browser, home, "/") as found:
        found.page.wait_for_function(
            "timeline.ready || (timeline.config && !timeline.config.isValid())", polling=50, timeout=30_000
        )
        yield found


def go_through(page: Page) -> None:
    """Show each slide once, and move over all that is there, as a reader would."""
    for number in range(page.locator(".tl-slide").count()):
        page.evaluate("number => timeline.goTo(number)", number)
        page.evaluate(
            """() => document.querySelectorAll(".tl-slide *, .tl-timemarker *").forEach(element =>
                ["mouseover", "focus"].forEach(name => element.dispatchEvent(new Event(name, {bubbles: true})))
            )"""
        )


def test_the_seed_is_drawn(browser: Browser, timelinejs: Path, client: FlaskClient) -> None:
    events = client.get("/v1/events").get_json()["events"]
    with drawn(browser, timelinejs, written(FORMAT, *events)) as found:
        page = found.page
        assert page.locator(".tl-slide").count() == len(events) + 1
        assert page.locator(".tl-timemarker").count() == len(events)
        headlines = page.locator(".tl-slide h2.tl-headline").all_text_contents()
        assert sorted(headlines) == sorted([ABOUT.title, *(one["title"] for one in events)])
        assert set(page.locator(".tl-timegroup-message").all_text_contents()) == {
            "Battle", "Explosion or remote violence", "Statement", "Strategic development", "Violence against civilians"
        }  # fmt: skip
        dates = page.locator("#panjshir-clash h3.tl-headline-date").first.text_content()
        assert dates == "30 to 31 August 2021"
        go_through(page)
        assert (found.troubles, found.elsewhere) == ([], [])


def test_dates_of_every_kind_are_drawn_where_they_lie(browser: Browser, timelinejs: Path) -> None:
    dates = {
        "day": ("2021-08-26", "2021-08-26", None),
        "month": ("2021-08", "2021-08-01", None),
        "year": ("2021?", "2021-01-01", None),
        "decade": ("202X", "2020-01-01", "2029-01-01"),
        "interval": ("2021-08-22~/2021-08-28~", "2021-08-22", "2021-08-28"),
        "coarse-end": ("2021-08/2021", "2021-08-01", "2021-12-31"),
        "open-start": ("../2021-08-30", "2021-08-30", None),
        "open-end": ("2021-08-30/..", "2021-08-30", None),
        "minute": ("2021-08-31T00:30+04:30", "2021-08-31", None),
        "early": ("0044-03-15", "0044-03-15", None),
    }
    events = [event(id=name, date=date) for name, (date, _, _) in dates.items()]
    with drawn(browser, timelinejs, written(FORMAT, *events)) as found:
        places = found.page.evaluate(
            """() => {
                const day = (date) => date ? [
                    String(date.data.date_obj.getFullYear()).padStart(4, "0"),
                    String(date.data.date_obj.getMonth() + 1).padStart(2, "0"),
                    String(date.data.date_obj.getDate()).padStart(2, "0"),
                ].join("-") : null;
                return Object.fromEntries(timeline.config.events.map(
                    one => [one.unique_id, [day(one.start_date), day(one.end_date)]]
                ));
            }"""
        )
        assert places == {name: [start, end] for name, (_, start, end) in dates.items()}
        assert found.page.locator("#open-start h3.tl-headline-date").first.text_content() == (
            "on or before 30 August 2021"
        )
        go_through(found.page)
        assert (found.troubles, found.elsewhere) == ([], [])


def test_stored_texts_are_shown_as_texts_and_do_nothing(browser: Browser, timelinejs: Path) -> None:
    events = [
        texts_everywhere(attack, id=f"attack-{number:02}", date=f"2021-08-{number + 1:02}")
        for number, attack in enumerate(ATTACKS)
    ]
    about = About(" ".join(ATTACKS), ABOUT.base_url, ABOUT.url, ABOUT.updated, ABOUT.store)
    with drawn(browser, timelinejs, written(FORMAT, *events, about=about)) as found:
        page = found.page
        assert page.locator(".tl-slide").count() == len(events) + 1
        go_through(page)
        for number, attack in enumerate(ATTACKS):
            slide = page.locator(f".tl-slide#attack-{number:02}")
            marker = page.locator(f"#attack-{number:02}-marker")
            assert slide.locator("h2").text_content() == attack
            assert marker.locator("h2").text_content() == attack
            assert (slide.locator(".tl-text-content").text_content() or "").count(attack) >= 9
        title = page.locator(".tl-slide-titleslide h2").text_content()
        assert title == about.title
        # Nothing in the timeline came out of a stored text: no element that loads or runs, and no handler.
        strange = page.evaluate(
            """() => [...document.querySelectorAll("#timeline *")].filter(element =>
                ["SCRIPT", "IMG", "IFRAME", "STYLE", "SVG", "B"].includes(element.tagName.toUpperCase())
                || [...element.attributes].some(attribute => attribute.name.startsWith("on"))
                || (element.tagName === "A" && !/^https?:/.test(element.href))
            ).map(element => element.outerHTML)"""
        )
        assert strange == []
        links = page.evaluate("[...new Set([...document.querySelectorAll('.tl-slide a')].map(link => link.href))]")
        assert {link for link in links if "/events/" not in link} == {
            "https://example.com/?a=1&b=%272%27", "https://timeline.example.org/"
        }  # fmt: skip
        assert set(page.evaluate("[...document.querySelectorAll('.tl-slide a')].map(link => link.rel)")) == {"noopener"}
        assert page.evaluate("window.attacks") == []
        assert (found.troubles, found.elsewhere) == ([], [])


def test_the_same_texts_attack_where_nothing_is_escaped(browser: Browser, timelinejs: Path) -> None:
    """So that the test before does not pass because its attacks would never have worked."""
    naive = {
        "events": [
            {
                "unique_id": f"attack-{number}",
                "start_date": {"year": 2021, "month": 8, "day": number + 1},
                "group": attack,
                "text": {"headline": attack, "text": attack},
            }
            for number, attack in enumerate(ATTACKS)
        ]
    }
    with drawn(browser, timelinejs, json.dumps(naive).encode()) as found:
        go_through(found.page)
        # Those that TimelineJS lets through, in spite of its own cleaning.
        assert set(found.page.evaluate("window.attacks")) == {"escaped", 1}


def test_an_empty_timeline_is_told_and_not_drawn(browser: Browser, timelinejs: Path) -> None:
    with drawn(browser, timelinejs, written(FORMAT)) as found:
        assert "has no events" in (found.page.locator("#timeline").text_content() or "")
        assert (found.troubles, found.elsewhere) == ([], [])
