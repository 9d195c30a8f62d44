"""The webhook channel: pinned to the address it checked, done by its deadline, deaf to what is answered."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notify.ports.channels.port import Message
from services.notify.ports.channels.webhook import WebhookChannel
from shared.clock import SystemClock
from shared.errors import Invalid
from tests.unit.services.notify.rig import Receiver, status

pytestmark = pytest.mark.waits

SECRET = "whsec_" + "QUJD" * 10
NAME = "hooks.example.test"


def channel(*, timeout: float = 60, **options) -> WebhookChannel:
    return WebhookChannel(**{"private": True, "timeout": timeout, "wall": SystemClock(), **options})


def message(address: str, body: bytes = b"{}") -> Message:
    return Message("dlv_1", address, body, SECRET)


def trickle(handler, first: bytes, drop: bytes) -> None:
    """Answers a byte at a time for as long as anyone listens."""
    receiver = handler.server.receiver
    handler.wfile.write(first)
    while not receiver.closing.wait(0.05):
        handler.wfile.write(drop)


def test_a_receiver_that_never_answers_is_left_at_the_deadline(receiver):
    receiver.answer = lambda handler: receiver.closing.wait()

    outcome = channel(timeout=0.3).send(message(receiver.url))

    assert outcome.error == "no answer within 0.3 s"
    assert not outcome.delivered


def test_a_receiver_that_answers_a_byte_at_a_time_is_left_at_the_deadline_too(receiver):
    receiver.answer = lambda handler: trickle(handler, b"HTTP/1.1 200 OK\r\n", b"x-drip: y\r\n")

    outcome = channel(timeout=0.4).send(message(receiver.url))

    assert outcome.error == "no answer within 0.4 s"


def test_a_body_that_trickles_in_does_not_undo_a_good_status(receiver):
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    receiver.answer = lambda handler: trickle(handler, start, b"x")

    outcome = channel(timeout=4).send(message(receiver.url))

    assert outcome.delivered


def test_of_a_huge_answer_only_the_beginning_is_read(receiver):
    sent = []

    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while not receiver.closing.is_set() and len(sent) < 100_000:
                handler.wfile.write(b"x" * 10_000)
                sent.append(10_000)
        except OSError:
            pass

    receiver.answer = endless

    assert channel().send(message(receiver.url)).delivered
    receiver.closing.wait(0.2)
    assert sum(sent) < 50_000_000


def test_headers_without_end_are_a_failure(receiver):
    receiver.answer = lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000)

    assert channel().send(message(receiver.url)).error


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00\xff" * 100])
def test_what_is_not_http_is_a_failure_with_a_reason(receiver, answer):
    receiver.answer = lambda handler: handler.wfile.write(answer)

    outcome = channel().send(message(receiver.url))

    assert outcome.status is None
    assert "Error" in outcome.error


def test_a_large_notice_to_a_receiver_that_does_not_read_ends_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}/"

        outcome = channel(timeout=0.4).send(message(address, b'"' + b"x" * 20_000_000 + b'"'))

    assert outcome.error == "no answer within 0.4 s"


def test_the_connection_goes_to_the_checked_address_while_the_name_is_asked_for(receiver):
    looked_up: list[str] = []

    def resolve(host: str) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    outcome = channel(resolve=resolve).send(message(f"http://{NAME}:{receiver.port}/hook?a=b"))

    assert outcome.status == 200
    assert looked_up == [NAME], "a second look-up could answer differently"
    assert receiver.received[0].headers["host"] == f"{NAME}:{receiver.port}"
    assert receiver.received[0].path == "/hook?a=b"


def test_a_name_that_has_moved_inside_since_it_was_checked_is_not_sent_to(receiver):
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    guarded = channel(private=False, resolve=lambda host: next(answers))
    address = f"https://{NAME}:{receiver.port}/"

    assert guarded.check(address) == NAME
    outcome = guarded.send(message(address))

    assert "not an address of the open internet" in outcome.error
    assert receiver.received == []


def test_the_next_address_of_a_host_is_tried_when_one_refuses(receiver):
    outcome = channel(resolve=lambda host: ["127.0.0.2", "127.0.0.1"]).send(message(f"http://{NAME}:{receiver.port}/"))

    assert outcome.status == 200


def test_a_proxy_in_the_environment_is_not_used(receiver, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    assert channel().send(message(receiver.url)).status == 200


def test_a_host_that_cannot_be_looked_up_is_an_outcome_when_sending_and_an_error_when_checking():
    def nowhere(host: str) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    guarded = channel(private=False, resolve=nowhere)

    assert "cannot be looked up" in guarded.send(message("https://gone.example/")).error
    with pytest.raises(Invalid):
        guarded.check("https://gone.example/")


# -- TLS ---------------------------------------------------------------------------------------------------


class Authority:
    """A certificate of its own making for one name, and what trusts it."""

    def __init__(self, folder, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        private = serialization.PrivateFormat.PKCS8
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.file = folder / "certificate.pem"
        self.file.write_bytes(
            pem + key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
        )
        self.trust = ssl.create_default_context(cadata=pem.decode())


class TlsServer:
    """Takes one connection, keeps the name it was asked for, and answers 200."""

    def __init__(self, authority: Authority) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(authority.file)
        self._tls.sni_callback = lambda connection, name, context: self.asked_for.append(name)
        self.asked_for: list[str | None] = []
        self.received = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._answer_once)

    def __enter__(self) -> TlsServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._listening.close()

    def _answer_once(self) -> None:
        self._listening.settimeout(60)
        plain, _ = self._listening.accept()
        with plain:
            try:
                with self._tls.wrap_socket(plain, server_side=True) as secured:
                    while not self.received.endswith(b"{}"):
                        self.received += secured.recv(65_536)
                    secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                return  # A sender that does not trust us hangs up.


@pytest.fixture
def authority(tmp_path) -> Iterator[Authority]:
    yield Authority(tmp_path, NAME)


def test_over_tls_the_pinned_address_must_prove_to_be_the_name(authority):
    with TlsServer(authority) as server:
        pinned = channel(resolve=lambda host: ["127.0.0.1"], tls=authority.trust)

        outcome = pinned.send(message(f"https://{NAME}:{server.port}/hook"))

    assert outcome.status == 200
    assert server.asked_for == [NAME]
    assert f"Host: {NAME}:{server.port}".encode() in server.received


@pytest.mark.parametrize("name", ["other.example.test", NAME])
def test_a_certificate_for_another_name_or_of_nobody_we_trust_is_a_failure(authority, name):
    tls = authority.trust if name != NAME else ssl.create_default_context()
    with TlsServer(authority) as server:
        outcome = channel(resolve=lambda host: ["127.0.0.1"], tls=tls).send(message(f"https://{name}:{server.port}/"))

    assert outcome.status is None
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.error
    assert server.received == b""


def test_a_status_is_all_that_is_kept_of_an_answer(receiver):
    receiver.answer = status(500, X_Secret="inside")

    outcome = channel().send(message(receiver.url))

    assert (outcome.status, outcome.error) == (500, "HTTP 500")


@pytest.mark.parametrize(
    ("header", "expected"),
    [("30", 30.0), ("0", 0.0), ("Fri, 01 Jan 2100 00:00:00 GMT", None), ("-5", None), ("1" * 30, None)],
)
def test_a_pause_is_understood_in_seconds(receiver, header, expected):
    receiver.answer = status(503, Retry_After=header)

    assert channel().send(message(receiver.url)).retry_after == expected


def test_closing_a_receiver_in_the_middle_is_a_failure():
    with Receiver() as receiver:
        receiver.answer = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)

        outcome = channel().send(message(receiver.url))

    assert outcome.error
