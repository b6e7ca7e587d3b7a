"""Reads a mapping file: in TOML, which columns of somebody's table are what of an event."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from schemas.fields import ID_FORM, ID_PATTERN, kind_of, near, shorten
from schemas.vocabulary import ACTOR_KINDS, EVENT_TYPES, MEASURES, PLACE_PRECISIONS, ROLES, STANCES, STATUSES

DELIMITERS = (",", ";", "\t", "|")
DECIMALS = (".", ",")
TOP = ("dataset", "title", "licence", "citation", "delimiter", "decimal", "fields", "actors", "claims", "sources")
FIELDS = (
    "id",
    "title",
    "summary",
    "date",
    "type",
    "status",
    "country",
    "province",
    "district",
    "place",
    "latitude",
    "longitude",
    "place_precision",
    "as_given",
    "tags",
)
NEEDED = ("title", "date")
# What each entry of a list says in plain words, and what it takes from columns.
PLAIN = {"actors": ("role", "kind"), "claims": ("measure", "stance", "source", "preferred"), "sources": ("ref",)}
TAKEN = {
    "actors": ("name",),
    "claims": ("low", "best", "high", "of", "claimant", "statement"),
    "sources": ("publisher", "title", "url", "published", "via"),
}
FIGURES = ("low", "best", "high")
WORDS: Mapping[str, Sequence[str]] = {
    "type": tuple(EVENT_TYPES),
    "status": STATUSES,
    "place_precision": PLACE_PRECISIONS,
    "role": ROLES,
    "kind": ACTOR_KINDS,
    "measure": MEASURES,
    "stance": STANCES,
}
DATES = ("date", "published")
VALUE = ("column", "columns", "between", "constant", "values", "default")


class UnusableMapping(Exception):
    """A mapping file that cannot be used; its message says what is wrong with it, a line for each thing."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from.

    key: where the mapping says so. columns: whose texts make it, with ``between`` between them. constant: what it is in
    every row. values: what stands for what, by the text in lower case. default: what it is where there is nothing, or
    nothing that ``values`` has. formats: of dates, as strptime has them. separator: between several values. end: of
    dates, where the last day comes from.
    """

    key: str
    columns: tuple[str, ...] = ()
    between: str = " "
    constant: str | None = None
    values: Mapping[str, str] | None = None
    default: str | None = None
    formats: tuple[str, ...] = ()
    separator: str | None = None
    end: Source | None = None

    def named(self) -> Iterable[tuple[str, str]]:
        """Each column that is named, with the key that names it."""
        yield from ((column, self.key) for column in self.columns)
        if self.end:
            yield from self.end.named()


@dataclass(frozen=True, slots=True)
class Entry:
    """An actor, claim or source of each row: what its mapping says in plain words, and what comes from columns."""

    plain: Mapping[str, Any]
    taken: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class TableMapping:
    """A whole mapping file. dataset: the id of the dataset that the events are of; the ids of events begin with it."""

    dataset: str
    title: str
    licence: str | None
    citation: str | None
    delimiter: str
    decimal: str
    fields: Mapping[str, Source]
    actors: tuple[Entry, ...]
    claims: tuple[Entry, ...]
    sources: tuple[Entry, ...]

    def named(self) -> list[tuple[str, str]]:
        """Each column that the mapping names, with the key that names it."""
        entries = (entry for entries in (self.actors, self.claims, self.sources) for entry in entries)
        taken = (source for entry in entries for source in entry.taken.values())
        return [pair for source in (*self.fields.values(), *taken) for pair in source.named()]


def read_mapping(path: Path) -> TableMapping:
    """The mapping in a file. Raises UnusableMapping, with everything that is wrong with it."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        data = tomllib.loads(text.replace("\r\n", "\n"))
    except OSError as error:
        raise UnusableMapping(str(error.strerror)) from None
    except UnicodeDecodeError as error:
        raise UnusableMapping(f"it is not UTF-8 (its byte {error.start + 1})") from None
    except tomllib.TOMLDecodeError as error:
        raise UnusableMapping(f"it is not TOML: {error}") from None
    reader = _Reader()
    mapping = reader.mapping(data)
    if reader.troubles:
        raise UnusableMapping("\n".join(reader.troubles))
    return mapping


