"""The command that lists near duplicates: it parses, asks and draws, and says how a person links a pair."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from schemas import query
from service.command_line import count_of, json_option, print_json, read_settings, store, visible
from service.database import snapshot
from service.filters import FILTERS, Option
from service.query_options import options_of, query_string, refusals_as_options

if TYPE_CHECKING:
    from rich.console import Console

LIMIT_DEFAULT = 20

DUPLICATE_OPTIONS: dict[str, Option] = {
    "limit": Option(
        "limit",
        f"How many pairs to show at most, the likeliest first: 1 to {query.LIMIT_MAX}, by default {LIMIT_DEFAULT}.",
        "5",
        {"type": "integer", "minimum": 1, "maximum": query.LIMIT_MAX, "default": LIMIT_DEFAULT},
        query.whole_number(1, query.LIMIT_MAX),
    )
}

# A line says how far a long search has come each time that so many more events were compared.
EVENTS_A_LINE = 100_000


@click.command("duplicates")
@options_of({**FILTERS, **DUPLICATE_OPTIONS})
@click.option("--within-datasets", is_flag=True, help="Also pairs of which both events are of one dataset.")
@click.option("--linked", is_flag=True, help="Also pairs of which one event is related to the other already.")
@json_option
def duplicates_command(as_json: bool, within_datasets: bool, linked: bool, **given: Sequence[str]) -> None:
    """Show pairs of events of different datasets that may be one and the same, the likeliest first, and why.

    Their times touch, they lie in one province, an actor took part in both, and as many were killed or nearly. Nothing
    is merged; a person who knows that two are one links them.

    \b
    Example:
      dateline duplicates --country AF --from 2021-08
    """
    from service.duplicates import DuplicatesQuery, duplicates
    from service.ledger import store_state
    from service.read_query import read_parts, shown_sequence

    settings = read_settings()
    with store(settings) as database, refusals_as_options(), snapshot(database):
        filters, chosen = read_parts(database, query_string(given), DUPLICATE_OPTIONS)
        asked = DuplicatesQuery(filters, chosen.get("limit", LIMIT_DEFAULT), within_datasets, linked)
        with _progress(quiet=as_json) as progress:
            found = duplicates(database, asked, progress)
        sequence = shown_sequence(database, filters, store_state(database))
    if as_json:
        print_json({**found, "sequence": sequence})
    elif not found["pairs"]:
        click.echo("no near duplicates")
    else:
        from service.terminal import open_console

        draw_pairs(open_console(), found["pairs"])
        click.echo(f"\n{len(found['pairs'])} of {count_of(found['total'], 'pair')}")
        # What is of the past has another version today.
        if "as_of" not in filters and (pair := _unlinked(found["pairs"])):
            click.echo(f"\nIf two are one, link them; for the first pair:\n\n{how_to_link(settings.address, pair)}")


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int], None]]:
    """Shows how far a long search is, beside the output: nothing where a program listens."""
    compared = 0
    on_terminal = sys.stderr.isatty()

    def count(events: int) -> None:
        nonlocal compared
        before, compared = compared, compared + events
        if quiet:
            return
        if on_terminal:
            click.echo(f"\rcompared {count_of(compared, 'event')}", nl=False, err=True)
        elif before // EVENTS_A_LINE < compared // EVENTS_A_LINE:
            click.echo(f"compared {count_of(compared, 'event')}", err=True)

    yield count
    if on_terminal and compared and not quiet:
        # The results take the line's place.
        click.echo("\r\x1b[K", nl=False, err=True)


def draw_pairs(console: Console, pairs: Sequence[Mapping[str, Any]]) -> None:
    """Each pair with its likeness, the reasons, and below them its two events: date, title, dataset and id."""
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for place, pair in enumerate(pairs):
        if place:
            table.add_row()
        told = pair["words"] + "".join(f"; {each['id']} is {each['relation']} {each['to']}" for each in pair["related"])
        table.add_row(f"{pair['score']:.3f}", escape(visible(told)))
        for event in pair["events"]:
            line = f"{event['date']}  {event['title']}  ({event['dataset']}: {event['id']})"
            # Stored text is shown as it is: it is not markup.
            table.add_row("", escape(visible(line)))
    console.print(table, highlight=False)


def _unlinked(pairs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The first pair of which no event is related to the other."""
    return next((pair for pair in pairs if not pair["related"]), None)


def how_to_link(address: str, pair: Mapping[str, Any]) -> str:
    """The request by which a person says that the two events of a pair are one: the first comes to name the second."""
    one, other = pair["events"]
    link = {"op": "add", "path": "/related/-", "value": {"id": other["id"], "relation": "same-as"}}
    version = f'If-Match: "{one["version"]}"'
    return (
        f"  curl -X PATCH '{address}/v1/events/{one['id']}' \\\n"
        f'    -H "Authorization: Bearer $KEY" -H {shlex.quote(version)} \\\n'
        f"    -H 'Content-Type: application/json-patch+json' \\\n"
        f"    -d {shlex.quote(json.dumps([link]))}"
    )
