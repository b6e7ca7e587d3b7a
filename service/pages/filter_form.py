"""What the form of filters holds: what is set, what can be chosen, and what it carries along unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.names import fold
from schemas.vocabulary import EVENT_TYPES, ROLES, STATUSES
from service import gazetteer
from service.pages.address import Address, Pair

# The fields that stand in the form; everything else that is set goes along unseen.
FIELDS = (
    "q",
    "actor",
    "province",
    "from",
    "to",
    "type",
    "status",
    "disputed",
    "as_of",
    "country",
    "role",
    "match",
    "tag",
    "dataset",
    "publisher",
    "claimant",
    "min_killed",
    "sort",
)
# Those of them that are shown when they are asked for or set.
FURTHER = FIELDS[FIELDS.index("country") :]
# Names that are offered where nothing can be asked for as one types.
OFFERED = 100
ORDERS = {
    "date": "oldest first",
    "-date": "newest first",
    "updated": "changed longest ago first",
    "-updated": "changed last first",
    "relevance": "best match of the words first",
}

# The facets that are listed as links, those that are always shown first.
LISTED = {
    "actor": "Who",
    "type": "What",
    "province": "Where",
    "status": "How sure",
    "country": "Country",
    "tag": "Tag",
    "publisher": "Publisher",
    "dataset": "Dataset",
}
SHOWN = ("actor", "type", "province", "status")
LINKS = 8
# An event can have several of these, so that a value beside the one that is set would be counted otherwise than found.
SEVERAL = ("tag", "publisher")

# A way to fill a field: what is sent, what is read, and whether it is what is set.
Choice = dict[str, Any]
Counted = Sequence[Mapping[str, Any]]


def filter_form(address: Address, found: Mapping[str, Counted]) -> dict[str, Any]:
    """All that the template of the form needs. ``found``: the values of each facet of the view, with their counts."""
    given = {name: "" if name == "actor" else ",".join(address.texts(name)) for name in FIELDS}
    given["province"] = ",".join(map(_province_name, given["province"].split(","))) if given["province"] else ""
    return {
        "given": given,
        "open": any(given[name] for name in FURTHER),
        "kept": list(_kept(address)),
        "types": list(_types(given["type"], found["type"])),
        "statuses": _listed(given["status"], STATUSES, found["status"]),
        "roles": _listed(given["role"], ROLES),
        "orders": [_choice(name, words, given["sort"] or "date") for name, words in ORDERS.items()],
        "actors": _names(found["actor"]),
        "provinces": [
            {"value": _province_name(value["value"]), "words": value["value"]} for value in found["province"][:OFFERED]
        ],
        "countries": [{"value": value["value"], "words": value["name"]} for value in found["country"][:OFFERED]],
        "tags": _names(found["tag"]),
        "datasets": [{"value": value["value"], "words": value["name"]} for value in found["dataset"][:OFFERED]],
        "publishers": _names(found["publisher"]),
        # The provinces of these are what the field of provinces offers as one types.
        "near": ",".join(address.texts("country") or [value["value"] for value in found["country"][:3]]),
    }


def _kept(address: Address) -> Iterator[Pair]:
    """The parameters that have no field. Each actor that is set must take part, so one more goes beside them."""
    return (pair for pair in address.pairs if pair[0] not in FIELDS or pair[0] == "actor")


def _province_name(code: str) -> str:
    """What a province can be called in a list without being taken for another; its code where nothing else does."""
    unit = gazetteer.province(code)
    if unit is None or "," in unit.name:
        return code
    return unit.name if gazetteer.find_provinces(unit.name) == (unit,) else code


def _names(values: Counted) -> list[Choice]:
    """What the most frequent values are called. A name that two have, or that would be read as two, goes as its id."""
    values = values[:OFFERED]
    often = Counter(fold(value["name"]) for value in values)
    return [
        {"value": value["name"], "words": ""}
        if often[fold(value["name"])] == 1 and "," not in value["name"]
        else {"value": value["value"], "words": value["name"]}
        for value in values
    ]


def _choice(value: str, words: str, given: str) -> Choice:
    return {"value": value, "words": words, "chosen": value == given}


def _listed(given: str, values: Sequence[str], counted: Counted = ()) -> list[Choice]:
    """The values of a closed list, and the list that is set where that is more than one of them."""
    counts = {value["value"]: value["count"] for value in counted}
    choices = [_choice(value, value + _count(counts.get(value)), given) for value in values]
    return [*choices, *_several(given, values)]


def _types(given: str, counted: Counted) -> Iterator[Choice]:
    """Every type after the one that it is part of, with how many events adding it would leave."""
    counts = {value["value"]: value["count"] for value in counted}
    for name, kind in EVENT_TYPES.items():
        words = kind.label + _count(counts.get(name))
        yield {**_choice(name, words, given), "part": kind.parent is not None}
    yield from _several(given, EVENT_TYPES)


def _several(given: str, values: Sequence[str] | Mapping[str, Any]) -> list[Choice]:
    return [_choice(given, given.replace(",", " or "), given)] if given and given not in values else []


def _count(count: int | None) -> str:
    return f" ({count:,})" if count else ""


def facet_links(address: Address, found: Mapping[str, Counted]) -> Iterator[dict[str, Any]]:
    """The facets of a view, each with its most frequent values as links to the view with that value added."""
    for name, words in LISTED.items():
        if name in SEVERAL and address.texts(name):
            continue
        values = [value for value in found[name] if value["value"] not in address.texts(name)]
        if name == "type" and not address.texts(name):
            values = [value for value in values if EVENT_TYPES[value["value"]].parent is None]
        # One value alone that all events have would narrow nothing.
        if not values or (len(found[name]) == 1 and name not in SHOWN):
            continue
        most = max(value["count"] for value in values)
        yield {
            "name": name,
            "words": words,
            "open": name in SHOWN,
            "more": len(values) > LINKS,
            "links": [
                {
                    "words": value["name"],
                    "top": value["value"].partition("/")[0] if name == "type" else None,
                    "count": value["count"],
                    "share": round(100 * value["count"] / most),
                    "at": str(_adding(address, name, value["value"])),
                }
                for value in values[:LINKS]
            ],
        }


def _adding(address: Address, name: str, value: str) -> Address:
    """The view with one value more. Each actor must take part; of anything else an event has one."""
    return address.also(name, value) if name == "actor" else address.having(name, value.replace(",", " "))
