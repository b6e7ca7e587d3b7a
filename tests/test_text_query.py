"""The syntax of q: what each query means, what is refused, and what holds for any text."""

# ruff: noqa: RUF001  # Quotes and dashes that look like others are what is tested.

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.faults import Unreadable
from schemas.text_query import BEGINNINGS_LIMIT, WORDS_LIMIT, Phrase, TextQuery, read_text_query
from schemas.words import words

CODES = {"blank", "unclosed-quote", "lone-minus", "misplaced-or", "misplaced-star", "no-brackets", "too-many"}


def holds(query: TextQuery, texts: Iterable[Sequence[str]]) -> bool:
    """Whether texts, each given as its words, are what the query asks for: the plain meaning, without any index."""
    searched = [tuple(text) for text in texts]

    def found(phrase: Phrase) -> bool:
        return any(stands_in(phrase, text) for text in searched)

    return all(any(map(found, group)) for group in query.wanted) and not any(map(found, query.unwanted))


def stands_in(phrase: Phrase, text: tuple[str, ...]) -> bool:
    size = len(phrase.words)
    *first, last = phrase.words
    return any(
        list(text[at : at + size - 1]) == first
        and (text[at + size - 1].startswith(last) if phrase.begins else text[at + size - 1] == last)
        for at in range(len(text) - size + 1)
    )


def phrase(text: str) -> Phrase:
    """A phrase from plain words; a star at the end makes the last word a beginning."""
    return Phrase(tuple(text.removesuffix("*").split()), text.endswith("*"))


