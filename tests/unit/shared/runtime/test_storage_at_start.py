"""A start on files that cannot be used is refused at once, in a sentence that names the file and says what to do; what
is only kept from us is never taken for lost. In a running platform it is told, and goes on when it can."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.protocol.manifest import SERVICE
from shared.bus.judging import is_down
from shared.db.faults import FileFault
from shared.errors import LivingError
from shared.runtime import platform as starting
from shared.runtime.platform import Platform
from shared.settings import Settings
from tests.disks import Disk, by_nobody, mounted
from tests.toy import TOY
from tests.waiting import eventually

pytestmark = pytest.mark.waits

DATABASE = "protocol.db"


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", size="16m") as disk:
        yield disk


@pytest.fixture
def no_waiting(monkeypatch) -> None:
    """A start that waits for what only a person can mend fails its test."""

    def wait(*tries, **bounds) -> float:
        raise AssertionError("the start waits")

    monkeypatch.setattr(starting, "pause_after", wait)


def start(folder: Path) -> None:
    """A start, up to its stop, and until all that was written is in the files themselves: a last look at health may end
    a little later. Raises what the start refuses with."""
    settings = Settings(_env_file=None, data_dir=folder, scheduler=False, log_level="error", retry_seconds=0.05)
    platform = Platform(settings, [SERVICE])
    try:
        platform.start()
    finally:
        platform.stop()
    eventually(lambda: not left_beside(folder))


def left_beside(folder: Path) -> list[Path]:
    """What still lies beside the databases. Two connections that are closed at the same instant leave it, since each
    takes the other for one that goes on; the next to be the last one does not."""
    for file in folder.glob("*-wal"):
        with closing(sqlite3.connect(file.with_name(file.name.removesuffix("-wal")))) as one_more:
            one_more.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return list(folder.glob("*-wal"))


def refusal(folder: Path) -> LivingError:
    with pytest.raises(LivingError) as refused:
        start(folder)
    return refused.value


@pytest.mark.parametrize("first", [True, False])
def test_a_folder_that_can_only_be_read_is_told_as_that_and_not_as_a_lost_log(disk, no_waiting, first):
    folder = disk.folder / "data"
    if not first:
        start(folder)
    with disk.read_only():
        refused = refusal(folder)
        assert refused.slug == "read_only" and str(folder) in refused.detail
        assert "mounted read-only" in refused.detail and "mend" not in refused.detail

    start(folder)


@pytest.mark.parametrize("first", [True, False])
def test_a_full_disk_is_told_at_once(disk, no_waiting, first):
    folder = disk.folder / "data"
    if not first:
        start(folder)
    with disk.full():
        refused = refusal(folder)
        assert refused.slug == "disk_full" and "Make room" in refused.detail and "mend" not in refused.detail

    start(folder)


@pytest.mark.parametrize("name", ["log.db", DATABASE])
def test_a_file_of_another_user_is_told_as_that(open_to_all, no_waiting, name):
    folder = open_to_all / "data"
    with by_nobody():
        start(folder)
    shutil.copyfile(folder / name, folder / "copy")  # As root copies it back.
    os.chmod(folder / "copy", 0o600)
    (folder / "copy").rename(folder / name)
    if os.geteuid() != 0:
        pytest.skip("only root owns what its user may not write")
    with by_nobody():
        refused = refusal(folder)

    assert refused.slug == "forbidden" and str(folder / name) in refused.detail and "mend" not in refused.detail


def overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xa5" * 100)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


@pytest.mark.parametrize("harm", [overwritten, cut])
def test_a_damaged_database_is_refused_at_once_with_its_path_and_what_to_do(
    tmp_path, no_waiting, harm: Callable[[Path], None]
):
    start(tmp_path)
    shutil.copy(tmp_path / DATABASE, tmp_path / "backup")
    harm(tmp_path / DATABASE)

    refused = refusal(tmp_path)

    assert refused.slug == "damaged" and str(tmp_path / DATABASE) in refused.detail
    assert "put a copy of it back" in refused.detail
    for file in tmp_path.glob(f"{DATABASE}*"):
        file.unlink()
    (tmp_path / "backup").rename(tmp_path / DATABASE)
    start(tmp_path)


def test_a_damaged_log_is_lost_and_may_be_mended(tmp_path, no_waiting):
    start(tmp_path)
    overwritten(tmp_path / "log.db")

    refused = refusal(tmp_path)

    assert refused.slug == "log_lost" and str(tmp_path / "log.db") in refused.detail
    assert "living log mend" in refused.detail


def test_a_log_that_another_process_locks_is_waited_for_and_not_taken_for_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(starting, "_PATIENCE", 0.01)
    start(tmp_path)
    with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        refused = refusal(tmp_path)
        assert refused.slug == "log_locked" and "locked" in refused.detail and "mend" not in refused.detail
        other.execute("COMMIT")

    start(tmp_path)


# While it runs


def test_a_database_that_is_damaged_while_it_runs_is_told_with_its_path(workbench):
    bench = workbench(TOY)
    path = bench.settings.data_dir / "toy.db"
    bench.running.database.engine.dispose()
    bench.running.requests.engine.dispose()
    assert not path.with_name("toy.db-wal").exists()
    overwritten(path)

    admin = bench.person(role="admin")
    seen = eventually(lambda: (it := admin.get("/readyz").json()["services"]["toy"]["database"]) != "ok" and it)

    assert f"{path} is damaged" in seen and "put a copy" in seen and "sqlalche.me" not in seen
    for answer in (admin.get("/toy/reviews/r/notes"), admin.post("/toy/reviews/r/notes")):
        assert (answer.status_code, str(path) in answer.text) == (503, False)
        assert "the database is damaged" in answer.json()["detail"]
    with pytest.raises(FileFault, match=r"toy\.db is damaged"):
        bench.running.database.ping()


@pytest.mark.parametrize("instead", [None, "an empty file", "an older copy"])
def test_a_database_that_is_taken_away_while_it_runs_takes_nothing_more_and_none_is_made(workbench, instead):
    bench = workbench(TOY)
    path, away = bench.settings.data_dir / "toy.db", bench.settings.data_dir / "away.db"
    person = bench.person()
    assert person.post("/toy/reviews/before/notes").status_code == 200
    for database in (bench.running.requests, bench.running.database):
        database.ping()
    path.rename(away)
    if instead is not None:
        path.touch() if instead == "an empty file" else shutil.copy(away, path)

    for answer in (person.post("/toy/reviews/lost/notes"), person.get("/toy/reviews/r/notes")):
        assert (answer.status_code, answer.json()["detail"]) == (
            503, "the database's file is away, and must be put back; nothing was changed",
        )  # fmt: skip
    with pytest.raises(FileFault, match="was removed or replaced") as seen:
        bench.running.database.ping()
    assert is_down(seen.value) and str(path) in seen.value.reason
    assert path.exists() == (instead is not None)

    away.rename(path)
    bench.running.database.ping()
    assert person.post("/toy/reviews/after/notes").status_code == 200
    assert {note["review"] for note in person.get("/toy/reviews/r/notes").json()} == {"before", "after"}
