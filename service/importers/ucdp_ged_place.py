"""Where a row of UCDP GED says that something happened, never more exactly than it says."""

from __future__ import annotations

from typing import Any

from schemas.faults import Fault
from service.importers.cells import Values, cell, code_of, cut
from service.importers.findings import Findings
from service.importers.place_names import country_named, province_named, unknown_country

# where_prec: 5 is a line or a fuzzy area, as large as the province that is named or larger where none is; 7
# lies in no country, and no value of ours is coarser than country.
PLACE_PRECISIONS = {
    "1": "exact",
    "2": "near",
    "3": "district",
    "4": "province",
    "5": "province",
    "6": "country",
    "7": "country",
}


def location_of(values: Values, point: tuple[float | None, float | None], warnings: Findings) -> dict[str, Any] | None:
    country_name, first, second, place = (
        cell(values, name) for name in ("country", "adm_1", "adm_2", "where_coordinates")
    )
    given = code_of(values, "where_prec")
    precision = PLACE_PRECISIONS.get(given)
    if given == "5" and not first:
        precision = "country"
    if precision is None and given:
        message = f"where_prec is '{given[:40]}', not 1 to 7; how exact the place is stays open."
        warnings.append(Fault("/where_prec", "unknown-value", message))
    if not (country_name or first or second or place or point[0] is not None):
        return None
    unresolved: list[str] = []
    country = country_named(country_name) if country_name else None
    province = None
    if first and precision == "country":
        message = f"The event is only known to the country or beyond it; '{first[:80]}' is kept as text."
        warnings.append(Fault("/adm_1", "province-not-placed", message))
        unresolved.append(first)
    elif first:
        province, warning = province_named(first, country, "/adm_1")
        if warning is not None:
            warnings.append(warning)
            unresolved.append(first)
    if country_name and country is None:
        warnings.append(unknown_country(country_name, "/country"))
        unresolved.append(country_name)
    return {
        "country": country,
        "province": {"code": province} if province else None,
        "district": cut(second, "/adm_2", warnings) or None,
        "place": cut(place, "/where_coordinates", warnings) or None,
        "latitude": point[0],
        "longitude": point[1],
        "precision": precision,
        "as_given": cut(", ".join(unresolved), "/adm_1", warnings) or None,
    }
