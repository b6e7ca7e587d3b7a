"""The parameters of the API's queries as options of a command, made from the same tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import click

from schemas.faults import Fault, Refused
from service.command_line import REFUSED, in_words, tell
from service.filters import Parameter

# Of the form of an answer over HTTP; what a terminal shows has a form of its own.
OF_THE_FORM = frozenset({"fields", "total", "events", "format"})

# What is wrong by code, where the API's words speak of addresses.
IN_OTHER_WORDS = {"not-utf-8": "is not text in UTF-8"}


def options_of(parameters: Mapping[str, Parameter], but: frozenset[str] = OF_THE_FORM) -> Callable[[Any], Any]:
    """A decorator that gives a command an option for each parameter; each holds every text that it is given."""

    def decorate(command: Any) -> Any:
        for name, parameter in reversed(list(parameters.items())):
            if name not in but:
                shown = parameter.meaning + (f" Example: {parameter.example}" if parameter.example else "")
                command = click.option(_option(name), name, multiple=True, help=shown)(command)
        return command

    return decorate


def query_string(given: Mapping[str, Sequence[str]]) -> bytes:
    """The query of the URL that the options given stand for. Bytes that are no text remain what they are."""
    return urlencode(given, doseq=True, errors="surrogateescape").encode()


@contextmanager
def refusals_as_options() -> Iterator[None]:
    """Ends the command with what is wrong with its query, told by the options."""
    try:
        yield
    except Refused as refused:
        for fault in refused.faults:
            tell(fault_of_option(fault))
        raise SystemExit(REFUSED) from None


def fault_of_option(fault: Fault) -> str:
    """A fault of a query in words, its place told by the option: ``--actor: no actor is called 'x' [unknown-actor]``.

    A fault of the whole query has no place.
    """
    name = fault.pointer.removeprefix("/")
    message = in_words(replace(fault, message=IN_OTHER_WORDS.get(fault.code, fault.message)))
    return f"{_option(name)}: {message}" if name else message


def _option(parameter: str) -> str:
    return "--" + parameter.replace("_", "-")
