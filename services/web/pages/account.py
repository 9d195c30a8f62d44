"""The account: how I sign in, and where I am signed in, each of which I can end."""

from __future__ import annotations

from services.web import drawing
from services.web.ballots import errors_of
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.pages.entrance import signed_out
from shared.errors import Conflict, Invalid, LivingError

pages = Pages()


@pages.page("/account")
async def show_account(asked: Asked) -> Drawn:
    return await _account(asked)


@pages.form("/account/password")
async def change_password(asked: Asked) -> Drawn:
    password = asked.form.get("password")
    try:
        given = {"sign_in_as": asked.text("sign_in_as"), "password": password if isinstance(password, str) else ""}
        await asked.api.people.set_password(given)
    except (Invalid, Conflict) as error:
        return await _account(asked, error)
    return Go(drawing.url("account", done="password"))


@pages.form("/account/keys/{key}/end")
async def end_key(asked: Asked) -> Drawn:
    """Ends a session or a key of mine, wherever it is used."""
    me = await asked.api.people.me()
    await asked.api.people.withdraw_key(asked.path["key"])
    return signed_out(asked) if me.key == asked.path["key"] else Go(drawing.url("account", done="ended"))


async def _account(asked: Asked, error: LivingError | None = None) -> Page:
    me = await asked.api.people.me()
    mine = asked.api.people.keys()
    keys = [key async for key in mine if key.withdrawn_at is None]
    given = {"me": me, "keys": keys, "errors": errors_of(error), "done": asked.query.get("done", "")}
    return Page("account.html", given, 200 if error is None else 422)
