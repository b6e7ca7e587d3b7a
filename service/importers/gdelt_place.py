"""Where a row of GDELT says that something happened, never more exactly than it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from schemas.faults import Fault
from schemas.fields import TEXT_LIMIT
from schemas.names import fold, remember_short
from service import gazetteer
from service.importers.cells import Values, code_of, cut, point_of
from service.importers.findings import Findings
from service.importers.gdelt_codes import fips_countries
from service.importers.place_names import country_named, province_named
from service.importers.place_points import province_at

# ActionGeo_Type: 1 country, 2 state of the United States, 3 city there, 4 city elsewhere, 5 province elsewhere.
# "City" is any named place, so that its point is near the event and no more.
PLACE_PRECISIONS: Mapping[str, str] = {"1": "country", "2": "province", "3": "near", "4": "near", "5": "province"}
NO_PLACE = ("", "0")
NAME, COUNTRY, KIND, STATE = "ActionGeo_FullName", "ActionGeo_CountryCode", "ActionGeo_Type", "ActionGeo_ADM1Code"
POINT = ("ActionGeo_Lat", "ActionGeo_Long")
COLUMNS = (KIND, NAME, COUNTRY, STATE, *POINT)
CELLS = itemgetter(*COLUMNS)

# What stands for a province that GDELT does not know: "France (general)", "(PL67)".
NO_PROVINCE = re.compile(r".*\(general\)|\([A-Z0-9]*\)|", re.DOTALL)
# Second halves of names of countries: "Bahamas, The".
HALVES = frozenset({"the", "republicof", "republicofthe", "democraticrepublicof", "democraticrepublicofthe"})


class Words(NamedTuple):
    """The parts of a full name: ``Kabul``, ``Kabol``, ``Afghanistan``. What is not there is empty."""

    place: str
    province: str
    country: str


class Place(NamedTuple):
    """An event's location, the words for it in a title, and what is wrong with them."""

    location: Mapping[str, Any] | None
    where: str
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


def place_of(values: Values) -> Place:
    """The place where GDELT puts the event. A fault rejects the record."""
    return _place(*CELLS(values))


@remember_short(16384)
def _place(*cells: str) -> Place:
    values = {column: text.strip() for column, text in zip(COLUMNS, cells, strict=True)}
    faults = Findings()
    warnings = Findings()
    point = point_of(values, faults, warnings, POINT)
    kind, name, code = code_of(values, KIND), values[NAME], values[COUNTRY].upper()
    if faults or (kind in NO_PLACE and not (name or code)):
        return Place(None, "", tuple(faults), tuple(warnings))
    precision = PLACE_PRECISIONS.get(kind)
    if precision is None:
        message = f"ActionGeo_Type is '{kind[:40]}', not 1 to 5; how exact the place is stays open."
        warnings.append(Fault(f"/{KIND}", "unknown-value", message, tuple(PLACE_PRECISIONS)))
    country = fips_countries().get(code)
    words = _words(name, country)
    province, unresolved = None, ""
    # The point of a country or a province is its middle, where nothing happened; on a map it would look exact.
    located = precision in ("near", None)
    if country is None:
        unresolved = name or code
        message = f"'{code[:40]}' is no country of FIPS 10-4 that ISO 3166-1 has; the place is kept as text."
        warnings.append(Fault(f"/{COUNTRY}", "unknown-country", message))
    elif precision != "country":
        at = point if located else (None, None)
        province, unresolved = _province(values[STATE], words, precision, country, at, warnings)
    location = {
        "country": country,
        "province": {"code": province} if province else None,
        "district": None,
        "place": cut(words.place, f"/{NAME}", warnings) if located and words.place else None,
        "latitude": point[0] if located else None,
        "longitude": point[1] if located else None,
        "precision": precision,
        "as_given": cut(unresolved, f"/{NAME}", warnings) or None,
    }
    return Place(location, _where(words, precision, country), (), tuple(warnings))


@remember_short(16384)
def _words(name: str, country: str | None) -> Words:
    """The full name taken apart from its end, since names of provinces and countries may hold commas themselves."""
    parts = [part.strip() for part in name.split(",")]
    whole = country_named(name) if name else None
    halves = 2 if len(parts) > 1 and fold(parts[-1]) in HALVES else 1
    if whole is not None and whole == country:
        halves = len(parts)
    rest, last = parts[:-halves], ", ".join(parts[-halves:])
    return Words(rest[0] if rest else "", ", ".join(rest[1:]), last)


def _province(
    state: str,
    words: Words,
    precision: str | None,
    country: str,
    point: tuple[float | None, float | None],
    warnings: Findings,
) -> tuple[str | None, str]:
    """The province's code, and the words that no province could be found for by name.

    The code that GDELT gives, of FIPS 10-4 as it once was, is only of use for the United States, where it holds the
    letters that ISO 3166-2 has; elsewhere the name tells. A point decides where no name is known, and is a check where
    one is.
    """
    at = None
    if point[0] is not None and point[1] is not None:
        at = province_at(point[0], point[1], country)
    american = gazetteer.province(f"US-{state[2:]}") if country == "US" and state[:2].upper() == "US" else None
    if american is not None:
        return american.code, ""
    names = [words.province, words.place] if precision == "province" else [words.province]
    given = [name for name in names if not NO_PROVINCE.fullmatch(name)]
    reasons: list[Fault] = []
    for name in given:
        found, reason = province_named(name, country, f"/{NAME}")
        if found is not None:
            _compare(name, found, at, warnings)
            return found, ""
        reasons += [reason] if reason else []
    if at is not None:
        what = f"'{given[0][:80]}' is no single province's name" if given else "No province is named"
        message = f"{what}; the point lies in the outline of {at}, which is coarse near a border."
        warnings.append(Fault(f"/{NAME}", "province-by-point", message, (at,)))
    elif reasons:
        warnings.append(reasons[0])
    return at, given[0] if given else ""


def _compare(name: str, found: str, at: str | None, warnings: Findings) -> None:
    if at in (None, found) or at in gazetteer.ancestors(found) or found in gazetteer.ancestors(str(at)):
        return
    message = f"'{name[:80]}' is {found}, but the point lies in {at}; the name is followed."
    warnings.append(Fault(f"/{NAME}", "province-differs", message, (str(at),)))


def _where(words: Words, precision: str | None, country: str | None) -> str:
    """A place and its country, for a title: ``Kabul, Afghanistan``."""
    last = country_name(country) if country else words.country
    first = words.place if precision != "country" else ""
    return f"{first}, {last}"[:TEXT_LIMIT].strip(", ")


@lru_cache(maxsize=512)
def country_name(code: str) -> str:
    """The usual English name of a country."""
    return next((country.name for country in gazetteer.countries() if country.code == code), code)
