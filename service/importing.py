"""Takes a file in: reads its records, stores them in batches, and reports what became of each."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, TextIO

from peewee import Database

from schemas.faults import Fault
from schemas.fields import ID_FORM
from service.catalog import describe_dataset, introduce_dataset
from service.database import chunks, is_file, write
from service.drafts import Draft, Rejection, Report
from service.event_store import delete_events, writing
from service.import_report import ImportReport
from service.importers import Importer, Record, UnreadableFile
from service.importers.record import behind_dataset, digest
from service.importers.source import opened
from service.ledger import ledger
from service.missing import Seen, missing_events
from service.read_side import Gathered
from service.rejects import Rejects
from service.waiting import Waiting, own_id

EDITED = Fault("", "edited-since", "somebody had changed this event since its import; the newer record replaced it")
REPEATED = Fault("/id", "repeated-id", "a record before this one has the same id; the last of them is the event")
# The dataset of events that name none, as the schema of events has it.
LOCAL = "local"
# Seconds between two long transactions: others who wait for SQLite's lock look for it ten times a second.
OTHERS_TURN = 0.1
# Events of one batch. An import that is stopped leaves whole batches, and goes on when it is run again.
BATCH = 2000
# Characters of one batch's records, or a little more, so that large ones need no more memory than many.
BATCH_SIZE = 3_000_000


@dataclass(frozen=True, slots=True)
class Import:
    """How a file is to be taken in.

    by, reason: what the revisions are signed with. dataset: the name to give the dataset, and to begin the events' ids
    with where the format gives them; by default the format's own, or each record's.
    create_actors: whether actors that nobody knows are created. find_missing: whether to tell which of the dataset's
    events the file does not have; delete_missing: whether to delete these.
    """

    importer: Importer
    by: str
    reason: str | None = None
    dataset: str | None = None
    create_actors: bool = True
    min_year: int = 1000
    find_missing: bool = False
    delete_missing: bool = False

    @property
    def whole_dataset(self) -> str | None:
        """The one dataset that all of the file's events go into; None where each says its own."""
        return self.dataset or (None if self.importer.names_its_own else self.importer.name)


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told of an import while it goes on.

    progress: what became of all records so far, after each transaction. rejects: where the rejected records go, as they
    stood. warned: the line of each warning, the id of its event, None where it has none, and the warning. Both are told
    before their transaction ends: where that fails, so does the import, and they are told again when it is run again.
    whole: a context in which nothing may break in, so that what is told of a transaction is what became of it.
    """

    progress: Callable[[ImportReport], None] = lambda report: None
    rejects: TextIO | None = None
    warned: Callable[[int, str | None, Fault], None] = lambda line, event_id, warning: None
    whole: Callable[[], AbstractContextManager[None]] = nullcontext


class _NotKept(Exception):
    """Takes what was done back, with the transaction."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report


def import_file(
    database: Database,
    stream: BinaryIO,
    how: Import,
    listener: Listener | None = None,
    *,
    dry_run: bool = False,
    atomic: bool = False,
    lasting: float = 0.0,
) -> ImportReport:
    """Store every record of a file that can be stored.

    dry_run: judge everything and keep nothing. atomic: keep all or nothing; the stream must be one that can be read
    again. lasting: for so many seconds a transaction takes in further batches, where that is of use.
    Raises UnreadableFile where the file is not of the format at all, and OSError where the file cannot be read or what
    is kept beside the database cannot be written; where the file breaks off later, what was read is stored and
    ``broken`` says why.
    """
    listener = listener or Listener()
    with _few_collections():
        if dry_run:
            with database.atomic() as transaction:
                report = _take_all(database, stream, how, listener)
                transaction.rollback()
            return report
        if atomic:
            return _take_all_or_nothing(database, stream, how, listener)
        return _take_all(database, stream, how, listener, lasting)


def _take_all_or_nothing(database: Database, stream: BinaryIO, how: Import, listener: Listener) -> ImportReport:
    def work() -> ImportReport:
        stream.seek(0)
        report = _take_all(database, stream, how, listener)
        if report.refused or report.broken:
            report.created = report.updated = 0
            raise _NotKept(report)
        return report

    try:
        return write(database, work)
    except _NotKept as refused:
        return refused.report


