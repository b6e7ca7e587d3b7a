"""The versions of events as the revision log has them, with today's actors in the place of those that were merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from peewee import Database

from service.database import chunks, fetch

LAST_ORIGINAL = (
    "SELECT r.original FROM revision r WHERE r.subject = e.id AND r.kind = 'event' AND r.original IS NOT NULL "
    "ORDER BY r.version DESC LIMIT 1"
)
# The actor that each merged actor has become.
Merges = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an event. ``content`` is None where it is deleted; times are microseconds.

    num: the number that stands for the event in the read side. sequence: that of the revision. original: the imported
    record that the event was last made from, as JSON, where that was asked for; edited: whether somebody has changed
    the event since.
    """

    num: int
    version: int
    sequence: int
    created: int
    updated: int
    content: dict[str, Any] | None
    original: str | None = None
    edited: bool = False

    @property
    def datasets(self) -> set[str]:
        """The dataset of the event, none where it is deleted."""
        return {self.content["dataset"]} if self.content else set()


def merges(database: Database) -> Merges:
    """All actors that were merged into others; few, since a person merges them."""
    return dict(fetch(database, "SELECT id, actor FROM actor_merge"))


def read_content(text: str | None, merged: Merges) -> dict[str, Any] | None:
    """An event's content from its revision. To merge actors is to say that they always were one."""
    if text is None:
        return None
    content: dict[str, Any] = orjson.loads(text)
    return _with_actors_of_today(content, merged) if merged else content


def _with_actors_of_today(content: dict[str, Any], merged: Merges) -> dict[str, Any]:
    """The content with merged actors replaced. One that takes part twice in a role takes part once, and of two claims
    that are preferred the first remains so."""
    participants = [{**actor, "id": merged.get(actor["id"], actor["id"])} for actor in content["actors"]]
    claims = []
    preferred = set()
    for claim in content["claims"]:
        claimant = claim["claimant"]
        if claimant and "id" in claimant:
            claimant = {"id": merged.get(claimant["id"], claimant["id"])}
        of = merged.get(claim["of"], claim["of"])
        kept = claim["preferred"] and (claim["measure"], of) not in preferred
        if kept:
            preferred.add((claim["measure"], of))
        claims.append({**claim, "claimant": claimant, "of": of, "preferred": kept})
    actors = [actor for place, actor in enumerate(participants) if actor not in participants[:place]]
    return {**content, "actors": actors, "claims": claims}


def versions(
    database: Database, ids: Iterable[str], merged: Merges | None = None, originals: bool = False
) -> dict[str, Version]:
    """The current version of each of these events that the store has ever had, deleted ones too.

    merged: the actors that are merged; those of now by default. originals: whether the imported records are wanted,
    for which all revisions of an event may have to be looked at.
    """
    last_original = f"({LAST_ORIGINAL})" if originals else "NULL"
    wanted = sorted(set(ids))
    if merged is None and wanted:
        merged = merges(database)
    found: dict[str, Version] = {}
    for chunk in chunks(wanted):
        marks = ", ".join("?" * len(chunk))
        rows = fetch(
            database,
            "SELECT e.id, e.num, e.version, last.sequence, first.recorded, last.recorded, last.content, "
            f"{last_original}, last.original IS NULL FROM event e "
            "JOIN revision first ON first.subject = e.id AND first.kind = 'event' AND first.version = 1 "
            "JOIN revision last ON last.subject = e.id AND last.kind = 'event' AND last.version = e.version "
            f"WHERE e.id IN ({marks})",
            chunk,
        )
        for event_id, num, version, sequence, created, updated, content, original, is_newer in rows:
            known = read_content(content, merged or {})
            edited = original is not None and bool(is_newer)
            found[event_id] = Version(num, version, sequence, created, updated, known, original, edited)
    return found
