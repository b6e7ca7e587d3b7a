"""API keys: what is kept of them, which are found, who may have one, and how their use is noted."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from peewee import Database

from schemas.faults import Refused
from service import keys
from service.database import closing_database, execute, fetch, open_database
from service.keys import Key, NewKey, create_key, find_key, list_keys, note_use, revoke_key
from tests.statements import sent_to
from tests.writing import everything, found

NOBODYS = f"dl_{'0' * 12}_{'0' * 64}"


def refusal(call: Callable[..., Any], *arguments: Any) -> tuple[str, str, tuple[str, ...]]:
    """The code, message and suggestions of the one fault that a call is refused for."""
    with pytest.raises(Refused) as refused:
        call(*arguments)
    [fault] = refused.value.faults
    assert fault.pointer == "/name"
    return fault.code, fault.message, fault.suggestions


def held(database: Database, name: str = "newsdesk") -> Key:
    """A new key, as a request's is found."""
    key = find_key(database, create_key(database, name, "write").key)
    assert key is not None
    return key


def used(database: Database) -> int | None:
    [(moment,)] = fetch(database, "SELECT used FROM api_key")
    return None if moment is None else int(moment)


def test_a_key_is_found_as_its_holders_and_only_its_digest_is_kept(empty_database: Database) -> None:
    made = create_key(empty_database, "newsdesk", "write")
    assert (made.name, made.scope) == ("newsdesk", "write")
    form = re.fullmatch(r"dl_([0-9a-f]{12})_([0-9a-f]{64})", made.key)
    assert form is not None
    assert find_key(empty_database, made.key) == Key(form[1], "newsdesk", "write")
    assert form[2] not in repr(everything(empty_database))


def test_every_key_differs(empty_database: Database) -> None:
    made = {create_key(empty_database, f"holder {number}", "read").key for number in range(50)}
    assert len({key[3:15] for key in made}) == len({key[16:] for key in made}) == 50


# What may come in place of a key that was given out.
CHANGES: tuple[Callable[[str], str], ...] = (
    lambda key: "",
    lambda key: " " + key,
    lambda key: key + "\n",
    lambda key: key[:-1],
    lambda key: key + "0",
    lambda key: key.upper(),
    lambda key: key.removeprefix("dl_"),
    lambda key: key.replace("dl_", "dl-"),
    lambda key: key[:-64] + "0" * 64,
    lambda key: key[:3] + "0" * 12 + key[15:],
    lambda key: key[:-1] + ("0" if key[-1] != "0" else "1"),
    lambda key: key[:-1] + "é",
    lambda key: key[:-1] + "\N{ARABIC-INDIC DIGIT ONE}",
    lambda key: key + "\x00",
    lambda key: key * 130,
    lambda key: "x" * 10_000,
    lambda key: "dl_%" + key[4:],
    lambda key: NOBODYS,
)


def test_anything_else_is_no_key(empty_database: Database) -> None:
    made = create_key(empty_database, "newsdesk", "admin").key
    assert [change(made) for change in CHANGES if find_key(empty_database, change(made)) is not None] == []


def test_the_secret_of_another_key_does_not_open(empty_database: Database) -> None:
    one, other = (create_key(empty_database, name, "admin").key for name in ("one", "other"))
    assert find_key(empty_database, one[:16] + other[16:]) is None


