"""Turns the parameters of a URL into a query object, names resolved, or tells everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from peewee import Database

from schemas import query
from schemas.cursors import continued
from schemas.faults import Fault, Refused, Unreadable
from schemas.fields import near, shorten
from schemas.query import TimelineQuery
from service.conditions import first_minute, last_minute
from service.filters import ALL_OPTIONS, FILTERS, OPTIONS, Option, Parameter
from service.formats import FORMATS
from service.ledger import StoreState, sequence_at
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

    def refuse_repeated(self, parameter: Parameter) -> None:
        """Note that a parameter that may be given once is given several times."""
        times = len(self._values[parameter.name])
        hint = "; write several values with commas between them" if _is_list(parameter) else ""
        self.faults.append(Fault(f"/{parameter.name}", "repeated", f"is given {times} times{hint}"))


def read_query(database: Database, query_string: bytes, form: str | None = None) -> TimelineQuery:
    """The query that a URL asks, names resolved. Raises Refused with an entry for each fault.

    form: that of the answer where the URL names none; None is the pages of JSON.
    """
    filters, options = read_parts(database, query_string, OPTIONS, form)
    cursor = options.pop("cursor", None)
    asked = TimelineQuery(filters=filters, **{"limit": query.limit_of(options.get("format")), **options})
    if cursor is None:
        return asked
    try:
        return continued(asked, cursor)
    except Unreadable as error:
        raise Refused(error.at("/cursor"), source="query") from None


def shown_sequence(database: Database, filters: Mapping[str, Any], state: StoreState) -> int:
    """The last change that an answer to these filters reflects, of a store that stands so."""
    as_of = TimelineQuery(filters).as_of
    return state.sequence if as_of is None else min(sequence_at(database, as_of), state.sequence)


def read_parts(
    database: Database, query_string: bytes, options: Mapping[str, Option], form: str | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The filters of a URL, names resolved, and those of ``options`` that it gives.

    form: the ``format`` where it gives none.

    Raises Refused with an entry for each fault, a parameter that is neither among them.
    """
    parameters: Mapping[str, Parameter] = {**FILTERS, **options}
    values, faults = query.read_pairs(query_string)
    for name in values.keys() - parameters.keys():
        message = f"{shorten(name)!r} is not a parameter of this query"
        # One of another path is no misspelling.
        nearest = () if name in ALL_OPTIONS else near(name, parameters)
        faults.append(Fault("/" + shorten(name), "unknown-parameter", message, nearest))
    for name, texts in values.items():
        if name in parameters and "" in texts:
            faults.append(Fault(f"/{name}", "blank", "is empty; leave it out or give a value"))
    readable = {name: texts for name, texts in values.items() if name in parameters and "" not in texts}
    # Judged before any name is looked up, so that a query that is refused for its size costs nothing.
    listed = sum(
        1 + text.count(",")
        for name in readable
        if name in FILTERS and _is_list(FILTERS[name])
        for text in readable[name]
    )
    if listed > query.NAMES_LIMIT:
        raise Refused([*faults, _too_many_names(listed)], source="query")
    reading = Reading(database, readable)
    for name in parameters:
        if len(readable.get(name, ())) > 1 and not (name in FILTERS and FILTERS[name].repeatable):
            reading.refuse_repeated(parameters[name])
    repeated = {fault.pointer[1:] for fault in reading.faults}
    given = [name for name in FILTERS if name in readable]
    for name in given:
        if name not in repeated:
            reading.value(name)
    filters = {name: value for name in given if (value := reading.value(name)) is not None}
    chosen: dict[str, Any] = {} if form is None else {"format": form}
    for name, option in options.items():
        if readable.get(name) and name not in repeated:
            chosen[name] = reading.attempt(name, partial(option.read, readable[name][0]))
    faults += reading.faults + _between(filters, chosen, values)
    if faults:
        raise Refused(dict.fromkeys(faults), source="query")
    return filters, chosen


def _is_list(parameter: Parameter) -> bool:
    return bool(parameter.schema["type"] == "array")


def _too_many_names(count: int) -> Fault:
    message = f"the query lists {count} names; at most {query.NAMES_LIMIT} are allowed together"
    return Fault("/", "too-many", message)


def _listed(value: list[Any]) -> list[Any]:
    """The members of a filter's value, whether it is one list or several."""
    return [member for group in value for member in (group if isinstance(group, list) else [group])]


def _between(filters: Mapping[str, Any], options: Mapping[str, Any], values: Mapping[str, Any]) -> list[Fault]:
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
    form = FORMATS.get(options.get("format") or "")
    if form and options.get("total"):
        faults.append(Fault("/total", "not-together", f"has no place in {form.name}; leave it out, or ask for json"))
    if form and form.newest and "cursor" in values:
        message = f"has no place in {form.name}, which always begins with what was changed last; leave it out"
        faults.append(Fault("/cursor", "not-together", message))
    if options.get("sort") == "relevance" and "q" not in values:
        faults.append(
            Fault("/sort", "needs-q", "by relevance needs words that something is relevant to; give q as well")
        )
    return faults
