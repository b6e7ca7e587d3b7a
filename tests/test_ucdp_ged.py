"""UCDP GED files, clean and dirty: what is read, what is mended with a warning, and what is rejected."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from service.importers import IMPORTERS, Record, UnreadableFile
from service.importers.delimited import MAX_RECORD
from service.importers.source import opened
from service.importers.ucdp_ged import COLUMNS_23_1
from tests.writing import GED

FIXTURES = Path(__file__).parent / "fixtures"
SAMPLES = Path(__file__).parents[1] / ".." / "shared" / "data" / "samples"
BASE = {**GED, "id": "900001", "side_a_new_id": "130", "side_a": "Government of Afghanistan", "side_b_new_id": "77001"}


def records_of(stream: BinaryIO) -> Iterator[Record]:
    return IMPORTERS["ucdp-ged"].read(opened(stream)).records


def read(data: bytes) -> list[Record]:
    return list(records_of(io.BytesIO(data)))


def table(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS_23_1) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def one(**changes: str) -> Record:
    (record,) = read(table(BASE | changes))
    return record


def event(**changes: str) -> dict[str, Any]:
    record = one(**changes)
    made: dict[str, Any] = record.event
    assert made is not None, record.faults
    return made


def codes(record: Record) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in record.faults or record.warnings]


def figures(claims: list[dict[str, Any]]) -> dict[str | None, tuple[int | None, int | None, int | None]]:
    return {claim["of"]: (claim["low"], claim["best"], claim["high"]) for claim in claims}


# Whole files


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("ged_release_bom_crlf.csv", [2, 4, 6, 7]),
        ("ged_headerless.csv", [1, 3, 5, 6]),
        ("ged_hxl_reordered.csv", [3, 5, 7, 8]),
        ("ged_old_column_names.csv", [2, 4, 6, 7]),
    ],
)
def test_every_shape_of_release_gives_the_same_events(name: str, lines: list[int]) -> None:
    records = read((FIXTURES / name).read_bytes())
    reference = read((FIXTURES / "ged_release_bom_crlf.csv").read_bytes())
    assert [record.line for record in records] == lines
    assert [record.event for record in records] == [record.event for record in reference]
    assert [record.event["id"] for record in records if record.event] == [f"ucdp-ged-90000{n}" for n in range(1, 5)]


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("ged_*.csv")))
def test_raw_texts_and_line_numbers_are_those_of_the_file(name: str) -> None:
    text = (FIXTURES / name).read_bytes().decode("utf-8-sig")
    lines = text.split("\n")
    for record in read((FIXTURES / name).read_bytes()):
        assert "\n".join(lines[record.line - 1 :]).startswith(record.raw)
        assert record.raw.endswith("\n")
        assert len(list(csv.reader(io.StringIO(record.raw, newline="")))) == 1


def test_original_keeps_every_column_as_it_was_read() -> None:
    record = read((FIXTURES / "ged_hxl_reordered.csv").read_bytes())[0]
    assert record.original is not None
    assert set(record.original) == {*COLUMNS_23_1, "iso3"}
    assert record.original["where_description"] == 'the bridge north\nof the bazaar; "old" road'
    assert record.original["date_start"] == "2020-05-02 00:00:00.000"


def test_old_column_names_stay_in_the_original() -> None:
    record = read((FIXTURES / "ged_old_column_names.csv").read_bytes())[0]
    assert record.original is not None
    assert (record.original["best_est"], record.original["COUNTRY"]) == ("3", "Afghanistan")


def test_nameless_and_repeated_columns_are_not_lost() -> None:
    data = table(BASE).decode().splitlines()
    (record,) = read(f"{data[0]},,note,note\n{data[1]},x,y,z\n".encode())
    assert record.original is not None
    assert [record.original[name] for name in ("(50)", "note", "note (52)")] == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (table(), "no record"),
        (table(dict.fromkeys(("country", "best"), "#tag")), "no record"),
        (b"\x1f\x8b\x08abc", "gzip"),
        (b"PK\x03\x04abc", "Excel"),
        ("id,relid\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"<!doctype html>\n<p>404</p>", "HTML"),
        (b'{"events": []}', "TimelineJS .format timelinejs"),
        (b'[{"id": 1}]', "JSON array"),
        (b"event_id_cnty,event_date,year\nAFG1,2020-01-01,2020\n", "ACLED export .format acled"),
        (b"1\t" * 57 + b"x\n", "GDELT event export .format gdelt"),
        (table(BASE).replace(b",", b";"), "semicolons"),
        (table(BASE).replace(b",", b"\t"), "GDELT|tabs"),
        (table(BASE).replace(b"\n", b"\r"), "carriage return"),
        (b"Year,Month,Headline,Text\n2020,1,a,b\n", "lacks id"),
        (b"1,2,3\n4,5,6\n", "no header and 3 columns"),
    ],
)
def test_a_file_of_another_kind_is_named_for_what_it_looks_like(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        next(records_of(io.BytesIO(data)))
    assert re.search(words, str(caught.value))


@pytest.mark.parametrize("column", ["id", "date_start", "best", "side_b"])
def test_a_header_without_a_needed_column_is_refused_by_name(column: str) -> None:
    row = {name: text for name, text in BASE.items() if name != column}
    with pytest.raises(UnreadableFile, match=f"lacks {column}"):
        read(table(row, columns=tuple(row)))


def test_a_column_that_stands_twice_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="best twice"):
        read(table(BASE).replace(b",low,", b",best,", 1))


def test_broken_encoding_names_its_line_and_spares_what_came_before() -> None:
    data = table(BASE, BASE | {"id": "2", "where_coordinates": "Caf\u00e9"}).replace("\u00e9".encode(), b"\xe9")
    records = records_of(io.BytesIO(data))
    assert next(records).event is not None
    with pytest.raises(UnreadableFile, match=r"Line 3 is not UTF-8: 0xe9"):
        next(records)


def test_an_unclosed_quote_names_the_line_where_its_record_begins() -> None:
    whole = table(BASE, BASE | {"id": "2"}, BASE | {"id": "3"})
    broken = whole.replace(b"\n2,", b'\n2,"', 1).replace(b'""', b"")
    lines = broken.split(b"\n")
    assert lines[2].startswith(b'2,"')
    lines[2] = lines[2].replace(b'"Lapis', b"Lapis").replace(b'Sangin"', b"Sangin")
    lines[3] = lines[3].replace(b'"', b"")
    records = records_of(io.BytesIO(b"\n".join(lines)))
    assert next(records).line == 2
    with pytest.raises(UnreadableFile, match="line 3 is never closed"):
        list(records)


def test_a_stray_quote_rejects_its_record_and_reading_goes_on() -> None:
    data = table(BASE | {"id": "1"}, BASE | {"id": "2", "adm_2": "X"}, BASE | {"id": "3"})
    records = read(data.replace(b",X,", b',"X"Y,', 1))
    assert [codes(record) for record in records] == [[], [("/", "malformed-record")], []]
    assert records[1].raw.startswith("2,") and records[1].line == 3


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_a_line_of_ten_megabytes_is_rejected_and_the_next_is_read(ending: bytes) -> None:
    head, row = table(BASE).split(b"\n")[:2]
    long = b"7," + b"x" * 10_000_000
    tracemalloc.start()
    records = list(records_of(io.BytesIO(b"\n".join((head, row, long, row)) + ending)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [record.line for record in records] == [2, 3, 4]
    assert [codes(record) for record in records] == [[], [("/", "record-too-long")], []]
    assert len(records[1].raw) <= MAX_RECORD
    assert peak < 25_000_000


def test_a_quoted_text_of_many_lines_that_is_too_long_is_rejected_once() -> None:
    head, row = table(BASE).split(b"\n")[:2]
    long = b'7,"' + b"x\n" * MAX_RECORD + b'"'
    records = read(b"\n".join((head, long, row)))
    assert [codes(record) for record in records] == [[("/", "record-too-long")], []]
    assert records[1].line == 3 + MAX_RECORD


def test_memory_does_not_grow_with_the_file() -> None:
    row = table(BASE).split(b"\n")[1] + b"\n"

    class Endless(io.BytesIO):
        left = 5_000

        def read(self, size: int | None = -1, /) -> bytes:
            if self.left and self.tell() == len(self.getbuffer()):
                self.left -= 1
                self.seek(0)
                self.truncate()
                self.write(row)
                self.seek(0)
            return super().read(size)

    records: Iterator[Record] = records_of(Endless(table(BASE)))
    for _ in range(100):
        next(records)
    tracemalloc.start()
    count = sum(1 for _ in records)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 4_901
    assert peak < 2_000_000


def test_blank_lines_and_rows_of_nothing_are_no_records() -> None:
    head, row = table(BASE).split(b"\n")[:2]
    records = read(b"\n".join((b"", head, b"", row, b"," * 48, b"   ", row, b"")))
    assert [record.line for record in records] == [4, 7]


@pytest.mark.parametrize(("extra", "accepted"), [(b",,,", True), (b",x", False)])
def test_only_empty_cells_may_hang_over_the_header(extra: bytes, accepted: bool) -> None:
    head, row = table(BASE).split(b"\n")[:2]
    (record,) = read(b"\n".join((head, row + extra)))
    assert codes(record) == ([] if accepted else [("/", "wrong-column-count")])


def test_a_record_with_too_few_columns_is_rejected_with_its_text() -> None:
    head = table().strip()
    (record,) = read(head + b"\n1,2,3\n")
    assert (record.raw, record.original, record.event) == ("1,2,3\n", None, None)
    assert codes(record) == [("/", "wrong-column-count")]


# What rejects a record


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("id", "", "missing"),
        ("id", "abc", "not-a-number"),
        ("id", "-4", "not-a-number"),
        ("id", "\u0663", "not-a-number"),
        ("id", "1" * 200, "not-a-number"),
        ("type_of_violence", "4", "unknown-value"),
        ("type_of_violence", "", "unknown-value"),
        ("date_start", "", "missing"),
        ("date_start", "2020-02-30", "not-a-date"),
        ("date_start", "03/04/2020", "not-a-date"),
        ("date_start", "2020-05-01T13:00:00", "not-a-date"),
        ("date_start", "0000-01-01", "not-a-date"),
        ("date_end", "2020-05-01", "reversed"),
        ("latitude", "91", "out-of-range"),
        ("latitude", "nan", "not-a-number"),
        ("longitude", "-180.0001", "out-of-range"),
        ("longitude", "1e99", "out-of-range"),
        ("longitude", "64,8", "not-a-number"),
        ("best", "three", "not-a-number"),
        ("best", "3.5", "not-a-number"),
        ("deaths_a", "-1", "not-a-number"),
        ("high", "1000000001", "out-of-range"),
        ("high", "1_0", "not-a-number"),
        ("adm_2", "a\0b", "bad-character"),
    ],
)
def test_a_bad_cell_rejects_the_record_and_is_named(column: str, text: str, code: str) -> None:
    record = one(**{column: text})
    assert codes(record) == [(f"/{column}", code)]
    assert record.event is None and record.actors == () and record.raw.count("\n") == 1


def test_all_of_a_records_faults_are_found() -> None:
    record = one(id="x", date_start="x", latitude="x", best="x", type_of_violence="x")
    pointers = {pointer for pointer, _ in codes(record)}
    assert pointers == {"/id", "/date_start", "/latitude", "/best", "/type_of_violence"}


def test_numbers_as_a_spreadsheet_writes_them_are_read() -> None:
    read_back = event(id="900001.0", type_of_violence="1.0", where_prec="1.0", date_prec="1.0", best="3.0")
    assert read_back["id"] == "ucdp-ged-900001"
    assert read_back["location"]["precision"] == "exact"
    assert figures(read_back["claims"])[None] == (2, 3, 5)


# Dates


@pytest.mark.parametrize(
    ("precision", "start", "end", "edtf"),
    [
        ("1", "2020-05-02", "2020-05-02", "2020-05-02"),
        ("1", "2020-05-02T00:00:00", "", "2020-05-02"),
        ("2", "2020-05-02 00:00:00.000", "2020-05-05T00:00:00", "2020-05-02/2020-05-05"),
        ("3", "2020-05-02", "2020-05-08", "2020-05-02/2020-05-08"),
        ("4", "2020-02-01", "2020-02-29", "2020-02"),
        ("4", "2020-02-01", "2020-02-28", "2020-02-01/2020-02-28"),
        ("4", "2019-02-01", "2019-02-28", "2019-02"),
        ("4", "2020-02-10", "2020-03-09", "2020-02-10/2020-03-09"),
        ("5", "2020-01-01", "2020-12-31", "2020"),
        ("5", "2020-01-01", "2020-12-30", "2020-01-01/2020-12-30"),
        ("5", "2019-07-01", "2020-06-30", "2019-07-01/2020-06-30"),
        ("2", "2020-02-01", "2020-02-29", "2020-02-01/2020-02-29"),
    ],
)
def test_the_date_is_no_wider_and_no_narrower_than_its_days(precision: str, start: str, end: str, edtf: str) -> None:
    record = one(date_prec=precision, date_start=start, date_end=end)
    assert record.event is not None and record.event["date"] == edtf
    assert record.warnings == ()


def test_one_day_for_a_date_not_known_to_the_day_is_marked_approximate() -> None:
    record = one(date_prec="3")
    assert record.event is not None and record.event["date"] == "2020-05-02~"
    assert codes(record) == [("/date_prec", "date-approximate")]


def test_the_end_is_only_implied_for_a_known_day() -> None:
    assert codes(one(date_prec="3", date_end="")) == [("/date_end", "missing")]


# Place


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


# Actors, type, words


@pytest.mark.parametrize(
    ("violence", "kind", "roles"),
    [
        ("1", "battle/armed-clash", ["side-a", "side-b"]),
        ("2", "battle/armed-clash", ["side-a", "side-b"]),
        ("3", "violence-against-civilians/attack", ["perpetrator", "victim"]),
    ],
)
def test_the_kind_of_violence_gives_type_and_roles(violence: str, kind: str, roles: list[str]) -> None:
    read_back = event(type_of_violence=violence)
    assert read_back["type"] == kind
    assert [actor["role"] for actor in read_back["actors"]] == roles


def test_actors_carry_their_ucdp_ids_and_kinds() -> None:
    record = one()
    assert [(actor["name"], actor["kind"], actor["external_ids"]) for actor in record.actors] == [
        ("Government of Afghanistan", "state-forces", {"ucdp": "130"}),
        ("Orchard Brigade", "rebel-group", {"ucdp": "77001"}),
    ]
    civilians = one(type_of_violence="3", side_b="Civilians", side_b_new_id="9999").actors[1]
    assert (civilians["kind"], civilians["external_ids"]) == ("civilians", {})


@pytest.mark.parametrize(
    ("start", "name", "warned"),
    [("2021-08-31", "Government of Afghanistan", False), ("2021-09-01", "Taleban", True)],
)
def test_the_government_of_afghanistan_is_the_taliban_from_september_2021(start: str, name: str, warned: bool) -> None:
    record = one(date_start=start, date_end="2021-09-02", date_prec="2")
    assert record.event is not None and record.original is not None
    assert record.event["actors"][0] == {"name": name, "role": "side-a"}
    assert record.event["title"].startswith(name)
    assert name in figures(record.event["claims"])
    assert record.actors[0]["external_ids"] == {"ucdp": "303" if warned else "130"}
    assert record.original["side_a"] == "Government of Afghanistan"
    assert codes(record) == ([("/side_a", "government-is-taliban")] if warned else [])


def test_nobody_is_made_to_fight_themselves() -> None:
    record = one(date_start="2022-01-01", date_end="2022-01-01", side_b="Taleban", side_b_new_id="303")
    assert [actor["name"] for actor in record.actors] == ["Government of Afghanistan", "Taleban"]


@pytest.mark.parametrize("name", ["", "XXX365"])
def test_a_side_that_is_not_named_is_left_out(name: str) -> None:
    record = one(side_b=name, deaths_b="4", deaths_unknown="1", best="8", high="8")
    assert record.event is not None
    assert [actor["role"] for actor in record.event["actors"]] == ["side-a"]
    assert figures(record.event["claims"])["unknown"] == (None, 5, None)
    assert codes(record) == [("/side_b", "unnamed-actor")]


def test_the_title_says_who_and_where_once() -> None:
    assert event()["title"] == "Government of Afghanistan \u2013 Orchard Brigade, Sangin town, Hilmand province"
    province = event(where_prec="4", where_coordinates="Hilmand province")
    assert province["title"] == "Government of Afghanistan \u2013 Orchard Brigade, Hilmand province"
    broken = event(where_coordinates="Mill\n  hill", adm_1="")
    assert broken["title"].endswith(", Mill hill") and broken["location"]["place"] == "Mill\n  hill"
    nowhere = event(where_coordinates="", adm_1="")
    assert nowhere["title"] == "Government of Afghanistan \u2013 Orchard Brigade, Afghanistan"


def test_the_summary_is_only_what_says_something() -> None:
    assert event()["summary"] == "Three dead in Sangin"
    assert event(source_article='"Lapis Wire,2020-05-03,-"')["summary"] is None
    assert event(source_article='"Lapis Wire,2020-05-03,Lapis Wire"')["summary"] is None
    dull = event(source_article='"Lapis Wire,2020-05-03,Sangin"', where_description="Sangin Town")
    assert dull["summary"] is None
    assert event(where_description="at the mill")["summary"] == "Three dead in Sangin\nat the mill"


def test_texts_beyond_the_bounds_are_cut_with_a_warning() -> None:
    record = one(where_coordinates="x" * 600, source_article=f'"Lapis Wire,2020-05-03,{"y" * 600}"')
    assert record.event is not None and record.original is not None
    assert len(record.event["title"]) == len(record.event["location"]["place"]) == 500
    assert len(record.event["sources"][0]["title"]) == 500
    assert {code for _, code in codes(record)} == {"text-cut"}
    assert len(record.original["where_coordinates"]) == 600


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("Afghanistan: Government", ["Afghanistan: Government"]),
        ("A, B: Territory", []),
        ("x" * 65, []),
        ("", []),
    ],
)
def test_the_conflict_is_a_tag_where_it_fits(name: str, tags: list[str]) -> None:
    assert event(conflict_name=name)["tags"] == tags


# Figures


def test_figures_become_claims_of_ucdp() -> None:
    claims = event()["claims"]
    assert {claim["claimant"]["name"] for claim in claims} == {"UCDP"}
    assert {claim["measure"] for claim in claims} == {"killed"}
    assert figures(claims) == {
        None: (2, 3, 5),
        "Government of Afghanistan": (None, 2, None),
        "Orchard Brigade": (None, 0, None),
        "civilians": (None, 1, None),
        "unknown": (None, 0, None),
    }
    assert [claim["of"] for claim in claims if claim["preferred"]] == [None]
    assert {claim["source"] for claim in claims} == {"s1"}


def test_one_sided_violence_speaks_of_civilians_once() -> None:
    record = one(type_of_violence="3", side_a="Orchard Brigade", side_b="Civilians", deaths_b="1", deaths_a="1")
    assert record.event is not None
    parts = figures(record.event["claims"])
    assert parts["civilians"] == (None, 2, None)
    assert len(parts) == len(record.event["claims"]) == 4
    assert record.warnings == ()


@pytest.mark.parametrize(
    ("low", "best", "high", "expected", "warned"),
    [
        ("2", "3", "5", (2, 3, 5), False),
        ("4", "3", "3", (3, 3, 4), True),
        ("3", "3", "2", (2, 3, 3), True),
        ("5", "3", "2", (2, 3, 5), True),
        ("2", "3", "2", (2, 3, 3), True),
        ("", "3", "", (None, 3, None), False),
        ("5", "3", "", (3, 3, None), True),
        ("5", "", "2", (2, None, 5), True),
        ("0", "3", "1000000000", (0, 3, 10**9), False),
    ],
)
def test_figures_out_of_order_are_sorted_round_the_best_estimate(
    low: str, best: str, high: str, expected: tuple[int | None, ...], warned: bool
) -> None:
    record = one(low=low, best=best, high=high)
    assert record.event is not None
    assert figures(record.event["claims"])[None] == expected
    assert codes(record) == ([("/best", "figures-sorted")] if warned else [])
    if warned:
        assert all(figure in record.warnings[0].message for figure in (low, best, high) if figure)


def test_parts_that_do_not_add_up_are_kept_with_a_warning() -> None:
    record = one(deaths_unknown="7")
    assert record.event is not None
    assert figures(record.event["claims"])["unknown"] == (None, 7, None)
    assert codes(record) == [("/best", "parts-differ")]


def test_no_figures_make_no_claims() -> None:
    empty = dict.fromkeys(("deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "low", "best", "high"), "")
    assert event(**empty)["claims"] == []


def test_the_informant_stands_in_the_statement() -> None:
    claims = event(source_original="Mayor, by phone")["claims"]
    assert [claim["statement"] for claim in claims if claim["statement"]] == ["Original informant: Mayor, by phone"]


# Sources


def sources(article: str, number: str) -> list[tuple[str | None, str | None, str | None]]:
    found = event(source_article=article, number_of_sources=number)["sources"]
    assert [source["ref"] for source in found] == [f"s{n}" for n in range(1, len(found) + 1)]
    return [(source["publisher"], source["published"], source["title"]) for source in found]


@pytest.mark.parametrize(
    ("article", "number", "expected"),
    [
        ("", "0", []),
        ('"A,2020-01-02,B"', "1", [("A", "2020-01-02", "B")]),
        ('"A, Inc.,2020-01-02,B, C; D";"E,2020-1-3,F"', "2",
         [("A, Inc.", "2020-01-02", "B, C; D"), ("E", "2020-01-03", "F")]),
        ('"A 1990-5,2020-01-02,On 2019-01-01,too"', "1", [("A 1990-5", "2020-01-02", "On 2019-01-01,too")]),
        ('"A,2020-01-02,Says "no";"yes" twice"', "1", [("A", "2020-01-02", 'Says "no";"yes" twice')]),
        ('"A,2020-01-02,B\n\nAU C"', "1", [("A", "2020-01-02", "B\n\nAU C")]),
        ('"A,2020-01-02, "', "1", [("A", "2020-01-02", None)]),
        ('"A,2020-01-02,-"', "1", [("A", "2020-01-02", None)]),
        ('A 2 Jan 2020 "B; C" /(2)D', "-1", [(None, None, 'A 2 Jan 2020 "B; C" /(2)D')]),
        ('"A,2020-01-02,B"', "-1", [(None, None, '"A,2020-01-02,B"')]),
        ('"A 2 Jan 2020"', "1", [(None, None, '"A 2 Jan 2020"')]),
    ],
)  # fmt: skip
def test_sources_are_taken_apart(article: str, number: str, expected: list[tuple[str | None, ...]]) -> None:
    assert sources(article, number) == expected


def test_a_source_dated_on_no_day_keeps_its_words() -> None:
    record = one(source_article='"A,2020-02-30,B"')
    assert record.event is not None
    assert (record.event["sources"][0]["publisher"], record.event["sources"][0]["published"]) == ("A", None)
    assert codes(record) == [("/source_article", "not-a-date")]


def test_a_wrong_number_of_sources_is_told() -> None:
    assert codes(one(number_of_sources="3")) == [("/number_of_sources", "sources-differ")]


def test_two_hundred_sources_are_the_most() -> None:
    record = one(number_of_sources="250", source_article=";".join(['"A,2020-01-02,B"'] * 250))
    assert record.event is not None and len(record.event["sources"]) == 200
    assert codes(record) == [("/source_article", "sources-cut")]


def test_claims_name_a_source_only_where_there_is_one() -> None:
    for article, number in (("", "0"), ('"A,2020-01-02,B";"C,2020-01-02,D"', "2")):
        assert {claim["source"] for claim in event(source_article=article, number_of_sources=number)["claims"]} == {
            None
        }


# GeoJSON


def collection(*features: Any, indent: int | None = None) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=indent, ensure_ascii=False).encode()


def feature(**changes: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {**BASE, "best": 3, "id": 900001, "gwnob": None, **changes}
    del properties["latitude"], properties["longitude"]
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Point", "coordinates": [64.834, 32.072]},
    }


@pytest.mark.parametrize("indent", [None, 1])
def test_geojson_gives_the_event_that_csv_gives(indent: int | None) -> None:
    records = read(collection(*[feature(where_description="caf\u00e9 " * 99)] * 500, indent=indent))
    assert len(records) == 500
    assert {json.dumps(record.event) for record in records} == {json.dumps(event(where_description="caf\u00e9 " * 99))}
    assert len({record.line for record in records}) == (500 if indent else 1)
    assert json.loads(records[499].raw)["properties"]["id"] == 900001


def test_geojson_lines_are_those_of_the_file() -> None:
    data = collection(feature(), feature(id="x"), indent=2)
    second = read(data)[1]
    assert data.decode().split("\n")[second.line - 1].strip() == "{"
    assert "\n".join(data.decode().split("\n")[second.line - 1 :]).lstrip().startswith(second.raw)
    assert codes(second) == [("/id", "not-a-number")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (collection(), "no record"),
        (collection(feature())[:-40], "breaks off"),
        (collection(feature()).replace(b'"id": 900001', b'"id": oops'), "breaks off"),
        (b'{"type": "Topology"}', "no features"),
        (collection(feature(adm_2="Z")).replace(b'"Z"', b'"\xff"'), "not UTF-8"),
    ],
)
def test_broken_geojson_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(data)


@pytest.mark.parametrize("broken", [None, 7, {"properties": None}, {"type": "Feature"}])
def test_a_feature_without_properties_is_rejected_alone(broken: Any) -> None:
    records = read(collection(feature(), broken, feature()))
    assert [codes(record) for record in records] == [[], [("/properties", "missing")], []]


def test_half_a_surrogate_pair_is_rejected() -> None:
    (record,) = read(collection(feature(adm_2="@")).replace(b'"@"', b'"\\ud800"'))
    assert codes(record) == [("/adm_2", "bad-character")]


# The publishers' own files


def sample(name: str) -> Path:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"The sample {name} is not here.")
    return path


def counted(path: Path) -> list[dict[str, Any]]:
    """The file's records by a reader of another make."""
    if path.suffix == ".geojson":
        return [member["properties"] for member in json.loads(path.read_text("utf-8"))["features"]]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.DictReader(file) if not row["country"].startswith("#")]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("ged_afghanistan.csv", 135),
        ("ged_global_mixed.csv", 300),
        ("ged_hdx_hxl_ukr.csv", 200),
        ("ged_car.geojson", 120),
    ],
)
def test_every_record_of_a_sample_is_read(name: str, count: int) -> None:
    path = sample(name)
    expected = counted(path)
    with path.open("rb") as file:
        records = list(records_of(file))
    assert len(records) == len(expected) == count
    assert [record.faults for record in records if record.faults] == []
    events = [record.event for record in records if record.event is not None]
    assert [found["id"] for found in events] == [f"ucdp-ged-{row['id']}" for row in expected]
    assert len({found["id"] for found in events}) == count
    wholes = [figures(found["claims"])[None] for found in events]
    assert sum(best or 0 for _, best, _ in wholes) == sum(int(row["best"]) for row in expected)
    for found, (low, best, high) in zip(events, wholes, strict=True):
        assert low is not None and best is not None and high is not None and low <= best <= high
        assert sum(claim["best"] for claim in found["claims"] if claim["of"]) == best
    disordered = sum(not int(row["low"]) <= int(row["best"]) <= int(row["high"]) for row in expected)
    warned = Counter(warning.code for record in records for warning in record.warnings)
    assert warned["figures-sorted"] == disordered
    assert warned["sources-differ"] == warned["parts-differ"] == warned["unknown-country"] == 0
    assert Counter(len(found["sources"]) for found in events) == Counter(
        abs(int(row["number_of_sources"])) for row in expected
    )


def test_every_province_of_the_afghan_sample_is_found() -> None:
    with sample("ged_afghanistan.csv").open("rb") as file:
        for record in records_of(file):
            assert record.event is not None and record.original is not None
            assert bool(record.event["location"]["province"]) == bool(record.original["adm_1"]), record.line
