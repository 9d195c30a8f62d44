"""Whom a connection to the open internet believes: the list of authorities is long, and read once."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """What this process verifies the names of servers with, on all its connections. To read the list takes as long as
    to open everything else of a service."""
    return httpx.create_ssl_context()
