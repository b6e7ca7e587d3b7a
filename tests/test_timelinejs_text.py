"""The HTML of slides of TimelineJS as plain text."""

from __future__ import annotations

import html
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.importers.timelinejs_text import one_line, plain


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("two\r\n\r\n\r\n\r\nparagraphs \n here", "two\n\nparagraphs\nhere"),
        ("a &lt;b&gt; &amp;amp; &eacute;&#233;&#xe9;&nbsp;c", "a <b> &amp; ééé c"),
        ("1 < 2 > 0 <3 <", "1 < 2 > 0 <3 <"),
        ("<p>one</p>\n<p>two</p>", "one\n\ntwo"),
        ("one<br>two<br/>three<BR />four", "one\ntwo\nthree\nfour"),
        ("one<br><br><br><br>two", "one\n\ntwo"),
        ("<b>a</b>\n  <i>b</i>", "a b"),
        ("<ul><li>one</li><li>two</li></ul>after", "- one\n- two\n\nafter"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ('see <a href="https://example.org/a?b=1&amp;c=2" target=_blank>this</a>.',
         "see this (https://example.org/a?b=1&c=2)."),
        ("<a href=https://example.org>https://example.org/</a>", "https://example.org/"),
        ("<a href='https://example.org/'><img src='x'></a>", "https://example.org/"),
        ("<a href='//example.org/x'>x</a>", "x (https://example.org/x)"),
        ("<a href='javascript:alert(1)'>x</a> <a href='#top'>y</a> <a name=z>z</a>", "x y z"),
        ("<a href='https://a.example'>one<a href='https://b.example'>two",
         "one (https://a.example)two (https://b.example)"),
        ("a<script>alert('</p>')</script>b<style>p{}</STYLE >c<!-- d -- > --> e", "abc e"),
        ("a<script>never closed <p>b</p>", "a"),
        ("a<!-->b<!--->c<!--d", "abc"),
        ("a<!DOCTYPE html>b<?php echo 1 ?>c</>d</ >e<![CDATA[f]]>g", "abcdeg"),
        ("<p title='a > b'>c</p><p title=it's>d</p>", "c\n\nd"),
        ("<p unclosed='", ""),
        ("a <b unclosed", "a"),
        ("<div><div><div>deep</div>er", "deep\n\ner"),
        ("<iframe src='https://example.org/v'>no frames</iframe>seen", "seen"),
        ("&#99999999999; &#0000000065; &#xD800; &#0;", "\ufffd A \ufffd \ufffd"),
        ("&#" + "9" * 6000 + ";", "\ufffd"),
    ],
)  # fmt: skip
def test_html_becomes_plain_text(source: str, text: str) -> None:
    assert plain(source).text == text


@pytest.mark.parametrize(
    "unit",
    ["<", "<!--", "<a ", '<a href="', "&#", "</", "<![CDATA[", "<script>", "<b>", "<a  ", "<a =", "<a='", "<a b=c ",
     "<a href=http://x>", " \n", "<br> ", "<!-- --", "<style></style "],
)  # fmt: skip
def test_hostile_html_takes_no_longer_than_its_length(unit: str) -> None:
    short, long = (unit * (size // len(unit)) for size in (20_000, 320_000))
    plain(short)
    began = time.process_time()
    plain(long)
    # The parser of the standard library takes half an hour for some of these.
    assert time.process_time() - began < 5


class _Reference(HTMLParser):
    """The words of well-formed HTML as the standard library reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""

    def handle_data(self, data: str) -> None:
        self.words += data


@given(
    st.recursive(
        st.text(st.characters(codec="utf-8", exclude_characters="\0")).map(html.escape),
        lambda inner: st.tuples(st.sampled_from(("b", "i", "span", "em")), st.text(), st.lists(inner, max_size=4)).map(
            lambda drawn: f'<{drawn[0]} title="{html.escape(drawn[1])}">{"".join(drawn[2])}</{drawn[0]}>'
        ),
        max_leaves=12,
    )
)
def test_well_formed_html_has_the_words_that_another_parser_finds(source: str) -> None:
    reference = _Reference()
    reference.feed(source)
    reference.close()
    assert plain(source, links=False).text.split() == reference.words.split()


@given(st.text(st.sampled_from("<>/!-&#;='\" aApbscripthref:\n09x\u00a0")))
@settings(max_examples=500)
def test_any_text_becomes_plain_text(source: str) -> None:
    found = plain(source).text
    assert found == found.strip()
    assert len(found) <= 4 * len(source) + 1
    assert "\n" not in one_line(source)
