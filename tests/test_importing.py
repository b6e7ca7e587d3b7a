"""Importing a file: what is stored, what is rejected with its line, and that doing it again changes nothing."""

from __future__ import annotations

import csv
import io
import itertools
import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from flask.testing import FlaskClient
from peewee import Database

from schemas.fields import ID_FORM
from schemas.names import fold
from service.actor_store import write_actors
from service.app import create_app
from service.check import check
from service.database import execute, fetch, open_database
from service.import_report import ImportReport
from service.importers import IMPORTERS, UnreadableFile
from service.importers.record import event_id
from service.importing import Import, Listener, import_file
from service.settings import Settings
from service.upgrade import upgrade
from tests.writing import GED, body, counts, delete_event, document, everything, ged, put, rejections

FIXTURES = Path(__file__).parent / "fixtures"
FORMAT = IMPORTERS["ucdp-ged"]


def take(database: Database, data: bytes | BinaryIO, **options: Any) -> ImportReport:
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    how = Import(FORMAT, "import", dataset=options.pop("dataset", None))
    return import_file(database, stream, how, Listener(rejects=options.pop("rejects", None)), **options)


def numbered(count: int, first: int = 800_000) -> bytes:
    return ged(*({"id": str(first + n)} for n in range(count)))


def listed(client: FlaskClient, query: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    url: str | None = "/v1/events?limit=1000&" + query
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        events += answer.get_json()["events"]
        url = answer.get_json()["next"]
    return events


@pytest.fixture
def empty_client(empty_url: str) -> Iterator[FlaskClient]:
    """A client of the application over the empty database."""
    app = create_app(Settings(database_url=empty_url))
    yield app.test_client()
    database = app.extensions["dateline"]["database"]
    if hasattr(database, "close_all"):
        database.close_all()
    elif not database.is_closed():
        database.close()


# What is stored


def test_an_import_stores_events_actors_originals_and_the_dataset(empty_database: Database) -> None:
    assert counts(take(empty_database, ged({}))) == (1, 1, 0, 0, 0)
    answer = document(empty_database, "ucdp-ged-700001")
    assert answer["location"]["province"] == {"code": "AF-HEL", "name": "Helmand"}
    assert [(actor["name"], actor["role"]) for actor in answer["actors"]] == [
        ("Quince Regiment", "side-a"),
        ("Orchard Brigade", "side-b"),
    ]
    killed = answer["casualties"]["killed"]
    assert (killed["low"], killed["best"], killed["high"]) == (2, 3, 5)
    [(original,)] = fetch(empty_database, "SELECT original FROM revision WHERE kind = 'event'")
    assert json.loads(original)["adm_1"] == "Hilmand province"
    [(title, licence)] = fetch(empty_database, "SELECT title, licence FROM dataset WHERE id = 'ucdp-ged'")
    assert (title, licence) == ("UCDP Georeferenced Event Dataset", "CC BY 4.0")
    assert check(empty_database) == []


def test_the_same_file_twice_changes_nothing(empty_database: Database) -> None:
    data = numbered(20)
    take(empty_database, data)
    before = everything(empty_database)
    assert counts(take(empty_database, data)) == (20, 0, 0, 20, 0)
    assert everything(empty_database) == before


def test_a_changed_row_updates_that_event_alone(empty_database: Database) -> None:
    take(empty_database, numbered(5))
    rows = [{"id": str(800_000 + n)} for n in range(5)]
    rows[2]["best"] = "4"
    assert counts(take(empty_database, ged(*rows))) == (5, 0, 1, 4, 0)
    versions = [document(empty_database, f"ucdp-ged-{row['id']}")["version"] for row in rows]
    assert versions == [1, 1, 2, 1, 1]
    assert check(empty_database) == []


def test_a_column_that_no_event_shows_is_still_kept_when_it_changes(empty_database: Database) -> None:
    take(empty_database, ged({}))
    assert counts(take(empty_database, ged({"priogrid_gid": "7"}))) == (1, 0, 1, 0, 0)


def test_a_row_that_stands_twice_is_one_event(empty_database: Database) -> None:
    assert counts(take(empty_database, ged({}, {}, {"best": "4"}))) == (3, 1, 1, 1, 0)
    assert document(empty_database, "ucdp-ged-700001")["version"] == 2


def test_batches_share_their_actors(empty_database: Database) -> None:
    assert counts(take(empty_database, numbered(1001))) == (1001, 1001, 0, 0, 0)
    assert fetch(empty_database, "SELECT count(*) FROM actor") == [(2,)]


def test_another_dataset_gives_other_ids(empty_database: Database) -> None:
    take(empty_database, ged({}))
    assert counts(take(empty_database, ged({}), dataset="other")) == (1, 1, 0, 0, 0)
    assert document(empty_database, "other-700001")["dataset"] == "other"
    assert fetch(empty_database, "SELECT id FROM dataset ORDER BY id") == [("local",), ("other",), ("ucdp-ged",)]


@pytest.mark.parametrize(
    ("dataset", "own", "made"),
    [
        ("acled", "AFG1234", "acled-afg1234"),
        ("acled", " a/b c ", "acled-a-b-c"),
        ("d", "x" * 90, "d-" + "x" * 90),
        ("d" * 37, "x" * 90, "d" * 37 + "-" + "x" * 90),
    ],
)
def test_an_id_is_the_datasets_and_the_records_own(dataset: str, own: str, made: str) -> None:
    assert event_id(dataset, own) == made


@pytest.mark.parametrize("dataset", ["inc", "d" * 38, "d" * 128])
def test_ids_in_any_script_and_of_any_length_stay_apart_and_in_their_form(dataset: str) -> None:
    digits = ["\u06f1", "\u06f2", "\u06f3", "\u0661", "a-\u06f1", "a \u06f1"]
    texts = [*digits, "k", "\u212a", "i", "\u0130", "é", "e", "باغ", "کوه", "x" * 90, "x" * 91, "y" * 5000]
    ids = [event_id(dataset, text) for text in texts]
    assert len(set(ids)) == len(texts)
    assert all(ID_FORM.match(made) for made in ids)


def test_ids_are_within_their_length_in_any_dataset(empty_database: Database) -> None:
    for dataset in ("d" * 128, "e" * 128):
        take(empty_database, numbered(3), dataset=dataset)
    ids = [made for (made,) in fetch(empty_database, "SELECT id FROM event")]
    assert len(set(ids)) == 6
    assert {len(made) for made in ids} == {128}


def test_an_import_into_a_dataset_that_was_described_leaves_its_title_alone(database: Database) -> None:
    row = "SELECT title, licence, citation FROM dataset WHERE id = ?"
    [(seed,)] = fetch(database, "SELECT id FROM dataset WHERE licence IS NOT NULL")
    before = fetch(database, row, (seed,))
    assert counts(take(database, ged({}), dataset=seed))[1] == 1
    assert fetch(database, row, (seed,)) == before


@pytest.mark.parametrize("known", [True, False], ids=["known by its id", "new"])
def test_an_import_describes_a_dataset_that_nobody_has_described(empty_database: Database, known: bool) -> None:
    if known:
        put(empty_database, body(id="a", dataset="mine"))
    take(empty_database, ged({}), dataset="mine")
    described = fetch(empty_database, "SELECT title, licence, citation FROM dataset WHERE id = 'mine'")
    assert described == [(FORMAT.title, FORMAT.licence, FORMAT.citation)]


def test_a_formats_own_dataset_follows_the_format(empty_database: Database) -> None:
    take(empty_database, ged({}))
    execute(empty_database, "UPDATE dataset SET title = 'Old', licence = 'Old' WHERE id = 'ucdp-ged'")
    take(empty_database, ged({}))
    described = fetch(empty_database, "SELECT title, licence FROM dataset WHERE id = 'ucdp-ged'")
    assert described == [(FORMAT.title, FORMAT.licence)]


def test_a_dry_run_tells_all_and_keeps_nothing(empty_database: Database) -> None:
    data = (FIXTURES / "ged_with_rejects.csv").read_bytes()
    before = everything(empty_database)
    dry = take(empty_database, data, dry_run=True)
    assert everything(empty_database) == before
    assert not empty_database.in_transaction()
    assert dry.as_json() == take(empty_database, data).as_json()


def test_an_actor_is_found_by_its_datasets_id_before_its_name(empty_database: Database) -> None:
    known = [
        {"id": "right", "name": "Renamed since", "external_ids": {"ucdp": "91001"}},
        {"id": "wrong", "name": "Quince Regiment", "external_ids": {"ucdp": "5"}},
    ]
    write_actors(empty_database, known, by="tester")
    take(empty_database, ged({}))
    assert document(empty_database, "ucdp-ged-700001")["actors"][0]["id"] == "right"


def test_a_namesake_with_another_id_of_the_dataset_is_another_actor(empty_database: Database) -> None:
    known = {"id": "quince-regiment", "name": "Quince Regiment", "external_ids": {"ucdp": "5"}}
    write_actors(empty_database, [known], by="tester")
    take(empty_database, ged({}))
    assert document(empty_database, "ucdp-ged-700001")["actors"][0]["id"] == "quince-regiment-2"
    assert take(empty_database, ged({})).unchanged == 1
    assert check(empty_database) == []


def test_a_deleted_event_is_not_brought_back(empty_database: Database) -> None:
    take(empty_database, numbered(3))
    delete_event(empty_database, "ucdp-ged-800001")
    report = take(empty_database, numbered(3))
    assert rejections(report) == [(3, "/id", "deleted")]
    assert report.rejected[0].id == "ucdp-ged-800001"
    assert check(empty_database) == []


# What is rejected


def test_rejects_have_the_line_where_they_begin_and_every_reason(empty_database: Database) -> None:
    report = take(empty_database, (FIXTURES / "ged_with_rejects.csv").read_bytes())
    assert counts(report) == (7, 2, 0, 0, 5)
    told = {item.line: {fault.pointer for fault in item.faults} for item in report.rejected}
    # The first record spans lines 2 and 3.
    assert told == {
        4: {"/date_start", "/date_end"},
        5: {"/id", "/best"},
        6: {"/type_of_violence"},
        7: {"/latitude"},
        9: {"/"},
    }


def test_rejects_come_with_the_reason_and_can_be_mended_and_fed_again(empty_database: Database) -> None:
    rejects = io.StringIO(newline="")
    take(empty_database, (FIXTURES / "ged_with_rejects.csv").read_bytes(), rejects=rejects)
    lines = rejects.getvalue().splitlines()
    assert lines[0] == "rejected_because," + (FIXTURES / "ged_with_rejects.csv").read_text().splitlines()[0]
    too_few = '"/: The record has 3 columns where the header has 49. [wrong-column-count]",710007,too,few'
    assert (len(lines), lines[-1]) == (6, too_few)
    mended = rejects.getvalue().replace("2020-02-31", "2020-02-29").replace(",7,333", ",1,333")
    mended = mended.replace(too_few + "\n", "").replace(",95,", ",35,").replace("710004,,,,,7,", "710004,,,,,1,")
    assert counts(take(empty_database, mended.encode())) == (4, 3, 0, 0, 1)


def test_rejects_whose_columns_cannot_be_told_apart_still_come_with_a_header(empty_database: Database) -> None:
    columns = ["best", *[name for name in ged().decode().strip().split(",") if name != "best"]]
    data = ged({"id": "1"}, columns=columns) + b"2,too,few\n"
    rejects = io.StringIO(newline="")
    take(empty_database, data, rejects=rejects)
    header, row = rejects.getvalue().splitlines()
    assert header == ",".join(["rejected_because", *columns])
    assert row.endswith('",2,too,few')


def test_a_record_whose_quotes_do_not_pair_up_comes_back_as_it_stood(empty_database: Database) -> None:
    rejects = io.StringIO(newline="")
    report = take(empty_database, ged({"id": "1"}) + b'2,"a"b,c\n', rejects=rejects)
    assert [fault.code for rejection in report.rejected for fault in rejection.faults] == ["malformed-record"]
    assert rejects.getvalue().endswith('[malformed-record]",2,"a"b,c\n')
    again = io.StringIO(newline="")
    take(empty_database, rejects.getvalue().encode(), rejects=again)
    assert again.getvalue() == rejects.getvalue()


def test_rejected_features_can_be_mended_and_fed_again(empty_database: Database) -> None:
    features: list[Any] = [{"type": "Feature", "properties": {**GED, "id": str(n), "best": "many"}} for n in (1, 2)]
    sound = {"type": "Feature", "properties": {**GED, "id": "3"}, "geometry": None}
    rejects = io.StringIO(newline="")
    collection = {"type": "FeatureCollection", "features": [features[0], sound, features[1], 7]}
    assert counts(take(empty_database, json.dumps(collection).encode(), rejects=rejects)) == (4, 1, 0, 0, 3)
    written = json.loads(rejects.getvalue())["features"]
    assert all("not a whole number" in feature.pop("rejected_because") for feature in written[:2])
    assert (written[:2], written[3]) == (features, 7)
    assert counts(take(empty_database, rejects.getvalue().replace("many", "3").encode())) == (3, 2, 0, 0, 1)


def test_many_rejects_take_no_longer_than_good_records(empty_database: Database) -> None:
    rejects = io.StringIO(newline="")
    report = take(empty_database, ged(*({"id": str(n), "best": "x"} for n in range(3000))), rejects=rejects)
    assert len(report.rejected) == 3000
    assert len(rejects.getvalue().splitlines()) == 3001


def test_warnings_are_counted_by_code(empty_database: Database) -> None:
    report = take(empty_database, ged({"id": "1", "low": "9"}, {"id": "2", "low": "9"}, {"id": "3"}))
    assert counts(report) == (3, 3, 0, 0, 0)
    assert set(report.warnings.values()) == {2}


@pytest.mark.parametrize("cut", [0, 1])
def test_a_file_that_breaks_off_keeps_what_stood_before(empty_database: Database, cut: int) -> None:
    data = numbered(1005)
    broken = data + (b'900000,"an open quote, and then nothing' if cut else b"\xff\xfe\xff\n")
    report = take(empty_database, broken)
    assert report.broken
    assert report.created == 1005
    assert check(empty_database) == []
    assert take(empty_database, data).unchanged == 1005


@pytest.mark.parametrize(
    "data", [b"", ged(), b"a,b\n1,2\n", b"\x1f\x8b\x08\x00", numbered(1).decode().encode("utf-16")]
)
def test_a_file_of_another_kind_changes_nothing(empty_database: Database, data: bytes) -> None:
    before = everything(empty_database)
    with pytest.raises(UnreadableFile):
        take(empty_database, data)
    assert everything(empty_database) == before


# Memory


class Endless(io.RawIOBase):
    """A file of generated records that is never whole in memory."""

    def __init__(self, count: int) -> None:
        header, row = ged({"id": "@"}).split(b"\n", 1)
        self._pieces = itertools.chain([header + b"\n"], (row.replace(b"@", b"%d" % n, 1) for n in range(count)))
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self._left) < len(buffer) and (piece := next(self._pieces, None)):
            self._left += piece
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.importing.BATCH", 100)
    peaks: list[int] = []
    # The first run fills the caches of the process.
    for count in (300, 300, 2400):
        database = open_database(f"sqlite:///{tmp_path}/{len(peaks)}.db")
        upgrade(database)
        tracemalloc.start()
        assert take(database, io.BufferedReader(Endless(count))).created == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        database.close()
    assert peaks[2] < 1.5 * peaks[1]


