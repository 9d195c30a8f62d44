"""`living key`: the key ring, the databases that know it, and changing it on purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

import click

from services.cli.commands import AS_JSON, Group, argument, option
from services.cli.context import client, given, key_path, require_key, require_platform, settings
from services.cli.printing import err, out, plain, print_json, print_rows, second
from shared.errors import Conflict, Invalid, NotFound, Unavailable

if TYPE_CHECKING:
    from sqlmodel import Session

    from shared.clock import Clock
    from shared.keys import Purpose
    from shared.keys.ring import Key, KeyRing

app = Group(help="The platform's own keys: what signs, and how that is changed.")

_MEANS = (
    "With another key every token ends at once; whoever has a key of their own has a new one in a moment. Revisions "
    "that were signed before can be verified with the old public key only: keep it, and give it to whoever checks "
    "them. To have a new key and keep those of before, it is `living key rotate`."
)

_TAKEN_UP = "A platform that runs takes it up within seconds."


@app.command("show", example="living key show")
@AS_JSON
def show(as_json: bool) -> None:
    """The keys of the ring with their dates, and whether each service's database knows them.

    A key's id is the beginning of its fingerprint, the SHA-256 of the public key, which --json has whole. Exits 1 when
    a database knows a key that is not in the ring, or there is no ring.
    """
    from shared.keys.file import read_ring
    from shared.keys.ring import kid_of

    if not key_path().exists():
        require_platform()
    ring: KeyRing | None = None
    trouble: Unavailable | None = None
    try:
        ring = read_ring(key_path())
    except Unavailable as error:
        trouble = error
    keys, rows = [_shown(key) for key in ring.keys] if ring else [], list(_rows(ring))
    if as_json:
        print_json({"file": key_path(), "keys": keys, "databases": rows})
    else:
        out.print(f"{key_path()}{'' if ring else ': no key'}", soft_wrap=True, highlight=False)
        _print_keys(keys)
        columns = [("database", lambda row: row["service"]), ("knows", lambda row: " ".join(map(kid_of, row["knows"])))]
        print_rows(rows, columns, as_json=False, empty="no database knows a key yet")
    if trouble is not None:
        raise trouble
    if any(not row["same"] for row in rows):
        raise Conflict("a database knows another key: put that one back, or `living key accept`", slug="another_key")


@app.command("make", example="LIVING_DATA_DIR=deploy/secrets living key make")
def make() -> None:
    """Make a ring where there is none: a key for tokens and one for revisions, readable by you alone.

    The embedded profile makes its own at its first start. Containers need it before theirs. Where a database was used
    with a key already none is made: that one is put back, or given up with `living key accept --new`.
    """
    from shared.keys.file import make as make_ring

    if key_path().exists():
        raise Conflict(f"there is a key at {key_path()} already; a new one signs after `living key rotate`")
    make_ring(key_path(), _used)
    out.print(f"made {key_path()}", soft_wrap=True, highlight=False)


@app.command("rotate", example="living key rotate --for revisions\nliving key rotate --for tokens --until 2027-01-31")
@option("--for", "purpose", required=True, type=click.Choice(["tokens", "revisions"]), help="What the new key signs.")
@option(
    "--until",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="When tokens of the key before end (UTC); without, each at its own end.",
)
@AS_JSON
def rotate(purpose: Purpose, until: datetime | None, as_json: bool) -> None:
    """Have a new key sign from now on.

    The key before signs nothing more, and its private half is forgotten. What it signed stays valid: revisions for
    good, tokens until they end. Databases and a platform that runs take the new one up by themselves.

    Revision keys are dated by the platform's clock, which LIVING_CLOCK must be here too: a rotation from before the
    newest revision is refused.
    """
    from shared.clock import FileClock
    from shared.keys.file import rotate as have_a_new_key

    if until is not None:
        until = until.replace(tzinfo=UTC)
        if purpose == "revisions":
            raise Invalid("--until is for tokens: a revision verifies for good, by the key of its date")
        if until <= datetime.now(UTC):
            raise Invalid(f"--until {until:%Y-%m-%dT%H:%M} has passed; `living key retire` ends a key's tokens at once")
    require_key()
    clock = _clock(purpose)
    old, new = have_a_new_key(key_path(), purpose, clock, until, used=_used, last_signed=_last_signed)
    if as_json:
        print_json({"before": _shown(old) if old else None, "signs": _shown(new)})
        return
    by = f" (by LIVING_CLOCK, {settings().clock})" if isinstance(clock, FileClock) else ""
    begins = second(new.since) if new.since else "the first"
    out.print(f"{purpose} are signed by {new.kid} from now on, {begins}{by}", soft_wrap=True, highlight=False)
    if old is not None and old.never_holds:
        out.print(f"{old.kid} would have begun later, and has signed nothing", highlight=False)
    elif old is not None:
        holds = "verify as before" if purpose == "revisions" else f"hold until {second(until) if until else 'they end'}"
        out.print(f"those of {old.kid} {holds}", highlight=False)
    out.print(_TAKEN_UP)


@app.command("retire", example="living key retire 3f0c2a9b61d4e875")
@argument("kid", "The key, by its id or the beginning of it; `living key show` lists them.")
@AS_JSON
def retire(kid: str, as_json: bool) -> None:
    """End a key's tokens now, such as when one was lost: all tokens that it signed open nothing any more.

    A key that still signs is rotated first. Revisions that it signed verify as before.
    """
    from shared.keys.file import retire as end

    require_key()
    ended = end(key_path(), kid, _clock("tokens"), used=_used)
    if as_json:
        print_json(_shown(ended))
    else:
        out.print(f"tokens of {ended.kid} open nothing any more. {_TAKEN_UP}", highlight=False)


@app.command("public", example="living key public\nliving key public --json")
@argument("kid", "The key, by its id; the one that signs revisions without.", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the set of all keys, as /signing-keys has it.")
def public(kid: str | None, as_json: bool) -> None:
    """Print public keys, for whoever verifies revisions (`living synthesis verify --file F --key K`).

    The set has every key with its dates, and is what to give away; a key alone is in PEM form. One without `since`
    holds from the beginning, one without `until` still does. Where no ring is on this machine, they are those that the
    platform at LIVING_URL has published.
    """
    from shared.keys.published import key_set

    ring = _public_ring()
    if as_json:
        print_json(key_set(ring))
        return
    key = next((it for it in ring.keys if it.kid == kid), None) if kid else ring.newest("revisions")
    if key is None:
        raise NotFound(f"the ring has no key {kid or 'for revisions'}; `living key show` shows those there are")
    click.echo(key.public_pem, nl=False)


@app.command("accept", example="living key accept --yes\nliving key accept --new --yes")
@option("--new", is_flag=True, help="Make a new ring where there is none any more.")
@option("--yes", is_flag=True, help="Do not ask first.")
def accept(new: bool, yes: bool) -> None:
    """Make every database know the ring that is there now, after it was replaced on purpose.

    A rotation needs none of this. With another key every token that was issued ends at once, and revisions that were
    signed before can be verified with the old public key only. Restart the platform afterwards.
    """
    from services.catalog import SERVICES
    from shared.db.tables import FactRow
    from shared.keys.file import make, read_ring
    from shared.runtime import checks

    if not new and _is_known():
        out.print("every database knows the key that is there: nothing to do")
        return
    err.print(_MEANS, style="yellow")
    if not yes:
        click.confirm("Is the key changed on purpose?", abort=True, err=True)
    if new and key_path().exists():
        raise Conflict(f"there is a key at {key_path()}: move it away first, and keep it")
    if new:
        make(key_path())
    ring = read_ring(key_path())
    for service in SERVICES:
        with checks.opened_if_there(settings(), service, FactRow) as database:
            if database is not None:
                with database.session() as session:
                    checks.keep_key(session, ring)
                    session.commit()
                known = ", ".join(sorted(ring.fingerprints))
                out.print(f"{service.name} knows {known}", soft_wrap=True, highlight=False)


def _public_ring() -> KeyRing:
    """The ring of this machine; where there is none, the public halves that the platform at LIVING_URL has published.
    Raises NotFound where there is neither."""
    from shared.keys.file import read_ring
    from shared.keys.published import read_keys

    if key_path().is_file() or not given().get("living_url"):
        return read_ring(require_key())
    with client() as living:
        return read_keys(json.dumps(plain(living.operations.signing_keys())).encode())


def _is_known() -> bool:
    """Whether every service's database knows the key that is there. Raises Unavailable without a key."""
    from services.catalog import SERVICES
    from shared.keys.file import read_ring

    rows = list(_rows(read_ring(key_path())))
    return len(rows) == len(SERVICES) and all(row["same"] for row in rows)


