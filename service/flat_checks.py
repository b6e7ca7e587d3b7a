"""Holds the columns of a flat row that follow from others against what does follow: no edit is lost in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.casualties import derive_casualties
from schemas.edtf import DateError, derived_dates, parse_date
from schemas.faults import Fault
from schemas.fields import shorten
from schemas.vocabulary import MEASURES
from service import gazetteer
from service.flat_event import FIGURE_NAMES, body_of

# A day or minute, also as programs write it that take a whole column for times.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::00(?:\.0+)?)?)?")
# The columns of each measure, each behind the name that the figure has in an event.
_FIGURE_COLUMNS = {
    measure: tuple((name, f"{measure}_{name}") for name in (*FIGURE_NAMES, "disputed")) for measure in MEASURES
}

Values = Mapping[str, Any]


def body_of_row(values: Values) -> tuple[dict[str, Any], list[Fault]]:
    """The body of the event that a row of Dateline's own columns says, and what is wrong with derived ones.

    values: what the columns hold that are not empty, by name. A column that follows from others may be empty.
    """
    body = body_of(values)
    faults = [*_date_faults(values, body), *_figure_faults(values, body), *_province_faults(values, body)]
    return body, faults + list(_name_faults(values, body))


def _contradiction(name: str, given: Any, follows: Any, source: str) -> Fault:
    gives = "none" if follows is None else _shown(follows)
    message = f"{_shown(given)} is not what follows from {source}: {gives}; change {source}, or leave this cell empty"
    return Fault(f"/{name}", "derived", message)


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool | int) else repr(shorten(value, 40))


def _date_faults(values: Values, body: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        expected = derived_dates(parse_date(body.get("date", "")))
    except DateError:
        # The schema says so.
        return
    for name, follows in expected.items():
        given = values.get(name)
        if given is not None and given != follows and not _same_moment(given, follows):
            yield _contradiction(name, given, follows, "date")


def _same_moment(given: str, follows: str | None) -> bool:
    found, expected = _MOMENT.fullmatch(given), _MOMENT.fullmatch(follows or "")
    if not found or not expected or found[1] != expected[1]:
        return False
    # A day in a column of times is its midnight.
    return found[2] == expected[2] or (expected[2] is None and found[2] == "00:00")


def _figure_faults(values: Values, body: dict[str, Any]) -> Iterator[Fault]:
    """Figures beside claims must follow from them; where no claims are, they are one claim of each measure."""
    given = {measure: figures for measure in MEASURES if (figures := _figures_of(measure, values))}
    if not given:
        return
    if not body.get("claims"):
        body["claims"] = [{"measure": measure, **_without_dispute(figures)} for measure, figures in given.items()]
    claims = _plain(body["claims"])
    if claims is None:
        # What is wrong with them the schema says.
        return
    derived = derive_casualties(claims)
    for measure, figures in given.items():
        follows = derived.get(measure, {})
        for name, figure in figures.items():
            if figure != follows.get(name):
                yield _contradiction(f"{measure}_{name}", figure, follows.get(name), "claims")


def _figures_of(measure: str, values: Values) -> dict[str, Any]:
    """The cells of a measure that are not empty."""
    return {name: values[column] for name, column in _FIGURE_COLUMNS[measure] if column in values}


def _without_dispute(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: figure for name, figure in figures.items() if name in FIGURE_NAMES}


def _plain(claims: Any) -> list[dict[str, Any]] | None:
    """Claims as they are counted, with their defaults; None where the schema will refuse one."""
    if not isinstance(claims, list):
        return None
    found = []
    for claim in claims:
        if not isinstance(claim, Mapping):
            return None
        of = claim.get("of")
        if isinstance(of, Mapping):
            of = of.get("id") or of.get("name")
        plain = {
            "stance": claim.get("stance", "asserts"),
            "measure": claim.get("measure"),
            "of": of,
            "preferred": claim.get("preferred", False),
            **{name: claim.get(name) for name in FIGURE_NAMES},
        }
        texts = all(isinstance(plain[name], str | None) for name in ("stance", "measure", "of"))
        if not texts or not all(_is_count(plain[name]) for name in FIGURE_NAMES):
            return None
        found.append(plain)
    return found


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _province_faults(values: Values, body: dict[str, Any]) -> Iterator[Fault]:
    """A name beside a province must be its name; alone it is the province."""
    name, given = values.get("province_name"), values.get("province")
    if name is None:
        return
    if given is None:
        body.setdefault("location", {})["province"] = {"name": name}
        return
    unit = gazetteer.province(given) or _only(gazetteer.find_provinces(given, values.get("country")))
    if unit is not None and name != unit.name and unit not in gazetteer.find_provinces(name):
        yield _contradiction("province_name", name, unit.name, "province")


def _only(units: Sequence[gazetteer.Province]) -> gazetteer.Province | None:
    return units[0] if len(units) == 1 else None


def _name_faults(values: Values, body: dict[str, Any]) -> Iterator[Fault]:
    """Names beside actors are those of actors that have to be created; an actor that is known keeps its own."""
    names, actors = values.get("actor_names"), body.get("actors")
    if names is None:
        return
    if not actors:
        message = "names stand here, but no actors; write them into actors, as in 'taliban:side-a; nrf:side-b'"
        yield Fault("/actor_names", "derived", message)
    elif len(names) != len(actors):
        message = (
            f"there are {len(names)} names for {len(actors)} actors; name each in its place, or leave the cell empty"
        )
        yield Fault("/actor_names", "derived", message)
    else:
        for actor, name in zip(actors, names, strict=True):
            actor["name"] = name
