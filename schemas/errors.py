"""What the stores say when something is not there; they know nothing of HTTP."""

from __future__ import annotations


class NotFound(Exception):
    """Nothing has this id. The message says what was looked for."""


class Gone(Exception):
    """The event was deleted. Its argument is the id."""
