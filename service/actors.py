"""Actors: who they are, by which names they are found, and the rows that hold them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from peewee import Database

from schemas.actor import ActorBody
from schemas.faults import Fault, Refused, Unreadable, unreadable
from schemas.fields import ID_FORM, load, shorten
from schemas.names import closest, fold
from schemas.vocabulary import CIVILIANS, RESERVED_ACTORS, slug
from service.database import chunks, fetch, fetch_by_key, insert_rows
from service.ledger import Ledger
from service.models import Actor, ActorExternalId, ActorMembership, ActorName
from service.places import resolve_country
from service.projections import ActorView

SCHEMA = ActorBody()
# The members that events show, or are found by.
SHOWN = ("name", "aliases", "member_of")
# The members of an actor in the order of its answer, without what is counted.
MEMBERS = ("id", "name", "aliases", "kind", "member_of", "country", "description", "external_ids")


def ambiguous(name: str, actors: Sequence[str]) -> Fault:
    """The fault of a name that several actors have."""
    return Fault(
        "", "ambiguous-actor", f"{shorten(name)!r} is a name of several actors; give the id of one", tuple(actors)
    )


def _named(database: Database, names: Iterable[str]) -> list[tuple[str | None, str, str]]:
    """The forms that some names have, with the actors that have them; without a form, ids that were merged."""
    sought = (
        ("SELECT folded, actor, name FROM actor_name WHERE folded IN", {fold(name) for name in names} - {""}),
        # An actor that others were merged into may have been deleted since.
        (
            "SELECT NULL, m.actor, m.id FROM actor_merge m JOIN actor a ON a.id = m.actor WHERE m.id IN",
            set(filter(ID_FORM.match, names)),
        ),
    )
    parts = [f"{sql} ({', '.join('?' * len(values))})" for sql, values in sought if values]
    parameters = [value for _, values in sought for value in sorted(values)]
    return fetch(database, " UNION ALL ".join(parts) + " ORDER BY 2", parameters) if parts else []


class ActorNames:
    """The actors that some names can mean, fetched at once: ``find`` then asks no database."""

    def __init__(self, database: Database, names: Iterable[str]) -> None:
        self._database = database
        self._by_form: dict[str, list[str]] = {}
        self._with_comma: set[str] = set()
        self._merged: dict[str, str] = {}
        for chunk in chunks(sorted(set(names))):
            for form, actor, name in _named(database, chunk):
                if form is None:
                    self._merged[name] = actor
                elif actor not in (found := self._by_form.setdefault(form, [])):
                    found.append(actor)
                if form and "," in name:
                    self._with_comma.add(form)

    def candidates(self, name: str) -> list[str]:
        """The ids of all actors that ``name`` can mean; an id, of old too, means that actor alone."""
        found = self._by_form.get(fold(name), [])
        if name in found:
            return [name]
        return [self._merged[name]] if name in self._merged else found

    def is_one_name(self, text: str) -> bool:
        """Whether a text with commas is one name and no list: whether the name that it means holds a comma as well.

        Otherwise the list ``a,b`` would be the actor ``ab``, since commas do not count when names compare.
        """
        return "," in text and fold(text) in self._with_comma

    def find(self, name: str) -> str:
        """The id of the one actor that ``name`` means. Raises Unreadable with the nearest, or the candidates."""
        found = self.candidates(name)
        if len(found) == 1:
            return found[0]
        if found:
            raise Unreadable(ambiguous(name, found))
        message = f"no actor is called {shorten(name)!r}"
        raise unreadable("unknown-actor", message, nearest(self._database, name))

    def add(self, actor: str, names: Iterable[str]) -> None:
        """Take in an actor that was created since."""
        for form in forms(actor, names):
            found = self._by_form.setdefault(form, [])
            if actor not in found:
                found.append(actor)


def forms(actor: str, names: Iterable[str]) -> dict[str, str]:
    """Each form by which an actor is found, and the name that has it: of several one with a comma, or the first."""
    found: dict[str, str] = {}
    for name in sorted((*names, actor), key=lambda name: "," not in name):
        if folded := fold(name):
            found.setdefault(folded, name)
    return found


def nearest(database: Database, name: str) -> tuple[str, ...]:
    """The ids of the actors whose names look most like ``name``, the likeliest first."""
    return closest(fold(name), known_forms(database))


def known_forms(database: Database) -> list[tuple[str, str]]:
    """Each form by which an actor is found, and the actor's id."""
    rows = fetch(database, "SELECT folded, actor FROM actor_name ORDER BY folded, actor")
    return [(form, actor) for form, actor in rows]