class _Reader:
    """Takes the tables of a mapping apart and keeps what is wrong with them."""

    def __init__(self) -> None:
        self.troubles: list[str] = []

    def mapping(self, data: Mapping[str, Any]) -> TableMapping:
        self._known(data, "", TOP)
        dataset = self._text(data, "dataset", "dataset") or ""
        if not ID_FORM.match(dataset):
            self._wrong("dataset", f"must be there, be what the events' ids begin with, and match {ID_PATTERN}")
        fields = self._table(data.get("fields", {}), "fields")
        self._known(fields, "fields", FIELDS)
        sources = {name: self._source(fields[name], f"fields.{name}", name) for name in FIELDS if name in fields}
        for name in NEEDED:
            if name not in fields:
                self._wrong(f"fields.{name}", "is missing; every event needs one")
        mapping = TableMapping(
            dataset,
            self._text(data, "title", "title") or dataset,
            self._text(data, "licence", "licence"),
            self._text(data, "citation", "citation"),
            self._choice(data, "delimiter", "delimiter", DELIMITERS) or ",",
            self._choice(data, "decimal", "decimal", DECIMALS) or ".",
            sources,
            *(self._entries(data, name) for name in ("actors", "claims", "sources")),
        )
        self._judge(mapping)
        return mapping

    def _judge(self, mapping: TableMapping) -> None:
        """What entries need of each other."""
        for place, entry in enumerate(mapping.actors, 1):
            if "name" not in entry.taken:
                self._wrong(f"actors[{place}].name", "is missing; it says which column names the actor")
        for place, entry in enumerate(mapping.claims, 1):
            figures = [name for name in FIGURES if name in entry.taken]
            if figures and "measure" not in entry.plain:
                self._wrong(f"claims[{place}].measure", f"is missing; it says what is counted: {', '.join(MEASURES)}")
            if not figures and "statement" not in entry.taken:
                self._wrong(f"claims[{place}]", "claims nothing; give best, low, high or statement")
        refs = [entry.plain["ref"] for entry in mapping.sources if "ref" in entry.plain]
        for ref in sorted({ref for ref in refs if refs.count(ref) > 1}):
            self._wrong("sources", f"two have the ref {ref!r}")
        for place, entry in enumerate(mapping.claims, 1):
            if (source := entry.plain.get("source")) is not None and source not in refs:
                self._wrong(
                    f"claims[{place}].source", f"{source!r} is the ref of none of the sources", near(source, refs)
                )

    def _entries(self, data: Mapping[str, Any], name: str) -> tuple[Entry, ...]:
        listed = data.get(name, [])
        if not isinstance(listed, list):
            self._wrong(name, f"must be a list of tables; begin each with [[{name}]]")
            return ()
        return tuple(self._entry(name, f"{name}[{place}]", given) for place, given in enumerate(listed, 1))

    def _entry(self, kind: str, key: str, given: Any) -> Entry:
        table = self._table(given, key)
        self._known(table, key, (*PLAIN[kind], *TAKEN[kind]))
        plain: dict[str, Any] = {}
        for name in PLAIN[kind]:
            if name == "preferred" and name in table:
                if not isinstance(table[name], bool):
                    self._wrong(f"{key}.{name}", f"must be true or false, not {kind_of(table[name])}")
                plain[name] = table[name]
            elif (text := self._choice(table, name, f"{key}.{name}", WORDS.get(name))) is not None:
                plain[name] = text
        taken = {name: self._source(table[name], f"{key}.{name}", name) for name in TAKEN[kind] if name in table}
        return Entry(plain, taken)

    def _source(self, given: Any, key: str, name: str) -> Source:
        """A value: the name of a column, or a table that says more."""
        if isinstance(given, str):
            return Source(key, (given,))
        table = self._table(given, key)
        if name in DATES and ("start" in table or "end" in table):
            self._known(table, key, ("start", "end", "format"))
            formats = self._formats(table, key)
            start, end = (self._text(table, side, f"{key}.{side}") for side in ("start", "end"))
            last = Source(f"{key}.end", (end,) if end else (), formats=formats)
            return Source(f"{key}.start", (start,) if start else (), formats=formats, end=last)
        special = {"tags": ("separator",), "name": ("separator",)}.get(name, ("format",) if name in DATES else ())
        self._known(table, key, (*VALUE, *special))
        columns = self._columns(table, key)
        constant = self._word(table, "constant", key, name)
        if bool(columns) == (constant is not None):
            self._wrong(key, "must have either a column (or columns) or a constant")
        return Source(
            key,
            columns,
            self._text(table, "between", f"{key}.between", blank=True) or " ",
            constant,
            self._values(table, key, name),
            self._word(table, "default", key, name),
            self._formats(table, key),
            self._text(table, "separator", f"{key}.separator", blank=True),
        )

    def _columns(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        column = self._text(table, "column", f"{key}.column")
        columns = table.get("columns", [])
        if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
            self._wrong(f"{key}.columns", "must be a list of columns' names")
            return ()
        return (*((column,) if column is not None else ()), *columns)

    def _values(self, table: Mapping[str, Any], key: str, name: str) -> Mapping[str, str] | None:
        if "values" not in table:
            return None
        given = self._table(table["values"], f"{key}.values")
        return {text.strip().lower(): self._word(given, text, f"{key}.values", name) or "" for text in given}

    def _formats(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        given = table.get("format", [])
        formats = [given] if isinstance(given, str) else given
        if not isinstance(formats, list) or not all(isinstance(text, str) for text in formats):
            self._wrong(f"{key}.format", "must be a pattern such as '%d.%m.%Y', or a list of them")
            return ()
        for text in formats:
            try:
                datetime.strptime(datetime(2001, 2, 3, 4, 5).strftime(text), text)
                if "%Y" not in text and "%y" not in text:
                    raise ValueError("it has no year")
            except ValueError as error:
                self._wrong(f"{key}.format", f"{text!r} is no pattern of strptime that says a day: {error}")
        return tuple(formats)

    def _word(self, table: Mapping[str, Any], name: str, key: str, field: str) -> str | None:
        """A value that stands for another: one that the field may have. Numbers and truths are taken as texts."""
        value = table.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return self._choice(table, name, f"{key}.{name}", WORDS.get(field))

    def _choice(self, table: Mapping[str, Any], name: str, key: str, words: Sequence[str] | None) -> str | None:
        text = self._text(table, name, key, blank=True)
        if text and words is not None and text not in words:
            shown = ", ".join(map(repr, words)) if len(words) <= 12 else "see /v1/types"
            self._wrong(key, f"{shorten(text, 40)!r} is not one of the allowed values: {shown}", near(text, words))
        return text

    def _text(self, table: Mapping[str, Any], name: str, key: str, blank: bool = False) -> str | None:
        value = table.get(name)
        if value is not None and (not isinstance(value, str) or not (blank or value.strip())):
            self._wrong(key, "must not be empty" if isinstance(value, str) else f"must be a text, not {kind_of(value)}")
            return None
        return value

    def _table(self, given: Any, key: str) -> Mapping[str, Any]:
        if isinstance(given, Mapping):
            return given
        self._wrong(key, f"must be a column's name or a table, not {kind_of(given)}")
        return {}

    def _known(self, table: Mapping[str, Any], key: str, names: Sequence[str]) -> None:
        for name in table:
            if name not in names:
                hints = near(name, names) or tuple(names)
                self._wrong(f"{key}.{name}" if key else name, "is not known here", hints)

    def _wrong(self, key: str, message: str, hints: Iterable[str] = ()) -> None:
        told = f" (did you mean {' or '.join(hints)}?)" if hints else ""
        self.troubles.append(f"{key}: {message}{told}")
