"""Turns an event as someone wrote it into its canonical form, in which ids stand for names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemas import edtf
from schemas.casualties import claim_faults, derive_casualties
from schemas.event import DERIVED_MEMBERS
from schemas.faults import Fault, Refused, Unreadable
from schemas.names import fold
from schemas.vocabulary import CIVILIANS, RESERVED_ACTORS
from service.actors import ActorNames, by_external_id, external_ids_of, new_id, store_actor
from service.ledger import Ledger
from service.places import resolve_country, resolve_province
from service.projections import derived_dates

CIVILIANS_ACTOR = {"name": "Civilians", "kind": "civilians"}


# What an import knows of the actors that one event names, by the name that the event uses.
KnownActors = Mapping[str, Mapping[str, Any]]


class References:
    """The actors that a batch of events names, fetched at once.

    With ``create``, an unknown actor is created from what is known of it; without, only ``civilians`` is.
    """

    def __init__(
        self,
        log: Ledger,
        bodies: Sequence[Mapping[str, Any]],
        known_actors: Iterable[Mapping[str, Any]] = (),
        create: bool = False,
    ) -> None:
        self._log = log
        self._create = create
        known = list(known_actors)
        named = {name for body in bodies for name in _names_in(body)} | {actor["name"] for actor in known}
        # An id that would be given to a new actor is looked up as well, so that no two share it.
        self._names = ActorNames(log.database, named | {new_id(name) for name in named} | {CIVILIANS})
        external = {pair for actor in known for pair in actor.get("external_ids", {}).items()}
        self._by_external_id = by_external_id(log.database, external)

    def actor(self, name: str, known: KnownActors) -> str:
        """The id of the actor that ``name`` means in an event that brings ``known`` along. Raises Unreadable."""
        details = known.get(name, {})
        external = details.get("external_ids", {})
        for pair in external.items():
            if pair in self._by_external_id:
                return self._by_external_id[pair]
        found = self._names.candidates(name)
        if len(found) == 1 and not self._is_another(found[0], external):
            return found[0]
        if fold(name) == CIVILIANS and not found:
            return self._new(CIVILIANS, CIVILIANS_ACTOR, external)
        if not self._create or len(found) > 1 or name in RESERVED_ACTORS:
            return self._names.find(name)
        return self._new(self._free_id(name), {"name": name, **details}, external)

    def named_actor(self, name: str) -> str | None:
        """The id of the one actor that ``name`` means, None where it means none or several."""
        found = self._names.candidates(name)
        return found[0] if len(found) == 1 else None

    def _is_another(self, actor: str, external: Mapping[str, str]) -> bool:
        """Whether a dataset gives the actor a different id from the one it gives the actor that is sought."""
        if not external:
            return False
        known = external_ids_of(self._log.database, actor)
        return any(known.get(scheme, value) != value for scheme, value in external.items())

    def _free_id(self, name: str) -> str:
        base = new_id(name)
        for actor_id in _numbered(base):
            if actor_id not in RESERVED_ACTORS and not self._names.exists(actor_id):
                return actor_id
        raise AssertionError("the numbers do not end")

    def _new(self, actor_id: str, details: Mapping[str, Any], external: Mapping[str, str]) -> str:
        actor = {
            "id": actor_id,
            "name": details["name"],
            "aliases": list(details.get("aliases", ())),
            "kind": details.get("kind"),
            "member_of": [],
            "country": details.get("country"),
            "description": None,
            "external_ids": dict(external),
        }
        store_actor(self._log, actor)
        self._names.add(actor_id, [actor["name"], *actor["aliases"]])
        self._by_external_id.update({pair: actor_id for pair in external.items()})
        return actor_id


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _names_in(body: Mapping[str, Any]) -> Iterator[str]:
    """Every text in an event that may name an actor."""
    for participant in body["actors"]:
        yield participant["id"]
    for claim in body["claims"]:
        if claim["claimant"]:
            yield from claim["claimant"].values()
        if claim["of"]:
            yield claim["of"]


def canonical(body: Mapping[str, Any], references: References, known: KnownActors) -> dict[str, Any]:
    """The canonical form of an event that its schema has passed: what the revision log keeps.

    known: what an import knows of the event's actors.

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
        "claims": _claims(body["claims"], references, known, faults),
        "sources": [dict(source) for source in body["sources"]],
        "related": [dict(relation) for relation in body["related"]],
        "tags": list(body["tags"]),
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
    if country is not None:
        try:
            country = resolve_country(country)
        except Unreadable as error:
            faults += error.at("/location/country")
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
    shown = {"country": country, "province": province}
    return {**shown, **{key: value for key, value in location.items() if key not in shown}}


def _participants(
    actors: Sequence[Mapping[str, str]], references: References, known: KnownActors, faults: list[Fault]
) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for index, participant in enumerate(actors):
        try:
            resolved = {"id": references.actor(participant["id"], known), "role": participant["role"]}
        except Unreadable as error:
            faults += error.at(f"/actors/{index}/id")
            continue
        if resolved in found:
            message = f"{resolved['id']!r} stands earlier with the same role"
            faults.append(Fault(f"/actors/{index}", "duplicate", message))
        found.append(resolved)
    return found


def _claims(
    claims: Sequence[Mapping[str, Any]], references: References, known: KnownActors, faults: list[Fault]
) -> list[dict[str, Any]]:
    found = []
    for index, claim in enumerate(claims):
        claimant, of = claim["claimant"], claim["of"]
        if claimant and "name" in claimant:
            actor = references.named_actor(claimant["name"])
            claimant = {"id": actor} if actor else claimant
        elif claimant:
            try:
                claimant = {"id": references.actor(claimant["id"], known)}
            except Unreadable as error:
                faults += error.at(f"/claims/{index}/claimant/id")
        if of is not None and of not in RESERVED_ACTORS:
            try:
                of = references.actor(of, known)
            except Unreadable as error:
                faults += error.at(f"/claims/{index}/of")
        found.append({**claim, "claimant": claimant, "of": of})
    return found


def _derived_faults(body: Mapping[str, Any], content: Mapping[str, Any]) -> list[Fault]:
    """Members that the server derives may be sent back as they were read, and not otherwise."""
    derived = {
        **derived_dates(edtf.parse_date(content["date"])),
        "casualties": derive_casualties(content["claims"]),
    }
    message = "follows from the rest of the event and cannot be set; leave it out"
    return [
        Fault(f"/{name}", "derived", message)
        for name in DERIVED_MEMBERS
        if name in body and body[name] != derived[name]
    ]
