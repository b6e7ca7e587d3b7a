"""The usual way's tables: one for each noun, with normal keys and indexes, and how they are filled."""

from __future__ import annotations

import itertools
import json
import re
import sys
from calendar import monthrange
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from peewee import (
    AutoField,
    BooleanField,
    CharField,
    DatabaseProxy,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    PostgresqlDatabase,
    SqliteDatabase,
    TextField,
)

from bench.generate import actors
from bench.places import AFGHAN, ELSEWHERE

BATCH = 5_000
COUNTED = ("asserts", "confirms")
WRITTEN = "2026-01-01T00:00:00.000Z"

# The pragmas are those that peewee's documentation recommends for SQLite.
PRAGMAS = {"journal_mode": "wal", "cache_size": -64 * 1000, "foreign_keys": 1}
database: Any = DatabaseProxy()


class Table(Model):
    """What all tables share: the database they are in and a number as their key."""

    id = AutoField()

    class Meta:
        database = database


class Actor(Table):
    slug = CharField(unique=True)
    name = CharField(index=True)
    kind = CharField()


class Membership(Table):
    member = ForeignKeyField(Actor, backref="memberships")
    organisation = ForeignKeyField(Actor, backref="members")


class Province(Table):
    code = CharField(unique=True)
    name = CharField(index=True)


class Event(Table):
    """``start`` and ``end`` are local days or minutes as ISO 8601 text: a day sorts before its minutes."""

    slug = CharField(unique=True)
    title = CharField()
    summary = TextField(null=True)
    date = CharField()
    start = CharField(index=True)
    end = CharField(index=True)
    precision = CharField()
    qualifier = CharField(null=True)
    type = CharField(index=True)
    status = CharField(index=True)
    country = CharField(null=True, index=True)
    province = ForeignKeyField(Province, null=True, backref="events")
    district = CharField(null=True)
    place = CharField(null=True)
    latitude = FloatField(null=True)
    longitude = FloatField(null=True)
    place_precision = CharField(null=True)
    as_given = CharField(null=True)
    dataset = CharField(index=True)
    version = IntegerField()
    created = CharField()
    updated = CharField()

    class Meta:
        indexes = ((("province", "start"), False),)


class Participation(Table):
    event = ForeignKeyField(Event, backref="participations")
    actor = ForeignKeyField(Actor, backref="participations")
    role = CharField()

    class Meta:
        indexes = ((("actor", "event"), False),)


class Source(Table):
    event = ForeignKeyField(Event, backref="sources")
    ref = CharField()
    publisher = CharField(null=True)
    title = CharField(null=True)
    url = CharField(null=True)
    published = CharField(null=True)
    via = CharField(null=True)


class Claim(Table):
    event = ForeignKeyField(Event, backref="claims")
    claimant = ForeignKeyField(Actor, null=True, backref="claims")
    claimant_name = CharField(null=True)
    stance = CharField()
    statement = TextField(null=True)
    measure = CharField(null=True)
    of = CharField(null=True)
    low = IntegerField(null=True)
    best = IntegerField(null=True)
    high = IntegerField(null=True)
    source = CharField(null=True)
    date = CharField(null=True)
    preferred = BooleanField()


class Figure(Table):
    """An event's casualties, stored, so that the usual way is not charged for deriving them on each read."""

    event = ForeignKeyField(Event, backref="figures")
    measure = CharField()
    low = IntegerField()
    best = IntegerField(null=True)
    high = IntegerField()
    disputed = BooleanField()


class Tag(Table):
    name = CharField(unique=True)


class EventTag(Table):
    event = ForeignKeyField(Event, backref="event_tags")
    tag = ForeignKeyField(Tag, backref="event_tags")


class Relation(Table):
    event = ForeignKeyField(Event, backref="relations")
    related = CharField(index=True)
    relation = CharField()


TABLES = (Actor, Membership, Province, Event, Participation, Source, Claim, Figure, Tag, EventTag, Relation)


def use(where: str) -> None:
    """Says where the tables are: the path of a SQLite file, or the URL of a PostgreSQL database."""
    if where.startswith("postgresql://"):
        database.initialize(PostgresqlDatabase(where, prefer_psycopg3=True))
    else:
        database.initialize(SqliteDatabase(where, pragmas=PRAGMAS))


def _days(text: str) -> tuple[str, str, str]:
    """First and last day or minute and the precision of one generated date, which is never an interval."""
    if "T" in text:
        minute = text[:16]
        return minute, minute, "minute"
    year, _, month = text.partition("-")
    if not month:
        return f"{year}-01-01", f"{year}-12-31", "year"
    if re.fullmatch(r"\d\d", month):
        return f"{text}-01", f"{text}-{monthrange(int(year), int(month))[1]:02}", "month"
    return text, text, "day"


def when(date: str) -> tuple[str, str, str, str | None]:
    """Start, end, precision and qualifier of one of the generator's dates (not of every EDTF date)."""
    plain = date.rstrip("~")
    qualifier = "approximate" if plain != date else None
    first, _, last = plain.partition("/")
    start, end, precision = _days(first)
    return start, _days(last)[1] if last else end, precision, qualifier


