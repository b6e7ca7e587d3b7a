"""Reads the parameters that hold names, and tells a misspelt name from one that nothing matches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from peewee import Database
from rapidfuzz import fuzz
from rapidfuzz.process import extract

from schemas import query
from schemas.faults import Fault
from schemas.fields import shorten
from schemas.names import fold
from schemas.query import Unreadable, unreadable
from service import gazetteer
from service.actors import ActorNames, Unresolved, nearest
from service.database import fetch
from service.terms import same_name, values_of


class Reading(Protocol):
    """What a reader may use: the database, and the values of the other filters."""

    database: Database

    def value(self, name: str) -> Any: ...


def read_actors(reading: Reading, texts: Sequence[str]) -> list[list[str]]:
    if len(texts) > query.LIST_LIMIT:
        raise unreadable("too-many", f"is given {len(texts)} times; at most {query.LIST_LIMIT} are allowed")
    parts = [part.strip() for text in texts for part in text.split(",")]
    names = ActorNames(reading.database, [*texts, *parts])
    groups, faults = [], []
    for text in texts:
        group = []
        for name in [text] if names.candidates(text) else query.listing(text):
            try:
                group.append(names.find(name))
            except Unresolved as unresolved:
                faults.append(unresolved.fault)
        groups.append(list(dict.fromkeys(group)))
    if faults:
        raise Unreadable(*faults)
    return groups


def read_provinces(reading: Reading, texts: Sequence[str]) -> list[str]:
    countries = reading.value("country") or []
    whole = texts[0].strip()
    codes, faults = [], []
    for name in [whole] if gazetteer.find_provinces(whole) else query.listing(whole):
        found = gazetteer.find_provinces(name)
        if len(found) > 1:
            found = tuple(unit for unit in found if unit.country in countries) or found
        if len(found) == 1:
            codes.append(found[0].code)
        elif found:
            message = f"{shorten(name)!r} is a province of several countries; give its code, or country as well"
            faults.append(Fault("", "ambiguous-province", message, tuple(unit.code for unit in found)))
        else:
            units = gazetteer.near_provinces(name[:100], countries[0] if len(countries) == 1 else None)
            message = f"no province is called {shorten(name)!r}"
            faults.append(Fault("", "unknown-province", message, _both(units)))
    if faults:
        raise Unreadable(*faults)
    return list(dict.fromkeys(codes))


def _both(units: Sequence[gazetteer.Province | gazetteer.Country]) -> tuple[str, ...]:
    """The name and the code of each unit: either is taken."""
    return tuple(text for unit in units for text in (unit.name, unit.code))


def read_country(name: str) -> str:
    """The code of a country that is given by code or name. Raises Unreadable with the nearest."""
    code = gazetteer.country_code(name)
    if code is None:
        units = gazetteer.near_countries(name[:100])
        raise unreadable("unknown-country", f"no country is called {shorten(name)!r}", _both(units))
    return code


def read_countries(reading: Reading, texts: Sequence[str]) -> list[str]:
    whole = texts[0].strip()
    if code := gazetteer.country_code(whole):
        return [code]
    return query.any_of(read_country)(whole)


def read_datasets(reading: Reading, texts: Sequence[str]) -> list[str]:
    known = [dataset for (dataset,) in fetch(reading.database, "SELECT id FROM dataset ORDER BY id")]
    return query.any_of(query.choice(known, "unknown-dataset"))(texts[0])


def read_publishers(reading: Reading, texts: Sequence[str]) -> list[str]:
    return _known_names(reading.database, "publisher", texts[0])


def _known_names(database: Database, kind: str, text: str) -> list[str]:
    """The names of a kind that a text means, as they were written; several where they fold to one form."""
    parts = [part.strip() for part in text.split(",")]
    terms = same_name(database, kind, {fold(name) for name in (text, *parts)} - {""})
    found, faults = [], []
    for name in [text] if fold(text) in terms else query.listing(text):
        if fold(name) in terms:
            found += [term.value for term in terms[fold(name)]]
        else:
            faults.append(_unknown_name(name, kind, values_of(database, kind)))
    if faults:
        raise Unreadable(*faults)
    return list(dict.fromkeys(found))


def _unknown_name(name: str, kind: str, known: Sequence[str]) -> Fault:
    forms = {value: fold(value) for value in known}
    close = [value for _, score, value in extract(fold(name), forms, scorer=fuzz.WRatio, limit=5) if score >= 60]
    return Fault("", f"unknown-{kind}", f"no {kind} is called {shorten(name)!r}", tuple(close))


def read_claimants(reading: Reading, texts: Sequence[str]) -> list[str]:
    """Ids of actors, and the names of those who are none as they were written."""
    database, text = reading.database, texts[0]
    parts = [part.strip() for part in text.split(",")]
    names = ActorNames(database, [text, *parts])
    strangers = same_name(database, "claimant-name", {fold(name) for name in (text, *parts)} - {""})
    found, faults = [], []
    whole = names.candidates(text) or fold(text) in strangers
    for name in [text] if whole else query.listing(text):
        candidates = names.candidates(name)
        if len(candidates) == 1:
            found.append(candidates[0])
        elif candidates:
            message = f"{shorten(name)!r} is a name of several actors; give the id of one"
            faults.append(Fault("", "ambiguous-actor", message, tuple(candidates)))
        if not candidates or fold(name) in strangers:
            found += [term.value for term in strangers.get(fold(name), [])]
            if not candidates and fold(name) not in strangers:
                known = [*nearest(database, name), *values_of(database, "claimant-name")]
                faults.append(_unknown_name(name, "claimant", known))
    if faults:
        raise Unreadable(*faults)
    return list(dict.fromkeys(found))
