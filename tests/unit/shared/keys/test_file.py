"""The ring's file: changed in one step, whatever kills the command; and what is no ring is told with its path."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.clock import ManualClock, SystemClock
from shared.errors import Conflict, NotFound, Unavailable
from shared.keys import file as ring_file
from shared.keys.file import FiledRing, make, read_ring, retire, rotate
from shared.keys.published import key_set, read_keys
from shared.keys.ring import MOST, Key
from shared.private import is_private
from shared.tokens import Person, issue_token
from tests.disks import by_nobody
from tests.keys import read_token

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
ANA = Person.member("ana", "reader", ("r",))


@pytest.fixture(autouse=True)
def _at_this_time(monkeypatch):
    """Since all other tests may take longer than a token lasts."""
    monkeypatch.setattr(f"{__name__}.NOW", datetime.now(UTC))


@pytest.fixture
def path(tmp_path) -> Path:
    make(tmp_path / "ring.pem")
    return tmp_path / "ring.pem"


@pytest.fixture
def old(tmp_path) -> Path:
    """The key of a release before: one PEM, as openssl makes it."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "old.pem").write_bytes(pem)
    return tmp_path / "old.pem"


def test_a_new_ring_has_a_key_for_tokens_and_another_for_revisions(path):
    keys = read_ring(path).keys

    assert [key.purpose for key in keys] == ["tokens", "revisions"]
    assert len({key.kid for key in keys}) == 2
    assert is_private(path)


def test_what_is_written_is_what_is_read(path):
    rotate(path, "tokens", ManualClock(NOW), NOW + HOUR)
    rotate(path, "revisions", ManualClock(NOW))
    read = read_ring(path).keys

    assert [(key.purpose, key.private is None, key.since, key.until) for key in read] == [
        ("tokens", True, None, NOW + HOUR),
        ("revisions", True, None, NOW),
        ("tokens", False, NOW, None),
        ("revisions", False, NOW, None),
    ]
    assert is_private(path)
    assert path.read_text().count("PRIVATE KEY-----\n") == 4, "two keys, and what signs no more has its public half"


def test_one_pem_signs_for_both_purposes_and_is_rotated_for_each(old):
    before = read_ring(old)
    token, revision = issue_token(before, ANA, now=NOW, valid_for=HOUR), before.sign("revisions", {"n": 1}, at=NOW)
    rotate(old, "revisions", ManualClock(NOW))
    half = read_ring(old)
    assert half.signing("tokens", NOW).kid == before.keys[0].kid != half.signing("revisions", NOW).kid
    rotate(old, "tokens", ManualClock(NOW))
    after = read_ring(old)

    assert read_token(after, token) == ANA
    assert after.check("revisions", revision)[1]["n"] == 1
    assert len({key.kid for key in after.keys}) == 3
    assert before.fingerprints <= after.fingerprints


def test_a_key_that_is_retired_ends_its_tokens_and_no_revision(path):
    before = read_ring(path)
    token, revision = issue_token(before, ANA, now=NOW, valid_for=HOUR), before.sign("revisions", {}, at=NOW)
    kid = before.keys[0].kid
    with pytest.raises(Conflict, match="living key rotate --for tokens"):
        retire(path, kid, ManualClock(NOW))
    rotate(path, "tokens", ManualClock(NOW))
    retire(path, kid[:6], ManualClock(NOW - HOUR))

    after = read_ring(path)
    assert after.check("revisions", revision)
    with pytest.raises(Exception, match="is retired"):
        read_token(after, token)
    with pytest.raises(Conflict, match="has ended already"):
        retire(path, kid, ManualClock(NOW))
    with pytest.raises(NotFound):
        retire(path, "nothing", ManualClock(NOW))


