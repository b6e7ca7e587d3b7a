"""What is shown where a name means several things, and where that of one thing has passed to another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from schemas.errors import Ambiguous


class Moved(Exception):
    """What was asked for is now at another path."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"moved to {path}")


def choices(path: str, found: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """What may be meant at a path, by ids and names, each with the address of its page."""
    kind = path.split("/")[1]
    return [{"id": one, "name": name, "at": f"/{kind}/{quote(one, safe='')}"} for one, name in found]


def choice_view(path: str, several: Ambiguous) -> dict[str, Any]:
    """All that the template of a choice needs: what has the name, each by its id and a name that tells it apart."""
    return {"message": str(several), "choices": choices(path, several.nearest)}
