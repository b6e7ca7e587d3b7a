"""What the timeline page shows of a query: its events by day, what they come to, and the ways on from there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import orjson
from peewee import Database

from schemas.cursors import write_cursor
from schemas.date_words import date_words
from schemas.periods import PeriodsQuery
from schemas.query import TimelineQuery, read_pairs
from schemas.vocabulary import MEASURES
from service import timeline
from service.facets import FacetsQuery, facets
from service.formats import FORMATS
from service.formats.prose import actor_words, casualty_words, figure_words, place_words, top_type, type_words
from service.pages.address import Address, without_empty
from service.pages.filter_form import facet_links, filter_form
from service.pages.filter_words import Filter, filters_in_words, heading, moment_words
from service.pages.histogram import histogram
from service.pages.lanes import LANES, lanes
from service.pages.province_map import province_map
from service.periods import periods
from service.read_query import read_query

# Events of a page where nobody says how many: a screen or two, and little to load.
PAGE = 30
FACET_SIZE = 300
# Values of a facet that are listed as filters.
LISTED = 8
SUMMARY_SHOWN = 400
# Parameters of the page alone: they change what is drawn and not what is found.
OWN = ("lanes",)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a view was asked for: the query, and what of it the page alone understands."""

    query: TimelineQuery
    lanes: str | None
    address: Address


def read_view(database: Database, query_string: bytes, path: str = "/") -> Asked:
    """The view that a URL asks for, names resolved. Raises Refused with an entry for each fault."""
    own, rest = _parted(query_string)
    query = read_query(database, rest)
    if not any(piece.startswith(b"limit=") for piece in rest.split(b"&")):
        query = replace(query, limit=PAGE)
    pairs = query.chosen()
    if query.sort != "date":
        pairs.append(("sort", query.sort))
    if query.limit != PAGE:
        pairs.append(("limit", str(query.limit)))
    chosen = own.get("lanes", [""])[-1]
    lane = chosen if chosen in LANES else None
    if lane:
        pairs.append(("lanes", lane))
    return Asked(query, lane, Address(path, tuple(pairs)))


def _parted(query_string: bytes) -> tuple[Mapping[str, Sequence[str]], bytes]:
    """The page's own parameters, and the rest of the query for the reader of queries, without empty ones.

    A form sends all of its fields, the empty ones too.
    """
    pieces = [piece for piece in without_empty(query_string).split(b"&") if piece]
    own = [piece for piece in pieces if piece.partition(b"=")[0].decode("latin-1") in OWN]
    values, _ = read_pairs(b"&".join(own))
    return values, b"&".join(piece for piece in pieces if piece not in own)


def timeline_view(database: Database, asked: Asked) -> dict[str, Any]:
    """All that the template of the timeline needs. To be called within one ``snapshot``."""
    query, address = asked.query, asked.address
    page = timeline.page(database, replace(query, fields=None))
    events = orjson.loads(b"[" + page.documents + b"]")
    counted = facets(database, FacetsQuery(query.filters, size=FACET_SIZE, whole=("province", "country")))
    whole = counted["facets"]
    found = {name: values[:FACET_SIZE] for name, values in whole.items()}
    spread = periods(database, PeriodsQuery(query.filters, by="type", events=0))
    chosen = filters_in_words(database, address.pairs, found)
    following = page.next and str(address.having("cursor", write_cursor(query, page.next, page.sequence)))
    return {
        "address": address,
        "query": query,
        "days": list(days_of(events)),
        "known": moment_words(query.filters["as_of"]) if "as_of" in query.filters else None,
        "total": counted["total"],
        "next": following,
        "is_first": query.cursor is None,
        "sequence": page.sequence,
        "heading": heading(chosen),
        "chips": [
            {"label": each.label, "words": each.words, "without": str(_without(query, address, each.name, each.text))}
            for each in chosen
        ],
        "form": filter_form(address, found),
        "narrower": list(facet_links(address, found)),
        "facets": {name: values[:LISTED] for name, values in found.items()},
        "choices": found,
        "histogram": histogram(spread, address),
        "map": province_map(database, query.filters, whole, counted["total"], address),
        "lanes": lanes(database, query.filters, found, spread["bucket"], asked.lanes, address),
        "loosened": _loosened(database, query, address, chosen) if not counted["total"] else [],
        **ways_out(address),
        "tag": page.tag,
    }


