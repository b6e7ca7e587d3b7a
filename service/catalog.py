"""What events can be found by: datasets, types and provinces, each with how many events it has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from peewee import Database

from schemas.vocabulary import EVENT_TYPES
from service import gazetteer, polygons
from service.database import fetch, fetch_by_key, insert_rows
from service.ledger import Ledger
from service.models import Dataset
from service.terms import ANY, Term, numbers_of


def ensure_datasets(log: Ledger, ids: Collection[str]) -> None:
    """Make each of these datasets known, by its id alone until somebody describes it."""
    known = {dataset for (dataset,) in fetch(log.database, "SELECT id FROM dataset")}
    missing = sorted(set(ids) - known)
    if missing:
        insert_rows(log.database, Dataset, [(dataset, dataset, None, None) for dataset in missing])
        log.touch()


def describe_dataset(log: Ledger, dataset: Mapping[str, Any]) -> None:
    """Record a dataset's id, title, licence and citation."""
    described = {name: dataset.get(name) for name in ("id", "title", "licence", "citation")}
    query = Dataset.select().where(Dataset.id == described["id"])
    if list(query.dicts().execute(log.database)) != [described]:
        Dataset.delete().where(Dataset.id == described["id"]).execute(log.database)
        Dataset.insert(described).execute(log.database)
        log.touch()


def introduce_dataset(log: Ledger, dataset: Mapping[str, Any]) -> None:
    """Describe a dataset that is new or known by its id alone; what somebody has said of it stays."""
    query = Dataset.select(Dataset.title, Dataset.licence, Dataset.citation).where(Dataset.id == dataset["id"])
    if list(query.tuples().execute(log.database)) in ([], [(dataset["id"], None, None)]):
        describe_dataset(log, dataset)


def datasets(database: Database) -> list[dict[str, Any]]:
    """Every dataset with its counts, by id."""
    found = list(Dataset.select().order_by(Dataset.id).dicts().execute(database))
    counted = extents(database, [Term("dataset", dataset["id"]) for dataset in found])
    return [{**dataset, **counted[Term("dataset", dataset["id"])]} for dataset in found]


def dataset(database: Database, dataset_id: str) -> dict[str, Any]:
    """One dataset as somebody described it: ``{"id", "title", "licence", "citation"}``."""
    found = Dataset.select().where(Dataset.id == dataset_id).dicts().execute(database)
    return next(iter(found), {"id": dataset_id, "title": dataset_id, "licence": None, "citation": None})


def event_counts(database: Database, kind: str) -> dict[str, int]:
    """How many events each value of a kind has, by value; values without events are left out."""
    joined = "y.term = 0 AND y.place = t.id" if kind == "place" else "y.term = t.id AND y.place = 0"
    rows = fetch(
        database,
        f"SELECT t.value, y.events FROM term t JOIN tally y ON {joined} WHERE t.kind = ? AND y.events > 0",
        (kind,),
    )
    return dict(rows)


def extents(database: Database, terms: Iterable[Term]) -> dict[Term, dict[str, Any]]:
    """``{"events", "first", "last"}`` of each term: its count and the days of its earliest and latest event."""
    asked = list(terms)
    numbers = numbers_of(database, asked)
    pairs = {(ANY, number) if term.kind == "place" else (number, ANY): term for term, number in numbers.items()}
    found: dict[Term, dict[str, Any]] = {term: {"events": 0, "first": None, "last": None} for term in asked}
    columns = f"t.term, t.place, t.events, {_end_of_timeline('ASC')}, {_end_of_timeline('DESC')}"
    for term, place, events, first, last in fetch_by_key(database, columns, "tally", ("term", "place"), pairs):
        found[pairs[term, place]] = {"events": events, "first": _day(first), "last": _day(last)}
    return found


def _end_of_timeline(order: str) -> str:
    return (
        "(SELECT l.pos FROM timeline l WHERE l.term = t.term AND l.place = t.place AND l.span = 0 "
        f"ORDER BY l.pos {order} LIMIT 1)"
    )


def _day(pos: str | None) -> str | None:
    return pos and f"{pos[:4]}-{pos[4:6]}-{pos[6:8]}"


def types(database: Database) -> list[dict[str, Any]]:
    """Every type of the vocabulary with its count; a top-level type counts its sub-types' events too."""
    counted = event_counts(database, "type")
    return [
        {"id": kind.id, "label": kind.label, "parent": kind.parent, "events": counted.get(kind.id, 0)}
        for kind in EVENT_TYPES.values()
    ]


def provinces(database: Database, country: str | None = None) -> list[dict[str, Any]]:
    """Every province of a country, or of the world, with its count, by code."""
    counted = event_counts(database, "place")
    return [_shown_province(unit, counted.get(unit.code, 0)) for unit in gazetteer.provinces(country)]


def province(database: Database, unit: gazetteer.Province) -> dict[str, Any]:
    """One province with its bounding box, its count and the days of its first and last event."""
    term = Term("place", unit.code)
    extent = extents(database, [term])[term]
    box = polygons.bbox(unit.code)
    return {
        **_shown_province(unit, extent["events"]),
        "bbox": box and list(box),
        "first": extent["first"],
        "last": extent["last"],
    }


def _shown_province(unit: gazetteer.Province, events: int) -> dict[str, Any]:
    return {
        "code": unit.code,
        "name": unit.name,
        "aliases": list(unit.aliases),
        "country": unit.country,
        "events": events,
    }


def outlines(shown: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Provinces as a GeoJSON FeatureCollection (RFC 7946); one without a known outline has a null geometry."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": unit["code"],
                "geometry": polygons.polygon(unit["code"]),
                "properties": dict(unit),
            }
            for unit in shown
        ],
    }
