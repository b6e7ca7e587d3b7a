"""Says in words how one version of an event differs from the one before it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.casualties import derive_casualties
from schemas.date_words import date_words
from service import gazetteer
from service.formats.prose import casualty_words, counted_words, place_words, type_words

# Of a long text, so much is shown around where it differs.
SHOWN = 240
LEAD = 60

Content = Mapping[str, Any]
Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changed. before: None where it was added; after: None where it was removed.

    what: what it is, in words of ours; of: whose it is, a stored text.
    """

    what: str
    before: str | None
    after: str | None
    of: str | None = None


def differences(before: Content, after: Content, names: Names) -> list[Difference]:
    """What changed from one content of an event to the next, in the order of the event's answer."""
    return [
        *_texts(before, after),
        *_location(before["location"], after["location"]),
        *_members("actor", before["actors"], after["actors"], lambda actor: _participant(actor, names)),
        *_figures(before, after),
        *_claims(before, after, names),
        *_sources(before["sources"], after["sources"]),
        *_members(
            "related event", before["related"], after["related"], lambda other: f"{other['relation']} {other['id']}"
        ),
        *_members("tag", before["tags"], after["tags"], str),
        *_changed("dataset", before["dataset"], after["dataset"]),
    ]


def named_in(content: Content) -> set[str]:
    """The ids of the actors that differences of a content may have to name."""
    found = {actor["id"] for actor in content["actors"]}
    for claim in content["claims"]:
        found |= {claim["of"], (claim["claimant"] or {}).get("id")}
    return found - {None}


def _texts(before: Content, after: Content) -> Iterator[Difference]:
    yield from _changed("title", before["title"], after["title"])
    yield from _changed("summary", before["summary"], after["summary"])
    if before["date"] != after["date"]:
        yield from _changed("date", _date(before["date"]), _date(after["date"]))
    yield from _changed("type", type_words(before["type"]), type_words(after["type"]))
    yield from _changed("status", before["status"], after["status"])


def _date(text: str | None) -> str | None:
    return None if text is None else f"{date_words(text)} ({text})"


def _changed(what: str, before: str | None, after: str | None, of: str | None = None) -> Iterator[Difference]:
    if before != after:
        yield Difference(what, *_excerpts(before, after), of)


