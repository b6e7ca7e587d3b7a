"""Turns one slide of TimelineJS into an event."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from schemas.date_words import date_words
from schemas.event import SUMMARY_LIMIT
from schemas.faults import Fault, Refused
from schemas.fields import TEXT_LIMIT, kind_of, pointer_step, shorten
from schemas.strict_json import refuse_deep
from service.importers.cells import bad_text, cut, tags_of
from service.importers.findings import Findings
from service.importers.record import Record, digest, event_id
from service.importers.timelinejs_dates import as_displayed, date_of, is_blank
from service.importers.timelinejs_slide import ERA, Slide
from service.importers.timelinejs_text import one_line, plain, web_address

DATASET = "timelinejs"
# Characters that an address may not have as they stand.
_UNSAFE = re.compile(r"[\s<>\"]")


def event_of(slide: Slide) -> Record:
    """The record of one slide. All of a slide's faults are found; in a sheet they point at its columns."""
    faults = Findings()
    warnings = Findings()
    event, original = None, slide.original
    if not isinstance(slide.value, Mapping):
        faults.append(Fault("", "wrong-type", f"A slide is an object, not {kind_of(slide.value)}."))
    elif wrong := _unkeepable(slide.value):
        faults, original = Findings(wrong), None
    else:
        event = _event(slide.value, slide.kind == ERA, faults, warnings)
    here = [[_at_column(fault, slide.columns) for fault in found] for found in (faults, warnings)]
    return Record(slide.line, slide.raw, original, None if faults else event, (), tuple(here[0]), tuple(here[1]))


def headline_of(value: Any) -> str:
    """The headline of a slide as it is told in messages; empty where it has none."""
    text = value.get("text") if isinstance(value, Mapping) else value
    headline = text.get("headline") if isinstance(text, Mapping) else text
    return shorten(one_line(headline)) if isinstance(headline, str) else ""


def _event(slide: Mapping[str, Any], is_era: bool, faults: Findings, warnings: Findings) -> dict[str, Any] | None:
    date = date_of(slide, is_era, faults, warnings)
    text = _object(slide, "text", faults)
    media = _object(slide, "media", faults)
    headline = _text(text, "headline", "/text", faults)
    body = _text(text, "text", "/text", faults)
    address, credit, caption = (_text(media, name, "/media", faults) for name in ("url", "credit", "caption"))
    group = _text(slide, "group", "", faults)
    own = _text(slide, "unique_id", "", faults)
    if faults or date is None:
        return None
    embedded = plain(address)
    shown = _displayed(slide)
    date = as_displayed(date, shown)
    return {
        "id": event_id(DATASET, _own_id(own) or digest(canonical(slide))),
        "title": _title(headline, shown or date_words(date), warnings),
        "summary": _summary(body, embedded.text if embedded.marked else "", warnings),
        "date": date,
        "type": "other",
        "status": "reported",
        "location": None,
        "actors": [],
        "claims": [],
        "sources": _sources(embedded.address or "" if embedded.marked else address, credit, caption, warnings),
        "related": [],
        "tags": _tags(group, is_era, warnings),
        "dataset": DATASET,
    }


def canonical(value: Any) -> str:
    """A slide as JSON in one form: keys in order, and nothing where nothing was given, so that ``""`` is no change."""
    return json.dumps(_without_blanks(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _without_blanks(value: Any) -> Any:
    if isinstance(value, Mapping):
        parts = {key: _without_blanks(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if not is_blank(part)}
    return [_without_blanks(part) for part in value] if isinstance(value, list) else value


def _own_id(own: str) -> str:
    """The id of a slide, from which one that Dateline gave and exported comes out as it was."""
    return own.strip().removeprefix(f"{DATASET}-")


# What cannot be kept


def _unkeepable(slide: Mapping[str, Any]) -> list[Fault]:
    """The faults of a slide that no store can hold as it is."""
    try:
        refuse_deep(slide)
    except Refused as refused:
        return list(refused.faults)
    waiting: list[tuple[str, Any]] = [("", slide)]
    while waiting:
        pointer, value = waiting.pop()
        if isinstance(value, str) and (found := bad_text(pointer, value)):
            return [found]
        inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        for key, part in inner:
            waiting += [(pointer + pointer_step(key), part), (pointer + pointer_step(key), key)]
    return []


def _at_column(fault: Fault, columns: Mapping[str, str]) -> Fault:
    return replace(fault, pointer=columns.get(fault.pointer, fault.pointer)) if columns else fault


# Members of a slide


def _object(slide: Mapping[str, Any], name: str, faults: Findings) -> Mapping[str, Any]:
    value = slide.get(name)
    if isinstance(value, Mapping):
        return value
    if not is_blank(value):
        faults.append(Fault(f"/{name}", "wrong-type", f"{name} must be an object, not {kind_of(value)}."))
    return {}


def _text(part: Mapping[str, Any], name: str, pointer: str, faults: Findings) -> str:
    """A text; a number counts as its digits, and what is left out or null as no text."""
    value = part.get(name)
    if is_blank(value):
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        faults.append(Fault(f"{pointer}/{name}", "wrong-type", f"{name} must be a text, not {kind_of(value)}."))
        return ""
    return str(value)


# Words


def _displayed(slide: Mapping[str, Any]) -> str:
    """The date in the slide's own words, if it has any."""
    start = slide.get("start_date")
    told = (slide.get("display_date"), start.get("display_date") if isinstance(start, Mapping) else None)
    return next((words for text in told if isinstance(text, str) and (words := one_line(text))), "")


def _title(headline: str, shown: str, warnings: Findings) -> str:
    """The headline, or else the date in words."""
    title = one_line(headline)
    if not title:
        title = shown
        message = f"There is no headline; the title is the date, '{shorten(shown)}'."
        warnings.append(Fault("/text/headline", "missing", message))
    return cut(title, "/text/headline", warnings)


def _summary(body: str, quoted: str, warnings: Findings) -> str | None:
    """The text, and what the media say where they are no address but words, such as a quotation."""
    text = "\n\n".join(part for part in (plain(body).text, quoted) if part)
    return cut(text, "/text/text", warnings, SUMMARY_LIMIT) or None


def _sources(address: str, credit: str, caption: str, warnings: Findings) -> list[dict[str, Any]]:
    """The media of the slide as a source: whose they are, what they show, and where they are."""
    url = web_address(address) if address else None
    if url:
        url = _UNSAFE.sub(lambda found: quote(found.group()), url)
    if address and (url is None or len(url) > TEXT_LIMIT):
        why = f"has {len(url):,} characters" if url else "does not begin with http:// or https://"
        message = f"The address of the media {why}; it is left out."
        warnings.append(Fault("/media/url", "address-left-out", message))
        url = None
    publisher = cut(one_line(credit), "/media/credit", warnings) or None
    title = cut(one_line(caption), "/media/caption", warnings) or None
    if not (url or publisher or title):
        return []
    media = {"ref": "media", "publisher": publisher, "title": title, "url": url, "published": None, "via": None}
    return [media]


def _tags(group: str, is_era: bool, warnings: Findings) -> list[str]:
    return tags_of(("era" if is_era else "", one_line(group)), "/group", warnings)
