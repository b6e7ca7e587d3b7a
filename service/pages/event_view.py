"""What an event's page shows: all that is known and claimed of it, what it is related to, and its history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from peewee import Database

from schemas import query
from schemas.date_words import date_words
from schemas.faults import Fault, Refused
from schemas.moments import read_past_moment
from schemas.vocabulary import MEASURES, RESERVED_ACTORS
from service import catalog
from service.actors import names_of
from service.events import Found, find_event, find_event_at, find_version
from service.formats.prose import country_words, figure_words, sources_in_words, type_words
from service.history import History, read_history
from service.ledger import timestamp
from service.pages.claims_table import claim_groups
from service.pages.differences import differences, named_in
from service.pages.province_map import place_map
from service.pages.timeline_view import shown_event
from service.parameters import read_parameters
from service.related_events import events_of, events_related_to
from service.revisions import find_ever

# Revisions that are shown at once, each with what it changed, and events that are related to this one.
REVISIONS = 20
INCOMING = 50

PARAMETERS: dict[str, Callable[[str], Any]] = {
    "version": query.whole_number(1, 2**31 - 1),
    "as_of": read_past_moment,
    # The revision with which the history begins, where there are more than are shown at once.
    "before": query.whole_number(1, 2**31 - 1),
}

# How an event stands to one that it names, and that one to it.
OUTGOING = {
    "follows": "follows",
    "causes": "causes",
    "part-of": "is part of",
    "same-as": "is the same event as",
    "contradicts": "contradicts",
}
FROM_OTHERS = {
    "follows": "is followed by",
    "causes": "is caused by",
    "part-of": "has as a part",
    "same-as": "is the same event as",
    "contradicts": "is contradicted by",
}


def event_view(database: Database, event_id: str, query_string: bytes) -> dict[str, Any]:
    """All that the template of an event needs. Raises Refused, NotFound, and Gone where it was deleted."""
    asked = read_parameters(query_string, PARAMETERS)
    found = _find(database, event_id, asked)
    event = orjson.loads(found.document)
    history = read_history(database, event_id, REVISIONS, asked.get("before"))
    incoming = events_related_to(database, event_id, INCOMING)
    related = events_of(database, {relation["id"] for relation in event["related"]})
    contents = [content for step in history.steps for content in (step.content, step.before) if content]
    named = set[str]().union(*map(named_in, contents)) | {claim["of"] for claim in event["claims"] if claim["of"]}
    names = names_of(database, named - set(RESERVED_ACTORS))
    return {
        "event": {**shown_event(event), "figures": _figures(event)},
        "kinds": _kinds(event["type"]),
        "country": event["location"] and event["location"]["country"] and country_words(event["location"]["country"]),
        "map": place_map(event["location"]),
        "groups": claim_groups(event["claims"], event["sources"], names),
        "sources": [
            {**source, "words": words, "href": href}
            for source, (words, href) in zip(event["sources"], sources_in_words(event["sources"]), strict=True)
        ],
        "outgoing": [
            _related(OUTGOING[relation["relation"]], relation["id"], related.get(relation["id"]))
            for relation in event["related"]
        ],
        "incoming": [
            _related(FROM_OTHERS[relation["relation"]], other["id"], other)
            for other in incoming.events
            for relation in other["related"]
            if relation["id"] == event_id
        ],
        "more_incoming": incoming.more,
        "dataset": catalog.dataset(database, event["dataset"]),
        "past": _past(asked, event, history),
        "sequence": found.sequence,
        **shown_history(history, names, event_id, asked),
    }


def gone_view(database: Database, kind: str, subject: str, query_string: bytes) -> dict[str, Any]:
    """What the template of something that was deleted needs: that it was, and its history where it was an event."""
    find_ever(database, kind, subject)
    shown: dict[str, Any] = {"kind": kind, "subject": subject}
    if kind == "event":
        before = read_parameters(query_string, PARAMETERS).get("before")
        history = read_history(database, subject, REVISIONS, before)
        contents = [content for step in history.steps for content in (step.content, step.before) if content]
        names = names_of(database, set[str]().union(*map(named_in, contents)) - set(RESERVED_ACTORS))
        [deletion] = read_history(database, subject, 1).steps
        last = deletion.before
        shown |= {"title": last and last["title"], **shown_history(history, names, subject, {})}
    return shown


def _find(database: Database, event_id: str, asked: Mapping[str, Any]) -> Found:
    if "version" in asked and "as_of" in asked:
        message = "cannot stand beside version, which says already what is asked for"
        raise Refused([Fault("/as_of", "not-together", message)], "query")
    if "version" in asked:
        return find_version(database, event_id, asked["version"])
    if "as_of" in asked:
        return find_event_at(database, event_id, asked["as_of"])
    return find_event(database, event_id)


def _kinds(name: str) -> list[dict[str, str]]:
    """The type of the top level, and below it the type itself."""
    top, _, below = name.partition("/")
    kinds = [{"id": top, "words": type_words(top)}]
    if below:
        kinds.append({"id": name, "words": type_words(name).partition(": ")[2]})
    return kinds


def _figures(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"measure": measure, "words": figure_words(measure, figure), **figure}
        for measure in MEASURES
        if (figure := event["casualties"].get(measure))
    ]


def _related(words: str, event_id: str, event: Mapping[str, Any] | None) -> dict[str, Any]:
    """A related event; without a title and a date where it was deleted."""
    shown = {"id": event_id, "words": words, "title": None, "date": None}
    if event is not None:
        shown |= {"title": event["title"], "date": date_words(event["date"])}
    return shown


def _past(asked: Mapping[str, Any], event: Mapping[str, Any], history: History) -> dict[str, Any] | None:
    """What tells that a page shows the past; None where it shows what is known today."""
    if not asked.keys() & {"version", "as_of"}:
        return None
    return {
        "version": event["version"],
        "last": history.last,
        "deleted": history.deleted,
        "as_of": timestamp(asked["as_of"]) if "as_of" in asked else None,
        "is_current": event["version"] == history.last,
    }


def shown_history(
    history: History, names: Mapping[str, str], event_id: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """The steps of a history, each with what it changed, in words; and the way on to older ones."""
    steps = []
    for step in history.steps:
        changed = differences(step.before, step.content, names) if step.before and step.content else []
        steps.append({**step.revision.as_json(), "changed": changed, "has_content": step.content is not None})
    moment = f"&as_of={timestamp(asked['as_of'])}" if "as_of" in asked else ""
    shown = f"&version={asked['version']}" if "version" in asked else moment
    return {
        "steps": steps,
        "older": history.following and f"/events/{event_id}?before={history.following}{shown}#history",
        "imported": history.imported,
    }
