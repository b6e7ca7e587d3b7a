"""Loads an event: one that is certainly valid quickly, and any other by its schema, which makes the same of it.

Marshmallow judges an event in a third of a millisecond, which is most of the time that an import takes. Of nearly all
events every member is plainly in order. Whatever else is met, right or wrong, is left to the schema, which alone knows
the rules in full and words the faults. That both agree is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from schemas import vocabulary
from schemas.casualties import in_order
from schemas.edtf import DateError, parse_date, parse_event_date
from schemas.event import (
    DERIVED_MEMBERS,
    MEMBERS_LIMIT,
    SERVER_MEMBERS,
    STATEMENT_LIMIT,
    SUMMARY_LIMIT,
    TAG_LENGTH,
    TAGS_LIMIT,
    EventBody,
    last_year,
    name_beside,
)
from schemas.fields import FIGURE_MAX, HTTP_URL, ID_FORM, NO_URL, TEXT_LIMIT, load, unstorable

OWN_MEMBERS = (
    *("id", "title", "summary", "date", "type", "status", "location", "actors", "claims", "sources", "related"),
    *("tags", "dataset"),
)
MEMBERS = frozenset({*OWN_MEMBERS, *SERVER_MEMBERS, *DERIVED_MEMBERS})
LOCATION = frozenset(
    {"country", "province", "district", "place", "latitude", "longitude", "precision", "as_given"},
)
PARTICIPANT = frozenset({"id", "name", "role"})
CLAIM = frozenset(
    {*("claimant", "stance", "statement", "measure", "of", "low", "best", "high"), *("source", "date", "preferred")}
)
SOURCE = frozenset({"ref", "publisher", "title", "url", "published", "via"})
RELATION = frozenset({"id", "relation"})
TYPES = frozenset(vocabulary.EVENT_TYPES)
STATUSES = frozenset(vocabulary.STATUSES)
ROLES = frozenset(vocabulary.ROLES)
STANCES = frozenset(vocabulary.STANCES)
MEASURES = frozenset({*vocabulary.MEASURES, None})
RELATIONS = frozenset(vocabulary.RELATIONS)
PRECISIONS = frozenset({*vocabulary.PLACE_PRECISIONS, None})


class Doubtful(Exception):
    """Something that is not plainly in order."""


def load_event(body: Any, min_year: int = 1000) -> dict[str, Any]:
    """What ``EventBody(min_year)`` loads of the body. Raises Refused."""
    loaded: dict[str, Any] = certain(body, min_year, last_year()) or load(EventBody(min_year), body)
    return loaded


def certain(body: Any, min_year: int, max_year: int) -> dict[str, Any] | None:
    """What ``EventBody(min_year)`` loads of the body, where that is certain; else None.

    max_year: the last year that an event may have.
    """
    try:
        return _event(body, min_year, max_year)
    # A DateError is a refusal; the others come of values of another kind than any that is valid.
    except (Doubtful, DateError, TypeError, AttributeError):
        return None


def _event(body: Any, min_year: int, max_year: int) -> dict[str, Any]:
    if type(body) is not dict or not body.keys() <= MEMBERS:
        raise Doubtful
    get = body.get
    parse_event_date(_text(get("date")), min_year, max_year)
    sources = _all(_source, get("sources"))
    claims = _all(_claim, get("claims"))
    refs = [source["ref"] for source in sources if source["ref"] is not None]
    if len(set(refs)) != len(refs):
        raise Doubtful
    for claim in claims:
        if claim["source"] is not None and claim["source"] not in refs:
            raise Doubtful
    loaded = {
        "id": None if get("id") is None else _id(get("id")),
        "title": _named(get("title")),
        "summary": None if get("summary") is None else _text(get("summary"), SUMMARY_LIMIT),
        "date": body["date"],
        "type": _one_of(TYPES, get("type", "other")),
        "status": _one_of(STATUSES, get("status", "reported")),
        "location": None if get("location") is None else _location(get("location")),
        "actors": _all(_participant, get("actors")),
        "claims": claims,
        "sources": sources,
        "related": _all(_relation, get("related")),
        "tags": _tags(get("tags")),
        "dataset": _id(get("dataset", "local")),
    }
    for name in DERIVED_MEMBERS:
        if name in body:
            loaded[name] = body[name]
    return loaded


def _all(read: Callable[[Any], dict[str, Any]], members: Any) -> list[dict[str, Any]]:
    if members is None:
        return []
    if type(members) is not list or len(members) > MEMBERS_LIMIT:
        raise Doubtful
    return [read(member) for member in members]


def _text(value: Any, limit: int = TEXT_LIMIT) -> str:
    if type(value) is not str or len(value) > limit or (not value.isascii() and unstorable(value)) or "\0" in value:
        raise Doubtful
    return value


def _named(value: Any) -> str:
    """A text that is not blank."""
    if not _text(value).strip():
        raise Doubtful
    return str(value)


def _id(value: Any) -> str:
    if type(value) is not str or not ID_FORM.match(value):
        raise Doubtful
    return value


def _one_of(words: frozenset[str], value: Any) -> str:
    if type(value) is not str or value not in words:
        raise Doubtful
    return value


def _reference(value: Any, keys: Sequence[str]) -> str:
    """The text of a reference: itself, or under the first of the keys that an object has."""
    if type(value) is not dict:
        return _named(value)
    first, second = keys
    return _named(value[first] if value.get(first) is not None else value.get(second))


def _tags(value: Any) -> list[str]:
    if not value and (value is None or type(value) is list):
        return []
    if type(value) is not list or len(value) > TAGS_LIMIT or len(set(value)) != len(value):
        raise Doubtful
    for tag in value:
        if len(_named(tag)) > TAG_LENGTH or "," in tag:
            raise Doubtful
    return list(value)


def _location(value: Any) -> dict[str, Any]:
    if type(value) is not dict or not value.keys() <= LOCATION:
        raise Doubtful
    get = value.get
    country, province, district, place = get("country"), get("province"), get("district"), get("place")
    latitude, longitude, as_given, precision = get("latitude"), get("longitude"), get("as_given"), get("precision")
    if (latitude is None) != (longitude is None) or precision not in PRECISIONS:
        raise Doubtful
    return {
        "country": None if country is None else _text(country),
        "province": None if province is None else _reference(province, ("code", "name")),
        "district": None if district is None else _text(district),
        "place": None if place is None else _text(place),
        "latitude": None if latitude is None else _degrees(latitude, 90),
        "longitude": None if longitude is None else _degrees(longitude, 180),
        "precision": precision,
        "as_given": None if as_given is None else _text(as_given),
    }


def _degrees(value: Any, bound: int) -> float:
    if type(value) not in (float, int) or not -bound <= value <= bound:
        raise Doubtful
    return float(value)


def _participant(value: Any) -> dict[str, Any]:
    if type(value) is str:
        return {"id": _named(value), "role": "participant", "at": "", "called": None}
    if type(value) is not dict or not value.keys() <= PARTICIPANT:
        raise Doubtful
    role = _one_of(ROLES, value.get("role", "participant"))
    if value.get("id") is not None:
        return {"id": _named(value["id"]), "role": role, "at": "/id", "called": _called(value)}
    return {"id": _named(value.get("name")), "role": role, "at": "/name", "called": None}


def _called(value: Mapping[str, Any]) -> str | None:
    return name_beside(value) if "name" in value else None


def _claimant(value: Any) -> dict[str, Any]:
    if type(value) is str:
        return {"id": _named(value), "at": "", "called": None}
    key = "id" if value.get("id") is not None else "name"
    return {key: _named(value.get(key)), "at": f"/{key}", "called": _called(value)}


def _claim(value: Any) -> dict[str, Any]:
    if type(value) is not dict or not value.keys() <= CLAIM:
        raise Doubtful
    get = value.get
    claimant, statement, of = get("claimant"), get("statement"), get("of")
    low, best, high = _figure(get("low")), _figure(get("best")), _figure(get("high"))
    if not in_order(low, best, high):
        raise Doubtful
    source, date, preferred = get("source"), get("date"), get("preferred", False)
    if date is not None:
        parse_date(_text(date))
    if preferred is not False and preferred is not True:
        raise Doubtful
    measure = get("measure")
    if measure not in MEASURES:
        raise Doubtful
    return {
        "claimant": None if claimant is None else _claimant(claimant),
        "stance": _one_of(STANCES, get("stance", "asserts")),
        "statement": None if statement is None else _text(statement, STATEMENT_LIMIT),
        "measure": measure,
        "of": None if of is None else _reference(of, ("id", "name")),
        "low": low,
        "best": best,
        "high": high,
        "source": None if source is None else _text(source),
        "date": date,
        "preferred": preferred,
    }


def _figure(value: Any) -> int | None:
    if value is not None and (type(value) is not int or not 0 <= value <= FIGURE_MAX):
        raise Doubtful
    return value


def _source(value: Any) -> dict[str, Any]:
    if type(value) is not dict or not value.keys() <= SOURCE:
        raise Doubtful
    get = value.get
    ref, publisher, title, url, published, via = (
        get("ref"),
        get("publisher"),
        get("title"),
        get("url"),
        get("published"),
        get("via"),
    )
    if url is not None and (not HTTP_URL.match(_text(url)) or NO_URL.search(url)):
        raise Doubtful
    if published is not None:
        parse_date(_text(published))
    return {
        "ref": None if ref is None else _named(ref),
        "publisher": None if publisher is None else _named(publisher),
        "title": None if title is None else _text(title),
        "url": url,
        "published": published,
        "via": None if via is None else _text(via),
    }


def _relation(value: Any) -> dict[str, Any]:
    if type(value) is not dict or not value.keys() <= RELATION:
        raise Doubtful
    return {"id": _id(value.get("id")), "relation": _one_of(RELATIONS, value.get("relation"))}
