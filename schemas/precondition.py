"""What a client says that must be so before its change is made (RFC 9110, section 13)."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import Stale, Unconditional


@dataclass(frozen=True, slots=True)
class Precondition:
    """The versions of which one must be the current one; none where nothing was said.

    any_version: whatever there is will do. absent: there must be nothing.
    """

    versions: frozenset[int] = frozenset()
    any_version: bool = False
    absent: bool = False

    def judge(self, name: str, current: int | None) -> None:
        """Raises Stale or Unconditional. current: the version of what ``name`` names, None if it is not there."""
        said = name[:1].upper() + name[1:]
        if not (self.versions or self.any_version or self.absent):
            raise Unconditional(
                f"Say which version of {name} the change is made to: If-Match with the ETag that you read"
                + ("." if current is not None else ", or If-None-Match: * to create it.")
            )
        if self.absent and current is not None:
            raise Stale(f"{said} exists already, as version {current}.")
        if self.absent and not (self.versions or self.any_version):
            return
        if current is None:
            raise Stale(f"{said} does not exist, so no version of it is the current one.")
        if not self.any_version and current not in self.versions:
            raise Stale(f"{said} is version {current} by now. Read it again and make the change to that.")
