"""ACLED files of every make: what is read, what is mended with a warning, what is rejected, and that it is stored."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from peewee import Database

from schemas.vocabulary import EVENT_TYPES
from service.check import check
from service.database import fetch
from service.import_report import ImportReport
from service.importers import IMPORTERS, Record, UnreadableFile
from service.importers.source import opened
from service.importing import Import, Listener, import_file
from tests.writing import counts, document, everything, rejections

FORMAT = IMPORTERS["acled"]
FIXTURES = Path(__file__).parent / "fixtures"
SAMPLES = Path(__file__).parents[1] / ".." / "shared" / "data" / "samples"
WHOLE_FILES = (
    "acled_export_bom_crlf.csv",
    "acled_hxl_reordered.csv",
    "acled_upper_case.csv",
    "acled_api.json",
    "acled_rows.json",
)
ROWS: list[dict[str, str]] = json.loads((FIXTURES / "acled_rows.json").read_text(encoding="utf-8"))
BASE = {name: text or "" for name, text in ROWS[0].items()}


def records_of(stream: BinaryIO) -> Iterator[Record]:
    return FORMAT.read(opened(stream)).records


def read(data: bytes) -> list[Record]:
    return list(records_of(io.BytesIO(data)))


def table(*rows: dict[str, str], columns: tuple[str, ...] = tuple(BASE)) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def one(**changes: str) -> Record:
    (record,) = read(table(BASE | changes))
    return record


def event(**changes: str) -> dict[str, Any]:
    record = one(**changes)
    made: dict[str, Any] = record.event
    assert made is not None, record.faults
    return made


def codes(record: Record) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in record.faults or record.warnings]


def roles(made: dict[str, Any]) -> list[tuple[str, str]]:
    return [(actor["name"], actor["role"]) for actor in made["actors"]]


def take(database: Database, data: bytes, rejects: io.StringIO | None = None) -> ImportReport:
    return import_file(database, io.BytesIO(data), Import(FORMAT, "import"), Listener(rejects=rejects))


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
        (json.dumps([BASE, BASE]).encode()[:-60], "breaks off in the row that begins in line 1"),
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


# What rejects a row


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("event_date", "", "missing"),
        ("event_date", "06/05/2020", "not-a-date"),
        ("event_date", "06-05-2020", "not-a-date"),
        ("event_date", "2020-02-30", "not-a-date"),
        ("event_date", "30 February 2020", "not-a-date"),
        ("event_date", "3 Mayo 2020", "not-a-date"),
        ("event_date", "3 May 20", "not-a-date"),
        ("event_date", "0000-01-01", "not-a-date"),
        ("fatalities", "some", "not-a-number"),
        ("fatalities", "-1", "not-a-number"),
        ("fatalities", "1000000001", "out-of-range"),
        ("latitude", "91", "out-of-range"),
        ("longitude", "64,8", "not-a-number"),
        ("notes", "a\0b", "bad-character"),
    ],
)
def test_a_bad_cell_rejects_the_row_and_is_named(column: str, text: str, code: str) -> None:
    record = one(**{column: text})
    assert codes(record) == [(f"/{column}", code)]
    assert (record.event, record.actors) == (None, ())


def test_all_of_a_rows_faults_are_found_and_point_to_the_columns_of_the_file() -> None:
    lines = table(BASE | {"event_date": "x", "latitude": "x", "fatalities": "x"}).decode()
    head, rest = lines.split("\n", 1)
    (record,) = read(f"{head.upper()}\n{rest}".encode())
    assert {pointer for pointer, _ in codes(record)} == {"/EVENT_DATE", "/LATITUDE", "/FATALITIES"}
    assert "write 2021-08-26 or 26 August 2021" in record.faults[0].message


def test_half_a_surrogate_pair_is_rejected() -> None:
    (record,) = read(json.dumps([{**BASE, "notes": "@"}]).replace('"@"', '"\\ud800"').encode())
    assert codes(record) == [("/notes", "bad-character")]


# Ids


@pytest.mark.parametrize(
    ("given", "data_id", "expected"),
    [
        ("AFG 12/x", "7", "acled-afg-12-x"),
        ("", "7", "acled-7"),
        ("", "7.0", "acled-7"),
    ],
)
def test_the_id_is_acleds_own_or_the_older_number(given: str, data_id: str, expected: str) -> None:
    row = BASE | {"event_id_cnty": given, "data_id": data_id}
    (record,) = read(table(row, columns=tuple(row)))
    assert record.event is not None and record.event["id"] == expected


def test_a_row_without_an_id_is_told_by_all_that_it_says() -> None:
    made = event(event_id_cnty="")["id"]
    assert re.fullmatch(r"acled-[0-9a-f]{16}", made)
    row = BASE | {"event_id_cnty": ""}
    assert read(table(row, columns=tuple(sorted(row))))[0].event["id"] == made
    assert read(json.dumps([row]).encode())[0].event["id"] == made
    assert event(event_id_cnty="", notes="other")["id"] != made


# Dates


@pytest.mark.parametrize(
    ("text", "precision", "edtf"),
    [
        ("2021-08-26", "1", "2021-08-26"),
        ("2021-08-26 00:00:00.000", "1.0", "2021-08-26"),
        ("26 August 2021", "1", "2021-08-26"),
        ("26-August-2021", "", "2021-08-26"),
        ("6 Aug 2021", "1", "2021-08-06"),
        ("06-SEPT-2021", "1", "2021-09-06"),
        ("2021-09-06", "2", "2021-09-06~"),
        ("15 August 2021", "3", "2021-08"),
    ],
)
def test_the_date_says_what_the_row_says(text: str, precision: str, edtf: str) -> None:
    record = one(event_date=text, time_precision=precision)
    assert record.event is not None and record.event["date"] == edtf
    assert record.warnings == ()


def test_a_precision_that_nobody_knows_is_told() -> None:
    record = one(time_precision="4", geo_precision="0")
    assert record.event is not None
    assert (record.event["date"], record.event["location"]["precision"]) == ("2020-05-02", None)
    assert sorted(codes(record)) == [("/geo_precision", "unknown-value"), ("/time_precision", "unknown-value")]


# Types

ACLED_TYPES = {
    "Battles": "battle",
    "Explosions/Remote violence": "explosion",
    "Violence against civilians": "violence-against-civilians",
    "Protests": "protest",
    "Riots": "riot",
    "Strategic developments": "strategic-development",
}


def test_each_of_acleds_sub_types_is_ours() -> None:
    found = set()
    for name, top in ACLED_TYPES.items():
        ours = [known for known in EVENT_TYPES.values() if known.parent == top and known.label != "Withdrawal"]
        for known in ours:
            record = one(event_type=name, sub_event_type=known.label)
            assert record.event is not None and record.event["type"] == known.id
            assert record.warnings == ()
            found.add(known.id)
    assert len(found) == 25


@pytest.mark.parametrize(
    ("event_type", "sub_type", "kind", "expected"),
    [
        ("Battle-No change of territory", "", "2", "battle/armed-clash"),
        ("Battle-Government regains territory", "", "1", "battle/government-regains-territory"),
        ("Battle-Non-state actor overtakes territory", "", "2", "battle/non-state-actor-overtakes-territory"),
        ("Remote violence", "", "1", "explosion"),
        ("Remote violence", "Suicide bomb", "2", "explosion/suicide-bomb"),
        ("Violence Against Civilians", "", "2", "violence-against-civilians"),
        ("Riots/Protests", "", "5", "riot"),
        ("Riots/Protests", "", "6", "protest"),
        ("Riots/Protests", "Mob violence", "6", "riot/mob-violence"),
        ("Strategic development", "", "1", "strategic-development"),
        ("Strategic developments", "Other", "1", "strategic-development/other"),
        ("Non-violent transfer of territory", "", "1", "strategic-development/non-violent-transfer-of-territory"),
        ("Headquarters or base established", "", "2", "strategic-development/headquarters-or-base-established"),
        ("Protests", "Excessive force against protestors", "6", "protest/excessive-force-against-protesters"),
    ],
)
def test_types_of_older_releases_are_understood(event_type: str, sub_type: str, kind: str, expected: str) -> None:
    record = one(event_type=event_type, sub_event_type=sub_type, inter1=kind)
    assert record.event is not None and record.event["type"] == expected
    assert record.warnings == ()


@pytest.mark.parametrize(
    ("event_type", "sub_type", "expected", "warnings"),
    [
        ("Battles", "Duel", "battle", [("/sub_event_type", "unknown-type")]),
        ("Skirmishes", "Armed clash", "battle/armed-clash", [("/event_type", "unknown-type")]),
        ("Battles", "Peaceful protest", "battle", [("/sub_event_type", "type-differs")]),
        ("", "", "other", [("/event_type", "unknown-type")]),
        ("Skirmishes", "Duel", "other", [("/sub_event_type", "unknown-type"), ("/event_type", "unknown-type")]),
    ],
)
def test_an_unknown_type_becomes_the_nearest_with_a_warning(
    event_type: str, sub_type: str, expected: str, warnings: list[tuple[str, str]]
) -> None:
    record = one(event_type=event_type, sub_event_type=sub_type)
    assert record.event is not None and record.event["type"] == expected
    assert codes(record) == warnings


# Actors


def cast(sub_type: str, first: str, second: str, targeting: str = "") -> list[str]:
    """The roles of two actors, each given as the code of its kind, in an event of a sub-type."""
    parent = next(known.parent for known in EVENT_TYPES.values() if known.label == sub_type)
    event_type = next(name for name, top in ACLED_TYPES.items() if top == parent)
    given = {f"actor{number}": f"Group {number}" if kind else "" for number, kind in ((1, first), (2, second))}
    made = event(
        **given, inter1=first, inter2=second, event_type=event_type, sub_event_type=sub_type,
        civilian_targeting=targeting, assoc_actor_1="", assoc_actor_2="",
    )  # fmt: skip
    return [role for _, role in roles(made)]


@pytest.mark.parametrize(
    ("sub_type", "first", "second", "targeting", "expected"),
    [
        ("Armed clash", "1", "2", "", ["side-a", "side-b"]),
        ("Armed clash", "1", "", "", ["side-a"]),
        ("Shelling/artillery/missile attack", "1", "2", "", ["side-a", "side-b"]),
        ("Shelling/artillery/missile attack", "1", "7", "", ["perpetrator", "victim"]),
        ("Air/drone strike", "8", "6", "Civilian targeting", ["perpetrator", "victim"]),
        ("Air/drone strike", "8", "", "Civilian targeting", ["perpetrator"]),
        ("Attack", "3", "7", "Civilian targeting", ["perpetrator", "victim"]),
        ("Attack", "7", "3", "", ["victim", "perpetrator"]),
        ("Attack", "3", "", "", ["perpetrator"]),
        ("Attack", "", "7", "", ["victim"]),
        ("Attack", "7", "7", "", ["side-a", "side-b"]),
        ("Peaceful protest", "6", "", "", ["participant"]),
        ("Protest with intervention", "6", "1", "", ["participant", "participant"]),
        ("Excessive force against protesters", "6", "1", "", ["victim", "perpetrator"]),
        ("Excessive force against protesters", "1", "6", "", ["perpetrator", "victim"]),
        ("Violent demonstration", "5", "1", "", ["side-a", "side-b"]),
        ("Violent demonstration", "5", "", "", ["participant"]),
        ("Mob violence", "5", "7", "", ["perpetrator", "victim"]),
        ("Agreement", "1", "2", "", ["participant", "participant"]),
    ],
)
def test_roles_follow_from_the_type_and_who_is_unarmed(
    sub_type: str, first: str, second: str, targeting: str, expected: list[str]
) -> None:
    assert cast(sub_type, first, second, targeting) == expected


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *(
            ("1", "state-forces"),
            ("State Forces", "state-forces"),
            ("2", "rebel-group"),
            ("Rebel group", "rebel-group"),
        ),
        *(("3", "political-militia"), ("Political militia", "political-militia"), ("4.0", "identity-militia")),
        *(("Identity militia", "identity-militia"), ("8", "external-forces"), ("0", None), ("", None)),
        *(("External/Other forces", "external-forces"), ("5", "rioters"), ("Civilians", "civilians")),
    ],
)
def test_the_kind_of_an_actor_is_its_code_or_label(code: str, kind: str | None) -> None:
    record = one(inter1=code)
    assert record.actors[0] == {"name": "Quince Regiment", "kind": kind, "external_ids": {}, "aliases": []}
    assert record.warnings == ()


def test_a_code_that_nobody_knows_leaves_the_kind_open() -> None:
    record = one(inter1="9")
    assert (record.actors[0]["kind"], codes(record)) == (None, [("/inter1", "unknown-value")])


@pytest.mark.parametrize("name", ["Civilians (Afghanistan)", "Protesters (Afghanistan)", "Rioters (Afghanistan)"])
def test_who_belongs_to_no_group_is_of_the_kind_of_the_name(name: str) -> None:
    assert one(actor2=name, inter2="Rebel group").actors[1]["kind"] == name.split()[0].lower()


def test_associates_stand_with_their_side_and_have_kinds_where_their_names_tell() -> None:
    record = one(
        assoc_actor_1="Fig Company; Police Forces of Arcadia (2001-)",
        assoc_actor_2="Government of Arcadia; Quince Regiment; fig company;Fig Company ;",
    )
    assert record.event is not None
    assert roles(record.event) == [
        ("Quince Regiment", "side-a"),
        ("Orchard Brigade", "side-b"),
        ("Fig Company", "associate-a"),
        ("Police Forces of Arcadia (2001-)", "associate-a"),
        ("Government of Arcadia", "associate-b"),
        ("Quince Regiment", "associate-b"),
        ("fig company", "associate-b"),
    ]
    kinds = {actor["name"]: actor["kind"] for actor in record.actors}
    assert kinds == {
        "Quince Regiment": "state-forces",
        "Orchard Brigade": "rebel-group",
        "Fig Company": None,
        "fig company": None,
        "Police Forces of Arcadia (2001-)": "state-forces",
        "Government of Arcadia": "government",
    }


def test_two_crowds_of_one_name_are_one_participant_of_a_role() -> None:
    crowd = {"actor1": "Protesters (Afghanistan)", "actor2": "Protesters (Afghanistan)", "assoc_actor_1": ""}
    protest = event(event_type="Protests", sub_event_type="Peaceful protest", **crowd)
    assert roles(protest) == [("Protesters (Afghanistan)", "participant")]
    riot = event(event_type="Riots", sub_event_type="Mob violence", **crowd)
    assert [role for _, role in roles(riot)] == ["side-a", "side-b"]


@pytest.mark.parametrize("name", ["Unknown", "-"])
def test_a_name_that_names_nobody_is_left_out(name: str) -> None:
    record = one(actor2=name)
    assert record.event is not None
    assert [role for _, role in roles(record.event)] == ["side-a", "associate-a", "associate-a"]
    assert codes(record) == [("/actor2", "unnamed-actor")]


def test_two_hundred_actors_are_the_most() -> None:
    record = one(assoc_actor_1=";".join(f"Company {number}" for number in range(300)))
    assert record.event is not None and len(record.event["actors"]) == 200
    assert codes(record) == [("/assoc_actor_1", "actors-cut")]


# Place


@pytest.mark.parametrize(
    ("code", "admin1", "precision"),
    [
        ("1", "Hilmand", "exact"),
        ("2", "Hilmand", "near"),
        ("3", "Hilmand", "province"),
        ("3", "", "country"),
        ("", "", None),
    ],
)
def test_the_place_is_as_exact_as_the_row_says(code: str, admin1: str, precision: str | None) -> None:
    location = event(geo_precision=code, admin1=admin1, admin3="North Sangin")["location"]
    assert location == {
        "country": "AF",
        "province": {"code": "AF-HEL"} if admin1 else None,
        "district": "Sangin",
        "place": "Sangin, North Sangin",
        "latitude": 32.072,
        "longitude": 64.834,
        "precision": precision,
        "as_given": None,
    }


def test_a_province_that_is_not_known_stays_as_text() -> None:
    record = one(admin1="Nowhere")
    assert record.event is not None
    assert (record.event["location"]["province"], record.event["location"]["as_given"]) == (None, "Nowhere")
    assert codes(record) == [("/admin1", "unknown-province")]


@pytest.mark.parametrize(
    ("name", "number", "country", "warnings"),
    [
        ("Republic of Congo", "178", "CG", []),
        ("Afghanistan", "", "AF", []),
        ("", "4", "AF", []),
        ("Arcadia", "", None, [("/country", "unknown-country")]),
        ("Arcadia", "999", None, [("/country", "unknown-country")]),
    ],
)
def test_the_country_is_found_by_its_name_or_else_its_number(
    name: str, number: str, country: str | None, warnings: list[tuple[str, str]]
) -> None:
    record = one(country=name, iso=number, admin1="")
    assert record.event is not None and record.event["location"]["country"] == country
    assert record.event["location"]["as_given"] == (name if warnings else None)
    assert codes(record) == warnings


def test_one_coordinate_alone_is_left_out() -> None:
    record = one(longitude="")
    assert record.event is not None and record.event["location"]["latitude"] is None
    assert codes(record) == [("/longitude", "missing")]


# Words, figures, sources and tags


def test_the_title_is_one_line_and_notes_are_the_summary() -> None:
    made = event(location="Sangin\nbazaar")
    assert made["title"] == "Armed clash: Quince Regiment \u2013 Orchard Brigade, Sangin bazaar, Hilmand"
    assert made["summary"] == BASE["notes"]


def test_a_title_needs_no_more_than_a_type() -> None:
    empty = dict.fromkeys(("actor1", "actor2", "assoc_actor_1", "location", "admin1", "country", "event_type"), "")
    assert event(**empty, sub_event_type="")["title"] == "Event"


def test_long_texts_are_cut_with_a_warning() -> None:
    record = one(notes="n" * 20_001, location="l" * 501)
    assert record.event is not None
    assert (len(record.event["summary"]), len(record.event["location"]["place"])) == (20_000, 500)
    assert sorted(codes(record)) == [("/location", "text-cut"), ("/notes", "text-cut"), ("/title", "text-cut")]


@pytest.mark.parametrize(("text", "best"), [("3", 3), ("0", 0), ("10.0", 10), ("", None)])
def test_the_fatalities_are_a_claim_of_acleds(text: str, best: int | None) -> None:
    claims = event(fatalities=text, source="Lapis Wire")["claims"]
    assert [(claim["claimant"], claim["measure"], claim["of"], claim["best"], claim["source"]) for claim in claims] == (
        [] if best is None else [({"name": "ACLED"}, "killed", None, best, "s1")]
    )


def test_sources_are_taken_apart_and_a_claim_names_one_only_where_there_is_one() -> None:
    made = event(source="Lapis Wire; The Sangin Bell ;Lapis Wire; ")
    assert [(source["ref"], source["publisher"]) for source in made["sources"]] == [
        ("s1", "Lapis Wire"),
        ("s2", "The Sangin Bell"),
    ]
    assert made["claims"][0]["source"] is None


def test_tags_are_kept_where_they_fit() -> None:
    record = one(tags=f"crowd size=about 100; crowd size=1,000;crowd size=about 100;{'x' * 65}; women led")
    assert record.event is not None and record.event["tags"] == ["crowd size=about 100", "women led"]
    assert codes(record) == [("/tags", "tag-left-out")] * 2


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