# Real files


def read_rows(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".geojson":
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        return [{name: str(value) for name, value in feature["properties"].items()} for feature in features]
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if not row["year"].startswith("#")]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("ged_afghanistan.csv", 135),
        ("ged_global_mixed.csv", 300),
        ("ged_hdx_hxl_ukr.csv", 200),
        ("ged_car.geojson", 120),
    ],
)
def test_every_record_of_a_real_file_is_an_event_with_its_figures(
    empty_database: Database, empty_client: FlaskClient, samples: Path, name: str, count: int
) -> None:
    rows = read_rows(samples / name)
    assert len(rows) == count
    with (samples / name).open("rb") as file:
        report = take(empty_database, file)
    assert counts(report) == (count, count, 0, 0, 0)
    assert check(empty_database) == []
    events = {event["id"]: event for event in listed(empty_client, "dataset=ucdp-ged")}
    assert len(events) == count
    for row in rows:
        low, best, high = (int(float(row[figure])) for figure in ("low", "best", "high"))
        killed = events[f"ucdp-ged-{row['id']}"]["casualties"]["killed"]
        if low <= best <= high:
            assert (killed["low"], killed["high"]) == (low, high), row["id"]
        assert killed["best"] in (best, None), row["id"]
    before = everything(empty_database)
    with (samples / name).open("rb") as file:
        assert take(empty_database, file).unchanged == count
    assert everything(empty_database) == before


