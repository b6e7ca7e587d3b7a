"""What an importer hands on: the record as it was read, the event it makes, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from schemas.faults import Fault


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file, readable or not.

    line: the line of the file where the record begins, from 1.
    raw: the record's own text as it stood, its line ending included, for the file of rejects.
    original: every column as read, by header name; None where the columns could not be told apart.
    event: the event in the form of a ``POST /v1/events`` body; None where the record is rejected.
    actors: what is known of the actors that the event names, in the order in which it first names them:
        ``{"name", "kind", "external_ids", "aliases"}``, to match by id and to create from.
    faults: why the record was rejected; a pointer is ``/`` and the column's name, or ``/`` for the whole
    record. warnings: what was mended, or kept as text only.
    """

    line: int
    raw: str
    original: dict[str, str] | None
    event: Any
    actors: tuple[dict[str, Any], ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Importer:
    """A format that can be imported, and the dataset it comes from as ``/v1/datasets`` shows it.

    read: streams the records of a file open for reading bytes; raises UnreadableFile.
    names_its_own: whether each record says itself what its id and its dataset are, and is a line of JSON.
    """

    name: str
    title: str
    licence: str | None
    citation: str | None
    read: Callable[[BinaryIO], Iterator[Record]]
    names_its_own: bool = False


class UnreadableFile(Exception):
    """A file that is not of the format, or is broken so that what follows cannot be trusted.

    Raised by the first ``next()`` where the beginning of the file shows it, otherwise where it is met: the
    records before that point are sound.
    """


def rejected(line: int, raw: str, fault: Fault, original: dict[str, str] | None = None) -> Record:
    """A record that cannot be used, for one reason."""
    return Record(line, raw, original, None, (), (fault,), ())
