"""What is found wrong with a record: one fault for each code and place, with how many more there were like it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from schemas.faults import Fault

# Of one record so many are told, which no published format comes near to.
TOLD_MAX = 100


class Findings:
    """The faults or the warnings of one record, in the order in which they were found.

    A cell may hold half a million pieces that are all wrong in one way. What is kept is bounded, whatever the record.
    """

    def __init__(self, found: Iterable[Fault] = ()) -> None:
        self._found: dict[tuple[str, str], Fault] = {}
        self._more: dict[tuple[str, str], int] = {}
        self._untold = 0
        for fault in found:
            self.append(fault)

    def append(self, fault: Fault) -> None:
        """Keep a fault, or count it where there is one of its code at its place."""
        if self.again(fault.pointer, fault.code):
            return
        if len(self._found) < TOLD_MAX:
            self._found[fault.pointer, fault.code] = fault
        else:
            self._untold += 1

    def again(self, pointer: str, code: str) -> bool:
        """Whether there is one of this code at this place, with which another has been counted now."""
        place = pointer, code
        if place not in self._found:
            return False
        self._more[place] = self._more.get(place, 0) + 1
        return True

    def __iter__(self) -> Iterator[Fault]:
        for place, fault in self._found.items():
            more = self._more.get(place)
            yield replace(fault, message=f"{fault.message} (And {more:,} more like it.)") if more else fault
        if self._untold:
            yield Fault("/", "too-many", f"There are {self._untold:,} more; the first {TOLD_MAX} are told.")

    def __len__(self) -> int:
        return len(self._found)
