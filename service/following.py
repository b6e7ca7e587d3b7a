"""Brings along what is made of events, current and past, when the actors that they name change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from peewee import Database

from service import actors, read_side, search_index
from service.database import chunks, fetch, fetch_by_key
from service.dialects import dialect
from service.projections import ActorView, actors_in, project
from service.revisions import past_versions
from service.row_tests import stands_under
from service.statement import Sql
from service.terms import Term, numbers_of
from service.versions import Version, merges, versions

Result = TypeVar("Result")
# How an event can name an actor: as who took part, who claims, or whose loss is claimed.
NAMING = ("actor", "claimant", "of")
# Versions that are made anew at a time.
BATCH = 200


def with_their_events(database: Database, ids: Sequence[str], change: Callable[[], Result]) -> Result:
    """Change actors within a write transaction, and let all follow that names them or members of them."""
    numbers = naming_terms(database, ids)
    events, past = events_naming(database, numbers), past_naming(database, numbers)
    merged_before = merges(database)
    # All views of before are taken before anything changes.
    known = _views(database, (versions(database, chunk, merged_before).values() for chunk in chunks(events, BATCH)))
    result = change()
    merged = merges(database)
    for chunk in chunks(events, BATCH):
        before, after = versions(database, chunk, merged_before), versions(database, chunk, merged)
        now = _views(database, [after.values()])
        changes = [
            read_side.Change(version.num, project(version, known), project(after[event_id], now))
            for event_id, version in before.items()
        ]
        read_side.apply(database, [change for change in changes if change.before != change.after])
    for ends in chunks(past, BATCH):
        rows = past_versions(database, ends, merged)
        now = _views(database, [(version for version, _ in rows)])
        read_side.apply(database, (), [read_side.Superseded(project(version, now), ended) for version, ended in rows])
    return result


def _views(database: Database, batches: Iterable[Iterable[Version]]) -> Mapping[str, ActorView]:
    contents = (version.content for batch in batches for version in batch if version.content)
    return actors.views(database, {actor for content in contents for actor in actors_in(content)})


def naming_terms(database: Database, ids: Sequence[str]) -> Mapping[Term, int]:
    """The numbers of the terms under which events stand that name one of these actors, or a member of it."""
    return numbers_of(database, [Term(kind, actor) for actor in ids for kind in NAMING])


def events_naming(database: Database, numbers: Mapping[Term, int]) -> list[str]:
    """The ids of the current events that stand under one of some terms, in order."""
    found: set[int] = set()
    for term, number in numbers.items():
        if term.kind == "of":
            # What is no more than a mark stands in the search index alone.
            sql = Sql("SELECT k.num FROM (")
            search_index.add_marked(sql, dialect(database), number)
            sql.add(") k")
            rows = fetch(database, sql.text, sql.parameters)
        else:
            rows = fetch(database, "SELECT num FROM timeline WHERE term = ? AND place = 0 AND span = 0", (number,))
        found.update(num for (num,) in rows)
    return sorted(event for (event,) in fetch_by_key(database, "t.id", "event", ("num",), [(num,) for num in found]))


def past_naming(database: Database, numbers: Mapping[Term, int]) -> list[int]:
    """The versions of events that were superseded and stood under one of some terms, by where they ended."""
    if not numbers:
        return []
    named = stands_under(dialect(database), numbers.values())
    sql = f"SELECT t.ended FROM past_event t WHERE {named.sql.format(row='t')} ORDER BY t.ended"
    return [ended for (ended,) in fetch(database, sql, named.parameters)]
