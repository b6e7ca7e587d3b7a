"""Who took part in an event of ACLED's: the two main actors and those associated with them, their kinds and roles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from schemas.event import MEMBERS_LIMIT
from schemas.faults import Fault
from schemas.names import fold
from schemas.vocabulary import UNKNOWN, slug
from service.importers.cells import Values, cell, code_of, cut
from service.importers.findings import Findings

# By the codes of inter1 and inter2, and by the labels that stand there since 2024; 0 is no actor.
CODES = {
    "1": "state-forces",
    "2": "rebel-group",
    "3": "political-militia",
    "4": "identity-militia",
    "5": "rioters",
    "6": "protesters",
    "7": "civilians",
    "8": "external-forces",
}
LABELS = {
    **{kind: kind for kind in CODES.values()},
    "rebel-groups": "rebel-group",
    "rebel-forces": "rebel-group",
    "political-militias": "political-militia",
    "identity-militias": "identity-militia",
    "communal-militia": "identity-militia",
    "communal-militias": "identity-militia",
    "external-other-forces": "external-forces",
    "other-forces": "external-forces",
}
# ACLED names those who belong to no group by what they are and their country: ``Civilians (Afghanistan)``.
NAMED_KINDS = re.compile(r"(civilians|protesters|rioters)\b", re.IGNORECASE)
# The beginnings by which ACLED names the forces of states, for the associated actors, which have no code.
STATE_FORCES = re.compile(r"(?:military|police) forces of ", re.IGNORECASE)
GOVERNMENT = re.compile(r"government of ", re.IGNORECASE)

FORCE_AGAINST_PROTESTERS = "protest/excessive-force-against-protesters"
SIDED = frozenset(("battle", "explosion", "violence-against-civilians", "riot"))
# Where one side are civilians, these are violence against them. A battle is between armed groups by definition.
AGAINST_CIVILIANS = frozenset(("explosion", "violence-against-civilians", "riot"))


class Actor(NamedTuple):
    """An actor as a row names it. kind: None where the row does not say."""

    name: str
    kind: str | None


# Actor 1 and actor 2; None for one that the row does not name.
Pair = tuple[Actor | None, Actor | None]


def main_actors(values: Values, warnings: Findings) -> Pair:
    return _main(values, "1", warnings), _main(values, "2", warnings)


def _main(values: Values, number: str, warnings: Findings) -> Actor | None:
    name = _name(cell(values, f"actor{number}"), f"/actor{number}", warnings)
    if name is None:
        return None
    code = code_of(values, f"inter{number}")
    kind = CODES.get(code) or LABELS.get(slug(code))
    if kind is None and code not in ("", "0"):
        message = f"'{code[:40]}' is no kind of actor, 1 to 8 or its label; the kind is taken from the name, or open."
        warnings.append(Fault(f"/inter{number}", "unknown-value", message, tuple(CODES)))
    return Actor(name, _kind_by_name(name) or kind)


def _name(text: str, pointer: str, warnings: Findings) -> str | None:
    name = cut(" ".join(text.split()), pointer, warnings)
    if name and fold(name) in ("", UNKNOWN):
        warnings.append(Fault(pointer, "unnamed-actor", f"'{name[:80]}' names nobody; the event is kept without it."))
        return None
    return name or None


def _kind_by_name(name: str) -> str | None:
    found = NAMED_KINDS.match(name)
    return found[1].lower() if found else None


def associates(values: Values, number: str, warnings: Findings) -> Iterator[Actor]:
    """The actors associated with actor 1 or 2, which stand in one cell."""
    column = f"assoc_actor_{number}"
    names = (_name(text, f"/{column}", warnings) for text in cell(values, column).split(";"))
    return (Actor(name, _associate_kind(name)) for name in names if name)


def _associate_kind(name: str) -> str | None:
    if STATE_FORCES.match(name):
        return "state-forces"
    return "government" if GOVERNMENT.match(name) else _kind_by_name(name)


def roles_of(event_type: str, main: Pair, targeting: bool) -> tuple[str, str]:
    """The roles of actor 1 and actor 2, of which ACLED does not say who acted.

    It can be told where the type of the event is violence against unarmed people and just one of the two are such.
    targeting: whether the row says that civilians were the target, among whom ACLED counts protesters.
    """
    top = event_type.partition("/")[0]
    unarmed: set[str | None] = {"civilians"} if top in AGAINST_CIVILIANS else set()
    if event_type == FORCE_AGAINST_PROTESTERS or (targeting and top in AGAINST_CIVILIANS):
        unarmed |= {"civilians", "protesters"}
    hit = [actor is not None and actor.kind in unarmed for actor in main]
    both = None not in main
    if any(hit) and not all(hit):
        # Actor 1 or 2 are the people who were hit; who else is named has done it.
        return ("victim", "perpetrator") if hit[0] else ("perpetrator", "victim")
    if not both and (top == "violence-against-civilians" or (targeting and top in AGAINST_CIVILIANS)):
        return "perpetrator", "perpetrator"
    if top in SIDED and (both or top != "riot"):
        return "side-a", "side-b"
    return "participant", "participant"


def participants(
    main: Pair, roles: tuple[str, str], associated: tuple[Iterable[Actor], Iterable[Actor]], warnings: Findings
) -> list[tuple[Actor, str]]:
    """Every actor with its role, each once for each role: what clashed may have one name, as two crowds do."""
    named = [(actor, role, f"/actor{number}") for number, (actor, role) in enumerate(zip(main, roles, strict=True), 1)]
    wanted = chain(
        ((actor, role, pointer) for actor, role, pointer in named if actor is not None),
        ((actor, "associate-a", "/assoc_actor_1") for actor in associated[0]),
        ((actor, "associate-b", "/assoc_actor_2") for actor in associated[1]),
    )
    kept: dict[tuple[str, str], tuple[Actor, str]] = {}
    for actor, role, pointer in wanted:
        if (key := (fold(actor.name), role)) in kept:
            continue
        if len(kept) == MEMBERS_LIMIT:
            message = f"The record names more than {MEMBERS_LIMIT} actors; the first {MEMBERS_LIMIT} are kept."
            warnings.append(Fault(pointer, "actors-cut", message))
            break
        kept[key] = actor, role
    return list(kept.values())


def details(taking_part: Iterable[tuple[Actor, str]]) -> tuple[dict[str, Any], ...]:
    """What is known of the actors, each once by its name. ACLED gives them no ids."""
    known: dict[str, dict[str, Any]] = {}
    for actor, _ in taking_part:
        known.setdefault(actor.name, {"name": actor.name, "kind": actor.kind, "external_ids": {}, "aliases": []})
    return tuple(known.values())
