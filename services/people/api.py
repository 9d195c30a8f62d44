"""The routes of people: who belongs to a review, invitations, keys, tokens, and signing in."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qs, unquote_plus

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ValidationError

from services.people import store, views
from services.people.commands import handovers, invitations, keys, members, old_names, sign_in, standing
from services.people.commands.shown_once import shown_once
from services.people.domain import secrets
from services.people.models import InvitationRow, KeyRow
from services.people.ports.sign_in.port import Passwords
from shared.db.work import Work
from shared.errors import Invalid
from shared.http.auth import at_least
from shared.http.bodies import from_anybody
from shared.http.paging import Hundred
from shared.http.parameters import Name, Number, YesNo
from shared.http.problems import problem
from shared.http.route import Later, Route
from shared.http.units import IdempotencyKey, open_unit_of, reading_of, unit_of
from shared.paging import Page
from shared.tokens import ALL_REVIEWS, ANY, OF_PUBLIC, OWN, Person
from shared.wire.people import (
    Accepted,
    Arrived,
    HandoverClosing,
    HandoverView,
    InvitationView,
    Invited,
    Joining,
    KeyMade,
    KeyView,
    MappedNameView,
    Me,
    MemberView,
    NewGrant,
    NewHandover,
    NewInvitation,
    NewKey,
    NewMapping,
    NewPassword,
    NewProgramKey,
    NewRole,
    PersonView,
    Publicity,
    PublicReading,
    PublicReview,
    ReviewPeople,
    ReviewSettings,
    SignIn,
    Token,
    Withdrawal,
)

Sent = TypeVar("Sent", bound=BaseModel)

router = APIRouter(prefix="/people", tags=["people"], route_class=Route)

Unit = Annotated[Work, unit_of("people")]
Reading = Annotated[Work, reading_of("people")]
#: For those whom nobody knows yet: what they show is their power.
OpenUnit = Annotated[Work, open_unit_of("people")]
OpenReading = Annotated[Work, open_unit_of("people", readonly=True)]

Member = Name
Key = Name

#: These check by the database what is so now, and go on while the log is down.
MemberReader = Annotated[Person, Depends(at_least("reader", "records", current=False))]
Inviter = Annotated[Person, Depends(at_least("lead", "administer", current=False))]
AdminOfAll = Annotated[Person, Depends(at_least("admin", "administer", everywhere=True, current=False))]
#: Whoever asks by a key or a session of their own, none that is for something.
Oneself = Annotated[Person, Depends(at_least(None, OWN, current=False))]

#: A member, by a key or a session of their own.
OwnMember = Annotated[Person, Depends(at_least("reader", OWN, current=False))]

#: The fields of a request for a token.
_FIELDS: dict[str, Any] = {
    "grant_type": {"const": "client_credentials"},
    "client_id": {"type": "string", "maxLength": 200},
    "client_secret": {"type": "string", "maxLength": 200},
    "review": {"type": "string", "maxLength": 200},
}
_TOKEN_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The key as `client_secret`, or its two halves as RFC 6749 has them (section 2.3.1), also as "
        "the user and password of Basic authentication; `review`, where the token is to be for one alone.",
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": _FIELDS,
                    "required": ["grant_type"],
                    "additionalProperties": False,
                }
            }
        },
    }
}


# Tokens


async def _asked_with(request: Request) -> dict[str, str]:
    """The form of a request for a token. Raises Invalid, naming the field."""
    body = await request.body()
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/x-www-form-urlencoded":
        raise Invalid.of("Content-Type", "must be application/x-www-form-urlencoded")
    try:
        fields = parse_qs(body.decode("ascii"), strict_parsing=bool(body), max_num_fields=10, errors="strict")
    except ValueError as error:
        raise Invalid.of("body", "is no form") from error
    for name, values in fields.items():
        if name not in _FIELDS:
            raise Invalid.of(name[:50], f"is nothing that this takes, which is {', '.join(_FIELDS)}")
        if len(values) > 1:
            raise Invalid.of(name, "is given more than once")
    return {name: values[0] for name, values in fields.items()}


@router.post("/token", openapi_extra=_TOKEN_FORM)
@from_anybody
def make_token(request: Request, form: Annotated[dict[str, str], Depends(_asked_with)], work: OpenUnit) -> Token:
    """Exchanges a key for a token of at most five minutes (RFC 6749, section 4.4, client credentials)."""
    if form.get("grant_type") != "client_credentials":
        raise Invalid.of("grant_type", "must be client_credentials")
    token, seconds, scopes = keys.exchange(work, _key_of(request.headers, form), form.get("review"))
    return Token(access_token=token, expires_in=seconds, scope=" ".join(scopes or ["*"]))


@router.post("/public-tokens")
@from_anybody
def make_public_token(body: PublicReading, work: OpenReading) -> Token:
    """Lets anybody read what a public review has published: a token of five minutes for that alone.

    A review that is not public is answered as one that there is not."""
    token, seconds = keys.public_token(work, body.review)
    return Token(access_token=token, expires_in=seconds, scope=" ".join(sorted(OF_PUBLIC)))


@router.get("/me")
def show_me(work: Reading, person: Annotated[Person, Depends(at_least(None, ANY))]) -> Me:
    """Who asks, as what, and by which key."""
    return views.me(work, person)


# Reviews and members


@router.get("/public-reviews")
@from_anybody
def list_public_reviews(work: OpenReading, page: Hundred) -> Page[PublicReview]:
    """The reviews whose leads let anybody read what they have published, by name."""
    found = store.public_reviews(work, page)
    return found.page(lambda row: PublicReview(review=row.review, title=row.title))


@router.post("/reviews/{review}", status_code=201)
def found_review(review: Name, work: Unit, person: Annotated[Person, Depends(at_least(None, OWN, member=False,
                 current=False))], key: IdempotencyKey = None) -> ReviewPeople:  # fmt: skip
    """Founds a review, whose lead is whoever asks; its protocol is applied next."""
    return work.once(key, f"found {review}", None, lambda: views.review_people(members.found(work, review, person)))


@router.get("/reviews/{review}")
def show_review(review: Name, work: Reading, person: MemberReader) -> ReviewPeople:
    """Who founded a review, whether its members see each other's names, and whether it is public."""
    row = store.review(work, review)
    return ReviewPeople(review=review, founded_by=None, pseudonyms=False) if row is None else views.review_people(row)


