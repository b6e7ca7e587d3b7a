"""What an importer hands on: the record as it was read, the event it makes, and what is wrong with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from schemas.faults import Fault
from service.importers.framing import Framing
from service.importers.kinds import Kind

# Ids are bounded in length; from so many characters on, the rest of a record's own id is told by its digest.
OWN_ID_MAX = 90
ID_MAX = 128


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file, readable or not.

    line: the line of the file where the record begins, from 1.
    raw: the record's own text as it stood, its line ending included, for the file of rejects.
    original: every column or member as read, by its name; None where they could not be told apart.
    event: the event in the form of a ``POST /v1/events`` body; None where the record is rejected.
    actors: what is known of the actors that the event names, in the order in which it first names them:
        ``{"name", "kind", "external_ids", "aliases"}``, to match by id and to create from.
    faults: why the record was rejected; a pointer is ``/`` and the column's name, or ``/`` for the whole
    record. warnings: what was mended, or kept as text only.
    lacks: the members of an event of which the file has nothing at all to say.
    """

    line: int
    raw: str
    original: Mapping[str, Any] | None
    event: Any
    actors: tuple[dict[str, Any], ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    lacks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """The records of a file in order, and how those of them that are rejected are put into a file of their own."""

    records: Iterator[Record]
    framing: Framing


@dataclass(frozen=True, slots=True)
class Importer:
    """A format that can be imported, and the dataset it comes from as ``/v1/datasets`` shows it.

    read: streams the records of a file open for reading bytes, from ``source.opened``; raises UnreadableFile, then or
    at a record. Memory does not grow with the file.
    names_its_own: whether each record says itself what its id and its dataset are. kinds: the files that it reads, by
    which one that is given to another importer is recognised.
    """

    name: str
    title: str
    licence: str | None
    citation: str | None
    read: Callable[[BinaryIO], Reading]
    names_its_own: bool = False
    kinds: tuple[Kind, ...] = ()


class UnreadableFile(Exception):
    """A file that is not of the format, or is broken so that what follows cannot be trusted.

    Raised by ``read`` or the first ``next()`` where the beginning of the file shows it, otherwise where it is met: the
    records before that point are sound.
    """


def rejected(line: int, raw: str, fault: Fault, original: Mapping[str, Any] | None = None) -> Record:
    """A record that cannot be used, for one reason."""
    return Record(line, raw, original, None, (), (fault,), ())


def event_id(dataset: str, own: str) -> str:
    """The id of an event from its dataset and the record's own id: ``ucdp-ged-312345``.

    Lower case; each run of characters that ids cannot have is a hyphen. A long one ends in its digest, and so does one
    with characters beyond ASCII: all of another script would be hyphens, and two names in Persian one event.
    """
    own = own.strip()
    plain = re.sub(r"[^a-z0-9._-]+", "-", own.lower())
    if len(plain) > OWN_ID_MAX or not own.isascii():
        plain = f"{plain[:OWN_ID_MAX]}-{digest(own)}"
    return behind_dataset(dataset, plain)


def behind_dataset(dataset: str, plain: str) -> str:
    """An id that begins with its dataset, and ends in its digest where it would be longer than ids may be."""
    whole = f"{dataset}-{plain}"
    return whole if len(whole) <= ID_MAX else f"{whole[: ID_MAX - 17]}-{digest(whole)}"


def digest(text: str) -> str:
    """16 hexadecimal digits that stand for a text: those of its SHA-256. What is no UTF-8 counts by its bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
