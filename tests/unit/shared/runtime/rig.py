"""What a platform stands on: its log, its databases, its key - and what may be done to them between two
starts."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from sqlmodel import SQLModel, select

from shared.bus.open import open_log
from shared.bus.port import EventLog, Message
from shared.clock import SystemClock
from shared.db.tables import InboxRow, WaitingRow
from shared.events.synthesis import ReviewOverdue
from shared.runtime.platform import Platform
from shared.runtime.running import Running
from shared.service import Service
from shared.settings import Settings
from tests.databases import make_tables
from tests.toy import TOY, Note, overdue
from tests.waiting import eventually

Row = TypeVar("Row", bound=SQLModel)


class PlatformRig:
    """One platform of the toy service, or of these, started again and again on the same data."""

    def __init__(self, folder: Path, workbench, services: Sequence[Service] = (TOY,), **settings: object) -> None:
        self.folder, self.services = folder, services
        defaults = {"data_dir": folder, "scheduler": False, "log_level": "error", "retry_seconds": 0.05}
        # The toy's tables are made as its models are, since it has no migrations.
        self.settings = Settings(_env_file=None, **{**defaults, "upgrade_at_start": False, **settings})
        self.envelope = workbench(TOY).envelope

    @contextmanager
    def platform(self) -> Iterator[Platform]:
        """A start, as a process would do it, up to its stop. Raises what the start refuses with."""
        platform = Platform(self.settings, self.services, SystemClock())
        for running in platform.running.values():
            make_tables(running.database, running.service)
        try:
            platform.start()
            yield platform
        finally:
            platform.stop()

    @contextmanager
    def started(self) -> Iterator[Running]:
        with self.platform() as platform:
            yield platform.running[TOY.name]

    def start(self) -> None:
        with self.started():
            pass

    def lives(self, *reviews: str) -> None:
        """Starts, hears of these reviews, tells what follows, and stops when all is heard, told and stored."""
        with self.started() as running:
            self.put(*reviews)
            eventually(lambda: set(reviews) <= notes(running))
            eventually(lambda: running.event_log.lag(TOY.name, TOY.topics) == 0)
            eventually(lambda: unpublished(running) == 0)

    def put(self, *reviews: str) -> None:
        """Puts events on the log, as synthesis would."""
        with self.log() as log:
            messages = [Message(ReviewOverdue.topic, it, self.envelope(overdue(it)).to_json()) for it in reviews]
            log.append(messages)

    @contextmanager
    def log(self) -> Iterator[EventLog]:
        with closing(open_log(self.settings.resolved(self.settings.log_url), prefix=self.settings.topic_prefix)) as log:
            yield log

    def on_the_log(self) -> list[tuple[str, str, bytes]]:
        """Everything that the log has, in its order."""
        with self.log() as log:
            return [(it.topic, it.key, it.value) for it in log.read([ReviewOverdue.topic, "notify.deliveries"])]

    # What may happen to the files of the embedded profile

    @property
    def log_file(self) -> Path:
        return self.folder / "log.db"

    @property
    def database_file(self) -> Path:
        return self.folder / "toy.db"

    @property
    def key_file(self) -> Path:
        return self.folder / "signing-key.pem"

    def copy(self, file: Path) -> Path:
        """A copy of a database file as it is now, whole."""
        copy = self.folder / f"{uuid.uuid4().hex}.copy"
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return copy

    def remove(self, file: Path) -> None:
        for each in file.parent.glob(f"{file.name}*"):
            each.unlink()

    def put_back(self, copy: Path, file: Path) -> None:
        self.remove(file)
        shutil.copy(copy, file)


def rows(running: Running, table: type[Row]) -> list[Row]:
    """Every row of a table."""
    with running.database.session(readonly=True) as session:
        return list(session.exec(select(table)))


def notes(running: Running) -> set[str]:
    return {note.review for note in rows(running, Note)}


def heard(running: Running) -> int:
    return len(rows(running, InboxRow))


def unpublished(running: Running) -> int:
    return len(rows(running, WaitingRow))
