"""Who a row of GDELT says did something, and to whom: their names, and what their CAMEO codes tell of them."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import Any

from schemas.faults import Fault
from schemas.fields import TEXT_LIMIT
from schemas.names import fold, remember_short
from schemas.vocabulary import UNKNOWN
from service import gazetteer
from service.importers.cells import Values, cut
from service.importers.findings import Findings
from service.importers.gdelt_codes import ACTOR_TYPES, ActorType, country_of_actor, demonyms
from service.importers.gdelt_place import country_name
from service.importers.place_names import country_named, province_named

# The cells that tell of an actor.
PARTS = ("Code", "Name", "CountryCode", "KnownGroupCode", "Type1Code")
SIDES = {side: itemgetter(*(side + part for part in PARTS)) for side in ("Actor1", "Actor2")}
# What an actor is whose code names no kind.
NO_TYPE = ActorType(None, "")


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


# GDELT writes names in capitals. These stay so, and the small words become small.
CAPITALS = _words(
    """
    AIDS ANC AP ASEAN AU BBC CIA CNN ECOWAS ELN EU FARC FBI G7 G8 G20 GCC HIV IAEA ICC ICRC IGAD IMF INTERPOL IRA IS ISI
    ISIL ISIS KGB LTTE NASA NATO NGO NGOS OAS OAU OECD OPEC OSCE PKK PLO PM SAARC SADC SPLA TV UAE UK UN UNESCO UNHCR
    UNICEF UNITA US USA WHO WTO YPG
    """
)
SMALL = _words("al and at de del for in la of on the to")
ARTICLE = re.compile(r"^(?:THE|A|AN) (?=\S)")
# Words for anybody of a kind, as names are compared: with a country's code they mean that country's, not each other's.
ANYBODY = _words(
    """
    administration airline armedforces army authorities bank business cabinet citizen civilian coastguard college
    community company congress court criminal demonstrator detainee doctor fighter foreignminist governor government
    guerrilla hospital insurgent intelligence journalist judge king lawmaker lawyer legislature media militant military
    militia minist minister ministry navy newspaper opposition parliament police policeofficer politician premier
    president primeminister prince prison prosecutor protester rebel refugee regime resident residents school senate
    senator separatist settler soldier spokesman student terrorist troops union university village villager voter worker
    """
)


def actors_of(values: Values, warnings: Findings) -> list[dict[str, Any] | None]:
    """What is known of the first and of the second actor; None for one that the row does not have."""
    found: list[dict[str, Any] | None] = []
    for side, cells in SIDES.items():
        actor, warning = _actor(side, *cells(values))
        # Each record gets dictionaries of its own, since others may write into them.
        found.append(None if actor is None else {**actor, "external_ids": {**actor["external_ids"]}, "aliases": []})
        for fault in warning:
            warnings.append(fault)
    return found


@remember_short(16384)
def _actor(side: str, *cells: str) -> tuple[dict[str, Any] | None, tuple[Fault, ...]]:
    code, name, country, *rest = (text.strip() for text in cells)
    if not (code or name):
        return None, ()
    warnings = Findings()
    name = cut(name, f"/{side}Name", warnings)
    called, kind, where, cameo = _known(code, name, country, *rest)
    if fold(called) in ("", UNKNOWN):
        message = f"{side} is not named ('{name[:40]}'); the event is kept without it."
        return None, (Fault(f"/{side}Name", "unnamed-actor", message),)
    external = {"cameo": cameo} if cameo else {}
    return {"name": called[:TEXT_LIMIT], "kind": kind, "country": where, "external_ids": external}, tuple(warnings)


def _known(
    code: str, name: str, country: str, group: str, kind_code: str
) -> tuple[str, str | None, str | None, str | None]:
    """An actor's name, kind, country and, where it is a country and nothing else, its CAMEO code.

    Most codes are those of a class: USAGOV is anybody who speaks for the United States, under many names. An actor is
    therefore told by its name. Only a country's own three letters, under a name of that very country, identify it.
    """
    where = country_of_actor(country)
    kind = ACTOR_TYPES.get(kind_code, NO_TYPE)
    plain = ARTICLE.sub("", name, count=1)
    if where is None:
        return _capitalised(plain), kind.kind, None, None
    if (not plain and code.startswith(country)) or country_named(plain) == where:
        place = country_name(where)
        if code == country:
            return place, kind.kind, where, code
    elif kind.whose and demonyms().get(fold(plain)) == where:
        place = country_name(where)
    else:
        place = _province(plain, where)
    if place:
        # A group of its own is no part of the place that it is named by.
        return f"{kind.whose} {place}" if kind.whose and not group else place, kind.kind, where, None
    called = _capitalised(plain)
    return f"{called} ({country_name(where)})" if fold(plain) in ANYBODY else called, kind.kind, where, None


def _province(name: str, country: str) -> str:
    """The name of a province of this country, with the country where another place has the name; else nothing."""
    if not name or len(name) > 80 or province_named(name, country, "")[0] is None:
        return ""
    elsewhere = country_named(name) or any(other.country != country for other in gazetteer.find_provinces(name))
    called = _capitalised(name)
    return f"{called} ({country_name(country)})" if elsewhere else called


@remember_short(16384)
def _capitalised(name: str) -> str:
    """``MINISTRY OF DEFENSE`` as ``Ministry of Defense``; a name that is not all capitals stays as it is."""
    if name != name.upper():
        return name
    words = [
        word
        if word in CAPITALS or not re.search("[AEIOUY]", word)
        else word.lower()
        if position and word.lower() in SMALL
        else "-".join(part.capitalize() for part in word.split("-"))
        for position, word in enumerate(name.split())
    ]
    return " ".join(words)
