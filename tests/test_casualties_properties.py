"""Casualties: what holds for any claims, against a plain second reading of the rule."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.casualties import claim_faults, derive_casualties

Claim = dict[str, Any]


def reference(claims: Sequence[Claim]) -> dict[str, dict[str, Any]]:
    """The rule read a second time, as slow and as plain as can be."""
    result: dict[str, dict[str, Any]] = {}
    for measure in ["killed", "injured", "captured", "missing", "displaced"]:
        about = [c for c in claims if c["measure"] == measure]
        spans = {}
        for of in {c["of"] for c in about}:
            counted = [
                c
                for c in about
                if c["of"] == of
                and c["stance"] in ("asserts", "confirms")
                and any(c[name] is not None for name in ("low", "best", "high"))
            ]
            if not counted:
                continue
            lows = [next(x for x in (c["low"], c["best"], 0) if x is not None) for c in counted]
            highs = [next(x for x in (c["high"], c["best"], c["low"]) if x is not None) for c in counted]
            filled = zip(lows, highs, counted, strict=True)
            bests = [low if low == high else c["best"] for low, high, c in filled]
            marked = [best for best, c in zip(bests, counted, strict=True) if c["preferred"]]
            denied = any(c["of"] == of and c["stance"] in ("denies", "disputes") for c in about)
            spans[of] = {
                "low": min(lows),
                "high": max(highs),
                "disputed": denied or len(set(lows)) > 1 or len(set(highs)) > 1,
                "marked": marked,
                "agreed": [best for best in set(bests) if best is not None],
            }
        if not spans:
            continue
        disputed = any(span["disputed"] for span in spans.values())
        whole = spans.pop(None, None)
        sum_low = sum(span["low"] for span in spans.values())
        sum_high = sum(span["high"] for span in spans.values())
        if whole:
            low, high = whole["low"], whole["high"] if whole["high"] > sum_high else sum_high
            if whole["marked"]:
                best = whole["marked"][0]
            elif not disputed and len(whole["agreed"]) == 1:
                best = whole["agreed"][0]
            else:
                best = None
        else:
            low, high, best = sum_low, sum_high, 0
            for span in spans.values():
                if span["marked"]:
                    part = span["marked"][0]
                elif not span["disputed"] and len(span["agreed"]) == 1:
                    part = span["agreed"][0]
                else:
                    part = None
                best = None if best is None or part is None else best + part
        result[measure] = {"low": low, "best": best, "high": high, "disputed": disputed}
    return result


@st.composite
def figures(draw: st.DrawFn) -> tuple[int | None, int | None, int | None]:
    """Low, best and high in order, any of them missing; few values, so that claims agree at times."""
    low, best, high = sorted(draw(st.tuples(*[st.integers(0, 3) | st.just(10**9)] * 3)))
    keep = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    return low if keep[0] else None, best if keep[1] else None, high if keep[2] else None


CLAIMS = st.builds(
    lambda figure, others: {**dict(zip(("low", "best", "high"), figure, strict=True)), **others},
    figures(),
    st.fixed_dictionaries(
        {
            "of": st.sampled_from([None, "nrf", "taliban", "civilians"]),
            "stance": st.sampled_from(["asserts"] * 4 + ["confirms", "denies", "disputes", "declines-to-comment"]),
            "measure": st.sampled_from(["killed", "killed", "killed", "displaced", None]),
            "preferred": st.sampled_from([False, False, True]),
        }
    ),
)


@st.composite
def claim_lists(draw: st.DrawFn) -> list[Claim]:
    """Claims with no fault: of each measure and of, the first one marked alone stays so."""
    claims = draw(st.lists(CLAIMS, max_size=9))
    marked = set()
    for made in claims:
        made["preferred"] = made["preferred"] and (made["measure"], made["of"]) not in marked
        if made["preferred"]:
            marked.add((made["measure"], made["of"]))
    return claims


@settings(max_examples=500, deadline=None)
@given(claim_lists())
def test_derived_figures_equal_the_plain_reading_of_the_rule(claims: list[Claim]) -> None:
    assert derive_casualties(claims) == reference(claims)


@settings(max_examples=300, deadline=None)
@given(claim_lists(), st.randoms(use_true_random=False))
def test_the_order_of_claims_never_matters(claims: list[Claim], shuffler: random.Random) -> None:
    shuffled = list(claims)
    shuffler.shuffle(shuffled)
    assert derive_casualties(shuffled) == derive_casualties(claims)


@settings(max_examples=300, deadline=None)
@given(claim_lists())
def test_low_best_and_high_are_in_order(claims: list[Claim]) -> None:
    assert claim_faults(claims) == []
    for total in derive_casualties(claims).values():
        assert 0 <= total["low"] <= total["high"]
        assert total["best"] is None or total["low"] <= total["best"] <= total["high"]
