"""`living key`: the signing key, the databases that know it, and changing it on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from services.cli.commands import AS_JSON, Group, option
from services.cli.context import key_path, require_platform, settings
from services.cli.printing import err, out, print_json, print_rows
from shared.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from shared.keys import SigningKey

app = Group(help="The signing key: which databases know it, and changing it on purpose.")

_MEANS = (
    "With another key every token that was issued ends at once: issue new ones. Revisions that were signed before "
    "can be verified with the old public key only: keep it, and give it to whoever checks them."
)


@app.command("show", example="living key show")
@AS_JSON
def show(as_json: bool) -> None:
    """The fingerprint of the signing key, and the one each service's database was first used with.

    A fingerprint is the SHA-256 of the public key. Exits 1 when a database knows another key, or there is none.
    """
    from shared.keys import SigningKey

    if not key_path().exists():
        require_platform()
    try:
        key, trouble = SigningKey.read(key_path()), None
    except Unavailable as error:
        key, trouble = None, error
    rows = list(_rows(key))
    if as_json:
        print_json({"file": key_path(), "fingerprint": key.fingerprint if key else None, "databases": rows})
    else:
        out.print(f"{key_path()}: {key.fingerprint if key else 'no key'}", soft_wrap=True, highlight=False)
        columns = [("database", lambda row: row["service"]), ("knows", lambda row: row["knows"])]
        print_rows(rows, columns, as_json=False, empty="no database knows a key yet")
    if trouble is not None:
        raise trouble
    if any(not row["same"] for row in rows):
        raise Conflict("a database knows another key: put that one back, or `living key accept`", slug="another_key")


@app.command("accept", example="living key accept --yes\nliving key accept --new --yes")
@option("--new", is_flag=True, help="Make a new key where there is none any more.")
@option("--yes", is_flag=True, help="Do not ask first.")
def accept(new: bool, yes: bool) -> None:
    """Make every database know the key that is there now, after it was changed on purpose.

    With another key every token that was issued ends at once, and revisions that were signed before can be
    verified with the old public key only. Restart the platform afterwards.
    """
    from services.catalog import SERVICES
    from shared.db.tables import Fact
    from shared.keys import SigningKey, make
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
    key = SigningKey.read(key_path())
    for service in SERVICES:
        with checks.opened_if_there(settings(), service, Fact) as database:
            if database is not None:
                with database.session() as session:
                    checks.keep_key(session, key)
                    session.commit()
                out.print(f"{service.name} knows {key.fingerprint}", soft_wrap=True, highlight=False)


def _is_known() -> bool:
    """Whether every service's database knows the key that is there. Raises Unavailable without a key."""
    from services.catalog import SERVICES
    from shared.keys import SigningKey

    rows = list(_rows(SigningKey.read(key_path())))
    return len(rows) == len(SERVICES) and all(row["same"] for row in rows)


def _rows(key: SigningKey | None) -> Iterator[dict[str, Any]]:
    from services.catalog import SERVICES
    from shared.runtime.checks import known_keys

    for service, fingerprint in known_keys(settings(), SERVICES).items():
        yield {"service": service, "knows": fingerprint, "same": key is not None and fingerprint == key.fingerprint}