def asks(*wanted: str | tuple[str, ...], without: tuple[str, ...] = ()) -> TextQuery:
    """The query that wants each of these phrases, of a tuple any, and is without others."""
    groups = ((one,) if isinstance(one, str) else one for one in wanted)
    return TextQuery(tuple(tuple(map(phrase, group)) for group in groups), tuple(map(phrase, without)))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Kabul", asks("kabul")),
        ("  Kabul\t\u2003airport\n", asks("kabul", "airport")),
        ('"Kabul Airport"', asks("kabul airport")),
        ("IS-K 2021-08-26", asks("is k", "2021 08 26")),
        ("5.56mm", asks("5 56mm")),
        # Without.
        ("-bomb", asks(without=("bomb",))),
        ('attack -"suicide bomb" -IS-K', asks("attack", without=("suicide bomb", "is k"))),
        ("-#tag -$100", asks(without=("tag", "100"))),
        ("-OR", asks(without=("or",))),
        # Either.
        ("a OR b OR c", asks(("a", "b", "c"))),
        ("x a OR b y", asks("x", ("a", "b"), "y")),
        ("a OR b c OR d -e", asks(("a", "b"), ("c", "d"), without=("e",))),
        ('"a b" OR c-d OR e*', asks(("a b", "c d", "e*"))),
        ('"a"OR"b"', asks(("a", "b"))),
        ("-e a OR b", asks(("a", "b"), without=("e",))),
        # Words of other languages of search are words.
        ("a or b AND c NOT d NEAR e", asks("a", "or", "b", "and", "c", "not", "d", "near", "e")),
        ('Or oR "OR" OR. OREGON XOR', asks("or", "or", "or", "or", "oregon", "xor")),
        ('a "or" b', asks("a", "or", "b")),
        # Beginnings.
        ("begin*", asks("begin*")),
        ('"two beg"*', asks("two beg*")),
        ('"two beg *"', asks("two beg")),
        ('"two* beg"', asks("two beg")),
        ("IS-Kho*", asks("is kho*")),
        ("-a*", asks(without=("a*",))),
        ('-"a b"*', asks(without=("a b*",))),
        ("OR*", asks("or*")),
        ("a* OR b*", asks(("a*", "b*"))),
        ("kab*, (gha*)", asks("kab*", "gha*")),
        ('kab*"gha"*"x"', asks("kab*", "gha*", "x")),
        ("cafe\u0301*", asks("cafe*")),
        ("阿富*", asks("阿 富*")),
        # Punctuation.
        ("Kabul & Ghazni – ... !", asks("kabul", "ghazni")),
        ("a & OR b", asks(("a", "b"))),
        ('a OR "" b', asks(("a", "b"))),
        ('"" a "&"', asks("a")),
        ("word(s) (x y) z)", asks("word s", "x", "y", "z")),
        ("word(s) OR x", asks(("word s", "x"))),
        ('"(a" OR "b)"', asks(("a", "b"))),
        ("a\x00b", asks("a b")),
        # Quotes.
        ("“Kabul airport”", asks("kabul airport")),
        ('“Kabul airport" "a b”', asks("kabul airport", "a b")),
        ("„Kabul airport“ «a b»", asks("kabul airport", "a b")),
        ("Kabul's ’quoted’", asks("kabul s", "quoted")),
        ('"a""b"', asks("a", "b")),
        ('"a b"c', asks("a b", "c")),
        ('a"b c"d', asks("a", "b c", "d")),
        ('-a"b c"', asks("b c", without=("a",))),
        ('5"gun run"', asks("5", "gun run")),
        ('"a\nb"', asks("a b")),
        # A minus within a piece parts words; it says nothing about them.
        ('"Kabul"-based a-"b c"', asks("kabul", "based", "a", "b c")),
        ("a – b −c", asks("a", "b", without=("c",))),
        # What cannot be seen changes nothing.
        ("\u200e-a \ufeffb \u200fOR\u200f c", asks(("b", "c"), without=("a",))),
    ],
)
def test_a_query_is_read(text: str, query: TextQuery) -> None:
    assert read_text_query(text) == query


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        ("", "blank", "no letter or digit"),
        (" \n ", "blank", "no letter or digit"),
        ('& – ... "" "!"', "blank", "no letter or digit"),
        ("()", "blank", "no letter or digit"),
        ("❤\ufe0f", "blank", "no letter or digit"),
        ('"a b', "unclosed-quote", "character 1,"),
        ('a "b" "c d', "unclosed-quote", "character 7, '\"c d'"),
        ('5"gun', "unclosed-quote", "character 2,"),
        ("“a b” ”", "unclosed-quote", "character 7,"),
        ('"', "unclosed-quote", "character 1,"),
        ("-", "lone-minus", "'-'"),
        ("a - b", "lone-minus", "'-'"),
        ("a -", "lone-minus", "'-'"),
        ("a -... b", "lone-minus", "'-...'"),
        ("--x", "lone-minus", "'--x'"),
        ("a -- b", "lone-minus", "'--'"),
        ('a -"" b', "lone-minus", "'-\"\"'"),
        ('-"..."', "lone-minus", "'-\"...\"'"),
        ("a OR - b", "lone-minus", "'-'"),
        ("OR", "misplaced-or", "first"),
        ("OR a", "misplaced-or", "first"),
        ("& OR a", "misplaced-or", "first"),
        ("a OR", "misplaced-or", "last"),
        ("a OR &", "misplaced-or", "last"),
        ("a OR OR b", "misplaced-or", "another OR"),
        ("a OR & OR b", "misplaced-or", "another OR"),
        ("a OR -b", "misplaced-or", "'-b'"),
        ("-a OR b", "misplaced-or", "minus"),
        ("*", "misplaced-star", "'*'"),
        ("a * b", "misplaced-star", "'*'"),
        ("a*b", "misplaced-star", "'a*b'"),
        ("*a", "misplaced-star", "'*a'"),
        ("a**", "misplaced-star", "'a**'"),
        ("a,*", "misplaced-star", "'a,*'"),
        ("a*,b", "misplaced-star", "'a*,b'"),
        ("-*", "misplaced-star", "'-*'"),
        ('"a"*b', "misplaced-star", "'\"a\"*b'"),
        ('"a"**', "misplaced-star", "'\"a\"**'"),
        ('"a" *', "misplaced-star", "'*'"),
        ('""*', "misplaced-star", "'\"\"*'"),
        ("(a OR b)", "no-brackets", "'(a'"),
        ("x (a b) OR c", "no-brackets", "'(a'"),
        ("( a b ) OR c", "no-brackets", "'('"),
        ('("a b" OR c)', "no-brackets", "'('"),
        ("a OR )", "no-brackets", "')'"),
        ("a (OR b)", "no-brackets", "'(OR'"),
        ("(a)OR(b)", "no-brackets", "'(a)OR(b)'"),
        ("-(a b)", "no-brackets", "'-(a'"),
        ('-("a" b)', "no-brackets", "'-('"),
        ("x (-a b)", "no-brackets", "'(-a'"),
        ("a " * (WORDS_LIMIT + 1), "too-many", str(WORDS_LIMIT)),
        ("-a-b-" + "c." * WORDS_LIMIT, "too-many", str(WORDS_LIMIT)),
        ("阿" * (WORDS_LIMIT + 1), "too-many", str(WORDS_LIMIT)),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(text: str, code: str, shown: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read_text_query(text)
    (fault,) = refusal.value.faults
    assert fault.code == code
    assert shown in fault.message
    assert fault.pointer == ""


def test_as_many_words_as_the_limit_are_taken() -> None:
    text = "a -b c OR d " * (WORDS_LIMIT // 4)
    assert len(read_text_query(text).wanted) == WORDS_LIMIT // 2


def test_a_message_quotes_no_more_than_the_beginning_of_a_long_piece() -> None:
    for text in ("*" + "a" * 5000, "-" * 5000, '"' + "a" * 5000, "a OR -" + "b" * 5000):
        with pytest.raises(Unreadable) as refusal:
            read_text_query(text)
        assert len(refusal.value.faults[0].message) < 300


@pytest.mark.parametrize(
    "repeated", ['"', "-", "*", "OR ", "(", "a*", '-"', '"a" ', "a ", "a", " ", "\u200f", '“-*OR ("', "國"]
)
def test_a_long_query_is_read_or_refused_at_once(repeated: str) -> None:
    text = repeated * (80_000 // len(repeated))  # Ten times the longest value of a parameter.
    began = time.process_time()
    try:
        read_text_query(text)
    except Unreadable as refusal:
        assert {fault.code for fault in refusal.faults} <= CODES
    assert time.process_time() - began < 2


SIGNS = st.sampled_from(
    ['"', "“", "”", "-", "*", " ", "(", ")", " OR ", "OR", "a", "Bc", "é", "ก", "&", "\u200f", "\x00"]
)


@given(st.text() | st.lists(SIGNS).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        query = read_text_query(text)
    except Unreadable as refusal:
        assert [fault.code for fault in refusal.faults if fault.code not in CODES] == []
        return
    asked = [phrase for group in (*query.wanted, query.unwanted) for phrase in group]
    assert asked
    assert all(query.wanted)
    for one in asked:
        assert one.words == tuple(words(" ".join(one.words)))
    assert set().union(*(one.words for one in asked)) <= set(words(re.sub('["“”„‟«»]', " ", text)))
    assert read_text_query(written(query)) == query


# Queries over few words, so that they often hold.

WORD = st.sampled_from(["a", "ab", "b", "ba", "or"])
PHRASES = st.builds(Phrase, st.lists(WORD, min_size=1, max_size=3).map(tuple), st.booleans())
QUERIES = st.builds(
    TextQuery,
    st.lists(st.lists(PHRASES, min_size=1, max_size=3).map(tuple), max_size=3).map(tuple),
    st.lists(PHRASES, max_size=2).map(tuple),
).filter(lambda query: bool(query.wanted or query.unwanted))
SEARCHED = st.lists(st.lists(WORD, max_size=6), max_size=4)


def written(query: TextQuery) -> str:
    """The query in the syntax of q, each phrase in quotes."""

    def quoted(one: Phrase) -> str:
        return f'"{" ".join(one.words)}"' + "*" * one.begins

    groups = [" OR ".join(map(quoted, group)) for group in query.wanted]
    return " ".join([*groups, *(f"-{quoted(one)}" for one in query.unwanted)])


@given(QUERIES)
def test_a_query_that_is_written_out_reads_back_the_same(query: TextQuery) -> None:
    assert read_text_query(written(query)) == query


@given(QUERIES, SEARCHED)
def test_a_query_holds_where_a_search_for_its_text_finds(query: TextQuery, texts: list[list[str]]) -> None:
    joined = "|".join(f" {' '.join(text)} " for text in texts)

    def found(one: Phrase) -> bool:
        return re.search(" " + " ".join(one.words) + ("" if one.begins else " "), joined) is not None

    expected = all(any(found(one) for one in group) for group in query.wanted)
    assert holds(query, texts) is (expected and not any(found(one) for one in query.unwanted))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("panjshir kabul", True),
        ("panjshir herat", False),
        ("herat OR kabul", True),
        ('"kabul airport"', True),
        ('"airport kabul"', False),
        ('"valley kabul"', False),  # The one text ends where the other begins.
        ("panj*", True),
        ("panj", False),
        ('"panjshir val"*', True),
        ('"pan valley"', False),
        ("-herat", True),
        ("-kabul", False),
        ("kabul -airp*", False),
    ],
)
def test_what_a_query_finds(text: str, expected: bool) -> None:
    texts = [words("The Panjshir valley"), words("Kabul airport"), words("")]
    assert holds(read_text_query(text), texts) is expected


@pytest.mark.parametrize("dash", ["\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\uff0d"])
def test_a_dash_before_a_word_is_a_minus_and_by_itself_punctuation(dash: str) -> None:
    assert read_text_query(f"kabul {dash}airport") == read_text_query("kabul -airport")
    assert read_text_query(f'{dash}"suicide bomb"') == read_text_query('-"suicide bomb"')
    assert read_text_query(f"kabul {dash} airport") == read_text_query("kabul airport")
    assert read_text_query(f"IS{dash}K") == read_text_query("IS-K")


def test_so_many_beginnings_are_searched_at_once() -> None:
    letters = [f"{letter}*" for letter in "abcdefghijkl"]
    assert len(read_text_query(" ".join(letters[:BEGINNINGS_LIMIT])).wanted) == BEGINNINGS_LIMIT
    for text in (" ".join(letters), " OR ".join(letters), " -".join(letters)):
        with pytest.raises(Unreadable) as refused:
            read_text_query(text)
        assert [fault.code for fault in refused.value.faults] == ["too-many"]
