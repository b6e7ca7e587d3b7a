"""Where an event of ACLED is, as exactly as its row says."""

from __future__ import annotations

import pytest

from tests.acled_rows import (
    codes,
    event,
    one,
)


@pytest.mark.parametrize(
    ("code", "admin1", "precision"),
    [
        ("1", "Hilmand", "exact"),
        ("2", "Hilmand", "near"),
        ("3", "Hilmand", "province"),
        ("3", "", "country"),
        ("", "", None),
    ],
)
def test_the_place_is_as_exact_as_the_row_says(code: str, admin1: str, precision: str | None) -> None:
    location = event(geo_precision=code, admin1=admin1, admin3="North Sangin")["location"]
    assert location == {
        "country": "AF",
        "province": {"code": "AF-HEL"} if admin1 else None,
        "district": "Sangin",
        "place": "Sangin, North Sangin",
        "latitude": 32.072,
        "longitude": 64.834,
        "precision": precision,
        "as_given": None,
    }


def test_a_province_that_is_not_known_stays_as_text() -> None:
    record = one(admin1="Nowhere")
    assert record.event is not None
    assert (record.event["location"]["province"], record.event["location"]["as_given"]) == (None, "Nowhere")
    assert codes(record) == [("/admin1", "unknown-province")]


@pytest.mark.parametrize(
    ("name", "number", "country", "warnings"),
    [
        ("Republic of Congo", "178", "CG", []),
        ("Afghanistan", "", "AF", []),
        ("", "4", "AF", []),
        ("Arcadia", "", None, [("/country", "unknown-country")]),
        ("Arcadia", "999", None, [("/country", "unknown-country")]),
    ],
)
def test_the_country_is_found_by_its_name_or_else_its_number(
    name: str, number: str, country: str | None, warnings: list[tuple[str, str]]
) -> None:
    record = one(country=name, iso=number, admin1="")
    assert record.event is not None and record.event["location"]["country"] == country
    assert record.event["location"]["as_given"] == (name if warnings else None)
    assert codes(record) == warnings


def test_one_coordinate_alone_is_left_out() -> None:
    record = one(longitude="")
    assert record.event is not None and record.event["location"]["latitude"] is None
    assert codes(record) == [("/longitude", "missing")]
