"""How single values stand in the cells of a flat table, and how these are read: each kind is a pair of functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.faults import Refused, unreadable
from schemas.fields import shorten
from schemas.strict_json import DEPTH_MAX, refuse_deep
from schemas.vocabulary import RELATIONS, ROLES

# A spreadsheet takes a cell that begins so for a formula, or for the mark of a text.
GUARDED = frozenset("=+-@\t\r'")
# A place of which nothing is known is still a place; its precision says so, since all its cells are empty.
NOTHING_KNOWN = "unknown"

_COUNT = re.compile(r"([0-9]{1,18})(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
_ITEM = re.compile(r'\s*+(?:"((?:[^"]|"")*)"\s*|([^;"][^;]*)?)(;|\Z)')


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of cell.

    write: a value as the cell shows it. read: the text of a cell as a value of a body; raises Unreadable. Neither sees
    null and the empty list, which are empty cells. keeps_spaces: whether one of white space alone is a value.
    """

    write: Callable[[Any], Any]
    read: Callable[[str], Any]
    keeps_spaces: bool = False


def guarded(text: str) -> str:
    """A text as a cell. The empty text is a lone apostrophe: few programs tell quotes around nothing from nothing."""
    return "'" + text if not text or text[0] in GUARDED else text


def unguarded(cell: str) -> str:
    """The text that a cell which is not empty stands for."""
    return cell[1:] if cell[0] == "'" else cell


def figure(cell: str) -> int:
    """A whole number from 0, also as spreadsheets write it (``8.0``)."""
    found = _COUNT.fullmatch(cell.strip())
    if found is None:
        raise unreadable("not-a-number", f"{shorten(cell, 40)!r} is not a whole number from 0")
    return int(found[1])


def number(cell: str) -> float:
    """A number with a point before its decimals."""
    if not _NUMBER.fullmatch(cell.strip()):
        raise unreadable("not-a-number", f"{shorten(cell, 40)!r} is not a number with a point before its decimals")
    return float(cell)


def truth(cell: str) -> bool:
    """true or false, also as spreadsheets write them (``TRUE``, ``1``)."""
    found = _TRUTHS.get(cell.strip().lower())
    if found is None:
        raise unreadable("wrong-type", f"{shorten(cell, 40)!r} is neither true nor false")
    return found


def json_list(cell: str) -> Any:
    """The JSON of a cell, for the event's schema to judge."""
    try:
        value = orjson.loads(cell)
        # Few cells hold as many brackets as it takes to be too deep.
        if cell.count("[") + cell.count("{") > DEPTH_MAX:
            refuse_deep(value)
    except orjson.JSONDecodeError as error:
        message = f"{shorten(cell, 40)!r} is not JSON: {error.msg}, at character {error.pos + 1}"
        raise unreadable("not-json", message) from None
    except Refused as refused:
        raise unreadable(refused.faults[0].code, refused.faults[0].message) from None
    return value


def joined(items: Iterable[str]) -> str:
    """Texts in one cell, with semicolons between them; one that could be read otherwise stands in quotes."""
    return "; ".join(_quoted(item) if _needs_quotes(item) else item for item in items)


def _needs_quotes(item: str) -> bool:
    return not item or ";" in item or item[0] == '"' or item != item.strip()


def _quoted(item: str) -> str:
    return '"' + item.replace('"', '""') + '"'


def parted(cell: str) -> list[str]:
    """The texts of a cell that ``joined`` wrote, or a person. A semicolon at its end begins no other text."""
    if '"' not in cell:
        items = [item.strip() for item in cell.split(";")]
    else:
        items = []
        end = 0
        while end < len(cell) or cell[end - 1 : end] == ";":
            found = _ITEM.match(cell, end)
            if found is None:
                raise unreadable("wrong-form", "the quotes around one of the texts between semicolons do not pair up")
            items.append((found[2] or "").strip() if found[1] is None else found[1].replace('""', '"'))
            end = found.end()
            if not found[3]:
                break
    if len(items) > 1 and not items[-1] and cell.rstrip().endswith(";"):
        items.pop()
    return items


def _participants(actors: Sequence[Mapping[str, str]]) -> str:
    return "; ".join(f"{actor['id']}:{actor['role']}" for actor in actors)


def _read_participants(cell: str) -> list[dict[str, str]]:
    found = []
    for item in parted(cell):
        actor, colon, role = item.rpartition(":")
        if not colon:
            found.append({"id": item})
        elif role.strip() in ROLES:
            found.append({"id": actor.strip(), "role": role.strip()})
        else:
            message = f"{shorten(item, 40)!r} names no role behind its colon; write actor:role, as in 'taliban:side-a'"
            raise unreadable("unknown-value", message, ROLES)
    return found


def _texts(texts: Iterable[str]) -> str:
    return guarded(joined(texts))


def _read_texts(cell: str) -> list[str]:
    return parted(unguarded(cell))


def _relations(related: Sequence[Mapping[str, str]]) -> str:
    return "; ".join(f"{relation['id']}:{relation['relation']}" for relation in related)


def _read_relations(cell: str) -> list[dict[str, str]]:
    found = []
    for item in parted(cell):
        event, colon, relation = item.rpartition(":")
        if not colon or relation.strip() not in RELATIONS:
            message = f"{shorten(item, 40)!r} is no relation; write event:relation, as in 'us-withdrawal:follows'"
            raise unreadable("unknown-value", message, RELATIONS)
        found.append({"id": event.strip(), "relation": relation.strip()})
    return found


def _precision(location: Mapping[str, Any]) -> str:
    precision: str | None = location["precision"]
    return precision or ("" if any(part is not None for part in location.values()) else NOTHING_KNOWN)


TEXT = Cell(guarded, unguarded, keeps_spaces=True)
# Ids, dates and words of the vocabulary: none of them begins with what must be guarded.
WORD = Cell(str, str.strip)
NUMBER = Cell(repr, number)
FIGURE = Cell(str, figure)
TRUTH = Cell(lambda value: "true" if value else "false", truth)
JSON = Cell(lambda value: orjson.dumps(value).decode(), json_list)
PARTICIPANTS = Cell(_participants, _read_participants)
NAMES = Cell(lambda actors: _texts(actor["name"] for actor in actors), _read_texts)
TEXTS = Cell(_texts, _read_texts)
RELATIONS_CELL = Cell(_relations, _read_relations)
PROVINCE = Cell(lambda province: province["code"], str.strip)
PROVINCE_NAME = Cell(lambda province: guarded(province["name"]), unguarded)
PLACE_PRECISION = Cell(_precision, str.strip)