def casualties(claims: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The derived figures of the API's event for each measure, worked out from its claims."""
    figures: dict[str, dict[str, Any]] = {}
    for measure in ("killed", "injured"):
        groups: dict[str | None, list[tuple[int, int, bool, int | None]]] = {}
        denied: set[str | None] = set()
        for claim in claims:
            if claim["measure"] != measure:
                continue
            if claim.get("stance", "asserts") not in COUNTED:
                denied.add(claim.get("of"))
                continue
            figure = (claim["low"], claim["high"], claim.get("preferred", False), claim.get("best"))
            groups.setdefault(claim.get("of"), []).append(figure)
        if not groups:
            continue
        differing = any(len({figure[:2] for figure in group}) > 1 for group in groups.values())
        disputed = differing or not denied.isdisjoint(groups)
        spans = {of: (min(f[0] for f in group), max(f[1] for f in group)) for of, group in groups.items()}
        parts = [span for of, span in spans.items() if of is not None]
        low, high = spans.get(None, (sum(span[0] for span in parts), 0))
        high = max(high, sum(span[1] for span in parts))
        leading = [groups[None]] if None in groups else list(groups.values())
        bests = [_best(group, disputed) for group in leading]
        best = None if None in bests else sum(best for best in bests if best is not None)
        figures[measure] = {"low": low, "best": best, "high": high, "disputed": disputed}
    return figures


def _best(group: Sequence[tuple[int, int, bool, int | None]], disputed: bool) -> int | None:
    preferred = [best for *_, marked, best in group if marked]
    if preferred:
        return preferred[0]
    return None if disputed else group[0][3]


def _insert(model: type[Table], rows: Sequence[Sequence[Any]]) -> None:
    """All columns but a leading automatic key where the rows do not bring one."""
    if not rows:
        return
    meta = model._meta
    columns = [field.column_name for field in meta.sorted_fields][-len(rows[0]) :]
    marks = ", ".join([database.param] * len(columns))
    names = ", ".join(f'"{column}"' for column in columns)
    database.cursor().executemany(f'INSERT INTO "{meta.table_name}" ({names}) VALUES ({marks})', rows)


def _location(event: dict[str, Any], province_keys: dict[str, int]) -> tuple[Any, ...]:
    location = event["location"] or {}
    province = location.get("province")
    return (
        location.get("country"),
        province_keys[province["code"]] if province else None,
        location.get("district"),
        location.get("place"),
        location.get("latitude"),
        location.get("longitude"),
        location.get("precision"),
        None,
    )


def _write_batch(
    events: Sequence[tuple[int, dict[str, Any]]], actor_keys: dict[str, int], province_keys: dict[str, int]
) -> None:
    rows: dict[type[Table], list[tuple[Any, ...]]] = {model: [] for model in TABLES}
    tags: dict[str, int] = {tag.name: tag.id for tag in Tag.select()}
    for key, event in events:
        head = (key, event["id"], event["title"], event.get("summary"), event["date"], *when(event["date"]))
        kept = (event.get("dataset", "local"), 1, WRITTEN, WRITTEN)
        rows[Event].append(
            (*head, event["type"], event.get("status", "reported"), *_location(event, province_keys), *kept)
        )
        rows[Participation] += [(key, actor_keys[actor["id"]], actor["role"]) for actor in event["actors"]]
        rows[Source] += [
            (key, source["ref"], source["publisher"], source["title"], None, source["published"], None)
            for source in event["sources"]
        ]
        for claim in event["claims"]:
            claimant = claim.get("claimant") or {}
            said = (claim.get("stance", "asserts"), claim.get("statement"), claim["measure"], claim.get("of"))
            figures = (claim["low"], claim.get("best"), claim["high"])
            of_whom = (actor_keys.get(claimant.get("id", "")), claimant.get("name"))
            about = (claim["source"], claim.get("date"), claim.get("preferred", False))
            rows[Claim].append((key, *of_whom, *said, *figures, *about))
        derived = casualties(event["claims"])
        rows[Figure] += [(key, measure, *figure.values()) for measure, figure in derived.items()]
        for tag in event["tags"]:
            if tag not in tags:
                tags[tag] = Tag.create(name=tag).id
            rows[EventTag].append((key, tags[tag]))
        rows[Relation] += [(key, link["id"], link["relation"]) for link in event.get("related", ())]
    for model, batch in rows.items():
        _insert(model, batch)


def load(where: str | Path, taking_part: Iterable[dict[str, Any]], events: Iterable[dict[str, Any]]) -> None:
    """Makes the tables in a new SQLite file or an empty PostgreSQL database, and fills them."""
    use(str(where))
    with database.connection_context():
        database.create_tables(TABLES)
        with database.atomic():
            known = list(taking_part)
            actor_keys = {actor["id"]: key for key, actor in enumerate(known, 1)}
            _insert(Actor, [(actor_keys[a["id"]], a["id"], a["name"], a["kind"]) for a in known])
            belonging = [(actor["id"], organisation) for actor in known for organisation in actor["member_of"]]
            _insert(Membership, [(actor_keys[member], actor_keys[above]) for member, above in belonging])
            places = (*AFGHAN, *ELSEWHERE)
            province_keys = {place.code: key for key, place in enumerate(places, 1)}
            _insert(Province, [(province_keys[place.code], place.code, place.name) for place in places])
        numbered = enumerate(events, 1)
        while batch := list(itertools.islice(numbered, BATCH)):
            with database.atomic():
                _write_batch(batch, actor_keys, province_keys)
        database.execute_sql("ANALYZE")


def main() -> None:
    """Fills the tables in a process of its own: where they are, a file of events, and the seed of the actors."""
    where, file, seed = sys.argv[1:]
    with open(file) as lines:
        load(where, actors(int(seed)), map(json.loads, lines))


if __name__ == "__main__":
    main()
