"""Outlines of provinces: GeoJSON geometries and bounding boxes.

The outlines are Natural Earth's (public domain), coarse, and older than the registry in places: good as a
backdrop and as a check on a name, never as an authority on a border.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise
from typing import Any

Position = tuple[float, float]
Ring = tuple[Position, ...]
Box = tuple[float, float, float, float]

# Later tables win: the Afghan one is finer and has its codes mended.
_TABLES = (("world-admin1.topojson", "admin1"), ("af-provinces.topojson", "provinces"))
# Six decimals are 0.1 m, finer than any of the tables.
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Shape:
    """One unit's polygons, each as rings of arc numbers, with the decoded arcs they refer to."""

    polygons: list[list[list[int]]]
    arcs: list[Ring]


def _decoded_arcs(topology: dict[str, Any]) -> list[Ring]:
    """The arcs as (longitude, latitude): sums of steps, scaled and shifted (TopoJSON, 2.1.2 and 2.1.3)."""
    scale_x, scale_y = topology["transform"]["scale"]
    shift_x, shift_y = topology["transform"]["translate"]
    arcs: list[Ring] = []
    for steps in topology["arcs"]:
        x = y = 0
        line: list[Position] = []
        for step_x, step_y in steps:
            x, y = x + step_x, y + step_y
            # The coarse grid oversteps the antimeridian by a hundredth of a degree.
            longitude = min(round(x * scale_x + shift_x, _DECIMALS), 180.0)
            line.append((longitude, round(y * scale_y + shift_y, _DECIMALS)))
        arcs.append(tuple(line))
    return arcs


@cache
def _shapes() -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}
    for file, layer in _TABLES:
        topology = json.loads(resources.files("seed").joinpath("gazetteer", file).read_bytes())
        arcs = _decoded_arcs(topology)
        for geometry in topology["objects"][layer]["geometries"]:
            polygons = [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry["arcs"]
            shapes[geometry["properties"]["iso_3166_2"]] = Shape(polygons, arcs)
    return shapes


def shape(code: str) -> Shape | None:
    """A unit's rings as numbers of arcs, which neighbours share; None where no outline is known."""
    return _shapes().get(code.upper())


def _ring(numbers: list[int], arcs: list[Ring]) -> Ring:
    """Arcs joined end to end; ``~n`` is arc n backwards. Each begins where the one before it ends."""
    line: list[Position] = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        line.extend(arc[1:] if line else arc)
    # Coarse steps can repeat a position.
    return tuple(here for here, after in pairwise([*line, None]) if here is not None and here != after)


def _area(ring: Ring) -> float:
    """Twice the signed area in square degrees: positive when counter-clockwise."""
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))


def _wound(ring: Ring, *, exterior: bool) -> Ring:
    """Exterior rings counter-clockwise, holes clockwise (RFC 7946, section 3.1.6)."""
    return ring if (_area(ring) > 0) == exterior else ring[::-1]


@lru_cache(maxsize=2048)
def _polygons(code: str) -> tuple[tuple[Ring, ...], ...]:
    """Polygons as rings, the exterior first. Rings that coarseness made flat are left out."""
    found = shape(code)
    polygons: list[tuple[Ring, ...]] = []
    for rings in found.polygons if found else ():
        lines = [_ring(numbers, found.arcs) for numbers in rings] if found else []
        if not lines or not _area(lines[0]):
            continue
        holes = [_wound(line, exterior=False) for line in lines[1:] if _area(line)]
        polygons.append((_wound(lines[0], exterior=True), *holes))
    return tuple(polygons)


def polygon(code: str) -> dict[str, Any] | None:
    """A unit's GeoJSON geometry (RFC 7946: Polygon or MultiPolygon, WGS 84), None where none is known."""
    polygons = _polygons(code.upper())
    if not polygons:
        return None
    coordinates = [[[list(position) for position in ring] for ring in rings] for rings in polygons]
    if len(coordinates) == 1:
        return {"type": "Polygon", "coordinates": coordinates[0]}
    return {"type": "MultiPolygon", "coordinates": coordinates}


def _span(intervals: list[tuple[float, float]]) -> tuple[float, float]:
    """West and east of the narrowest arc round the globe that covers all intervals of longitude.

    It leaves out the widest gap; west > east when it crosses the antimeridian (RFC 7946, section 5.2).
    """
    intervals = sorted(intervals)
    west, reach = intervals[0]
    first, widest = west, 0.0
    span = (west, max(east for _west, east in intervals))
    outer = first + 360 - span[1]
    for start, end in intervals[1:]:
        if start - reach > max(widest, outer):
            widest = start - reach
            span = (start, reach)
        reach = max(reach, end)
    return span


@lru_cache(maxsize=8192)
def bbox(code: str) -> Box | None:
    """West, south, east, north in degrees, or None. West > east for a unit that crosses the antimeridian."""
    exteriors = [rings[0] for rings in _polygons(code.upper())]
    if not exteriors:
        return None
    longitudes = [(min(x for x, _y in ring), max(x for x, _y in ring)) for ring in exteriors]
    latitudes = [y for ring in exteriors for _x, y in ring]
    west, east = _span(longitudes)
    return west, min(latitudes), east, max(latitudes)
