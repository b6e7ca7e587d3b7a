"""Each setting: its name, environment variable, default and meaning, in one table."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from schemas.names import closest

PREFIX = "DATELINE_"
# Variables of a later version. One environment can serve both: they are borne here, and `without_effect` names them, so
# that none is ignored in silence.
OF_LATER_VERSIONS = frozenset({"DATELINE_READ_DATABASE_URLS"})
_UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")
_SIZE = re.compile(r"([0-9]{1,12}) ?([a-z]*)")


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


def _switch(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError("must be 1 or 0")
    return value == "1"


# The one request whose body holds many events.
BULK = ("POST", "/v1/events/bulk")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bytes that a body may have: of one event or actor, and of many."""

    single: int = 2**20
    bulk: int = 64 * 2**20

    def of(self, method: str, path: str) -> int:
        """The limit of what is sent so to a path; an event may be called ``bulk``."""
        return self.bulk if (method, path) == BULK else self.single

    def __str__(self) -> str:
        return f"{_shown_size(self.single)}, bulk {_shown_size(self.bulk)}"


BODY_LIMITS = BodyLimits()


def _shown_size(size: int) -> str:
    return next(
        f"{size // 2**power} {unit}"
        for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB"), (0, "B"))
        if size % 2**power == 0
    )


def _body_limits(value: str) -> BodyLimits:
    limits = {}
    for part in value.lower().split(","):
        name, text = ("bulk", part.strip()[4:]) if part.strip().startswith("bulk") else ("single", part)
        size = _SIZE.fullmatch(text.strip())
        if size is None or size[2] not in _UNITS or name in limits or int(size[1]) == 0:
            raise ValueError('must be a size such as "1 MiB", or two: "1 MiB, bulk 64 MiB"')
        limits[name] = int(size[1]) * _UNITS[size[2]]
    return BodyLimits(**limits)


def _rate(value: str) -> str:
    if value != "none" and not _RATE.fullmatch(value):
        raise ValueError('must be none, or a number of requests in a time, such as "600/minute"')
    return value


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
        ("*",),
        "DATELINE_CORS_ORIGINS",
        _origins,
        "origins whose pages may read, and write with a key, a comma list; * is any, for reading alone",
    )
    public_read: bool = _setting(
        True, "DATELINE_PUBLIC_READ", _switch, "1: anybody may read; 0: reading needs a key, with the scope read"
    )
    rate_limit: str = _setting(
        "none",
        "DATELINE_RATE_LIMIT",
        _rate,
        "requests that one address may make, such as 600/minute; failed keys are always limited, to 120/minute",
    )
    max_body: BodyLimits = _setting(
        BODY_LIMITS,
        "DATELINE_MAX_BODY",
        _body_limits,
        "the largest body of a request: of one event or actor, and of many at once",
    )
    max_streams: int = _setting(
        256,
        "DATELINE_MAX_STREAMS",
        _whole(0, 100_000),
        "streams of changes that may be open at once, and as many exports, 32 at most",
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

    @property
    def address(self) -> str:
        """Where `dateline serve` answers: ``http://127.0.0.1:8000``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def settings_table() -> list[tuple[str, str, str]]:
    """(environment variable, default, meaning) of every setting, for the help and the documentation."""
    table = []
    for item in fields(Settings):
        default = "number of cores" if item.default is MISSING else item.default
        shown = ",".join(default) if isinstance(default, tuple) else str(int(default) if default is True else default)
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
