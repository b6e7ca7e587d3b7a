"""Says in words what is asked of a view: each of its filters by itself, and all of them as its heading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from peewee import Database

from schemas.date_words import date_words
from schemas.vocabulary import EVENT_TYPES
from service import gazetteer
from service.actors import names_of
from service.formats.prose import country_words
from service.pages.address import Pair

# How the filters are called on the page, in the order of its form.
LABELS = {
    "q": "words",
    "actor": "actor",
    "role": "role",
    "province": "province",
    "country": "country",
    "from": "from",
    "to": "to",
    "match": "match",
    "period": "period",
    "type": "type",
    "status": "status",
    "tag": "tag",
    "dataset": "dataset",
    "publisher": "publisher",
    "claimant": "claimant",
    "bbox": "box",
    "min_killed": "killed, at least",
    "disputed": "figures",
    "as_of": "as known on",
}
# How they stand in the heading of a view; those that are not here do not.
_HEADINGS = {
    "q": "“{}”",
    "from": "from {}",
    "to": "to {}",
    "claimant": "claimed by {}",
    "min_killed": "at least {} killed",
    "disputed": "figures {}",
    **dict.fromkeys(("actor", "province", "country", "period", "type", "status", "tag", "dataset", "publisher"), "{}"),
}
_SAID = ("from ", "to ", "claimed by ", "at least ", "figures ")
# Filters whose text is a list of which any may be met.
_LISTS = ("actor", "province", "country", "type", "status", "tag", "dataset", "publisher", "claimant")

Counted = Mapping[str, Sequence[Mapping[str, Any]]]


class Filter(NamedTuple):
    """A filter that is set: its parameter and its text, how it is called, and what it asks for in words."""

    name: str
    text: str
    label: str
    words: str


def filters_in_words(database: Database, pairs: Iterable[Pair], found: Counted) -> list[Filter]:
    """The filters among the parameters of an address. ``found``: the facets of the view, which tell some names."""
    pairs = [pair for pair in pairs if pair[0] in LABELS]
    actors = {actor for name, text in pairs if name == "actor" for actor in text.split(",")}
    datasets = {value["value"]: value["name"] for value in found.get("dataset", ())}
    names: dict[str, Mapping[str, str]] = {
        "actor": names_of(database, actors) if actors else {},
        "dataset": datasets,
        "type": {name: kind.label for name, kind in EVENT_TYPES.items()},
    }
    return [Filter(name, text, LABELS[name], _words(name, text, names.get(name, {}))) for name, text in pairs]


def heading(filters: Sequence[Filter]) -> str:
    """What a view shows, in words; empty where it shows everything."""
    parts: list[str] = []
    for each in filters:
        if each.name in _HEADINGS:
            words = _HEADINGS[each.name].format(each.words)
            # "From … to …" is one thing that is said.
            if each.name == "to" and parts and parts[-1].startswith("from "):
                parts[-1] += f" {words}"
            else:
                parts.append(words)
    text = ", ".join(parts)
    # A name stays as it is; what is said around it begins as a sentence does.
    return text[:1].upper() + text[1:] if text.startswith(_SAID) else text


def moment_words(moment: str) -> str:
    """A moment in UTC in words, to the minute."""
    return date_words(moment[:16] + "Z")


def _words(name: str, text: str, names: Mapping[str, str]) -> str:
    if name in _LISTS:
        return " or ".join(_listed(name, text, names))
    if name in ("from", "to", "period"):
        return date_words(text)
    if name == "as_of":
        return moment_words(text)
    if name == "disputed":
        return "disputed" if text == "true" else "not disputed"
    return text


def _listed(name: str, text: str, names: Mapping[str, str]) -> Iterator[str]:
    for part in text.split(","):
        if name == "province" and (unit := gazetteer.province(part)):
            yield unit.name
        elif name == "country":
            yield country_words(part)
        else:
            yield names.get(part, part)
