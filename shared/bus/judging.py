"""Judging: what a failure says about the event that met it, and so what is done with the event. Pure."""

from __future__ import annotations

import errno
import re
import sys
from dataclasses import dataclass
from enum import Enum
from types import TracebackType

from sqlalchemy import exc

from shared.db.faults import FileFault
from shared.errors import LivingError, NotYet, Rejected, Unavailable


class Outcome(Enum):
    """What becomes of an event that failed."""

    #: A thing we need is away, which says nothing about the event: everything waits, without a limit.
    DOWN = "down"
    #: It needs another event first: it is parked, and tried again.
    NOT_YET = "not_yet"
    #: It is of a version that only a later release knows: it is parked.
    UNKNOWN_VERSION = "unknown_version"
    #: It cannot be read, by whoever reads it: a dead letter that holds nothing.
    UNDECODABLE = "undecodable"
    #: Our mistake, or its own: a dead letter after a few tries, and later events of its key wait.
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Judgement:
    """An outcome with its reason: `slug` for programs, `reason` for people, `raised_at` the place in our code
    (`module:function`, or "" where there is none). `certain` says that trying again is in vain, `presumed` that it was
    not tried this time, since many like it had just been tried in vain."""

    outcome: Outcome
    slug: str
    reason: str
    raised_at: str = ""
    certain: bool = False
    presumed: bool = False


#: Characters of a reason that are kept: it may quote what an event holds.
_LONGEST = 1000

#: What a disk, a network or the limits of a process say when it is not about what was asked.
_ENVIRONMENT = {
    getattr(errno, name)
    for name in (
        "EACCES", "EAGAIN", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EDQUOT", "EHOSTDOWN", "EHOSTUNREACH", "EIO",
        "EMFILE", "ENETDOWN", "ENETUNREACH", "ENFILE", "ENOMEM", "ENOSPC", "ENOTCONN", "EPERM", "EPIPE", "EROFS",
        "ESTALE", "ETIMEDOUT",
    )
}  # fmt: skip

#: Classes of SQLSTATE in which PostgreSQL tells that it, or the way to it, is not well: connections, access, missing
#: databases, rolled-back transactions, resources, locks, an operator's hand, the system. Not 54, the event's size.
_SERVER_CLASSES = ("08", "25006", "25P03", "28", "3D", "40", "53", "55", "57", "58", "XX001", "XX002")

#: Result codes in which SQLite tells that the file, or the disk below it, is not well or not free.
_FILE_CODES = (
    "BUSY", "LOCKED", "NOMEM", "READONLY", "INTERRUPT", "IOERR", "CORRUPT", "FULL", "CANTOPEN", "PROTOCOL", "PERM",
    "NOTADB",
)  # fmt: skip


def judge(error: BaseException) -> Judgement:
    """What an error that an effect raised says."""
    if isinstance(error, NotYet):
        outcome = Outcome.NOT_YET
    elif is_down(error):
        outcome = Outcome.DOWN
    else:
        outcome = Outcome.FAULT
    return Judgement(outcome, _slug(error), reason_of(error), _raised_at(error), certain=isinstance(error, Rejected))


def undecodable(error: Rejected) -> Judgement:
    """What an error says that reading a message raised."""
    return Judgement(Outcome.UNDECODABLE, error.slug, reason_of(error), certain=True)


def unknown_version(error: Rejected) -> Judgement:
    return Judgement(Outcome.UNKNOWN_VERSION, error.slug, reason_of(error))


def reason_of(error: BaseException) -> str:
    """The error in words that every database can keep: its first line, cut to a bearable length."""
    if isinstance(error, LivingError | FileFault):
        detail = error.reason if isinstance(error, FileFault) else error.detail
        return storable(detail.strip()) or type(error).__name__
    first = str(error).strip().split("\n(Background on this error")[0].split("\n[SQL:")[0]
    return storable(f"{type(error).__name__}: {first}" if first else type(error).__name__)


def storable(text: str) -> str:
    """Text without what a database refuses: no NUL, no half characters, no more than a bearable length."""
    if text.isascii() and "\0" not in text and len(text) <= _LONGEST:
        return text
    return text.replace("\0", "\\0").encode(errors="backslashreplace").decode()[:_LONGEST]


def is_down(error: BaseException) -> bool:
    """Whether it tells of a server, a disk or a network that is not there, and that may be there again."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_down(one) for one in error.exceptions)
    if isinstance(error, Unavailable | MemoryError | exc.TimeoutError | exc.PendingRollbackError):
        return True
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or _server_is_away(error)
    if isinstance(error, OSError):
        # Time-outs, broken TLS and unknown hosts are classes of their own whose numbers mean something else.
        return error.errno in _ENVIRONMENT or isinstance(error, ConnectionError | TimeoutError) or _of_network(error)
    return False


def _server_is_away(error: exc.DBAPIError) -> bool:
    state: object = getattr(error.orig, "sqlstate", None)
    code: object = getattr(error.orig, "sqlite_errorname", None)
    if state is not None:
        return str(state).startswith(_SERVER_CLASSES)
    if code is not None:
        return str(code).removeprefix("SQLITE_").startswith(_FILE_CODES)
    return isinstance(error, exc.OperationalError | exc.InterfaceError)


def _of_network(error: OSError) -> bool:
    return type(error).__module__ in ("socket", "_socket", "ssl", "_ssl") or type(error).__name__ == "gaierror"


def _slug(error: BaseException) -> str:
    if isinstance(error, LivingError):
        return error.slug
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(error).__name__).lower()


def _raised_at(error: BaseException) -> str:
    """The innermost function of our own code that the error went through: `module:function`."""
    raised_at, step = "", error.__traceback__
    while step is not None:
        if _is_ours(step):
            raised_at = f"{step.tb_frame.f_globals['__name__']}:{step.tb_frame.f_code.co_name}"
        step = step.tb_next
    return raised_at


def _is_ours(step: TracebackType) -> bool:
    name = str(step.tb_frame.f_globals.get("__name__", ""))
    if name.partition(".")[0] in ("services", "shared"):
        return True
    return "site-packages" not in step.tb_frame.f_code.co_filename and (
        name.partition(".")[0] not in sys.stdlib_module_names
    )
