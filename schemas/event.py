"""The event as it may be written, but for what only the store knows (names, other events)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, post_load, pre_load, validates_schema

from schemas import vocabulary
from schemas.casualties import claim_faults
from schemas.edtf import parse_event_date
from schemas.faults import Fault
from schemas.fields import (
    ID_FORM,
    TEXT_LIMIT,
    Anything,
    Body,
    Choice,
    Degrees,
    EdtfDate,
    Faulting,
    Figure,
    HttpUrl,
    Listing,
    Part,
    Text,
    Truth,
    fault,
    kind_of,
    shorten,
    unknown_word,
    unstorable,
)

# In characters, members and tags. What bounds other texts and figures stands beside their fields.
SUMMARY_LIMIT = 20_000
STATEMENT_LIMIT = 5_000
MEMBERS_LIMIT = 200
TAGS_LIMIT = 100
TAG_LENGTH = 64
# What an answer holds that the server alone decides; a body may send it back.
SERVER_MEMBERS = frozenset({"version", "created", "updated"})
DERIVED_MEMBERS = ("start", "end", "precision", "qualifier", "casualties")


class Name(Faulting):
    """A reference to something by name: a text, or an object that gives it under one of ``keys``.

    Loads as the text under the first key that is there; the others are ignored.
    """

    def __init__(self, *keys: str, **more: Any):
        self.keys = keys
        self.text = Text(blank=False)
        super().__init__(**more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if isinstance(value, Mapping):
            return name_in(value, self.keys)
        return str(self.text.deserialize(value))


def name_in(value: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The text under the first of ``keys`` that is there. Raises ValidationError when none is."""
    key = next((key for key in keys if value.get(key) is not None), None)
    if key is None:
        raise fault("required", f"needs {' or '.join(repr(key) for key in keys)}")
    try:
        return str(Text(blank=False).deserialize(value[key]))
    except ValidationError as error:
        raise ValidationError({key: error.messages}) from None


def name_beside(value: Mapping[str, Any]) -> str | None:
    """The name that an answer shows beside an id. It is only looked at where the actor has to be created."""
    name = value.get("name")
    is_name = value.get("id") is not None and isinstance(name, str) and name.strip() and len(name) <= TEXT_LIMIT
    return name if is_name and not unstorable(str(name)) else None


class Claimant(Faulting):
    """Who claims: an actor by ``id``, someone who may be none by ``name``, or null for the source itself.

    Loads as ``{"id": …}`` (must be an actor) or ``{"name": …}`` (an actor where one has that name), with ``at``, where
    that stood, and ``called``, the name beside an id.
    """

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        if isinstance(value, Mapping):
            key = "id" if value.get("id") is not None else "name"
            return {key: name_in(value, ("id", "name")), "at": f"/{key}", "called": name_beside(value)}
        if not isinstance(value, str):
            raise fault("wrong-type", f"must be an object with 'id' or 'name', not {kind_of(value)}")
        return {"id": str(Text(blank=False).deserialize(value)), "at": "", "called": None}


class EventTypeChoice(Faulting):
    """A type of the vocabulary."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise fault("wrong-type", f"must be a text, not {kind_of(value)}")
        if value not in vocabulary.EVENT_TYPES:
            raise unknown_word(value, tuple(vocabulary.EVENT_TYPES))
        return value


class Tag(Text):
    """A word to find events by."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        tag = super()._deserialize(value, attr, data, **kwargs)
        if "," in tag:
            raise fault("wrong-form", "must not hold a comma, which separates tags in a query")
        return tag


