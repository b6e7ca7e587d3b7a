"""Generates the events and loads each contender's store with them, once where the folder is kept."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import dateline_way, generate, queries
from bench.servers import ROOT
from service.database import open_database
from service.upgrade import upgrade

# Written last, so that a load that was broken off is not taken for a whole one.
LOADED = "loaded.json"
# Queries beyond those of the main figure, for what is to be asked once only.
FRESH = 3_000
# The small store has a hundredth of the events, but never too few for a page.
SMALL_SHARE, SMALL_LEAST = 100, 3_000


class OtherStore(Exception):
    """The folder that was to be reused does not hold the events that are asked for."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The loaded stores in their folder.

    events, small: how many events the stores hold. paths: main queries, each with a full page; small_paths: those of
    the small store. load: how the import of all events went (see ``dateline_way.import_file``). loaded: on which day
    that was, None for this run.
    """

    folder: Path
    events: int
    small: int
    seed: int
    kept: bool
    paths: tuple[str, ...]
    small_paths: tuple[str, ...]
    load: Mapping[str, Any]
    loaded: str | None

    @property
    def lines(self) -> Path:
        """The events as lines of JSON, in the form of ``POST /v1/events``."""
        return self.folder / "events.ndjson"

    @property
    def usual(self) -> Path:
        return self.folder / "usual.db"

    @property
    def dateline(self) -> Path:
        return self.folder / "dateline.db"

    @property
    def small_dateline(self) -> Path:
        return self.folder / "small.db"


def _write_events(file: Path, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Passes the events on while it keeps them in a file, so that a million need not be in memory at once."""
    with file.open("w") as output:
        for event in generate.generate(count, seed):
            output.write(json.dumps(event) + "\n")
            yield event


def read_events(file: Path) -> Iterator[dict[str, Any]]:
    """The events of a file of lines of JSON."""
    with file.open() as lines:
        yield from map(json.loads, lines)


def small_size(events: int) -> int:
    """How many events the small store has, which is compared with one of that many; as many where there are too few."""
    small = max(events // SMALL_SHARE, SMALL_LEAST)
    return small if small * 2 <= events else events


def _load(folder: Path, events: int, seed: int, wanted: int, tell: Callable[[str], None]) -> None:
    """Fills an empty folder. Raises NotLoaded, TooFew or CalledProcessError."""
    actors, small = generate.actors(seed), small_size(events)
    lines, small_lines = folder / "events.ndjson", folder / "small.ndjson"
    tell(f"generating {events:,} events")
    small_days = queries.days_by_pair(actors, _write_events(small_lines, small, seed))
    days = queries.days_by_pair(actors, _write_events(lines, events, seed))
    paths = queries.choose(days, wanted, seed, wanted + FRESH)
    small_paths = queries.choose(small_days, 1, seed, wanted + FRESH)
    tell("loading the usual tables and Dateline's store at the same time")
    command = [sys.executable, "-m", "bench.usual_tables", str(folder / "usual.db"), str(lines), str(seed)]
    usual = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        begun = time.monotonic()
        load = dateline_way.import_file(folder / "dateline.db", actors, lines)
        tell(f"Dateline imported them in {load['seconds']:.0f} s")
        if small < events:
            dateline_way.import_file(folder / "small.db", actors, small_lines)
        if usual.wait():
            raise subprocess.CalledProcessError(usual.returncode, command)
        tell(f"both are loaded after {time.monotonic() - begun:.0f} s")
    finally:
        usual.kill()
        usual.wait()
    kept = {
        "events": events,
        "small": small,
        "seed": seed,
        "load": load,
        "loaded": time.strftime("%-d %B %Y"),
        "paths": paths,
        "small_paths": small_paths,
    }
    (folder / LOADED).write_text(json.dumps(kept))


def open_stores(folder: Path, events: int, seed: int, wanted: int, kept: bool, tell: Callable[[str], None]) -> Stores:
    """The stores in that folder, which is filled first where it does not hold them yet.

    wanted: how many different queries there must be. kept: whether the folder outlives the run, so that nothing may
    be written to what it holds. tell: is told what takes long.
    Raises OtherStore, NotLoaded, TooFew or CalledProcessError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    loaded = folder / LOADED
    is_kept = loaded.exists()
    if not is_kept:
        for old in itertools.chain(folder.glob("*.db*"), folder.glob("*.ndjson")):
            old.unlink()
        _load(folder, events, seed, wanted, tell)
    held = json.loads(loaded.read_text())
    if (held["events"], held["seed"]) != (events, seed):
        raise OtherStore(
            f"{folder} holds {held['events']:,} events of the seed {held['seed']}, not {events:,} of {seed}: "
            "name another folder, or delete it"
        )
    if len(held["paths"]) < wanted:
        raise OtherStore(f"{folder} was loaded for fewer queries: delete it")
    stores = Stores(
        folder,
        events,
        held["small"],
        seed,
        kept,
        tuple(held["paths"]),
        tuple(held["small_paths"]),
        held["load"],
        held["loaded"] if is_kept else None,
    )
    for file in (stores.dateline, *([stores.small_dateline] if stores.small < events else [])):
        # Of an earlier version of Dateline it is brought up to this one.
        database = open_database(f"sqlite:///{file}")
        upgrade(database, tell)
        database.close()
    return stores
