"""Putting off: a version that needs what this release lacks waits for one that has it, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from shared.bus import put_off
from shared.bus.port import Message
from shared.db.tables import InboxRow, PutOffEventRow
from shared.db.work import Work
from shared.errors import Rejected, Unavailable
from shared.events import protocol
from shared.events.base import Event
from shared.events.protocol import Feature, Need, Protocol, VersionPublished
from shared.events.synthesis import ReviewOverdue
from shared.service import on
from tests.toy import TOY, Note
from tests.unit.shared.bus.rig import TOPIC, ListenerRig

PROTOCOL = Protocol.model_validate(
    yaml.safe_load((Path(__file__).parents[4] / "reviews/ics-leadership/protocol.yaml").read_text())
)


def keep_number(work: Work, event: VersionPublished) -> None:
    """Notes which version it works by. Raises for titles that say so."""
    if event.protocol.title == "broken":
        raise Rejected("this version cannot be adopted")
    if event.protocol.title == "away":
        raise Unavailable("the database is away")
    note = work.session.get(Note, event.review) or work.add(Note(review=event.review))
    note.days = [f"2020-01-{event.version:02}"]


ADOPTING = replace(TOY, reactions=[*TOY.reactions, on(VersionPublished, keep_number)])


@pytest.fixture
def rig(make_rig) -> ListenerRig:
    rig = make_rig(ADOPTING)
    rig.topics = [TOPIC, VersionPublished.topic]
    restarts(rig)
    return rig


def restarts(rig: ListenerRig) -> None:
    """The service's next process."""
    rig.close()
    rig.listener = rig.another()


def publishes(
    rig: ListenerRig, number: int, *needs: str, of: list[str] | None = None, title: str = "A review", id: str = "",
    review: str = "r",
) -> None:  # fmt: skip
    event = VersionPublished.of(PROTOCOL.model_copy(update={"review": review, "title": title}), number, "lea")
    event = event.model_copy(update={"needs": [Need(feature=name, services=of or []) for name in needs]})
    envelope = rig.bench.envelope(event)
    envelope = envelope._replace(id=id or envelope.id)
    rig.bench.platform.event_log.append([Message(event.topic, event.key, envelope.to_json())])
    rig.listens()


def knows(monkeypatch, *features: str) -> None:
    monkeypatch.setattr(protocol, "FEATURES", {name: Feature(lambda _: True) for name in features})


def seen(rig: ListenerRig) -> str:
    with rig.bench.running.database.session(readonly=True) as session:
        return put_off.tell(session, "toy")


def test_a_version_that_needs_a_feature_of_tomorrow_is_not_adopted_and_this_is_told(rig):
    publishes(rig, 1)
    publishes(rig, 2, "tomorrow", "later")

    assert rig.notes() == {"r": [1]}
    assert seen(rig).startswith("not adopted, since this release lacks what is needed: protocol.version.published of r")
    assert "needs tomorrow, later, since" in seen(rig)
    assert rig.bench.running.health()["needs"] == seen(rig)
    assert (rig.held(), rig.letters(), rig.lag()) == ({}, [], 0)


def test_of_many_that_wait_three_are_named_and_the_others_counted(rig):
    for number in range(5):
        publishes(rig, 1, "tomorrow", review=f"r{number}")

    assert [f"of r{number} needs" in seen(rig) for number in range(5)] == [True, True, True, False, False]
    assert seen(rig).endswith("; 2 more")


def test_a_review_whose_first_version_is_put_off_has_none(rig):
    publishes(rig, 1, "tomorrow")

    assert rig.notes() == {}


def test_a_release_that_has_the_feature_adopts_it_at_its_start(rig, monkeypatch):
    publishes(rig, 1)
    publishes(rig, 2, "tomorrow")
    knows(monkeypatch, "tomorrow")

    restarts(rig)
    rig.listens()

    assert (rig.notes(), seen(rig)) == ({"r": [2]}, "ok")


def test_a_release_that_still_lacks_it_leaves_it_as_it_is(rig):
    publishes(rig, 2, "tomorrow")
    before = rig.rows(PutOffEventRow)

    restarts(rig)
    rig.listens()

    assert [row.model_dump() for row in rig.rows(PutOffEventRow)] == [row.model_dump() for row in before]


