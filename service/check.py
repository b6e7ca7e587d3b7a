"""Compares every projection with the revision log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from peewee import Database

from service import actors, read_side, rollups, search_rows
from service.database import fetch, fetch_by_key, snapshot
from service.models import Event, PastEvent
from service.projections import actors_in, project
from service.read_side import (
    Superseded,
    event_row,
    listed,
    numbered_terms,
    pairs,
    past_row,
    search_row,
    standings,
    with_any,
)
from service.repair import wrong_terms
from service.revisions import (
    Latest,
    Past,
    all_past_versions,
    end_of_log,
    latest,
    latest_actors,
    merges_in_log,
    moments_in_log,
    projected,
)
from service.terms import numbers_of
from service.versions import Merges

# Where these columns stand in a row of the table of events.
VERSION, EDITION, DELETED = 2, 3, 4


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A projection that is not what the revisions say. subject: the event, the actor or the table it is about."""

    table: str
    subject: str
    message: str


def check(database: Database) -> list[Discrepancy]:
    """Everything in which a projection differs from what the revisions make of it, as of one moment."""
    with snapshot(database):
        return [
            *_check_store(database),
            *_check_terms(database),
            *_check_events(database),
            *_check_actors(database),
        ]


# The store.


def _check_store(database: Database) -> Iterator[Discrepancy]:
    [found] = fetch(database, "SELECT sequence, recorded FROM store WHERE id = 1")
    for name, at, end in zip(("sequence", "recorded"), found, end_of_log(database), strict=True):
        if at < end:
            yield Discrepancy("store", name, f"is {at}, before the last revision's {end}")
    if fetch(database, "SELECT recorded, sequence FROM moment ORDER BY recorded") != moments_in_log(database):
        yield Discrepancy("moment", "moment", "differs from the times of the revisions")


# Terms.


def _check_terms(database: Database) -> Iterator[Discrepancy]:
    if wrong := wrong_terms(database):
        yield Discrepancy("term", "term", f"{len(wrong)} names are kept in a form in which they are not found")


# Events.


