"""The commands that read a timeline: each parses, asks and draws."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
from peewee import Database

from schemas.cursors import write_cursor
from schemas.query import TimelineQuery
from service.command_line import count_of, json_option, print_json, read_settings, store
from service.database import snapshot
from service.filters import FACET_OPTIONS, FILTERS, OPTIONS, PARAMETERS, PERIOD_OPTIONS
from service.query_options import options_of, query_string, refusals_as_options


@click.command("timeline")
@options_of({**PARAMETERS, **PERIOD_OPTIONS})
@json_option
def timeline_command(as_json: bool, **given: Sequence[str]) -> None:
    """Show the events of a query as a table, and how they are spread over time.

    \b
    Example:
      dateline timeline --actor taliban --province Panjshir
    """
    from service import timeline

    with store(read_settings()) as database, refusals_as_options(), snapshot(database):
        asked, chosen = _read_timeline(database, given)
        page = timeline.page(database, replace(asked, total=True))
        spread = _spread(database, asked.filters, chosen)
        names = {} if as_json else _names(database, chosen.get("by"), spread["periods"])
    events = json.loads(b"[" + page.documents + b"]")
    following = page.next and write_cursor(asked, page.next, page.sequence)
    if as_json:
        shown = {"events": events, "next": following, "query": asked.normalised(), "total": page.total}
        print_json({**shown, "bucket": spread["bucket"], "periods": spread["periods"]})
        return
    if not events:
        click.echo("no event matches")
        return
    from service.terminal import draw_events, draw_periods, open_console

    console = open_console()
    draw_events(console, events)
    click.echo(f"\n{len(events)} of {count_of(page.total or 0, 'event')}")
    if following:
        click.echo(f"more: --cursor {following}")
    click.echo()
    draw_periods(console, spread["bucket"], spread["periods"], names)


def _read_timeline(database: Database, given: Mapping[str, Sequence[str]]) -> tuple[TimelineQuery, dict[str, Any]]:
    """The query of the page, and those of ``bucket`` and ``by`` that are given."""
    from service.read_query import read_parts, read_query

    # All is read together first, so that all that is wrong is told at once.
    _, chosen = read_parts(database, query_string(given), {**OPTIONS, **PERIOD_OPTIONS})
    of_the_page = {name: texts for name, texts in given.items() if name in PARAMETERS}
    return read_query(database, query_string(of_the_page)), {
        name: value for name, value in chosen.items() if name in PERIOD_OPTIONS
    }


def _spread(database: Database, filters: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """All that filters find in periods, whatever the page; where no bucket is asked for, few enough to look at."""
    from schemas.periods import BUCKETS, PeriodsQuery
    from service.periods import periods
    from service.terminal import ROWS_MAX

    asked = PeriodsQuery(filters, events=0, **chosen)
    spread = periods(database, asked)
    for coarser in tuple(BUCKETS)[tuple(BUCKETS).index(spread["bucket"]) + 1 :]:
        if "bucket" in chosen or len(spread["periods"]) <= ROWS_MAX:
            break
        spread = periods(database, replace(asked, bucket=coarser))
    return spread


def _names(database: Database, by: str | None, periods: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """What the values are called that the counts of periods are divided by, where they are not names themselves."""
    from service.facets import NAMES

    if by is None or by not in NAMES:
        return {}
    return NAMES[by](database, sorted({value for period in periods for value in period["by"]}))


@click.command("stats")
@options_of({**FILTERS, **FACET_OPTIONS})
@json_option
def stats_command(as_json: bool, **given: Sequence[str]) -> None:
    """Show how many events a store holds, and how many of them have each actor, province, type and the like.

    \b
    Example:
      dateline stats --country AF --by actor,type
    """
    from service import stats
    from service.facets import facets, read_facets
    from service.ledger import store_state
    from service.read_query import shown_sequence

    with store(read_settings()) as database, refusals_as_options(), snapshot(database):
        asked = read_facets(database, query_string(given))
        counted = facets(database, asked)
        if as_json:
            print_json({**counted, "sequence": shown_sequence(database, asked.filters, store_state(database))})
            return
        extent = stats.extent(database, asked.filters)
        recorded = None if asked.filters else stats.recorded(database)
    from service.terminal import draw_facets, open_console

    click.echo(count_of(counted["total"], "event") + (f", {extent[0]} to {extent[1]}" if extent else ""))
    if recorded:
        revisions, actors = count_of(recorded.revisions, "revision"), count_of(recorded.actors, "actor")
        click.echo(f"{revisions}, {actors}, {count_of(recorded.datasets, 'dataset')}")
    draw_facets(open_console(), counted["facets"])
