"""Reads files of the UCDP Georeferenced Event Dataset: CSV of every release, and GeoJSON made from it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from schemas.faults import Fault
from service.importers.delimited import MAX_RECORD, first_line, rows
from service.importers.record import Importer, Record, UnreadableFile, rejected
from service.importers.ucdp_ged_event import event_of

# The order of columns of release 23.1, and so of the candidate release 24.0.1, which came without a header.
# fmt: off
COLUMNS_23_1: tuple[str, ...] = (
    "id", "relid", "year", "active_year", "code_status", "type_of_violence", "conflict_dset_id",
    "conflict_new_id", "conflict_name", "dyad_dset_id", "dyad_new_id", "dyad_name", "side_a_dset_id",
    "side_a_new_id", "side_a", "side_b_dset_id", "side_b_new_id", "side_b", "number_of_sources",
    "source_article", "source_office", "source_date", "source_headline", "source_original", "where_prec",
    "where_coordinates", "where_description", "adm_1", "adm_2", "latitude", "longitude", "geom_wkt",
    "priogrid_gid", "country", "country_id", "region", "event_clarity", "date_prec", "date_start", "date_end",
    "deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "best", "high", "low", "gwnoa", "gwnob",
)
# fmt: on
# Without one of these no record can be read; a file that has none of the last three is of another format.
REQUIRED = ("id", "type_of_violence", "side_a", "side_b", "date_start", "date_end", "best")
# Names that older releases gave to the same columns.
RENAMED = {
    "best_est": "best",
    "low_est": "low",
    "high_est": "high",
    "side_a_id": "side_a_dset_id",
    "side_b_id": "side_b_dset_id",
}
FOREIGN_BYTES: tuple[tuple[bytes, str], ...] = (
    (rb"\x1f\x8b", "gzip-compressed data: unpack it first"),
    (rb"PK\x03\x04", "a zip archive or an Excel workbook: unpack it, or save it as CSV"),
    (rb"\xff\xfe|\xfe\xff", "UTF-16 text: save it as UTF-8"),
    (rb"[^\n]*\x00", "binary data"),
    (rb"\s*<", "HTML or XML"),
    (rb"\s*\[", "a JSON array"),
    (rb"[^\n]*\r(?!\r*\n|$)", "text whose lines end in a carriage return alone: save it with line feeds"),
    (rb"(?i)[^\n]*\bevent_id_cnty\b", "an ACLED export"),
    (rb"(?:[^\t\n]*\t){40}", "text separated by tabs, as GDELT's exports are"),
    (rb"[^\t\n,]*\t[^\n]*\t", "text separated by tabs: save it separated by commas"),
    (rb"[^;\n,]*;[^\n]*;", "text separated by semicolons: save it separated by commas"),
)
FEATURES = re.compile(r'"features"\s*:\s*\[')
BETWEEN = re.compile(r"[\s,]*")
CHUNK = 1 << 16


def read(stream: BinaryIO) -> Iterator[Record]:
    """Every record of the file, in order, as a Record with either its event or its faults.

    Takes CSV (UTF-8, any order of columns, extra ones welcome, a row of HXL tags under the header) and
    GeoJSON feature collections. Memory does not grow with the file. Two records with the same id are both
    handed on. Raises UnreadableFile.
    """
    first = first_line(stream)
    if not first:
        raise UnreadableFile("The file is empty.")
    if re.match(rb"(?:\xef\xbb\xbf)?\s*\{", first):
        records = _read_geojson(stream, first)
    else:
        for pattern, what in FOREIGN_BYTES:
            if re.match(pattern, first):
                raise UnreadableFile(f"This is no UCDP GED file; it looks like {what}.")
        records = _read_csv(stream, first)
    nothing = True
    for record in records:
        nothing = False
        yield record
    if nothing:
        raise UnreadableFile("The file has a header, but no record.")


def _read_csv(stream: BinaryIO, first: bytes) -> Iterator[Record]:
    found = rows(stream, first)
    header = next(found, None)
    if header is None:
        raise UnreadableFile("The file is empty.")
    if header.cells is None:
        reason = header.fault.message if header.fault else ""
        raise UnreadableFile(f"Line {header.line} should be the header. {reason}")
    if re.fullmatch(r"[0-9]+", header.cells[0].strip()):
        if len(header.cells) != len(COLUMNS_23_1):
            raise UnreadableFile(
                f"The file has no header and {len(header.cells)} columns; only the order of the "
                f"{len(COLUMNS_23_1)} columns of release 23.1 is known. Add the header line of its release."
            )
        columns, keys = COLUMNS_23_1, COLUMNS_23_1
        found = itertools.chain((header,), found)
    else:
        columns, keys = _columns(header.cells)
    tags_may_come = keys is not COLUMNS_23_1
    for row in found:
        if row.cells is None:
            assert row.fault is not None
            yield rejected(row.line, row.raw, row.fault)
            continue
        if tags_may_come:
            tags_may_come = False
            if all(cell.lstrip().startswith("#") for cell in row.cells if cell.strip()):
                continue
        cells = row.cells
        if len(cells) > len(keys) and not any(cells[len(keys) :]):
            cells = cells[: len(keys)]
        if len(cells) != len(keys):
            message = f"The record has {len(cells)} columns where the header has {len(keys)}."
            yield rejected(row.line, row.raw, Fault("/", "wrong-column-count", message))
            continue
        original = dict(zip(columns, cells, strict=True))
        values = original if keys is columns else dict(zip(keys, cells, strict=True))
        yield event_of(row.line, row.raw, original, values)


def _columns(header: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The header's names made distinct, and the names under which this module knows them."""
    columns = [name.strip() for name in header]
    keys = _keys(columns)
    missing = [name for name in REQUIRED if name not in keys]
    if len(missing) > 3:
        raise UnreadableFile(
            f"This is no UCDP GED file: its header lacks {', '.join(missing)}. It begins {', '.join(columns[:6])}."
        )
    if missing:
        raise UnreadableFile(f"The header lacks {', '.join(missing)}, without which no record can be read.")
    for name in sorted(set(COLUMNS_23_1).intersection(keys)):
        if keys.count(name) > 1:
            raise UnreadableFile(f"The header has the column {name} twice.")
    for position, name in enumerate(columns):
        if not name or name in columns[:position]:
            # No column may be lost from the original: a nameless or repeated one is named by its place.
            columns[position] = keys[position] = f"{name} ({position + 1})".strip()
    return tuple(columns), tuple(columns if columns == keys else keys)


