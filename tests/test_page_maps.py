"""The maps of countries by themselves: their outlines, their shades, and the place of one event."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from shapely.geometry import Point, Polygon, shape  # type: ignore[import-untyped]  # It ships no types.
from shapely.ops import unary_union  # type: ignore[import-untyped]  # It ships no types.

from service import gazetteer
from service.pages.outlines import PATHS_MAX, CountryMap, country_map, simplified
from service.pages.province_map import Shading, place_map
from service.polygons import polygon


def points(path: str) -> Iterator[list[tuple[int, int]]]:
    """The rings of a path as points."""
    for ring in path.split("z")[:-1]:
        start, steps = ring[1:].split("l")
        x, y = map(int, start.split())
        found = [(x, y)]
        numbers = [int(text) for text in re.findall(r"-?\d+", steps)]
        for across, down in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + across, y + down
            found.append((x, y))
        yield found


def area(path: str) -> Any:
    """A path as a shape of its outer rings."""
    return unary_union([Polygon(ring).buffer(0) for ring in points(path)])


def drawn(country: str) -> CountryMap:
    found = country_map(country)
    assert found
    return found


# Outlines


def gaps(whole: Any) -> float:
    """The share of a country that is in none of its units: what their outlines leave open."""
    parts = getattr(whole, "geoms", [whole])
    return float(sum(Polygon(ring).area for each in parts for ring in each.interiors) / whole.area)


@pytest.mark.parametrize("country", ["AF", "FR", "CN", "IN", "UA", "PK"])
def test_borders_that_units_share_are_not_torn_apart(country: str) -> None:
    known = [outline for unit in gazetteer.provinces(country) if (outline := polygon(unit.code))]
    shapes = [area(unit.path) for unit in drawn(country).units.values()]
    whole = unary_union(shapes)
    # Some outlines leave gaps as they are, lakes for one.
    assert gaps(whole) - gaps(unary_union([shape(outline).buffer(0) for outline in known])) < 0.0005
    assert sum(each.area for each in shapes) < whole.area * 1.003


def test_simplified_lines_keep_their_ends_and_stay_within_the_tolerance() -> None:
    draw = random.Random(3)
    for _ in range(50):
        line = [(float(x), draw.random() * 8) for x in range(40)]
        found = simplified(line, 2.0)
        assert (found[0], found[-1]) == (line[0], line[-1])
        kept = {x for x, _ in found}
        ends = sorted(kept)
        for x, y in line:
            left, right = max(end for end in ends if end <= x), min(end for end in ends if end >= x)
            (x1, y1), (x2, y2) = line[int(left)], line[int(right)]
            between = y1 if x1 == x2 else y1 + (y2 - y1) * (x - x1) / (x2 - x1)
            assert abs(y - between) <= 2.0 * 4
    assert simplified([(0.0, 0.0), (5.0, 5.0), (9.0, 0.0), (0.0, 0.0)], 1.0)[1:3] == ((5.0, 5.0), (9.0, 0.0))


@pytest.mark.parametrize("country", ["RU", "US", "FJ", "NZ", "AF", "MT", "CL"])
def test_a_country_fills_its_map_wherever_the_antimeridian_runs(country: str) -> None:
    found = drawn(country)
    rings = [ring for unit in found.units.values() for ring in points(unit.path)]
    xs = [x for ring in rings for x, _ in ring]
    ys = [y for ring in rings for _, y in ring]
    assert min(xs) <= 5 and max(xs) >= found.width - 5 and min(ys) <= 5 and max(ys) >= found.height - 5
    # No ring goes once around the globe.
    assert (
        all(max(x for x, _ in ring) - min(x for x, _ in ring) < found.width * 0.7 for ring in rings) or len(rings) < 5
    )


def test_chukotka_lies_in_the_east_of_russia() -> None:
    russia = drawn("RU")
    east, west = area(russia.units["RU-CHU"].path).bounds, area(russia.units["RU-MOS"].path).bounds
    assert east[0] > russia.width * 0.7 and west[2] < russia.width * 0.3
    point = russia.place(-173.0, 64.4)
    assert point and area(russia.units["RU-CHU"].path).buffer(3).contains(Point(point))


def test_the_smallest_units_are_seen() -> None:
    assert drawn("AZ").units["AZ-NX"].path
    small = [unit for unit in drawn("GB").units.values() if unit.dot]
    assert small and all(0 <= unit.dot[0] <= 420 for unit in small if unit.dot)


@pytest.mark.parametrize("country", ["UG", "SS", "KI", "XK", "ZZ"])
def test_a_country_without_outlines_has_no_drawing(country: str) -> None:
    assert country_map(country) is None


@pytest.mark.parametrize("most", [1, 2, 3, 6, 7, 50, 10_000, 10**7])
def test_shades_go_from_one_event_to_the_most(most: int) -> None:
    shading = Shading.of(most)
    shades = [shading.shade(count) for count in sorted({1, 2, most // 2, most}) if 0 < count <= most]
    assert shades == sorted(shades) and shades[-1] == 6 and shading.shade(0) == 0
    assert len(set(shades)) == len(shades) or most > 3
    legend = shading.legend
    assert legend[0]["words"].startswith("1") and legend[-1]["words"].endswith(f"{most:,}")
    assert len({entry["shade"] for entry in legend}) == len(legend) <= 6


def test_the_paths_of_every_country_are_short() -> None:
    for country in gazetteer.countries():
        if found := country_map(country.code):
            assert sum(len(unit.path) for unit in found.units.values()) <= PATHS_MAX * 1.2, country
            assert all(unit.path or unit.dot for unit in found.units.values()), country


# The place of one event


def place(**members: Any) -> dict[str, Any]:
    parts = ("country", "province", "district", "place", "latitude", "longitude", "precision", "as_given")
    return {**dict.fromkeys(parts), **members}


def test_the_place_of_an_event_is_marked_within_its_province(client: FlaskClient) -> None:
    location = client.get("/v1/events/panjshir-clash").get_json()["location"]
    found = place_map(location)
    assert found and "Panjshir" in found["words"]
    [chosen] = [shape for shape in found["picture"]["shapes"] if shape["chosen"]]
    assert chosen["title"] == "Panjshir" and chosen["at"] is None
    assert area(chosen["path"]).buffer(1).contains(Point(found["picture"]["point"]))


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (None, False),
        (place(country="AF"), False),
        (place(place="somewhere"), False),
        (place(country="UG", province={"code": "UG-C", "name": "Central"}, latitude=0.3, longitude=32.5), False),
        (place(country="AF", latitude=34.5, longitude=69.2), True),
        (place(country="AF", latitude=-34.5, longitude=69.2), False),
        (place(country="AF", province={"code": "AF-KAB", "name": "Kabul"}), True),
        (place(country="US", province={"code": "US-AK", "name": "Alaska"}, latitude=61.2, longitude=-149.9), False),
    ],
)
def test_a_place_is_shown_where_a_map_can_show_it(location: dict[str, Any] | None, shown: bool) -> None:
    assert (place_map(location) is not None) == shown
