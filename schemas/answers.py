"""What answers look like: the schemas that the description of the API shows. Answers are made without them."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, fields, validate

from schemas import periods, vocabulary
from schemas.fields import ID_PATTERN

OPERATIONS = ("created", "updated", "deleted", "restored")


def _text(meaning: str, **more: Any) -> fields.String:
    return fields.String(required=True, metadata={"description": meaning, **more})


def _or_null(kind: type[fields.Field[Any]], meaning: str, **more: Any) -> fields.Field[Any]:
    return kind(required=True, allow_none=True, metadata={"description": meaning}, **more)


def _count(meaning: str) -> fields.Integer:
    return fields.Integer(required=True, validate=validate.Range(min=0), metadata={"description": meaning})


def _word(choices: tuple[str, ...], meaning: str, **more: Any) -> fields.String:
    listed = [*choices, None] if more.get("allow_none") else list(choices)
    return fields.String(required=True, metadata={"description": meaning, "enum": listed}, **more)


class NamedActor(Schema):
    id = _text("The actor's id.")
    name = _text("The actor's name as it is today.")


class Participant(NamedActor):
    role = _word(vocabulary.ROLES, "The part that the actor took.")


class Claimant(Schema):
    id = fields.String(metadata={"description": "The actor's id; absent for someone who is no actor."})
    name = _text("The claimant's name.")


class NamedProvince(Schema):
    code = _text("ISO 3166-2 code.", example="AF-PAN")
    name = _text("The usual English name.")


class Location(Schema):
    country = _or_null(fields.String, "ISO 3166-1 alpha-2 code.")
    province = fields.Nested(NamedProvince, required=True, allow_none=True)
    district = _or_null(fields.String, "The second-level unit, as a name.")
    place = _or_null(fields.String, "The place in words.")
    latitude = _or_null(fields.Float, "Degrees north.")
    longitude = _or_null(fields.Float, "Degrees east.")
    precision = _word(vocabulary.PLACE_PRECISIONS, "How exactly the place is known.", allow_none=True)
    as_given = _or_null(fields.String, "The source's words for a place that could not be resolved.")


class Casualty(Schema):
    low = _count("The lowest figure.")
    best = _or_null(fields.Integer, "The best figure, where the claims agree or one is preferred.")
    high = _count("The highest figure.")
    disputed = fields.Boolean(required=True, metadata={"description": "Whether claims contradict each other."})


class Casualties(Schema):
    killed = fields.Nested(Casualty)
    injured = fields.Nested(Casualty)
    captured = fields.Nested(Casualty)
    missing = fields.Nested(Casualty)
    displaced = fields.Nested(Casualty)


class Claim(Schema):
    claimant = fields.Nested(Claimant, required=True, allow_none=True)
    stance = _word(vocabulary.STANCES, "What the claimant does.")
    statement = _or_null(fields.String, "The claim in words.")
    measure = _word(vocabulary.MEASURES, "What is counted; null for a claim that counts nothing.", allow_none=True)
    of = _or_null(fields.String, "Whose loss: an actor's id, civilians, unknown, or null for the event as a whole.")
    low = _or_null(fields.Integer, "At least so many.")
    best = _or_null(fields.Integer, "Most likely so many.")
    high = _or_null(fields.Integer, "At most so many.")
    source = _or_null(fields.String, "The ref of one of the event's sources.")
    date = _or_null(fields.String, "When it was claimed, EDTF.")
    preferred = fields.Boolean(required=True, metadata={"description": "The figure to take as the best."})


class Source(Schema):
    ref = _or_null(fields.String, "What claims call this source.")
    publisher = _or_null(fields.String, "Who published it.")
    title = _or_null(fields.String, "Its title.")
    url = _or_null(fields.String, "Its address, http or https.")
    published = _or_null(fields.String, "When it was published, EDTF.")
    via = _or_null(fields.String, "Through whom it came.")


class Relation(Schema):
    id = _text("The id of the other event.")
    relation = _word(vocabulary.RELATIONS, "How this event stands to the other.")


class Event(Schema):
    id = _text("Chosen by the writer, or a UUIDv7.", pattern=ID_PATTERN)
    title = _text("What happened, in one line.")
    summary = _or_null(fields.String, "What happened, in some sentences.")
    date = _text("When, as precisely as it is known: EDTF (ISO 8601-2).", example="2021-08-30/2021-08-31")
    start = _or_null(fields.String, "The earliest day or minute that the date can mean; null is open.")
    end = _or_null(fields.String, "The latest day or minute that the date can mean; null is open.")
    precision = _word(("minute", "day", "month", "year", "decade"), "The coarser side of the date.")
    qualifier = _word(("approximate", "uncertain", "both"), "How sure the date is.", allow_none=True)
    type = _text("A type or sub-type of /v1/types.", enum=list(vocabulary.EVENT_TYPES))
    status = _word(vocabulary.STATUSES, "How sure the event is.")
    location = fields.Nested(Location, required=True, allow_none=True)
    actors = fields.List(fields.Nested(Participant), required=True)
    casualties = fields.Nested(Casualties, required=True)
    claims = fields.List(fields.Nested(Claim), required=True)
    sources = fields.List(fields.Nested(Source), required=True)
    related = fields.List(fields.Nested(Relation), required=True)
    tags = fields.List(fields.String(), required=True)
    dataset = _text("The dataset that the event belongs to.")
    version = fields.Integer(required=True, metadata={"description": "Counts the changes of the event, from 1."})
    created = fields.String(required=True, metadata={"format": "date-time"})
    updated = fields.String(required=True, metadata={"format": "date-time"})


class ChosenEvent(Event):
    """An event of which ``fields`` may have chosen some members only: nothing but the id is certain to be there."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.partial = tuple(name for name in self.fields if name != "id")


