"""People: who belongs to a review, inviting somebody, another role, and an end."""

from __future__ import annotations

import asyncio

from services.web import drawing
from services.web.faults import errors_of
from services.web.page import Asked, Drawn, Go, Page, Pages
from services.web.written import whole
from shared.errors import Conflict, Forbidden, Invalid, LivingError, NotFound
from shared.tokens import OF_MEMBERS
from shared.wire.people import InvitationView, Invited, MemberView

pages = Pages()


@pages.page("/reviews/{review}/people", allowed=("scripts",))
async def show_people(asked: Asked) -> Drawn:
    return await _people(asked)


@pages.form("/reviews/{review}/people/invite", allowed=("scripts",), labels={"days": "people.days"})
async def invite(asked: Asked) -> Drawn:
    """Makes a link for one person. The page that answers is the only one that ever shows it; the same form again shows
    another of the same invitation, and that one counts no more."""
    try:
        wish = {"role": asked.text("role"), "days": whole(asked.text("days") or "7", "days")}
        invited = await asked.api.people.invite(asked.path["review"], wish)
    except (Invalid, Conflict) as error:
        return await _people(asked, error=error)
    return await _people(asked, invited=invited)


@pages.form("/reviews/{review}/people/{person}/role")
async def change_role(asked: Asked) -> Drawn:
    try:
        await asked.api.people.change_role(asked.path["review"], asked.path["person"], asked.text("role"))
    except (Invalid, Conflict) as error:
        return await _people(asked, error=error)
    return Go(_here(asked, done="changed"))


@pages.page("/reviews/{review}/people/{person}/end")
async def ask_end_of_membership(asked: Asked) -> Drawn:
    """Asks once more before a membership ends, and says what that does."""
    review, person = asked.path["review"], asked.path["person"]
    me, members, _ = await asyncio.gather(
        asked.api.people.me(), _members(asked, review), asked.first(asked.api.people.invitations(review), 1)
    )
    member = next((it for it in members if it.person == person), None)
    if member is None:
        raise NotFound(f"{person!r} is no member")
    given = {"review": review, "member": member, "me": me}
    return Page("end-membership.html", given)


@pages.form("/reviews/{review}/people/{person}/end")
async def end_membership(asked: Asked) -> Drawn:
    """Ends a membership. What they hold goes back to the queue, what they decided stands."""
    try:
        await asked.api.people.remove(asked.path["review"], asked.path["person"])
    except Conflict as error:
        return await _people(asked, error=error)
    return Go(_here(asked, done="ended"))


@pages.form("/reviews/{review}/people/invitations/{invitation}/end")
async def end_invitation(asked: Asked) -> Drawn:
    try:
        await asked.api.people.withdraw_invitation(asked.path["review"], asked.path["invitation"])
    except Conflict as error:
        return await _people(asked, error=error)
    return Go(_here(asked, done="withdrawn"))


@pages.page("/reviews/{review}/people/publicity")
async def ask_publicity(asked: Asked) -> Drawn:
    """Asks once more before a review is made public, or private again, and says what that does."""
    review = asked.path["review"]
    about, _ = await asyncio.gather(
        asked.api.people.review(review), asked.first(asked.api.people.invitations(review), 1)
    )
    return Page("publicity.html", {"review": review, "about": about})


@pages.form("/reviews/{review}/people/publicity")
async def change_publicity(asked: Asked) -> Drawn:
    """Lets anybody read what the review has published, or its members alone."""
    public = asked.text("public") == "yes"
    await asked.api.people.set_public(asked.path["review"], public)
    asked.web.api.forget_review(asked.path["review"])
    return Go(_here(asked, done="public" if public else "closed"))


async def _people(asked: Asked, *, invited: Invited | None = None, error: LivingError | None = None) -> Page:
    review = asked.path["review"]
    me, about, waiting, members = await asyncio.gather(
        asked.api.people.me(), asked.api.people.review(review), _waiting(asked, review), _members(asked, review)
    )
    typed = {name: asked.text(name) for name in ("role", "days")} if error is not None else {}
    given = {
        "review": review, "about": about, "me": me, "members": members, "waiting": waiting, "invited": invited,
        "roles": OF_MEMBERS, "typed": typed, "errors": errors_of(error), "query": asked.query,
    }  # fmt: skip
    return Page("people.html", given, 200 if error is None else 422)


async def _members(asked: Asked, review: str) -> list[MemberView]:
    return [it async for it in asked.api.people.members(review)]


async def _waiting(asked: Asked, review: str) -> list[InvitationView] | None:
    """The invitations that nobody has used yet; None for somebody who invites nobody."""
    try:
        return [
            it async for it in asked.api.people.invitations(review) if it.used_at is None and it.withdrawn_at is None
        ]
    except Forbidden:
        return None


def _here(asked: Asked, **said: str) -> str:
    return drawing.url("reviews", asked.path["review"], "people", **said)
