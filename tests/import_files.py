"""Made-up files of every format that can be imported, and ``dateline import`` as it is run on them."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from click.testing import CliRunner, Result

from service.commands import main
from tests.writing import GED, ged

FIXTURES = Path(__file__).parent / "fixtures"
ROOT = Path(__file__).parent.parent
TEXT = "What is known of it. " * 15
# Runs the command line with batches of so many records, each of which is a transaction and told of.
SMALL_BATCHES = """
import sys
from service import import_command, importing
importing.BATCH = int(sys.argv.pop(1))
import_command.TELL_SECONDS = -1
import_command.TRANSACTION_SECONDS = 0
from service.commands import main
main()
"""


def _acled(number: int) -> dict[str, str]:
    row = json.loads((FIXTURES / "acled_rows.json").read_text(encoding="utf-8"))[0]
    return {name: " ".join(str(value or "").split()) for name, value in row.items()} | {"event_id_cnty": f"AFG{number}"}


def _gdelt(number: int) -> str:
    lines = (FIXTURES / "gdelt_mixed.tsv").read_text(encoding="utf-8").splitlines()
    cells = next(line for line in lines if line[:1].isdigit()).split("\t")
    return "\t".join([str(number), *cells[1:]]) + "\n"


def _table(rows: list[dict[str, str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _slide(number: int) -> dict[str, Any]:
    return {"start_date": {"year": "2020"}, "text": {"headline": f"Something happened, {number}", "text": TEXT}}


def _listed(before: str, members: list[Any], after: str) -> str:
    return before + "[\n" + ",\n".join(json.dumps(member) for member in members) + "\n]" + after


def _csv(numbers: range) -> str:
    return "id,title,summary,date,type\n" + "".join(f"e{n},Something happened,{TEXT},2021,other\n" for n in numbers)


def _sheet(numbers: range) -> str:
    return _table([{"Year": "2020", "Month": "", "Day": "", "Headline": f"No. {n}", "Text": TEXT} for n in numbers])


def _events(numbers: range) -> str:
    events = ({"id": f"e{n}", "title": "Something happened", "date": "2021", "summary": TEXT} for n in numbers)
    return "".join(json.dumps(event) + "\n" for event in events)


def _features(numbers: range) -> str:
    members = [{"type": "Feature", "properties": {**GED, "id": str(n)}, "geometry": None} for n in numbers]
    return _listed('{"type": "FeatureCollection", "features": ', members, "}\n")


# Each kind of file: the format that reads it, and what makes one of the records with these numbers.
KINDS: Mapping[str, tuple[str, Callable[[range], str]]] = {
    "dateline": ("dateline", _events),
    "csv": ("csv", _csv),
    "ucdp-ged": ("ucdp-ged", lambda numbers: ged(*({"id": str(n)} for n in numbers)).decode()),
    "ucdp-ged as GeoJSON": ("ucdp-ged", _features),
    "acled": ("acled", lambda numbers: _table([_acled(n) for n in numbers])),
    "acled's API": ("acled", lambda numbers: _listed('{"data": ', [_acled(n) for n in numbers], "}\n")),
    "acled's rows": ("acled", lambda numbers: _listed("", [_acled(n) for n in numbers], "\n")),
    "gdelt": ("gdelt", lambda numbers: "".join(_gdelt(n) for n in numbers)),
    "timelinejs": ("timelinejs", lambda numbers: _listed('{"events": ', [_slide(n) for n in numbers], "}\n")),
    "timelinejs as a sheet": ("timelinejs", _sheet),
}


def format_of(kind: str) -> str:
    return KINDS[kind][0]


def made(kind: str, count: int, first: int = 1000) -> bytes:
    """A sound file of a kind, of so many records."""
    return KINDS[kind][1](range(first, first + count)).encode()


def run(url: str, file: Path | bytes, format_name: str, *options: str) -> Result:
    """Import a file, or bytes from standard input, in this process."""
    source, stdin = ("-", file) if isinstance(file, bytes) else (str(file), None)
    arguments = ["import", source, "--format", format_name, *options]
    return CliRunner().invoke(main, arguments, input=stdin, env={"DATELINE_DATABASE_URL": url})


def is_orderly(result: Result) -> bool:
    """Whether a command ended with words for people."""
    return isinstance(result.exception, SystemExit | None) and "Traceback" not in result.output


def started(
    url: str, file: str, format_name: str, *options: str, batch: int = 200, **settings: Any
) -> subprocess.Popen[str]:
    """Import a file in a process of its own, in small batches."""
    settings = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
    return subprocess.Popen(
        [sys.executable, "-c", SMALL_BATCHES, str(batch), "import", file, "--format", format_name, *options],
        cwd=ROOT,
        env={**os.environ, "DATELINE_DATABASE_URL": url, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        text=True,
        **settings,
    )


def told(stream: IO[str] | None, words: str) -> bool:
    """Read until a line begins with some words; false where none does."""
    assert stream is not None
    return any(line.startswith(words) for line in stream)
