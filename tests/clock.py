"""The clock by which changes are dated, in the hands of a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """What the ledger takes for the time that it is, in the place of the module ``time``. It stands until moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def time_ns(self) -> int:
        """Nanoseconds since 1970 UTC."""
        return (self.now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) * 1_000_000

    def move(self, **by: float) -> None:
        """Move it, ``minutes=5`` say."""
        self.now += timedelta(**by)

    def set(self, moment: str) -> None:
        """Set it to a time, ``2021-09-01T10:00:00.000Z`` say."""
        self.now = datetime.fromisoformat(moment)

    @classmethod
    def at(cls, moment: str) -> Clock:
        """A clock that stands at a time."""
        return cls(datetime.fromisoformat(moment))