def _excerpts(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Two texts, long ones cut to where they begin to differ."""
    start = 0
    if before and after and max(len(before), len(after)) > SHOWN:
        same = next((place for place, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
        same = min(same, len(before), len(after))
        start = 0 if same <= LEAD else before.rfind(" ", 0, same - LEAD) + 1 or same - LEAD
    return _excerpt(before, start), _excerpt(after, start)


def _excerpt(text: str | None, start: int) -> str | None:
    if text is None:
        return None
    shown = text[start : start + SHOWN]
    return ("…" if start else "") + shown + ("…" if start + SHOWN < len(text) else "")


def _location(before: Content | None, after: Content | None) -> Iterator[Difference]:
    old, new = _place(before), _place(after)
    yield from _changed("place", place_words(old) if old else None, place_words(new) if new else None)
    yield from _changed("coordinates", _point(before or {}), _point(after or {}))
    yield from _changed("precision of the place", (before or {}).get("precision"), (after or {}).get("precision"))


def _place(location: Content | None) -> dict[str, Any] | None:
    """A location as ``place_words`` reads it."""
    if location is None:
        return None
    unit = gazetteer.province(location["province"]) if location["province"] else None
    return {**location, "province": unit and {"code": unit.code, "name": unit.name}}


def _point(location: Content) -> str | None:
    if location.get("latitude") is None:
        return None
    return f"{location['latitude']}, {location['longitude']}"


def _participant(actor: Mapping[str, str], names: Names) -> str:
    return f"{names.get(actor['id'], actor['id'])} ({actor['role']})"


def _figures(before: Content, after: Content) -> Iterator[Difference]:
    """The figures that follow from the claims."""
    old, new = (casualty_words(derive_casualties(content["claims"])) or None for content in (before, after))
    yield from _changed("figures", old, new)


def _members(
    what: str, before: Sequence[Any], after: Sequence[Any], words: Callable[[Any], str]
) -> Iterator[Difference]:
    """Members of a list that were removed and added; their order is no difference."""
    yield from (Difference(what, words(member), None) for member in before if member not in after)
    yield from (Difference(what, None, words(member)) for member in after if member not in before)


def _paired(
    before: Iterable[Content], after: Iterable[Content], keys: Sequence[Callable[[Content], Hashable]]
) -> tuple[list[tuple[Content, Content]], list[Content], list[Content]]:
    """Members that differ, each with what it has become by the first key that fits; those removed; those added."""
    old, new = list(before), list(after)
    for member in list(old):
        if member in new:
            old.remove(member)
            new.remove(member)
    pairs = []
    for key in keys:
        for member in list(old):
            found = next((other for other in new if key(other) == key(member)), None)
            if found is not None:
                pairs.append((member, found))
                old.remove(member)
                new.remove(found)
    return pairs, old, new


def _claims(before: Content, after: Content, names: Names) -> Iterator[Difference]:
    pairs, removed, added = _paired(
        before["claims"],
        after["claims"],
        (
            lambda claim: (_claimant(claim, {}), claim["measure"], claim["of"], claim["source"], claim["stance"]),
            lambda claim: (_claimant(claim, {}), claim["measure"], claim["of"]),
            lambda claim: (_claimant(claim, {}), claim["statement"]) if claim["statement"] else object(),
        ),
    )
    for old, new in pairs:
        of = _claimant(old, names)
        yield from _changed("who claims", of, _claimant(new, names))
        for what, words in _CLAIM_MEMBERS.items():
            yield from _changed(f"claim's {what}", words(old, names), words(new, names), of)
    yield from (Difference("claim", _claim(claim, names), None, _claimant(claim, names)) for claim in removed)
    yield from (Difference("claim", None, _claim(claim, names), _claimant(claim, names)) for claim in added)


def _claimant(claim: Content, names: Names) -> str:
    claimant = claim["claimant"]
    if claimant is None:
        return f"the source {claim['source']}" if claim["source"] else "the source"
    return str(names.get(claimant["id"], claimant["id"]) if "id" in claimant else claimant["name"])


def _claim(claim: Content, names: Names) -> str:
    parts = (counted_words(claim, names), claim["statement"] and _excerpt(claim["statement"], 0))
    said = ": ".join(part for part in parts if part)
    return f"{_stance(claim)} {said}".rstrip()


def _stance(claim: Content) -> str:
    return str(claim["stance"]).replace("-", " ")


_CLAIM_MEMBERS: Mapping[str, Callable[[Content, Names], str | None]] = {
    "stance": lambda claim, names: _stance(claim),
    "figure": lambda claim, names: counted_words(claim, names),
    "statement": lambda claim, names: claim["statement"],
    "source": lambda claim, names: claim["source"],
    "date": lambda claim, names: _date(claim["date"]),
    "mark as preferred": lambda claim, names: "preferred" if claim["preferred"] else None,
}


def _sources(before: Sequence[Content], after: Sequence[Content]) -> Iterator[Difference]:
    pairs, removed, added = _paired(
        before,
        after,
        (
            lambda source: source["ref"] or object(),
            lambda source: (source["publisher"], source["title"]),
            lambda source: source["url"] or object(),
        ),
    )
    for old, new in pairs:
        yield from (
            difference
            for member in ("ref", "publisher", "title", "url", "published", "via")
            for difference in _changed(f"source's {member}", old[member], new[member], _source(old))
        )
    yield from (Difference("source", _source(source), None) for source in removed)
    yield from (Difference("source", None, _source(source)) for source in added)


def _source(source: Content) -> str:
    named = ": ".join(part for part in (source["publisher"], source["title"]) if part)
    return named or source["url"] or source["ref"] or "without a name"
