"""The tables, their keys and indexes; no queries. The table ``search`` is each engine's own, see ``search_rows.py``.

The revision log is the truth. Every other table of events is a projection of it (see ``projections.py``) and can
be made anew from it. Times are integer microseconds since 1970 UTC.
"""

from __future__ import annotations

from peewee import BigIntegerField, BooleanField, CompositeKey, DoubleField, Field, IntegerField, Model


class BytesText(Field):
    """Text that sorts and ranges by its UTF-8 bytes on every engine."""

    field_type = "BYTES_TEXT"


class Store(Model):
    """One row: what this store is and how far it has come."""

    id = IntegerField(primary_key=True)
    identity = BytesText()  # Made at random with the store, so that an ETag of another store never matches.
    version = BigIntegerField()  # Moves with every write that changes an answer: the base of ETags and caches.
    sequence = BigIntegerField()  # The last change recorded.
    recorded = BigIntegerField()  # When that was. Never goes back.
    rules = BytesText()  # Those by which its projections were made, see ``rules.py``.
    names_version = BigIntegerField()  # That at which the names that queries are read by changed last.

    class Meta:
        table_name = "store"


class Revision(Model):
    """The log: every version that an event or an actor ever had. Rows are only ever added."""

    sequence = BigIntegerField(primary_key=True)
    kind = BytesText()  # event or actor
    subject = BytesText()  # its id
    version = IntegerField()
    operation = BytesText()  # created, updated, deleted, restored
    recorded = BigIntegerField()
    by = BytesText()
    reason = BytesText(null=True)
    content = BytesText(null=True)  # Canonical JSON with ids for names; null for a deletion.
    original = BytesText(null=True)  # The imported record as it was read, JSON; null where nothing was imported.

    class Meta:
        table_name = "revision"
        indexes = ((("subject", "kind", "version"), True),)


class Event(Model):
    """What filters and sorting need to know of each event, one narrow row."""

    num = BigIntegerField(primary_key=True)  # Stands for the event in the other tables; never used again.
    id = BytesText(unique=True)
    version = IntegerField()
    edition = IntegerField()  # How often its answer changed within this version, as by an actor's new name.
    deleted = BooleanField()
    pos = BytesText()  # Place on the timeline: day or minute, a space, the id. See edtf.place_key.
    recency = BytesText()  # When it was last changed and its id: the order of sort=updated.
    since = BytesText(null=True)  # First and last minute it can cover, YYYYMMDDThhmm; null is open.
    until = BytesText(null=True)
    latitude = DoubleField(null=True)
    longitude = DoubleField(null=True)
    killed_high = BigIntegerField(null=True)
    killed_low = BigIntegerField(null=True)
    injured_low = BigIntegerField(null=True)
    injured_high = BigIntegerField(null=True)
    terms = BytesText()  # The numbers of everything that it is found by, with commas between them.
    sequence = BigIntegerField()  # Of the revision that made this version.

    class Meta:
        table_name = "event"
        indexes = ((("recency", "num"), False),)


class PastEvent(Model):
    """Each version of an event that another has superseded, or a deletion has ended: what ``as_of`` reads besides.

    The columns of ``Event`` mean the same here. It was current from the sequence ``began`` up to but without ``ended``.
    """

    ended = BigIntegerField(primary_key=True)
    began = BigIntegerField()
    id = BytesText()
    version = IntegerField()
    pos = BytesText()
    recency = BytesText()
    since = BytesText(null=True)
    until = BytesText(null=True)
    latitude = DoubleField(null=True)
    longitude = DoubleField(null=True)
    killed_high = BigIntegerField(null=True)
    killed_low = BigIntegerField(null=True)
    injured_low = BigIntegerField(null=True)
    injured_high = BigIntegerField(null=True)
    terms = BytesText()
    title = BytesText()  # The words that are searched, with a space between them.
    prose = BytesText()
    document = BytesText()

    class Meta:
        table_name = "past_event"
        indexes = ((("id", "version"), True),)


class Moment(Model):
    """How far the log had come after each time at which something was recorded."""

    recorded = BigIntegerField(primary_key=True)
    sequence = BigIntegerField()

    class Meta:
        table_name = "moment"


class EventDocument(Model):
    """Each event's answer, serialised once when it is written."""

    num = BigIntegerField(primary_key=True)
    document = BytesText()

    class Meta:
        table_name = "event_document"


class Term(Model):
    """A number for each thing that a timeline can be read by: an actor, a place, a type, a tag …"""

    id = IntegerField(primary_key=True)
    kind = BytesText()
    value = BytesText()
    folded = BytesText()  # The form in which names compare, see schemas.names.fold.

    class Meta:
        table_name = "term"
        indexes = ((("kind", "value"), True), (("kind", "folded"), False))


