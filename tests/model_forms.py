"""The forms of events and actors in the model of the store: what was left out, what follows, and what a patch makes.

Written from the contract; the dates and provinces are those that the test of it uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jsonpatch

Content = dict[str, Any]

# What follows from each date: start, end, precision and qualifier.
DATES = {
    "2021-08-26": ("2021-08-26", "2021-08-26", "day", None),
    "2021-08-27": ("2021-08-27", "2021-08-27", "day", None),
    "2020-02-29%": ("2020-02-29", "2020-02-29", "day", "both"),
    "2021-08-26T09:30": ("2021-08-26T09:30", "2021-08-26T09:30", "minute", None),
    "2021-08": ("2021-08-01", "2021-08-31", "month", None),
    "2021~": ("2021-01-01", "2021-12-31", "year", "approximate"),
    "202X": ("2020-01-01", "2029-12-31", "decade", None),
    "2021-08-20/2021-08-27?": ("2021-08-20", "2021-08-27", "day", "uncertain"),
    "../2021-08-26": (None, "2021-08-26", "day", None),
    "2021-08-25/..": ("2021-08-25", None, "day", None),
}
# Name, country and the unit that it is part of.
PROVINCES = {
    "AF-PAN": ("Panjshir", "AF", None),
    "AF-KAB": ("Kabul", "AF", None),
    "FR-01": ("Ain", "FR", "FR-ARA"),
    "FR-ARA": ("Auvergne-Rhône-Alpes", "FR", None),
}
TYPES = ("battle", "battle/armed-clash", "explosion", "other")
EVENT: Content = {
    "title": None, "summary": None, "date": None, "type": "other", "status": "reported", "location": None,
    "actors": (), "claims": (), "sources": (), "related": (), "tags": (), "dataset": "local",
}  # fmt: skip
LOCATION: Content = dict.fromkeys(
    ("country", "province", "district", "place", "latitude", "longitude", "precision", "as_given")
)
CLAIM: Content = {
    "claimant": None, "stance": "asserts", "statement": None, "measure": None, "of": None, "low": None, "best": None,
    "high": None, "source": None, "date": None, "preferred": False,
}  # fmt: skip
SOURCE: Content = dict.fromkeys(("ref", "publisher", "title", "url", "published", "via"))
ACTOR: Content = {
    "name": None, "aliases": (), "kind": None, "member_of": (), "country": None, "description": None, "external_ids": {}
}  # fmt: skip
# What the server derives and may get back as it was.
DERIVED = ("start", "end", "precision", "qualifier", "casualties")
# What an answer has besides, which is ignored when it is written.
COUNTED = ("events", "first", "last")
ALWAYS_IGNORED = ("id", "version", "created", "updated")


class Refusal(Exception):
    """The status by which a request is refused."""

    def __init__(self, status: int) -> None:
        self.status = status


def named_in(content: Content) -> set[str]:
    """The actors that an event names."""
    named = {actor["id"] for actor in content["actors"]} | {claim["of"] for claim in content["claims"]}
    named |= {(claim["claimant"] or {}).get("id") for claim in content["claims"]}
    return named - {None, "civilians"}


def placed(location: Content) -> Content:
    """A location with every part; a province, by code or name, brings its country."""
    province = location.get("province")
    code = province["code"] if isinstance(province, dict) else province
    found = next((each for each, (name, *_) in PROVINCES.items() if code in (each, name)), None)
    if code and (found is None or location.get("country") not in (None, PROVINCES[found][1])):
        raise Refusal(422)
    shown = {"province": {"code": found, "name": PROVINCES[found][0]}, "country": PROVINCES[found][1]} if found else {}
    return {**LOCATION, **location, **shown}


def casualties(claims: Sequence[Content]) -> Content:
    """What simple claims come to: none is preferred, and each has one figure, or a low and a high."""
    found: Content = {}
    for measure in dict.fromkeys(claim["measure"] for claim in claims if claim["measure"]):
        groups: dict[str | None, list[tuple[int, int]]] = {}
        contested = set()
        for claim in claims:
            figures = [figure for figure in (claim["low"], claim["best"], claim["high"]) if figure is not None]
            if claim["measure"] == measure and claim["stance"] in ("denies", "disputes"):
                contested.add(claim["of"])
            elif claim["measure"] == measure and claim["stance"] in ("asserts", "confirms") and figures:
                groups.setdefault(claim["of"], []).append((min(figures), max(figures)))
        if not groups:
            continue
        disputed = any(len(set(figures)) > 1 or of in contested for of, figures in groups.items())
        spans = {of: (min(low for low, _ in each), max(high for _, high in each)) for of, each in groups.items()}
        whole = spans.pop(None, None)
        low, high = sum(low for low, _ in spans.values()), sum(high for _, high in spans.values())
        exact = all(low == high for low, high in spans.values())
        best = low if exact else None
        if whole:
            low, high, best = whole[0], max(whole[1], high), whole[0] if whole[0] == whole[1] else None
        found[measure] = {"low": low, "best": None if disputed else best, "high": high, "disputed": disputed}
    return found


def merged_patch(document: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        result[name] = merged_patch(result.get(name), value)
    return {name: value for name, value in result.items() if value is not None or name not in patch}


def operated(document: Content, patch: list[Content]) -> Content | None:
    """RFC 6902, None where an operation cannot be done."""
    try:
        result: Content = jsonpatch.apply_patch(document, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        return None
    return result
