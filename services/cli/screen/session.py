"""The session: a reviewer's day as a state machine - keys and the platform's answers in, cards and requests out.

It knows no terminal, no clock and no network: whoever runs it passes the time, sends the requests and hands the answers
over. Three rules make it safe to type fast:

- While something that changes the platform is under way, and for a moment after a card came, keys that change something
  are dead. A press meanwhile makes the moment begin anew, so that a key that is held down answers once.
- A vote has one idempotency key, made with it, for as long as it is tried; it is tried until the platform said
  yes or no, with growing pauses.
- What was typed for a card stays with its task until a vote on that is in, whatever becomes of the lease.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from services.cli.screen.ballots import Draft, ballot_of, draft_of, steps
from services.cli.screen.cards import Card, Choice
from services.cli.screen.exchange import (
    Act,
    Ballot,
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
from services.cli.screen.prompts import Line, Pick
from shared.errors import Conflict, Invalid, LivingError, NotFound, TooMany, Unavailable
from shared.pauses import pause_after
from shared.shortcuts import CHANGING, Keys

#: Seconds for which keys that change something are dead after a card came, or after such a key was pressed in vain.
QUIET = 0.25

#: The pauses before something is tried again, in seconds.
_FIRST, _LONGEST = 0.25, 15.0

#: How often something is tried that the platform itself says it fails at.
_FAILURES = 6

#: Seconds between two looks for new tasks where nothing waits, and at how much is left.
_AGAIN, _LOOK = 15.0, 60.0

#: Seconds without a key after which leases are not renewed any more: nobody is there.
_AWAY = 3600.0

#: Seconds that giving back may take when somebody leaves.
_LEAVING = 5.0

#: Seconds of the votes that the pace is reckoned from.
_PACE = 1800.0

#: How many votes back can be taken back.
_HISTORY = 100


@dataclass
class Dialog:
    """Questions that are answered one after another, and what is done then. `opened_by` is the key that opened the
    question that is shown."""

    card: Card
    steps: list[tuple[str, Line | Pick]]
    finish: Callable[[dict[str, Any], float], list[Request]]
    about: str
    answer: str = ""
    at: int = 0
    opened_by: str = ""
    opened_at: float = 0.0

    @property
    def prompt(self) -> Line | Pick:
        return self.steps[self.at][1]

    @property
    def values(self) -> dict[str, Any]:
        return {name: prompt.value for name, prompt in self.steps if prompt.value}


class Session:
    """A day of screening. `can` names what the platform takes beyond votes: `undo`, `park`, `note`, `look`."""

    def __init__(self, keys: Keys, count: int, can: Collection[str], new_key: Callable[[], str]) -> None:
        self.keys, self.count, self.can = keys, count, frozenset(can)
        self.card: Card | None = None
        self.ahead: deque[Card] = deque()
        self.dialog: Dialog | None = None
        self.view = "card"  # or `criteria`, `help`
        self.highlighted = True
        self.scroll = 0
        self.page = 10  # Lines of text that are seen at once; whoever draws says so.
        self.message, self.is_bad = "", False
        self.trouble: tuple[str, float] | None = None  # Why the platform is not reached, and when it is tried again.
        self.under_way: Act | None = None
        self.done = 0
        self.left: Left | None = None
        self.over = False
        self.refused: LivingError | None = None  # Why there is nothing to do here.
        self.unsent: Cast | None = None  # A vote that was left before it was in.
        self._new_key = new_key
        self._times: deque[float] = deque()
        self._voted: deque[tuple[Card, Ballot]] = deque(maxlen=_HISTORY)
        self._drafts: dict[str, Draft] = {}
        self._forced: dict[str, set[str]] = {}  # What the platform asked for besides, by task.
        self._whole_form: set[str] = set()
        self._gone: set[str] = set()  # Leases that are used up.
        self._deaf_until = 0.0
        self._last_key = 0.0
        self._claiming = False
        self._training = False  # Whether items of a training set come, and no claims go out.
        self._claim_at: float | None = None
        self._wanted_task: str | None = None  # What was taken back, and is to come first.
        self._looking_at = 0.0
        self._renew_at: dict[str, float] = {}
        self._renewing: set[str] = set()
        self._retries: list[tuple[float, Request]] = []
        self._tries: dict[int, int] = {}
        self._leaving_until: float | None = None
        self._giving_back: set[str] = set()
        self._kept = 0  # How many could not be given back.

    # What is asked of it

    def begin(self, now: float) -> list[Request]:
        """What is to be asked first."""
        self._last_key = now
        return [*self._claim(), *self._look(now)]

    def press(self, key: str, now: float) -> list[Request]:
        """Takes a key."""
        self._last_key = now
        if key == "ctrl-c":
            return self._leave(now)
        if self.dialog is not None:
            return self._press_in_dialog(self.dialog, key, now)
        folded = key.lower() if len(key) == 1 else key
        answer = self._answer_of(folded)
        action = self.keys.action(folded)
        if action == "leave":
            return self._leave(now)
        if key == "enter" and self.card is not None and self.card.lesson:
            return self._read(now)
        if self.view == "help" and (answer is not None or action in CHANGING):
            self.view = "card"  # Whoever reads what keys do presses none of them.
            return []
        if answer is not None or action in CHANGING:
            if self.is_deaf(now):
                self._deaf_until = max(self._deaf_until, now + QUIET)
                return []
            return self._change(answer, action, folded, now)
        self._look_around(action, folded)
        return []

    def paste(self, text: str, now: float) -> list[Request]:
        """Takes text that was pasted: it is never keys."""
        self._last_key = now
        if self.dialog is not None:
            self.dialog.prompt.insert(text)
        return []

    def heard(self, answer: Done | Failed, now: float) -> list[Request]:
        """Takes what the platform answered."""
        if isinstance(answer, Done):
            self._tries.pop(id(answer.request), None)
            self.trouble = None
            return [*self._did(answer.request, answer.result, now), *self._fill_up(now)]
        if self._passes(answer):
            return self._try_again(answer, now)
        self._tries.pop(id(answer.request), None)
        return [*self._was_refused(answer.request, answer.error, now), *self._fill_up(now)]

    def tick(self, now: float) -> list[Request]:
        """What is due by now."""
        due = [request for at, request in self._retries if at <= now]
        self._retries = [(at, request) for at, request in self._retries if at > now]
        if self._leaving_until is not None:
            if now >= self._leaving_until and self.under_way is None:
                self.over = True
            return due
        if self._claim_at is not None and self._claim_at <= now:
            self._claim_at = None
            due += self._claim()
        if self._looking_at <= now:
            due += self._look(now)
        return due + self._renewals(now)

    def wakes_at(self, now: float) -> float:
        """When something is due next, at the latest a second from now, since the pace is shown."""
        times = [at for at, _ in self._retries]
        next_step = self._leaving_until if self.leaving else self._claim_at
        times += [next_step] if next_step is not None else []
        if self._deaf_until > now:
            times.append(self._deaf_until)
        return max(now, min([now + 1.0, *times]))

    def leave_now(self, now: float) -> list[Request]:
        """Leaves without a question, as when the terminal is taken away."""
        if self._leaving_until is not None:
            return []
        return self._give_all_back(now)

    # What is seen

    def is_deaf(self, now: float) -> bool:
        """Whether keys that change something are dead."""
        return self.under_way is not None or self.leaving or now < self._deaf_until

    @property
    def leaving(self) -> bool:
        return self._leaving_until is not None

    @property
    def kept(self) -> int:
        """How many records could not be given back, or nobody knows of whether they are."""
        return self._kept + len(self._giving_back)

    @property
    def loading(self) -> bool:
        """Whether the next card is on its way."""
        return self._claiming or self._training

    def pace(self, now: float) -> int | None:
        """Votes an hour, as of the last half hour; None before there is one."""
        while self._times and self._times[0] < now - _PACE:
            self._times.popleft()
        if len(self._times) < 5:
            return None
        taken = now - self._times[0]
        return round((len(self._times) - 1) * 3600 / taken) if taken > 0 else None

    def draft(self) -> Draft | None:
        """What was typed for the card before, and is not in yet."""
        return self._drafts.get(self.card.task) if self.card is not None else None

    def actions(self) -> dict[str, str]:
        """What can be done by which key, as the platform and the card have it."""
        hidden = {name for name in ("undo", "park", "note") if name not in self.can}
        if self.card is not None and self.card.training:
            hidden |= CHANGING  # These are of records.
        return {name: key for name, key in self.keys.actions.items() if name not in hidden}

    # Keys

    def _answer_of(self, key: str) -> Choice | None:
        if self.card is None:
            return None
        keys = self.keys.of(self.card.answers)
        return next((answer for answer in self.card.answers if keys[answer.value] == key), None)

    def _change(self, answer: Choice | None, action: str | None, key: str, now: float) -> list[Request]:
        self._say("")
        self._deaf_until = now + QUIET
        if answer is not None and self.card is not None:
            self.view = "card"
            return self._answer(self.card, answer, key, now)
        if action not in self.actions():
            return []
        if action == "undo":
            return self._take_back(now)
        if self.card is None:
            return []
        card = self.card
        if action == "skip":
            return self._send(Skip(card, self._new_key()), now)
        if action == "form":
            self._whole_form ^= {card.task}
            whole = card.task in self._whole_form
            self._say(
                "with the answer, what may be left out is asked too" if whole else "what may be left out is not asked"
            )
        had = self._drafts.get(card.task, Draft()).values
        if action == "park":
            day = "Until which day, as in 2027-01-31? Else until you bring it back"
            asked: list[tuple[str, Line | Pick]] = [
                ("why", Line("Why is it put away?", had.get("why", ""))),
                ("until", Line(day, had.get("until", ""), False, day=True)),
            ]
            self._open(card, asked, self._parked, "put away", key, now)
        elif action == "note":
            prompt = Line("A note, for yourself", had.get("note", ""))
            self._open(card, [("note", prompt)], self._noted, "note", key, now)
        return []

    def _look_around(self, action: str | None, key: str) -> None:
        """Keys that only move what is seen; they are never dead."""
        if key == "esc" or action in ("help", "criteria"):
            other = "criteria" if action == "criteria" else "help"
            self.view = "card" if key == "esc" or self.view == other else other
            self.scroll = 0
        elif action == "highlights":
            self.highlighted = not self.highlighted
        moves = {
            "down": 1, "j": 1, "up": -1, "k": -1, " ": self.page - 1, "pgdn": self.page - 1,
            "b": 1 - self.page, "pgup": 1 - self.page, "home": -(10**6), "end": 10**6,
        }  # fmt: skip
        self.scroll = max(0, self.scroll + moves.get(key, 0))

    def _press_in_dialog(self, dialog: Dialog, key: str, now: float) -> list[Request]:
        # The second of two quick presses of the key that opened a question answers nothing.
        if key.lower() == dialog.opened_by and now < dialog.opened_at + QUIET:
            return []
        dialog.opened_by = ""
        if key == "esc":
            self._keep(dialog)
            self.dialog = None
            return []
        if not dialog.prompt.press(key):
            return []
        dialog.at += 1
        dialog.opened_by, dialog.opened_at = key.lower(), now
        if dialog.at < len(dialog.steps):
            return []
        self.dialog = None
        return dialog.finish(dialog.values, now)

    def _open(
        self,
        card: Card,
        steps: list[tuple[str, Line | Pick]],
        finish: Callable[[dict[str, Any], float], list[Request]],
        about: str,
        key: str,
        now: float,
        answer: str = "",
    ) -> None:
        self.dialog = Dialog(card, steps, finish, about, answer, opened_by=key, opened_at=now)

    def _keep(self, dialog: Dialog) -> None:
        """Keeps what was typed, also of the question that is not answered yet."""
        if dialog.values:
            kept = self._drafts.setdefault(dialog.card.task, Draft())
            kept.values |= dialog.values
            kept.answer = dialog.answer or kept.answer

    # Voting

    def _answer(self, card: Card, answer: Choice, key: str, now: float) -> list[Request]:
        """Sends the vote, or asks first for what the answer and the stage's form need."""
        draft, forced = self._drafts.get(card.task, Draft()), self._forced.get(card.task, set())
        asked = steps(card, answer, draft, forced, whole=card.task in self._whole_form)

        def finish(values: dict[str, Any], at: float) -> list[Request]:
            ballot = ballot_of(card, answer, values)
            return self._send((Train if card.training else Cast)(card, ballot, self._new_key()), at)

        if not asked:
            return finish({}, now)
        self._open(card, asked, finish, answer.value, key, now, answer.value)
        return []

    def _parked(self, values: dict[str, Any], now: float) -> list[Request]:
        if self.card is None:
            return []
        until = date.fromisoformat(values["until"]) if "until" in values else None
        return self._send(Park(self.card, values["why"], until, self._new_key()), now)

    def _noted(self, values: dict[str, Any], now: float) -> list[Request]:
        return [] if self.card is None else self._send(Note(self.card, values["note"], self._new_key()), now)

    def _take_back(self, now: float) -> list[Request]:
        if not self._voted:
            self._say("nothing of this session is left to take back")
            return []
        return self._send(TakeBack(*self._voted[-1], self._new_key()), now)

    def _send(self, act: Act, now: float) -> list[Request]:
        """Sends what changes something. The next card is shown at once, to be read while that is under way."""
        self.under_way = act
        self._deaf_until = now + QUIET
        if isinstance(act, Cast):
            self._drafts[act.card.task] = draft_of(act.ballot)
        if isinstance(act, Cast | Skip | Park):
            self._gone.add(act.card.lease)
            self._next(now)
        return [act]

    def _next(self, now: float) -> None:
        """Shows the next card."""
        self.card = self.ahead.popleft() if self.ahead else None
        self.view, self.scroll = "card", 0
        self._deaf_until = max(self._deaf_until, now + QUIET)

    def _put_back(self, card: Card, now: float) -> None:
        """Shows a card again of which it was too early to think that it is done."""
        self._gone.discard(card.lease)
        if self.card is not None and self.card.lease != card.lease:
            self.ahead.appendleft(self.card)
        self.card = card
        self.view, self.scroll = "card", 0
        self._deaf_until = now + QUIET

    # What the platform answered

    def _did(self, request: Request, result: Any, now: float) -> list[Request]:
        match request:
            case Claim():
                return self._arrived(result, now)
            case NextItem():
                return self._item_came(result, now)
            case Renew(lease):
                self._renewing.discard(lease)
                self._keep_for(lease, result, now)
            case Look():
                self.left = result
            case Release(lease):
                self._given_back(lease)
            case _:
                return self._acted(request, result, now)
        return []

    def _acted(self, act: Act, result: Any, now: float) -> list[Request]:
        self.under_way = None
        claims: list[Request] = []
        match act:
            case Cast(card, ballot):
                self._drafts.pop(card.task, None)
                self._forced.pop(card.task, None)
                self.done += 1
                self._count_left(-1)
                self._times.append(now)
                self._voted.append((card, ballot))
            case Train(card):
                # Until it is read nothing is answered: there are no answers, and Enter goes on.
                self.card = replace(card, answers=(), lesson=result)
                self.view, self.scroll = "card", 0
                self._deaf_until = now + QUIET
            case TakeBack(card, ballot):
                self._voted.pop()
                self.done = max(0, self.done - 1)
                self._count_left(1)
                self._drafts[card.task] = draft_of(ballot)
                if isinstance(result, Card):
                    self._put_back(result, now)
                    self._keep_for(result.lease, result.kept_for, now)
                else:
                    self._wanted_task = card.task
                    # One more than is held, so that it can come.
                    held = len(self.ahead) + (self.card is not None)
                    claims = self._claim(min(max(held + 1, self.count), 50))
                self._say(f"your {ballot.answer!r} is taken back: {card.title}")
            case Park():
                self._count_left(-1)
                self._say("put away for later")
            case Note(card, text):
                # A note takes the place of the one before, so that is what the next begins with.
                self._drafts.setdefault(card.task, Draft()).values["note"] = text
                self._say("noted")
        return [*claims, *self._leave_on(now)]

    def _count_left(self, more: int) -> None:
        """Keeps what is left true till it is looked at again."""
        if self.left is not None:
            self.left = replace(self.left, count=max(0, self.left.count + more))

    def _arrived(self, cards: Sequence[Card], now: float) -> list[Request]:
        """Takes what is in hand now: what it does not name has lapsed or needs no vote any more."""
        self._claiming = False
        mine = [card for card in cards if card.lease not in self._gone]
        if self.leaving:
            return self._release(mine)
        if self._wanted_task is not None:
            mine.sort(key=lambda card: card.task != self._wanted_task)
        shown = self.card
        self.ahead = deque(card for card in mine if shown is None or card.lease != shown.lease)
        for card in mine:
            self._renew_at.setdefault(card.lease, now + card.kept_for / 3)
        held = {card.lease for card in mine} | ({shown.lease} if shown is not None else set())
        self._renew_at = {lease: at for lease, at in self._renew_at.items() if lease in held}
        wanted = self._wanted_task
        self._wanted_task = None
        if wanted is not None and self.ahead and self.ahead[0].task == wanted and self.dialog is None:
            if shown is not None:
                self.ahead.insert(1, shown)
            self._next(now)
        elif self.card is None and self.ahead:
            self._next(now)
        if len(mine) <= self.count // 2:
            self._claim_at = now + _AGAIN  # There is no more, for now.
        return []

    def _was_refused(self, request: Request, error: LivingError, now: float) -> list[Request]:
        """What is done about an answer that stays the same however often one asks."""
        match request:
            case Claim():
                self._claiming = False
                if error.slug == "training_first":
                    return self._train(now)
                if self.card is None and not self.ahead and not self.done and self.under_way is None:
                    self.refused, self.over = error, True
                else:
                    self._claim_at = now + _AGAIN
                    self._say(error.detail, bad=True)
            case NextItem():
                self._training, self._claim_at = False, now + _AGAIN
                self._say(error.detail, bad=True)
            case Look():
                self.left = None
            case Renew(lease):
                self._renewing.discard(lease)
                return self._lapsed_meanwhile(lease, now)
            case Release(lease):
                self._given_back(lease)
            case _:
                return self._act_refused(request, error, now)
        return []

    def _act_refused(self, act: Act, error: LivingError, now: float) -> list[Request]:
        self.under_way = None
        gone = isinstance(error, Conflict | NotFound) or error.slug == "not_your_lease"
        if isinstance(act, Train) and gone:
            self._say(error.detail, bad=True)
            return [*self._next_item(), *self._leave_on(now)]
        if isinstance(act, TakeBack):
            self._voted.pop()
            self._say(error.detail, bad=True)
        elif isinstance(act, Cast) and gone:
            if error.slug == "already_voted":
                self._drafts.pop(act.card.task, None)
            self._say(f"{_kindly(error)}: {act.card.title}", bad=True)
            self._deaf_until = now + 4 * QUIET
            return [*self._claim(), *self._leave_on(now)]
        elif isinstance(act, Cast | Train):
            if isinstance(error, Invalid):
                self._forced.setdefault(act.card.task, set()).update(str(it.get("at")) for it in error.errors)
            self._put_back(act.card, now)
            self._say(f"not taken: {error.detail}", bad=True)
        elif gone:
            self._say(_kindly(error), bad=True)
            return [*self._claim(), *self._leave_on(now)]
        else:
            if not isinstance(act, Note):
                self._put_back(act.card, now)
            self._say(f"not done: {error.detail}", bad=True)
        return self._leave_on(now)

    def _lapsed_meanwhile(self, lease: str, now: float) -> list[Request]:
        """A lease cannot be renewed any more: its card goes, unless somebody is typing about it."""
        self._renew_at.pop(lease, None)
        self.ahead = deque(card for card in self.ahead if card.lease != lease)
        if self.card is not None and self.card.lease == lease and self.dialog is None:
            self._say(f"it went back to the queue meanwhile: {self.card.title}", bad=True)
            self._gone.add(lease)
            self._next(now)
            self._deaf_until = now + 4 * QUIET
        return []

    # Training

    def _train(self, now: float) -> list[Request]:
        """Has items of a training set come, once what is in hand is answered."""
        if self.card is not None or self.ahead or self.under_way is not None:
            self._claim_at = now + 1.0
            return []
        return self._next_item()

    def _read(self, now: float) -> list[Request]:
        """Goes on from what is right of an item; a key that is held down goes on from none that was not read."""
        if self.is_deaf(now):
            self._deaf_until = max(self._deaf_until, now + QUIET)
            return []
        return self._next_item()

    def _next_item(self) -> list[Request]:
        """Asks for the next item; what was shown of the one before goes."""
        if self.leaving:
            return []
        self.card, self._training, self._claim_at = None, True, None
        return [NextItem()]

    def _item_came(self, card: Card | None, now: float) -> list[Request]:
        if card is None:
            self._training = False
            self._say("the training is done: here are records")
            return self._claim()
        if not self.leaving:
            self.card = card
            self.view, self.scroll = "card", 0
            self._deaf_until = max(self._deaf_until, now + QUIET)
        return []

    # Trying again

    def _passes(self, answer: Failed) -> bool:
        """Whether the same may be done a moment later."""
        if isinstance(answer.error, Unavailable | TooMany):
            return True
        # The platform's own failure, such as one that dies while it works.
        return type(answer.error) is LivingError and self._tries.get(id(answer.request), 0) < _FAILURES

    def _try_again(self, answer: Failed, now: float) -> list[Request]:
        request = answer.request
        if isinstance(request, Look | Renew):
            self._renewing.discard(getattr(request, "lease", ""))
            return []
        if self.leaving and isinstance(request, Release):
            self._kept += 1
            self._given_back(request.lease)
            return []
        tries = self._tries[id(request)] = self._tries.get(id(request), 0) + 1
        at = now + pause_after(tries, first=_FIRST, longest=_LONGEST)
        if isinstance(request, Claim) and self.card is not None:
            at = max(at, now + 1.0)  # There is still something to read.
        self._retries.append((at, request))
        self.trouble = (answer.error.detail, at)
        return []

    # What goes on beside

    def _claim(self, count: int | None = None) -> list[Request]:
        if self._claiming or self._training or self.leaving:
            return []
        self._claiming, self._claim_at = True, None
        return [Claim(count or self.count)]

    def _fill_up(self, now: float) -> list[Request]:
        """Loads ahead when half of what was loaded is used."""
        if self.leaving or self._training or self._claim_at is not None:
            return []
        held = len(self.ahead) + (self.card is not None)
        return self._claim() if held <= self.count // 2 else []

    def _look(self, now: float) -> list[Request]:
        self._looking_at = now + _LOOK
        return [Look()] if "look" in self.can else []

    def _renewals(self, now: float) -> list[Request]:
        if now - self._last_key > _AWAY:
            return []
        held = {card.lease for card in (*self.ahead, *([self.card] if self.card else []))}
        due = [
            lease for lease, at in self._renew_at.items() if at <= now and lease in held and lease not in self._renewing
        ]
        self._renewing.update(due)
        for lease in due:
            self._renew_at[lease] = now + QUIET * 20  # Again soon, where there is no answer.
        return [Renew(lease) for lease in due]

    def _keep_for(self, lease: str, seconds: float, now: float) -> None:
        self._renew_at[lease] = now + seconds / 3

    # Leaving

    def _leave(self, now: float) -> list[Request]:
        """Leaves once what is under way is in; asked twice, at once."""
        if self.leaving:
            if isinstance(self.under_way, Cast):
                self.unsent = self.under_way
            self.over = True
            return []
        return self._give_all_back(now)

    def _give_all_back(self, now: float) -> list[Request]:
        if self.dialog is not None:
            self._keep(self.dialog)
            self.dialog = None
        self._leaving_until = now + _LEAVING
        self._retries = [(at, it) for at, it in self._retries if it is self.under_way]
        self._claiming = self._claiming and self.trouble is None  # What is not reached brings nothing.
        if self.under_way is not None:
            self._say("your last answer is on its way; the same key once more leaves without it")
        given = self._release([*([self.card] if self.card else []), *self.ahead])
        self._finish()
        return given

    def _release(self, cards: Sequence[Card]) -> list[Request]:
        leases = [card.lease for card in cards if card.lease and card.lease not in self._gone]
        self._gone.update(leases)
        self._giving_back.update(leases)
        return [Release(lease, self._new_key()) for lease in leases]

    def _given_back(self, lease: str) -> None:
        self._giving_back.discard(lease)
        self._finish()

    def _leave_on(self, now: float) -> list[Request]:
        """After what was under way is in: goes on leaving."""
        # One that came back, since it was not taken, is given back too.
        given = self._release([self.card] if self.leaving and self.card is not None else [])
        self._finish()
        return given

    def _finish(self) -> None:
        if self.leaving and not self._giving_back and not self._claiming and self.under_way is None:
            self.over = True

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.message, self.is_bad = text, bad


def _kindly(error: LivingError) -> str:
    """Why a card is gone, for whoever just answered it."""
    said = {
        "lease_lapsed": "it went back to the queue before your answer came; what you typed is kept till it comes again",
        "lease_released": "it was given back meanwhile; what you typed is kept for when it comes again",
        "task_closed": "it needs no vote any more",
        "already_voted": "you have answered it already, perhaps in another window; that answer counts",
        "unknown_lease": "the platform knows this record's lease no more; what you typed is kept",
    }
    return said.get(error.slug, error.detail)
