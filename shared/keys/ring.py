"""The key ring: Ed25519 keys that sign tokens and revisions, each for one purpose and with its dates."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, Self, get_args

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import Invalid, Unavailable
from shared.keys import Purpose

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

#: Whom a signature is for (the claim `aud`), by purpose: a token never passes for a revision's signature.
AUDIENCES: Mapping[Purpose, str] = {"tokens": "living-api", "revisions": "living-revision"}

#: Keys that a ring, and its published set, may hold: so many are far less than the bytes that are read of either.
MOST = 1000

#: Hex digits of a fingerprint that name a key.
_KID = 16


@dataclass(frozen=True)
class Key:
    """A key for one purpose. Without its private half it signs nothing any more, and still checks.

    `since` and `until` are instants, of the platform's clock for revisions and of the machine's for tokens; None
    where there is no bound.
    """

    purpose: Purpose
    public: Ed25519PublicKey
    private: Ed25519PrivateKey | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def fresh(cls, purpose: Purpose, since: datetime | None = None) -> Key:
        private = Ed25519PrivateKey.generate()
        return cls(purpose, private.public_key(), private, since)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the public half (its SubjectPublicKeyInfo, DER), by which databases know the key."""
        return f"SHA256:{sha256(self._public_bytes(serialization.Encoding.DER)).hexdigest()}"

    @property
    def kid(self) -> str:
        """The key's id (RFC 7515, `kid`): the beginning of its fingerprint."""
        return kid_of(self.fingerprint)

    @property
    def public_pem(self) -> str:
        return self._public_bytes(serialization.Encoding.PEM).decode()

    def holds_at(self, at: datetime) -> bool:
        """Whether a signature made at this instant counts, or for tokens: one that is shown at it.

        When a token's key began proves nothing, and a clock that is set back must not shut everybody out.
        """
        began = self.purpose == "tokens" or self.since is None or self.since <= at
        return began and (self.until is None or at <= self.until)

    def ended(self, until: datetime | None) -> Key:
        """The same key, which signs no more: its private half is forgotten."""
        return replace(self, private=None, until=until)

    @property
    def never_holds(self) -> bool:
        """Whether it ended before it began, as one that was made by a clock that was ahead."""
        if self.purpose == "tokens" or self.since is None or self.until is None:
            return False
        return self.until < self.since

    def dates(self) -> str:
        """Since when and until when, in UTC, for people."""
        since = f"since {self.since:%Y-%m-%d %H:%M:%S}" if self.since else "from the first"
        dates = f"{since} until {self.until:%Y-%m-%d %H:%M:%S} UTC" if self.until else since
        return f"at no time ({dates})" if self.never_holds else dates

    def _public_bytes(self, encoding: serialization.Encoding) -> bytes:
        return self.public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def kid_of(fingerprint: str) -> str:
    return fingerprint.removeprefix("SHA256:")[:_KID]


