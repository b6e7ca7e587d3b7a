"""Takes a file in: reads its records, stores them in batches, and reports what became of each."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, TextIO

from peewee import Database

from service.catalog import describe_dataset, introduce_dataset
from service.database import write
from service.event_store import Draft, Rejection, Report, write_events
from service.importers import Importer, Record, UnreadableFile
from service.ledger import ledger

# Events of one transaction. An import that is stopped leaves whole batches, and goes on when it is run again.
BATCH = 1000
# What stands before the features of a GeoJSON file.
COLLECTION = '{"type": "FeatureCollection", "features": [\n'


@dataclass(slots=True)
class ImportReport(Report):
    """What became of a file's records.

    warnings: how often each was given, by code. broken: why reading ended before the end of the file, else None.
    """

    warnings: Counter[str] = field(default_factory=Counter)
    broken: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The report as the bulk answer of the API gives it, with the warnings counted."""
        return {
            "received": self.received,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": [rejection.as_json() for rejection in self.rejected],
            "warnings": dict(sorted(self.warnings.items())),
            **({"broken": self.broken} if self.broken else {}),
        }


def import_file(
    database: Database,
    stream: BinaryIO,
    importer: Importer,
    *,
    by: str,
    dataset: str | None = None,
    dry_run: bool = False,
    rejects: TextIO | None = None,
    progress: Callable[[int], None] = lambda records: None,
    min_year: int = 1000,
) -> ImportReport:
    """Store every record of a file that can be stored.

    dataset: the name to give the dataset, and to begin the events' ids with; the format's own by default.
    dry_run: judge everything and keep nothing. rejects: where to write the rejected records as they stood.
    progress: told the number of records of each batch that is done.
    Raises UnreadableFile where the file is not of the format at all; where it breaks off later, what was read
    is stored and ``broken`` says why.
    """
    name = dataset or importer.name
    report = ImportReport()
    rejected = _Rejects(rejects)

    def take_all() -> None:
        described = {"id": name, "title": importer.title, "licence": importer.licence, "citation": importer.citation}
        describe = describe_dataset if name == importer.name else introduce_dataset
        for records in _batches(importer.read(stream), report):
            if not report.received:

                def describe_it() -> None:
                    with ledger(database, by) as log:
                        # Only its own dataset is the format's to name.
                        describe(log, described)

                write(database, describe_it)
            outcome, places = _store(database, records, name, importer.name, by, min_year)
            rejected.write(records, places)
            report.add(outcome)
            progress(len(records))
        rejected.close()

    if dry_run:
        with database.atomic() as transaction:
            take_all()
            transaction.rollback()
    else:
        take_all()
    return report


def _batches(records: Iterator[Record], report: ImportReport) -> Iterator[list[Record]]:
    """The records in batches; when the file breaks off, those before the break come as a last one."""
    batch: list[Record] = []
    read_any = False
    try:
        for record in records:
            read_any = True
            batch.append(record)
            report.warnings.update(warning.code for warning in record.warnings)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except UnreadableFile as error:
        if not read_any:
            raise
        report.broken = str(error)
    if batch:
        yield batch


def _store(
    database: Database, records: Sequence[Record], dataset: str, format_name: str, by: str, min_year: int
) -> tuple[Report, set[int]]:
    """Store a batch; return its report, and the places in the batch of the records that were rejected."""
    drafts = []
    rejected = {}
    for place, record in enumerate(records):
        if record.event is None:
            rejected[place] = Rejection(record.line, None, record.faults)
            continue
        event = {**record.event, "dataset": dataset}
        event["id"] = dataset + event["id"].removeprefix(format_name)
        # Several records may stand in one line of a file, so that a draft goes by its place.
        drafts.append(Draft(place, event, record.original, record.actors))
    report = write_events(database, drafts, by=by, create_actors=True, min_year=min_year)
    for rejection in report.rejected:
        rejected[rejection.line] = replace(rejection, line=records[rejection.line].line)
    report.received = len(records)
    report.rejected = [rejected[place] for place in sorted(rejected)]
    return report, set(rejected)


class _Rejects:
    """Writes rejected records as they stood, so that the file can be mended and fed again.

    CSV gets the header of the file, GeoJSON the feature collection round its features.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._header: str | None = None
        self._written = 0

    def write(self, records: Sequence[Record], rejected: Collection[int]) -> None:
        """Write those of a batch's records whose places in it are among ``rejected``."""
        if self._stream is None:
            return
        if self._header is None:
            self._header = _header(records)
        for place in sorted(rejected):
            self._stream.write(self._separator() + records[place].raw.rstrip("\r\n"))
            self._written += 1
        if rejected:
            self._stream.flush()

    def _separator(self) -> str:
        if not self._written:
            return self._header or ""
        return ",\n" if self._header == COLLECTION else "\n"

    def close(self) -> None:
        """Write what comes after the last record."""
        if self._stream and self._written:
            self._stream.write("\n]}\n" if self._header == COLLECTION else "\n")


def _header(records: Sequence[Record]) -> str | None:
    """What stands before the records of such a file; None where their columns cannot be told apart."""
    if records[0].raw.startswith("{"):
        return COLLECTION
    columns = next((record.original for record in records if record.original is not None), None)
    if columns is None:
        return None
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(columns)
    return line.getvalue()
