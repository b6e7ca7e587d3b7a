"""A service that runs on the seed, as the tests in a browser look at it and write to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from service.database import open_database
from service.keys import create_key
from service.seeding import seed
from service.upgrade import upgrade
from tests.serving import serving


class Site(NamedTuple):
    """A service that runs: where it is, a key to write with, and a moment at which all of the seed was known."""

    home: str
    key: str
    now: str

    def write(self, event: dict[str, Any]) -> None:
        request = Request(
            f"{self.home}/v1/events?unknown_actors=create",
            json.dumps(event).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"},
        )
        with urlopen(request, timeout=10) as answer:
            assert answer.status == 201


@contextmanager
def seeded_site(folder: Path) -> Iterator[Site]:
    url = f"sqlite:///{folder}/page.db"
    database = open_database(url)
    upgrade(database)
    seed(database)
    key = create_key(database, "newsdesk", "write").key
    database.close()
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with serving(url) as (_, port):
        yield Site(f"http://127.0.0.1:{port}", key, now)
