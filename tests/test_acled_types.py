"""The types of ACLED, of today and of older releases, in Dateline."""

from __future__ import annotations

import pytest

from schemas.vocabulary import EVENT_TYPES
from tests.acled_rows import (
    ACLED_TYPES,
    codes,
    one,
)


def test_each_of_acleds_sub_types_is_ours() -> None:
    found = set()
    for name, top in ACLED_TYPES.items():
        ours = [known for known in EVENT_TYPES.values() if known.parent == top and known.label != "Withdrawal"]
        for known in ours:
            record = one(event_type=name, sub_event_type=known.label)
            assert record.event is not None and record.event["type"] == known.id
            assert record.warnings == ()
            found.add(known.id)
    assert len(found) == 25


@pytest.mark.parametrize(
    ("event_type", "sub_type", "kind", "expected"),
    [
        ("Battle-No change of territory", "", "2", "battle/armed-clash"),
        ("Battle-Government regains territory", "", "1", "battle/government-regains-territory"),
        ("Battle-Non-state actor overtakes territory", "", "2", "battle/non-state-actor-overtakes-territory"),
        ("Remote violence", "", "1", "explosion"),
        ("Remote violence", "Suicide bomb", "2", "explosion/suicide-bomb"),
        ("Violence Against Civilians", "", "2", "violence-against-civilians"),
        ("Riots/Protests", "", "5", "riot"),
        ("Riots/Protests", "", "6", "protest"),
        ("Riots/Protests", "Mob violence", "6", "riot/mob-violence"),
        ("Strategic development", "", "1", "strategic-development"),
        ("Strategic developments", "Other", "1", "strategic-development/other"),
        ("Non-violent transfer of territory", "", "1", "strategic-development/non-violent-transfer-of-territory"),
        ("Headquarters or base established", "", "2", "strategic-development/headquarters-or-base-established"),
        ("Protests", "Excessive force against protestors", "6", "protest/excessive-force-against-protesters"),
    ],
)
def test_types_of_older_releases_are_understood(event_type: str, sub_type: str, kind: str, expected: str) -> None:
    record = one(event_type=event_type, sub_event_type=sub_type, inter1=kind)
    assert record.event is not None and record.event["type"] == expected
    assert record.warnings == ()


@pytest.mark.parametrize(
    ("event_type", "sub_type", "expected", "warnings"),
    [
        ("Battles", "Duel", "battle", [("/sub_event_type", "unknown-type")]),
        ("Skirmishes", "Armed clash", "battle/armed-clash", [("/event_type", "unknown-type")]),
        ("Battles", "Peaceful protest", "battle", [("/sub_event_type", "type-differs")]),
        ("", "", "other", [("/event_type", "unknown-type")]),
        ("Skirmishes", "Duel", "other", [("/sub_event_type", "unknown-type"), ("/event_type", "unknown-type")]),
    ],
)
def test_an_unknown_type_becomes_the_nearest_with_a_warning(
    event_type: str, sub_type: str, expected: str, warnings: list[tuple[str, str]]
) -> None:
    record = one(event_type=event_type, sub_event_type=sub_type)
    assert record.event is not None and record.event["type"] == expected
    assert codes(record) == warnings
