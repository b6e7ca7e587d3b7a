"""Takes a file in: reads its records, stores them in batches, and reports what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, BinaryIO, TextIO

from peewee import Database

from schemas.faults import Fault
from schemas.fields import ID_FORM
from service.catalog import describe_dataset, introduce_dataset
from service.database import write
from service.drafts import Draft, Rejection, Report
from service.event_store import write_events
from service.importers import Importer, Record, UnreadableFile
from service.importers.record import digest
from service.importers.source import opened
from service.ledger import ledger
from service.rejects import Rejects

# The dataset of events that name none, as the schema of events has it.
LOCAL = "local"
# Events of one transaction. An import that is stopped leaves whole batches, and goes on when it is run again.
BATCH = 1000
# Characters of one transaction's records, or a little more, so that large ones need no more memory than many.
BATCH_SIZE = 8_000_000
# Records that may wait for the events that they are related to, which come later in the file: they are kept in memory.
WAITING_MAX = 10_000
# Faults that are told of one file; of further rejected records there is no more than a count.
TOLD_MAX = 10_000


@dataclass(slots=True)
class ImportReport(Report):
    """What became of a file's records.

    warnings: how often each was given, by code. told: how many faults those in ``rejected`` have together. untold: how
    many more records were rejected.
    broken: why reading ended before the end of the file, else None.
    """

    warnings: Counter[str] = field(default_factory=Counter)
    told: int = 0
    untold: int = 0
    broken: str | None = None

    @property
    def refused(self) -> int:
        """How many records were rejected."""
        return len(self.rejected) + self.untold

    def add(self, other: Report) -> None:
        """Count another batch's report in; once TOLD_MAX faults are told, further rejections are only counted."""
        # A dataclass with slots is another class than the one that super() would look for.
        Report.add(self, replace(other, rejected=[]))
        for rejection in other.rejected:
            if self.told < TOLD_MAX:
                self.rejected.append(rejection)
                self.told += len(rejection.faults)
            else:
                self.untold += 1

    def as_json(self) -> dict[str, Any]:
        """The report as the bulk answer of the API gives it, with the warnings counted."""
        return {
            "received": self.received,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": [rejection.as_json() for rejection in self.rejected],
            **({"untold": self.untold} if self.untold else {}),
            "warnings": dict(sorted(self.warnings.items())),
            **({"broken": self.broken} if self.broken else {}),
        }


@dataclass(frozen=True, slots=True)
class Import:
    """How a file is to be taken in.

    by, reason: what the revisions are signed with. dataset: the name to give the dataset, and to begin the events' ids
    with where the format gives them; by default the format's own, or each record's.
    create_actors: whether actors that nobody knows are created.
    """

    importer: Importer
    by: str
    reason: str | None = None
    dataset: str | None = None
    create_actors: bool = True
    min_year: int = 1000


