"""Turns one row of the UCDP Georeferenced Event Dataset into an event, by the codes of its codebook."""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import Any

from schemas.event import SUMMARY_LIMIT
from schemas.faults import Fault
from schemas.names import fold, remember_short
from service.importers.cells import Values, bad_cell, cell, code_of, count, cut, point_of, tags_of, whole_number
from service.importers.findings import Findings
from service.importers.record import Record, rejected
from service.importers.ucdp_ged_claims import FIGURES, Sides, claims_of
from service.importers.ucdp_ged_place import location_of
from service.importers.ucdp_ged_sources import sources_of

# type_of_violence: 1 state-based, 2 non-state, 3 one-sided. UCDP does not record how people were killed, so
# that the first two can only be the plain clash of armed groups, and the third an attack on civilians.
TYPES = {"1": "battle/armed-clash", "2": "battle/armed-clash", "3": "violence-against-civilians/attack"}
ROLES = {"1": ("side-a", "side-b"), "2": ("side-a", "side-b"), "3": ("perpetrator", "victim")}
DATE_PRECISIONS = frozenset("12345")
# The dataset goes on naming the state's side as before when the Taleban (its actor 303) had become that
# state.
TALIBAN_RULE = date(2021, 9, 1)
TALIBAN = ("Taleban", "303")
KABUL_GOVERNMENT = "Government of Afghanistan"

DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]00:00(?::00(?:\.0+)?)?Z?)?")
# Candidate releases write XXX and a number for a side that has not been named yet.
UNNAMED = re.compile(r"XXX[0-9]+")


def event_of(line: int, raw: str, original: dict[str, str], values: Values) -> Record:
    """The record of one row. `values` are its cells by the column names of release 23.1.

    A fault in a column that the event cannot do without rejects it; all of a row's faults are found.
    """
    if fault := bad_cell(original):
        return rejected(line, raw, fault)
    faults = Findings()
    warnings = Findings()
    identity = whole_number(values, "id", faults)
    violence = code_of(values, "type_of_violence")
    if violence not in TYPES:
        message = f"The type of violence is '{violence[:40]}', not 1, 2 or 3."
        faults.append(Fault("/type_of_violence", "unknown-value", message, tuple(TYPES)))
    days = _days(values, faults)
    figures = {name: count(values, name, faults) for name in FIGURES}
    point = point_of(values, faults, warnings)
    if faults or days is None:
        return Record(line, raw, original, None, (), tuple(faults), tuple(warnings))
    sides = _sides(values, violence, days[0], warnings)
    location = location_of(values, point, warnings)
    sources = sources_of(values, warnings)
    event = {
        "id": f"ucdp-ged-{identity}",
        "title": cut(_title(values, violence, sides, location), "/title", warnings),
        "summary": _summary(values, sources, warnings),
        "date": _date(values, days, warnings),
        "type": TYPES[violence],
        "status": "reported",
        "location": location,
        "actors": [
            {"name": side["name"], "role": role}
            for side, role in zip(sides, ROLES[violence], strict=True)
            if side is not None
        ],
        "claims": claims_of(values, figures, sides, sources, warnings),
        "sources": sources,
        "tags": _tags(values, violence, warnings),
        "dataset": "ucdp-ged",
    }
    actors = tuple(side for position, side in enumerate(sides) if side is not None and side not in sides[:position])
    return Record(line, raw, original, event, actors, (), tuple(warnings))


# Dates


@remember_short(16384)
def _day(text: str) -> date | None:
    match = DAY.fullmatch(text)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def _days(values: Values, faults: Findings) -> tuple[date, date] | None:
    """The earliest and the latest day; an event of one known day may lack the second."""
    found: list[date] = []
    for name in ("date_start", "date_end"):
        text = cell(values, name)
        if name == "date_end" and not text and code_of(values, "date_prec") == "1":
            found += found[:1]
            continue
        day = _day(text)
        if day is not None:
            found.append(day)
        else:
            code = "not-a-date" if text else "missing"
            message = f"'{text[:40]}' is not a day as YYYY-MM-DD." if text else "There is no date."
            faults.append(Fault(f"/{name}", code, message))
    if len(found) < 2:
        return None
    start, end = found
    if end < start:
        faults.append(Fault("/date_end", "reversed", f"The date ends on {end}, before its start on {start}."))
        return None
    return start, end


