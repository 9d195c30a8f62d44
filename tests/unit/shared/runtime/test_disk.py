"""A full disk, and one that turns read-only: people are told 503, the parts say why, and all goes on when it can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import event

from shared.bus.port import Message
from shared.errors import LogUnavailable
from shared.events.base import Envelope
from shared.events.notify import DeliveryFailed
from shared.events.synthesis import ReviewOverdue
from tests.disks import mounted
from tests.toy import TOY, overdue
from tests.unit.shared.runtime.rig import notes, unpublished
from tests.waiting import eventually
from tests.workbench import Workbench

pytestmark = pytest.mark.waits

Harm = Callable[[Workbench], "contextmanager[None]"]


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of its own with eight megabytes; only where this user may mount one."""
    with mounted(tmp_path / "disk") as disk:
        yield disk.folder


@contextmanager
def full(bench: Workbench) -> Iterator[None]:
    """The disk has not a byte left."""
    filler = bench.settings.data_dir / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def read_only(bench: Workbench) -> Iterator[None]:
    """Every file of the platform can only be read: SQLite says what it says of a file on a disk mounted so."""
    engines = [bench.running.database.engine, bench.running.requests.engine]

    def turn(connection, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    writer = bench.platform.event_log._writer
    opened = writer._open

    def open_read_only():
        db = opened()
        db.execute("PRAGMA query_only = ON")
        return db

    for engine in engines:
        event.listen(engine, "checkout", turn)
    writer.close()
    writer._open = open_read_only
    try:
        yield
    finally:
        for engine in engines:
            event.remove(engine, "checkout", turn)
            engine.dispose()
        writer.close()
        writer._open = opened


@pytest.fixture(params=["full", "read-only"])
def harmed(request, workbench, tmp_path) -> Iterator[tuple[Workbench, Harm]]:
    folder = request.getfixturevalue("small_disk") / "data" if request.param == "full" else tmp_path / "data"
    bench = Workbench(TOY, folder, retry_seconds=0.05)
    bench.platform.event_log.create_topics()
    yield bench, full if request.param == "full" else read_only
    bench.close()


def write(bench: Workbench, review: str):
    return bench.person().post(f"/toy/reviews/{review}/notes", headers={"Idempotency-Key": f"note-of-{review}"})


def put(bench: Workbench, *reviews: str) -> None:
    log = bench.platform.event_log
    log.append([Message(ReviewOverdue.topic, it, bench.envelope(overdue(it)).to_json()) for it in reviews])


def seen(bench: Workbench) -> set[str]:
    """The reviews that the toy told of on the log."""
    read = bench.platform.event_log.read([DeliveryFailed.topic])
    return {Envelope.from_json(delivery.value).data["review"] for delivery in read if delivery.key != "filler"}


def test_a_person_is_told_why_and_nothing_is_changed(harmed):
    bench, harm = harmed
    assert write(bench, "before").status_code == 200
    with harm(bench):
        answers = [write(bench, f"r{number}") for number in range(200)]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert refused and answers[-1].status_code == 503
        # Room does not come by itself: nobody is told when to ask again.
        assert all("retry-after" not in answer.headers for answer in refused)
        assert "full" in answers[-1].json()["detail"] or "only be read" in answers[-1].json()["detail"]
        assert bench.person().get("/toy/reviews/r/notes").status_code == 200

    accepted = [f"r{number}" for number, answer in enumerate(answers) if answer.status_code == 200]
    assert notes(bench.running) == {"before", *accepted}
    assert write(bench, "r199").status_code == 200


def test_the_listener_waits_says_why_and_goes_on_by_itself(harmed):
    bench, harm = harmed
    put(bench, *(f"r{number}" for number in range(50)))
    with harm(bench):
        use_up(bench)
        bench.running.listening.worker.start()
        eventually(lambda: bench.running.listening.health() != "ok")
        assert any(word in bench.running.listening.health() for word in ("disk", "full", "readonly", "read-only"))

    eventually(lambda: len(notes(bench.running)) >= 50)
    eventually(lambda: bench.running.listening.health() == "ok")
    assert bench.running.waiting_dead_letters() == 0


def test_the_relay_waits_says_why_and_loses_nothing(harmed):
    bench, harm = harmed
    for number in range(5):
        assert write(bench, f"r{number}").status_code == 200
    with harm(bench):
        use_up(bench)
        bench.running.relay.worker.start()
        eventually(lambda: bench.running.relay.worker.health() != "ok")
        with pytest.raises(LogUnavailable):
            fill(bench)

    eventually(lambda: unpublished(bench.running) == 0)
    eventually(lambda: bench.running.relay.worker.health() == "ok")
    assert {f"r{number}" for number in range(5)} <= seen(bench)


def use_up(bench: Workbench) -> None:
    """Uses up what room there is inside the files themselves."""
    for number in range(1000):
        if write(bench, f"use-up{number}").status_code != 200:
            break
    with suppress(LogUnavailable):
        fill(bench)


def fill(bench: Workbench) -> None:
    """Appends until the log takes no more. Raises LogUnavailable."""
    for _ in range(5000):
        bench.platform.event_log.append([Message("notify.deliveries", "filler", b"x" * 2000)])
