"""The beginning of a file as it is looked at to tell what the file is, and what an importer says of its own files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from service.importers.framing import REASON

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Possessive, so that whatever stands between the parts is gone through once.
_TITLE = re.compile(rb'"title"\s*+:\s*+(\{?)')


class Beginning:
    """The first bytes of a file, without a byte order mark. Each of its parts takes time that grows with its length."""

    def __init__(self, head: bytes) -> None:
        self.text = head.removeprefix(BYTE_ORDER_MARK)

    @cached_property
    def line(self) -> bytes:
        """The first line, without its line feed."""
        return self.text.partition(b"\n")[0]

    @cached_property
    def document(self) -> bytes:
        """What begins with the bracket of a JSON object or list; empty where nothing does."""
        text = self.text.lstrip()
        return text if text[:1] in (b"{", b"[") else b""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names in a header with commas between them, in small letters, without the reason of a rejected record."""
        if self.document:
            return ()
        cells = self.line.decode("utf-8", "replace").lower().split(",")
        names = tuple(" ".join(cell.replace("_", " ").strip(' "\r\t').split()) for cell in cells)
        return names[1:] if names[0] == REASON.replace("_", " ") else names

    @property
    def is_object(self) -> bool:
        return self.document.startswith(b"{")

    def has_columns(self, *names: str) -> bool:
        """Whether the header has all of these columns, which are given as ``columns`` gives them."""
        return set(names) <= set(self.columns)

    def has_member(self, name: str) -> bool:
        """Whether a document has a member of this name, at any depth."""
        return f'"{name}"'.encode() in self.document

    def has_title(self, *, is_object: bool) -> bool:
        """Whether an object has a member ``title`` in its first line that is, or is not, an object itself."""
        within = self.document[1:]
        line = (within.lstrip() if is_object else within).partition(b"\n")[0]
        return self.is_object and any(bool(found[1]) == is_object for found in _TITLE.finditer(line))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: what it is in words, and whether a file that begins so is of it, in time that grows with that.

    by_form: whether it is told by a form that files of other formats may have as well, and not by names that no other
    has.
    """

    what: str
    fits: Callable[[Beginning], bool]
    by_form: bool = False
