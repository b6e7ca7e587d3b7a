"""The commands that read a timeline: each parses, asks and draws."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from peewee import Database

from schemas.faults import Refused, Unreadable
from schemas.query import TimelineQuery, write_cursor
from service.command_line import REFUSED, json_option, print_json, read_settings, show_faults, store
from service.database import snapshot
from service.query_options import facet_options, query_options, query_string

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def _refusals_as_options() -> Iterator[None]:
    """Ends the command with what is wrong with its query, told by the options."""
    try:
        yield
    except Refused as refused:
        show_faults(refused.faults, before="dateline: ", option=True)
        raise SystemExit(REFUSED) from None


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 160, emoji=False)


@click.command("timeline")
@query_options
@click.option("--bucket", help="How long a period of the histogram is: day, week, month, quarter, year. Example: month")
@click.option("--by", help="What each period's count is divided by: type, actor, province, country, status.")
@json_option
def timeline_command(as_json: bool, bucket: str | None, by: str | None, **given: Any) -> None:
    """Show the events of a query as a table, and how they are spread over time.

    \b
    Example:
      dateline timeline --actor taliban --province Panjshir
    """
    from service import timeline
    from service.read_query import read_query

    with store(read_settings()) as database, _refusals_as_options(), snapshot(database):
        asked = read_query(database, query_string(given))
        page = timeline.page(database, replace(asked, total=True))
        spread = _spread(database, asked, bucket, by)
    events = json.loads(b"[" + page.documents + b"]")
    following = page.next and write_cursor(asked, page.next)
    if as_json:
        shown = {"events": events, "next": following, "query": asked.normalised(), "total": page.total}
        print_json({**shown, "bucket": spread["bucket"], "periods": spread["periods"]})
        return
    from service.terminal import draw_events, draw_periods

    console = _console()
    if not events:
        console.print("no event matches")
        return
    draw_events(console, events)
    console.print(f"\n{len(events)} of {page.total} events", highlight=False)
    if following:
        console.print(f"more: --cursor {following}", highlight=False, soft_wrap=True)
    console.print()
    draw_periods(console, spread["bucket"], spread["periods"])


def _spread(database: Database, asked: TimelineQuery, bucket: str | None, by: str | None) -> dict[str, Any]:
    """All that a query matches in periods, whatever its page; where no bucket is asked for, few enough to look at."""
    from schemas.periods import BUCKETS, PeriodsQuery
    from service.filters import PERIOD_OPTIONS
    from service.periods import periods
    from service.terminal import ROWS_MAX

    faults = []
    chosen: dict[str, Any] = {"events": 0}
    for name, text in (("bucket", bucket), ("by", by)):
        if text is not None:
            try:
                chosen[name] = PERIOD_OPTIONS[name].read(text)
            except Unreadable as error:
                faults += error.at(f"/{name}")
    if faults:
        raise Refused(faults, source="query")
    spread = periods(database, PeriodsQuery(asked.filters, **chosen))
    for coarser in tuple(BUCKETS)[tuple(BUCKETS).index(spread["bucket"]) + 1 :]:
        if bucket is not None or len(spread["periods"]) <= ROWS_MAX:
            break
        spread = periods(database, PeriodsQuery(asked.filters, bucket=coarser, **chosen))
    return spread


@click.command("stats")
@facet_options
@json_option
def stats_command(as_json: bool, **given: Any) -> None:
    """Show how many events a store holds, and how many of them have each actor, province, type and the like.

    \b
    Example:
      dateline stats --country AF --by actor,type
    """
    from service import stats
    from service.facets import facets, read_facets
    from service.ledger import store_state

    with store(read_settings()) as database, _refusals_as_options(), snapshot(database):
        asked = read_facets(database, query_string(given))
        counted = facets(database, asked)
        if as_json:
            print_json({**counted, "sequence": store_state(database).sequence})
            return
        extent = stats.extent(database, asked.filters)
        recorded = None if asked.filters else stats.recorded(database)
    from service.terminal import draw_facets

    click.echo(f"{counted['total']} events" + (f", {extent[0]} to {extent[1]}" if extent else ""))
    if recorded:
        click.echo(f"{recorded.revisions} revisions, {recorded.actors} actors, {recorded.datasets} datasets")
    draw_facets(_console(), counted["facets"])
