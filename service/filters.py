"""The table of filters, and those of the other parameters of a page, of periods and of facets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas import periods, query
from schemas.edtf import LONGEST
from schemas.query import TimelineQuery
from schemas.vocabulary import EVENT_TYPES, ROLES, STATUSES
from service import conditions, query_names
from service.conditions import Condition
from service.query_names import Reading


@dataclass(frozen=True, slots=True)
class Parameter:
    """What the description of the API says of a parameter.

    example: a value that works on the seed. schema: JSON Schema; an array is written with commas in the URL.
    """

    name: str
    meaning: str
    example: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter(Parameter):
    """A parameter that chooses events.

    read: the texts of the parameter → its value in canonical form, ready for JSON; raises Unreadable.
    conditions: all values read → what they ask of an event.
    repeatable: it may be given several times.
    """

    read: Callable[[Reading, Sequence[str]], Any]
    conditions: Callable[[Mapping[str, Any]], Iterator[Condition]]
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Option(Parameter):
    """A parameter that shapes the answer and chooses nothing. ``read``: its text → its value; raises Unreadable."""

    read: Callable[[str], Any]


def _words(choices: Sequence[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(choices)}


def _list_of(choices: Sequence[str]) -> dict[str, Any]:
    return {"type": "array", "items": _words(choices), "minItems": 1}


TEXT = {"type": "string", "minLength": 1, "maxLength": query.VALUE_LIMIT}
LIST = {
    "type": "array",
    "items": {"type": "string", "minLength": 1},
    "minItems": 1,
    "maxItems": query.LIST_LIMIT,
}
DATE = {"type": "string", "minLength": 1, "maxLength": LONGEST}
TRUTH = {"type": "boolean"}
LIMIT = {"type": "integer", "minimum": 1, "maximum": query.LIMIT_MAX, "default": query.LIMIT_DEFAULT}
BOX = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}


def _single(read: Callable[[str], Any]) -> Callable[[Reading, Sequence[str]], Any]:
    return lambda reading, texts: read(texts[0])


FILTERS: dict[str, Filter] = {
    item.name: item
    for item in (
        Filter(
            "actor",
            "Who took part, in any role; members of an organisation count as the organisation. An id, name or alias. "
            "A comma list is any of them; given several times, all of them.",
            "taliban",
            LIST,
            query_names.read_actors,
            conditions.actors,
            repeatable=True,
        ),
        Filter(
            "role",
            "The role that the named actor must have; give `actor` as well.",
            "side-a",
            _words(ROLES),
            _single(query.choice(ROLES)),
            conditions.nothing_more,
        ),
        Filter(
            "province",
            "Where it happened: the ISO 3166-2 code, name or alias of a province, or the form “X Province”. "
            "A comma list is any of them.",
            "Panjshir,Baghlan",
            LIST,
            query_names.read_provinces,
            conditions.places("province"),
        ),
        Filter(
            "country",
            "The country: ISO 3166-1 alpha-2 code or name. A comma list is any of them.",
            "AF,PK",
            LIST,
            query_names.read_countries,
            conditions.places("country"),
        ),
        Filter(
            "from",
            "The first day or minute asked about, an EDTF date.",
            "2021-08-26",
            DATE,
            _single(query.one_date),
            conditions.during,
        ),
        Filter(
            "to",
            "The last day or minute asked about, an EDTF date.",
            "2021-08-31",
            DATE,
            _single(query.one_date),
            conditions.during_unless_from,
        ),
        Filter(
            "match",
            "possible: the event may touch from..to. certain: it lies inside.",
            "certain",
            _words(("possible", "certain")),
            _single(query.choice(("possible", "certain"))),
            conditions.nothing_more,
        ),
        Filter(
            "period",
            "An EDTF date or interval: only events whose place on the timeline lies in it.",
            "2021-08",
            DATE,
            _single(query.any_date),
            conditions.placed_in,
        ),
        Filter(
            "type",
            "The type of event; a top-level type takes its sub-types in. A comma list is any of them.",
            "battle,explosion",
            _list_of(tuple(EVENT_TYPES)),
            _single(query.any_of(query.choice(tuple(EVENT_TYPES), "unknown-type"))),
            conditions.terms("type"),
        ),
        Filter(
            "status",
            "How sure the event is. A comma list is any of them.",
            "reported,disputed",
            _list_of(STATUSES),
            _single(query.any_of(query.choice(STATUSES, "unknown-status"))),
            conditions.terms("status"),
        ),
        Filter(
            "tag",
            "A tag of the event, letter by letter and space by space. A comma list is any of them.",
            "panjshir-conflict,kabul-evacuation",
            LIST,
            _single(query.split_list),
            conditions.terms("tag"),
        ),
        Filter(
            "dataset",
            "The dataset that the event belongs to. A comma list is any of them.",
            "seed,local",
            LIST,
            query_names.read_datasets,
            conditions.terms("dataset"),
        ),
        Filter(
            "publisher",
            "The publisher of one of its sources. A comma list is any of them.",
            "RT,Reuters",
            LIST,
            query_names.read_publishers,
            conditions.terms("publisher"),
        ),
        Filter(
            "claimant",
            "Who made one of its claims: an actor, or the name of someone who is none. A comma list is any of them.",
            "fahim-dashti,bismillah-mohammadi",
            LIST,
            query_names.read_claimants,
            conditions.claimants,
        ),
        Filter(
            "q",
            'Words searched in title, summary, place, names of actors and claims: `"a phrase"`, `-without`, `a OR b`, '
            "`begin*`. All of them must occur.",
            'airport "suicide bomb*"',
            TEXT,
            _single(query.text),
            conditions.says,
        ),
        Filter(
            "bbox",
            "west,south,east,north in degrees; west > east crosses the antimeridian.",
            "69,35,70,36",
            BOX,
            _single(query.box),
            conditions.inside_box,
        ),
        Filter(
            "min_killed",
            "The high estimate of people killed is at least this.",
            "5",
            {"type": "integer", "minimum": 0, "maximum": 10**9},
            _single(query.whole_number(0, 10**9)),
            conditions.killed_at_least,
        ),
        Filter(
            "as_of",
            "The answer by what had been recorded at that time, a date-time with offset: events as they stood then, "
            "those deleted since among them. Actors' names and memberships are today's.",
            "2021-09-01T00:00:00Z",
            {"type": "string", "format": "date-time"},
            query_names.read_as_of,
            conditions.nothing_more,
        ),
        Filter(
            "disputed",
            "Whether one of its figures is in dispute.",
            "true",
            TRUTH,
            _single(query.truth),
            conditions.disputed,
        ),
    )
}


def conditions_of(asked: TimelineQuery) -> list[Condition]:
    """What a query asks of an event; all of it must hold."""
    return [condition for name in asked.filters for condition in FILTERS[name].conditions(asked.filters)]


OPTIONS: dict[str, Option] = {
    item.name: item
    for item in (
        Option(
            "sort",
            "By date or by last change, a leading - reverses it; or with q by relevance: first the events whose title "
            "says what is sought, the latest first, and no more than 1,000.",
            "-date",
            _words(query.SORTS),
            query.choice(query.SORTS),
        ),
        Option(
            "limit",
            "Events on a page; without it, an answer in another form than json holds all of them.",
            "10",
            LIMIT,
            query.whole_number(1, query.LIMIT_MAX),
        ),
        Option("cursor", "Where the page begins: from `next` of the page before.", "", TEXT, str),
        Option(
            "fields",
            "The members of each event to show; id always comes.",
            "title,date",
            _list_of(query.EVENT_MEMBERS),
            query.member_names,
        ),
        Option("total", "true: also the exact count of all events that match.", "true", TRUTH, query.truth),
        Option(
            "format",
            "The form of the answer; it wins over the Accept header. All but json and atom hold every event of the "
            "query, as one moment shows them; atom holds the 100 that were changed last.",
            "json",
            _words(query.FORMATS),
            query.choice(query.FORMATS, "unknown-format"),
        ),
    )
}

# Of answers that have one form alone.
JSON_ALONE = Option(
    "format",
    "The form of the answer, of which there is one.",
    "json",
    _words(query.FORMATS[:1]),
    query.choice(query.FORMATS[:1], "unknown-format"),
)

# Of the timeline in periods, beside the filters.
PERIOD_OPTIONS: dict[str, Option] = {
    item.name: item
    for item in (
        Option(
            "bucket",
            f"How long a period is; a week is an ISO week, from Monday to Sunday. auto: the finest that gives at most "
            f"{periods.AUTO_MAX} periods from the first to the last.",
            "month",
            {**_words((*periods.BUCKETS, periods.AUTO)), "default": periods.AUTO},
            query.choice((*periods.BUCKETS, periods.AUTO)),
        ),
        Option(
            "by",
            "What each period's count is divided by; types are those of the top level.",
            "type",
            _words(periods.SHARES),
            query.choice(periods.SHARES),
        ),
        Option(
            "events",
            "How many of its events each period shows, the first in time.",
            "1",
            {
                "type": "integer",
                "minimum": 0,
                "maximum": periods.EMBEDDED_MAX,
                "default": periods.EMBEDDED_DEFAULT,
            },
            query.whole_number(0, periods.EMBEDDED_MAX),
        ),
        JSON_ALONE,
    )
}

# What facets there are, in the order in which they are told.
FACETS = ("actor", "province", "type", "status", "country", "tag", "publisher", "dataset")
FACET_SIZE_DEFAULT, FACET_SIZE_MAX = 20, 500

# Of facets, beside the filters.
FACET_OPTIONS: dict[str, Option] = {
    item.name: item
    for item in (
        Option(
            "by",
            "What to count the events by; all there is by default.",
            "actor,province",
            {**_list_of(FACETS), "default": list(FACETS)},
            query.any_of(query.choice(FACETS)),
        ),
        Option(
            "size",
            "How many values of each facet to show, those of most events first.",
            "5",
            {"type": "integer", "minimum": 1, "maximum": FACET_SIZE_MAX, "default": FACET_SIZE_DEFAULT},
            query.whole_number(1, FACET_SIZE_MAX),
        ),
        JSON_ALONE,
    )
}

CHANGES_DEFAULT, CHANGES_MAX = 500, 1000

# Of the feed of changes, beside the filters.
CHANGE_OPTIONS: dict[str, Option] = {
    item.name: item
    for item in (
        Option(
            "after",
            "The sequence behind which to begin: `next` of the answer before, or the `sequence` of any other answer.",
            "0",
            {"type": "integer", "minimum": 0, "default": 0},
            query.whole_number(0, 10**18 - 1),
        ),
        Option(
            "limit",
            "Changes of one answer; a stream has no end.",
            "10",
            {"type": "integer", "minimum": 1, "maximum": CHANGES_MAX, "default": CHANGES_DEFAULT},
            query.whole_number(1, CHANGES_MAX),
        ),
        Option(
            "format",
            "sse: server-sent events, which go on with each change as it lands. It wins over the Accept header.",
            "json",
            _words(("json", "sse")),
            query.choice(("json", "sse"), "unknown-format"),
        ),
    )
}

PARAMETERS: Mapping[str, Parameter] = {**FILTERS, **OPTIONS}

ALL_OPTIONS: Mapping[str, Option] = {**OPTIONS, **PERIOD_OPTIONS, **FACET_OPTIONS, **CHANGE_OPTIONS}
