"""The commands that make, list and end API keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from schemas.faults import Refused
from service.command_line import count_of, fail, in_words, json_option, print_json, read_settings, store, visible
from service.keys import SCOPES, Scope, create_key, list_keys, revoke_key

READING = """curl '{address}/v1/events' -H "Authorization: Bearer $KEY\""""
WRITING = """curl '{address}/v1/events' -H "Authorization: Bearer $KEY" \\
    -H 'Content-Type: application/json' -d '{{"title": "Something happened", "date": "2021-08-26"}}'"""
# What to try with a new key.
EXAMPLES: Mapping[Scope, str] = {"read": READING, "write": WRITING, "admin": WRITING}


@click.group("keys")
def keys_group() -> None:
    """Make, list and end the keys that let somebody write, or read where reading is closed.

    \b
    Example:
      dateline keys create newsdesk --scope write
    """


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        fail(" ".join(map(in_words, refused.faults)))


@keys_group.command("create")
@click.argument("name")
@click.option("--scope", required=True, type=click.Choice(SCOPES), help="What it is for; each includes those before.")
@click.option("--replace", is_flag=True, help="Give the holder of the name a new key, and end the old one.")
@json_option
def create_command(name: str, scope: Scope, replace: bool, as_json: bool) -> None:
    """Make a key for NAME, by which revisions are signed, and show it this once.

    \b
    Example:
      dateline keys create newsdesk --scope write
    """
    settings = read_settings()
    with store(settings) as database, _refusals_told():
        made = create_key(database, name, scope, replace)
    if as_json:
        print_json(asdict(made))
        return
    click.echo(made.key)
    # Apart from the key, so that it alone can go into a file.
    click.echo(f"This is the key of {name}, with the scope {scope}. It is shown this once: keep it now.", err=True)
    click.echo(f"\n  KEY=dl_…\n  {EXAMPLES[scope].format(address=settings.address)}\n", err=True)


@keys_group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """Show who has or had a key, its scope, and when it was created, last used and revoked.

    \b
    Example:
      dateline keys list
    """
    with store(read_settings()) as database:
        keys = list_keys(database)
    if as_json:
        print_json(keys)
    elif keys:
        _draw(keys)
    else:
        click.echo("there are no keys; dateline keys create NAME --scope write makes one")


def _draw(keys: Sequence[Mapping[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from service.terminal import open_console

    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for column in keys[0]:
        table.add_column(column, overflow="fold")
    for key in keys:
        table.add_row(*(escape(visible(value or "-")) for value in key.values()))
    open_console().print(table)
    click.echo(f"\n{count_of(len(keys), 'key')}")


@keys_group.command("revoke")
@click.argument("name")
@json_option
def revoke_command(name: str, as_json: bool) -> None:
    """End the key of NAME for good. What was written with it stays, under the name.

    \b
    Example:
      dateline keys revoke newsdesk
    """
    with store(read_settings()) as database, _refusals_told():
        revoked = revoke_key(database, name)
    if as_json:
        print_json(revoked)
    else:
        click.echo(f"the key of {name} ended at {revoked['revoked']}")