@router.put("/reviews/{review}")
def change_review(review: Name, body: ReviewSettings, work: Unit, person: Inviter) -> ReviewPeople:
    """Shows members names, or numbers instead."""
    return views.review_people(members.set_pseudonyms(work, review, body.pseudonyms, person))


@router.put("/reviews/{review}/publicity")
def set_publicity(review: Name, body: Publicity, work: Unit, person: Inviter) -> ReviewPeople:
    """Lets anybody read what the review has published, or its members alone. Drafts, records and people stay theirs."""
    return views.review_people(members.set_public(work, review, body.public, person))


@router.post("/reviews/{review}/handovers", status_code=201)
def make_handover(
    review: Name, body: NewHandover, work: Unit, person: Inviter, key: IdempotencyKey = None
) -> HandoverView:
    """Proposes that a member takes a review over, and why. It changes hands once they accept."""
    command = f"hand {review} over"
    return work.once(key, command, body, lambda: views.handover(handovers.propose(work, review, body, person)))


@router.get("/reviews/{review}/handovers")
def list_handovers(review: Name, work: Reading, person: MemberReader, page: Hundred) -> Page[HandoverView]:
    """The proposals that somebody takes a review over, the newest first."""
    return store.handovers(work, review, page).page(views.handover)


@router.post("/reviews/{review}/handovers/{handover}/accept")
def accept_handover(
    review: Name, handover: Name, work: Unit, person: OwnMember, key: IdempotencyKey = None
) -> HandoverView:
    """Takes a review over, for whom the proposal names: they lead it from then on, and whoever proposed it steps
    back."""
    command = f"accept {handover}"
    return work.once(key, command, None, lambda: views.handover(handovers.accept(work, review, handover, person)))


