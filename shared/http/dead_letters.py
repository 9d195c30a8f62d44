"""The routes every service has for what does not work as it is: its dead letters, and the keys they hold."""
# No postponed annotations here: FastAPI must see the types that `routes` makes.

from collections.abc import Callable, Sequence
from typing import Any, Literal

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from sqlmodel import Session

from shared.bus import dead_letters
from shared.db.tables import DeadLetter, HeldKey, ParkedEvent
from shared.db.work import Work
from shared.errors import Conflict, LivingError, NotFound, Unavailable
from shared.http.auth import Admin
from shared.http.paging import Cursor, Limit, Page, decode_cursor, encode_cursor
from shared.http.parameters import Name, Word
from shared.http.route import Route
from shared.http.units import reading_of, unit_of
from shared.service import Service
from shared.tokens import Person
from shared.wire.common import (
    DeadLetterDecision,
    DeadLetterGroup,
    DeadLetterText,
    DeadLetterView,
    Discard,
    DiscardGroup,
    GivenUp,
    GiveUpKey,
    GiveUpReview,
    GroupDecision,
    HeldKeyView,
    RetryGroup,
)

State = Literal["waiting", "retried", "discarded"]


def routes(service: Service) -> APIRouter:
    """The dead letters and held keys of one service.

    An admin whose token holds for some reviews sees and decides only what is of these; what could not be read is of
    none, and for admins of all reviews.
    """
    router = APIRouter(prefix=f"/{service.name}", tags=[service.name], route_class=Route)
    Reading, Unit = reading_of(service.name), unit_of(service.name)

    @router.get("/dead-letters", operation_id=f"{service.name}_dead_letters")
    def list_dead_letters(
        work: Reading,
        person: Admin,
        state: State = "waiting",
        type: Word | None = None,
        slug: Word | None = None,
        review: Word | None = None,
        group: Word | None = None,
        cursor: Cursor | None = None,
        limit: Limit = 100,
    ) -> Page[DeadLetterView]:
        """Deliveries that do not work as they are, oldest first: all, of a type, a kind of reason, a review, a group
        of one cause."""
        query = select(DeadLetter).where(DeadLetter.state == state, *_may_see(person))
        for column, value in ((DeadLetter.type, type), (DeadLetter.slug, slug), (DeadLetter.review, review)):
            query = query if value is None else query.where(column == value)
        if group is not None:
            try:
                query = query.where(*dead_letters.of_group(work.session, group, state))
            except NotFound:
                return Page(items=[])
        place = decode_cursor(cursor, str)
        if place is not None:
            query = query.where(DeadLetter.id > place[0])
        letters = list(work.session.execute(query.order_by(DeadLetter.id).limit(limit + 1)).scalars())
        more, letters = len(letters) > limit, letters[:limit]
        return Page(items=[_view(letter) for letter in letters], next=encode_cursor(letters[-1].id) if more else None)

    @router.get("/dead-letters/groups", operation_id=f"{service.name}_dead_letter_groups")
    def list_groups(
        work: Reading, person: Admin, cursor: Cursor | None = None, limit: Limit = 100
    ) -> Page[DeadLetterGroup]:
        """The waiting letters by what they have in common: type, reason and place in the code."""
        start = (decode_cursor(cursor, int) or [0])[0]
        groups = dead_letters.groups(work.session, *_may_see(person))
        some = groups[start : start + limit]
        return Page(
            items=[DeadLetterGroup(**group) for group in some],
            next=encode_cursor(start + limit) if len(groups) > start + limit else None,
        )

    @router.get("/dead-letters/{letter}", operation_id=f"{service.name}_dead_letter")
    def show_dead_letter(letter: Name, work: Reading, person: Admin) -> DeadLetterText:
        """One letter, with the whole message."""
        return _text(_theirs(service, letter, work, person))

    @router.post("/dead-letters/{letter}/retry", operation_id=f"{service.name}_retry_dead_letter")
    def retry_dead_letter(letter: Name, work: Unit, person: Admin) -> DeadLetterView:
        """Tries a dead letter again now; it stays, with its reason, when it still does not work. What was parked
        behind it follows."""
        _theirs(service, letter, work, person)
        return _view(dead_letters.retry(service, letter, work))

    @router.post("/dead-letters/{letter}/discard", operation_id=f"{service.name}_discard_dead_letter")
    def discard_dead_letter(letter: Name, body: Discard, work: Unit, person: Admin) -> DeadLetterDecision:
        """Decides that a dead letter is never done; what was parked behind it goes on without it."""
        _theirs(service, letter, work, person)
        decided, behind = dead_letters.discard(service, letter, body.reason, work)
        return DeadLetterDecision(letter=_view(decided), behind=behind, follows=_follows(decided, behind))

    @router.post("/dead-letters/groups/{group}/retry", operation_id=f"{service.name}_retry_group")
    def retry_group(group: Name, body: RetryGroup, request: Request, work: Reading, person: Admin) -> GroupDecision:
        """Tries the letters of a group, oldest first, each in a transaction of its own; stops at the first that still
        does not work, unless told to try `all`."""
        letters = _of_group(work, group, person, body.limit, body.after)
        work.session.rollback()  # Each letter has a connection of its own, and no thread takes two.
        retry = lambda letter, own: dead_letters.retry(service, letter, own)  # noqa: E731
        return _each(request, service, person, group, letters, retry, go_on=body.all)

    @router.post("/dead-letters/groups/{group}/discard", operation_id=f"{service.name}_discard_group")
    def discard_group(group: Name, body: DiscardGroup, request: Request, work: Reading, person: Admin) -> GroupDecision:
        """Discards the letters of a group, oldest first, each in a transaction of its own."""
        letters = _of_group(work, group, person, body.limit, None)
        work.session.rollback()
        discard = lambda letter, own: dead_letters.discard(service, letter, body.reason, own)  # noqa: E731
        return _each(request, service, person, group, letters, discard, go_on=False)

    _add_held(router, service)
    return router


