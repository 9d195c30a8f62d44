"""The signing key: one Ed25519 key that signs tokens and seals revisions, each for its own audience."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import Invalid, Unavailable
from shared.storage import unusable

if TYPE_CHECKING:
    from shared.settings import Settings


class SigningKey:
    """Signs claims as compact JWS (RFC 7515, EdDSA) and checks them. The private part never leaves it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def open(cls, settings: Settings, used: Callable[[], Mapping[str, str]] = dict) -> SigningKey:
        """Reads the key, or makes it where the settings allow.

        `used` tells, by service, the fingerprints of the keys that databases were used with: where there is one
        no other key is made. Raises Unavailable, saying what to do.
        """
        path = Path(settings.place(settings.signing_key))
        try:
            there = path.exists()
        except OSError as error:
            raise unusable(path, error) from error
        if not there and settings.make_signing_key:
            _make_first(path, used())
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> SigningKey:
        """Reads the key of a file. Raises Unavailable, saying what to do."""
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError) as error:
            raise Unavailable(
                f"the signing key {path} cannot be read ({type(error).__name__}); "
                "set LIVING_SIGNING_KEY to an Ed25519 key in PEM form"
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise Unavailable(f"the signing key {path} is not an Ed25519 key")
        return cls(key)

    def sign(self, claims: dict[str, Any], *, audience: str) -> str:
        # By hand, since it is two lines and the library that checks costs half of a whole command to load.
        signed = b".".join(_part(part) for part in ({"alg": "EdDSA", "typ": "JWT"}, {**claims, "aud": audience}))
        return b".".join((signed, _encoded(self._key.sign(signed)))).decode()

    def check(self, token: str, *, audience: str) -> dict[str, Any]:
        """The claims of a token made for this audience. Raises Invalid when it is not ours or not in time."""
        import jwt

        try:
            # When it was issued proves nothing, and a clock that is set back must not shut everybody out.
            return jwt.decode(
                token, self._key.public_key(), algorithms=["EdDSA"], audience=audience, options={"verify_iat": False}
            )
        except jwt.InvalidTokenError as error:
            raise Invalid(f"the signature does not hold: {error}", slug="bad_signature") from error

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public part (its SubjectPublicKeyInfo, DER), by which databases know the key."""
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"SHA256:{sha256(public).hexdigest()}"

    def public_pem(self) -> str:
        """The public part, for whoever wants to check a revision's signature."""
        return (
            self._key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )


def _part(value: dict[str, Any]) -> bytes:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def _make_first(path: Path, used: Mapping[str, str]) -> None:
    if used:
        services, fingerprint = ", ".join(used), next(iter(used.values()))
        raise Unavailable(
            f"the signing key {path} is not there, though {services} were used with one ({fingerprint}): put it back. "
            "If it is lost for good, `living key accept --new` makes another, and says what that means",
            slug="key_lost",
        )
    make(path)


def make(path: Path) -> None:
    """Makes a key where there is none, readable by its owner alone. Raises Unavailable with the reason."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        # A link fails where the name is taken: of two processes that start at once, one key wins.
        with suppress(FileExistsError):
            os.link(draft, path)
    except OSError as error:
        raise unusable(path, error) from error
    finally:
        with suppress(OSError):
            draft.unlink()
