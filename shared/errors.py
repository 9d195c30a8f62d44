"""The errors of the platform: one tree, each with a kind and a slug, never an HTTP status.

    LivingError
    ├── NotFound          no such thing, or not one you may know of
    ├── Conflict          true and well formed, but not in this state (a lapsed lease, a second vote)
    ├── Invalid           the input breaks a rule; `errors` lists each with its place
    ├── Unauthenticated   we do not know who asks
    ├── Forbidden         we know, and the answer is no
    ├── TooLarge          more than the limit
    ├── TooMany           more often than one may: try again later
    ├── Unavailable       a thing we need is down: try again later
    │   ├── LogUnavailable    the event log
    │   ├── Unconfirmed       it went away while it kept what was asked: nobody knows whether it did
    │   ├── Busy              too many ask at this moment; nothing was done
    │   └── Lost              bytes that were kept are gone or damaged: a person must put a copy back
    ├── NotYet            an event that needs another one first: retried, in its turn
    └── Rejected          an event that will never work: goes to the dead letters at once

`shared.http.problems` is the one place that maps kinds to RFC 9457 problem documents.
"""

from __future__ import annotations

from typing import Any


class LivingError(Exception):
    """The root. `slug` names the error for programs, `detail` says for people what happened and what to do."""

    kind = "internal"
    slug = "internal"

    def __init__(self, detail: str, *, slug: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.slug = slug or type(self).slug
        self.extra = extra


#: The slug of a service that another process serves.
NOT_SERVED = "not_served"


class NotFound(LivingError):
    kind = slug = "not_found"


class UnknownReview(NotFound):
    """A review that a service has not heard of."""

    slug = "unknown_review"

    def __init__(self, review: str) -> None:
        reason = f"there is no review {review!r} with a protocol"
        super().__init__(f"{reason}; one that was just applied arrives in seconds")


class Conflict(LivingError):
    kind = slug = "conflict"


class Invalid(LivingError):
    """The input breaks one rule or several; `errors` is a list of {"at": place, "why": sentence}."""

    kind = slug = "invalid"

    def __init__(self, detail: str, errors: list[dict[str, Any]] | None = None, **extra: Any) -> None:
        super().__init__(detail, **{"errors": errors or [], **extra})
        self.errors = errors or []

    @classmethod
    def of(cls, at: str, why: str, **extra: Any) -> Invalid:
        """What is wrong with one place, such as a field."""
        return Invalid(f"{at}: {why}", [{"at": at, "why": why}], **extra)


class Unauthenticated(LivingError):
    kind = slug = "unauthenticated"


class Forbidden(LivingError):
    kind = slug = "forbidden"


class TooLarge(LivingError):
    kind = slug = "too_large"


class TooMany(LivingError):
    kind = slug = "too_many"


class Unavailable(LivingError):
    kind = slug = "unavailable"


class LogUnavailable(Unavailable):
    slug = "log_unavailable"


class Unconfirmed(Unavailable):
    """`passes` says whether what failed comes back by itself; else a person must mend it first."""

    slug = "unconfirmed"

    def __init__(self, detail: str, *, passes: bool = True) -> None:
        super().__init__(detail)
        self.passes = passes


class Busy(Unavailable):
    slug = "busy"


class Lost(Unavailable):
    kind = slug = "lost"


class NotYet(LivingError):
    kind = slug = "not_yet"


class Rejected(LivingError):
    kind = slug = "rejected"
