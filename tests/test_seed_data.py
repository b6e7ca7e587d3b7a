"""In charge of the seed's data: every fact is there, with who says it, and every reference resolves."""

from __future__ import annotations

import difflib
import json
import re
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import pytest

from schemas.actor import ActorBody
from schemas.casualties import derive_casualties
from schemas.edtf import parse_date, place_key
from schemas.event import EventBody
from schemas.fields import load as load_body
from schemas.names import fold
from schemas.vocabulary import RESERVED_ACTORS

Json = dict[str, Any]


class Expected(NamedTuple):
    """What an event must be; start and end, the days it can mean, are worked out by hand."""

    date: str
    start: str | None
    end: str
    province: str | None
    type: str
    status: str
    roles: str


EXPECTED = {
    "us-withdrawal": Expected(
        "2021-08-31", "2021-08-31", "2021-08-31", "AF-KAB", "strategic-development/withdrawal", "confirmed",
        "taliban participant, us-forces participant",
    ),
    "kabul-airport-bombing": Expected(
        "2021-08-26", "2021-08-26", "2021-08-26", "AF-KAB", "explosion/suicide-bomb", "confirmed",
        "is-k perpetrator",
    ),
    "panjshir-clash": Expected(
        "2021-08-30/2021-08-31", "2021-08-30", "2021-08-31", "AF-PAN", "battle/armed-clash", "disputed",
        "nrf side-b, taliban side-a",
    ),
    "andarabi-killing": Expected(
        "2021-08-27~", "2021-08-27", "2021-08-27", "AF-BGL", "violence-against-civilians/attack", "reported",
        "fawad-andarabi victim, taliban perpetrator",
    ),
    "baghlan-districts-taken": Expected(
        "2021-08-22~/2021-08-28~", "2021-08-22", "2021-08-28", "AF-BGL",
        "battle/non-state-actor-overtakes-territory", "reported", "baghlan-militias side-a, taliban side-b",
    ),
    "baghlan-districts-retaken": Expected(
        "2021-08-22~/2021-08-31", "2021-08-22", "2021-08-31", "AF-BGL",
        "battle/non-state-actor-overtakes-territory", "reported", "baghlan-militias side-b, taliban side-a",
    ),
    "nrf-rejects-proposals": Expected(
        "../2021-08-31", None, "2021-08-31", None, "statement/rejection", "reported",
        "ali-nazary speaker, nrf participant, taliban participant",
    ),
    "taliban-government-announced": Expected(
        "2021-08-31", "2021-08-31", "2021-08-31", None, "statement/announcement", "reported",
        "shah-mehmood-qureshi speaker, taliban participant",
    ),
    "dushanbe-helicopters": Expected(
        "2021-08", "2021-08-01", "2021-08-31", "AF-PAN", "strategic-development/change-to-group-activity",
        "reported", "tajikistan-military participant",
    ),
}  # fmt: skip

RT, RT_REUTERS, AP, WSJ = "RT", "RT via Reuters", "Associated Press", "The Wall Street Journal"
TWEET = "Bismillah Mohammadi via Twitter"

# Event, who says it, the publisher it came through, stance, measure, whose loss, (low, best, high).
FIGURES = [
    ("kabul-airport-bombing", "is-k", RT, "asserts", "killed", "taliban", (None, None, 30)),
    ("panjshir-clash", "fahim-dashti", RT_REUTERS, "asserts", "killed", "taliban", (8, 8, 8)),
    ("panjshir-clash", "fahim-dashti", RT_REUTERS, "asserts", "injured", "taliban", (8, 8, 8)),
    ("panjshir-clash", "fahim-dashti", RT_REUTERS, "asserts", "injured", "nrf", (2, 2, 2)),
    ("panjshir-clash", "bismillah-mohammadi", TWEET, "asserts", "killed", "taliban", (7, 7, 7)),
    ("panjshir-clash", "bismillah-mohammadi", TWEET, "asserts", "injured", "taliban", (None, None, None)),
    ("panjshir-clash", None, RT_REUTERS, "asserts", "killed", "taliban", (7, 7, 7)),
    ("panjshir-clash", None, RT_REUTERS, "asserts", "killed", "taliban", (7, None, None)),
    ("panjshir-clash", "taliban", RT_REUTERS, "declines-to-comment", "killed", "taliban", (None, None, None)),
    ("andarabi-killing", None, RT, "asserts", "killed", "civilians", (1, 1, 1)),
]