def test_a_key_is_found_by_one_statement(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made = create_key(empty_database, "newsdesk", "read").key
    sent = sent_to(empty_database, monkeypatch)
    for presented, statements in ((made, 1), (made[:-64] + "0" * 64, 1), (NOBODYS, 1), ("no key", 0)):
        sent.clear()
        find_key(empty_database, presented)
        assert len(sent) == statements, presented


def test_an_id_that_nobody_has_costs_the_same_comparison(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[str, str]] = []
    compare_digest = hmac.compare_digest

    def noting(one: str, other: str) -> bool:
        compared.append((one, other))
        return compare_digest(one, other)

    monkeypatch.setattr("service.keys.hmac.compare_digest", noting)
    made = create_key(empty_database, "newsdesk", "read").key
    for presented, valid in ((made, True), (made[:-64] + "0" * 64, False), (NOBODYS, False)):
        assert (find_key(empty_database, presented) is not None) == valid
    assert [(len(one), len(other)) for one, other in compared] == [(64, 64)] * 3


BAD_NAMES = (
    ("", "blank"),
    (" \t", "blank"),
    ("x" * 101, "too-long"),
    ("news\ndesk", "wrong-form"),
    ("newsdesk\n", "wrong-form"),
    (" newsdesk", "wrong-form"),
    ("a\x00b", "wrong-form"),
    ("a\x1b[31mb", "wrong-form"),
    ("a\x85b", "wrong-form"),
    ("a\u2028b", "wrong-form"),
    ("\u202eksedswen", "wrong-form"),
    ("\udcff", "wrong-form"),
    ("seed", "reserved"),
    ("import", "reserved"),
    ("Repair", "reserved"),
)


def test_a_name_that_nobody_may_have_is_refused(empty_database: Database) -> None:
    for name, code in BAD_NAMES:
        assert refusal(create_key, empty_database, name, "read")[0] == code, name
        assert refusal(revoke_key, empty_database, name)[0] == code, name
    assert list_keys(empty_database) == []


def test_any_other_name_may_be_had(empty_database: Database) -> None:
    names = ["x", "x" * 100, "Редакция", "نیوز\u200cدسک", 'O\'Neil "50%" ?', "two words"]
    for name in names:
        create_key(empty_database, name, "read")
    assert {key["name"] for key in list_keys(empty_database)} == set(names)


def test_a_name_never_passes_to_somebody_else(empty_database: Database) -> None:
    first = create_key(empty_database, "newsdesk", "read")
    for _ in range(2):
        code, message, _ = refusal(create_key, empty_database, "newsdesk", "write")
        assert code == "name-taken"
        assert "another name" in message and "--replace" in message
        revoke_key(empty_database, "newsdesk")
    assert find_key(empty_database, first.key) is None


@pytest.mark.parametrize("revoked", [False, True])
def test_a_holder_can_be_given_a_new_key_which_ends_the_old_one(empty_database: Database, revoked: bool) -> None:
    old = create_key(empty_database, "newsdesk", "read")
    execute(empty_database, "UPDATE api_key SET used = 1")
    if revoked:
        revoke_key(empty_database, "newsdesk")
    new = create_key(empty_database, "newsdesk", "write", replace=True)
    key = find_key(empty_database, new.key)
    assert key is not None and (key.name, key.scope) == ("newsdesk", "write")
    assert find_key(empty_database, old.key) is None
    [listed] = list_keys(empty_database)
    assert (listed["scope"], listed["used"], listed["revoked"]) == ("write", None, None)


def test_replacing_the_key_of_nobody_makes_one(empty_database: Database) -> None:
    made = create_key(empty_database, "demo", "write", replace=True)
    assert isinstance(made, NewKey)
    assert find_key(empty_database, made.key) is not None


def test_keys_are_listed_by_name_with_their_times(empty_database: Database) -> None:
    before = time.time_ns() // 1000
    for name in ("b", "a"):
        create_key(empty_database, name, "read")
    revoke_key(empty_database, "b")
    first, second = list_keys(empty_database)
    assert list(first) == ["name", "scope", "created", "used", "revoked"]
    assert (first["name"], first["used"], first["revoked"]) == ("a", None, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", second["revoked"])
    [(created,)] = fetch(empty_database, "SELECT created FROM api_key WHERE name = 'a'")
    assert before <= created <= time.time_ns() // 1000


def test_a_revoked_key_is_not_found_and_keeps_the_time_of_its_end(empty_database: Database) -> None:
    made = create_key(empty_database, "newsdesk", "admin")
    first = revoke_key(empty_database, "newsdesk")
    assert find_key(empty_database, made.key) is None
    assert first["revoked"] is not None
    assert revoke_key(empty_database, "newsdesk") == first


def test_revoking_the_key_of_nobody_suggests_whose_was_meant(empty_database: Database) -> None:
    create_key(empty_database, "newsdesk", "read")
    code, message, suggestions = refusal(revoke_key, empty_database, "newdesk")
    assert (code, suggestions) == ("unknown-key", ("newsdesk",))
    assert "newdesk" in message
    assert refusal(revoke_key, empty_database, "qqq")[2] == ()


@pytest.mark.parametrize(
    ("scope", "reach"),
    [("read", ["read"]), ("write", ["read", "write"]), ("admin", ["read", "write", "admin"])],
)
def test_each_scope_includes_those_before_it(scope: keys.Scope, reach: list[str]) -> None:
    assert [wanted for wanted in keys.SCOPES if Key("", "", scope).may(wanted)] == reach


# The use of a key.


def test_the_use_of_a_key_is_noted_once_in_ten_minutes(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, noted = held(empty_database), dict[str, int]()
    note_use(empty_database, key, noted)
    first = used(empty_database)
    assert first is not None and abs(time.time_ns() // 1000 - first) < 60_000_000
    sent = sent_to(empty_database, monkeypatch)
    note_use(empty_database, key, noted)
    assert sent == []
    noted[key.id] -= 600_000_000
    note_use(empty_database, key, noted)
    assert (used(empty_database) or 0) > first


def test_each_key_is_noted_by_itself(empty_database: Database) -> None:
    noted = dict[str, int]()
    for name in ("one", "other"):
        note_use(empty_database, held(empty_database, name), noted)
    assert all(key["used"] for key in list_keys(empty_database))


def test_a_use_that_cannot_be_noted_harms_nobody_and_is_not_tried_again_at_once(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, noted = held(empty_database), dict[str, int]()
    tried = []

    def fail(*arguments: Any) -> int:
        tried.append(arguments)
        raise OSError("the disk is gone")

    monkeypatch.setattr(keys, "execute", fail)
    note_use(empty_database, key, noted)
    note_use(empty_database, key, noted)
    assert len(tried) == 1
    monkeypatch.undo()
    assert used(empty_database) is None


def test_the_note_keeps_no_connection_to_a_server(empty_database: Database, engine: str) -> None:
    key = held(empty_database)
    empty_database.close()
    note_use(empty_database, key, {})
    assert empty_database.is_closed() == (engine == "postgres")
    assert used(empty_database) is not None


def test_the_note_does_not_wait_for_another_writer(empty_database: Database, engine: str, empty_url: str) -> None:
    if engine != "sqlite":
        pytest.skip("only SQLite has one lock for all writers")
    key = held(empty_database)
    with closing_database(open_database(empty_url)) as other, other.atomic():
        execute(other, "UPDATE store SET version = version")
        began = time.monotonic()
        note_use(empty_database, key, {})
        assert time.monotonic() - began < 10, "a writer would have waited for 30 seconds"
    assert used(empty_database) is None
    assert fetch(empty_database, "PRAGMA busy_timeout") == [(30_000,)]


def test_faults_of_a_name_tell_where_it_stands(empty_database: Database) -> None:
    with pytest.raises(Refused) as refused:
        create_key(empty_database, "", "read")
    assert found(refused.value.faults) == [("/name", "blank")]
