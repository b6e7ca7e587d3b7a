"""How whole answers are compressed."""

from __future__ import annotations

from isal import igzip

# Below this size, gzip saves nothing that a packet would notice.
GZIP_FROM = 1000
# What the tag of a compressed answer ends in, as RFC 9110 (8.8.3) asks for a tag of its own.
GZIP_SUFFIX = "-gzip"


def zipped(body: bytes) -> bytes:
    """The body as gzip, the same for the same body."""
    compressed: bytes = igzip.compress(body, 1, mtime=0)
    return compressed
