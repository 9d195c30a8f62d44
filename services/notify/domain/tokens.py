"""What the links in mail show: that whoever opens them was sent them. Each opens one thing of one subscription."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

Opens = Literal["confirm", "leave"]


def token_of(secret: str, subscription: str, opens: Opens) -> str:
    """The token of one subscription that opens one thing; it follows from the subscription's own secret."""
    said = f"{opens} {subscription}".encode()
    return hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()


def does_open(token: str, secret: str, subscription: str, opens: Opens) -> bool:
    return hmac.compare_digest(token.encode(), token_of(secret, subscription, opens).encode())
