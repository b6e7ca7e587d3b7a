"""Tables with columns of their own, by a mapping file: what their rows become, and what is refused with its place."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from peewee import Database

from service.importers import Importer, UnreadableFile
from service.importers.csv_mapped import UnusableMapping, mapped_importer
from tests.test_import_csv import faults, on_sqlite, read, take
from tests.writing import counts, document, rejections

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
MAPPING = """
dataset = "desk"

[fields]
title = "What"
date = { column = "Day", format = "%d.%m.%Y" }
"""


@pytest.fixture
def mapped(tmp_path: Path) -> Callable[[str], Importer]:
    """Makes an importer of a mapping's text."""

    def make(text: str) -> Importer:
        path = tmp_path / "mapping.toml"
        path.write_text(text, encoding="utf-8")
        return mapped_importer(path)

    return make


@on_sqlite
def test_the_example_becomes_events(empty_database: Database) -> None:
    importer = mapped_importer(EXAMPLES / "incidents.toml")
    data = (EXAMPLES / "incidents.csv").read_bytes()
    rejects = io.StringIO(newline="")
    report = take(empty_database, data, importer, rejects=rejects)
    assert (counts(report), rejections(report)) == ((4, 3, 0, 0, 1), [(5, "/Kind", "unknown-value")])
    found = document(empty_database, "incidents-17")
    assert (found["date"], found["type"], found["dataset"]) == ("2021-08-30", "battle/armed-clash", "incidents")
    assert found["location"]["province"] == {"code": "AF-PAN", "name": "Panjshir"}
    assert (found["location"]["latitude"], found["location"]["longitude"]) == (35.14, 69.29)
    assert [(actor["name"], actor["role"]) for actor in found["actors"]] == [("Taliban", "side-a"), ("NRF", "side-b")]
    assert found["casualties"] == {"killed": {"low": 7, "best": 7, "high": 7, "disputed": False}}
    [told] = found["claims"]
    assert (told["claimant"], told["source"], told["best"]) == ({"name": "Red Crescent"}, "link", 7)
    assert document(empty_database, "incidents-18")["casualties"]["killed"]["low"] == 0
    assert document(empty_database, "incidents-19")["date"] == "2021-09"
    assert counts(take(empty_database, data, importer)) == (4, 0, 0, 3, 1)
    # The rejected row comes back as it stood, behind its reason and the same delimiter.
    again = io.StringIO(newline="")
    assert counts(take(empty_database, rejects.getvalue(), importer, rejects=again)) == (1, 0, 0, 0, 1)
    assert again.getvalue() == rejects.getvalue()
    mended = rejects.getvalue().replace(";roadblock;", ";clash;")
    assert counts(take(empty_database, mended, importer)) == (1, 1, 0, 0, 0)


def test_columns_that_the_mapping_does_not_use_stay_in_the_original(mapped: Callable[[str], Importer]) -> None:
    (record,) = read("Day,What,Note,,Note\n26.08.2021,x,a,b,'c\n", mapped(MAPPING))
    assert record.original == {"Day": "26.08.2021", "What": "x", "Note": "a", "(4)": "b", "Note (5)": "'c"}


def test_an_id_without_a_column_does_not_depend_on_quotes_and_line_ends(mapped: Callable[[str], Importer]) -> None:
    importer = mapped(MAPPING)
    (one,) = read('Day,What\n26.08.2021,"x\ny"\n', importer)
    (other,) = read('"Day","What"\r\n"26.08.2021","x\r\ny"\r\n', importer)
    (third,) = read("Day,What\n26.08.2021,z\n", importer)
    assert one.event["id"] == other.event["id"] != third.event["id"]
    assert one.event["id"].startswith("desk-")


@pytest.mark.parametrize(
    ("pattern", "text", "date"),
    [
        ("'%d.%m.%Y'", "26.08.2021", "2021-08-26"),
        ("'%m/%Y'", "08/2021", "2021-08"),
        ("'%Y'", "2021", "2021"),
        ("'%d %B %Y %H:%M'", "26 August 2021 14:05", "2021-08-26T14:05"),
        ("['%d.%m.%Y', '%Y']", "2021", "2021"),
    ],
)
def test_a_date_is_no_finer_than_its_pattern(
    pattern: str, text: str, date: str, mapped: Callable[[str], Importer]
) -> None:
    importer = mapped(MAPPING.replace('"%d.%m.%Y"', pattern))
    (record,) = read(f"Day,What\n{text},x\n", importer)
    assert record.event["date"] == date


@pytest.mark.parametrize(
    ("cells", "date"),
    [
        ("1.8.2021,2.8.2021", "2021-08-01/2021-08-02"),
        ("1.8.2021,1.8.2021", "2021-08-01"),
        (",2.8.2021", "../2021-08-02"),
    ],
)
def test_two_columns_make_an_interval(cells: str, date: str, mapped: Callable[[str], Importer]) -> None:
    text = MAPPING.replace('column = "Day"', 'start = "From", end = "To"')
    (record,) = read(f"What,From,To\nx,{cells}\n", mapped(text))
    assert record.event["date"] == date


