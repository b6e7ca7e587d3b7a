"""Who takes part in an event of ACLED, of what kind, and in which role."""

from __future__ import annotations

import pytest

from schemas.vocabulary import EVENT_TYPES
from tests.acled_rows import (
    ACLED_TYPES,
    codes,
    event,
    one,
    roles,
)


def cast(sub_type: str, first: str, second: str, targeting: str = "") -> list[str]:
    """The roles of two actors, each given as the code of its kind, in an event of a sub-type."""
    parent = next(known.parent for known in EVENT_TYPES.values() if known.label == sub_type)
    event_type = next(name for name, top in ACLED_TYPES.items() if top == parent)
    given = {f"actor{number}": f"Group {number}" if kind else "" for number, kind in ((1, first), (2, second))}
    made = event(
        **given, inter1=first, inter2=second, event_type=event_type, sub_event_type=sub_type,
        civilian_targeting=targeting, assoc_actor_1="", assoc_actor_2="",
    )  # fmt: skip
    return [role for _, role in roles(made)]


@pytest.mark.parametrize(
    ("sub_type", "first", "second", "targeting", "expected"),
    [
        ("Armed clash", "1", "2", "", ["side-a", "side-b"]),
        ("Armed clash", "1", "", "", ["side-a"]),
        ("Shelling/artillery/missile attack", "1", "2", "", ["side-a", "side-b"]),
        ("Shelling/artillery/missile attack", "1", "7", "", ["perpetrator", "victim"]),
        ("Air/drone strike", "8", "6", "Civilian targeting", ["perpetrator", "victim"]),
        ("Air/drone strike", "8", "", "Civilian targeting", ["perpetrator"]),
        ("Attack", "3", "7", "Civilian targeting", ["perpetrator", "victim"]),
        ("Attack", "7", "3", "", ["victim", "perpetrator"]),
        ("Attack", "3", "", "", ["perpetrator"]),
        ("Attack", "", "7", "", ["victim"]),
        ("Attack", "7", "7", "", ["side-a", "side-b"]),
        ("Peaceful protest", "6", "", "", ["participant"]),
        ("Protest with intervention", "6", "1", "", ["participant", "participant"]),
        ("Excessive force against protesters", "6", "1", "", ["victim", "perpetrator"]),
        ("Excessive force against protesters", "1", "6", "", ["perpetrator", "victim"]),
        ("Violent demonstration", "5", "1", "", ["side-a", "side-b"]),
        ("Violent demonstration", "5", "", "", ["participant"]),
        ("Mob violence", "5", "7", "", ["perpetrator", "victim"]),
        ("Agreement", "1", "2", "", ["participant", "participant"]),
    ],
)
def test_roles_follow_from_the_type_and_who_is_unarmed(
    sub_type: str, first: str, second: str, targeting: str, expected: list[str]
) -> None:
    assert cast(sub_type, first, second, targeting) == expected


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *(
            ("1", "state-forces"),
            ("State Forces", "state-forces"),
            ("2", "rebel-group"),
            ("Rebel group", "rebel-group"),
        ),
        *(("3", "political-militia"), ("Political militia", "political-militia"), ("4.0", "identity-militia")),
        *(("Identity militia", "identity-militia"), ("8", "external-forces"), ("0", None), ("", None)),
        *(("External/Other forces", "external-forces"), ("5", "rioters"), ("Civilians", "civilians")),
    ],
)
def test_the_kind_of_an_actor_is_its_code_or_label(code: str, kind: str | None) -> None:
    record = one(inter1=code)
    assert record.actors[0] == {"name": "Quince Regiment", "kind": kind, "external_ids": {}, "aliases": []}
    assert record.warnings == ()


def test_a_code_that_nobody_knows_leaves_the_kind_open() -> None:
    record = one(inter1="9")
    assert (record.actors[0]["kind"], codes(record)) == (None, [("/inter1", "unknown-value")])


@pytest.mark.parametrize("name", ["Civilians (Afghanistan)", "Protesters (Afghanistan)", "Rioters (Afghanistan)"])
def test_who_belongs_to_no_group_is_of_the_kind_of_the_name(name: str) -> None:
    assert one(actor2=name, inter2="Rebel group").actors[1]["kind"] == name.split()[0].lower()


def test_associates_stand_with_their_side_and_have_kinds_where_their_names_tell() -> None:
    record = one(
        assoc_actor_1="Fig Company; Police Forces of Arcadia (2001-)",
        assoc_actor_2="Government of Arcadia; Quince Regiment; fig company;Fig Company ;",
    )
    assert record.event is not None
    assert roles(record.event) == [
        ("Quince Regiment", "side-a"),
        ("Orchard Brigade", "side-b"),
        ("Fig Company", "associate-a"),
        ("Police Forces of Arcadia (2001-)", "associate-a"),
        ("Government of Arcadia", "associate-b"),
        ("Quince Regiment", "associate-b"),
        ("fig company", "associate-b"),
    ]
    kinds = {actor["name"]: actor["kind"] for actor in record.actors}
    assert kinds == {
        "Quince Regiment": "state-forces",
        "Orchard Brigade": "rebel-group",
        "Fig Company": None,
        "fig company": None,
        "Police Forces of Arcadia (2001-)": "state-forces",
        "Government of Arcadia": "government",
    }


def test_two_crowds_of_one_name_are_one_participant_of_a_role() -> None:
    crowd = {"actor1": "Protesters (Afghanistan)", "actor2": "Protesters (Afghanistan)", "assoc_actor_1": ""}
    protest = event(event_type="Protests", sub_event_type="Peaceful protest", **crowd)
    assert roles(protest) == [("Protesters (Afghanistan)", "participant")]
    riot = event(event_type="Riots", sub_event_type="Mob violence", **crowd)
    assert [role for _, role in roles(riot)] == ["side-a", "side-b"]


@pytest.mark.parametrize("name", ["Unknown", "-"])
def test_a_name_that_names_nobody_is_left_out(name: str) -> None:
    record = one(actor2=name)
    assert record.event is not None
    assert [role for _, role in roles(record.event)] == ["side-a", "associate-a", "associate-a"]
    assert codes(record) == [("/actor2", "unnamed-actor")]


def test_two_hundred_actors_are_the_most() -> None:
    record = one(assoc_actor_1=";".join(f"Company {number}" for number in range(300)))
    assert record.event is not None and len(record.event["actors"]) == 200
    assert codes(record) == [("/assoc_actor_1", "actors-cut")]
