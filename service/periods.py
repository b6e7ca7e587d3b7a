"""Answers a timeline in periods: how many events lie in each, with what casualties, and the first of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from peewee import Database

from schemas.faults import Fault, Refused
from schemas.periods import (
    AUTO,
    AUTO_MAX,
    BUCKETS,
    EMBEDDED_TOGETHER_MAX,
    PERIODS_MAX,
    PeriodsQuery,
    count_periods,
    days_of,
    finest_bucket,
    read_day,
    write_interval,
    write_period,
)
from service.conditions import first_minute, last_minute
from service.period_counts import DIGITS, Counted, Share, counts, ends, shares
from service.period_events import first_events
from service.plans import make_plan
from service.spans import DAY_BEGINS, DAY_ENDS, FIRST_PLACE, LAST_PLACE

EVENTS_PATH = "/v1/events"
# What the sum of the values stands under that are not named.
REST = "other"


def periods(database: Database, asked: PeriodsQuery) -> dict[str, Any]:
    """The members ``bucket``, ``periods`` and ``query`` of an answer.

    At most ten statements, however many events there are: four that choose the plan, where only lists of hundreds of
    names take more; and one for the ends, one for the counts, two for their shares and two for the events.

    Raises Refused where the bucket would divide the time from the first to the last event into too many periods, and
    where too many events would be shown. To be called within one ``snapshot``.
    """
    plan = make_plan(database, asked.matching)
    outermost = ends(database, plan)
    if outermost is None:
        bucket = "day" if asked.bucket == AUTO else asked.bucket
        return {"bucket": bucket, "periods": [], "query": asked.normalised()}
    bucket = _chosen(asked, *outermost)
    digits = DIGITS[bucket]
    counted = _added_up(bucket, counts(database, plan, asked, digits))
    _refuse_too_many_events(asked, bucket, [events for events, *_ in counted.values()])
    divided = _divided(bucket, shares(database, plan, asked, digits)) if asked.by else {}
    embedded = first_events(database, plan, asked, bucket, list(counted)) if asked.events else {}
    address = _addresses(asked, bucket)
    shown = []
    for number, (events, killed_low, killed_high, injured_low, injured_high) in counted.items():
        first, last = days_of(bucket, number)
        period = {
            "start": first,
            "end": last,
            "count": events,
            "killed": {"low": killed_low, "high": killed_high},
            "injured": {"low": injured_low, "high": injured_high},
        }
        if asked.by:
            period["by"] = divided.get(number, {})
        period["events"] = embedded.get(number, [])
        period["more"] = address(first, last) if events > asked.events else None
        shown.append(period)
    return {"bucket": bucket, "periods": shown, "query": asked.normalised()}


def _chosen(asked: PeriodsQuery, first_place: str, last_place: str) -> str:
    """The bucket to divide by. Raises Refused for one that gives too many periods."""
    first, last = read_day(first_place), read_day(last_place)
    if asked.bucket == AUTO:
        return finest_bucket(first, last, AUTO_MAX)
    count = count_periods(asked.bucket, first, last)
    if count > PERIODS_MAX:
        would_do = finest_bucket(first, last, PERIODS_MAX)
        message = (
            f"{asked.bucket} divides the time from {first} to {last} into {count:,} periods; at most {PERIODS_MAX:,} "
            f"are answered: take {would_do}, or ask for a shorter period"
        )
        coarser = tuple(BUCKETS)[tuple(BUCKETS).index(would_do) :]
        raise Refused([Fault("/bucket", "too-many-periods", message, coarser)], source="query")
    return asked.bucket


def _refuse_too_many_events(asked: PeriodsQuery, bucket: str, counts: Sequence[int]) -> None:
    """Raises Refused where the events to be shown of periods with so many events would be too large an answer."""
    together = sum(min(count, asked.events) for count in counts)
    if together > EMBEDDED_TOGETHER_MAX:
        most = EMBEDDED_TOGETHER_MAX // len(counts)
        otherwise = "a shorter period" if bucket == tuple(BUCKETS)[-1] else "a coarser bucket or a shorter period"
        message = (
            f"the first {asked.events} events of each of {len(counts):,} periods are {together:,}; at most "
            f"{EMBEDDED_TOGETHER_MAX:,} are shown: take {most} or fewer, or ask for {otherwise}"
        )
        raise Refused([Fault("/events", "too-many-events", message, (str(most),))], source="query")


def _added_up(bucket: str, counted: Sequence[Counted]) -> dict[int, list[int]]:
    """Events and figures of each period that has any, by its number, in order."""
    number_of = BUCKETS[bucket].number
    sums: dict[int, list[int]] = {}
    for period, *figures in counted:
        sums_of_period = sums.setdefault(number_of(read_day(period)), [0] * len(figures))
        for place, figure in enumerate(figures):
            sums_of_period[place] += figure
    return sums


def _divided(bucket: str, found: Iterable[Share]) -> dict[int, dict[str, int]]:
    """The counts of each period by value, by its number: the largest of the whole answer first, the rest at the end."""
    number_of = BUCKETS[bucket].number
    totals = Counter[str]()
    divided: dict[int, Counter[str]] = {}
    for period, value, events in found:
        # An actor may have the id that the rest stands under, which is then added to it.
        name = REST if value is None else value
        totals[name] += 0 if value is None else events
        divided.setdefault(number_of(read_day(period)), Counter())[name] += events
    order = {name: rank for rank, name in enumerate(sorted(totals, key=lambda name: (-totals[name], name)))}
    return {
        number: dict(sorted(counted.items(), key=lambda item: order[item[0]])) for number, counted in divided.items()
    }


def _addresses(asked: PeriodsQuery, bucket: str) -> Callable[[str, str], str]:
    """What gives the address of the events from one day to another (``YYYY-MM-DD``) that the query finds."""
    period = asked.filters.get("period")
    within = clipped(period)
    # The period comes last in it.
    prefix = asked.within("").url(EVENTS_PATH)

    def address(first: str, last: str) -> str:
        return prefix + (within(first, last) if period else write_period(bucket, first, last))

    return address


def clipped(period: str | None) -> Callable[[str, str], str]:
    """What gives the EDTF text of the time from one day to another (``YYYY-MM-DD``), as far as it lies in a period."""
    begins = (period and first_minute(period)) or FIRST_PLACE
    ends = (period and last_minute(period)) or LAST_PLACE

    def text(first: str, last: str) -> str:
        low, high = first.replace("-", "") + DAY_BEGINS, last.replace("-", "") + DAY_ENDS
        return write_interval(max(low, begins), min(high, ends))

    return text
