"""Where an event of UCDP GED is, as exactly as its row says."""

from __future__ import annotations

import pytest

from tests.ucdp_ged_rows import codes, event, one


@pytest.mark.parametrize(
    ("code", "province", "precision"),
    [
        ("1", "Hilmand province", "exact"),
        ("2", "Hilmand province", "near"),
        ("3", "Hilmand province", "district"),
        ("4", "Hilmand province", "province"),
        ("5", "Hilmand province", "province"),
        ("5", "", "country"),
        ("6", "", "country"),
        ("7", "", "country"),
    ],
)
def test_the_precision_of_the_place_carries_over(code: str, province: str, precision: str) -> None:
    location = event(where_prec=code, adm_1=province)["location"]
    assert location["precision"] == precision
    assert location["province"] == ({"code": "AF-HEL"} if province else None)
    assert (location["country"], location["latitude"], location["longitude"]) == ("AF", 32.072, 64.834)
    assert location["as_given"] is None


@pytest.mark.parametrize("code", ["6", "7"])
def test_an_event_known_to_its_country_is_not_put_in_a_province(code: str) -> None:
    record = one(where_prec=code)
    assert record.event is not None
    location = record.event["location"]
    assert (location["province"], location["as_given"]) == (None, "Hilmand province")
    assert codes(record) == [("/adm_1", "province-not-placed")]
    assert "Hilmand" not in record.event["title"]


def test_a_province_that_is_not_known_stays_as_text() -> None:
    record = one(adm_1="Nowhere zone")
    assert record.event is not None
    assert (record.event["location"]["province"], record.event["location"]["as_given"]) == (
        None,
        "Nowhere zone",
    )
    assert codes(record) == [("/adm_1", "unknown-province")]


def test_a_country_that_is_not_known_takes_its_province_along_as_text() -> None:
    record = one(country="Ruritania", adm_1="Strelsau district")
    assert record.event is not None
    location = record.event["location"]
    assert (location["country"], location["province"]) == (None, None)
    assert location["as_given"] == "Strelsau district, Ruritania"
    assert ("/country", "unknown-country") in codes(record)


def test_half_a_point_is_left_out_with_a_warning() -> None:
    record = one(longitude="")
    assert record.event is not None
    assert (record.event["location"]["latitude"], record.event["location"]["longitude"]) == (None, None)
    assert codes(record) == [("/longitude", "missing")]


def test_an_event_with_no_place_is_still_an_event() -> None:
    nowhere = dict.fromkeys(("country", "adm_1", "adm_2", "where_coordinates", "latitude", "longitude"), "")
    assert event(**nowhere, where_prec="6")["location"] is None
