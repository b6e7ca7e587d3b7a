"""How many an event of UCDP GED says were killed, as claims."""

from __future__ import annotations

import pytest

from tests.ucdp_ged_rows import codes, event, figures, one


def test_figures_become_claims_of_ucdp() -> None:
    claims = event()["claims"]
    assert {claim["claimant"]["name"] for claim in claims} == {"UCDP"}
    assert {claim["measure"] for claim in claims} == {"killed"}
    assert figures(claims) == {
        None: (2, 3, 5),
        "Government of Afghanistan": (None, 2, None),
        "Orchard Brigade": (None, 0, None),
        "civilians": (None, 1, None),
        "unknown": (None, 0, None),
    }
    assert [claim["of"] for claim in claims if claim["preferred"]] == [None]
    assert {claim["source"] for claim in claims} == {"s1"}


def test_one_sided_violence_speaks_of_civilians_once() -> None:
    record = one(type_of_violence="3", side_a="Orchard Brigade", side_b="Civilians", deaths_b="1", deaths_a="1")
    assert record.event is not None
    parts = figures(record.event["claims"])
    assert parts["civilians"] == (None, 2, None)
    assert len(parts) == len(record.event["claims"]) == 4
    assert record.warnings == ()


@pytest.mark.parametrize(
    ("low", "best", "high", "expected", "warned"),
    [
        ("2", "3", "5", (2, 3, 5), False),
        ("4", "3", "3", (3, 3, 4), True),
        ("3", "3", "2", (2, 3, 3), True),
        ("5", "3", "2", (2, 3, 5), True),
        ("2", "3", "2", (2, 3, 3), True),
        ("", "3", "", (None, 3, None), False),
        ("5", "3", "", (3, 3, None), True),
        ("5", "", "2", (2, None, 5), True),
        ("0", "3", "1000000000", (0, 3, 10**9), False),
    ],
)
def test_figures_out_of_order_are_sorted_round_the_best_estimate(
    low: str, best: str, high: str, expected: tuple[int | None, ...], warned: bool
) -> None:
    record = one(low=low, best=best, high=high)
    assert record.event is not None
    assert figures(record.event["claims"])[None] == expected
    assert codes(record) == ([("/best", "figures-sorted")] if warned else [])
    if warned:
        assert all(figure in record.warnings[0].message for figure in (low, best, high) if figure)


def test_parts_that_do_not_add_up_are_kept_with_a_warning() -> None:
    record = one(deaths_unknown="7")
    assert record.event is not None
    assert figures(record.event["claims"])["unknown"] == (None, 7, None)
    assert codes(record) == [("/best", "parts-differ")]


def test_no_figures_make_no_claims() -> None:
    empty = dict.fromkeys(("deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "low", "best", "high"), "")
    assert event(**empty)["claims"] == []


def test_the_informant_stands_in_the_statement() -> None:
    claims = event(source_original="Mayor, by phone")["claims"]
    assert [claim["statement"] for claim in claims if claim["statement"]] == ["Original informant: Mayor, by phone"]
