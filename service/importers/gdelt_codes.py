"""The codes that GDELT writes: CAMEO's of what was done and of kinds of actors, and FIPS 10-4's of countries."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

import pycountry

from schemas.names import fold, remember_short


class Deed(NamedTuple):
    """What a CAMEO event code says was done, in a few words, and the type of event that this is here."""

    label: str
    type: str


class ActorType(NamedTuple):
    """What a CAMEO code of a kind of actor makes of an actor.

    kind: one of the vocabulary's, None where the code stands for people of many kinds. whose: what an actor is called
    that GDELT names by its country or province alone: *Armed forces of …*.
    """

    kind: str | None
    whose: str


NO_DEED = Deed("event", "other")

ACTOR_TYPES: Mapping[str, ActorType] = {
    "AGR": ActorType(None, "Farmers of"),
    "BUS": ActorType(None, "Businesses of"),
    "COP": ActorType("state-forces", "Police of"),
    "CRM": ActorType(None, "Criminals of"),
    "CVL": ActorType("civilians", "Civilians of"),
    "DEV": ActorType(None, "Development bodies of"),
    "EDU": ActorType(None, "Schools and universities of"),
    "ELI": ActorType(None, "Elites of"),
    "ENV": ActorType(None, "Environmentalists of"),
    "GOV": ActorType("government", "Government of"),
    "HLH": ActorType(None, "Health services of"),
    "HRI": ActorType(None, "Human rights groups of"),
    "IGO": ActorType("organization", "Intergovernmental organisations of"),
    "INS": ActorType("rebel-group", "Insurgents of"),
    "INT": ActorType(None, "International actors of"),
    "JUD": ActorType("government", "Courts of"),
    "LAB": ActorType(None, "Workers of"),
    "LEG": ActorType("government", "Legislators of"),
    "MED": ActorType(None, "Media of"),
    "MIL": ActorType("state-forces", "Armed forces of"),
    "MNC": ActorType("organization", "Companies of"),
    "MOD": ActorType(None, "Moderates of"),
    "NGM": ActorType("organization", "Non-governmental movements of"),
    "NGO": ActorType("organization", "Non-governmental organisations of"),
    "OPP": ActorType(None, "Opposition of"),
    "PTY": ActorType("organization", "Parties of"),
    "RAD": ActorType(None, "Radicals of"),
    "REB": ActorType("rebel-group", "Rebels of"),
    "REF": ActorType("civilians", "Refugees of"),
    "SEP": ActorType("rebel-group", "Separatists of"),
    "SET": ActorType(None, "Settlers of"),
    "SPY": ActorType("state-forces", "Intelligence services of"),
    "UAF": ActorType("political-militia", "Armed groups of"),
}

# Roles of the first and the second actor, by CAMEO's root code: who did something, and to whom. A fight has two sides;
# what is said has a speaker; anything else was done by one who took part to one whom it was aimed at.
FOUGHT = ("side-a", "side-b")
HARMED = ("perpetrator", "victim")
SAID = ("speaker", "target")
DONE = ("participant", "target")
ROLES: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("01", "02", "03", "04", "05", "10", "11", "12", "13"), SAID),
    "18": HARMED,
    "19": FOUGHT,
    "20": HARMED,
}

# Where CAMEO's three letters for a country are older than ISO 3166-1's.
OLD_COUNTRIES: Mapping[str, str] = {"KSV": "XK", "ROM": "RO", "TMP": "TL", "XKX": "XK", "ZAR": "CD"}


def _rows(table: str) -> Iterator[list[str]]:
    text = resources.files("seed").joinpath("gdelt", table).read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines())
    next(rows)
    return rows


@cache
def fips_countries() -> Mapping[str, str | None]:
    """ISO 3166-1 alpha-2 codes by those of FIPS 10-4; None for an area that ISO has no code for."""
    return {fips: iso or None for fips, iso, _note in _rows("fips_countries.csv")}


@cache
def deeds() -> Mapping[str, Deed]:
    """CAMEO's event codes of two to four digits."""
    return {code: Deed(label, kind) for code, label, kind in _rows("cameo_events.csv")}


@cache
def demonyms() -> Mapping[str, str]:
    """Countries (ISO 3166-1 alpha-2) by the words for their people, as names are compared."""
    return {fold(word): country for word, country in _rows("demonyms.csv")}


@remember_short(1024)
def country_of_actor(code: str) -> str | None:
    """ISO 3166-1 alpha-2 for the three letters of an actor's country; None for regions such as ``AFR``."""
    known = pycountry.countries.get(alpha_3=code) if len(code) == 3 else None
    return str(known.alpha_2) if known else OLD_COUNTRIES.get(code)
