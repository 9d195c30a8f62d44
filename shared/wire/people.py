"""What people takes and answers: persons, memberships, invitations, keys, tokens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from shared.events.bounds import LONGEST_ID
from shared.ids import is_old_name
from shared.wire.common import WHOLE, Given, Line, Prose

Role = Literal["reader", "reviewer", "adjudicator", "lead", "admin"]

Scope = Literal["records", "events", "metrics", "subscribe", "import", "screen", "code", "decide", "sign", "administer"]

#: Whose a key is: a person's own, one by which a client acts for them, a program's, or one that pages sign in by.
KeyKind = Literal["own", "delegated", "program", "session"]

#: Days until an invitation, and a key, ends.
InvitationDays = Annotated[int, Field(ge=1, le=90), WHOLE]
KeyDays = Annotated[int, Field(ge=1, le=3650), WHOLE]

#: What people call somebody; the service says more of what it may be.
Called = Annotated[str, Field(min_length=1, max_length=1000, json_schema_extra={"pattern": r"^[^\x00]+$"})]

#: A secret that its holder made: 43 letters, digits, - and _ are 256 bits.
Secret = Annotated[str, Field(min_length=43, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]

#: What an invitation's link ends in.
Link = Annotated[str, Field(min_length=1, max_length=1000, json_schema_extra={"pattern": r"^[^\x00]+$"})]

Password = Annotated[str, Field(min_length=12, max_length=1000, json_schema_extra={"pattern": r"^[^\x00]{12,}$"})]


class Me(BaseModel):
    """Whoever asks: who they are, their role in each review (`*` is all), and by what key. `scopes` are what that key
    is for; None is all that their roles allow."""

    person: str
    name: str | None
    roles: dict[str, Role]
    founds: bool
    key: str | None
    scopes: list[str] | None


class MemberView(BaseModel):
    """A member of a review. `name` is what the asker may know: the name, a pseudonym, or that it was erased."""

    person: str
    name: str
    role: Role
    joined_at: datetime
    left_at: datetime | None


class OldName(BaseModel):
    """A name under which somebody acted in a review before people had ids, and that is nobody's yet. `acts` are how
    many votes, fragments or subscriptions bear it."""

    name: str
    acts: int


class OldNames(BaseModel):
    """Those that a service knows."""

    names: list[OldName]

    @classmethod
    def of(cls, acts: Iterable[tuple[str, int]]) -> Self:
        """Those of these actors that are names of before, each with how many acts bear it, in order."""
        return cls(names=[OldName(name=name, acts=number) for name, number in sorted(acts) if is_old_name(name)])


class NewMapping(Given):
    """Whose an old name is: that of a member of now or before, by their id; or else of somebody who is no member yet,
    called so, or as `call` says where another is called so."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_ID, json_schema_extra={"pattern": r"^[^\x00]+$"})]
    person: Annotated[str, Field(pattern=r"^[A-Za-z0-9_~:-][A-Za-z0-9._~:-]{0,199}$")] | None = None
    call: Called | None = None


class MappedNameView(BaseModel):
    """An old name and whose it is. `called` is what that person is called now, or that their name was erased."""

    name: str
    person: str
    called: str
    mapped_at: datetime
    mapped_by: str


class NewRole(Given):
    """What somebody's role is to be."""

    role: Role


#: What becomes of a proposal that somebody takes a review over.
HandoverState = Literal["open", "accepted", "declined", "taken_back"]


class NewHandover(Given):
    """Which member is to take a review over, and why, which its readers are told once they do; what whoever proposes it
    is to be there from then on."""

    to: Annotated[str, Field(pattern=r"^[A-Za-z0-9_~:-][A-Za-z0-9._~:-]{0,199}$")]
    why: Prose
    stays_as: Literal["reader", "reviewer", "adjudicator"] = "adjudicator"


class HandoverClosing(Given):
    """What becomes of a proposal that is not accepted: whom it names declines it, or a lead takes it back."""

    how: Literal["declined", "taken_back"]


class HandoverView(BaseModel):
    """A proposal that somebody takes a review over, and what became of it: by whom, to whom, why, and what whoever
    proposed it is to be from then on."""

    handover: str
    review: str
    by: str
    to: str
    why: str
    stays_as: Role
    state: HandoverState
    proposed_at: datetime
    closed_at: datetime | None


