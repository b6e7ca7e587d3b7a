"""Draws the provinces of one country shaded by how many events each has, as data for an SVG picture and its table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from peewee import Database

from schemas.query import LIST_LIMIT
from service import gazetteer
from service.facets import FacetsQuery, facets
from service.formats.prose import place_words
from service.pages.address import Address
from service.pages.axis import in_words
from service.pages.outlines import CountryMap, country_map

# Shades from few events to many; 0 is for none.
SHADES = 6
# Other countries that are named beside the map.
COUNTRIES_MAX = 8

Counted = Sequence[Mapping[str, Any]]


def province_map(
    database: Database,
    filters: Mapping[str, Any],
    counted: Mapping[str, Counted],
    total: int,
    address: Address,
) -> dict[str, Any] | None:
    """The map of the country in view, and how many events are not on it; None where there is nothing to tell.

    counted: the facets of the query, whole ones of provinces and countries; total: how many events it finds. A
    province that was asked for may be joined by others, so the map counts by the other filters then.
    """
    placed = sum(country["count"] for country in counted["country"])
    country = _in_view(filters, counted["country"])
    if country is None:
        return {"country": None, "placeless": total} if total else None
    chosen = tuple(filters.get("province", ()))
    provinces = _of_the_others(database, filters, country) if chosen else counted["province"]
    counts = {each["value"]: each["count"] for each in provinces}
    units = [unit for unit in gazetteer.provinces(country) if counts.get(unit.code)]
    drawn = country_map(country)
    shading = Shading.of(max((counts[unit.code] for unit in units if drawn and unit.code in drawn.units), default=0))
    names = {each.code: each.name for each in gazetteer.countries()}
    here = sum(each["count"] for each in counted["country"] if each["value"] == country)
    return {
        "country": country,
        "name": names[country],
        "picture": drawn and _picture(drawn, counts, shading, chosen, address),
        "legend": shading.legend,
        "places": [
            {
                "name": unit.name,
                "count": counts[unit.code],
                "at": _toggled(address, chosen, unit.code),
                "chosen": unit.code in chosen,
                "drawn": drawn is not None and unit.code in drawn.units,
            }
            for unit in sorted(units, key=lambda unit: (-counts[unit.code], unit.name))
        ],
        "cleared": str(address.without("province")) if address.texts("province") else None,
        # Each event has one province, which may be part of another one.
        "unplaced": 0 if chosen else here - sum(counts[unit.code] for unit in units if not unit.parent),
        "placeless": total - placed,
        **_elsewhere(counted["country"], country, address),
    }


def place_map(location: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The map of an event's country with its place on it, for the same template; None where no map can show it."""
    country = location and location["country"]
    drawn = country_map(country) if country else None
    if not location or not drawn:
        return None
    province = location["province"] and location["province"]["code"]
    known = location["latitude"] is not None
    point = drawn.place(location["longitude"], location["latitude"]) if known else None
    if point is None and province not in drawn.units:
        return None
    marked = (province,) if province else ()
    picture = _picture(drawn, {}, Shading.of(0), marked, None)
    exact = location["precision"] in (None, "exact", "near")
    return {"picture": {**picture, "point": point, "exact": exact}, "words": place_words(location)}


def _in_view(filters: Mapping[str, Any], countries: Counted) -> str | None:
    """The country that the map shows: of those that were asked for, or of all, the one with most events."""
    asked: Collection[str] = filters.get("country", ())
    if "province" in filters:
        of_provinces = [code.partition("-")[0] for code in filters["province"]]
        asked = [code for code in of_provinces if code in (asked or of_provinces)]
    found = [country["value"] for country in countries if not asked or country["value"] in asked]
    return next(iter([*found, *asked]), None)


def _of_the_others(database: Database, filters: Mapping[str, Any], country: str) -> Counted:
    """The counts of the country's provinces by all filters but that of provinces.

    The filter of countries takes nothing from a country that is in view. It is set anew where it makes the counting
    shorter: counts of all events, and of an actor's, are kept.
    """
    others = {name: value for name, value in filters.items() if name not in ("province", "country")}
    if not others.keys() <= {"actor"}:
        others["country"] = [country]
    found = facets(database, FacetsQuery(others, by=("province",), whole=("province",)))
    provinces: Counted = found["facets"]["province"]
    return provinces


def _toggled(address: Address, chosen: Sequence[str], code: str) -> str | None:
    """The view with one province more, or without it; None where no more can be asked for.

    On a province's own page, whose path has it fixed, the way leads to the timeline of the other one.
    """
    if chosen and not address.texts("province"):
        return str(address.at("/").having("province", code))
    codes = [other for other in chosen if other != code] if code in chosen else [*chosen, code]
    if len(codes) > LIST_LIMIT:
        return None
    return str(address.having("province", ",".join(codes)) if codes else address.without("province"))


def _elsewhere(countries: Counted, shown: str, address: Address) -> dict[str, Any]:
    """The other countries, those with most events by name, and how many events the rest have."""
    others = [country for country in countries if country["value"] != shown]
    return {
        "others": [
            {
                "name": country["name"],
                "count": country["count"],
                "at": str(address.having("country", country["value"])),
            }
            for country in others[:COUNTRIES_MAX]
        ],
        "farther": len(others[COUNTRIES_MAX:]),
        "farther_events": sum(country["count"] for country in others[COUNTRIES_MAX:]),
    }


@dataclass(frozen=True, slots=True)
class Shading:
    """Which shade a count has: the least count of each shade, each a like multiple of the one before."""

    least: tuple[int, ...]
    most: int

    @classmethod
    def of(cls, most: int) -> Shading:
        """The shading whose darkest shade has the largest count."""
        return cls(tuple(ceil(round(most ** (shade / SHADES), 9)) for shade in range(SHADES)) if most else (), most)

    def shade(self, count: int) -> int:
        return sum(least <= count for least in self.least)

    @property
    def legend(self) -> list[dict[str, Any]]:
        """The shades that there are, each with the counts that have it in words."""
        bounds = [*sorted(set(self.least)), self.most + 1]
        spans = zip(bounds, (bound - 1 for bound in bounds[1:]), strict=False)
        return [
            {"shade": self.shade(low), "words": f"{low:,}" if low == high else f"{low:,} to {high:,}"}
            for low, high in spans
        ]


def _picture(
    drawn: CountryMap, counts: Mapping[str, int], shading: Shading, chosen: Collection[str], address: Address | None
) -> dict[str, Any]:
    """The drawing with its shades, the chosen units last, so that nothing covers their borders."""
    shapes = []
    for code, outline in drawn.units.items():
        count, unit = counts.get(code, 0), gazetteer.province(code)
        name = unit.name if unit else code
        linked = address is not None and (count or code in chosen)
        shapes.append(
            {
                "path": outline.path,
                "dot": outline.dot if count or code in chosen or not outline.path else None,
                "shade": shading.shade(count),
                "chosen": code in chosen,
                "title": f"{name}: {in_words(count)}" if count else name,
                "at": _toggled(address, tuple(chosen), code) if address and linked else None,
            }
        )
    return {
        "width": drawn.width,
        "height": drawn.height,
        "shapes": sorted(shapes, key=lambda shape: bool(shape["chosen"])),
        "point": None,
    }