class _Totals:
    """What the whole of each table should come to, added up event by event."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.tally: Counter[tuple[int, int]] = Counter()
        self.rollups: Counter[tuple[rollups.Key, int]] = Counter()
        self.searched: dict[int, int] = {}
        self.datasets: set[str] = set()


def _check_events(database: Database) -> Iterator[Discrepancy]:
    totals = _Totals()
    merged = merges_in_log(database)
    for batch in latest(database, "event"):
        yield from _check_batch(database, batch, totals, merged)
    for past in all_past_versions(database, merged):
        yield from _check_past(database, past, totals)
    for dataset in sorted(totals.datasets - {dataset for (dataset,) in fetch(database, "SELECT id FROM dataset")}):
        yield Discrepancy("dataset", dataset, "has events and no row")
    for table in ("event", "past_event", "event_document", "timeline"):
        [(found,)] = fetch(database, f"SELECT count(*) FROM {table}")
        if found > totals.rows[table]:
            message = f"holds {found - totals.rows[table]} rows that no revision accounts for"
            yield Discrepancy(table, table, message)
    tally = {(term, place): count for term, place, count in fetch(database, "SELECT term, place, events FROM tally")}
    yield from _differences("tally", tally, totals.tally)
    yield from _differences("rollup", rollups.stored(database), totals.rollups)
    yield from _differences("search", search_rows.stored(database), totals.searched)


def _check_batch(database: Database, batch: list[Latest], totals: _Totals, merged: Merges) -> Iterator[Discrepancy]:
    marks = ", ".join("?" * len(batch))
    columns = ", ".join(f"e.{field.column_name}" for field in Event._meta.sorted_fields)
    subjects = [subject for subject, *_ in batch]
    rows = {
        row[1]: row
        for row in fetch(
            database,
            f"SELECT {columns}, d.document FROM event e LEFT JOIN event_document d ON d.num = e.num "
            f"WHERE e.id IN ({marks})",
            subjects,
        )
    }
    projections = list(projected(database, batch, {subject: row[0] for subject, row in rows.items()}, merged))
    named = numbered_terms(projection for _, _, projection in projections if projection)
    numbers = with_any(numbers_of(database, named))
    timeline: set[read_side.TimelineRow] = set()
    sums = rollups.Sums()
    for subject, version, projection in projections:
        totals.datasets |= version.datasets
        if subject not in rows:
            yield Discrepancy("event", subject, "has no row")
            continue
        totals.rows["event"] += 1
        *row, document = rows[subject]
        if projection is None:
            if not row[DELETED] or row[VERSION] != version.version or document is not None:
                yield Discrepancy("event", subject, "was deleted and is still there")
            continue
        totals.rows["event_document"] += 1
        if document != projection.document:
            yield Discrepancy("event_document", subject, "its document differs from its last revision")
        if unknown := numbered_terms([projection]) - numbers.keys():
            yield Discrepancy("term", subject, f"{len(unknown)} of its terms have no number")
            continue
        row[DELETED], row[EDITION] = bool(row[DELETED]), 0
        terms = listed(projection, numbers)
        if tuple(row) != event_row(version.num, projection, terms):
            yield Discrepancy("event", subject, "its row differs from its last revision")
        under = pairs(projection, numbers)
        timeline.update((*standing, projection.pos, version.num) for standing in standings(projection, under))
        totals.tally.update(under)
        sums.add(1, projection, numbers)
        totals.searched[version.num] = search_row(version.num, projection, terms).checksum()
    totals.rows["timeline"] += len(timeline)
    totals.rollups.update(rollups.parts(sums.rows()))
    key = ("term", "place", "span", "pos", "num")
    found = fetch_by_key(database, ", ".join(f"t.{column}" for column in key), "timeline", key, timeline)
    for missing in sorted(timeline - set(found)):
        yield Discrepancy("timeline", missing[3].partition(" ")[2], f"lacks the row {missing}")


def _check_past(database: Database, batch: list[Past], totals: _Totals) -> Iterator[Discrepancy]:
    columns = ", ".join(f"t.{field.column_name}" for field in PastEvent._meta.sorted_fields)
    found = fetch_by_key(database, columns, "past_event", ("ended",), [(ended,) for _, ended in batch])
    rows = {row[0]: tuple(row) for row in found}
    contents = [version.content for version, _ in batch if version.content]
    known = actors.views(database, {actor for content in contents for actor in actors_in(content)})
    past = [Superseded(project(version, known), ended) for version, ended in batch]
    numbers = with_any(numbers_of(database, numbered_terms(side for side, _ in past)))
    totals.datasets |= {dataset for version, _ in batch for dataset in version.datasets}
    for version in past:
        unknown = numbered_terms([version.side]) - numbers.keys()
        if unknown or rows.get(version.ended) != past_row(version, listed(version.side, numbers)):
            message = f"version {version.side.version} differs from its revision"
            yield Discrepancy("past_event", version.side.id, message)
        totals.rows["past_event"] += version.ended in rows


def _differences(table: str, stored: Mapping[Any, int], wanted: Mapping[Any, int]) -> Iterator[Discrepancy]:
    wrong = sum(stored.get(key, 0) != wanted.get(key, 0) for key in stored.keys() | wanted.keys())
    if wrong:
        yield Discrepancy(table, table, f"{wrong} of its rows differ from what the events come to")


# Actors.


def _check_actors(database: Database) -> Iterator[Discrepancy]:
    found = {
        row[0]: row
        for row in fetch(database, "SELECT id, version, content, created, updated, kind, country FROM actor")
    }
    names = Counter(fetch(database, "SELECT actor, folded, name FROM actor_name"))
    memberships = Counter(fetch(database, "SELECT actor, organisation FROM actor_membership"))
    external = Counter(fetch(database, "SELECT actor, scheme, value FROM actor_external_id"))
    for actor, version, created, updated in latest_actors(database):
        actor_id = actor["id"]
        row = (actor_id, version, orjson.dumps(actor).decode(), created, updated, actor["kind"], actor["country"])
        if found.pop(actor_id, None) != row:
            yield Discrepancy("actor", actor_id, "differs from its last revision")
        forms = actors.forms(actor_id, [actor["name"], *actor["aliases"]])
        names.subtract((actor_id, form, name) for form, name in forms.items())
        memberships.subtract((actor_id, organisation) for organisation in dict.fromkeys(actor["member_of"]))
        external.subtract((actor_id, scheme, value) for scheme, value in actor["external_ids"].items())
    for actor_id in found:
        yield Discrepancy("actor", actor_id, "is in no revision")
    merged = merges_in_log(database)
    for old, content in actors.last_contents(database, merged).items():
        external.subtract((old, scheme, value) for scheme, value in content["external_ids"].items())
    if dict(fetch(database, "SELECT id, actor FROM actor_merge")) != merged:
        yield Discrepancy("actor_merge", "actor_merge", "differs from what the revisions say was merged")
    tables = {"actor_name": names, "actor_membership": memberships, "actor_external_id": external}
    for table, rows in tables.items():
        for row in sorted({row[0] for row, count in rows.items() if count}):
            yield Discrepancy(table, row, "differs from the actor's last revision")
