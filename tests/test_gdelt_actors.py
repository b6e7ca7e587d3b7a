"""Who does something in an event of GDELT, and to whom."""

from __future__ import annotations

from typing import Any

import pytest
from peewee import Database

from service.importers import gdelt_codes
from tests.gdelt_lines import (
    actor,
    codes,
    event,
    line,
    one,
    take,
)
from tests.writing import counts, document


@pytest.mark.parametrize(
    ("given", "name", "kind"),
    [
        (("AFGHANISTAN", "AFG", "AFG"), "Afghanistan", None),
        (("AFGHANISTAN", "AFGGOV", "AFG", "GOV"), "Government of Afghanistan", "government"),
        (("AFGHAN", "AFGMIL", "AFG", "MIL"), "Armed forces of Afghanistan", "state-forces"),
        (("AFGHAN", "AFG", "AFG"), "Afghan", None),
        (("THE US", "USACOP", "USA", "COP"), "Police of United States", "state-forces"),
        (("BRITAIN", "GBRCVL", "GBR", "CVL"), "Civilians of United Kingdom", "civilians"),
        (("TALIBAN", "AFGINSTAL", "AFG", "INS", "TAL"), "Taliban", "rebel-group"),
        (("NATO", "IGOWSTNAT", "WST", "IGO", "NAT"), "NATO", "organization"),
        (("ORCHARD BRIGADE", "AFGREB", "AFG", "REB"), "Orchard Brigade", "rebel-group"),
        (("DELAWARE", "USAGOV", "USA", "GOV"), "Government of Delaware", "government"),
        (("GEORGIA", "USA", "USA"), "Georgia (United States)", None),
        (("GEORGIA", "GEO", "GEO"), "Georgia", None),
        (("PUNJAB", "IND", "IND"), "Punjab (India)", None),
        (("POLICE", "COP", "", "COP"), "Police", "state-forces"),
        (("POLICE", "AFGCOP", "AFG", "COP"), "Police (Afghanistan)", "state-forces"),
        (("CIVILIANS", "CVL", "", "CVL"), "Civilians", "civilians"),
        (("MINISTRY OF DEFENSE", "GOVMIL", "", "GOV"), "Ministry of Defense", "government"),
        (("VIENNA-ON-SEA", "AUT", "AUT"), "Vienna-On-Sea", None),
        (("AMERICAN TROOPS", "USAMIL", "USA", "MIL"), "American Troops", "state-forces"),
        (("COSTA RICA", "CRI", "CRI"), "Costa Rica", None),
        (("", "AFGGOV", "AFG", "GOV"), "Government of Afghanistan", "government"),
        (("AFRICA", "AFR", "AFR"), "Africa", None),
    ],
)  # fmt: skip
def test_an_actor_is_named_for_what_it_is(given: tuple[str, ...], name: str, kind: str | None) -> None:
    found = actor(*given)
    assert found is not None
    assert (found["name"], found["kind"]) == (name, kind)


def test_only_a_country_under_its_own_name_is_known_by_its_code() -> None:
    def external(*given: str) -> Any:
        return (actor(*given) or {})["external_ids"]

    assert external("AFGHANISTAN", "AFG", "AFG") == {"cameo": "AFG"}
    assert external("AFGHAN", "AFG", "AFG") == {}
    assert external("KABUL", "AFG", "AFG") == {}
    assert external("NASA", "USAGOV", "USA", "GOV") == external("OVAL OFFICE", "USAGOV", "USA", "GOV") == {}
    assert external("TALIBAN", "AFGINSTAL", "AFG", "INS", "TAL") == {}


@pytest.mark.parametrize("name", ["", "UNKNOWN", "--"])
def test_an_actor_without_a_name_is_left_out(name: str) -> None:
    record = one(Actor2Code="XYZ", Actor2Name=name, Actor2CountryCode="")
    assert [known["name"] for known in record.actors] == ["Taliban"]
    assert codes(record) == [("/Actor2Name", "unnamed-actor")]


def test_two_names_of_one_code_stay_two_actors(empty_database: Database) -> None:
    american = {"Actor1CountryCode": "USA", "Actor1Type1Code": "GOV", "Actor1KnownGroupCode": ""}
    rows = [
        line(GLOBALEVENTID=str(n), Actor1Code="USAGOV", Actor1Name=name, **american)
        for n, name in enumerate(("LAPIS OFFICE", "QUINCE BUREAU", "UNITED STATES"), 1)
    ]
    assert counts(take(empty_database, b"".join(rows))) == (3, 3, 0, 0, 0)
    ids = [document(empty_database, f"gdelt-{n}")["actors"][0]["id"] for n in (1, 2, 3)]
    assert ids == ["lapis-office", "quince-bureau", "government-of-united-states"]


def test_an_actor_that_does_something_to_itself_is_one_actor(empty_database: Database) -> None:
    same = {"Actor2Code": "AFGINSTAL", "Actor2Name": "TALIBAN", "Actor2KnownGroupCode": "TAL", "Actor2Type1Code": "INS"}
    for code in gdelt_codes.deeds():
        assert len({actor["role"] for actor in event(EventCode=code, EventRootCode=code[:2])["actors"]}) == 2
    assert len(one(**same).actors) == 1
    assert counts(take(empty_database, line(**same))) == (1, 1, 0, 0, 0)
