"""What every service takes and answers alike: how strict a body is, what a problem says, events, dead letters and
what they hold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from shared.events.bounds import LONGEST_ABSTRACT
from shared.keys import Purpose

LetterState = Literal["waiting", "retried", "discarded"]


class Given(BaseModel):
    """Something a person sends. A field nobody declared is an error, and so is a value of another kind: a 1 is no
    truth value, and a number no text."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _kept(text: str) -> str:
    """The text without blanks around it. Raises ValueError for what a database cannot keep."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a character that is no text (NUL or half a surrogate pair)")
    return text.strip()


def _said(text: str) -> str:
    """The same of a text that must say something."""
    if not (kept := _kept(text)):
        raise ValueError("says nothing; write something or leave it out")
    return kept


def _as_written(text: str) -> str:
    """The text itself. Raises ValueError for what says nothing, or no database can keep."""
    _said(text)
    return text


def _text(longest: int) -> Any:
    # The description has a pattern for what the check refuses, since whoever reads it has no Python.
    return Field(max_length=longest, json_schema_extra={"pattern": r"^[^\x00]*$"})


#: What counts as blank in a description, for a class of characters: what Python's `str.strip` takes off. Readers of
#: patterns differ in what `\s` is to them.
BLANKS = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

_SAYING = rf"^[^\x00]*[^\x00{BLANKS}][^\x00]*$"


def _saying(longest: int) -> Any:
    return Field(min_length=1, max_length=longest, json_schema_extra={"pattern": _SAYING})


def _whole(value: object) -> object:
    # JSON has one kind of number: 3.0 is 3, in its schemas too.
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: For a whole number, after its bounds: no text, no truth value, no fraction.
WHOLE = BeforeValidator(_whole)

#: What people write, with its longest length in characters; a database keeps all of it. `Line`, `Reason`,
#: `Prose` and `Chapter` say something, `Short` and `Long` may be empty.
Line = Annotated[str, _saying(500), AfterValidator(_said)]
Reason = Annotated[str, _saying(2000), AfterValidator(_said)]
Prose = Annotated[str, _saying(5000), AfterValidator(_said)]
#: A chapter of a report, as people write it.
Chapter = Annotated[str, _saying(20_000), AfterValidator(_said)]
#: What a text of a record should be, as long as an abstract may be.
Corrected = Annotated[str, _saying(LONGEST_ABSTRACT), AfterValidator(_said)]

#: A small file that somebody wrote, with its blanks and lines as they are.
Written = Annotated[str, _saying(64 * 1024), AfterValidator(_as_written)]

#: Characters of what somebody searched a database with.
_LONGEST_STRATEGY = 100_000


def _of_length(text: str) -> str:
    if len(text) > _LONGEST_STRATEGY:
        raise ValueError(f"should have at most {_LONGEST_STRATEGY:,} characters")
    return text


#: What somebody searched a database with, as long as those may be; and the same where it must be said, whose schema
#: leaves the length out, since no reader of schemas makes up a text by a pattern of so many characters.
Strategy = Annotated[str, _saying(_LONGEST_STRATEGY), AfterValidator(_said)]
ExactString = Annotated[
    str, Field(json_schema_extra={"pattern": _SAYING}), AfterValidator(_of_length), AfterValidator(_said)
]

Short = Annotated[str, _text(200), AfterValidator(_kept)]
Long = Annotated[str, _text(5000), AfterValidator(_kept)]


class Fault(BaseModel):
    """One thing that is wrong with a request: its place, why, and the line and column of a file that has some."""

    model_config = ConfigDict(extra="allow")

    at: str
    why: str
    line: int | None = None
    column: int | None = None


class AutomationView(BaseModel):
    """A step that the platform takes by itself: what it does, by which `version` of its rules, who decides in the end,
    and whether it was evaluated on this review's own material."""

    step: str
    does: str
    version: int
    decided_by: str
    evaluated: bool


