"""What the stores say when something cannot be done as things are; they know nothing of HTTP."""

from __future__ import annotations

from collections.abc import Iterable


class NotFound(Exception):
    """Nothing has this id. The message says what was looked for.

    nearest: the ids of what was perhaps meant, each with its name, the likeliest first.
    """

    def __init__(self, message: str, nearest: Iterable[tuple[str, str]] = ()) -> None:
        self.nearest = tuple(nearest)
        super().__init__(message)


class Ambiguous(NotFound):
    """Several have this name: all of them are ``nearest``."""


class Gone(Exception):
    """An event or an actor was deleted."""

    def __init__(self, kind: str, subject: str) -> None:
        self.kind, self.subject = kind, subject
        super().__init__(f"The {kind} {subject} was deleted.")


class Conflict(Exception):
    """What is stored does not allow it. The message says what stands in the way, and what would be right."""


class Stale(Exception):
    """It is not, or no longer, as the client says that it must be. The message says how it is."""


class Unconditional(Exception):
    """The client does not say which version it means to change. The message says how to."""
