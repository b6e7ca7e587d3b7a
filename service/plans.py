"""Chooses how a timeline query is answered: which ranges of the index to read, and what to test each event for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from peewee import Database

from schemas.query import SPELT, TimelineQuery
from schemas.text_query import TextQuery
from service.conditions import Carries, Condition, During, LiesIn, PlacedIn, Satisfies, Says
from service.database import chunks, fetch, fetch_by_key
from service.dialects import dialect
from service.filters import conditions_of
from service.ledger import sequence_at, store_state
from service.marks import span_mark, year_marks
from service.row_tests import row_tests, time_tests, words_of
from service.search_index import Sought, says
from service.spans import EVERY, FIRST_PLACE, LAST_PLACE, Stretch, Window
from service.statement import Sql, Test
from service.terms import ANY, Term, numbers_of

# So many ranges are merged at most; beyond, the places are looked up for each event instead.
RANGES_MAX = 400
# More ranges than this hold more parameters than SQLite takes in a statement (32,766), eight at most in each.
STATED_MAX = 3000
# Every range repeats the tests. Beyond so many parameters the statement would be too large for an engine, so the ranges
# of everything are read instead: with lists that long, what is sought is not rare.
TESTED_MAX = 5000
# Where tests are left and more events than this stand under the best pairs in a stretch, what passes may be rare among
# them, so the search index is asked, which knows of each list where its next event is.
SEARCHED_FROM = 500
# In more ranges than this it is not counted how many events stand in each; the search index is asked for all of them.
COUNTED_MAX = 50

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Past:
    """The versions that were current after the change ``sequence`` and that pass ``tests``, text and all."""

    sequence: int
    tests: tuple[Test, ...]
    text: TextQuery | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a query is answered: every event under ``pairs`` in ``stretches`` that passes ``tests``, and what is sought.

    pairs: numbers of terms and places whose ranges are read; without any, nothing can match.
    stretches: the ranges of time to read under each pair.
    tests: what the ranges do not say.
    covered: what the ranges do say, as tests, for an answer that does not read them.
    expected: how many events stand under the pairs, in the stretches or in all; None where nobody needed to know.
    sought: what the search index is asked for, in the stretches that are not read under the pairs.
    few: whether all that matches may be sorted for one page.
    sequence: the last change that counts, where it is asked what was known then.
    past: the versions that were current then and are superseded now; None where nothing has changed since.
    lasting: whether it is the plan of the same query later on too, as long as names mean the same.
    """

    pairs: tuple[Pair, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    tests: tuple[Test, ...] = ()
    covered: tuple[Test, ...] = ()
    expected: int | None = None
    sought: Sought | None = None
    few: bool = True
    sequence: int | None = None
    past: Past | None = None
    lasting: bool = False

    @property
    def counted(self) -> bool:
        """Whether the tally of the one pair is the exact number of events."""
        return len(self.pairs) == 1 and not self.tests and not self.sought and self.stretches == (WHOLE,)


EVERYTHING = ((ANY, ANY),)
WHOLE = Stretch(EVERY, FIRST_PLACE, LAST_PLACE)


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to range over the index: the pairs to read, and the conditions that they fulfil."""

    pairs: tuple[Pair, ...]
    fulfilled: tuple[Condition, ...]
    expected: int | None = None


def make_plan(database: Database, asked: TimelineQuery) -> Plan:
    """The cheapest plan for a query, by the number of events under each of its terms and places."""
    wanted = conditions_of(asked)
    lists = numbered_lists(database, wanted)
    if asked.as_of is None:
        plan = _current(database, asked, wanted, lists)
        return replace(plan, lasting=_lasts(asked, plan, wanted, lists))
    sequence = sequence_at(database, asked.as_of) if asked.sequence is None else asked.sequence
    if sequence == 0:
        return Plan(sequence=0)
    if sequence >= store_state(database).sequence:
        return replace(_current(database, asked, wanted, lists), sequence=sequence)
    plan = _current(database, asked, wanted, lists, (Test("{row}.sequence <= ?", (sequence,)),))
    if not plan.pairs:
        return replace(plan, sequence=sequence)
    text = text_of(wanted)
    engine = dialect(database)
    tests = (*row_tests(engine, wanted, lists), *words_of(engine, text, past=True))
    return replace(plan, sequence=sequence, past=Past(sequence, tests, text))


def _lasts(
    asked: TimelineQuery, plan: Plan, wanted: Sequence[Condition], lists: Mapping[Condition, tuple[int, ...]]
) -> bool:
    """Whether nothing went into the plan that an event which lands may change: spellings, numbers of terms that are not
    there yet, marks, how many events there are.
    """
    return (
        plan.sought is None
        # With tests left it was weighed by how many events there are, and may be far from the cheapest later on.
        and not plan.tests
        and asked.sort in ("date", "-date")
        and not any(name in asked.filters for name in SPELT)
        and all(len(lists[condition]) == len(_terms_of(condition)) for condition in wanted if condition in lists)
    )


def numbered_lists(database: Database, wanted: Sequence[Condition]) -> dict[Condition, tuple[int, ...]]:
    """For each condition that can be told by terms, the numbers of those that the store has; without any, nothing
    fulfils it.
    """
    listed = {condition: terms for condition in wanted if (terms := _terms_of(condition))}
    named = {term for terms in listed.values() for term in terms}
    numbers = numbers_of(database, named) if named else {}
    return {c: tuple(numbers[term] for term in terms if term in numbers) for c, terms in listed.items()}


def text_of(wanted: Sequence[Condition]) -> TextQuery | None:
    """What is asked of an event's words, if anything."""
    return next((condition.text for condition in wanted if isinstance(condition, Says)), None)


def _current(
    database: Database,
    asked: TimelineQuery,
    wanted: Sequence[Condition],
    lists: Mapping[Condition, tuple[int, ...]],
    besides: tuple[Test, ...] = (),
) -> Plan:
    """The plan for the current events that fulfil what is wanted and pass the tests besides."""
    stretches, tests, covered = _time(wanted)
    text = text_of(wanted)
    if not all(lists.values()):
        return Plan()
    ranged = {c: found for c, found in lists.items() if isinstance(c, Carries | LiesIn)}
    ways = _ways(ranged, len(stretches))
    rest = len(lists) > len(ways[0].fulfilled)
    if "updated" in asked.sort or (rest and ways[0].pairs != EVERYTHING):
        ways = _weighed(database, ways)
    way = ways[0]
    unsaid = (*tests, *(Test(c.sql, c.parameters) for c in wanted if isinstance(c, Satisfies)), *besides)
    tested = sum(len(found) for condition, found in ranged.items() if condition not in way.fulfilled)
    ranges = len(way.pairs) * len(stretches)
    searched: Sequence[Stretch] = ()
    if text or (rest and (way.expected is None or way.expected > SEARCHED_FROM)):
        searched = stretches
        # Of the whole time, the tally has told already how many there are.
        countable = not text and stretches != [WHOLE] and 0 < ranges <= COUNTED_MAX
        if countable and ranges * tested <= TESTED_MAX:
            counts = _counted(database, way, stretches)
            searched = [stretch for stretch in stretches if counts[stretch] > SEARCHED_FROM]
            if not searched:
                way = replace(way, expected=sum(counts.values()))
    elif ranges > STATED_MAX or ranges * tested > TESTED_MAX:
        way = _Way(EVERYTHING, ())
    looked_up = [_look_up(condition, found) for condition, found in ranged.items() if condition not in way.fulfilled]
    covered += [_look_up(condition, found) for condition, found in ranged.items() if condition in way.fulfilled]
    if text:
        covered.append(says(dialect(database), text))
    return Plan(
        pairs=way.pairs,
        stretches=tuple(stretch for stretch in stretches if stretch not in searched),
        tests=(*unsaid, *looked_up),
        covered=tuple(covered),
        expected=way.expected,
        sought=_sought(database, searched, lists, text, unsaid) if searched else None,
    )


def _counted(database: Database, way: _Way, stretches: Sequence[Stretch]) -> dict[Stretch, int]:
    """How many events stand under the pairs in each stretch; of a pair it counts no further than need be."""
    sql = Sql("SELECT ")
    for index, (stretch, pair) in enumerate(product(stretches, way.pairs)):
        sql.add(f"{', ' if index else ''}(SELECT count(*) FROM (SELECT 1 FROM timeline t")
        sql.add(" WHERE t.term = ? AND t.place = ? AND t.span = ?", *pair, stretch.span)
        sql.add(" AND t.pos >= ? AND t.pos < ? LIMIT ?) k)", stretch.low, stretch.high, SEARCHED_FROM + 1)
    [counts] = fetch(database, sql.text, sql.parameters)
    return dict(zip(stretches, map(sum, chunks(counts, len(way.pairs))), strict=True))


def _sought(
    database: Database,
    stretches: Sequence[Stretch],
    lists: Mapping[Condition, tuple[int, ...]],
    text: TextQuery | None,
    tests: tuple[Test, ...],
) -> Sought:
    """What the search index is asked for in some stretches."""
    marks = _numbered_marks(database, stretches)
    # Where no event ever had a mark, there is nothing to read.
    read = tuple(stretch for stretch in stretches if all(marks[stretch.span]))
    return Sought(tuple(lists.values()), text, tuple(marks.items()), read, tests)


def _numbered_marks(database: Database, stretches: Sequence[Stretch]) -> dict[int, tuple[tuple[int, ...], ...]]:
    """For each stretch, by its span class, lists of marks; every event of the stretch has one of each list."""
    marks = {stretch.span: _marks(stretch) for stretch in stretches}
    numbers = numbers_of(database, {term for lists in marks.values() for terms in lists for term in terms})
    return {
        span: tuple(tuple(numbers[term] for term in terms if term in numbers) for terms in lists)
        for span, lists in marks.items()
    }


def _marks(stretch: Stretch) -> list[tuple[Term, ...]]:
    span = span_mark(stretch.span)
    years = year_marks(stretch.low, stretch.high)
    return [terms for terms in (() if stretch.span == EVERY else (span,), years) if terms]


def _terms_of(condition: Condition) -> tuple[Term, ...]:
    """The terms of which an event that fulfils the condition has one; none where it cannot be told by terms."""
    match condition:
        case Carries(terms) | LiesIn(terms) | Satisfies(marks=terms):
            return terms
    return ()


def _ways(lists: dict[Carries | LiesIn, tuple[int, ...]], stretches: int) -> list[_Way]:
    """Every way that could be the cheapest. Together, a term and a place have no more events than either alone."""
    carried = [condition for condition in lists if isinstance(condition, Carries)]
    places = [condition for condition in lists if isinstance(condition, LiesIn)]
    found = []
    for condition in carried:
        together = [
            _Way(pairs, (condition, place))
            for place in places
            if condition.placed
            and len(pairs := tuple((term, number) for term in lists[condition] for number in lists[place])) * stretches
            <= RANGES_MAX
        ]
        found += together or [_Way(tuple((term, ANY) for term in lists[condition]), (condition,))]
    if not any(place in way.fulfilled for way in found for place in places):
        found += [_Way(tuple((ANY, number) for number in lists[place]), (place,)) for place in places]
    return found or [_Way(EVERYTHING, ())]


def _weighed(database: Database, ways: Sequence[_Way]) -> list[_Way]:
    """The ways with the number of events that each would read at most, the fewest first."""
    pairs = sorted({pair for way in ways for pair in way.pairs})
    rows = fetch_by_key(database, "t.term, t.place, t.events", "tally", ("term", "place"), pairs)
    events = {(term, place): count for term, place, count in rows}
    weighed = [replace(way, expected=sum(events.get(pair, 0) for pair in way.pairs)) for way in ways]
    return sorted(weighed, key=lambda way: way.expected or 0)


def _look_up(condition: Carries | LiesIn, numbers: tuple[int, ...]) -> Test:
    """The test that an event stands under one of some terms or places, by the whole key of the index."""
    marks = ", ".join("?" * len(numbers))
    listed, other = ("term", "place") if isinstance(condition, Carries) else ("place", "term")
    # PostgreSQL would turn EXISTS into a join of both ranges as wholes; this it asks for each event of the page.
    return Test(
        f"(SELECT 1 FROM timeline x WHERE x.{listed} IN ({marks}) AND x.{other} = 0 AND x.span = 0 "
        "AND x.pos = t.pos AND x.num = t.num LIMIT 1) IS NOT NULL",
        numbers,
    )


def _time(wanted: Sequence[Condition]) -> tuple[list[Stretch], list[Test], list[Test]]:
    """The ranges of time to read, what to test for besides, and the tests that the ranges make needless."""
    stretches, tests, covered = [WHOLE], list[Test](), list[Test]()
    for condition in wanted:
        match condition:
            case During(window, True):
                stretches = [Stretch(EVERY, window.low, window.high)]
                tests = list(time_tests(condition))
            case During(window, False):
                stretches = list(window.stretches())
                covered += time_tests(condition)
    for condition in wanted:
        if isinstance(condition, PlacedIn):
            stretches = [cut for stretch in stretches if (cut := _cut(stretch, condition.window))]
            covered += time_tests(condition)
    return stretches, tests, covered


def _cut(stretch: Stretch, window: Window) -> Stretch | None:
    low, high = max(stretch.low, window.low), min(stretch.high, window.high)
    return replace(stretch, low=low, high=high) if low < high else None
