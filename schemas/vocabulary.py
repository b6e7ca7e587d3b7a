"""The closed lists of words that events, claims and actors use."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event. ``parent`` is the top-level type of a sub-type, else None."""

    id: str
    label: str
    parent: str | None


# The sub-types are those of ACLED's codebook (2023), as labels; their ids follow from them.
_TREE: dict[tuple[str, str], tuple[str, ...]] = {
    ("battle", "Battle"): (
        "Armed clash",
        "Government regains territory",
        "Non-state actor overtakes territory",
    ),
    ("explosion", "Explosion or remote violence"): (
        "Air/drone strike",
        "Chemical weapon",
        "Grenade",
        "Remote explosive/landmine/IED",
        "Shelling/artillery/missile attack",
        "Suicide bomb",
    ),
    ("violence-against-civilians", "Violence against civilians"): (
        "Abduction/forced disappearance",
        "Attack",
        "Sexual violence",
    ),
    ("protest", "Protest"): (
        "Excessive force against protesters",
        "Peaceful protest",
        "Protest with intervention",
    ),
    ("riot", "Riot"): ("Mob violence", "Violent demonstration"),
    ("strategic-development", "Strategic development"): (
        "Agreement",
        "Arrests",
        "Change to group/activity",
        "Disrupted weapons use",
        "Headquarters or base established",
        "Looting/property destruction",
        "Non-violent transfer of territory",
        "Other",
        "Withdrawal",
    ),
    ("statement", "Statement"): ("Announcement", "Rejection"),
    ("other", "Other"): (),
}


def slug(label: str) -> str:
    """Lower case, each run of other characters one hyphen: ``Air/drone strike`` → ``air-drone-strike``."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


EVENT_TYPES: dict[str, EventType] = {}
for (_top, _label), _subtypes in _TREE.items():
    EVENT_TYPES[_top] = EventType(_top, _label, None)
    for _subtype in _subtypes:
        EVENT_TYPES[f"{_top}/{slug(_subtype)}"] = EventType(f"{_top}/{slug(_subtype)}", _subtype, _top)

STATUSES = ("reported", "confirmed", "disputed", "denied", "retracted")
ROLES = (
    "side-a",
    "side-b",
    "associate-a",
    "associate-b",
    "perpetrator",
    "target",
    "victim",
    "participant",
    "speaker",
)
RELATIONS = ("follows", "causes", "part-of", "same-as", "contradicts")
STANCES = ("asserts", "confirms", "denies", "disputes", "declines-to-comment")
MEASURES = ("killed", "injured", "captured", "missing", "displaced")
PLACE_PRECISIONS = ("exact", "near", "district", "province", "country")
ACTOR_KINDS = (
    "state-forces",
    "government",
    "rebel-group",
    "political-militia",
    "identity-militia",
    "external-forces",
    "civilians",
    "protesters",
    "rioters",
    "organization",
    "person",
)

# Whose loss a claim may count without naming an actor. No actor of one's own may take these ids.
CIVILIANS = "civilians"
UNKNOWN = "unknown"
RESERVED_ACTORS = (CIVILIANS, UNKNOWN)
