"""Reads files of the Armed Conflict Location and Event Data (ACLED): CSV exports of all times, and its API's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from schemas.faults import Fault
from schemas.fields import pointer_step
from service.importers.acled_event import event_of
from service.importers.delimited import BYTE_ORDER_MARK, Row
from service.importers.framing import csv_framing, json_framing
from service.importers.json_text import Item, listed, too_deep
from service.importers.kinds import Kind
from service.importers.record import Importer, Reading, Record, UnreadableFile, rejected
from service.importers.sniffing import not_of_the_format, refuse_others
from service.importers.source import head
from service.importers.table import Table, begun, doubled, keys_of

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
        return Reading(_read_json(stream), json_framing('{"data": [\n', "\n]}\n"))
    if first == b"[":
        return Reading(_read_json(stream), json_framing("[\n", "\n]\n"))
    return _read_csv(stream)


# Comma-separated text


def _read_csv(stream: BinaryIO) -> Reading:
    # Once rows were read the beginning is gone.
    beginning = head(stream)
    header, names, below = begun(stream, TITLE)
    table = Table(names, _form, RENAMED)
    table.require(REQUIRED, sorted(READ), TITLE, beginning)

    def made(row: Row, cells: tuple[str, ...]) -> Record:
        return _made(row.line, row.raw, table.original(cells), table.keys)

    return Reading(table.records(below, made), csv_framing(header.raw))


def _form(name: str) -> str:
    return "_".join(name.lower().split())


def _made(line: int, raw: str, original: Mapping[str, str], keys: Sequence[str]) -> Record:
    """The record of a row. ``keys`` are today's names of its columns; faults point to them as the file names them."""
    if keys == (columns := tuple(original)):
        return event_of(line, raw, original, original)
    record = event_of(line, raw, original, dict(zip(keys, original.values(), strict=True)))
    if not (record.faults or record.warnings):
        return record
    pointers = {f"/{key}": pointer_step(column) for key, column in zip(keys, columns, strict=True)}
    faults, warnings = (
        tuple(fault.moved(pointers.get(fault.pointer, fault.pointer)) for fault in found)
        for found in (record.faults, record.warnings)
    )
    return replace(record, faults=faults, warnings=warnings)


# JSON


def _read_json(stream: BinaryIO) -> Iterator[Record]:
    beginning = head(stream)
    nothing = True
    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    for member in listed(stream, "answer of ACLED's API", "row", "data"):
        if isinstance(member.value, dict) and columns != (names := tuple(member.value)):
            # Nearly always the rows of a list have the same columns.
            columns, keys = names, tuple(keys_of(names, _form, RENAMED))
            missing = [name for name in REQUIRED if name not in keys]
            if nothing and len(missing) > 1:
                raise not_of_the_format(TITLE, beginning, f"Its first row lacks {', '.join(missing)}.")
        nothing = False
        yield _record_of_member(member, keys)
    if nothing:
        raise UnreadableFile("The answer of ACLED's API has no record.")


def _record_of_member(member: Item, keys: tuple[str, ...]) -> Record:
    if not isinstance(member.value, dict):
        fault = Fault("/", "wrong-type", "The row is no JSON object; a row is an object of columns and their values.")
        return rejected(member.line, member.raw, fault)
    if deep := too_deep(member):
        return rejected(member.line, member.raw, deep)
    original = {name: _text(value) for name, value in member.value.items()}
    if len(set(keys)) < len(keys) and (twice := doubled(keys, sorted(READ))):
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
    waiting = [found]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if text := " ".join(part.split()).rstrip("."):
                yield text
        elif isinstance(part, list | dict):
            # The first is taken first.
            waiting += reversed(part.values() if isinstance(part, dict) else part)


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
    kinds=(
        Kind("an ACLED export", lambda found: found.has_columns("event id cnty")),
        Kind("an answer of ACLED's API", lambda found: found.has_member("event_id_cnty")),
    ),
)