class LocationBody(Body):
    country = Text(allow_none=True, load_default=None)
    province = Name("code", "name", allow_none=True, load_default=None)
    district = Text(allow_none=True, load_default=None)
    place = Text(allow_none=True, load_default=None)
    latitude = Degrees(90, allow_none=True, load_default=None)
    longitude = Degrees(180, allow_none=True, load_default=None)
    precision = Choice(vocabulary.PLACE_PRECISIONS, allow_none=True, load_default=None)
    as_given = Text(allow_none=True, load_default=None)

    @validates_schema
    def _coordinates_come_together(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        for here, other in (("latitude", "longitude"), ("longitude", "latitude")):
            if data.get(here) is None and data.get(other) is not None:
                raise ValidationError({here: fault("required", f"is required beside {other}").messages})


class ParticipantBody(Body):
    """One who took part: a text, or an object with ``id`` or ``name``.

    Loads with the reference under ``id``, with ``at``, where that stood, and ``called``, the name beside an id.
    """

    id = Text(blank=False, allow_none=True, load_default=None)
    name = Text(blank=False, allow_none=True, load_default=None)
    role = Choice(vocabulary.ROLES, load_default="participant")

    @pre_load
    def _unfold(self, data: Any, **kwargs: Any) -> Any:
        if isinstance(data, str):
            return {"id": Text(blank=False).deserialize(data)}
        if isinstance(data, Mapping) and data.get("id") is not None:
            return {key: value for key, value in data.items() if key != "name"}
        return data

    @post_load(pass_original=True)
    def _refer(self, data: Mapping[str, Any], original: Any, **kwargs: Any) -> dict[str, Any]:
        reference = data["id"] or data["name"]
        if reference is None:
            raise ValidationError({"id": fault("required", "needs 'id' or 'name'").messages})
        given = original if isinstance(original, Mapping) else {}
        at = "" if not given else "/id" if data["id"] else "/name"
        return {"id": reference, "role": data["role"], "at": at, "called": name_beside(given)}


class ClaimBody(Body):
    claimant = Claimant(allow_none=True, load_default=None)
    stance = Choice(vocabulary.STANCES, load_default="asserts")
    statement = Text(STATEMENT_LIMIT, allow_none=True, load_default=None)
    measure = Choice(vocabulary.MEASURES, allow_none=True, load_default=None)
    of = Name("id", "name", allow_none=True, load_default=None)
    low = Figure(allow_none=True, load_default=None)
    best = Figure(allow_none=True, load_default=None)
    high = Figure(allow_none=True, load_default=None)
    source = Text(allow_none=True, load_default=None)
    date = EdtfDate(allow_none=True, load_default=None)
    preferred = Truth(load_default=False)


class SourceBody(Body):
    ref = Text(blank=False, allow_none=True, load_default=None)
    publisher = Text(blank=False, allow_none=True, load_default=None)
    title = Text(allow_none=True, load_default=None)
    url = HttpUrl(allow_none=True, load_default=None)
    published = EdtfDate(allow_none=True, load_default=None)
    via = Text(allow_none=True, load_default=None)


class RelationBody(Body):
    id = Text(form=ID_FORM, required=True)
    relation = Choice(vocabulary.RELATIONS, required=True)


def last_year() -> int:
    """The last year that an event may have: the next one."""
    return datetime.now(UTC).year + 1


class EventDate(EdtfDate):
    """The date of an event: the years are bounded, so that a typing mistake is not taken for the far past."""

    def judge(self, value: str) -> None:
        parse_event_date(value, getattr(self.parent, "min_year", 1000), last_year())


class EventBody(Body):
    """An event as it may be written. Loads with names still as given and every default filled in."""

    ignored = SERVER_MEMBERS

    def __init__(self, min_year: int = 1000, **more: Any) -> None:
        super().__init__(**more)
        self.min_year = min_year

    id = Text(form=ID_FORM, allow_none=True, load_default=None)
    title = Text(blank=False, required=True)
    summary = Text(SUMMARY_LIMIT, allow_none=True, load_default=None)
    date = EventDate(required=True)
    type = EventTypeChoice(load_default="other")
    status = Choice(vocabulary.STATUSES, load_default="reported")
    location = Part(LocationBody, allow_none=True, load_default=None)
    actors = Listing(Part(ParticipantBody), MEMBERS_LIMIT)
    claims = Listing(Part(ClaimBody), MEMBERS_LIMIT)
    sources = Listing(Part(SourceBody), MEMBERS_LIMIT)
    related = Listing(Part(RelationBody), MEMBERS_LIMIT)
    tags = Listing(Tag(TAG_LENGTH, blank=False), TAGS_LIMIT)
    dataset = Text(form=ID_FORM, load_default="local")
    start = Anything(allow_none=True)
    end = Anything(allow_none=True)
    precision = Anything(allow_none=True)
    qualifier = Anything(allow_none=True)
    casualties = Anything(allow_none=True)

    @validates_schema
    def _members_agree(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        refs = [source["ref"] for source in data["sources"]]
        faults = [
            Fault(f"/sources/{index}/ref", "duplicate", f"{ref!r} is the ref of an earlier source too")
            for index, ref in enumerate(refs)
            if ref is not None and ref in refs[:index]
        ]
        faults += [
            Fault(
                f"/claims/{index}/source",
                "unknown-source",
                f"{shorten(claim['source'])!r} is not the ref of a source of this event",
                tuple(ref for ref in refs if ref is not None)[:5],
            )
            for index, claim in enumerate(data["claims"])
            if claim["source"] is not None and claim["source"] not in refs
        ]
        faults += [
            Fault(f"/tags/{index}", "duplicate", f"{tag!r} stands earlier too")
            for index, tag in enumerate(data["tags"])
            if tag in data["tags"][:index]
        ]
        # The rule on one preferred claim compares references, so the store judges it when it knows them.
        faults += [found for found in claim_faults(data["claims"]) if not found.pointer.endswith("/preferred")]
        if faults:
            raise ValidationError(faults)
