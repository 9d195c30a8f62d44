"""The routes every service has for what does not work as it is: its dead letters, and the keys they hold."""
# No postponed annotations here: FastAPI must see the types that `routes` makes.

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Request
from sqlalchemy import ColumnElement, false, func, select
from sqlmodel import Session, col

from shared.bus import dead_letters
from shared.db.paging import read_page
from shared.db.tables import DeadLetterRow, HeldKeyRow, LetterStates, ParkedEventRow, PutOffEventRow
from shared.db.work import Work
from shared.errors import Conflict, LivingError, NotFound, Unavailable
from shared.http.auth import Admin
from shared.http.paging import Hundred
from shared.http.parameters import Name, Word
from shared.http.route import Route
from shared.http.units import reading_of, unit_of
from shared.paging import Page
from shared.service import Service
from shared.tokens import Person
from shared.wire.common import (
    DeadLetterDecision,
    DeadLetterGroup,
    DeadLetterText,
    DeadLetterView,
    Discard,
    DiscardGroup,
    Failure,
    GivenUp,
    GiveUpKey,
    GiveUpReview,
    GroupDecision,
    HeldKeyView,
    LetterState,
    PutOffView,
    RetryGroup,
)


@cache
def routes(service: Service) -> APIRouter:
    """The dead letters and held keys of one service.

    An admin whose token holds for some reviews sees and decides only what is of these; what could not be read is of
    none, and for admins of all reviews.
    """
    router = APIRouter(prefix=f"/{service.name}", tags=[service.name], route_class=Route)
    reading, unit = reading_of(service.name), unit_of(service.name)

    @router.get("/dead-letters")
    def list_dead_letters(
        work: Annotated[Work, reading],
        person: Admin,
        page: Hundred,
        state: LetterState = LetterStates.WAITING,
        type: Word | None = None,
        slug: Word | None = None,
        review: Word | None = None,
        group: Word | None = None,
    ) -> Page[DeadLetterView]:
        """Deliveries that do not work as they are, oldest first: all, of a type, a kind of reason, a review, a group
        of one cause."""
        query = select(DeadLetterRow).where(col(DeadLetterRow.state) == state, *_may_see(person))
        for column, value in (
            (col(DeadLetterRow.type), type),
            (col(DeadLetterRow.slug), slug),
            (col(DeadLetterRow.review), review),
        ):
            query = query if value is None else query.where(column == value)
        if group is not None:
            try:
                query = query.where(*dead_letters.of_group(work.session, group, state, *_may_see(person)))
            except NotFound:
                query = query.where(false())
        return read_page(work, query, page, col(DeadLetterRow.id)).page(_view)

    @router.get("/dead-letters/groups")
    def list_groups(work: Annotated[Work, reading], person: Admin, page: Hundred) -> Page[DeadLetterGroup]:
        """The waiting letters by what they have in common: type, reason and place in the code."""
        groups = dead_letters.groups(work, page, *_may_see(person))
        return groups.page(lambda group: DeadLetterGroup(**group))

    @router.get("/dead-letters/{letter}")
    def show_dead_letter(letter: Name, work: Annotated[Work, reading], person: Admin) -> DeadLetterText:
        """One letter, with the whole message."""
        return _text(_theirs(work, service, letter, person))

    @router.post("/dead-letters/{letter}/retry")
    def retry_dead_letter(letter: Name, work: Annotated[Work, unit], person: Admin) -> DeadLetterView:
        """Tries a dead letter again now; it stays, with its reason, when it still does not work. What was parked
        behind it follows."""
        _theirs(work, service, letter, person)
        return _view(dead_letters.retry(work, service, letter))

    @router.post("/dead-letters/{letter}/discard")
    def discard_dead_letter(
        letter: Name, body: Discard, work: Annotated[Work, unit], person: Admin
    ) -> DeadLetterDecision:
        """Decides that a dead letter is never done; what was parked behind it goes on without it."""
        _theirs(work, service, letter, person)
        decided, behind = dead_letters.discard(work, service, letter, body.reason)
        return DeadLetterDecision(letter=_view(decided), behind=behind, follows=_follows(decided, behind))

    @router.post("/dead-letters/groups/{group}/retry")
    def retry_group(
        group: Name, body: RetryGroup, request: Request, work: Annotated[Work, reading], person: Admin
    ) -> GroupDecision:
        """Tries the letters of a group, oldest first, each in a transaction of its own; stops at the first that still
        does not work, unless told to try `all`."""
        letters = _of_group(work, group, person, body.limit, body.after)
        work.session.rollback()  # Each letter has a connection of its own, and no thread takes two.
        retry = lambda own, letter: dead_letters.retry(own, service, letter)  # noqa: E731
        return _each(request, service, person, group, letters, retry, go_on=body.all)

    @router.post("/dead-letters/groups/{group}/discard")
    def discard_group(
        group: Name, body: DiscardGroup, request: Request, work: Annotated[Work, reading], person: Admin
    ) -> GroupDecision:
        """Discards the letters of a group, oldest first, each in a transaction of its own."""
        letters = _of_group(work, group, person, body.limit, None)
        work.session.rollback()
        discard = lambda own, letter: dead_letters.discard(own, service, letter, body.reason)  # noqa: E731
        return _each(request, service, person, group, letters, discard, go_on=False)

    _add_held(router, service)
    _add_put_off(router, service)
    return router


