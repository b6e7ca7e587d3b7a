"""Words: what each kind of writing becomes, and what holds for any text."""

# ruff: noqa: RUF001  # Letters and signs that look like others are what is tested.

from __future__ import annotations

import string
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.words import BREAK, SEARCHED_MAX, WORD_MAX, searchable, words

TEXTS = st.text(st.characters()) | st.text(st.sampled_from("aK9 -'_é\u0301ßİŉ½ﬁ\u200c\u0640กิน国がमुंबई\ufe0f❤¶"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \t\r\n", ""),
        ("Taliban attack is repelled.", "taliban attack is repelled"),
        ("IS-K", "is k"),
        ("Kabul's", "kabul s"),
        ("Kabul’s", "kabul s"),
        ("snake_case", "snake case"),
        ("2021-08-26", "2021 08 26"),
        ("1,200 dead (3 %)", "1 200 dead 3"),
        ("a\x00b\x1fc\x7fd", "a b c d"),
        ("km² ½ №5 ™", "km2 1 2 no5 tm"),
        ("Provence–Alpes… «Côte» d'Azur", "provence alpes cote d azur"),
        ("Ḩizb-i Islāmī", "hizb i islami"),
        ("Cafe\u0301 CAFÉ", "cafe cafe"),
        ("Straße STRASSE", "strasse strasse"),
        ("ﬁnal oﬃce", "final office"),
        ("İstanbul ΐ", "istanbul ι"),
        ("300 \u212a", "300 k"),
        ("ＫＡＢＵＬ　２０２１", "kabul 2021"),
        ("Ⅷ ①", "viii 1"),
        ("⑴ ⒈", "1 1"),
        ("ΣΊΣΥΦΟΣ Σίσυφος", "σισυφοσ σισυφοσ"),
        ("Ѐ Ё", "е е"),
        # Format characters part nothing, nor do tatweel, vowel signs of Arabic, and variation selectors.
        ("می\u200cخواهم", "میخواهم"),
        ("co\u00adoperate \ufeffKabul \u200eGhazni", "cooperate kabul ghazni"),
        ("كـــابل مُحَمَّد", "کابل محمد"),
        # What keyboards and transliterations write differently.
        ("علي على علی كتاب", "علی علی علی کتاب"),
        ("۱۴۰۰ ١٤٠٠ १४००", "1400 1400 1400"),
        ("Qurʾān Kaʿba Hawaiʻi", "quran kaba hawaii"),
        ("❤\ufe0f 1\ufe0f\u20e3 a\u034fb", "1 ab"),
        # Vowel signs stay with their word; those that combine as accents do are accents here too.
        ("मुंबई", "मुंबई"),
        ("தமிழ் நாடு", "தமிழ நாடு"),
        # Writing without spaces: a character, with its marks, is a word.
        ("阿富汗", "阿 富 汗"),
        ("カブール", "カ フ ー ル"),
        ("ｶﾌﾞｰﾙ", "カ フ ー ル"),
        ("กินabcน12", "กิ น abc น 12"),
        ("阿富汗kabul2021年", "阿 富 汗 kabul2021 年"),
        ("ជា ພາ", "ជា ພ າ"),
        ("\U00020000\U00020001", "\U00020000 \U00020001"),
        # A mark with nothing before it is no word.
        ("\u0903 !\u0903 \u0e31", ""),
        ("\ud800 a\udfffb \ue000", "a b"),
    ],
)
def test_words_of_a_text(text: str, expected: str) -> None:
    assert words(text) == [unicodedata.normalize("NFKD", word) for word in expected.split()]


@pytest.mark.parametrize("char", ["a", "é", "م", "अ"])
@pytest.mark.parametrize("length", [WORD_MAX - 1, WORD_MAX, WORD_MAX + 1, 5000])
def test_the_rest_of_a_long_word_is_cut_off(char: str, length: int) -> None:
    (plain,) = words(char)
    assert words(f"one {char * length} two")[1:-1] == [plain * min(length, WORD_MAX)]


def test_an_ascii_text_has_the_same_words_beside_other_writing() -> None:
    every = "".join(f"x{chr(code)}Y" for code in range(128))
    assert [*words(every), "é"] == [*words(every + " \u0117")[:-1], "é"]
    assert words(every + " \u0117") == [*words(every), "e"]


def properly_made(found: list[str]) -> bool:
    return all(
        1 <= len(word) <= WORD_MAX
        and word[0].isalnum()
        and all(char in string.ascii_lowercase + string.digits for char in word if char.isascii())
        and all(unicodedata.category(char)[0] in "LNM" for char in word)
        for word in found
    )


def test_every_character_makes_words_that_are_their_own_words() -> None:
    bad = []
    for code in range(sys.maxunicode + 1):
        found = words(f"a{chr(code)}b")
        if not properly_made(found) or words(" ".join(found)) != found:
            bad.append(hex(code))
    assert bad == []


@given(TEXTS)
def test_words_are_their_own_words(text: str) -> None:
    found = words(text)
    assert properly_made(found)
    assert words(" ".join(found)) == found


@given(TEXTS)
def test_words_do_not_depend_on_how_accents_are_encoded_or_on_case(text: str) -> None:
    found = words(text)
    for form in (unicodedata.normalize("NFC", text), unicodedata.normalize("NFKD", text), text.casefold()):
        assert words(form) == found


@given(TEXTS, TEXTS)
def test_white_space_parts_words(one: str, other: str) -> None:
    assert words(f"{one}\u2003{other}") == words(one) + words(other)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], ""),
        ([None, "", " - ", BREAK], ""),
        (["Kabul, Ghazni"], "kabul ghazni"),
        (["Kabul", None, "Ghazni!", "...", "IS-K"], f"kabul {BREAK} ghazni {BREAK} is k"),
        ([f"a{BREAK}b"], "a b"),
    ],
)
def test_texts_are_kept_apart(texts: list[str | None], expected: str) -> None:
    assert searchable(texts) == expected


def test_the_break_is_a_single_character_that_no_word_holds() -> None:
    assert len(BREAK) == 1
    assert not BREAK.isascii()
    assert words(f"a{BREAK}b {BREAK}") == ["a", "b"]


@pytest.mark.parametrize("over", range(-3, 4))
def test_what_is_searched_is_cut_at_the_end_of_a_word(over: int) -> None:
    filling = "abc " * ((SEARCHED_MAX - 20) // 4)
    last = "z" * (SEARCHED_MAX - len(filling) + over)
    cut = searchable([filling + last])
    assert cut == (filling + last if over <= 0 else filling.rstrip())


def test_what_is_searched_never_ends_in_a_break() -> None:
    text = "a" + " a" * (SEARCHED_MAX // 2 - 2)  # Leaves room for a space, a break and a space, not for the next word.
    assert len(text) == SEARCHED_MAX - 3
    assert searchable([text, "long"]) == text
    assert searchable([text, *["x"] * 1000]) == text


@given(st.lists(st.none() | TEXTS))
def test_what_is_searched_is_the_words_of_each_text(texts: list[str | None]) -> None:
    made = searchable(texts)
    assert made == made.strip()
    parted = [part.split() for part in made.split(BREAK)] if made else []
    assert parted == [found for text in texts if text is not None and (found := words(text))]
