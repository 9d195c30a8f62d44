"""What the platform keeps is its owner's alone: what it makes, and what it finds that others may read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import Conflict, Unavailable
from shared.private import is_private, keep_private, write_new, write_private
from shared.settings import Settings
from tests.disks import mounted


@pytest.fixture(autouse=True)
def mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def settings(folder: Path, **given: str) -> Settings:
    return Settings(data_dir=folder / "data", _env_file=None, **given)


def test_the_folder_and_all_that_is_made_in_it_afterwards_is_private(tmp_path):
    assert keep_private(settings(tmp_path)) == []

    (tmp_path / "data" / "new.db").write_text("votes")
    assert is_private(tmp_path / "data") and is_private(tmp_path / "data" / "new.db")


@pytest.mark.parametrize("where", ["as it is", "from here"])
def test_files_of_before_are_mended_with_all_that_lies_beside_them_and_others_left(tmp_path, monkeypatch, where):
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    ours = ["log.db", "log.db-wal", "screening.db", "screening.db-shm", "notify.db.leader.lock", "search-index.db"]
    for name in [*ours, "signing-key.pem", "somebody-elses.txt"]:
        (folder / name).touch()

    assert keep_private(settings(tmp_path if where == "as it is" else Path())) == []

    assert all(is_private(folder / name) for name in [*ours, "signing-key.pem"])
    assert not is_private(folder / "somebody-elses.txt")


def test_a_new_file_is_private_and_overwrites_nothing(tmp_path):
    write_new(tmp_path / "answer", b"it")

    assert is_private(tmp_path / "answer")
    with pytest.raises(Conflict, match="name another"):
        write_new(tmp_path / "answer", b"another")
    assert (tmp_path / "answer").read_bytes() == b"it"


@pytest.mark.waits
def test_half_of_a_new_file_is_not_left_to_be_in_the_way_of_the_next_try(tmp_path):
    with mounted(tmp_path / "disk", size="64k") as disk:
        with pytest.raises(Unavailable, match="full"):
            write_new(disk.folder / "answer", b"x" * 1_000_000)

        write_new(disk.folder / "answer", b"it")


def test_databases_in_another_place_are_mended_there(tmp_path):
    (tmp_path / "ingest of us.db").touch()

    keep_private(settings(tmp_path, database_url=f"sqlite:///{tmp_path}/{{service}} of us.db"))

    assert is_private(tmp_path / "ingest of us.db")


def test_a_folder_that_one_works_in_keeps_its_mode(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mode = tmp_path.stat().st_mode

    keep_private(Settings(data_dir=Path(), _env_file=None))

    assert tmp_path.stat().st_mode == mode


def test_a_file_is_written_whole_and_private_whoever_could_read_it_before(tmp_path):
    (tmp_path / "admin-token").write_text("old")

    write_private(tmp_path / "admin-token", "new\n")

    assert (tmp_path / "admin-token").read_text() == "new\n"
    assert is_private(tmp_path / "admin-token") and len(list(tmp_path.iterdir())) == 1
