"""``dateline import`` on files as they come: packed, cut short, broken, changing; and when it is stopped or killed."""

from __future__ import annotations

import gzip
import io
import json
import os
import pty
import resource
import signal
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Database

from service import import_command, importing, waiting
from service.check import check
from service.database import closing_database, fetch, open_database
from service.importers import IMPORTERS
from service.importers.source import opened, opened_file
from service.importing import Import, import_file
from service.upgrade import upgrade
from tests.import_files import KINDS, format_of, is_orderly, made, run, started, told
from tests.sending import follows
from tests.writing import body, everything, ged, put

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
every_kind = pytest.mark.parametrize("kind", KINDS)
PACKED = b"\x1f\x8b"


def stored(database: Database) -> int:
    """How many events there are, in a store that is sound."""
    assert check(database) == []
    return int(fetch(database, "SELECT count(*) FROM event")[0][0])


def lines_told(stderr: str) -> list[str]:
    """What is said beside how far it is and warnings."""
    return [line for line in stderr.splitlines() if not line.startswith("warning") and " record" not in line[:12]]


# Packed by gzip


@on_sqlite
@every_kind
def test_a_packed_file_is_the_same_file(empty_url: str, empty_database: Database, tmp_path: Path, kind: str) -> None:
    data = made(kind, 3)
    assert run(empty_url, data, format_of(kind)).exit_code == 0
    before = everything(empty_database)
    (tmp_path / "no.suffix").write_bytes(gzip.compress(data))
    for source in (tmp_path / "no.suffix", gzip.compress(data), gzip.compress(data[:40]) + gzip.compress(data[40:])):
        result = run(empty_url, source, format_of(kind))
        assert (result.exit_code, "3 unchanged" in result.stdout) == (0, True), result.output
    assert everything(empty_database) == before


@pytest.mark.parametrize("kind", ["dateline", "csv", "ucdp-ged", "acled's API", "gdelt", "timelinejs"])
def test_a_packed_file_that_is_cut_short_keeps_what_was_whole_and_tells_the_line(
    empty_url: str, empty_database: Database, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 100)
    data = made(kind, 500)
    packed = gzip.compress(data, compresslevel=0)
    result = run(empty_url, packed[: -len(packed) // 4], format_of(kind))
    assert (result.exit_code, is_orderly(result)) == (1, True)
    # All but what was cut, and the record in which the cut is. What is read piece by piece may lack one more.
    kept = stored(empty_database)
    assert 370 <= kept <= 375
    begun = data[: len(data) * 3 // 4].count(b"\n")
    [message] = [line for line in lines_told(result.stderr) if line.startswith("the file breaks off: The gzip data")]
    assert "cut short" in message
    line = int(message.partition("begins in line ")[2].split(".")[0])
    assert begun - 2 <= line <= begun + 1
    assert stored(empty_database) == kept


@on_sqlite
@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-4],
        lambda packed: packed[:-8] + b"\0\0\0\0" + packed[-4:],
        lambda packed: packed + b"something else",
    ],
    ids=["length cut", "other sum", "followed by something else"],
)
@pytest.mark.parametrize("kind", ["ucdp-ged", "acled's rows"])
def test_damaged_gzip_is_told_in_words(empty_url: str, kind: str, damage: Callable[[bytes], bytes]) -> None:
    packed = gzip.compress(made(kind, 20), mtime=0)
    result = run(empty_url, damage(packed), format_of(kind), "--json")
    assert (result.exit_code, is_orderly(result)) == (1, True)
    assert "gzip data is cut short or damaged" in result.output


@on_sqlite
@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_packed_data_that_was_overwritten_never_passes_for_sound(empty_url: str, place: float) -> None:
    packed = gzip.compress(made("ucdp-ged", 200), mtime=0)
    at = int(len(packed) * place)
    result = run(empty_url, packed[:at] + b"\xff" * 30 + packed[at + 30 :], "ucdp-ged")
    assert (result.exit_code, is_orderly(result)) == (1, True)


