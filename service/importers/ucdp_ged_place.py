"""Where a row of UCDP GED says that something happened, never more exactly than it says."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from schemas.faults import Fault
from service import gazetteer
from service.importers.ucdp_ged_cells import Values, cell, code_of, cut

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
DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?")


def point_of(values: Values, faults: list[Fault], warnings: list[Fault]) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees, WGS 84; both or neither."""
    found: list[float | None] = []
    for name, limit in (("latitude", 90), ("longitude", 180)):
        text = cell(values, name)
        if not text:
            found.append(None)
        elif DEGREES.fullmatch(text) is None:
            faults.append(Fault(f"/{name}", "not-a-number", f"{name}: '{text[:40]}' is not a number of degrees."))
        elif abs(float(text)) > limit:
            faults.append(Fault(f"/{name}", "out-of-range", f"{name}: {text} is beyond {limit} degrees."))
        else:
            found.append(float(text))
    if len(found) < 2:
        return None, None
    if (found[0] is None) != (found[1] is None):
        name = "latitude" if found[0] is None else "longitude"
        warnings.append(Fault(f"/{name}", "missing", f"There is no {name}; the other coordinate is left out."))
        return None, None
    return found[0], found[1]


@lru_cache(maxsize=16384)
def _country(name: str) -> str | None:
    return gazetteer.country_code(name)


@lru_cache(maxsize=16384)
def _province(name: str, country: str) -> tuple[str | None, Fault | None]:
    """The province's code, or the reason why the name was kept as text."""
    found = gazetteer.find_provinces(name, country)
    if len(found) == 1:
        return found[0].code, None
    if found:
        codes = tuple(province.code for province in found)
        message = f"'{name[:80]}' is the name of several provinces of {country}; it is kept as text."
        return None, Fault("/adm_1", "ambiguous-province", message, codes)
    near = tuple(province.code for province in gazetteer.near_provinces(name, country, 3))
    message = f"'{name[:80]}' is no province of {country} that ISO 3166-2 lists; it is kept as text."
    return None, Fault("/adm_1", "unknown-province", message, near)


def location_of(
    values: Values, point: tuple[float | None, float | None], warnings: list[Fault]
) -> dict[str, Any] | None:
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
    country = _country(country_name) if country_name else None
    province = None
    if first and precision == "country":
        message = f"The event is only known to the country or beyond it; '{first[:80]}' is kept as text."
        warnings.append(Fault("/adm_1", "province-not-placed", message))
        unresolved.append(first)
    elif first:
        warning: Fault | None
        if country is None:
            message = f"'{first[:80]}' cannot be looked up without a known country; it is kept as text."
            warning = Fault("/adm_1", "unknown-province", message)
        else:
            province, warning = _province(first, country)
        if warning is not None:
            warnings.append(warning)
            unresolved.append(first)
    if country_name and country is None:
        warnings.append(
            Fault(
                "/country",
                "unknown-country",
                f"'{country_name[:80]}' is no known country; it is kept as text.",
            )
        )
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
