"""Casualties: what claims say together, sentence by sentence of the rule, and what they may not say."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.casualties import claim_faults, derive_casualties

Claim = dict[str, Any]


def claim(
    low: int | None = None,
    best: int | None = None,
    high: int | None = None,
    *,
    of: str | None = None,
    stance: str = "asserts",
    measure: str | None = "killed",
    preferred: bool = False,
) -> Claim:
    return {
        "claimant": None, "stance": stance, "statement": None, "measure": measure, "of": of,
        "low": low, "best": best, "high": high, "source": None, "date": None, "preferred": preferred,
    }  # fmt: skip


def killed(*claims: Claim) -> tuple[int, int | None, int, bool]:
    """Low, best, high and disputed of the killed, who must be all that is found."""
    found = derive_casualties(claims)
    assert list(found) == ["killed"]
    assert list(found["killed"]) == ["low", "best", "high", "disputed"]
    return tuple(found["killed"].values())


def test_no_claims_make_no_casualties() -> None:
    assert derive_casualties([]) == {}


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ((5, 7, 10), (5, 7, 10)),
        ((8, 8, 8), (8, 8, 8)),
        ((0, 0, 0), (0, 0, 0)),  # nobody was killed: that, too, is a figure
        ((None, 7, None), (7, 7, 7)),  # a missing low is the best, and so is a missing high
        ((None, 7, 10), (7, 7, 10)),
        ((5, 7, None), (5, 7, 7)),
        ((None, None, 30), (0, None, 30)),  # "up to 30": the missing low is 0 where there is no best
        ((None, None, 0), (0, 0, 0)),  # then low = high, so that it is its own best
        ((13, None, None), (13, 13, 13)),  # "13": a missing high is the low where there is no best
        ((13, None, 13), (13, 13, 13)),  # low = high
        ((10, None, 20), (10, None, 20)),
    ],
)
@pytest.mark.parametrize("of", [None, "taliban"])
def test_a_single_figure_is_filled_in(
    figure: tuple[int | None, int | None, int | None], expected: tuple[int, int | None, int], of: str | None
) -> None:
    assert killed(claim(*figure, of=of)) == (*expected, False)


def test_airport_bombing_with_an_upper_figure_alone_has_no_best() -> None:
    # "As many as 30": 0 to 30, nobody contradicts, nobody says which.
    assert killed(claim(high=30)) == (0, None, 30, False)


def test_valley_clash_told_with_two_figures_is_disputed() -> None:
    # One speaker says 8 attackers died, another 7. The claims agree on ten injured.
    found = derive_casualties(
        [
            claim(8, 8, 8, of="taliban"),
            claim(7, 7, 7, of="taliban"),
            claim(8, 8, 8, of="taliban", measure="injured"),
            claim(2, 2, 2, of="nrf", measure="injured"),
        ]
    )
    assert found == {
        "killed": {"low": 7, "best": None, "high": 8, "disputed": True},
        "injured": {"low": 10, "best": 10, "high": 10, "disputed": False},
    }


def test_a_group_spans_from_its_lowest_low_to_its_highest_high() -> None:
    # The lowest low and the highest high come from different claims.
    claims = [claim(5, 9, 10, of="nrf"), claim(3, 4, 6, of="nrf"), claim(7, 8, 20, of="nrf")]
    assert killed(*claims) == (3, None, 20, True)


@pytest.mark.parametrize("stance", ["asserts", "confirms"])
def test_claims_that_assert_or_confirm_count(stance: str) -> None:
    assert killed(claim(4, 4, 4, stance=stance)) == (4, 4, 4, False)


@pytest.mark.parametrize("stance", ["denies", "disputes", "declines-to-comment"])
def test_a_figure_in_a_claim_of_another_stance_does_not_count(stance: str) -> None:
    assert derive_casualties([claim(4, 4, 4, stance=stance)]) == {}
    # 100 would be the high if it counted.
    assert killed(claim(4, 4, 4), claim(100, 100, 100, stance=stance))[2] == 4


def test_a_claim_that_measures_nothing_does_not_count() -> None:
    assert derive_casualties([claim(4, 4, 4, measure=None)]) == {}
    assert killed(claim(4, 4, 4), claim(measure=None, stance="denies")) == (4, 4, 4, False)


def test_a_claim_with_no_figure_does_not_count() -> None:
    assert derive_casualties([claim(), claim(of="nrf")]) == {}
    # An assertion without a figure does not contradict one that has it.
    assert killed(claim(4, 4, 4), claim()) == (4, 4, 4, False)


def test_measures_come_in_their_own_order_whatever_the_claims() -> None:
    order = ["killed", "injured", "captured", "missing", "displaced"]
    claims = [claim(1, measure=measure) for measure in order]
    assert list(derive_casualties(claims)) == order
    assert list(derive_casualties(claims[::-1])) == order


def test_parts_add_up() -> None:
    # 13 service members and 60 to 170 civilians, the likeliest 90: 73 to 183, the likeliest 103.
    assert killed(claim(13, of="us"), claim(60, 90, 170, of="civilians")) == (73, 103, 183, False)
    # A part whose best is not known leaves the sum's unknown too.
    assert killed(claim(13, of="us"), claim(60, None, 170, of="civilians")) == (73, None, 183, False)


def test_civilians_and_unknown_are_parts_like_any_other() -> None:
    assert killed(claim(1, of="civilians"), claim(2, of="unknown"), claim(4, of="nrf")) == (7, 7, 7, False)


def test_the_whole_is_not_added_to_the_parts() -> None:
    # 20 in all, of whom 8 and 7 are told apart: the parts' sum, 15, is within the whole's high.
    assert killed(claim(20), claim(8, of="taliban"), claim(7, of="nrf")) == (20, 20, 20, False)


def test_parts_that_exceed_the_whole_raise_its_high_alone() -> None:
    # Low and best stay the whole's, also where even the parts' lows, 8 + 7, are more than its low.
    parts = [claim(8, 8, 9, of="taliban"), claim(7, 7, 7, of="nrf")]
    assert killed(claim(10, 11, 12), *parts) == (10, 11, 16, False)


def test_the_whole_and_its_parts_do_not_dispute_each_other() -> None:
    # They are different groups, although 5 is not 8.
    assert killed(claim(5), claim(8, of="taliban")) == (5, 5, 8, False)


@pytest.mark.parametrize(
    ("first", "second", "disputed"),
    [
        (claim(5, 7, 10), claim(5, 7, 10), False),
        (claim(5, 7, 10), claim(4, 7, 10), True),
        (claim(5, 7, 10), claim(5, 7, 11), True),
        (claim(5, 7, 10), claim(5, 8, 10), False),  # low and high decide, not best
        (claim(best=8), claim(8, 8, 8), False),  # 8 to 8 both, once filled in
        (claim(best=8), claim(high=8), True),  # 8 to 8 and 0 to 8
        (claim(8, of="nrf"), claim(9, of="taliban"), False),  # different groups
        (claim(8, of="nrf"), claim(9), False),
    ],
)
def test_two_counted_claims_of_one_group_dispute_when_low_or_high_differ(
    first: Claim, second: Claim, disputed: bool
) -> None:
    assert killed(first, second)[3] is disputed


@pytest.mark.parametrize("stance", ["denies", "disputes"])
@pytest.mark.parametrize("figure", [(), (0, 0, 0), (8, 8, 8)])
@pytest.mark.parametrize("of", [None, "nrf"])
def test_a_denial_with_or_without_a_figure_disputes_its_group(
    stance: str, figure: tuple[int, ...], of: str | None
) -> None:
    # The figures stay; which is the best is no longer known.
    assert killed(claim(8, 8, 8, of=of), claim(*figure, of=of, stance=stance)) == (8, None, 8, True)


def test_declining_to_comment_disputes_nothing() -> None:
    assert killed(claim(8, 8, 8), claim(stance="declines-to-comment")) == (8, 8, 8, False)


@pytest.mark.parametrize(
    "denial",
    [
        claim(stance="denies", of="taliban"),
        claim(stance="denies", of=None),
        claim(stance="denies", of="nrf", measure="injured"),
        claim(stance="denies", of="nrf", measure=None),
    ],
)
def test_a_denial_of_another_measure_or_of_does_not_dispute(denial: Claim) -> None:
    assert killed(claim(8, of="nrf"), denial) == (8, 8, 8, False)


def test_a_denial_of_a_part_does_not_dispute_the_whole() -> None:
    assert killed(claim(8), claim(stance="denies", of="nrf")) == (8, 8, 8, False)


def test_a_denial_of_a_measure_that_nobody_counted_makes_none() -> None:
    denials = [claim(stance="denies"), claim(stance="disputes", of="nrf", measure="injured")]
    assert derive_casualties(denials) == {}


def test_one_disputed_part_makes_the_measure_disputed() -> None:
    # 7 to 8 of one side, 2 of the other: 9 to 10, with no best.
    assert killed(claim(8, of="taliban"), claim(7, of="taliban"), claim(2, of="nrf")) == (9, None, 10, True)


def test_a_disputed_part_leaves_the_whole_without_a_best() -> None:
    # best is the whole's only "where nothing is disputed".
    assert killed(claim(10), claim(7, of="nrf"), claim(8, of="nrf")) == (10, None, 10, True)


def test_a_preferred_claim_gives_the_best_of_a_disputed_group_that_stays_disputed() -> None:
    assert killed(claim(8, of="nrf"), claim(7, of="nrf", preferred=True)) == (7, 7, 8, True)
    assert killed(claim(170, 170, 170), claim(90, 95, 100, preferred=True)) == (90, 95, 170, True)
    assert killed(claim(8, preferred=True), claim(stance="denies")) == (8, 8, 8, True)


def test_preferred_claims_of_the_parts_add_up_with_the_undisputed_parts() -> None:
    # 7 is preferred to 8, 3 to 1, and 2 is not in dispute: 7 + 3 + 2.
    assert killed(
        claim(8, of="taliban"),
        claim(7, of="taliban", preferred=True),
        claim(1, of="civilians"),
        claim(3, of="civilians", preferred=True),
        claim(2, of="nrf"),
    ) == (7 + 1 + 2, 12, 8 + 3 + 2, True)


def test_a_disputed_part_with_no_preferred_claim_leaves_the_sum_without_a_best() -> None:
    assert killed(
        claim(8, of="taliban"), claim(7, of="taliban", preferred=True), claim(1, of="nrf"), claim(3, of="nrf")
    ) == (8, None, 11, True)


def test_the_preferred_claim_of_the_whole_goes_before_the_parts() -> None:
    # The parts dispute each other and prefer 7; of the whole, 20 is preferred.
    assert killed(
        claim(20, preferred=True), claim(25), claim(8, of="nrf"), claim(7, of="nrf", preferred=True)
    ) == (20, 20, 25, True)  # fmt: skip


def test_a_preferred_claim_of_a_part_says_nothing_of_the_whole() -> None:
    # 7 as best would lie below the whole's low, 20.
    assert killed(claim(20, 22, 30), claim(7, of="nrf", preferred=True)) == (20, 22, 30, False)
    assert killed(claim(20), claim(22), claim(7, of="nrf", preferred=True)) == (20, None, 22, True)


def test_a_preferred_claim_without_a_best_leaves_none() -> None:
    assert killed(claim(5, None, 10, preferred=True), claim(5, 7, 10)) == (5, None, 10, False)
    # But low = high is a best.
    assert killed(claim(5, None, 5, preferred=True), claim(5, 7, 10)) == (5, 5, 10, True)


@pytest.mark.parametrize("stance", ["denies", "disputes", "declines-to-comment"])
def test_a_preferred_claim_that_does_not_count_gives_no_best(stance: str) -> None:
    claims = [claim(8), claim(9), claim(0, 0, 0, stance=stance, preferred=True)]
    assert killed(*claims) == (8, None, 9, True)


def test_claims_that_agree_in_low_and_high_need_one_best() -> None:
    assert killed(claim(5, 7, 10), claim(5, None, 10)) == (5, 7, 10, False)
    assert killed(claim(5, 7, 10), claim(5, 8, 10)) == (5, None, 10, False)


@pytest.mark.parametrize(
    ("figure", "names"),
    [
        ((5, 4, 10), ["low"]),
        ((5, 7, 6), ["best"]),
        ((9, 8, 7), ["low", "best"]),  # each neighbour is out of order
        ((9, None, 8), ["low"]),
        ((9, 8, None), ["low"]),
        ((None, 8, 7), ["best"]),
        ((5, 5, 5), []),
        ((0, None, 0), []),
        ((None, None, 30), []),
        ((None, None, None), []),
    ],
)
@pytest.mark.parametrize("stance", ["asserts", "denies"])
def test_figures_out_of_order_are_faults_in_any_stance(
    figure: tuple[int | None, int | None, int | None], names: list[str], stance: str
) -> None:
    faults = claim_faults([claim(1, 2, 3), claim(*figure, stance=stance)])
    assert [fault.pointer for fault in faults] == [f"/claims/1/{name}" for name in names]
    assert {fault.code for fault in faults} <= {"out-of-range"}


def test_a_fault_of_figures_says_both() -> None:
    [fault] = claim_faults([claim(9, 8)])
    assert "9" in fault.message and "8" in fault.message and fault.message.endswith(".")


def test_a_second_preferred_claim_of_one_measure_and_of_is_a_fault() -> None:
    claims = [
        claim(8, of="nrf", preferred=True),
        claim(9, of="nrf"),
        claim(10, of="nrf", preferred=True),
        claim(11, of="nrf", preferred=True),
    ]
    faults = claim_faults(claims)
    assert [(fault.pointer, fault.code) for fault in faults] == [
        ("/claims/2/preferred", "second-preferred"),
        ("/claims/3/preferred", "second-preferred"),
    ]


def test_one_preferred_claim_for_each_measure_and_of_is_none() -> None:
    assert claim_faults(
        [
            claim(8, of="nrf", preferred=True),
            claim(8, of="taliban", preferred=True),
            claim(16, preferred=True),
            claim(3, of="nrf", measure="injured", preferred=True),
            claim(3, measure="injured", preferred=True),
            # What counts nothing has no measure to be preferred for.
            claim(measure=None, preferred=True),
            claim(measure=None, preferred=True),
        ]
    ) == []  # fmt: skip


def test_every_fault_is_found_in_the_order_of_the_claims() -> None:
    claims = [claim(2, 1, preferred=True), claim(1), claim(None, 4, 3, preferred=True)]
    assert [fault.pointer for fault in claim_faults(claims)] == [
        "/claims/0/low",
        "/claims/2/best",
        "/claims/2/preferred",
    ]
