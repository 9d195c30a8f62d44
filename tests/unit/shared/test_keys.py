"""The signing key: known by its fingerprint, and no slave of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import serialization

from shared.errors import Unauthenticated
from shared.keys import SigningKey, make
from shared.tokens import Person, issue_token, read_token

ANA = Person("ana", "reviewer", ("r",))


@pytest.fixture
def key(tmp_path) -> SigningKey:
    make(tmp_path / "key.pem")
    return SigningKey.read(tmp_path / "key.pem")


def test_the_fingerprint_is_that_of_the_public_key(key):
    public = serialization.load_pem_public_key(key.public_pem().encode())
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert key.fingerprint == f"SHA256:{sha256(der).hexdigest()}"


def test_a_token_issued_before_the_clock_was_set_back_a_day_still_opens(key):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert read_token(key, issue_token(key, ANA, now=tomorrow, valid_for=timedelta(hours=1))) == ANA


def test_a_token_whose_time_is_over_opens_nothing(key):
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with pytest.raises(Unauthenticated):
        read_token(key, issue_token(key, ANA, now=yesterday, valid_for=timedelta(hours=1)))
