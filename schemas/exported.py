"""What the events of a query look like in each format beside the pages of JSON, for the description of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_EVENT = {"$ref": "#/components/schemas/ChosenEvent"}
_POSITION = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_POINT = {
    "type": "object",
    "required": ["type", "coordinates"],
    "properties": {"type": {"const": "Point"}, "coordinates": _POSITION},
}
_FEATURE = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": "string"},
        "geometry": {"oneOf": [_POINT, {"type": "null"}]},
        "properties": _EVENT,
    },
}


def _text(description: str, example: str) -> dict[str, Any]:
    return {"type": "string", "description": description, "examples": [example]}


# By the name of the format.
EXPORTED: Mapping[str, Mapping[str, Any]] = {
    "ndjson": _text(
        "One event a line, in JSON, as pages have it.",
        '{"id":"panjshir-clash","title":"Taliban attack …"}\n{"id":"us-withdrawal","title":"Last aircraft …"}\n',
    ),
    "csv": _text("A header, and a line for each event (RFC 4180).", "id,title\r\npanjshir-clash,Taliban attack …\r\n"),
    "geojson": {
        "type": "object",
        "description": "A collection of features, one for each event (RFC 7946).",
        "required": ["type", "features"],
        "properties": {
            "type": {"const": "FeatureCollection"},
            "features": {"type": "array", "items": _FEATURE},
        },
    },
    "timelinejs": {
        "type": "object",
        "description": "A timeline for TimelineJS 3, a slide for each event.",
        "required": ["events"],
        "properties": {
            "scale": {"type": "string"},
            "title": {"type": "object"},
            "events": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["unique_id", "text"],
                    "properties": {"unique_id": {"type": "string"}, "text": {"type": "object"}},
                },
            },
        },
    },
    "ics": _text(
        "A calendar of all-day events (RFC 5545).",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n…\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    ),
    "atom": _text(
        "A feed of the events that were changed last, 100 at most (RFC 4287).",
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">…</feed>\n',
    ),
}
