"""Turns one row of ACLED into an event, by the codes of its codebook."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from schemas.event import MEMBERS_LIMIT, SUMMARY_LIMIT
from schemas.faults import Fault
from schemas.names import fold, remember_short
from service.importers.acled_actors import Pair, associates, details, main_actors, participants, roles_of
from service.importers.acled_place import location_of, place_of
from service.importers.acled_types import type_of
from service.importers.cells import Values, bad_cell, cell, code_of, count, cut, point_of, tags_of
from service.importers.findings import Findings
from service.importers.record import Record, digest, event_id, rejected

ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]00:00(?::00(?:\.0+)?)?Z?)?")
WORDED_DAY = re.compile(r"([0-9]{1,2})[ -]+([A-Za-z]{3,9})\.?,?[ -]+([0-9]{4})")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def event_of(line: int, raw: str, original: Mapping[str, str], values: Values) -> Record:
    """The record of one row. ``values`` are its cells by ACLED's column names of today.

    A fault in a column that the event cannot do without rejects it; all of a row's faults are found.
    """
    if fault := bad_cell(original):
        return rejected(line, raw, fault)
    faults = Findings()
    warnings = Findings()
    day = _day_of(values, faults)
    killed = count(values, "fatalities", faults)
    point = point_of(values, faults, warnings)
    if faults or day is None:
        return Record(line, raw, original, None, (), tuple(faults), tuple(warnings))
    main = main_actors(values, warnings)
    event_type = type_of(values, [actor.kind for actor in main if actor], warnings)
    roles = roles_of(event_type, main, bool(cell(values, "civilian_targeting")))
    associated = associates(values, "1", warnings), associates(values, "2", warnings)
    taking_part = participants(main, roles, associated, warnings)
    sources = _sources(values, warnings)
    event = {
        "id": event_id("acled", _own_id(values)),
        "title": cut(_title(values, main), "/title", warnings),
        "summary": cut(cell(values, "notes"), "/notes", warnings, SUMMARY_LIMIT) or None,
        "date": _date(values, day, warnings),
        "type": event_type,
        "status": "reported",
        "location": location_of(values, point, warnings),
        "actors": [{"name": actor.name, "role": role} for actor, role in taking_part],
        "claims": [] if killed is None else [_claim(killed, sources)],
        "sources": sources,
        "tags": tags_of(_pieces(cell(values, "tags")), "/tags", warnings),
        "dataset": "acled",
    }
    return Record(line, raw, original, event, details(taking_part), (), tuple(warnings))


def _own_id(values: Values) -> str:
    """What tells the row from others: ACLED's id, the number that older files have, or else all that it says."""
    found = cell(values, "event_id_cnty") or code_of(values, "data_id")
    if found:
        return found
    said = {name: text.strip() for name, text in values.items() if text.strip()}
    return digest(json.dumps(said, ensure_ascii=False, sort_keys=True))


# Dates


def _day_of(values: Values, faults: Findings) -> date | None:
    text = cell(values, "event_date")
    day = _day(text)
    if day is None:
        code = "not-a-date" if text else "missing"
        shown = f"'{text[:40]}' is not a day that can be read for certain" if text else "There is no date"
        faults.append(Fault("/event_date", code, f"{shown}; write 2021-08-26 or 26 August 2021."))
    return day


@remember_short(16384)
def _day(text: str) -> date | None:
    """A day in figures from the year on, or with the month in words. In other orders day and month can be mistaken."""
    if found := ISO_DAY.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
    elif found := WORDED_DAY.fullmatch(text):
        word = found[2].lower().removesuffix("t") if found[2].lower() == "sept" else found[2].lower()
        named = [number for number, name in enumerate(MONTHS, 1) if word in (name, name[:3])]
        year, month, day = int(found[3]), sum(named), int(found[1])
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _date(values: Values, day: date, warnings: Findings) -> str:
    """The date in EDTF.

    Of a week ACLED gives one of its days and does not say which, so that no interval follows from it: it is about then.
    """
    precision = code_of(values, "time_precision")
    if precision == "2":
        return f"{day}~"
    if precision == "3":
        return day.isoformat()[:7]
    if precision not in ("", "1"):
        message = f"time_precision is '{precision[:40]}', not 1 to 3; the day is taken as it is."
        warnings.append(Fault("/time_precision", "unknown-value", message, ("1", "2", "3")))
    return day.isoformat()


# What is said of it, and by whom


def _title(values: Values, main: Pair) -> str:
    """What, who and where: ``Armed clash: Taliban - National Resistance Front, Bazarak, Panjshir`` (an en dash)."""
    what = cell(values, "sub_event_type") or cell(values, "event_type") or "Event"
    who = " \u2013 ".join(actor.name for actor in main if actor)
    where: list[str] = []
    for text in (place_of(values), cell(values, "admin1")):
        if text and not any(fold(text) in fold(part) for part in where):
            where.append(text)
    title = ", ".join([f"{what}: {who}" if who else what, *(where or [cell(values, "country")])]).removesuffix(", ")
    return " ".join(title.split())


def _claim(killed: int, sources: list[dict[str, Any]]) -> dict[str, Any]:
    """ACLED's figure. A 0 is kept as one, though in ACLED it also stands where no deaths were reported."""
    return {
        "claimant": {"name": "ACLED"},
        "stance": "asserts",
        "statement": None,
        "measure": "killed",
        "of": None,
        "low": None,
        "best": killed,
        "high": None,
        "source": sources[0]["ref"] if len(sources) == 1 else None,
        "date": None,
        "preferred": False,
    }


def _pieces(text: str) -> list[str]:
    """The texts between semicolons, each once, on one line each."""
    return list(dict.fromkeys(piece for part in text.split(";") if (piece := " ".join(part.split()))))


def _sources(values: Values, warnings: Findings) -> list[dict[str, Any]]:
    names = _pieces(cell(values, "source"))
    if len(names) > MEMBERS_LIMIT:
        message = f"The record names {len(names)} sources; the first {MEMBERS_LIMIT} are kept."
        warnings.append(Fault("/source", "sources-cut", message))
    return [
        {
            "ref": f"s{position}",
            "publisher": cut(name, "/source", warnings),
            "title": None,
            "url": None,
            "published": None,
            "via": None,
        }
        for position, name in enumerate(names[:MEMBERS_LIMIT], start=1)
    ]
