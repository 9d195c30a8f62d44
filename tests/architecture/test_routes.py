"""No open route: every route of every service asks for a role, and one that concerns a review has it in its path."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from services.catalog import SERVICES
from shared.http.route import Route
from shared.runtime.app import routers
from shared.tokens import ANY, OWN, ROLES, SCOPES

#: Whoever starts containers has no token; these tell `ok` or `down` and nothing else.
OPEN = {"/healthz", "/readyz"}

#: Who comes by these shows a key, an invitation or a password instead.
DOORS = {
    "/people/token", "/people/public-tokens", "/people/public-reviews", "/people/invitations/accept",
    "/people/sessions",
    # By what whoever reads mail was sent, in the path.
    "/notify/mail/{subscription}/{token}", "/notify/mail/{subscription}/{token}/confirm",
    "/notify/mail/{subscription}/{token}/leave",
}  # fmt: skip


@pytest.fixture(scope="module")
def routes() -> list[APIRoute]:
    return [route for router in routers(SERVICES) for route in router.routes if isinstance(route, APIRoute)]


def roles(dependant: Dependant) -> Iterator[str]:
    """The roles that a route asks for."""
    for inner in dependant.dependencies:
        role = getattr(inner.call, "role", None)
        if role is not None:
            yield role
        yield from roles(inner)


def scopes(dependant: Dependant) -> Iterator[str]:
    """What a key must be for, as a route asks."""
    for inner in dependant.dependencies:
        scope = getattr(inner.call, "scope", None)
        if scope in (ANY, OWN, *SCOPES):
            yield scope
        yield from scopes(inner)


def test_every_route_asks_for_one_scope_and_who_may_decide_for_a_role(routes):
    open_routes = {route.path for route in routes if not list(scopes(route.dependant))}
    without_role = {route.path for route in routes if not set(roles(route.dependant)) & {*ROLES}}

    assert open_routes == OPEN | DOORS
    assert without_role == open_routes | {
        "/people/me", "/people/me/password", "/people/keys", "/people/keys/{key}", "/people/invitations/join",
        "/people/withdrawals/{number}", "/people/persons/{person_id}/name", "/people/reviews/{review}",
    }  # fmt: skip
    assert all(len(set(scopes(route.dependant))) <= 1 for route in routes)
    assert len(routes) > 40


def test_every_route_bounds_its_body(routes):
    assert [route.path for route in routes if not isinstance(route, Route)] == []


def test_no_reader_may_change_anything(routes):
    changing = [route for route in routes if route.methods & {"POST", "PUT", "PATCH", "DELETE"}]
    allowed = {"/notify/reviews/{review}/subscriptions"}

    for route in changing:
        # What one does about oneself takes no role, and what a door lets in shows something else.
        about_oneself = OWN in scopes(route.dependant) or route.path in DOORS
        if not about_oneself and not any(route.path.startswith(prefix) for prefix in allowed):
            assert set(roles(route.dependant)) - {"reader"}, route.path


#: Commands that take no key of their own, and why each may be sent again.
NEEDS_NO_KEY = {
    # Each answer ends by itself within minutes, or hours.
    "/people/token", "/people/public-tokens", "/people/sessions",
    # One link lets one person in, with one key by the secret that they sent.
    "/people/invitations/accept", "/people/invitations/join",
    # What is so already stays so.
    "/notify/mail/{subscription}/{token}/confirm", "/notify/mail/{subscription}/{token}/leave",
    "/screening/reviews/{review}/leases/{lease}/renew",
    "/ingest/reviews/{review}/texts/{text}/proposals/{proposal}/accept",
    # A claim is filled up with what is held.
    "/screening/reviews/{review}/claims",
    # A file is known by its hash.
    "/ingest/reviews/{review}/files", "/ingest/reviews/{review}/text-files",
    # These keep nothing.
    "/protocol/reviews/{review}/checks", "/ingest/reviews/{review}/texts/{text}/quotes",
}  # fmt: skip


def test_every_command_is_done_once_under_its_key_unless_it_needs_none(routes):
    posts = [route for route in routes if "POST" in route.methods]
    without = {
        route.path
        for route in posts
        # What was set aside and is taken up again, or discarded, is set aside no more.
        if not {"dead-letters", "held"} & {*route.path.split("/")}
        and "Idempotency-Key" not in {header.alias for header in route.dependant.header_params}
    }

    assert without == NEEDS_NO_KEY


#: What all reviews share of ingest: the budgets of its sources.
SOURCES = {"/ingest/quota", "/ingest/parked"}


def test_every_route_of_a_service_is_about_a_review_or_about_operations(routes):
    lists = {f"/{service.name}/{what}" for service in SERVICES for what in ("dead-letters", "held", "put-off")}
    people = {route.path for route in routes if route.path.startswith("/people/")}
    allowed = people | {
        "/protocol/reviews",
        "/search/rebuilds",
        *SOURCES,
        "/metrics",
        "/signing-key.pem",
        "/signing-keys",
        *OPEN,
        *DOORS,
    }

    for route in routes:
        about_a_review = "/reviews/{review}" in route.path
        assert about_a_review or route.path in allowed or any(route.path.startswith(path) for path in lists), route.path


def test_every_route_explains_itself_and_has_a_name_of_its_own(routes):
    assert [route.path for route in routes if not route.description] == []
    names = [route.operation_id or route.unique_id for route in routes]
    assert len(names) == len(set(names))
