"""Mail: where the links in it lead. Whoever reads it says that they want it, or no more of it, without signing in."""

from __future__ import annotations

from services.web.faults import errors_of
from services.web.page import Asked, Drawn, Page, Pages
from shared.errors import Conflict, LivingError
from shared.wire.notify import MailSubscription

pages = Pages()


@pages.page("/mail/{subscription}/{token}", open_to="anybody")
async def show_mail(asked: Asked) -> Drawn:
    """What the link is about. To look at it says nothing: programs that read mail open links, too."""
    return await _mail(asked)


@pages.form("/mail/{subscription}/{token}", open_to="anybody")
async def answer_mail(asked: Asked) -> Drawn:
    """Does the one thing that the link opens."""
    notify, link = asked.nobody.notify, (asked.path["subscription"], asked.path["token"])
    found = await notify.mail_subscription(*link)
    try:
        said = await (notify.confirm_mail if found.opens == "confirm" else notify.leave_mail)(*link)
    except Conflict as error:
        return _drawn(found, error)
    return _drawn(said)


async def _mail(asked: Asked) -> Page:
    return _drawn(await asked.nobody.notify.mail_subscription(asked.path["subscription"], asked.path["token"]))


def _drawn(found: MailSubscription, error: LivingError | None = None) -> Page:
    return Page("mail.html", {"found": found, "errors": errors_of(error)}, 200 if error is None else 422)
