"""Where an event of GDELT is, as exactly as its row says."""

from __future__ import annotations

import pycountry
import pytest

from service import gazetteer
from service.importers import gdelt_codes
from tests.gdelt_lines import (
    codes,
    event,
    one,
)


def test_every_country_has_a_code_of_fips() -> None:
    countries = gdelt_codes.fips_countries()
    # These two had none: Åland was part of Finland, and Bonaire with its neighbours part of the Netherlands Antilles.
    assert {country.alpha_2 for country in pycountry.countries} - set(countries.values()) == {"AX", "BQ"}
    assert set(countries.values()) - {None} <= {country.code for country in gazetteer.countries()}
    assert all(len(code) == 2 and code.isupper() for code in countries)


@pytest.mark.parametrize(
    ("fips", "iso"),
    [("RS", "RU"), ("GM", "DE"), ("CH", "CN"), ("SZ", "CH"), ("UP", "UA"), ("IZ", "IQ"), ("WE", "PS"), ("KV", "XK"),
     ("OD", "SS"), ("RI", "RS"), ("AU", "AT"), ("AS", "AU"), ("NI", "NG"), ("NG", "NE"), ("SV", "SJ"), ("RQ", "PR")],
)  # fmt: skip
def test_countries_have_the_codes_of_fips_and_not_of_iso(fips: str, iso: str) -> None:
    row = {"ActionGeo_Type": "1", "ActionGeo_FullName": "Somewhere", "ActionGeo_ADM1Code": fips}
    assert event(ActionGeo_CountryCode=fips, **row)["location"]["country"] == iso


@pytest.mark.parametrize(
    ("kind", "name", "country", "state", "expected"),
    [
        ("1", "Afghanistan", "AF", "AF", ("AF", None, None, "country", None)),
        ("2", "Texas, United States", "US", "USTX", ("US", "US-TX", None, "province", None)),
        ("3", "El Paso, Texas, United States", "US", "USTX", ("US", "US-TX", "El Paso", "near", None)),
        ("3", "Here, There, United States", "US", "US00", ("US", None, "Here", "near", "There")),
        ("5", "Bayelsa State, Bayelsa, Nigeria", "NI", "NI52", ("NG", "NG-BY", None, "province", None)),
        ("5", "Kano State, , Nigeria", "NI", "NI29", ("NG", "NG-KN", None, "province", None)),
        ("4", "Gardez, Paktia, Afghanistan", "AF", "AF36", ("AF", "AF-PIA", "Gardez", "near", None)),
        ("4", "Nassau, New Providence, Bahamas, The", "BF", "BF23", ("BS", "BS-NP", "Nassau", "near", None)),
        ("1", "Bahamas, The", "BF", "BF", ("BS", None, None, "country", None)),
        ("1", "Vietnam, Republic Of", "VM", "VM", ("VN", None, None, "country", None)),
        ("4", "London, London, City of, United Kingdom", "UK", "UKH9", ("GB", "GB-LND", "London", "near", None)),
        ("4", "Luxor, Nowhere, Egypt", "EG", "EG99", ("EG", None, "Luxor", "near", "Nowhere")),
        ("1", "Spratly Islands", "PG", "PG", (None, None, None, "country", "Spratly Islands")),
        ("4", "Strelsau, Ruritania", "QQ", "QQ00", (None, None, "Strelsau", "near", "Strelsau, Ruritania")),
    ],
)
def test_the_place_is_found_by_its_names(
    kind: str, name: str, country: str, state: str, expected: tuple[str | None, ...]
) -> None:
    location = event(
        ActionGeo_Type=kind, ActionGeo_FullName=name, ActionGeo_CountryCode=country, ActionGeo_ADM1Code=state,
        ActionGeo_Lat="", ActionGeo_Long="",
    )["location"]  # fmt: skip
    province = location["province"] and location["province"]["code"]
    found = (location["country"], province, location["place"], location["precision"], location["as_given"])
    assert found == expected


@pytest.mark.parametrize(("kind", "kept"), [("1", False), ("2", False), ("3", True), ("4", True), ("5", False)])
def test_the_middle_of_a_country_or_province_is_no_place_of_an_event(kind: str, kept: bool) -> None:
    record = one(ActionGeo_Type=kind)
    point = (record.event["location"]["latitude"], record.event["location"]["longitude"])
    assert point == ((33.597, 69.226) if kept else (None, None))
    assert record.original is not None and record.original["ActionGeo_Lat"] == "33.597"


@pytest.mark.parametrize(
    ("name", "province", "given", "warned"),
    [
        ("Gardez, Paktia, Afghanistan", "AF-PIA", None, []),
        ("Gardez, P?ktiy?, Afghanistan", "AF-PIA", "P?ktiy?", ["province-by-point"]),
        ("Gardez, Afghanistan (general), Afghanistan", "AF-PIA", None, ["province-by-point"]),
        ("Gardez, (AF36), Afghanistan", "AF-PIA", None, ["province-by-point"]),
        ("Gardez, Kandahar, Afghanistan", "AF-KAN", None, ["province-differs"]),
    ],
)
def test_a_point_checks_the_name_of_a_province_and_stands_in_for_it(
    name: str, province: str, given: str | None, warned: list[str]
) -> None:
    record = one(ActionGeo_FullName=name)
    location = record.event["location"]
    assert (location["province"], location["as_given"]) == ({"code": province}, given)
    assert [warning.code for warning in record.warnings] == warned


def test_unknown_places_are_warned_of() -> None:
    nowhere = {"ActionGeo_Lat": "", "ActionGeo_Long": ""}
    unknown = one(ActionGeo_FullName="Luxor, Nowhere, Afghanistan", **nowhere)
    assert codes(unknown) == [("/ActionGeo_FullName", "unknown-province")]
    assert codes(one(ActionGeo_CountryCode="QQ", **nowhere)) == [("/ActionGeo_CountryCode", "unknown-country")]
    assert codes(one(ActionGeo_Lat="")) == [("/ActionGeo_Lat", "missing")]
    untyped = one(ActionGeo_Type="0")
    assert codes(untyped) == [("/ActionGeo_Type", "unknown-value")]
    assert (untyped.event["location"]["precision"], untyped.event["location"]["place"]) == (None, "Gardez")
