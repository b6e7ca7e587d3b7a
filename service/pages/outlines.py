"""Draws the outlines of a country's units for the size of a page: projected, and simplified."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from math import ceil, cos, radians
from typing import NamedTuple

from service import gazetteer, polygons
from service.polygons import Position, Ring, Shape

# Units of the drawing, about as many pixels.
WIDTH, HEIGHT = 420, 340
MARGIN = 3
# A unit that is smaller than this gets a dot as well, so that it can be seen and pointed at.
LEAST_SEEN = 7
# All paths of a country together have no more characters than this, if coarser lines can make it so.
PATHS_MAX = 11_000
TOLERANCES = (0.6, 0.9, 1.3, 2.0, 3.0, 5.0)
COUNTRIES_KEPT = 64


class Projection(NamedTuple):
    """From degrees to units of the drawing: equirectangular, and true in the middle latitude.

    west, north: of the corner. turn: longitudes west of this are drawn east of 180. shrink: how much narrower a degree
    of longitude is than one of latitude. scale: units for a degree of latitude.
    """

    west: float
    north: float
    turn: float
    shrink: float
    scale: float

    def place(self, longitude: float, latitude: float) -> Position:
        across = _turned(longitude, self.turn) - self.west
        return MARGIN + across * self.shrink * self.scale, MARGIN + (self.north - latitude) * self.scale


@dataclass(frozen=True, slots=True)
class Outline:
    """A unit's path; and where its dot stands if it is too small to be seen."""

    path: str
    dot: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class CountryMap:
    """The drawing of a country. units: the outlines by code, those that lie within others after these."""

    width: int
    height: int
    units: dict[str, Outline]
    projection: Projection

    def place(self, longitude: float, latitude: float) -> tuple[int, int] | None:
        """Where a point stands; None where it is not on the map."""
        x, y = self.projection.place(longitude, latitude)
        return (round(x), round(y)) if 0 <= x <= self.width and 0 <= y <= self.height else None


def _turned(longitude: float, turn: float) -> float:
    return longitude + 360 if longitude < turn else longitude


@lru_cache(maxsize=COUNTRIES_KEPT)
def country_map(country: str) -> CountryMap | None:
    """The drawing of a country's units that have outlines; None where none has."""
    units = sorted(gazetteer.provinces(country), key=lambda unit: (len(gazetteer.ancestors(unit.code)), unit.code))
    shapes = {unit.code: shape for unit in units if (shape := polygons.shape(unit.code))}
    if not shapes:
        return None
    projection, width, height = _projection(shapes.values())
    drawn: dict[str, Outline] = {}
    for tolerance in TOLERANCES:
        drawn = _drawn(shapes, projection, tolerance)
        if sum(len(unit.path) for unit in drawn.values()) <= PATHS_MAX:
            break
    return CountryMap(width, height, drawn, projection)


def _exteriors(shapes: Iterable[Shape]) -> Iterator[list[Position]]:
    """The points of each polygon's outer ring."""
    for shape in shapes:
        for rings in shape.polygons:
            yield [point for number in rings[0] for point in shape.arcs[number if number >= 0 else ~number]]


def _projection(shapes: Collection[Shape]) -> tuple[Projection, int, int]:
    """What makes the shapes as large as the drawing may be, and how wide and high that is."""
    turn = _turn(shapes)
    points = [point for exterior in _exteriors(shapes) for point in exterior]
    longitudes = [_turned(x, turn) for x, _ in points]
    latitudes = [y for _, y in points]
    west, north = min(longitudes), max(latitudes)
    shrink = cos(radians((north + min(latitudes)) / 2))
    across, tall = (max(longitudes) - west) * shrink, north - min(latitudes)
    scale = min((WIDTH - 2 * MARGIN) / across, (HEIGHT - 2 * MARGIN) / tall)
    width, height = ceil(across * scale) + 2 * MARGIN, ceil(tall * scale) + 2 * MARGIN
    return Projection(west, north, turn, shrink, scale), width, height