class Timeline(Model):
    """The index that answers queries: each event under each of its terms and places, in timeline order.

    term 0 is every event, place 0 everywhere. span 0 holds every event; an event that lasts longer than a day
    or is open on a side stands a second time under its span class, so that it can be found by any day it may
    cover (see ``spans.py``). The number of the event comes last so that the index alone holds all that is read.
    """

    term = IntegerField()
    place = IntegerField()
    span = IntegerField()
    pos = BytesText()
    num = BigIntegerField()

    class Meta:
        table_name = "timeline"
        primary_key = CompositeKey("term", "place", "span", "pos", "num")


class Tally(Model):
    """How many events stand under each term and place: counts for answers and for choosing the cheapest scan."""

    term = IntegerField()
    place = IntegerField()
    events = BigIntegerField()

    class Meta:
        table_name = "tally"
        primary_key = CompositeKey("term", "place")


class Rollup(Model):
    """How many events, with what casualties, have their place on the timeline in each day and each month.

    Kept for every event together, each place, and each actor, type and status; periods without events have no row.
    """

    term = IntegerField()
    place = IntegerField()
    digits = IntegerField()  # 6 for a month, 8 for a day.
    period = BytesText()  # YYYYMM or YYYYMMDD
    events = BigIntegerField()
    killed_low = BigIntegerField()  # Sums over the events; one without a figure adds nothing.
    killed_high = BigIntegerField()
    injured_low = BigIntegerField()
    injured_high = BigIntegerField()

    class Meta:
        table_name = "rollup"
        primary_key = CompositeKey("term", "place", "digits", "period")


class Actor(Model):
    """The current version of each actor."""

    id = BytesText(primary_key=True)
    version = IntegerField()
    kind = BytesText(null=True)
    country = BytesText(null=True)
    content = BytesText()  # Canonical JSON of all its members.
    created = BigIntegerField()
    updated = BigIntegerField()

    class Meta:
        table_name = "actor"


class ActorName(Model):
    """Every form by which an actor is found: its id, its name, its aliases."""

    folded = BytesText()
    actor = BytesText(index=True)
    name = BytesText()

    class Meta:
        table_name = "actor_name"
        primary_key = CompositeKey("folded", "actor")


class ActorMembership(Model):
    """Which organisations an actor belongs to, directly."""

    actor = BytesText()
    organisation = BytesText(index=True)

    class Meta:
        table_name = "actor_membership"
        primary_key = CompositeKey("actor", "organisation")


class ActorExternalId(Model):
    """The ids that datasets give an actor, by which their imports find it first."""

    scheme = BytesText()
    value = BytesText()
    actor = BytesText(index=True)

    class Meta:
        table_name = "actor_external_id"
        primary_key = CompositeKey("scheme", "value", "actor")


class ActorMerge(Model):
    """Actors that turned out to be another one: the old id keeps resolving."""

    id = BytesText(primary_key=True)
    actor = BytesText(index=True)  # Never itself merged into a third.

    class Meta:
        table_name = "actor_merge"


class Dataset(Model):
    """Where events come from."""

    id = BytesText(primary_key=True)
    title = BytesText()
    licence = BytesText(null=True)
    citation = BytesText(null=True)

    class Meta:
        table_name = "dataset"


class ApiKey(Model):
    """Who may read where reading is closed, write, or administer. The key itself is nowhere, only its digest."""

    id = BytesText(primary_key=True)  # The part of the key by which it is looked up.
    name = BytesText(unique=True)  # Of who holds it: what revisions are signed with.
    scope = BytesText()  # read, write or admin; each includes those before.
    digest = BytesText()  # SHA-256 of the key's secret part, hexadecimal.
    created = BigIntegerField()
    used = BigIntegerField(null=True)  # To within some minutes.
    revoked = BigIntegerField(null=True)

    class Meta:
        table_name = "api_key"


class KeptAnswer(Model):
    """The answer to a POST with an Idempotency-Key, given again when the request is repeated."""

    api_key = BytesText()
    path = BytesText()
    idempotency_key = BytesText()
    request = BytesText()  # A digest of all that was sent: another request under the same key is refused.
    holder = BytesText()  # The attempt that is at work on it.
    begun = BigIntegerField(index=True)
    answer = BytesText(null=True)  # JSON; null while the first attempt is at work.

    class Meta:
        table_name = "kept_answer"
        primary_key = CompositeKey("api_key", "path", "idempotency_key")


TABLES = (
    Store,
    Revision,
    Moment,
    Event,
    PastEvent,
    EventDocument,
    Term,
    Timeline,
    Tally,
    Rollup,
    Actor,
    ActorName,
    ActorMembership,
    ActorExternalId,
    ActorMerge,
    Dataset,
    ApiKey,
    KeptAnswer,
)
