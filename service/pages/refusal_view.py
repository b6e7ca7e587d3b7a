"""What is shown of a query that cannot be answered: what is wrong with it, and the views that were perhaps meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.faults import Fault, Refused
from schemas.query import read_pairs
from service.pages.address import Address
from service.pages.filter_words import LABELS
from service.pages.policy import EMBEDDED

# Fields that the form shows at most, and characters that it shows of what was given.
FIELDS = 30
GIVEN_SHOWN = 100


def refusal_view(path: str, query_string: bytes, refused: Refused) -> dict[str, Any]:
    """What the template of a refusal needs: each fault with the addresses of the views that were perhaps meant."""
    values, _ = read_pairs(query_string)
    given = Address(path, tuple((name, text) for name, texts in values.items() for text in texts if name != "cursor"))
    return {
        "faults": [_shown(fault, given) for fault in refused.faults],
        "fields": list(_fields(given, refused.faults)),
        "beginning": path,
        "embedded": path == EMBEDDED,
    }


def _name(fault: Fault) -> str:
    """The parameter that a fault is about."""
    return fault.pointer.removeprefix("/").split("/")[0]


def _shown(fault: Fault, given: Address) -> dict[str, Any]:
    name = _name(fault)
    texts = given.texts(name)
    text = texts[0] if len(texts) == 1 else ""
    return {
        "label": LABELS.get(name, name) or "address",
        "message": fault.message.rstrip(".") + ".",
        "given": text if len(text) <= GIVEN_SHOWN else text[:GIVEN_SHOWN] + "…",
        "meant": [{"words": meant, "at": _meant(fault, given, name, texts, meant)} for meant in fault.suggestions],
        "without": str(given.without(name)) if name and (texts or name == "cursor") else None,
    }


def _meant(fault: Fault, given: Address, name: str, texts: Sequence[str], meant: str) -> str | None:
    """The address of the view with what was perhaps meant; None where that is not clear."""
    if fault.code == "unknown-parameter":
        pairs = tuple((meant if key == name else key, text) for key, text in given.pairs)
        return str(Address(given.path, pairs)) if texts else None
    # Of a list, one name is wrong, and it is not told which.
    return str(given.having(name, meant)) if len(texts) == 1 and "," not in texts[0] else None


def _fields(given: Address, faults: Sequence[Fault]) -> Iterator[Mapping[str, Any]]:
    """What was given, as fields to be mended; each that is wrong with the number of its fault."""
    wrong: dict[str, int] = {}
    for number, fault in enumerate(faults, 1):
        wrong.setdefault(_name(fault), number)
    for name, text in given.pairs[:FIELDS]:
        yield {"name": name, "label": LABELS.get(name, name), "text": text, "fault": wrong.get(name)}