def _add_held(router: APIRouter, service: Service) -> None:
    Reading, Unit = reading_of(service.name), unit_of(service.name)

    @router.get("/held", operation_id=f"{service.name}_held")
    def list_held(work: Reading, person: Admin, cursor: Cursor | None = None, limit: Limit = 100) -> Page[HeldKeyView]:
        """The keys whose events wait, with the reason of the first of them."""
        query = select(HeldKey).where(HeldKey.consumer == service.name)
        if not person.works_on_all:
            query = query.where(HeldKey.review.in_(person.reviews))  # type: ignore[union-attr]
        place = decode_cursor(cursor, str, str)
        if place is not None:
            query = query.where((HeldKey.topic > place[0]) | ((HeldKey.topic == place[0]) & (HeldKey.key > place[1])))
        held = list(work.session.execute(query.order_by(HeldKey.topic, HeldKey.key).limit(limit + 1)).scalars())
        more, held = len(held) > limit, held[:limit]
        parked = _parked(work.session, service.name, held)
        views = [HeldKeyView(**row.model_dump(), parked=parked.get((row.topic, row.key), 0)) for row in held]
        return Page(items=views, next=encode_cursor(held[-1].topic, held[-1].key) if more else None)

    @router.post("/held/discard", operation_id=f"{service.name}_give_up_held")
    def give_up_held(body: GiveUpKey | GiveUpReview, work: Unit, person: Admin) -> GivenUp:
        """Decides that what keys wait for never comes, such as a review that nobody will publish: their events are
        kept as discarded letters, and what is left of them goes on. None where no such key is held."""
        which = _meant(service, body, work, person)
        of_review = isinstance(body, GiveUpReview)
        whole, limit = (True, body.limit) if of_review else (body.whole, 1)
        released, events = dead_letters.give_up(service, which, body.reason, work, keys=limit, whole=whole)
        left = select(func.count()).select_from(HeldKey).where(*which, *dead_letters.waits_by_itself(service.name))
        return GivenUp(released=released, events=events, left=work.session.execute(left).scalar_one())


