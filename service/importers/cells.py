"""Reads single cells of a table, as the dataset and the spreadsheets that it went through write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from schemas.event import TAG_LENGTH, TAGS_LIMIT
from schemas.faults import Fault
from schemas.fields import FIGURE_MAX, TEXT_LIMIT, pointer_step, shorten, unstorable
from service.importers.findings import Findings

# A row's cells by the names of their columns.
Values = Mapping[str, str]

DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?")
COUNT = re.compile(r"([0-9]{1,18})(?:\.0+)?")


def cell(values: Values, name: str) -> str:
    return values.get(name, "").strip()


def code_of(values: Values, name: str) -> str:
    """A coded cell's digit, also as spreadsheets write it (``1.0``)."""
    return cell(values, name).removesuffix(".0")


def cut(text: str, pointer: str, warnings: Findings, longest: int = TEXT_LIMIT) -> str:
    if len(text) <= longest:
        return text
    message = f"The text has {len(text):,} characters; the first {longest:,} are kept."
    warnings.append(Fault(pointer, "text-cut", message))
    return text[:longest]


def tags_of(texts: Iterable[str], pointer: str, warnings: Findings) -> list[str]:
    """The texts, which stand at ``pointer``, as tags: without commas, cut, each once, and no more than an event has."""
    tags: dict[str, None] = {}
    for text in texts:
        if "," in text:
            message = "A tag holds no comma, which separates tags in a query; semicolons stand in the place of commas."
            warnings.append(Fault(pointer, "comma-in-tag", message))
        tag = cut(text.strip().replace(",", ";"), pointer, warnings, TAG_LENGTH).strip()
        if not tag or tag in tags:
            continue
        if len(tags) == TAGS_LIMIT:
            message = f"The record has more than {TAGS_LIMIT} tags; the first {TAGS_LIMIT} are kept."
            warnings.append(Fault(pointer, "tags-cut", message))
            break
        tags[tag] = None
    return list(tags)


def count(values: Values, name: str, faults: Findings) -> int | None:
    """A count of people, also as spreadsheets write it (``3.0``); None where the cell is empty."""
    number = whole_number(values, name, faults) if cell(values, name) else None
    if number is not None and number > FIGURE_MAX:
        message = f"{shorten(name)}: {number} is more than {FIGURE_MAX}."
        faults.append(Fault(pointer_step(name), "out-of-range", message))
        return None
    return number


def whole_number(values: Values, name: str, faults: Findings) -> int | None:
    """A whole number from 0 of at most 18 digits; None with a fault where there is none."""
    text = cell(values, name)
    match = COUNT.fullmatch(text)
    if match is None:
        code = "not-a-number" if text else "missing"
        shown = f"'{text[:40]}' is not a whole number from 0." if text else "There is none."
        faults.append(Fault(pointer_step(name), code, f"{shorten(name)}: {shown}"))
        return None
    return int(match[1])


def point_of(
    values: Values,
    faults: Findings,
    warnings: Findings,
    columns: tuple[str, str] = ("latitude", "longitude"),
) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees, WGS 84; both or neither."""
    found: list[float | None] = []
    for name, limit in zip(columns, (90, 180), strict=True):
        text, pointer, shown = cell(values, name), pointer_step(name), shorten(name)
        if not text:
            found.append(None)
        elif DEGREES.fullmatch(text) is None:
            faults.append(Fault(pointer, "not-a-number", f"{shown}: '{text[:40]}' is not a number of degrees."))
        elif abs(float(text)) > limit:
            faults.append(Fault(pointer, "out-of-range", f"{shown}: {text[:40]} is beyond {limit} degrees."))
        else:
            found.append(float(text))
    if len(found) < 2:
        return None, None
    if (found[0] is None) != (found[1] is None):
        name = columns[0] if found[0] is None else columns[1]
        message = f"There is no {shorten(name)}; the other coordinate is left out."
        warnings.append(Fault(pointer_step(name), "missing", message))
        return None, None
    return found[0], found[1]


def bad_cell(original: Values) -> Fault | None:
    """The fault of a row that no engine can keep, with the column where it stands."""
    # Of nearly all rows nothing more is looked at than all their texts at once.
    if unstorable("".join((*original, *original.values()))) is None:
        return None
    return next(found for name, text in original.items() if (found := bad_text(pointer_step(name), name + text)))


def bad_text(pointer: str, text: str) -> Fault | None:
    """The fault of a text, which stands at ``pointer``, that no engine can keep."""
    reason = unstorable(text)
    return Fault(pointer, "bad-character", f"The text {reason}; it cannot be stored.") if reason else None