class _KeyShown(TypedDict):
    """A key without its halves."""

    kid: str
    purpose: str
    signs: bool
    retired: bool
    since: str | None
    until: str | None
    fingerprint: str


def _shown(key: Key) -> _KeyShown:
    return {
        "kid": key.kid,
        "purpose": key.purpose,
        "signs": key.private is not None,
        "retired": key.purpose == "tokens" and key.until is not None and key.until <= datetime.now(UTC),
        "since": key.since.isoformat() if key.since else None,
        "until": key.until.isoformat() if key.until else None,
        "fingerprint": key.fingerprint,
    }


def _print_keys(keys: list[_KeyShown]) -> None:
    columns = [
        ("key", lambda row: row["kid"]),
        ("for", lambda row: row["purpose"]),
        ("now", lambda row: "retired" if row["retired"] else "signs" if row["signs"] else "checks"),
        ("since", lambda row: second(row["since"]) if row["since"] else "the first"),
        ("until", lambda row: second(row["until"]) if row["until"] else ""),
    ]
    print_rows(keys, columns, as_json=False, empty="")


def _clock(purpose: Purpose) -> Clock:
    """The clock of this purpose's dates: revisions are dated by the platform's, tokens end by the machine's."""
    from shared.clock import SystemClock, open_clock

    return open_clock(settings().resolved(settings().clock)) if purpose == "revisions" else SystemClock()


