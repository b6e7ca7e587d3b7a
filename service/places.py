"""Resolves the name of a country or province to the one that it means, or says what it could mean."""

from __future__ import annotations

from collections.abc import Callable, Collection

from schemas.faults import unreadable
from schemas.fields import shorten
from schemas.names import COMPARED
from service import gazetteer


def always() -> bool:
    return True


def resolve_country(name: str, suggests: Callable[[], bool] = always) -> str:
    """The alpha-2 code of the country that ``name`` means. Raises Unreadable with the nearest.

    suggests: asked for an unknown name, whether to look for the nearest, which costs more than all else.
    """
    code = gazetteer.country_code(name)
    if code is None:
        nearest = gazetteer.near_countries(name[:COMPARED]) if suggests() else ()
        suggestions = [text for country in nearest for text in (country.name, country.code)]
        raise unreadable("unknown-country", f"no country is called {shorten(name)!r}", suggestions)
    return code


def resolve_province(
    name: str, countries: Collection[str] = (), suggests: Callable[[], bool] = always
) -> gazetteer.Province:
    """The province that ``name`` means; where several have the name, the one of them in ``countries``.

    Raises Unreadable with the candidates, or with the names and codes of the nearest if ``suggests`` says so.
    """
    found = gazetteer.find_provinces(name)
    if len(found) > 1:
        found = tuple(unit for unit in found if unit.country in countries) or found
    if len(found) == 1:
        return found[0]
    if found:
        message = f"{shorten(name)!r} is a province of several countries; give its code, or the country as well"
        raise unreadable("ambiguous-province", message, [unit.code for unit in found])
    country = next(iter(countries)) if len(countries) == 1 else None
    nearest = gazetteer.near_provinces(name[:COMPARED], country) if suggests() else ()
    suggestions = [text for unit in nearest for text in (unit.name, unit.code)]
    raise unreadable("unknown-province", f"no province is called {shorten(name)!r}", suggestions)
