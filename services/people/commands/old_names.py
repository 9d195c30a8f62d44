"""Old names: whose the names are under which people acted in a review before they had ids. Said once, by a lead."""

from __future__ import annotations

from services.people import store
from services.people.commands import members
from services.people.commands.standing import lock_review, require_role
from services.people.domain.names import clean, look_of
from services.people.models import OldNameRow, PersonRow, ReviewRow
from shared.db.work import Work
from shared.errors import Conflict, Invalid, NotFound
from shared.events.bounds import fault_of_id
from shared.events.people import NameMapped
from shared.ids import is_old_name, new_id
from shared.tokens import Person
from shared.wire.people import NewMapping


def map_name(work: Work, review: str, wish: NewMapping, person: Person) -> OldNameRow:
    """Says whose an old name is, and tells it once: a member's, of now or before; or somebody's who is no member yet,
    and is one of before from now on, so that nobody else comes in under a name that looks like theirs. What is said
    already is answered as it is.

    Raises Invalid for what is no old name, and for one under which nobody can be shown; NotFound (`unknown_member`);
    Conflict for a name that is another's (`name_mapped`), and for one that looks like a member's (`looks_alike`), whose
    `errors` have that member as `person` and `called`.
    """
    held = lock_review(work, review)
    require_role(work, person, review, "lead")
    _require_old_name(wish)
    known = store.old_name(work, review, wish.name)
    if known is not None:
        _require_same(work, known, wish)
        return known
    whose = _member(work, review, wish.person) if wish.person is not None else _somebody_new(work, held, wish)
    row = work.add(OldNameRow(review=review, name=wish.name, person=whose, mapped_at=work.now, mapped_by=work.actor))
    work.session.flush()
    work.emit(NameMapped(review=review, name=wish.name, person=whose))
    return row


def _require_old_name(wish: NewMapping) -> None:
    if fault := fault_of_id(wish.name):
        raise Invalid.of("name", fault)
    if not is_old_name(wish.name):
        raise Invalid.of("name", "is an id or the platform's own, and no name under which somebody acted")
    if wish.person is not None and wish.call is not None:
        raise Invalid.of("call", "is for somebody new; leave it out with a `person`, who has a name")


def _require_same(work: Work, known: OldNameRow, wish: NewMapping) -> None:
    """Raises Conflict where a name that is somebody's should be another's, or theirs who is called nothing any more."""
    if known.name != wish.name:
        raise Conflict(f"{wish.name!r} is said to be somebody's, whose name was erased", slug="name_mapped")
    other = wish.person not in (None, known.person)
    if wish.call is not None:
        other = store.person(work, known.person).name != clean(wish.call, "call")
    if other:
        raise Conflict(
            f"{wish.name!r} is {known.person}'s since {known.mapped_at:%Y-%m-%d %H:%M} UTC, which {known.mapped_by} "
            "said; a name is somebody's once",
            slug="name_mapped",
        )


def _member(work: Work, review: str, person_id: str) -> str:
    if store.member(work, review, person_id) is None:
        why = f"review {review!r} has no member {person_id!r}, of now or before"
        raise NotFound(f"person: {why}", slug="unknown_member", errors=[{"at": "person", "why": why}])
    return person_id


def _somebody_new(work: Work, review: ReviewRow, wish: NewMapping) -> str:
    """Somebody who acted in a review and is no member of it: they may come back as themselves, by an admin's link."""
    at, name = ("name", _shown(wish.name)) if wish.call is None else ("call", clean(wish.call, "call"))
    look = look_of(name)
    _require_unlike(work, review.review, look, at)
    somebody = work.add(PersonRow(id=new_id("person"), name=name, since=work.now))
    members.enroll(work, review, somebody.id, "reviewer", look=look, left_at=work.now)
    return somebody.id


def _shown(name: str) -> str:
    """An old name as its person is shown by it. Raises Invalid where nobody can be."""
    try:
        return clean(name)
    except Invalid as error:
        why = f"{error.errors[0]['why']}: say whose it is by `person`, or what to call them by `call`"
        raise Invalid.of("name", why, slug=error.slug) from error


def _require_unlike(work: Work, review: str, look: str, at: str) -> None:
    """Raises Conflict for the look of a member, of now or before. A lead may know whose it is."""
    alike = store.member_like(work, review, look)
    if alike is None:
        return
    called = store.names(work, [alike.person])[alike.person]
    why = (
        f"looks like {called!r}, which is what {alike.person} is called: say that `person` where it is theirs, or what "
        "else to call somebody by `call`"
    )
    more = {"person": alike.person, "called": called}
    raise Conflict(f"{at}: {why}", slug="looks_alike", errors=[{"at": at, "why": why, **more}])
