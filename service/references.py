"""Finds the actors that a batch of events names, and creates those that nobody knows where that is wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemas.faults import unreadable
from schemas.fields import ID_FORM
from schemas.names import fold
from schemas.vocabulary import CIVILIANS, RESERVED_ACTORS
from service.actors import ActorNames, by_external_id, ever, external_ids_of, ids_beginning, new_id, store_actor
from service.ledger import Ledger

CIVILIANS_ACTOR = {"name": "Civilians", "kind": "civilians"}

# What an import knows of the actors that one event names, by the name that the event uses.
KnownActors = Mapping[str, Mapping[str, Any]]


class References:
    """The actors that a batch of events names, fetched at once.

    With ``create``, an unknown actor is created from what is known of it; without, only ``civilians`` is. A new
    actor waits for the event that brought it: ``keep`` or ``drop`` it then, and at the end ``store`` what is named.
    """

    def __init__(
        self,
        log: Ledger,
        bodies: Sequence[Mapping[str, Any]],
        known_actors: Iterable[Mapping[str, Any]] = (),
        create: bool = False,
    ) -> None:
        self._log = log
        self._create = create
        known = list(known_actors)
        named = {name for body in bodies for name in _names_in(body)} | {actor["name"] for actor in known}
        self._names = ActorNames(log.database, named | {CIVILIANS})
        external = {pair for actor in known for pair in actor.get("external_ids", {}).items()}
        self._by_external_id = by_external_id(log.database, external)
        self._waiting: dict[str, dict[str, Any]] = {}
        self._new: dict[str, dict[str, Any]] = {}
        # What names without more to go by mean, until another actor comes that may have them too.
        self._settled: dict[str, str] = {}

    def actor(self, name: str, known: KnownActors, called: str | None = None) -> str:
        """The id of the actor that ``name`` means in an event that brings ``known`` along. Raises Unreadable.

        A dataset's own id decides first, then the name. An actor to which the dataset gives another id is another.
        called: what to call the actor, where ``name`` is its id and it has to be created.
        """
        if name in self._settled and name not in known:
            return self._settled[name]
        details = known.get(name, {})
        external = details.get("external_ids", {})
        for pair in external.items():
            if pair in self._by_external_id:
                return self._by_external_id[pair]
        for actor_id, actor in self._waiting.items():
            if external == actor["external_ids"] and (name == actor_id or fold(name) == fold(actor["name"])):
                return actor_id
        found = [actor for actor in self._names.candidates(name) if not self._is_another(actor, external)]
        if len(found) == 1:
            if not external:
                self._settled[name] = found[0]
            return found[0]
        if not found and fold(name) == CIVILIANS:
            return self._wait(CIVILIANS, CIVILIANS_ACTOR, external)
        if not self._create or found or fold(name) in RESERVED_ACTORS:
            return self._names.find(name)
        if not details and ID_FORM.match(name) and ever(self._log.database, [name]):
            raise unreadable("deleted", f"the actor {name!r} was deleted; only restoring it brings it back")
        return self._wait(self._free_id(name), {"name": called or name, **details}, external)

    def named_actor(self, name: str) -> str | None:
        """The id of the one actor that ``name`` means, None where it means none or several."""
        found = self._names.candidates(name)
        return found[0] if len(found) == 1 else None

    def keep(self) -> None:
        """Let the events that come after name the new actors of an event that is taken."""
        for actor_id, actor in self._waiting.items():
            self._names.add(actor_id, [actor["name"], *actor["aliases"]])
            self._by_external_id.update(dict.fromkeys(actor["external_ids"].items(), actor_id))
        if self._waiting:
            self._settled.clear()
        self._new |= self._waiting
        self._waiting.clear()

    @property
    def has_new(self) -> bool:
        """Whether there are new actors to be stored."""
        return bool(self._new)

    def store(self, named: Collection[str]) -> None:
        """Store those of the new actors that are named by events which are stored."""
        for actor_id in self._new.keys() & named:
            store_actor(self._log, self._new[actor_id])

    def drop(self) -> None:
        """Forget the new actors of an event that is refused."""
        self._waiting.clear()

    def _is_another(self, actor: str, external: Mapping[str, str]) -> bool:
        """Whether a dataset gives the actor a different id from the one it gives the actor that is sought."""
        if not external:
            return False
        new = self._new.get(actor)
        known = new["external_ids"] if new else external_ids_of(self._log.database, actor)
        return any(known.get(scheme, value) != value for scheme, value in external.items())

    def _free_id(self, name: str) -> str:
        """An id for a new actor that nothing has: the one it is named by, or one made from its name; with a number
        where that is taken."""
        base = name if ID_FORM.match(name) else new_id(name)
        taken = ids_beginning(self._log.database, base) | self._waiting.keys() | self._new.keys()
        taken |= set(RESERVED_ACTORS)
        return next(actor_id for actor_id in _numbered(base) if actor_id not in taken)

    def _wait(self, actor_id: str, details: Mapping[str, Any], external: Mapping[str, str]) -> str:
        self._waiting[actor_id] = {
            "id": actor_id,
            "name": details["name"],
            "aliases": list(details.get("aliases", ())),
            "kind": details.get("kind"),
            "member_of": [],
            "country": details.get("country"),
            "description": None,
            "external_ids": dict(external),
        }
        return actor_id


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _names_in(body: Mapping[str, Any]) -> Iterator[str]:
    """Every text in an event that may name an actor."""
    for participant in body["actors"]:
        yield participant["id"]
    for claim in body["claims"]:
        if claim["claimant"]:
            yield claim["claimant"].get("id") or claim["claimant"]["name"]
        if claim["of"]:
            yield claim["of"]