@contextmanager
def _few_collections() -> Iterator[None]:
    """Within it the collector of cyclic garbage looks only when it is told to, as after each batch.

    An import makes many objects and next to no cycles, and would spend a fifth of its time on looking for them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _take_all(
    database: Database, stream: BinaryIO, how: Import, listener: Listener, lasting: float = 0.0
) -> ImportReport:
    report = ImportReport()
    waiting = Waiting()
    # A pipe may let its reader wait for ever, and with it all who write. What a server refuses may have to be done
    # again, and one batch is at hand for that.
    together = _Together(database, lasting if is_file(database) and stream.seekable() else 0.0)
    described = False
    reading = how.importer.read(opened(stream))

    def warn(record: Record, warning: Fault) -> None:
        report.warnings[warning.code] += 1
        listener.warned(record.line, _told_id(record, how), warning)

    def take(records: Sequence[Record], waiting: Waiting | None) -> None:
        nonlocal described
        outcome, faults = _store(database, records, how, waiting, together.gathered)
        if waiting is None:
            # They were counted when they came.
            outcome.received = 0
        report.add(outcome)
        rejects.write(records, faults)
        for place in outcome.overwritten:
            warn(records[place], EDITED)
        if not described and report.stored:
            _describe_dataset(database, how)
            described = True

    with closing(Rejects(listener.rejects, reading.framing)) as rejects, closing(Seen()) as seen:
        batches = _batches(reading.records, report)
        for first in batches:
            with listener.whole():
                with together.transaction():
                    for records in together.further(first, batches):
                        take(records, waiting)
                        for record in records:
                            for warning in record.warnings:
                                warn(record, warning)
                        if how.whole_dataset:
                            named = [record for record in records if _told_id(record, how)]
                            for place in seen.add([_told_id(record, how) or "" for record in named]):
                                warn(named[place], REPEATED)
                        # Of what the batch has left, that which was made since the last time.
                        gc.collect(1)
                listener.progress(report)
        if waiting.records:
            with listener.whole():
                # All that they may be related to is there by now, or among them.
                take(waiting.records, None)
                listener.progress(report)
        # One without a record is a mistake sooner than a dataset that has nothing any more.
        if how.find_missing and how.whole_dataset and report.received and not report.broken:
            _find_missing(database, how, listener, seen, report)
    report.rejected.sort(key=lambda rejection: rejection.line)
    return report


class _Together:
    """Lets several batches share a transaction, so that the pages that all of them change are written once."""

    def __init__(self, database: Database, lasting: float) -> None:
        self.gathered: Gathered | None = None
        self._database = database
        self._lasting = lasting
        self._ends = 0.0
        self._is_first = True

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction for the batches of ``further``; none where each of them is to have its own."""
        if not self._lasting:
            yield
            return
        if not self._is_first:
            time.sleep(OTHERS_TURN)
        self._is_first = False
        with self._database.atomic():
            self._ends = time.monotonic() + self._lasting
            self.gathered = Gathered()
            yield
            self.gathered.write(self._database)
            self.gathered = None

    def further(self, first: list[Record], batches: Iterator[list[Record]]) -> Iterator[list[Record]]:
        """The first batch, and those that come while the transaction may last."""
        yield first
        while self._lasting and time.monotonic() < self._ends and (batch := next(batches, None)):
            yield batch


def _find_missing(database: Database, how: Import, listener: Listener, seen: Seen, report: ImportReport) -> None:
    """Count the dataset's events that the file does not have, and delete them where that is wanted.

    Nothing is deleted where a record was rejected of which nobody knows the event: that would then be gone.
    """
    assert how.whole_dataset is not None, "only of one dataset it can be said what it lacks"
    report.missing = 0
    for ids in missing_events(database, how.whole_dataset, seen):
        report.miss(ids)
        if how.delete_missing and not report.nameless:
            for chunk in chunks(ids, BATCH):
                reason = how.reason or f"no longer in the file of {how.whole_dataset}"
                with listener.whole():
                    report.deleted += delete_events(database, chunk, by=how.by, reason=reason)


def _describe_dataset(database: Database, how: Import) -> None:
    importer, name = how.importer, how.whole_dataset
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
    line = 0
    try:
        for record in records:
            line = record.line
            if own_id(record) in may_wait:
                # By the next batch it is known whether the one before it waits, behind which it must come.
                yield batch
                batch, size, may_wait = [], 0, set()
            batch.append(record)
            if isinstance(record.event, Mapping) and record.event.get("related"):
                may_wait |= {own_id(record)} - {None}
            size += len(record.raw)
            if len(batch) == BATCH or size > BATCH_SIZE:
                yield batch
                batch, size, may_wait = [], 0, set()
    except UnreadableFile as error:
        if not line:
            raise
        report.broken = f"{error} The last record before that begins in line {line}."
    if batch:
        yield batch


def _store(
    database: Database,
    records: Sequence[Record],
    how: Import,
    waiting: Waiting | None,
    gathered: Gathered | None,
) -> tuple[Report, Mapping[int, Sequence[Fault]]]:
    """Store a batch; return its report, and the faults of those that were rejected by their places in the batch.

    waiting: takes those that are related to nothing that is there yet; without it they are rejected.
    gathered: see ``read_side.apply``; it belongs to a transaction that is open.
    """
    drafts = []
    rejected = {}
    for place, record in enumerate(records):
        if record.event is None:
            rejected[place] = Rejection(record.line, None, record.faults)
        elif waiting and waiting.wants(record):
            if fault := waiting.add(record):
                rejected[place] = Rejection(record.line, own_id(record), (fault,))
        else:
            # Several records may stand in one line of a file, so that a draft goes by its place.
            lacks = record.lacks - {"dataset"} if how.dataset else record.lacks
            drafts.append(Draft(place, _named(record, how), record.original, record.actors, lacks))
    work = writing(database, drafts, how.by, how.reason, how.create_actors, how.min_year, gathered)
    # Of a transaction that all batches share, nothing would be left by one that failed; a savepoint only costs.
    report = work() if gathered is not None else write(database, work)
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
    event = record.event
    if not isinstance(event, Mapping):
        return event
    named = {**event, "id": _event_id(record, how)}
    return {**named, "dataset": how.whole_dataset} if how.whole_dataset else named


def _told_id(record: Record, how: Import) -> str | None:
    """The id that the event of a record is to have; None where it makes none."""
    event_id = _event_id(record, how) if isinstance(record.event, Mapping) else None
    return event_id if isinstance(event_id, str) else None


def _event_id(record: Record, how: Import) -> Any:
    """The id that the event of a record is to have.

    One that gives none gets it from what was read, so that the same line is the same event again.
    """
    event, importer = record.event, how.importer
    if not importer.names_its_own:
        return behind_dataset(str(how.whole_dataset), event["id"].removeprefix(f"{importer.name}-"))
    given = event.get("id") if isinstance(event, Mapping) else ""
    if given is not None:
        return given
    dataset = how.dataset or event.get("dataset")
    named = dataset if isinstance(dataset, str) and ID_FORM.match(dataset) else LOCAL
    return f"{named[:100]}-{digest(record.raw.strip())}"