@router.post("/reviews/{review}/handovers/{handover}/close")
def close_handover(
    review: Name, handover: Name, body: HandoverClosing, work: Unit, person: OwnMember, key: IdempotencyKey = None
) -> HandoverView:
    """Has nobody take a review over: whom the proposal names declines it, or a lead takes it back."""
    command = f"close {handover}"
    return work.once(key, command, body, lambda: views.handover(handovers.close(work, review, handover, body, person)))


@router.get("/reviews/{review}/members")
def list_members(
    review: Name, work: Reading, person: MemberReader, page: Hundred, left: YesNo = False
) -> Page[MemberView]:
    """Who belongs to a review, by their numbers; with `left` also who did."""
    found = store.members(work, review, page, left=left)
    return found.shown_as(views.members(work, review, found.rows, person))


@router.put("/reviews/{review}/members/{member}")
def change_member(review: Name, member: Member, body: NewRole, work: Unit, person: Inviter) -> MemberView:
    """Gives a member another role, not beyond one's own."""
    return views.member(work, members.change_role(work, review, member, body.role, person), person)


@router.delete("/reviews/{review}/members/{member}")
def end_member(
    review: Name, member: Member, work: Unit, person: Annotated[Person, Depends(at_least("reader", OWN, current=False))]
) -> Withdrawal:
    """Ends a membership: one's own, or for a lead another's. What they hold goes back, what they decided stands."""
    row, number = members.leave(work, review, member, person)
    return views.withdrawal(row.person, review, number)


@router.get("/members")
def list_members_everywhere(work: Reading, person: AdminOfAll, page: Hundred, left: YesNo = False) -> Page[MemberView]:
    """Who has a role in all reviews, by their numbers; with `left` also who had."""
    found = store.members(work, ALL_REVIEWS, page, left=left)
    return found.shown_as(views.members(work, ALL_REVIEWS, found.rows, person))


@router.delete("/members/{member}")
def end_member_everywhere(member: Member, work: Unit, person: AdminOfAll) -> Withdrawal:
    """Ends a role in all reviews, another's or one's own; those of single reviews stay."""
    row, number = members.leave(work, ALL_REVIEWS, member, person)
    return views.withdrawal(row.person, ALL_REVIEWS, number)


# Names of before


@router.get("/reviews/{review}/old-names")
def list_old_names(review: Name, work: Reading, person: Inviter, page: Hundred) -> Page[MappedNameView]:
    """Whose the names are under which people acted here before they had ids, by name."""
    found = store.old_names(work, review, page)
    return found.shown_as(views.mapped_names(work, review, found.rows, person))


@router.post("/reviews/{review}/old-names", status_code=201, responses={404: {}})
def give_old_name(
    review: Name, body: NewMapping, work: Unit, person: Inviter, key: IdempotencyKey = None
) -> MappedNameView:
    """Says whose such a name is, once and for good: a member's, or somebody's who is no member yet."""

    def do() -> MappedNameView:
        return views.mapped_name(work, old_names.map_name(work, review, body, person), person)

    return work.once(key, f"map an old name of {review}", body, do)


# Invitations


@router.post("/reviews/{review}/invitations", status_code=201)
def make_invitation(
    review: Name, body: NewInvitation, work: Unit, person: Inviter, key: IdempotencyKey = None
) -> Invited:
    """Makes a link by which one person comes into a review, once. Asked again under the same key it is the same
    invitation with another link, and the one before counts no more."""

    def do(made: str | None) -> tuple[InvitationRow, str]:
        return invitations.invite(work, review, body, person, made)

    return views.invited(*shown_once(work, key, f"invite to {review}", body, do))


@router.get("/reviews/{review}/invitations")
def list_invitations(review: Name, work: Reading, person: Inviter, page: Hundred) -> Page[InvitationView]:
    """The invitations of a review, oldest first, without their links."""
    return store.invitations(work, review, page).page(views.invitation_view)


@router.delete("/reviews/{review}/invitations/{invitation}")
def end_invitation(review: Name, invitation: Name, work: Unit, person: Inviter) -> InvitationView:
    """Ends a link before its time."""
    return views.invitation_view(invitations.withdraw_invitation(work, review, invitation, person))


