"""Reads files of the UCDP Georeferenced Event Dataset: CSV of every release, and GeoJSON made from it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from schemas.faults import Fault
from service.importers.delimited import Row, rows
from service.importers.framing import csv_framing, json_framing
from service.importers.json_records import Member, members
from service.importers.record import Importer, Reading, Record, UnreadableFile, rejected
from service.importers.sniffing import not_of_the_format, refuse_others
from service.importers.source import head
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
FEATURES = re.compile(r'"features"\s*:\s*\[')
COLLECTION = '{"type": "FeatureCollection", "features": [\n'
TITLE = "UCDP GED file"


def read(stream: BinaryIO) -> Reading:
    """The records of the file, each with either its event or its faults.

    Takes CSV (UTF-8, any order of columns, extra ones welcome, a row of HXL tags under the header) and
    GeoJSON feature collections. Two records with the same id are both handed on.
    """
    refuse_others("ucdp-ged", TITLE, head(stream))
    if re.match(rb"(?:\xef\xbb\xbf)?\s*\{", head(stream)):
        return Reading(_read_geojson(stream), json_framing(COLLECTION, "\n]}\n"))
    return _read_csv(stream)


def _read_csv(stream: BinaryIO) -> Reading:
    beginning = head(stream)
    found = rows(stream)
    header = next(found, None)
    if header is None:
        raise UnreadableFile("The file is empty.")
    if header.cells is None:
        raise not_of_the_format(TITLE, beginning, header.fault.message if header.fault else "")
    if re.fullmatch(r"[0-9]+", header.cells[0].strip()):
        if len(header.cells) != len(COLUMNS_23_1):
            raise UnreadableFile(
                f"The file has no header and {len(header.cells)} columns; only the order of the "
                f"{len(COLUMNS_23_1)} columns of release 23.1 is known. Add the header line of its release."
            )
        records = _records(itertools.chain((header,), found), COLUMNS_23_1, COLUMNS_23_1)
        return Reading(records, csv_framing(",".join(COLUMNS_23_1)))
    columns, keys = _columns(header.cells, beginning)
    return Reading(_records(found, columns, keys), csv_framing(header.raw))


def _records(found: Iterable[Row], columns: tuple[str, ...], keys: tuple[str, ...]) -> Iterator[Record]:
    nothing = True
    tags_may_come = keys is not COLUMNS_23_1
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
    original = dict(zip(columns, cells, strict=True))
    values = original if keys is columns else dict(zip(keys, cells, strict=True))
    return event_of(row.line, row.raw, original, values)


def _columns(header: Iterable[str], beginning: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The header's names made distinct, and the names under which this module knows them."""
    columns = [name.strip() for name in header]
    keys = _keys(columns)
    missing = [name for name in REQUIRED if name not in keys]
    if len(missing) > 3:
        raise not_of_the_format(TITLE, beginning, f"Its header lacks {', '.join(missing)}.")
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


def _read_geojson(stream: BinaryIO) -> Iterator[Record]:
    nothing = True
    for feature in members(stream, FEATURES, "GeoJSON feature collection, feature"):
        nothing = False
        yield _record_of_feature(feature)
    if nothing:
        raise UnreadableFile("The feature collection has no record.")


def _record_of_feature(feature: Member) -> Record:
    value = feature.value
    properties = value.get("properties") if isinstance(value, dict) else None
    if not isinstance(properties, dict):
        return rejected(feature.line, feature.raw, Fault("/properties", "missing", "The feature has no properties."))
    original = {name: _text(value) for name, value in properties.items()}
    values = dict(zip(_keys(list(original)), original.values(), strict=True))
    geometry = value.get("geometry")
    point = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if isinstance(point, list) and len(point) >= 2 and not values.get("latitude"):
        # Some files keep the point in the geometry alone (RFC 7946: longitude first).
        place = {"longitude": _text(point[0]), "latitude": _text(point[1])}
        original |= place
        values |= place
    return event_of(feature.line, feature.raw, original, values)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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