def _date(values: Values, days: tuple[date, date], warnings: Findings) -> str:
    """The date in EDTF, no wider and no narrower than the days, and as coarse as date_prec where it fits."""
    start, end = days
    precision = code_of(values, "date_prec")
    if precision not in DATE_PRECISIONS:
        message = f"date_prec is '{precision[:40]}', not 1 to 5; the days are taken as they are."
        warnings.append(Fault("/date_prec", "unknown-value", message))
    if start == end:
        if precision in ("2", "3", "4", "5"):
            message = f"The date is not known to the day, but only {start} is given; it is written as about then."
            warnings.append(Fault("/date_prec", "date-approximate", message))
            return f"{start}~"
        return start.isoformat()
    if precision in ("4", "5") and start.day == 1 and start.year == end.year:
        if start.month == end.month and end.day == calendar.monthrange(end.year, end.month)[1]:
            return start.isoformat()[:7]
        if (start.month, end.month, end.day) == (1, 12, 31):
            return f"{start.year:04}"
    return f"{start.isoformat()}/{end.isoformat()}"


# Actors


def _sides(values: Values, violence: str, start: date, warnings: Findings) -> Sides:
    names = [cell(values, side) for side in ("side_a", "side_b")]
    found: list[dict[str, Any] | None] = []
    for side, name in zip(("side_a", "side_b"), names, strict=True):
        if not name or UNNAMED.fullmatch(name):
            message = f"{side} is not named ('{name}'); the event is kept without it."
            warnings.append(Fault(f"/{side}", "unnamed-actor", message))
            found.append(None)
            continue
        identity = cell(values, f"{side}_new_id") or cell(values, f"{side}_dset_id")
        identity = identity.removesuffix(".0")
        if name == KABUL_GOVERNMENT and start >= TALIBAN_RULE and TALIBAN[0] not in names:
            message = f"The {name} of {start} is the Taleban; the event names them so."
            warnings.append(Fault(f"/{side}", "government-is-taliban", message))
            name, identity = TALIBAN
        known = re.fullmatch(r"[1-9][0-9]*", identity) is not None and identity != "9999"
        found.append(
            {
                "name": cut(name, f"/{side}", warnings),
                "kind": _kind(name, violence),
                "external_ids": {"ucdp": identity} if known else {},
                "aliases": [],
            }
        )
    return found[0], found[1]


def _kind(name: str, violence: str) -> str:
    """A first guess, for an actor that is not known yet.

    By UCDP's definitions a side of state-based violence that is no government is an organised opposition
    group, and so is the actor of one-sided violence; the sides of non-state violence are anything from rebels
    to cartels and communities, of which political-militia, an armed group that fights others than the state,
    says least.
    """
    if name.startswith("Government of "):
        return "state-forces"
    if name == "Civilians":
        return "civilians"
    if name == TALIBAN[0]:
        return "rebel-group"
    return "political-militia" if violence == "2" else "rebel-group"


# Words


def _title(values: Values, violence: str, sides: Sides, location: dict[str, Any] | None) -> str:
    """Who and where: ``Government of Afghanistan - Taleban, Kabul city, Kabul province`` (an en dash)."""
    names = [side["name"] for side in sides if side is not None]
    if violence == "3" and len(names) == 2 and names[1] == "Civilians":
        names[1] = "civilians"
    who = " \u2013 ".join(names) or ("Attack on civilians" if violence == "3" else "Armed clash")
    where: list[str] = []
    vague = location is not None and location["precision"] == "country"
    for column in ("where_coordinates",) if vague else ("where_coordinates", "adm_1"):
        text = cell(values, column)
        if text and not any(fold(text) in fold(part) for part in where):
            where.append(text)
    title = ", ".join([who, *(where or [cell(values, "country")])]).removesuffix(", ")
    # A title is one line, and 4% of the records have line breaks in their cells.
    return " ".join(title.split())


def _summary(values: Values, sources: list[dict[str, Any]], warnings: Findings) -> str | None:
    """The first headline and UCDP's description of the place, each only where it says more than the title."""
    known = fold(" ".join(cell(values, name) for name in ("where_coordinates", "adm_2", "adm_1", "country")))
    lines: list[str] = []
    headline = next((source["title"] for source in sources if source["publisher"] and source["title"]), None)
    publishers = {fold(source["publisher"]) for source in sources if source["publisher"]}
    for text in (headline, cell(values, "where_description")):
        if text and fold(text) not in publishers and fold(text) not in known:
            lines.append(text)
    return cut("\n".join(lines), "/where_description", warnings, SUMMARY_LIMIT) or None


def _tags(values: Values, violence: str, warnings: Findings) -> list[str]:
    """The conflict, where it is one over a state or territory; elsewhere its name only repeats the sides."""
    conflict = cell(values, "conflict_name")
    told = [conflict] if violence == "1" and not UNNAMED.fullmatch(conflict) else []
    return tags_of(told, "/conflict_name", warnings)
