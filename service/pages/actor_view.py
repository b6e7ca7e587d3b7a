"""What an actor's page shows: who it is, what it belongs to, its timeline, where it is active and with whom."""

from __future__ import annotations

from typing import Any

from peewee import Database

from schemas.errors import Ambiguous, NotFound
from service.actor_list import find_actor, members_of
from service.actors import is_merged, names_of, nearest
from service.formats.prose import country_words
from service.pages.choice_view import Moved
from service.pages.fixed_view import fixed_view, listed

# Members that are listed.
MEMBERS = 100


def actor_view(database: Database, name: str, query_string: bytes) -> dict[str, Any]:
    """All that the template of an actor needs.

    Raises Moved for the id of a merged actor, Refused, Ambiguous, NotFound with the nearest, and Gone for one that was
    deleted.
    """
    actor = _find(database, name)
    path = f"/actors/{actor['id']}"
    if name != actor["id"] and is_merged(database, name):
        raise Moved(path)
    shown = fixed_view(database, path, "actor", actor["id"], query_string)
    members = members_of(database, actor["id"], MEMBERS + 1)
    above = names_of(database, actor["member_of"])
    return {
        **shown,
        "actor": actor,
        "kind": actor["kind"] and actor["kind"].replace("-", " "),
        "country": actor["country"] and country_words(actor["country"]),
        "member_of": [{"id": one, "name": above[one]} for one in actor["member_of"]],
        "members": members[:MEMBERS],
        "more_members": len(members) > MEMBERS,
        "where": list(listed(shown["address"], "province", shown["choices"]["province"])),
        "with_whom": list(listed(shown["address"], "actor", shown["choices"]["actor"], but=actor["id"])),
    }


def _find(database: Database, name: str) -> dict[str, Any]:
    try:
        return find_actor(database, name)
    except Ambiguous:
        raise
    except NotFound as error:
        found = nearest(database, name)
        names = names_of(database, found)
        raise NotFound(str(error), [(actor, names[actor]) for actor in found]) from None
