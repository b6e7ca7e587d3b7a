"""Which of Dateline's types an ACLED event is, by its event type and sub-event type of today or of an older release."""

from __future__ import annotations

from collections.abc import Collection

from schemas.faults import Fault
from schemas.fields import near
from schemas.vocabulary import EVENT_TYPES, slug
from service.importers.cells import Values, cell
from service.importers.findings import Findings

STRATEGIC = "strategic-development"
# By the slug of the event type. Until 2019 ACLED had no sub-types: what was an event type then is a sub-type now.
TOP_LEVEL = {
    "battle": "battle",
    "battles": "battle",
    "battle-no-change-of-territory": "battle/armed-clash",
    "battle-government-regains-territory": "battle/government-regains-territory",
    "battle-non-state-actor-overtakes-territory": "battle/non-state-actor-overtakes-territory",
    "explosions": "explosion",
    "explosions-remote-violence": "explosion",
    "remote-violence": "explosion",
    "violence-against-civilians": "violence-against-civilians",
    "protest": "protest",
    "protests": "protest",
    "riot": "riot",
    "riots": "riot",
    "strategic-development": STRATEGIC,
    "strategic-developments": STRATEGIC,
    "non-violent-activity": STRATEGIC,
    "non-violent-activity-by-a-conflict-actor": STRATEGIC,
    "headquarters-or-base-established": f"{STRATEGIC}/headquarters-or-base-established",
    "non-violent-transfer-of-territory": f"{STRATEGIC}/non-violent-transfer-of-territory",
}
RIOTS_OR_PROTESTS = "riots-protests"
# ACLED's sub-types by their slugs; statements and withdrawals are Dateline's own.
SUB_TYPES = {
    known.id.partition("/")[2]: known.id
    for known in EVENT_TYPES.values()
    if known.parent not in (None, "statement") and known.label != "Withdrawal"
}
RENAMED_SUB_TYPES = {"excessive-force-against-protestors": "excessive-force-against-protesters"}


def type_of(values: Values, kinds: Collection[str | None], warnings: Findings) -> str:
    """The type's id. What the vocabulary does not have becomes the nearest that it has, with a warning.

    kinds: those of the two main actors, by which riots and protests are told apart where ACLED did not.
    """
    event_type, sub_type = cell(values, "event_type"), cell(values, "sub_event_type")
    name = slug(sub_type)
    sub = SUB_TYPES.get(RENAMED_SUB_TYPES.get(name, name))
    if sub_type and sub is None:
        warnings.append(_unknown("sub_event_type", sub_type, SUB_TYPES))
    top = TOP_LEVEL.get(slug(event_type))
    if slug(event_type) == RIOTS_OR_PROTESTS:
        of_these = sub is not None and EVENT_TYPES[sub].parent in ("riot", "protest")
        top = EVENT_TYPES[sub].parent if of_these and sub else "riot" if "rioters" in kinds else "protest"
    if top is None:
        warnings.append(_unknown("event_type", event_type, (*TOP_LEVEL, RIOTS_OR_PROTESTS)))
        return sub or "other"
    if sub is None or sub == top:
        return top
    if EVENT_TYPES[sub].parent == top:
        return sub
    message = f"'{sub_type[:80]}' is no sub-type of '{event_type[:80]}'; the event has the type {top}."
    warnings.append(Fault("/sub_event_type", "type-differs", message, (sub,)))
    return top


def _unknown(column: str, text: str, known: Collection[str]) -> Fault:
    shown = f"'{text[:80]}' is no type that ACLED is known to have" if text else "There is none"
    return Fault(f"/{column}", "unknown-type", f"{shown}; the nearest type is taken.", near(slug(text), tuple(known)))
