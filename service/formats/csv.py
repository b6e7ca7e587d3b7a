"""Writes events as comma-separated text (RFC 4180): a line for each, which can be read back and says the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import orjson

from service.flat_event import columns_of, row_writer
from service.formats.form import About, Documents, Format


def write(documents: Documents, about: About) -> Iterator[bytes]:
    """The header, which is there also where no event is, then the rows of each batch."""
    columns = columns_of(about.members)
    cells_of = row_writer(columns)
    yield ",".join(column.name for column in columns).encode() + b"\r\n"
    for batch in documents:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(cells_of(orjson.loads(document)) for document in batch)
        if rows := text.getvalue():
            yield rows.encode()


FORMAT = Format("csv", "text/csv", "csv", write)