def views(database: Database, actors: Collection[str]) -> dict[str, ActorView]:
    """What the read side needs to know of these actors, organisations of organisations included."""
    found: dict[str, dict[str, Any]] = {}
    for chunk in chunks(sorted(actors)):
        marks = ", ".join("?" * len(chunk))
        for actor, content in fetch(database, f"SELECT id, content FROM actor WHERE id IN ({marks})", chunk):
            found[actor] = orjson.loads(content)
    # What is past may name actors that were deleted since: by their last name.
    found |= last_contents(database, set(actors) - found.keys())
    direct: dict[str, list[str]] = {}
    asked: set[str] = set()
    while new := sorted((set(actors) | {above for known in direct.values() for above in known}) - asked):
        asked.update(new)
        for chunk in chunks(new):
            marks = ", ".join("?" * len(chunk))
            for actor, organisation in fetch(
                database,
                f"SELECT actor, organisation FROM actor_membership WHERE actor IN ({marks}) ORDER BY organisation",
                chunk,
            ):
                direct.setdefault(actor, []).append(organisation)
    return {
        actor: ActorView(found[actor]["name"], tuple(found[actor]["aliases"]), _above(actor, direct))
        for actor in actors
    }


def last_contents(database: Database, actors: Collection[str]) -> dict[str, dict[str, Any]]:
    """What actors that were deleted or merged were before."""
    found = {}
    for chunk in chunks(sorted(actors)):
        marks = ", ".join("?" * len(chunk))
        rows = fetch(
            database,
            "SELECT r.subject, r.content FROM revision r WHERE r.kind = 'actor' AND r.operation <> 'deleted' "
            f"AND r.subject IN ({marks}) AND r.version = (SELECT max(l.version) FROM revision l "
            "WHERE l.subject = r.subject AND l.kind = 'actor' AND l.operation <> 'deleted')",
            chunk,
        )
        found.update({actor: orjson.loads(content) for actor, content in rows})
    return found


def names_of(database: Database, actors: Collection[str]) -> dict[str, str]:
    """The name of each of these actors; of one that was deleted since, its last."""
    rows = fetch_by_key(database, "t.id, t.content", "actor", ("id",), [(actor,) for actor in sorted(actors)])
    found = {actor: orjson.loads(content)["name"] for actor, content in rows}
    # What is past may name them still.
    deleted = last_contents(database, set(actors) - found.keys())
    return found | {actor: content["name"] for actor, content in deleted.items()}


def existing(database: Database, actors: Collection[str]) -> set[str]:
    """Those of the ids that actors have today."""
    return {actor for (actor,) in fetch_by_key(database, "t.id", "actor", ("id",), [(actor,) for actor in actors])}


