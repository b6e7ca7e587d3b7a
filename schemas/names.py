"""How names compare: accents, case, spaces and punctuation do not count; and which names are like another."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from rapidfuzz import fuzz
from rapidfuzz.process import extract

# Likeness, 0 to 100. A name is like another from LIKE on, unless it lies more than WORSE below the likest.
LIKE = 60
WORSE = 20
# Nothing is learnt from comparing more of a name than this, and it costs time.
COMPARED = 100
# No result is kept for a longer text: what a cache holds is bounded in characters too, not in entries alone.
REMEMBERED = 200

# The characters of ASCII that are neither letters nor digits, to be left out.
_NO_LETTERS = {code: None for code in range(128) if not chr(code).isalnum()}

Given = ParamSpec("Given")
Result = TypeVar("Result")


def remember_short(entries: int) -> Callable[[Callable[Given, Result]], Callable[Given, Result]]:
    """Keep the results of a function of texts, so many at most, and only where each of the texts is short."""

    def decorate(function: Callable[Given, Result]) -> Callable[Given, Result]:
        kept = lru_cache(maxsize=entries)(function)

        @wraps(function)
        def look_up(*args: Given.args, **more: Given.kwargs) -> Result:
            for value in (*args, *more.values()) if more else args:
                if isinstance(value, str) and len(value) > REMEMBERED:
                    return function(*args, **more)
            return kept(*args, **more)  # type: ignore[arg-type]  # What cannot be hashed was never passed.

        return look_up

    return decorate


@remember_short(65536)
def fold(name: str) -> str:
    """The form in which two names are equal: NFKD, accents off, case folded, letters and digits only.

    ``IS-K`` and ``isk`` fold to ``isk``. A name with no letter or digit folds to the empty string.
    """
    if name.isascii():
        return name.lower().translate(_NO_LETTERS)
    decomposed = unicodedata.normalize("NFKD", name)
    folded = "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()
    return "".join(char for char in folded if char.isalnum())


def form(name: str) -> str:
    """What names must share to be the same: what they fold to, or where that is nothing, every letter."""
    return fold(name) or name.strip()


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
