"""Files of ACLED of every make: what is read, what is refused as a whole, and that it is stored."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from peewee import Database

from service.check import check
from service.database import fetch
from service.importers import UnreadableFile
from tests.acled_rows import (
    BASE,
    FIXTURES,
    SAMPLES,
    WHOLE_FILES,
    codes,
    read,
    records_of,
    table,
    take,
)
from tests.writing import counts, document, everything, rejections

# Whole files


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_every_make_of_file_gives_the_same_events(name: str) -> None:
    records = read((FIXTURES / name).read_bytes())
    reference = [record.event for record in read((FIXTURES / "acled_export_bom_crlf.csv").read_bytes())]
    if name == "acled_upper_case.csv":
        # The older file has no column of tags.
        reference = [{**made, "tags": []} for made in reference]
    assert [record.event for record in records] == reference
    assert [record.event["id"] for record in records] == [f"acled-afg80000{number}" for number in range(1, 5)]
    assert [codes(record) for record in records] == [[]] * 4


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_lines_and_raw_texts_are_those_of_the_file(name: str) -> None:
    lines = (FIXTURES / name).read_bytes().decode("utf-8-sig").split("\n")
    for record in read((FIXTURES / name).read_bytes()):
        assert record.raw.lstrip() in "\n".join(lines[record.line - 1 :])
        assert "\n".join(lines[record.line - 1 :]).lstrip().startswith(record.raw) or name == "acled_rows.json"


def test_the_original_is_the_whole_row_as_it_was_read() -> None:
    [record, *_] = read((FIXTURES / "acled_upper_case.csv").read_bytes())
    assert record.original is not None
    assert len(record.original) == 28
    assert record.original["ALLY_ACTOR_1"] == "Fig Company; Military Forces of Arcadia (2001-)"
    assert record.original["EVENT_DATE"] == "02-May-2020"
    assert record.original["NOTES"] == 'They met at the bridge,\nnorth of the bazaar; it is called "old".'


def test_members_of_json_become_texts_in_the_original() -> None:
    row = {**BASE, "fatalities": 3, "latitude": 32.5, "iso": None, "more": {"deep": [1, "\u00e9"]}}
    (record,) = read(json.dumps([row]).encode())
    assert record.original is not None
    assert [record.original[name] for name in ("fatalities", "latitude", "iso", "more")] == [
        *("3", "32.5", ""),
        '{"deep": [1, "\u00e9"]}',
    ]


def test_nameless_repeated_and_unknown_columns_are_not_lost() -> None:
    lines = table(BASE | {"notes": "x"}).decode().splitlines()
    (record,) = read(f"{lines[0]},,mine,mine\n{lines[1]},a,b,c\n".encode())
    assert record.original is not None
    assert [record.original[name] for name in ("(32)", "mine", "mine (34)")] == ["a", "b", "c"]


def test_a_row_may_have_the_columns_that_a_reader_chose() -> None:
    columns = ("event_date", "event_type", "actor1")
    (record,) = read(table({name: BASE[name] for name in columns}, columns=columns))
    assert record.event is not None
    assert (record.event["type"], record.event["location"], record.event["claims"]) == ("battle", None, [])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (table(), "header, but no record"),
        (table(dict.fromkeys(("country", "notes"), "#tag")), "no record"),
        (b'{"status": 200, "success": true, "count": 0, "data": []}', "no record"),
        (b"[]", "no record"),
        (b'{"status": 200}', "no rows"),
        (b'[{"id": 1, "title": "a"}]', "no ACLED file.*lacks event_date, event_type, actor1"),
        (b"\x1f\x8b\x08abc", "gzip"),
        (b"id,type_of_violence,side_a\n1,2,3\n", "UCDP GED release .format ucdp-ged"),
        (b'{"id": "a", "title": "b"}\n', "Dateline's own events"),
        (b"1\t" * 57 + b"x\n", "GDELT"),
        (table(BASE | {"notes": ""}).replace(b",", b";"), "semicolons"),
        (b"Year,Month,Headline\n2020,1,a\n", "lacks event_date"),
    ],
)
def test_a_file_that_is_none_of_acleds_or_has_no_rows_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        next(records_of(io.BytesIO(data)))
    assert re.search(words, str(caught.value))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 403, "success": False, "error": {"status": 403, "message": "No access."}}, "403: No access"),
        ({"status": 403, "success": False, "error": "Access denied"}, "403: Access denied"),
        ({"status": 400, "success": False, "error": [{"message": "a"}, {"message": "b"}], "data": []}, "400: a: b"),
        ({"message": "Access denied"}, "Access denied"),
        ({"error": "invalid_grant", "error_description": "Wrong password."}, "invalid_grant: Wrong password"),
        ({"success": False}, "does not say"),
    ],
)
def test_what_the_api_said_in_the_place_of_events_is_told(answer: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadableFile, match="ACLED's API gave no events") as caught:
        read(json.dumps(answer).encode())
    assert said in str(caught.value)


def test_an_answer_that_is_longer_than_its_beginning_is_streamed() -> None:
    rows = [{**BASE, "event_id_cnty": f"AFG{number}"} for number in range(500)]
    records = read(json.dumps({"status": 200, "messages": [], "data": rows}, indent=1).encode())
    assert [record.event["id"] for record in records] == [f"acled-afg{number}" for number in range(500)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            json.dumps([BASE, BASE]).encode()[:-60],
            "breaks off, or a quote is never closed, in the row that begins in line 1",
        ),
        (json.dumps({"data": [BASE]}).encode().replace(b"Lapis", b"L\xffpis"), "not UTF-8"),
        (table(BASE, BASE).replace(b"The Sangin", b"The \xff Sangin"), "not UTF-8"),
        (table(BASE) + b'AFG2,"open', "quote opened in the record that begins in line 4 is never closed"),
    ],
)
def test_a_broken_file_is_told_with_its_line(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(data)


@pytest.mark.parametrize("column", ["event_date", "event_type", "actor1"])
def test_a_header_without_a_needed_column_is_refused_by_name(column: str) -> None:
    row = {name: text for name, text in BASE.items() if name != column}
    with pytest.raises(UnreadableFile, match=f"lacks {column}"):
        read(table(row, columns=tuple(row)))


def test_a_column_that_stands_twice_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="assoc_actor_1 twice"):
        read(table(BASE).replace(b",assoc_actor_2,", b",ASSOC_ACTOR_1,", 1))


def test_rows_that_are_no_rows_are_rejected_alone() -> None:
    records = read(json.dumps([BASE, 7, {**BASE, "NOTES": "b"}, BASE]).encode())
    assert [codes(record) for record in records] == [[], [("/", "wrong-type")], [("/notes", "duplicate")], []]


@pytest.mark.parametrize(("extra", "code"), [(",x", "wrong-column-count"), ('"x', "malformed-record"), (",,", "")])
def test_a_row_that_does_not_fit_its_header_is_rejected_alone(extra: str, code: str) -> None:
    lines = table(BASE | {"notes": "", "timestamp": "1"}).decode().splitlines()
    records = read("\n".join((lines[0], lines[1] + extra.replace('"x', ',"x"y'), lines[1])).encode())
    assert [codes(record) for record in records] == [[("/", code)] if code else [], []]


# What is stored


@pytest.mark.parametrize("name", ["acled_export_bom_crlf.csv", "acled_api.json"])
def test_a_file_is_stored_once_however_often_it_is_imported(empty_database: Database, name: str) -> None:
    data = (FIXTURES / name).read_bytes()
    assert counts(take(empty_database, data)) == (4, 4, 0, 0, 0)
    before = everything(empty_database)
    assert counts(take(empty_database, data)) == (4, 0, 0, 4, 0)
    assert everything(empty_database) == before
    assert check(empty_database) == []
    answer = document(empty_database, "acled-afg800002")
    assert answer["actors"] == [
        {"id": "orchard-brigade", "name": "Orchard Brigade", "role": "perpetrator"},
        {"id": "civilians-afghanistan", "name": "Civilians (Afghanistan)", "role": "victim"},
        {"id": "teachers-afghanistan", "name": "Teachers (Afghanistan)", "role": "associate-b"},
    ]
    assert answer["casualties"] == {"killed": {"low": 0, "best": 0, "high": 0, "disputed": False}}
    assert (answer["date"], answer["qualifier"]) == ("2020-05-06~", "approximate")
    [(licence,)] = fetch(empty_database, "SELECT licence FROM dataset WHERE id = 'acled'")
    assert "may not be passed on" in licence


def test_the_seeds_actors_are_found_by_their_names(database: Database) -> None:
    row = BASE | {"actor1": "Taliban", "actor2": "National Resistance Front", "assoc_actor_1": ""}
    assert counts(take(database, table(row)))[1] == 1
    actors = document(database, "acled-afg800001")["actors"]
    assert [(actor["id"], actor["role"]) for actor in actors] == [("taliban", "side-a"), ("nrf", "side-b")]


MENDED = {
    '"06/05/2020"': '"6 May 2020"',
    ",06/05/2020,": ",6 May 2020,",
    '"some"': '"1"',
    ",some,": ",1,",
    '"132.072"': '"32.072"',
    ",132.072,": ",32.072,",
    '"event_date": ""': '"event_date": "2020-05-13"',
    "AFG800004,,": "AFG800004,2020-05-13,",
}


@pytest.mark.parametrize("name", ["acled_with_rejects.csv", "acled_with_rejects.json"])
def test_rejected_rows_are_written_in_their_own_form_and_fed_again(empty_database: Database, name: str) -> None:
    first = io.StringIO()
    report = take(empty_database, (FIXTURES / name).read_bytes(), first)
    assert counts(report) == (4, 1, 0, 0, 3)
    assert [(pointer, code) for _, pointer, code in rejections(report)] == [
        ("/event_date", "not-a-date"),
        ("/fatalities", "not-a-number"),
        ("/event_date", "missing"),
        ("/latitude", "out-of-range"),
    ]
    if name.endswith(".json"):
        reasons = [row["rejected_because"] for row in json.loads(first.getvalue())["data"]]
    else:
        reasons = [row["rejected_because"] for row in csv.DictReader(io.StringIO(first.getvalue()))]
    assert len(reasons) == 3 and "write 2021-08-26" in reasons[0]
    # Fed again as they are, they are rejected again, and the reason is written once.
    second = io.StringIO()
    assert counts(take(empty_database, first.getvalue().encode(), second)) == (3, 0, 0, 0, 3)
    assert second.getvalue() == first.getvalue()
    mended = first.getvalue()
    for wrong, right in MENDED.items():
        mended = mended.replace(wrong, right)
    assert counts(take(empty_database, mended.encode())) == (3, 3, 0, 0, 0)
    [(original,)] = fetch(empty_database, "SELECT original FROM revision WHERE subject = 'acled-afg800002'")
    assert "rejected_because" not in json.loads(original)


# The publisher's own form


def sample(name: str) -> bytes:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"The sample {name} is not here.")
    return path.read_bytes()


def test_both_forms_of_the_sample_give_the_same_events() -> None:
    table_rows, answer = read(sample("acled_SYNTHETIC.csv")), read(sample("acled_api_SYNTHETIC.json"))
    assert [record.event for record in table_rows] == [record.event for record in answer]
    assert [record.original for record in table_rows] == [record.original for record in answer]
    assert len(answer) == 6
    assert [(record.faults, record.warnings) for record in answer] == [((), ())] * 6
    provinces = [record.event["location"]["province"]["code"] for record in answer]
    assert provinces == ["AF-KAB", "AF-PAN", "AF-JOW", "AF-URU", "AF-PIA", "AF-PAN"]
    dates = [record.event["date"] for record in answer]
    assert dates == ["2021-08-26", "2021-09-06~", "2021-08-10", "2021-08", "2022-03-05", "2021-08-14"]


def test_the_sample_is_stored_without_a_reject_in_either_form(empty_database: Database) -> None:
    assert counts(take(empty_database, sample("acled_SYNTHETIC.csv"))) == (6, 6, 0, 0, 0)
    before = everything(empty_database)
    assert counts(take(empty_database, sample("acled_SYNTHETIC.csv"))) == (6, 0, 0, 6, 0)
    assert counts(take(empty_database, sample("acled_api_SYNTHETIC.json"))) == (6, 0, 0, 6, 0)
    assert everything(empty_database) == before
    assert check(empty_database) == []
