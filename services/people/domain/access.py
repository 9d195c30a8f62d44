"""What a role may give away: roles to others, scopes to keys. Pure."""

from __future__ import annotations

from collections.abc import Collection

from shared.errors import Invalid
from shared.tokens import OF_PROGRAMS, ROLES, SCOPES

#: The role that every program has where its key is for; a scope says what else of it.
ROLE_OF_PROGRAMS = "reader"

#: The least role that each scope is of any use to.
_NEEDS = {
    "records": "reader",
    "events": "reader",
    "metrics": "admin",
    "subscribe": "reader",
    "import": "lead",
    "screen": "reviewer",
    "code": "reviewer",
    "decide": "adjudicator",
    "sign": "lead",
    "administer": "lead",
}


def require_grantable(role: str, by: str, *, of: str = "role") -> None:
    """Raises Invalid for a role that is more than that of whoever gives it, or takes it from the one named by `of`."""
    if ROLES.index(role) > ROLES.index(by):
        why = f"is {role!r}, which is more than your own {by!r}"
        raise Invalid.of(of, why, slug="beyond_ones_own")


def require_scopes(
    scopes: Collection[str], role: str | None, *, program: bool = False, everywhere: bool = False
) -> None:
    """Raises Invalid, naming each, for scopes that a role does not have, or that no program's key has, of one review or
    `everywhere`."""
    errors = []
    for number, scope in enumerate(scopes):
        if program and scope not in OF_PROGRAMS:
            why = f"{scope!r} ({SCOPES[scope]}) is nothing that a program does; its key is for {', '.join(OF_PROGRAMS)}"
        elif scope == "metrics" and program and not everywhere:
            why = "'metrics' are of all reviews, and so is a key for them"
        elif role is None or ROLES.index(_NEEDS[scope]) > ROLES.index(role):
            why = f"{scope!r} takes the role {_NEEDS[scope]!r} or more; yours is {role or 'none'}"
        else:
            continue
        errors.append({"at": f"scopes.{number}", "why": why})
    if errors:
        raise Invalid(f"{errors[0]['at']}: {errors[0]['why']}", errors, slug="beyond_ones_own")