def _used() -> dict[str, frozenset[str]]:
    """By service, the keys that its database was used with. Raises Unavailable while one cannot be asked."""
    from services.catalog import SERVICES
    from shared.runtime.checks import known_keys

    return known_keys(settings(), SERVICES)


def _last_signed() -> datetime | None:
    """When the newest revision was signed. Raises Unavailable while that cannot be asked."""
    from services.synthesis.manifest import SERVICE
    from services.synthesis.models import RevisionRow
    from shared.runtime.checks import asked_if_there

    return asked_if_there(settings(), SERVICE, RevisionRow, _newest)


def _newest(session: Session) -> datetime | None:
    """When the newest of all revisions was signed, as their listings say; None where there is none. A listing that was
    spoiled is of a revision that does not verify, and counts for none."""
    from sqlalchemy import select
    from sqlmodel import col

    from services.synthesis.models import RevisionRow
    from shared.clock import parse_instant

    signed = []
    for head in session.execute(select(col(RevisionRow.head))).scalars():
        with suppress(KeyError, TypeError, ValueError):
            signed.append(parse_instant(head["signed_at"]))
    return max(signed, default=None)


class _Row(TypedDict):
    """A service's database: the fingerprints it knows, and whether all of them are in the ring."""

    service: str
    knows: list[str]
    same: bool


def _rows(ring: KeyRing | None) -> Iterator[_Row]:
    for service, known in _used().items():
        same = ring is not None and known <= ring.fingerprints
        yield {"service": service, "knows": sorted(known), "same": same}