def test_a_later_version_that_can_be_adopted_makes_it_void(rig, monkeypatch):
    publishes(rig, 1)
    publishes(rig, 2, "tomorrow")
    publishes(rig, 3)
    knows(monkeypatch, "tomorrow")
    restarts(rig)
    rig.listens()

    assert (rig.notes(), seen(rig)) == ({"r": [3]}, "ok")


def test_of_two_that_wait_the_newer_is_adopted(rig, monkeypatch):
    publishes(rig, 2, "tomorrow")
    publishes(rig, 3, "tomorrow")
    knows(monkeypatch, "tomorrow")
    restarts(rig)
    rig.listens()

    assert rig.notes() == {"r": [3]}


def test_of_two_that_wait_the_newer_is_adopted_though_the_clock_was_set_back_between_them(rig, monkeypatch):
    publishes(rig, 3, "tomorrow", id="evt_9")
    publishes(rig, 4, "tomorrow", id="evt_1")
    knows(monkeypatch, "tomorrow")
    restarts(rig)
    rig.listens()

    assert (rig.notes(), seen(rig)) == ({"r": [4]}, "ok")


def test_a_later_version_makes_it_void_though_the_clock_was_set_back_between_them(rig):
    publishes(rig, 3, "tomorrow", id="evt_9")
    publishes(rig, 5, id="evt_1")

    assert (rig.notes(), seen(rig)) == ({"r": [5]}, "ok")


def test_an_older_version_that_comes_late_makes_nothing_void(rig):
    publishes(rig, 3, "tomorrow", id="evt_1")
    publishes(rig, 2, id="evt_9")

    assert rig.notes() == {"r": [2]}
    assert "needs tomorrow" in seen(rig)


def test_an_older_version_that_comes_again_makes_nothing_void(rig, monkeypatch):
    publishes(rig, 1)
    publishes(rig, 2, "tomorrow")
    (first, _) = list(rig.bench.platform.event_log.read([VersionPublished.topic]))
    with rig.bench.running.database.session() as session:
        for row in rig.rows(InboxRow):
            session.delete(session.merge(row))
        session.commit()
    rig.bench.platform.event_log.append([Message(first.topic, first.key, first.value)])
    rig.listens()
    knows(monkeypatch, "tomorrow")
    restarts(rig)
    rig.listens()

    assert rig.notes() == {"r": [2]}


@pytest.mark.parametrize(("services", "number"), [(["other"], 2), (["other", "toy"], 1)])
def test_a_feature_is_asked_of_the_services_that_need_it(rig, services, number):
    publishes(rig, 1)
    publishes(rig, 2, "tomorrow", of=services)

    assert rig.notes() == {"r": [number]}


def test_one_that_fails_when_it_is_tried_waits_on_and_says_why(rig, monkeypatch):
    publishes(rig, 1)
    publishes(rig, 2, "tomorrow", title="broken")
    knows(monkeypatch, "tomorrow")
    restarts(rig)
    rig.listens()

    assert rig.notes() == {"r": [1]}
    assert "tried, and failed: this version cannot be adopted" in seen(rig)


def test_one_that_this_release_cannot_read_keeps_nothing_else_from_being_done(rig):
    publishes(rig, 2, "tomorrow")
    with rig.bench.running.database.session() as session:
        (row,) = rig.rows(PutOffEventRow)
        session.merge(row).value = row.value.replace(b'"dataversion":2', b'"dataversion":3')
        session.commit()
    restarts(rig)
    rig.put("b")
    rig.listens()

    assert rig.notes() == {"b": [1]}
    assert "no event 'protocol.version.published' of version 3 is registered" in seen(rig)


def test_while_something_is_away_it_is_tried_again(rig, monkeypatch):
    publishes(rig, 2, "tomorrow", title="away")
    knows(monkeypatch, "tomorrow")
    restarts(rig)
    rig.listener.listen_once(timeout=0.05)
    assert rig.listener.trouble == "waits: the database is away"
    monkeypatch.setattr(Protocol, "read", classmethod(lambda cls, document: PROTOCOL))

    rig.listens(until=lambda: rig.notes() == {"r": [2]})


def test_other_events_of_its_review_go_on(rig):
    publishes(rig, 1, "tomorrow")
    rig.put(("r", 5))
    rig.listens()

    assert rig.notes() == {"r": [5]}


def test_no_other_event_asks_for_anything():
    assert not ReviewOverdue.demanding
    assert [event for event in Event.__subclasses__() if event.demanding] == [VersionPublished]
