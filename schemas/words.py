"""How texts become the words that search compares; the same words stand in the index and in the query."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from schemas.names import remember_short

# A longer word is cut, in texts and in queries alike, so that it still finds itself.
WORD_MAX = 64
# Characters of one event that are searched: what it costs to index an event is bounded.
SEARCHED_MAX = 200_000
# Stands between two texts as if it were a word, and can be no part of one: no phrase reaches across it.
BREAK = "¶"

# The blocks of writing systems that put no space between words: a character of these is a word of its own.
_UNSPACED_BLOCKS = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Myanmar
    ("\u1780", "\u17ff"),  # Khmer
    ("\u2e80", "\u2fdf"),  # Radicals of Han
    ("\u3005", "\u3007"),  # Iteration mark and zero of Han
    ("\u3021", "\u3029"),  # Numerals of Hangzhou
    ("\u3031", "\u312f"),  # Repeat marks, Hiragana, Katakana, Bopomofo
    ("\u31a0", "\u31ff"),  # Bopomofo and Katakana, extended
    ("\u3400", "\u4dbf"),  # Han, extension A
    ("\u4e00", "\u9fff"),  # Han
    ("\ua9e0", "\ua9ff"),  # Myanmar, extended B
    ("\uaa60", "\uaa7f"),  # Myanmar, extended A
    ("\uf900", "\ufaff"),  # Han, compatibility
    ("\U0001aff0", "\U0001b16f"),  # Kana, extended
    ("\U00020000", "\U0003ffff"),  # Han, all further extensions
)
_UNSPACED = "".join(f"{first}-{last}" for first, last in _UNSPACED_BLOCKS)
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
# In a folded text everything is a letter or digit (\w), a mark, or a space. A word begins with a letter or digit; a
# character that is a word of its own takes only its marks along. Every such character has a space before it.
_WORD = re.compile(rf"(?=[{_UNSPACED}])\w[^\w ]*|\w[^ ]*")

_ASCII = "".join(chr(code).lower() if chr(code).isalnum() else " " for code in range(128))
# Letters of Arabic keyboards that stand for Persian ones and look alike, which the names of one country mix.
_SAME_LETTER = {"ي": "ی", "ى": "ی", "ك": "ک"} | {
    # Letters of the Latin alphabet that Unicode does not take apart, as they are written without them.
    **{"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"},
}
# Left out: the lengthening of an Arabic word to fill the line, and the signs for ayn and hamza in Latin writing, for
# which others write an apostrophe or nothing at all.
_LEFT_OUT = "\u0640\u02bb\u02bc\u02be\u02bf"
_KEPT_CHARACTERS = 65_536


class _Folding(dict[int, str]):
    """What each character becomes, worked out when it is first met: a table for str.translate.

    One character at a time is enough. NFKD and case folding look at no neighbours, but for the order of accents, and
    those are dropped.
    """

    def __missing__(self, code: int) -> str:
        if len(self) >= _KEPT_CHARACTERS:
            self.clear()
        # NFKD comes first: what is folded after it needs no second NFKD, which does not hold the other way round.
        bare = "".join(char for char in unicodedata.normalize("NFKD", chr(code)) if not _is_dropped(char))
        self[code] = became = "".join(map(_in_word, "".join(map(_as_written_here, bare.casefold()))))
        return became


_FOLDING = _Folding()


def words(text: str) -> list[str]:
    """The words of a text, in order: NFKD, accents off, case folded, parted by all that is no letter, digit or mark.

    ``IS-K`` is ``is``, ``k``. In writing without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar) each character is a
    word, so that a phrase finds a name inside a longer run. A word begins with a letter or digit, holds of ASCII only
    a-z and 0-9, has 1 to WORD_MAX characters, and is itself its only word.
    """
    found = text.translate(_ASCII).split() if text.isascii() else _WORD.findall(text.translate(_FOLDING))
    if max(map(len, found), default=0) > WORD_MAX:
        return [word[:WORD_MAX] for word in found]
    return found


def searchable(texts: Iterable[str | None]) -> str:
    """The words of several texts with one space between them, and BREAK as a word between two texts that have any.

    At most SEARCHED_MAX characters, cut at the end of a word.
    """
    joined = f" {BREAK} ".join(filter(None, [_joined(text) for text in texts if text]))
    if len(joined) <= SEARCHED_MAX:
        return joined
    return joined[: joined.rindex(" ", 0, SEARCHED_MAX + 1)].removesuffix(f" {BREAK}")


@remember_short(32_768)
def _joined(text: str) -> str:
    """The words of a text with one space between them. Names come again and again."""
    return " ".join(words(text))


def _is_dropped(char: str) -> bool:
    """Whether a character is left out without parting the word: accents, and what only changes how others look."""
    return (
        unicodedata.combining(char) != 0
        or unicodedata.category(char) in ("Cf", "Me")
        or char in _LEFT_OUT
        or "VARIATION SELECTOR" in unicodedata.name(char, "")
        or char == "\u034f"  # The combining grapheme joiner.
    )


def _as_written_here(char: str) -> str:
    """The one way to write a letter that several keyboards write differently, or a digit."""
    digit = unicodedata.decimal(char, None)
    return _SAME_LETTER.get(char, char) if digit is None else str(digit)


def _in_word(char: str) -> str:
    if unicodedata.category(char)[0] not in "LNM":
        return " "
    return f" {char}" if char.isalnum() and _IS_UNSPACED.match(char) else char