def test_packed_bodies_are_refused_over_http(empty_writer: FlaskClient) -> None:
    packed = gzip.compress(made("ucdp-ged", 1))
    answer = empty_writer.post("/v1/events/bulk?format=ucdp-ged", data=packed)
    assert answer.status_code == 422
    assert "gzip" in answer.get_json()["errors"][0]["message"]
    headers = {"Content-Encoding": "gzip"}
    assert empty_writer.post("/v1/events/bulk?format=ucdp-ged", data=packed, headers=headers).status_code == 415


# Files that change


def append(file: Path) -> None:
    file.write_bytes(file.read_bytes() + made("ucdp-ged", 1, first=9000).split(b"\n", 1)[1])


def overwrite(file: Path) -> None:
    with file.open("r+b") as there:
        there.seek(file.stat().st_size // 2)
        there.write(b" ")


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@on_sqlite
@pytest.mark.parametrize("change", [append, overwrite, cut])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_changes_while_it_is_read_is_told_of(
    empty_url: str,
    empty_database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    packed: bool,
) -> None:
    monkeypatch.setattr(importing, "BATCH", 50)
    monkeypatch.setattr(import_command, "TRANSACTION_SECONDS", 0)
    file = tmp_path / "growing.csv"
    data = made("ucdp-ged", 700)
    file.write_bytes(gzip.compress(data, compresslevel=0) if packed else data)
    # A change within the same tick of the clock would not be noticed.
    os.utime(file, ns=(0, 0))
    changes = [change]

    class Changing(import_command._Progress):
        def add(self, report: Any) -> None:
            super().add(report)
            if changes:
                changes.pop()(file)

    monkeypatch.setattr(import_command, "_Progress", Changing)
    result = run(empty_url, file, "ucdp-ged", "--delete-missing")
    assert (result.exit_code, is_orderly(result)) == (1, True)
    words = "changed while it was read"
    if packed and change is not overwrite:
        words = "the file breaks off"
    assert words in result.stderr
    assert stored(empty_database) >= 50


@on_sqlite
def test_a_change_is_noticed_though_the_list_of_records_ended_before(
    empty_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "growing.json"
    file.write_bytes(made("acled's API", 3) + b" " * 200_000)
    os.utime(file, ns=(0, 0))
    with file.open("rb") as stream:
        source = opened_file(stream)
        os.utime(file, ns=(1, 1))
        report = import_file(empty_database, source, Import(IMPORTERS["acled"], "import"))
    assert (report.created, "changed while it was read" in (report.broken or "")) == (3, True)


@on_sqlite
@pytest.mark.parametrize("kind", ["acled's API", "acled's rows", "ucdp-ged as GeoJSON", "timelinejs"])
def test_a_second_document_in_a_file_is_never_passed_over(empty_url: str, kind: str) -> None:
    result = run(empty_url, made(kind, 2) + b" " * 70_000 + made(kind, 2, first=2000), format_of(kind))
    assert (result.exit_code, is_orderly(result)) == (1, True)
    assert "2 created" in result.stdout
    assert "the file breaks off" in result.stderr


# Stopped and killed


def hand_on(process: subprocess.Popen[str], data: bytes) -> None:
    """Write to the standard input of a process, and leave it open."""
    assert process.stdin is not None
    process.stdin.write(data.decode())
    process.stdin.flush()


def test_an_import_that_is_stopped_keeps_whole_batches_and_goes_on_when_it_is_run_again(
    empty_url: str, empty_database: Database, tmp_path: Path
) -> None:
    data = made("ucdp-ged", 900)
    # What is handed on of a pipe are whole pieces of this size.
    begun = data[: 3 << 16]
    whole = begun.count(b"\n") // 200 * 200
    process = started(empty_url, "-", "ucdp-ged")
    hand_on(process, begun)
    assert told(process.stderr, f"{whole} records")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert errors.endswith(
        f"dateline: stopped. The {whole} records of whole batches are stored; "
        "the same import again goes on from there.\n"
    )
    assert stored(empty_database) == whole
    (tmp_path / "file.csv").write_bytes(data)
    again = run(empty_url, tmp_path / "file.csv", "ucdp-ged")
    assert f"{900 - whole} created, 0 updated, {whole} unchanged" in again.stdout


@pytest.mark.parametrize("kind", ["dateline", "ucdp-ged as GeoJSON"])
def test_an_import_that_is_stopped_at_work_says_what_is_stored_and_leaves_sound_rejects(
    empty_url: str, empty_database: Database, tmp_path: Path, kind: str
) -> None:
    file, rejects = tmp_path / "file", tmp_path / "rejects"
    data = made(kind, 6000)
    # Every hundredth is rejected.
    file.write_bytes(data.replace(b'00", "t', b'00", "tt').replace(b'00", "type_of', b'00", "no_type_of'))
    process = started(empty_url, str(file), format_of(kind), "--rejects", str(rejects), batch=100)
    assert told(process.stderr, "100 record")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in errors
    [message] = [line for line in errors.splitlines() if line.startswith("dateline: stopped. ")]
    count = stored(empty_database)
    assert 0 < count < 5940
    assert message.startswith(f"dateline: stopped. The {count} records of whole batches are stored")
    text = rejects.read_text(encoding="utf-8")
    kept = json.loads(text)["features"] if kind != "dateline" else [json.loads(line) for line in text.splitlines()]
    assert len(kept) == count // 99
    assert all(record["rejected_because"] for record in kept)


def test_an_import_that_is_killed_leaves_a_sound_store_and_goes_on_when_it_is_run_again(
    empty_url: str, empty_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(made("ucdp-ged", 3000))
    process = started(empty_url, str(file), "ucdp-ged", batch=100)
    assert told(process.stderr, "200 records")
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    count = stored(empty_database)
    assert 200 <= count < 3000
    assert count % 100 == 0
    process = started(empty_url, str(file), "ucdp-ged", "--json", batch=1000)
    output, errors = process.communicate(timeout=60)
    report = json.loads(output)
    assert (report["created"], report["unchanged"], errors) == (3000 - count, count, "")
    assert stored(empty_database) == 3000


@on_sqlite
@pytest.mark.parametrize(
    ("times", "words"), [(1, "The 10 records of whole batches are stored"), (2, "Nothing was stored")]
)
def test_a_batch_that_was_begun_is_stored_unless_it_is_stopped_twice(
    empty_url: str, empty_database: Database, monkeypatch: pytest.MonkeyPatch, times: int, words: str
) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    monkeypatch.setattr(import_command, "TRANSACTION_SECONDS", 0)
    store = importing._store

    def stopped(*given: Any) -> Any:
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        return store(*given)

    monkeypatch.setattr(importing, "_store", stopped)
    result = run(empty_url, made("dateline", 30), "dateline")
    assert (result.exit_code, f"dateline: stopped. {words}" in result.stderr) == (1, True)
    assert stored(empty_database) == (10 if times == 1 else 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@on_sqlite
def test_a_dry_run_that_is_stopped_says_that_nothing_is_stored(empty_url: str, empty_database: Database) -> None:
    process = started(empty_url, "-", "dateline", "--dry-run", batch=10)
    hand_on(process, made("dateline", 2000))
    assert told(process.stderr, "10 records")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors.endswith("dateline: stopped. Nothing was stored.\n")) == (1, True)
    assert stored(empty_database) == 0


@on_sqlite
def test_a_full_disk_is_told_in_words_and_leaves_a_sound_store(
    empty_url: str, empty_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(made("ucdp-ged", 2000))
    limit = Path(empty_url.removeprefix("sqlite:///")).stat().st_size + (4 << 20)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = started(empty_url, str(file), "ucdp-ged", preexec_fn=bounded)
    _, errors = process.communicate(timeout=60)
    count = stored(empty_database)
    assert process.returncode == 1
    assert 0 < count < 2000
    assert [line for line in errors.splitlines() if line.startswith("dateline")] == [
        f"dateline: The {count} records of whole batches are stored; the same import again goes on from there.",
        "dateline: the database cannot be used: disk I/O error",
    ]
    again = run(empty_url, file, "ucdp-ged")
    assert f"{2000 - count} created, 0 updated, {count} unchanged" in again.stdout


@on_sqlite
@pytest.mark.parametrize("option", ["--rejects", "--warnings"])
def test_a_file_that_takes_nothing_is_told_of_with_what_is_stored(empty_url: str, option: str) -> None:
    rows = [{"id": str(number), "low": "9"} for number in range(200)]
    result = run(empty_url, ged(*rows, {"id": "x"}), "ucdp-ged", option, "/dev/full")
    assert (result.exit_code, is_orderly(result)) == (1, True)
    assert "No space left on device" in result.stderr


@on_sqlite
def test_nothing_is_written_over_what_is_read_nor_two_things_into_one_file(empty_url: str, tmp_path: Path) -> None:
    file, mapping, other = tmp_path / "file", tmp_path / "mapping.toml", str(tmp_path / "other")
    file.write_bytes(ged({}))
    mapping.write_text('dataset = "town"\n[fields]\ntitle = "id"\ndate = "date_start"\n')
    for options in (
        ["--warnings", str(file)],
        ["--rejects", str(mapping)],
        ["--rejects", other, "--warnings", f"{tmp_path}/./other"],
    ):
        result = run(empty_url, file, "csv", "--mapping", str(mapping), *options)
        assert (result.exit_code, "give another" in result.stderr) == (2, True)
    assert mapping.read_text().startswith("dataset")
    result = run(empty_url, ged({"id": "x"}), "ucdp-ged", "--rejects", "-")
    assert (result.exit_code, result.stdout.startswith("rejected_because,")) == (1, True)


# How far it is


def on_a_terminal(url: str, file: Path, *options: str, stop_at: bytes | None = None) -> tuple[str, str]:
    """What an import shows on a terminal, and prints. stop_at: what must be shown before it is stopped."""
    terminal, side = pty.openpty()
    process = started(url, str(file), "ucdp-ged", *options, batch=100, stdin=side, stderr=side)
    os.close(side)
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            # The other side is closed.
            break
        if stop_at and stop_at in shown:
            process.send_signal(signal.SIGINT)
            stop_at = None
    os.close(terminal)
    return shown.decode(), process.communicate(timeout=30)[0]


@on_sqlite
def test_a_terminal_shows_a_bar_with_the_rate_and_what_is_told_after_it_has_its_own_line(
    empty_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(made("ucdp-ged", 5000) + b"\xff\n")
    shown, output = on_a_terminal(empty_url, file)
    assert "5000 created" in output
    bar, *rest = shown.replace("\r\n", "\n").split("\n")
    assert "importing  [" in bar
    assert "100%" in bar
    assert "5000 records" in bar
    assert " a second" in bar
    assert bar.endswith("\x1b[?25h"), "the cursor is there again"
    assert rest[0].startswith("the file breaks off")


@on_sqlite
def test_an_import_that_is_stopped_on_a_terminal_leaves_the_line_of_the_bar(empty_url: str, tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(made("ucdp-ged", 5000))
    shown, _ = on_a_terminal(empty_url, file, stop_at=b" 100 records")
    assert shown.splitlines()[-1].startswith("dateline: stopped. The ")
    assert "\x1b[?25h" in shown.splitlines()[-2], "the cursor is there again"


@on_sqlite
def test_a_refusal_on_a_terminal_is_one_line(empty_url: str, tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(made("gdelt", 1))
    shown, _ = on_a_terminal(empty_url, file)
    assert shown.startswith(f"dateline: {file}: This is no UCDP GED file; ")
    assert shown.count("\n") == 1


@on_sqlite
def test_a_terminal_shows_nothing_to_programs(empty_url: str, tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(made("ucdp-ged", 200))
    shown, output = on_a_terminal(empty_url, file, "--json")
    assert (shown, json.loads(output)["created"]) == ("", 200)


@on_sqlite
def test_elsewhere_a_line_tells_how_far_it_is_now_and_then(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    monkeypatch.setattr(import_command, "TRANSACTION_SECONDS", 0)

    class Clock:
        now = 0.0

        @classmethod
        def monotonic(cls) -> float:
            return cls.now

    class Slow(import_command._Progress):
        def add(self, report: Any) -> None:
            Clock.now += 2
            super().add(report)

    monkeypatch.setattr(import_command, "time", Clock)
    monkeypatch.setattr(import_command, "_Progress", Slow)
    # Batches end after 2, 4, 6, 8, 10 and 12 seconds.
    told_of = run(empty_url, made("dateline", 60), "dateline").stderr.splitlines()
    assert told_of == ["10 records, 5 a second", "40 records, 5 a second"]
    assert run(empty_url, made("dateline", 60), "dateline", "--json").stderr == ""


# Bad input


@on_sqlite
@every_kind
def test_a_file_of_each_other_format_is_refused_by_what_it_is(
    empty_url: str, empty_database: Database, kind: str
) -> None:
    before = everything(empty_database)
    for format_name in IMPORTERS:
        if format_name == format_of(kind):
            continue
        result = run(empty_url, made(kind, 3), format_name)
        assert (result.exit_code, is_orderly(result)) == (1, True)
        assert f"(format {format_of(kind)})" in result.stderr, (kind, format_name, result.stderr)
        assert result.stdout == ""
    assert everything(empty_database) == before


@on_sqlite
def test_a_page_of_the_api_is_told_from_a_timeline(empty_url: str, client: FlaskClient) -> None:
    page = client.get("/v1/events?limit=3").data
    for format_name in ("dateline", "timelinejs"):
        assert "format=ndjson" in run(empty_url, page, format_name).stderr


def header_alone(kind: str) -> bytes:
    first, *rest = made(kind, 1).splitlines(keepends=True)
    return first + (rest[-1] if rest[-1].startswith((b"]", b"\n]")) else b"")


TABLES = ("csv", "ucdp-ged", "acled", "timelinejs as a sheet")
LISTS = ("ucdp-ged as GeoJSON", "acled's API", "acled's rows", "timelinejs")
LINES = ("dateline", "gdelt")


@on_sqlite
@every_kind
@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n \r\n" * 30_000], ids=["empty", "mark", "blank"])
def test_an_empty_file_is_refused(empty_url: str, kind: str, data: bytes) -> None:
    result = run(empty_url, data, format_of(kind))
    assert (result.exit_code, is_orderly(result)) == (1, True)
    assert "empty" in result.stderr or "no record" in result.stderr


@on_sqlite
@pytest.mark.parametrize("kind", [*TABLES, *LISTS])
def test_a_file_without_a_record_is_refused(empty_url: str, kind: str) -> None:
    result = run(empty_url, header_alone(kind), format_of(kind))
    assert (result.exit_code, is_orderly(result)) == (1, True)
    assert any(words in result.stderr for words in ("no record", "no event", "no row")), result.stderr


@on_sqlite
@every_kind
def test_marks_and_line_endings_of_other_systems_make_no_difference(
    empty_url: str, empty_database: Database, kind: str
) -> None:
    data = made(kind, 3)
    run(empty_url, data, format_of(kind))
    before = fetch(empty_database, "SELECT id, version FROM event ORDER BY id")
    assert len(before) == 3
    result = run(empty_url, b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"), format_of(kind))
    assert (result.exit_code, "3 unchanged" in result.stdout) == (0, True), result.output
    assert fetch(empty_database, "SELECT id, version FROM event ORDER BY id") == before


def broken_after(kind: str, ending: bytes) -> tuple[bytes, int]:
    """A file of ten records and then something, and the line where that stands."""
    data = made(kind, 10)
    if kind in LISTS:
        data = data[: data.rindex(b"\n]")] + b",\n"
    return data + ending, data.count(b"\n") + 1


ENDINGS = {
    "encoding": (b"\xe9\xe8 is not UTF-8,\xff\n", KINDS),
    "quote": (b'"a quote that is never closed, and more\n' * 3, KINDS),
    "long": (b"x" * 10_000_001 + b"\n", KINDS),
    "NUL": (b"\0\0\0\n", KINDS),
    "cut": (b'{"text": "\\ud800"', LISTS),
    "deep": (b"[" * 100_000, LISTS),
}


@on_sqlite
@pytest.mark.parametrize(
    ("kind", "ending"),
    [pytest.param(kind, ending, id=f"{kind}, {name}") for name, (ending, kinds) in ENDINGS.items() for kind in kinds],
)
def test_what_breaks_a_file_is_told_with_its_line_and_never_half_taken(
    empty_url: str, empty_database: Database, kind: str, ending: bytes
) -> None:
    data, line = broken_after(kind, ending)
    result = run(empty_url, data, format_of(kind))
    assert (result.exit_code, is_orderly(result)) == (1, True), result.exception
    assert stored(empty_database) in (0, 10)
    messages = " ".join(lines_told(result.stderr))
    # Within a list, the encoding is told of where what was read last begins.
    lines = (line, line - 1, 1) if kind in LISTS else (line,)
    assert any(f"ine {number}" in messages for number in lines), messages
    assert len(messages) < 2000


@on_sqlite
def test_what_waits_for_later_lines_is_bounded_by_its_size(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAITING_SIZE", 1000)
    monkeypatch.setattr(importing, "BATCH", 1)
    early = [body(id=f"e{n}", summary="x" * 300, related=follows("late")) for n in range(4)]
    data = b"".join(json.dumps(event).encode() + b"\n" for event in [*early, body(id="late")])
    report = import_file(empty_database, io.BytesIO(data), Import(IMPORTERS["dateline"], "import"))
    assert [(item.line, item.faults[0].code) for item in report.rejected] == [
        (3, "too-many-waiting"),
        (4, "too-many-waiting"),
    ]
    assert report.created == 3


# Memory


@every_kind
def test_no_format_is_read_as_a_whole(kind: str) -> None:
    one = len(made(kind, 2)) - len(made(kind, 1))

    def peak(size: int) -> int:
        count = size // one
        stream = io.BytesIO(made(kind, count))
        tracemalloc.start()
        assert sum(1 for _ in IMPORTERS[format_of(kind)].read(opened(stream)).records) == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    # The first run reads tables that stay in memory. Later ones hold a piece of the file, and what is remembered of
    # names.
    peak(20_000)
    assert peak(1_000_000) < 500_000


def test_memory_does_not_grow_with_a_packed_release_and_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 50)
    peaks = []
    # The first run fills the caches of the process.
    for turn, count in enumerate((150, 150, 750)):
        file = tmp_path / f"{turn}.gz"
        file.write_bytes(gzip.compress(made("ucdp-ged", count)))
        with closing_database(open_database(f"sqlite:///{tmp_path}/{turn}.db")) as database:
            upgrade(database)
            put(database, *(body(id=f"old-{n}", dataset="ucdp-ged") for n in range(count)))
            tracemalloc.start()
            with file.open("rb") as stream:
                how = Import(IMPORTERS["ucdp-ged"], "import", find_missing=True, delete_missing=True)
                report = import_file(database, opened_file(stream), how)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert (report.created, report.deleted) == (count, count)
    assert peaks[2] < 1.5 * peaks[1]
