"""How names compare: accents, case, spaces and punctuation do not count; and which names are like another."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.process import extract

# Likeness, 0 to 100. A name is like another from LIKE on, unless it lies more than WORSE below the likest.
LIKE = 60
WORSE = 20
# Nothing is learnt from comparing more of a name than this, and it costs time.
COMPARED = 100


@lru_cache(maxsize=65536)
def fold(name: str) -> str:
    """The form in which two names are equal: NFKD, accents off, case folded, letters and digits only.

    ``IS-K`` and ``isk`` fold to ``isk``. A name with no letter or digit folds to the empty string.
    """
    decomposed = unicodedata.normalize("NFKD", name)
    folded = "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()
    return "".join(char for char in folded if char.isalnum())


def closest(word: str, named: Iterable[tuple[str, str]], limit: int = 5) -> tuple[str, ...]:
    """The meanings whose forms are most like ``word``, the likest first, to suggest and never to accept.

    named: pairs of a form and what it means; a meaning may have several forms, and comes once.
    """
    pairs = list(named)
    word = word[:COMPARED]
    # Found by any likeness, a shared part included; then the whole words count, so that "actr" means "actor" first.
    found = extract(word, [form for form, _ in pairs], scorer=fuzz.WRatio, limit=4 * limit, score_cutoff=LIKE)
    best = max((score for _, score, _ in found), default=0)
    ranked = sorted(found, key=lambda match: -fuzz.ratio(word, match[0]))
    return tuple(dict.fromkeys(pairs[index][1] for _, score, index in ranked if score >= best - WORSE))[:limit]
