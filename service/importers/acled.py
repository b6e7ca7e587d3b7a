"""Reads files of the Armed Conflict Location and Event Data (ACLED): CSV exports of all times, and its API's JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from schemas.faults import Fault
from service.importers.acled_event import event_of
from service.importers.cells import pointer_to
from service.importers.delimited import BYTE_ORDER_MARK, Row, rows
from service.importers.framing import csv_framing, json_framing
from service.importers.json_records import Member, members
from service.importers.record import Importer, Reading, Record, UnreadableFile, rejected
from service.importers.sniffing import not_of_the_format, refuse_others
from service.importers.source import head

# A file that has two of these is taken for one of ACLED's, and one of them alone cannot be done without.
REQUIRED = ("event_date", "event_type", "actor1")
# Every column that becomes part of an event, by its name of today.
READ = frozenset(
    (
        *("event_id_cnty", "data_id", *REQUIRED, "time_precision", "sub_event_type", "civilian_targeting"),
        *("inter1", "assoc_actor_1", "actor2", "inter2", "assoc_actor_2", "iso", "country", "admin1", "admin2"),
        *("admin3", "location", "latitude", "longitude", "geo_precision", "source", "notes", "fatalities", "tags"),
    )
)
# Names that older files gave to the same columns.
RENAMED = {
    "ally_actor_1": "assoc_actor_1",
    "ally_actor_2": "assoc_actor_2",
    "time_precis": "time_precision",
    "geo_precis": "geo_precision",
}
DATA = re.compile(r'"data"\s*:\s*\[')
LIST = re.compile(r"\A\s*\[")
TITLE = "ACLED file"
SAID_MAX = 300


def read(stream: BinaryIO) -> Reading:
    """The records of the file, each with either its event or its faults.

    Takes CSV (UTF-8, any order and case of columns, extra ones welcome, a row of HXL tags under the header), an answer
    of ACLED's API, and a JSON list of its rows. Two records with the same id are both handed on.
    """
    beginning = head(stream)
    refuse_others("acled", TITLE, beginning)
    first = beginning.removeprefix(BYTE_ORDER_MARK).lstrip()[:1]
    if first == b"{":
        if refusal := _refusal(beginning):
            raise UnreadableFile(refusal)
        return Reading(_read_json(stream, DATA), json_framing('{"data": [\n', "\n]}\n"))
    if first == b"[":
        return Reading(_read_json(stream, LIST), json_framing("[\n", "\n]\n"))
    return _read_csv(stream)


# Comma-separated text


def _read_csv(stream: BinaryIO) -> Reading:
    beginning = head(stream)
    found = rows(stream)
    header = next(found, None)
    if header is None:
        raise UnreadableFile("The file is empty.")
    if header.cells is None:
        raise not_of_the_format(TITLE, beginning, header.fault.message if header.fault else "")
    columns, keys = _columns(header.cells, beginning)
    return Reading(_records(found, columns, keys), csv_framing(header.raw))


def _columns(header: Iterable[str], beginning: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The header's names made distinct, and the names of today for the same columns."""
    columns = [name.strip() for name in header]
    keys = _keys(columns)
    missing = [name for name in REQUIRED if name not in keys]
    if len(missing) > 1:
        raise not_of_the_format(TITLE, beginning, f"Its header lacks {', '.join(missing)}.")
    if missing:
        raise UnreadableFile(f"The header lacks {missing[0]}, without which no record can be read.")
    for name in sorted(READ.intersection(keys)):
        if keys.count(name) > 1:
            raise UnreadableFile(f"The header has the column {name} twice.")
    for position, name in enumerate(columns):
        if not name or name in columns[:position]:
            # No column may be lost from the original: a nameless or repeated one is named by its place.
            columns[position] = keys[position] = f"{name} ({position + 1})".strip()
    return tuple(columns), tuple(keys)


def _keys(columns: Iterable[str]) -> list[str]:
    """The columns' names of today."""
    lower = ["_".join(name.lower().split()) for name in columns]
    return [name if RENAMED.get(name, name) in lower else RENAMED.get(name, name) for name in lower]


def _records(found: Iterator[Row], columns: tuple[str, ...], keys: tuple[str, ...]) -> Iterator[Record]:
    nothing = tags_may_come = True
    for row in found:
        if tags_may_come and row.cells is not None:
            tags_may_come = False
            if all(cell.lstrip().startswith("#") for cell in row.cells if cell.strip()):
                continue
        nothing = False
        yield _record(row, columns, keys)
    if nothing:
        raise UnreadableFile("The file has a header, but no record.")


