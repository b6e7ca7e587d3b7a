"""What becomes of the cells of a row of UCDP GED, and which of them reject it."""

from __future__ import annotations

import pytest

from tests.ucdp_ged_rows import codes, event, figures, one

# What rejects a record


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("id", "", "missing"),
        ("id", "abc", "not-a-number"),
        ("id", "-4", "not-a-number"),
        ("id", "\u0663", "not-a-number"),
        ("id", "1" * 200, "not-a-number"),
        ("type_of_violence", "4", "unknown-value"),
        ("type_of_violence", "", "unknown-value"),
        ("date_start", "", "missing"),
        ("date_start", "2020-02-30", "not-a-date"),
        ("date_start", "03/04/2020", "not-a-date"),
        ("date_start", "2020-05-01T13:00:00", "not-a-date"),
        ("date_start", "0000-01-01", "not-a-date"),
        ("date_end", "2020-05-01", "reversed"),
        ("latitude", "91", "out-of-range"),
        ("latitude", "nan", "not-a-number"),
        ("longitude", "-180.0001", "out-of-range"),
        ("longitude", "1e99", "out-of-range"),
        ("longitude", "64,8", "not-a-number"),
        ("best", "three", "not-a-number"),
        ("best", "3.5", "not-a-number"),
        ("deaths_a", "-1", "not-a-number"),
        ("high", "1000000001", "out-of-range"),
        ("high", "1_0", "not-a-number"),
        ("adm_2", "a\0b", "bad-character"),
    ],
)
def test_a_bad_cell_rejects_the_record_and_is_named(column: str, text: str, code: str) -> None:
    record = one(**{column: text})
    assert codes(record) == [(f"/{column}", code)]
    assert record.event is None and record.actors == () and record.raw.count("\n") == 1


def test_all_of_a_records_faults_are_found() -> None:
    record = one(id="x", date_start="x", latitude="x", best="x", type_of_violence="x")
    pointers = {pointer for pointer, _ in codes(record)}
    assert pointers == {"/id", "/date_start", "/latitude", "/best", "/type_of_violence"}


def test_numbers_as_a_spreadsheet_writes_them_are_read() -> None:
    read_back = event(id="900001.0", type_of_violence="1.0", where_prec="1.0", date_prec="1.0", best="3.0")
    assert read_back["id"] == "ucdp-ged-900001"
    assert read_back["location"]["precision"] == "exact"
    assert figures(read_back["claims"])[None] == (2, 3, 5)


# Dates


@pytest.mark.parametrize(
    ("precision", "start", "end", "edtf"),
    [
        ("1", "2020-05-02", "2020-05-02", "2020-05-02"),
        ("1", "2020-05-02T00:00:00", "", "2020-05-02"),
        ("2", "2020-05-02 00:00:00.000", "2020-05-05T00:00:00", "2020-05-02/2020-05-05"),
        ("3", "2020-05-02", "2020-05-08", "2020-05-02/2020-05-08"),
        ("4", "2020-02-01", "2020-02-29", "2020-02"),
        ("4", "2020-02-01", "2020-02-28", "2020-02-01/2020-02-28"),
        ("4", "2019-02-01", "2019-02-28", "2019-02"),
        ("4", "2020-02-10", "2020-03-09", "2020-02-10/2020-03-09"),
        ("5", "2020-01-01", "2020-12-31", "2020"),
        ("5", "2020-01-01", "2020-12-30", "2020-01-01/2020-12-30"),
        ("5", "2019-07-01", "2020-06-30", "2019-07-01/2020-06-30"),
        ("2", "2020-02-01", "2020-02-29", "2020-02-01/2020-02-29"),
    ],
)
def test_the_date_is_no_wider_and_no_narrower_than_its_days(precision: str, start: str, end: str, edtf: str) -> None:
    record = one(date_prec=precision, date_start=start, date_end=end)
    assert record.event is not None and record.event["date"] == edtf
    assert record.warnings == ()


def test_one_day_for_a_date_not_known_to_the_day_is_marked_approximate() -> None:
    record = one(date_prec="3")
    assert record.event is not None and record.event["date"] == "2020-05-02~"
    assert codes(record) == [("/date_prec", "date-approximate")]


def test_the_end_is_only_implied_for_a_known_day() -> None:
    assert codes(one(date_prec="3", date_end="")) == [("/date_end", "missing")]


# Actors, type, words


