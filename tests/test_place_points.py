"""Which province a point lies in, compared with another implementation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, shape  # type: ignore[import-untyped]  # It ships no types.

from service import gazetteer, polygons
from service.importers.place_points import province_at


@pytest.mark.parametrize(
    ("latitude", "longitude", "country", "province"),
    [
        (34.5167, 69.1833, "AF", "AF-KAB"),
        (33.597, 69.226, "AF", "AF-PIA"),
        (31.5204, 74.3587, "PK", "PK-PB"),
        (34.5167, 69.1833, "PK", None),
        (0.0, 0.0, "AF", None),
        (34.5167, 69.1833, "XX", None),
    ],
)
def test_a_point_lies_in_its_province(latitude: float, longitude: float, country: str, province: str | None) -> None:
    assert province_at(latitude, longitude, country) == province


@settings(max_examples=200, deadline=None)
@given(st.floats(29.0, 39.0), st.floats(60.0, 75.0))
def test_points_lie_where_shapely_finds_them(latitude: float, longitude: float) -> None:
    point = Point(longitude, latitude)
    outlines = {unit.code: polygons.polygon(unit.code) for unit in gazetteer.provinces("AF")}
    # On a border, and within rounding of one, either side is right.
    near = {code for code, outline in outlines.items() if outline and shape(outline).distance(point) < 1e-9}
    clear = {code for code in near if shape(outlines[code]).boundary.distance(point) > 1e-9}
    found = province_at(latitude, longitude, "AF")
    assert found in clear if clear else found is None or found in near


def test_the_higher_unit_is_found_where_one_lies_in_the_other() -> None:
    inside = [unit for unit in gazetteer.provinces("GB") if unit.parent and polygons.polygon(unit.code)]
    assert inside
    for unit in inside[:20]:
        centre = shape(polygons.polygon(unit.code)).representative_point()
        found = province_at(centre.y, centre.x, "GB")
        assert found is not None and len(gazetteer.ancestors(found)) <= len(gazetteer.ancestors(unit.code))
