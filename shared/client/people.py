"""The client's view of people: who belongs to a review, invitations, and keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from shared.client.forms import Forms
from shared.client.http import Http, part

if TYPE_CHECKING:
    from shared.wire import people as wire
else:
    wire = Forms("shared.wire.people")

#: A body, or what would be its JSON.
Said = Mapping[str, object]


class PeopleClient:
    """Persons, memberships, invitations and keys."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def me(self) -> wire.Me:
        """Who I am here, my roles, and what my key is for."""
        return self._http.get("/people/me", wire.Me)

    def found(self, review: str) -> wire.ReviewPeople:
        """Founds a review, of which I am the lead. Raises Conflict for a name that is taken."""
        return self._http.post(f"/people/reviews/{part(review)}", wire.ReviewPeople)

    def review(self, review: str) -> wire.ReviewPeople:
        return self._http.get(f"/people/reviews/{part(review)}", wire.ReviewPeople)

    def set_pseudonyms(self, review: str, pseudonyms: bool) -> wire.ReviewPeople:
        """Shows members each other's numbers, or their names."""
        return self._http.send("PUT", f"/people/reviews/{part(review)}", wire.ReviewPeople, {"pseudonyms": pseudonyms})

    def set_public(self, review: str, public: bool) -> wire.ReviewPeople:
        """Lets anybody read what a review has published, or its members alone."""
        path = f"/people/reviews/{part(review)}/publicity"
        return self._http.send("PUT", path, wire.ReviewPeople, {"public": public})

    def public_token(self, review: str) -> wire.Token:
        """A token of five minutes by which anybody reads what a public review has published. Raises Forbidden for one
        that is not, and for one that there is not."""
        return self._http.post("/people/public-tokens", wire.Token, {"review": review})

    def public_reviews(self) -> Iterator[wire.PublicReview]:
        """The reviews that anybody may read; one needs no key to ask."""
        return self._http.pages("/people/public-reviews", wire.PublicReview)

    def members(self, review: str, *, left: bool = False) -> Iterator[wire.MemberView]:
        """Who belongs to a review; with `left` also who did."""
        return self._http.pages(f"/people/reviews/{part(review)}/members", wire.MemberView, left=left)

    def members_of_all(self, *, left: bool = False) -> Iterator[wire.MemberView]:
        """Who has a role in all reviews; for admins."""
        return self._http.pages("/people/members", wire.MemberView, left=left)

    def change_role(self, review: str, member: str, role: str) -> wire.MemberView:
        return self._http.send("PUT", _member(review, member), wire.MemberView, {"role": role})

    def hand_over(self, review: str, to: str, why: str, *, stays_as: str = "adjudicator") -> wire.HandoverView:
        """Proposes that a member takes a review over; it changes hands once they accept."""
        return self._http.post(_handovers(review), wire.HandoverView, {"to": to, "why": why, "stays_as": stays_as})

    def handovers(self, review: str) -> Iterator[wire.HandoverView]:
        """The proposals that somebody takes a review over, the newest first."""
        return self._http.pages(_handovers(review), wire.HandoverView)

    def accept_handover(self, review: str, handover: str) -> wire.HandoverView:
        """Takes a review over, which I am proposed for: I lead it from now on."""
        return self._http.post(f"{_handovers(review)}/{part(handover)}/accept", wire.HandoverView)

    def close_handover(self, review: str, handover: str, how: str) -> wire.HandoverView:
        """Declines it, or takes it back as a lead (`how`: declined or taken_back)."""
        return self._http.post(f"{_handovers(review)}/{part(handover)}/close", wire.HandoverView, {"how": how})

    def remove(self, review: str | None, member: str) -> wire.Withdrawal:
        """Ends a membership, mine or another's, or without a review a role in all. What they decided stands."""
        path = f"/people/members/{part(member)}" if review is None else _member(review, member)
        return self._http.send("DELETE", path, wire.Withdrawal)

    def old_names(self, review: str) -> Iterator[wire.MappedNameView]:
        """Whose the names are under which people acted in a review before they had ids."""
        return self._http.pages(f"/people/reviews/{part(review)}/old-names", wire.MappedNameView)

    def old_names_in(self, service: str, review: str) -> wire.OldNames:
        """Those that a service knows: screening, synthesis or notify."""
        return self._http.get(f"/{part(service)}/reviews/{part(review)}/old-names", wire.OldNames)

    def map_name(self, review: str, asked: wire.NewMapping | Said) -> wire.MappedNameView:
        """Says whose an old name is, once and for good. Raises Conflict (`looks_alike`) where it looks like a member's,
        whose id and name are the `person` and `called` of its errors."""
        return self._http.post(f"/people/reviews/{part(review)}/old-names", wire.MappedNameView, asked)

    def invite(self, review: str, asked: wire.NewInvitation | Said) -> wire.Invited:
        """A link by which one person comes in; this answer alone has it. Sent again within `under` the same key it is
        the same invitation with another link, and the one before counts no more (`replaced`)."""
        return self._http.post(f"/people/reviews/{part(review)}/invitations", wire.Invited, asked)

    def invitations(self, review: str | None) -> Iterator[wire.InvitationView]:
        """The links of a review, or those that are of none; without what opens them."""
        return self._http.pages(_invitations(review), wire.InvitationView)

    def withdraw_invitation(self, review: str | None, invitation: str) -> wire.InvitationView:
        """Ends a link before its time."""
        return self._http.send("DELETE", f"{_invitations(review)}/{part(invitation)}", wire.InvitationView)

    def grant(self, asked: wire.NewGrant | Said) -> wire.Invited:
        """A link to a role in all reviews, to found some, or for somebody to come back; sent again as `invite` is."""
        return self._http.post("/people/grants", wire.Invited, asked)

    def accept(self, asked: wire.Accepted | Said) -> wire.Arrived:
        """Comes in by a link, as somebody new; answers my first key."""
        return self._http.post("/people/invitations/accept", wire.Arrived, asked)

    def join(self, invitation: str) -> wire.Arrived:
        """Comes in by a link, as who I am already."""
        return self._http.post("/people/invitations/join", wire.Arrived, {"invitation": invitation})

    def set_password(self, asked: wire.NewPassword | Said) -> wire.PersonView:
        """Says by what name and password I sign in to pages. Raises Conflict (`looks_alike`)."""
        return self._http.send("PUT", "/people/me/password", wire.PersonView, asked)

    def sign_in(self, asked: wire.SignIn | Said) -> wire.KeyMade:
        """Signs in to pages: a key of twelve hours. Raises Unauthenticated (`bad_password`) and TooMany."""
        return self._http.post("/people/sessions", wire.KeyMade, asked)

    def keys(self) -> Iterator[wire.KeyView]:
        """My keys, and those that I made for programs, oldest first."""
        return self._http.pages("/people/keys", wire.KeyView)

    def keys_of(self, review: str) -> Iterator[wire.KeyView]:
        """The keys that are for a review alone."""
        return self._http.pages(f"/people/reviews/{part(review)}/keys", wire.KeyView)

    def make_key(self, asked: wire.NewKey | Said) -> wire.KeyMade:
        """A key of mine; with scopes, one by which a client acts for me. This answer alone has it. Sent again within
        `under` the same idempotency key it is the same key with another secret, and the one before counts no more
        (`replaced`). Raises Conflict (`key_in_use`) once it was used."""
        return self._http.post("/people/keys", wire.KeyMade, asked)

    def make_program_key(self, review: str | None, asked: wire.NewProgramKey | Said) -> wire.KeyMade:
        """A key for a program of a review, or of all; sent again as `make_key` is."""
        path = "/people/programs" if review is None else f"/people/reviews/{part(review)}/keys"
        return self._http.post(path, wire.KeyMade, asked)

    def withdraw_key(self, key: str, review: str | None = None) -> wire.Withdrawal:
        """Withdraws a key of mine; with a review, as its lead, one that is for it alone."""
        path = f"/people/keys/{part(key)}" if review is None else f"/people/reviews/{part(review)}/keys/{part(key)}"
        return self._http.send("DELETE", path, wire.Withdrawal)

    def withdrawal(self, number: int) -> wire.Withdrawal:
        """Whether every service hears of a withdrawal by now."""
        return self._http.get(f"/people/withdrawals/{number}", wire.Withdrawal)

    def persons(self) -> Iterator[wire.PersonView]:
        """Everybody; for admins."""
        return self._http.pages("/people/persons", wire.PersonView)

    def erase_name(self, person: str) -> wire.PersonView:
        """Forgets what somebody is called, for good."""
        return self._http.send("DELETE", f"/people/persons/{part(person)}/name", wire.PersonView)


def _invitations(review: str | None) -> str:
    return "/people/grants" if review is None else f"/people/reviews/{part(review)}/invitations"


def _handovers(review: str) -> str:
    return f"/people/reviews/{part(review)}/handovers"


def _member(review: str, member: str) -> str:
    return f"/people/reviews/{part(review)}/members/{part(member)}"
