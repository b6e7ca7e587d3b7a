"""Reads files of the UCDP Georeferenced Event Dataset: CSV of every release, and GeoJSON made from it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from schemas.faults import Fault
from service.importers.delimited import BYTE_ORDER_MARK, Row
from service.importers.framing import csv_framing, json_framing
from service.importers.json_text import Item, listed, too_deep
from service.importers.kinds import Kind
from service.importers.record import Importer, Reading, Record, UnreadableFile, rejected
from service.importers.sniffing import refuse_others
from service.importers.source import head
from service.importers.table import Table, begun, keys_of
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
COLLECTION = '{"type": "FeatureCollection", "features": [\n'
TITLE = "UCDP GED file"


def read(stream: BinaryIO) -> Reading:
    """The records of the file, each with either its event or its faults.

    Takes CSV (UTF-8, any order of columns, extra ones welcome, a row of HXL tags under the header) and
    GeoJSON feature collections. Two records with the same id are both handed on.
    """
    refuse_others("ucdp-ged", TITLE, head(stream))
    if head(stream).removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"{"):
        return Reading(_read_geojson(stream), json_framing(COLLECTION, "\n]}\n"))
    return _read_csv(stream)


def _read_csv(stream: BinaryIO) -> Reading:
    # Once rows were read the beginning is gone.
    beginning = head(stream)
    header, names, below = begun(stream, TITLE)
    if re.fullmatch(r"[0-9]+", names[0].strip()):
        return _read_without_header(header, len(names), below)
    table = Table(names, str.lower, RENAMED)
    table.require(REQUIRED, COLUMNS_23_1, TITLE, beginning)
    return Reading(_records(table, below), csv_framing(header.raw))


def _read_without_header(first: Row, width: int, below: Iterator[Row]) -> Reading:
    if width != len(COLUMNS_23_1):
        raise UnreadableFile(
            f"The file has no header and {width} columns; only the order of the "
            f"{len(COLUMNS_23_1)} columns of release 23.1 is known. Add the header line of its release."
        )
    records = _records(Table(COLUMNS_23_1), itertools.chain((first,), below))
    return Reading(records, csv_framing(",".join(COLUMNS_23_1)))


def _records(table: Table, below: Iterator[Row]) -> Iterator[Record]:
    def made(row: Row, cells: tuple[str, ...]) -> Record:
        original = table.original(cells)
        values = original if table.keys == table.columns else dict(zip(table.keys, cells, strict=True))
        return event_of(row.line, row.raw, original, values)

    return table.records(below, made)


def _read_geojson(stream: BinaryIO) -> Iterator[Record]:
    nothing = True
    for feature in listed(stream, "GeoJSON feature collection", "feature", "features"):
        nothing = False
        yield _record_of_feature(feature)
    if nothing:
        raise UnreadableFile("The feature collection has no record.")


def _record_of_feature(feature: Item) -> Record:
    value = feature.value
    properties = value.get("properties") if isinstance(value, dict) else None
    if not isinstance(properties, dict):
        return rejected(feature.line, feature.raw, Fault("/properties", "missing", "The feature has no properties."))
    if fault := too_deep(feature):
        return rejected(feature.line, feature.raw, fault)
    original = {name: _text(value) for name, value in properties.items()}
    values = dict(zip(keys_of(original, str.lower, RENAMED), original.values(), strict=True))
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
    kinds=(
        Kind("a UCDP GED release", lambda found: found.has_columns("type of violence")),
        Kind("UCDP GED as GeoJSON", lambda found: found.is_object and found.has_member("type_of_violence")),
    ),
)