class Problem(BaseModel):
    """An error as RFC 9457 has it. `type` ends in a word for programs, `detail` says for people what happened and
    what to do; `errors` lists every fault of the request, and `request_id` finds it in the logs."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str | None
    errors: list[Fault] = []


class JournalEntry(BaseModel):
    """An event a service told: its CloudEvents envelope, its place in the service's journal, its other causes."""

    seq: int
    event: dict[str, Any]
    because: list[str] = []


class DeadLetterView(BaseModel):
    """A delivery set aside, with its reason and the place in the code that gave it. `holds` says that later events
    of its key wait for the decision."""

    id: str
    topic: str
    partition: int
    offset: int
    key: str | None
    event_id: str | None
    review: str | None
    type: str | None
    slug: str
    raised_at: str
    reason: str
    holds: bool
    state: LetterState
    set_aside_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    decided_why: str | None


class DeadLetterText(DeadLetterView):
    """The same with the message as text, in which what is not UTF-8 is escaped."""

    value: str


class Readiness(BaseModel):
    """Each thing each service depends on: `ok`, or what is wrong with it."""

    ready: bool
    services: dict[str, dict[str, str]]


class PublicKey(BaseModel):
    """The public half of a key as JWK (RFC 7517, RFC 8037), and what it is for: `tokens` or `revisions`. It counts for
    signatures made `since` its first instant `until` its last, where it has them; `pem` is the same key for openssl."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]
    kid: str
    purpose: Purpose
    since: datetime | None
    until: datetime | None
    pem: str


class KeySet(BaseModel):
    """Every key that signs or did, oldest first (a JWK Set, RFC 7517)."""

    keys: list[PublicKey]


class HeldKeyView(BaseModel):
    """A key of a topic whose events wait: `parked` of them, behind one that failed, needs another first or is of
    an unknown version; or `released` and about to be done. `letter` is the dead letter that holds it, if one does."""

    topic: str
    partition: int
    key: str
    review: str | None
    cause: Literal["fault", "not_yet", "unknown_version", "released"]
    reason: str
    since: datetime
    parked: int
    letter: str | None


class PutOffView(BaseModel):
    """An event that a service has not adopted: it lacks these features, or could not do it when it had them (`reason`).
    Until a release that can starts, it works on by what came before."""

    type: str
    key: str
    review: str
    event_id: str
    lacks: str
    reason: str | None
    since: datetime


class DeadLetterGroup(BaseModel):
    """Waiting dead letters that have type, reason and place in common; `example` is one of them."""

    group: str
    type: str | None
    slug: str
    place: str | None
    count: int
    oldest: datetime
    newest: datetime
    example: str


class Discard(Given):
    """Why a dead letter is never done."""

    reason: Reason


class DeadLetterDecision(BaseModel):
    """A discarded letter, and what follows: `behind` later events of its key go on without it."""

    letter: DeadLetterView
    behind: int
    follows: str


class RetryGroup(Given):
    """Try at most `limit` letters of a group, oldest first, those after the letter `after`; `all` goes on after one
    that still does not work."""

    all: bool = False
    limit: Annotated[int, Field(ge=1, le=500), WHOLE] = 100
    after: Annotated[str, Field(max_length=100)] | None = None


class DiscardGroup(Discard):
    """Discard at most `limit` letters of a group, oldest first, and why."""

    limit: Annotated[int, Field(ge=1, le=500), WHOLE] = 100


class GiveUpKey(Discard):
    """Which held key waits in vain, and why. Given up is its first event, or with `whole` all that is parked of it
    (a thousand at a time)."""

    topic: Line
    key: Line
    whole: bool = False


class GiveUpReview(Discard):
    """Of which review all that is held waits in vain, and why; at most `limit` keys, and a thousand events, at a
    time."""

    review: Line
    limit: Annotated[int, Field(ge=1, le=500), WHOLE] = 100


class GivenUp(BaseModel):
    """How many keys were released without how many events, and how many such keys are still held: ask again."""

    released: int
    events: int
    left: int


class Failure(BaseModel):
    """A letter that still does not work, and why."""

    letter: str
    slug: str
    reason: str


class GroupDecision(BaseModel):
    """How many letters of a group were done and how many failed, how many are left, the last that was looked at."""

    done: int
    failed: int
    left: int
    last: str | None
    first_failure: Failure | None
