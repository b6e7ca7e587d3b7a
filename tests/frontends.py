"""The examples of docs/frontends.md as a reader has them: in a folder, beside what npm brings, aimed at a service."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from tests.browsing import npm_install

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs" / "examples"
PAGE = ROOT / "docs" / "frontends.md"
# Where the examples take the service to be.
SERVER = "http://127.0.0.1:8000"
# What a reader makes among the examples.
MADE = {"node_modules", "package-lock.json", "dateline.d.ts", "client.js"}


def examples() -> dict[str, str]:
    """The files of the page, by their names. The table that is imported belongs to another one."""
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(EXAMPLES.iterdir())
        if path.name not in MADE and path.stem != "incidents"
    }


@cache
def modules(folder: Path) -> Path:
    """What npm puts beside the examples, in a folder that is made for it; asked for again, it is there."""
    folder.mkdir(exist_ok=True)
    shutil.copy(EXAMPLES / "package.json", folder)
    npm_install(folder)
    return folder / "node_modules"


def put(folder: Path, home: str, beside: Path | None = None) -> Path:
    """The examples in a folder, aimed at the service that is home, beside what npm brings where they need it."""
    for name, text in examples().items():
        (folder / name).write_text(text.replace(SERVER, home), encoding="utf-8")
    if beside is not None:
        (folder / "node_modules").symlink_to(beside)
    return folder
