"""Mail: to whom said that they want it, once by its id, until they say no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from services.notify import domain, jobs
from services.notify.models import SubscriptionRow
from services.notify.ports.channels.mail import MailChannel, MailServer
from services.notify.ports.channels.port import Message
from shared.clock import SystemClock
from shared.errors import Invalid
from shared.events.notify import DeliveryFailed, NoticeDelivered
from shared.events.people import MemberLeft
from shared.events.screening import QueueMoved, StageStanding
from tests.unit.services.notify.conftest import NotifyBench
from tests.unit.services.notify.mailbox import Mailbox
from tests.unit.services.notify.rig import REVIEW, revision_published

pytestmark = pytest.mark.waits

ANA = "ana@example.org"
SUBSCRIPTIONS = f"/notify/reviews/{REVIEW}/subscriptions"
#: Where mail leads, which is a page, and what its link shows.
LINK = re.compile(r"https://living\.example/mail/(sub_\w+)/(\w+)")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def mailing(mailbox, tmp_path) -> Iterator[NotifyBench]:
    """A bench that sends mail to the mailbox."""
    settings = {
        "smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "smtp_security": "none", "smtp_timeout": 30.0,
        "mail_from": "living@living.example", "public_url": "https://living.example",
    }  # fmt: skip
    bench = NotifyBench(tmp_path, **settings)
    with closing(bench):
        yield bench


def wish(address: str = ANA, **different) -> dict:
    return {"channel": "email", "address": address, **different}


def asks(bench, by: str = "ana", **different) -> dict:
    answer = bench.person(by).post(SUBSCRIPTIONS, json=wish(**different))
    assert answer.status_code == 201, answer.text
    return answer.json()


def text_of(mail) -> str:
    return mail.get_body(("plain",)).get_content()


def link_of(mail) -> tuple[str, str]:
    found = LINK.search(text_of(mail))
    assert found is not None
    return found[1], found[2]


def confirmed(bench, mailbox, address: str = ANA, **different) -> dict:
    made = asks(bench, address=address, **different)
    bench.runs(jobs.deliver_due)
    subscription, token = link_of(mailbox.to(address)[-1])
    answer = bench.anybody().post(f"/notify/mail/{subscription}/{token}/confirm")
    assert answer.status_code == 200, answer.text
    mailbox.received.clear()
    return made


def test_nothing_is_sent_before_whoever_reads_it_says_that_they_want_it(mailing, mailbox):
    made = asks(mailing)
    mailing.hears(revision_published(1))
    mailing.runs(jobs.deliver_due)

    (asked,) = mailbox.received
    assert asked["Subject"] == "Do you want to be told of the review garden?"
    assert asked["List-Unsubscribe"] is None
    assert "secret" not in {name for name, value in made.items() if value} and made["unconfirmed_until"]

    subscription, token = link_of(asked)
    looked = mailing.anybody().get(f"/notify/mail/{subscription}/{token}").json()
    assert looked == {"review": REVIEW, "address": ANA, "opens": "confirm", "confirmed": False, "active": True}
    for _ in range(2):  # Opening it twice is opening it once.
        said = mailing.anybody().post(f"/notify/mail/{subscription}/{token}/confirm")
        assert said.json() == {**looked, "confirmed": True}
    mailing.hears(revision_published(2))
    mailing.runs(jobs.deliver_due)

    assert [mail["Subject"] for mail in mailbox.received[1:]] == ["Revision 2 of “How gardens work”"]


def test_mail_says_it_in_text_and_in_html_and_how_to_end_it(mailing, mailbox):
    confirmed(mailing, mailbox)
    evil = '<script>alert("x")</script>\r\nBcc: victim@example.org'

    mailing.hears(revision_published(title=evil, summary="<b>bold</b>"))
    mailing.runs(jobs.deliver_due)

    (mail,) = mailbox.received
    plain, as_html = text_of(mail), mail.get_body(("html",)).get_content()
    assert "Bcc" not in mail and "\n" not in mail["Subject"]
    assert mail["To"] == ANA and mail["From"] == "Living Reviews <living@living.example>"
    assert "<script" not in as_html and "&lt;b&gt;bold&lt;/b&gt;" in as_html
    assert "https://living.example/reviews/garden/findings/1" in plain
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<https://living.example/notify/mail/sub_")
    assert mail["Auto-Submitted"] == "auto-generated"


def test_how_to_end_it_is_an_address_as_it_is_also_where_that_is_longer_than_a_line(mailing, mailbox):
    confirmed(mailing, mailbox)
    mailing.hears(revision_published(1))
    mailing.runs(jobs.deliver_due)

    (line,) = [line for line in mailbox.came[-1].split(b"\r\n") if line.startswith(b"List-Unsubscribe:")]
    assert line.startswith(b"List-Unsubscribe: <https://living.example/notify/mail/sub_") and line.endswith(b">")
    assert len(line) > 78


def test_a_mail_program_ends_it_by_itself_with_a_form_and_without_signing_in(mailing, mailbox):
    made = confirmed(mailing, mailbox)
    mailing.hears(revision_published(1))
    mailing.runs(jobs.deliver_due)
    (mail,) = mailbox.received
    path = mail["List-Unsubscribe"].strip("<>").removeprefix("https://living.example")

    opened = mailing.anybody().get(path, follow_redirects=False)
    assert opened.headers["location"].startswith("https://living.example/mail/sub_")  # And it changed nothing.

    form = {"List-Unsubscribe": "One-Click"}
    answers = [mailing.anybody().post(path, data=form).status_code for _ in range(2)]

    assert answers == [200, 200]
    mailing.hears(revision_published(2))
    mailing.runs(jobs.deliver_due)
    assert len(mailbox.received) == 1
    shown = mailing.person("ana").get(f"{SUBSCRIPTIONS}/{made['id']}").json()
    assert (shown["active"], shown["ended_why"]) == (False, "whoever reads its mail wants no more")


def test_a_link_opens_one_thing_of_one_subscription_and_nothing_else(mailing, mailbox):
    asks(mailing)
    asks(mailing, by="bo", address="bo@example.org")
    mailing.runs(jobs.deliver_due)
    (mine, token), (others, _) = link_of(mailbox.to(ANA)[0]), link_of(mailbox.to("bo@example.org")[0])

    tried = [
        mailing.anybody().post(f"/notify/mail/{others}/{token}/confirm"),
        mailing.anybody().post(f"/notify/mail/{mine}/{token}/leave"),
        mailing.anybody().post(f"/notify/mail/{mine}/{token[:-1]}/confirm"),
        mailing.anybody().post(f"/notify/mail/sub_nothing/{token}/confirm"),
        mailing.anybody().get(f"{SUBSCRIPTIONS}/{mine}", headers={"Authorization": f"Bearer {token}"}),
    ]

    assert [answer.status_code for answer in tried] == [404, 404, 404, 404, 401]
    assert len({answer.json()["detail"] for answer in tried[:4]}) == 1


def test_a_link_that_is_not_opened_within_a_day_opens_nothing_more(mailing, mailbox):
    made = asks(mailing)
    mailing.runs(jobs.deliver_due)
    subscription, token = link_of(mailbox.received[0])
    mailing.clock.advance(days=1)

    late = mailing.anybody().post(f"/notify/mail/{subscription}/{token}/confirm")

    assert (late.status_code, late.json()["type"].rpartition(":")[2]) == (409, "link_expired")
    mailing.runs(jobs.send_gathered)
    shown = mailing.person("ana").get(f"{SUBSCRIPTIONS}/{made['id']}").json()
    assert (shown["active"], shown["ended_why"]) == (False, "nobody confirmed the address within a day")


def test_asking_again_before_it_is_confirmed_is_asking_once_with_the_newer_wish(mailing, mailbox):
    first, second = asks(mailing), asks(mailing, cmocs=["b"])

    mailing.runs(jobs.deliver_due)

    assert first["id"] == second["id"] and second["cmocs"] == ["b"]
    assert len(mailbox.received) == 1


def test_nobody_is_a_cannon_that_asks_ever_more_addresses(mailing):
    for number in range(20):
        made = asks(mailing, address=f"a{number}@example.org")
        mailing.person("ana").delete(f"{SUBSCRIPTIONS}/{made['id']}")

    answer = mailing.person("ana").post(SUBSCRIPTIONS, json=wish("one-more@example.org"))

    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "too_many_addresses")


@pytest.mark.parametrize(
    "address",
    [
        "ana@example.org\r\nBcc: x@example.org", "ana@example.org\n", "ana@example.org, bo@example.org",
        "ana@bo@example.org", "ana@example", "@example.org", "ana", "Ana <ana@example.org>", "ana @example.org",
        "ana@-x.org", "a" * 65 + "@example.org", "ana;bo@example.org", "ana@[127.0.0.1]", "änä@example.org", "",
        "a@" + "b" * 250 + ".org", "ana..b@example.org", "\u202eana@example.org",
        "=?utf-8?q?x?=@example.org", "a=?utf-8?b?eA==?=@example.org", "=?@example.org",
    ],
)  # fmt: skip
def test_an_address_that_is_not_one_is_refused_at_its_field(mailing, mailbox, address):
    answer = mailing.person("ana").post(SUBSCRIPTIONS, json=wish(address))

    assert answer.status_code == 422
    assert "address" in answer.json()["errors"][0]["at"] + answer.json()["errors"][0]["why"]
    mailing.runs(jobs.deliver_due)
    assert mailbox.received == []


def test_without_a_mail_server_mail_is_refused_with_the_reason(bench):
    answer = bench.person("ana").post(SUBSCRIPTIONS, json=wish())

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == "channel"
    assert "has named no mail server" in answer.text


def test_a_server_that_is_down_for_a_day_loses_nothing_and_doubles_nothing(mailing, mailbox):
    confirmed(mailing, mailbox)
    mailbox.goes_down()
    mailing.hears(*(revision_published(number) for number in range(1, 6)))
    for _ in range(12):
        mailing.runs(jobs.deliver_due)
        mailing.clock.advance(hours=2)

    mailbox.comes_up()
    mailing.clock.advance(days=1)
    mailing.runs(jobs.deliver_due)
    mailing.clock.advance(days=1)
    mailing.runs(jobs.deliver_due)

    assert sorted(mail["Subject"] for mail in mailbox.received) == [
        f"Revision {number} of “How gardens work”" for number in range(1, 6)
    ]
    assert set(mailbox.ids.values()) == {1}
    assert [it.channel for it in mailing.emitted(NoticeDelivered) if it.channel != "feed"] == ["email"] * 6


def test_a_sender_that_died_sends_again_under_the_same_message_id(mailing, mailbox):
    confirmed(mailing, mailbox)
    mailing.hears(revision_published())
    (claim,) = jobs._lease(mailing.running, [])  # Sent, and not written down.
    mailing.running.resources.of("email").send(jobs._message(mailing.running, claim))

    mailing.wall.advance(seconds=120)
    mailing.runs(jobs.deliver_due)

    assert list(mailbox.ids.values()) == [2]


def test_an_address_that_refuses_three_messages_for_good_gets_no_more_and_its_owner_reads_why(mailing, mailbox):
    made = confirmed(mailing, mailbox)
    mailbox.answers[ANA] = "550 no such mailbox"

    for number in range(1, 5):
        mailing.hears(revision_published(number))
        mailing.runs(jobs.deliver_due)

    shown = mailing.person("ana").get(f"{SUBSCRIPTIONS}/{made['id']}").json()
    assert not shown["active"]
    assert shown["ended_why"] == "its address refused 3 messages in a row: the mail server: 550 no such mailbox"
    assert len(mailing.emitted(DeliveryFailed)) == 3


def test_an_address_that_refuses_now_and_then_keeps_its_subscription(mailing, mailbox):
    made = confirmed(mailing, mailbox)

    for number in range(1, 7):
        mailbox.answers[ANA] = "250 OK" if number % 3 == 0 else "550 no"
        mailing.hears(revision_published(number))
        mailing.runs(jobs.deliver_due)

    assert mailing.person("ana").get(f"{SUBSCRIPTIONS}/{made['id']}").json()["active"]


@pytest.mark.parametrize(("answers", "after"), [({ANA: "451 later"}, "250 OK"), ({}, "554 it is full")])
def test_what_a_server_refuses_of_itself_is_tried_again_and_is_no_bounce(mailing, mailbox, answers, after):
    made = confirmed(mailing, mailbox)
    mailbox.answers, mailbox.after = answers, after
    mailing.hears(revision_published())
    mailing.runs(jobs.deliver_due)
    mailbox.answers, mailbox.after = {}, "250 OK"

    mailing.clock.advance(minutes=1)
    mailing.runs(jobs.deliver_due)

    assert len(mailbox.received) == 1
    assert mailing.deliveries(made)[0]["state"] == "delivered"


def test_a_server_that_hangs_is_left_at_the_deadline(mailbox):
    mailbox.hangs = True
    server = MailServer("127.0.0.1", mailbox.port, "none", "living@living.example")
    channel = MailChannel(server, timeout=0.5, public_url="https://living.example", wall=SystemClock())
    begun = datetime.now()

    outcome = channel.send(Message("dlv_1", ANA, _body(), "whsec_AAAA"))

    assert not outcome.delivered and "the mail server" in (outcome.error or "")
    assert datetime.now() - begun < timedelta(seconds=60)


def test_the_line_is_never_open_where_it_is_to_be_secret(mailbox):
    """The mailbox offers no STARTTLS, so nothing is handed to it."""
    server = MailServer("127.0.0.1", mailbox.port, "starttls", "living@living.example")
    channel = MailChannel(server, timeout=30, public_url="https://living.example", wall=SystemClock())

    outcome = channel.send(Message("dlv_1", ANA, _body(), "whsec_AAAA"))

    assert not outcome.delivered and mailbox.received == []


def test_the_channel_itself_refuses_an_address_with_a_line_break(mailbox):
    channel = MailChannel(
        MailServer("127.0.0.1", mailbox.port, "none", "living@living.example"), timeout=30,
        public_url="https://living.example", wall=SystemClock(),
    )  # fmt: skip

    with pytest.raises(Invalid):
        channel.check("ana@example.org\r\nRCPT TO:<x@example.org>")


def test_an_address_that_is_an_encoded_word_is_refused_with_the_reason_also_where_it_was_taken_before(mailing, mailbox):
    word = "=?utf-8?q?x?=@example.org"
    refused = mailing.person("ana").post(SUBSCRIPTIONS, json=wish(word))
    assert "no encoded word" in refused.json()["errors"][0]["why"]
    made = confirmed(mailing, mailbox)
    with mailing.work() as work:
        work.session.execute(update(SubscriptionRow).values(url=word))

    mailing.hears(revision_published())
    mailing.runs(jobs.deliver_due)

    assert mailbox.received == []
    assert "no encoded word" in mailing.deliveries(made)[0]["attempts"][0]["error"]


@pytest.mark.parametrize("address", ["a=b@example.org", "a?=b@example.org", "bounce+ana=example.com@example.org"])
def test_an_address_with_what_is_no_encoded_word_is_written_to_as_it_is(mailing, mailbox, address):
    confirmed(mailing, mailbox, address)

    mailing.hears(revision_published())
    mailing.runs(jobs.deliver_due)

    assert [mail["To"] for mail in mailbox.received] == [address]


@pytest.mark.parametrize("word", ["=?utf-8?q?a=0D=0ABcc:_x@example.org?=", "=?utf-8?b?YQ0KQmNjOiB4QGV4YW1wbGUub3Jn?="])
def test_an_encoded_word_in_what_is_said_makes_no_header_of_its_own(mailing, mailbox, word):
    confirmed(mailing, mailbox, kinds=["revision", "queue"])
    standing = StageStanding(stage=word, open=0, conflicts=0, parked=0, decided=1)

    mailing.hears(revision_published(title=f"x {word} y"))
    mailing.hears(QueueMoved(review=REVIEW, stages=[standing], emptied=[word]))
    mailing.runs(jobs.deliver_due)

    assert len(mailbox.received) == 2
    for mail in mailbox.received:
        assert mail["Bcc"] is None and "\n" not in mail["Subject"] and word[2:] in mail["Subject"]


def test_whoever_leaves_a_review_gets_no_more_mail_of_it(mailing, mailbox):
    confirmed(mailing, mailbox)
    mailing.hears(MemberLeft(review=REVIEW, person="ana", role="reader"))

    mailing.hears(revision_published())
    mailing.runs(jobs.deliver_due)

    assert mailbox.received == []


def _body() -> bytes:
    at = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    body = domain.revision_notification(revision_published(), at=at, public_url="https://living.example")
    return body.model_dump_json().encode()
