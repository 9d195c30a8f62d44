"""What keeps a file from its use is told with its path, its reason and what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shared.storage import Fault, fault_of, obstacle, obstacle_in, unusable
from tests.disks import Disk, by_nobody, mounted


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk") as disk:
        yield disk


def write(path: Path) -> Fault | None:
    """What is wrong with a SQLite file, as somebody sees who writes it."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("CREATE TABLE IF NOT EXISTS t (a)")
            db.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 20)
    except sqlite3.Error as error:
        fault = fault_of(path, error)
        assert fault is None or fault.detail.startswith(str(path))
        return fault
    return None


def slug(fault: Fault | None) -> str | None:
    return fault.slug if fault is not None else None


@pytest.mark.waits
@pytest.mark.parametrize("there", [True, False])
def test_a_disk_that_is_mounted_read_only(disk, there):
    path = disk.folder / "a.db"
    if there:
        write(path)
    with disk.read_only():
        fault = write(path)
        assert slug(fault) == slug(obstacle_in(disk.folder)) == "read_only"
        assert "mounted read-only" in fault.detail and "LIVING_DATA_DIR" in fault.detail

    assert write(path) is obstacle(path) is None


@pytest.mark.waits
@pytest.mark.parametrize("there", [True, False])
def test_a_disk_that_is_full(disk, there):
    path = disk.folder / "a.db"
    if there:
        write(path)
    with disk.full():
        fault = write(path)
        assert slug(fault) == "disk_full" and f"the disk of {disk.folder} is full" in fault.detail

    assert write(path) is None


@pytest.mark.waits
@pytest.mark.parametrize("of", ["folder", "file", "a.db-wal"])
def test_what_another_user_owns(disk, of):
    path = disk.folder / "a.db"
    write(path)
    os.chmod(disk.folder, 0o555 if of == "folder" else 0o777)
    os.chmod(path, 0o444 if of == "file" else 0o666)
    if of == "a.db-wal":  # As a command leaves it that root ran.
        (disk.folder / of).touch(0o600)
    with by_nobody():
        fault = write(path)

    assert slug(fault) == "forbidden" and "may not write" in fault.detail


def test_a_folder_that_is_gone_and_one_in_the_place_of_the_file(tmp_path):
    assert slug(write(tmp_path / "gone" / "a.db")) == "not_there"
    (tmp_path / "a.db").mkdir()
    fault = write(tmp_path / "a.db")
    assert slug(fault) == "not_there" and "it is a folder" in fault.detail


@pytest.mark.parametrize("harm", ["header", "page", "cut"])
def test_a_file_that_is_damaged(tmp_path, harm):
    path = tmp_path / "a.db"
    write(path)
    size = path.stat().st_size
    if harm == "cut":
        os.truncate(path, size // 3)
    else:
        with path.open("r+b") as file:
            file.seek(0 if harm == "header" else 100)
            file.write(b"\xa5" * 2000)

    fault = write(path)

    assert fault is not None and fault.damaged and f"{path} is damaged" in fault.detail


def test_what_may_pass_by_itself_or_is_about_something_else_is_no_fault_of_the_file(tmp_path):
    path = tmp_path / "a.db"
    write(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with closing(sqlite3.connect(path, timeout=0)) as db, pytest.raises(sqlite3.OperationalError) as locked:
            db.execute("INSERT INTO t VALUES (1)")
    assert fault_of(path, locked.value) is None
    for error in (sqlite3.OperationalError("no such table"), ValueError("no"), ConnectionError(), TimeoutError()):
        assert fault_of(path, error) is None


@pytest.mark.parametrize(
    ("number", "slug"),
    [
        (errno.EROFS, "read_only"), (errno.EACCES, "forbidden"), (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"), (errno.EIO, "disk_fails"), (errno.ENAMETOOLONG, "unavailable"),
    ],
)  # fmt: skip
def test_an_error_of_the_system_names_the_file_also_when_nothing_is_seen_any_more(tmp_path, number, slug):
    seen = unusable(tmp_path / "key.pem", OSError(number, "told"))

    assert seen.slug == slug and seen.detail.startswith(str(tmp_path / "key.pem"))
