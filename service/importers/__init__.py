"""The table of importers: each turns one published format into events. Adding a format is one entry here."""

from __future__ import annotations

from collections.abc import Mapping

from service.importers import dateline, ucdp_ged
from service.importers.record import Importer, Record, UnreadableFile

__all__ = ["IMPORTERS", "Importer", "Record", "UnreadableFile"]

IMPORTERS: Mapping[str, Importer] = {importer.name: importer for importer in (dateline.IMPORTER, ucdp_ged.IMPORTER)}
