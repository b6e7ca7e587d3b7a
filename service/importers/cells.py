"""Reads single cells of a table, as the dataset and the spreadsheets that it went through write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from schemas.faults import Fault

# A row's cells by the names of their columns.
Values = Mapping[str, str]

# The bounds of an event's texts and figures.
MAX_TEXT = 500
MAX_FIGURE = 10**9

DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?")
COUNT = re.compile(r"([0-9]{1,18})(?:\.0+)?")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def cell(values: Values, name: str) -> str:
    return values.get(name, "").strip()


def code_of(values: Values, name: str) -> str:
    """A coded cell's digit, also as spreadsheets write it (``1.0``)."""
    return cell(values, name).removesuffix(".0")


def cut(text: str, pointer: str, warnings: list[Fault], longest: int = MAX_TEXT) -> str:
    if len(text) <= longest:
        return text
    message = f"The text has {len(text):,} characters; the first {longest:,} are kept."
    warnings.append(Fault(pointer, "text-cut", message))
    return text[:longest]


def count(values: Values, name: str, faults: list[Fault], *, required: bool = False) -> int | None:
    """A whole number from 0, also as spreadsheets write it (``3.0``); None where the cell is empty."""
    text = cell(values, name)
    if not text and not required:
        return None
    match = COUNT.fullmatch(text)
    if match is None:
        code = "not-a-number" if text else "missing"
        shown = f"'{text[:40]}' is not a whole number from 0." if text else "There is none."
        faults.append(Fault(f"/{name}", code, f"{name}: {shown}"))
        return None
    number = int(match[1])
    if name != "id" and number > MAX_FIGURE:
        faults.append(Fault(f"/{name}", "out-of-range", f"{name}: {number} is more than {MAX_FIGURE}."))
        return None
    return number


def point_of(
    values: Values,
    faults: list[Fault],
    warnings: list[Fault],
    columns: tuple[str, str] = ("latitude", "longitude"),
) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees, WGS 84; both or neither."""
    found: list[float | None] = []
    for name, limit in zip(columns, (90, 180), strict=True):
        text = cell(values, name)
        if not text:
            found.append(None)
        elif DEGREES.fullmatch(text) is None:
            faults.append(Fault(f"/{name}", "not-a-number", f"{name}: '{text[:40]}' is not a number of degrees."))
        elif abs(float(text)) > limit:
            faults.append(Fault(f"/{name}", "out-of-range", f"{name}: {text} is beyond {limit} degrees."))
        else:
            found.append(float(text))
    if len(found) < 2:
        return None, None
    if (found[0] is None) != (found[1] is None):
        name = columns[0] if found[0] is None else columns[1]
        warnings.append(Fault(f"/{name}", "missing", f"There is no {name}; the other coordinate is left out."))
        return None, None
    return found[0], found[1]


def unstorable(original: Values) -> Fault | None:
    """The fault of a row that no engine can keep, with the column where it stands."""
    if not UNSTORABLE.search("".join((*original, *original.values()))):
        return None
    name = next((name for name, text in original.items() if UNSTORABLE.search(text)), "")
    return Fault(pointer_to(name), "bad-character", "A NUL or half a surrogate pair cannot be stored.")


def pointer_to(column: str) -> str:
    """The pointer to a column, whatever its name: in RFC 6901 a tilde and a slash are escaped."""
    return "/" + UNSTORABLE.sub("\ufffd", column).replace("~", "~0").replace("/", "~1")
