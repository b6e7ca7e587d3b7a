"""The timeline page as it is sent: its form, its ways on, and what it costs in statements and bytes."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from peewee import Database

from schemas.query import SORTS
from service.drafts import Draft
from service.event_store import write_events
from service.filters import FILTERS
from service.formats import FORMATS
from service.pages.address import Address
from service.pages.filter_form import FIELDS, ORDERS, filter_form
from tests.conftest import event_body
from tests.statements import ask_anew, sent_to

BYTES_MAX = 100_000
NOTHING: dict[str, list[dict[str, Any]]] = {
    name: [] for name in ("actor", "province", "type", "status", "country", "tag", "publisher", "dataset")
}


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/html"), address
    return answer.get_data(as_text=True)


def titles(text: str) -> list[str]:
    return [unescape(title) for title in re.findall(r'<h3><a href="/events/[^>]*>([^<]*)</a></h3>', text)]


def field(text: str, name: str) -> str:
    """What a field of the form holds."""
    [tag] = [tag for tag in re.findall(r"<input[^>]*>", text) if f' name="{name}"' in tag and "hidden" not in tag]
    found = re.search(r' value="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


def chosen(text: str, name: str) -> str:
    """What a list of the form has chosen."""
    [inside] = re.findall(rf'<select [^>]*name="{name}">(.*?)</select>', text, re.DOTALL)
    found = re.search(r'value="([^"]*)" selected', inside)
    return unescape(found[1]) if found else ""


def hidden(text: str) -> list[tuple[str, str]]:
    return [
        (name, unescape(value)) for name, value in re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', text)
    ]


def links(text: str, words: str) -> list[str]:
    """Where links lead whose words begin so."""
    return [
        unescape(href)
        for href, said in re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', text, re.DOTALL)
        if re.sub(r"<[^>]*>", "", said).strip().startswith(words)
    ]


def test_every_filter_has_a_field_or_goes_along_unseen() -> None:
    assert [name for name in FILTERS if name not in FIELDS] == ["period", "bbox"]
    assert tuple(ORDERS) == SORTS


def test_what_is_set_stands_in_the_form(client: FlaskClient) -> None:
    text = page(
        client,
        "/?q=valley&actor=taliban&actor=nrf&province=AF-PAN,AF-KAB&from=2021-08&to=2021-09&type=battle&status=disputed"
        "&disputed=true&country=AF&role=side-a&match=certain&tag=panjshir-conflict&dataset=seed&publisher=RT"
        "&claimant=fahim-dashti&min_killed=1&sort=-date&period=2021&limit=20",
    )
    assert {name: field(text, name) for name in ("q", "actor", "province", "from", "to", "country", "min_killed")} == {
        "q": "valley",
        "actor": "",
        "province": "Panjshir,Kabul",
        "from": "2021-08",
        "to": "2021-09",
        "country": "AF",
        "min_killed": "1",
    }
    lists = {name: chosen(text, name) for name in ("type", "status", "disputed", "role", "match", "sort")}
    assert lists == {
        "type": "battle",
        "status": "disputed",
        "disputed": "true",
        "role": "side-a",
        "match": "certain",
        "sort": "-date",
    }
    assert hidden(text) == [("actor", "taliban"), ("actor", "nrf"), ("period", "2021"), ("limit", "20")]
    assert '<details class="further" open>' in text


def test_sending_the_form_as_it_stands_shows_the_same_view(client: FlaskClient) -> None:
    address = "/?actor=taliban&actor=nrf&province=AF-PAN&type=battle,statement&from=2021-08&sort=-date"
    text = page(client, address)
    sent = hidden(text)
    sent += [(name, field(text, name)) for name in ("q", "actor", "province", "from", "to", "as_of", "tag")]
    sent += [(name, chosen(text, name)) for name in ("type", "status", "disputed", "role", "match", "sort")]
    answer = client.get("/", query_string=sent)
    # Empty fields are taken out of the address.
    assert answer.status_code == 302
    assert [value for value in parse_qs(urlsplit(answer.location).query).values() if value == [""]] == []
    again = page(client, answer.location)
    assert titles(again) == titles(text) != []
    assert links(again, "actor Taliban") == links(text, "actor Taliban")


def test_a_name_that_would_be_taken_for_another_goes_as_its_code() -> None:
    # Punjab is a province of two countries.
    form = filter_form(Address("/", (("province", "PK-PB,AF-PAN"),)), NOTHING)
    assert form["given"]["province"] == "PK-PB,Panjshir"
    values = [{"value": name, "name": "The Same", "count": 1} for name in ("one", "two")]
    values.append({"value": "three", "name": "Smith, Jones", "count": 1})
    form = filter_form(Address("/"), {**NOTHING, "actor": values})
    assert [choice["value"] for choice in form["actors"]] == ["one", "two", "three"]


def test_a_facet_leads_to_as_many_events_as_it_says(client: FlaskClient) -> None:
    for beginning in ("/", "/?actor=taliban", "/?type=battle", "/?province=AF-BGL,AF-PAN", "/?q=taliban&sort=-date"):
        text = page(client, beginning)
        found = re.findall(r'<a href="([^"]*)"><span class="value.*?class="count">(\d+)<', text, re.DOTALL)
        assert len(found) > 5
        for href, count in found:
            assert f"<strong>{count}</strong> event" in page(client, unescape(href)), (beginning, href)


def test_chips_take_one_filter_off_each(client: FlaskClient) -> None:
    text = page(client, "/?actor=taliban&actor=nrf&province=Panjshir")
    assert links(text, "actor Taliban") == ["/?actor=nrf&province=AF-PAN"]
    assert links(text, "actor National") == ["/?actor=taliban&province=AF-PAN"]
    assert links(text, "province Panjshir") == ["/?actor=taliban&actor=nrf"]
    assert links(text, "Remove all") == ["/"]


def test_the_heading_says_what_is_shown(client: FlaskClient) -> None:
    for address, words in {
        "/": "Timeline",
        "/?limit=3&sort=-date": "Timeline",
        "/?actor=taliban,nrf&province=AF-PAN": "Taliban or National Resistance Front, Panjshir",
        # Nothing is found of these, and they have their names all the same.
        "/?actor=is-k&province=AF-PAN&country=AF": "IS-K, Panjshir, Afghanistan",
        "/?type=battle/armed-clash&from=2021-08&to=2021-09~": "From August 2021 to about September 2021, Armed clash",
        "/?to=2021-08-29": "To 29 August 2021",
        "/?q=a+%3Cb%3E&disputed=true&min_killed=3": "“a <b>”, at least 3 killed, figures disputed",
        "/?period=2021-08-30/2021-08-31&dataset=seed": "30 to 31 August 2021, Afghanistan at the end of August 2021",
    }.items():
        found = re.search("<h1[^>]*>(.*?)</h1>", page(client, address))
        assert found
        assert unescape(found[1]) == words


def test_a_view_of_the_past_says_so_and_leads_back(client: FlaskClient) -> None:
    text = page(client, "/?actor=taliban&as_of=2026-01-01T00:00Z")
    assert "What was known on <time" in text and "1 January 2026, 00:00 (UTC)" in text
    assert links(text, "Back to today") == ["/?actor=taliban"]
    # Nothing new can come of the past.
    assert "data-changes" not in text
    assert "What was known on <time" not in page(client, "/?actor=taliban")


def test_an_empty_result_says_what_to_loosen(client: FlaskClient) -> None:
    text = page(client, "/?actor=is-k&province=Panjshir")
    assert "Nothing matches all of these filters" in text
    assert links(text, "without province") == ["/?actor=is-k"]
    assert links(text, "without actor") == ["/?province=AF-PAN"]
    assert re.findall(r"</a>: (\d+) event", text) == ["2", "1"]
    text = page(client, "/?actor=is-k&province=Panjshir&q=nosuchword")
    assert "No filter alone is the cause" in text
    assert links(text, "Show everything") == ["/"]


def test_an_empty_store_says_how_to_fill_it(asking: FlaskClient) -> None:
    text = page(asking, "/")
    assert "There is nothing here yet" in text and "dateline seed" in text


def test_pages_lead_on_and_back(client: FlaskClient) -> None:
    whole = titles(page(client, "/"))
    text, found = page(client, "/?limit=4"), []
    for _ in range(3):
        found += titles(text)
        following = links(text, "Later events")
        if following:
            text = page(client, following[0])
            assert set(links(text, "Back to the beginning")) == {"/?limit=4"}
    assert found == whole
    assert not following and "This is the end." in text
    assert links(page(client, "/?limit=4&sort=-date"), "Earlier events")


def test_the_view_can_be_had_in_every_format(client: FlaskClient) -> None:
    text = page(client, "/?actor=nrf&limit=1&sort=-date")
    [shown] = re.findall(r'<ul class="downloads">(.*?)</ul>\s*</div>\s*<div><h3>Subscribe', text, re.DOTALL)
    hrefs = [unescape(href) for href in re.findall(r'href="([^"]*)"', shown)]
    formats = [parse_qs(urlsplit(href).query).get("format", ["json"])[0] for href in hrefs]
    assert formats == ["json", *(name for name in FORMATS if name != "json")]
    for href in hrefs:
        answer = client.get(href)
        assert answer.status_code == 200
        assert b"panjshir-clash" in answer.data and b"nrf-rejects-proposals" in answer.data, href


def test_the_view_can_be_followed_embedded_and_asked_for(client: FlaskClient) -> None:
    text = page(client, "/?actor=nrf&q=it%27s")
    assert links(text, "In a calendar") == ["webcal://localhost/v1/events?actor=nrf&q=it%27s&format=ics"]
    feed = "http://localhost/v1/events?actor=nrf&q=it%27s&format=atom"
    assert links(text, "In a feed reader") == [feed]
    [alternate] = re.findall(r'<link rel="alternate" type="application/atom\+xml" title="[^"]*" href="([^"]*)">', text)
    assert unescape(alternate) == feed
    codes = [unescape(code) for code in re.findall(r"<pre [^>]*><code>(.*?)</code>", text, re.DOTALL)]
    assert codes == [
        "http://localhost/?actor=nrf&q=it%27s",
        '<iframe src="http://localhost/embed?actor=nrf&q=it%27s" title="Timeline" width="100%" height="600"'
        ' loading="lazy"></iframe>',
        # Nothing in the address ends the quotes.
        "curl -s 'http://localhost/v1/events?actor=nrf&q=it%27s'",
    ]


def test_the_first_page_is_small(client: FlaskClient) -> None:
    text = page(client, "/")
    needed = {unescape(address) for address in re.findall(r'(?:src|href)="(/assets/[^"]*)"', text)}
    names = {urlsplit(address).path.removeprefix("/assets/") for address in needed}
    assert names == {"style.css", "page.js", "icon.svg"}
    sizes = {address: len(client.get(address).data) for address in needed}
    assert len(text.encode()) + sum(sizes.values()) <= BYTES_MAX, (len(text.encode()), sizes)
    # A page that shows nothing of others, and does nothing by itself.
    assert not re.findall(r'(?:src|href)="(?:https?:)?//(?!localhost)', text)
    assert "<script>" not in text and " style=" not in text and not re.search(r"\son[a-z]+=", text)


def test_a_page_of_many_costs_what_a_page_of_few_costs(
    asking: FlaskClient, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(count: int) -> None:
        drafts = [
            Draft(
                number,
                event_body(
                    id=f"event-{number}",
                    date=f"2021-{number % 12 + 1:02}-{number % 28 + 1:02}",
                    type=("battle", "explosion", "protest")[number % 3],
                    location={"province": ("AF-PAN", "AF-KAB")[number % 2]},
                    actors=[{"id": f"actor-{number % 3}"}],
                ),
            )
            for number in range(1, count + 1)
        ]
        assert write_events(store, drafts, by="test", create_actors=True).rejected == []

    counts = []
    ask_anew(asking)
    sent = sent_to(store, monkeypatch)
    sizes = []
    for count in (40, 400):
        write(count)
        page(asking, "/")
        sent.clear()
        sizes.append(len(page(asking, "/")))
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 40, sent
    assert sizes[1] < 2 * sizes[0]


@pytest.mark.parametrize(
    ("address", "ways"), [("/?actor=is-k&actor=nrf", 2), ("/actors/is-k?actor=nrf", 1), ("/actors/is-k?q=nosuch", 1)]
)
def test_what_is_loosened_is_found_behind_the_link(client: FlaskClient, address: str, ways: int) -> None:
    """Also where several actors are asked for, and on the page of one, of which only one is taken off."""
    found = re.findall(r'<a href="([^"]*)">[Ww]ithout .*?</a>: (\d+) event', page(client, address))
    assert len(found) == ways
    for link, count in found:
        path, _, query = unescape(link).partition("?")
        fixed = f"&actor={path.removeprefix('/actors/')}" if path != "/" else ""
        counted = client.get(f"/v1/events?total=true&{query}{fixed}".replace("&&", "&").rstrip("&")).get_json()
        assert counted["total"] == int(count), link


def test_empty_fields_are_left_out_and_nothing_else(client: FlaskClient) -> None:
    def leads_to(query: bytes) -> str | None:
        return client.get("/", environ_overrides={"QUERY_STRING": query.decode("latin-1")}).headers.get("Location")

    assert leads_to(b"q=&actor=nrf&type=") == "/?actor=nrf"
    assert leads_to(b"tag=x=") is None
    assert leads_to("q=café&tag=".encode()) == "/?q=caf%C3%A9"
    assert leads_to(b"q=a\r\nSet-Cookie:x&tag=") == "/?q=a%0D%0ASet-Cookie:x"


def test_a_page_of_another_host_is_another_page(client: FlaskClient) -> None:
    """It names the address that it was asked at."""
    here = client.get("/", headers={"Host": "here.example"}).headers["ETag"]
    assert client.get("/", headers={"Host": "here.example", "If-None-Match": here}).status_code == 304
    assert client.get("/", headers={"Host": "there.example", "If-None-Match": here}).status_code == 200
