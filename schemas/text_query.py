"""The syntax of ``q``: what is asked of the words of an event."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.faults import Unreadable, unreadable
from schemas.fields import shorten
from schemas.words import words

WORDS_LIMIT = 64  # All words of a query together.
BEGINNINGS_LIMIT = 8  # Each stands for all the words that begin so.

# Typographic quotes are what a phone or a word processor makes of straight ones. Any of them opens, any closes.
_QUOTES = '"“”„‟«»'
_QUOTE = re.compile(f"[{_QUOTES}]")
# A phone makes one of these of a hyphen. Before a word they mean the same; by themselves they are punctuation.
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"
# A piece is quoted, or runs to white space or a quote. Where every quote is closed, each place that is no white space
# begins a piece. A minus says "without" only where nothing but white space stands before it: IS-K is no such place.
_PIECE = re.compile(
    rf"""(?=\S)
    (?P<minus>(?<!\S)(?:-|[{_DASHES}](?=\S)))?
    (?: [{_QUOTES}] (?P<quoted>[^{_QUOTES}]*) [{_QUOTES}] (?P<tail>\*[^\s{_QUOTES}]*)?
      | (?P<bare>[^\s{_QUOTES}]*) )""",
    re.VERBOSE,
)
# Why an OR cannot follow what came before it.
_NO_OR_AFTER = {"start": "comes first", "or": "follows another OR", "unwanted": "follows a part with a minus"}
_OR_BY_BRACKET = re.compile(r"[()]OR(?!\w)|(?<!\w)OR[()]")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other in one text; one word is a phrase too.

    begins: the last word is only the beginning of a word.
    """

    words: tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True, slots=True)
class TextQuery:
    """wanted: all of these, and of each any; unwanted: none of these. One of the two is not empty."""

    wanted: tuple[tuple[Phrase, ...], ...]
    unwanted: tuple[Phrase, ...]


def read_text_query(text: str) -> TextQuery:
    """Read ``word "a phrase" -without a OR b begin*``; raises Unreadable.

    White space means and; OR binds tighter. A piece without a letter or digit is punctuation and passed over.
    """
    # What cannot be seen must not hide a minus or an OR that can.
    visible = text if text.isascii() else "".join(char for char in text if unicodedata.category(char) != "Cf")
    _refuse_open_quote(visible)
    pieces = list(_PIECE.finditer(visible))
    _refuse_grouping(pieces)
    wanted: list[list[Phrase]] = []
    unwanted: list[Phrase] = []
    previous = "start"
    for piece in pieces:
        if _is_or(piece):
            if previous in _NO_OR_AFTER:
                raise _misplaced_or(_NO_OR_AFTER[previous])
            previous = "or"
            continue
        phrase = _phrase(piece)
        if phrase is None:
            continue
        if piece["minus"]:
            if previous == "or":
                raise _misplaced_or(f"stands before {_shown(piece)}")
            unwanted.append(phrase)
            previous = "unwanted"
            continue
        if previous == "or":
            wanted[-1].append(phrase)
        else:
            wanted.append([phrase])
        previous = "wanted"
    if previous == "or":
        raise _misplaced_or("comes last")
    query = TextQuery(tuple(map(tuple, wanted)), tuple(unwanted))
    _refuse_size(query)
    return query


def _phrase(piece: re.Match[str]) -> Phrase | None:
    """What a piece other than OR asks for, or None where it is punctuation."""
    if piece["quoted"] is not None:
        found = words(piece["quoted"])
        _, star, rest = (piece["tail"] or "").partition("*")
        ends = bool(found)
    else:
        head, star, rest = piece["bare"].partition("*")
        found = words(head)
        ends = bool(found) and _may_end_word(head[-1])
    if star and (not ends or "*" in rest or words(rest)):
        raise unreadable(
            "misplaced-star",
            f"the star in {_shown(piece)} does not stand at the end of a word; write begin* for words that begin so",
        )
    if piece["minus"] and (not found or (piece["bare"] or "").startswith("-")):
        raise unreadable(
            "lone-minus",
            f"the minus in {_shown(piece)} has no word right after it; write -word for what must not be there, "
            "or leave the minus out",
        )
    return Phrase(tuple(found), bool(star)) if found else None


def _may_end_word(char: str) -> bool:
    return bool(words(char)) or unicodedata.category(char)[0] == "M"


def _is_or(piece: re.Match[str]) -> bool:
    return piece["bare"] == "OR" and not piece["minus"]


def _shown(piece: re.Match[str]) -> str:
    return repr(shorten(piece.group()))


def _refuse_open_quote(text: str) -> None:
    quotes = [quote.start() for quote in _QUOTE.finditer(text)]
    if len(quotes) % 2:
        at = quotes[-1]
        raise unreadable(
            "unclosed-quote",
            f"the quote at character {at + 1}, {shorten(text[at:], 40)!r}, is not closed; "
            'write "a phrase", or leave the quote out',
        )


def _refuse_grouping(pieces: Sequence[re.Match[str]]) -> None:
    """Refuse brackets that seem to group pieces where that would change the meaning: with an OR, or after a minus."""
    has_or = any(map(_is_or, pieces))
    for piece in pieces:
        bare = piece["bare"] or ""
        if (
            (has_or and bare.count("(") != bare.count(")"))
            or _OR_BY_BRACKET.search(bare)
            or bare.startswith("(-")
            or (piece["minus"] and bare.startswith("("))
        ):
            raise unreadable(
                "no-brackets",
                f"the bracket in {_shown(piece)} groups nothing; write x a OR b for x and one of a and b, "
                "-a -b for neither, and leave the brackets out",
            )


def _misplaced_or(how: str) -> Unreadable:
    return unreadable(
        "misplaced-or", f'OR {how}; it stands between two wanted parts, as in a OR b; write "or" for the word'
    )


def _refuse_size(query: TextQuery) -> None:
    phrases = [phrase for group in (*query.wanted, query.unwanted) for phrase in group]
    if not phrases:
        raise unreadable("blank", "holds no letter or digit to look for")
    count = sum(len(phrase.words) for phrase in phrases)
    if count > WORDS_LIMIT:
        raise unreadable("too-many", f"{count} words are more than the {WORDS_LIMIT} that can be searched at once")
    if (beginnings := sum(phrase.begins for phrase in phrases)) > BEGINNINGS_LIMIT:
        message = f"{beginnings} beginnings of words are more than the {BEGINNINGS_LIMIT} that can be searched at once"
        raise unreadable("too-many", message)