def _turn(shapes: Iterable[Shape]) -> float:
    """The longitude behind the widest gap between the shapes, -180 where that gap is about the antimeridian."""
    spans = sorted((min(points)[0], max(points)[0]) for points in _exteriors(shapes))
    reach, turn = spans[0][1], -180.0
    widest = spans[0][0] + 360 - max(east for _, east in spans)
    for west, east in spans[1:]:
        if west - reach > widest:
            widest, turn = west - reach, west
        reach = max(reach, east)
    return turn


def _drawn(shapes: Mapping[str, Shape], projection: Projection, tolerance: float) -> dict[str, Outline]:
    """The outlines by code. Arcs are simplified once for all units that share them, so that borders stay whole."""

    @cache
    def arc(code: str, number: int) -> Sequence[Position]:
        return simplified([projection.place(x, y) for x, y in shapes[code].arcs[number]], tolerance)

    outlines = {}
    for code, shape in shapes.items():
        # Units of one table have their arcs in common.
        owner = next(other for other in shapes if shapes[other].arcs is shape.arcs)
        rings = [_joined(ring, partial(arc, owner)) for rings in shape.polygons for ring in rings]
        paths = [_path(points) for points in rings if len(set(points)) > 2]
        outlines[code] = Outline("".join(paths), _dot([point for points in rings for point in points]))
    return outlines


def _joined(ring: Sequence[int], arc: Callable[[int], Sequence[Position]]) -> list[tuple[int, int]]:
    """The points of a ring in whole units, none twice in a row, the last unlike the first."""
    line: list[tuple[int, int]] = []
    for number in ring:
        points = arc(number) if number >= 0 else arc(~number)[::-1]
        for x, y in points:
            if not line or line[-1] != (round(x), round(y)):
                line.append((round(x), round(y)))
    return line[:-1] if len(line) > 1 and line[0] == line[-1] else line


def _path(points: Sequence[tuple[int, int]]) -> str:
    """A closed path in relative steps, which need the fewest characters."""
    (x, y), *others = points
    steps = []
    for to_x, to_y in others:
        steps.append(f"{to_x - x}{'' if to_y < y else ' '}{to_y - y}")
        x, y = to_x, to_y
    joined = steps[0] + "".join(step if step.startswith("-") else " " + step for step in steps[1:])
    return f"M{points[0][0]} {points[0][1]}l{joined}z"


def _dot(points: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if max(max(xs) - min(xs), max(ys) - min(ys)) >= LEAST_SEEN:
        return None
    return (min(xs) + max(xs)) // 2, (min(ys) + max(ys)) // 2


def simplified(line: Sequence[Position], tolerance: float) -> Ring:
    """The line without the points that lie within a tolerance of what is left (Ramer, Douglas and Peucker)."""
    kept = {0, len(line) - 1}
    parts = [(0, len(line) - 1)]
    while parts:
        first, last = parts.pop()
        between = range(first + 1, last)
        if not between:
            continue
        farthest = max(between, key=lambda place: _distance(line[place], line[first], line[last]))
        # A line that ends where it began is an island, which needs a third point.
        if _distance(line[farthest], line[first], line[last]) > tolerance:
            kept.add(farthest)
            parts += [(first, farthest), (farthest, last)]
    return tuple(line[place] for place in sorted(kept))


def _distance(point: Position, start: Position, end: Position) -> float:
    """How far a point is from the line between two others."""
    (x, y), (x1, y1), (x2, y2) = point, start, end
    across, down = x2 - x1, y2 - y1
    length = across * across + down * down
    along = ((x - x1) * across + (y - y1) * down) / length if length else 0.0
    along = min(max(along, 0.0), 1.0)
    return float(((x - x1 - along * across) ** 2 + (y - y1 - along * down) ** 2) ** 0.5)
