"""What facets and timelines count of imported files is what DuckDB, which knows nothing of Dateline, counts in them.

The mapping of each dataset's columns is written out a second time here, in SQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from flask.testing import FlaskClient
from peewee import Database

from service.importers import IMPORTERS
from service.importing import Import, import_file

SAMPLES = Path(__file__).parents[1] / ".." / "shared" / "data" / "samples"
PROVINCES = SAMPLES.parent / "map" / "af_province_aliases.csv"
ACLED = {"acled": ("acled_SYNTHETIC.csv",)}
AFGHAN = {"ucdp-ged": ("ged_afghanistan.csv",)}
WORLD = {"ucdp-ged": ("ged_global_mixed.csv",)}
BOTH = {**ACLED, **AFGHAN}

# Each dataset as rows of what an event is counted by; ``names`` are those of its actors.
EVENTS = {
    "acled": """
        SELECT 'acled' AS dataset, event_id_cnty AS id, admin1 AS province, country,
            CASE WHEN time_precision = '3' THEN left(event_date, 7) || '-01' ELSE event_date END AS day,
            CASE event_type
                WHEN 'Battles' THEN 'battle'
                WHEN 'Explosions/Remote violence' THEN 'explosion'
                WHEN 'Violence against civilians' THEN 'violence-against-civilians'
                WHEN 'Protests' THEN 'protest'
                WHEN 'Riots' THEN 'riot'
                ELSE 'strategic-development' END AS top,
            top || '/' || regexp_replace(lower(sub_event_type), '[^a-z0-9]+', '-', 'g') AS type,
            CAST(fatalities AS INTEGER) AS low, low AS high,
            list_filter(
                [actor1, actor2] || string_split(coalesce(assoc_actor_1, ''), '; ')
                || string_split(coalesce(assoc_actor_2, ''), '; '),
                lambda name: name IS NOT NULL AND name <> '') AS names
        FROM file
        """,
    "ucdp-ged": """
        SELECT 'ucdp-ged' AS dataset, id, regexp_replace(adm_1, ' province$', '') AS province, country,
            left(date_start, 10) AS day,
            CASE type_of_violence WHEN '3' THEN 'violence-against-civilians' ELSE 'battle' END AS top,
            CASE type_of_violence WHEN '3' THEN top || '/attack' ELSE top || '/armed-clash' END AS type,
            least(low::INTEGER, best::INTEGER, high::INTEGER) AS low,
            greatest(low::INTEGER, best::INTEGER, high::INTEGER) AS high,
            list_transform(
                list_filter([side_a, side_b], lambda name: NOT regexp_full_match(name, 'XXX[0-9]+')),
                lambda name: CASE WHEN name = 'Government of Afghanistan' AND date_start >= '2021-09-01'
                    AND 'Taleban' NOT IN (side_a, side_b) THEN 'Taleban' ELSE name END) AS names
        FROM file
        """,
}


Files = Mapping[str, tuple[str, ...]]


@pytest.fixture
def counted() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def take(store: Database, oracle: duckdb.DuckDBPyConnection, files: Files) -> None:
    """Import the files, and let DuckDB read them into a table of its own."""
    parts = []
    for dataset, names in files.items():
        for name in names:
            path = SAMPLES / name
            if not path.exists():
                pytest.skip(f"The sample {name} is not here.")
            with path.open("rb") as stream:
                report = import_file(store, stream, Import(IMPORTERS[dataset], "import"))
            assert report.refused == 0
            rows = f"(SELECT * FROM read_csv('{path}', header = true, all_varchar = true))"
            parts.append(EVENTS[dataset].replace("FROM file", f"FROM {rows}"))
    oracle.execute("CREATE TABLE event AS " + " UNION ALL ".join(parts))


def by(oracle: duckdb.DuckDBPyConnection, sql: str) -> dict[str, int]:
    return dict(oracle.execute(sql).fetchall())


def facet(client: FlaskClient, name: str, shown: str, **query: str) -> dict[str, int]:
    """The counts of a facet by its values' ids or names; several values may have one name."""
    answer = client.get("/v1/facets", query_string={"by": name, "size": 500, **query})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: Counter[str] = Counter()
    for each in answer.get_json()["facets"][name]:
        found[each[shown]] += each["count"]
    return dict(found)


