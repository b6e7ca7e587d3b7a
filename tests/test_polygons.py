"""Outlines decode to valid GeoJSON, and points fall where they should."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import Point, shape  # type: ignore[import-untyped]  # It ships no types.
from shapely.geometry.polygon import orient  # type: ignore[import-untyped]  # It ships no types.

from service import polygons
from service.gazetteer import ancestors, country_code, find_provinces, province, provinces
from service.polygons import bbox, polygon

SAMPLES = Path(__file__).parent.parent / "../shared/data/samples"


@cache
def outlines() -> dict[str, Any]:
    return {code: shape(polygon(code)) for code in polygons._shapes()}


def holders(latitude: float, longitude: float) -> list[str]:
    """The units whose outlines hold a point, by shapely."""
    return [code for code, outline in outlines().items() if outline.contains(Point(longitude, latitude))]


def test_every_afghan_province_has_an_outline() -> None:
    assert [unit.code for unit in provinces("AF") if polygon(unit.code) is None] == []


@pytest.mark.parametrize("code", ["AF-XXX", "", "AF", "SS-UY"])
def test_an_unknown_outline_is_none(code: str) -> None:
    assert polygon(code) is None
    assert bbox(code) is None


def test_a_code_is_taken_in_either_case() -> None:
    assert polygon("af-pan") == polygon("AF-PAN") is not None
    assert bbox("af-pan") == bbox("AF-PAN") is not None


def test_all_outlines_are_valid_and_belong_to_known_units() -> None:
    shapes = {code: polygon(code) for code in polygons._shapes()}
    assert all(province(code) is not None for code in shapes)
    invalid = [code for code, geometry in shapes.items() if not geometry or not shape(geometry).is_valid]
    assert invalid == []


def test_rings_are_closed_and_wound_as_rfc_7946_says() -> None:
    for code in polygons._shapes():
        geometry = polygon(code)
        assert geometry is not None
        parts = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        for rings in parts:
            assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings)
            assert all(-180 <= x <= 180 and -90 <= y <= 90 for ring in rings for x, y in ring)
            # Shapely is the oracle: turned its way (exterior counter-clockwise) nothing changes.
            outline = shape({"type": "Polygon", "coordinates": rings})
            assert orient(outline, 1.0).exterior.is_ccw == outline.exterior.is_ccw
            assert not any(hole.is_ccw for hole in outline.interiors)


def test_a_box_is_the_outlines_bounds() -> None:
    for unit in provinces("AF"):
        assert bbox(unit.code) == pytest.approx(shape(polygon(unit.code)).bounds)


def test_a_box_across_the_antimeridian_has_west_greater_than_east() -> None:
    box = bbox("RU-CHU")
    assert box is not None
    west, south, east, north = box
    # Chukotka reaches from about 158 E to 170 W.
    assert 155 < west < 161 and -171 < east < -169
    assert 61 < south < north < 73


@pytest.mark.parametrize(
    ("intervals", "span"),
    [
        ([(10, 20)], (10, 20)),
        ([(10, 20), (15, 30), (40, 50)], (10, 50)),
        ([(-180, -170), (170, 180)], (170, -170)),
        ([(-180, -130), (172, 180), (-160, -150)], (172, -130)),
        ([(-180, 180)], (-180, 180)),
        ([(-180, 180), (10, 20)], (-180, 180)),
        ([(-60, -50), (50, 60)], (-60, 60)),
        ([(-100, -90), (100, 110)], (100, -90)),
    ],
)
def test_the_narrowest_span_is_taken(intervals: list[tuple[float, float]], span: tuple[float, float]) -> None:
    assert polygons._span(intervals) == span


@pytest.mark.parametrize(
    ("latitude", "longitude", "code"),
    [
        (34.53, 69.17, "AF-KAB"),  # Kabul
        (35.31, 69.52, "AF-PAN"),  # Bazarak
        (33.72, 66.13, "AF-DAY"),  # Nili
        (33.60, 69.22, "AF-PIA"),  # Gardez
        (33.17, 68.73, "AF-PKA"),  # Sharana
        (31.61, 65.71, "AF-KAN"),  # Kandahar
        (35.69, 51.39, "IR-23"),  # Tehran
        (32.65, 51.67, "IR-10"),  # Isfahan
        (36.30, 59.60, "IR-09"),  # Mashhad
        (48.00, 37.80, "UA-14"),  # Donetsk
        (52.23, 21.01, "PL-14"),  # Warsaw
        (66.00, 177.00, "RU-CHU"),
        (66.00, -175.00, "RU-CHU"),
        (33.0, -111.0, "US-AZ"),  # No inset of Alaska or Hawaii stands here.
    ],
)
def test_a_place_lies_in_its_province(latitude: float, longitude: float, code: str) -> None:
    assert holders(latitude, longitude) == [code]


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(0.0, -30.0), (27.0, -118.0), (90.0, 0.0)],
    ids=["the Atlantic", "the Pacific", "the pole"],
)
def test_the_sea_is_no_province(latitude: float, longitude: float) -> None:
    assert holders(latitude, longitude) == []


def test_a_hole_is_outside() -> None:
    # Berlin lies within Brandenburg.
    assert holders(52.52, 13.40) == ["DE-BE"]
    assert holders(52.40, 13.06) == ["DE-BB"]


@pytest.mark.parametrize("file", ["ged_afghanistan.csv", "ged_hdx_hxl_ukr.csv"])
def test_points_of_real_events_agree_with_their_provinces(file: str) -> None:
    path = SAMPLES / file
    if not path.exists():
        pytest.skip(f"the sample {file} is not beside this checkout")
    agree = total = 0
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            # Where_prec 3 is a district: coarser places are put at a province's middle or nowhere.
            if row["country"].startswith("#") or not row["adm_1"] or int(row["where_prec"]) > 3:
                continue
            (unit,) = find_provinces(row["adm_1"], country_code(row["country"]))
            held = holders(float(row["latitude"]), float(row["longitude"]))
            total += 1
            agree += any(unit.code in (code, *ancestors(code)) for code in held)
    assert total > 100
    assert agree / total >= 0.95
