"""Where an ACLED row says that something happened, never more exactly than it says."""

from __future__ import annotations

from typing import Any

from schemas.faults import Fault
from service.importers.cells import Values, cell, code_of, cut
from service.importers.findings import Findings
from service.importers.place_names import country_named, country_numbered, province_named, unknown_country

# geo_precision: 1 the named town, 2 a town that stands for what is near it, 3 one that stands for a larger region.
PLACE_PRECISIONS = {"1": "exact", "2": "near", "3": "province"}


def location_of(values: Values, point: tuple[float | None, float | None], warnings: Findings) -> dict[str, Any] | None:
    country_name, first, second = (cell(values, name) for name in ("country", "admin1", "admin2"))
    place = place_of(values)
    if not (country_name or first or second or place or point[0] is not None):
        return None
    unresolved: list[str] = []
    country = country_named(country_name) if country_name else None
    # ACLED names some countries in ways of its own, and has their ISO number beside them.
    country = country or country_numbered(code_of(values, "iso"))
    province = None
    if first:
        province, warning = province_named(first, country, "/admin1")
        if warning is not None:
            warnings.append(warning)
            unresolved.append(first)
    if country_name and country is None:
        warnings.append(unknown_country(country_name, "/country"))
        unresolved.append(country_name)
    return {
        "country": country,
        "province": {"code": province} if province else None,
        "district": cut(second, "/admin2", warnings) or None,
        "place": cut(place, "/location", warnings) or None,
        "latitude": point[0],
        "longitude": point[1],
        "precision": _precision(values, first, warnings),
        "as_given": cut(", ".join(unresolved), "/admin1", warnings) or None,
    }


def place_of(values: Values) -> str:
    """The location and, where there is one that says more, the third-level unit that it lies in."""
    names = [cell(values, "location"), cell(values, "admin3")]
    return ", ".join(dict.fromkeys(name for name in names if name))


def _precision(values: Values, first: str, warnings: Findings) -> str | None:
    given = code_of(values, "geo_precision")
    precision = PLACE_PRECISIONS.get(given)
    if precision is None and given:
        message = f"geo_precision is '{given[:40]}', not 1 to 3; how exact the place is stays open."
        warnings.append(Fault("/geo_precision", "unknown-value", message, tuple(PLACE_PRECISIONS)))
    return "country" if precision == "province" and not first else precision
