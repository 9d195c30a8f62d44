"""The scheduled work of notify: sending what is due, and writing digests of progress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime

from services.notify import commands, domain, store
from services.notify.domain import DeliveryStates, Outcome
from services.notify.domain.gathering import LONGEST
from services.notify.domain.tokens import token_of
from services.notify.ports.channels.open import Channels
from services.notify.ports.channels.port import Message
from services.notify.store import Claim
from shared import counters, logging
from shared.apart import each
from shared.bus.judging import storable
from shared.db.work import Work
from shared.errors import Invalid
from shared.service import Context

log = logging.get(__name__)

_DELIVERIES = counters.counter("living_deliveries", "Tries to deliver, by how they ended.", ["channel", "ended"])

#: Attempts under way at once, and of those to one host, so that a slow receiver holds up only its own.
SENDERS = 8
SENDERS_PER_HOST = 2

#: Seconds after which the job looks for what has become due while all it sends is slow.
LOOK_AGAIN = 0.5

_ACTOR = "notify:delivery"

#: How many subscriptions one transaction finds that are to be told a digest.
DIGESTS = 200


def deliver_due(running: Context) -> None:
    """Sends every notification that is due, until none is.

    No transaction is open while something is sent: deliveries are leased in one, sent, and each result is
    written in one of its own. A crash in between leaves a lease that lapses, and the notification goes out again
    under the same `webhook-id`. What fails by a fault of ours keeps no other waiting, and is raised in the end.
    """
    sending: dict[Future[None], Claim] = {}
    with each("delivery") as failures, ThreadPoolExecutor(SENDERS, thread_name_prefix="notify:sender") as pool:
        while running.leading and not running.stopping.is_set():
            while claims := _lease(running, sending.values()):
                sending.update({pool.submit(_deliver, running, claim): claim for claim in claims})
            if not sending:
                return
            done, _ = wait(sending, timeout=LOOK_AGAIN, return_when=FIRST_COMPLETED)
            for attempt in done:
                with failures.apart(sending.pop(attempt).delivery):
                    attempt.result()


def send_digests(running: Context) -> None:
    """Tells those who follow progress in digests how the stages stand, where that is another than they were told and
    their minutes are over. What fails by a fault of ours keeps no other waiting, and is raised in the end."""
    with each("digest") as failures:
        for subscription in _followers_due(running):
            with failures.apart(subscription), running.work("notify:digest") as work:
                commands.send_progress(work, subscription)


def _followers_due(running: Context) -> Iterator[str]:
    """The subscriptions to progress that it is time to tell something else than they know, each once."""
    after: str | None = ""
    while after is not None and not running.stopping.is_set():
        with running.work("notify:digest", readonly=True) as work:
            some = store.next_to_be_digested(work, after, DIGESTS)
            due = [it.id for it in some if commands.is_time_for_progress(work, it)]
            after = some[-1].id if some else None
        yield from due


def send_gathered(running: Context) -> None:
    """Tells each subscription what was gathered for it, once its day has come, and ends those by mail that nobody
    confirmed in time. What fails by a fault of ours keeps no other waiting, and is raised in the end."""
    with each("digest") as failures:
        with failures.apart("of those that nobody confirmed"):
            _end_unconfirmed(running)
        for subscription in _subscriptions_due(running):
            with failures.apart(subscription):
                while _send_digest(running, subscription):
                    pass


def _end_unconfirmed(running: Context) -> None:
    late = DIGESTS
    while late == DIGESTS and not running.stopping.is_set():
        with running.work("notify:digest") as work:
            late = commands.end_unconfirmed(work, DIGESTS)


def _subscriptions_due(running: Context) -> Iterator[str]:
    """The subscriptions for which something gathered is due, each once."""
    due = [""]
    while due and not running.stopping.is_set():
        with running.work("notify:digest", readonly=True) as work:
            due = store.gathered_due(work, due[-1], mistaken=work.now + LONGEST, limit=DIGESTS)
        yield from due


def _send_digest(running: Context, subscription: str) -> bool:
    """Tells as much as one message holds; answers whether anything was due."""
    with running.work("notify:digest") as work:
        return commands.send_gathered(work, subscription)


def _lease(running: Context, sending: Collection[Claim]) -> list[Claim]:
    """Leases as many due deliveries as there is room for."""
    busy = Counter(claim.host for claim in sending)
    free = SENDERS - len(sending)
    if free == 0:
        return []
    channels = running.resource(Channels)
    wall = channels.wall.now()
    with running.work(_ACTOR) as work:
        due = store.due(
            work, wall=wall, sending=[claim.delivery for claim in sending],
            full=[host for host, count in busy.items() if count >= SENDERS_PER_HOST], limit=free,
        )  # fmt: skip
        claims = domain.share_fairly(due, busy, SENDERS_PER_HOST)
        store.lease(work, claims, until=wall + channels.lease)
    return claims


def _deliver(running: Context, claim: Claim) -> None:
    """Makes an attempt and writes it down. A fault of ours is one that failed, so that people see it and it is not made
    again at once."""
    channels = running.resource(Channels)
    fault: Exception | None = None
    try:
        outcome = channels.of(claim.channel).send(_message(running, claim))
    except Invalid as refused:
        outcome = Outcome(error=refused.detail)
    except Exception as error:
        fault, outcome = error, Outcome(error=storable(f"{type(error).__name__}: {error}"))
    with running.work(_ACTOR) as work:
        commands.record_attempt(work, claim, outcome, jitter=channels.jitter())
    _DELIVERIES.labels(claim.channel, DeliveryStates.DELIVERED if outcome.delivered else DeliveryStates.FAILED).inc()
    log.info(
        "notification sent" if outcome.delivered else "notification not delivered",
        delivery=claim.delivery, host=claim.host, status=outcome.status, error=outcome.error,
    )  # fmt: skip
    if fault is not None:
        raise fault


def _message(running: Context, claim: Claim) -> Message:
    page = leaving = ""
    if claim.channel == "email" and claim.kind != "confirm":
        url, token = running.settings.public_url, token_of(claim.secret, claim.subscription, "leave")
        page = domain.mail_link(url, claim.subscription, token)
        leaving = domain.leaving_link(url, claim.subscription, token)
    return Message(claim.delivery, claim.url, claim.body, claim.secret, claim.old_secret, page, leaving)


def deliveries_that_are_over(work: Work, before: datetime, limit: int) -> int:
    """Deliveries that were made, failed or were cancelled, with their attempts. That a notification was delivered is an
    event in the journal too, which stays."""
    return store.forget_deliveries(work, before, limit)
