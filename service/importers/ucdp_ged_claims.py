"""How many a row of UCDP GED says were killed, as claims of UCDP's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.event import STATEMENT_LIMIT
from schemas.faults import Fault
from service.importers.cells import Values, cell, cut
from service.importers.findings import Findings

# What is known of side a and side b; None for a side that the row does not name.
Sides = tuple[dict[str, Any] | None, dict[str, Any] | None]

FIGURES = ("deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "low", "best", "high")


def claims_of(
    values: Values,
    figures: Mapping[str, int | None],
    sides: Sides,
    sources: list[dict[str, Any]],
    warnings: Findings,
) -> list[dict[str, Any]]:
    """UCDP's estimates: the whole (low, best, high), and its best estimate of each side's part."""
    whose = {
        "deaths_a": _loser(sides[0]),
        "deaths_b": _loser(sides[1]),
        "deaths_civilians": "civilians",
        "deaths_unknown": "unknown",
    }
    parts: dict[str, int] = {}
    for column, of in whose.items():
        number = figures[column]
        if number is not None:
            # Two columns may speak of the same people: side b of one-sided violence are the civilians.
            parts[of] = parts.get(of, 0) + number
    source = sources[0]["ref"] if len(sources) == 1 else None
    informant = cell(values, "source_original")
    claims: list[dict[str, Any]] = []
    whole = [figures[name] for name in ("low", "best", "high")]
    if any(number is not None for number in whole):
        low, best, high = _in_order(whole, warnings)
        statement = f"Original informant: {informant}" if informant else None
        if statement:
            statement = cut(statement, "/source_original", warnings, STATEMENT_LIMIT)
        claims.append(_claim(None, (low, best, high), source, statement, preferred=True))
        complete = None not in (figures[column] for column in whose)
        if best is not None and complete and (total := sum(parts.values())) != best:
            message = f"The parts add up to {total}, the best estimate of the whole is {best}."
            warnings.append(Fault("/best", "parts-differ", message))
    claims += [_claim(of, (None, number, None), source) for of, number in parts.items()]
    return claims


def _claim(
    of: str | None,
    figures: tuple[int | None, ...],
    source: str | None,
    statement: str | None = None,
    *,
    preferred: bool = False,
) -> dict[str, Any]:
    low, best, high = figures
    return {
        "claimant": {"name": "UCDP"},
        "stance": "asserts",
        "statement": statement,
        "measure": "killed",
        "of": of,
        "low": low,
        "best": best,
        "high": high,
        "source": source,
        "date": None,
        "preferred": preferred,
    }


def _loser(side: dict[str, Any] | None) -> str:
    """Whose loss a side's figure is: the reserved ids where it is civilians, or a side without a name."""
    if side is None:
        return "unknown"
    return "civilians" if side["kind"] == "civilians" else str(side["name"])


def _in_order(whole: list[int | None], warnings: Findings) -> list[int | None]:
    """Low, best and high so that low <= best <= high.

    The best estimate stays what UCDP says (the parts add up to it); low and high become the least and the
    greatest of the three.
    """
    known = [number for number in whole if number is not None]
    if known == sorted(known):
        return whole
    low, best, high = whole
    warnings.append(
        Fault("/best", "figures-sorted", f"The figures are out of order: low {low}, best {best}, high {high}.")
    )
    return [None if low is None else min(known), best, None if high is None else max(known)]
