"""The sheet of TimelineJS: its rows, times and columns."""

from __future__ import annotations

import pytest

from tests.timelinejs_slides import (
    SHEET,
    codes,
    read,
    row,
)


def test_a_sheet_gives_its_rows_with_their_lines() -> None:
    records = read(SHEET)
    assert [(record.line, codes(record)) for record in records] == [
        (3, [("/Type", "not-an-event")]),
        (5, [("/Headline", "missing")]),
        (6, []),
        (7, []),
        (8, [("/Day", "no-such-day")]),
        (9, [("/Time", "time")]),
        (10, [("/Year", "missing")]),
        (11, [("/", "wrong-column-count")]),
        (12, [("/End Year", "reversed-interval")]),
    ]
    mill, winter, era, bell = (record.event for record in records[:4])
    assert (mill["title"], mill["summary"]) == ("The first mill", "It stood by the river.\nStill does.")
    assert (mill["tags"], mill["sources"][0]["publisher"]) == (["Mills"], "Valley Archive")
    assert (winter["title"], winter["date"]) == ("Winter of 1903", "1903-02/1904")
    assert (era["date"], era["tags"]) == ("1890/1914", ["era"])
    assert bell["date"] == "1913-06-01T18:45"
    assert records[0].original is not None
    assert (records[0].original["Month"], records[0].original["Checked by"]) == ("4", "Rosa")
    assert len(records[0].original) == 19


@pytest.mark.parametrize(
    ("text", "edtf"),
    [
        ("6:45", "T06:45"), ("06.45", "T06:45"), ("0645", "T06:45"), ("6:45 PM", "T18:45"), ("6:45p.m.", "T18:45"),
        ("12:05 am", "T00:05"), ("12:05 pm", "T12:05"), ("23:59", "T23:59"),
    ],
)  # fmt: skip
def test_a_time_of_a_sheet_is_read_as_timelinejs_reads_it(text: str, edtf: str) -> None:
    record = row(Month="2", Day="3", Time=text)
    assert record.event is not None and record.event["date"] == "1900-02-03" + edtf
    assert record.warnings == ()


@pytest.mark.parametrize(
    ("cells", "faults"),
    [
        ({"Time": "6:45"}, [("/Day", "time-without-day")]),
        ({"Month": "2", "Day": "3", "Time": "25:00"}, [("/Time", "no-such-hour")]),
        ({"Month": "2", "Day": "3", "Time": "6:75"}, [("/Time", "no-such-minute")]),
        ({"Month": "2", "Day": "3", "Time": "at dawn"}, [("/Time", "time")]),
        ({"End_Time": "at dawn", "End_Year": "1901"}, [("/End Time", "time")]),
        ({"End_Year": "1899"}, [("/End Year", "reversed-interval")]),
        ({"Month": "14"}, [("/Month", "no-such-month")]),
        ({"Year": ""}, [("/Year", "missing")]),
        ({"Year": "", "End_Year": "1900"}, [("/Year", "missing")]),
        ({"Type": "era"}, [("/End Year", "missing")]),
        ({"Headline": "a\0b"}, [("/Headline", "bad-character")]),
    ],
)
def test_a_fault_of_a_sheet_points_at_its_column(cells: dict[str, str], faults: list[tuple[str, str]]) -> None:
    assert codes(row(**cells)) == faults


def test_columns_that_timelinejs_does_not_have_are_kept_and_tell_slides_apart() -> None:
    records = read("Year,Headline,,start_date_,columns,Note,Note\n1900,a,1,2,3,4,5\n1900,a,1,2,3,4,6\n")
    assert [record.faults for record in records] == [(), ()]
    assert records[0].original == {
        "Year": "1900", "Headline": "a", "(3)": "1", "start_date_": "2", "columns": "3", "Note": "4", "Note (7)": "5"
    }  # fmt: skip
    assert records[0].event["id"] != records[1].event["id"]
