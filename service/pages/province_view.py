"""What a province's page shows: its names, its timeline, and who is active there."""

from __future__ import annotations

from typing import Any

from peewee import Database

from schemas.errors import Ambiguous, NotFound
from schemas.fields import shorten
from schemas.names import COMPARED
from service import catalog, gazetteer
from service.formats.prose import country_words
from service.gazetteer import Province
from service.pages.fixed_view import fixed_view, listed


def province_view(database: Database, name: str, query_string: bytes) -> dict[str, Any]:
    """All that the template of a province needs. Raises Refused, Ambiguous, and NotFound with the nearest."""
    unit = _find(name)
    shown = fixed_view(database, f"/provinces/{unit.code}", "province", unit.code, query_string)
    return {
        **shown,
        "province": catalog.province(database, unit),
        "country": country_words(unit.country),
        "parents": [above for code in gazetteer.ancestors(unit.code) if (above := gazetteer.province(code))],
        "children": [one for one in gazetteer.provinces(unit.country) if one.parent == unit.code],
        "who": list(listed(shown["address"], "actor", shown["choices"]["actor"])),
    }


def _find(name: str) -> Province:
    units = gazetteer.find_provinces(name)
    if len(units) == 1:
        return units[0]
    if units:
        raise Ambiguous(f"Several provinces are called {shorten(name)!r}.", map(_told, units))
    near = gazetteer.near_provinces(name[:COMPARED])
    raise NotFound(f"There is no province {shorten(name)!r}.", map(_told, near))


def _told(unit: Province) -> tuple[str, str]:
    """A province by its code, and by its name and country."""
    return unit.code, f"{unit.name}, {country_words(unit.country)}"
