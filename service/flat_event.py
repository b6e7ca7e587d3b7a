"""The flat form of an event: the one table of its columns, by which rows are written and read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from schemas.vocabulary import MEASURES
from service import flat_cells
from service.flat_cells import Cell

FIGURE_NAMES = ("low", "best", "high")


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    path: where its value stands in an event; the first step is the member that it is part of. cell: how it is written
    and read. into: where what is read goes in a body; None where it follows from other columns.
    """

    name: str
    path: tuple[str, ...]
    cell: Cell
    into: tuple[str, ...] | None


def _given(name: str, cell: Cell, *path: str, into: tuple[str, ...] = ()) -> Column:
    at = path or (name,)
    return Column(name, at, cell, into or at)


def _derived(name: str, cell: Cell, *path: str) -> Column:
    return Column(name, path or (name,), cell, None)


def _figures(measure: str) -> tuple[Column, ...]:
    """The columns of one measure. All measures always have theirs, since the header comes before the events."""
    numbers = (_derived(f"{measure}_{name}", flat_cells.FIGURE, "casualties", measure, name) for name in FIGURE_NAMES)
    return (*numbers, _derived(f"{measure}_disputed", flat_cells.TRUTH, "casualties", measure, "disputed"))


COLUMNS: tuple[Column, ...] = (
    _given("id", flat_cells.WORD),
    _given("title", flat_cells.TEXT),
    _given("summary", flat_cells.TEXT),
    _given("date", flat_cells.WORD),
    _derived("start", flat_cells.WORD),
    _derived("end", flat_cells.WORD),
    _derived("precision", flat_cells.WORD),
    _derived("qualifier", flat_cells.WORD),
    _given("type", flat_cells.WORD),
    _given("status", flat_cells.WORD),
    _given("country", flat_cells.WORD, "location", "country"),
    _given("province", flat_cells.PROVINCE, "location", "province"),
    _derived("province_name", flat_cells.PROVINCE_NAME, "location", "province"),
    _given("district", flat_cells.TEXT, "location", "district"),
    _given("place", flat_cells.TEXT, "location", "place"),
    _given("latitude", flat_cells.NUMBER, "location", "latitude"),
    _given("longitude", flat_cells.NUMBER, "location", "longitude"),
    _given("place_precision", flat_cells.PLACE_PRECISION, "location", into=("location", "precision")),
    _given("as_given", flat_cells.TEXT, "location", "as_given"),
    _given("actors", flat_cells.PARTICIPANTS),
    _derived("actor_names", flat_cells.NAMES, "actors"),
    *(column for measure in MEASURES for column in _figures(measure)),
    _given("claims", flat_cells.JSON),
    _given("sources", flat_cells.JSON),
    _given("related", flat_cells.RELATIONS_CELL),
    _given("tags", flat_cells.TEXTS),
    _given("dataset", flat_cells.WORD),
    _derived("version", flat_cells.FIGURE),
    _derived("created", flat_cells.WORD),
    _derived("updated", flat_cells.WORD),
)
BY_NAME: Mapping[str, Column] = {column.name: column for column in COLUMNS}
# What the server alone decides: whatever stands there is not looked at, as in a body.
IGNORED = frozenset({"version", "created", "updated"})


def columns_of(members: Sequence[str] | None) -> tuple[Column, ...]:
    """The columns of some members of an event in the order of the table, the id's among them; None: all."""
    if members is None:
        return COLUMNS
    return tuple(column for column in COLUMNS if column.name == "id" or column.path[0] in members)


def row_writer(columns: Sequence[Column]) -> Callable[[Mapping[str, Any]], list[Any]]:
    """What makes of an event the cells of its row. What is null, or part of what is null, is an empty cell."""
    members = [(member, tuple(group)) for member, group in groupby(columns, lambda column: column.path[0])]
    parts = [
        (member, [(column.path[1:], column.cell.write) for column in group], [""] * len(group))
        for member, group in members
    ]

    def row(event: Mapping[str, Any]) -> list[Any]:
        cells: list[Any] = []
        for member, inner, empty in parts:
            value = event[member]
            # The empty list and object have nothing to show either; the empty text has.
            if value is None or value == [] or value == {}:
                cells += empty
            else:
                cells += [_written(value, path, write) for path, write in inner]
        return cells

    return row


def _written(value: Any, path: Sequence[str], write: Callable[[Any], Any]) -> Any:
    for step in path:
        value = value.get(step)
        if value is None:
            return ""
    return write(value)


def body_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """An event as it may be written, of the values that its columns hold. A column without a value is left out."""
    body: dict[str, Any] = {}
    for name, value in values.items():
        into = BY_NAME[name].into
        if into is None:
            continue
        if len(into) == 1:
            body[name] = value
        else:
            body.setdefault(into[0], {})[into[1]] = value
    location = body.get("location")
    if location and location.get("precision") == flat_cells.NOTHING_KNOWN:
        location["precision"] = None
    return body
