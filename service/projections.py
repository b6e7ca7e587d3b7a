"""Turns a revision of an event into the rows of the read side: its document, its place on the timeline, its terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from schemas import edtf
from schemas.casualties import derive_casualties
from schemas.vocabulary import EVENT_TYPES, RESERVED_ACTORS
from schemas.words import searchable
from service import gazetteer
from service.ledger import timestamp
from service.marks import cells_at, killed_levels, span_mark, year_mark
from service.spans import EVERY, span_class
from service.terms import Term, term_of
from service.versions import Version

EVERYWHERE = Term("place", "")
EVERYTHING = Term("any", "")
NOBODY_IN_PARTICULAR = frozenset({*RESERVED_ACTORS, None})
# The kinds of term whose events are counted by period: those of a projection's ``terms`` and ``kinds``.
COUNTED_BY_PERIOD = frozenset({"actor", "type", "status"})


@dataclass(frozen=True, slots=True)
class ActorView:
    """What the read side needs to know of an actor: its names, and every organisation that it is a member of."""

    name: str
    aliases: tuple[str, ...]
    organisations: tuple[str, ...]


class Projection(NamedTuple):
    """The rows of one event, but for the numbers that stand for it and for its terms.

    spans: the span classes under which the event stands in the timeline index.
    figures: the low and high estimates of killed, then of injured; None where no claim has a figure.
    terms: what the event is found by together with each of ``places``, its actors; kinds: by themselves alone, its
    types and its status; attributes: what else; marks: only in the search index.
    title, prose: the words that are searched, with a space between them.
    """

    id: str
    version: int
    sequence: int
    pos: str
    recency: str
    since: str | None
    until: str | None
    spans: tuple[int, ...]
    latitude: float | None
    longitude: float | None
    figures: tuple[int | None, int | None, int | None, int | None]
    document: str
    terms: tuple[Term, ...]
    kinds: tuple[Term, ...]
    attributes: tuple[Term, ...]
    places: tuple[Term, ...]
    marks: tuple[Term, ...]
    title: str
    prose: str

    def found_by(self) -> tuple[Term, ...]:
        """Each term that the event is found by, once."""
        return (EVERYTHING, *self.terms, *self.kinds, *self.attributes, *self.places, *self.marks)


class _Moments(NamedTuple):
    """What follows from a date: its meaning, its place, and what the read side keeps of the time that it covers."""

    span: edtf.DateSpan
    place: str
    since: str | None
    until: str | None
    spans: tuple[int, ...]
    marks: tuple[Term, ...]


@lru_cache(maxsize=32_768)
def _moments(date: str) -> _Moments:
    span = edtf.parse_date(date)
    since, until, place = edtf.since(span), edtf.until(span), edtf.place_key(span)
    own = span_class(since, until)
    if own == EVERY:
        return _Moments(span, place, since, until, (EVERY,), (year_mark(place),))
    return _Moments(span, place, since, until, (EVERY, own), (span_mark(own), year_mark(place)))


def project(version: Version, actors: Mapping[str, ActorView]) -> Projection:
    """The read side of one version of an event that has content.

    actors: at least every actor that the content names.
    """
    content = version.content
    assert content is not None, "a deletion has nothing to show"
    moments = _moments(content["date"])
    event_id = content["id"]
    location = content["location"] or {}
    casualties = derive_casualties(content["claims"])
    latitude, longitude = location.get("latitude"), location.get("longitude")
    killed, injured = casualties.get("killed", {}), casualties.get("injured", {})
    return Projection(
        id=event_id,
        version=version.version,
        sequence=version.sequence,
        pos=moments.place + event_id,
        recency=f"{version.updated:016d} {event_id}",
        since=moments.since,
        until=moments.until,
        spans=moments.spans,
        latitude=latitude,
        longitude=longitude,
        figures=(killed.get("low"), killed.get("high"), injured.get("low"), injured.get("high")),
        document=_document(content, moments.span, casualties, version, actors),
        terms=_actor_terms(content, actors),
        kinds=_kinds(content["type"], content["status"]),
        attributes=_attributes(content, casualties, actors),
        places=_places(location.get("country"), location.get("province")),
        marks=(
            *cells_at(latitude, longitude),
            *killed_levels(killed.get("high")),
            *moments.marks,
            *_losses(content),
            *_related(content),
        ),
        title=searchable([content["title"]]),
        prose=searchable(_prose(content, location, actors)),
    )


def _prose(
    content: Mapping[str, Any], location: Mapping[str, Any], actors: Mapping[str, ActorView]
) -> Iterator[str | None]:
    """The texts that are searched beside the title: summary, place, names of actors and claimants, claims."""
    yield content["summary"]
    yield from (location.get(name) for name in ("place", "district", "as_given"))
    if code := location.get("province"):
        unit = gazetteer.province(code)
        yield unit.name if unit else None
    for actor in dict.fromkeys(participant["id"] for participant in content["actors"]):
        yield from (actors[actor].name, *actors[actor].aliases)
    for claim in content["claims"]:
        if claimant := _shown_claimant(claim["claimant"], actors):
            yield claimant["name"]
        yield claim["statement"]


def _document(
    content: Mapping[str, Any],
    span: edtf.DateSpan,
    casualties: Mapping[str, Any],
    version: Version,
    actors: Mapping[str, ActorView],
) -> str:
    """The event's answer as JSON text, its members in the order of the contract."""
    answer = {
        "id": content["id"],
        "title": content["title"],
        "summary": content["summary"],
        "date": content["date"],
        **edtf.derived_dates(span),
        "type": content["type"],
        "status": content["status"],
        "location": _shown_location(content["location"]),
        "actors": [
            {"id": actor["id"], "name": actors[actor["id"]].name, "role": actor["role"]} for actor in content["actors"]
        ],
        "casualties": casualties,
        "claims": [
            {**claim, "claimant": _shown_claimant(claim["claimant"], actors)} if claim["claimant"] else claim
            for claim in content["claims"]
        ],
        "sources": content["sources"],
        "related": content["related"],
        "tags": content["tags"],
        "dataset": content["dataset"],
        "version": version.version,
        "created": timestamp(version.created),
        "updated": timestamp(version.updated),
    }
    return orjson.dumps(answer).decode()