# Claims that count no losses: event, who says it, the publisher, stance, what the statement must hold.
STATEMENTS = [
    ("us-withdrawal", None, RT, "asserts", "last American aircraft.*complete.*firing into the air"),
    (
        "kabul-airport-bombing",
        "uk-government",
        RT,
        "denies",
        "rejected.*a gate had been kept open.*second report",
    ),
    ("panjshir-clash", None, RT_REUTERS, "asserts", r"34 provinces.*Panjshir alone.*50 miles \(80 km\)"),
    ("panjshir-clash", None, RT_REUTERS, "asserts", "[Oo]ver 170,000 people.*Tajik"),
    ("andarabi-killing", "zabihullah-mujahid", AP, "asserts", "will investigate"),
    ("andarabi-killing", None, AP, "asserts", "27 August 2021"),
    ("baghlan-districts-taken", None, RT, "asserts", "3 districts.*week before"),
    ("baghlan-districts-retaken", None, RT, "asserts", "1 of the 3 districts soon"),
    ("baghlan-districts-retaken", "taliban", RT, "asserts", "All 3 districts"),
    ("nrf-rejects-proposals", "ali-nazary", WSJ, "asserts", "not interested.*no concessions.*inclusive"),
    ("nrf-rejects-proposals", None, RT, "asserts", "negotiated settlement"),
    ("nrf-rejects-proposals", "nrf", RT, "asserts", "several thousand fighters"),
    ("nrf-rejects-proposals", None, RT, "asserts", "Remnants of the Afghan army"),
    ("taliban-government-announced", "shah-mehmood-qureshi", RT, "asserts", "government.*coming days"),
    ("taliban-government-announced", "taliban", RT, "asserts", "inclusive"),
    ("taliban-government-announced", None, RT, "asserts", "doubt"),
    ("dushanbe-helicopters", None, RT, "asserts", "helicopters from Dushanbe"),
    ("dushanbe-helicopters", None, RT, "asserts", "Tajikistan is believed"),
    ("dushanbe-helicopters", "Politicians in Panjshir", WSJ, "asserts", "has helicopters"),
]


def load(name: str) -> Any:
    return json.loads((files("seed") / "afghanistan-2021" / name).read_text(encoding="utf-8"))


def by_id(listed: list[Json]) -> dict[str, Json]:
    found = {one["id"]: one for one in listed}
    assert len(found) == len(listed)
    return found


@cache
def actors() -> dict[str, Json]:
    return by_id(load("actors.json"))


@cache
def events() -> dict[str, Json]:
    return by_id(load("events.json"))


def measured(event: Json, claim: Json) -> tuple[Any, ...]:
    """A claim in the form of FIGURES."""
    source = next(source for source in event["sources"] if source["ref"] == claim["source"])
    through = " via ".join(name for name in (source["publisher"], source["via"]) if name)
    claimant = claim["claimant"] and (claim["claimant"].get("id") or claim["claimant"]["name"])
    figure = (claim["low"], claim["best"], claim["high"])
    return event["id"], claimant, through, claim["stance"], claim["measure"], claim["of"], figure


# What must be there.


def test_the_seed_holds_exactly_the_nine_events() -> None:
    assert set(events()) == set(EXPECTED)


@pytest.mark.parametrize(("uid", "expected"), EXPECTED.items())
def test_event_is_dated_placed_and_peopled_as_reported(uid: str, expected: Expected) -> None:
    event = events()[uid]
    span = parse_date(event["date"])
    province = event["location"] and event["location"]["province"]["code"]
    roles = ", ".join(sorted(f"{actor['id']} {actor['role']}" for actor in event["actors"]))
    found = (event["date"], span.start, span.end, province, event["type"], event["status"], roles)
    assert found == expected


@pytest.mark.parametrize("row", FIGURES)
def test_each_figure_is_found_with_who_said_it_and_through_whom(row: tuple[Any, ...]) -> None:
    assert [measured(events()[row[0]], claim) for claim in events()[row[0]]["claims"]].count(row) == 1


def test_there_is_no_figure_beyond_those_of_the_report() -> None:
    rows = [measured(event, claim) for event in events().values() for claim in event["claims"]]
    assert [row for row in rows if row[4:] != (None, None, (None, None, None)) and row not in FIGURES] == []


@pytest.mark.parametrize(("uid", "claimant", "publisher", "stance", "words"), STATEMENTS)
def test_each_statement_is_found_with_who_said_it_and_through_whom(
    uid: str, claimant: str | None, publisher: str, stance: str, words: str
) -> None:
    row = (uid, claimant, publisher, stance, None, None, (None, None, None))
    made = [claim["statement"] for claim in events()[uid]["claims"] if measured(events()[uid], claim) == row]
    assert len([statement for statement in made if re.search(words, statement)]) == 1


def test_every_publisher_named_by_the_report_is_a_source() -> None:
    publishers = {source["publisher"] for event in events().values() for source in event["sources"]}
    assert publishers == {RT, "Reuters", WSJ, AP, "Bismillah Mohammadi"}


