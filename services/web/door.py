"""The door: the cookie that says who is here, and the proof that a form came from a page of ours.

A session is a key that people made at signing in (`POST /people/sessions`), and lies in the browser alone. What proves
a form is made from it, so that nothing is kept here (OWASP's sheet on request forgery: signed double submit).
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from shared.keys import PERSONS

#: Hours that a session lasts, as people makes it.
HOURS = 12

_SPELLED = re.compile(rf"{PERSONS}[0-9a-f]{{32}}_[A-Za-z0-9_-]{{43,100}}")
_VISITOR = re.compile(r"[A-Za-z0-9_-]{43}")


class Door:
    """The cookies of pages. Where these are `encrypted` a browser sends them no other way, and takes them from nobody
    else (the prefix `__Host-`, RFC 6265bis)."""

    def __init__(self, *, encrypted: bool) -> None:
        self._encrypted = encrypted
        prefix = "__Host-" if encrypted else ""
        self._session, self._visitor = f"{prefix}living-session", f"{prefix}living-visitor"
        self._keys = f"{prefix}living-keys"

    def session(self, request: Request) -> str | None:
        """The session's key; None where there is none, or what cannot be one."""
        shown = request.cookies.get(self._session, "")
        return shown if _SPELLED.fullmatch(shown) else None

    def visitor(self, request: Request) -> str:
        """What somebody is known by who has not signed in: what their browser brought, or something new."""
        shown = request.cookies.get(self._visitor, "")
        return shown if _VISITOR.fullmatch(shown) else secrets.token_urlsafe(32)

    def let_in(self, answer: Response, key: str) -> None:
        """Has a browser keep a session. Whatever it brought before is replaced."""
        self._set(answer, self._session, key, HOURS * 3600)
        answer.delete_cookie(self._visitor, secure=self._encrypted, httponly=True, samesite="lax")

    def let_out(self, answer: Response) -> None:
        answer.delete_cookie(self._session, secure=self._encrypted, httponly=True, samesite="lax")

    def keys(self, request: Request) -> str:
        """Which keys somebody chose in this browser, as `keep_keys` was given them; or whatever it brought."""
        return request.cookies.get(self._keys, "")

    def keep_keys(self, answer: Response, said: str) -> None:
        self._set(answer, self._keys, said, 365 * 86400)

    def remember(self, answer: Response, visitor: str) -> None:
        self._set(answer, self._visitor, visitor, 3600)

    def _set(self, answer: Response, name: str, value: str, seconds: int) -> None:
        # Lax: a link in a mail leads a person in as who they are, and no form of another site does.
        answer.set_cookie(name, value, seconds, secure=self._encrypted, httponly=True, samesite="lax")


def proof(of: str) -> str:
    """What a form carries to show that it was made for this session, or this visitor."""
    return hmac.new(of.encode(), b"a form of ours", sha256).hexdigest()


def secret_for(visitor: str, invitation: str) -> str:
    """The secret of the key that somebody comes in with: the same however often they send the same link, so that who
    was interrupted in between is let in (`POST /people/invitations/accept`)."""
    made = hmac.digest(visitor.encode(), f"come in by {invitation}".encode(), "sha256")
    return urlsafe_b64encode(made).decode().rstrip("=")


def is_foreign(request: Request) -> bool:
    """Whether a browser says that what it sends comes from another site."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host")


def is_from_here(request: Request) -> bool:
    """Whether a browser says that what it sends comes from a page of this very site; one that says nothing does not."""
    said = request.headers.get("sec-fetch-site") == "same-origin" or "origin" in request.headers
    return said and not is_foreign(request)


def is_ours(request: Request, shown: str, of: str) -> bool:
    """Whether a form came from a page of ours: it bears the proof, and no browser says that it comes from elsewhere."""
    return not is_foreign(request) and shown.isascii() and hmac.compare_digest(proof(of), shown)


def within(path: str | None, otherwise: str = "/") -> str:
    """A path of ours to go on to, as a link may name one; whatever leads elsewhere is none."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or not path.isprintable():
        return otherwise
    parts = urlsplit(path)
    return otherwise if parts.scheme or parts.netloc or "\\" in path else path
