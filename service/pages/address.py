"""The address of a view, and the addresses that are one step away from it: a filter more, less or another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

Pair = tuple[str, str]


def without_empty(query_string: bytes) -> bytes:
    """A query string without the fields that hold nothing: a form sends all of its fields."""
    return b"&".join(piece for piece in query_string.split(b"&") if piece and not is_empty(piece))


def is_empty(piece: bytes) -> bool:
    """Whether a piece of a query string is a field that holds nothing, such as ``q=``."""
    _, sign, text = piece.partition(b"=")
    return bool(sign) and not text


@dataclass(frozen=True, slots=True)
class Address:
    """A path and the parameters behind it, in order. The cursor is never among them: another view begins anew."""

    path: str
    pairs: tuple[Pair, ...] = ()

    def __str__(self) -> str:
        if not self.pairs:
            return self.path
        return self.path + "?" + "&".join(f"{quote(name)}={quote(text, safe=',/:')}" for name, text in self.pairs)

    def having(self, name: str, text: str) -> Address:
        """With a parameter in the place of all of its name, or at the end where there is none."""
        kept = [pair for pair in self.pairs if pair[0] != name]
        place = next((place for place, pair in enumerate(self.pairs) if pair[0] == name), len(kept))
        return replace(self, pairs=(*kept[:place], (name, text), *kept[place:]))

    def also(self, name: str, text: str) -> Address:
        """With one more parameter, beside those of its name."""
        return self if (name, text) in self.pairs else replace(self, pairs=(*self.pairs, (name, text)))

    def without(self, *names: str) -> Address:
        """Without the parameters of these names."""
        return replace(self, pairs=tuple(pair for pair in self.pairs if pair[0] not in names))

    def but(self, name: str, text: str) -> Address:
        """Without this one parameter."""
        return replace(self, pairs=tuple(pair for pair in self.pairs if pair != (name, text)))

    def at(self, path: str) -> Address:
        """The same parameters at another path."""
        return replace(self, path=path)

    def texts(self, name: str) -> Sequence[str]:
        """The texts of a parameter."""
        return [text for given, text in self.pairs if given == name]
