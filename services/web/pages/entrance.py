"""The entrance: signing in and out, and coming in by an invitation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from services.web import door, drawing, policy
from services.web.faults import errors_of
from services.web.forms import LARGEST
from services.web.page import FILE, PROOF, SECRET, Asked, Drawn, Go, Look, Page, Pages
from shared.errors import Conflict, Invalid, LivingError, NotFound, TooMany, Unauthenticated

pages = Pages()


@pages.page("/sign-in", open_to="anybody")
async def show_sign_in(asked: Asked) -> Drawn:
    return _sign_in(door.within(asked.query.get("to")), ended="ended" in asked.query)


# A form that was sent when a session had ended comes within this one, where it takes more room than it did by itself.
@pages.form("/sign-in", open_to="anybody", once=False, largest=3 * LARGEST)
async def sign_in(asked: Asked) -> Drawn:
    """Begins a session; one that the browser brought is over, so that nobody is given one that somebody else knows."""
    to, name = door.within(asked.text("to")), asked.text("sign_in_as")
    sent = _sent(asked.text("sent"))  # Before a session begins, whose key is handed out with what comes of it.
    try:
        begun = await asked.nobody.people.sign_in({"sign_in_as": name, "password": _password(asked)})
    except (Unauthenticated, Invalid, TooMany) as error:
        return _sign_in(to, sent=asked.text("sent"), sign_in_as=name, error=error)
    return await _let_in(asked, begun.key, to, sent)


@pages.form("/sign-out")
async def sign_out(asked: Asked) -> Drawn:
    """Ends the session, everywhere."""
    me = await asked.api.people.me()
    if me.key is not None:
        await asked.api.people.withdraw_key(me.key)
    return signed_out(asked)


def signed_out(asked: Asked) -> Response:
    """To the entrance, without the session, which is over."""
    if asked.session is not None:
        asked.web.api.forget(asked.session)
    answer = RedirectResponse(drawing.url("sign-in"), 303, headers=policy.headers())
    asked.web.door.let_out(answer)
    # What pages keep in a browser while its line is lost is of whoever was signed in.
    answer.headers["Clear-Site-Data"] = '"storage"'
    return answer


@pages.page("/join", open_to="anybody", allowed=("scripts",))
async def show_join(asked: Asked) -> Drawn:
    """Where an invitation leads. What follows the # of its link is known to the browser alone until it is sent."""
    return _join(asked)


@pages.form("/join", open_to="anybody", allowed=("scripts",), labels={"name": "join.name"})
async def join(asked: Asked) -> Drawn:
    """Comes in by an invitation: as whoever is signed in, or as somebody new, who says how to sign in from now on."""
    link, name, password = asked.text("invitation"), asked.text("name"), _password(asked)
    try:
        if asked.session is not None:
            with asked.done_once():
                arrived = await asked.api.people.join(link)
            asked.web.api.forget(asked.session)
            return Go(_where(arrived.review))
        if len(password) < 12:
            raise Invalid.of("password", drawing.text("join.short"))
        # The same link from the same browser is answered the same, also where what follows here did not come to be.
        new = {"invitation": link, "name": name, "secret": door.secret_for(asked.visitor, link)}
        arrived = await asked.nobody.people.accept(new | {"key_name": drawing.text("join.key")})
        assert arrived.key is not None  # Who comes in as somebody new gets one.
        known = await asked.web.api.of(arrived.key.key)
        await known.people.set_password({"sign_in_as": name, "password": password})
        begun = await asked.nobody.people.sign_in({"sign_in_as": name, "password": password})
        # The first key was for this alone: what is kept is the session.
        await known.people.withdraw_key(arrived.key.id)
    except (Invalid, Conflict, NotFound) as error:
        return _join(asked, link=link, name=name, error=error)
    return await _let_in(asked, begun.key, _where(arrived.review))


@dataclass(frozen=True)
class _Sent:
    """A form that was sent before: its fields, and what of it must be given anew."""

    fields: list[tuple[str, str]]
    anew: list[str]


async def _let_in(asked: Asked, key: str, to: str, sent: _Sent | None = None) -> Response:
    """Keeps the session and goes on; where a form was sent when the one before had ended, whoever is here now is shown
    it, and sends it once more if it is theirs."""
    if sent is None:
        answer: Response = RedirectResponse(to, 303, headers=policy.headers())
    else:
        me = await asked.web.api.me_of(key)
        answer = Look(asked.web, (), asked.request, key, asked.visitor).went_on(
            to, sent.fields, sent.anew, me.name or me.person
        )
    asked.web.door.let_in(answer, key)
    return answer


def _sent(text: str) -> _Sent | None:
    """A form that was sent before, as a page of ours wrote it down; None where there is none."""
    try:
        kept = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    if not (isinstance(kept, dict) and isinstance(kept.get("fields"), list) and isinstance(kept.get("anew"), list)):
        return None
    pairs = [it for it in kept["fields"] if isinstance(it, list) and len(it) == 2 and all(map(_is_written, it))]
    fields = [(name, value) for name, value in pairs if name != PROOF]
    return _Sent(fields, [name for name in (*sorted(SECRET), FILE) if name in kept["anew"]])


def _is_written(value: object) -> bool:
    """Whether it is text as a browser sends it, which holds no half of a character."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _password(asked: Asked) -> str:
    value = asked.form.get("password")
    return value if isinstance(value, str) else ""


def _where(review: str) -> str:
    return "/" if review == "*" else drawing.url("reviews", review)


def _sign_in(
    to: str, *, sent: str = "", sign_in_as: str = "", ended: bool = False, error: LivingError | None = None
) -> Page:
    given: dict[str, Any] = {
        "to": to,
        "sent": sent,
        "sign_in_as": sign_in_as,
        "ended": ended,
        "errors": errors_of(error),
    }
    return Page("sign-in.html", given, 200 if error is None else 422)


def _join(asked: Asked, *, link: str = "", name: str = "", error: LivingError | None = None) -> Page:
    given = {"link": link, "name": name, "errors": errors_of(error)}
    return Page("join.html", given, 200 if error is None else 422)
