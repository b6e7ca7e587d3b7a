"""The sources of a row of UCDP GED, taken apart."""

from __future__ import annotations

import pytest

from tests.ucdp_ged_rows import codes, event, one


def sources(article: str, number: str) -> list[tuple[str | None, str | None, str | None]]:
    found = event(source_article=article, number_of_sources=number)["sources"]
    assert [source["ref"] for source in found] == [f"s{n}" for n in range(1, len(found) + 1)]
    return [(source["publisher"], source["published"], source["title"]) for source in found]


@pytest.mark.parametrize(
    ("article", "number", "expected"),
    [
        ("", "0", []),
        ('"A,2020-01-02,B"', "1", [("A", "2020-01-02", "B")]),
        ('"A, Inc.,2020-01-02,B, C; D";"E,2020-1-3,F"', "2",
         [("A, Inc.", "2020-01-02", "B, C; D"), ("E", "2020-01-03", "F")]),
        ('"A 1990-5,2020-01-02,On 2019-01-01,too"', "1", [("A 1990-5", "2020-01-02", "On 2019-01-01,too")]),
        ('"A,2020-01-02,Says "no";"yes" twice"', "1", [("A", "2020-01-02", 'Says "no";"yes" twice')]),
        ('"A,2020-01-02,B\n\nAU C"', "1", [("A", "2020-01-02", "B\n\nAU C")]),
        ('"A,2020-01-02, "', "1", [("A", "2020-01-02", None)]),
        ('"A,2020-01-02,-"', "1", [("A", "2020-01-02", None)]),
        ('A 2 Jan 2020 "B; C" /(2)D', "-1", [(None, None, 'A 2 Jan 2020 "B; C" /(2)D')]),
        ('"A,2020-01-02,B"', "-1", [(None, None, '"A,2020-01-02,B"')]),
        ('"A 2 Jan 2020"', "1", [(None, None, '"A 2 Jan 2020"')]),
    ],
)  # fmt: skip
def test_sources_are_taken_apart(article: str, number: str, expected: list[tuple[str | None, ...]]) -> None:
    assert sources(article, number) == expected


def test_a_source_dated_on_no_day_keeps_its_words() -> None:
    record = one(source_article='"A,2020-02-30,B"')
    assert record.event is not None
    assert (record.event["sources"][0]["publisher"], record.event["sources"][0]["published"]) == ("A", None)
    assert codes(record) == [("/source_article", "not-a-date")]


def test_a_wrong_number_of_sources_is_told() -> None:
    assert codes(one(number_of_sources="3")) == [("/number_of_sources", "sources-differ")]


def test_two_hundred_sources_are_the_most() -> None:
    record = one(number_of_sources="250", source_article=";".join(['"A,2020-01-02,B"'] * 250))
    assert record.event is not None and len(record.event["sources"]) == 200
    assert codes(record) == [("/source_article", "sources-cut")]


def test_claims_name_a_source_only_where_there_is_one() -> None:
    for article, number in (("", "0"), ('"A,2020-01-02,B";"C,2020-01-02,D"', "2")):
        assert {claim["source"] for claim in event(source_article=article, number_of_sources=number)["claims"]} == {
            None
        }
