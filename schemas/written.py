"""What bodies of requests look like: the JSON Schemas that the description of the API shows.

Bodies are judged by ``event.py``, ``actor.py`` and ``requests.py``, which word what is wrong; these only describe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas import vocabulary
from schemas.actor import ALIASES_LIMIT, DESCRIPTION_LIMIT, EXTERNAL_IDS_LIMIT
from schemas.event import MEMBERS_LIMIT, STATEMENT_LIMIT, SUMMARY_LIMIT, TAG_LENGTH, TAGS_LIMIT
from schemas.fields import FIGURE_MAX, ID_PATTERN, TEXT_LIMIT

JsonSchema = Mapping[str, Any]


def _object(meaning: str, required: Sequence[str] = (), **properties: JsonSchema) -> dict[str, Any]:
    needed = {"required": list(required)} if required else {}
    return {
        "type": "object",
        "description": meaning,
        **needed,
        "properties": {name.rstrip("_"): schema for name, schema in properties.items()},
        "additionalProperties": False,
    }


def _text(meaning: str, limit: int = TEXT_LIMIT, least: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "type": "string",
        "maxLength": limit,
        **({"minLength": least} if least else {}),
        "description": meaning,
        **more,
    }


def _or_null(schema: JsonSchema) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _word(choices: Sequence[str], meaning: str, default: str | None = None) -> dict[str, Any]:
    if default is None:
        return {"type": ["string", "null"], "enum": [*choices, None], "description": meaning}
    return {"type": "string", "enum": list(choices), "default": default, "description": meaning}


def _list(items: JsonSchema, limit: int, meaning: str) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": items, "maxItems": limit, "description": meaning}


def _any_of(*schemas: JsonSchema, meaning: str) -> dict[str, Any]:
    return {"anyOf": list(schemas), "description": meaning}


NULL = {"type": "null"}
NAME = _text("An id, name or alias.", least=1)
FIGURE = _or_null({"type": "integer", "minimum": 0, "maximum": FIGURE_MAX})
IGNORED: JsonSchema = {"description": "As it was read; the server decides it."}
DERIVED: JsonSchema = {"description": "As it follows from the rest, or left out."}
# Whoever reads it may send it back, so both members are there; the first that is given counts.
REFERENCE = {"type": "object", "properties": {"id": _or_null(NAME), "name": _or_null(NAME)}}

LOCATION = _object(
    "Where; each part may be unknown.",
    country=_or_null(_text("ISO 3166-1 alpha-2 code or name; a province brings its own.")),
    province=_any_of(
        NAME,
        {"type": "object", "properties": {"code": _or_null(NAME), "name": _or_null(NAME)}},
        NULL,
        meaning="ISO 3166-2 code, name, alias or the form “X Province”.",
    ),
    district=_or_null(_text("The second-level unit, as a name.")),
    place=_or_null(_text("The place in words.")),
    latitude={"type": ["number", "null"], "minimum": -90, "maximum": 90},
    longitude={"type": ["number", "null"], "minimum": -180, "maximum": 180},
    precision=_word(vocabulary.PLACE_PRECISIONS, "How exactly the place is known."),
    as_given=_or_null(_text("The source's words for a place that could not be resolved.")),
)
PARTICIPANT = _object(
    "Who took part.",
    id=_or_null(NAME),
    name=_or_null(NAME),
    role=_word(vocabulary.ROLES, "The part that the actor took.", "participant"),
)
CLAIM = _object(
    "What one party says.",
    claimant=_any_of(
        NAME, REFERENCE, NULL, meaning="An actor by id, somebody who is none by name, or null for the source itself."
    ),
    stance=_word(vocabulary.STANCES, "What the claimant does.", "asserts"),
    statement=_or_null(_text("The claim in words.", STATEMENT_LIMIT)),
    measure=_word(vocabulary.MEASURES, "What is counted; null for a claim that counts nothing."),
    of=_any_of(NAME, REFERENCE, NULL, meaning="Whose loss: an actor, civilians, unknown, or null for the whole."),
    low=FIGURE,
    best=FIGURE,
    high=FIGURE,
    source=_or_null(_text("The ref of one of the event's sources.")),
    date=_or_null(_text("When it was claimed, EDTF.")),
    preferred={"type": "boolean", "default": False, "description": "The figure to take as the best."},
)
SOURCE = _object(
    "Where it is from.",
    ref=_or_null(_text("What claims call this source.", least=1)),
    publisher=_or_null(_text("Who published it.", least=1)),
    title=_or_null(_text("Its title.")),
    url=_or_null(_text("Its address, http or https.")),
    published=_or_null(_text("When it was published, EDTF.")),
    via=_or_null(_text("Through whom it came.")),
)
RELATION = _object(
    "How it stands to another event.",
    ("id", "relation"),
    id=_text("An event that exists.", pattern=ID_PATTERN),
    relation={"type": "string", "enum": list(vocabulary.RELATIONS)},
)
EVENT = _object(
    "An event as it is written. What an answer shows may be sent back as it is.",
    ("title", "date"),
    id=_or_null(_text("Chosen here, or made by the server.", pattern=ID_PATTERN)),
    title=_text("What happened, in one line.", least=1),
    summary=_or_null(_text("What happened, in some sentences.", SUMMARY_LIMIT)),
    date=_text("When, as precisely as it is known: EDTF (ISO 8601-2).", least=1),
    type={"type": "string", "enum": list(vocabulary.EVENT_TYPES), "default": "other"},
    status=_word(vocabulary.STATUSES, "How sure the event is.", "reported"),
    location=_any_of(LOCATION, NULL, meaning="Where; null where that is not known."),
    actors=_list(_any_of(NAME, PARTICIPANT, meaning="An actor, or one with a role."), MEMBERS_LIMIT, "Who took part."),
    claims=_list(CLAIM, MEMBERS_LIMIT, "What each source says; never merged away."),
    sources=_list(SOURCE, MEMBERS_LIMIT, "Where it is from."),
    related=_list(RELATION, MEMBERS_LIMIT, "How it stands to other events."),
    tags=_list(_text("A word without a comma.", TAG_LENGTH, 1), TAGS_LIMIT, "Words to find it by."),
    dataset=_text("The dataset that it belongs to.", pattern=ID_PATTERN, default="local"),
    start=DERIVED,
    end=DERIVED,
    precision=DERIVED,
    qualifier=DERIVED,
    casualties=DERIVED,
    version=IGNORED,
    created=IGNORED,
    updated=IGNORED,
)
ACTOR = _object(
    "An actor as it is written.",
    ("name",),
    id=_or_null(_text("Chosen here, or made from the name.", pattern=ID_PATTERN)),
    name=_text("The usual name.", least=1),
    aliases=_list(_text("Another name.", least=1), ALIASES_LIMIT, "Other names; all of them are found."),
    kind=_word(vocabulary.ACTOR_KINDS, "What the actor is."),
    member_of=_list(NAME, ALIASES_LIMIT, "Organisations that it belongs to."),
    country=_or_null(_text("ISO 3166-1 alpha-2 code or name.")),
    description=_or_null(_text("Who the actor is.", DESCRIPTION_LIMIT)),
    external_ids={
        "type": ["object", "null"],
        "additionalProperties": _text("The id.", least=1),
        "maxProperties": EXTERNAL_IDS_LIMIT,
        "description": "Ids in datasets, by the dataset.",
    },
    **dict.fromkeys(("events", "first", "last", "version", "created", "updated"), IGNORED),
)
MERGE_PATCH = {
    "type": "object",
    "description": "RFC 7396: the members to change; null takes one out, and a list replaces the whole list.",
}
JSON_PATCH = {
    "type": "array",
    "description": "RFC 6902: operations on the answer as it was read.",
    "items": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": {"type": "string"},
            "from": {"type": "string"},
            "value": {},
        },
    },
}
RESTORE = _object("What to bring back.", ("version",), version={"type": "integer", "minimum": 1})
MERGE = _object("What it is merged into.", ("into",), into=NAME)
LINES = {"type": "string", "description": "One event a line, in JSON (NDJSON), or a file of the format given."}
