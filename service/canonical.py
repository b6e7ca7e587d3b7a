"""Turns an event as someone wrote it into its canonical form, in which ids stand for names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from schemas import edtf
from schemas.casualties import claim_faults, derive_casualties
from schemas.event import DERIVED_MEMBERS
from schemas.faults import Fault, Refused, Unreadable
from schemas.names import fold
from schemas.vocabulary import RESERVED_ACTORS
from service import gazetteer
from service.places import resolve_country, resolve_province
from service.references import KnownActors, References
from service.versions import Version


def canonical(
    body: Mapping[str, Any], references: References, known: KnownActors, current: Version | None = None
) -> dict[str, Any]:
    """The canonical form of an event that its schema has passed: what the revision log keeps. It shares with the body
    what is the same in both.

    known: what an import knows of the event's actors. current: the event's version as it stands.

    Raises Refused with every name that is unknown or ambiguous, and every derived member that disagrees.
    """
    faults: list[Fault] = []
    content = {
        "id": body["id"],
        "title": body["title"],
        "summary": body["summary"],
        "date": body["date"],
        "type": body["type"],
        "status": body["status"],
        "location": _location(body["location"], faults),
        "actors": _participants(body["actors"], references, known, faults),
        "claims": _claims(body["claims"], references, known, _strangers(current), faults),
        "sources": body["sources"],
        "related": body["related"],
        "tags": body["tags"],
        "dataset": body["dataset"],
    }
    faults += [
        Fault(f"/related/{index}/id", "own-id", "an event cannot be related to itself")
        for index, relation in enumerate(content["related"])
        if relation["id"] == body["id"]
    ]
    if not faults:
        faults += claim_faults(content["claims"])
        faults += _derived_faults(body, content)
    if faults:
        raise Refused(faults)
    return content


def _location(location: Mapping[str, Any] | None, faults: list[Fault]) -> dict[str, Any] | None:
    if location is None:
        return None
    country, province = location["country"], location["province"]
    if resolved := _plain_place(country, province):
        return {**location, "country": resolved[0], "province": resolved[1]}
    if country is not None:
        try:
            country = resolve_country(country)
        except Unreadable as error:
            faults += error.at("/location/country")
            country = None
    if province is not None:
        try:
            unit = resolve_province(province, [country] if country else ())
        except Unreadable as error:
            faults += error.at("/location/province")
        else:
            if country not in (None, unit.country):
                message = f"{unit.name} is a province of {unit.country}, not of {country}"
                faults.append(Fault("/location/province", "province-elsewhere", message, (unit.country,)))
            province, country = unit.code, unit.country
    return {**location, "country": country, "province": province}


@lru_cache(maxsize=16_384)
def _plain_place(country: str | None, province: str | None) -> tuple[str | None, str | None] | None:
    """The codes of a country and a province, where both are such codes and agree. Most that is written holds codes."""
    if len(country or "") > 2 or len(province or "") > 6:
        return None
    unit = gazetteer.province(province) if province is not None else None
    if province is not None and (unit is None or unit.code != province or country not in (None, unit.country)):
        return None
    if country is not None and gazetteer.country_code(country) != country:
        return None
    return (unit.country if unit else country), province


def _participants(
    actors: Sequence[Mapping[str, str]], references: References, known: KnownActors, faults: list[Fault]
) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for index, participant in enumerate(actors):
        try:
            actor = references.actor(participant["id"], known, participant["called"])
        except Unreadable as error:
            faults += error.at(f"/actors/{index}{participant['at']}")
            continue
        resolved = {"id": actor, "role": participant["role"]}
        if resolved in found:
            message = f"{resolved['id']!r} stands earlier with the same role"
            faults.append(Fault(f"/actors/{index}", "duplicate", message))
        found.append(resolved)
    return found


def _claims(
    claims: Sequence[Mapping[str, Any]],
    references: References,
    known: KnownActors,
    strangers: Collection[str],
    faults: list[Fault],
) -> list[Mapping[str, Any]]:
    found = []
    for index, claim in enumerate(claims):
        claimant, of = claim["claimant"], claim["of"]
        if claimant and "name" in claimant:
            actor = None if claimant["name"] in strangers else references.named_actor(claimant["name"])
            claimant = {"id": actor} if actor else {"name": claimant["name"]}
        elif claimant:
            try:
                claimant = {"id": references.actor(claimant["id"], known, claimant["called"])}
            except Unreadable as error:
                faults += error.at(f"/claims/{index}/claimant{claimant['at']}")
        if of is not None:
            try:
                of = fold(of) if fold(of) in RESERVED_ACTORS else references.actor(of, known)
            except Unreadable as error:
                faults += error.at(f"/claims/{index}/of")
        found.append(claim if claimant is None and of is None else {**claim, "claimant": claimant, "of": of})
    return found


def _strangers(current: Version | None) -> set[str]:
    """The claimants of an event that are no actors: what was read can be written back, though one has that name now."""
    claims = current.content["claims"] if current and current.content else ()
    return {claim["claimant"]["name"] for claim in claims if claim["claimant"] and "name" in claim["claimant"]}


def _derived_faults(body: Mapping[str, Any], content: Mapping[str, Any]) -> list[Fault]:
    """Members that the server derives may be sent back as they were read, and not otherwise."""
    given = [name for name in DERIVED_MEMBERS if name in body]
    if not given:
        return []
    derived = {
        **edtf.derived_dates(edtf.parse_date(content["date"])),
        "casualties": derive_casualties(content["claims"]),
    }
    message = "follows from the rest of the event and cannot be set; leave it out"
    return [Fault(f"/{name}", "derived", message) for name in given if body[name] != derived[name]]
