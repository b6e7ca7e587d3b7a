"""What is wrong with an input, where, and what would be right: the one shape every refusal has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    pointer: JSON Pointer (RFC 6901) into the body, or ``/`` and a parameter's name.
    code: a short stable word for programs, such as ``out-of-range``.
    message: one sentence for people.
    suggestions: values that would be accepted, the likeliest first.
    """

    pointer: str
    code: str
    message: str
    suggestions: tuple[str, ...] = ()

    def moved(self, pointer: str) -> Fault:
        """The same fault at another place."""
        return replace(self, pointer=pointer)

    def as_json(self, source: str = "body") -> dict[str, object]:
        """The fault as an error's entry shows it; source is where the input stood."""
        return {
            "in": source,
            "pointer": self.pointer,
            "code": self.code,
            "message": self.message,
            "suggestions": list(self.suggestions),
        }


class Refused(Exception):
    """An input that breaks a rule. Carries every fault found, never only the first.

    source: where the input stood: ``body``, ``query``, ``header`` or ``path``.
    """

    def __init__(self, faults: Iterable[Fault], source: str = "body") -> None:
        self.faults = tuple(faults)
        self.source = source
        super().__init__("; ".join(f"{fault.pointer}: {fault.message}" for fault in self.faults))


class Unreadable(Exception):
    """A single value breaks a rule, or a name means nothing or several things. Who reads it knows where it stands."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("; ".join(fault.message for fault in faults))

    def at(self, pointer: str) -> list[Fault]:
        """The faults of a value that stands at ``pointer``."""
        return [fault.moved(pointer + fault.pointer) for fault in self.faults]


def unreadable(code: str, message: str, suggestions: Iterable[str] = ()) -> Unreadable:
    """What to raise for a value with one fault."""
    return Unreadable(Fault("", code, message, tuple(suggestions)))