class ReviewSettings(Given):
    """Whether members who are no leads see each other's names, or numbers."""

    pseudonyms: bool


class Publicity(Given):
    """Whether anybody may read what a review has published."""

    public: bool


class PublicReading(Given):
    """The public review that somebody would read."""

    review: Annotated[str, Field(pattern=r"^[A-Za-z0-9_~:-][A-Za-z0-9._~:-]{0,199}$")]


class PublicReview(BaseModel):
    """A review that anybody may read. `title` is None where its protocol has not been heard of yet."""

    review: str
    title: str | None


class ReviewPeople(BaseModel):
    """A review as people know it. `public` says that anybody may read what it has published."""

    review: str
    founded_by: str | None
    pseudonyms: bool
    public: bool = False


class NewInvitation(Given):
    """Whom a review is to be opened for."""

    role: Role
    days: InvitationDays = 7


class NewGrant(Given):
    """What an admin invites somebody to, beside a review: to a role in all of them, to found some, or, who is known
    already and has no key any more, to come back."""

    role: Role | None = None
    founds: bool = False
    person: Annotated[str, Field(max_length=200)] | None = None
    days: InvitationDays = 7


class InvitationView(BaseModel):
    """An invitation. `link` is in the answer that made it, and in no other."""

    id: str
    review: str
    role: Role | None
    founds: bool
    person: str | None
    invited_by: str
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None
    used_by: str | None
    withdrawn_at: datetime | None


class Invited(InvitationView):
    """The same with its link, for whoever it is for: it is shown once, and what follows its # goes over no wire.
    `replaced` says that the same command was answered before, by a link that counts no more."""

    link: str
    replaced: bool = False


class Accepted(Given):
    """Somebody comes in by a link. `secret` is for a key of theirs; who sends the same again is answered the same."""

    invitation: Link
    name: Called | None = None
    secret: Secret | None = None
    key_name: Line = "first key"


class Joining(Given):
    """Somebody with a key comes in by a link."""

    invitation: Link


class KeyView(BaseModel):
    """A key, without its secret, which nobody has but its holder."""

    id: str
    kind: KeyKind
    name: str
    subject: str
    made_by: str
    review: str | None
    scopes: list[str] | None
    made_at: datetime
    ends_at: datetime | None
    used_at: datetime | None
    withdrawn_at: datetime | None
    withdrawn_by: str | None


class KeyMade(KeyView):
    """The same, with the key itself: it is shown once. `replaced` says that the same command was answered before, by a
    secret that counts no more."""

    key: str
    replaced: bool = False


class Arrived(BaseModel):
    """Somebody who came in: who they are here, and their key where they had none."""

    person: str
    review: str
    role: Role | None
    key: KeyMade | None


class NewKey(Given):
    """A key to be made: one's own, or with `scopes` one by which a client acts for oneself."""

    name: Line
    review: Annotated[str, Field(pattern=r"^[A-Za-z0-9_~:-][A-Za-z0-9._~:-]{0,199}$")] | None = None
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=10)] | None = None
    days: KeyDays = 90


class NewProgramKey(Given):
    """A key for a program of a review, which acts for nobody."""

    name: Line
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=10)]
    days: KeyDays = 365


class NewPassword(Given):
    """How somebody signs in to pages from now on."""

    sign_in_as: Called
    password: Password


class SignIn(Given):
    """Somebody signs in to pages."""

    sign_in_as: Called
    password: Annotated[str, Field(min_length=1, max_length=1000)]


class PersonView(BaseModel):
    """Somebody, as an admin and they themselves know them."""

    person: str
    name: str | None
    founds: bool
    since: datetime
    erased_at: datetime | None


class Withdrawal(BaseModel):
    """What was withdrawn. `everywhere` says whether the log has it, so that every service refuses it within seconds;
    else it counts here at once, and elsewhere when the log takes it, or when its last token ends, in five minutes."""

    subject: str
    review: str
    number: int
    everywhere: bool


class Token(BaseModel):
    """What a key is exchanged for (RFC 6749, section 5.1). `expires_in` are seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    scope: str
