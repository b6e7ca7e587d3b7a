"""Writes events as NDJSON: each on a line of its own, as it stands in the answers of the API."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from service.formats.form import About, Documents, Format


def write(documents: Documents, about: About) -> Iterator[bytes]:
    """The events of each batch as they are stored: the JSON of an event holds no line break."""
    for batch in documents:
        if about.members is None:
            yield ("\n".join(batch) + "\n").encode()
        else:
            yield b"".join(orjson.dumps(about.chosen(orjson.loads(document))) + b"\n" for document in batch)


FORMAT = Format("ndjson", "application/x-ndjson", "ndjson", write)