class KeyRing:
    """Signs claims as compact JWS (RFC 7515, EdDSA) and checks them. The last key of a purpose that has its private
    half signs; every key checks what it signed. Private halves never leave it but into its file."""

    def __init__(self, keys: Iterable[Key]) -> None:
        #: Never changed, only replaced as a whole (`refresh`): whoever keeps what it checked sees by that.
        self.keys = tuple(keys)

    def sign(self, purpose: Purpose, claims: Mapping[str, Any], *, at: datetime, audience: str | None = None) -> str:
        """The claims, signed for this purpose, or for an audience of their own. Raises Unavailable when no key may sign
        at that instant."""
        key = self.signing(purpose, at)
        if key is None or key.private is None:
            known = "; ".join(f"{it.kid} {it.dates()}" for it in self.keys if it.purpose == purpose) or "there is none"
            raise Unavailable(
                f"no key of the ring may sign {purpose} at {at:%Y-%m-%d %H:%M:%S} UTC ({known}): try again, since one "
                "may have been rotated meanwhile; where that does not help look at the clock, or make a key with "
                f"`living key rotate --for {purpose}`",
                slug="no_key",
            )
        # By hand, since it is two lines and the library that checks costs half of a whole command to load.
        head = {"alg": "EdDSA", "typ": "JWT", "kid": key.kid}
        signed = b".".join(_part(part) for part in (head, {**claims, "aud": audience or AUDIENCES[purpose]}))
        return b".".join((signed, encoded(key.private.sign(signed)))).decode()

    def signing(self, purpose: Purpose, at: datetime) -> Key | None:
        """The key that signs for a purpose at an instant."""
        able = [it for it in self.keys if it.purpose == purpose and it.private is not None and it.holds_at(at)]
        return able[-1] if able else None

    def check(self, purpose: Purpose, token: str, *, audience: str | None = None) -> tuple[Key, dict[str, Any]]:
        """The key that signed a token or signature for this purpose, or that audience, and its claims. Whether that
        key's dates allow it is for the caller to ask, who knows the instant.

        Raises Invalid when it is none of this ring, or over (`exp`).
        """
        import jwt

        try:
            kid = jwt.get_unverified_header(token).get("kid")
            # Before keys had ids there was one of them.
            keys = self._named(purpose, kid)
            for key in keys:
                try:
                    # When it was issued proves nothing, and a clock that is set back must not shut everybody out.
                    claims = jwt.decode(
                        token,
                        key.public,
                        ["EdDSA"],
                        audience=audience or AUDIENCES[purpose],
                        options={"verify_iat": False},
                    )
                    return key, claims
                except jwt.InvalidSignatureError:
                    if key is keys[-1]:
                        raise
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise Invalid(f"the signature does not hold: {error}", slug="bad_signature") from error
        raise Invalid(
            f"it names the key {kid!r:.40}, which is none of those for {purpose} that are known here",
            slug="unknown_key",
        )

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Within the block no key is rotated or retired, and the ring is what is kept: for whoever signs what must
        verify for good. Raises Unavailable, at once, while somebody changes it."""
        yield

    def current(self) -> Self:
        """The ring with what was changed up to now; where that cannot be read, with the keys of before."""
        with suppress(Unavailable):
            self.refresh()
        return self

    def refresh(self) -> bool:
        """Takes up what was changed where the ring is kept; whether there was something."""
        return False

    def look_again(self) -> bool:
        """The same when something is asked for that the ring has not, however often that happens."""
        return False

    @property
    def fingerprints(self) -> set[str]:
        """Those of all its keys."""
        return {key.fingerprint for key in self.keys}

    def newest(self, purpose: Purpose) -> Key | None:
        """The key that signs for a purpose, whatever its dates; or the last that did."""
        of = [key for key in self.keys if key.purpose == purpose]
        return next((key for key in reversed(of) if key.private is not None), of[-1] if of else None)

    def _named(self, purpose: Purpose, kid: str | None) -> list[Key]:
        def found() -> list[Key]:
            return [key for key in self.keys if key.purpose == purpose and kid in (None, key.kid)]

        if not (keys := found()):
            # Whatever it answers: another thread may have taken up the change meanwhile.
            self.look_again()
            keys = found()
        return keys


def both(public: Ed25519PublicKey, private: Ed25519PrivateKey | None = None) -> tuple[Key, ...]:
    """A key for each purpose, of one pair, as platforms of earlier releases have it."""
    return tuple(Key(purpose, public, private) for purpose in PURPOSES)


def named_key(token: str) -> str | None:
    """The key that a token or signature says it is by; None where it says none."""
    import jwt

    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return None
    return kid if isinstance(kid, str) else None


def encoded(value: bytes) -> bytes:
    """base64url without padding, as all of JOSE has it (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def _part(value: Mapping[str, object]) -> bytes:
    return encoded(json.dumps(value, separators=(",", ":")).encode())
