"""Reads the parameters that hold names, and tells a misspelt name from one that nothing matches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from peewee import Database

from schemas import query
from schemas.faults import Fault, Unreadable, unreadable
from schemas.fields import shorten
from schemas.moments import read_past_moment
from schemas.names import closest, fold, form
from service import gazetteer
from service.actors import ActorNames, ambiguous, known_forms
from service.database import fetch
from service.ledger import timestamp
from service.places import resolve_country, resolve_province
from service.terms import Term, numbers_of, same_name, values_of

# So many unknown names of a request are told with the nearest known ones: each look costs a comparison with all.
SUGGESTED_MAX = 10


class Suggestions:
    """The known names that are most like the unknown ones of one request."""

    def __init__(self) -> None:
        self._left = SUGGESTED_MAX
        self._known: dict[str, list[tuple[str, str]]] = {}

    def wanted(self) -> bool:
        """Whether one more unknown name is to be told with the nearest. Each asking counts as one."""
        self._left -= 1
        return self._left >= 0

    def near(self, name: str, kind: str, fetched: Callable[[], list[tuple[str, str]]]) -> tuple[str, ...]:
        """The nearest of a kind. ``fetched`` gives forms and what they mean, and is called once for each kind."""
        if not self.wanted():
            return ()
        if kind not in self._known:
            self._known[kind] = fetched()
        return closest(fold(name), self._known[kind])


class Reading(Protocol):
    """What a reader may use: the database, the values of the other filters, and what to suggest."""

    database: Database
    suggestions: Suggestions

    def value(self, name: str) -> Any: ...


def read_actors(reading: Reading, texts: Sequence[str]) -> list[list[str]]:
    if len(texts) > query.LIST_LIMIT:
        raise unreadable("too-many", f"is given {len(texts)} times; at most {query.LIST_LIMIT} are allowed")
    database = reading.database
    names = ActorNames(database, {name for text in texts for name in query.possible_names(text)})

    def read(name: str) -> list[str]:
        found = names.candidates(name)
        if not found:
            raise _unknown(reading, name, "actor", lambda: known_forms(database))
        if len(found) > 1:
            raise Unreadable(ambiguous(name, found))
        return found

    groups: list[list[str]] = []
    faults: list[Fault] = []
    for text in texts:
        try:
            groups.append(query.read_list(text, names.is_one_name, read))
        except Unreadable as error:
            faults += error.faults
    if faults:
        raise Unreadable(*faults)
    return groups


def _unknown(reading: Reading, name: str, kind: str, fetched: Callable[[], list[tuple[str, str]]]) -> Unreadable:
    nearest = reading.suggestions.near(name, kind, fetched)
    return unreadable(f"unknown-{kind}", f"no {kind} is called {shorten(name)!r}", nearest)


def read_provinces(reading: Reading, texts: Sequence[str]) -> list[str]:
    countries = reading.value("country") or ()
    wanted = reading.suggestions.wanted

    def read(name: str) -> list[str]:
        return [resolve_province(name, countries, wanted).code]

    return query.read_list(texts[0], gazetteer.is_one_province, read)


def read_countries(reading: Reading, texts: Sequence[str]) -> list[str]:
    wanted = reading.suggestions.wanted
    return query.read_list(texts[0], gazetteer.is_one_country, lambda name: [resolve_country(name, wanted)])


def read_datasets(reading: Reading, texts: Sequence[str]) -> list[str]:
    known = [dataset for (dataset,) in fetch(reading.database, "SELECT id FROM dataset ORDER BY id")]
    return query.any_of(query.choice(known, "unknown-dataset"))(texts[0])


def read_publishers(reading: Reading, texts: Sequence[str]) -> list[str]:
    """The names of publishers as they were written; several where they fold to one form."""
    database = reading.database
    spelt = _spellings(database, "publisher", query.possible_names(texts[0]))

    def read(name: str) -> list[str]:
        if form(name) not in spelt:
            raise _unknown(reading, name, "publisher", lambda: _forms_of(database, "publisher"))
        return spelt[form(name)]

    return query.read_list(texts[0], lambda text: _is_one_name(text, spelt), read)


def read_claimants(reading: Reading, texts: Sequence[str]) -> list[str]:
    """Ids of actors, and the names of those who are none as they were written."""
    database, possible = reading.database, query.possible_names(texts[0])
    names = ActorNames(database, possible)
    strangers = _spellings(database, "claimant-name", possible)

    def read(name: str) -> list[str]:
        actors, named = names.candidates(name), strangers.get(form(name), [])
        if len(actors) > 1:
            raise Unreadable(ambiguous(name, actors))
        if not actors and not named:
            raise _unknown(
                reading, name, "claimant", lambda: known_forms(database) + _forms_of(database, "claimant-name")
            )
        return [*actors, *named]

    return query.read_list(texts[0], lambda text: names.is_one_name(text) or _is_one_name(text, strangers), read)


def read_as_of(reading: Reading, texts: Sequence[str]) -> str:
    """The time as the store writes its own."""
    return timestamp(read_past_moment(texts[0]))


def _spellings(database: Database, kind: str, names: Collection[str]) -> dict[str, list[str]]:
    """The values of a kind that some names can mean, as they were written, by the form that they share."""
    terms = same_name(database, kind, {fold(name) for name in names} - {""})
    found = {folded: [term.value for term in same] for folded, same in terms.items()}
    # A name without a letter or digit folds to nothing, so it is looked up as it stands.
    exact = {Term(kind, spelt) for name in names if not fold(name) for spelt in (name, name.strip()) if spelt.strip()}
    for term in sorted(numbers_of(database, exact)) if exact else ():
        found.setdefault(form(term.value), []).append(term.value)
    return found


def _is_one_name(text: str, spelt: Mapping[str, Sequence[str]]) -> bool:
    """Whether a text with commas is one name, by the names that it could mean."""
    return "," in text and any("," in value for value in spelt.get(form(text), ()))


def _forms_of(database: Database, kind: str) -> list[tuple[str, str]]:
    return [(fold(value), value) for value in values_of(database, kind)]
