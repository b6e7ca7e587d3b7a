"""Writes what an import rejects into a file of the same format, with the reasons, to be mended and fed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from schemas.faults import Fault
from service.importers.framing import Framing
from service.importers.record import Record

# Characters of the reasons of one record.
REASONS_MAX = 1000


class Rejects:
    """A file of rejected records, or none where ``stream`` is None.

    It begins with the first of them. Where there is none it is empty at the end, so that what an earlier import left
    there is not taken for what this one did.
    """

    def __init__(self, stream: TextIO | None, framing: Framing) -> None:
        self._stream = stream
        self._framing = framing
        self._written = 0

    def write(self, records: Sequence[Record], faults: Mapping[int, Sequence[Fault]]) -> None:
        """Write those of a batch's records that have faults, which are told by the record's place in the batch."""
        if self._stream is None or not faults:
            return
        for place in sorted(faults):
            self._stream.write(self._framing.between if self._written else self._framing.before)
            self._stream.write(self._framing.mark(records[place].raw.rstrip("\r\n"), _in_words(faults[place])))
            self._written += 1
        self._stream.flush()

    def close(self) -> None:
        """Write what comes after the last record, or nothing, which opens the file and empties it."""
        if self._stream is not None:
            self._stream.write(self._framing.after if self._written else "")


def _in_words(faults: Sequence[Fault]) -> str:
    told = "; ".join(f"{fault.pointer or '/'}: {fault.message} [{fault.code}]" for fault in faults)
    return told[:REASONS_MAX]
