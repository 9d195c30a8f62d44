"""Signing in to pages: a password, and the session that it begins, which is a key of some hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.people import store
from services.people.commands import keys
from services.people.commands.standing import machine_now, require_whole_key
from services.people.domain import secrets
from services.people.domain.names import clean, look_of
from services.people.models import FailureRow, KeyRow, SignInRow
from shared.db.work import Work
from shared.errors import Conflict, TooMany
from shared.pauses import pause_after
from shared.tokens import Person
from shared.wire.people import NewPassword, SignIn

#: Wrong passwords after which the next try has to wait, first so many seconds, and at most a quarter of an hour.
_FREE, _FIRST, _LONGEST = 5, 2.0, 900.0


def set_password(work: Work, given: NewPassword, hashed: str, person: Person) -> None:
    """Keeps how somebody signs in. `hashed` was made before this work began, since it takes a while. Raises Conflict
    for a name that looks like one that is taken."""
    require_whole_key(work, person)
    name = clean(given.sign_in_as, at="sign_in_as")
    taken, own = store.sign_in(work, look_of(name)), store.sign_in_of(work, person.id)
    if taken is not None and taken.person != person.id:
        why = "looks like a name that somebody signs in by; take another"
        raise Conflict(f"sign_in_as: {why}", slug="looks_alike", errors=[{"at": "sign_in_as", "why": why}])
    if own is None:
        work.add(SignInRow(person=person.id, look=look_of(name), hashed=hashed, changed_at=work.now))
    else:
        own.look, own.hashed, own.changed_at = look_of(name), hashed, work.now
    store.forget_failures(work, _named(name))


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of holding a password against the hash that was kept of it, `kept`; None where there is nobody."""

    kept: str | None
    fits: bool


def kept_of(work: Work, given: SignIn) -> str | None:
    """The hash to hold a password against; None where nobody has the name. Raises TooMany while too many tries have
    failed, whether somebody has it or not."""
    _require_patience(store.failures(work, _named(given.sign_in_as)))
    row = store.sign_in(work, look_of(given.sign_in_as))
    return row.hashed if row is not None else None


def sign_in(work: Work, given: SignIn, checked: Checked) -> tuple[KeyRow, str] | None:
    """Begins a session; None for a wrong name or password, of which the failure is kept. The password was checked
    before this work began, since that takes a while. Raises TooMany as before."""
    named = _named(given.sign_in_as)
    failed, row = store.failures_to_change(work, named), store.sign_in(work, look_of(given.sign_in_as))
    _require_patience(failed)
    # Another password, set meanwhile, is none that was checked.
    if not checked.fits or row is None or row.hashed != checked.kept:
        _count_failure(work, named, failed)
        return None
    store.forget_failures(work, named)
    work.actor = row.person
    secret = secrets.fresh()
    days = keys.SESSION_HOURS / 24
    return keys.make_for(work, row.person, kind="session", name="signed in", secret=secret, days=days), secret


def _require_patience(failed: FailureRow | None) -> None:
    if failed is not None and failed.not_before is not None and failed.not_before > machine_now():
        seconds = (failed.not_before - machine_now()).total_seconds()
        raise TooMany(f"too many wrong passwords: try again in {seconds:.0f} seconds")


def _named(name: str) -> str:
    """What failures by a name are kept under."""
    return secrets.hashed(look_of(name))


def _count_failure(work: Work, named: str, failed: FailureRow | None) -> None:
    if failed is None:
        failed = work.add(FailureRow(hashed=named, failures=0, at=machine_now()))
    failed.failures, failed.at = failed.failures + 1, machine_now()
    over = failed.failures - _FREE
    if over >= 0:
        failed.not_before = machine_now() + timedelta(seconds=pause_after(over + 1, first=_FIRST, longest=_LONGEST))
