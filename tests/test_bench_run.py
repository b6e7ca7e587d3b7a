"""The first benchmark runs all its sections at a small size, and judges and tells what it measured."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import contenders, goals, load_client, picture, postgres, report, stores
from bench.plan import Found, Spread
from bench.queries import choose

ROOT = Path(__file__).parent.parent
# PostgreSQL takes a server and a load of its own, which are too long for a test.
SECTIONS = ("pages", "scale", "depth", "shapes", "start", "gzip", "import", "writer")


def test_a_small_run_measures_every_section_and_tells_of_every_goal() -> None:
    size = ("--events", "2000", "--queries", "40", "--rounds", "1", "--seconds", "0.1", "--connections", "4")
    only = [part for section in SECTIONS for part in ("--only", section)]
    command = [sys.executable, "-m", "bench.run", *size, *only, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    asked = {goal.what for goal in goals.GOALS if goal.section in SECTIONS}
    assert {goal["what"] for goal in result["goals"]} == asked
    unmeasured = {goal["name"] for goal in result["goals"] if goal["figure"] is None}
    # There is no smaller store beside one that small, and what else is compared need not be installed.
    assert unmeasured <= {"scale", "scale/first", "import", "main/fastapi", "main/django", "main/datasette"}
    text, table = ("\n".join(told(result)) for told in (report.lines, report.markdown))
    assert [what for what in asked if f" {what}: " not in text or f"| {what} | " not in table] == []
    drawn = ElementTree.fromstring(picture.draw(result)).iter("{http://www.w3.org/2000/svg}text")
    assert {"Dateline", "Ready-made bytes"} <= {element.text for element in drawn}


def found(**figures: float) -> Found:
    return Found({name.replace("_", "/"): Spread(each, each, each) for name, each in figures.items()}, [], None)


def verdicts(section: str, **figures: float) -> dict[str, str]:
    judged = goals.judge({section: found(**figures)}, {})
    return {goal["name"]: goals.verdict(goal) for goal in judged}


def test_a_goal_is_met_at_its_bound_and_not_met_beyond() -> None:
    assert verdicts("depth", depth=1.2) == {"depth": "met"}
    assert verdicts("depth", depth=1.21) == {"depth": "not met"}
    pages = verdicts("pages", main_usual=60, main_datasette=24.9, main_django=5)
    assert (pages["main/usual"], pages["main/datasette"]) == ("met", "not met")
    # What has no goal is told and not judged, and what could not be measured is not taken for met.
    assert (pages["main/django"], pages["main/fixed"]) == ("", "not measured")


def test_gzip_that_costs_more_than_the_page_is_met_where_it_is_kept() -> None:
    assert verdicts("gzip", gzip=3, gzip_again=0.5)["gzip"] == "not met"
    assert verdicts("gzip", gzip=3, gzip_again=1.1)["gzip"] == "met"
    assert verdicts("gzip", gzip=0.5, gzip_again=0.5)["gzip"] == "met"


def test_a_section_that_is_left_out_has_its_goals_told_with_the_reason() -> None:
    [goal] = goals.judge({}, {"depth": "too few events"})
    assert (goals.verdict(goal), goal["note"]) == ("not measured", "too few events")


def test_a_contender_whose_package_is_missing_is_left_out_with_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contenders, "find_spec", lambda name: None)
    held = stores.Stores(tmp_path, 1, 1, 1, False, (), (), {}, None)
    there, left_out = contenders.contenders(held, tmp_path)
    assert [each.name for each in there] == ["usual", "dateline"]
    assert [line.partition(" is left out")[0] for line in left_out.values()] == [
        "FastAPI + SQLAlchemy",
        "Django REST framework",
        "Datasette",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seconds", "nan"), "--seconds: must be more than 0"),
        (("--seconds", "-1"), "--seconds: must be more than 0"),
        (("--rounds", "0"), "--rounds: must be 1 or more"),
        (("--store", __file__), "is no folder"),
        (("--result", "/no/such/file"), "cannot be read: "),
        (("--result", __file__), "cannot be read: "),
        (("--result", "EMPTY"), "holds no result of --json"),
    ],
)
def test_a_wrong_option_is_told_in_a_line(tmp_path: Path, arguments: tuple[str, str], told: str) -> None:
    (tmp_path / "empty.json").write_text("{}")
    given = [str(tmp_path / "empty.json") if argument == "EMPTY" else argument for argument in arguments]
    done = subprocess.run([sys.executable, "-m", "bench.run", *given], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert told in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_a_kept_store_of_another_size_is_refused(tmp_path: Path) -> None:
    held = {"events": 10, "small": 10, "seed": 1, "load": {}, "paths": [], "small_paths": []}
    (tmp_path / stores.LOADED).write_text(json.dumps(held))
    with pytest.raises(stores.OtherStore, match="10 events"):
        stores.open_stores(tmp_path, 20, 1, 1, True, print)


def test_more_queries_begin_with_the_same_ones() -> None:
    days = {("army", "AF-KAB"): [f"20{year:02}-01-{day:02}" for year in range(10) for day in range(1, 29)]}
    assert choose(days, 5, 1) == choose(days, 5, 1, 50)[:5]


INDEX_SCAN = [
    "  ->  Index Only Scan using timeline_pkey on timeline t  (cost=0.42..4.99 rows=21 width=31)",
    "        Index Cond: ((actor_id = 1) AND (place_id = 2) AND (pos >= 3) AND (pos <= 4))",
]


@pytest.mark.parametrize(
    ("plan", "is_range"),
    [
        (INDEX_SCAN, True),
        ([*INDEX_SCAN, "  ->  Seq Scan on timeline t  (cost=0.00..1.01 rows=1 width=8)"], False),
        ([INDEX_SCAN[0], "        Index Cond: ((actor_id = 1) AND (place_id = 2))"], False),
        (["Seq Scan on store  (cost=0.00..1.01 rows=1 width=8)"], False),
    ],
)
def test_a_plan_is_a_range_where_nothing_else_reads_the_timeline(plan: list[str], is_range: bool) -> None:
    assert postgres.is_range_scan(plan) is is_range


@contextmanager
def answering(pieces: list[bytes]) -> Iterator[int]:
    """A server on loopback that answers every request with those pieces; gives its port."""

    def talk(connection: socket.socket) -> None:
        # A client may close before it has read all.
        with connection, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while connection.recv(4096):
                for piece in pieces:
                    connection.sendall(piece)

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef"],
        [b"HTTP/1.1 200 OK\r\nConte", b"nt-Length: 6\r\n\r\nab", b"cdef"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"6\r\nabcdef\r\n0\r", b"\n\r\n"],
    ],
)
def test_the_client_counts_whole_answers_however_they_come(pieces: list[bytes]) -> None:
    with answering(pieces) as port:
        taken = load_client.drive(port, ["/"], connections=2, seconds=0.05)
    assert taken["bytes"] == taken["requests"] * len(b"".join(pieces))


def test_the_client_takes_no_other_status_for_an_answer() -> None:
    not_modified = [b"HTTP/1.1 304 Not Modified\r\n\r\n"]
    with answering(not_modified) as port:
        assert load_client.drive(port, ["/"], 2, 0.05, {"If-None-Match": '"1"'}, status=304)["requests"] > 1
        with pytest.raises(load_client.Broken, match="304"):
            load_client.drive(port, ["/"], 2, 0.05)
