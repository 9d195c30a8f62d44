"""A sitting: a session with a clock that moves when the test says so, and a platform that answers as it is told."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from services.cli.screen.cards import Card, card_of
from services.cli.screen.exchange import Cast, Claim, Done, Failed, Look, Release, Renew, Request
from services.cli.screen.session import QUIET, Session
from shared.errors import LivingError
from shared.shortcuts import PRESETS, Keys

ANSWERS = [
    {"value": "include", "leads_to": "advance", "reason_required": False},
    {"value": "unsure", "leads_to": "adjudicate", "reason_required": False},
    {"value": "exclude", "leads_to": "exclude", "reason_required": True},
]
CMOCS = [{"id": name, "resource": "tools", "outcome": "fruit"} for name in ("c1", "c2")]


def task(name: str, **changes: Any) -> dict[str, Any]:
    """A task in hand as the platform answers it; `changes` are of the task, or of its record with `record_...`."""
    record = {
        "record": f"rec_{name}", "title": f"On {name}", "abstract": "Gardens that are tended bear fruit.",
        "authors": ["Okoye, Ada"], "venue": "Plots", "published": "2019", "identifiers": {"doi": "10.1000/gardens"},
        "flags": [], "restricted": False,
        **{name.removeprefix("record_"): value for name, value in changes.items() if name.startswith("record_")},
    }  # fmt: skip
    return {
        "lease": f"lease_{name}", "kind": "screening", "expires_at": "2020-01-01T01:00:00+00:00",
        "task": f"task_{name}", "stage": "sift", "protocol_version": 1, "question": "Could it inform a theory?",
        "answers": ANSWERS, "fields": [], "votes_needed": 2, "definitions": {"context": "before it"}, "cmocs": [],
        "record": record, "votes": [],
        **{name: value for name, value in changes.items() if not name.startswith("record_")},
    }  # fmt: skip


def a_card(name: str, **changes: Any) -> Card:
    return card_of(task(name, **changes))


class Sitting:
    """Somebody before a session. What is asked of the platform waits in `asked` until it is answered."""

    def __init__(
        self, *names: str, keys: Keys = PRESETS["rayyan"], can: Iterable[str] = (), count_: int = 4, **of: Any
    ) -> None:
        numbers = count(1)
        self.session = Session(keys, count_, set(can), lambda: f"key_{next(numbers)}")
        self.now = 100.0
        self.asked: list[Request] = self.session.begin(self.now)
        self.sent: list[Request] = list(self.asked)
        if names:
            self.gets(*names, **of)
            self.waits()

    def gets(self, *names: str, **of: Any) -> None:
        """Answers the claim that waits."""
        self.answers(self.waiting(Claim), [a_card(name, **of) for name in names])

    def waits(self, seconds: float = QUIET) -> None:
        """Lets time go by."""
        self.now += seconds
        self._take(self.session.tick(self.now))

    def presses(self, *keys: str, every: float = 0.0) -> None:
        """Presses keys; `every` so many seconds one."""
        for key in keys:
            self._take(self.session.press(key, self.now))
            self.now += every

    def types(self, text: str) -> None:
        """Types as people do, who are slower than a key that is pressed twice."""
        self.presses(*text, every=QUIET)

    def answers(self, request: Request, result: Any = None) -> None:
        """The platform does what was asked."""
        self.asked.remove(request)
        self._take(self.session.heard(Done(request, result), self.now))

    def refuses(self, request: Request, error: LivingError) -> None:
        """The platform, or the way to it, says no."""
        self.asked.remove(request)
        self._take(self.session.heard(Failed(request, error), self.now))

    def waiting(self, kind: type[Any]) -> Any:
        """The one request of a kind that waits."""
        (found,) = (request for request in self.asked if isinstance(request, kind))
        return found

    def is_waiting(self, kind: type[Any]) -> bool:
        return any(isinstance(request, kind) for request in self.asked)

    @property
    def casts(self) -> list[Cast]:
        """Every vote that was sent, each time it was."""
        return [request for request in self.sent if isinstance(request, Cast)]

    @property
    def shown(self) -> str | None:
        """The title of the card that is shown."""
        return self.session.card.title if self.session.card is not None else None

    def _take(self, requests: list[Request]) -> None:
        self.asked += requests
        self.sent += requests


__all__ = ["Cast", "Claim", "Look", "Release", "Renew", "Sitting", "a_card", "task"]
