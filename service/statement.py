"""A SQL statement as it grows, with the tests of single events that it is made with, and how much it is to find."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Test:
    """A test of one event. The SQL calls the event's row ``{row}``, and ``t`` what has its ``pos`` and ``num``."""

    sql: str
    parameters: tuple[object, ...]

    @property
    def needs_row(self) -> bool:
        return "{row}" in self.sql


@dataclass(frozen=True, slots=True)
class Portion:
    """How much of what matches is to be found.

    order: ``" DESC"`` from the end, else empty. limit: no more than so many, None: all, in whatever order.
    in_title: what is asked of words must stand in the title.
    """

    order: str
    limit: int | None
    in_title: bool = False


EVERY_MATCH = Portion("", None)


@dataclass(slots=True)
class Sql:
    """The text of a statement, with its parameters in the order of their marks."""

    text: str = ""
    parameters: list[object] = field(default_factory=list)

    def add(self, text: str, *parameters: object) -> None:
        self.text += text
        self.parameters += parameters

    def add_tests(self, tests: Iterable[Test], row: str) -> None:
        """Add each test to the conditions that stand before; ``row`` is the name of the event's row."""
        for test in tests:
            self.add(" AND " + test.sql.format(row=row), *test.parameters)
