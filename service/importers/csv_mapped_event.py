"""Turns one row of somebody's table into an event, as a mapping file says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.event import STATEMENT_LIMIT, SUMMARY_LIMIT
from schemas.faults import Fault
from schemas.fields import TEXT_LIMIT, near, pointer_step, shorten
from schemas.names import form
from service.importers.cells import Values, bad_cell, count, cut, point_of, tags_of
from service.importers.csv_mapping import FIGURES, Entry, Source, TableMapping
from service.importers.findings import Findings
from service.importers.place_names import country_named, province_named, unknown_country
from service.importers.record import Record, digest, event_id, rejected

LONGEST = {"summary": SUMMARY_LIMIT, "statement": STATEMENT_LIMIT}
# What a pattern of strptime must hold for a date to be known to the minute, the day and the month.
MINUTES = ("%M",)
DAYS = ("%d", "%j")
MONTHS = ("%m", "%b", "%B")


def event_of(line: int, raw: str, original: Values, mapping: TableMapping) -> Record:
    """The row's record. Faults and warnings point to its columns, by the names of the header."""
    if fault := bad_cell(original):
        return rejected(line, raw, fault, original)
    row = _Row(original, mapping)
    event = row.event()
    if row.faults:
        return Record(line, raw, original, None, (), tuple(row.faults), tuple(row.warnings))
    return Record(line, raw, original, event, tuple(row.actors.values()), (), tuple(row.warnings))