def test_counts_by_actor_and_province_are_those_of_the_file(
    empty_database: Database, empty_client: FlaskClient, samples: Path
) -> None:
    rows = read_rows(samples / "ged_afghanistan.csv")
    with (samples / "ged_afghanistan.csv").open("rb") as file:
        take(empty_database, file)
    names = {
        unit["name"]: unit["code"] for unit in empty_client.get("/v1/provinces?country=AF").get_json()["provinces"]
    }
    by_form = {fold(name): code for name, code in names.items()}
    provinces = Counter(row["adm_1"].removesuffix(" province") for row in rows)
    judged = {name: count for name, count in provinces.items() if fold(name) in by_form}
    assert sum(judged.values()) > len(rows) / 2
    for name, count in judged.items():
        assert len(listed(empty_client, f"dataset=ucdp-ged&province={by_form[fold(name)]}")) == count, name
    actors: Counter[str] = Counter()
    for row in rows:
        sides = {row["side_a"], row["side_b"]}
        if row["date_start"] >= "2021-09-01" and "Government of Afghanistan" in sides and "Taleban" not in sides:
            sides = sides - {"Government of Afghanistan"} | {"Taleban"}
        actors.update(side for side in sides if not side.startswith("XXX"))
    for name, count in actors.items():
        answer = empty_client.get("/v1/events", query_string={"actor": name, "dataset": "ucdp-ged", "limit": 1000})
        assert len(answer.get_json()["events"]) == count, name