@router.post("/grants", status_code=201)
def make_grant(body: NewGrant, work: Unit, person: AdminOfAll, key: IdempotencyKey = None) -> Invited:
    """Makes a link to a role in all reviews, to found some, or for somebody known to come back without a key. Asked
    again under the same key it is the same grant with another link, and the one before counts no more."""

    def do(made: str | None) -> tuple[InvitationRow, str]:
        return invitations.grant(work, body, person, made)

    return views.invited(*shown_once(work, key, "grant", body, do))


@router.get("/grants")
def list_grants(work: Reading, person: AdminOfAll, page: Hundred) -> Page[InvitationView]:
    """The links that are of no review, oldest first."""
    return store.invitations(work, ALL_REVIEWS, page).page(views.invitation_view)


@router.delete("/grants/{grant}")
def end_grant(grant: Name, work: Unit, person: AdminOfAll) -> InvitationView:
    """Ends such a link before its time."""
    return views.invitation_view(invitations.withdraw_invitation(work, ALL_REVIEWS, grant, person))


@router.post("/invitations/accept", status_code=201)
@from_anybody
def accept_invitation(body: Accepted, work: OpenUnit) -> Arrived:
    """Comes in by a link, as somebody whom nobody knows yet; answers them their first key."""
    comer, invited, key, secret = invitations.accept(work, body)
    made = views.key_made(key, secrets.spelled(secrets.KEY, key.id, secret))
    return Arrived(person=comer.id, review=invited.review, role=invited.role, key=made)


@router.post("/invitations/join", status_code=201, responses={404: {}})
def join_by_invitation(body: Joining, work: Unit, person: Oneself) -> Arrived:
    """Comes in by a link, as whoever one is already."""
    invited, member = invitations.join(work, body.invitation, person)
    return Arrived(person=person.id, review=invited.review, role=member.role if member else None, key=None)


# Keys


@router.get("/keys")
def list_keys(work: Reading, person: Oneself, page: Hundred) -> Page[KeyView]:
    """My keys, and those that I made for programs, oldest first; withdrawn ones too."""
    standing.require_whole_key(work, person)
    return store.keys_of(work, person.id, page).page(views.key_view)


@router.post("/keys", status_code=201)
def make_key(body: NewKey, work: Unit, person: Oneself, key: IdempotencyKey = None) -> KeyMade:
    """Makes a key of mine; with scopes, one by which a client acts for me. Asked again under the same idempotency key
    it is the same key with another secret, and the one before counts no more; one that is in use is refused."""
    return _shown(*shown_once(work, key, "make a key", body, lambda made: keys.make_own(work, body, person, made)))


@router.delete("/keys/{key}")
def end_key(key: Key, work: Unit, person: Oneself) -> Withdrawal:
    """Withdraws a key of mine or of my making; an admin of all withdraws any."""
    row, number = keys.withdraw_key(work, key, person)
    return views.withdrawal(row.id, row.review or ALL_REVIEWS, number)


@router.get("/reviews/{review}/keys")
def list_keys_of_review(review: Name, work: Reading, person: Inviter, page: Hundred) -> Page[KeyView]:
    """The keys that are for this review alone, oldest first."""
    return store.keys_in(work, review, page).page(views.key_view)


@router.post("/reviews/{review}/keys", status_code=201)
def make_program_key(
    review: Name, body: NewProgramKey, work: Unit, person: Inviter, key: IdempotencyKey = None
) -> KeyMade:
    """Makes a key for a program, which acts for nobody: it reads, subscribes or brings in, and decides nothing. Asked
    again under the same idempotency key it is answered as one of one's own."""
    return _for_program(review, body, work, person, key)


@router.delete("/reviews/{review}/keys/{key}")
def end_key_of_review(review: Name, key: Key, work: Unit, person: Inviter) -> Withdrawal:
    """Withdraws a key that is for this review alone."""
    row, number = keys.withdraw_key(work, key, person, review=review)
    return views.withdrawal(row.id, review, number)


