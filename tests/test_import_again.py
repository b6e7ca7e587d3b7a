"""A newer release of a file: what is created, updated and left alone, what somebody changed, and what is missing."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from peewee import Database

from schemas.precondition import Precondition
from service import event_store, importing, missing
from service.actor_store import merge_actors
from service.check import check
from service.database import fetch
from service.import_report import ImportReport
from service.importers import IMPORTERS, Importer
from service.importers.csv_mapped import mapped_importer
from service.importing import Import, import_file
from service.missing import Seen
from service.patches import Patch
from tests.import_files import is_orderly, run
from tests.writing import body, counts, delete_event, document, everything, ged, put

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
ANY = Precondition(any_version=True)


def take(database: Database, data: bytes, name: str | Importer = "ucdp-ged", **options: Any) -> ImportReport:
    dry_run = options.pop("dry_run", False)
    importer = IMPORTERS[name] if isinstance(name, str) else name
    how = Import(importer, "import", **{"find_missing": True, **options})
    return import_file(database, io.BytesIO(data), how, dry_run=dry_run)


def release(*ids: int, **changed: str) -> bytes:
    """A release of UCDP GED with these records, and a change of all of them."""
    return ged(*({"id": str(number), **changed} for number in ids))


def edit(database: Database, event_id: str, **members: Any) -> None:
    event_store.patch_event(database, event_id, Patch(members), ANY, by="somebody")


def ids(database: Database) -> list[str]:
    rows = fetch(database, "SELECT id FROM event WHERE NOT deleted ORDER BY id")
    return [event_id for (event_id,) in rows]


def last(database: Database, event_id: str) -> tuple[Any, ...]:
    sql = 'SELECT operation, "by", reason FROM revision WHERE subject = ? ORDER BY sequence DESC LIMIT 1'
    return fetch(database, sql, (event_id,))[0]


# What somebody changed


def test_an_event_that_somebody_changed_is_left_alone_while_its_record_stays_the_same(
    empty_database: Database,
) -> None:
    take(empty_database, release(1, 2))
    edit(empty_database, "ucdp-ged-1", title="Said by hand")
    before = everything(empty_database)
    report = take(empty_database, release(1, 2))
    assert (counts(report), report.warnings) == ((2, 0, 0, 2, 0), {})
    assert everything(empty_database) == before


def test_a_changed_record_replaces_what_somebody_wrote_and_says_so_once(empty_database: Database) -> None:
    take(empty_database, release(1, 2))
    edit(empty_database, "ucdp-ged-1", title="Said by hand")
    newer = release(1, 2, high="6")
    report = take(empty_database, newer)
    assert (counts(report), report.warnings) == ((2, 0, 2, 0, 0), {"edited-since": 1})
    assert document(empty_database, "ucdp-ged-1")["title"] != "Said by hand"
    again = take(empty_database, newer)
    assert (counts(again), again.warnings) == ((2, 0, 0, 2, 0), {})
    # What somebody wrote is a revision as before.
    [(content,)] = fetch(empty_database, "SELECT content FROM revision WHERE subject = 'ucdp-ged-1' AND version = 2")
    assert json.loads(content)["title"] == "Said by hand"
    assert check(empty_database) == []


def test_an_event_that_was_changed_twice_is_protected_after_each_import(empty_database: Database) -> None:
    take(empty_database, release(1))
    edit(empty_database, "ucdp-ged-1", title="First")
    take(empty_database, release(1, high="6"))
    edit(empty_database, "ucdp-ged-1", title="Second")
    assert take(empty_database, release(1, high="6")).unchanged == 1
    assert document(empty_database, "ucdp-ged-1")["title"] == "Second"
    # The first release is another record than the last that was taken.
    assert take(empty_database, release(1)).warnings == {"edited-since": 1}


def test_one_edit_is_told_once_though_the_record_stands_twice(empty_database: Database) -> None:
    take(empty_database, release(1))
    edit(empty_database, "ucdp-ged-1", title="Said by hand")
    report = take(empty_database, ged({"id": "1", "high": "6"}, {"id": "1", "high": "7"}))
    assert (counts(report), report.warnings) == ((2, 0, 2, 0, 0), {"edited-since": 1, "repeated-id": 1})


def test_a_restored_event_is_as_one_that_somebody_changed(empty_database: Database) -> None:
    take(empty_database, release(1))
    take(empty_database, release(1, high="6"))
    event_store.restore_event(empty_database, "ucdp-ged-1", 1, ANY, by="somebody")
    assert counts(take(empty_database, release(1, high="6"))) == (1, 0, 0, 1, 0)
    assert document(empty_database, "ucdp-ged-1")["casualties"]["killed"]["high"] == 5
    assert take(empty_database, release(1, high="7")).warnings == {"edited-since": 1}


def test_a_deleted_event_is_rejected_until_it_is_restored_and_is_not_missing(empty_database: Database) -> None:
    take(empty_database, release(1, 2))
    delete_event(empty_database, "ucdp-ged-1")
    report = take(empty_database, release(1, 2, high="6"))
    assert ([item.id for item in report.rejected], report.updated, report.missing) == (["ucdp-ged-1"], 1, 0)
    event_store.restore_event(empty_database, "ucdp-ged-1", 1, ANY, by="somebody")
    assert counts(take(empty_database, release(1, 2, high="6"))) == (2, 0, 1, 1, 0)


def test_a_merge_of_actors_is_no_edit_of_their_events(empty_database: Database) -> None:
    take(empty_database, release(1))
    put(empty_database, body(id="b", actors=["Other Band"]), create_actors=True)
    merge_actors(empty_database, "quince-regiment", "other-band", by="somebody")
    assert (report := take(empty_database, release(1, high="6"))).updated == 1
    assert report.warnings == {}


MAPPING = """
dataset = "town"