class _NotKept(Exception):
    """Takes what was done back, with the transaction."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report


def import_file(
    database: Database,
    stream: BinaryIO,
    how: Import,
    *,
    dry_run: bool = False,
    atomic: bool = False,
    rejects: TextIO | None = None,
    progress: Callable[[int], None] = lambda records: None,
) -> ImportReport:
    """Store every record of a file that can be stored.

    dry_run: judge everything and keep nothing. atomic: keep all or nothing; the stream must be one that can be read
    again. rejects: where to write the rejected records as they stood.
    progress: told the number of records of each batch that is done.
    Raises UnreadableFile where the file is not of the format at all; where it breaks off later, what was read
    is stored and ``broken`` says why.
    """
    take_all = partial(_take_all, database, stream, how, rejects, progress)
    if dry_run:
        with database.atomic() as transaction:
            report = take_all()
            transaction.rollback()
        return report
    if not atomic:
        return take_all()

    def work() -> ImportReport:
        stream.seek(0)
        report = take_all()
        if report.refused or report.broken:
            report.created = report.updated = 0
            raise _NotKept(report)
        return report

    try:
        return write(database, work)
    except _NotKept as refused:
        return refused.report


def _take_all(
    database: Database, stream: BinaryIO, how: Import, rejects: TextIO | None, progress: Callable[[int], None]
) -> ImportReport:
    report = ImportReport()
    waiting = _Waiting()
    described = False
    reading = how.importer.read(opened(stream))
    rejected = Rejects(rejects, reading.framing)
    for records in _batches(reading.records, report):
        outcome, faults = _store(database, records, how, waiting)
        rejected.write(records, faults)
        report.add(outcome)
        if not described and report.created + report.updated + report.unchanged:
            _describe_dataset(database, how)
            described = True
        progress(len(records))
    if waiting.records:
        # All that they may be related to is there by now, or among them.
        outcome, faults = _store(database, waiting.records, how, None)
        outcome.received = 0
        rejected.write(waiting.records, faults)
        report.add(outcome)
    report.rejected.sort(key=lambda rejection: rejection.line)
    rejected.close()
    return report


def _describe_dataset(database: Database, how: Import) -> None:
    importer = how.importer
    name = how.dataset or (None if importer.names_its_own else importer.name)
    if name is None:
        return
    described = {"id": name, "title": importer.title, "licence": importer.licence, "citation": importer.citation}
    if importer.names_its_own:
        described["title"] = name
    # Only its own dataset is the format's to name.
    describe = describe_dataset if name == importer.name else introduce_dataset

    def work() -> None:
        with ledger(database, how.by) as log:
            describe(log, described)

    write(database, work)


def _batches(records: Iterator[Record], report: ImportReport) -> Iterator[list[Record]]:
    """The records in batches; when the file breaks off, those before the break come as a last one."""
    batch: list[Record] = []
    may_wait: set[str | None] = set()
    size = 0
    read_any = False
    try:
        for record in records:
            read_any = True
            if _id_of(record) in may_wait:
                # By the next batch it is known whether the one before it waits, behind which it must come.
                yield batch
                batch, size, may_wait = [], 0, set()
            batch.append(record)
            if isinstance(record.event, Mapping) and record.event.get("related"):
                may_wait |= {_id_of(record)} - {None}
            size += len(record.raw)
            report.warnings.update(warning.code for warning in record.warnings)
            if len(batch) == BATCH or size > BATCH_SIZE:
                yield batch
                batch, size, may_wait = [], 0, set()
    except UnreadableFile as error:
        if not read_any:
            raise
        report.broken = str(error)
    if batch:
        yield batch


class _Waiting:
    """The records that are related to events which come later in the file, and those of the same ids behind them."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._ids: set[str | None] = set()

    def wants(self, record: Record) -> bool:
        """Whether a record must wait, since one of the same id does."""
        return bool(self._ids) and _id_of(record) in self._ids

    def add(self, record: Record) -> Fault | None:
        """Let a record wait; the fault of one that would be too many."""
        if len(self.records) >= WAITING_MAX:
            message = f"{WAITING_MAX:,} lines before it wait already for events that come later; feed it again then"
            return Fault("/related", "too-many-waiting", message)
        self.records.append(record)
        self._ids |= {_id_of(record)} - {None}
        return None


def _id_of(record: Record) -> str | None:
    """The id that a record gives its event; None where it has none, so that the server makes one."""
    given = record.event.get("id") if isinstance(record.event, Mapping) else None
    return given if isinstance(given, str) else None


def _store(
    database: Database, records: Sequence[Record], how: Import, waiting: _Waiting | None
) -> tuple[Report, Mapping[int, Sequence[Fault]]]:
    """Store a batch; return its report, and the faults of those that were rejected by their places in the batch.

    waiting: takes those that are related to nothing that is there yet; without it they are rejected.
    """
    drafts = []
    rejected = {}
    for place, record in enumerate(records):
        if record.event is None:
            rejected[place] = Rejection(record.line, None, record.faults)
        elif waiting and waiting.wants(record):
            if fault := waiting.add(record):
                rejected[place] = Rejection(record.line, _id_of(record), (fault,))
        else:
            # Several records may stand in one line of a file, so that a draft goes by its place.
            drafts.append(Draft(place, _named(record, how), record.original, record.actors))
    report = write_events(
        database, drafts, by=how.by, reason=how.reason, create_actors=how.create_actors, min_year=how.min_year
    )
    for rejection in report.rejected:
        record = records[rejection.line]
        if waiting and all(fault.code == "unknown-event" for fault in rejection.faults):
            if not (fault := waiting.add(record)):
                continue
            rejection = replace(rejection, faults=(fault,))
        rejected[rejection.line] = replace(rejection, line=record.line)
    report.received = len(records)
    report.rejected = [rejected[place] for place in sorted(rejected)]
    return report, {place: rejection.faults for place, rejection in rejected.items()}


def _named(record: Record, how: Import) -> Any:
    """The event of a record, with its id and dataset where these are not its own to say."""
    event, importer = record.event, how.importer
    if not importer.names_its_own:
        dataset = how.dataset or importer.name
        return {**event, "dataset": dataset, "id": dataset + event["id"].removeprefix(importer.name)}
    if not isinstance(event, Mapping):
        return event
    named = {**event, "dataset": how.dataset} if how.dataset else event
    return named if named.get("id") is not None else {**named, "id": _made_id(named.get("dataset"), record.raw)}


def _made_id(dataset: Any, raw: str) -> str:
    """The id of an event that gives none: made from what was read, so that the same line is the same event again."""
    given = dataset if isinstance(dataset, str) and ID_FORM.match(dataset) else LOCAL
    return f"{given[:100]}-{digest(raw.strip())}"
