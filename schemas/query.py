"""The query of a timeline: one frozen object from the URL to the SQL, and how its texts are read."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import orjson

from schemas.edtf import DateError, parse_date
from schemas.faults import Fault, Unreadable, unreadable
from schemas.fields import ID_FORM, near, shorten, unstorable
from schemas.moments import read_moment
from schemas.names import fold, form
from schemas.text_query import read_text_query

VALUE_LIMIT = 8000
LIST_LIMIT = 100
PARAMETERS_LIMIT = 200
NAMES_LIMIT = 1000  # All lists of a query together.
COMMAS_LIMIT = 2  # In a name that stands in a list with others.
LIMIT_DEFAULT = 100
LIMIT_MAX = 1000
# The forms of an answer; the first is the one in pages.
FORMATS = ("json", "ndjson", "csv", "geojson", "timelinejs", "ics", "atom")
# The limit of an answer that has none: more events than any store can hold, and still a number to every engine.
NO_LIMIT = 2**62
SORTS = ("date", "-date", "updated", "-updated", "relevance")
# The members of an event in the order of its answer: what ``fields`` can choose.
EVENT_MEMBERS = (
    "id",
    "title",
    "summary",
    "date",
    "start",
    "end",
    "precision",
    "qualifier",
    "type",
    "status",
    "location",
    "actors",
    "casualties",
    "claims",
    "sources",
    "related",
    "tags",
    "dataset",
    "version",
    "created",
    "updated",
)

# Filters whose value is every spelling that is stored of the names asked for. Spellings may be added at any time.
SPELT = ("publisher", "claimant")
# A number as JSON and CSV have it.
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class TimelineQuery:
    """What is asked of the timeline, names resolved.

    filters: the value of each filter that was given, by its parameter, in canonical form and ready for JSON.
    limit: NO_LIMIT where all is wanted.
    format: the form of the answer that was asked for, None where nothing was said of it.
    sequence: with ``as_of`` and a cursor, the last change that counted for the pages before: all show the same.
    """

    filters: Mapping[str, Any] = field(default_factory=dict)
    sort: str = "date"
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    fields: tuple[str, ...] | None = None
    total: bool = False
    format: str | None = None
    sequence: int | None = None

    @property
    def as_of(self) -> int | None:
        """The time, in microseconds, at which the answer is to be as it was known; None is now."""
        text = self.filters.get("as_of")
        return None if text is None else read_moment(text)

    @property
    def backwards(self) -> bool:
        """Whether the sort key that is the greatest comes first; what is most relevant has the greatest."""
        return self.sort.startswith("-") or self.sort == "relevance"

    @property
    def offset(self) -> int:
        """How many events stand before the page; only the pages of the order by relevance are counted so."""
        return int(self.cursor or 0)

    @property
    def fingerprint(self) -> bytes:
        """What a cursor is bound to: the filters and the order, not the size or the form of the page.

        Names count by what they compare by, so that a new spelling of one does not end the reading in pages.
        """
        bound = {
            name: sorted({form(text) for text in value}) if name in SPELT else value
            for name, value in self.filters.items()
        }
        return hashlib.blake2b(orjson.dumps([bound, self.sort]), digest_size=8).digest()

    def normalised(self) -> dict[str, Any]:
        """The query as answers repeat it."""
        shown = {**self.filters, "sort": self.sort, "limit": self.limit}
        if self.fields is not None:
            shown["fields"] = list(self.fields)
        if self.total:
            shown["total"] = True
        return shown

    def chosen(self) -> list[tuple[str, str]]:
        """The filters as parameters: each name with its text, several times where each text stands for itself."""
        return [
            (name, text)
            for name, value in self.filters.items()
            for text in _texts(_once_each(value) if name in SPELT else value)
        ]

    def url(self, path: str, cursor: str | None = None) -> str:
        """The address of the page that ``cursor`` leads to, of the first one without."""
        pairs = self.chosen()
        if self.sort != "date":
            pairs.append(("sort", self.sort))
        if self.limit != limit_of(self.format):
            pairs.append(("limit", str(self.limit)))
        if self.fields is not None:
            pairs.append(("fields", ",".join(self.fields)))
        if self.total:
            pairs.append(("total", "true"))
        if self.format is not None:
            pairs.append(("format", self.format))
        if cursor is not None:
            pairs.append(("cursor", cursor))
        return path + "?" + "&".join(f"{name}={quote(text, safe=',/:')}" for name, text in pairs)


def limit_of(form: str | None) -> int:
    """How many events an answer in that form holds where nobody said how many."""
    return LIMIT_DEFAULT if form in (None, FORMATS[0]) else NO_LIMIT


def _once_each(names: Sequence[str]) -> list[str]:
    """One spelling of each name: it stands for all of them, however many there are."""
    return list({form(name): name for name in reversed(names)}.values())[::-1]


def _texts(value: Any) -> list[str]:
    """A filter's value as the texts of its parameter: several where each stands for itself."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, list):
        if value and isinstance(value[0], list):
            return [",".join(group) for group in value]
        return [",".join(_without_commas(str(part)) for part in value)]
    return [str(value)]