def periods(client: FlaskClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/timeline", query_string={"events": 0, **query})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: list[dict[str, Any]] = answer.get_json()["periods"]
    return found


ALL_FILES = pytest.mark.parametrize("files", [ACLED, AFGHAN, WORLD, BOTH], ids=["acled", "afghan", "world", "both"])


@ALL_FILES
def test_actors_types_datasets_and_countries_are_counted_alike(
    store: Database, asking: FlaskClient, counted: duckdb.DuckDBPyConnection, files: Files
) -> None:
    take(store, counted, files)
    actors = "SELECT name, count(DISTINCT id) FROM (SELECT id, unnest(names) AS name FROM event) GROUP BY name"
    assert facet(asking, "actor", "name") == by(counted, actors)
    types = "SELECT type, count(*) FROM (SELECT type FROM event UNION ALL SELECT top FROM event) GROUP BY type"
    assert facet(asking, "type", "value") == by(counted, types)
    datasets = by(counted, "SELECT dataset, count(*) FROM event GROUP BY dataset")
    assert facet(asking, "dataset", "value") == datasets and set(datasets) == set(files)
    countries = by(counted, "SELECT country, count(*) FROM event GROUP BY country")
    found = facet(asking, "country", "value")
    # Names of countries are historical in UCDP, and codes here: what must agree is how many events each of them has.
    assert sorted(found.values()) == sorted(countries.values())
    assert found.get("AF", 0) == countries.get("Afghanistan", 0)


@pytest.mark.parametrize("files", [ACLED, AFGHAN, BOTH], ids=["acled", "afghan", "both"])
def test_provinces_are_counted_alike(
    store: Database, asking: FlaskClient, counted: duckdb.DuckDBPyConnection, files: Files
) -> None:
    if not PROVINCES.exists():
        pytest.skip(f"The table {PROVINCES.name} is not here.")
    take(store, counted, files)
    expected = by(
        counted,
        f"""
        WITH spelling AS (
            SELECT DISTINCT iso_3166_2 AS code, lower(strip_accents(unnest([pycountry_name, cldr_en, alias]))) AS name
            FROM read_csv('{PROVINCES}', header = true, all_varchar = true))
        SELECT code, count(*) FROM event JOIN spelling ON lower(strip_accents(event.province)) = spelling.name
        GROUP BY code
        """,
    )
    [(named,)] = counted.execute("SELECT count(*) FROM event WHERE province <> ''").fetchall()
    assert sum(expected.values()) == named
    assert facet(asking, "province", "value", country="AF") == expected


@ALL_FILES
def test_periods_have_the_same_events_and_deaths(
    store: Database, asking: FlaskClient, counted: duckdb.DuckDBPyConnection, files: Files
) -> None:
    take(store, counted, files)
    for bucket, length in (("day", 10), ("month", 7), ("year", 4)):
        rows = counted.execute(
            "SELECT left(day, ?), count(*), coalesce(sum(low), 0), coalesce(sum(high), 0) "
            "FROM event GROUP BY 1 ORDER BY 1",
            [length],
        ).fetchall()
        found = [
            (each["start"][:length], each["count"], each["killed"]["low"], each["killed"]["high"])
            # Days are asked for by the decade, since a timeline has at most 10,000 periods.
            for decade in range(198, 203)
            for each in periods(asking, bucket=bucket, period=f"{decade}X")
        ]
        assert found == rows


def test_a_timeline_divided_by_actor_counts_each_of_them(
    store: Database, asking: FlaskClient, counted: duckdb.DuckDBPyConnection
) -> None:
    take(store, counted, AFGHAN)
    names = facet_names(asking)
    expected = {
        (year, name): count
        for year, name, count in counted.execute(
            "SELECT left(day, 4), name, count(*) FROM (SELECT day, unnest(names) AS name FROM event) GROUP BY ALL"
        ).fetchall()
    }
    found = {
        (period["start"][:4], names[actor]): count
        for period in periods(asking, bucket="year", by="actor")
        for actor, count in period["by"].items()
    }
    assert found == expected


def facet_names(client: FlaskClient) -> dict[str, str]:
    answer = client.get("/v1/facets?by=actor&size=500").get_json()
    return {each["value"]: each["name"] for each in answer["facets"]["actor"]}