def _record(row: Row, columns: tuple[str, ...], keys: tuple[str, ...]) -> Record:
    cells = row.cells
    if cells is None:
        assert row.fault is not None
        return rejected(row.line, row.raw, row.fault)
    if len(cells) > len(keys) and not any(cells[len(keys) :]):
        cells = cells[: len(keys)]
    if len(cells) != len(keys):
        message = f"The record has {len(cells)} columns where the header has {len(keys)}."
        return rejected(row.line, row.raw, Fault("/", "wrong-column-count", message))
    return _made(row.line, row.raw, dict(zip(columns, cells, strict=True)), keys)


def _made(line: int, raw: str, original: Mapping[str, str], keys: tuple[str, ...]) -> Record:
    """The record of a row. ``keys`` are today's names of its columns; faults point to them as the file names them."""
    if keys == (columns := tuple(original)):
        return event_of(line, raw, original, original)
    record = event_of(line, raw, original, dict(zip(keys, original.values(), strict=True)))
    if not (record.faults or record.warnings):
        return record
    pointers = {f"/{key}": pointer_to(column) for key, column in zip(keys, columns, strict=True)}
    faults, warnings = (
        tuple(fault.moved(pointers.get(fault.pointer, fault.pointer)) for fault in found)
        for found in (record.faults, record.warnings)
    )
    return replace(record, faults=faults, warnings=warnings)


# JSON


def _read_json(stream: BinaryIO, opening: re.Pattern[str]) -> Iterator[Record]:
    beginning = head(stream)
    nothing = True
    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    for member in members(stream, opening, "answer of ACLED's API, row"):
        if isinstance(member.value, dict) and columns != (names := tuple(member.value)):
            # Nearly always the rows of a list have the same columns.
            columns, keys = names, tuple(_keys(names))
            missing = [name for name in REQUIRED if name not in keys]
            if nothing and len(missing) > 1:
                raise not_of_the_format(TITLE, beginning, f"Its first row lacks {', '.join(missing)}.")
        nothing = False
        yield _record_of_member(member, keys)
    if nothing:
        raise UnreadableFile("The answer of ACLED's API has no record.")


def _record_of_member(member: Member, keys: tuple[str, ...]) -> Record:
    if not isinstance(member.value, dict):
        fault = Fault("/", "wrong-type", "The row is no JSON object; a row is an object of columns and their values.")
        return rejected(member.line, member.raw, fault)
    original = {name: _text(value) for name, value in member.value.items()}
    twice = sorted(READ.intersection(key for key in keys if keys.count(key) > 1)) if len(set(keys)) < len(keys) else []
    if twice:
        fault = Fault(f"/{twice[0]}", "duplicate", f"The row has {twice[0]} twice; it may have it once.")
        return rejected(member.line, member.raw, fault, original)
    return _made(member.line, member.raw, original, keys)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _refusal(beginning: bytes) -> str | None:
    """What ACLED said in the place of events; None where it gave some, or where the answer cannot be told for one."""
    try:
        answer = json.loads(beginning.removeprefix(BYTE_ORDER_MARK))
    except (ValueError, RecursionError):
        # Answers with events are longer than a beginning, and what is broken is told of when it is read.
        return None
    if answer.get("data") or not ({"error", "message"} & answer.keys() or answer.get("success") is False):
        return None
    said = list(
        dict.fromkeys(_said([answer.get(name) for name in ("error", "message", "messages", "error_description")]))
    )
    told = [*([str(answer["status"])] if answer.get("status") else []), *said]
    return f"ACLED's API gave no events, but an error: {': '.join(told)[:SAID_MAX] or 'it does not say which'}."


def _said(found: Any) -> Iterator[str]:
    """The texts in a part of an answer, however deep they stand."""
    if isinstance(found, str):
        if text := " ".join(found.split()).rstrip("."):
            yield text
    elif isinstance(found, list | dict):
        for part in found.values() if isinstance(found, dict) else found:
            yield from _said(part)


IMPORTER = Importer(
    name="acled",
    title="Armed Conflict Location and Event Data (ACLED)",
    licence="ACLED's terms of use: cite ACLED; the data may not be passed on",
    citation=(
        "Raleigh, Clionadh, Roudabeh Kishi, and Andrew Linke. 2023. Political instability patterns are obscured by "
        "conflict dataset scope conditions, sources, and coding choices. Humanities and Social Sciences Communications "
        "10: 74. Armed Conflict Location and Event Data (ACLED), https://acleddata.com/; "
        "say also when the data was downloaded."
    ),
    read=read,
)
