"""Commands that the documentation shows with what they print, and whether that is what they do print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """A command as a page shows it, and what it is said to print."""

    command: str
    output: str


def shown_in(text: str, opening: str) -> Iterator[Shown]:
    """The commands of all blocks of a page before which an opening stands, in order."""
    for block in re.findall(rf"(?ms)^{re.escape(opening)}\n```console\n(.*?)^```$", text):
        for part in re.split(r"(?m)^\$ ", block)[1:]:
            lines = part.splitlines(keepends=True)
            end = next(end for end in range(1, len(lines) + 1) if is_whole("".join(lines[:end])))
            yield Shown("".join(lines[:end]).strip(), "".join(lines[end:]))


def is_whole(command: str) -> bool:
    """Whether a shell would carry the command out, and not wait for another line of it."""
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.rstrip("\n").endswith(("\\", "|"))


def comparable(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def agrees(shown: str, printed: str) -> bool:
    pattern = ".*?".join(re.escape(part) for part in comparable(shown).split("…"))
    return re.fullmatch(pattern, comparable(printed), re.DOTALL) is not None
