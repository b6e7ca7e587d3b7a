"""Tables with a header: their columns, the row of HXL tags under it, and the width of rows, alike in every format."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from service.importers import IMPORTERS
from service.importers.csv_mapped import mapped_importer
from service.importers.record import Importer, Record, UnreadableFile
from service.importers.source import opened
from tests.test_import_csv_mapped import MAPPING
from tests.writing import GED

Read = Callable[[str], list[Record]]
ROWS = {
    "acled": {"event_date": "2021-08-26", "event_type": "Battles", "actor1": "Quince Regiment"},
    "ucdp-ged": GED,
    "timelinejs": {"Year": "2021", "Headline": "x"},
    "csv": {"Day": "26.08.2021", "What": "x"},
}


@pytest.fixture(params=sorted(ROWS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def read(name: str, tmp_path: Path) -> Read:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING)
    importer: Importer = mapped_importer(mapping) if name == "csv" else IMPORTERS[name]
    return lambda data: list(importer.read(opened(io.BytesIO(data.encode()))).records)


def line(cells: Iterable[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def codes(records: list[Record]) -> list[list[tuple[str, str]]]:
    return [[(fault.pointer, fault.code) for fault in record.faults] for record in records]


@pytest.mark.parametrize(
    ("tag", "passed_over"),
    [
        *(("#date", True), ("#adm1+name", True), ("#date +start +v_iso", True), (" #Affected+Killed ", True)),
        *(("#12", False), ("#metoo protest", False), ("# a", False), ("#", False), ("##date", False), ("x", False)),
    ],
)
def test_one_row_of_hxl_tags_is_passed_over(tag: str, passed_over: bool, name: str, read: Read) -> None:
    row = ROWS[name]
    tags = line([*["#date"] * (len(row) - 1), tag])
    records = read(line(row) + tags + line(row.values()))
    assert [record.line for record in records] == ([3] if passed_over else [2, 3])
    # What is under it is data, whatever it looks like.
    again = read(line(row) + line(["#date"] * len(row)) + tags + line(row.values()))
    assert [record.line for record in again] == [3, 4]


def test_tags_may_be_lacking_over_some_columns(name: str, read: Read) -> None:
    row = ROWS[name]
    assert len(read(line(row) + line(["#date"] + [""] * (len(row) - 1)) + line(row.values()))) == 1


def test_rows_that_begin_with_a_hash_are_rows_of_a_mapped_table(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('dataset = "desk"\n[fields]\nid = "Nr"\ntitle = "What"\ndate = { constant = "2021" }\n')
    data = b"Nr,What,Year\n#12,#metoo protest,#2021\n#13,#metoo,\n#14,#blm,#x\n"
    records = list(mapped_importer(mapping).read(opened(io.BytesIO(data))).records)
    assert [record.event["title"] for record in records] == ["#metoo protest", "#metoo", "#blm"]


@pytest.mark.parametrize(
    ("extra", "found"),
    [(["x"], [("/", "wrong-column-count")]), (["", ""], []), (["", " "], [("/", "wrong-column-count")])],
)
def test_only_empty_cells_may_hang_over_the_header(
    extra: list[str], found: list[tuple[str, str]], name: str, read: Read
) -> None:
    row = ROWS[name]
    short = list(row.values())[:-1]
    records = read(line(row) + line([*row.values(), *extra]) + line(short) + line(row.values()))
    assert codes(records) == [found, [("/", "wrong-column-count")], []]


def test_no_column_is_lost_from_the_original_whatever_the_names(name: str, read: Read) -> None:
    row, width = ROWS[name], len(ROWS[name])
    # The third of these would be named by its place, as the second is called.
    more = ["mine", f"mine ({width + 3})", "mine", "", "Mine"]
    (record,) = read(line([*row, *more]) + line([*row.values(), "a", "b", "c", "d", "e"]))
    assert record.original is not None
    added = {column: text for column, text in record.original.items() if column not in row}
    assert list(added.values()) == ["a", "b", "c", "d", "e"]
    assert list(added)[:2] == more[:2] and list(added)[3:] == [f"({width + 4})", "Mine"]


def test_a_column_that_is_read_may_stand_once(name: str, read: Read) -> None:
    row = ROWS[name]
    first = next(iter(row))
    with pytest.raises(UnreadableFile, match=f"(?i)the column '?{first}'? twice"):
        read(line([*row, first]) + line([*row.values(), "x"]))


def test_a_header_of_a_hundred_thousand_columns_is_read_in_time(name: str, read: Read) -> None:
    row = ROWS[name]
    more = [f"c{number}" for number in range(100_000)]
    began = time.perf_counter()
    (record,) = read(line([*row, *more]) + line([*row.values(), *[""] * len(more)]))
    assert time.perf_counter() - began < 10
    assert record.original is not None and len(record.original) == len(row) + 100_000


def test_a_header_alone_is_no_table(name: str, read: Read) -> None:
    for data in (line(ROWS[name]), line(ROWS[name]) + line(["#date"] * len(ROWS[name]))):
        with pytest.raises(UnreadableFile, match=r"no record|no event"):
            read(data)
