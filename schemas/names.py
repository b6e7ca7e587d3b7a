"""How names compare: accents, case, spaces and punctuation do not count."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=65536)
def fold(name: str) -> str:
    """The form in which two names are equal: NFKD, accents off, case folded, letters and digits only.

    ``IS-K`` and ``isk`` fold to ``isk``. A name with no letter or digit folds to the empty string.
    """
    decomposed = unicodedata.normalize("NFKD", name)
    folded = "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()
    return "".join(char for char in folded if char.isalnum())
