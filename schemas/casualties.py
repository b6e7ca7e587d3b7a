"""Casualties: what an event's claims, taken together, say of the killed, injured and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from schemas.faults import Fault

MEASURES = ("killed", "injured", "captured", "missing", "displaced")
COUNTED_STANCES = frozenset({"asserts", "confirms"})
CONTESTING_STANCES = frozenset({"denies", "disputes"})


class _Figure(NamedTuple):
    """What a counted claim says, or those of one group together.

    best: a group's is the preferred claim's; else, where it is not disputed, the one that its claims agree on.
    disputed: of a claim, False. preferred: of a group, that one of its claims is marked.
    """

    low: int
    best: int | None
    high: int
    preferred: bool
    disputed: bool = False


def derive_casualties(claims: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The figures of an event by measure, each ``{"low", "best", "high", "disputed"}``.

    claims: in canonical form, each with ``stance``, ``measure``, ``of``, ``low``, ``best``, ``high`` and
    ``preferred``, and without the faults that ``claim_faults`` finds. Their order does not matter.
    Figures count people; ``best`` may be None, and otherwise low <= best <= high.

    1.  A claim counts when it asserts or confirms, and has a low, a best or a high. A missing low is the
        best, or 0; a missing high is the best, or the low; a figure with low = high is its own best.
    2.  Counted claims of one measure and one ``of`` are a group: from its lowest low to its highest high.
    3.  Groups with an ``of`` are parts: their lows and their highs add up.
    4.  The group without an ``of`` speaks of the whole and is not added to the parts. Where there is one,
        low is its low, and high the larger of its high and the parts' sum.
    5.  A group is disputed when two of its claims differ in low or high, or when a claim of any kind, with or
        without a figure, denies or disputes that measure and ``of``. A measure is disputed when a group is.
    6.  Best, where there is a whole: that of its preferred claim; else, where nothing in the measure is
        disputed, the whole's. A preferred claim of a part says nothing of the whole.
    7.  Best, where there are parts alone: the sum of the parts', each that of its preferred claim, or its own
        where the part is not disputed; None when one part has none.
    8.  A preferred claim that gives no best gives None. Claims that agree in low and high, but not in the
        bests that they give, have none.
    9.  A measure with no counted claim is left out, whatever is denied.
    """
    figures: dict[str, dict[str | None, list[_Figure]]] = {}
    contested: set[tuple[str, str | None]] = set()
    for claim in claims:
        measure, of, stance = claim["measure"], claim["of"], claim["stance"]
        if measure is None:
            continue
        if stance in CONTESTING_STANCES:
            contested.add((measure, of))
        elif stance in COUNTED_STANCES and (figure := _figure(claim)) is not None:
            figures.setdefault(measure, {}).setdefault(of, []).append(figure)
    derived = {}
    for measure in MEASURES if figures else ():
        if by_of := figures.get(measure):
            groups = {of: _group(found, (measure, of) in contested) for of, found in by_of.items()}
            derived[measure] = _total(groups)
    return derived


def claim_faults(claims: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """What is wrong with the claims' figures and marks; claims in the form of ``derive_casualties``.

    ``out-of-range``: low <= best <= high does not hold (the pointer is to the smaller figure's place).
    ``second-preferred``: a second preferred claim of the same measure and ``of``.
    """
    faults: list[Fault] = []
    marked: dict[tuple[str, str | None], int] = {}
    for index, claim in enumerate(claims):
        if not in_order(claim["low"], claim["best"], claim["high"]):
            faults += _figure_faults(index, claim)
        if not claim["preferred"] or claim["measure"] is None:
            continue
        first = marked.setdefault((claim["measure"], claim["of"]), index)
        if first != index:
            faults.append(
                Fault(
                    f"/claims/{index}/preferred",
                    "second-preferred",
                    f"Claim {first} is already the preferred one of its measure and of; at most one may be.",
                )
            )
    return faults


def in_order(low: int | None, best: int | None, high: int | None) -> bool:
    """Whether low <= best <= high holds of those that are there."""
    middle = low if best is None else best
    return (low is None or best is None or low <= best) and (high is None or middle is None or middle <= high)


def _figure_faults(index: int, claim: Mapping[str, Any]) -> list[Fault]:
    given = [(name, claim[name]) for name in ("low", "best", "high") if claim[name] is not None]
    return [
        Fault(
            f"/claims/{index}/{smaller}",
            "out-of-range",
            f"{smaller} is {value}, more than {larger}, which is {bound}; low <= best <= high must hold.",
        )
        for (smaller, value), (larger, bound) in pairwise(given)
        if value > bound
    ]


def figure_span(claim: Mapping[str, Any]) -> tuple[int, int] | None:
    """The low and the high that a claim counts with; None where it has no figure, or does not assert or confirm."""
    figure = _figure(claim) if claim["stance"] in COUNTED_STANCES else None
    return None if figure is None else (figure.low, figure.high)


def _figure(claim: Mapping[str, Any]) -> _Figure | None:
    """A claim's figure with what is missing filled in, or None where it has none."""
    low, best, high = claim["low"], claim["best"], claim["high"]
    if low is None and best is None and high is None:
        return None
    if low is None:
        low = 0 if best is None else best
    if high is None:
        high = low if best is None else best
    return _Figure(low, low if low == high else best, high, claim["preferred"])


def _group(figures: Sequence[_Figure], contested: bool) -> _Figure:
    if len(figures) == 1 and not (contested and not figures[0].preferred):
        # Most claims stand alone.
        [alone] = figures
        return alone._replace(disputed=True) if contested else alone
    low, high = min(figure.low for figure in figures), max(figure.high for figure in figures)
    disputed = contested or any(figure.low != low or figure.high != high for figure in figures)
    preferred = [figure for figure in figures if figure.preferred]
    bests = {figure.best for figure in preferred or figures}
    if not preferred:
        bests.discard(None)  # a claim without a best does not contradict the best of another
    best = bests.pop() if len(bests) == 1 and (preferred or not disputed) else None
    return _Figure(low, best, high, bool(preferred), disputed)


def _total(groups: Mapping[str | None, _Figure]) -> dict[str, Any]:
    """One measure's figures, from its groups by ``of``."""
    disputed = False
    low = high = best = 0
    known = True
    for of, group in groups.items():
        disputed = disputed or group.disputed
        if of is None:
            continue
        low += group.low
        high += group.high
        if group.best is None:
            known = False
        else:
            best += group.best
    whole = groups.get(None)
    if whole is None:
        return {"low": low, "best": best if known else None, "high": high, "disputed": disputed}
    shown = whole.best if whole.preferred or not disputed else None
    return {"low": whole.low, "best": shown, "high": max(whole.high, high), "disputed": disputed}
