"""The table of the forms in which the events of a query can be had. Adding one is one entry here."""

from __future__ import annotations

from service.formats import atom, csv, geojson, ics, ndjson, timelinejs
from service.formats.form import Format

# By name, in the order in which they are told. The pages of JSON are none of them.
FORMATS: dict[str, Format] = {
    module.FORMAT.name: module.FORMAT for module in (ndjson, csv, geojson, timelinejs, ics, atom)
}
