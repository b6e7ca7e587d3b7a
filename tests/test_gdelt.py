"""GDELT event exports, of both versions and mixed: what is read, what is mended with a warning, what is rejected."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pycountry
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError
from peewee import Database

from schemas.event import EventBody
from schemas.vocabulary import ACTOR_KINDS, EVENT_TYPES, ROLES
from service import gazetteer
from service.check import check
from service.database import fetch
from service.import_report import ImportReport
from service.importers import IMPORTERS, Record, UnreadableFile, gdelt_codes
from service.importers.delimited import MAX_RECORD
from service.importers.gdelt import COLUMNS, COLUMNS_1, COLUMNS_2
from service.importers.source import opened
from service.importing import Import, Listener, import_file
from tests.writing import counts, document, everything, rejections

FIXTURES = Path(__file__).parent / "fixtures"
MIXED = (FIXTURES / "gdelt_mixed.tsv").read_bytes()
SAMPLE_FILES = [("gdelt2_20191024143000.tsv", 273), ("gdelt1_mixed57_58.tsv", 710)]
BASE = {
    "GLOBALEVENTID": "700001",
    "SQLDATE": "20200502",
    "MonthYear": "202005",
    "Actor1Code": "AFGINSTAL",
    "Actor1Name": "TALIBAN",
    "Actor1CountryCode": "AFG",
    "Actor1KnownGroupCode": "TAL",
    "Actor1Type1Code": "INS",
    "Actor2Code": "AFGGOV",
    "Actor2Name": "AFGHANISTAN",
    "Actor2CountryCode": "AFG",
    "Actor2Type1Code": "GOV",
    "EventCode": "190",
    "EventBaseCode": "190",
    "EventRootCode": "19",
    "ActionGeo_Type": "4",
    "ActionGeo_FullName": "Gardez, Paktia, Afghanistan",
    "ActionGeo_CountryCode": "AF",
    "ActionGeo_ADM1Code": "AF36",
    "ActionGeo_Lat": "33.597",
    "ActionGeo_Long": "69.226",
    "DATEADDED": "20210502",
    "SOURCEURL": "https://www.lapiswire.example/a/1",
}


def records_of(stream: BinaryIO) -> Iterator[Record]:
    return IMPORTERS["gdelt"].read(opened(stream)).records


def read(data: bytes) -> list[Record]:
    return list(records_of(io.BytesIO(data)))


def line(columns: tuple[str, ...] = COLUMNS_2, /, **changes: str) -> bytes:
    row = BASE | changes
    return "\t".join(row.get(column, "") for column in columns).encode("utf-8", "surrogatepass") + b"\n"


def one(**changes: str) -> Record:
    (record,) = read(line(**changes))
    return record


def event(**changes: str) -> dict[str, Any]:
    record = one(**changes)
    made: dict[str, Any] = record.event
    assert made is not None, record.faults
    return made


def codes(record: Record) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in record.faults or record.warnings]


def take(database: Database, data: bytes, **options: Any) -> ImportReport:
    return import_file(
        database,
        io.BytesIO(data),
        Import(IMPORTERS["gdelt"], "import"),
        Listener(rejects=options.pop("rejects", None)),
        **options,
    )


def actor(name: str, code: str, country: str = "", kind: str = "", group: str = "") -> dict[str, Any] | None:
    """The first actor of a row that has no other."""
    codes = {"Actor1CountryCode": country, "Actor1Type1Code": kind, "Actor1KnownGroupCode": group}
    second = dict.fromkeys(("Actor2Code", "Actor2Name", "Actor2CountryCode", "Actor2Type1Code"), "")
    actors = one(Actor1Code=code, Actor1Name=name, **codes, **second).actors
    return actors[0] if actors else None


# Whole files


def test_lines_of_all_three_widths_may_be_mixed() -> None:
    records = read(MIXED)
    assert [record.line for record in records] == [1, 2, 3, 4, 6]
    assert [len(record.original or ()) for record in records] == [57, 58, 61, 57, 61]
    assert [record.event["id"] for record in records] == [f"gdelt-90000{n}" for n in (1, 2, 3, 4, 5)]
    assert [fault for record in records for fault in record.faults] == []


def test_raw_texts_are_those_of_the_file_and_the_original_is_every_cell() -> None:
    lines = MIXED.decode().splitlines(keepends=True)
    for record in read(MIXED):
        assert record.raw == lines[record.line - 1]
        assert record.original is not None
        assert "\t".join(record.original.values()) == record.raw.rstrip("\r\n")


def test_columns_have_the_names_that_gdelt_documents() -> None:
    assert {len(columns): columns for columns in COLUMNS.values()} == COLUMNS
    assert set(COLUMNS) == {57, 58, 61}
    assert COLUMNS[57] == COLUMNS[58][:57]
    assert COLUMNS[57][-1] == "DATEADDED" and COLUMNS[61][-2:] == ("DATEADDED", "SOURCEURL")
    assert set(COLUMNS_2) - set(COLUMNS_1) == {f"{of}Geo_ADM2Code" for of in ("Actor1", "Actor2", "Action")}
    assert (COLUMNS_1.index("EventCode"), COLUMNS_1.index("ActionGeo_FullName")) == (26, 50)
    assert COLUMNS_2.index("ActionGeo_Lat") == 56


@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
def test_a_header_is_skipped_wherever_it_stands(columns: tuple[str, ...]) -> None:
    header = "\t".join(columns).replace("GLOBALEVENTID", "GlobalEventID").encode() + b"\r\n"
    row = line(columns)
    assert [record.line for record in read(b"\xef\xbb\xbf" + header + row + header + row)] == [2, 4]


def test_a_header_of_another_order_is_refused_since_all_would_be_misread() -> None:
    names = list(COLUMNS_2)
    names[1], names[2] = names[2], names[1]
    with pytest.raises(UnreadableFile, match="Line 1 is a header with MonthYear where SQLDATE"):
        read("\t".join(names).encode() + b"\n" + line())
    with pytest.raises(UnreadableFile, match="Line 2 is a header of 2 columns"):
        read(line() + b"GLOBALEVENTID\tSQLDATE\n")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        ("\t".join(COLUMNS_2).encode(), "no record"),
        (b"\x1f\x8b\x08abc", "gzip"),
        (b"PK\x03\x04abc", "zip"),
        ("\t".join(COLUMNS_2).encode("utf-16"), "UTF-16"),
        (b"\0" * 200, "binary"),
        (b"id,type_of_violence,best\n1,2,3\n", "UCDP GED release .format ucdp-ged"),
        (b'{"title": "x"}\n', "Dateline"),
        (b"a,b,c\n1,2,3\n", "57, 58 or 61 columns"),
        (b"x\t" * 15 + b"y\n", "57, 58 or 61 columns, and the first here has 16"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(data)


def test_a_byte_that_is_not_utf_8_names_its_line_and_spares_what_came_before() -> None:
    records = records_of(io.BytesIO(line() + line().replace(b"Gardez", b"Gard\xe9z")))
    assert next(records).event is not None
    with pytest.raises(UnreadableFile, match="Line 2 is not UTF-8: 0xe9"):
        next(records)


@pytest.mark.parametrize("width", [1, 16, 56, 59, 60, 62])
def test_a_line_of_another_width_is_rejected_with_its_text(width: int) -> None:
    other = b"\t".join([b"x"] * width) + b"\n"
    records = read(line() + other + line(GLOBALEVENTID="700002"))
    assert [codes(record) for record in records] == [[], [("/", "wrong-column-count")], []]
    assert (records[1].line, records[1].raw.encode(), records[1].original) == (2, other, None)
    assert f"{width} columns" in records[1].faults[0].message


def test_a_line_of_ten_megabytes_is_rejected_and_the_next_is_read() -> None:
    long = b"x" * 10_000_000
    tracemalloc.start()
    records = list(records_of(io.BytesIO(line() + long + b"\n" + line())))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [codes(record) for record in records] == [[], [("/", "record-too-long")], []]
    assert len(records[1].raw) <= MAX_RECORD and peak < 25_000_000


def test_quotes_mean_nothing() -> None:
    record = one(Actor1Name='"TALIBAN', SOURCEURL='"')
    assert record.event is not None and record.original is not None
    assert record.original["Actor1Name"] == '"TALIBAN'


# What rejects a record


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("GLOBALEVENTID", "", "missing"),
        ("GLOBALEVENTID", "x1", "not-a-number"),
        ("GLOBALEVENTID", "-4", "not-a-number"),
        ("GLOBALEVENTID", "\u0663", "not-a-number"),
        ("GLOBALEVENTID", "1" * 19, "not-a-number"),
        ("SQLDATE", "", "missing"),
        ("SQLDATE", "2020-05-02", "not-a-date"),
        ("SQLDATE", "20200230", "not-a-date"),
        ("SQLDATE", "00000101", "not-a-date"),
        ("SQLDATE", "99991231", "out-of-range"),
        ("SQLDATE", "09990101", "out-of-range"),
        ("ActionGeo_Lat", "x", "not-a-number"),
        ("ActionGeo_Lat", "90.1", "out-of-range"),
        ("ActionGeo_Long", "-181", "out-of-range"),
        ("Actor2Name", "a\0b", "bad-character"),
    ],
)
def test_a_bad_cell_rejects_the_record_and_is_named(column: str, text: str, code: str) -> None:
    record = one(**{column: text})
    assert codes(record) == [(f"/{column}", code)]
    assert record.event is None and record.actors == ()
    assert record.original is not None and record.original[column] == text


def test_all_of_a_records_faults_are_found() -> None:
    record = one(GLOBALEVENTID="x", SQLDATE="x", ActionGeo_Lat="x")
    assert {pointer for pointer, _ in codes(record)} == {"/GLOBALEVENTID", "/SQLDATE", "/ActionGeo_Lat"}


# What was done


def test_the_date_is_when_it_happened_and_not_when_it_was_added() -> None:
    made = event(SQLDATE="20200502", DATEADDED="20210502")
    assert (made["date"], made["status"], made["claims"], made["summary"]) == ("2020-05-02", "reported", [], None)


@pytest.mark.parametrize(
    ("code", "kind", "roles"),
    [
        ("010", "statement/announcement", ["speaker", "target"]),
        ("016", "statement/rejection", ["speaker", "target"]),
        ("057", "strategic-development/agreement", ["speaker", "target"]),
        ("0874", "strategic-development/withdrawal", ["participant", "target"]),
        ("120", "statement/rejection", ["speaker", "target"]),
        ("141", "protest", ["participant", "target"]),
        ("145", "riot/violent-demonstration", ["participant", "target"]),
        ("173", "strategic-development/arrests", ["participant", "target"]),
        ("181", "violence-against-civilians/abduction-forced-disappearance", ["perpetrator", "victim"]),
        ("1831", "explosion/suicide-bomb", ["perpetrator", "victim"]),
        ("190", "battle/armed-clash", ["side-a", "side-b"]),
        ("194", "explosion/shelling-artillery-missile-attack", ["side-a", "side-b"]),
        ("1952", "explosion/air-drone-strike", ["side-a", "side-b"]),
        ("202", "violence-against-civilians/attack", ["perpetrator", "victim"]),
        ("2041", "explosion/chemical-weapon", ["perpetrator", "victim"]),
    ],
)
def test_the_event_code_gives_type_roles_and_tag(code: str, kind: str, roles: list[str]) -> None:
    made = event(EventCode=code, EventBaseCode=code[:3], EventRootCode=code[:2])
    assert made["type"] == kind
    assert [actor["role"] for actor in made["actors"]] == roles
    assert made["tags"] == [f"cameo:{code}"]


def test_every_code_has_a_known_type_and_the_code_that_it_is_part_of() -> None:
    deeds = gdelt_codes.deeds()
    assert len(deeds) > 300
    assert {deed.type for deed in deeds.values()} <= set(EVENT_TYPES)
    assert [code for code in deeds if len(code) > 2 and code[:-1] not in deeds] == []
    assert {code for code in deeds if len(code) == 2} == {f"{root:02}" for root in range(1, 21)}
    assert {role for pair in (*gdelt_codes.ROLES.values(), gdelt_codes.DONE) for role in pair} <= set(ROLES)
    assert {kind.kind for kind in gdelt_codes.ACTOR_TYPES.values()} - {None} <= set(ACTOR_KINDS)


@pytest.mark.parametrize(("given", "root", "tag"), [("42", "4", "042"), ("42", "04", "042"), ("10", "1", "010")])
def test_a_zero_that_a_spreadsheet_took_off_is_put_back(given: str, root: str, tag: str) -> None:
    record = one(EventCode=given, EventRootCode=root)
    assert record.event["tags"] == [f"cameo:{tag}"] and record.warnings == ()


@pytest.mark.parametrize(
    ("code", "root", "kind", "tags"),
    [
        ("1999", "19", "battle/armed-clash", ["cameo:19"]),
        ("---", "---", "other", []),
        ("", "", "other", []),
        ("", "14", "protest", ["cameo:14"]),
    ],
)
def test_an_unknown_event_code_falls_back_with_a_warning(code: str, root: str, kind: str, tags: list[str]) -> None:
    record = one(EventCode=code, EventRootCode=root)
    assert (record.event["type"], record.event["tags"]) == (kind, tags)
    assert codes(record) == [("/EventCode", "unknown-value")]


def test_the_title_says_who_to_whom_what_and_where() -> None:
    assert event()["title"] == "Taliban \u2192 Government of Afghanistan: military force, Gardez, Afghanistan"
    alone = dict.fromkeys(("Actor2Code", "Actor2Name", "Actor2CountryCode"), "")
    assert event(**alone)["title"] == "Taliban: military force, Gardez, Afghanistan"
    nobody = alone | dict.fromkeys(("Actor1Code", "Actor1Name", "Actor1CountryCode"), "")
    assert event(**nobody)["title"] == "Military force, Gardez, Afghanistan"
    nowhere = dict.fromkeys((column for column in COLUMNS_2 if column.startswith("ActionGeo")), "")
    made = event(**nobody, **nowhere)
    assert (made["title"], made["location"], made["actors"]) == ("Military force", None, [])


# Actors


@pytest.mark.parametrize(
    ("given", "name", "kind"),
    [
        (("AFGHANISTAN", "AFG", "AFG"), "Afghanistan", None),
        (("AFGHANISTAN", "AFGGOV", "AFG", "GOV"), "Government of Afghanistan", "government"),
        (("AFGHAN", "AFGMIL", "AFG", "MIL"), "Armed forces of Afghanistan", "state-forces"),
        (("AFGHAN", "AFG", "AFG"), "Afghan", None),
        (("THE US", "USACOP", "USA", "COP"), "Police of United States", "state-forces"),
        (("BRITAIN", "GBRCVL", "GBR", "CVL"), "Civilians of United Kingdom", "civilians"),
        (("TALIBAN", "AFGINSTAL", "AFG", "INS", "TAL"), "Taliban", "rebel-group"),
        (("NATO", "IGOWSTNAT", "WST", "IGO", "NAT"), "NATO", "organization"),
        (("ORCHARD BRIGADE", "AFGREB", "AFG", "REB"), "Orchard Brigade", "rebel-group"),
        (("DELAWARE", "USAGOV", "USA", "GOV"), "Government of Delaware", "government"),
        (("GEORGIA", "USA", "USA"), "Georgia (United States)", None),
        (("GEORGIA", "GEO", "GEO"), "Georgia", None),
        (("PUNJAB", "IND", "IND"), "Punjab (India)", None),
        (("POLICE", "COP", "", "COP"), "Police", "state-forces"),
        (("POLICE", "AFGCOP", "AFG", "COP"), "Police (Afghanistan)", "state-forces"),
        (("CIVILIANS", "CVL", "", "CVL"), "Civilians", "civilians"),
        (("MINISTRY OF DEFENSE", "GOVMIL", "", "GOV"), "Ministry of Defense", "government"),
        (("VIENNA-ON-SEA", "AUT", "AUT"), "Vienna-On-Sea", None),
        (("AMERICAN TROOPS", "USAMIL", "USA", "MIL"), "American Troops", "state-forces"),
        (("COSTA RICA", "CRI", "CRI"), "Costa Rica", None),
        (("", "AFGGOV", "AFG", "GOV"), "Government of Afghanistan", "government"),
        (("AFRICA", "AFR", "AFR"), "Africa", None),
    ],
)  # fmt: skip
def test_an_actor_is_named_for_what_it_is(given: tuple[str, ...], name: str, kind: str | None) -> None:
    found = actor(*given)
    assert found is not None
    assert (found["name"], found["kind"]) == (name, kind)


def test_only_a_country_under_its_own_name_is_known_by_its_code() -> None:
    def external(*given: str) -> Any:
        return (actor(*given) or {})["external_ids"]

    assert external("AFGHANISTAN", "AFG", "AFG") == {"cameo": "AFG"}
    assert external("AFGHAN", "AFG", "AFG") == {}
    assert external("KABUL", "AFG", "AFG") == {}
    assert external("NASA", "USAGOV", "USA", "GOV") == external("OVAL OFFICE", "USAGOV", "USA", "GOV") == {}
    assert external("TALIBAN", "AFGINSTAL", "AFG", "INS", "TAL") == {}


@pytest.mark.parametrize("name", ["", "UNKNOWN", "--"])
def test_an_actor_without_a_name_is_left_out(name: str) -> None:
    record = one(Actor2Code="XYZ", Actor2Name=name, Actor2CountryCode="")
    assert [known["name"] for known in record.actors] == ["Taliban"]
    assert codes(record) == [("/Actor2Name", "unnamed-actor")]


def test_two_names_of_one_code_stay_two_actors(empty_database: Database) -> None:
    american = {"Actor1CountryCode": "USA", "Actor1Type1Code": "GOV", "Actor1KnownGroupCode": ""}
    rows = [
        line(GLOBALEVENTID=str(n), Actor1Code="USAGOV", Actor1Name=name, **american)
        for n, name in enumerate(("LAPIS OFFICE", "QUINCE BUREAU", "UNITED STATES"), 1)
    ]
    assert counts(take(empty_database, b"".join(rows))) == (3, 3, 0, 0, 0)
    ids = [document(empty_database, f"gdelt-{n}")["actors"][0]["id"] for n in (1, 2, 3)]
    assert ids == ["lapis-office", "quince-bureau", "government-of-united-states"]


def test_an_actor_that_does_something_to_itself_is_one_actor(empty_database: Database) -> None:
    same = {"Actor2Code": "AFGINSTAL", "Actor2Name": "TALIBAN", "Actor2KnownGroupCode": "TAL", "Actor2Type1Code": "INS"}
    for code in gdelt_codes.deeds():
        assert len({actor["role"] for actor in event(EventCode=code, EventRootCode=code[:2])["actors"]}) == 2
    assert len(one(**same).actors) == 1
    assert counts(take(empty_database, line(**same))) == (1, 1, 0, 0, 0)


# Place


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


# Sources


@pytest.mark.parametrize(
    ("text", "publisher", "title", "url"),
    [
        ("https://www.lapiswire.example/a", "lapiswire.example", None, "https://www.lapiswire.example/a"),
        ("HTTP://News.Example:8080/?q=1", "news.example", None, "HTTP://News.Example:8080/?q=1"),
        ("BBC Monitoring", "BBC Monitoring", None, None),
        ("http://a b", "http://a b", None, None),
        ("http://[x/", "http://[x/", None, None),
        ("ftp://x.example/", "ftp://x.example/", None, None),
    ],
)
def test_the_source_is_an_address_or_words(text: str, publisher: str, title: str | None, url: str | None) -> None:
    (source,) = event(SOURCEURL=text)["sources"]
    assert (source["publisher"], source["title"], source["url"]) == (publisher, title, url)


def test_an_address_that_is_too_long_to_keep_is_told_in_part() -> None:
    record = one(SOURCEURL="https://x.example/" + "a" * 600)
    (source,) = record.event["sources"]
    assert (source["publisher"], source["url"], len(source["title"])) == ("x.example", None, 500)
    assert codes(record) == [("/SOURCEURL", "text-cut")]


def test_a_row_of_57_columns_has_no_source() -> None:
    (record,) = read(line(COLUMNS[57]))
    assert record.event["sources"] == []


# The store


def test_the_same_file_twice_changes_nothing(empty_database: Database) -> None:
    assert counts(take(empty_database, MIXED)) == (5, 5, 0, 0, 0)
    before = everything(empty_database)
    assert counts(take(empty_database, MIXED)) == (5, 0, 0, 5, 0)
    assert everything(empty_database) == before
    assert check(empty_database) == []
    answer = document(empty_database, "gdelt-900003")
    assert (answer["dataset"], answer["location"]["country"]) == ("gdelt", "DE")
    [(original,)] = fetch(empty_database, "SELECT original FROM revision WHERE subject = 'gdelt-900003'")
    assert list(orjson.loads(original)) and set(orjson.loads(original)) == set(COLUMNS_2)


def test_rejects_can_be_mended_and_fed_again(empty_database: Database) -> None:
    data = b"x\ty\n" + line(SQLDATE="20200230") + line(GLOBALEVENTID="700002") + line(COLUMNS_1, GLOBALEVENTID="")
    rejects = io.StringIO(newline="")
    report = take(empty_database, line() + data, rejects=rejects)
    assert counts(report) == (5, 2, 0, 0, 3)
    assert rejections(report) == [
        (2, "/", "wrong-column-count"), (3, "/SQLDATE", "not-a-date"), (5, "/GLOBALEVENTID", "missing"),
    ]  # fmt: skip
    mended = rejects.getvalue().replace("20200230", "20200229").replace("\t\t20200502", "\t700003\t20200502")
    assert mended.count("rejected_because") == 3
    again = take(empty_database, mended.encode())
    assert counts(again) == (3, 1, 1, 0, 1)
    assert document(empty_database, "gdelt-700001")["date"] == "2020-02-29"


# Anything at all


CELLS = st.one_of(
    st.sampled_from(["", "0", "1", "2", "3", "4", "5", "US", "USTX", "AF", "AFG", "USA", "GOV", "190", "04", "THE US"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r"), max_size=30),
    st.sampled_from(["Gardez, Paktia, Afghanistan", "Texas, United States", ", ,", "http://[", "33.5", "-200"]),
    st.integers(0, 10**9).map(str),
    st.text("AB ,", min_size=480, max_size=620),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(COLUMNS_2), CELLS, max_size=20), st.sampled_from(sorted(COLUMNS)))
def test_whatever_the_cells_hold_is_a_fault_or_an_event_that_can_be_written(cells: dict[str, str], width: int) -> None:
    [record] = read(line(COLUMNS[width], **cells))
    for fault in (*record.faults, *record.warnings):
        assert fault.pointer[1:] in {*COLUMNS_2, "title"} and fault.message
    assert (record.event is None) == bool(record.faults)
    if record.event is not None:
        try:
            EventBody().load(record.event)
        except ValidationError as error:
            pytest.fail(str(error.messages))
        assert {known["name"] for known in record.actors} == {actor["name"] for actor in record.event["actors"]}


# Real files


@pytest.mark.parametrize(("name", "count"), SAMPLE_FILES)
def test_every_row_of_a_sample_is_an_event_in_its_country(
    samples: Path, empty_database: Database, name: str, count: int
) -> None:
    data = (samples / name).read_bytes()
    assert counts(take(empty_database, data)) == (count, count, 0, 0, 0)
    again = take(empty_database, data)
    assert counts(again) == (count, 0, 0, count, 0)
    assert check(empty_database) == []
    with (samples / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    # The code of the action's country is the third of its columns, counted from the end of the row here.
    places = {57: -6, 58: -7, 61: -8}
    expected = Counter(gdelt_codes.fips_countries().get(row[places[len(row)]]) for row in rows)
    stored = [document(empty_database, f"gdelt-{row[0]}") for row in rows]
    assert Counter(item["location"] and item["location"]["country"] for item in stored) == expected
    assert all(item["date"] == date.fromisoformat(row[1]).isoformat() for item, row in zip(stored, rows, strict=True))


@pytest.mark.parametrize(("name", "count"), SAMPLE_FILES)
def test_nine_in_ten_provinces_of_a_sample_are_found(samples: Path, name: str, count: int) -> None:
    records = read((samples / name).read_bytes())
    assert len(records) == count
    places = [record.event["location"] for record in records if record.event["location"]]
    finer = [place for place in places if place["precision"] in ("province", "near")]
    found = [place for place in finer if place["province"]]
    assert len(found) > 0.9 * len(finer)
    assert all(place["latitude"] is None for place in places if place["precision"] in ("country", "province"))