def test_a_key_of_both_purposes_is_retired_for_tokens_alone(old):
    before = read_ring(old)
    kid = before.keys[0].kid
    signed_by_a_clock_ahead = before.sign("revisions", {"n": 1}, at=NOW + 24 * HOUR)
    for purpose, now in (("tokens", NOW), ("revisions", NOW + 24 * HOUR)):
        rotate(old, purpose, ManualClock(now))
    retire(old, kid, ManualClock(NOW + HOUR))

    dates = {key.purpose: key.until for key in read_ring(old).keys if key.kid == kid}
    assert dates == {"tokens": NOW + HOUR, "revisions": NOW + 24 * HOUR}
    assert read_ring(old).check("revisions", signed_by_a_clock_ahead)[0].holds_at(NOW + 24 * HOUR)


def test_a_key_for_revisions_has_no_tokens_to_end(path):
    rotate(path, "revisions", ManualClock(NOW))
    before = path.read_bytes()
    for key in read_ring(path).keys[1:]:
        with pytest.raises(Conflict, match="is for revisions, and signed no token") as refused:
            retire(path, key.kid, ManualClock(NOW))
        assert refused.value.slug == "no_token_key"
    assert path.read_bytes() == before


def test_a_rotation_from_before_the_newest_revision_is_refused(path):
    before, last = path.read_bytes(), NOW + HOUR
    with pytest.raises(Conflict) as refused:
        rotate(path, "revisions", ManualClock(NOW), last_signed=lambda: last)

    assert refused.value.slug == "clock_behind"
    said = [f"{at:%Y-%m-%d %H:%M:%S} UTC" for at in (NOW, last)]
    assert all(words in refused.value.detail for words in [*said, "LIVING_CLOCK"])
    assert path.read_bytes() == before

    old, new = rotate(path, "revisions", ManualClock(last), last_signed=lambda: last)
    assert old.holds_at(last) and new.since == last
    assert rotate(path, "tokens", ManualClock(NOW), last_signed=lambda: last)[1].since == NOW, "tokens are no revisions"


def test_a_key_that_a_clock_ahead_has_made_gives_way_to_one_from_now_on(path):
    ahead, last = NOW + 24 * HOUR, NOW - HOUR
    first, wrong = rotate(path, "revisions", ManualClock(ahead), last_signed=lambda: last)
    with pytest.raises(Unavailable, match="living key rotate --for revisions"):
        signed(read_ring(path), NOW)
    old, new = rotate(path, "revisions", ManualClock(NOW), last_signed=lambda: last)

    assert old.kid == wrong.kid and old.never_holds and old.private is None
    assert not any(old.holds_at(at) for at in (last, NOW, ahead, ahead + HOUR)) and "at no time" in old.dates()
    ring = read_ring(path)
    assert ring.check("revisions", signed(ring, NOW))[0].kid == new.kid
    assert {first.fingerprint, wrong.fingerprint} < ring.fingerprints and first.holds_at(last)


def test_a_ring_grows_as_far_as_its_readers_read_and_says_so_before(path):
    ended = [Key.fresh("tokens", NOW).ended(NOW + HOUR) for _ in range(MOST - 3)]
    ring_file._write(path, [*ended, *read_ring(path).keys])
    rotate(path, "revisions", ManualClock(NOW))
    ring = read_ring(path)
    published = json.dumps(key_set(ring), indent=2).encode()
    assert len(ring.keys) == len(read_keys(published).keys) == MOST
    assert max(len(path.read_bytes()), len(published)) < 1_000_000, "what `verify --key` and a platform read"

    before = path.read_bytes()
    with pytest.raises(Conflict, match=f"{MOST} at most.*living key accept") as refused:
        rotate(path, "revisions", ManualClock(NOW))
    assert refused.value.slug == "ring_full" and path.read_bytes() == before


def test_dates_in_another_zone_are_told_in_utc(path):
    rotate(path, "revisions", ManualClock("2026-05-01T12:00:00+00:00"))
    written(path, "2026-05-01T12:00:00+00:00", "2026-05-01T14:00:00+02:00")

    assert "until 2026-05-01 12:00:00 UTC" in read_ring(path).keys[1].dates()