def _meant(service: Service, body: GiveUpKey | GiveUpReview, work: Work, person: Person) -> list[Any]:
    """What picks the keys that a request means. Raises Conflict for one that a letter holds."""
    which = [] if person.works_on_all else [HeldKey.review.in_(person.reviews)]  # type: ignore[union-attr]
    if isinstance(body, GiveUpReview):
        which.append(HeldKey.review == body.review)
    else:
        which += [HeldKey.topic == body.topic, HeldKey.key == body.key]
        ours = HeldKey.consumer == service.name
        letter = work.session.execute(select(HeldKey.letter).where(ours, *which)).scalar()
        if letter is not None:
            raise Conflict(f"the dead letter {letter} holds it: retry or discard that", slug="held_by_letter")
    return which


def _may_see(person: Person) -> list[Any]:
    """What keeps from a person what is not of their reviews."""
    return [] if person.works_on_all else [DeadLetter.review.in_(person.reviews)]  # type: ignore[union-attr]


def _theirs(service: Service, letter: str, work: Work, person: Person) -> DeadLetter:
    """A letter that this person may know of. Raises NotFound."""
    found = work.session.execute(select(DeadLetter).where(DeadLetter.id == letter, *_may_see(person))).scalar()
    if found is None:
        raise NotFound(f"{service.name} has no dead letter {letter!r}")
    return found


def _of_group(work: Work, group: str, person: Person, limit: int, after: str | None) -> list[str]:
    query = select(DeadLetter.id).where(
        DeadLetter.state == dead_letters.WAITING,
        DeadLetter.id > (after or ""),
        *dead_letters.of_group(work.session, group, dead_letters.WAITING),
        *_may_see(person),
    )
    return list(work.session.execute(query.order_by(DeadLetter.id).limit(limit)).scalars())


def _each(
    request: Request,
    service: Service,
    person: Person,
    group: str,
    letters: Sequence[str],
    decide: Callable[[str, Work], object],
    *,
    go_on: bool,
) -> GroupDecision:
    """Decides letters one by one. What is down ends it, as the first failure does unless it should `go_on`."""
    running = request.app.state.platform.running[service.name]
    done, failed, last = 0, 0, None
    first: dict[str, str] | None = None
    for letter in letters:
        last = letter
        try:
            with running.work(person.name, asked=True) as own:
                decide(letter, own)
            done += 1
        except LivingError as error:
            failed += 1
            first = first or {"letter": letter, "slug": error.slug, "reason": error.detail}
            if not go_on or isinstance(error, Unavailable):
                break
    with running.work(person.name, readonly=True, asked=True) as look:
        left = _left(look, group, person)
    return GroupDecision(done=done, failed=failed, left=left, last=last, first_failure=first)


def _left(work: Work, group: str, person: Person) -> int:
    try:
        of_group = dead_letters.of_group(work.session, group, dead_letters.WAITING)
    except NotFound:
        return 0
    count = select(func.count()).select_from(DeadLetter).where(DeadLetter.state == dead_letters.WAITING, *of_group)
    return work.session.execute(count.where(*_may_see(person))).scalar_one()


def _parked(session: Session, consumer: str, held: Sequence[HeldKey]) -> dict[tuple[str, str], int]:
    """How many events are parked behind each of these keys."""
    count = (
        select(ParkedEvent.topic, ParkedEvent.key, func.count())
        .where(
            ParkedEvent.consumer == consumer,
            ParkedEvent.topic.in_({row.topic for row in held}),  # type: ignore[attr-defined]
            ParkedEvent.key.in_({row.key for row in held}),  # type: ignore[attr-defined]
        )
        .group_by(ParkedEvent.topic, ParkedEvent.key)
    )
    return {(topic, key): number for topic, key, number in session.execute(count).all()}


def _follows(letter: DeadLetter, behind: int) -> str:
    if not letter.holds:
        return "Nothing waited for it."
    events = "1 later event" if behind == 1 else f"{behind} later events"
    return f"{events} of {letter.topic}/{letter.key} will be done as if this one had never been told."


def _view(letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(**letter.model_dump(include=set(DeadLetterView.model_fields)))


def _text(letter: DeadLetter) -> DeadLetterText:
    told = letter.model_dump(include=set(DeadLetterView.model_fields))
    return DeadLetterText(**told, value=letter.value.decode(errors="backslashreplace"))
