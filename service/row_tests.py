"""Tests of single rows of events, current or past: what a query asks, for where no index is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from schemas.text_query import TextQuery
from service.conditions import REACHES, Carries, Condition, During, LiesIn, PlacedIn, Satisfies, Says
from service.dialects import Dialect
from service.search_index import says, says_in_words
from service.spans import Window
from service.statement import Test

# What an event is looked for by, each as the numbers of its terms: those that the store has.
Lists = Mapping[Condition, Sequence[int]]


def row_tests(engine: Dialect, wanted: Sequence[Condition], lists: Lists) -> tuple[Test, ...]:
    """All that a query asks of a row but for its words; the row may be of ``event`` or of ``past_event``."""
    return tuple(test for condition in wanted for test in _tests(engine, condition, lists))


def words_of(engine: Dialect, text: TextQuery | None, past: bool) -> tuple[Test, ...]:
    """The test of the words of a row: those of what is past stand in the row itself."""
    if text is None:
        return ()
    return (Test(says_in_words("{row}", text), ()) if past else says(engine, text),)


def _tests(engine: Dialect, condition: Condition, lists: Lists) -> Iterator[Test]:
    match condition:
        case Carries() | LiesIn():
            yield stands_under(engine, lists[condition])
        case During() | PlacedIn():
            yield from time_tests(condition)
        case Satisfies(sql, parameters):
            yield Test(sql, parameters)
        case Says():
            pass


def stands_under(engine: Dialect, numbers: Collection[int]) -> Test:
    """The test that a row stands under one of some terms."""
    # One parameter for however many there are: engines take no thousand conditions.
    among = f"SELECT 1 FROM {engine.listed} n WHERE ',' || {{row}}.terms || ',' LIKE '%,' || n.num || ',%'"
    return Test(f"EXISTS ({among})", (f"[{','.join(map(str, numbers))}]",))


def time_tests(condition: During | PlacedIn) -> Iterator[Test]:
    """The tests of when an event was."""
    match condition:
        case During(window, True):
            yield from _bound("{row}.since >= ?", window.begins)
            yield from _bound("{row}.until <= ?", window.ends)
        case During(window, False):
            yield from _bound(REACHES, window.begins)
            yield from _bound("({row}.since IS NULL OR {row}.since <= ?)", window.ends)
        case PlacedIn(Window() as window):
            yield Test("{row}.pos >= ? AND {row}.pos < ?", (window.low, window.high))


def _bound(sql: str, minute: str | None) -> Iterator[Test]:
    if minute is not None:
        yield Test(sql, (minute,))