[fields]
id = "No"
title = "{title}"
date = "Day"
"""
TABLE = b"No,What,Also,Day\n1,One thing,Another thing,2021-08-30\n2,Two things,Other things,2021-08-31\n"


def by(folder: Path, title: str) -> Importer:
    """What reads the table by a mapping that takes titles from a column."""
    file = folder / "mapping.toml"
    file.write_text(MAPPING.format(title=title), encoding="utf-8")
    return mapped_importer(file)


def test_a_changed_mapping_updates_all_events_but_those_that_somebody_changed(
    empty_database: Database, tmp_path: Path
) -> None:
    assert counts(take(empty_database, TABLE, by(tmp_path, "What"))) == (2, 2, 0, 0, 0)
    edit(empty_database, "town-1", title="Said by hand")
    report = take(empty_database, TABLE, by(tmp_path, "Also"))
    assert (counts(report), report.warnings) == ((2, 0, 1, 1, 0), {})
    assert [document(empty_database, f"town-{n}")["title"] for n in (1, 2)] == ["Said by hand", "Other things"]
    again = take(empty_database, TABLE.replace(b"Another", b"A new"), by(tmp_path, "Also"))
    assert (counts(again), again.warnings) == ((2, 0, 1, 1, 0), {"edited-since": 1})
    assert document(empty_database, "town-1")["title"] == "A new thing"


# What is missing


def test_events_that_a_newer_release_lacks_are_counted_and_stay(empty_database: Database) -> None:
    take(empty_database, release(1, 2, 3))
    put(empty_database, body(id="mine"))
    report = take(empty_database, release(2, 4))
    assert (counts(report), report.missing, report.missing_ids) == (
        (2, 1, 0, 1, 0),
        2,
        ["ucdp-ged-1", "ucdp-ged-3"],
    )
    assert report.deleted == 0
    assert len(ids(empty_database)) == 5


def test_events_that_a_newer_release_lacks_are_deleted_where_that_is_wanted(empty_database: Database) -> None:
    take(empty_database, release(1, 2, 3))
    edit(empty_database, "ucdp-ged-3", title="Said by hand")
    put(empty_database, body(id="mine"))
    report = take(empty_database, release(2), delete_missing=True)
    assert (report.missing, report.deleted) == (2, 2)
    assert ids(empty_database) == ["mine", "ucdp-ged-2"]
    assert last(empty_database, "ucdp-ged-1") == ("deleted", "import", "no longer in the file of ucdp-ged")
    again = take(empty_database, release(2), delete_missing=True)
    assert (again.missing, again.deleted) == (0, 0)
    assert check(empty_database) == []


def test_an_event_that_was_deleted_for_good_keeps_no_other_from_being_deleted(empty_database: Database) -> None:
    take(empty_database, release(1, 2, 3))
    assert take(empty_database, release(1, 2), delete_missing=True).deleted == 1
    back = take(empty_database, release(1, 2, 3), delete_missing=True)
    assert [fault.code for rejection in back.rejected for fault in rejection.faults] == ["deleted"]
    after = take(empty_database, release(1, 3), delete_missing=True)
    assert (after.missing, after.deleted, after.missing_ids) == (1, 1, ["ucdp-ged-2"])


def test_nothing_is_deleted_where_a_record_is_rejected(empty_database: Database) -> None:
    take(empty_database, release(1, 2, 3))
    report = take(empty_database, release(1) + release(2, best="many").split(b"\n", 1)[1], delete_missing=True)
    assert (report.refused, report.deleted) == (1, 0)
    assert len(ids(empty_database)) == 3


def test_nothing_is_missed_or_deleted_where_the_file_breaks_off(empty_database: Database) -> None:
    take(empty_database, release(1, 2, 3))
    report = take(empty_database, release(1) + b"\xff\n", delete_missing=True)
    assert (report.missing, report.deleted, bool(report.broken)) == (None, 0, True)
    assert len(ids(empty_database)) == 3


def test_a_dry_run_counts_what_would_be_deleted_and_deletes_nothing(empty_database: Database) -> None:
    take(empty_database, release(1, 2))
    before = everything(empty_database)
    report = take(empty_database, release(2), delete_missing=True, dry_run=True)
    assert (report.missing, report.deleted) == (1, 1)
    assert everything(empty_database) == before


def test_only_the_dataset_of_the_file_can_lack_events(empty_database: Database) -> None:
    take(empty_database, release(1, 2))
    take(empty_database, release(1, 2, 3), dataset="other")
    report = take(empty_database, release(1), dataset="other", delete_missing=True)
    assert (report.missing_ids, report.deleted) == (["other-2", "other-3"], 2)
    assert take(empty_database, release(1, 2)).missing == 0


def test_more_are_found_and_deleted_than_are_looked_at_at_a_time(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing, "PIECE", 7)
    monkeypatch.setattr(importing, "BATCH", 3)
    take(empty_database, release(*range(100, 140)))
    assert take(empty_database, release(*range(100, 140, 4))).missing == 30
    report = take(empty_database, release(*range(100, 140, 4)), delete_missing=True)
    assert (report.unchanged, report.missing, report.deleted) == (10, 30, 30)
    assert ids(empty_database) == [f"ucdp-ged-{number}" for number in range(100, 140, 4)]
    assert check(empty_database) == []


def test_events_that_say_their_dataset_themselves_lack_none_unless_it_is_given(empty_database: Database) -> None:
    def lines(*names: str) -> bytes:
        return b"".join(json.dumps(body(id=name, dataset="mine")).encode() + b"\n" for name in names)

    take(empty_database, lines("a", "b"), "dateline")
    assert take(empty_database, lines("a"), "dateline").missing is None
    report = take(empty_database, lines("a"), "dateline", dataset="mine", delete_missing=True)
    assert (report.missing_ids, report.deleted) == (["b"], 1)


@on_sqlite
@pytest.mark.parametrize("name", ["dateline", "csv"])
def test_deleting_what_is_missing_needs_a_dataset_where_events_say_their_own(empty_url: str, name: str) -> None:
    result = run(empty_url, b"", name, "--delete-missing")
    assert (result.exit_code, is_orderly(result)) == (2, True)
    assert "--dataset" in result.stderr


@on_sqlite
def test_the_command_tells_what_is_missing_and_what_became_of_it(empty_url: str) -> None:
    run(empty_url, release(1, 2, 3), "ucdp-ged")
    told = run(empty_url, release(1, 2), "ucdp-ged").stdout.splitlines()[0]
    hint = "kept (where the file is the whole dataset, --delete-missing deletes them)"
    assert told == f"1 event of ucdp-ged not in the file: {hint}"
    report = json.loads(run(empty_url, release(1, 2), "ucdp-ged", "--json").stdout)
    assert (report["missing"], report["missing_ids"]) == (1, ["ucdp-ged-3"])
    dry = run(empty_url, release(1), "ucdp-ged", "--delete-missing", "--dry-run").stdout
    assert dry.startswith("2 events of ucdp-ged not in the file: would be deleted\n")
    kept = run(empty_url, ged({"id": "1"}, {"id": "x", "best": "many"}), "ucdp-ged", "--delete-missing")
    assert (kept.exit_code, "kept, since records were rejected" in kept.stdout) == (1, True)
    broken = run(empty_url, release(1) + b"\xff\n", "ucdp-ged", "--delete-missing")
    assert (broken.exit_code, "none was deleted, since the file breaks off" in broken.stdout) == (1, True)
    done = run(empty_url, release(1), "ucdp-ged", "--delete-missing")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "2 events of ucdp-ged not in the file: deleted")


@on_sqlite
def test_a_file_without_records_deletes_nothing(empty_url: str, empty_database: Database) -> None:
    header = "id,title,date\n"
    run(empty_url, (header + "a,Something,2021\n").encode(), "csv", "--dataset", "mine")
    result = run(empty_url, header.encode(), "csv", "--dataset", "mine", "--delete-missing")
    assert (result.exit_code, "no record" in result.stderr) == (1, True)
    assert ids(empty_database) == ["a"]


# What stands twice


def test_a_record_of_an_id_that_came_before_is_warned_of(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    # Within a batch, and in another one.
    report = take(empty_database, ged(*({"id": number} for number in ("1", "1", "2", "3", "1"))))
    assert (counts(report), report.warnings) == ((5, 3, 0, 2, 0), {"repeated-id": 2})
    assert take(empty_database, release(1, 2, 3)).warnings == {}


def test_ids_that_were_noted_are_known_however_many_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    # So few pages in memory that most ids lie in the file.
    monkeypatch.setattr(missing, "IN_MEMORY", 10)
    names = [f"event-{number}" for number in range(20_000)]
    seen = Seen()
    for start in range(0, len(names), 1000):
        assert seen.add(names[start : start + 1000]) == []
    assert seen.add(["event-5", "new", "event-19999", "new"]) == [0, 2, 3]
    assert seen.lacks(["event-7", "none", "event-12345", "new", "neither"]) == ["none", "neither"]
    seen.close()


def test_ids_that_find_no_room_are_told_of_as_a_file() -> None:
    seen = Seen()
    seen.add(["a"])
    seen._ids.execute("PRAGMA max_page_count = 2")
    with pytest.raises(OSError, match=r"no room .*full"):
        seen.add([f"event-{number}" for number in range(5000)])
    seen.close()


@on_sqlite
def test_every_warning_goes_into_a_file_by_its_line_and_event(
    empty_url: str, empty_database: Database, tmp_path: Path
) -> None:
    run(empty_url, ged({"id": "1"}), "ucdp-ged", "--dataset", "town")
    edit(empty_database, "town-1", title="Said by hand")
    file = tmp_path / "warnings"
    data = ged({"id": "1", "high": "6"}, {"id": "2", "low": "9"}, {"id": "2", "low": "9"})
    result = run(empty_url, data, "ucdp-ged", "--dataset", "town", "--warnings", str(file))
    assert result.exit_code == 0
    warnings = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert all(set(item) == {"line", "id", "pointer", "code", "message", "suggestions"} for item in warnings)
    assert sorted((item["line"], item["id"], item["code"]) for item in warnings) == [
        (2, "town-1", "edited-since"),
        (3, "town-2", "figures-sorted"),
        (4, "town-2", "figures-sorted"),
        (4, "town-2", "repeated-id"),
    ]
    told = [line for line in result.stderr.splitlines() if line.startswith("warning")]
    assert told == [
        "warning: edited-since in 1 record",
        "warning: figures-sorted in 2 records",
        "warning: repeated-id in 1 record",
    ]


@on_sqlite
def test_a_warning_that_is_no_proper_text_is_still_json(empty_url: str, tmp_path: Path) -> None:
    slide = {"start_date": {"year": "2020"}, "text": {"headline": "Something"}}
    cover = {"title": {"text": {"headline": "\ud800 alone"}}, "events": [slide]}
    result = run(empty_url, json.dumps(cover).encode(), "timelinejs", "--warnings", str(tmp_path / "warnings"))
    assert is_orderly(result), result.exception
    [warning] = (tmp_path / "warnings").read_text(encoding="utf-8").splitlines()
    assert "\ud800 alone" in json.loads(warning)["message"]


def test_a_file_of_rejects_is_never_the_whole_dataset(empty_url: str, tmp_path: Path) -> None:
    """Mended rejects are fed again beside what is stored: nothing is missing in them."""
    rejects = tmp_path / "rejects.csv"
    run(empty_url, ged({"id": "1"}, {"id": "2", "best": "many"}), "ucdp-ged", "--rejects", str(rejects))
    mended = rejects.read_bytes().replace(b"many", b"3")
    assert b"rejected_because" in mended and mended.count(b"3") > 1
    refused = run(empty_url, mended, "ucdp-ged", "--delete-missing")
    assert (refused.exit_code, "never has the whole dataset" in refused.stderr) == (2, True)
    told = json.loads(run(empty_url, mended, "ucdp-ged", "--json").stdout)
    assert (told["created"], "missing" in told) == (1, False)
