"""Finds the province that a point lies in: a check on a name, and a fallback where there is none that is known."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from service import gazetteer, polygons

Ring = tuple[tuple[float, float], ...]


class _Area(NamedTuple):
    """One polygon of a province, with its box: west, south, east, north."""

    code: str
    box: tuple[float, float, float, float]
    rings: tuple[Ring, ...]


@lru_cache(maxsize=16384)
def province_at(latitude: float, longitude: float, country: str) -> str | None:
    """The code of the province of this country in whose outline the point lies (degrees, WGS 84), None where in none.

    Of a unit and those that it is divided into, the highest. The outlines are coarse: near a border the neighbour may
    be found.
    """
    found = {
        area.code
        for area in _areas(country)
        if area.box[0] <= longitude <= area.box[2]
        and area.box[1] <= latitude <= area.box[3]
        and _inside(longitude, latitude, area.rings)
    }
    return min(found, key=lambda code: (len(gazetteer.ancestors(code)), code), default=None)


@lru_cache(maxsize=512)
def _areas(country: str) -> tuple[_Area, ...]:
    areas: list[_Area] = []
    for province in gazetteer.provinces(country):
        geometry = polygons.polygon(province.code)
        if geometry is None:
            continue
        shapes = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        for shape in shapes:
            rings = tuple(tuple((float(x), float(y)) for x, y in ring) for ring in shape)
            longitudes, latitudes = zip(*rings[0], strict=True)
            box = (min(longitudes), min(latitudes), max(longitudes), max(latitudes))
            areas.append(_Area(province.code, box, rings))
    return tuple(areas)


def _inside(x: float, y: float, rings: tuple[Ring, ...]) -> bool:
    """Whether a ray from the point crosses the outline and the rims of its holes an odd number of times."""
    inside = False
    for ring in rings:
        for (x1, y1), (x2, y2) in pairwise(ring):
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                inside = not inside
    return inside
