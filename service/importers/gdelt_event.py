"""Turns one row of a GDELT event export into an event, by the codes of CAMEO."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from schemas.faults import Fault
from schemas.fields import TEXT_LIMIT
from schemas.names import remember_short
from service.importers.cells import Values, bad_cell, cell, cut
from service.importers.findings import Findings
from service.importers.gdelt_actors import actors_of
from service.importers.gdelt_codes import DONE, NO_DEED, ROLES, Deed, deeds
from service.importers.gdelt_place import place_of
from service.importers.record import Record, event_id, rejected

DATASET = "gdelt"
NUMBER = re.compile(r"[0-9]{1,18}")
DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
URL = re.compile(r"https?://[^\s/<>\"][^\s<>\"]*", re.IGNORECASE)


def event_of(line: int, raw: str, values: Values) -> Record:
    """The record of one row; ``values`` are its cells by GDELT's names of their columns.

    A fault in a column that the event cannot do without rejects it; all of a row's faults are found.
    """
    # Half a surrogate pair never gets through UTF-8, so that only a NUL is looked for in every row.
    if "\0" in raw and (bad := bad_cell(values)):
        return rejected(line, raw, bad, values)
    identity = cell(values, "GLOBALEVENTID")
    day, fault = _day(cell(values, "SQLDATE"))
    place = place_of(values)
    faults = [*_identity_faults(identity), *([fault] if fault else []), *place.faults]
    if faults:
        return Record(line, raw, values, None, (), tuple(faults), place.warnings)
    warnings = Findings(place.warnings)
    code, deed = _deed(values, warnings)
    sides = actors_of(values, warnings)
    roles = ROLES.get(code[:2], DONE)
    event = {
        "id": event_id(DATASET, identity),
        "title": cut(_title(sides, deed, place.where), "/title", warnings),
        "summary": None,
        "date": day,
        "type": deed.type,
        "status": "reported",
        "location": None if place.location is None else {**place.location},
        "actors": [
            {"name": side["name"], "role": role} for side, role in zip(sides, roles, strict=True) if side is not None
        ],
        "claims": [],
        "sources": _sources(cell(values, "SOURCEURL"), warnings),
        "tags": [f"cameo:{code}"] if code else [],
        "dataset": DATASET,
    }
    # Two sides of one name are one actor, and what is said of the first holds.
    actors: dict[str, dict[str, Any]] = {}
    for side in sides:
        if side is not None:
            actors.setdefault(side["name"], side)
    return Record(line, raw, values, event, tuple(actors.values()), (), tuple(warnings))


def _identity_faults(identity: str) -> list[Fault]:
    if NUMBER.fullmatch(identity):
        return []
    code = "not-a-number" if identity else "missing"
    shown = f"'{identity[:40]}' is not" if identity else "There is none; it is"
    return [Fault("/GLOBALEVENTID", code, f"GLOBALEVENTID: {shown} a whole number of at most 18 digits.")]


@remember_short(16384)
def _day(text: str) -> tuple[str, Fault | None]:
    """The day as EDTF, or what is wrong with it."""
    match = DAY.fullmatch(text)
    try:
        day = date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        day = None
    if day is None:
        code = "not-a-date" if text else "missing"
        shown = f"'{text[:40]}' is not a day" if text else "There is none; it is a day written"
        return "", Fault("/SQLDATE", code, f"SQLDATE: {shown} as YYYYMMDD.")
    return day.isoformat(), None


def _deed(values: Values, warnings: Findings) -> tuple[str, Deed]:
    """The event code with its zero in front, and what it means; of an unknown code, what is known of its beginning."""
    given, root = cell(values, "EventCode"), cell(values, "EventRootCode").zfill(2)
    # A spreadsheet takes the zero off, and then 042 reads 42. The root, 04 or 4, tells that from a code of root 42.
    code = f"0{given}" if not given.startswith(root) and f"0{given}".startswith(root) else given
    known = deeds()
    if code in known:
        return code, known[code]
    nearest = next((code[:size] for size in (3, 2) if code[:size] in known), root if root in known else "")
    told = f"{nearest}, of which it is a part, is taken" if nearest else "the type stays open"
    message = f"EventCode is '{given[:40]}', which CAMEO does not have; {told}."
    warnings.append(Fault("/EventCode", "unknown-value", message))
    return nearest, known.get(nearest, NO_DEED)


def _title(sides: list[dict[str, Any] | None], deed: Deed, where: str) -> str:
    """Who, to whom, what and where: ``Taliban → Government of Afghanistan: military force, Kabul, Afghanistan``."""
    first, second = (side["name"] if side else "" for side in sides)
    who = f"{first} \u2192 {second}" if first and second else first or (f"\u2192 {second}" if second else "")
    what = f"{who}: {deed.label}" if who else deed.label.capitalize()
    return " ".join((f"{what}, {where}" if where else what).split())


def _sources(text: str, warnings: Findings) -> list[dict[str, Any]]:
    """The one source: an address with its host as publisher, or what GDELT writes in place of an address."""
    if not text:
        return []
    host = _host(text)
    fits = host is not None and len(text) <= TEXT_LIMIT
    publisher = host or text
    return [
        {
            "ref": "s1",
            "publisher": cut(publisher, "/SOURCEURL", warnings),
            # An address that is cut leads nowhere, but it still tells which article was meant.
            "title": cut(text, "/SOURCEURL", warnings) if host and not fits else None,
            "url": text if fits else None,
            "published": None,
            "via": None,
        }
    ]


@remember_short(4096)
def _host(text: str) -> str | None:
    """The host of an address on the web, without ``www.``; None where the text is no address."""
    if not URL.fullmatch(text):
        return None
    try:
        host = urlsplit(text).hostname
    except ValueError:
        return None
    return (host or "").removeprefix("www.") or None
