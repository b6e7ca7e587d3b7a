"""Settings: each variable is read, and a bad value or a misspelt name is refused with what would be right."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from service.settings import BadSetting, BodyLimits, Settings, from_environment, settings_table, without_effect


def refusal(environment: dict[str, str]) -> str:
    with pytest.raises(BadSetting) as refused:
        from_environment(environment)
    return str(refused.value)


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    settings = from_environment({})
    assert (settings.database_url, settings.cors_origins, settings.min_year) == ("sqlite:///dateline.db", ("*",), 1000)
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.workers >= 1
    assert (settings.public_read, settings.rate_limit, settings.max_streams) == (True, "none", 256)
    assert settings.max_body == BodyLimits(single=2**20, bulk=64 * 2**20)


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("DATELINE_DATABASE_URL", "postgresql://u@h/d", "database_url", "postgresql://u@h/d"),
        ("DATELINE_DATABASE_URL", "  sqlite:///x.db\n", "database_url", "sqlite:///x.db"),
        ("DATELINE_CORS_ORIGINS", "https://a.org, https://b.org,", "cors_origins", ("https://a.org", "https://b.org")),
        ("DATELINE_CORS_ORIGINS", "", "cors_origins", ()),
        ("DATELINE_PUBLIC_READ", "0", "public_read", False),
        ("DATELINE_PUBLIC_READ", "1", "public_read", True),
        ("DATELINE_RATE_LIMIT", "none", "rate_limit", "none"),
        ("DATELINE_RATE_LIMIT", "600/minute", "rate_limit", "600/minute"),
        ("DATELINE_RATE_LIMIT", "1/second", "rate_limit", "1/second"),
        ("DATELINE_MAX_BODY", "2 MiB, bulk 128 MiB", "max_body", BodyLimits(2 * 2**20, 128 * 2**20)),
        ("DATELINE_MAX_BODY", "1 MiB", "max_body", BodyLimits(2**20, 64 * 2**20)),
        ("DATELINE_MAX_BODY", "1048576", "max_body", BodyLimits(2**20, 64 * 2**20)),
        ("DATELINE_MAX_BODY", "bulk 1 GiB", "max_body", BodyLimits(2**20, 2**30)),
        ("DATELINE_MAX_BODY", " BULK 5kb ,500 B", "max_body", BodyLimits(500, 5000)),
        ("DATELINE_MAX_STREAMS", "0", "max_streams", 0),
        ("DATELINE_MAX_STREAMS", "100000", "max_streams", 100_000),
        ("DATELINE_MIN_YEAR", "1", "min_year", 1),
        ("HOST", "0.0.0.0", "host", "0.0.0.0"),
        ("PORT", "1", "port", 1),
        ("PORT", "65535", "port", 65535),
        ("WEB_CONCURRENCY", "3", "workers", 3),
    ],
)
def test_a_variable_is_read(variable: str, text: str, name: str, value: Any) -> None:
    assert getattr(from_environment({variable: text}), name) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DATELINE_DATABASE_URL", " "),
        *[("DATELINE_MIN_YEAR", text) for text in ("0", "10000", "-1", "MCM", "", "1000.0", "٢٠٠٠", "9" * 5000)],
        ("HOST", ""),
        *[("PORT", text) for text in ("0", "65536", "-1", "http", "80 80", "")],
        *[("WEB_CONCURRENCY", text) for text in ("0", "513", "many")],
        *[("DATELINE_PUBLIC_READ", text) for text in ("", "yes", "false", "2", "01")],
        *[
            ("DATELINE_RATE_LIMIT", text)
            for text in ("", "0", "600", "0/minute", "1.5/minute", "5/fortnight", "-1/day")
        ],
        *[
            ("DATELINE_MAX_BODY", text)
            for text in (
                "",
                "0",
                "-1",
                "1.5 MiB",
                "1 TiB",
                "lots",
                "1 MiB, 2 MiB",
                "bulk",
                "bulk 1, bulk 2",
                "1 MiB,",
                "٢ MiB",
            )
        ],
        *[("DATELINE_MAX_STREAMS", text) for text in ("", "-1", "100001", "none")],
    ],
)
def test_a_bad_value_is_refused_by_name(variable: str, text: str) -> None:
    message = refusal({variable: text})
    assert message.startswith(variable)
    assert "must" in message


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [("DATELINE_DATABSE_URL", "DATELINE_DATABASE_URL"), ("DATELINE_MINYEAR", "DATELINE_MIN_YEAR")],
)
def test_a_misspelt_setting_is_refused_with_the_nearest(variable: str, nearest: str) -> None:
    message = refusal({variable: "1"})
    assert variable in message
    assert nearest in message


def test_variables_of_others_and_of_the_test_suite_are_left_alone() -> None:
    environment = {
        "PATH": "/bin",
        "DATELINES": "x",
        "DATELINE_TEST_DATABASE_URL": "x",
        "DATELINE_REQUIRE_POSTGRES": "1",
    }
    assert from_environment(environment) == from_environment({})


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9")
    assert from_environment().port == 9


def test_the_table_has_every_setting_with_its_meaning() -> None:
    table = settings_table()
    assert [name for name, _, _ in table] == [item.metadata["variable"] for item in fields(Settings)]
    assert all(default and meaning for _, default, meaning in table)


def test_a_variable_of_a_later_version_is_borne_and_named() -> None:
    environment = {"DATELINE_READ_DATABASE_URLS": "sqlite:///x.db", "DATELINE_MIN_YEAR": "1900"}
    assert from_environment(environment) == Settings(min_year=1900)
    assert without_effect(environment) == ["DATELINE_READ_DATABASE_URLS"]
    assert without_effect({"DATELINE_PUBLIC_READ": "0", "DATELINE_RATE_LIMIT": "1/day"}) == []


@pytest.mark.parametrize("limits", [BodyLimits(), BodyLimits(1, 2**30), BodyLimits(1500, 3 * 2**10)])
def test_limits_of_bodies_are_shown_as_they_can_be_written(limits: BodyLimits) -> None:
    assert from_environment({"DATELINE_MAX_BODY": str(limits)}).max_body == limits


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")])
def test_the_address_is_one_to_ask_at(host: str, address: str) -> None:
    assert Settings(host=host).address == address