@pytest.mark.parametrize(
    ("name", "uid", "member_of"),
    [
        ("Taliban", "taliban", []), ("National Resistance Front", "nrf", []), ("NRF", "nrf", []),
        ("Northern resistance", "nrf", []), ("Ahmad Massoud", "ahmad-massoud", ["nrf"]),
        ("Fahim Dashti", "fahim-dashti", ["nrf"]), ("Ali Nazary", "ali-nazary", ["nrf"]),
        ("Bismillah Mohammadi", "bismillah-mohammadi", []), ("Ashraf Ghani", "ashraf-ghani", []),
        ("Zabihullah Mujahid", "zabihullah-mujahid", ["taliban"]), ("isk", "is-k", []),
        ("Islamic State Khorasan", "is-k", []), ("ISIS-K", "is-k", []), ("ISKP", "is-k", []),
        ("United States forces", "us-forces", []), ("Fawad Andarabi", "fawad-andarabi", []),
        ("Shah Mehmood Qureshi", "shah-mehmood-qureshi", ["pakistan-government"]),
        ("Baghlan local militias", "baghlan-militias", []),
        ("Tajikistan (military)", "tajikistan-military", []),
        ("United Kingdom (government)", "uk-government", []),
    ],
)  # fmt: skip
def test_each_actor_is_found_by_name(name: str, uid: str, member_of: list[str]) -> None:
    assert resolve(name) == uid
    assert actors()[uid]["member_of"] == member_of


@pytest.mark.parametrize("words", ["Massoud", "several thousand", "Afghan army", "helicopters", WSJ])
def test_strength_of_the_nrf_stands_in_its_description(words: str) -> None:
    assert words in actors()["nrf"]["description"]


def test_conflict_data_programme_ids_are_of_the_afghan_parties_alone() -> None:
    # The programme's id for IS is the organisation's as a whole, so IS-K must not carry it.
    ids = {uid: actor["external_ids"] for uid, actor in actors().items() if actor["external_ids"]}
    assert ids == {"taliban": {"ucdp": "303"}, "nrf": {"ucdp": "8114"}}


# What the figures come to.


# By event: measure, low, best, high, disputed. The other events have no claim that counts losses.
CASUALTIES = {
    # A high alone: the low is 0, and nobody's figure is the best.
    "kabul-airport-bombing": [("killed", 0, None, 30, False)],
    # Dashti's 8 dead against the 7 of all others; his 8 and 2 injured add up and stand alone.
    "panjshir-clash": [("killed", 7, None, 8, True), ("injured", 10, 10, 10, False)],
    "andarabi-killing": [("killed", 1, 1, 1, False)],
}


@pytest.mark.parametrize("uid", EXPECTED)
def test_claims_come_to_the_casualties_that_the_report_leaves_open(uid: str) -> None:
    derived = derive_casualties(events()[uid]["claims"])
    assert [(measure, *figure.values()) for measure, figure in derived.items()] == CASUALTIES.get(uid, [])


# That it is well formed, and that nothing points nowhere.


@pytest.mark.parametrize("uid", EXPECTED)
def test_event_is_a_whole_body_in_which_nothing_is_left_to_defaults(uid: str) -> None:
    event = events()[uid]
    location = event["location"] and {**event["location"], "province": EXPECTED[uid].province}
    loaded = load_body(EventBody(), event)
    for reference in (*loaded["actors"], *filter(None, (claim["claimant"] for claim in loaded["claims"]))):
        # Where a name stood, and what stood beside it, is for who resolves it.
        del reference["at"], reference["called"]
    assert loaded == {**event, "location": location}
    assert event["dataset"] == "seed"
    for sentences in (event["summary"], *(claim["statement"] for claim in event["claims"])):
        assert sentences.endswith(".")


@pytest.mark.parametrize("uid", EXPECTED)
def test_event_rests_on_the_report_and_no_web_address_is_made_up(uid: str) -> None:
    sources = events()[uid]["sources"]
    assert [(one["ref"], one["published"]) for one in sources if one["publisher"] == RT] == [("rt", "2021-08-31")]
    assert {one["url"] for one in sources} == {None}


@pytest.mark.parametrize("uid", EXPECTED)
def test_event_refers_only_to_what_is_there(uid: str) -> None:
    event = events()[uid]
    assert {actor["id"] for actor in event["actors"]} <= set(actors())
    for claim in event["claims"]:
        claimant = claim["claimant"]
        assert claimant is None or claimant.get("id") in actors() or resolve(claimant["name"]) is None
        assert claim["of"] is None or claim["of"] in {*actors(), *RESERVED_ACTORS}
        assert claim["source"] is not None


def test_events_relate_only_to_earlier_ones_so_that_each_can_be_posted_in_turn() -> None:
    seen: set[str] = set()
    for uid, event in events().items():
        assert {related["id"] for related in event["related"]} <= seen
        seen.add(uid)


