"""Key rings of one key, and the person that a token names; for tests."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.keys.ring import KeyRing, both
from shared.tokens import Person, opened


def ring_of(private: Ed25519PrivateKey) -> KeyRing:
    """A ring of one pair, which is for both purposes."""
    return KeyRing(both(private.public_key(), private))


def read_token(ring: KeyRing, token: str) -> Person:
    """The person a token names. Raises Unauthenticated."""
    return opened(ring, token)[0]
