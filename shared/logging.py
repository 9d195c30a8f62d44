"""Logs: structured, with correlation ids; for people on a terminal, JSON lines elsewhere."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from threading import Lock
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import Processor

from shared.settings import Settings

#: What opens something, wherever it slipped into: a key given in place of its id, a link pasted into an address. Spelt
#: as `shared.keys` has it, which stands above; a test holds them alike.
_SECRET = re.compile(r"(living_(?:key|invitation)_[0-9a-f]+)_[A-Za-z0-9_-]+")

#: One list for all times, since a logger keeps that of its first use.
_CHAIN: list[Processor] = []

#: Held while a line is written, so that none is written into another.
_WRITING = Lock()


def configure(settings: Settings) -> None:
    """Sends every log line, ours and the libraries', to standard error in one form."""
    human = settings.log_format == "human" or (settings.log_format == "auto" and sys.stderr.isatty())
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    # Plain tracebacks: the values of locals may be secrets, and take seconds to print.
    people = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    last = people if human else structlog.processors.JSONRenderer(_json)
    finish = [structlog.processors.format_exc_info, last] if not human else [last]
    _CHAIN[:] = [_from(settings.log_level.upper()), *chain, *finish]
    structlog.configure(processors=_CHAIN, logger_factory=_Lines, cache_logger_on_first_use=True)
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=chain,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    # A library's own chatter drowns what a service says; query strings may hold keys.
    for name in (
        "httpx",
        "httpcore",
        "kafka",
        "alembic",
        "elastic_transport",
        "uvicorn.access",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It would tell what was given to a statement that failed.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    # A job that outlasts its interval is meant to run once more, not to be warned of at every tick.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def _hide_secrets(logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leaves of each key and link in a line what tells which it is."""
    for name, value in line.items():
        if isinstance(value, str) and "living_" in value:
            line[name] = _SECRET.sub(r"\1_(hidden)", value)
    return line


def _from(level: str) -> Processor:
    """Leaves out lines below a level."""
    levels = logging.getLevelNamesMapping()
    below = {name.lower() for name, number in levels.items() if number < levels[level]}

    def check(logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if method in below:
            raise structlog.DropEvent
        return line

    return check


def _json(line: object, **given: Any) -> str:
    try:
        return orjson.dumps(line, default=given.get("default"), option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # A number of more than 64 bits, or half a surrogate pair.
        return json.dumps(line, **given)


class _Lines:
    """Writes our own lines to what is standard error at the moment. The standard library's way there, by a record of
    each, costs a request more than all else that is logged of it."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def _write(self, line: str) -> None:
        with _WRITING:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = _write


class _StandardError(logging.StreamHandler[TextIO]):
    """The same for the lines of libraries: a command run within another program has a standard error of its own."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """It cannot be another."""


def get(name: str) -> structlog.stdlib.BoundLogger:
    return structlog.stdlib.get_logger(name)