@router.post("/programs", status_code=201)
def make_program(body: NewProgramKey, work: Unit, person: AdminOfAll, key: IdempotencyKey = None) -> KeyMade:
    """Makes a key for a program of all reviews, such as whoever reads the platform's numbers. Asked again under the
    same idempotency key it is answered as one of one's own."""
    return _for_program(ALL_REVIEWS, body, work, person, key)


@router.get("/withdrawals/{number}")
def show_withdrawal(number: Number, work: Reading, person: Oneself) -> Withdrawal:
    """Whether the log has a withdrawal, so that every service refuses within seconds what it is about: for who did it,
    whom it is about, and the leads of its review."""
    row, everywhere = standing.withdrawal(work, number, person)
    return views.withdrawal(row.subject, row.review, number, everywhere=everywhere)


# Persons


@router.get("/persons")
def list_persons(work: Reading, person: AdminOfAll, page: Hundred) -> Page[PersonView]:
    """Everybody, in the order in which they came."""
    return store.persons(work, page).page(views.person_view)


@router.delete("/persons/{person_id}/name")
def erase_name(person_id: Name, work: Unit, person: Oneself) -> PersonView:
    """Forgets what somebody is called, for good: oneself, or for an admin anybody. All they decided stays."""
    return views.person_view(members.erase_name(work, person_id, person))


# Signing in


async def _hashing(request: Request) -> Later:
    """Hashes the password of a body before any transaction, since that takes a while."""
    passwords = request.app.state.platform.running["people"].resource(Passwords)
    given = await _read(request, NewPassword)
    # A body that is none the route refuses by itself, and says why.
    return Later(lambda: passwords.hashed(given.password) if given is not None else "")


async def _checking(request: Request) -> Later:
    """Holds the password of a body against what is kept, likewise: no transaction is open meanwhile."""
    running = request.app.state.platform.running["people"]
    given = await _read(request, SignIn)

    def check() -> sign_in.Checked:
        if given is None:
            return sign_in.Checked(None, fits=False)
        with running.work("people:door", readonly=True, asked=True) as work:
            kept = sign_in.kept_of(work, given)
        # Somebody unknown costs as much as somebody known, so that nobody learns by the clock who there is.
        return sign_in.Checked(kept, running.resource(Passwords).fits(kept, given.password))

    return Later(check)


async def _read(request: Request, form: type[Sent]) -> Sent | None:
    try:
        return form.model_validate_json(await request.body())
    except ValidationError:
        return None


@router.put("/me/password", responses={404: {}})
def set_password(
    body: NewPassword, hashed: Annotated[str, Depends(_hashing)], work: Unit, person: Oneself
) -> PersonView:
    """Says by what name and password I sign in to pages."""
    sign_in.set_password(work, body, hashed, person)
    return views.person_view(store.person(work, person.id))


@router.post("/sessions", status_code=201, response_model=KeyMade)
@from_anybody
def make_session(
    request: Request, body: SignIn, checked: Annotated[sign_in.Checked, Depends(_checking)], work: OpenUnit
) -> Any:
    """Signs in by name and password: a key of twelve hours, which is withdrawn to sign out."""
    begun = sign_in.sign_in(work, body, checked)
    if begun is None:  # An answer and no error, which would undo that the failure is counted.
        return problem(request, 401, "bad_password", "there is nobody here of that name with that password")
    return _shown(*begun)


def _for_program(review: str, body: NewProgramKey, work: Work, person: Person, key: str | None) -> KeyMade:
    def do(made: str | None) -> tuple[KeyRow, str]:
        return keys.make_for_program(work, review, body, person, made)

    return _shown(*shown_once(work, key, f"make a key of a program of {review}", body, do))


def _shown(row: KeyRow, secret: str, replaced: bool = False) -> KeyMade:
    return views.key_made(row, secrets.spelled(secrets.KEY, row.id, secret), replaced)


def _key_of(headers: Mapping[str, str], form: Mapping[str, str]) -> str:
    """The key of a request for a token, whole or in halves."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except ValueError as error:
            raise Invalid.of("Authorization", "is no Basic authentication") from error
        id, secret = unquote_plus(user), unquote_plus(password)
    else:
        id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if secret.startswith(secrets.KEY) or not secret:
        return secret or id
    return secrets.spelled(secrets.KEY, id, secret)