def _above(actor: str, direct: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Every organisation that an actor belongs to, nearest first. A circle of memberships ends where it began."""
    found: dict[str, None] = {}
    waiting = list(direct.get(actor, ()))
    while waiting:
        organisation = waiting.pop(0)
        if organisation != actor and organisation not in found:
            found[organisation] = None
            waiting += direct.get(organisation, ())
    return tuple(found)


def judge_actors(database: Database, bodies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The actors of these bodies in canonical form, ids for the names of organisations.

    An organisation may stand later in ``bodies`` than its member. Raises Refused with a pointer ``/index/…``.
    """
    faults: list[Fault] = []
    actors: list[dict[str, Any]] = []
    for index, body in enumerate(bodies):
        try:
            actors.append(_canonical(load(SCHEMA, body)))
        except Refused as refused:
            faults += Unreadable(*refused.faults).at(f"/{index}")
    if faults:
        raise Refused(faults)
    names = ActorNames(database, [organisation for actor in actors for organisation in actor["member_of"]])
    for actor in actors:
        names.add(actor["id"], [actor["name"], *actor["aliases"]])
    for index, actor in enumerate(actors):
        for step, organisation in enumerate(actor["member_of"]):
            try:
                found = names.find(organisation)
            except Unreadable as error:
                faults += error.at(f"/{index}/member_of/{step}")
                continue
            if found == actor["id"]:
                faults.append(Fault(f"/{index}/member_of/{step}", "own-id", "an actor cannot be a member of itself"))
            elif found in actor["member_of"][:step]:
                faults.append(Fault(f"/{index}/member_of/{step}", "duplicate", f"{found!r} stands earlier too"))
            actor["member_of"][step] = found
    if faults:
        raise Refused(faults)
    return actors


def _canonical(actor: Mapping[str, Any]) -> dict[str, Any]:
    try:
        country = actor["country"] and resolve_country(actor["country"])
    except Unreadable as error:
        raise Refused(error.at("/country")) from None
    actor_id = actor["id"] or new_id(actor["name"])
    if actor_id in RESERVED_ACTORS and actor_id != CIVILIANS:
        raise Refused([Fault("/id", "reserved", f"{actor_id!r} is reserved for claims about nobody in particular")])
    return {**{name: actor[name] for name in MEMBERS}, "id": actor_id, "country": country}


def showing_otherwise(database: Database, actors: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of those actors in canonical form that stand otherwise in the store: events show it, or find by it.

    So do actors that were deleted.
    """
    rows = fetch_by_key(database, "t.id, t.content", "actor", ("id",), [(actor["id"],) for actor in actors])
    before = {actor: orjson.loads(content) for actor, content in rows}
    deleted = ever(database, {actor["id"] for actor in actors} - before.keys())
    changed = {
        actor["id"]
        for actor in actors
        if (known := before.get(actor["id"])) and any(actor[name] != known[name] for name in SHOWN)
    }
    return sorted(changed | deleted)


def ever(database: Database, ids: Collection[str]) -> set[str]:
    """Those of the ids that actors have or ever had."""
    keys = [(actor, "actor", 1) for actor in sorted(ids)]
    return {actor for (actor,) in fetch_by_key(database, "t.subject", "revision", ("subject", "kind", "version"), keys)}


def store_actor(log: Ledger, actor: Mapping[str, Any], operation: str | None = None) -> bool:
    """Write one actor in canonical form; False when nothing changes. One that was deleted is restored.

    operation: what to call it where that does not follow.
    """
    actor_id, content = actor["id"], orjson.dumps(actor).decode()
    sql = "SELECT version, content, created, 'updated' FROM actor WHERE id = ?"
    found = fetch(log.database, sql, (actor_id,)) or _deleted(log.database, actor_id)
    version, before, created, follows = found[0] if found else (0, None, log.recorded, "created")
    if before == content:
        return False
    log.append("actor", actor_id, version + 1, operation or follows, content)
    insert_actor(log.database, actor, version + 1, created, log.recorded)
    return True


def _deleted(database: Database, actor_id: str) -> list[tuple[Any, ...]]:
    """The last version of an actor that was deleted, nothing of its content, and when it was created."""
    return fetch(
        database,
        "SELECT l.version, NULL, f.recorded, 'restored' FROM revision f "
        "JOIN revision l ON l.subject = f.subject AND l.kind = f.kind "
        "WHERE f.subject = ? AND f.kind = 'actor' AND f.version = 1 ORDER BY l.version DESC LIMIT 1",
        (actor_id,),
    )


def insert_actor(database: Database, actor: Mapping[str, Any], version: int, created: int, updated: int) -> None:
    """The rows of an actor's current version, in place of those of the version before."""
    actor_id = actor["id"]
    content = orjson.dumps(actor).decode()
    remove_actor(database, actor_id)
    insert_rows(database, Actor, [(actor_id, version, actor["kind"], actor["country"], content, created, updated)])
    found = forms(actor_id, [actor["name"], *actor["aliases"]])
    insert_rows(database, ActorName, [(form, actor_id, name) for form, name in found.items()])
    insert_rows(
        database,
        ActorMembership,
        [(actor_id, organisation) for organisation in dict.fromkeys(actor["member_of"])],
    )
    insert_external_ids(database, actor)


def insert_external_ids(database: Database, actor: Mapping[str, Any]) -> None:
    """The rows of the ids that datasets give an actor."""
    rows = [(scheme, value, actor["id"]) for scheme, value in actor["external_ids"].items()]
    insert_rows(database, ActorExternalId, rows)


def remove_actor(database: Database, actor_id: str, keep_external_ids: bool = False) -> None:
    """Take out the rows of an actor's current version; a merged one goes on being found by its ids in datasets."""
    Actor.delete().where(Actor.id == actor_id).execute(database)
    for table in (ActorName, ActorMembership) if keep_external_ids else (ActorName, ActorMembership, ActorExternalId):
        table.delete().where(table.actor == actor_id).execute(database)


def is_merged(database: Database, actor: str) -> bool:
    """Whether an id goes on meaning the actor that its own was merged into."""
    sql = "SELECT 1 FROM actor_merge m JOIN actor a ON a.id = m.actor WHERE m.id = ?"
    return bool(fetch(database, sql, (actor,)))


def by_external_id(database: Database, ids: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The actor that has each of these (scheme, value) pairs; the first by id where several have it."""
    found: dict[tuple[str, str], str] = {}
    # The ids of a merged actor stay its own, so that every dataset finds the one that it has become.
    columns = "coalesce((SELECT m.actor FROM actor_merge m WHERE m.id = t.actor), t.actor), t.scheme, t.value"
    rows = fetch_by_key(database, columns, "actor_external_id", ("scheme", "value"), set(ids))
    there = existing(database, {actor for actor, _, _ in rows})
    for actor, scheme, value in sorted(rows):
        if actor in there:
            found.setdefault((scheme, value), actor)
    return found


def external_ids_of(database: Database, actor: str) -> dict[str, str]:
    """The ids that datasets give one actor, by scheme."""
    rows = ActorExternalId.select(ActorExternalId.scheme, ActorExternalId.value).where(ActorExternalId.actor == actor)
    return dict(rows.tuples().execute(database))


def ids_beginning(database: Database, base: str) -> set[str]:
    """The ids, of actors that there are or ever were, that are ``base``, or ``base``, a hyphen and more."""
    # In the order of bytes, "." comes right after "-".
    bounds = (base, f"{base}-", f"{base}.")
    rows = fetch(
        database,
        "SELECT id FROM actor WHERE id = ? OR (id >= ? AND id < ?) UNION SELECT subject FROM revision "
        "WHERE kind = 'actor' AND version = 1 AND (subject = ? OR (subject >= ? AND subject < ?))",
        bounds * 2,
    )
    return {actor for (actor,) in rows}


def new_id(name: str) -> str:
    """An id made from a name: its letters and digits in ASCII, or a hash where it has none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return slug(plain)[:100].strip("-") or "actor-" + hashlib.sha256(name.encode()).hexdigest()[:16]
