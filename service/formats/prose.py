"""What an event says, in English words and as plain text: the one place from which formats for people take them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from schemas.date_words import date_words
from schemas.vocabulary import CIVILIANS, EVENT_TYPES, MEASURES, UNKNOWN, EventType
from service import gazetteer
from service.formats.form import About

# Participles, since a name does not tell whether it stands for one or for many.
_STANCES = {
    "asserts": "",
    "confirms": ", confirming",
    "denies": ", denying",
    "disputes": ", disputing",
    "declines-to-comment": ", declining to comment",
}
# Whose loss a claim may count that is no actor.
NOBODY = {CIVILIANS: "civilians", UNKNOWN: "side unknown"}


class Fact(NamedTuple):
    """One thing that is known of an event: what it is about, and what is known."""

    label: str
    words: str


class Reference(NamedTuple):
    """A source in words, and where it can be read; None where that is not known or no address of the web."""

    words: str
    url: str | None


def headline(event: Mapping[str, Any], about: About) -> str:
    """The title, or the id where the title was not asked for or shows nothing."""
    title: str = event["title"] if about.shows("title") else ""
    return title if title.strip() else str(event["id"])


def address(event: Mapping[str, Any], about: About) -> str:
    """Where the event itself can be read."""
    return f"{about.base_url}/events/{event['id']}"


def summary(event: Mapping[str, Any], about: About) -> str | None:
    """The summary, where it was asked for and there is one."""
    return (event["summary"] or None) if about.shows("summary") else None


def facts(event: Mapping[str, Any], about: About) -> Iterator[Fact]:
    """What is known of the event beside its texts, of what was asked for. When it was is always told."""
    yield Fact("When", date_words(event["date"]))
    told: dict[str, tuple[str, Callable[[Any], str]]] = {
        "location": ("Where", place_words),
        "actors": ("Who", actor_words),
        "casualties": ("Casualties", casualty_words),
        "type": ("Type", type_words),
        "status": ("Status", str),
        "tags": ("Tags", ", ".join),
    }
    for member, (label, words) in told.items():
        if about.shows(member) and event[member] and (found := words(event[member])):
            yield Fact(label, found)


def place_words(location: Mapping[str, Any]) -> str:
    """A place from the nearest to the widest, and what the source called it where some of it could not be made out."""
    province, country = location["province"], location["country"]
    parts = [
        location["place"],
        location["district"],
        province and province["name"],
        country and country_words(country),
    ]
    words = ""
    for part in parts:
        # What the place was called may end with its province: "Kabul airport, Kabul".
        if part and not f", {words}".endswith(f", {part}"):
            words += f", {part}" if words else part
    if location["as_given"]:
        words += f' (given as "{location["as_given"]}")' if words else location["as_given"]
    return words


def actor_words(actors: Iterable[Mapping[str, Any]]) -> str:
    """Who against whom, and who else in which role: ``Taliban against National Resistance Front; speaker: …``."""
    by_role: dict[str, list[str]] = {}
    for actor in actors:
        by_role.setdefault(actor["role"], []).append(actor["name"])
    sides = [side for letter in "ab" if (side := _side(by_role, letter))]
    others = [f"{role}: {_listed(names)}" for role, names in by_role.items()]
    return "; ".join([*([" against ".join(sides)] if sides else []), *others])


def _side(by_role: dict[str, list[str]], letter: str) -> str:
    """One side of a conflict with those beside it, taken out of the roles; without a side they stay there."""
    if f"side-{letter}" not in by_role:
        return ""
    names = _listed(by_role.pop(f"side-{letter}"))
    beside = by_role.pop(f"associate-{letter}", None)
    return f"{names} with {_listed(beside)}" if beside else names


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def casualty_words(casualties: Mapping[str, Mapping[str, Any]]) -> str:
    """Figures with their spread: ``7 to 8 killed, disputed; 10 injured``."""
    return "; ".join(
        figure_words(measure, casualties[measure]) + (", disputed" if casualties[measure]["disputed"] else "")
        for measure in MEASURES
        if measure in casualties
    )


def figure_words(measure: str, figure: Mapping[str, Any]) -> str:
    """How many: ``8 killed``, ``7 to 8 killed``, ``up to 30 killed``, ``7 to 12 killed, best estimate 9``.

    figure: ``low``, ``best`` and ``high``, of which some, but not all, may be None.
    """
    low, best, high = figure["low"], figure["best"], figure["high"]
    if low is None and high is None:
        return f"{best:,} {measure}"
    if low == high:
        return f"{low:,} {measure}"
    spread = f"at least {low:,}" if high is None else f"{low:,} to {high:,}" if low else f"up to {high:,}"
    return f"{spread} {measure}" + ("" if best is None else f", best estimate {best:,}")


def type_words(name: str) -> str:
    """A type after the one that it is part of: ``Battle: Armed clash``."""
    found = EVENT_TYPES[name]
    return found.label if found.parent is None else f"{EVENT_TYPES[found.parent].label}: {found.label}"


def top_type(name: str) -> EventType:
    """The type of the top level that a type is part of, or is."""
    found = EVENT_TYPES[name]
    return found if found.parent is None else EVENT_TYPES[found.parent]


def claims(event: Mapping[str, Any], about: About) -> Iterator[str]:
    """What is said, and by whom: ``Fahim Dashti: Eight attackers died. (Taliban: 8 killed; RT; 31 August 2021)``."""
    if not about.shows("claims"):
        return
    names = {actor["id"]: actor["name"] for actor in event["actors"]} if about.shows("actors") else {}
    names |= {claim["claimant"]["id"]: claim["claimant"]["name"] for claim in event["claims"] if _is_actor(claim)}
    publishers = {source["ref"]: source["publisher"] for source in event["sources"]} if about.shows("sources") else {}
    for claim in event["claims"]:
        publisher = publishers.get(claim["source"]) if claim["source"] else None
        speaker, teller = (claim["claimant"]["name"], publisher) if claim["claimant"] else (publisher, None)
        said = (speaker or "The source") + _STANCES[claim["stance"]]
        if claim["statement"]:
            said += f": {claim['statement']}"
        rest = (
            counted_words(claim, names),
            None if teller == speaker else teller,
            claim["date"] and date_words(claim["date"]),
        )
        told = "; ".join(part for part in rest if part)
        yield f"{said} ({told})" if told else said


def _is_actor(claim: Mapping[str, Any]) -> bool:
    return bool(claim["claimant"]) and "id" in claim["claimant"]


def counted_words(claim: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    """What a claim counts, and whose loss that is; None for one that counts nothing. names: of actors, by id."""
    if claim["measure"] is None:
        return None
    figures = [claim[name] for name in ("low", "best", "high")]
    counted = claim["measure"] if figures == [None, None, None] else figure_words(claim["measure"], claim)
    return counted if claim["of"] is None else f"{loser_words(claim['of'], names)}: {counted}"


def loser_words(of: str, names: Mapping[str, str]) -> str:
    """Whose loss a claim counts: an actor's name, or what stands for nobody in particular."""
    return NOBODY.get(of) or names.get(of, of)


def sources(event: Mapping[str, Any], about: About) -> Iterator[Reference]:
    """Who reported it: ``RT: 7 fighters killed (31 August 2021, via Reuters)``."""
    if about.shows("sources"):
        yield from sources_in_words(event["sources"])


def sources_in_words(found: Iterable[Mapping[str, Any]]) -> Iterator[Reference]:
    """Each source in words, and where it can be read."""
    for source in found:
        named = ": ".join(part for part in (source["publisher"], source["title"]) if part)
        rest = [source["published"] and date_words(source["published"]), source["via"] and f"via {source['via']}"]
        told = ", ".join(part for part in rest if part)
        words = named or source["url"] or source["ref"] or ""
        yield Reference(f"{words} ({told})" if told else words, _web_address(source["url"]))


def _web_address(url: str | None) -> str | None:
    """The address, if a browser that follows it goes to a page and does nothing else."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme.lower() in ("http", "https") and parts.netloc else None


@cache
def _countries() -> dict[str, str]:
    return {country.code: country.name for country in gazetteer.countries()}


def country_words(code: str) -> str:
    """The name of a country, by its code."""
    return _countries().get(code, code)
