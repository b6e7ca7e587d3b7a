"""The table of importers: each turns one published format into events. Adding a format is one entry here."""

from __future__ import annotations

from collections.abc import Mapping

from service.importers import acled, csv_own, dateline, gdelt, timelinejs, ucdp_ged
from service.importers.record import Importer, Reading, Record, UnreadableFile

__all__ = ["IMPORTERS", "Importer", "Reading", "Record", "UnreadableFile"]

IMPORTERS: Mapping[str, Importer] = {
    module.IMPORTER.name: module.IMPORTER for module in (acled, csv_own, dateline, gdelt, timelinejs, ucdp_ged)
}
