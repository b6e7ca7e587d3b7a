"""Loads the timeline that ships with Dateline through the same store as everything else."""

from __future__ import annotations

from importlib import resources
from typing import Any

import orjson
from peewee import Database

from service.actor_store import write_actors
from service.catalog import describe_dataset
from service.database import chunks, fetch, write
from service.drafts import Draft, Report
from service.event_store import write_events
from service.ledger import ledger

TIMELINE = "afghanistan-2021"
AUTHOR = "seed"


def read_seed(name: str) -> Any:
    """One of the seed's files: ``dataset``, ``actors`` or ``events``."""
    return orjson.loads(resources.files("seed").joinpath(TIMELINE, f"{name}.json").read_bytes())


def seed(database: Database) -> tuple[int, Report]:
    """Store the seed; return how many actors changed and what became of the events.

    All of it is one transaction, and running it again changes nothing. What somebody else has changed, deleted or
    merged since is left as it is. Raises Refused for a broken seed.
    """

    def work() -> tuple[int, Report]:
        with ledger(database, AUTHOR) as log:
            describe_dataset(log, read_seed("dataset"))
        actors = write_actors(database, _ours(database, "actor", read_seed("actors")), by=AUTHOR)
        events = _ours(database, "event", read_seed("events"))
        return actors, write_events(database, [Draft(line, body) for line, body in enumerate(events, 1)], by=AUTHOR)

    return write(database, work)


def _ours(database: Database, kind: str, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the seed's events or actors that nobody else has written since."""
    changed = {
        subject
        for chunk in chunks([body["id"] for body in bodies])
        for (subject,) in fetch(
            database,
            "SELECT DISTINCT subject FROM revision "
            f'WHERE kind = ? AND subject IN ({", ".join("?" * len(chunk))}) AND "by" <> ?',
            (kind, *chunk, AUTHOR),
        )
    }
    return [body for body in bodies if body["id"] not in changed]
