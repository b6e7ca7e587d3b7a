"""Files of UCDP GED, clean and dirty, as CSV and as GeoJSON: what is read, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.importers import Record, UnreadableFile
from service.importers.delimited import MAX_RECORD
from service.importers.ucdp_ged import COLUMNS_23_1
from tests.ucdp_ged_rows import BASE, FIXTURES, SAMPLES, codes, event, figures, read, records_of, table

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
        (
            collection(feature()).replace(b'"id": 900001', b'"id": oops'),
            "not valid JSON in the feature that begins in line 1",
        ),
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
