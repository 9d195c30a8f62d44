"""The account: how I sign in, and where I am signed in, each of which I can end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from starlette.responses import RedirectResponse

from services.web import door, drawing, policy, shortcuts
from services.web.faults import errors_of
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.pages.entrance import signed_out
from services.web.written import whole
from shared.errors import Conflict, Invalid, LivingError
from shared.shortcuts import PRESETS
from shared.wire.people import KeyMade, Scope

pages = Pages()


@pages.page("/account", allowed=("scripts",))
async def show_account(asked: Asked) -> Drawn:
    return await _account(asked)


@pages.form("/account/password", labels={"password": "account.new_password"})
async def change_password(asked: Asked) -> Drawn:
    password = asked.form.get("password")
    try:
        given = {"sign_in_as": asked.text("sign_in_as"), "password": password if isinstance(password, str) else ""}
        await asked.api.people.set_password(given)
    except (Invalid, Conflict) as error:
        return await _account(asked, error)
    return Go(drawing.url("account", done="password"))


#: What the form of a new key calls its fields.
_OF_KEY = {"name": "account.key_name", "days": "account.key_days", "scopes": "account.key_for"}


@pages.form("/account/keys", allowed=("scripts",), labels=_OF_KEY)
async def make_key(asked: Asked) -> Drawn:
    """Makes a key by which a program or the command line acts for me. The page that answers alone ever shows it."""
    try:
        wish: dict[str, object] = {"name": asked.text("name"), "days": whole(asked.text("days") or "90", "days")}
        if scopes := asked.texts("scopes"):
            wish["scopes"] = scopes
        made = await asked.api.people.make_key(wish)
    except (Invalid, Conflict) as error:
        return await _account(asked, error, of_key=True)
    return await _account(asked, made=made)


@pages.form("/account/keys/{key}/end")
async def end_key(asked: Asked) -> Drawn:
    """Ends a session or a key of mine, wherever it is used."""
    me = await asked.api.people.me()
    try:
        await asked.api.people.withdraw_key(asked.path["key"])
    except Conflict as error:
        if error.slug != "already_withdrawn":  # As where the same form came before, and its answer was lost.
            raise
    return signed_out(asked) if me.key == asked.path["key"] else Go(drawing.url("account", done="ended"))


@pages.page("/account/shortcuts", allowed=("scripts",))
async def show_shortcuts(asked: Asked) -> Drawn:
    """Which keys I screen by, in this browser."""
    return _shortcuts(asked, shortcuts.said_by(asked))


@pages.form("/account/shortcuts")
async def choose_shortcuts(asked: Asked) -> Drawn:
    """Keeps them in this browser alone."""
    said = {name: asked.text(name).lower() for name in ("like", *shortcuts.LEADS, *shortcuts.DOES)}
    try:
        cookie = shortcuts.kept(said)
    except Invalid as error:
        return _shortcuts(asked, said, error)
    to = door.within(asked.text("to"), drawing.url("account", "shortcuts", done="kept"))
    answer = RedirectResponse(to, 303, headers=policy.headers())
    asked.web.door.keep_keys(answer, cookie)
    return answer


def _shortcuts(asked: Asked, said: Mapping[str, str], error: LivingError | None = None) -> Page:
    given = {
        "said": said, "like": said.get("like") or shortcuts.USUAL, "presets": PRESETS, "leads": shortcuts.LEADS,
        "does": shortcuts.DOES, "to": asked.text("to") or door.within(asked.query.get("to"), ""),
        "errors": errors_of(error), "done": asked.query.get("done", ""),
    }  # fmt: skip
    return Page("shortcuts.html", given, 200 if error is None else 422)


async def _account(
    asked: Asked, error: LivingError | None = None, *, of_key: bool = False, made: KeyMade | None = None
) -> Page:
    me = await asked.api.people.me()
    mine = asked.api.people.keys()
    keys = [key async for key in mine if key.withdrawn_at is None]
    errors = errors_of(error)
    given = {
        "me": me, "keys": keys, "errors": [] if of_key else errors, "done": asked.query.get("done", ""), "made": made,
        "of_key": errors if of_key else [], "scopes": get_args(Scope), "filled": asked.form,
    }  # fmt: skip
    return Page("account.html", given, 200 if error is None else 422)
