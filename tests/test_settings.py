"""Settings: each variable is read, and a bad value or a misspelt name is refused with what would be right."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from service.settings import BadSetting, Settings, from_environment, settings_table, without_effect


def refusal(environment: dict[str, str]) -> str:
    with pytest.raises(BadSetting) as refused:
        from_environment(environment)
    return str(refused.value)


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    settings = from_environment({})
    assert (settings.database_url, settings.cors_origins, settings.min_year) == ("sqlite:///dateline.db", ("*",), 1000)
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.workers >= 1


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("DATELINE_DATABASE_URL", "postgresql://u@h/d", "database_url", "postgresql://u@h/d"),
        ("DATELINE_DATABASE_URL", "  sqlite:///x.db\n", "database_url", "sqlite:///x.db"),
        ("DATELINE_CORS_ORIGINS", "https://a.org, https://b.org,", "cors_origins", ("https://a.org", "https://b.org")),
        ("DATELINE_CORS_ORIGINS", "", "cors_origins", ()),
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
    environment = {"DATELINE_MAX_STREAMS": "8", "DATELINE_PUBLIC_READ": "1", "DATELINE_MIN_YEAR": "1900"}
    assert from_environment(environment) == Settings(min_year=1900)
    assert without_effect(environment) == ["DATELINE_MAX_STREAMS", "DATELINE_PUBLIC_READ"]


def test_reading_that_should_be_closed_is_not_left_open_in_silence() -> None:
    with pytest.raises(BadSetting, match="DATELINE_PUBLIC_READ"):
        from_environment({"DATELINE_PUBLIC_READ": "0"})
