"""Each setting: its name, environment variable, default and meaning, in one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from schemas.names import closest

PREFIX = "DATELINE_"
# Variables of a version that also writes over HTTP. One environment can serve both: they are borne here, and
# `without_effect` names them, so that none is ignored in silence.
OF_LATER_VERSIONS = frozenset(
    {
        "DATELINE_MAX_BODY",
        "DATELINE_MAX_STREAMS",
        "DATELINE_PUBLIC_READ",
        "DATELINE_RATE_LIMIT",
        "DATELINE_READ_DATABASE_URLS",
    }
)


class BadSetting(ValueError):
    """A setting that is unknown or cannot be read. The message names it and says what would be right."""


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def _origins(value: str) -> tuple[str, ...]:
    return tuple(origin.strip() for origin in value.split(",") if origin.strip())


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) < 10 and low <= int(value) <= high):
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return read


def _setting(default: Any, variable: str, read: Callable[[str], Any], meaning: str) -> Any:
    metadata = {"variable": variable, "read": read, "help": meaning}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service was told. Build it by hand for a test, or from the environment."""

    database_url: str = _setting(
        "sqlite:///dateline.db",
        "DATELINE_DATABASE_URL",
        _text,
        "where the events are kept: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME",
    )
    cors_origins: tuple[str, ...] = _setting(
        ("*",), "DATELINE_CORS_ORIGINS", _origins, "origins whose pages may read, a comma list; * is any"
    )
    min_year: int = _setting(1000, "DATELINE_MIN_YEAR", _whole(1, 9999), "the earliest year that an event may have")
    host: str = _setting("127.0.0.1", "HOST", _text, "the address that `dateline serve` listens on")
    port: int = _setting(8000, "PORT", _whole(1, 65535), "the port that `dateline serve` listens on")
    workers: int = _setting(
        lambda: len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "WEB_CONCURRENCY",
        _whole(1, 512),
        "worker processes of `dateline serve`; by default one for each core",
    )


def settings_table() -> list[tuple[str, str, str]]:
    """(environment variable, default, meaning) of every setting, for the help and the documentation."""
    table = []
    for item in fields(Settings):
        default = "number of cores" if item.default is MISSING else item.default
        shown = ",".join(default) if isinstance(default, tuple) else str(default)
        table.append((item.metadata["variable"], shown, item.metadata["help"]))
    return table


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from environment variables.

    A variable that begins with ``DATELINE_`` and is none of ours is refused, so that a misspelt setting is
    never ignored (``DATELINE_TEST_`` and ``DATELINE_REQUIRE_`` belong to the test suite).
    Raises BadSetting.
    """
    environment = os.environ if environment is None else environment
    known = {item.metadata["variable"]: item for item in fields(Settings)}
    for name in environment:
        ours = name.startswith(PREFIX) and not name.startswith(("DATELINE_TEST_", "DATELINE_REQUIRE_"))
        if ours and name not in known and name not in OF_LATER_VERSIONS:
            near = closest(name, ((variable, variable) for variable in known), 1)
            hint = f"; did you mean {near[0]}?" if near else f"; the settings are {', '.join(known)}"
            raise BadSetting(f"{name} is not a setting of this version{hint}")
    if environment.get("DATELINE_PUBLIC_READ", "1") != "1":
        # Ignoring this one would open what its owner means to shut.
        raise BadSetting(
            "DATELINE_PUBLIC_READ: this version has no keys, so everybody who reaches it may read; "
            "leave it 1, and let a proxy in front ask for a password"
        )
    values = {}
    for variable, item in known.items():
        if variable in environment:
            try:
                values[item.name] = item.metadata["read"](environment[variable])
            except ValueError as error:
                raise BadSetting(f"{variable}={environment[variable]!r}: {error}") from None
    return Settings(**values)


def without_effect(environment: Mapping[str, str] | None = None) -> list[str]:
    """The variables that are set and that this version has no use for."""
    return sorted(OF_LATER_VERSIONS & (os.environ if environment is None else environment).keys())
