"""Lays the claims of an event side by side: those that speak of the same loss together, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.casualties import CONTESTING_STANCES, MEASURES, figure_span
from schemas.date_words import date_words
from service.formats.prose import NOBODY, figure_words, loser_words

Claim = Mapping[str, Any]

# What is said of a claim beside its group's, and of a group: the class by which it is drawn, and the words.
ALONE, AGREES, DIFFERS, CONTESTS = "alone", "agrees", "differs", "contests"


def claim_groups(claims: Sequence[Claim], sources: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[Any]:
    """The claims by what they count and whose loss that is; those that count nothing come last.

    names: of the actors whose losses are claimed.
    """
    grouped: dict[tuple[str | None, str | None], list[Claim]] = {}
    for claim in claims:
        # Without a measure there is no figure, so nothing that claims could agree in.
        key = (claim["measure"], claim["of"]) if claim["measure"] else (None, None)
        grouped.setdefault(key, []).append(claim)
    order = {measure: place for place, measure in enumerate((*MEASURES, None))}
    told = {source["ref"]: (place, source) for place, source in enumerate(sources, 1) if source["ref"]}
    return [
        {
            "measure": measure,
            "of": None if of is None else {"id": None if of in NOBODY else of, "name": loser_words(of, names)},
            "verdict": _verdict(measure, found),
            "claims": [_shown(claim, found, told, names) for claim in found],
        }
        for (measure, of), found in sorted(grouped.items(), key=lambda item: (order[item[0][0]], item[0][1] or ""))
    ]


def _verdict(measure: str | None, claims: Sequence[Claim]) -> dict[str, str] | None:
    """What the claims of a group come to together; None where they count nothing."""
    if measure is None:
        return None
    spans = [span for claim in claims if (span := figure_span(claim))]
    contested = [claim["stance"] for claim in claims if claim["stance"] in CONTESTING_STANCES]
    together = ""
    if spans:
        low, high = min(low for low, _ in spans), max(high for _, high in spans)
        together = figure_words(measure, {"low": low, "best": None, "high": high})
    if contested:
        words = "Denied" if "denies" in contested else "Disputed"
        return {"class": CONTESTS, "words": f"{words}, against {together}" if together else words}
    if not spans:
        return {"class": ALONE, "words": "No figure"}
    if len(spans) == 1:
        return {"class": ALONE, "words": f"One claim: {together}"}
    if len(set(spans)) == 1:
        return {"class": AGREES, "words": f"{len(spans)} claims agree: {together}"}
    return {"class": DIFFERS, "words": f"{len(spans)} claims differ: {together}"}


def _compared(claim: Claim, group: Sequence[Claim]) -> dict[str, str] | None:
    """How a claim stands to the others of its group; None where there is nothing to compare."""
    if claim["stance"] in CONTESTING_STANCES:
        return {"class": CONTESTS, "words": claim["stance"]}
    if claim["stance"] == "declines-to-comment":
        return {"class": ALONE, "words": "no comment"}
    own = figure_span(claim)
    others = [span for other in group if other is not claim and (span := figure_span(other))]
    if claim["measure"] is None:
        return None
    if own is None:
        return {"class": ALONE, "words": "no figure"}
    if not others:
        return {"class": ALONE, "words": "no other figure"}
    if all(span == own for span in others):
        return {"class": AGREES, "words": "agrees"}
    return {"class": DIFFERS, "words": "agrees with some" if own in others else "differs"}


def _shown(
    claim: Claim,
    group: Sequence[Claim],
    told: Mapping[str, tuple[int, Mapping[str, Any]]],
    names: Mapping[str, str],
) -> dict[str, Any]:
    place, source = told.get(claim["source"] or "", (None, None))
    of = claim["of"] if claim["measure"] is None else None
    return {
        **claim,
        "stance": claim["stance"].replace("-", " "),
        "compared": _compared(claim, group),
        "whose": of and loser_words(of, names),
        "through": source and {"anchor": f"source-{place}", "words": " via ".join(_channel(source)) or claim["source"]},
        "when": claim["date"] and date_words(claim["date"]),
    }


def _channel(source: Mapping[str, Any]) -> Iterator[str]:
    """Through whom something is known, the last teller first."""
    yield from (told for told in (source["publisher"] or source["title"], source["via"]) if told)
