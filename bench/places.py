"""The provinces that generated events happen in: ISO 3166-2 codes, names and rough positions.

The latitudes and longitudes are rounded by hand to where the province lies, which is all that a benchmark
needs. The order is the order of their weight: the first ones get most of the events.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A first-level division: its ISO 3166-2 code, its English name, and degrees north and east."""

    code: str
    name: str
    latitude: float
    longitude: float

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2 code of the country."""
        return self.code[:2]


AFGHAN: tuple[Place, ...] = (
    Place("AF-HEL", "Helmand", 31.4, 64.2),
    Place("AF-KAN", "Kandahar", 31.6, 65.7),
    Place("AF-NAN", "Nangarhar", 34.2, 70.5),
    Place("AF-KAB", "Kabul", 34.5, 69.2),
    Place("AF-GHA", "Ghazni", 33.4, 68.0),
    Place("AF-KNR", "Kunar", 34.9, 71.1),
    Place("AF-KDZ", "Kunduz", 36.8, 68.8),
    Place("AF-HER", "Herat", 34.3, 62.2),
    Place("AF-FYB", "Faryab", 36.1, 64.9),
    Place("AF-URU", "Urozgan", 32.9, 66.0),
    Place("AF-ZAB", "Zabul", 32.3, 67.2),
    Place("AF-BGL", "Baghlan", 35.8, 69.0),
    Place("AF-FRA", "Farah", 32.5, 62.5),
    Place("AF-PKA", "Paktika", 32.4, 68.9),
    Place("AF-KHO", "Khost", 33.3, 69.9),
    Place("AF-BAL", "Balkh", 36.7, 67.0),
    Place("AF-BDG", "Badghis", 35.2, 63.8),
    Place("AF-WAR", "Maidan Wardak", 34.3, 68.2),
    Place("AF-LOG", "Logar", 34.0, 69.2),
    Place("AF-PIA", "Paktia", 33.7, 69.4),
    Place("AF-LAG", "Laghman", 34.8, 70.2),
    Place("AF-TAK", "Takhar", 36.7, 69.7),
    Place("AF-BDS", "Badakhshan", 36.9, 71.0),
    Place("AF-KAP", "Kapisa", 34.9, 69.7),
    Place("AF-JOW", "Jowzjan", 36.7, 66.0),
    Place("AF-PAR", "Parwan", 35.0, 69.0),
    Place("AF-SAR", "Sar-e Pol", 35.9, 66.0),
    Place("AF-GHO", "Ghor", 34.1, 64.9),
    Place("AF-NUR", "Nuristan", 35.3, 70.9),
    Place("AF-SAM", "Samangan", 36.1, 68.0),
    Place("AF-PAN", "Panjshir", 35.4, 69.7),
    Place("AF-NIM", "Nimruz", 31.0, 62.5),
    Place("AF-DAY", "Daykundi", 33.7, 66.1),
    Place("AF-BAM", "Bamyan", 34.8, 67.8),
)

ELSEWHERE: tuple[Place, ...] = (
    Place("SY-HL", "Aleppo", 36.2, 37.2),
    Place("IQ-BG", "Baghdad", 33.3, 44.4),
    Place("PK-KP", "Khyber Pakhtunkhwa", 34.0, 71.6),
    Place("UA-14", "Donetsk", 48.0, 37.8),
    Place("IQ-NI", "Nineveh", 36.2, 42.4),
    Place("PK-BA", "Balochistan", 28.5, 66.0),
    Place("SO-BN", "Banaadir", 2.0, 45.3),
    Place("MM-17", "Shan", 21.5, 98.0),
    Place("SY-ID", "Idlib", 35.9, 36.6),
    Place("UA-63", "Kharkiv", 49.5, 36.5),
    Place("MM-16", "Rakhine", 20.1, 93.5),
    Place("SO-BY", "Bay", 2.6, 43.5),
    Place("IQ-AN", "Al Anbar", 33.0, 41.0),
    Place("MM-11", "Kachin", 26.0, 97.4),
    Place("PK-SD", "Sindh", 26.0, 68.5),
    Place("SY-DR", "Daraa", 32.8, 36.2),
)