def test_values_columns_and_constants(mapped: Callable[[str], Importer]) -> None:
    importer = mapped("""
dataset = "desk"
title = "The desk's list"
[fields]
id = { columns = ["Year", "Nr"], between = "-" }
title = { columns = ["Kind", "Town"], between = " in " }
date = "Year"
status = { constant = "confirmed" }
type = { column = "Kind", values = { Clash = "battle", "No. 2" = "protest" }, default = "other" }
country = "Land"
province = "Region"
place_precision = { constant = "near" }
tags = { column = "Tags", separator = ";" }
[[actors]]
name = { column = "Who", separator = "/", values = { TB = "Taliban" }, default = "Unknown group" }
kind = "rebel-group"
[[claims]]
measure = "killed"
low = "Min"
high = "Max"
of = { constant = "civilians" }
stance = "denies"
preferred = true
""")
    header = "Year,Nr,Kind,Town,Land,Region,Tags,Who,Min,Max\n"
    (first, second) = read(
        header + "2021,7,clash,Herat,Afghanistan,Herat,a; b;a,TB/x,1,2.0\n2020,8,?,,,,,,,\n", importer
    )
    made = first.event
    assert (made["id"], made["title"], made["type"], made["status"]) == (
        "desk-2021-7",
        "clash in Herat",
        "battle",
        "confirmed",
    )
    assert made["location"]["province"] == {"code": "AF-HER"} and made["location"]["precision"] == "near"
    assert made["tags"] == ["a", "b"]
    assert [actor["name"] for actor in made["actors"]] == ["Taliban", "Unknown group"]
    assert [actor["kind"] for actor in first.actors] == ["rebel-group"] * 2
    [told] = made["claims"]
    assert told == {"low": 1, "high": 2, "of": "civilians", "measure": "killed", "stance": "denies", "preferred": True}
    assert (second.event["title"], second.event["type"], second.event["location"]) == ("?", "other", None)
    assert second.event["claims"] == []


def test_a_place_that_is_not_found_is_kept_with_a_warning(mapped: Callable[[str], Importer]) -> None:
    importer = mapped(MAPPING + 'country = "Land"\nprovince = "Region"\n')
    (record,) = read("Day,What,Land,Region\n1.8.2021,x,Afghanistan,Nowhere\n", importer)
    assert (record.event["location"]["country"], record.event["location"]["as_given"]) == ("AF", "Nowhere")
    assert [(fault.pointer, fault.code) for fault in record.warnings] == [("/Region", "unknown-province")]
    (record,) = read("Day,What,Land,Region\n1.8.2021,x,Atlantis,Nowhere\n", importer)
    assert record.event["location"]["as_given"] == "Nowhere, Atlantis"


def test_an_actor_that_stands_twice_in_a_role_is_named_once(mapped: Callable[[str], Importer]) -> None:
    actors = '[[actors]]\nname = { column = "Who", separator = ";" }\nrole = "side-a"\n[[actors]]\nname = "Foe"\n'
    (record,) = read("Day,What,Who,Foe\n1.8.2021,x,IS-K;isk; Taliban ;TALIBAN;?;-,isk\n", mapped(MAPPING + actors))
    named = [(actor["name"], actor["role"]) for actor in record.event["actors"]]
    assert named == [
        *(("IS-K", "side-a"), ("Taliban", "side-a"), ("?", "side-a"), ("-", "side-a")),
        ("isk", "participant"),
    ]


def test_tags_are_brought_into_their_form_with_warnings(mapped: Callable[[str], Importer]) -> None:
    importer = mapped(MAPPING + 'tags = { column = "Tags", separator = ";" }\n')
    cells = f"1,000 people; a ;a;{'x' * 70};b,c"
    (record,) = read(f'Day,What,Tags\n1.8.2021,x,"{cells}"\n', importer)
    assert record.event["tags"] == ["1;000 people", "a", "x" * 64, "b;c"]
    assert [(fault.pointer, fault.code) for fault in record.warnings] == [
        ("/Tags", "comma-in-tag"),
        ("/Tags", "text-cut"),
    ]
    many = ";".join(map(str, range(150)))
    (record,) = read(f"Day,What,Tags\n1.8.2021,x,{many}\n", importer)
    assert record.event["tags"] == [str(number) for number in range(100)]
    assert [(fault.pointer, fault.code) for fault in record.warnings] == [("/Tags", "tags-cut")]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("north,1,1,Herat", ("/Lat (y~1x)", "not-a-number")),
        ("91,1,1,Herat", ("/Lat (y~1x)", "out-of-range")),
        ("1,1,some,Herat", ("/Killed~1dead", "not-a-number")),
        ("1,1,1000000001,Herat", ("/Killed~1dead", "out-of-range")),
        ("1,,1,Herat", ("/Lon", "missing")),
        (f"1,1,1,{'x' * 501}", ("/Region", "text-cut")),
    ],
)
def test_what_is_told_of_a_mapped_row_names_the_column(
    row: str, found: tuple[str, str], mapped: Callable[[str], Importer]
) -> None:
    text = MAPPING + 'latitude = "Lat (y/x)"\nlongitude = "Lon"\nprovince = "Region"\n'
    text += '[[claims]]\nmeasure = "killed"\nbest = "Killed/dead"\n'
    (record,) = read(f"Day,What,Lat (y/x),Lon,Killed/dead,Region\n1.8.2021,x,{row}\n", mapped(text))
    told = [(fault.pointer, fault.code) for fault in record.faults or record.warnings]
    assert found in told and {pointer for pointer, _ in told} <= {found[0], "/Region"}


