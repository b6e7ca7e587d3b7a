"""Looks up the names that datasets give to countries and provinces; what is not found stays text, with the reason."""

from __future__ import annotations

import pycountry

from schemas.faults import Fault
from schemas.fields import TEXT_LIMIT
from schemas.names import remember_short
from service import gazetteer


@remember_short(16384)
def country_named(name: str) -> str | None:
    """The code of a country, ISO 3166-1 alpha-2."""
    return gazetteer.country_code(name) if len(name) <= TEXT_LIMIT else None


@remember_short(1024)
def country_numbered(number: str) -> str | None:
    """The code of the country that has a number in ISO 3166-1, with or without the zeroes before it."""
    found = pycountry.countries.get(numeric=number.zfill(3)) if number else None
    return str(found.alpha_2) if found else None


@remember_short(16384)
def province_named(name: str, country: str | None, pointer: str) -> tuple[str | None, Fault | None]:
    """The province's code, or the reason why the name, which stands at ``pointer``, is kept as text.

    country: its code; None where it is not known, as then many provinces may be meant.
    """
    if country is None:
        message = f"'{name[:80]}' cannot be looked up without a known country; it is kept as text."
        return None, Fault(pointer, "unknown-province", message)
    # No place has a longer name, and to look for one like it takes seconds.
    found = gazetteer.find_provinces(name, country) if len(name) <= TEXT_LIMIT else ()
    if len(found) == 1:
        return found[0].code, None
    if found:
        codes = tuple(province.code for province in found)
        message = f"'{name[:80]}' is the name of several provinces of {country}; it is kept as text."
        return None, Fault(pointer, "ambiguous-province", message, codes)
    near = tuple(province.code for province in gazetteer.near_provinces(name[:TEXT_LIMIT], country, 3))
    message = f"'{name[:80]}' is no province of {country} that ISO 3166-2 lists; it is kept as text."
    return None, Fault(pointer, "unknown-province", message, near)


def unknown_country(name: str, pointer: str) -> Fault:
    """The reason why the name of a country is kept as text."""
    return Fault(pointer, "unknown-country", f"'{name[:80]}' is no known country; it is kept as text.")
