"""What a format is, and what it is told of the answer that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Events in batches, each as the JSON text of its whole document.
Documents = Iterable[Sequence[str]]


@dataclass(frozen=True, slots=True)
class About:
    """What a format may say of an answer beside its events.

    title: what was asked, in words. base_url: where the service answers, without a slash at its end. url: the address
    of this very answer. updated: when the store was last changed, as in answers. store: what it has that no other store
    has. members: the members of an event that were asked for, in the order of the answer; None is all of them.
    """

    title: str
    base_url: str
    url: str
    updated: str
    store: str
    members: tuple[str, ...] | None = None

    def shows(self, member: str) -> bool:
        """Whether a member of the events was asked for."""
        return self.members is None or member in self.members

    def chosen(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """The members of an event that were asked for."""
        return event if self.members is None else {name: event[name] for name in self.members}


@dataclass(frozen=True, slots=True)
class Format:
    """A form in which the events of a query can be had.

    extension: of a file that holds it. write: the bytes of an answer, piece by piece as the events come, so that memory
    does not grow with their number. It never ends as if whole where reading the events fails.
    newest: it holds so many of the events that were changed last, and no more; None: all of them, in their order.
    """

    name: str
    media_type: str
    extension: str
    write: Callable[[Documents, About], Iterator[bytes]]
    newest: int | None = None