def _keys(columns: list[str]) -> list[str]:
    """The columns' names in release 23.1."""
    lower = [name.lower() for name in columns]
    return [name if RENAMED.get(name, name) in lower else RENAMED.get(name, name) for name in lower]


def _read_geojson(stream: BinaryIO, first: bytes) -> Iterator[Record]:
    for line, raw, feature in _features(stream, first):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            yield rejected(line, raw, Fault("/properties", "missing", "The feature has no properties."))
            continue
        original = {name: _text(value) for name, value in properties.items()}
        values = dict(zip(_keys(list(original)), original.values(), strict=True))
        geometry = feature.get("geometry")
        point = geometry.get("coordinates") if isinstance(geometry, dict) else None
        if isinstance(point, list) and len(point) >= 2 and not values.get("latitude"):
            # Some files keep the point in the geometry alone (RFC 7946: longitude first).
            place = {"longitude": _text(point[0]), "latitude": _text(point[1])}
            original |= place
            values |= place
        yield event_of(line, raw, original, values)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _features(stream: BinaryIO, first: bytes) -> Iterator[tuple[int, str, Any]]:
    """The members of a feature collection's ``features``, one at a time: line, own text, value."""
    decoder = json.JSONDecoder()
    text, pending = "", first
    line = 1
    begun = ended = False
    while not ended:
        more, pending = _decoded(pending, line)
        text += more if text else more.removeprefix("\ufeff")
        at = 0
        if not begun and (opening := FEATURES.search(text)):
            begun, at = True, opening.end()
            line += text.count("\n", 0, at)
        while begun:
            begin = BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # It matches the empty string too.
            line += text.count("\n", at, begin)
            at = begin
            if ended := text.startswith("]", at):
                break
            try:
                value, end = decoder.raw_decode(text, at)
            except (json.JSONDecodeError, RecursionError):
                # Most likely the feature goes on in the next chunk.
                break
            yield line, text[at:end], value
            line += text.count("\n", at, end)
            at = end
        text = text[at:]
        chunk = b"" if ended else stream.read(CHUNK)
        if not ended and (not chunk or len(text) > MAX_RECORD):
            if not begun:
                raise UnreadableFile("This is JSON, but no GeoJSON feature collection: it has no features.")
            what = "is not valid JSON, or has an overlong feature," if chunk else "breaks off"
            raise UnreadableFile(f"The feature collection {what} in the feature that begins in line {line}.")
        pending += chunk


def _decoded(data: bytes, line: int) -> tuple[str, bytes]:
    """The text of the bytes, and those at their end that begin a character which the next chunk completes."""
    try:
        return data.decode("utf-8"), b""
    except UnicodeDecodeError as error:
        if error.end == len(data) and len(data) - error.start < 4:
            return data[: error.start].decode("utf-8"), data[error.start :]
        raise UnreadableFile(f"The file is not UTF-8 near line {line}. Save it as UTF-8.") from None


IMPORTER = Importer(
    name="ucdp-ged",
    title="UCDP Georeferenced Event Dataset",
    licence="CC BY 4.0",
    citation=(
        "Sundberg, Ralph, and Erik Melander. 2013. Introducing the UCDP Georeferenced Event Dataset. "
        "Journal of Peace Research 50(4): 523-532. Uppsala Conflict Data Program, https://ucdp.uu.se/; "
        "cite also the article of the release that was used."
    ),
    read=read,
)
