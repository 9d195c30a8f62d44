"""The ring's file: read by whatever signs or checks, changed by command alone, in one step that a kill cannot halve."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.clock import Clock, parse_zoned
from shared.errors import Conflict, NotFound, Unavailable
from shared.keys import Purpose
from shared.keys.ring import MOST, PURPOSES, Key, KeyRing, both
from shared.storage import sync_folder, unusable

if TYPE_CHECKING:
    from shared.settings import Settings

#: How the first line of a ring's file begins, and that line whole.
_FORM = "# Living Reviews: key ring, form "
_MARK = f"{_FORM}1"

#: The last line, which counts the keys: a file that was cut where one of them ends would else pass for whole.
_END = "# end: {} keys"

#: A file without that first line: one key for both purposes, and nothing else.
_ONE_PEM = re.compile(rb"\s*-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----\s*")

_HEAD = f"""{_MARK}
# Whoever can read this file can sign in anybody's name. `living key rotate` and `living key retire` change it.
"""

#: What may stand before a key.
_NAMES = ("key", "for", "since", "until")

#: Bytes of a file that are read. A key takes some 250.
_LARGEST = 1_000_000

#: Seconds between two looks at the file because somebody names a key that is not in the ring.
_PACE = 1.0

Stamp = tuple[int, int, int]

#: Tells, by service, the fingerprints of the keys that its database was used with.
Used = Callable[[], Mapping[str, Collection[str]]]


class FiledRing(KeyRing):
    """A ring that follows its file, so that a platform at work takes up what was changed by command."""

    def __init__(self, path: Path, keys: Iterable[Key], stamp: Stamp) -> None:
        super().__init__(keys)
        self.path, self._stamp = path, stamp
        self._looked = time.monotonic()
        # So that of two threads the one with the older reading does not come last.
        self._reading = Lock()

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        # Not waiting: a rotation takes its instant after this work did, whose time no key that signs then holds at.
        with _locked(self.path, fcntl.LOCK_SH | fcntl.LOCK_NB):
            self.refresh()
            yield

    def refresh(self) -> bool:
        """Raises Unavailable when the file cannot be read, or lacks a key of before; the ring stays as it was."""
        with self._reading:
            return self._refresh()

    def _refresh(self) -> bool:
        try:
            found = os.stat(self.path)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if _stamp(found) == self._stamp:
            return False
        keys, stamp = _read(self.path)
        gone = self.fingerprints - {key.fingerprint for key in keys}
        if gone:
            raise Unavailable(
                f"the key ring {self.path} lacks keys that it had ({', '.join(sorted(gone))}): put the right one back. "
                "Until then the keys of before are used",
                slug="key_lacking",
            )
        self.keys, self._stamp = keys, stamp
        return True

    def look_again(self) -> bool:
        now = time.monotonic()
        if now - self._looked < _PACE:
            return False
        self._looked = now
        with suppress(Unavailable):  # `/readyz` tells it; whoever asks has named a key that we do not know.
            return self.refresh()
        return False


def open_ring(settings: Settings, used: Used = dict) -> FiledRing:
    """Reads the ring, or makes it where the settings allow. Raises what `make` raises, saying what to do."""
    path = Path(settings.resolved(settings.signing_key))
    try:
        there = path.exists()
    except OSError as error:
        raise unusable(path, error) from error
    if not there and settings.make_signing_key:
        make(path, used)
    return read_ring(path)


def read_ring(path: Path) -> FiledRing:
    """Reads the ring of a file. Raises Unavailable, saying what to do."""
    return FiledRing(path, *_read(path))


def make(path: Path, used: Used = dict) -> None:
    """Makes a ring where there is none, readable by its owner alone: a key for tokens, another for revisions.

    Raises Unavailable where a database was used with a key already, or with the reason why it cannot be written.
    """
    known = used()
    if known and not path.exists():
        fingerprints = ", ".join(sorted(next(iter(known.values()))))
        raise Unavailable(
            f"the signing key {path} is not there, though {', '.join(known)} were used with one ({fingerprints}): put "
            "it back. If it is lost for good, `living key accept --new` makes another, and says what that means",
            slug="key_lost",
        )
    with _alone(path) as path:
        # Of two processes that start at once, one ring wins.
        if not path.exists():
            # Without dates: the platform's clock may show another year than this machine's.
            _write(path, [Key.fresh(purpose) for purpose in PURPOSES])


def rotate(
    path: Path,
    purpose: Purpose,
    clock: Clock,
    until: datetime | None = None,
    *,
    used: Used = dict,
    last_signed: Callable[[], datetime | None] = lambda: None,
) -> tuple[Key | None, Key]:
    """Has a new key sign from now on; answers the key before, if there was one, and the new one.

    The private half of the key before is forgotten. It goes on checking: revisions that were signed up to now; tokens
    until `until`, or until they end themselves. A revision key that begins later than now, by a clock that was ahead,
    has signed nothing where `last_signed`, the time of the newest revision, is not later: it holds at no time.

    Raises Conflict where a revision was signed later than now, a database knows a key that is not there, or the ring is
    full; Unavailable when the file cannot be read or written.
    """
    with _changing(path, used) as (path, keys):
        last = last_signed() if purpose == "revisions" else None
        # Nobody signs meanwhile: what the key before has signed is from before this instant.
        now = clock.now()
        if last is not None and last > now:
            raise Conflict(
                f"it is {now:%Y-%m-%d %H:%M:%S} UTC by the clock here, and a revision was signed at "
                f"{last:%Y-%m-%d %H:%M:%S} UTC, which would not verify any more: have LIVING_CLOCK be the platform's. "
                "Nothing was changed",
                slug="clock_behind",
            )
        if len(keys) >= MOST:
            raise Conflict(
                f"the key ring {path} has {len(keys)} keys, and whoever reads it or its public halves takes {MOST} at "
                "most: with the platform stopped, take keys out of it whose tokens have all ended (not those of "
                "revisions), mend the number in its last line, and tell with `living key accept`",
                slug="ring_full",
            )
        old = next((key for key in reversed(keys) if key.purpose == purpose and key.private is not None), None)
        if old is not None:
            keys[keys.index(old)] = old = old.ended(now if purpose == "revisions" else until)
        new = Key.fresh(purpose, now)
        _write(path, [*keys, new])
    return old, new


def retire(path: Path, kid: str, clock: Clock, *, used: Used = dict) -> Key:
    """Ends the tokens of a key that signs no more. `kid` may be the beginning of its id.

    Of a key for both purposes the half for revisions stays as it is. Raises NotFound for a key that is none, or not the
    only one; Conflict for one that is for revisions alone, still signs tokens, or has ended.
    """
    with _changing(path, used) as (path, keys):
        now = clock.now()
        key = _of_tokens(keys, kid)
        if key.private is not None:
            raise Conflict(f"the key {key.kid} signs tokens: first `living key rotate --for tokens`", slug="key_signs")
        if key.until is not None and key.until <= now:
            raise Conflict(f"the key {key.kid} has ended already: its tokens open nothing any more")
        keys[keys.index(key)] = ended = key.ended(now)
        _write(path, keys)
    return ended


def _of_tokens(keys: Sequence[Key], kid: str) -> Key:
    named = [key for key in keys if kid and key.kid.startswith(kid)]
    found = [key for key in named if key.purpose == "tokens"]
    if len(found) == 1:
        return found[0]
    if named and not found:
        raise Conflict(
            f"the key {named[0].kid} is for revisions, and signed no token that could end; what it signed verifies for "
            "good. To have another sign revisions: `living key rotate --for revisions`",
            slug="no_token_key",
        )
    several = f"several begin with it: {', '.join(sorted(key.kid for key in found))}"
    why = several if found else "`living key show` shows those there are"
    raise NotFound(f"the ring has no key {kid!r}; {why}", slug="unknown_key")


# Reading


def _read(path: Path) -> tuple[tuple[Key, ...], Stamp]:
    try:
        # Not blocking: a pipe by that name would keep us for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise _damaged(path, "it is no file")
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(content) > _LARGEST:
        raise _damaged(path, f"it has more than {_LARGEST} bytes")
    if _ONE_PEM.fullmatch(content):
        return both((private := _private(path, content)).public_key(), private), _stamp(found)
    return tuple(_keys(path, content.decode(errors="replace"))), _stamp(found)


def _private(path: Path, content: bytes) -> Ed25519PrivateKey:
    """The one key of a file without our mark."""
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable(path, error) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(f"the signing key {path} is not an Ed25519 key; set LIVING_SIGNING_KEY to one in PEM form")
    return key


def _keys(path: Path, content: str) -> Iterator[Key]:
    lines = content.splitlines()
    _require_mark(path, lines[0] if lines else "")
    about: dict[str, str] = {}
    block: list[str] = []
    seen: set[tuple[str, str]] = set()
    ended = False
    for number, line in enumerate(lines, 1):
        name, colon, value = line.partition(": ")
        if ended and line.strip():
            raise _damaged(path, f"line {number} stands after its end")
        if block or line.startswith("-----BEGIN "):
            block.append(line)
            if line.startswith("-----END "):
                key = _key(path, number, about, "\n".join(block) + "\n")
                if (key.kid, key.purpose) in seen:
                    raise _damaged(path, f"line {number} ends a key that is there twice")
                seen.add((key.kid, key.purpose))
                yield key
                about, block = {}, []
        elif colon and name in _NAMES and name not in about:
            about[name] = value
        elif line.startswith("# end:"):
            if line != _END.format(len(seen)) or about or not seen:
                raise _damaged(path, f"line {number} is not the end of {len(seen)} keys, which stand before it")
            ended = True
        elif line.strip() and not line.startswith("#"):
            raise _damaged(path, f"line {number} is not what may stand there")
    if not ended:
        raise _damaged(path, "its end is missing")


def _require_mark(path: Path, first: str) -> None:
    """Raises Unavailable unless a file begins as a ring does. What was a ring must not pass for something else."""
    if first != _MARK and first.startswith(_FORM):
        raise Unavailable(
            f"the key ring {path} is of form {first.removeprefix(_FORM)!r:.40}, and this release reads form 1; start "
            "the release that wrote it, or put a copy of form 1 back"
        )
    if first != _MARK:
        raise Unavailable(
            f"{path} is neither a key ring (its first line would be {_MARK!r}) nor one key in PEM form with nothing "
            "else; put a copy of the ring back, or set LIVING_SIGNING_KEY to where it is"
        )


def _key(path: Path, number: int, about: Mapping[str, str], block: str) -> Key:
    purpose = about.get("for")
    if purpose not in PURPOSES:
        raise _damaged(path, f"the key that ends in line {number} is for none of {', '.join(PURPOSES)}")
    try:
        since, until = (_instant(about.get(name)) for name in ("since", "until"))
        if "PUBLIC" in block.partition("\n")[0]:
            private, public = None, serialization.load_pem_public_key(block.encode())
        else:
            private = serialization.load_pem_private_key(block.encode(), password=None)
            public = private.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _damaged(path, f"the key that ends in line {number} cannot be read ({type(error).__name__})") from error
    if not isinstance(public, Ed25519PublicKey):
        raise _damaged(path, f"the key that ends in line {number} is not an Ed25519 key")
    key = Key(purpose, public, cast("Ed25519PrivateKey | None", private), since, until)
    if about.get("key") != key.kid:
        raise _damaged(path, f"the key that ends in line {number} is not {about.get('key')!r:.40} but {key.kid}")
    return key


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_zoned(text)


def _unreadable(path: Path, error: Exception) -> Unavailable:
    if isinstance(error, FileNotFoundError):
        return Unavailable(
            f"the signing key {path} is not there: put it back, or set LIVING_SIGNING_KEY to where it is. Where there "
            "never was one `living key make` makes it; if it is lost for good, `living key accept --new` makes "
            "another, and says what that means",
            slug="key_lost",
        )
    return Unavailable(
        f"the signing key {path} cannot be read ({type(error).__name__}); "
        "set LIVING_SIGNING_KEY to a key ring, or to an Ed25519 key in PEM form"
    )


def _damaged(path: Path, why: str) -> Unavailable:
    return Unavailable(f"the key ring {path} is damaged: {why}; put a copy of it back")


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_ino, found.st_mtime_ns, found.st_size


# Writing


@contextmanager
def _changing(path: Path, used: Used) -> Iterator[tuple[Path, list[Key]]]:
    """Where the ring lies, and its keys, which nobody changes and nobody signs revisions with meanwhile.

    Raises Conflict for a ring that lacks a key which a database knows.
    """
    with _alone(path) as path:
        # Before signing stops: databases may take their time.
        _require_known(path, used())
        with _locked(path, fcntl.LOCK_EX):
            yield path, list(_read(path)[0])


def _require_known(path: Path, known: Mapping[str, Collection[str]]) -> None:
    there = {key.fingerprint for key in _read(path)[0]}
    lacking = {service: set(keys) - there for service, keys in known.items() if not there.issuperset(keys)}
    if lacking:
        raise Conflict(
            f"the key ring {path} lacks keys that {', '.join(lacking)} were used with "
            f"({', '.join(sorted(set().union(*lacking.values())))}), and is left as it is: put the right one back; or, "
            "if it was changed on purpose, tell with `living key accept`",
            slug="another_key",
        )


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    """Holds a lock on the ring itself, since whoever signs may not be allowed to write beside it. Raises Unavailable
    when it cannot be opened, or another holds it and `how` is not to wait."""
    descriptor = _open_locked(path, how)
    try:
        yield
    finally:
        os.close(descriptor)


def _open_locked(path: Path, how: int) -> int:
    try:
        while True:
            # NFS gives a lock for oneself only on what was opened for writing.
            alone = how & fcntl.LOCK_EX and os.access(path, os.W_OK)
            descriptor = os.open(path, (os.O_RDWR if alone else os.O_RDONLY) | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, how)
                # A change that ended before we had the lock has put another file in the place of this one.
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
    except BlockingIOError as error:
        raise Unavailable(
            f"the key ring {path} is being changed at this moment, and nothing was signed: try again",
            slug="key_changes",
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error


@contextmanager
def _alone(path: Path) -> Iterator[Path]:
    """Keeps other commands from changing the ring meanwhile. Who reads it needs not wait.

    Answers where the ring lies, which is where its draft and its lock do: what links to it stays a link.
    """
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unusable(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield path
    finally:
        os.close(descriptor)


def _write(path: Path, keys: Sequence[Key]) -> None:
    """Puts a whole ring in the place of the one before: written aside, brought to the disk, renamed."""
    draft = path.with_name(f"{path.name}.draft")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            _keep_rights(descriptor, path)
            file.write(_HEAD + "".join(map(_written, keys)) + f"\n{_END.format(len(keys))}\n")
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise unusable(path, error) from error


def _keep_rights(descriptor: int, path: Path) -> None:
    """Whoever may read the ring still may, and nobody else: an administrator often changes it for the platform's own
    user. A new ring is its owner's alone."""
    os.fchmod(descriptor, 0o600)
    with suppress(FileNotFoundError):
        was, is_ = os.stat(path), os.fstat(descriptor)
        if (was.st_uid, was.st_gid) != (is_.st_uid, is_.st_gid):
            os.fchown(descriptor, was.st_uid, was.st_gid)
        # After its group is the right one.
        os.fchmod(descriptor, stat.S_IMODE(was.st_mode) & 0o777)


def _written(key: Key) -> str:
    about = {"key": key.kid, "for": key.purpose, "since": key.since, "until": key.until}
    lines = [
        f"{name}: {value.isoformat() if isinstance(value, datetime) else value}\n"
        for name, value in about.items()
        if value is not None
    ]
    if key.private is None:
        return "\n" + "".join(lines) + key.public_pem
    pem = key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return "\n" + "".join(lines) + pem.decode()
