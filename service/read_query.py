"""Turns the parameters of a URL into a query object, names resolved, or tells everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from peewee import Database

from schemas import query
from schemas.faults import Fault, Refused, Unreadable
from schemas.fields import near, shorten
from schemas.query import TimelineQuery
from service.conditions import first_minute, last_minute
from service.filters import FILTERS, OPTIONS, PARAMETERS
from service.query_names import Suggestions


class Reading:
    """The parameters of one request while they are read; each is read once, whoever asks for it."""

    def __init__(self, database: Database, values: Mapping[str, list[str]]) -> None:
        self.database = database
        self.suggestions = Suggestions()
        self._values = values
        self._read: dict[str, Any] = {}
        self.faults: list[Fault] = []

    def value(self, name: str) -> Any:
        """The value of a filter in canonical form, or None where it was not given or cannot be read."""
        if name not in self._read:
            self._read[name] = None
            texts = self._values.get(name, [])
            if texts:
                self._read[name] = self.attempt(name, lambda: FILTERS[name].read(self, texts))
        return self._read[name]

    def attempt(self, name: str, read: Callable[[], Any]) -> Any:
        """The outcome of a reading, or None with its faults noted."""
        try:
            return read()
        except Unreadable as error:
            self.faults += error.at(f"/{name}")
            return None

    def once(self, name: str) -> str | None:
        """The text of a parameter that may be given once, or None."""
        texts = self._values.get(name, [])
        if len(texts) > 1:
            hint = "; write several values with commas between them" if _is_list(name) else ""
            self.faults.append(Fault(f"/{name}", "repeated", f"is given {len(texts)} times{hint}"))
            return None
        return texts[0] if texts else None


def read_query(database: Database, query_string: bytes) -> TimelineQuery:
    """The query that a URL asks, names resolved. Raises Refused with an entry for each fault."""
    values, faults = query.read_pairs(query_string)
    for name in values.keys() - PARAMETERS.keys():
        message = f"{shorten(name)!r} is not a parameter of this query"
        faults.append(Fault("/" + shorten(name), "unknown-parameter", message, near(name, PARAMETERS)))
    for name, texts in values.items():
        if name in PARAMETERS and "" in texts:
            faults.append(Fault(f"/{name}", "blank", "is empty; leave it out or give a value"))
    readable = {name: texts for name, texts in values.items() if name in PARAMETERS and "" not in texts}
    # Judged before any name is looked up, so that a query that is refused for its size costs nothing.
    listed = sum(
        1 + text.count(",") for name in readable if name in FILTERS and _is_list(name) for text in readable[name]
    )
    if listed > query.NAMES_LIMIT:
        raise Refused([*faults, _too_many_names(listed)], source="query")
    reading = Reading(database, readable)
    for name, item in FILTERS.items():
        if not item.repeatable:
            reading.once(name)
    repeated = {fault.pointer[1:] for fault in reading.faults}
    for name in FILTERS:
        if name not in repeated:
            reading.value(name)
    filters = {name: value for name in FILTERS if (value := reading.value(name)) is not None}
    options: dict[str, Any] = {}
    for name, option in OPTIONS.items():
        text = reading.once(name)
        if text is not None:
            options[name] = reading.attempt(name, partial(option.read, text))
    options.pop("format", None)
    cursor = options.pop("cursor", None)
    faults += reading.faults + _between(filters, values)
    if faults:
        raise Refused(dict.fromkeys(faults), source="query")
    asked = TimelineQuery(filters=filters, **options)
    if cursor is not None:
        key = reading.attempt("cursor", lambda: query.read_cursor(asked, cursor))
        if reading.faults:
            raise Refused(reading.faults, source="query")
        asked = replace(asked, cursor=key)
    return asked


def _is_list(name: str) -> bool:
    return bool(PARAMETERS[name].schema["type"] == "array")


def _too_many_names(count: int) -> Fault:
    message = f"the query lists {count} names; at most {query.NAMES_LIMIT} are allowed together"
    return Fault("/", "too-many", message)


def _listed(value: list[Any]) -> list[Any]:
    """The members of a filter's value, whether it is one list or several."""
    return [member for group in value for member in (group if isinstance(group, list) else [group])]


def _between(filters: Mapping[str, Any], values: Mapping[str, Any]) -> list[Fault]:
    """Faults that lie between parameters."""
    faults = []
    if "from" in filters and "to" in filters:
        first, last = first_minute(filters["from"]), last_minute(filters["to"])
        if first and last and first > last:
            message = f"{filters['to']} lies before {filters['from']}, where the range begins"
            faults.append(Fault("/to", "reversed-range", message))
    # A name may stand for many spellings, which the statement has to hold.
    named = sum(len(_listed(value)) for value in filters.values() if isinstance(value, list))
    if named > query.NAMES_LIMIT:
        faults.append(_too_many_names(named))
    if "role" in values and "actor" not in values:
        faults.append(Fault("/role", "needs-actor", "is the role of an actor that is named; give actor as well"))
    return faults
