"""The application: chosen services as one ASGI app, served until told to stop."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from services.catalog import SERVICES, choose
from shared import logging
from shared.http.app import create_app
from shared.keys import SigningKey
from shared.runtime.platform import Platform
from shared.settings import Settings
from shared.tokens import ALL_REVIEWS, Person, issue_token


def build(settings: Settings, names: Sequence[str] = ()) -> FastAPI:
    """The ASGI application of the named services, or of all."""
    logging.configure(settings)
    return create_app(Platform(settings, choose(names)), documented=SERVICES)


def serve(settings: Settings, names: Sequence[str] = ()) -> None:
    """Serves until SIGTERM or SIGINT: then it takes no more, finishes what is in hand, and closes."""
    app = build(settings, names)
    # What is loaded by now stays: the collector need not look through it time and again.
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app, host=settings.host, port=settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=10
    )


def first_token(settings: Settings) -> str | None:
    """An admin token when the signing key is made by this call, so that the first start is not a locked
    house; None ever after."""
    if not settings.make_signing_key or Path(settings.place(settings.signing_key)).exists():
        return None
    key = SigningKey.open(settings)
    person = Person("admin", "admin", (ALL_REVIEWS,))
    return issue_token(key, person, now=datetime.now(UTC), valid_for=timedelta(days=30))