def _add_put_off(router: APIRouter, service: Service) -> None:
    @router.get("/put-off")
    def list_put_off(
        work: Annotated[Work, reading_of(service.name)],
        person: Admin,
        page: Hundred,
    ) -> Page[PutOffView]:
        """What the service has not adopted, since it needs what this release lacks; a later release does it at its
        start."""
        query = select(PutOffEventRow).where(col(PutOffEventRow.consumer) == service.name)
        if not person.holds_everywhere("admin"):
            query = query.where(col(PutOffEventRow.review).in_(person.reviews_as("admin")))
        found = read_page(work, query, page, col(PutOffEventRow.event_id))
        return found.page(lambda row: PutOffView.model_validate(row.model_dump()))


def _add_held(router: APIRouter, service: Service) -> None:
    reading, unit = reading_of(service.name), unit_of(service.name)

    @router.get("/held")
    def list_held(work: Annotated[Work, reading], person: Admin, page: Hundred) -> Page[HeldKeyView]:
        """The keys whose events wait, with the reason of the first of them."""
        query = select(HeldKeyRow).where(col(HeldKeyRow.consumer) == service.name)
        if not person.holds_everywhere("admin"):
            query = query.where(col(HeldKeyRow.review).in_(person.reviews_as("admin")))
        held = read_page(work, query, page, col(HeldKeyRow.topic), col(HeldKeyRow.key))
        parked = _parked(work.session, service.name, held.rows)
        return held.page(lambda row: HeldKeyView(**row.model_dump(), parked=parked.get((row.topic, row.key), 0)))

    @router.post("/held/discard")
    def give_up_held(body: GiveUpKey | GiveUpReview, work: Annotated[Work, unit], person: Admin) -> GivenUp:
        """Decides that what keys wait for never comes, such as a review that nobody will publish: their events are
        kept as discarded letters, and what is left of them goes on. None where no such key is held."""
        which = _meant(work, service, body, person)
        whole, limit = (True, body.limit) if isinstance(body, GiveUpReview) else (body.whole, 1)
        released, events = dead_letters.give_up(work, service, which, body.reason, keys=limit, whole=whole)
        left = select(func.count()).select_from(HeldKeyRow).where(*which, *dead_letters.waits_by_itself(service.name))
        return GivenUp(released=released, events=events, left=work.session.execute(left).scalar_one())


def _meant(work: Work, service: Service, body: GiveUpKey | GiveUpReview, person: Person) -> list[ColumnElement[bool]]:
    """What picks the keys that a request means. Raises Conflict for one that a letter holds."""
    which: list[ColumnElement[bool]] = []
    if not person.holds_everywhere("admin"):
        which.append(col(HeldKeyRow.review).in_(person.reviews_as("admin")))
    if isinstance(body, GiveUpReview):
        which.append(col(HeldKeyRow.review) == body.review)
    else:
        which += [col(HeldKeyRow.topic) == body.topic, col(HeldKeyRow.key) == body.key]
        ours = col(HeldKeyRow.consumer) == service.name
        letter = work.session.execute(select(col(HeldKeyRow.letter)).where(ours, *which)).scalar()
        if letter is not None:
            raise Conflict(f"the dead letter {letter} holds it: retry or discard that", slug="held_by_letter")
    return which