def _without_commas(name: str) -> str:
    """A name that a list cannot part in two; names compare without their punctuation, unless they have nothing else."""
    return name.replace(",", " ") if fold(name) else name


def read_pairs(query_string: bytes) -> tuple[dict[str, list[str]], list[Fault]]:
    """The parameters of a URL, each with its values in order, and what no parameter may hold."""
    values: dict[str, list[str]] = {}
    faults: list[Fault] = []
    pieces = [piece for piece in query_string.split(b"&") if piece]
    if len(pieces) > PARAMETERS_LIMIT:
        message = f"the address holds {len(pieces)} parameters; at most {PARAMETERS_LIMIT} are allowed"
        return {}, [Fault("/", "too-many", message)]
    for piece in pieces:
        raw_name, _, raw_value = piece.partition(b"=")
        name = unquote_to_bytes(raw_name.replace(b"+", b" ")).decode("utf-8", "replace")
        pointer = "/" + shorten(name)
        try:
            value = unquote_to_bytes(raw_value.replace(b"+", b" ")).decode("utf-8")
        except UnicodeDecodeError:
            faults.append(Fault(pointer, "not-utf-8", "is not UTF-8 text; percent-encode the bytes of UTF-8"))
            values.setdefault(name, [])
            continue
        if reason := unstorable(value):
            faults.append(Fault(pointer, "unstorable-character", reason))
        elif len(value) > VALUE_LIMIT:
            message = f"has {len(value)} characters; at most {VALUE_LIMIT} are allowed"
            faults.append(Fault(pointer, "too-long", message))
        else:
            values.setdefault(name, []).append(value)
            continue
        values.setdefault(name, [])
    return values, faults


def whole_number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise unreadable("wrong-type", f"{shorten(text)!r} is not a whole number")
        # The length is looked at first: Python refuses to convert thousands of digits.
        if len(digits) > 18 or not low <= int(text) <= high:
            raise unreadable("out-of-range", f"must lie between {low} and {high}")
        return int(text)

    return read


def identifier(text: str) -> str:
    if not ID_FORM.match(text):
        raise unreadable("mangled-cursor", "is not a cursor; take it from `next` as it stands")
    return text


def truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise unreadable("wrong-type", f"must be true or false, not {shorten(text)!r}", ("true", "false"))
    return text == "true"


def choice(choices: Sequence[str], code: str = "unknown-value") -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            allowed = ", ".join(choices) if len(choices) <= 12 else "see the documentation for the list"
            message = f"{shorten(text)!r} is not one of the allowed values: {allowed}"
            raise unreadable(code, message, near(text, choices))
        return text

    return read


def _never(text: str) -> bool:
    return False