def test_a_ring_takes_up_what_was_changed_and_keeps_to_what_it_had_where_that_is_another(path, tmp_path):
    ring = read_ring(path)
    assert not ring.refresh()
    _, new = rotate(path, "revisions", ManualClock(NOW))
    assert ring.refresh() and ring.signing("revisions", NOW).kid == new.kid

    keys = ring.keys
    make(tmp_path / "another.pem")
    os.replace(tmp_path / "another.pem", path)
    for _ in range(2):
        with pytest.raises(Unavailable, match="lacks keys that it had") as refused:
            ring.refresh()
        assert (refused.value.slug, ring.keys) == ("key_lacking", keys)
    path.unlink()
    with pytest.raises(Unavailable, match="is not there: put it back"):
        ring.refresh()
    assert ring.keys is keys


def test_a_token_of_a_key_that_is_new_opens_at_once_and_the_file_is_not_read_for_each(path, monkeypatch):
    ring = read_ring(path)
    rotate(path, "tokens", ManualClock(NOW))
    token = issue_token(read_ring(path), ANA, now=NOW, valid_for=HOUR)
    monkeypatch.setattr(ring_file, "_PACE", 0.0)
    assert read_token(ring, token) == ANA

    looks = []
    monkeypatch.setattr(ring_file, "_PACE", 3600.0)
    monkeypatch.setattr(ring, "refresh", lambda: looks.append(1))
    foreign = issue_token(read_ring_of_another(path), ANA, now=NOW, valid_for=HOUR)
    for _ in range(100):
        with pytest.raises(Exception, match="not valid here"):
            read_token(ring, foreign)
    assert looks == []


class Asked:
    """A clock that does something before it tells the time."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._do = do

    def now(self) -> datetime:
        self._do()
        return datetime.now(UTC)


def signed(ring: FiledRing, at: datetime) -> str:
    """What a revision's signature is made like: at the time its work began, the ring held still."""
    with ring.unchanged():
        return ring.sign("revisions", {"at": at.isoformat()}, at=at)


def test_nobody_signs_while_a_rotation_takes_its_instant(path):
    ring = read_ring(path)
    refused = []

    def sign() -> None:
        with pytest.raises(Unavailable, match="try again") as error:
            signed(ring, NOW)
        refused.append(error.value.slug)

    rotate(path, "revisions", Asked(sign))
    assert refused == ["key_changes"]
    with pytest.raises(Unavailable, match="try again") as error:
        signed(ring, NOW)
    assert error.value.slug == "no_key", "its work began before the new key did"
    assert ring.check("revisions", signed(ring, datetime.now(UTC)))[0].kid == read_ring(path).keys[-1].kid


@pytest.mark.waits
def test_a_rotation_takes_its_instant_after_who_signs_has_signed(path, monkeypatch):
    ring, order, locks = read_ring(path), [], threading.Event()
    flock = fcntl.flock

    def heard(descriptor: int, how: int) -> None:
        if how == fcntl.LOCK_EX and os.path.samestat(os.fstat(descriptor), os.stat(path)):
            locks.set()
        flock(descriptor, how)

    monkeypatch.setattr(ring_file.fcntl, "flock", heard)
    with ThreadPoolExecutor(1) as pool:
        with ring.unchanged():
            rotation = pool.submit(rotate, path, "revisions", Asked(lambda: order.append("instant")))
            assert locks.wait(120)
            at = datetime.now(UTC)
            token = ring.sign("revisions", {}, at=at)
            order.append("signed")
        rotation.result()

    assert order == ["signed", "instant"]
    assert read_ring(path).check("revisions", token)[0].holds_at(at)


