"""The bodies of requests that are no event and no actor: what is to be done with one."""

from __future__ import annotations

from typing import Any

from schemas.fields import Body, Faulting, Text, fault, kind_of


class VersionNumber(Faulting):
    """The number of a version, from 1."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not whole:
            raise fault("wrong-type", f"must be a whole number, not {kind_of(value)}")
        if not 1 <= value < 2**31:
            raise fault("out-of-range", "must be the number of a version, from 1")
        return int(value)


class RestoreBody(Body):
    """What to bring back."""

    version = VersionNumber(required=True)


class MergeBody(Body):
    """What an actor is merged into: another, by id or name."""

    into = Text(blank=False, required=True)
