"""CSV out and in again, through the programs that people open it with: nothing may have changed in the events."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peewee import Database

from schemas.event import DERIVED_MEMBERS, EventBody
from schemas.fields import load
from schemas.vocabulary import EVENT_TYPES, MEASURES, PLACE_PRECISIONS, RELATIONS, ROLES, STANCES
from service.database import fetch
from service.flat_cells import joined, parted
from service.formats.csv import FORMAT
from service.formats.form import About
from service.import_report import ImportReport
from service.importers import IMPORTERS
from service.importers.source import opened
from service.importing import Import, import_file
from service.projections import ActorView, project
from service.versions import Version
from tests.writing import body, put

ABOUT = About("Dateline", "http://x", "http://x/v1/events", "2026-01-01T00:00:00.000Z", "store")
# Real files, and the format that each is in.
SAMPLE_FILES = {
    "ged_afghanistan.csv": "ucdp-ged",
    "ged_global_mixed.csv": "ucdp-ged",
    "ged_hdx_hxl_ukr.csv": "ucdp-ged",
    "ged_car.geojson": "ucdp-ged",
    "acled_SYNTHETIC.csv": "acled",
    "acled_api_SYNTHETIC.json": "acled",
    "gdelt2_20191024143000.tsv": "gdelt",
    "gdelt1_mixed57_58.tsv": "gdelt",
    "timelinejs_cosmo-mixed.json": "timelinejs",
    "timelinejs_groups_test_3.json": "timelinejs",
    "timelinejs_twain_marktwain.json": "timelinejs",
    "timelinejs_women_in_computing.csv": "timelinejs",
}
# What spreadsheets, statistics programs and CSV readers take for something else.
HOSTILE = (
    *("=1+1", "+1", "-1", "@a", "\tx", "\rx", "'x", "'", "''", "", " ", "  x  ", "a\nb", "a\r\nb", "a\rb", "\n"),
    *(
        "NA",
        "N/A",
        "null",
        "NULL",
        "nan",
        "NaN",
        "None",
        "<NA>",
        "true",
        "False",
        "007",
        "1e5",
        "1.0",
        "-",
        "2021-08-26",
    ),
    *('"', '""', 'a "b" c', ",", "a,b", ";", "a; b", '"a"; "b"', "a:b", "[1]", '{"a": "b"}', "\\", "\\n", "\\N", "#x"),
    *("\x01", "\x1f", "\x7f", "\u0085", "\u2028", "\ufeff", "\u202eabc", "پنجشیر", "👩‍🚀", "e\u0301", "x" * 500),
)


def documents(database: Database) -> list[str]:
    return [text for (text,) in fetch(database, "SELECT document FROM event_document ORDER BY num")]


def written(texts: Sequence[str]) -> bytes:
    return b"".join(FORMAT.write([texts] if texts else [], ABOUT))


def take(database: Database, data: bytes, name: str = "csv") -> ImportReport:
    return import_file(database, io.BytesIO(data), Import(IMPORTERS[name], "import"))


def changed(report: ImportReport) -> list[Any]:
    """What an import did that it should not have done."""
    assert report.broken is None
    rejected = [(item.id, fault.pointer, fault.message) for item in report.rejected for fault in item.faults]
    return [*rejected, *(["created"] * report.created), *(["updated"] * report.updated)]


# The programs


def by_pandas(data: bytes, folder: Path) -> bytes:
    """As docs/formats/csv.md says: every cell is a text, and none is missing."""
    frame = pandas.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
    return frame.to_csv(index=False, lineterminator="\r\n").encode()


def by_pandas_python(data: bytes, folder: Path) -> bytes:
    frame = pandas.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False, engine="python")
    return frame.to_csv(index=False, quoting=csv.QUOTE_ALL).encode()


def by_duckdb(data: bytes, folder: Path) -> bytes:
    (folder / "in.csv").write_bytes(data)
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (FROM read_csv($source, header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', "
            f"max_line_size = 16000000)) TO '{folder}/out.csv' (HEADER)",
            {"source": str(folder / "in.csv")},
        )
    return (folder / "out.csv").read_bytes()


def by_csv_module(data: bytes, folder: Path) -> bytes:
    """As an office program saves it: every cell in quotes, line feeds alone, the columns in another order."""
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(row[::-1] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def unchanged(data: bytes, folder: Path) -> bytes:
    return data


PROGRAMS: tuple[Callable[[bytes, Path], bytes], ...] = (
    unchanged,
    by_pandas,
    by_pandas_python,
    by_duckdb,
    by_csv_module,
)
# What a file holds does not depend on the engine.
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
through = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)


@on_sqlite
@through
def test_the_seed_comes_back_as_it_was(
    program: Callable[[bytes, Path], bytes], database: Database, tmp_path: Path
) -> None:
    data = program(written(documents(database)), tmp_path)
    assert changed(take(database, data)) == []


@on_sqlite
@pytest.mark.parametrize("name", SAMPLE_FILES)
def test_events_of_real_files_come_back_as_they_were(
    name: str, empty_database: Database, samples: Path, tmp_path: Path
) -> None:
    take(empty_database, (samples / name).read_bytes(), SAMPLE_FILES[name])
    texts = documents(empty_database)
    assert texts
    data = written(texts)
    for program in PROGRAMS:
        assert changed(take(empty_database, program(data, tmp_path))) == [], program.__name__


def hostile_events() -> list[dict[str, Any]]:
    """An event for each hostile text, which stands wherever a text may."""
    events = []
    for place, text in enumerate(HOSTILE):
        words = text if text.strip() else f"{text}x"
        tag = words.replace(",", "-")[:64]
        events.append(
            body(
                id=f"e{place}",
                title=words,
                summary=text,
                location={"district": text, "place": text, "as_given": text, "latitude": -33.9, "longitude": -0.0},
                actors=[{"name": f"{words[:490]} {place}", "role": "side-a"}, {"name": f"B;{place}", "role": "side-b"}],
                claims=[
                    {"claimant": {"name": words}, "statement": text, "source": words},
                    {"measure": "killed", "low": 0, "high": place, "claimant": {"name": f"- {words[:490]}"}},
                ],
                sources=[{"ref": words, "publisher": words, "title": text, "via": text, "url": "http://x/?a=1,2;3"}],
                tags=list(dict.fromkeys([tag, f"{tag[:60]}-2"])),
                related=[{"id": "e0", "relation": "follows"}] if place else [],
            )
        )
    return events


@on_sqlite
@through
def test_hostile_texts_come_back_as_they_were(
    program: Callable[[bytes, Path], bytes], empty_database: Database, tmp_path: Path
) -> None:
    report = put(empty_database, *hostile_events(), create_actors=True)
    assert [fault for item in report.rejected for fault in item.faults] == []
    data = program(written(documents(empty_database)), tmp_path)
    assert changed(take(empty_database, data)) == []


@on_sqlite
def test_pandas_without_options_leaves_all_but_words_that_it_takes_for_nothing(
    database: Database, tmp_path: Path
) -> None:
    """It makes ``8.0`` and ``True`` of figures and truths, which are taken for what they are."""
    put(database, *(body(id=f"x{n}", title=text) for n, text in enumerate(("=1", "'", "-5", "'NA", "a\nb"))))
    frame = pandas.read_csv(io.BytesIO(written(documents(database))))
    data = frame.to_csv(index=False).encode()
    assert b".0," in data and b"True" in data
    assert changed(take(database, data)) == []


@on_sqlite
def test_duckdb_as_it_is_without_options_leaves_the_seed(database: Database, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(written(documents(database)))
    duckdb.sql(f"COPY (FROM '{tmp_path}/in.csv') TO '{tmp_path}/out.csv'")
    assert changed(take(database, (tmp_path / "out.csv").read_bytes())) == []


# An empty store


@on_sqlite
def test_an_empty_store_gets_the_same_documents(database: Database, empty_database: Database) -> None:
    put(database, body(id="nowhere", location={}), body(id="silent", summary=""))
    data = written(documents(database))
    report = take(empty_database, data)
    assert (report.created, changed(take(empty_database, data))) == (len(documents(database)), [])
    assert _timeless(empty_database) == _timeless(database)


def _timeless(database: Database) -> set[str]:
    """The stored documents without what tells when they were stored."""
    passing = ("version", "created", "updated")
    return {
        json.dumps({name: value for name, value in json.loads(text).items() if name not in passing}, ensure_ascii=False)
        for text in documents(database)
    }


# Whatever the store may hold

characters = st.characters(codec="utf-8", exclude_characters="\0")
texts = st.sampled_from([text for text in HOSTILE if len(text) < 100]) | st.text(characters, max_size=30)
words = texts.filter(str.strip)
ids = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
figures = st.none() | st.integers(0, 10**9)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def _claims(draw: st.DrawFn) -> dict[str, Any]:
    low, best, high = sorted(draw(st.tuples(*[st.integers(0, 10**9)] * 3)))
    kept = draw(st.tuples(*[st.booleans()] * 3))
    low, best, high = (value if keep else None for value, keep in zip((low, best, high), kept, strict=True))
    return {
        "claimant": draw(some(st.fixed_dictionaries({"id": ids}) | st.fixed_dictionaries({"name": words}))),
        "stance": draw(st.sampled_from(STANCES)),
        "statement": draw(some(texts)),
        "measure": draw(some(st.sampled_from(MEASURES))),
        "of": draw(some(ids)),
        "low": low,
        "best": best,
        "high": high,
        "source": None,
        "date": draw(some(st.sampled_from(("2021", "2021-08-26/..")))),
        "preferred": False,
    }


locations = st.fixed_dictionaries(
    {
        "country": some(st.sampled_from(("AF", "NA", "YE"))),
        "province": st.none(),
        "district": some(texts),
        "place": some(texts),
        "latitude": st.none(),
        "longitude": st.none(),
        "precision": some(st.sampled_from(PLACE_PRECISIONS)),
        "as_given": some(texts),
    }
)
placed = st.tuples(
    locations,
    st.sampled_from(("AF-PAN", "YE-AD", "NA-KH")),
    st.floats(-90, 90, allow_subnormal=True),
    st.floats(-180, 180),
).map(lambda part: {**part[0], "country": part[1][:2], "province": part[1], "latitude": part[2], "longitude": part[3]})
sources = st.fixed_dictionaries(
    {
        "ref": st.none(),
        "publisher": some(words),
        "title": some(texts),
        "url": some(st.just("https://example.org/?a=b,c")),
        "published": some(st.just("2021-08-31~")),
        "via": some(texts),
    }
)
contents = st.fixed_dictionaries(
    {
        "id": ids,
        "title": words,
        "summary": some(texts),
        "date": st.sampled_from(
            ("2021-08-30/2021-08-31", "202X", "../2021?", "2021-08-31T00:30+04:30", "2021-08%/..", "1999", "2021-XX")
        ),
        "type": st.sampled_from(tuple(EVENT_TYPES)),
        "status": st.just("disputed"),
        "location": st.none() | locations | placed,
        "actors": st.lists(
            st.fixed_dictionaries({"id": ids, "role": st.sampled_from(ROLES)}), max_size=4, unique_by=repr
        ),
        "claims": st.lists(_claims(), max_size=4),
        "sources": st.lists(sources, max_size=3),
        "related": st.lists(st.fixed_dictionaries({"id": ids, "relation": st.sampled_from(RELATIONS)}), max_size=3),
        "tags": st.lists(
            words.map(lambda text: text.replace(",", ".")[:64]).filter(str.strip), max_size=4, unique=True
        ),
        "dataset": ids,
    }
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(contents, words), max_size=4))
def test_whatever_the_store_holds_is_read_as_the_same_body(drawn: list[tuple[dict[str, Any], str]]) -> None:
    texts = [_document(content, name) for content, name in drawn]
    records = list(IMPORTERS["csv"].read(opened(io.BytesIO(written(texts)))).records)
    assert [record.faults for record in records] == [()] * len(texts)
    for record, text in zip(records, texts, strict=True):
        event = {name: value for name, value in json.loads(text).items() if name not in DERIVED_MEMBERS}
        assert load(EventBody(), record.event) == load(EventBody(), event)


def _document(content: dict[str, Any], name: str) -> str:
    """What the store would hold, with actors that all have the same name."""
    named = {actor["id"] for actor in content["actors"]}
    named |= {claim["of"] for claim in content["claims"]}
    named |= {claim["claimant"].get("id") for claim in content["claims"] if claim["claimant"]}
    actors = {actor: ActorView(name, (), ()) for actor in named if actor}
    return project(Version(1, 1, 1, 0, 0, content), actors).document


@settings(deadline=None)
@given(st.lists(texts, min_size=1, max_size=5))
def test_texts_in_one_cell_are_told_apart_again(items: list[str]) -> None:
    assert parted(joined(items)) == items