def test_who_comes_to_sign_as_the_ring_is_replaced_signs_with_the_new_one(path, monkeypatch):
    """It has opened the file of before, and has its lock when the rotation is over."""
    ring, flock = read_ring(path), fcntl.flock

    def late(descriptor: int, how: int) -> None:
        monkeypatch.setattr(ring_file.fcntl, "flock", flock)
        rotate(path, "revisions", SystemClock())
        flock(descriptor, how)

    monkeypatch.setattr(ring_file.fcntl, "flock", late)
    with ring.unchanged():
        assert ring.newest("revisions").kid == read_ring(path).newest("revisions").kid
        with pytest.raises(Unavailable):
            ring.sign("revisions", {}, at=NOW)


def test_who_may_only_read_the_ring_and_its_folder_signs(open_to_all):
    path = open_to_all / "ring.pem"
    make(path)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    with by_nobody():
        assert signed(read_ring(path), datetime.now(UTC))


SIGNER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from shared.errors import Unavailable
from shared.keys.file import read_ring

ring = read_ring(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
done = 0
# As often as it takes: who is taken off its core in a rotation keeps the ring for as long, which is thousands of tries.
while done < 500:
    at = datetime.now(UTC)
    try:
        with ring.unchanged():
            print(at.isoformat(), ring.sign("revisions", {}, at=at))
        done += 1
    except Unavailable as error:
        assert error.slug in ("key_changes", "no_key"), error.detail
"""


@pytest.mark.waits
def test_whatever_is_signed_beside_rotations_verifies(path):
    environment = {"PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", SIGNER, str(path)]
    signer = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert signer.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(signer.communicate, "go\n")
        rotations = 0
        while not said.done() and rotations < 300:
            rotate(path, "revisions", SystemClock())
            rotations += 1
        lines = said.result()[0].splitlines()

    assert signer.returncode == 0 and len(lines) == 500 and rotations
    ring = read_ring(path)
    for line in lines:
        at, token = line.split()
        assert ring.check("revisions", token)[0].holds_at(datetime.fromisoformat(at))


def read_ring_of_another(path: Path):
    make(path.with_name("another.pem"))
    return read_ring(path.with_name("another.pem"))


@pytest.mark.waits
def test_rotations_at_once_lose_no_key(path):
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: rotate(path, "tokens", SystemClock())[1].kid, range(16)))

    assert {key.kid for key in read_ring(path).keys} >= set(done)
    assert sum(key.private is not None for key in read_ring(path).keys) == 2


KILLED = """
import os, sys
from pathlib import Path
from shared.clock import SystemClock
from shared.keys import file

def kill(*_): os.kill(os.getpid(), 9)
if sys.argv[2] == "replace":
    file.Path.replace = kill
else:
    setattr(os, sys.argv[2], kill)
file.rotate(Path(sys.argv[1]), "revisions", SystemClock())
"""


@pytest.mark.waits
@pytest.mark.parametrize("at", ["fsync", "fchmod", "replace"])
def test_a_rotation_that_is_killed_leaves_the_ring_of_before(path, at):
    before = path.read_bytes()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), at], timeout=300, env={"PYTHONPATH": os.getcwd()})

    assert killed.returncode == -9
    assert path.read_bytes() == before
    rotate(path, "revisions", ManualClock(NOW))
    assert len(read_ring(path).keys) == 3
    assert is_private(path)
    assert sorted(it.name for it in path.parent.iterdir()) == ["ring.pem", "ring.pem.lock"]


def test_a_ring_that_is_linked_to_is_changed_where_it_lies(path, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "ring.pem"
    link.symlink_to("../ring.pem")
    ring = read_ring(link)
    rotate(link, "tokens", ManualClock(NOW))
    retire(link, ring.keys[0].kid, ManualClock(NOW))

    assert link.is_symlink() and [it.name for it in link.parent.iterdir()] == ["ring.pem"]
    assert len(read_ring(path).keys) == 3 and ring.refresh()

    path.unlink()
    make(link)
    assert link.is_symlink() and is_private(path)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_who_may_read_the_ring_still_may_and_nobody_else(path, mode):
    path.chmod(mode)
    rotate(path, "tokens", ManualClock(NOW))
    assert path.stat().st_mode & 0o777 == mode


def written(path: Path, old: str, new: str) -> Path:
    path.write_text(path.read_text().replace(old, new, 1))
    return path


def twice(ring: str) -> str:
    """The ring with its last key once more."""
    before, mark, last = ring.rpartition("\nkey: ")
    return before + mark + last.partition("\n# end")[0] + mark + last


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        (lambda path: path.write_text(path.read_text()[:-40]), "its end is missing"),
        (lambda path: path.write_text(path.read_text().splitlines()[0] + "\n"), "its end is missing"),
        (lambda path: path.write_text(path.read_text().rpartition("\nkey: ")[0]), "its end is missing"),
        (lambda path: written(path, "# end: 2 keys", "# end: 3 keys"), "is not the end of 2 keys"),
        (lambda path: written(path, "# end: 2 keys", "until: 2026-01-01\n# end: 2 keys"), "is not the end of 2 keys"),
        (lambda path: path.write_text("\n".join([*path.read_text().splitlines()[:2], "# end: 0 keys"])), "of 0 keys"),
        (lambda path: written(path, "for: tokens", "for: anything"), "line 8 is for none of"),
        (lambda path: written(path, "for: tokens", "For tokens"), "line 5 is not what may stand there"),
        (lambda path: written(path, "for: tokens", "for: tokens\nfor: revisions"), "line 6 is not what may"),
        (lambda path: written(path, "for: tokens", "for: tokens\nuntil: 2026-01-01"), "cannot be read (ValueError)"),
        (lambda path: written(path, "key: ", "key: 0"), "line 8 is not '0"),
        (lambda path: path.write_text(path.read_text() + path.read_text()), "line 17 stands after its end"),
        (lambda path: path.write_text(path.read_text() + "\0" * 5), "stands after its end"),
        (lambda path: path.write_text(twice(path.read_text())), "is there twice"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\n" * 1_000_001), "more than 1000000 bytes"),
        (lambda path: path.write_text(""), "neither a key ring"),
        (lambda path: path.write_bytes(os.urandom(2000)), "neither a key ring"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read (IsADirectoryError)"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "it is no file"),
        (lambda path: path.unlink(), "is not there: put it back"),
    ],
)
def test_a_file_that_is_no_ring_is_told_with_its_path(path, spoil, seen):
    spoil(path)
    with pytest.raises(Unavailable) as refused:
        read_ring(path)
    assert seen in refused.value.detail and str(path) in refused.value.detail


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        (lambda ring: b"X" + ring[1:], "put a copy of the ring back"),
        (lambda ring: b"\xef\xbb\xbf" + ring, "put a copy of the ring back"),
        (lambda ring: ring.partition(b"\n")[2], "put a copy of the ring back"),
        (lambda ring: b"\n" + ring, "put a copy of the ring back"),
        (lambda ring: ring.replace(b"form 1", b"form 2"), "is of form '2', and this release reads form 1"),
        (lambda ring: ring.replace(b"form 1", b"form 12"), "is of form '12', and this release reads form 1"),
    ],
)
def test_a_ring_whose_first_line_is_spoiled_is_no_single_key_and_rotates_nothing(path, spoil, seen):
    path.write_bytes(spoil(path.read_bytes()))
    spoiled = path.read_bytes()
    for use in (read_ring, lambda path: rotate(path, "revisions", ManualClock(NOW))):
        with pytest.raises(Unavailable) as refused:
            use(path)
        assert seen in refused.value.detail and str(path) in refused.value.detail
    assert path.read_bytes() == spoiled


def test_a_pem_with_blank_lines_is_one_key_and_one_with_more_is_none(old):
    pem = old.read_text()
    old.write_text(f"\n{pem}\r\n\n")
    assert len(read_ring(old).keys) == 2

    for more in (pem + pem, f"# mine\n{pem}", f"{pem}x", pem.replace("-----END PRIVATE", "-----END PUBLIC")):
        old.write_text(more)
        with pytest.raises(Unavailable, match="nor one key in PEM form with nothing else"):
            read_ring(old)