@dataclass(slots=True)
class _Row:
    """A row while it is read. actors: what is known of those that it names, by name."""

    cells: Values
    mapping: TableMapping
    faults: Findings = field(default_factory=Findings)
    warnings: Findings = field(default_factory=Findings)
    actors: dict[str, dict[str, Any]] = field(default_factory=dict)

    def event(self) -> dict[str, Any]:
        fields = self.mapping.fields
        event: dict[str, Any] = {"id": self._id()}
        for name in ("title", "summary", "type", "status"):
            if name in fields and (text := self._text(fields[name], LONGEST.get(name, TEXT_LIMIT))) is not None:
                event[name] = text
        event["date"] = self._date(fields["date"])
        if "title" not in event:
            self._missing(fields["title"])
        if event["date"] is None:
            self._missing(fields["date"])
        event["location"] = self._location()
        event["actors"] = list(self._participants())
        event["sources"] = [source for entry in self.mapping.sources if (source := self._reference(entry))]
        refs = {source.get("ref") for source in event["sources"]}
        event["claims"] = [claim for entry in self.mapping.claims if (claim := self._claim(entry, refs))]
        if "tags" in fields:
            event["tags"] = tags_of(self._several(fields["tags"], ","), _pointer(fields["tags"]), self.warnings)
        return event

    def _missing(self, source: Source) -> None:
        self._fault(source, "missing", f"There is none; {source.key} needs one.")

    def _fault(self, source: Source, code: str, message: str, suggestions: tuple[str, ...] = ()) -> None:
        self.faults.append(Fault(_pointer(source), code, message, suggestions))

    def _id(self) -> str:
        """The row's own id behind the dataset's, or one made of its cells, however these were written."""
        dataset = self.mapping.dataset
        source = self.mapping.fields.get("id")
        if source is None:
            cells = (cell.replace("\r\n", "\n").strip() for cell in self.cells.values())
            return event_id(dataset, digest(chr(31).join(cells)))
        own = self._text(source)
        if own is None:
            self._missing(source)
            return dataset
        return event_id(dataset, own)

    def _whole(self, source: Source) -> str:
        texts = (self.cells[column].strip() for column in source.columns)
        return source.between.join(text for text in texts if text)

    def _translated(self, source: Source, text: str) -> str | None:
        """What a text stands for; None where that is nothing."""
        if source.values is not None and text:
            found = source.values.get(text.lower(), source.default)
            if found is None and not self.faults.again(_pointer(source), "unknown-value"):
                message = f"{shorten(text, 40)!r} is not among the values of {source.key}."
                known = near(text, source.values) or tuple(source.values)[:5]
                self._fault(source, "unknown-value", message, known)
            return found or None
        return text or source.default or None

    def _text(self, source: Source, longest: int = TEXT_LIMIT) -> str | None:
        if source.constant is not None:
            return source.constant or None
        text = self._translated(source, self._whole(source))
        return text and cut(text, _pointer(source), self.warnings, longest)

    def _several(self, source: Source, separator: str | None) -> Iterator[str]:
        """The texts of a cell that holds several."""
        if source.constant is not None:
            yield from source.constant.split(separator) if separator else [source.constant]
            return
        whole, divider = self._whole(source), source.separator or separator
        for part in whole.split(divider) if divider else [whole]:
            if text := self._translated(source, part.strip()):
                yield text

    def _date(self, source: Source) -> str | None:
        if source.constant is not None:
            return source.constant or None
        first = self._day(source)
        last = self._day(source.end) if source.end else None
        if last is None or first == last:
            return first
        return f"{first or '..'}/{last}"

    def _day(self, source: Source) -> str | None:
        text = self._translated(source, self._whole(source))
        if text is None or not source.formats:
            # As it stands: the event's schema knows what dates look like.
            return text
        for pattern in source.formats:
            try:
                return _dated(datetime.strptime(text, pattern), pattern)
            except ValueError:
                continue
        patterns = " or ".join(map(repr, source.formats))
        self._fault(source, "not-a-date", f"{shorten(text, 40)!r} is no date of the form {patterns}.")
        return text

    def _location(self) -> dict[str, Any] | None:
        fields = self.mapping.fields
        names = ("country", "province", "district", "place", "place_precision", "as_given")
        given = {name: self._text(fields[name]) for name in names if name in fields}
        latitude, longitude = self._point()
        # A precision says how well a place is known, and is none by itself.
        if latitude is None and not any(text for name, text in given.items() if name != "place_precision"):
            return None
        unresolved: list[str] = []
        country = self._country(given.get("country"), unresolved)
        province = self._province(given.get("province"), country, unresolved)
        as_given = given.get("as_given") or ", ".join(unresolved) or None
        return {
            "country": country,
            "province": {"code": province} if province else None,
            "district": given.get("district"),
            "place": given.get("place"),
            "latitude": latitude,
            "longitude": longitude,
            "precision": given.get("place_precision"),
            "as_given": as_given and cut(as_given, self._where_unresolved(), self.warnings),
        }

    def _where_unresolved(self) -> str:
        """The pointer to what says in words where it was."""
        fields = self.mapping.fields
        return next(_pointer(fields[name]) for name in ("as_given", "province", "country") if name in fields)

    def _country(self, name: str | None, unresolved: list[str]) -> str | None:
        code = country_named(name) if name else None
        if name and code is None:
            self.warnings.append(unknown_country(name, _pointer(self.mapping.fields["country"])))
            unresolved.append(name)
        return code

    def _province(self, name: str | None, country: str | None, unresolved: list[str]) -> str | None:
        if not name:
            return None
        code, warning = province_named(name, country, _pointer(self.mapping.fields["province"]))
        if warning is not None:
            self.warnings.append(warning)
            # The province stands before its country, which was found or is in the list already.
            unresolved.insert(0, name)
        return code

    def _point(self) -> tuple[float | None, float | None]:
        fields = self.mapping.fields
        texts = {name: self._text(fields[name]) or "" for name in ("latitude", "longitude") if name in fields}
        faults, warnings = Findings(), Findings()
        point = point_of({name: self._decimal(text) for name, text in texts.items()}, faults, warnings)
        for found, kept in ((faults, self.faults), (warnings, self.warnings)):
            for fault in found:
                # Of a coordinate that the mapping does not have, the column of the other tells.
                name = fault.pointer[1:] if fault.pointer[1:] in fields else next(iter(texts))
                kept.append(fault.moved(_pointer(fields[name])))
        return point

    def _decimal(self, text: str) -> str:
        return text.replace(self.mapping.decimal, ".") if self.mapping.decimal != "." else text

    def _participants(self) -> Iterator[dict[str, str]]:
        seen = set()
        for entry in self.mapping.actors:
            role, source = entry.plain.get("role", "participant"), entry.taken["name"]
            for text in self._several(source, None):
                name = cut(text, _pointer(source), self.warnings)
                if (form(name), role) not in seen:
                    seen.add((form(name), role))
                    self.actors.setdefault(name, _known_actor(name, entry.plain.get("kind")))
                    yield {"name": name, "role": role}

    def _reference(self, entry: Entry) -> dict[str, Any] | None:
        """A source of the row; None where nothing is said of it."""
        found = {
            name: self._date(source) if name == "published" else self._text(source)
            for name, source in entry.taken.items()
        }
        if not any(found.values()):
            return None
        return {**found, **entry.plain}

    def _claim(self, entry: Entry, refs: set[Any]) -> dict[str, Any] | None:
        """A claim of the row; None where it has neither a figure nor a statement."""
        taken = entry.taken
        claim: dict[str, Any] = {name: self._figure(taken[name]) for name in FIGURES if name in taken}
        if "statement" in taken:
            claim["statement"] = self._text(taken["statement"], LONGEST["statement"])
        if all(value is None for value in claim.values()):
            return None
        if "of" in taken:
            claim["of"] = self._text(taken["of"])
        if "claimant" in taken and (claimant := self._text(taken["claimant"])):
            claim["claimant"] = {"name": claimant}
        plain = dict(entry.plain)
        if plain.get("source") not in refs:
            # The row names no such source.
            plain.pop("source", None)
        return {**claim, **plain}

    def _figure(self, source: Source) -> int | None:
        name = source.columns[0] if source.columns else source.key
        return count({name: self._decimal(self._text(source) or "")}, name, self.faults)


def _pointer(source: Source) -> str:
    columns = source.columns or (source.end.columns if source.end else ())
    return pointer_step(columns[0]) if columns else "/"


def _dated(moment: datetime, pattern: str) -> str:
    """A date, no finer than the pattern that it was read by."""
    if any(mark in pattern for mark in MINUTES):
        return moment.isoformat(timespec="minutes")
    if any(mark in pattern for mark in DAYS):
        return moment.date().isoformat()
    return f"{moment:%Y-%m}" if any(mark in pattern for mark in MONTHS) else f"{moment:%Y}"


def _known_actor(name: str, kind: str | None) -> dict[str, Any]:
    return {"name": name, "kind": kind, "external_ids": {}, "aliases": []}
