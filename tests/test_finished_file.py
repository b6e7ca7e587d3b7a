"""Files that have their names once they are whole, and that none of them is written over the store."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.commands import main
from service.database import BESIDE, open_database
from service.finished_file import BadTarget, becoming, refuse_store

OLD = "what was there"
sqlite_alone = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
IMPORT = ("import", "{folder}/events.ndjson", "--format", "dateline")
# Each command that writes a file, with the option that names it.
WRITERS = {
    "export": ("export", "--output"),
    "backup": ("backup", "--replace"),
    "rejects": (*IMPORT, "--rejects"),
    "warnings": (*IMPORT, "--warnings"),
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# A file that becomes whole


def test_a_file_has_its_name_when_it_is_whole_and_the_old_one_stays_until_then(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(OLD)
    file.chmod(0o640)
    with becoming(file) as part:
        part.write_text("new")
        assert file.read_text() == OLD
        assert part.parent == tmp_path and part.name.startswith(".a.txt.")
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
@pytest.mark.parametrize("old", [None, OLD])
def test_nothing_is_left_of_what_did_not_become_whole(tmp_path: Path, error: BaseException, old: str | None) -> None:
    file = tmp_path / "a.db"
    if old:
        file.write_text(old)
    with pytest.raises(type(error)), becoming(file) as part:
        part.write_text("half")
        # A database that breaks off leaves more than one file.
        part.with_name(part.name + "-journal").write_text("half")
        raise error
    assert names(tmp_path) == (["a.db"] if old else [])
    assert not old or file.read_text() == old


def test_a_new_file_has_the_rights_that_it_is_given_or_that_new_files_have(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        for mode, expected in ((None, 0o640), (0o600, 0o600)):
            with becoming(tmp_path / "a", mode):
                pass
            assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == expected
            (tmp_path / "a").unlink()
    finally:
        os.umask(before)


def test_a_file_that_somebody_makes_meanwhile_stays_where_none_is_to_be_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a"
    with pytest.raises(FileExistsError), becoming(file, replace=False):
        file.write_text(OLD)
    assert file.read_text() == OLD
    assert names(tmp_path) == ["a"]


# The store


@sqlite_alone
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("other", ["seeded.db", "seeded.db-wal", "seeded.db.lock", "link.db", "hard.db"])
def test_no_command_writes_over_the_store(database_url: str, tmp_path: Path, writer: str, other: str) -> None:
    (tmp_path / "link.db").symlink_to("seeded.db")
    os.link(tmp_path / "seeded.db", tmp_path / "hard.db")
    (tmp_path / "events.ndjson").write_text('{"title": "x", "date": "no date", "tags": ["a", "a"]}\n')
    before = (tmp_path / "seeded.db").read_bytes()
    command = [part.format(folder=tmp_path) for part in WRITERS[writer]]
    result = CliRunner().invoke(main, [*command, str(tmp_path / other)], env={"DATELINE_DATABASE_URL": database_url})
    assert result.exit_code == 2
    assert "the database itself" in result.stderr
    assert (tmp_path / "seeded.db").read_bytes() == before
    assert CliRunner().invoke(main, ["check"], env={"DATELINE_DATABASE_URL": database_url}).exit_code == 0


@pytest.mark.parametrize("ending", ["", *BESIDE])
def test_each_file_of_a_store_is_refused_by_every_name_that_it_has(tmp_path: Path, ending: str) -> None:
    (tmp_path / "real").mkdir()
    own = tmp_path / "real" / f"a.db{ending}"
    own.write_text(OLD)
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "a.db").symlink_to("real/a.db")
    (tmp_path / "link").symlink_to(own)
    os.link(own, tmp_path / "hard")
    for url in (f"sqlite:///{tmp_path}/real/a.db", f"sqlite:///{tmp_path}/folder/a.db", f"sqlite:///{tmp_path}/a.db"):
        for name in (f"real/a.db{ending}", f"folder/a.db{ending}", "link", "hard", f"real/../folder/a.db{ending}"):
            with pytest.raises(BadTarget, match="the database itself"):
                refuse_store(open_database(url), tmp_path / name)
        refuse_store(open_database(url), tmp_path / "another.db")


def test_a_name_that_sqlite_may_yet_take_is_refused_before_there_is_such_a_file(tmp_path: Path) -> None:
    with pytest.raises(BadTarget):
        refuse_store(open_database(f"sqlite:///{tmp_path}/none.db"), tmp_path / "none.db-journal")


@pytest.mark.parametrize("engine", ["postgres"], indirect=True, scope="session")
def test_a_server_has_no_file_to_be_written_over(database_url: str, tmp_path: Path) -> None:
    refuse_store(open_database(database_url), tmp_path / "a.db")
