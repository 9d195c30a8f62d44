"""10,000 changes and 50 subscriptions with filters, with receivers of every kind: each gets exactly its subset, once by
its id."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.notify import jobs
from services.notify.domain import RETRIES
from shared.events.synthesis import Change, CmocState, RevisionPublished
from tests.unit.services.notify.conftest import NotifyBench
from tests.unit.services.notify.mailbox import Mailbox
from tests.unit.services.notify.rig import Receiver, revision_published, status
from tests.unit.services.notify.test_mail import asks, link_of

# A minute of deliveries, which is what it is about.
pytestmark = [pytest.mark.waits, pytest.mark.slow]

REVISIONS, CHANGES, SUBSCRIPTIONS = 100, 100, 50
ORDER = ("NONE", "PATCH", "MINOR", "MAJOR")
#: Most changes are small.
MOSTLY = ("PATCH",) * 9 + ("MINOR", "MAJOR")
THEORIES, OF_EACH = 40, 10
STATES = [
    CmocState(cmoc=f"c{theory}-{number}", theory=f"t{theory}", status="supported", support=1)
    for theory in range(THEORIES)
    for number in range(OF_EACH)
]


@dataclass
class Reader:
    """Somebody who subscribed, and how their receiver is."""

    kind: str
    wish: dict[str, Any]
    id: str = ""
    got: Counter[str] = field(default_factory=Counter)
    ids: dict[str, str] = field(default_factory=dict)

    def takes(self, id_: str, revision: str) -> None:
        assert self.ids.setdefault(id_, revision) == revision
        self.got[id_] += 1


def revisions(chance: random.Random) -> list[RevisionPublished]:
    """A hundred changes each, of the CMOCs of a few theories."""
    made = []
    for number in range(1, REVISIONS + 1):
        theories = chance.sample(range(THEORIES), 3)
        of = [state.cmoc for state in STATES if int(state.theory[1:]) in theories]
        changes = [
            Change(cmoc=chance.choice(of), what="support", before=1, after=2, change_class=chance.choice(MOSTLY))
            for _ in range(CHANGES)
        ]
        greatest = max((it.change_class for it in changes), key=ORDER.index)
        made.append(revision_published(number, states=STATES, changes=changes, change_class=greatest))
    return made


def subset(wish: dict[str, Any], published: list[RevisionPublished]) -> set[str]:
    """What a reader is to get, change by change."""
    theories, cmocs, least = wish.get("theories", []), wish.get("cmocs", []), ORDER.index(wish["least"])
    of = {state.cmoc: state.theory for state in STATES}
    return {
        event.revision
        for event in published
        if any(
            ORDER.index(change.change_class) >= least
            and (not (theories or cmocs) or change.cmoc in cmocs or of[change.cmoc] in theories)
            for change in event.changes
        )
    }


def wishes(chance: random.Random) -> list[Reader]:
    kinds = ["good"] * 20 + ["fails"] * 4 + ["hangs"] * 2 + ["inward"] * 2 + ["gone"] * 2 + ["mail"] * 20
    readers = []
    for kind in kinds:
        named = {"cmocs": [it.cmoc for it in chance.sample(STATES, 4)]}
        if chance.random() < 0.4:
            named = {"theories": [f"t{chance.randrange(THEORIES)}"]}
        readers.append(Reader(kind, {"least": chance.choice(ORDER), **named}))
    assert len(readers) == SUBSCRIPTIONS
    return readers


class Everybody:
    """What all webhooks of this test say, by their paths."""

    def __init__(self, receiver: Receiver, readers: list[Reader]) -> None:
        self.receiver, self.readers = receiver, readers
        self.tries: Counter[tuple[int, str]] = Counter()
        self.inside, self.hung = 0, defaultdict(threading.Event)
        self._one_at_a_time = threading.Lock()

    def __call__(self, handler: Any) -> None:
        number = handler.path.removeprefix("/")
        if not number.isdigit():
            self.inside += 1
            return status(200)(handler)
        received = next(it for it in reversed(self.receiver.received) if it.path == handler.path and
                        it.id == handler.headers["webhook-id"])  # fmt: skip
        reader, first = self.readers[int(number)], False
        with self._one_at_a_time:
            self.tries[int(number), received.id] += 1
            first = self.tries[int(number), received.id] == 1
        if reader.kind == "gone":
            return status(410)(handler)
        if reader.kind == "inward":
            return status(302, Location=f"http://127.0.0.1:{self.receiver.port}/inside")(handler)
        if reader.kind == "hangs" and not self.hung[number].is_set():
            self.hung[number].set()
            self.receiver.closing.wait(20)
            return None
        if reader.kind == "fails" and first:
            return status(503)(handler)
        with self._one_at_a_time:
            reader.takes(received.id, json.loads(received.body)["data"]["revision"])
        return status(200)(handler)


def test_each_gets_exactly_its_subset_once_by_its_id(tmp_path):
    chance = random.Random(14)
    published, readers = revisions(chance), wishes(chance)
    assert sum(len(event.changes) for event in published) == 10_000
    with Receiver() as receiver, Mailbox() as mailbox:
        receiver.answer = everybody = Everybody(receiver, readers)
        settings = {
            "smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "smtp_security": "none", "smtp_timeout": 60.0,
            "mail_from": "living@living.example", "public_url": "https://living.example", "webhook_timeout": 5.0,
        }  # fmt: skip
        with closing(NotifyBench(tmp_path, **settings)) as bench:
            _subscribes(bench, readers, receiver, mailbox)
            mailbox.goes_down()
            for event in published:
                bench.hears(event)
            for at, pause in enumerate((*RETRIES, RETRIES[-1], RETRIES[-1])):
                if at == 5:  # It was down for most of a day.
                    mailbox.comes_up()
                bench.runs(jobs.deliver_due)
                bench.clock.advance(seconds=pause.total_seconds() + 1)
            _mail_came(readers, mailbox)
            _is_as_it_should_be(bench, readers, published, everybody)


def _subscribes(bench: NotifyBench, readers: list[Reader], receiver: Receiver, mailbox: Mailbox) -> None:
    for number, reader in enumerate(readers):
        if reader.kind == "mail":
            address = f"r{number}@example.org"
            reader.id = asks(bench, by=f"p{number}", address=address, **reader.wish)["id"]
        else:
            url = f"http://127.0.0.1:{receiver.port}/{number}"
            reader.id = bench.subscribe(url, by=f"p{number}", **reader.wish)["id"]
    bench.runs(jobs.deliver_due)
    for mail in mailbox.received:
        subscription, token = link_of(mail)
        assert bench.anybody().post(f"/notify/mail/{subscription}/{token}/confirm").status_code == 200
    mailbox.received.clear()


def _mail_came(readers: list[Reader], mailbox: Mailbox) -> None:
    for mail in mailbox.received:
        number = int(mail["To"].partition("@")[0].removeprefix("r"))
        readers[number].takes(mail["Message-ID"], f"rev_{mail['Subject'].split()[1]}")


def _is_as_it_should_be(
    bench: NotifyBench, readers: list[Reader], published: list[RevisionPublished], everybody: Everybody
) -> None:
    for number, reader in enumerate(readers):
        due = subset(reader.wish, published)
        assert due, "a reader of whom nothing is to be seen"
        shown = bench.person(f"p{number}").get(f"/notify/reviews/garden/subscriptions/{reader.id}").json()
        assert shown["active"] is (reader.kind != "gone"), (reader, shown)
        if reader.kind in ("gone", "inward"):
            assert not reader.got
        else:
            assert set(reader.ids.values()) == due and len(reader.ids) == len(due), reader
            assert set(reader.got.values()) == {1} or reader.kind == "hangs", reader
    assert everybody.inside == 0
