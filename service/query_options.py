"""The parameters of the API's queries as options of a command, made from the same tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import click

from service.filters import FACET_OPTIONS, FILTERS, PARAMETERS, Parameter

# Of the form of an answer over HTTP; what a terminal shows has a form of its own.
OF_THE_FORM = frozenset({"fields", "total", "format"})


def options_of(parameters: Mapping[str, Parameter]) -> Callable[[Any], Any]:
    """A decorator that gives a command an option for each parameter; each holds every text that it is given."""

    def decorate(command: Any) -> Any:
        for name, parameter in reversed(list(parameters.items())):
            if name not in OF_THE_FORM:
                shown = parameter.meaning + (f" Example: {parameter.example}" if parameter.example else "")
                command = click.option("--" + name.replace("_", "-"), name, multiple=True, help=shown)(command)
        return command

    return decorate


query_options = options_of(PARAMETERS)
facet_options = options_of({**FILTERS, **FACET_OPTIONS})


def query_string(given: Mapping[str, Sequence[str]]) -> bytes:
    """The query of the URL that the options given stand for."""
    pairs = [(name, text) for name, texts in given.items() for text in texts]
    return urlencode(pairs, errors="surrogateescape").encode()
