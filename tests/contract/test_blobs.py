"""One suite for every store of blobs: what was put is there, whole, whoever dies, changes it, or sweeps meanwhile."""

from __future__ import annotations

import errno
import gzip
import hashlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlmodel import col

from shared.blobs import names
from shared.blobs.folder import FolderBlobs
from shared.blobs.packing import CHUNK, Blob, BlobDamaged, BlobMissing
from shared.blobs.port import Blobs
from shared.db.tables import BlobChunkRow
from shared.errors import Invalid, TooLarge, Unavailable
from shared.ids import new_id
from tests.contract.blob_sites import BYTES, Site, site, work
from tests.contract.blob_sweeper import sweep
from tests.disks import mounted
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
LIMIT = 10 * len(BYTES)
AGO = timedelta(days=2)
HOSTILE = [
    "",
    "..",
    "../../etc/passwd",
    "a" * 63,
    "A" * 64,
    "g" * 64,
    f"{'a' * 64}\n",
    f"../{'a' * 61}",
    "a" * 64 + "/",
]


@pytest.fixture(params=["folder", "sqlite rows", pytest.param("postgresql rows", marks=pytest.mark.real)])
def position(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    url = f"sqlite:///{tmp_path}/service.db"
    if request.param.startswith("postgresql"):
        url = request.getfixturevalue("real_postgres_url").format(database=new_id("test"))
    with site("folder" if request.param == "folder" else "rows", tmp_path, url) as made:
        yield made


@pytest.fixture
def blobs(position: Site) -> Blobs:
    return position.open()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pieces(content: bytes, size: int = 10_000) -> Iterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def read(blobs: Blobs, blob: Blob) -> bytes:
    return b"".join(blobs.open(blob.sha256, LIMIT))


def before() -> datetime:
    """The instant that the sweep goes by."""
    return datetime.now(UTC) - timedelta(days=1)


def old(position: Site, content: bytes = BYTES) -> Blob:
    """A blob that was put two days ago."""
    blob = position.open().put([content], LIMIT)
    position.age(blob.sha256, datetime.now(UTC) - AGO)
    return blob


def in_first_bucket(beginning: str) -> bytes:
    """Bytes whose blob is in the bucket `00`."""
    contents = (f"{beginning}{number}".encode() * 1000 for number in itertools.count())
    return next(content for content in contents if sha256(content).startswith("00"))


def bucket_of(blobs: Blobs, blob: Blob) -> list[str]:
    return list(blobs.older(before(), blob.sha256[:2]))


@pytest.mark.parametrize("content", [b"", b"a", b"a" * 5_000_000, BYTES, BYTES[:CHUNK], BYTES[: CHUNK + 1]])
def test_what_was_put_comes_back_under_its_hash(position, blobs, content):
    blob = blobs.put(pieces(content), LIMIT)

    assert blob == Blob(sha256(content), len(content))
    other = position.open()
    assert (other.size(blob.sha256), read(other, blob)) == (blob.size, content)
    assert all(len(chunk) <= CHUNK for chunk in blobs.open(blob.sha256, LIMIT))
    assert gzip.decompress(position.packed(blob.sha256)) == content


def test_the_same_bytes_are_kept_once_however_they_are_cut(position, blobs):
    assert blobs.put([BYTES], LIMIT) == blobs.put(pieces(BYTES, 777), LIMIT)

    assert read(blobs, Blob(sha256(BYTES), len(BYTES))) == BYTES and position.drafts() == 0


def test_nothing_is_seen_of_a_blob_that_is_still_written(position, blobs):
    with blobs.draft(LIMIT) as draft:
        draft.write(BYTES)
        assert blobs.lost([sha256(BYTES)]).keys() == {sha256(BYTES)}
        draft.finish()

    assert blobs.lost([sha256(BYTES)]) == {}


def test_what_is_not_there_is_told_by_its_name_before_a_byte_is_asked_for(blobs):
    name = sha256(b"never put")
    for ask in (lambda: blobs.size(name), lambda: blobs.open(name, LIMIT)):
        with pytest.raises(BlobMissing, match=name):
            ask()


def test_an_error_of_whoever_gives_the_bytes_is_raised_and_nothing_is_kept(position, blobs):
    def breaking() -> Iterator[bytes]:
        yield BYTES
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        blobs.put(breaking(), LIMIT)

    assert blobs.lost([sha256(BYTES)]) and position.drafts() == 0


def test_bytes_that_are_not_those_expected_are_refused_and_nothing_is_kept(position, blobs):
    with pytest.raises(Invalid, match=sha256(b"others")) as refused:
        blobs.put(pieces(BYTES), LIMIT, expected=sha256(b"others"))

    assert refused.value.slug == "blob_unfit"
    assert blobs.lost([sha256(BYTES), sha256(b"others")]).keys() == {sha256(BYTES), sha256(b"others")}
    assert position.drafts() == 0
    assert blobs.put(pieces(BYTES), LIMIT, expected=sha256(BYTES)).size == len(BYTES)


def test_more_than_the_limit_is_refused_as_soon_as_it_comes_and_nothing_is_kept(position, blobs):
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        while True:
            given += 1000
            yield BYTES[:1000]

    with pytest.raises(TooLarge, match="400000"):
        blobs.put(endless(), 400_000)

    assert given == 401_000 and position.drafts() == 0
    assert blobs.put([b"x" * 400_000], 400_000).size == 400_000


def test_a_blob_larger_than_the_reader_takes_is_refused_before_it_is_read(blobs):
    blob = blobs.put([BYTES], LIMIT)

    with pytest.raises(TooLarge, match=f"{blob.sha256}.*{blob.size - 1}"):
        blobs.open(blob.sha256, blob.size - 1)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_no_hash_is_refused_whatever_is_asked(position, blobs, name):
    asked = [
        lambda: blobs.open(name, LIMIT), lambda: blobs.size(name), lambda: blobs.lost([name]),
        lambda: blobs.remove(name, before()), lambda: blobs.draft(LIMIT, expected=name),
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(Invalid, match="no SHA-256"):
            ask()
    with pytest.raises(Invalid), work(position) as at:
        names.keep(at, blobs, name, by="a row")


def bomb(content: bytes) -> bytes:
    """A gzip stream of far more bytes, which says at its end that it has as many as the other."""
    packed = gzip.compress(b"\0" * 20_000_000)
    return packed[:-4] + len(content).to_bytes(4, "little")


DAMAGES = {
    "cut off": lambda packed: packed[: len(packed) // 2],
    "its beginning only": lambda packed: packed[:5],
    "one bit other": lambda packed: packed[:5000] + bytes([packed[5000] ^ 1]) + packed[5001:],
    "no gzip": lambda packed: b"hello " * 1000,
    "others' bytes": lambda packed: gzip.compress(b"x" * len(BYTES)),
    "more behind it": lambda packed: packed + packed,
    "a bomb": lambda packed: bomb(BYTES),
}


#: What is seen without unpacking: nothing is left, or an end that is none.
SEEN = {
    "emptied": lambda packed: b"",
    "a few bytes": lambda packed: packed[:20],
    "zeros at its end": lambda packed: packed[:-4096] + b"\0" * 4096,
    "no gzip": DAMAGES["no gzip"],
    "more behind it": DAMAGES["more behind it"],
}


@pytest.mark.parametrize("damage", DAMAGES | SEEN)
def test_a_blob_that_was_changed_where_it_is_kept_is_never_read_to_its_end(position, blobs, damage):
    blob = blobs.put([BYTES], LIMIT)
    position.replace(blob.sha256, (DAMAGES | SEEN)[damage](position.packed(blob.sha256)))

    given = 0
    with pytest.raises(BlobDamaged, match=blob.sha256):
        for chunk in blobs.open(blob.sha256, LIMIT):
            given += len(chunk)
    assert given < blob.size


@pytest.mark.parametrize("damage", DAMAGES | SEEN)
def test_who_puts_the_bytes_of_a_damaged_blob_again_mends_it(position, blobs, damage):
    blob = blobs.put([BYTES], LIMIT)
    position.replace(blob.sha256, (DAMAGES | SEEN)[damage](position.packed(blob.sha256)))

    assert blobs.put(pieces(BYTES), LIMIT) == blob
    assert read(position.open(), blob) == BYTES
    assert position.drafts() == 0 and blobs.lost([blob.sha256]) == {}


def test_who_reads_a_blob_is_not_disturbed_by_who_puts_it_again(blobs):
    blob = blobs.put([BYTES], LIMIT)
    chunks = blobs.open(blob.sha256, LIMIT)
    first = next(chunks)

    blobs.put([BYTES], LIMIT)

    assert first + b"".join(chunks) == BYTES


@pytest.mark.parametrize("damage", SEEN)
def test_what_is_damaged_is_seen_without_unpacking_it(position, blobs, damage):
    blob, whole = blobs.put([BYTES], LIMIT), blobs.put([b""], LIMIT)
    position.replace(blob.sha256, SEEN[damage](position.packed(blob.sha256)))

    lost = blobs.lost([blob.sha256, whole.sha256, "0" * 64])

    assert {name: type(error) for name, error in lost.items()} == {blob.sha256: BlobDamaged, "0" * 64: BlobMissing}


@pytest.mark.parametrize("number", [0, 2, 4])
def test_a_blob_that_lacks_a_chunk_is_damaged_and_mended_by_a_put(tmp_path, number):
    with site("rows", tmp_path, f"sqlite:///{tmp_path}/service.db") as rows:
        blobs = rows.open()
        blob = blobs.put([BYTES], LIMIT)
        with rows.database.engine.begin() as connection:
            assert connection.execute(delete(BlobChunkRow).where(col(BlobChunkRow.number) == number)).rowcount == 1

        assert set(map(type, blobs.lost([blob.sha256]).values())) == {BlobDamaged}
        assert read(blobs, blobs.put([BYTES], LIMIT)) == BYTES


@pytest.mark.parametrize("says", [LIMIT + 1, 10 * LIMIT, 2**32 - 1])
def test_a_blob_that_says_that_it_is_larger_than_it_is_is_damaged_and_not_too_large(tmp_path, says):
    with site("folder", tmp_path, f"sqlite:///{tmp_path}/service.db") as folder:
        blobs = folder.open()
        blob = blobs.put([BYTES], LIMIT)
        folder.replace(blob.sha256, folder.packed(blob.sha256)[:-4] + says.to_bytes(4, "little"))

        with pytest.raises(BlobDamaged, match=blob.sha256):
            blobs.open(blob.sha256, LIMIT)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(os.path.relpath(path))


@pytest.mark.parametrize("make", [make_pipe, make_folder, make_link, make_socket])
def test_what_is_no_file_is_damaged_and_keeps_nobody_waiting(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    blobs = FolderBlobs(tmp_path / "blobs")
    blobs.ready()
    blob = blobs.put([BYTES], LIMIT)
    path = tmp_path / "blobs" / blob.sha256[:2] / f"{blob.sha256}.gz"
    path.unlink()
    make(path)

    for ask in (lambda: blobs.open(blob.sha256, LIMIT), lambda: blobs.size(blob.sha256)):
        with pytest.raises(BlobDamaged, match="no file"):
            ask()
    assert blobs.lost([blob.sha256]).keys() == {blob.sha256}
    if make is not make_folder:
        assert read(blobs, blobs.put([BYTES], LIMIT)) == BYTES


def test_a_stream_that_goes_on_behind_its_end_in_pieces_is_told(position, blobs):
    blob = blobs.put([b"short"], LIMIT)
    position.replace(blob.sha256, position.packed(blob.sha256) + b"\0" * 3 * CHUNK + (5).to_bytes(4, "little"))

    with pytest.raises(BlobDamaged, match=blob.sha256):
        read(blobs, blob)


def test_a_name_that_cannot_be_made_young_is_refused_with_its_reason(tmp_path, monkeypatch):
    with site("folder", tmp_path, f"sqlite:///{tmp_path}/service.db") as made:
        blobs = made.open()
        blob = blobs.put([BYTES], LIMIT)
        monkeypatch.setattr(os, "utime", failing(OSError(errno.EROFS, "Read-only file system")))
        with work(made) as at, pytest.raises(Unavailable, match=blob.sha256):
            blobs.touch(at, blob.sha256)


def failing(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.waits
@pytest.mark.parametrize("step", ["begun", "written", "synced", "renamed", "finished"])
def test_a_writer_that_is_killed_leaves_a_whole_blob_or_none_and_nothing_for_good(position, blobs, step):
    if step in ("synced", "renamed") and "folder" not in position.described():
        pytest.skip("rows are not synced and named")
    described = [sys.executable, "-m", "tests.contract.blob_child", step, json.dumps(position.described())]
    assert subprocess.run(described, cwd=ROOT).returncode == -signal.SIGKILL

    kept = not blobs.lost([sha256(BYTES)])
    assert kept == (step in ("renamed", "finished"))
    assert not kept or read(blobs, Blob(sha256(BYTES), len(BYTES))) == BYTES
    assert position.drafts() == (0 if kept else 1)
    assert blobs.drop_drafts(before()) == 0
    position.age_drafts(datetime.now(UTC) - AGO)
    assert blobs.drop_drafts(before()) == (0 if kept else 1)
    assert position.drafts() == 0
    assert read(blobs, blobs.put([BYTES], LIMIT)) == BYTES


def test_a_writer_whose_draft_was_dropped_is_told_so_and_leaves_nothing(position, blobs):
    with pytest.raises(Unavailable), blobs.draft(LIMIT) as draft:
        draft.write(BYTES)
        position.age_drafts(datetime.now(UTC) - AGO)
        blobs.drop_drafts(before())
        draft.write(BYTES)
        draft.finish()

    assert position.drafts() == 0


@pytest.mark.waits
def test_many_who_put_the_same_at_once_keep_it_once_and_all_of_them_have_it(position, blobs):
    with ThreadPoolExecutor(8) as writers:
        put = [writers.submit(position.open().put, pieces(BYTES), LIMIT) for _ in range(16)]

    assert {one.result() for one in put} == {Blob(sha256(BYTES), len(BYTES))}
    assert read(blobs, put[0].result()) == BYTES and position.drafts() == 0


def test_only_what_is_old_may_be_removed(position, blobs):
    young, aged = blobs.put([b"young"], LIMIT), old(position)

    assert bucket_of(blobs, aged) == [aged.sha256] and bucket_of(blobs, young) == []
    assert not blobs.remove(young.sha256, before()) and blobs.remove(aged.sha256, before())
    assert blobs.lost([young.sha256, aged.sha256]).keys() == {aged.sha256}
    assert not blobs.remove(aged.sha256, before()) and position.drafts() == 0


@pytest.mark.parametrize("how", ["put again", "named"])
def test_what_is_put_or_named_again_is_young_again(position, blobs, how):
    blob = old(position)
    if how == "named":
        with work(position) as at:
            names.keep(at, blobs, blob.sha256, by="a row")
    else:
        blobs.put([BYTES], LIMIT)

    assert bucket_of(blobs, blob) == [] and not blobs.remove(blob.sha256, before())


def test_a_blob_that_was_swept_can_no_longer_be_named(position, blobs):
    blob = old(position)
    blobs.remove(blob.sha256, before())

    with pytest.raises(BlobMissing, match=blob.sha256), work(position) as at:
        names.keep(at, blobs, blob.sha256, by="a row")
    with work(position) as at:
        assert names.named(at.session, [blob.sha256]) == set()


def test_a_name_is_there_with_its_row_or_not_at_all_and_one_of_several_can_go(position, blobs):
    blob = blobs.put([BYTES], LIMIT)
    with pytest.raises(ZeroDivisionError), work(position) as at:
        names.keep(at, blobs, blob.sha256, by="lost")
        raise ZeroDivisionError
    with work(position) as at:
        assert names.named(at.session, [blob.sha256]) == set()
        names.keep(at, blobs, blob.sha256, by="first")
        names.keep(at, blobs, blob.sha256, by="second")
    with work(position) as at:
        names.let_go(at, blob.sha256, by="first")
        assert names.named(at.session, [blob.sha256]) == {blob.sha256}
        names.let_go(at, blob.sha256, by="second")
        assert names.named(at.session, [blob.sha256]) == set()


@pytest.mark.waits
def test_a_sweep_that_races_with_writers_never_takes_what_one_of_them_has_put(position, blobs):
    """What is put is old a moment later, as if each put had been days ago; only the sweep's own second look and the
    lock keep it from what was put since."""
    content, stop = b"raced for" * 1000, threading.Event()
    name = sha256(content)

    def sweep() -> None:
        own = position.open()
        while not stop.is_set():
            for found in own.older(before(), name[:2]):
                own.remove(found, before())

    with ThreadPoolExecutor(2) as sweepers:
        sweeping = [sweepers.submit(sweep) for _ in range(2)]
        try:
            for _ in range(30):
                blobs.put([content], LIMIT)
                with work(position) as at:
                    names.keep(at, blobs, name, by=new_id("row"))
                assert b"".join(blobs.open(name, LIMIT)) == content
                if not blobs.lost([name]):
                    position.age(name, datetime.now(UTC) - AGO)
        finally:
            stop.set()
    for one in sweeping:
        one.result()


@pytest.mark.waits
def test_what_is_named_is_never_swept_while_others_put_name_and_let_go_and_a_process_sweeps(position, blobs):
    """What is put is as old as if that had been days ago, until it is named: then the sweep may have taken it, and
    naming says so, or it stays."""

    def use(thread: int) -> set[str]:
        own, kept = position.open(), set[str]()
        contents = [in_first_bucket(f"{thread} {number} ") for number in range(10)]
        for number, content in enumerate(contents * 3):
            blob = own.put([content], LIMIT)
            if blob.sha256 not in kept:
                position.age(blob.sha256, datetime.now(UTC) - AGO)
            try:
                with work(position) as at:
                    names.keep(at, own, blob.sha256, by=f"{number}")
            except BlobMissing:
                own.put([content], LIMIT)
                with work(position) as at:
                    names.keep(at, own, blob.sha256, by=f"{number}")
            assert b"".join(own.open(blob.sha256, LIMIT)) == content
            if number % 3 == 0:
                kept.add(blob.sha256)
            elif blob.sha256 not in kept:
                with work(position) as at:
                    names.let_go(at, blob.sha256, by=f"{number}")
        return kept

    url = position.database.url.render_as_string(hide_password=False)
    sweeping = [sys.executable, "-m", "tests.contract.blob_sweeper", json.dumps(position.described()), url]
    with subprocess.Popen(sweeping, cwd=ROOT, stdin=subprocess.PIPE, text=True) as sweeper:
        unused = old(position, in_first_bucket("unused"))
        eventually(lambda: blobs.lost([unused.sha256]))  # It is at work.
        with ThreadPoolExecutor(4) as threads:
            kept = set[str]().union(*threads.map(use, range(4)))
        sweeper.communicate("enough")
    assert sweeper.returncode == 0 and kept and blobs.lost(kept) == {}

    left = set(blobs.older(datetime.now(UTC) + AGO, "00"))
    for name in left:
        position.age(name, datetime.now(UTC) - AGO)
    sweep(blobs, position.database)
    assert set(blobs.older(datetime.now(UTC), "00")) == kept and blobs.lost(kept) == {}


@pytest.mark.waits
def test_a_sweep_that_comes_while_a_blob_is_named_spares_it(position, blobs):
    blob = old(position)
    with ThreadPoolExecutor(1) as sweeper:
        with work(position) as at:
            names.keep(at, blobs, blob.sha256, by="a row")
            removed = sweeper.submit(position.open().remove, blob.sha256, before())
            time.sleep(0.3)
        assert removed.result() is False
    assert read(blobs, blob) == BYTES


@pytest.mark.waits
def test_a_put_that_comes_while_the_sweep_removes_the_same_waits_and_keeps_it(tmp_path, monkeypatch):
    blobs = FolderBlobs(tmp_path / "blobs")
    blobs.ready()
    blob = blobs.put([BYTES], LIMIT)
    path = tmp_path / "blobs" / blob.sha256[:2] / f"{blob.sha256}.gz"
    os.utime(path, (0, 0))
    removing, go_on, unlink = threading.Event(), threading.Event(), Path.unlink

    def unlink_slowly(self: Path, **more: bool) -> None:
        if self == path:
            removing.set()
            go_on.wait(300)
        unlink(self, **more)

    monkeypatch.setattr(Path, "unlink", unlink_slowly)
    with ThreadPoolExecutor(2) as both:
        removed = both.submit(blobs.remove, blob.sha256, before())
        assert removing.wait(300)
        put = both.submit(blobs.put, [BYTES], LIMIT)
        time.sleep(0.5)
        assert not put.done()
        go_on.set()
        assert removed.result() and put.result() == blob
    assert read(blobs, blob) == BYTES


@pytest.mark.waits
def test_a_disk_that_is_full_is_told_as_that_and_nothing_is_kept(tmp_path):
    with mounted(tmp_path / "disk", size="4m") as disk:
        blobs = FolderBlobs(disk.folder / "blobs")
        blobs.ready()
        with pytest.raises(Unavailable, match="full") as described:
            blobs.put((BYTES[at:] + BYTES[:at] for at in range(20)), 20 * len(BYTES))

        assert described.value.slug == "disk_full"
        assert list((disk.folder / "blobs" / "drafts").iterdir()) == []
        blobs.ping()
        assert read(blobs, blobs.put([BYTES], LIMIT)) == BYTES
        with disk.full(), pytest.raises(Unavailable, match="full"):
            blobs.ping()


def test_a_folder_that_is_away_is_told_as_that(tmp_path):
    blobs = FolderBlobs(tmp_path / "blobs")
    blobs.ready()
    (tmp_path / "blobs").rename(tmp_path / "away")

    for ask in (blobs.ping, lambda: blobs.put([b"x"], LIMIT)):
        with pytest.raises(Unavailable) as described:
            ask()
        assert described.value.slug == "not_there"


def test_a_blobs_size_is_bounded_by_what_gzip_can_tell(blobs):
    with pytest.raises(ValueError, match="4294967295"):
        blobs.draft(2**32)


def test_memory_is_bounded_by_a_chunk_on_the_way_in_and_out(position, blobs):
    """Zeros pack a thousandfold: what unpacks to much is given in chunks, too."""
    import tracemalloc

    tracemalloc.start()
    try:
        blob = blobs.put((b"\0" * CHUNK for _ in range(500)), 500 * CHUNK)
        assert sum(map(len, blobs.open(blob.sha256, blob.size))) == blob.size == 500 * CHUNK
        assert tracemalloc.get_traced_memory()[1] < 20 * CHUNK
    finally:
        tracemalloc.stop()


def test_it_is_the_hash_of_the_bytes_and_not_of_what_is_kept(position, blobs):
    blob = blobs.put([b"a" * 1000], LIMIT)

    assert zlib.decompress(position.packed(blob.sha256), 31) == b"a" * 1000
    assert len(position.packed(blob.sha256)) < 100


def test_a_file_of_somebody_else_in_a_bucket_is_left_alone(tmp_path):
    blobs = FolderBlobs(tmp_path / "blobs")
    blobs.ready()
    for name in (".DS_Store", "00.gz", "notes.txt"):
        (tmp_path / "blobs" / "00" / name).touch()
        os.utime(tmp_path / "blobs" / "00" / name, (0, 0))

    assert list(blobs.older(before(), "00")) == []