@pytest.mark.parametrize(
    ("violence", "kind", "roles"),
    [
        ("1", "battle/armed-clash", ["side-a", "side-b"]),
        ("2", "battle/armed-clash", ["side-a", "side-b"]),
        ("3", "violence-against-civilians/attack", ["perpetrator", "victim"]),
    ],
)
def test_the_kind_of_violence_gives_type_and_roles(violence: str, kind: str, roles: list[str]) -> None:
    read_back = event(type_of_violence=violence)
    assert read_back["type"] == kind
    assert [actor["role"] for actor in read_back["actors"]] == roles


def test_actors_carry_their_ucdp_ids_and_kinds() -> None:
    record = one()
    assert [(actor["name"], actor["kind"], actor["external_ids"]) for actor in record.actors] == [
        ("Government of Afghanistan", "state-forces", {"ucdp": "130"}),
        ("Orchard Brigade", "rebel-group", {"ucdp": "77001"}),
    ]
    civilians = one(type_of_violence="3", side_b="Civilians", side_b_new_id="9999").actors[1]
    assert (civilians["kind"], civilians["external_ids"]) == ("civilians", {})


@pytest.mark.parametrize(
    ("start", "name", "warned"),
    [("2021-08-31", "Government of Afghanistan", False), ("2021-09-01", "Taleban", True)],
)
def test_the_government_of_afghanistan_is_the_taliban_from_september_2021(start: str, name: str, warned: bool) -> None:
    record = one(date_start=start, date_end="2021-09-02", date_prec="2")
    assert record.event is not None and record.original is not None
    assert record.event["actors"][0] == {"name": name, "role": "side-a"}
    assert record.event["title"].startswith(name)
    assert name in figures(record.event["claims"])
    assert record.actors[0]["external_ids"] == {"ucdp": "303" if warned else "130"}
    assert record.original["side_a"] == "Government of Afghanistan"
    assert codes(record) == ([("/side_a", "government-is-taliban")] if warned else [])


def test_nobody_is_made_to_fight_themselves() -> None:
    record = one(date_start="2022-01-01", date_end="2022-01-01", side_b="Taleban", side_b_new_id="303")
    assert [actor["name"] for actor in record.actors] == ["Government of Afghanistan", "Taleban"]


@pytest.mark.parametrize("name", ["", "XXX365"])
def test_a_side_that_is_not_named_is_left_out(name: str) -> None:
    record = one(side_b=name, deaths_b="4", deaths_unknown="1", best="8", high="8")
    assert record.event is not None
    assert [actor["role"] for actor in record.event["actors"]] == ["side-a"]
    assert figures(record.event["claims"])["unknown"] == (None, 5, None)
    assert codes(record) == [("/side_b", "unnamed-actor")]


def test_the_title_says_who_and_where_once() -> None:
    assert event()["title"] == "Government of Afghanistan \u2013 Orchard Brigade, Sangin town, Hilmand province"
    province = event(where_prec="4", where_coordinates="Hilmand province")
    assert province["title"] == "Government of Afghanistan \u2013 Orchard Brigade, Hilmand province"
    broken = event(where_coordinates="Mill\n  hill", adm_1="")
    assert broken["title"].endswith(", Mill hill") and broken["location"]["place"] == "Mill\n  hill"
    nowhere = event(where_coordinates="", adm_1="")
    assert nowhere["title"] == "Government of Afghanistan \u2013 Orchard Brigade, Afghanistan"


def test_the_summary_is_only_what_says_something() -> None:
    assert event()["summary"] == "Three dead in Sangin"
    assert event(source_article='"Lapis Wire,2020-05-03,-"')["summary"] is None
    assert event(source_article='"Lapis Wire,2020-05-03,Lapis Wire"')["summary"] is None
    dull = event(source_article='"Lapis Wire,2020-05-03,Sangin"', where_description="Sangin Town")
    assert dull["summary"] is None
    assert event(where_description="at the mill")["summary"] == "Three dead in Sangin\nat the mill"


def test_texts_beyond_the_bounds_are_cut_with_a_warning() -> None:
    record = one(where_coordinates="x" * 600, source_article=f'"Lapis Wire,2020-05-03,{"y" * 600}"')
    assert record.event is not None and record.original is not None
    assert len(record.event["title"]) == len(record.event["location"]["place"]) == 500
    assert len(record.event["sources"][0]["title"]) == 500
    assert {code for _, code in codes(record)} == {"text-cut"}
    assert len(record.original["where_coordinates"]) == 600


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("Afghanistan: Government", ["Afghanistan: Government"]),
        ("A, B: Territory", ["A; B: Territory"]),
        ("x" * 65, ["x" * 64]),
        ("", []),
    ],
)
def test_the_conflict_is_a_tag(name: str, tags: list[str]) -> None:
    record = one(conflict_name=name)
    assert record.event is not None and record.event["tags"] == tags
    assert len(record.warnings) == (0 if tags in ([], [name]) else 1)