def days_of(events: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The events under the words for when they were, those of one day together."""
    for (words, when), group in groupby(events, key=_heading):
        yield {"words": words, "when": when, **_parts(words), "events": [shown_event(event) for event in group]}


# What stands before the day in the words for a date, the day or days, and the rest: "about ", "27", " August 2021".
_DAY = re.compile(r"((?:[a-z]+ )*)([0-9]{1,2}(?: to (?:[a-z]+ )?[0-9]{1,2})?)( [A-Z].*)")


def _parts(words: str) -> dict[str, str]:
    """The words for a date in three, so that the day can be set large; all in the last where no day is named."""
    found = _DAY.fullmatch(words)
    before, number, after = found.groups() if found else ("", "", words)
    return {"before": before, "number": number, "after": after}


def _heading(event: Mapping[str, Any]) -> tuple[str, str]:
    """The words for an event's day or longer time, and its first day as machines read it, empty where that is open."""
    text, start = event["date"], event["start"] or event["end"]
    day = start[:10]
    if event["precision"] == "minute" and event["start"] and event["end"] and event["end"][:10] == day:
        text = day
    return date_words(text), day


def shown_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as a list shows it: words for its figures, its place and who took part."""
    location = event["location"]
    summary = event["summary"] or ""
    return {
        **event,
        "words": date_words(event["date"]),
        "time": event["date"] if event["precision"] == "minute" else None,
        "place": place_words(location) if location else "",
        "who": actor_words(event["actors"]),
        "figures": casualty_words(event["casualties"]),
        "tallies": [
            _tally(measure, event["casualties"][measure]) for measure in MEASURES if measure in event["casualties"]
        ],
        "disputed": any(figure["disputed"] for figure in event["casualties"].values()),
        "top": top_type(event["type"]).id,
        "kind": type_words(event["type"]),
        "brief": summary if len(summary) <= SUMMARY_SHOWN else summary[:SUMMARY_SHOWN].rsplit(" ", 1)[0] + "…",
    }


def _tally(measure: str, figure: Mapping[str, Any]) -> dict[str, Any]:
    """A figure in words, the number apart from what it counts: ``7 to 8``, ``killed``."""
    number, _, rest = figure_words(measure, figure).partition(f" {measure}")
    return {"number": number, "words": measure + rest, "disputed": figure["disputed"]}


def _without(query: TimelineQuery, address: Address, name: str, text: str) -> Address:
    less = address.but(name, text)
    # The role is that of an actor, and the order by relevance that of words.
    if name == "actor" and not _other_actors(query, text):
        less = less.without("role")
    return less.without("sort") if name == "q" and less.texts("sort") == ["relevance"] else less


def _other_actors(query: TimelineQuery, text: str) -> list[list[str]]:
    """The actors that a query asks for beside those of a text, the one that a page is of among them."""
    return [group for group in query.filters.get("actor", ()) if ",".join(group) != text]


def _loosened(
    database: Database, query: TimelineQuery, address: Address, asked: Sequence[Filter]
) -> list[dict[str, Any]]:
    """Where nothing was found: what each filter keeps out, those that keep most out first."""
    ways = []
    for each in asked:
        filters = {key: value for key, value in query.filters.items() if key != each.name}
        if each.name == "actor":
            others = _other_actors(query, each.text)
            filters |= {"actor": others} if others else {}
            if not others:
                filters.pop("role", None)
        less = TimelineQuery(filters=filters)
        total = timeline.count(database, timeline.plan_page(database, less), less)
        if total:
            at = str(_without(query, address, each.name, each.text))
            ways.append({"label": each.label, "words": each.words, "count": total, "at": at})
    return sorted(ways, key=lambda way: -way["count"])


def ways_out(address: Address) -> dict[str, Any]:
    """The same query as programs ask it, in every format that it can be had in, and what changes in it."""
    api = address.without("limit", "lanes").at("/v1/events")
    return {
        "downloads": [{"name": name, "href": str(api.having("format", name))} for name in FORMATS],
        "api": str(api),
        "changes": str(address.without("sort", "limit", "lanes", "as_of").at("/v1/changes")),
    }
