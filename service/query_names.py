"""Reads the parameters that hold names, and tells a misspelt name from one that nothing matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from peewee import Database

from schemas import query
from schemas.faults import Fault, Unreadable, unreadable
from schemas.fields import shorten
from schemas.names import closest, fold
from service import gazetteer
from service.actors import ActorNames, ambiguous, nearest
from service.database import fetch
from service.places import resolve_country, resolve_province
from service.terms import Term, same_name, values_of


class Reading(Protocol):
    """What a reader may use: the database, and the values of the other filters."""

    database: Database

    def value(self, name: str) -> Any: ...


def read_actors(reading: Reading, texts: Sequence[str]) -> list[list[str]]:
    if len(texts) > query.LIST_LIMIT:
        raise unreadable("too-many", f"is given {len(texts)} times; at most {query.LIST_LIMIT} are allowed")
    parts = [part.strip() for text in texts for part in text.split(",")]
    names = ActorNames(reading.database, [*texts, *parts])
    groups: list[list[str]] = []
    faults: list[Fault] = []
    for text in texts:
        group = []
        for name in [text] if names.is_one_name(text) else query.listing(text):
            try:
                group.append(names.find(name))
            except Unreadable as error:
                faults += error.faults
        groups.append(list(dict.fromkeys(group)))
    if faults:
        raise Unreadable(*faults)
    return groups


def read_provinces(reading: Reading, texts: Sequence[str]) -> list[str]:
    countries = reading.value("country") or ()
    whole = texts[0].strip()
    if gazetteer.find_provinces(whole):
        return [resolve_province(whole, countries).code]
    return query.any_of(lambda name: resolve_province(name, countries).code)(whole)


def read_countries(reading: Reading, texts: Sequence[str]) -> list[str]:
    whole = texts[0].strip()
    if code := gazetteer.country_code(whole):
        return [code]
    return query.any_of(resolve_country)(whole)


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
    for name in [text] if _is_one_name(text, terms) else query.listing(text):
        if fold(name) in terms:
            found += [term.value for term in terms[fold(name)]]
        else:
            faults.append(_unknown_name(name, kind, values_of(database, kind)))
    if faults:
        raise Unreadable(*faults)
    return list(dict.fromkeys(found))


def _is_one_name(text: str, terms: Mapping[str, Sequence[Term]]) -> bool:
    """Whether a text with commas is one name, by the names that it could mean (see ``ActorNames.is_one_name``)."""
    return "," in text and any("," in term.value for term in terms.get(fold(text), ()))


def _unknown_name(name: str, kind: str, known: Sequence[str]) -> Fault:
    close = closest(fold(name), ((fold(value), value) for value in known))
    return Fault("", f"unknown-{kind}", f"no {kind} is called {shorten(name)!r}", close)


def read_claimants(reading: Reading, texts: Sequence[str]) -> list[str]:
    """Ids of actors, and the names of those who are none as they were written."""
    database, text = reading.database, texts[0]
    parts = [part.strip() for part in text.split(",")]
    names = ActorNames(database, [text, *parts])
    strangers = same_name(database, "claimant-name", {fold(name) for name in (text, *parts)} - {""})
    found, faults = [], []
    whole = names.is_one_name(text) or _is_one_name(text, strangers)
    for name in [text] if whole else query.listing(text):
        actors, named = names.candidates(name), strangers.get(fold(name), [])
        if len(actors) > 1:
            faults.append(ambiguous(name, actors))
        elif not actors and not named:
            known = [*nearest(database, name), *values_of(database, "claimant-name")]
            faults.append(_unknown_name(name, "claimant", known))
        found += [*actors, *(term.value for term in named)]
    if faults:
        raise Unreadable(*faults)
    return list(dict.fromkeys(found))