class EventPage(Schema):
    events = fields.List(fields.Nested(ChosenEvent), required=True)
    next = _or_null(fields.String, "The address of the next page; null at the end.")
    query = fields.Dict(required=True, metadata={"description": "The query that was answered, names resolved."})
    sequence = _count("The last change that the answer reflects.")
    total = fields.Integer(metadata={"description": "How many events match; only when asked for."})


class Range(Schema):
    low = _count("The sum of the lowest figures.")
    high = _count("The sum of the highest figures.")


class BriefEvent(Schema):
    id = _text("The event's id.", pattern=ID_PATTERN)
    title = _text("What happened, in one line.")
    date = _text("When: EDTF (ISO 8601-2).")
    type = _text("A type or sub-type of /v1/types.", enum=list(vocabulary.EVENT_TYPES))
    status = _word(vocabulary.STATUSES, "How sure the event is.")
    province = _or_null(fields.String, "ISO 3166-2 code.")
    actors = fields.List(fields.String(), required=True, metadata={"description": "Ids, each once."})


class Period(Schema):
    start = _text("The first day.", format="date")
    end = _text("The last day.", format="date")
    count = _count("Events whose place on the timeline lies in the period.")
    killed = fields.Nested(Range, required=True)
    injured = fields.Nested(Range, required=True)
    by = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "Events of each value, where `by` is given; `other` is the sum of all not named."},
    )
    events = fields.List(fields.Nested(BriefEvent), required=True, metadata={"description": "The first in time."})
    more = _or_null(fields.String, "The address of all its events, where it has more than are shown.")


class Timeline(Schema):
    bucket = _word(tuple(periods.BUCKETS), "How long a period is.")
    periods = fields.List(fields.Nested(Period), required=True, metadata={"description": "Those that have events."})
    query = fields.Dict(required=True, metadata={"description": "The query that was understood."})
    sequence = _count("The last change that the answer reflects.")


class FacetValue(Schema):
    value = _text("What the filter of the facet's name takes.")
    name = _text("What it is called: an actor's name, a province's or country's, a type's label, a dataset's title.")
    count = _count("How many events there are with this as one more filter.")


class FacetValues(Schema):
    """The facets that were asked for, all by default."""

    actor = fields.List(fields.Nested(FacetValue))
    province = fields.List(fields.Nested(FacetValue))
    type = fields.List(fields.Nested(FacetValue))
    status = fields.List(fields.Nested(FacetValue))
    country = fields.List(fields.Nested(FacetValue))
    tag = fields.List(fields.Nested(FacetValue))
    publisher = fields.List(fields.Nested(FacetValue))
    dataset = fields.List(fields.Nested(FacetValue))


class Facets(Schema):
    facets = fields.Nested(FacetValues, required=True)
    total = _count("How many events match.")
    query = fields.Dict(required=True, metadata={"description": "The query that was answered, names resolved."})
    sequence = _count("The last change that the answer reflects.")


class Actor(Schema):
    id = _text("The actor's id.", pattern=ID_PATTERN)
    name = _text("The usual name.")
    aliases = fields.List(fields.String(), required=True)
    kind = _word(vocabulary.ACTOR_KINDS, "What the actor is.", allow_none=True)
    member_of = fields.List(fields.String(), required=True, metadata={"description": "Ids of organisations."})
    country = _or_null(fields.String, "ISO 3166-1 alpha-2 code.")
    description = _or_null(fields.String, "Who the actor is.")
    external_ids = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "Ids in datasets."},
    )
    events = _count("Events in which the actor or a member takes part.")
    first = _or_null(fields.String, "The day of the first of them.")
    last = _or_null(fields.String, "The day of the last of them.")
    version = fields.Integer(required=True)
    created = fields.String(required=True, metadata={"format": "date-time"})
    updated = fields.String(required=True, metadata={"format": "date-time"})


class ActorPage(Schema):
    actors = fields.List(fields.Nested(Actor), required=True)
    next = _or_null(fields.String, "The address of the next page; null at the end.")
    sequence = _count("The last change that the answer reflects.")


