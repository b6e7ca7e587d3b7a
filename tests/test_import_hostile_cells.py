"""Cells made to take memory or patience: what is left of them once read, and how much is told of one record."""

from __future__ import annotations

import csv
import gc
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.faults import Fault
from schemas.names import remember_short
from service.importers import IMPORTERS
from service.importers.acled_event import _day as acled_day
from service.importers.csv_mapped import mapped_importer
from service.importers.findings import Findings
from service.importers.gdelt import COLUMNS_2
from service.importers.gdelt_codes import country_of_actor
from service.importers.record import Importer, Record
from service.importers.source import opened
from service.importers.ucdp_ged_event import _day as ucdp_day
from tests.test_import_csv_mapped import MAPPING
from tests.writing import GED

MEGABYTE = 1_000_000
ACLED = {"event_date": "2021-08-26", "event_type": "Battles", "actor1": "Quince Regiment"}
GDELT = dict.fromkeys(COLUMNS_2, "") | {"GLOBALEVENTID": "1", "SQLDATE": "20210826", "EventCode": "190"}


def records(importer: Importer, data: str) -> list[Record]:
    return list(importer.read(opened(io.BytesIO(data.encode()))).records)


def line(cells: list[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue()


def row_of(name: str, changes: dict[str, str]) -> Record:
    """The record of one row with these cells."""
    if name == "gdelt":
        # A file is told by its first line.
        data = "".join("\t".join(cells.values()) + "\n" for cells in (GDELT, GDELT | changes))
    else:
        cells = (ACLED if name == "acled" else GED) | changes
        data = line(list(cells)) + line(list(cells.values()))
    return records(IMPORTERS[name], data)[-1]


def left_behind(read: Callable[[str], object]) -> int:
    """The bytes that stay allocated when three distinct texts of a megabyte have been read and let go."""

    def read_one(number: int) -> None:
        read(f"{number}" + "x" * (MEGABYTE - 100))

    read_one(0)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(1, 4):
            read_one(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        *(("acled", column) for column in ("event_date", "country", "iso", "admin1", "actor1", "tags", "source")),
        *(("ucdp-ged", column) for column in ("date_start", "country", "adm_1", "side_a", "conflict_name")),
        *(("gdelt", column) for column in ("SQLDATE", "ActionGeo_FullName", "ActionGeo_CountryCode", "SOURCEURL")),
        *(("gdelt", column) for column in ("Actor1Name", "Actor1CountryCode", "Actor2Code")),
    ],
)
def test_long_cells_leave_no_memory_behind(name: str, column: str) -> None:
    more = {"country": "Afghanistan"} if column in ("admin1", "adm_1") else {}
    if column.startswith("ActionGeo"):
        more = {"ActionGeo_Type": "4", "ActionGeo_CountryCode": "AF"}
    assert left_behind(lambda text: row_of(name, {**more, column: text})) < MEGABYTE // 2


@pytest.mark.parametrize("read", [acled_day, ucdp_day, country_of_actor])
def test_what_is_remembered_of_texts_is_bounded_in_characters(read: Callable[[str], object]) -> None:
    assert left_behind(read) < MEGABYTE // 2


def test_a_call_is_remembered_only_where_each_of_its_texts_is_short() -> None:
    calls = []

    @remember_short(10)
    def look_up(name: str, number: int, place: str = "") -> int:
        calls.append(name)
        return number

    for _ in range(2):
        assert (look_up("a", 1, "b"), look_up("a", 2, "b"), look_up("a", 3, place="b")) == (1, 2, 3)
    assert len(calls) == 3
    for _ in range(2):
        look_up("a" * 201, 1)
        look_up("a", 1, "b" * 201)
        look_up("a", 1, place="b" * 201)
    assert len(calls) == 9


@pytest.mark.parametrize(
    ("column", "code"), [("assoc_actor_1", "unnamed-actor"), ("tags", "comma-in-tag"), ("tags", "tags-cut")]
)
def test_a_cell_of_half_a_million_pieces_gives_one_warning(column: str, code: str) -> None:
    pieces = {"unnamed-actor": ("-;" for _ in range(400_000)), "comma-in-tag": ("a,b;" for _ in range(200_000))}
    text = "".join(pieces.get(code, (f"{number};" for number in range(100_000))))
    record = row_of("acled", {column: text})
    assert [(fault.pointer, fault.code) for fault in record.warnings] == [(f"/{column}", code)]
    if code == "unnamed-actor":
        assert "399,999 more" in record.warnings[0].message


def test_of_one_record_a_hundred_findings_are_told_and_the_rest_is_counted() -> None:
    found = Findings(Fault(f"/{column}", "text-cut", "It is cut.") for column in range(150) for _ in range(3))
    told = list(found)
    assert len(found) == 100 and len(told) == 101
    assert told[0] == Fault("/0", "text-cut", "It is cut. (And 2 more like it.)")
    assert (told[-1].pointer, told[-1].code) == ("/", "too-many") and "150 more" in told[-1].message


def test_warnings_of_different_columns_are_all_told() -> None:
    record = row_of("acled", {"assoc_actor_1": "-;-", "assoc_actor_2": "-", "tags": "a,b"})
    assert [fault.pointer for fault in record.warnings] == ["/assoc_actor_1", "/assoc_actor_2", "/tags"]


def test_two_hundred_actors_are_kept_of_a_hundred_thousand() -> None:
    record = row_of("acled", {"assoc_actor_1": ";".join(f"Group {number}" for number in range(70_000))})
    assert [actor["name"] for actor in record.event["actors"]][:3] == ["Quince Regiment", "Group 0", "Group 1"]
    assert len(record.event["actors"]) == len(record.actors) == 200


def test_sources_that_are_too_long_are_told_once() -> None:
    record = row_of("acled", {"source": ";".join(f"{number}" + "x" * 600 for number in range(300))})
    assert sorted(fault.code for fault in record.warnings) == ["sources-cut", "text-cut"]


def test_unknown_words_of_a_mapped_cell_are_one_fault(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING + 'tags = { column = "Tags", separator = ";", values = { alpha = "a" } }\n')
    cells = ";".join(f"w{number}" for number in range(100_000))
    (record,) = records(mapped_importer(mapping), f"Day,What,Tags\n1.8.2021,x,{cells}\n")
    assert [(fault.pointer, fault.code) for fault in record.faults] == [("/Tags", "unknown-value")]
    assert "99,999 more" in record.faults[0].message


def test_covers_of_a_timeline_are_counted_and_not_piled_up() -> None:
    def covers() -> Iterator[dict[str, object]]:
        for number in range(2_000):
            yield {"type": "title", "text": {"headline": f"cover {number}"}}
        yield {"start_date": {"year": 2021}, "text": {"headline": "x"}}

    (record,) = records(IMPORTERS["timelinejs"], json.dumps({"events": list(covers())}))
    (warning,) = [fault for fault in record.warnings if fault.code == "not-an-event"]
    assert "'cover 0'" in warning.message and "1,999 more" in warning.message
    assert isinstance(warning, Fault)
