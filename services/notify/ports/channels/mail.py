"""Mail: hands a notification to the one mail server that the settings name, as text and as HTML, once by its id."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Literal
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import TypeAdapter

from services.notify.domain import Outcome
from services.notify.domain.saying import Said, say, text_of
from services.notify.ports.channels.port import Message
from shared.clock import Clock
from shared.errors import Invalid
from shared.outward.trust import trusted
from shared.wire.notify import Notification, fault_in_address

#: What stands for the host of all mail: one server takes it, and no more of it at once than a host of webhooks.
HOST = "mail"

_NOTIFICATION: TypeAdapter[Notification] = TypeAdapter(Notification)

#: A line of a header may have 998 characters (RFC 5322, 2.1.1). Folded at the usual 78, an address of ours in
#: `List-Unsubscribe` would become encoded words, which mail programs do not read there.
_POLICY = SMTP.clone(max_line_length=998)

#: How much of what a mail server answers is kept.
_LONGEST_ANSWER = 200

#: Answers to one address of which another attempt changes nothing: no such mailbox, or none that may be written to.
_REFUSED = {550, 551, 553}


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over, and in whose name."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


class MailChannel:
    """Sends notifications by SMTP. The same notification has the same Message-ID at every attempt, by which a mailbox
    knows a double. An attempt ends within the time-out, whatever the server does: its connection is cut then."""

    def __init__(
        self, server: MailServer, *, timeout: float, public_url: str, wall: Clock, tls: ssl.SSLContext | None = None
    ) -> None:
        self.timeout = timeout
        self._server, self._wall, self._tls = server, wall, tls or trusted()
        self._domain = urlsplit(public_url).hostname or "localhost"

    def check(self, address: str) -> str:
        """The host of an address that may be written to. Raises Invalid."""
        if (fault := fault_in_address(address)) is not None:
            raise Invalid.of("address", fault)
        return HOST

    def send(self, message: Message) -> Outcome:
        """Hands the notification over once. Raises Invalid for an address that an earlier release took and none may be
        written to."""
        self.check(message.address)
        mail = self.written(message)
        try:
            with self._connected() as smtp:
                smtp.send_message(mail, from_addr=self._server.sender, to_addrs=[message.address])
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            return _failed(code, answer, refused=code in _REFUSED)
        except smtplib.SMTPResponseException as error:
            return _failed(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError) as lost:  # A time-out, a lost line and a bad certificate are of these.
            return Outcome(error=f"the mail server: {type(lost).__name__}: {lost}"[:300])
        return Outcome(250)

    def written(self, message: Message) -> EmailMessage:
        """The message as it is handed over. A header holds no line break, wherever its text came from, and says what it
        was given as it is."""
        said = say(_NOTIFICATION.validate_json(message.body))
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = Address("Living Reviews", *_parts(self._server.sender))
        mail["To"] = Address("", *_parts(message.address))
        mail["Subject"] = _in_a_header(said.headline)
        mail["Date"] = format_datetime(self._wall.now())
        mail["Message-ID"] = f"<{message.id}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        if message.leaving:
            mail["List-Unsubscribe"] = f"<{message.leaving}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(_clean(_as_text(said, message.page)))
        mail.add_alternative(_clean(_as_html(said, message.page)), subtype="html")
        return mail

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        if server.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, self._domain, timeout=self.timeout, context=self._tls
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, self._domain, timeout=self.timeout)
        # Each of its answers may take the time-out: all of them together may not.
        cut = threading.Timer(self.timeout, _cut, [smtp])
        cut.start()
        try:
            if server.security == "starttls":
                smtp.starttls(context=self._tls)
            if server.user is not None:
                smtp.login(server.user, server.password or "")
            yield smtp
            _leave(smtp)
        finally:
            cut.cancel()
            smtp.close()


def _cut(smtp: smtplib.SMTP) -> None:
    try:
        if smtp.sock is not None:
            smtp.sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _leave(smtp: smtplib.SMTP) -> None:
    """Says goodbye. The message was taken, so trouble here is none."""
    try:
        smtp.quit()
    except (smtplib.SMTPException, OSError):
        return


def _failed(code: int, answer: bytes | str, *, refused: bool = False) -> Outcome:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    said = " ".join("".join(it if it.isprintable() else " " for it in text).split())
    # Its number is no HTTP status: a mail server that says 250 has taken it, and nothing else counts.
    return Outcome(error=f"the mail server: {code} {said}"[:_LONGEST_ANSWER], refused=refused)


def _parts(address: str) -> tuple[str, str]:
    """What is before the @ of an address, and after it."""
    before, _, after = address.rpartition("@")
    return before, after


def _in_a_header(text: str) -> str:
    """Text as one line, in which nothing is an encoded word (RFC 2047): what one stands for would be written in its
    place, with line breaks and so with headers of its own."""
    return " ".join(_clean(text).split())[:300].replace("=?", "= ?")


def _clean(text: str) -> str:
    """Text without what no letter is: controls, and halves of characters, which nothing encodes."""
    return "".join(it if it.isprintable() or it == "\n" else " " for it in text)


def _as_text(said: Said, page: str) -> str:
    return text_of(said) + (f"\n--\nWhoever reads this may end it: {page}\n" if page else "")


def _as_html(said: Said, page: str) -> str:
    return _environment().get_template("mail.html").render({"said": said, "page": page})


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("services.notify"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