@pytest.mark.parametrize(
    ("cells", "found"),
    [("26/08/2021,x", ("/Day", "not-a-date")), (",x", ("/Day", "missing")), ("1.8.2021,", ("/What", "missing"))],
)
def test_a_row_that_says_too_little_is_rejected(
    cells: str, found: tuple[str, str], mapped: Callable[[str], Importer]
) -> None:
    (record,) = read(f"Day,What\n{cells}\n", mapped(MAPPING))
    assert faults(record) == [found] and record.original is not None


@on_sqlite
def test_the_dataset_is_described_and_can_be_given_another_name(
    empty_database: Database, mapped: Callable[[str], Importer]
) -> None:
    importer = mapped('title = "The desk"\nlicence = "CC0"\n' + MAPPING + 'id = "Nr"\n')
    assert (importer.name, importer.title, importer.licence) == ("desk", "The desk", "CC0")
    take(empty_database, "Nr,Day,What\n7,1.8.2021,x\n", importer, dataset="mine")
    assert document(empty_database, "mine-7")["dataset"] == "mine"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "empty"),
        ("Day,What\n", "no record"),
        ("Days,What\nx,y\n", "'Day' .fields.date., did you mean 'Days'.* It has Days, What"),
        ("Day,What,What\n", "'What' twice, which fields.title"),
        ("Day;What;More\n1;2;3\n", 'semicolons.*delimiter = ";"'),
        ("Day\tWhat\tMore\n1\t2\t3\n", r'delimiter = "\\t"'),
        (b"PK\x03\x04", "Excel"),
        (b"Day,What\n1.8.2021,\xff\n", "Line 2 is not UTF-8"),
    ],
)
def test_a_table_that_is_not_the_mapped_one_says_why(
    data: bytes | str, words: str, mapped: Callable[[str], Importer]
) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(data, mapped(MAPPING))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[fields]", "[felds]", "felds: is not known here .did you mean fields"),
        ("title =", "titel =", "fields.titel: is not known here .did you mean title"),
        ("title =", "# title =", "fields.title: is missing"),
        ('dataset = "desk"', "", "dataset: must be there"),
        ('"desk"', '"The Desk"', "dataset: must"),
        ('"What"', "5", "fields.title: must be a column's name or a table, not a number"),
        ('"What"', '{ colum = "What" }', "fields.title.colum: is not known here .did you mean column"),
        ('"What"', '{ column = "What", constant = "x" }', "fields.title: must have either"),
        ("%d.%m.%Y", "%d.%m", "fields.date.format: .* it has no year"),
        ("%d.%m.%Y", "%Q.%Y", "fields.date.format: "),
        ("[fields]", 'delimiter = ":"\n[fields]', "delimiter: ':' is not one of"),
        ("[fields]", '[fields]\ntype = { column = "What", values = { a = "batle" } }', "values.a: 'batle' .*battle"),
        ("[fields]", '[fields]\nstatus = { constant = "sure" }', "fields.status.constant: 'sure'"),
        ("[fields]", '[[actors]]\nrole = "side-c"\n[fields]', r"actors\[1\].role: 'side-c' .*side-a"),
        ("[fields]", '[[actors]]\nrole = "side-a"\n[fields]', r"actors\[1\].name: is missing"),
        ("[fields]", '[[claims]]\nbest = "What"\n[fields]', r"claims\[1\].measure: is missing"),
        ("[fields]", '[[claims]]\nmeasure = "killed"\n[fields]', r"claims\[1\]: claims nothing"),
        ("[fields]", '[[claims]]\nstatement = "What"\nsource = "x"\n[fields]', r"claims\[1\].source: 'x'"),
        ("[fields]", '[[claims]]\nstatement = "What"\npreferred = "yes"\n[fields]', "preferred: must be true or false"),
        ("[fields]", '[actors]\nname = "What"\n[fields]', r"actors: must be a list of tables; begin each with"),
        ("[fields]", "[fields", "is not TOML: .*line"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_where_and_what_would_be_right(
    old: str, new: str, words: str, mapped: Callable[[str], Importer]
) -> None:
    with pytest.raises(UnusableMapping, match=words):
        mapped(MAPPING.replace(old, new))


def test_everything_that_is_wrong_with_a_mapping_is_told_at_once(mapped: Callable[[str], Importer]) -> None:
    with pytest.raises(UnusableMapping) as caught:
        mapped("[fields]\ntitel = 1\n")
    assert len(str(caught.value).splitlines()) == 4


def test_a_mapping_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableMapping, match="No such file"):
        mapped_importer(tmp_path / "none.toml")
