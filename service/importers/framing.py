"""Rejected records in a file of their own format, each with the reason, so that they can be mended and fed again.

The reason is a column before the others, or a member of the object, called ``rejected_because``. Who reads such a file
again drops it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

REASON = "rejected_because"

# As ``mark`` writes them, and as a program may have written them again.
_JSON_REASON = re.compile(r'\{\s*"' + REASON + r'"\s*:\s*"(?:[^"\\]|\\.)*"\s*,?\s*')
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_TAB_REASON = re.compile(REASON + r": [^\t\r\n]*\t")


@dataclass(frozen=True, slots=True)
class Framing:
    """How records of a format are put into a file.

    before, between, after: what stands around the records. mark: a record's own text, without its line ending, with
    the reason why it is rejected.
    """

    before: str
    between: str
    after: str
    mark: Callable[[str, str], str]


def csv_framing(header: str, delimiter: str = ",") -> Framing:
    """Records of cells with a delimiter between them, below the header of their file."""
    before = f"{REASON}{delimiter}" + header.rstrip("\r\n") + "\n"
    return Framing(before, "\n", "\n", partial(_mark_csv, delimiter))


def json_framing(before: str, after: str) -> Framing:
    """Objects that are members of a list in a JSON document."""
    return Framing(before, ",\n", after, partial(_mark_object, ",\n"))


def _mark_csv(delimiter: str, raw: str, reason: str) -> str:
    quoted = _one_line(reason).replace('"', '""')
    return f'"{quoted}"{delimiter}{raw}'


def _mark_tabs(raw: str, reason: str) -> str:
    return f"{REASON}: {_one_line(reason)}\t{raw}"


def _mark_object(between: str, raw: str, reason: str) -> str:
    rest = raw.lstrip()
    told = json.dumps({REASON: _one_line(reason)}, ensure_ascii=False)
    if not rest.startswith("{"):
        # What is no object is told of in one that stands before it, which is skipped when it is read again.
        return told + between + rest
    rest = rest[1:].lstrip()
    return told[:-1] + ("" if rest.startswith("}") else ", ") + rest


def _one_line(text: str) -> str:
    """A reason that breaks no record in two."""
    return " ".join(text.split())


# One object a line, and lines of cells with tabs between them.
LINES = Framing("", "\n", "\n", partial(_mark_object, "\n"))
TABS = Framing("", "\n", "\n", _mark_tabs)


def unmarked_object(raw: str) -> str:
    """An object's text without the reason at its beginning; empty where it held nothing else."""
    found = _JSON_REASON.match(raw.lstrip())
    if not found:
        return raw
    rest = raw.lstrip()[found.end() :]
    return "" if rest.strip() == "}" else "{" + rest


def unmarked_row(raw: str, delimiter: str = ",") -> str:
    """A row of delimited text without its first cell, which holds the reason."""
    quoted = _QUOTED.match(raw)
    _, found, rest = raw[quoted.end() if quoted else 0 :].partition(delimiter)
    return rest if found else raw


def unmarked_line(raw: str) -> str:
    """A line of cells with tabs between them without the reason before the others."""
    found = _TAB_REASON.match(raw)
    return raw[found.end() :] if found else raw