class Province(Schema):
    code = _text("ISO 3166-2 code.", example="AF-PAN")
    name = _text("The usual English name.")
    aliases = fields.List(fields.String(), required=True)
    country = _text("ISO 3166-1 alpha-2 code.")
    events = _count("Events in the province and the units that are part of it.")


class ProvinceList(Schema):
    provinces = fields.List(fields.Nested(Province), required=True)
    sequence = _count("The last change that the answer reflects.")


class ProvinceDetail(Province):
    bbox = fields.List(
        fields.Float(),
        required=True,
        allow_none=True,
        metadata={"description": "west, south, east, north in degrees; null where no outline is known."},
    )
    first = _or_null(fields.String, "The day of its first event.")
    last = _or_null(fields.String, "The day of its last event.")
    sequence = _count("The last change that the answer reflects.")


class EventTypeEntry(Schema):
    id = _text("The type's id.")
    label = _text("The type in words.")
    parent = _or_null(fields.String, "The top-level type of a sub-type.")
    events = _count("Events of the type, sub-types included.")


class EventTypeList(Schema):
    types = fields.List(fields.Nested(EventTypeEntry), required=True)
    sequence = _count("The last change that the answer reflects.")


class Dataset(Schema):
    id = _text("The dataset's id.")
    title = _text("Its title.")
    licence = _or_null(fields.String, "On what terms it may be used.")
    citation = _or_null(fields.String, "How it asks to be cited.")
    events = _count("Its events.")
    first = _or_null(fields.String, "The day of the first of them.")
    last = _or_null(fields.String, "The day of the last of them.")


class DatasetList(Schema):
    datasets = fields.List(fields.Nested(Dataset), required=True)
    sequence = _count("The last change that the answer reflects.")


class Revision(Schema):
    version = fields.Integer(required=True, validate=validate.Range(min=1))
    sequence = _count("Its place in the feed of changes.")
    at = fields.String(required=True, metadata={"format": "date-time"})
    by = _text("Who holds the key that it was made with.")
    operation = _word(OPERATIONS, "What was done.")
    reason = _or_null(fields.String, "Why, in the writer's words.")
    into = fields.String(metadata={"description": "The actor that this one was merged into."})


class RevisionPage(Schema):
    revisions = fields.List(fields.Nested(Revision), required=True, metadata={"description": "The newest first."})
    next = _or_null(fields.String, "The address of the next page; null at the end.")


class Change(Schema):
    """A change of an event or of an actor: one of the two is named."""

    sequence = _count("Its place in the feed.")
    at = fields.String(required=True, metadata={"format": "date-time"})
    by = _text("Who holds the key that it was made with.")
    operation = _word(OPERATIONS, "What was done.")
    event = fields.String(metadata={"description": "The id of the event."})
    actor = fields.String(metadata={"description": "The id of the actor."})
    version = fields.Integer(required=True, validate=validate.Range(min=1))
    into = fields.String(metadata={"description": "The actor that this one was merged into."})


class ChangeList(Schema):
    changes = fields.List(fields.Nested(Change), required=True, metadata={"description": "In order."})
    next = _count("The `after` that goes on behind these.")
    last = _count("The end of the feed.")


class BulkReport(Schema):
    received = _count("Lines that held anything.")
    created = _count("New events.")
    updated = _count("Events that were replaced.")
    unchanged = _count("Events that were like that already.")
    rejected = fields.List(
        fields.Dict(keys=fields.String()),
        required=True,
        metadata={"description": "Each refused line: its number, the id that it gives if any, and what is wrong."},
    )
    untold = fields.Integer(metadata={"description": "How many more were refused, where those are very many."})
    warnings = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "What was mended, by code."}
    )
    broken = fields.String(metadata={"description": "Why reading ended before the end, if it did."})


class Health(Schema):
    status = _word(("ok",), "ok.")
    sequence = fields.Integer(metadata={"description": "The last change recorded."})


class ProblemEntry(Schema):
    in_ = fields.String(data_key="in", required=True, metadata={"enum": ["query", "body", "header", "path"]})
    pointer = _text("JSON Pointer into the body, or / and a parameter's name.")
    code = _text("A stable word for programs.")
    message = _text("What is wrong, and what would be right.")
    suggestions = fields.List(fields.String(), required=True)


class ProblemDocument(Schema):
    """A problem may bring members of its own (RFC 9457, 3.2): that of a refused body of many events its report."""

    class Meta:
        unknown = INCLUDE

    type = _text("The page that explains this kind of error.")
    title = _text("The kind of error in words.")
    status = fields.Integer(required=True)
    detail = _text("What is wrong with this request.")
    instance = _or_null(fields.String, "The address that was asked for.")
    errors = fields.List(fields.Nested(ProblemEntry), required=True)
    request_id = _text("The id under which the request was logged.")
    revisions = fields.String(metadata={"description": "With 410: where the event's past is found."})