def _may_see(person: Person) -> list[ColumnElement[bool]]:
    """What keeps from a person what is not of their reviews."""
    return [] if person.holds_everywhere("admin") else [col(DeadLetterRow.review).in_(person.reviews_as("admin"))]


def _theirs(work: Work, service: Service, letter: str, person: Person) -> DeadLetterRow:
    """A letter that this person may know of. Raises NotFound."""
    query = select(DeadLetterRow).where(col(DeadLetterRow.id) == letter, *_may_see(person))
    found: DeadLetterRow | None = work.session.execute(query).scalar()
    if found is None:
        raise NotFound(f"{service.name} has no dead letter {letter!r}")
    return found


def _of_group(work: Work, group: str, person: Person, limit: int, after: str | None) -> list[str]:
    query = select(col(DeadLetterRow.id)).where(
        col(DeadLetterRow.state) == LetterStates.WAITING,
        col(DeadLetterRow.id) > (after or ""),
        *dead_letters.of_group(work.session, group, LetterStates.WAITING, *_may_see(person)),
    )
    return list(work.session.execute(query.order_by(col(DeadLetterRow.id)).limit(limit)).scalars())


def _each(
    request: Request,
    service: Service,
    person: Person,
    group: str,
    letters: Sequence[str],
    decide: Callable[[Work, str], object],
    *,
    go_on: bool,
) -> GroupDecision:
    """Decides letters one by one. What is down ends it, as the first failure does unless it should `go_on`."""
    running = request.app.state.platform.running[service.name]
    done, failed, last = 0, 0, None
    first: Failure | None = None
    for letter in letters:
        last = letter
        try:
            with running.work(person.id, asked=True) as own:
                decide(own, letter)
            done += 1
        except LivingError as error:
            failed += 1
            first = first or Failure(letter=letter, slug=error.slug, reason=error.detail)
            if not go_on or isinstance(error, Unavailable):
                break
    with running.work(person.id, readonly=True, asked=True) as look:
        left = _left(look, group, person)
    return GroupDecision(done=done, failed=failed, left=left, last=last, first_failure=first)


def _left(work: Work, group: str, person: Person) -> int:
    try:
        of_group = dead_letters.of_group(work.session, group, LetterStates.WAITING, *_may_see(person))
    except NotFound:
        return 0
    waiting = col(DeadLetterRow.state) == LetterStates.WAITING
    count = select(func.count()).select_from(DeadLetterRow).where(waiting, *of_group)
    left: int = work.session.execute(count).scalar_one()
    return left


def _parked(session: Session, consumer: str, held: Sequence[HeldKeyRow]) -> dict[tuple[str, str], int]:
    """How many events are parked behind each of these keys."""
    count = (
        select(col(ParkedEventRow.topic), col(ParkedEventRow.key), func.count())
        .where(
            col(ParkedEventRow.consumer) == consumer,
            col(ParkedEventRow.topic).in_({row.topic for row in held}),
            col(ParkedEventRow.key).in_({row.key for row in held}),
        )
        .group_by(col(ParkedEventRow.topic), col(ParkedEventRow.key))
    )
    return {(topic, key): number for topic, key, number in session.execute(count).all()}


def _follows(letter: DeadLetterRow, behind: int) -> str:
    if not letter.holds:
        return "Nothing waited for it."
    events = "1 later event" if behind == 1 else f"{behind} later events"
    return f"{events} of {letter.topic}/{letter.key} will be done as if this one had never been told."


def _view(letter: DeadLetterRow) -> DeadLetterView:
    return DeadLetterView(**letter.model_dump(include=set(DeadLetterView.model_fields)))


def _text(letter: DeadLetterRow) -> DeadLetterText:
    fields = letter.model_dump(include=set(DeadLetterView.model_fields))
    return DeadLetterText(**fields, value=letter.value.decode(errors="backslashreplace"))
