"""Asking: threads that ask the platform what a session wants to know or done, so that the keys never wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from services.cli.screen.cards import card_of, card_of_item, kept_for, lesson_of
from services.cli.screen.exchange import (
    Cast,
    Claim,
    Done,
    Failed,
    Left,
    Look,
    NextItem,
    Note,
    Park,
    Release,
    Renew,
    Request,
    Skip,
    TakeBack,
    Train,
)
from shared.client.http import under
from shared.errors import LivingError, Unavailable

if TYPE_CHECKING:
    from shared.client import Client

#: Threads for what goes on beside: claims, renewals, looks, and giving back.
_BESIDE = 3


class Asker:
    """Sends requests from threads of its own: what changes something in its order, the rest beside it."""

    def __init__(self, living: Client, review: str, stage: str | None, hear: Callable[[Done | Failed], None]) -> None:
        """`hear` takes each answer, in whichever thread it came."""
        self._living, self._review, self._stage, self._hear = living, review, stage, hear
        self._acts: SimpleQueue[Request] = SimpleQueue()
        self._beside: SimpleQueue[Request] = SimpleQueue()
        self.broken: BaseException | None = None  # A mistake of ours, which ends the session.
        for waiting in (self._acts, *[self._beside] * _BESIDE):
            # Whoever leaves waits for none of them.
            threading.Thread(target=self._work, args=(waiting,), daemon=True).start()

    @property
    def can(self) -> frozenset[str]:
        """What the platform's client has beyond votes."""
        screening = self._living.screening
        have = {"undo": "take_back", "park": "park", "note": "note"}
        return frozenset({"look", *(name for name, method in have.items() if hasattr(screening, method))})

    def send(self, request: Request) -> None:
        (self._beside if isinstance(request, Claim | NextItem | Renew | Look | Release) else self._acts).put(request)

    def _work(self, waiting: SimpleQueue[Request]) -> None:
        while True:
            request = waiting.get()
            try:
                answer: Done | Failed = Done(request, self._ask(request))
            except LivingError as error:
                answer = Failed(request, error)
            except ValueError as error:
                # Half an answer, or that of something in between.
                answer = Failed(request, Unavailable(f"what answered is no platform, or broke off: {error}"))
            except BaseException as error:
                self.broken = error
                answer = Failed(request, LivingError(str(error)))
            self._hear(answer)

    def _ask(self, request: Request) -> Any:
        """The platform's answer, as `Done` has it."""
        screening: Any = self._living.screening
        match request:
            case Claim(count):
                tasks = cast("list[Mapping[str, Any]]", screening.claim_many(self._review, count, self._stage))
                return [card_of(task) for task in tasks]
            case Renew(lease):
                return kept_for(screening.renew(self._review, lease).expires_at)
            case Look():
                return self._left()
            case Release(lease, key):
                with under(key):
                    # Whoever ends their day says nothing of what they give back.
                    screening.release(self._review, lease, unread=True)
            case Cast(card, ballot, key):
                # What the platform knows since a later release is said only where there is something.
                more = {"excluded_for": ballot.excluded_for, "judged_for": list(ballot.judged_for)}
                given = {name: value for name, value in more.items() if value}
                with under(key):
                    screening.vote(self._review, card.lease, ballot.answer, ballot.reason, ballot.fields, **given)
            case NextItem():
                item = screening.next_training(self._review, self._stage)
                return None if item is None else card_of_item(item)
            case Train(card, ballot, key):
                with under(key):
                    receipt = screening.train(
                        self._review, card.stage, card.task, ballot.answer, excluded_for=ballot.excluded_for
                    )
                return lesson_of(receipt)
            case Skip(card, key):
                with under(key):
                    getattr(screening, "skip", screening.release)(self._review, card.lease)
            case Park(card, reason, until, key):
                with under(key):
                    screening.park(self._review, card.task, reason, until)
            case Note(card, text, key):
                with under(key):
                    screening.note(self._review, card.task, text)
            case TakeBack(card, _, key):
                with under(key):
                    back = screening.take_back(self._review, card.task)
                return card_of(back) if isinstance(back, Mapping) and "record" in back and "answers" in back else None
        return None

    def _left(self) -> Left:
        """How much waits at the stage asked for, or at all of them."""
        screening: Any = self._living.screening
        if hasattr(screening, "left"):
            rows = [row for row in screening.left(self._review) if self._stage in (None, row.stage)]
            # What is in hand is left to be answered too.
            waits = sum(row.left + row.in_hand for row in rows)
            return Left(waits, any(row.left_or_more for row in rows), for_me=True)
        rows = [row for row in screening.queue(self._review) if self._stage in (None, row.stage)]
        return Left(sum(row.open for row in rows), False, for_me=False)
