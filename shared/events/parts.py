"""What every part of a protocol is made of: names, texts, and a model that takes nothing undeclared."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from shared.errors import Invalid
from shared.events.bounds import KeptText

_SLUG, LONGEST_SLUG = r"^[a-z0-9]+(?:[-_][a-z0-9]+)*$", 64
Slug = Annotated[str, StringConstraints(pattern=_SLUG, max_length=LONGEST_SLUG)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000), KeptText]


def is_slug(name: str) -> bool:
    """Whether a review, or what its protocol names, may be called so."""
    return len(name) <= LONGEST_SLUG and re.fullmatch(_SLUG, name) is not None


#: What no review is called: addresses of pages would be taken for it (`/reviews/new`).
_NO_NAMES = frozenset({"new"})


def require_free(review: str) -> None:
    """Raises Invalid for a name that a new review cannot have."""
    if review in _NO_NAMES:
        raise Invalid.of("review", f"{review!r} cannot be the name of a review, since pages have it as an address")


class Part(BaseModel):
    """A part of a protocol. In what people write a field nobody declared is an error, not a surprise; who reads what
    was published passes it over (`Protocol.read`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
