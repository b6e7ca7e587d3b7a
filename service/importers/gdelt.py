"""Reads event exports of the GDELT Project, versions 1.0 and 2.0: lines of cells with tabs between them, no header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from schemas.faults import Fault
from service.importers.delimited import BYTE_ORDER_MARK, MAX_RECORD, SHOWN_MAX, lines_of
from service.importers.framing import REASON, TABS, unmarked_line
from service.importers.gdelt_event import DATASET, event_of
from service.importers.kinds import Kind
from service.importers.record import Importer, Reading, Record, UnreadableFile, rejected
from service.importers.sniffing import not_of_the_format, refuse_others
from service.importers.source import head

TITLE = "GDELT event export"
IDENTITY = "GLOBALEVENTID"


def _place_columns(of: str, second: bool) -> tuple[str, ...]:
    """The columns of a place; version 2.0 has the code of a second level before the point."""
    names = ("Type", "FullName", "CountryCode", "ADM1Code", *(("ADM2Code",) if second else ()), "Lat", "Long")
    return tuple(f"{of}Geo_{name}" for name in (*names, "FeatureID"))


def _columns(second: bool) -> tuple[str, ...]:
    """GDELT's own names of the columns, in their order."""
    # fmt: off
    actor = (
        "Code", "Name", "CountryCode", "KnownGroupCode", "EthnicCode", "Religion1Code", "Religion2Code", "Type1Code",
        "Type2Code", "Type3Code",
    )
    return (
        IDENTITY, "SQLDATE", "MonthYear", "Year", "FractionDate",
        *(f"{side}{name}" for side in ("Actor1", "Actor2") for name in actor),
        "IsRootEvent", "EventCode", "EventBaseCode", "EventRootCode", "QuadClass", "GoldsteinScale", "NumMentions",
        "NumSources", "NumArticles", "AvgTone",
        *(name for of in ("Actor1", "Actor2", "Action") for name in _place_columns(of, second)),
        "DATEADDED", "SOURCEURL",
    )
    # fmt: on


COLUMNS_1 = _columns(second=False)
COLUMNS_2 = _columns(second=True)
# Version 1.0 had no address of the source before April 2013.
COLUMNS: Mapping[int, tuple[str, ...]] = {len(columns): columns for columns in (COLUMNS_1[:-1], COLUMNS_1, COLUMNS_2)}
WIDTHS = "57, 58 or 61"


def read(stream: BinaryIO) -> Reading:
    """The records of the file, one a line, each with either its event or its faults.

    Lines of 57, 58 and 61 columns may come in any order. A header is skipped wherever it stands. Two lines with the
    same id are both handed on.
    """
    _judge(head(stream))
    return Reading(_records(stream), TABS)


def _judge(beginning: bytes) -> None:
    """Refuse a file whose beginning has no line of a GDELT export in it. Raises UnreadableFile."""
    lines = beginning.removeprefix(BYTE_ORDER_MARK).split(b"\n")
    marked = lines[0].startswith(REASON.encode())
    # UTF-16 has as many tabs, but a NUL beside the first letter.
    is_text = b"\0" not in lines[0][:4]
    if marked or (is_text and any(line.count(b"\t") + 1 in COLUMNS for line in lines)):
        return
    width = next((line for line in lines if line.strip()), b"").count(b"\t") + 1
    if width > 2 and is_text:
        raise UnreadableFile(f"This is no {TITLE}: its lines have {WIDTHS} columns, and the first here has {width}.")
    refuse_others(DATASET, TITLE, beginning)
    raise not_of_the_format(TITLE, beginning, f"Its lines have {WIDTHS} columns with tabs between them.")


def _records(stream: BinaryIO) -> Iterator[Record]:
    nothing = True
    for line, (text, whole) in enumerate(lines_of(stream), start=1):
        raw = unmarked_line(text)
        if not raw.strip():
            continue
        if raw[: len(IDENTITY)].upper() == IDENTITY and whole:
            _judge_header(line, raw)
            continue
        nothing = False
        yield _record(line, raw) if whole else _too_long(line, raw)
    if nothing:
        raise UnreadableFile("The file has no record.")


def _record(line: int, raw: str) -> Record:
    cells = raw.rstrip("\r\n").split("\t")
    columns = COLUMNS.get(len(cells))
    if columns is None:
        message = f"The record has {len(cells)} columns; a line of a GDELT event export has {WIDTHS}."
        return rejected(line, raw, Fault("/", "wrong-column-count", message))
    return event_of(line, raw, dict(zip(columns, cells, strict=True)))


def _judge_header(line: int, raw: str) -> None:
    """Raises UnreadableFile for a header of other columns than are known, by which every record would be misread."""
    names = [name.strip() for name in raw.split("\t")]
    known = COLUMNS.get(len(names))
    if known is None:
        raise UnreadableFile(f"Line {line} is a header of {len(names)} columns; GDELT has {WIDTHS}.")
    for name, right in zip(names, known, strict=True):
        if name.upper() != right.upper():
            raise UnreadableFile(
                f"Line {line} is a header with {name[:40]} where {right} should be; "
                "the columns must have GDELT's order."
            )


def _too_long(line: int, raw: str) -> Record:
    message = f"The record is longer than {MAX_RECORD:,} characters."
    # One cell alone, so that what was cut off cannot pass for a record when the rejects are fed again.
    return rejected(line, " ".join(raw[:SHOWN_MAX].split()) + "\n", Fault("/", "record-too-long", message))


IMPORTER = Importer(
    name=DATASET,
    title="GDELT event database",
    licence="Free to use with citation of the GDELT Project",
    citation=(
        "Leetaru, Kalev, and Philip A. Schrodt. 2013. GDELT: Global Data on Events, Location, and Tone, 1979-2012. "
        "ISA Annual Convention. The GDELT Project, https://www.gdeltproject.org/."
    ),
    read=read,
    kinds=(Kind("a GDELT event export", lambda found: found.line.count(b"\t") + 1 >= min(COLUMNS)),),
)