@pytest.mark.parametrize("uid", [uid for uid, expected in EXPECTED.items() if expected.province])
def test_location_is_whole_and_in_afghanistan(uid: str) -> None:
    location = events()[uid]["location"]
    assert (location["country"], location["as_given"]) == ("AF", None)
    latitude, longitude = location["latitude"], location["longitude"]
    if latitude is None:
        assert (longitude, location["precision"]) == (None, "province")
    else:
        # The rectangle that Afghanistan fills, in whole degrees.
        assert 29 <= latitude <= 39
        assert 60 <= longitude <= 75
        assert location["precision"] in {"exact", "near", "district"}


def test_actor_is_a_whole_body_and_comes_after_its_organisations() -> None:
    seen: set[str] = set()
    for uid, actor in actors().items():
        assert load_body(ActorBody(), actor) == actor
        assert re.fullmatch("[A-Z]{2}", actor["country"])
        assert actor["description"].endswith(".")
        assert set(actor["member_of"]) <= seen
        seen.add(uid)


def test_no_name_stands_for_two_actors_and_no_alias_is_given_twice() -> None:
    owners: dict[str, set[str]] = {}
    for uid, actor in actors().items():
        aliases = [fold(name) for name in (actor["name"], *actor["aliases"])]
        assert all(aliases)
        assert len(set(aliases)) == len(aliases)
        for name in {fold(uid), *aliases}:
            owners.setdefault(name, set()).add(uid)
    assert {name: uids for name, uids in owners.items() if len(uids) > 1} == {}
    assert not owners.keys() & set(RESERVED_ACTORS)


def test_dataset_says_what_it_is_whose_it_is_and_where_from() -> None:
    dataset = load("dataset.json")
    assert list(dataset) == ["id", "title", "licence", "citation"]
    assert (dataset["id"], dataset["licence"]) == ("seed", "Apache-2.0")
    assert "RT of 31 August 2021" in dataset["citation"]


# What the answers must be, by a filter that reads every event.


def resolve(name: str) -> str | None:
    for uid, actor in actors().items():
        if fold(name) in {fold(uid), fold(actor["name"]), *map(fold, actor["aliases"])}:
            return uid
    return None


def answer(
    actor: str | None = None,
    province: str | None = None,
    days: tuple[str, str] | None = None,
    certain: bool = False,
) -> list[str]:
    """The ids of the events that match, oldest first, from the contract's words and no index."""
    wanted = actor and resolve(actor)
    found: list[tuple[str, str]] = []
    for uid, event in events().items():
        taking_part = {one["id"] for one in event["actors"]}
        taking_part |= {group for one in taking_part for group in actors()[one]["member_of"]}
        first, last = EXPECTED[uid].start or "0000", EXPECTED[uid].end
        if wanted and wanted not in taking_part:
            continue
        if province and EXPECTED[uid].province != province:
            continue
        if days and (days[0] > (first if certain else last) or days[1] < (last if certain else first)):
            continue
        found.append((place_key(parse_date(event["date"])), uid))
    return [uid for _, uid in sorted(found)]


def test_the_taliban_in_panjshir_is_the_clash_alone() -> None:
    assert answer(actor="taliban", province="AF-PAN") == ["panjshir-clash"]


def test_the_nrf_in_panjshir_is_the_clash() -> None:
    assert answer(actor="NRF", province="AF-PAN") == ["panjshir-clash"]


def test_an_event_of_a_member_is_one_of_its_organisation() -> None:
    # The government of Pakistan itself takes part in nothing; its foreign minister speaks.
    assert answer(actor="Government of Pakistan") == ["taliban-government-announced"]


def test_baghlan_holds_the_killing_and_the_two_district_events() -> None:
    # Both district events may begin on 22 August; the contract breaks such ties by id.
    districts = ["baghlan-districts-retaken", "baghlan-districts-taken"]
    assert answer(province="AF-BGL") == [*districts, "andarabi-killing"]


def test_the_day_of_the_bombing_holds_it_and_what_may_lie_on_that_day() -> None:
    day = ("2021-08-26", "2021-08-26")
    assert answer(days=day, certain=True) == ["kabul-airport-bombing"]
    # The open start, the month and the two intervals over the 26th may lie on it; no other can.
    assert set(answer(days=day)) == {
        "nrf-rejects-proposals",
        "dushanbe-helicopters",
        "baghlan-districts-taken",
        "baghlan-districts-retaken",
        "kabul-airport-bombing",
    }


@pytest.mark.parametrize("name", ["isk", "IS-K", "Islamic State Khorasan", "is-k"])
def test_is_k_is_found_by_any_of_its_names(name: str) -> None:
    assert answer(actor=name) == ["kabul-airport-bombing"]


def test_a_misspelt_taliban_is_nobody_and_comes_near_the_taliban() -> None:
    assert resolve("talban") is None
    assert "taliban" in difflib.get_close_matches("talban", actors(), n=3)
