"""What became of a file's records, as it is told of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from service.drafts import Report

# Faults that are told of one file, and ids of events that it lacks; of further ones there is no more than a count.
TOLD_MAX = 10_000


@dataclass(slots=True)
class ImportReport(Report):
    """What became of a file's records.

    warnings: how often each was given, by code. told: how many faults those in ``rejected`` have together. untold: how
    many more records were rejected. nameless: how many of all those rejected say of no event that they are it.
    missing: how many events of the dataset the file does not have, None where that was not looked for; deleted: how
    many of them were deleted. missing_ids: the first of them.
    broken: why reading ended before the end of the file, else None.
    """

    warnings: Counter[str] = field(default_factory=Counter)
    told: int = 0
    untold: int = 0
    nameless: int = 0
    missing: int | None = None
    missing_ids: list[str] = field(default_factory=list)
    deleted: int = 0
    broken: str | None = None

    @property
    def refused(self) -> int:
        """How many records were rejected."""
        return len(self.rejected) + self.untold

    def add(self, other: Report) -> None:
        """Count another batch's report in; once TOLD_MAX faults are told, further rejections are only counted."""
        # A dataclass with slots is another class than the one that super() would look for.
        Report.add(self, replace(other, overwritten=[], rejected=[]))
        self.nameless += sum(rejection.id is None for rejection in other.rejected)
        for rejection in other.rejected:
            if self.told < TOLD_MAX:
                self.rejected.append(rejection)
                self.told += len(rejection.faults)
            else:
                self.untold += 1

    @property
    def stored(self) -> int:
        """How many records are stored, by this import or before it."""
        return self.created + self.updated + self.unchanged

    def miss(self, ids: list[str]) -> None:
        """Count events of the dataset in that the file does not have."""
        self.missing = (self.missing or 0) + len(ids)
        self.missing_ids += ids[: TOLD_MAX - len(self.missing_ids)]

    def as_json(self) -> dict[str, Any]:
        """The report as the bulk answer of the API gives it, with the warnings counted."""
        return {
            "received": self.received,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            **({"deleted": self.deleted} if self.deleted else {}),
            "rejected": [rejection.as_json() for rejection in self.rejected],
            **({"untold": self.untold} if self.untold else {}),
            **({} if self.missing is None else {"missing": self.missing, "missing_ids": self.missing_ids}),
            "warnings": dict(sorted(self.warnings.items())),
            **({"broken": self.broken} if self.broken else {}),
        }