def _joined(parts: Sequence[str], start: int) -> Iterator[tuple[int, str]]:
    """What could be one name with commas in it from a part on, the longest first, and where each of them ends."""
    stops = range(min(start + COMMAS_LIMIT + 1, len(parts)), start + 1, -1)
    for stop in (len(parts), *stops) if start == 0 and len(parts) > 1 else stops:
        yield stop, ",".join(parts[start:stop])


def possible_names(text: str) -> set[str]:
    """Everything in a comma list that could be a name, with commas in it or without."""
    parts = text.split(",")
    return {*parts, *(name for start in range(len(parts)) for _, name in _joined(parts, start))}


def split_list(text: str, is_one_name: Callable[[str], bool] = _never) -> list[str]:
    """The members of a comma list as they stand. A text with commas is one where ``is_one_name`` says so.

    That must say so only where the name that it means holds a comma as well: commas do not count when names
    compare, so that otherwise the list ``a,b`` would be the name ``ab``.
    """
    parts = text.split(",")
    members: list[str] = []
    start = 0
    while start < len(parts):
        stop, member = next(
            (found for found in _joined(parts, start) if is_one_name(found[1])), (start + 1, parts[start])
        )
        members.append(member)
        start = stop
    if not all(member.strip() for member in members):
        raise unreadable("blank", "has an empty member; write the values with a comma between them")
    if len(members) > LIST_LIMIT:
        raise unreadable("too-many", f"has {len(members)} members; at most {LIST_LIMIT} are allowed")
    return list(dict.fromkeys(members))


def read_list(text: str, is_one_name: Callable[[str], bool], read: Callable[[str], Sequence[str]]) -> list[str]:
    """What the members of a comma list stand for, each read by itself, every fault told."""
    found: list[str] = []
    faults: list[Fault] = []
    for member in dict.fromkeys(member.strip() for member in split_list(text, is_one_name)):
        try:
            found += read(member)
        except Unreadable as error:
            faults += error.faults
    if faults:
        raise Unreadable(*faults)
    return list(dict.fromkeys(found))


def any_of(read: Callable[[str], str]) -> Callable[[str], list[str]]:
    """The reader of a comma list whose members hold no comma."""
    return lambda text: read_list(text, _never, lambda member: [read(member)])


def one_date(text: str) -> str:
    """An EDTF date that is no interval."""
    if "/" in text:
        raise unreadable("interval", "must be one date; give an interval by from and to, or as period")
    return any_date(text)


def any_date(text: str) -> str:
    """An EDTF date or interval."""
    try:
        parse_date(text)
    except DateError as error:
        raise unreadable(error.code, error.message) from None
    return text


def text(text: str) -> str:
    """What is asked of an event's words, as it was written."""
    read_text_query(text)
    return text


def box(text: str) -> list[float]:
    """``west,south,east,north`` in degrees."""
    parts = [part.strip(" ") for part in text.split(",")]
    # Python would also read other digits, and words such as "nan".
    numbers = [float(part) for part in parts] if all(map(_NUMBER.fullmatch, parts)) else []
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise unreadable("wrong-form", "must be four numbers, west,south,east,north, in degrees")
    west, south, east, north = numbers
    if not (-180 <= west <= 180 and -180 <= east <= 180):
        raise unreadable("out-of-range", "west and east must lie between -180 and 180")
    if not (-90 <= south <= 90 and -90 <= north <= 90):
        raise unreadable("out-of-range", "south and north must lie between -90 and 90")
    if south > north:
        raise unreadable("reversed-range", "south must not lie north of north")
    return numbers


def member_names(text: str) -> tuple[str, ...]:
    """The members of an event to show, in the order of the answer, ``id`` always among them."""
    chosen = any_of(choice(EVENT_MEMBERS, "unknown-field"))(text)
    return tuple(name for name in EVENT_MEMBERS if name in chosen or name == "id")