def _shown_location(location: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if location is None:
        return None
    return {**location, "province": location["province"] and _shown_province(location["province"])}


@lru_cache(maxsize=8192)
def _shown_province(code: str) -> Mapping[str, str] | None:
    unit = gazetteer.province(code)
    return {"code": unit.code, "name": unit.name} if unit else None


def _shown_claimant(claimant: Mapping[str, str] | None, actors: Mapping[str, ActorView]) -> dict[str, Any] | None:
    if claimant is None:
        return None
    if "id" in claimant:
        return {"id": claimant["id"], "name": actors[claimant["id"]].name}
    return {"name": claimant["name"]}


def _actor_terms(content: Mapping[str, Any], actors: Mapping[str, ActorView]) -> tuple[Term, ...]:
    found: dict[Term, None] = {}
    for participant in content["actors"]:
        for actor in (participant["id"], *actors[participant["id"]].organisations):
            found[term_of("actor", actor)] = None
    return tuple(found)


def _attributes(
    content: Mapping[str, Any], casualties: Mapping[str, Any], actors: Mapping[str, ActorView]
) -> tuple[Term, ...]:
    found = [
        term_of("dataset", content["dataset"]),
        term_of("disputed", "true" if any(figure["disputed"] for figure in casualties.values()) else "false"),
    ]
    for participant in content["actors"]:
        for actor in (participant["id"], *actors[participant["id"]].organisations):
            found.append(term_of("role", f"{actor} {participant['role']}"))
    found += [term_of("tag", tag) for tag in content["tags"]]
    found += [term_of("publisher", source["publisher"]) for source in content["sources"] if source["publisher"]]
    for claim in content["claims"]:
        match claim["claimant"]:
            case {"id": actor}:
                found.append(term_of("claimant", actor))
            case {"name": name}:
                found.append(term_of("claimant-name", name))
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=4_096)
def _kinds(event_type: str, status: str) -> tuple[Term, ...]:
    """The type, the one that it is a part of, and the status."""
    known = EVENT_TYPES[event_type]
    types = (known.id, known.parent) if known.parent else (known.id,)
    return (*(term_of("type", name) for name in types), term_of("status", status))


@lru_cache(maxsize=16_384)
def _places(country: str | None, province: str | None) -> tuple[Term, ...]:
    """The country, the province and the units that the province is part of."""
    units = [*gazetteer.ancestors(province), province] if province else []
    return tuple(term_of("place", code) for code in (country, *units) if code)


def _losses(content: Mapping[str, Any]) -> tuple[Term, ...]:
    """Marks of the actors whose losses are claimed and who are named nowhere else, so that their events are found."""
    of = {claim["of"] for claim in content["claims"]} - NOBODY_IN_PARTICULAR
    if not of:
        return ()
    named = {participant["id"] for participant in content["actors"]}
    named |= {claim["claimant"].get("id") for claim in content["claims"] if claim["claimant"]}
    return tuple(term_of("of", actor) for actor in sorted(of - named))


def _related(content: Mapping[str, Any]) -> tuple[Term, ...]:
    """Marks of the events that this one is related to, so that these find it."""
    return tuple(term_of("related", other) for other in sorted({relation["id"] for relation in content["related"]}))


def actors_in(content: Mapping[str, Any]) -> set[str]:
    """The ids of every actor that an event's content names."""
    found = {participant["id"] for participant in content["actors"]}
    for claim in content["claims"]:
        if claim["claimant"] and "id" in claim["claimant"]:
            found.add(claim["claimant"]["id"])
        if claim["of"] is not None and claim["of"] not in RESERVED_ACTORS:
            found.add(claim["of"])
    return found
