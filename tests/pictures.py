"""Takes the pictures of the web page that the README shows: ``python -m tests.pictures``."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from service.database import open_database
from service.seeding import seed
from service.upgrade import upgrade
from tests.browsing import chromium
from tests.serving import ROOT, serving

FOLDER = ROOT / "docs" / "images"
# A picture that is larger makes the README slow to open.
BYTES_MAX = 200_000


class Picture(NamedTuple):
    """What is shown, and in which window."""

    path: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"
    beginning: str = "html"


PICTURES = {
    "timeline-light": Picture("/?lanes=province", 1280, 960),
    "timeline-dark": Picture("/?lanes=province", 1280, 960, "dark"),
    "timeline-telephone": Picture("/", 390, 844, beginning="#kabul-airport-bombing"),
    "claims-light": Picture("/events/panjshir-clash", 1100, 844, beginning="#claims"),
    "claims-dark": Picture("/events/panjshir-clash", 1100, 844, "dark", beginning="#claims"),
}


def take(folder: Path) -> None:
    """Take every picture of the seed into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as store:
        url = f"sqlite:///{store}/pictures.db"
        database = open_database(url)
        upgrade(database)
        seed(database)
        database.close()
        with serving(url) as (_, port), chromium() as browser:
            for name, picture in PICTURES.items():
                with browser.new_context(
                    viewport={"width": picture.width, "height": picture.height},
                    color_scheme=picture.scheme,
                    locale="en-GB",
                ) as context:
                    page = context.new_page()
                    page.goto(f"http://127.0.0.1:{port}{picture.path}")
                    page.locator(picture.beginning).first.evaluate("element => element.scrollIntoView()")
                    path = folder / f"{name}.png"
                    page.screenshot(path=path, animations="disabled")
                    print(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}: {path.stat().st_size:,} B")
                    if path.stat().st_size > BYTES_MAX:
                        sys.exit(f"{name} is larger than {BYTES_MAX:,} bytes")


if __name__ == "__main__":
    take(FOLDER)
